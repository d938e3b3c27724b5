"""Relapses per patient-year avoided, with the score interval for two Poisson rates."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtri

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Interval, RateDifference, require_level


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

    def score(difference: float) -> float:
        rate = _constrained_comparator_rate(pair, difference)
        variance = (rate + difference) / reference_years + rate / comparator_years
        return (estimate - difference) / math.sqrt(variance)

    step = quantile * math.sqrt(reference / reference_years**2 + comparator / comparator_years**2)
    low_bound, high_bound = estimate - step, estimate + step
    while score(low_bound) < quantile:
        low_bound -= step
    while score(high_bound) > -quantile:
        high_bound += step
    low = brentq(lambda difference: score(difference) - quantile, low_bound, estimate, xtol=1e-12)
    high = brentq(lambda difference: score(difference) + quantile, estimate, high_bound, xtol=1e-12)
    return RateDifference(estimate, Interval(float(low), float(high), level, "confidence"))


def _constrained_comparator_rate(pair: Comparison, difference: float) -> float:
    """Return the comparator rate that maximizes the likelihood when rate_0 = rate_1 + difference."""
    relapses, years = sum(pair.totals), sum(pair.total_years)
    linear = years * difference - relapses
    root = math.sqrt(linear**2 + 4 * years * difference * pair.totals[1])
    return (root - linear) / (2 * years) if linear <= 0 else 2 * difference * pair.totals[1] / (root + linear)
