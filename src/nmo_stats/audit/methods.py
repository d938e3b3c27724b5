"""The statistical methods that papers use for a rate, a ratio of two rates, and paired rates.

The usual ones are those of the estimators and of :mod:`nmo_stats.describe`; here are the others that a paper
may have used. Each raises ``NotIdentifiedError`` where it has no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from scipy.special import gammaincc, ndtr, ndtri
from scipy.stats import binomtest

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.describe.arr import poisson_rate_interval
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, Interval
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.rank_tests import many_paired_t, rate_differences, sign_test, wilcoxon
from nmo_stats.exact import conditional, pooled
from nmo_stats.glm import poisson
from nmo_stats.numerics.roots import increasing_roots
from nmo_stats.wording import counted

LEVEL: Final = 0.95
TAIL: Final = (1 - LEVEL) / 2
_NORMAL: Final = float(ndtri(1 - TAIL))
Limits = tuple[float, float]
PValue = Callable[[Comparison], float]


# Limits of an expected number of relapses


def garwood(relapses: int) -> Limits:
    """Return the exact limits; R: ``poisson.test(x)``. Garwood F, doi:10.1093/biomet/28.3-4.437."""
    low, high = poisson_rate_interval(relapses, 1.0, LEVEL)
    return float(low), float(high)


def wald(relapses: int) -> Limits:
    """Return x ± z √x, the lower one below 0 in fewer than four relapses."""
    step = _NORMAL * math.sqrt(_positive(relapses))
    return relapses - step, relapses + step


def truncated_wald(relapses: int) -> Limits:
    """Return Wald's limits with a lower one of 0 where it would be negative."""
    low, high = wald(relapses)
    if low >= 0:
        raise NotIdentifiedError("the Wald limit is not negative: nothing is cut off", "wald_truncated")
    return 0.0, high


def log_wald(relapses: int) -> Limits:
    """Return x exp(± z / √x), the limits of a Poisson regression."""
    factor = math.exp(_NORMAL / math.sqrt(_positive(relapses)))
    return relapses / factor, relapses * factor


def mid_p(relapses: int) -> Limits:
    """Return the exact limits that count the observed number half in each tail.

    Cohen GR, Yang SY, doi:10.1002/sim.4780132102.
    """
    tails = np.array([1 - TAIL, TAIL])

    def excess(log_expected: Floats, which: Counts) -> Floats:
        expected = np.exp(log_expected)
        fewer = gammaincc(relapses, expected) if relapses else np.zeros(len(expected))
        return np.asarray(tails[which] - (fewer + gammaincc(relapses + 1, expected)) / 2)

    start = np.full(2, math.log(relapses + 0.5))
    low, high = np.exp(
        increasing_roots(excess, start, 1.0, farthest=50.0)
    )  # no lower limit without a relapse
    return float(low), float(high)


def byar(relapses: int) -> Limits:
    """Return Byar's approximation of the exact limits.

    Breslow NE, Day NE. Statistical methods in cancer research, volume II, page 69.
    """
    more = relapses + 1
    low = relapses * (1 - 1 / (9 * relapses) - _NORMAL / (3 * math.sqrt(relapses))) ** 3 if relapses else 0.0
    return max(low, 0.0), more * (1 - 1 / (9 * more) + _NORMAL / (3 * math.sqrt(more))) ** 3


RATE_LIMITS: Final[dict[str, Callable[[int], Limits]]] = {
    "garwood": garwood,
    "wald": wald,
    "wald_truncated": truncated_wald,
    "log_wald": log_wald,
    "mid_p": mid_p,
    "byar": byar,
}


def _positive(relapses: int) -> int:
    if not relapses:
        raise NotIdentifiedError(f"no such limit with {counted(relapses, 'relapse')}", "wald")
    return relapses


# A ratio of two pooled rates: comparisons of one row, the totals of the series


def log_wald_limits(pair: Comparison, added: float = 0.0) -> Limits:
    """Return ratio × exp(± z √(1/x0 + 1/x1)), the limits of a Poisson regression by its standard error."""
    ratio, error = _log_wald(pair, added)
    factor = math.exp(_NORMAL * error)
    return ratio / factor, ratio * factor


def log_wald_p(pair: Comparison) -> float:
    """Return the p-value that ``summary(glm(...))`` of R prints."""
    ratio, error = _log_wald(pair)
    return _normal_p(math.log(ratio) / error)


def haldane_ratio(pair: Comparison) -> float:
    """Return the ratio with half a relapse added to both periods, as papers do where one has none."""
    return _log_wald(_with_a_zero(pair), 0.5)[0]


def score_limits(pair: Comparison) -> Limits:
    """Return the ratios that the score test admits: Wilson's limits of the comparator's part of the relapses.

    References
    ----------
    Wilson EB, doi:10.1080/01621459.1927.10502953. Gu K et al., doi:10.1002/bimj.200710403.
    """
    reference, comparator, time_ratio = _totals(pair)
    interval = binomtest(comparator, comparator + reference).proportion_ci(LEVEL, "wilson")
    low = interval.low / (1 - interval.low) / time_ratio if comparator else 0.0
    return float(low), float(interval.high / (1 - interval.high) / time_ratio) if reference else math.inf


def score_p(pair: Comparison) -> float:
    """Return the p-value of the score test of equal rates."""
    reference, comparator, time_ratio = _totals(pair)
    return _normal_p((comparator - time_ratio * reference) / math.sqrt(time_ratio * (comparator + reference)))


def tail_p(pair: Comparison, *alternatives: Literal["two-sided", "less", "greater"]) -> float:
    """Return the smallest p-value of the exact conditional test; R: ``poisson.test``."""
    reference, comparator, time_ratio = _totals(pair)
    proportion = time_ratio / (1 + time_ratio)
    tests = (binomtest(comparator, comparator + reference, proportion, side) for side in alternatives)
    return min(float(test.pvalue) for test in tests)


RATIO_LIMITS: Final[dict[str, Callable[[Comparison], Limits]]] = {
    "exact_limit": lambda pair: _ends(pooled(pair).interval(LEVEL)),
    "log_wald": log_wald_limits,
    "profile_likelihood": lambda pair: _ends(poisson(pair).interval(LEVEL)),
    "score": score_limits,
    "mid_p": lambda pair: _ends(conditional(pair, midp=True).interval(LEVEL)),
    "haldane": lambda pair: log_wald_limits(_with_a_zero(pair), 0.5),
}
RATIO_P_VALUES: Final[dict[str, PValue]] = {
    "exact_p": lambda pair: pooled(pair).p_value(),
    "minimum_likelihood": lambda pair: tail_p(pair, "two-sided"),
    "mid_p": lambda pair: conditional(pair, midp=True).p_value(),
    "log_wald": log_wald_p,
    "profile_likelihood": lambda pair: poisson(pair).p_value(),
    "score": score_p,
    "one_sided": lambda pair: tail_p(pair, "less", "greater"),
}


def _totals(pair: Comparison) -> tuple[int, int, float]:
    """Return relapses of both periods, and comparator time / reference time."""
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    if not reference + comparator:
        raise NotIdentifiedError(NO_INFORMATION, "score")
    return reference, comparator, comparator_years / reference_years


def _with_a_zero(pair: Comparison) -> Comparison:
    if all(pair.totals):
        raise NotIdentifiedError("both periods have relapses: nothing is added", "haldane")
    return pair


def _log_wald(pair: Comparison, added: float = 0.0) -> Limits:
    """Return the ratio and the standard error of its logarithm."""
    reference, comparator, time_ratio = _totals(pair)
    if not added and not (reference and comparator):
        raise NotIdentifiedError(
            "a period without a relapse has no standard error of its log rate", "log_wald"
        )
    error = math.sqrt(1 / (reference + added) + 1 / (comparator + added))
    return (comparator + added) / (reference + added) / time_ratio, error


def _ends(interval: Interval) -> Limits:
    return interval.low, interval.high


def _normal_p(score: float) -> float:
    return float(2 * ndtr(-abs(score)))


# The individual rates of patients with both drugs


def normal_p(pair: Comparison, *, correction: bool = False, with_ties: bool = False) -> float:
    """Return the Normal approximation of the signed-rank test, equal rates ranked too ``with_ties``.

    R: ``wilcox.test(paired = TRUE, exact = FALSE)``; Pratt JW, doi:10.1080/01621459.1959.10501526.
    """
    from scipy.stats import wilcoxon as signed_ranks

    differences, rule = _differences(pair), "pratt" if with_ties else "wilcox"
    if with_ties:
        differences = np.concatenate([differences, np.zeros(len(pair.relapses) - len(differences))])
    test = signed_ranks(differences, None, rule, correction, method="asymptotic")  # type: ignore[call-overload]
    return float(test.pvalue)


def pratt_p(pair: Comparison) -> float:
    """Return the Normal approximation that ranks equal rates too; without any it is the usual one."""
    if len(pair.relapses) == len(_differences(pair)):
        raise NotIdentifiedError("no patient's rates are equal", "wilcoxon")
    return normal_p(pair, with_ties=True)


def one_sided_p(pair: Comparison) -> float:
    """Return the smaller tail of the exact signed-rank distribution."""
    two_sided = wilcoxon(pair).p_value
    if two_sided >= 1:
        raise NotIdentifiedError("neither tail is below a half", "wilcoxon")
    return two_sided / 2


def paired_t_p(pair: Comparison) -> float:
    """Return the p of the paired t test of the rates; R: ``t.test(paired = TRUE)``."""
    p_value = float(many_paired_t(Cohorts.of(pair)).p_value[0])
    if math.isnan(p_value):
        raise NotIdentifiedError("the t test needs differences that vary", "paired_t")
    return p_value


PAIRED_P_VALUES: Final[dict[str, PValue]] = {
    "signed_rank": lambda pair: wilcoxon(pair).p_value,
    "normal_approximation": normal_p,
    "normal_approximation_corrected": lambda pair: normal_p(pair, correction=True),
    "pratt": pratt_p,
    "one_sided": one_sided_p,
    "sign_test": lambda pair: sign_test(_differences(pair)).p_value,
    "paired_t": paired_t_p,
}


def _differences(pair: Comparison) -> Floats:
    differences = rate_differences(pair)
    if not len(differences):
        raise NotIdentifiedError("no patient's rate differs between the periods", "wilcoxon")
    return differences
