"""The conditional likelihood, the within-patient dispersion and the cautions that rest on them."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2

from nmo_stats import Comparison, load_example
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimators.cautions import (
    dispersion_cautions,
    pair_cautions,
    pooled_cautions,
    zero_cell_cautions,
)
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.methods import ratio_of
from nmo_stats.estimators.within_patient import (
    Strata,
    dispersion,
    log_ratio_mle,
    log_ratio_with_mean,
    log_time_ratios,
    patient_strata,
    strata,
)

SINGLE = {"max_examples": 60, "deadline": None}


@st.composite
def pairs(draw):
    """One to eight patients; times over four decades in each period."""
    patients = draw(st.integers(1, 8))
    cells = {"min_size": patients, "max_size": patients}
    counts = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), **cells))
    decades = draw(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), **cells))
    return Comparison.from_arrays(counts, 10.0 ** np.array(decades))


def arm(name):
    return load_example("thall_vail1990").where(arm=name).compare("after", reference="before")


def random_pair(patients, seed, mean=3.0):
    rng = np.random.default_rng(seed)
    years = rng.uniform(0.5, 3, (patients, 2))
    return Comparison.from_arrays(rng.poisson(mean * years), years)


# ---------------------------------------------------------------------------------------- strata and estimate


def test_the_pooled_stratum_holds_all_relapses_and_times(example_pair):
    stratum = strata(Cohorts.of(example_pair).pooled())
    assert stratum.totals.tolist() == [[11]]
    assert math.exp(stratum.log_time_ratios[0, 0]) == pytest.approx(48 / 44)


def test_patients_without_relapses_are_no_stratum():
    pair = Comparison.from_arrays([[3, 1], [0, 0], [2, 2]], [[1, 2], [5, 1], [1, 3]])
    patients = patient_strata(pair)
    assert patients.totals.tolist() == [[4, 4]]
    assert np.exp(patients.log_time_ratios[0]) == pytest.approx([2, 3])


def test_patients_with_the_same_time_ratio_are_one_stratum():
    pair = Comparison.from_arrays([[3, 1], [1, 1], [2, 2]], [[1, 2], [2, 4], [1, 3]])
    assert patient_strata(pair).totals.tolist() == [[6, 4]]
    assert patient_strata(pair).relapses == [10]


def test_the_estimate_of_the_example_is_that_of_r(example_pair):
    # Rscript tests/reference/exact_conditional.R
    assert math.exp(log_ratio_mle(patient_strata(example_pair), 2)[0]) == pytest.approx(0.19324891, rel=1e-8)


def test_one_patient_has_the_ratio_of_its_rates():
    pair = Comparison.from_arrays([[6, 2]], [[3.0, 4.0]])
    assert math.exp(log_ratio_mle(patient_strata(pair), 2)[0]) == pytest.approx((2 / 4) / (6 / 3), rel=1e-14)


def test_a_zero_cell_has_an_infinite_log_ratio():
    patients = Strata(np.array([[4, 3]] * 2), np.array([[0.0, 1.0]] * 2))
    assert log_ratio_mle(patients, [0, 7]).tolist() == [-math.inf, math.inf]


@settings(**SINGLE)
@given(pairs(), st.floats(0.01, 0.99))
def test_the_ratio_with_a_given_mean_has_that_mean(pair, share):
    if not sum(pair.totals):
        return
    patients = patient_strata(pair)
    mean = share * patients.relapses
    chance = expit(log_ratio_with_mean(patients, mean) + patients.log_time_ratios[0])
    assert np.dot(patients.totals[0], chance) == pytest.approx(mean[0], rel=1e-10)


def test_the_estimate_keeps_its_digits_next_to_a_boundary():
    # 1 of 200,000 relapses lies on the reference: swapping the periods must invert the ratio there too
    pair = Comparison.from_arrays([[1, 100_000], [0, 99_999]], [[1, 1], [1, 1.3]])
    there = log_ratio_mle(patient_strata(pair), 199_999)
    back = log_ratio_mle(patient_strata(pair.swapped()), 1)
    assert there == pytest.approx(-back, rel=1e-14)


def test_more_than_ten_million_relapses_are_refused_by_name():
    pair = Comparison.from_arrays([[100_000, 1]] * 100, [[1, 1]] * 100)
    with pytest.raises(NotIdentifiedError, match="pooled_exact: more than 10,000,000 relapses"):
        ratio_of("pooled_exact", pair)


# ------------------------------------------------------------------------------------------------- dispersion


# Rscript tests/reference/dispersion.R; limits from 20,000 simulated cohorts, Monte Carlo error 0.004
@pytest.mark.parametrize(
    ("name", "value", "limit"), [("placebo", 3.6503567, 1.479), ("progabide", 6.3853519, 1.44)]
)
def test_the_trial_arms_are_overdispersed_as_r_finds(name, value, limit):
    found = dispersion(arm(name))
    assert found.value == pytest.approx(value, rel=1e-7)
    assert found.limit == pytest.approx(limit, abs=0.025)
    assert found.verdict == "overdispersed"


def independent_limit(pair, replicates, seed):
    """Simulate cohorts with the same totals, refit each by root search, and take the 95 % quantile."""
    rng = np.random.default_rng(seed)
    totals, offsets = pair.relapses.sum(axis=1), np.log(pair.years[:, 1] / pair.years[:, 0])

    def refit(total):
        return brentq(lambda x: float(totals @ expit(x + offsets)) - total, -30, 30)

    chance = expit(refit(pair.totals[1]) + offsets)
    values = []
    for counts in rng.binomial(totals, chance, (replicates, len(totals))):
        fitted = expit(refit(counts.sum()) + offsets)
        values.append(np.sum((counts - totals * fitted) ** 2 / (totals * fitted * (1 - fitted))))
    return np.quantile(values, 0.95) / (len(totals) - 1)


def test_the_simulated_limit_agrees_with_an_independent_simulation():
    pair = random_pair(25, seed=3)
    # quantile of 4,000: sd 0.28 * 2.1 / sqrt(4000) = 0.009, of the tested 10,000: 0.006; three together
    assert dispersion(pair).limit == pytest.approx(independent_limit(pair, 4_000, seed=8), abs=0.033)


def test_the_limit_of_many_relapses_is_that_of_chi_squared():
    pair = random_pair(30, seed=5, mean=200.0)
    assert dispersion(pair).limit == pytest.approx(chi2.ppf(0.95, 29) / 29, abs=0.02)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_normal_limit_of_many_patients_agrees_with_simulation(share):
    rng = np.random.default_rng(1)
    totals = rng.integers(1, 4, 800)
    simulated = rng.binomial(totals, share, (6_000, 800))
    fitted = simulated.sum(axis=1, keepdims=True) / totals.sum()
    values = np.sum((simulated - totals * fitted) ** 2 / (totals * fitted * (1 - fitted)), axis=1) / 799
    pair = Comparison.from_arrays(np.column_stack([totals - simulated[0], simulated[0]]), np.ones((800, 2)))
    assert dispersion(pair).limit == pytest.approx(np.quantile(values, 0.95), abs=0.008)


@pytest.mark.parametrize("patients", [12, 600])
@pytest.mark.parametrize("years", [(1.0, 1.0), (1.0, 3.0), (0.7, 0.3)])
def test_one_relapse_per_patient_is_never_overdispersed(patients, years):
    # the statistic is then N / (N - 1) whatever happened, and so is every simulated one
    counts = np.tile([1, 0], (patients, 1))
    counts[: patients // 4] = [0, 1]
    found = dispersion(Comparison.from_arrays(counts, np.tile(years, (patients, 1))))
    assert found.value == pytest.approx(patients / (patients - 1))
    assert found.limit == pytest.approx(patients / (patients - 1), abs=1e-6)
    assert found.verdict == "no excess"


def test_fewer_than_ten_informative_patients_are_not_assessable(example_pair):
    silent = np.zeros((20, 2), dtype=int)
    silent[:9] = [5, 1]
    for pair in (example_pair, Comparison.from_arrays(silent, np.ones((20, 2)))):
        found = dispersion(pair)
        assert found.verdict == "not assessable"
        assert math.isnan(found.limit)
        assert math.isfinite(found.value)


@pytest.mark.parametrize("counts", [[0, 3], [3, 0]])
def test_a_zero_cell_has_no_dispersion(counts):
    found = dispersion(Comparison.from_arrays([counts] * 12, np.ones((12, 2))))
    assert math.isnan(found.value)
    assert (found.patients, found.verdict) == (12, "not assessable")


def test_dispersion_survives_the_longest_and_shortest_follow_up():
    counts = [[500, 0], [0, 500], *[[3, 3]] * 10]
    years = [[1e-4, 1e4], [1e4, 1e-4], *[[1.0, 1.0]] * 10]
    found = dispersion(Comparison.from_arrays(counts, years))
    assert found.verdict == "overdispersed"
    assert 1 < found.limit < found.value < math.inf


def test_dispersion_does_not_depend_on_order_or_unit():
    pair = random_pair(15, seed=9)
    shuffled = Comparison.from_arrays(pair.relapses[::-1], pair.years[::-1] * 12)
    assert dispersion(shuffled).value == pytest.approx(dispersion(pair).value, rel=1e-10)


def test_swapping_the_periods_keeps_the_dispersion():
    pair = random_pair(15, seed=10)
    assert dispersion(pair.swapped()).value == pytest.approx(dispersion(pair).value, rel=1e-10)


# --------------------------------------------------------------------------------------------------- cautions


def test_the_example_differs_3_4_fold_in_its_time_ratios(example_pair):
    (caution,) = pooled_cautions(example_pair)  # (18 / 8) / (21 / 32) = 3.43
    assert caution.code == "unequal_follow_up"
    assert "differs 3.4-fold" in caution.text


@pytest.mark.parametrize("months", [(6, 9), (7, 5), (11, 13), (1, 3), (39, 35)])
def test_a_time_ratio_of_exactly_1_5_carries_no_caution(months):
    reference, comparator = months
    years = np.array([[reference, comparator], [2 * reference, 3 * comparator]]) / 12
    assert pooled_cautions(Comparison.from_arrays([[1, 1], [1, 1]], years)) == ()
    years[1, 1] *= 1.001
    assert len(pooled_cautions(Comparison.from_arrays([[1, 1], [1, 1]], years))) == 1


def test_patients_without_relapses_count_for_unequal_follow_up():
    pair = Comparison.from_arrays([[3, 1], [0, 0]], [[1, 1], [1, 5]])
    assert [caution.code for caution in pooled_cautions(pair)] == ["unequal_follow_up"]


def test_the_overdispersion_caution_prints_value_and_limit():
    (caution,) = dispersion_cautions(arm("placebo"))
    assert caution.code == "overdispersed"
    assert caution.text.startswith("counts vary 3.65 times as much within patients")


def test_poisson_counts_carry_no_overdispersion_caution(example_pair):
    assert dispersion_cautions(example_pair) == ()
    assert dispersion_cautions(random_pair(30, seed=11)) == ()


@pytest.mark.parametrize(
    ("counts", "texts"),
    [
        ((3, 0), ["no relapse on comparator: only the upper limit carries information"]),
        ((0, 3), ["no relapse on reference: only the lower limit carries information"]),
        ((3, 1), []),
    ],
)
def test_a_zero_cell_says_which_limit_carries_information(counts, texts):
    pair = Comparison.from_arrays([counts], [(1, 1)])
    assert [caution.text for caution in zero_cell_cautions(pair)] == texts


def test_reversed_order_is_said_with_its_numbers(example_pair):
    assert pair_cautions(example_pair) == ()
    (caution,) = pair_cautions(dataclasses.replace(example_pair, reversed_order=("2",)))
    assert caution.code == "reversed_order"
    assert caution.text == "1 of 3 patients had tocilizumab before rituximab"


def test_log_time_ratios_are_those_of_the_patients(example_pair):
    assert np.exp(log_time_ratios(example_pair)) == pytest.approx([21 / 32, 18 / 8, 9 / 4])
