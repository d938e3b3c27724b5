"""Limits and p-values of a ratio of two pooled rates: the exact ones, and those of other programs.

Each method takes a comparison of one row, the totals of the series, and raises ``NotIdentifiedError`` where
it has no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.estimators.methods import ZERO_CELL
from nmo_stats.exact import conditional, pooled
from nmo_stats.glm import poisson

LEVEL: Final = 0.95
_NORMAL: Final = float(ndtri((1 + LEVEL) / 2))
Limits = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Totals:
    """Relapses of both periods, and comparator time / reference time."""

    reference: int
    comparator: int
    time_ratio: float

    @property
    def share(self) -> float:
        """Share of the time in the comparator period: that of its relapses where the rates are equal."""
        return self.time_ratio / (1 + self.time_ratio)


def exact_limits(pair: Comparison) -> Limits:
    """Return the limits of the exact conditional test; R: ``poisson.test``."""
    interval = pooled(pair).interval(LEVEL)
    return interval.low, interval.high


def exact_p(pair: Comparison) -> float:
    """Return the central p-value, twice the smaller tail."""
    return pooled(pair).p_value()


def mid_p_limits(pair: Comparison) -> Limits:
    """Return exact limits that count the observed total half in each tail."""
    interval = conditional(pair, midp=True).interval(LEVEL)
    return interval.low, interval.high


def mid_p(pair: Comparison) -> float:
    """Return twice the smaller tail, the observed total counted half."""
    return conditional(pair, midp=True).p_value()


def minimum_likelihood_p(pair: Comparison) -> float:
    """Return the probability of all outcomes no more likely than the observed one; R: ``poisson.test``."""
    totals = _totals(pair)
    return float(binomtest(totals.comparator, totals.comparator + totals.reference, totals.share).pvalue)


def one_sided_p(pair: Comparison) -> float:
    """Return the smaller exact tail; R: ``poisson.test(alternative = "less")`` or ``"greater"``."""
    totals = _totals(pair)
    relapses = totals.comparator + totals.reference
    return min(
        float(binomtest(totals.comparator, relapses, totals.share, alternative=side).pvalue)
        for side in ("less", "greater")
    )


def profile_limits(pair: Comparison) -> Limits:
    """Return the likelihood-ratio limits of a Poisson regression; R: ``confint(glm(...))``."""
    interval = poisson(pair).interval(LEVEL)
    return interval.low, interval.high


def profile_p(pair: Comparison) -> float:
    """Return the p-value of the likelihood-ratio test."""
    return poisson(pair).p_value()


def log_wald_limits(pair: Comparison) -> Limits:
    """Return ratio × exp(± z √(1/x0 + 1/x1)), the limits of a Poisson regression by its standard error."""
    totals = _totals(pair, needs_both=True)
    return _on_log_scale(totals.reference, totals.comparator, totals.time_ratio)


def log_wald_p(pair: Comparison) -> float:
    """Return the p-value that ``summary(glm(...))`` of R prints."""
    totals = _totals(pair, needs_both=True)
    log_ratio = math.log(totals.comparator / totals.reference / totals.time_ratio)
    return _normal_p(log_ratio / math.sqrt(1 / totals.reference + 1 / totals.comparator))


def haldane_ratio(pair: Comparison) -> float:
    """Return the ratio with half a relapse added to both periods, as papers do where one has none."""
    totals = _with_a_zero(pair)
    return (totals.comparator + 0.5) / (totals.reference + 0.5) / totals.time_ratio


def haldane_limits(pair: Comparison) -> Limits:
    """Return the log-Wald limits with half a relapse added to both periods."""
    totals = _with_a_zero(pair)
    return _on_log_scale(totals.reference + 0.5, totals.comparator + 0.5, totals.time_ratio)


def score_limits(pair: Comparison) -> Limits:
    """Return the ratios that the score test admits: Wilson's limits of the comparator's share of the relapses.

    References
    ----------
    Wilson EB, doi:10.1080/01621459.1927.10502953. Gu K et al., doi:10.1002/bimj.200710403.
    """
    totals = _totals(pair)
    interval = binomtest(totals.comparator, totals.comparator + totals.reference).proportion_ci(
        LEVEL, "wilson"
    )
    low, high = (
        share / (1 - share) / totals.time_ratio if share < 1 else math.inf
        for share in (interval.low, interval.high)
    )
    return (0.0 if not totals.comparator else float(low)), (math.inf if not totals.reference else float(high))


def score_p(pair: Comparison) -> float:
    """Return the p-value of the score test of equal rates."""
    totals = _totals(pair)
    excess = totals.comparator - totals.time_ratio * totals.reference
    return _normal_p(excess / math.sqrt(totals.time_ratio * (totals.comparator + totals.reference)))


LIMITS: Final[dict[str, Callable[[Comparison], Limits]]] = {
    "log_wald": log_wald_limits,
    "profile_likelihood": profile_limits,
    "score": score_limits,
    "mid_p": mid_p_limits,
    "haldane": haldane_limits,
}
P_VALUES: Final[dict[str, Callable[[Comparison], float]]] = {
    "minimum_likelihood": minimum_likelihood_p,
    "mid_p": mid_p,
    "log_wald": log_wald_p,
    "profile_likelihood": profile_p,
    "score": score_p,
    "one_sided": one_sided_p,
}


def _totals(pair: Comparison, *, needs_both: bool = False) -> _Totals:
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    if not reference + comparator:
        raise NotIdentifiedError(NO_INFORMATION, "score")
    if needs_both and not (reference and comparator):
        raise NotIdentifiedError(ZERO_CELL, "log_wald")
    return _Totals(reference, comparator, comparator_years / reference_years)


def _with_a_zero(pair: Comparison) -> _Totals:
    totals = _totals(pair)
    if totals.reference and totals.comparator:
        raise NotIdentifiedError("both periods have relapses: nothing is added", "haldane")
    return totals


def _on_log_scale(reference: float, comparator: float, time_ratio: float) -> Limits:
    factor = math.exp(_NORMAL * math.sqrt(1 / reference + 1 / comparator))
    ratio = comparator / reference / time_ratio
    return ratio / factor, ratio * factor


def _normal_p(score: float) -> float:
    return float(2 * ndtr(-abs(score)))
