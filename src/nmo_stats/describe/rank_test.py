"""Exact tests of paired differences that papers print, each with the smallest p it could reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from nmo_stats.arguments import instance, numbers
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.estimate import require_level

_MOST_ENUMERATED: Final = 500


@dataclass(frozen=True, slots=True)
class SignedRank:
    """An exact two-sided signed-rank test.

    Parameters
    ----------
    p_value
        Exact two-sided p-value over all signs of the observed ranks; its Normal limit above 500 differences.
    smallest_p_value
        The smallest that so many non-zero differences can give, 2 / 2^n.
    pairs
        Non-zero differences.
    """

    p_value: float
    smallest_p_value: float
    pairs: int

    @property
    def is_exact(self) -> bool:
        """Whether the p-value counts all signs; above 500 differences it is the Normal limit."""
        return self.pairs <= _MOST_ENUMERATED

    def can_reach(self, level: float = 0.95) -> bool:
        """Return whether any data of this size could give a p-value of at most 1 - level."""
        return self.smallest_p_value <= 1 - require_level(level)


@dataclass(frozen=True, slots=True)
class SignTest:
    """An exact two-sided sign test.

    Parameters
    ----------
    p_value
        Exact two-sided p-value.
    smallest_p_value
        The smallest that so many non-zero differences can give, 2 / 2^n.
    positive, negative
        Differences above and below 0.
    """

    p_value: float
    smallest_p_value: float
    positive: int
    negative: int

    @property
    def pairs(self) -> int:
        """Non-zero differences."""
        return self.positive + self.negative

    def can_reach(self, level: float = 0.95) -> bool:
        """Return whether any data of this size could give a p-value of at most 1 - level."""
        return self.smallest_p_value <= 1 - require_level(level)


def wilcoxon(pair: Comparison) -> SignedRank:
    """Test the individual ARRs of the two periods by signed ranks, exactly, ties and zero differences included.

    It ignores the follow-up times and cannot reach 0.05 with fewer than six patients; it is here because papers
    print it.

    Raises
    ------
    NotIdentifiedError
        If no patient's ARR differs between the periods.

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


def signed_rank(differences: npt.NDArray[np.float64]) -> SignedRank:
    """Test whether differences are symmetric about 0 by their observed ranks; zero differences are left out.

    Raises
    ------
    ArgumentError
        If every difference is zero.
    """
    from scipy.stats import rankdata

    kept = _non_zero(differences)
    # Mid-ranks are halves: whole when doubled.
    doubled = np.rint(2 * rankdata(np.abs(kept))).astype(np.int64)
    p_value = _two_sided(doubled, int(doubled[kept > 0].sum()))
    return SignedRank(p_value, 2.0 ** (1 - len(kept)), len(kept))


def sign_test(differences: npt.NDArray[np.float64]) -> SignTest:
    """Test whether differences are as often above as below 0; zero differences are left out.

    Raises
    ------
    ArgumentError
        If every difference is zero.
    """
    from scipy.stats import binomtest

    kept = _non_zero(differences)
    positive = int((kept > 0).sum())
    p_value = float(binomtest(positive, len(kept)).pvalue)
    return SignTest(p_value, 2.0 ** (1 - len(kept)), positive, len(kept) - positive)


def signed_rank_cut(pairs: int, tail: float) -> int:
    """Return the largest k with P(T < k) <= tail for the signed-rank sum T of so many untied differences; 0 if none.

    The k-th smallest and the k-th largest mean of two differences then bound an interval of level 1 - 2 tail.
    """
    if pairs > _MOST_ENUMERATED:
        centre, spread = pairs * (pairs + 1) / 4, np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
        return int(max(np.floor(centre + ndtri(tail) * spread), 0))
    below = np.cumsum(_rank_sums(np.arange(1, pairs + 1)))
    return int(np.searchsorted(below, tail * (1 + 1e-12), side="right"))


def _non_zero(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = numbers("differences", differences, "(patients,)")
    kept = known[known != 0]
    if not len(kept):
        raise ArgumentError("every difference is zero: there is nothing to test")
    return np.asarray(kept)


def rate_differences(pair: Comparison) -> npt.NDArray[np.float64]:
    """Return the non-zero differences of the patients' rates, in units of the largest rate."""
    rates = pair.relapses / pair.years
    # Equal rates must not differ, and ties not break, in the last bit of a division: 1 in 7 months is 3 in 21.
    differences = np.round((rates[:, 1] - rates[:, 0]) / (rates.max() or 1.0), 12)
    return np.asarray(differences[differences != 0])


def _two_sided(doubled_ranks: npt.NDArray[np.int64], positive: int) -> float:
    """Return twice the smaller tail of the sum of positive ranks, each rank positive with probability 1/2."""
    if len(doubled_ranks) > _MOST_ENUMERATED:
        distance = abs(positive - doubled_ranks.sum() / 2) / (np.sqrt(np.sum(doubled_ranks**2.0)) / 2)
        return float(2 * ndtr(-distance))
    distribution = _rank_sums(doubled_ranks)
    return float(min(1.0, 2 * min(distribution[: positive + 1].sum(), distribution[positive:].sum())))


def _rank_sums(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the distribution of the sum of the positive ranks on 0, 1, ..., by convolution over the ranks."""
    distribution = np.ones(1)
    for rank in ranks:
        shifted = np.zeros(len(distribution) + int(rank))
        shifted[: len(distribution)] += distribution / 2
        shifted[int(rank) :] += distribution / 2
        distribution = shifted
    return distribution
