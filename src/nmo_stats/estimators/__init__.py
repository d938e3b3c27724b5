"""Every estimator of the rate ratio, and what all of them share."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nmo_stats.estimators.classical import RateResults, Refusal, classical_rates, combined

__all__ = ["RateResults", "Refusal", "classical_rates", "combined"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for: hierarchical models need the cautions alone."""
    if name in __all__:
        return getattr(importlib.import_module("nmo_stats.estimators.classical"), name)
    raise AttributeError(f"module 'nmo_stats.estimators' has no attribute {name!r}")
