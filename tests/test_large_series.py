"""Limits of very large series: what simulation tends to, or a reason and no number."""

import json
import math

import numpy as np
import pytest

from nmo_stats.sensitivity import (
    NoEffect,
    Overdispersion,
    PeriodRates,
    Simulation,
    benchmark,
    large_cohort_ratios,
    no_limit_reasons,
)
from nmo_stats.sensitivity.large_series import without_one_relapse
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    GammaRates,
    LookBack,
    Triggered,
    WholeMonths,
    cohort_with_expectation,
    point_estimates,
)

YEARS = np.array([[32, 21], [8, 18], [4, 9]]) / 12


@pytest.mark.parametrize("mean", [0.6, 2.0])
@pytest.mark.parametrize("cv", [1.0, 1.3])
@pytest.mark.parametrize("relapses", [1, 2])
def test_with_a_cv_of_1_or_more_the_pooled_ratio_of_a_triggered_switch_has_no_limit(mean, cv, relapses):
    population, rule = GammaRates(mean, cv), Triggered(relapses)
    ratios = large_cohort_ratios(YEARS, population, rule)
    assert math.isnan(ratios["pooled_exact"])
    assert all(0 < ratios[name] < math.inf for name in ("conditional_exact", "mean_arr_ratio"))
    spread = benchmark(np_pair(), population, rule, Simulation(200))[0]
    assert spread.large_cohort is None
    assert "mean waiting time" in spread.reasons["large_cohort"]
    line = NoEffect("triggered_1", rule, population, False, (spread,)).to_dicts()[0]
    assert line["large_cohort"] is None
    assert "mean waiting time" in line["reason"]
    json.dumps(line, allow_nan=False)


def np_pair():
    from nmo_stats.cohort import load_example

    return load_example().compare("tocilizumab", reference="rituximab")


@pytest.mark.parametrize("sd", [0.0, 0.4])
@pytest.mark.parametrize(
    ("mean", "cv", "relapses", "lag"), [(0.6, 0.5, 1, 2.0), (2.0, 0.5, 2, 2.0), (1.0, 0.3, 1, 0.0)]
)
def test_the_pooled_limit_is_what_a_million_patients_show(mean, cv, relapses, lag, sd):
    own, rule = GammaRates(mean, cv), Triggered(relapses, lag)
    population = PeriodRates(own, sd) if sd else own
    drawn, expected = cohort_with_expectation(
        np.random.default_rng(1), population, rule, np.resize(YEARS, (400_000, 2))
    )
    simulated = float(point_estimates(Cohorts(expected, drawn.years))["pooled_exact"][0])
    assert large_cohort_ratios(YEARS, population, rule)["pooled_exact"] == pytest.approx(simulated, rel=0.02)


def test_one_rate_in_all_patients_has_a_limit():
    ratio = large_cohort_ratios(YEARS, GammaRates(1.0, 0.0), Triggered(1, 0.0))["pooled_exact"]
    assert ratio == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("population", "rule", "without"),
    [
        (GammaRates(0.6, 1.0), Triggered(1), {"pooled_exact"}),
        (GammaRates(0.6, 1.0), WholeMonths(Triggered(1)), {"pooled_exact"}),
        (PeriodRates(GammaRates(0.6, 1.0), 0.4), Triggered(2), {"pooled_exact"}),
        (GammaRates(0.6, 0.99), Triggered(1), set()),
        (GammaRates(0.6, 0.7), Triggered(1, 0.0), {"mean_arr_ratio"}),
        (GammaRates(0.6, 1.0), Triggered(1, 0.0), {"pooled_exact", "mean_arr_ratio"}),
        (GammaRates(0.6, 0.7), WholeMonths(Triggered(1, 0.0)), set()),
        (GammaRates(0.6, 0.7), Triggered(2, 0.0), set()),
        (GammaRates(0.6, 1.0), Triggered(1, within_years=3.0), set()),
        (GammaRates(0.6, 1.0), Triggered(1, start_years=(0.0, 5.0)), set()),
        (GammaRates(0.6, 1.0), LookBack(), set()),
        (GammaRates(0.6, 1.0), FixedWindows(), set()),
    ],
)
def test_which_limits_do_not_exist(population, rule, without):
    assert set(no_limit_reasons(population, rule)) == without


@pytest.mark.parametrize(
    ("population", "rule"),
    [
        (GammaRates(1.0, 1.0), Triggered(1, within_years=3.0)),
        (GammaRates(1.0, 1.0), Triggered(1, start_years=(0.0, 5.0))),
        (GammaRates(1.0, 0.5), Triggered(1)),
        (GammaRates(1.0, 1.0), LookBack()),
    ],
)
def test_where_a_limit_exists_seeds_agree(population, rule):
    found = [
        large_cohort_ratios(YEARS, population, rule, seed=seed, patients=40_000)["pooled_exact"]
        for seed in range(4)
    ]
    assert max(found) / min(found) < 1.15


def test_where_none_exists_seeds_do_not_agree_and_larger_series_show_more():
    def pooled(seed, patients):
        times = np.resize(YEARS, (patients, 2))
        drawn, expected = cohort_with_expectation(
            np.random.default_rng(seed), GammaRates(0.6, 1.0), Triggered(1), times
        )
        return point_estimates(Cohorts(expected, drawn.years))["pooled_exact"][0]

    small, large = (np.array([pooled(seed, size) for seed in range(12)]) for size in (500, 100_000))
    assert large.max() / large.min() > 1.3
    assert np.median(large) > 1.3 * np.median(small)


def test_varying_periods_do_not_move_the_limit_of_fixed_times():
    ratios = large_cohort_ratios(YEARS, PeriodRates(GammaRates(1.0, 0.7), 0.8), FixedWindows())
    assert ratios["conditional_exact"] == pytest.approx(1.0, abs=1e-6)
    assert ratios["mean_arr_ratio"] == pytest.approx(1.0, abs=1e-12)


# -------------------------------- leaving out a relapse: too much in one design, too little in another


@pytest.mark.parametrize("mean", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("sd", [0.0, 0.5])
def test_where_one_relapse_triggers_leaving_one_out_overcorrects(mean, sd):
    population = PeriodRates(GammaRates(mean, 0.7), sd) if sd else GammaRates(mean, 0.7)
    for lag in (1.0, 2.0, 4.0):
        assert without_one_relapse(YEARS, population, Triggered(1, lag)) > 2
    assert without_one_relapse(YEARS, population, Triggered(1, 0.0)) == math.inf


def test_where_two_within_a_year_do_the_direction_depends_on_the_rate():
    rare, frequent = (without_one_relapse(YEARS, GammaRates(mean, 0.7), LookBack()) for mean in (0.6, 2.0))
    assert 0.6 < rare < 0.75
    assert frequent > 1.05


def test_a_rule_that_nearly_nobody_meets_gives_nothing():
    assert without_one_relapse(YEARS, GammaRates(1e-4, 0.7), LookBack()) is None


def test_an_unassessed_design_is_poisson():
    assert (
        NoEffect("fixed", FixedWindows(), GammaRates(1.0, 0.7), True, ()).overdispersion == Overdispersion()
    )
