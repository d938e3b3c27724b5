"""Every estimator of simulated series: the methods of the package, and tests that papers use beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from nmo_stats.arguments import one_of, sequence
from nmo_stats.arrays import Counts
from nmo_stats.errors import ArgumentError
from nmo_stats.estimators.intervals import Answers, Cohorts, Intervals
from nmo_stats.estimators.methods import RATIO_METHODS, intervals
from nmo_stats.estimators.rank_tests import many_paired_t, many_wilcoxon
from nmo_stats.hierarchical import DEFAULT_PRIORS, ratio_posteriors
from nmo_stats.hierarchical.many import FINEST
from nmo_stats.names import HIERARCHICAL

Estimator = Callable[[Cohorts, float], Answers]


def hierarchical_quadrature(cohorts: Cohorts, level: float) -> Intervals:
    """Return the posterior of the typical patient's ratio: median and equal-tailed interval, default priors.

    A series without any relapse holds no information: it counts as not identified.
    """
    answers, known = np.full((3, len(cohorts)), np.nan), cohorts.has_relapses
    if known.any():
        series = cohorts.only(known)
        posteriors = ratio_posteriors(
            np.asarray(series.relapses, dtype=np.int64), series.years, DEFAULT_PRIORS, steps=FINEST
        )
        quantiles = [posteriors.quantile(p) for p in (0.5, (1 - level) / 2, (1 + level) / 2)]
        answers[:, known] = np.exp(quantiles)
    return Intervals(*answers)


def _ratio(method: str, cohorts: Cohorts, level: float) -> Intervals:
    return intervals(method, cohorts.relapses, cohorts.years, level)


_RATIOS: Final[dict[str, Estimator]] = {method: partial(_ratio, method) for method in RATIO_METHODS}
ESTIMATORS: Final[dict[str, Estimator]] = {
    **{method: ask for method, ask in _RATIOS.items() if method != "gee_sandwich"},
    HIERARCHICAL: hierarchical_quadrature,
    "gee_sandwich": _RATIOS["gee_sandwich"],
    "wilcoxon": lambda cohorts, _: many_wilcoxon(cohorts),
    "paired_t": lambda cohorts, _: many_paired_t(cohorts),
}


TESTS: Final = frozenset({"wilcoxon", "paired_t"})
HIGHEST_LEVEL: Final = 0.99  # up to which the limits of the hierarchical model in many series are accurate


def require_estimators(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names if each is that of an estimator, else raise.

    Raises
    ------
    ArgumentError
        If a name is unknown or stands twice, or there is none.
    """
    chosen = tuple(one_of("estimators", name, ESTIMATORS) for name in sequence("estimators", names))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ArgumentError(f"estimators {chosen!r}: different names out of {', '.join(ESTIMATORS)}")
    return chosen


def answers(name: str, cohorts: Cohorts, level: float) -> Answers:
    """Return what an estimator says about each series, equal series being computed once."""
    first, inverse = distinct(cohorts)
    return ESTIMATORS[name](cohorts.only(first), level).taken(inverse)


def distinct(cohorts: Cohorts) -> tuple[Counts, Counts]:
    """Return the places of distinct series, and which of them each one equals in some order of patients."""
    rows = np.concatenate([cohorts.years, cohorts.relapses], axis=2)
    keys = tuple(rows[:, :, column] for column in (3, 2, 1, 0))
    order = np.lexsort(keys, axis=1)
    ordered = np.take_along_axis(rows, order[:, :, None], axis=1).reshape(len(rows), -1)
    _, places, inverse = np.unique(ordered, axis=0, return_index=True, return_inverse=True)
    return places, inverse
