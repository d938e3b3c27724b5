"""Poisson profile-likelihood intervals of many series at once, pooled and within patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.optimize import elementwise
from scipy.special import chdtri, log_expit

from nmo_stats.arrays import Counts, Floats
from nmo_stats.operating.estimators.answers import Intervals
from nmo_stats.simulate import Cohorts, point_estimates

Deviance = Callable[[Floats, Counts], Floats]

_FARTHEST: Final = 100.0  # on the log scale: beyond, a deviance that has not reached its cut never will


def poisson(cohorts: Cohorts, level: float) -> Intervals:
    """Return the marginal Poisson ratio of each series with its profile interval; not identified at a zero cell."""
    together = Cohorts(cohorts.relapses.sum(axis=1, keepdims=True), cohorts.years.sum(axis=1, keepdims=True))
    return _profile(together, level)


def conditional_poisson(cohorts: Cohorts, level: float) -> Intervals:
    """Return the within-patient Poisson ratio of each series with its profile interval; not identified at a zero cell."""
    return _profile(cohorts, level)


def in_both(cohorts: Cohorts) -> np.ndarray:
    """Return which series have a relapse in each of the two periods."""
    return np.asarray((cohorts.relapses.sum(axis=1) > 0).all(axis=1))


def limits(
    deviance: Deviance, log_estimate: Floats, level: float, precision: float = 1e-9
) -> tuple[Floats, Floats]:
    """Return the ratios on either side of the estimates where a deviance reaches its chi-squared cut.

    Parameters
    ----------
    deviance
        Of log ratios and the places of their series, both of shape (series,).
    log_estimate
        Where it is 0, shape (series,).
    level
        Confidence level.
    precision
        Of a limit, on the log scale.
    """
    cut = float(chdtri(1, 1 - level))
    places = np.arange(len(log_estimate))

    def excess(log_ratio: Floats, place: Counts) -> Floats:
        return deviance(log_ratio, place) - cut

    sides = []
    for outward in (-1.0, 1.0):
        step = np.full(len(places), 0.5)
        while (short := (excess(log_estimate + outward * step, places) < 0) & (step < _FARTHEST)).any():
            step = np.where(short, 2 * step, step)
        ends = log_estimate, log_estimate + outward * step
        root = elementwise.find_root(
            excess, (np.minimum(*ends), np.maximum(*ends)), args=(places,), tolerances={"xatol": precision}
        )
        sides.append(np.exp(np.where(step >= _FARTHEST, outward * np.inf, root.x)))
    return sides[0], sides[1]


def _profile(cohorts: Cohorts, level: float) -> Intervals:
    known = in_both(cohorts)
    if not known.any():
        return Intervals.none(len(cohorts))
    inside = Cohorts(cohorts.relapses[known], cohorts.years[known])
    totals = inside.relapses.sum(axis=2)
    comparator = inside.relapses[:, :, 1].sum(axis=1)
    offsets = np.log(inside.years[:, :, 1] / inside.years[:, :, 0])
    estimate = point_estimates(inside)["conditional_exact"]
    log_estimate = np.log(estimate)

    def log_likelihood(log_ratio: Floats, place: Counts) -> Floats:
        none = (totals[place] * log_expit(-(log_ratio[:, None] + offsets[place]))).sum(axis=1)
        return np.asarray(comparator[place] * log_ratio + none)

    largest = log_likelihood(log_estimate, np.arange(len(log_estimate)))
    low, high = limits(
        lambda log_ratio, place: 2 * (largest[place] - log_likelihood(log_ratio, place)), log_estimate, level
    )
    return Intervals(estimate, low, high).placed(known)
