"""The courses behind a comparison: rounding, how they ended, and a run-in."""

import numpy as np
import pandas as pd
import pytest

from nmo_stats.cohort import Cohort, Comparison, load_example


def cohort(**columns):
    frame = pd.DataFrame(
        {
            "patient": ["A", "A", "A", "B", "B"],
            "treatment": ["old", "old", "new", "old", "new"],
            "period": [1, 2, 3, 1, 2],
            "relapses": [2, 1, 0, 3, 1],
            "exposure_months": [12, 6, 9, 24, 10],
        }
    )
    return Cohort.from_frame(frame.assign(**columns))


def test_the_bundled_patients_have_the_times_that_the_paper_gives():
    history = load_example().compare("tocilizumab", reference="rituximab").history
    assert history.known_times == 5
    by_course = list(
        zip(history.patient[history.relapse_course], history.period[history.relapse_course], strict=True)
    )
    assert by_course == [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1)]
    np.testing.assert_allclose(
        history.relapse_years * 12, [18 * 12 / 365.25, 137 * 12 / 365.25, 40 * 12 / 365.25, 3, 4]
    )


def test_known_times_follow_their_rows_into_a_part_of_the_cohort():
    part = load_example().where(patient="3")
    assert part.relapse_times["row"].tolist() == [0, 1]
    assert part.compare("tocilizumab", reference="rituximab").history.known_times == 2


def test_each_course_may_be_off_by_half_a_unit():
    history = cohort().compare("new", reference="old").history
    assert history.are_whole_units()
    np.testing.assert_allclose(history.half_units() * 12, [[1.0, 0.5], [0.5, 0.5]])


def test_times_with_a_fraction_are_not_whole_units():
    assert (
        not cohort(exposure_months=[12, 6, 9.5, 24, 10])
        .compare("new", reference="old")
        .history.are_whole_units()
    )


def test_whole_days_are_whole_units():
    frame = (
        cohort()
        .to_frame()
        .rename(columns={"exposure_months": "exposure_days"})
        .assign(exposure_days=[400, 56, 7, 1, 365])
    )
    assert Cohort.from_frame(frame).compare("new", reference="old").history.are_whole_units()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["no", "no", "", "no", ""], (False, False)),
        (["no", "yes", "", "no", ""], (True, False)),
        (["no", "", "", "yes", "no"], (None, True)),
        (["yes", "", "no", "", "no"], (True, None)),
    ],
)
def test_a_relapse_ended_the_reference_if_it_ended_one_of_its_courses(answers, expected):
    history = cohort(ended_by_relapse=answers).compare("new", reference="old").history
    assert history.reference_ended_by_relapse() == expected


def test_adjacent_courses_leave_the_earlier_ones_out_of_the_history():
    pair = cohort().compare("new", reference="old", courses="adjacent")
    assert pair.history.years.tolist() == pytest.approx([0.5, 0.75, 2.0, 10 / 12])
    assert pair.history.relapses.sum() == sum(pair.totals)


def test_the_history_adds_up_to_the_comparison():
    pair = cohort().compare("new", reference="old")
    relapses, years = np.zeros((2, 2)), np.zeros((2, 2))
    np.add.at(relapses, (pair.history.patient, pair.history.period), pair.history.relapses)
    np.add.at(years, (pair.history.patient, pair.history.period), pair.history.years)
    np.testing.assert_array_equal(relapses, pair.relapses)
    np.testing.assert_allclose(years, pair.years)


def test_a_run_in_takes_relapses_and_time_of_every_course():
    history = load_example().compare("tocilizumab", reference="rituximab").history
    # 18 days lie within the first month, 40 days do not; a relapse at its very end belongs to it.
    relapses, years = history.after_run_in(1 / 12)
    assert relapses.tolist() == [[0, 1], [1, 0], [1, 1]]
    np.testing.assert_allclose(years * 12, [[31, 20], [7, 17], [3, 8]])
    relapses, years = history.after_run_in(3 / 12)
    assert relapses.tolist() == [[0, 0], [1, 0], [0, 1]]
    relapses, years = history.after_run_in(4 / 12)
    np.testing.assert_allclose(years[2] * 12, [0, 5])


def test_arrays_have_no_history_and_changed_data_lose_theirs():
    assert Comparison.from_arrays([[1, 0]], [[1, 1]]).history is None
    pair = load_example().compare("tocilizumab", reference="rituximab")
    changed = pair.changed(relapses=pair.relapses + 1)
    assert (changed.history, changed.totals, changed.patients) == (None, (12, 5), pair.patients)
    assert changed.reference == "rituximab"
    some = pair.only(np.array([True, False, True]))
    assert (some.patients, some.totals, some.history) == (("1", "3"), (7, 2), None)
