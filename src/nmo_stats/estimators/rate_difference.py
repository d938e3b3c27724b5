"""Relapses per patient-year avoided, with the score interval for two Poisson rates."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Interval, RateDifference, require_level
from nmo_stats.numerics.roots import increasing_roots


def pooled_rate_difference(pair: Comparison, level: float = 0.95) -> RateDifference | None:
    """Return pooled reference rate minus pooled comparator rate, per patient-year.

    The interval inverts the score test: at a difference d the two rates are estimated under the constraint
    ``rate_0 - rate_1 = d``, which is a quadratic equation (Miettinen and Nurminen,
    doi:10.1002/sim.4780040211).

    Returns
    -------
    RateDifference or None
        None at a zero cell, where the score interval degenerates.

    Examples
    --------
    >>> pair = Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])
    >>> difference = pooled_rate_difference(pair)
    >>> print(f"{difference.estimate:.3f} ({difference.interval.low:.3f} to {difference.interval.high:.3f})")
    1.955 (0.305 to 4.218)
    """
    level = require_level(level)
    relapses, years = np.array(pair.totals), np.array(pair.total_years)
    if not relapses.all():
        return None
    estimate = float(relapses[0] / years[0] - relapses[1] / years[1])
    quantile = float(ndtri((1 + level) / 2))
    targets = quantile * np.array([-1.0, 1.0])  # of a root that rises with the difference

    def excess(difference: Floats, number: Counts) -> Floats:
        rate = _constrained_comparator_rate(relapses, years, difference)
        variance = (rate + difference) / years[0] + rate / years[1]
        return np.asarray((difference - estimate) / np.sqrt(variance) - targets[number])

    step = quantile * math.sqrt(np.sum(relapses / years**2))
    low, high = increasing_roots(excess, np.full(2, estimate), step, precision=1e-12)
    return RateDifference(estimate, Interval(float(low), float(high), level, "confidence"))


def _constrained_comparator_rate(relapses: Counts, years: Floats, difference: Floats) -> Floats:
    """Return the comparator rate that maximizes the likelihood when rate_0 = rate_1 + difference."""
    linear = years.sum() * difference - relapses.sum()
    product = 2 * difference * relapses[1]
    root = np.sqrt(linear**2 + 2 * years.sum() * product)
    with np.errstate(divide="ignore", invalid="ignore"):  # of the form that is not taken
        return np.asarray(
            np.where(linear <= 0, (root - linear) / (2 * years.sum()), product / (root + linear))
        )
