"""Exact rate ratios of many series: the pooled one in closed form, the one within patients by convolution.

Given each patient's total the comparator counts are binomial, and the probabilities of their sum form an
exponential family in the log ratio: if they are known at one ratio (the base), those at any other follow by
tilting,

    P_ratio(total = k)  is proportional to  P_base(total = k) * (ratio / base)^k,

with the normalizing constant in closed form. One convolution therefore serves every limit and every p-value.
The base puts the mean at the observed total, where tilted sums keep their relative precision even when the
convolution is done by FFT.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.special import betainc, betainccinv, betaincinv, expit, log_expit

from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.within_patient import Strata, log_ratio_mle, log_ratio_with_mean, strata
from nmo_stats.numerics.roots import increasing_roots

SMALLEST_P: Final = sys.float_info.min  # a p-value is never 0
_MOST_DIRECT_RELAPSES: Final = 5_000
_SHORT: Final = 200  # probabilities: below, convolving directly is faster than by FFT


@dataclass(frozen=True, eq=False)
class PooledExact:
    """The binomial distribution of the comparator's share of all relapses: one rate for all patients.

    Parameters
    ----------
    reference, comparator
        Relapses of all patients, shape (series,).
    log_time_ratio
        log(comparator years / reference years), shape (series,).
    """

    reference: Counts
    comparator: Counts
    log_time_ratio: Floats
    is_poisson: ClassVar = True

    @property
    def log_estimate(self) -> Floats:
        """Log ratio of the two rates; infinite at a zero cell."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.comparator) - np.log(self.reference) - self.log_time_ratio)

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the limits of Clopper and Pearson, as odds of a comparator relapse over the ratio of times.

        Both the probability and its complement come from a beta quantile, so that neither loses digits.
        """
        y0, y1, tail = self.reference, self.comparator, (1 - level) / 2
        # the parameters of a limit that does not exist are moved to where the quantile does
        some0, some1 = np.maximum(y0, 1), np.maximum(y1, 1)
        low = betaincinv(some1, y0 + 1, tail) / betainccinv(y0 + 1, some1, tail)
        high = betainccinv(y1 + 1, some0, tail) / betaincinv(some0, y1 + 1, tail)
        times = np.exp(-self.log_time_ratio)
        return np.where(y1 > 0, low * times, 0.0), np.where(y0 > 0, high * times, np.inf)

    def p_values(self, ratio: float) -> Floats:
        """Return the central p-values."""
        y0, y1 = self.reference, self.comparator
        comparator, reference = (expit(sign * (np.log(ratio) + self.log_time_ratio)) for sign in (1, -1))
        upper = np.where(y1 > 0, betainc(np.maximum(y1, 1), y0 + 1, comparator), 1.0)
        lower = np.where(y0 > 0, betainc(np.maximum(y0, 1), y1 + 1, reference), 1.0)
        return _central(lower, upper)


@dataclass(frozen=True, eq=False)
class ConditionalExact:
    """The distribution of the comparator total, given each patient's total.

    Parameters
    ----------
    strata
        Totals and log time ratios of the patients.
    observed
        Relapses on the comparator, shape (series,).
    log_base
        Log ratio at which ``log_pmf`` is tabulated, shape (series,).
    log_pmf
        Log probabilities of 0, 1, ... at the base ratio, shape (series, largest total + 1).
    midp
        Whether the observed total counts half in each tail.
    """

    strata: Strata
    observed: Counts
    log_base: Floats
    log_pmf: Floats
    midp: bool
    is_poisson: ClassVar = True

    @property
    def log_estimate(self) -> Floats:
        """Conditional maximum likelihood estimate of the log ratio; infinite at a zero cell."""
        return log_ratio_mle(self.strata, self.observed)

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the ratios at which the upper, and the lower tail has the probability (1 - level) / 2."""
        has_low, has_high = self.observed > 0, self.observed < self.strata.relapses
        series = np.concatenate([np.flatnonzero(has_low), np.flatnonzero(has_high)])
        upper = np.arange(len(series)) < has_low.sum()
        log_tail = np.log((1 - level) / 2)

        def excess(log_ratio: Floats, number: Counts) -> Floats:
            tails = self._tails(log_ratio, series[number], upper[number])
            above = np.log(np.maximum(tails, SMALLEST_P)) - log_tail
            return np.asarray(np.where(upper[number], above, -above))

        roots = np.exp(increasing_roots(excess, self.log_base[series], 1.0)) if len(series) else np.empty(0)
        low, high = np.zeros(len(self.observed)), np.full(len(self.observed), np.inf)
        low[has_low], high[has_high] = roots[upper], roots[~upper]
        return low, high

    def p_values(self, ratio: float) -> Floats:
        """Return the central p-values: twice the smaller tail."""
        series, everywhere = np.arange(len(self.observed)), np.ones(len(self.observed), dtype=bool)
        log_ratio = np.full(len(series), np.log(ratio))
        return _central(*(self._tails(log_ratio, series, side) for side in (~everywhere, everywhere)))

    def _tails(self, log_ratio: Floats, series: Counts, upper: Flags) -> Floats:
        """Return P(total >= observed) or P(total <= observed); for mid-p the observed total counts half."""
        shift = log_ratio - self.log_base[series]
        constant = self._log_normalizer(self.log_base[series], series) - self._log_normalizer(
            log_ratio, series
        )
        counts, observed = np.arange(self.log_pmf.shape[1]), self.observed[series, None]
        logs = self.log_pmf[series] + counts * shift[:, None] + constant[:, None]
        # The tail that lies away from the mean is summed; the other one is its complement.
        sums_upper = shift <= 0
        summed = np.where(sums_upper[:, None], counts >= observed, counts <= observed)
        tail = np.exp(np.where(summed, logs, -np.inf)).sum(axis=1)
        at = np.exp(np.take_along_axis(logs, observed, axis=1)[:, 0])
        weight = 0.5 if self.midp else 1.0
        tails = np.where(sums_upper == upper, tail - (1 - weight) * at, 1 - tail + weight * at)
        return np.asarray(np.minimum(tails, 1.0))

    def _log_normalizer(self, log_ratio: Floats, series: Counts) -> Floats:
        return -self.strata.only(series).log_none(log_ratio)


def pooled_exact(cohorts: Cohorts) -> PooledExact:
    """Return the exact pooled ratio of each series."""
    relapses, years = cohorts.relapses.sum(axis=1), cohorts.years.sum(axis=1)
    return PooledExact(relapses[:, 0], relapses[:, 1], np.log(years[:, 1] / years[:, 0]))


def conditional_exact(cohorts: Cohorts, *, midp: bool = False) -> ConditionalExact:
    """Return the exact ratio within patients of each series, which has a relapse."""
    patients, observed = strata(cohorts), cohorts.relapses[:, :, 1].sum(axis=1)
    log_base = log_ratio_with_mean(patients, np.clip(observed, 0.5, patients.relapses - 0.5))
    with np.errstate(divide="ignore"):
        log_pmf = np.log(_probabilities(patients, log_base))
    return ConditionalExact(patients, observed, log_base, log_pmf, midp)


def _central(lower: Floats, upper: Floats) -> Floats:
    return np.asarray(np.clip(2 * np.minimum(lower, upper), SMALLEST_P, 1.0))


def _probabilities(patients: Strata, log_ratio: Floats) -> Floats:
    """Return the distribution of the comparator total, shape (series, largest total + 1).

    The strata are convolved pairwise, so that the cost stays near linear in the relapses.
    """
    logits = log_ratio[:, None] + patients.log_time_ratios
    parts = [_binomial(*stratum) for stratum in zip(patients.totals.T, logits.T, strict=True)]
    most = int(patients.relapses.max())
    while len(parts) > 1:
        parts.sort(key=lambda part: part.shape[1])
        odd = [parts.pop()] if len(parts) % 2 else []
        pairs = zip(parts[::2], parts[1::2], strict=True)
        by_fft = most > _MOST_DIRECT_RELAPSES
        parts = [_convolved(*pair, by_fft=by_fft)[:, : most + 1] for pair in pairs] + odd
    return parts[0]


def _binomial(size: Counts, logit: Floats) -> Floats:
    """Return the probabilities of 0, 1, ... from the ratios of neighbours, which never overflow."""
    counts = np.arange(int(size.max()))
    with np.errstate(divide="ignore"):
        steps = np.log(np.maximum(size[:, None] - counts, 0)) - np.log(counts + 1)
    log_none = (size * log_expit(-logit))[:, None]
    rest = log_none + np.cumsum(steps + logit[:, None], axis=1)
    return np.asarray(np.exp(np.hstack([log_none, rest])))


def _convolved(short: Floats, long: Floats, *, by_fft: bool) -> Floats:
    """Convolve row by row; direct sums of positive numbers keep their relative precision, an FFT does not."""
    if by_fft and short.shape[1] >= _SHORT:
        from scipy.signal import fftconvolve

        return np.maximum(fftconvolve(short, long, axes=1), 0.0)
    if len(short) == 1:
        return np.convolve(short[0], long[0])[None]
    total = np.zeros((len(long), short.shape[1] + long.shape[1] - 1))
    for count in range(short.shape[1]):
        total[:, count : count + long.shape[1]] += short[:, count, None] * long
    return total
