"""The exact distribution of the total of independent binomials under a common rate ratio.

The total's probabilities form an exponential family in the log ratio: if they are known at one ratio (the base),
those at any other follow by tilting,

    P_ratio(total = k)  is proportional to  P_base(total = k) * (ratio / base)^k,

with the normalizing constant in closed form. One convolution therefore serves every limit and every p-value. The
base puts the mean at the observed total, where tilted sums keep their relative precision even when the
convolution is done by FFT.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from scipy.special import log_expit

from nmo_stats.arrays import Counts, Floats
from nmo_stats.estimators.within_patient import Strata, log_ratio_with_mean

_MOST_DIRECT_RELAPSES: Final = 5_000
_SHORT: Final = 200


@dataclass(frozen=True, eq=False)
class ObservedTotal:
    """The observed number of comparator relapses in its exact distribution.

    Parameters
    ----------
    strata
        Totals and log time ratios of the patients.
    observed
        Relapses on the comparator.
    log_base
        Log ratio at which ``log_pmf`` is tabulated.
    log_pmf
        Log probabilities of 0, 1, ..., relapses at the base ratio.
    """

    strata: Strata
    observed: int
    log_base: float
    log_pmf: Floats

    def lower_tail(self, log_ratio: float, *, midp: bool = False) -> float:
        """Return P(total <= observed), counting the observed total half for mid-p."""
        return self._tail(log_ratio, upper=False, midp=midp)

    def upper_tail(self, log_ratio: float, *, midp: bool = False) -> float:
        """Return P(total >= observed), counting the observed total half for mid-p."""
        return self._tail(log_ratio, upper=True, midp=midp)

    def _tail(self, log_ratio: float, *, upper: bool, midp: bool) -> float:
        # The tail that lies away from the mean is summed; the other one is its complement.
        weight = 0.5 if midp else 1.0
        sums_upper = log_ratio <= self.log_base
        first, last = (self.observed, self.strata.relapses) if sums_upper else (0, self.observed)
        probabilities = self._probability(np.arange(first, last + 1), log_ratio)
        at = float(probabilities[self.observed - first])
        tail = float(probabilities.sum()) - (1 - weight) * at
        return min(1.0, tail if upper == sums_upper else 1 - tail + (2 * weight - 1) * at)

    def _probability(self, totals: Counts, log_ratio: float) -> Floats:
        shift = _log_normalizer(self.strata, self.log_base) - _log_normalizer(self.strata, log_ratio)
        return np.exp(self.log_pmf[totals] + totals * (log_ratio - self.log_base) + shift)


def observed_total(strata: Strata, observed: int) -> ObservedTotal:
    """Return the exact distribution of the comparator total around its observed value."""
    mean = min(max(observed, 0.5), strata.relapses - 0.5)
    log_base = log_ratio_with_mean(strata, mean)
    binomials = [
        _binomial_pmf(int(total), float(ratio) + log_base)
        for total, ratio in zip(strata.totals, strata.log_time_ratios, strict=True)
    ]
    pmf = _by_pairs(binomials) if strata.relapses > _MOST_DIRECT_RELAPSES else reduce(np.convolve, binomials)
    with np.errstate(divide="ignore"):
        return ObservedTotal(strata, observed, log_base, np.log(pmf))


def _log_normalizer(strata: Strata, log_ratio: float) -> float:
    """Return log of prod (1 + ratio t_1/t_0)^n, the sum of the untilted weights."""
    return float(-np.dot(strata.totals, log_expit(-(log_ratio + strata.log_time_ratios))))


def _binomial_pmf(size: int, logit: float) -> Floats:
    """Return the binomial probabilities of 0..size from the ratios of neighbours, which never overflow."""
    counts = np.arange(size)
    steps = np.log(size - counts) - np.log(counts + 1) + logit  # log p(k + 1) - log p(k)
    log_none = size * float(log_expit(-logit))
    return np.asarray(np.exp(np.concatenate([[log_none], log_none + np.cumsum(steps)])))


def _by_pairs(parts: list[Floats]) -> Floats:
    """Convolve pairwise, short with short and long ones by FFT, so that the cost stays near linear."""
    while len(parts) > 1:
        parts = sorted(parts, key=len)
        odd = parts.pop() if len(parts) % 2 else None
        parts = [_convolved(first, second) for first, second in zip(parts[::2], parts[1::2], strict=True)]
        if odd is not None:
            parts.append(odd)
    return parts[0]


def _convolved(first: Floats, second: Floats) -> Floats:
    if len(first) < _SHORT:
        return np.convolve(first, second)
    from scipy.signal import fftconvolve

    return np.maximum(fftconvolve(first, second), 0.0)
