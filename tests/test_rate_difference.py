"""The score interval of the rate difference against R, statsmodels and its own test."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from statsmodels.stats import rates

from nmo_stats import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.estimators.rate_difference import pooled_rate_difference

LEVELS = st.floats(0.05, 0.9999)


@st.composite
def pairs(draw):
    """One patient with relapses in both periods; times over four decades."""
    counts = [draw(st.integers(1, 300)) for _ in range(2)]
    years = [10 ** draw(st.floats(-2, 2)) for _ in range(2)]
    return Comparison.from_arrays([counts], [years])


# Rscript tests/reference/rate_difference.R
@pytest.mark.parametrize(
    ("counts", "years", "level", "difference", "low", "high"),
    [
        ((9, 2), (44 / 12, 48 / 12), 0.95, 1.9545455, 0.304742, 4.21823),
        ((9, 2), (44 / 12, 48 / 12), 0.5, 1.9545455, 1.38799, 2.60615),
        ((9, 2), (44 / 12, 48 / 12), 0.999, 1.9545455, -1.37454, 6.55077),
        ((12, 2), (9.5, 6), 0.95, 0.92982456, -0.0557189, 1.92494),
    ],
)
def test_agrees_with_r(counts, years, level, difference, low, high):
    found = pooled_rate_difference(Comparison.from_arrays([counts], [years]), level)
    assert found.estimate == pytest.approx(difference, rel=1e-7)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), rel=1e-5)
    assert (found.interval.level, found.interval.kind) == (level, "confidence")


@settings(max_examples=50, deadline=None)
@given(pairs())
def test_agrees_with_statsmodels(pair):
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    found = pooled_rate_difference(pair).interval
    # Its test, not its interval: the search for the interval can stop wrongly (1 in 1 year, 1 in 100 years).
    for limit in (found.low, found.high):
        test = rates.test_poisson_2indep(
            reference,
            reference_years,
            comparator,
            comparator_years,
            value=limit,
            method="score",
            compare="diff",
        )
        assert test.pvalue == pytest.approx(0.05, abs=1e-6)


def score_z(pair, difference):
    """Score statistic with the constrained rates found by a numerical search, not by the quadratic."""
    counts, years = np.array(pair.totals), np.array(pair.total_years)

    def deficit(log_comparator_rate):
        rates = math.exp(log_comparator_rate) + np.array([difference, 0.0])
        return float(np.sum(years * rates - counts * np.log(rates))) if rates.min() > 0 else math.inf

    least = math.log(max(1e-9, -difference * (1 + 1e-12)))
    bounds = (least, math.log(10 * counts.sum() / years.min()))
    rate = math.exp(minimize_scalar(deficit, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x)
    observed = counts[0] / years[0] - counts[1] / years[1]
    return (observed - difference) / math.sqrt((rate + difference) / years[0] + rate / years[1])


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("counts", [(9, 2), (2, 9), (5, 5), (100, 1)])
def test_limits_are_where_the_score_test_rejects(counts, level):
    pair = Comparison.from_arrays([counts], [(3.0, 5.0)])
    found = pooled_rate_difference(pair, level).interval
    quantile = norm.ppf((1 + level) / 2)
    assert score_z(pair, found.low) == pytest.approx(quantile, rel=1e-6)
    assert score_z(pair, found.high) == pytest.approx(-quantile, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(pairs(), LEVELS)
def test_swapping_the_periods_changes_the_sign(pair, level):
    found, swapped = pooled_rate_difference(pair, level), pooled_rate_difference(pair.swapped(), level)
    width = found.interval.high - found.interval.low
    assert swapped.estimate == pytest.approx(-found.estimate)
    assert swapped.interval.low == pytest.approx(-found.interval.high, abs=1e-8 * width)
    assert swapped.interval.high == pytest.approx(-found.interval.low, abs=1e-8 * width)


@settings(max_examples=40, deadline=None)
@given(pairs(), LEVELS)
def test_a_difference_per_month_is_a_twelfth_of_that_per_year(pair, level):
    per_year = pooled_rate_difference(pair, level)
    per_month = pooled_rate_difference(Comparison.from_arrays(pair.relapses, pair.years * 12), level)
    width = per_year.interval.high - per_year.interval.low
    assert 12 * per_month.interval.low == pytest.approx(per_year.interval.low, abs=1e-8 * width)
    assert 12 * per_month.interval.high == pytest.approx(per_year.interval.high, abs=1e-8 * width)


@settings(max_examples=40, deadline=None)
@given(pairs(), LEVELS)
def test_the_interval_contains_the_estimate(pair, level):
    found = pooled_rate_difference(pair, level)
    assert found.interval.low < found.estimate < found.interval.high


def test_patients_are_pooled():
    three = Comparison.from_arrays([[6, 1], [2, 0], [1, 1]], np.array([[32, 21], [8, 18], [4, 9]]) / 12)
    one = Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])
    assert pooled_rate_difference(three).interval.low == pytest.approx(
        pooled_rate_difference(one).interval.low
    )


@pytest.mark.parametrize("counts", [(5, 0), (0, 5), (0, 0)])
def test_there_is_none_at_a_zero_cell(counts):
    assert pooled_rate_difference(Comparison.from_arrays([counts], [(2.0, 3.0)])) is None


def test_a_bad_level_is_refused_even_at_a_zero_cell():
    with pytest.raises(ArgumentError, match="level 95"):
        pooled_rate_difference(Comparison.from_arrays([(5, 0)], [(2.0, 3.0)]), 95)
