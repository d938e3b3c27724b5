"""Series with no effect have the overdispersion of the series itself: sign flips, and simulated truth."""

import math

import numpy as np
import pytest

from nmo_stats.cohort import Comparison, load_example
from nmo_stats.estimators.within_patient import dispersion
from nmo_stats.hierarchical import DEFAULT_PRIORS, HalfNormal, Model, Priors, Refits
from nmo_stats.sensitivity import (
    NoEffect,
    Overdispersion,
    PeriodRates,
    Simulation,
    benchmark,
    headline_population,
    observed_overdispersion,
)
from nmo_stats.sensitivity.no_effect import no_effect_designs
from nmo_stats.sensitivity.overdispersion import prior_overdispersion, varying
from nmo_stats.simulate import FixedWindows, GammaRates, Triggered, simulate_cohorts


def arm(name):
    return load_example("thall_vail1990").where(arm=name).compare("after", reference="before")


def flipped(pair, draws=20_000):
    """Central 95 % range of the pooled ratio when the two counts of each patient change places at random."""
    rng = np.random.default_rng(1)
    swap = rng.random((draws, len(pair.patients))) < 0.5
    after = np.where(swap, pair.relapses[:, 0], pair.relapses[:, 1]).sum(axis=1)
    return np.quantile(after / (sum(pair.totals) - after), [0.025, 0.975])


def spread_of(pair, overdispersion, replicates=4000):
    rates = varying(headline_population(pair), overdispersion)
    return benchmark(pair, rates, FixedWindows(), Simulation(replicates))[0]


@pytest.mark.parametrize(("name", "sd"), [("progabide", 0.440), ("placebo", 0.308)])
def test_the_epilepsy_trial_shows_no_effect_as_widely_as_sign_flips_do(name, sd):
    pair = arm(name)
    found = observed_overdispersion(pair)
    assert found.source == "series"
    assert found.sd_period == pytest.approx(sd, abs=0.001)
    low, high = flipped(pair)
    spread = spread_of(pair, found)
    assert math.log(spread.low) == pytest.approx(math.log(low), abs=0.04)
    assert math.log(spread.high) == pytest.approx(math.log(high), abs=0.04)
    poisson = spread_of(pair, Overdispersion())
    assert math.log(poisson.high / poisson.low) < 0.5 * math.log(high / low)


def test_the_progabide_arm_shows_about_074_to_135():
    spread = spread_of(arm("progabide"), observed_overdispersion(arm("progabide")))
    assert (spread.low, spread.high) == (pytest.approx(0.74, abs=0.02), pytest.approx(1.35, abs=0.04))


@pytest.mark.parametrize("ratio", [1.0, 0.4])
@pytest.mark.parametrize("sd", [0.3, 0.6])
def test_the_estimate_finds_a_simulated_spread_whatever_the_ratio_and_the_times(sd, ratio):
    years = np.random.default_rng(4).uniform(0.5, 3, (400, 2))
    rates = PeriodRates(GammaRates(6.0, 0.7, ratio), sd)
    series = simulate_cohorts(np.random.default_rng(7), rates, FixedWindows(), years, 12)
    found = [
        observed_overdispersion(Comparison.from_arrays(counts, years)).sd_period for counts in series.relapses
    ]
    assert np.mean(found) == pytest.approx(sd, rel=0.08)


def test_in_small_series_the_squared_variation_is_right_on_average():
    years = np.ones((15, 2))
    series = simulate_cohorts(
        np.random.default_rng(2), PeriodRates(GammaRates(20.0, 0.5), 0.4), FixedWindows(), years, 300
    )
    pairs = [Comparison.from_arrays(counts, years) for counts in series.relapses]
    alphas = [math.expm1(observed_overdispersion(pair).sd_period ** 2) for pair in pairs]
    assert np.mean(alphas) == pytest.approx(math.expm1(0.16), rel=0.15)


def test_poisson_counts_are_simulated_as_such():
    years = np.ones((40, 2))
    series = simulate_cohorts(np.random.default_rng(5), GammaRates(8.0, 0.7), FixedWindows(), years, 60)
    found = [observed_overdispersion(Comparison.from_arrays(counts, years)) for counts in series.relapses]
    assert sum(one.source == "no excess" for one in found) >= 52  # 95 % of 60 is 57
    assert all(one.sd_period == 0 for one in found if one.source == "no excess")
    assert "vary no more than that" in next(one for one in found if one.source == "no excess").sentence()


@pytest.mark.parametrize(
    ("relapses", "words"),
    [
        ([[6, 1], [2, 0], [1, 1]], "3 patients"),
        ([[3, 1]], "1 patient with"),
        ([[9, 0], [1, 0]] * 8, "without a relapse in one of the two periods"),
    ],
)
def test_where_an_excess_cannot_be_seen_counts_are_poisson_and_the_words_say_so(relapses, words):
    pair = Comparison.from_arrays(relapses, np.ones((len(relapses), 2)))
    found = observed_overdispersion(pair)
    assert (found.sd_period, found.source) == (0.0, "not assessable")
    assert words in found.sentence()
    assert "cannot be assessed" in found.sentence()
    assert dispersion(pair).verdict == "not assessable"


def test_no_patient_with_relapses_in_both_periods_is_no_division_by_0():
    found = observed_overdispersion(Comparison.from_arrays([[30, 0], [0, 30]] * 6, np.ones((12, 2))))
    assert (found.source, found.sd_period) == ("series", 2.0)


def test_beside_a_small_series_stands_one_with_the_prior_median(example_pair):
    designs, _ = no_effect_designs(Model(example_pair), Simulation(200), Refits())
    own = [one for one in designs if not one.overdispersion.is_alternative]
    assert {one.overdispersion.sd_period for one in own} == {0.0}
    others = [one for one in designs if one.overdispersion.is_alternative]
    assert [one.rule_name for one in others] == ["fixed", "triggered_1", "triggered_2", "look_back"]
    # the median of HalfNormal(0.5) is 0.337; shared by two periods: / sqrt(2)
    assert others[0].overdispersion.sd_period == pytest.approx(0.5 * 0.67449 / math.sqrt(2), rel=1e-4)
    line = others[0].to_dicts()[0]
    assert (line["overdispersion"], line["headline"]) == ("prior", False)
    assert own[0].to_dicts()[0]["overdispersion"] == "not assessable"


def test_the_prior_median_is_that_of_the_priors_that_were_chosen():
    wide = prior_overdispersion(Priors(sd_rate_ratio=HalfNormal(1.0)), 3)
    assert wide.sd_period == pytest.approx(2 * prior_overdispersion(DEFAULT_PRIORS, 3).sd_period)


def test_a_design_of_a_series_that_is_overdispersed_has_no_alternative():
    designs, _ = no_effect_designs(Model(arm("placebo")), Simulation(200), Refits())
    assert {one.overdispersion.source for one in designs} == {"series"}
    assert {one.rule_name for one in designs} == {
        "fixed",
        "triggered_1",
        "triggered_2",
    }  # 8 weeks are no 12 months


def test_a_period_strays_from_the_patient_and_the_mean_stays():
    rates = PeriodRates(GammaRates(2.0, 0.5), 0.6).draw(np.random.default_rng(1), 200_000)
    assert rates.mean(axis=0) == pytest.approx([2.0, 2.0], rel=0.02)
    assert np.std(np.log(rates[:, 1] / rates[:, 0])) == pytest.approx(0.6 * math.sqrt(2), rel=0.01)
    design = NoEffect(
        "triggered_1", Triggered(1), GammaRates(2.0, 0.5), True, (), Overdispersion(0.6, "series", 12)
    )
    assert design.rates == PeriodRates(GammaRates(2.0, 0.5), 0.6)
