"""The textbook GEE sandwich that papers print: here to be shown beside valid methods, never as a recommendation."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from nmo_stats.arguments import instance
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import Caution, Interval, RateRatio, require_level, require_ratio
from nmo_stats.glm.profile import require_relapses_in_both


@dataclass(frozen=True, eq=False)
class SandwichRatio:
    """A pooled ratio with the uncorrected sandwich standard error and Normal limits."""

    log_estimate: float
    standard_error: float
    cautions: tuple[Caution, ...]
    method: str = "gee_sandwich"

    def interval(self, level: float = 0.95) -> Interval:
        """Return the Normal interval of the logarithm."""
        margin = float(ndtri((1 + require_level(level)) / 2)) * self.standard_error
        limits = math.exp(self.log_estimate - margin), math.exp(self.log_estimate + margin)
        return Interval(*limits, level, "confidence")

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the ratio as a paper would print it."""
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=self.interval(level),
            method=self.method,
            estimand="pooled",
            cautions=self.cautions,
            p_value=self.p_value(),
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the two-sided Normal p-value for a given ratio."""
        statistic = abs(self.log_estimate - math.log(require_ratio(ratio))) / self.standard_error
        return max(2 * float(ndtr(-statistic)), sys.float_info.min)


def gee_sandwich(pair: Comparison) -> SandwichRatio:
    """Fit a Poisson GEE as papers do: independence, no small-sample correction, Normal limits.

    With one rate per period the estimate is the pooled ratio and the sandwich variance of its logarithm is
    ``sum_i (r_i1 / y_1 - r_i0 / y_0)^2``, with the patients' residuals r and the totals y of the two periods.

    Raises
    ------
    NotIdentifiedError
        If a period has no relapse, or all residuals are 0.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> ratio = gee_sandwich(load_example().compare("tocilizumab", reference="rituximab")).rate_ratio()
    >>> print(f"{ratio.interval.low:.4f} to {ratio.interval.high:.4f}, p {ratio.p_value:.4f}")
    0.0731 to 0.5674, p 0.0023
    """
    instance("pair", pair, Comparison)
    require_relapses_in_both(pair, "gee_sandwich")
    totals, years = np.array(pair.totals, dtype=float), np.array(pair.total_years)
    residuals = pair.relapses - pair.years * totals / years
    influence = residuals[:, 1] / totals[1] - residuals[:, 0] / totals[0]
    variance = float(np.sum(influence**2))
    if variance < 1e-24:
        raise NotIdentifiedError(
            "every residual is 0: the sandwich has nothing to estimate a variance from", "gee_sandwich"
        )
    text = f"{len(pair.patients)} patients: the uncorrected sandwich is far too confident"
    log_ratio = math.log(totals[1] / years[1]) - math.log(totals[0] / years[0])
    return SandwichRatio(log_ratio, math.sqrt(variance), (Caution("few_patients", text),))
