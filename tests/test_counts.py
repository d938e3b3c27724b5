"""Relapse counts: probabilities against scipy's, and simulation against the closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from nmo_stats.hierarchical.model import (
    log_probability,
    no_relapse,
    simulate_counts,
    simulate_positive_counts,
)

COUNTS = np.arange(40)
REPLICATES = 200_000
LAWS = [(0.05, None), (3.0, None), (50.0, None), (0.05, 0.3), (3.0, 0.3), (8.0, 1.5), (50.0, 1e-5)]


def law(mean, overdispersion):
    """Variance mean + overdispersion mean^2."""
    if overdispersion is None:
        return stats.poisson(mean)
    return stats.nbinom(1 / overdispersion, 1 / (1 + overdispersion * mean))


def arrays(mean, overdispersion):
    return np.full(REPLICATES, mean), None if overdispersion is None else np.full(REPLICATES, overdispersion)


def chi_square_p(drawn, values, probabilities):
    """Pearson's test of counts against a law; what is rare goes into one class with all other values."""
    common = probabilities * len(drawn) > 20
    values, probabilities = values[common], probabilities[common]
    seen = np.array([(drawn == value).sum() for value in values])
    return stats.chisquare(
        [*seen, len(drawn) - seen.sum()], np.array([*probabilities, 1 - probabilities.sum()]) * len(drawn)
    ).pvalue


@pytest.mark.parametrize(("mean", "overdispersion"), LAWS)
def test_log_probability_is_scipys(mean, overdispersion):
    values = log_probability(COUNTS, np.full(40, mean), overdispersion)
    assert values == pytest.approx(law(mean, overdispersion).logpmf(COUNTS), rel=1e-7, abs=1e-9)


def test_little_overdispersion_is_nearly_poisson():
    mean = np.full(40, 3.0)
    assert log_probability(COUNTS, mean, 1e-8) == pytest.approx(log_probability(COUNTS, mean, None), abs=1e-4)


def test_a_rate_of_zero_allows_no_relapse_only():
    assert log_probability([0, 1], np.zeros(2), None).tolist() == [0.0, -math.inf]
    assert log_probability([0, 1], np.zeros(2), np.array(0.3)).tolist() == [0.0, -math.inf]


@pytest.mark.parametrize(("mean", "overdispersion"), LAWS)
def test_no_relapse_is_the_probability_of_zero(mean, overdispersion):
    found = no_relapse(np.array([mean]), overdispersion)
    assert found == pytest.approx(law(mean, overdispersion).pmf(0), rel=1e-9)


@pytest.mark.parametrize(("mean", "overdispersion"), LAWS)
def test_simulated_counts_follow_their_law(mean, overdispersion):
    drawn = simulate_counts(np.random.default_rng(1), *arrays(mean, overdispersion))
    values = np.arange(300)
    assert chi_square_p(drawn, values, law(mean, overdispersion).pmf(values)) > 1e-4


@pytest.mark.parametrize(("mean", "overdispersion"), LAWS)
def test_positive_counts_follow_the_truncated_law(mean, overdispersion):
    drawn = simulate_positive_counts(np.random.default_rng(2), *arrays(mean, overdispersion))
    values, chances = np.arange(1, 300), law(mean, overdispersion)
    assert drawn.min() >= 1
    assert chi_square_p(drawn, values, chances.pmf(values) / chances.sf(0)) > 1e-4


@pytest.mark.parametrize("overdispersion", [None, 0.3])
@pytest.mark.parametrize("mean", [1e-300, 1e-17, 1e-9])
def test_a_positive_count_of_a_tiny_mean_is_one(mean, overdispersion):
    drawn = simulate_positive_counts(np.random.default_rng(3), *arrays(mean, overdispersion))
    assert (drawn == 1).all()


@pytest.mark.parametrize("simulate", [simulate_counts, simulate_positive_counts])
@pytest.mark.parametrize("overdispersion", [None, np.full(4, 0.3)])
def test_counts_of_an_absurd_mean_stay_finite(simulate, overdispersion):
    drawn = simulate(np.random.default_rng(4), np.array([1e15, 1e30, 1e280, math.inf]), overdispersion)
    assert (drawn > 0).all()
    assert drawn.sum() < np.iinfo(np.int64).max / 1e6


def test_overdispersion_broadcasts_over_patients():
    mean = np.full((50_000, 3), 4.0)
    drawn = simulate_counts(np.random.default_rng(5), mean, np.full((50_000, 1), 0.5))
    assert drawn.shape == mean.shape
    assert drawn.var(axis=0) == pytest.approx(np.full(3, 4 + 0.5 * 16), rel=0.05)
