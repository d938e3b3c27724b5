"""Observed against expected relapses: by hand, intervals against their test and plain convolutions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.sensitivity import profile, regression_to_mean
from nmo_stats.sensitivity.empirical_bayes import CVS, ExpectedCount
from nmo_stats.simulate import FixedWindows, GammaRates, simulate_cohorts

EXAMPLE_YEARS = np.array([[32, 21], [8, 18], [4, 9]]) / 12


def plain(pair, mean, cv, ratio, count):
    """P(total < count) by convolving negative-binomial probabilities term by term."""
    shape = 1 / cv**2
    total = np.array([1.0])
    for (before, _), (first, second) in zip(pair.relapses, pair.years, strict=True):
        size = shape + before
        expected = ratio * second * size / (shape / mean + first)
        total = np.convolve(total, stats.nbinom.pmf(np.arange(count), size, size / (size + expected)))[:count]
    return float(total[:count].sum())


@pytest.mark.parametrize(
    ("mean", "cv", "expected", "estimate", "low", "high"),
    [
        # E = sum t_1 (a + y_0) / (b + t_0) with a = 1/c^2, b = a/m, by hand for the three patients.
        (0.6, 0.7, 4.42, 0.4525, 0.0534, 1.954),
        (1.0, 0.7, 6.19, 0.323, 0.0382, 1.397),
        (2.0, 1.0, 9.53, 0.210, 0.0246, 0.967),
    ],
)
def test_the_example(example_pair, mean, cv, expected, estimate, low, high):
    found = regression_to_mean(example_pair, GammaRates(mean, cv))
    assert found.count.expected == pytest.approx(expected, abs=0.005)
    ratio = found.rate_ratio()
    assert [ratio.estimate, ratio.interval.low, ratio.interval.high] == pytest.approx(
        [estimate, low, high], rel=2e-3
    )
    assert (ratio.method, ratio.estimand, ratio.interval.kind) == (
        "empirical_bayes",
        "standardized",
        "confidence",
    )


@pytest.mark.parametrize("ratio", [0.02, 0.3, 1.0, 4.0, 50.0])
@pytest.mark.parametrize("cv", CVS)
def test_tails_are_those_of_a_plain_convolution(example_pair, ratio, cv):
    count = regression_to_mean(example_pair, GammaRates(0.6, cv)).count
    assert count.at_most_observed(ratio) == pytest.approx(plain(example_pair, 0.6, cv, ratio, 3), abs=1e-13)
    assert 1 - count.at_least_observed(ratio) == pytest.approx(
        plain(example_pair, 0.6, cv, ratio, 2), abs=1e-13
    )


def test_many_patients_are_summed_by_few_nodes():
    rng = np.random.default_rng(4)
    years = rng.lognormal(0, 1, (300, 2))
    pair = Comparison.from_arrays(rng.poisson(rng.gamma(2, 0.3, (300, 1)) * years * [1, 0.4]), years)
    found = regression_to_mean(pair, GammaRates(0.6, 0.7)).count
    shape = 1 / 0.49
    size = shape + pair.relapses[:, 0]
    mean = pair.years[:, 1] * size / (shape / 0.6 + pair.years[:, 0])
    each = ExpectedCount(size, mean / size, float(mean.sum()), pair.totals[1])
    assert found.size.size < each.size.size
    for ratio in (0.2, 0.5, 1.0, 3.0):
        assert found.at_most_observed(ratio) == pytest.approx(each.at_most_observed(ratio), abs=1e-12)


def test_limits_invert_the_test(example_pair):
    found = regression_to_mean(example_pair, GammaRates(0.6, 0.7))
    for level in (0.5, 0.9, 0.95, 0.999):
        interval = found.rate_ratio(level).interval
        for limit in (interval.low, interval.high):
            assert found.p_value(limit) == pytest.approx(1 - level, rel=1e-7)


def test_no_relapse_on_the_comparator_leaves_an_upper_limit():
    ratio = regression_to_mean(Comparison.from_arrays([[3, 0]], [[1, 1]]), GammaRates(0.6, 0.7)).rate_ratio()
    assert (ratio.estimate, ratio.interval.low) == (0.0, 0.0)
    size = 3 + 1 / 0.49
    expected = size / (1 / 0.49 / 0.6 + 1)
    # P(0) = (1 + r E / size)^-size = 0.025
    assert ratio.interval.high == pytest.approx((0.025 ** (-1 / size) - 1) * size / expected, rel=1e-8)
    assert [caution.code for caution in ratio.cautions] == ["zero_cell"]


def test_no_relapse_on_the_reference_gives_a_finite_ratio():
    ratio = regression_to_mean(Comparison.from_arrays([[0, 3]], [[1, 1]]), GammaRates(0.6, 0.7)).rate_ratio()
    assert 0 < ratio.interval.low < ratio.estimate < ratio.interval.high < math.inf


def test_no_relapse_at_all_is_no_information():
    with pytest.raises(NotIdentifiedError, match="no information"):
        regression_to_mean(Comparison.from_arrays([[0, 0]], [[1, 1]]), GammaRates(0.6, 0.7))


def test_patients_who_do_not_differ_have_nothing_to_regress(example_pair):
    with pytest.raises(ArgumentError, match="nothing to regress"):
        regression_to_mean(example_pair, GammaRates(0.6, 0.0))


@given(st.integers(0, 8), st.integers(0, 8), st.floats(0.1, 10), st.floats(0.1, 10))
def test_more_relapses_on_the_comparator_never_lower_the_ratio(before, after, first, second):
    population = GammaRates(1.0, 0.7)
    less, more = (
        regression_to_mean(
            Comparison.from_arrays([[before + 1, one]], [[first, second]]), population
        ).rate_ratio()
        for one in (after, after + 1)
    )
    assert less.estimate < more.estimate
    assert less.interval.low <= more.interval.low
    assert less.interval.high < more.interval.high


def test_few_variation_means_the_population_mean_and_much_means_the_patients_own_rate(example_pair):
    same = regression_to_mean(example_pair, GammaRates(0.6, 0.001)).count.expected
    assert same == pytest.approx(0.6 * example_pair.total_years[1], rel=1e-3)
    own = regression_to_mean(example_pair, GammaRates(0.6, 1000.0)).count.expected
    rates = example_pair.relapses[:, 0] / example_pair.years[:, 0]
    assert own == pytest.approx(float(rates @ example_pair.years[:, 1]), rel=1e-3)


def covered(mean, cv, ratio, replicates, seed, years=EXAMPLE_YEARS):
    """Share of cohorts from the assumed population whose interval holds the true ratio."""
    population = GammaRates(mean, cv, ratio)
    cohorts = simulate_cohorts(np.random.default_rng(seed), population, FixedWindows(), years, replicates)
    hits = 0
    for relapses, times in zip(cohorts.relapses, cohorts.years, strict=True):
        shape = 1 / cv**2
        size = shape + relapses[:, 0]
        expected = times[:, 1] * size / (shape / mean + times[:, 0])
        count = ExpectedCount.of(size, expected, int(relapses[:, 1].sum()))
        hits += min(count.at_most_observed(ratio), count.at_least_observed(ratio)) > 0.025
    return hits / replicates


@pytest.mark.parametrize(("mean", "cv", "ratio"), [(0.6, 0.7, 1.0), (2.0, 1.0, 0.3), (1.0, 0.5, 0.1)])
def test_the_interval_covers_at_its_level_in_its_own_population(mean, cv, ratio):
    assert covered(mean, cv, ratio, 2000, seed=1) >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 2000)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [1.0, 0.3, 0.1])
@pytest.mark.parametrize("cv", CVS)
@pytest.mark.parametrize("mean", [one.mean for one in profile("nmosd").populations])
def test_the_interval_covers_over_the_whole_grid(mean, cv, ratio):
    assert covered(mean, cv, ratio, 20_000, seed=2) >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 20_000)
