"""Annualized relapse rates: exact intervals against scipy and R, and the three numbers that papers mix."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmo_stats import describe
from nmo_stats.cohort import Cohort
from nmo_stats.describe.arr import poisson_rate_interval, share_interval
from nmo_stats.errors import ArgumentError


def cohort(*rows):
    return Cohort.from_frame(
        pd.DataFrame(rows, columns=["patient", "treatment", "relapses", "exposure_months"])
    )


@pytest.fixture(scope="module")
def summary(example_cohort):
    return describe.arr(example_cohort)


@pytest.fixture(scope="module")
def pooled(summary):
    return summary.pooled.set_index("treatment")


# R 4: poisson.test(relapses, months / 12)$conf.int
R_INTERVALS = [
    (0, 18, 0.000000, 2.459253),
    (6, 32, 0.82571035, 4.89730276),
    (2, 8, 0.36331392, 10.83703150),
    (1, 4, 0.075953424, 16.714930173),
    (9, 44, 1.1223745, 4.6594919),
    (2, 48, 0.06055232, 1.80617192),
]


@pytest.mark.parametrize(("relapses", "months", "low", "high"), R_INTERVALS)
def test_rate_intervals_are_those_of_r(relapses, months, low, high):
    assert poisson_rate_interval(relapses, months / 12, 0.95) == (
        pytest.approx(low, rel=1e-6),
        pytest.approx(high, rel=1e-6),
    )


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_rate_intervals_are_garwoods_chi_square_limits(level):
    counts = np.array([0, 1, 2, 9, 1000])
    low, high = poisson_rate_interval(counts, np.full(5, 2.0), level)
    tail = (1 - level) / 2
    assert low[0] == 0
    assert low[1:] == pytest.approx(stats.chi2.ppf(tail, 2 * counts[1:]) / 4)
    assert high == pytest.approx(stats.chi2.isf(tail, 2 * counts + 2) / 4)


def test_no_relapse_in_18_months_allows_up_to_2_46_per_year(summary):
    row = summary.per_patient.set_index(["patient", "treatment"]).loc[("2", "tocilizumab")]
    assert (row["arr"], row["low"], round(row["high"], 2)) == (0, 0, 2.46)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(("successes", "total"), [(0, 1), (1, 1), (0, 3), (1, 3), (3, 3), (7, 30)])
def test_share_intervals_are_scipys_exact_ones(successes, total, level):
    expected = stats.binomtest(successes, total).proportion_ci(level, method="exact")
    assert share_interval(successes, total, level) == (
        pytest.approx(expected.low, abs=1e-12),
        pytest.approx(expected.high, abs=1e-12),
    )


def test_pooled_mean_and_median_of_the_example_are_three_different_numbers(pooled):
    reference, comparator = pooled.loc["rituximab"], pooled.loc["tocilizumab"]
    # 9 relapses in 44 months, 2 in 48; individual ARRs 2.25, 3, 3 and 12/21, 0, 12/9.
    assert [reference["arr"], comparator["arr"]] == pytest.approx([9 * 12 / 44, 0.5])
    assert [reference["mean_arr"], comparator["mean_arr"]] == pytest.approx([2.75, (12 / 21 + 12 / 9) / 3])
    assert [reference["median_arr"], comparator["median_arr"]] == pytest.approx([3.0, 12 / 21])
    assert reference[["min_arr", "max_arr"]].tolist() == [2.25, 3.0]
    assert comparator[["min_arr", "max_arr"]].tolist() == [0.0, pytest.approx(12 / 9)]


def test_the_relapse_free_share_has_an_exact_interval(pooled):
    columns = ["relapse_free", "relapse_free_share", "relapse_free_low", "relapse_free_high"]
    # R: binom.test(0, 3)$conf.int, binom.test(1, 3)$conf.int
    assert pooled.loc["rituximab", columns].tolist() == pytest.approx([0, 0, 0, 0.70759823])
    assert pooled.loc["tocilizumab", columns].tolist() == pytest.approx(
        [1, 1 / 3, 0.0084037587, 0.9057006759]
    )


def test_a_relapse_free_share_over_unequal_follow_up_carries_a_caution(summary):
    for treatment, months in (("rituximab", "4 to 32 months"), ("tocilizumab", "9 to 21 months")):
        (caution,) = summary.cautions[treatment]
        assert caution.code == "unequal_follow_up"
        assert months in caution.text


def test_a_relapse_free_share_over_equal_follow_up_carries_none():
    found = describe.arr(cohort(("A", "old", 1, 12), ("B", "old", 0, 12.5), ("A", "new", 0, 6)))
    assert found.cautions == {"old": (), "new": ()}


def test_patients_with_one_treatment_are_described_too():
    found = describe.arr(cohort(("A", "old", 3, 12), ("A", "new", 0, 12), ("B", "old", 1, 12)))
    assert found.pooled["patients"].tolist() == [2, 1]
    assert found.pooled["relapses"].tolist() == [4, 0]
    assert len(found.per_patient) == 3


def test_several_courses_of_a_drug_are_one_rate():
    frame = pd.DataFrame(
        {
            "patient": ["A", "A", "A"],
            "treatment": ["old", "new", "old"],
            "relapses": [3, 0, 1],
            "exposure_years": [1.0, 2.0, 3.0],
            "period": [1, 2, 3],
        }
    )
    found = describe.arr(Cohort.from_frame(frame))
    old = found.per_patient.set_index("treatment").loc["old"]
    assert (old["relapses"], old["years"], old["arr"]) == (4, 4.0, 1.0)
    assert found.pooled.set_index("treatment").loc["old", "patients"] == 1


def test_the_level_moves_every_interval(example_cohort, pooled):
    wide = describe.arr(example_cohort, 0.99).pooled.set_index("treatment")
    assert (wide["low"] < pooled["low"]).all()
    assert (wide["high"] > pooled["high"]).all()
    assert wide.loc["tocilizumab", "relapse_free_high"] > pooled.loc["tocilizumab", "relapse_free_high"]


@pytest.mark.parametrize("level", [0, 1, 95, float("nan")])
def test_a_level_is_a_probability(example_cohort, level):
    with pytest.raises(ArgumentError, match="level"):
        describe.arr(example_cohort, level)


def test_the_frame_has_each_patient_and_the_pooled_rows(summary):
    frame = summary.to_frame()
    assert frame["patient"].tolist() == ["1", "1", "2", "2", "3", "3", None, None]
    assert frame["treatment"].tolist()[-2:] == ["rituximab", "tocilizumab"]
    assert frame.columns.tolist() == ["patient", "treatment", "relapses", "years", "arr", "low", "high"]


def test_a_covariate_called_years_does_not_stand_in_for_follow_up():
    frame = pd.DataFrame(
        {"patient": ["A"], "treatment": ["old"], "relapses": [2], "exposure_months": [12], "years": [50]}
    )
    assert describe.arr(Cohort.from_frame(frame)).pooled["arr"].tolist() == [2.0]
