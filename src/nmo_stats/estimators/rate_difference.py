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
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    if not (reference and comparator):
        return None
    estimate = reference / reference_years - comparator / comparator_years
    quantile = float(ndtri((1 + level) / 2))
    step = quantile * math.sqrt(reference / reference_years**2 + comparator / comparator_years**2)

    def excess(differences: Floats, number: Counts) -> Floats:
        scores = [_score(pair, estimate, float(difference)) for difference in differences]
        return np.asarray(quantile * np.where(number == 0, 1.0, -1.0) - scores)

    low, high = map(float, increasing_roots(excess, np.full(2, estimate), step, precision=1e-12))
    return RateDifference(estimate, Interval(low, high, level, "confidence"))


def _score(pair: Comparison, estimate: float, difference: float) -> float:
    """Return the score statistic of a difference, which falls from one end of the scale to the other."""
    reference_years, comparator_years = pair.total_years
    rate = _constrained_comparator_rate(pair, difference)
    variance = (rate + difference) / reference_years + rate / comparator_years
    return (estimate - difference) / math.sqrt(variance)


def _constrained_comparator_rate(pair: Comparison, difference: float) -> float:
    """Return the comparator rate that maximizes the likelihood when rate_0 = rate_1 + difference."""
    relapses, years = sum(pair.totals), sum(pair.total_years)
    linear = years * difference - relapses
    root = math.sqrt(linear**2 + 4 * years * difference * pair.totals[1])
    return (root - linear) / (2 * years) if linear <= 0 else 2 * difference * pair.totals[1] / (root + linear)
