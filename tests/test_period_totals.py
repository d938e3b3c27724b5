"""A row that adds up the others is refused by its numbers, under any name; honest small series are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, Comparison, load_example, read_periods
from nmo_stats.cohort.rows import totals

CASES = Path(__file__).parent / "cases"
COUNTS, MONTHS = [[6, 1], [2, 0], [1, 1]], [[32, 21], [8, 18], [4, 9]]


def long(counts, months, patients=None):
    names = [str(number + 1) for number in range(len(counts))] if patients is None else patients
    return pd.DataFrame(
        {
            "patient": np.repeat(names, 2),
            "treatment": ["old", "new"] * len(names),
            "relapses": np.ravel(counts),
            "exposure_months": np.ravel(months),
        }
    )


def codes(frame):
    return [notice.code for notice in Cohort.from_frame(frame).notices]


def test_a_total_under_a_number_is_refused_in_files_frames_and_arrays(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text((CASES / "totals.csv").read_text().replace("Total", "4"))
    counts, months = [*COUNTS, [9, 2]], [*MONTHS, [44, 48]]
    for call in (
        lambda: read_periods(path),
        lambda: Cohort.from_frame(long(counts, months)),
        lambda: Comparison.from_arrays(counts, np.array(months) / 12),
    ):
        with pytest.raises(CohortError) as caught:
            call()
        assert [problem.patient for problem in caught.value.problems] == ["4", "4"]
        assert "leave the row out if it is the total" in caught.value.problems[0].remedy


def test_the_total_may_stand_first_and_be_rounded_and_courses_may_be_several():
    years = np.round(np.array(MONTHS) / 12, 2)
    frame = long([[9, 2], *COUNTS], [np.round(years.sum(axis=0), 1), *years]).rename(
        columns={"exposure_months": "exposure_years"}
    )
    with pytest.raises(CohortError):
        Cohort.from_frame(frame)
    courses = long([*COUNTS, [9, 2]], [*MONTHS, [44, 48]]).assign(period=[1, 2] * 4)
    more = pd.DataFrame(
        {"patient": ["1", "4"], "treatment": "old", "relapses": 1, "exposure_months": 5, "period": 3}
    )
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(pd.concat([courses, more]))
    assert {problem.patient for problem in caught.value.problems} == {"4"}


@pytest.mark.parametrize(
    ("counts", "months"),
    [
        ([*COUNTS, [9, 3]], [*MONTHS, [44, 48]]),
        ([*COUNTS, [9, 2]], [*MONTHS, [45, 48]]),
        ([*COUNTS, [9, 2]], [*MONTHS, [44, 47]]),
        ([[0, 0]] * 4, [[12, 12]] * 4),
        ([[2, 0]] * 2, [[12, 12]] * 2),
        ([[0, 0], [0, 0]], [[10.5, 3], [10.5, 3]]),
    ],
    ids=["counts differ", "first times", "second times", "equal windows", "two alike", "no relapses"],
)
def test_series_that_do_not_add_up_pass_without_a_word(counts, months):
    assert "possible_total" not in codes(long(counts, months))


def test_what_chance_can_do_is_a_notice_and_no_refusal():
    of_two = long([[1, 0], [1, 1], [2, 1]], [[12, 6], [12.5, 9], [24.5, 15]])
    (notice,) = [notice for notice in Cohort.from_frame(of_two).notices if notice.code == "possible_total"]
    assert notice.patients == ("3",)
    one_drug = long([*COUNTS, [9, 2]], [*MONTHS, [44, 48]])
    assert "possible_total" in codes(one_drug[one_drug["treatment"] == "old"])


def test_a_patient_who_is_really_no_total_is_read_with_days():
    days = np.round(np.array([*MONTHS, [44, 48]]) * 30.4375 + [[3, -7], [11, 2], [-5, 9], [4, -3]])
    frame = long([*COUNTS, [9, 2]], days).rename(columns={"exposure_months": "exposure_days"})
    assert len(Cohort.from_frame(frame).patients) == 4


def test_the_bundled_series_hold_no_total():
    for name in ("ayzenberg2013", "thall_vail1990"):
        frame = load_example(name).to_frame()
        unit = load_example(name).unit
        assert totals(frame, unit) == []


def test_honest_series_are_hardly_ever_taken_for_a_total():
    """Whole months from 3 to 36 and Poisson counts at 0.6 and 0.2 per year, 3 to 6 patients; seed 1."""
    rng, refused, noticed = np.random.default_rng(1), 0, 0
    for _ in range(1500):
        size = int(rng.integers(3, 7))
        months = rng.integers(3, 37, (size, 2))
        counts = rng.poisson(months / 12 * [0.6, 0.2])
        frame = long(counts, months)
        found = totals(frame, "exposure_months")
        refused += any(one.is_certain for one in found)
        noticed += bool(found)
    assert refused == 0
    assert noticed <= 5
