"""Exact confidence intervals and central p-values for a rate ratio, pooled or stratified by patient."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from scipy.optimize import brentq

from nmo_stats.arguments import flag, instance
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import (
    NO_INFORMATION,
    Caution,
    Estimand,
    Interval,
    RateRatio,
    require_level,
    require_ratio,
)
from nmo_stats.estimators.rate_difference import pooled_rate_difference
from nmo_stats.estimators.within_patient import (
    Strata,
    dispersion_cautions,
    log_ratio_mle,
    pair_cautions,
    patient_strata,
    pooled_cautions,
    pooled_stratum,
    require_countable,
)
from nmo_stats.estimators.zero_cell import one_sided_cautions
from nmo_stats.exact.convolution import ObservedTotal, observed_total


@dataclass(frozen=True, eq=False)
class ExactRatio:
    """A rate ratio whose interval and p-values come from the exact conditional distribution.

    Parameters
    ----------
    pair
        The two periods.
    total
        The observed comparator total in its distribution.
    method, estimand
        ``"pooled_exact"`` (pooled), ``"conditional_exact"`` or ``"conditional_midp"`` (within_patient).
    midp
        Whether the observed total counts half in each tail: shorter, with coverage near the level on average
        instead of at least the level always.
    """

    pair: Comparison
    total: ObservedTotal
    method: str
    estimand: Estimand
    midp: bool

    @cached_property
    def cautions(self) -> tuple[Caution, ...]:
        """Reasons to read the ratio with care."""
        pooled_only = pooled_cautions(self.pair) if self.estimand == "pooled" else ()
        everywhere = one_sided_cautions(self.pair) + pair_cautions(self.pair)
        return pooled_only + dispersion_cautions(self.pair) + everywhere

    def interval(self, level: float = 0.95) -> Interval:
        """Return the central interval."""
        tail = (1 - require_level(level)) / 2
        return Interval(self._lower_limit(tail), self._upper_limit(tail), level, "confidence")

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the maximum likelihood estimate with its central interval.

        The estimate and the lower limit are 0 without a relapse on the comparator; the estimate and the upper
        limit are infinite without one on the reference.
        """
        return RateRatio(
            estimate=math.exp(log_ratio_mle(self.total.strata, self.total.observed)),
            interval=self.interval(level),
            method=self.method,
            estimand=self.estimand,
            cautions=self.cautions,
            p_value=self.p_value(),
            rate_difference=pooled_rate_difference(self.pair, level) if self.estimand == "pooled" else None,
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the central two-sided p-value for a given ratio: twice the smaller tail, at most 1.

        It is never 0: below the range of floating-point numbers the smallest of them is returned.
        """
        log_ratio = math.log(require_ratio(ratio))
        lower = self.total.lower_tail(log_ratio, midp=self.midp)
        upper = self.total.upper_tail(log_ratio, midp=self.midp)
        return min(1.0, max(2 * min(lower, upper), sys.float_info.min))

    def _lower_limit(self, tail: float) -> float:
        if self.total.observed == 0:
            return 0.0
        return _ratio_where(
            lambda x: self.total.upper_tail(x, midp=self.midp) - tail, self.total.log_base, step=-1.0
        )

    def _upper_limit(self, tail: float) -> float:
        if self.total.observed == self.total.strata.relapses:
            return math.inf
        return _ratio_where(
            lambda x: self.total.lower_tail(x, midp=self.midp) - tail, self.total.log_base, step=1.0
        )


def pooled(pair: Comparison) -> ExactRatio:
    """Compare two Poisson totals by the conditional binomial test.

    Assumes one rate for all patients, or the same ratio of follow-up times in all (caution
    ``unequal_follow_up``), and Poisson counts (``overdispersed``). The interval is that of R's ``poisson.test``;
    the p-value is the central one, which agrees with the interval.

    Raises
    ------
    NotIdentifiedError
        If there is no relapse in either period.

    References
    ----------
    Clopper CJ, Pearson ES. doi:10.1093/biomet/26.4.404. Przyborowski J, Wilenski H. doi:10.1093/biomet/31.3-4.313.

    Examples
    --------
    >>> pair = Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])
    >>> ratio = pooled(pair).rate_ratio()
    >>> print(f"{ratio.estimate:.4f} ({ratio.interval.low:.4f} to {ratio.interval.high:.3f}), p {ratio.p_value:.4f}")
    0.2037 (0.0214 to 0.984), p 0.0470
    """
    instance("pair", pair, Comparison)
    return _exact(pair, pooled_stratum(pair), "pooled_exact", "pooled")


def conditional(pair: Comparison, *, midp: bool = False) -> ExactRatio:
    """Compare the two periods within patients: a common ratio, each patient with an own rate.

    Given each patient's total, the comparator counts are binomial; their sum is a convolution of binomials whose
    tails are inverted. A patient without relapses does not move the ratio. Assumes Poisson counts within a
    period (caution ``overdispersed``).

    Parameters
    ----------
    pair
        The two periods.
    midp
        Count the observed total half in each tail.

    Raises
    ------
    NotIdentifiedError
        If there is no relapse in either period.

    References
    ----------
    Cox DR, Hinkley DV. Theoretical Statistics, section 7.2. Mid-p: Lancaster HO, doi:10.1080/01621459.1961.10482105.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> ratio = conditional(pair, midp=True).rate_ratio()
    >>> print(f"{ratio.estimate:.5f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.19325 (0.0272 to 0.8601)
    """
    instance("pair", pair, Comparison)
    flag("midp", midp)
    method = "conditional_midp" if midp else "conditional_exact"
    return _exact(pair, patient_strata(pair), method, "within_patient", midp=midp)


def _exact(
    pair: Comparison,
    strata: Strata,
    method: str,
    estimand: Estimand,
    *,
    midp: bool = False,
) -> ExactRatio:
    if not sum(pair.totals):
        raise NotIdentifiedError(NO_INFORMATION, method)
    require_countable(pair, method)
    return ExactRatio(pair, observed_total(strata, pair.totals[1]), method, estimand, midp)


def _ratio_where(excess: Callable[[float], float], log_start: float, *, step: float) -> float:
    """Return the ratio where ``excess`` of the log ratio falls below 0, searching from ``log_start`` in steps."""
    near, far = log_start, log_start + step
    while excess(near) < 0:  # a mid-p limit of a low level can lie on the other side of the estimate
        near, far, step = near - step, near, 2 * step
    while excess(far) > 0:
        near, far, step = far, far + 2 * step, 2 * step
    return math.exp(float(brentq(excess, near, far, xtol=1e-13, rtol=1e-13)))
