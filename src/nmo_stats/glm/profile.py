"""Intervals and p-values from a profile likelihood, whatever the model behind it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, Interval, require_level

ZERO_CELL = "no relapse in one period: use the exact interval"
_FARTHEST = 100.0

Deviance = Callable[[float], float]


def require_relapses_in_both(pair: Comparison, method: str) -> None:
    """Refuse a pair with a zero cell, where the likelihood has no maximum at a finite ratio.

    Raises
    ------
    NotIdentifiedError
        If one of the two periods, or both, have no relapse.
    """
    if not sum(pair.totals):
        raise NotIdentifiedError(NO_INFORMATION, method)
    if 0 in pair.totals:
        raise NotIdentifiedError(ZERO_CELL, method)


def profile_interval(deviance: Deviance, log_estimate: float, level: float) -> Interval:
    """Return the ratios whose deviance is at most the chi-squared quantile with one degree of freedom.

    Parameters
    ----------
    deviance
        Twice the drop of the profile log-likelihood from its maximum, as a function of the log ratio.
    log_estimate
        Where it is 0.
    level
        Confidence level.
    """
    cut = float(chdtri(1, 1 - require_level(level)))
    low = _crossing(deviance, cut, log_estimate, step=-0.5)
    high = _crossing(deviance, cut, log_estimate, step=0.5)
    return Interval(math.exp(low), math.exp(high), level, "confidence")


def profile_p_value(deviance: Deviance, ratio: float) -> float:
    """Return the likelihood-ratio p-value, which agrees with the interval; never 0."""
    return max(float(chdtrc(1, max(deviance(math.log(ratio)), 0.0))), sys.float_info.min)


def _crossing(deviance: Deviance, cut: float, start: float, *, step: float) -> float:
    """Return the log ratio beyond ``start`` where the deviance reaches the cut; infinite if it never does."""
    near, far = start, start + step
    while deviance(far) < cut:
        near, far, step = far, far + 2 * step, 2 * step
        if abs(far - start) > _FARTHEST:
            return math.copysign(math.inf, step)
    if deviance(near) >= cut:  # the cut of a very low level is below the precision of the deviance
        return near

    def beyond(
        log_ratio: float,
    ) -> float:  # the root of the deviance is close to a straight line: half the steps
        return math.sqrt(max(deviance(log_ratio), 0.0)) - math.sqrt(cut)

    return float(brentq(beyond, near, far, xtol=1e-12, rtol=1e-12))
