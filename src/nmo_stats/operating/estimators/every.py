"""Every estimator, for many series at once: the same names as the estimators of one series, and what papers use beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from nmo_stats.arguments import one_of, sequence
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import DEFAULT_PRIORS, ratio_posteriors
from nmo_stats.hierarchical.many import FINEST
from nmo_stats.names import HIERARCHICAL
from nmo_stats.operating.estimators.answers import Answers, Intervals
from nmo_stats.operating.estimators.arr_tests import paired_t, wilcoxon
from nmo_stats.operating.estimators.exact import conditional_exact, pooled_exact
from nmo_stats.operating.estimators.likelihood import conditional_poisson, poisson
from nmo_stats.operating.estimators.negative_binomial import negative_binomial
from nmo_stats.operating.estimators.sandwich import gee, gee_sandwich
from nmo_stats.simulate import Cohorts

Estimator = Callable[[Cohorts, float], Answers]


def hierarchical_quadrature(cohorts: Cohorts, level: float) -> Intervals:
    """Return posterior median and equal-tailed interval of the typical patient's ratio, default priors, Poisson counts.

    A series without any relapse holds no information: it counts as not identified.
    """
    known = cohorts.relapses.sum(axis=(1, 2)) > 0
    if not known.any():
        return Intervals.none(len(cohorts))
    posteriors = ratio_posteriors(cohorts.relapses[known], cohorts.years[known], DEFAULT_PRIORS, steps=FINEST)
    quantiles = (posteriors.quantile(p) for p in (0.5, (1 - level) / 2, (1 + level) / 2))
    return Intervals(*map(np.exp, quantiles)).placed(known)


ESTIMATORS: Final[dict[str, Estimator]] = {
    "pooled_exact": pooled_exact,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "gee": gee,
    "conditional_exact": conditional_exact,
    "conditional_midp": partial(conditional_exact, midp=True),
    "conditional_poisson": conditional_poisson,
    HIERARCHICAL: hierarchical_quadrature,
    "gee_sandwich": gee_sandwich,
    "wilcoxon": lambda cohorts, _: wilcoxon(cohorts),
    "paired_t": lambda cohorts, _: paired_t(cohorts),
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
    places, inverse = distinct(cohorts)
    once = Cohorts(cohorts.relapses[places], cohorts.years[places])
    return ESTIMATORS[name](once, level).taken(inverse)


def distinct(cohorts: Cohorts) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the distinct series, and for every series which of them it equals but for the patients' order."""
    rows = np.concatenate([cohorts.years, cohorts.relapses], axis=2)
    keys = tuple(rows[:, :, column] for column in (3, 2, 1, 0))
    order = np.lexsort(keys, axis=1)
    ordered = np.take_along_axis(rows, order[:, :, None], axis=1).reshape(len(rows), -1)
    _, places, inverse = np.unique(ordered, axis=0, return_index=True, return_inverse=True)
    return places, inverse
