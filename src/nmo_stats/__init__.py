"""Relapse-rate inference for small within-patient series.

Examples
--------
>>> import nmo_stats as nmo
>>> from nmo_stats import exact
>>> pair = nmo.load_example().compare("tocilizumab", reference="rituximab")
>>> print(f"{exact.conditional(pair).rate_ratio().estimate:.3f}")
0.193
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nmo_stats.errors import ArgumentError, CohortError, ConvergenceError, NmoStatsError, NotIdentifiedError

if TYPE_CHECKING:
    from nmo_stats.analysis import Analysis, analyze
    from nmo_stats.cohort import Cohort, Comparison, load_example, read_periods
    from nmo_stats.estimate import RateRatio
    from nmo_stats.events import read_events
    from nmo_stats.tables.files import TableFile

__version__ = "0.1.0"

# Names that are loaded on first use: pandas and scipy take longer to import than most answers take to
# compute.
_HOMES = {
    "Analysis": "nmo_stats.analysis",
    "analyze": "nmo_stats.analysis",
    "Cohort": "nmo_stats.cohort",
    "Comparison": "nmo_stats.cohort",
    "load_example": "nmo_stats.cohort",
    "read_periods": "nmo_stats.cohort",
    "RateRatio": "nmo_stats.estimate",
    "read_events": "nmo_stats.events",
    "TableFile": "nmo_stats.tables.files",
}
_MODULES = (
    "analysis",
    "audit",
    "cohort",
    "describe",
    "diagnostics",
    "estimate",
    "estimators",
    "events",
    "exact",
    "figures",
    "glm",
    "hierarchical",
    "operating",
    "rates",
    "recommendation",
    "report",
    "sensitivity",
    "simulate",
    "tables",
)

__all__ = [
    "Analysis",
    "ArgumentError",
    "Cohort",
    "CohortError",
    "Comparison",
    "ConvergenceError",
    "NmoStatsError",
    "NotIdentifiedError",
    "RateRatio",
    "TableFile",
    "analyze",
    "load_example",
    "read_events",
    "read_periods",
]


def __getattr__(name: str) -> object:
    """Load a public name or module when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"nmo_stats.{name}")
    raise AttributeError(f"module 'nmo_stats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
