"""Tests of paired differences that papers print, with the smallest p that so many patients can reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from nmo_stats.arguments import instance, numbers
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.estimate import require_level
from nmo_stats.estimators.intervals import Cohorts, PValues

_MOST_ENUMERATED: Final = 500
_MOST_ENUMERATED_IN_MANY: Final = 50  # patients: thousands of series are counted for minutes above


@dataclass(frozen=True, slots=True)
class _PairedTest:
    """An exact two-sided test of paired differences.

    Parameters
    ----------
    p_value
        Exact two-sided p-value over all signs of the differences.
    smallest_p_value
        The smallest that so many non-zero differences can give, 2 / 2^n.
    """

    p_value: float
    smallest_p_value: float

    def can_reach(self, level: float = 0.95) -> bool:
        """Return whether any data of this size could give a p-value of at most 1 - level.

        Parameters
        ----------
        level
            1 minus the level of the test.

        Returns
        -------
        bool
            False for few differences.

        Raises
        ------
        ArgumentError
            If the level is not between 0 and 1.
        """
        return self.smallest_p_value <= 1 - require_level(level)


@dataclass(frozen=True, slots=True)
class SignedRank(_PairedTest):
    """A signed-rank test, over all signs of the observed ranks.

    Parameters
    ----------
    p_value
        Exact two-sided p-value.
    smallest_p_value
        The smallest that so many non-zero differences can give, 2 / 2^n.
    pairs
        Non-zero differences; above 500 the p-value is the Normal limit.
    """

    pairs: int

    @property
    def is_exact(self) -> bool:
        """Whether the p-value counts all signs; above 500 differences it is the Normal limit."""
        return self.pairs <= _MOST_ENUMERATED


@dataclass(frozen=True, slots=True)
class SignTest(_PairedTest):
    """A sign test.

    Parameters
    ----------
    p_value
        Exact two-sided p-value.
    smallest_p_value
        The smallest that so many non-zero differences can give, 2 / 2^n.
    positive, negative
        Differences above and below 0.
    """

    positive: int
    negative: int

    @property
    def pairs(self) -> int:
        """Non-zero differences."""
        return self.positive + self.negative


def wilcoxon(pair: Comparison) -> SignedRank:
    """Test the individual ARRs of the two periods by signed ranks, exactly, with ties and zero differences.

    It ignores the follow-up times and cannot reach 0.05 with fewer than six patients; it is here because
    papers print it.

    Parameters
    ----------
    pair
        The two periods.

    Returns
    -------
    SignedRank
        The test.

    Raises
    ------
    NotIdentifiedError
        If no patient's ARR differs between the periods.
    ArgumentError
        If the argument is no comparison.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> test = wilcoxon(load_example().compare("tocilizumab", reference="rituximab"))
    >>> test.p_value, test.smallest_p_value
    (0.25, 0.25)
    """
    instance("pair", pair, Comparison)
    differences = rate_differences(pair)
    if not len(differences):
        raise NotIdentifiedError("no patient's rate differs between the periods", "wilcoxon")
    return signed_rank(differences)


def signed_rank(differences: Floats) -> SignedRank:
    """Test whether differences are symmetric about 0 by their observed ranks; zero differences are left out.

    Parameters
    ----------
    differences
        Shape (patients,).

    Returns
    -------
    SignedRank
        The test.

    Raises
    ------
    ArgumentError
        If every difference is zero, or one is no finite number.
    """
    kept = _non_zero(differences)
    p_value = float(_signed_ranks(kept[None], _MOST_ENUMERATED)[0])
    return SignedRank(p_value, 2.0 ** (1 - len(kept)), len(kept))


def sign_test(differences: Floats) -> SignTest:
    """Test whether differences are as often above as below 0; zero differences are left out.

    Parameters
    ----------
    differences
        Shape (patients,).

    Returns
    -------
    SignTest
        The test.

    Raises
    ------
    ArgumentError
        If every difference is zero, or one is no finite number.
    """
    from scipy.stats import binomtest

    kept = _non_zero(differences)
    positive = int((kept > 0).sum())
    p_value = float(binomtest(positive, len(kept)).pvalue)
    return SignTest(p_value, 2.0 ** (1 - len(kept)), positive, len(kept) - positive)


def signed_rank_cut(pairs: int, tail: float) -> int:
    """Return the largest k with P(T < k) <= tail for the signed-rank sum T of untied differences; 0 if none.

    The k-th smallest and the k-th largest mean of two differences then bound an interval of level 1 - 2 tail.
    """
    if pairs > _MOST_ENUMERATED:
        centre, spread = pairs * (pairs + 1) / 4, np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
        return int(max(np.floor(centre + ndtri(tail) * spread), 0))
    below = np.cumsum(_rank_sums(np.arange(1, pairs + 1)[None])[0])
    return int(np.searchsorted(below, tail * (1 + 1e-12), side="right"))


def rate_differences(pair: Comparison) -> Floats:
    """Return the non-zero differences of the patients' rates, in units of the largest rate."""
    differences = _rate_differences(Cohorts.of(pair))[0]
    return np.asarray(differences[differences != 0])


def many_wilcoxon(cohorts: Cohorts) -> PValues:
    """Return the signed-rank p-values of many series; none where no rate differs."""
    return PValues(_signed_ranks(_rate_differences(cohorts), _MOST_ENUMERATED_IN_MANY))


def many_paired_t(cohorts: Cohorts) -> PValues:
    """Return the paired t test p-values of many series; none where the differences do not vary."""
    differences = _rate_differences(cohorts)
    patients = differences.shape[1]
    if patients < 2:
        return PValues(np.full(len(differences), np.nan))
    spread = differences.std(axis=1, ddof=1)
    error = np.where(spread > 1e-12, spread, np.nan) / np.sqrt(patients)
    return PValues(2 * stdtr(patients - 1, -np.abs(differences.mean(axis=1) / error)))


def _non_zero(differences: Floats) -> Floats:
    known = numbers("differences", differences, "(patients,)")
    kept = known[known != 0]
    if not len(kept):
        raise ArgumentError("every difference is zero: there is nothing to test")
    return np.asarray(kept)


def _rate_differences(cohorts: Cohorts) -> Floats:
    """Return comparator minus reference rate of each patient, in units of the series' largest rate.

    Equal rates must not differ, and ties not break, in the last bit of a division: 1 in 7 months is 3 in 21.
    """
    rates = cohorts.relapses / cohorts.years
    largest = rates.max(axis=(1, 2))
    return np.round((rates[:, :, 1] - rates[:, :, 0]) / np.where(largest > 0, largest, 1.0)[:, None], 12)


def _signed_ranks(differences: Floats, most_enumerated: int) -> Floats:
    """Return twice the smaller tail of the sum of positive ranks; NaN in a row without any difference.

    Each rank is positive with probability 1/2. All signs are counted up to a number of patients, above it the
    Normal limit is taken, whose variance is that of the ranks as they are tied.
    """
    from scipy.stats import rankdata  # slow to import, and seldom needed

    zero = differences == 0
    # The zeros share the lowest ranks, which are then taken off; mid-ranks are halves: whole when doubled.
    ranks = rankdata(np.abs(differences), axis=1) - zero.sum(axis=1, keepdims=True)
    doubled = np.where(zero, 0, np.rint(2 * ranks)).astype(np.int64)
    positive = np.where(differences > 0, doubled, 0).sum(axis=1)
    if doubled.shape[1] <= most_enumerated:
        sums = _rank_sums(doubled)
        reach = np.arange(sums.shape[1])
        lower, upper = reach <= positive[:, None], reach >= positive[:, None]
        p_values = 2 * np.minimum((sums * lower).sum(axis=1), (sums * upper).sum(axis=1))
    else:
        squares = (doubled.astype(np.float64) ** 2).sum(axis=1)
        distance = np.abs(positive - doubled.sum(axis=1) / 2) / (np.sqrt(np.maximum(squares, 1.0)) / 2)
        p_values = 2 * ndtr(-distance)
    return np.where(zero.all(axis=1), np.nan, np.minimum(p_values, 1.0))


def _rank_sums(ranks: Counts) -> Floats:
    """Return the distribution of the sum of positive ranks on 0, 1, ..., row by row, by convolution."""
    sums = np.zeros((len(ranks), int(ranks.sum(axis=1).max(initial=0)) + 1))
    sums[:, 0], reach = 1.0, 1
    for rank in ranks.T:
        halves = sums[:, :reach] / 2
        sums[:, :reach] = halves
        reach = min(reach + int(rank.max()), sums.shape[1])
        for amount in np.unique(rank):
            rows, width = rank == amount, min(halves.shape[1], reach - amount)
            sums[rows, amount : amount + width] += halves[rows, :width]
    return sums
