"""Simulated cohorts: the rules against a plain loop over timelines, and against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from nmo_stats import exact
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.estimators.within_patient import log_ratio_estimates
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    GammaRates,
    LookBack,
    Triggered,
    point_estimates,
    simulate_cohorts,
)

EXAMPLE_YEARS = np.array([[32, 21], [8, 18], [4, 9]]) / 12


def simulated(rule, population, years=EXAMPLE_YEARS, cohorts=20_000, seed=1):
    return simulate_cohorts(np.random.default_rng(seed), population, rule, np.asarray(years, float), cohorts)


def timeline(rng, rate, horizon):
    """One patient's relapse times, gap by gap."""
    times, now = [], rng.exponential(1 / rate)
    while now <= horizon:
        times.append(now)
        now += rng.exponential(1 / rate)
    return np.array(times)


# --------------------------------------------------------------------------------------- populations


def test_gamma_rates_have_their_mean_and_coefficient_of_variation():
    rates = GammaRates(0.8, 0.7, ratio=0.5).draw(np.random.default_rng(1), 200_000)
    assert rates[:, 0].mean() == pytest.approx(0.8, rel=0.01)
    assert rates[:, 0].std() / rates[:, 0].mean() == pytest.approx(0.7, rel=0.01)
    np.testing.assert_allclose(rates[:, 1], rates[:, 0] / 2)


def test_without_variation_all_patients_have_one_rate():
    assert GammaRates(0.8, 0).draw(np.random.default_rng(1), 3)[:, 0].tolist() == [0.8] * 3
    assert GammaRates(0.8, 0).shape == math.inf


@pytest.mark.parametrize(
    ("mean", "cv", "ratio"), [(0, 0.7, 1), (-1, 0.7, 1), (math.inf, 0.7, 1), (1, -0.1, 1), (1, 0.7, 0)]
)
def test_a_population_outside_its_range_is_refused(mean, cv, ratio):
    with pytest.raises(ArgumentError):
        GammaRates(mean, cv, ratio)


# --------------------------------------------------------------------------------------------- rules


def test_fixed_windows_are_negative_binomial_counts_at_the_observed_times():
    found = simulated(FixedWindows(), GammaRates(1.2, 0.7))
    np.testing.assert_allclose(found.years, np.broadcast_to(EXAMPLE_YEARS, found.years.shape))
    size = 1 / 0.7**2
    for place, years in np.ndenumerate(EXAMPLE_YEARS):
        counts = found.relapses[(slice(None), *place)]
        expected = stats.nbinom.pmf(range(4), size, size / (size + 1.2 * years))
        seen = [(counts == number).mean() for number in range(4)]
        assert seen == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(len(found)))


def test_a_triggered_reference_ends_after_its_relapse():
    found = simulated(Triggered(2, 3.0), GammaRates(1.0, 0.0))
    # The waiting time for the second relapse is Gamma(2); then three months, in which further relapses count.
    waited = found.years[:, :, 0].ravel() - 0.25
    assert stats.kstest(waited, stats.gamma(2).cdf).pvalue > 0.001
    assert found.relapses[:, :, 0].min() == 2
    assert (found.relapses[:, :, 0] - 2).mean() == pytest.approx(0.25, abs=0.01)


def test_patients_without_the_start_or_the_relapse_in_time_are_not_included():
    rule, rates = Triggered(1, 2.0, start_years=(1.0, 4.0), within_years=4.0), np.full(200_000, 0.3)
    _, years, included = rule.reference(np.random.default_rng(1), rates, rates)
    # exp(-0.9): no relapse between year 1 and year 4; exp(-1.2): no further one within four years.
    assert included.mean() == pytest.approx((1 - math.exp(-0.9)) * (1 - math.exp(-1.2)), abs=0.005)
    assert years[included].max() <= 4 + 1 / 6


@pytest.mark.parametrize("rate", [0.4, 1.5, 6.0])
def test_the_look_back_is_that_of_a_loop_over_timelines(rate):
    rule, rng = LookBack(), np.random.default_rng(2)
    counts = []
    for _ in range(6000):
        times, held = timeline(rng, rate, 8 + 1 / 6), 0
        for relapse in times[times <= 8]:
            end = relapse + 1 / 6
            held = int(((times > end - 1) & (times <= end)).sum())
            if end >= 1 and held >= 2:
                break
        else:
            held = 0
        counts.append(held)
    counts = np.array(counts)
    rates = np.full(200_000, rate)
    found, years, included = rule.reference(np.random.default_rng(3), rates, rates)
    error = 4 / math.sqrt(len(counts))
    assert included.mean() == pytest.approx((counts > 0).mean(), abs=0.5 * error)
    assert found[included].mean() == pytest.approx(counts[counts > 0].mean(), abs=error * counts.std())
    assert set(years) == {1.0}
    assert found[included].min() >= 2


def test_frequent_relapses_take_a_short_cut_to_the_same_counts(monkeypatch):
    rates = np.full(20_000, 70.0)
    quick = LookBack().reference(np.random.default_rng(1), rates, rates)[0]
    monkeypatch.setattr("nmo_stats.simulate.rules._OFTEN", 1e9)
    slow = LookBack().reference(np.random.default_rng(2), rates, rates)[0]
    assert stats.ks_2samp(quick, slow).pvalue > 0.001


def test_not_included_patients_are_replaced_at_the_same_place():
    found = simulated(LookBack(), GammaRates(0.3, 0.7), years=[[1, 2], [1, 0.5]], cohorts=500)
    assert found.relapses.shape == (500, 2, 2)
    assert found.relapses[:, :, 0].min() >= 2
    assert found.years[:, :, 1].tolist() == [[2.0, 0.5]] * 500


def test_a_rule_that_includes_nobody_is_refused_in_time():
    with pytest.raises(ArgumentError, match="fewer than 1 in 1000"):
        simulated(LookBack(relapses=9), GammaRates(0.05, 0.1), cohorts=5)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (Triggered, {"relapses": 0}),
        (Triggered, {"relapses": 1.5}),
        (Triggered, {"lag_months": -1}),
        (Triggered, {"start_years": (4, 1)}),
        (Triggered, {"within_years": 0}),
        (LookBack, {"months": 0}),
        (LookBack, {"lag_months": 12}),
        (LookBack, {"within_years": 0.5}),
        (LookBack, {"relapses": True}),
    ],
    ids=str,
)
def test_a_rule_outside_its_range_is_refused(rule, options):
    with pytest.raises(ArgumentError):
        rule(**options)


def test_rules_and_populations_are_words_in_messages():
    assert str(GammaRates(0.6, 0.7)) == "a mean of 0.6 relapses per year (CV 0.7)"
    assert str(FixedWindows()) == "reference times as observed"
    assert str(Triggered(2)) == "switch 2 months after relapse 2 of the reference period"
    assert str(Triggered(1, 2.0, (1.0, 4.0), 4.0)).endswith(
        "starting at a relapse between years 1 and 4, within 4 years"
    )
    assert str(LookBack()).startswith(
        "switch 2 months after a relapse, 12 months of look-back with at least 2 relapses"
    )
    with pytest.raises(ArgumentError) as caught:
        simulated(LookBack(relapses=9), GammaRates(0.05, 0.1), cohorts=5)
    assert str(caught.value).startswith("switch 2 months after a relapse")
    assert "GammaRates" not in str(caught.value)


# ------------------------------------------------------------------------------------------ estimates


def test_the_estimates_of_many_cohorts_are_those_of_the_single_methods():
    found = simulated(Triggered(1), GammaRates(0.7, 1.0), cohorts=300)
    many = point_estimates(found)
    for place in range(len(found)):
        pair = Comparison.from_arrays(found.relapses[place], found.years[place])
        arr = pair.relapses / pair.years
        for name, method in (("pooled_exact", exact.pooled), ("conditional_exact", exact.conditional)):
            assert many[name][place] == pytest.approx(method(pair).rate_ratio().estimate, rel=1e-6)
        assert many["mean_arr_ratio"][place] == pytest.approx(arr[:, 1].mean() / arr[:, 0].mean())
        assert many["median_arr_ratio"][place] == pytest.approx(np.median(arr[:, 1]) / np.median(arr[:, 0]))


def test_boundaries_are_zero_infinite_and_unknown():
    relapses = np.array([[[2, 0], [1, 0]], [[0, 3], [0, 1]], [[0, 0], [0, 0]]])
    found = point_estimates(Cohorts(relapses, np.ones((3, 2, 2))))
    for name in ("pooled_exact", "conditional_exact", "mean_arr_ratio"):
        np.testing.assert_array_equal(found[name], [0, np.inf, np.nan])
    with pytest.raises(NotIdentifiedError):
        exact.pooled(Comparison.from_arrays(relapses[2], np.ones((2, 2))))


def test_one_newton_iteration_serves_cohorts_of_different_totals():
    totals, offsets = np.array([[5, 0, 2], [1, 1, 7]]), np.log([[1, 2, 3], [0.2, 4, 1]])
    found = log_ratio_estimates(np.array([3.0, 8.5]), totals, offsets)
    expected = (totals / (1 + np.exp(-(found[:, None] + offsets)))).sum(axis=1)
    np.testing.assert_allclose(expected, [3.0, 8.5], rtol=1e-9)


def test_a_series_in_which_one_patient_relapses_has_the_ratio_of_its_rates():
    relapses = np.zeros((3, 3, 2), dtype=int)
    relapses[np.arange(3), np.arange(3)] = [3, 2]
    found = point_estimates(Cohorts(relapses, np.broadcast_to(EXAMPLE_YEARS, relapses.shape)))
    expected = 2 / 3 * EXAMPLE_YEARS[:, 0] / EXAMPLE_YEARS[:, 1]
    np.testing.assert_allclose(found["conditional_exact"], expected, rtol=1e-14)


# -------------------------------------------------------------- series with no effect, simulated before


@pytest.mark.parametrize(
    ("rule", "years", "expected"),
    [
        # Simulated by itself, 4,000 patients: mean rate 0.8, coefficient of variation 0.7, constant rates.
        (Triggered(1, 2.0, (1.0, 4.0), 4.0), [[1.0, 1.5]], (1.01, 0.68, 0.51)),
        (LookBack(), [[1.0, 1.0]], (0.44, 0.44, 0.44)),
    ],
)
def test_no_effect_gives_the_ratios_that_were_simulated_independently(rule, years, expected):
    found = point_estimates(simulated(rule, GammaRates(0.8, 0.7), np.resize(years, (60_000, 2)), cohorts=1))
    seen = [float(found[name][0]) for name in ("pooled_exact", "conditional_exact", "mean_arr_ratio")]
    assert seen == pytest.approx(expected, abs=0.02)


def test_without_selection_no_effect_gives_a_ratio_of_1():
    found = point_estimates(
        simulated(FixedWindows(), GammaRates(0.8, 0.7), np.resize(EXAMPLE_YEARS, (60_000, 2)), cohorts=1)
    )
    for name in ("pooled_exact", "conditional_exact", "mean_arr_ratio"):
        assert found[name][0] == pytest.approx(1, abs=0.02)


def test_the_same_seed_gives_the_same_cohorts():
    first, second = (simulated(LookBack(), GammaRates(1, 0.7), cohorts=50, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.relapses, second.relapses)
    np.testing.assert_array_equal(first.years, second.years)
