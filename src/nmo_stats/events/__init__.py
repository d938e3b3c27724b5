"""From dated treatments and relapses to the period table."""

from nmo_stats.events.read import read_events
from nmo_stats.events.rules import Rules

__all__ = ["Rules", "read_events"]
