"""Tests that papers run on individual relapse rates, for many series at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import ndtr, stdtr

from nmo_stats.arrays import Counts, Floats
from nmo_stats.operating.estimators.answers import PValues
from nmo_stats.simulate import Cohorts

_MOST_ENUMERATED: Final = 50


def wilcoxon(cohorts: Cohorts) -> PValues:
    """Return two-sided signed-rank p-values over the observed ranks, exact up to 50 patients and Normal above; none where no rate differs."""
    from scipy.stats import rankdata  # slow to import, and seldom needed

    differences = _differences(cohorts)
    zero = differences == 0
    # the zeros share the lowest ranks, which are then taken off; mid-ranks are halves: whole when doubled
    ranks = rankdata(np.abs(differences), axis=1) - zero.sum(axis=1, keepdims=True)
    doubled = np.where(zero, 0, np.rint(2 * ranks)).astype(np.int64)
    positive = np.where(differences > 0, doubled, 0).sum(axis=1)
    exact = doubled.shape[1] <= _MOST_ENUMERATED
    p_value = _enumerated(doubled, positive) if exact else _normal(doubled, positive)
    return PValues(np.where(zero.all(axis=1), np.nan, p_value))


def paired_t(cohorts: Cohorts) -> PValues:
    """Return paired t test p-values; none for one patient, or where all differences are the same."""
    differences = _differences(cohorts)
    patients = differences.shape[1]
    if patients < 2:
        return PValues(np.full(len(differences), np.nan))
    spread = differences.std(axis=1, ddof=1)
    error = np.where(spread > 1e-12, spread, np.nan) / np.sqrt(patients)
    return PValues(2 * stdtr(patients - 1, -np.abs(differences.mean(axis=1) / error)))


def _differences(cohorts: Cohorts) -> Floats:
    """Return comparator minus reference rate of each patient, in units of the series' largest rate.

    Equal rates must not differ, and ties not break, in the last bit of a division: 1 in 7 months is 3 in 21.
    """
    rates = cohorts.relapses / cohorts.years
    largest = rates.max(axis=(1, 2))
    return np.round((rates[:, :, 1] - rates[:, :, 0]) / np.where(largest > 0, largest, 1.0)[:, None], 12)


def _enumerated(doubled: Counts, positive: Counts) -> Floats:
    sums = _distribution(doubled)
    reach = np.arange(sums.shape[1])
    lower = (sums * (reach <= positive[:, None])).sum(axis=1)
    upper = (sums * (reach >= positive[:, None])).sum(axis=1)
    return np.asarray(np.minimum(2 * np.minimum(lower, upper), 1.0))


def _normal(doubled: Counts, positive: Counts) -> Floats:
    """Return the Normal limit, whose variance is that of the ranks as they are tied."""
    squares = (doubled.astype(np.float64) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(positive - doubled.sum(axis=1) / 2) / (np.sqrt(squares) / 2)
    return np.asarray(2 * ndtr(-distance))


def _distribution(ranks: np.ndarray) -> Floats:
    """Return the distribution of the sum of ranks that are each present with probability 1/2, row by row."""
    sums = np.zeros((len(ranks), int(ranks.sum(axis=1).max(initial=0)) + 1))
    sums[:, 0] = 1.0
    places = np.arange(sums.shape[1])
    for rank in ranks.T:
        before = places - rank[:, None]
        moved = np.where(before >= 0, np.take_along_axis(sums, np.maximum(before, 0), axis=1), 0.0)
        sums = np.where((rank > 0)[:, None], (sums + moved) / 2, sums)
    return sums
