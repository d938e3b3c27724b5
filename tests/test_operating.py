"""Designs, measures, and operating characteristics that are known in closed form."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import nmo_stats as nmo
from nmo_stats.errors import ArgumentError
from nmo_stats.estimators.intervals import Intervals, PValues
from nmo_stats.operating import Design, UniformTimes, simulate
from nmo_stats.operating.planning import plan
from nmo_stats.operating.simulation import measured
from nmo_stats.simulate import LogNormalRates, Triggered, WholeMonths

ONE = Design(1, ((2.0, 2.0),), 1.5, sd_rate=0.0, sd_rate_ratio=0.0)


# --------------------------------------------------------------------------------------- designs


def test_a_design_like_a_pair_has_its_times_and_its_pooled_reference_rate(example_pair):
    design = Design.like(example_pair, 0.5)
    assert design.times == tuple(sorted(map(tuple, example_pair.years.tolist())))
    assert (design.patients, design.rate_ratio, design.sd_rate, design.sd_rate_ratio) == (3, 0.5, 0.5, 0.25)
    assert design.reference_arr == pytest.approx(9 / (44 / 12))


def test_no_reference_relapse_no_rate_to_plan_with():
    with pytest.raises(ArgumentError, match="no relapse on reference"):
        Design.like(nmo.Comparison.from_arrays([[0, 1]], [[1, 1]]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patients": 0}, "patients 0"),
        ({"patients": 1.5}, "patients 1.5"),
        ({"times": ()}, "patients, 2"),
        ({"times": ((1.0, 0.0),)}, "each is > 0"),
        ({"reference_arr": 0.0}, "reference ARR 0.0"),
        ({"rate_ratio": 0.0}, "ratio 0.0"),
        ({"sd_rate": -1.0}, "sd_rate -1.0"),
        ({"overdispersion": math.nan}, "overdispersion nan"),
        ({"rule": "random"}, "rule 'random'"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_a_design_outside_its_range_is_refused(change, words):
    with pytest.raises(ArgumentError, match=words):
        replace(ONE, **change)


def test_times_are_recycled_or_drawn():
    rng = np.random.default_rng(1)
    recycled = Design(5, ((1.0, 2.0), (3.0, 4.0)), 1.0).draw(rng, 2).years
    assert recycled[1].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4], [3, 4]]
    uniform = Design(4, UniformTimes((1.0, 2.0), (3.0, 5.0)), 1.0).draw(rng, 5_000).years
    assert uniform.min(axis=(0, 1)) == pytest.approx([1, 3], abs=0.01)
    assert uniform.mean(axis=(0, 1)) == pytest.approx([1.5, 4], abs=0.02)


def test_the_order_of_patients_is_of_no_account_and_fewer_are_like_all():
    times = tuple((float(t), 1.0) for t in range(1, 21))
    one, other = Design(6, times, 1.0), Design(6, times[::-1], 1.0)
    assert one == other
    chosen = one.draw(np.random.default_rng(1), 1).years[0, :, 0]
    assert chosen.tolist() == [2, 6, 9, 12, 16, 19]


def test_numbers_of_every_kind_are_taken_and_others_refused():
    times = np.array([[2.0, 1.0]])
    design = Design(np.int64(2), times, np.float64(1.0), seed=np.int64(3))
    assert hash(design) == hash(Design(2, ((2.0, 1.0),), 1, seed=3))
    for change in (
        {"reference_arr": "2"},
        {"rule": ["fixed"]},
        {"times": ((1, "x"),)},
        {"times": ((1,), (1, 2))},
        {"seed": 1.5},
    ):
        with pytest.raises(ArgumentError):
            replace(design, **change)


@pytest.mark.parametrize("change", [{"reference_arr": 900.0, "times": ((90.0, 1.0),)}, {"sd_rate": 10.0}])
def test_relapses_without_bound_are_refused(change):
    with pytest.raises(ArgumentError, match="lower the rate"):
        simulate(replace(ONE, **change), ["pooled_exact"], 100)


def test_overdispersion_differs_between_the_periods_of_a_patient():
    rates = LogNormalRates(1.0, 1.0, 0.0, 0.0, 0.5).draw(np.random.default_rng(4), 100_000)
    assert np.corrcoef(rates.T)[0, 1] == pytest.approx(0, abs=0.02)


def test_the_rules_are_those_of_the_design():
    rng = np.random.default_rng(8)
    triggered = Design(200, ((2.0, 1.0),), 6.0, sd_rate=0.0, sd_rate_ratio=0.0, rule="triggered").draw(
        rng, 200
    )
    # the first relapse comes after 1/6 year on average, the switch 1/6 year later; relapses between count
    assert triggered.years[..., 0].mean() == pytest.approx(1 / 6 + 2 / 12, abs=0.005)
    assert triggered.relapses[..., 0].mean() == pytest.approx(1 + 6 * 2 / 12, abs=0.03)
    back = replace(Design(200, ((2.0, 1.0),), 2.0, rule="look_back")).draw(rng, 20)
    assert back.years[..., 0] == pytest.approx(1.0)
    assert back.relapses[..., 0].min() == 2


def test_rates_have_the_moments_of_the_model():
    rates = LogNormalRates(2.0, 0.25, 0.6, 0.4, 0.3).draw(np.random.default_rng(3), 400_000)
    # The mean of a log-Normal variable with variance s^2 around log m is m exp(s^2 / 2), s^2 = 0.36 + 0.04.
    means = np.array([2.0, 0.5]) * math.exp(0.2)
    assert rates.mean(axis=0) == pytest.approx(means, rel=0.01)
    # E rate^2 = m^2 exp(2 s^2) (1 + overdispersion), by independence of the Gamma variable.
    assert (rates**2).mean(axis=0) == pytest.approx(np.array([4.0, 0.25]) * math.exp(0.8) * 1.3, rel=0.03)


def test_whole_months_round_the_reference_times_and_keep_the_counts():
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    rates, years = np.full(4_000, 3.0), np.ones(4_000)
    relapses, taken, _ = Triggered(1).reference(rng, rates, years)
    counts, months, _ = WholeMonths(Triggered(1)).reference(same, rates, years)
    assert (relapses == counts).all()
    assert months * 12 == pytest.approx(np.maximum(np.round(12 * taken), 1))
    assert np.abs(months - taken).max() <= 0.5 / 12 + 1e-12
    # a reference period that rounds to nothing lasts a month
    short, _, _ = WholeMonths(Triggered(1, lag_months=0.0)).reference(rng, np.full(50, 500.0), np.ones(50))
    assert (
        WholeMonths(Triggered(1, lag_months=0.0)).reference(rng, np.full(50, 500.0), np.ones(50))[1] == 1 / 12
    ).all()
    assert (short == 1).all()


# --------------------------------------------------------------------------------------- measures


def test_measures_by_hand():
    estimate = np.array([0.5, 1.0, 2.0, 0.0, np.nan])
    found = measured(
        "m", Intervals(estimate, estimate / 2, np.array([1.0, 2.0, 4.0, 3.0, np.nan])), 0.5, 0.95
    )
    assert found.replicates == 5
    assert found.not_identified == pytest.approx(0.2)
    assert found.coverage == pytest.approx(3 / 4)  # 1.0 to 4.0 does not hold 0.5
    assert found.coverage_se == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert found.rejects_1 == 0
    assert found.rejects_1_se == pytest.approx(math.sqrt(1 / 6 * 5 / 6 / 4))  # not 0
    assert found.detects == 0
    assert found.bias == pytest.approx(0)  # the lower of the two middle values
    assert found.log_width == pytest.approx(math.log(4))


def test_only_the_side_of_the_truth_is_a_detection():
    low, high = np.array([0.1, 1.5, 0.5, 2.0]), np.array([0.9, 3.0, 2.0, 5.0])
    found = measured("m", Intervals(np.sqrt(low * high), low, high), 0.5, 0.95)
    assert (found.rejects_1, found.detects) == (0.75, 0.25)
    assert measured("m", Intervals(np.sqrt(low * high), low, high), 2.0, 0.95).detects == 0.5
    assert measured("m", Intervals(np.sqrt(low * high), low, high), 1.0, 0.95).detects is None


def test_tests_have_power_and_no_coverage():
    found = measured("t", PValues(np.array([0.01, 0.2, 0.05, np.nan])), 0.5, 0.95)
    assert (found.coverage, found.bias, found.log_width) == (None, None, None)
    assert found.rejects_1 == pytest.approx(2 / 3)
    assert found.to_dict()["coverage"] is None


def test_nothing_identified_gives_no_number():
    nowhere = np.full(4, np.nan)
    found = measured("m", Intervals(nowhere, nowhere, nowhere), 1.0, 0.95)
    assert (found.not_identified, found.coverage, found.bias) == (1, None, None)


def test_the_error_of_the_median_is_that_of_theory():
    rng = np.random.default_rng(2)
    found = [
        measured("m", Intervals(np.exp(x := rng.normal(size=2_000)), np.exp(x - 1), np.exp(x + 1)), 1.0, 0.95)
        for _ in range(300)
    ]
    # The median of n standard Normal values has the standard deviation sqrt(pi / 2 / n).
    assert np.mean([one.bias_se for one in found]) == pytest.approx(math.sqrt(math.pi / 4_000), rel=0.05)
    assert np.std([one.bias for one in found]) == pytest.approx(math.sqrt(math.pi / 4_000), rel=0.15)


# --------------------------------------------------------------------------------------- simulation


def test_coverage_of_one_patient_is_the_sum_over_all_outcomes():
    design = replace(ONE, rate_ratio=0.5)
    from nmo_stats import exact

    covered = excluded = known = 0.0
    for reference in range(20):
        for comparator in range(20):
            chance = stats.poisson.pmf(reference, 3.0) * stats.poisson.pmf(comparator, 1.5)
            if reference + comparator:
                interval = exact.pooled(
                    nmo.Comparison.from_arrays([[reference, comparator]], [[2, 2]])
                ).interval()
                known += chance
                covered += chance * interval.contains(0.5)
                excluded += chance * (not interval.contains(1.0))
    found = simulate(design, ["pooled_exact"], 40_000).measures[0]
    assert found.coverage == pytest.approx(covered / known, abs=4 * found.coverage_se)
    assert found.rejects_1 == pytest.approx(excluded / known, abs=4 * found.rejects_1_se)
    assert found.not_identified == pytest.approx(math.exp(-4.5), abs=4 * math.sqrt(math.exp(-4.5) / 40_000))


@pytest.mark.parametrize("ratio", [1.0, 0.2])
def test_exact_intervals_do_not_under_cover_under_their_assumptions(ratio):
    design = Design(5, ((2.0, 1.0), (1.0, 2.0)), 1.5, ratio, sd_rate=0.8, sd_rate_ratio=0.0)
    found = simulate(design, ["conditional_exact"], 5_000).measures[0]
    assert found.coverage >= 0.95 - 3 * found.coverage_se


def test_under_a_triggered_switch_the_pooled_interval_loses_its_coverage():
    # patients with many relapses are switched early, so the reference years are those of the others
    fixed = Design(30, ((2.0, 2.0),), 1.0, 1.0, 1.0, 0.0)
    lost = simulate(replace(fixed, rule="triggered"), ["pooled_exact"], 2_000).measures[0]
    kept = simulate(fixed, ["pooled_exact"], 2_000).measures[0]
    assert lost.coverage < 0.9 < kept.coverage
    assert lost.bias > 0.5


def test_wilcoxon_cannot_reject_with_three_patients(example_pair):
    found = simulate(Design.like(example_pair, 0.05), ["wilcoxon"], 500).measures[0]
    assert found.rejects_1 == 0


def test_all_estimators_by_default(example_pair):
    found = simulate(Design.like(example_pair, 0.5), replicates=100)
    assert [one.method for one in found.measures] == [
        "pooled_exact", "poisson", "negative_binomial", "gee", "conditional_exact", "conditional_midp",
        "conditional_poisson", "hierarchical_quadrature", "gee_sandwich", "wilcoxon", "paired_t",
    ]  # fmt: skip
    assert found.find("gee").not_identified == 1
    assert found.to_frame()["replicates"].tolist() == [100] * 11


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicates": 5}, "replicates 5"),
        ({"replicates": 10.5}, "replicates 10.5"),
        ({"estimators": ["exact"]}, "estimators"),
        ({"estimators": []}, "estimators"),
        ({"estimators": "pooled_exact"}, "list"),
        ({"level": 1.0}, "level"),
        ({"level": 0.999}, "leave that estimator out"),
    ],
)
def test_options_outside_their_range_are_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        simulate(ONE, **options)


# --------------------------------------------------------------------------------------- planning


def test_more_patients_are_needed_for_a_smaller_effect():
    design = Design(1, ((2.0, 2.0),), 1.5, 0.2, 0.5, 0.0)
    strong = plan(design, methods=["conditional_exact"], replicates=300)
    weak = plan(replace(design, rate_ratio=0.5), methods=["conditional_exact"], replicates=300)
    assert strong.needed("conditional_exact") < weak.needed("conditional_exact")
    frame = weak.to_frame()
    below = frame[frame["patients"] < weak.needed("conditional_exact")]
    assert (below["rejects_1"] * (1 - below["not_identified"]) < 0.8).all()


def test_power_counts_the_series_in_which_a_method_gives_nothing():
    found = plan(Design(1, ((1.0, 1.0),), 3.0, 0.05, 0.0, 0.0), methods=["poisson"], replicates=200)
    row = found.to_frame().set_index("patients").loc[found.enough("poisson")]
    assert row["not_identified"] > 0.02
    assert row["detects"] * (1 - row["not_identified"]) >= 0.8


def test_where_patients_are_chosen_by_their_relapses_no_size_is_given():
    design = Design(3, ((2.0, 2.0),), 0.6, 0.8, 0.5, 0.0, rule="look_back")
    found = plan(design, methods=["conditional_exact"], replicates=200)
    assert found.misleads("conditional_exact")
    assert found.no_effect["conditional_exact"].rejects_1 > 0.5
    assert found.enough("conditional_exact") is not None
    assert found.needed("conditional_exact") is None


def test_where_no_size_is_enough_there_is_none():
    found = plan(replace(ONE, rate_ratio=0.97), methods=["conditional_exact"], replicates=100)
    assert found.needed("conditional_exact") is None


def test_a_ratio_of_1_leaves_nothing_to_plan():
    with pytest.raises(ArgumentError, match="nothing to detect"):
        plan(ONE)
    with pytest.raises(ArgumentError, match="power"):
        plan(replace(ONE, rate_ratio=0.5), power=1.0)
    with pytest.raises(ArgumentError, match="interval"):
        plan(replace(ONE, rate_ratio=0.5), methods=["wilcoxon"])
