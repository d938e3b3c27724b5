"""EDSS change within patients: means of two written out, all signs enumerated, few patients."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nmo_stats import describe
from nmo_stats.cohort import Cohort, Comparison, load_example
from nmo_stats.errors import ArgumentError

halves = st.lists(st.integers(-6, 6).map(lambda step: step / 2), min_size=1, max_size=11)


def cohort(*patients, **columns):
    """Each patient: (reference start, end, comparator start, end)."""
    rows = []
    for place, (first, second, third, fourth) in enumerate(patients):
        rows += [(f"P{place}", "old", 1, first, second), (f"P{place}", "new", 2, third, fourth)]
    frame = pd.DataFrame(rows, columns=["patient", "treatment", "period", "edss_start", "edss_end"])
    return Cohort.from_frame(frame.assign(relapses=0, exposure_years=1.0, **columns))


def compared(found, **options):
    return describe.paired_edss(found, found.compare("new", reference="old", **options))


def means_of_two(differences):
    return sorted(
        (first + second) / 2 for first, second in itertools.combinations_with_replacement(differences, 2)
    )


def test_the_example_changes_by_less_on_tocilizumab_and_reaches_nothing(example_cohort, example_pair):
    found = describe.paired_edss(example_cohort, example_pair)
    assert found.per_patient["reference_change"].tolist() == [1.5, 0.5, 0.0]
    assert found.per_patient["comparator_change"].tolist() == [0.0, -1.0, 0.0]
    assert found.per_patient["difference"].tolist() == [-1.5, -1.5, 0.0]
    # means of two: -1.5 (three times), -0.75 (twice), 0
    assert (found.shift.estimate, found.shift.median) == (-1.125, -1.5)
    assert (found.shift.interval, found.shift.attainable_level) == (None, 0.75)
    for test in found.tests:
        assert (test.p_value, test.smallest_p_value, test.pairs) == (0.5, 0.5, 2)
        assert not test.can_reach()
    assert [caution.code for caution in found.cautions] == ["shared_visit"]


@given(halves)
def test_the_estimate_is_the_median_of_the_means_of_two(differences):
    shift = describe.hodges_lehmann(np.array(differences))
    assert shift.estimate == np.median(means_of_two(differences))
    assert shift.median == np.median(differences)


@given(halves, st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_the_interval_cuts_the_means_of_two_where_the_signed_ranks_say(differences, level):
    shift = describe.hodges_lehmann(np.array(differences), level)
    patients, means = len(differences), means_of_two(differences)
    sums = np.array(
        [np.dot(signs, range(1, patients + 1)) for signs in itertools.product([0, 1], repeat=patients)]
    )
    cuts = [cut for cut in range(1, len(means) + 1) if (sums < cut).mean() <= (1 - level) / 2 + 1e-12]
    if not cuts:
        assert shift.interval is None
        assert shift.attainable_level < level
    else:
        assert (shift.interval.low, shift.interval.high) == (means[cuts[-1] - 1], means[-cuts[-1]])
        assert shift.attainable_level >= level - 1e-12


# Rscript tests/reference/hodges_lehmann.R
@pytest.mark.parametrize(
    ("differences", "estimate", "low", "high", "p_value"),
    [
        ([-2, -1.5, -3, -0.5, 1, -4, -5.5, -2.5], -2.25, -4.0, -0.5, 0.0234375),
        ([0.5, 1, -1.5, 2, 2.5, 3, 3.5, -4, 4.5, 5], 2, -0.5, 3.5, 0.10546875),
    ],
)
def test_an_untied_series_has_the_interval_of_wilcox_test(differences, estimate, low, high, p_value):
    shift = describe.hodges_lehmann(np.array(differences))
    assert (shift.estimate, shift.interval.low, shift.interval.high) == (estimate, low, high)
    assert describe.signed_rank(np.array(differences)).p_value == pytest.approx(p_value)


@pytest.mark.parametrize(("patients", "reached"), [(1, False), (5, False), (6, True)])
def test_five_patients_have_no_interval_and_six_have(patients, reached):
    shift = describe.hodges_lehmann(-np.arange(1, patients + 1) / 2)
    assert (shift.interval is not None) == reached
    assert shift.attainable_level == 1 - 2 / 2**patients


def test_the_interval_covers_with_ties_and_zeros():
    rng, covered, runs = np.random.default_rng(4), 0, 2000
    for _ in range(runs):
        differences = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], 8, p=[0.1, 0.2, 0.4, 0.2, 0.1]) - 0.5
        covered += describe.hodges_lehmann(differences).interval.contains(-0.5)
    assert covered / runs >= 0.95


@given(halves.filter(any))
def test_the_tests_enumerate_all_signs(differences):
    values = np.array(differences)
    kept = values[values != 0]
    signs = np.array(list(itertools.product([0, 1], repeat=len(kept))))
    ranks = stats.rankdata(np.abs(kept))
    for test, statistic in (
        (describe.sign_test(values), np.ones(len(kept))),
        (describe.signed_rank(values), ranks),
    ):
        sums, seen = signs @ statistic, (kept > 0) @ statistic
        expected = min(1.0, 2 * min((sums <= seen + 1e-9).mean(), (sums >= seen - 1e-9).mean()))
        assert test.p_value == pytest.approx(expected, rel=1e-12)
        assert test.smallest_p_value == 2 / 2 ** len(kept)
        assert test.p_value >= test.smallest_p_value * (1 - 1e-12)


@given(halves)
def test_swapping_the_periods_turns_the_sign_only(differences):
    there, back = (
        describe.hodges_lehmann(np.array(differences)),
        describe.hodges_lehmann(-np.array(differences)),
    )
    assert back.estimate == -there.estimate
    if there.interval:
        assert (back.interval.low, back.interval.high) == (-there.interval.high, -there.interval.low)


def test_zero_differences_leave_nothing_to_test():
    found = compared(cohort((3, 4, 4, 5), (2, 2, 2, 2)))
    assert found.shift.estimate == 0
    assert found.tests is None
    assert found.reason == "no patient's EDSS change differs between the periods"
    for test in (describe.sign_test, describe.signed_rank):
        with pytest.raises(ArgumentError, match="every difference is zero"):
            test(np.zeros(3))


def test_patients_without_all_scores_are_named_and_left_out():
    found = compared(cohort((3, 4, 4, 4), (2, None, 2, 2), (5, 6, None, 6)))
    assert found.per_patient["patient"].tolist() == ["P0"]
    assert found.missing == ("P1", "P2")
    assert found.to_dict()["missing"] == ["P1", "P2"]


def test_without_scores_there_is_a_reason_and_no_number():
    bare = cohort((None, None, None, None))
    frame = bare.to_frame().drop(columns=["edss_start", "edss_end"])
    for found in (bare, Cohort.from_frame(frame)):
        paired = compared(found)
        assert not paired.available
        assert paired.reason == "no patient has an EDSS at the start and the end of both periods"
        assert paired.to_dict()["shift"] is None
        assert paired.to_dict()["tests"] == []
        assert paired.to_dict()["cautions"] == []


def test_arrays_hold_no_scores():
    pair = Comparison.from_arrays([[1, 0]], [[1, 1]])
    assert not describe.paired_edss(load_example(), pair).available


def test_the_changes_of_several_courses_are_added():
    frame = pd.DataFrame(
        {"patient": ["A"] * 4, "treatment": ["old", "old", "new", "new"], "period": [1, 2, 3, 4],
         "relapses": 0,
         "exposure_years": 1.0, "edss_start": [2, 3, 4, 4], "edss_end": [3, 4, 4, 3.5]}
    )  # fmt: skip
    found = Cohort.from_frame(frame)
    assert compared(found).per_patient.iloc[0, 1:].tolist() == [2.0, -0.5, -2.5]
    assert compared(found, courses="adjacent").per_patient.iloc[0, 1:].tolist() == [1.0, 0.0, -1.0]
    partly = Cohort.from_frame(frame.assign(edss_end=[None, 4, 4, 3.5]))
    assert compared(partly).missing == ("A",)


def test_a_comparison_of_another_cohort_is_refused(example_cohort):
    other = cohort((3, 4, 4, 4), (2, 3, 3, 3), (2, 3, 3, 3), (2, 3, 3, 3))
    with pytest.raises(ArgumentError, match="another cohort"):
        describe.paired_edss(example_cohort, other.compare("new", reference="old"))


def test_one_patient_reaches_nothing():
    found = compared(cohort((3, 4, 4, 4)))
    assert (found.shift.estimate, found.shift.interval, found.shift.attainable_level) == (-1.0, None, 0.0)
    assert [test.p_value for test in found.tests] == [1.0, 1.0]


@pytest.mark.parametrize("patients", [500, 501, 20_000])
def test_a_registry_is_counted_not_enumerated(patients):
    differences = np.random.default_rng(1).integers(-6, 5, patients) / 2
    shift = describe.hodges_lehmann(differences)
    assert shift.interval.low <= shift.estimate <= shift.interval.high
    assert shift.interval.high - shift.interval.low <= 0.5
    assert describe.sign_test(differences).pairs == (differences != 0).sum()
