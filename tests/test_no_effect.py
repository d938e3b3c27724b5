"""What a design shows with no effect: numbers that were simulated before, and what a spread means."""

import json
import math

import numpy as np
import pytest

from nmo_stats import hierarchical, sensitivity
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.sensitivity import (
    RULES,
    NoEffect,
    Simulation,
    benchmark,
    headline_population,
    large_cohort_ratios,
)
from nmo_stats.sensitivity.no_effect import (
    _hierarchical_spread,
    _spread,
    no_effect_designs,
    populations,
    simulated_rows,
)
from nmo_stats.simulate import (
    FixedWindows,
    GammaRates,
    Triggered,
    cohort_with_expectation,
    point_estimates,
    simulate_cohorts,
)


def find(spreads, method):
    return next(spread for spread in spreads if spread.method == method)


@pytest.mark.parametrize(
    ("mean", "median", "share", "large"), [(0.6, 0.574, 0.207, 0.657), (1.5, 0.741, 0.063, 0.801)]
)
def test_the_example_under_a_triggered_switch(example_pair, mean, median, share, large):
    # Simulated by itself: the conditional ratio of 0.193 or less, and a series of 4,000 patients.
    found = benchmark(example_pair, GammaRates(mean, 0.7), Triggered(1), Simulation(20_000))
    spread = find(found, "conditional_exact")
    assert spread.median == pytest.approx(median, rel=0.03)
    assert spread.at_or_below == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 10_000))
    assert spread.large_cohort == pytest.approx(large, abs=0.05)
    assert spread.observed == pytest.approx(0.19325, rel=1e-4)


def test_without_selection_the_medians_are_about_1(example_pair):
    found = benchmark(
        example_pair, headline_population(example_pair), FixedWindows(), Simulation(4000), Model(example_pair)
    )
    for method in ("pooled_exact", "conditional_exact", "mean_arr_ratio", "hierarchical_quadrature"):
        assert find(found, method).median == pytest.approx(1, abs=0.08)
    for method in ("pooled_exact", "conditional_exact", "mean_arr_ratio"):
        assert find(found, method).large_cohort == pytest.approx(1, abs=0.05)


def test_the_likelihood_of_the_hierarchical_model_is_not_moved_by_a_triggered_switch(example_pair):
    # A relapse that ends the period is in the likelihood; the conditional ratio forgets why the period ended.
    rng = np.random.default_rng(1)
    times = np.resize(example_pair.years, (2000, 2))
    series = simulate_cohorts(rng, GammaRates(1.0, 0.7), Triggered(1), times, 1)
    fit = hierarchical.fit(Comparison.from_arrays(series.relapses[0], series.years[0]), seed=1)
    assert fit.rate_ratio().estimate == pytest.approx(1, abs=0.1)
    assert point_estimates(series)["conditional_exact"][0] < 0.8


def test_the_hierarchical_share_is_that_of_single_fits(example_pair):
    population = headline_population(example_pair)
    rng = np.random.default_rng([5, 0])
    cohorts = simulate_cohorts(rng, population, Triggered(1), example_pair.years, 200)
    spread = find(
        benchmark(example_pair, population, Triggered(1), Simulation(200, 5), Model(example_pair)),
        "hierarchical_quadrature",
    )
    fitted = [
        hierarchical.fit(Comparison.from_arrays(relapses, years), seed=1).rate_ratio().estimate
        for relapses, years in zip(cohorts.relapses, cohorts.years, strict=True)
    ]
    assert spread.median == pytest.approx(np.quantile(fitted, 0.5, method="inverted_cdf"), rel=0.03)
    assert spread.at_or_below == pytest.approx(np.mean(np.array(fitted) <= spread.observed), abs=0.011)


def test_order_statistics_take_zero_and_infinity_as_they_are():
    estimates = np.array([0.0, 0.0, 0.5, 1.0, 2.0, np.inf, np.nan, np.nan])
    spread = _spread("pooled_exact", estimates, 0.5, None)
    assert (spread.median, spread.low, spread.high) == (0.5, 0.0, math.inf)
    assert (spread.zero, spread.infinite, spread.not_identified) == (0.25, 0.125, 0.25)
    assert spread.at_or_below == 0.5
    assert _spread("pooled_exact", estimates, math.nan, math.nan).at_or_below is None


def test_without_an_identified_series_nothing_is_known():
    spread = _spread("pooled_exact", np.full(5, np.nan), 0.5, None)
    assert (spread.median, spread.low, spread.high, spread.at_or_below, spread.not_identified) == (
        None,
    ) * 4 + (1.0,)
    assert spread.identified == 1.0
    line = NoEffect("fixed", FixedWindows(), GammaRates(1, 0.7), False, (spread,)).to_dicts()[0]
    assert (line["median"], line["low"]) == (None, None)
    (row,) = simulated_rows(NoEffect("fixed", FixedWindows(), GammaRates(1, 0.7), False, (spread,)))
    assert (row.median, row.reason) == (None, "the ratio exists in none of the simulated series")


@pytest.mark.parametrize("rule", ["fixed", "triggered_1"])
def test_rare_relapses_and_their_medians_of_0_do_not_break_the_analysis(rule):
    # Half of the patients have no relapse: no ratio of medians in any series.
    pair = Comparison.from_arrays([[1, 0]] + [[0, 0]] * 19, [[0.1, 0.1]] * 20)
    designs, unknown = no_effect_designs(Model(pair), Simulation(200), Refits())
    medians = [
        design.find("median_arr_ratio").median
        for design in designs
        if design.is_headline and design.rule_name == rule
    ]
    assert medians == ([None] if rule == "fixed" else [0.0])
    assert all(
        design.find("median_arr_ratio").large_cohort is None for design in designs if design.is_headline
    )
    json.dumps([line for design in designs for line in design.to_dicts()], allow_nan=False)
    assert not any(row.failed for row in unknown)


def test_fixed_windows_show_a_ratio_of_exactly_1_in_a_large_cohort(example_pair):
    for mean in (0.05, 0.6, 2.0):
        ratios = large_cohort_ratios(example_pair.years, GammaRates(mean, 0.7), FixedWindows())
        assert ratios["pooled_exact"] == pytest.approx(
            1, abs=0.03
        )  # patients of other rates have other times
        assert ratios["conditional_exact"] == pytest.approx(1, abs=1e-6)
    assert ratios["mean_arr_ratio"] == pytest.approx(1, abs=1e-12)
    assert math.isnan(
        large_cohort_ratios(example_pair.years, GammaRates(0.05, 0.7), FixedWindows())["median_arr_ratio"]
    )


def test_expected_counts_are_the_mean_of_drawn_ones(example_pair):
    years = np.resize(example_pair.years, (20_000, 2))
    cohort, expected = cohort_with_expectation(
        np.random.default_rng(3), GammaRates(0.8, 0.7), Triggered(1), years
    )
    np.testing.assert_array_equal(expected[..., 0], cohort.relapses[..., 0])
    difference = cohort.relapses[..., 1] - expected[..., 1]
    assert abs(difference.mean()) < 4 * math.sqrt(expected[..., 1].mean() / expected[..., 1].size)
    assert np.corrcoef(cohort.relapses[0, :, 1], expected[0, :, 1])[0, 1] > 0.4
    np.testing.assert_array_equal(
        cohort.relapses,
        simulate_cohorts(np.random.default_rng(3), GammaRates(0.8, 0.7), Triggered(1), years, 1).relapses,
    )


def test_rounded_times_move_the_hierarchical_spread_by_less_than_a_percent(example_pair, monkeypatch):
    rng = np.random.default_rng(8)
    cohorts = simulate_cohorts(rng, headline_population(example_pair), Triggered(1), example_pair.years, 300)
    (rounded,) = _hierarchical_spread(Model(example_pair), cohorts)
    monkeypatch.setattr("nmo_stats.sensitivity.no_effect._TIME_STEP", 1e-6)
    (exact_times,) = _hierarchical_spread(Model(example_pair), cohorts)
    assert [rounded.median, rounded.low, rounded.high] == pytest.approx(
        [exact_times.median, exact_times.low, exact_times.high], rel=0.015
    )


def test_an_equal_outcome_counts_as_at_or_below_whatever_the_rounding():
    assert _spread("conditional_exact", np.full(10, 0.3 * (1 + 1e-9)), 0.3, None).at_or_below == 1.0


def test_the_headline_population_has_the_pooled_rate_of_both_periods(example_pair):
    assert headline_population(example_pair).mean == pytest.approx(11 / (92 / 12))
    grid = populations(example_pair)
    assert [population for population, is_headline in grid.items() if is_headline] == [
        headline_population(example_pair)
    ]
    assert len(grid) == 13


def test_a_headline_population_on_the_grid_stays_the_headline():
    pair = Comparison.from_arrays([[6, 6]], [[10.0, 10.0]])  # 0.6 per year
    found = populations(pair)
    assert found[GammaRates(0.6, 0.7)] is True
    assert (len(found), sum(found.values())) == (12, 1)


def test_a_rate_far_from_this_disease_is_compared_with_itself_only():
    assert len(populations(Comparison.from_arrays([[60, 50]], [[1, 1]]))) == 1


def test_the_same_seed_gives_the_same_numbers_and_another_one_others(example_pair):
    population, rule = headline_population(example_pair), RULES["look_back"]
    first, second, third = (
        benchmark(example_pair, population, rule, Simulation(300, seed)) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != third
    assert large_cohort_ratios(example_pair.years, population, rule, seed=3) == large_cohort_ratios(
        example_pair.years, population, rule, seed=3
    )


def test_a_design_as_plain_numbers(example_pair):
    population = headline_population(example_pair)
    design = NoEffect(
        "triggered_1",
        Triggered(1),
        population,
        True,
        benchmark(example_pair, population, Triggered(1), Simulation(300)),
    )
    line = design.to_dicts()[1]
    assert (line["rule"], line["method"], line["headline"], line["replicates"]) == (
        "triggered_1",
        "conditional_exact",
        True,
        300,
    )
    assert line["large_cohort"] == design.large_cohort("conditional_exact")
    assert math.isnan(design.large_cohort("hierarchical_quadrature"))


@pytest.mark.parametrize("replicates", [0, 199, 1000.0, True])
def test_too_few_series_are_refused(replicates):
    with pytest.raises(ArgumentError, match="replicates"):
        Simulation(replicates)


def test_entry_by_a_relapse_leaves_series_without_one_out_of_the_hierarchical_spread(example_pair):
    model = Model(example_pair, entry="relapse_on_reference")
    spread = find(
        benchmark(example_pair, GammaRates(0.6, 0.7), FixedWindows(), Simulation(300), model),
        "hierarchical_quadrature",
    )
    assert 0.5 < spread.not_identified < 1
    assert spread.observed == pytest.approx(0.2757, rel=0.02)


def test_very_large_series_have_no_hierarchical_spread():
    pair = Comparison.from_arrays([[1, 1]] * 150, [[1.0, 1.0]] * 150)
    found = benchmark(pair, headline_population(pair), FixedWindows(), Simulation(200), Model(pair))
    assert "hierarchical_quadrature" not in [spread.method for spread in found]
    assert sensitivity.Simulation().replicates == 2000
