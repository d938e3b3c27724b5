"""Legal numbers that look like a slip are noticed alike in files, frames and arrays; honest ones are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nmo_stats import Cohort, Comparison, load_example, read_periods

CASES = Path(__file__).parent / "cases"
NAMES = ["1", "2", "3"]
COUNTS, YEARS = [[6, 1], [2, 0], [1, 1]], [[2.67, 1.75], [0.67, 1.5], [0.34, 0.75]]
PER_YEAR = {
    "exposure_days": 365.25,
    "exposure_weeks": 365.25 / 7,
    "exposure_months": 12.0,
    "exposure_years": 1.0,
}


def frame_of(counts, times, unit="exposure_years"):
    size = len(counts)
    return pd.DataFrame(
        {
            "patient": np.repeat(np.arange(1, size + 1).astype(str), 2),
            "treatment": ["old", "new"] * size,
            "relapses": np.ravel(counts),
            unit: np.ravel(times),
        }
    )


def by_code(notices):
    return {notice.code: notice for notice in notices}


def everywhere(folder, counts, years):
    """Return the notices of the same numbers from a file, a DataFrame and arrays."""
    frame = frame_of(counts, years)
    frame.to_csv(folder / "table.csv", index=False)
    frame.to_excel(folder / "table.xlsx", index=False)
    return [
        by_code(read_periods(folder / "table.csv").notices),
        by_code(read_periods(folder / "table.xlsx").notices),
        by_code(Cohort.from_frame(frame).notices),
        by_code(Comparison.from_arrays(counts, years, reference="old", comparator="new").notices),
    ]


SUSPICIOUS = {
    "short_period": (COUNTS, [[2.67, 1.75], [0.67, 1.5], [0.34, 0.05]]),
    "high_arr": ([[60, 1], [2, 0], [1, 1]], YEARS),
    "long_period": (COUNTS, [[2.67, 61.0], [0.67, 1.5], [0.34, 0.75]]),
    "long_course": (COUNTS, [[32.5, 21], [8, 18], [4, 9]]),
    "low_rate": ([[1, 0], [0, 0], [0, 0]], [[9.5, 3], [2, 3], [4, 9]]),
    "uneven_follow_up": (COUNTS, [[2.67, 1.75], [0.67, 8.5], [0.34, 0.75]]),
    "code_for_unknown": ([[6, 99], [2, 0], [1, 1]], [[9.5, 5.5], [2, 3], [4, 9]]),
    "whole_years": (COUNTS, [[3, 2], [1, 2], [1, 1]]),
    "possible_total": ([[1, 0], [1, 1], [2, 1]], [[1.5, 0.5], [1.25, 0.75], [2.75, 1.25]]),
}


@pytest.mark.parametrize("code", SUSPICIOUS)
def test_the_same_numbers_give_the_same_notices_wherever_they_come_from(tmp_path, code):
    found = everywhere(tmp_path, *SUSPICIOUS[code])
    assert all(code in notices for notices in found), [list(notices) for notices in found]
    assert found[0] == found[1] == found[2] == found[3]


def test_honest_numbers_give_none(tmp_path):
    assert everywhere(tmp_path, COUNTS, YEARS) == [{}] * 4
    assert everywhere(tmp_path, [[0, 0]] * 3, YEARS) == [{}] * 4
    assert everywhere(tmp_path, [[3, 0]], [[1.5, 0.75]]) == [{}] * 4


@pytest.mark.parametrize(
    "code", ["long_course", "low_rate", "uneven_follow_up", "short_period", "high_arr", "long_period"]
)
def test_a_notice_about_times_names_their_unit(code):
    counts, years = SUSPICIOUS[code]
    text = by_code(Comparison.from_arrays(counts, years).notices)[code].text
    assert "years" in text.partition("check")[2]


def test_the_bundled_series_have_the_notices_they_had():
    assert list(by_code(load_example("ayzenberg2013").notices)) == ["whole_months", "covariates"]
    assert list(by_code(load_example("thall_vail1990").notices)) == ["high_arr", "covariates"]
    pair = load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    again = Comparison.from_arrays(pair.relapses, pair.years, pair.patients)
    assert again.notices == ()


# ---- codes for unknown


def test_a_code_among_the_counts_of_a_file_is_noticed():
    notice = by_code(read_periods(CASES / "code99.csv").notices)["code_for_unknown"]
    assert notice.patients == ("1",)
    assert "'relapses'" in notice.text


@pytest.mark.parametrize("code", [9, 88, 99, 888, 999, 9999])
def test_codes_far_above_the_rest_are_noticed_in_counts_times_and_covariates(code):
    counts = frame_of([[2, code], [1, 0], [0, 1]], np.array([[30, 40], [30, 50], [20, 25]]))
    assert "code_for_unknown" in by_code(Cohort.from_frame(counts).notices)
    facts = frame_of(COUNTS, YEARS).assign(prior=[1.0, 1, 2, 2, code, code])
    assert "'prior'" in by_code(Cohort.from_frame(facts).notices)["code_for_unknown"].text
    negative = facts.assign(prior=[1.0, 1, 2, 2, -code, -code])
    assert "code_for_unknown" in by_code(Cohort.from_frame(negative).notices)
    if code > 9:
        times = frame_of(COUNTS, [[8.5, 8], [8, code], [5, 8]], "exposure_months")
        assert "code_for_unknown" in by_code(Cohort.from_frame(times).notices)


@pytest.mark.parametrize(
    "counts",
    [[[9, 1], [6, 0], [1, 1]], [[9, 0], [3, 1], [0, 0]], [[99, 40], [30, 20], [35, 10]], [[9, 9]] * 3],
)
def test_a_nine_among_its_like_is_a_count(counts):
    assert "code_for_unknown" not in by_code(Cohort.from_frame(frame_of(counts, [[30.5, 14]] * 3)).notices)


# ---- times


def test_one_unit_among_others_in_a_file_is_noticed():
    found = by_code(read_periods(CASES / "mixed_unit.csv").notices)
    assert found["uneven_follow_up"].patients == ("2",)
    assert found["long_course"].patients == ("2",)


def test_follow_up_ten_times_the_other_is_the_limit():
    just = frame_of(COUNTS, [[2.67, 1.75], [0.5, 5.0], [0.34, 0.75]])
    above = frame_of(COUNTS, [[2.67, 1.75], [0.5, 5.01], [0.34, 0.75]])
    assert "uneven_follow_up" not in by_code(Cohort.from_frame(just).notices)
    assert "uneven_follow_up" in by_code(Cohort.from_frame(above).notices)


def test_one_short_course_among_three_is_noticed_once():
    frame = pd.DataFrame(
        {"patient": "A", "treatment": ["a", "b", "c"], "relapses": 1, "exposure_years": [0.1, 1.5, 2.25]}
    )
    assert "on a)" in by_code(Cohort.from_frame(frame).notices)["uneven_follow_up"].text
    spread = frame.assign(exposure_years=[0.1, 0.5, 2.25])
    assert "uneven_follow_up" not in by_code(Cohort.from_frame(spread).notices)


def test_days_that_are_not_whole_are_noticed():
    days = frame_of(COUNTS, [[900, 640], [240, 540], [120, 270.5]], "exposure_days")
    assert by_code(Cohort.from_frame(days).notices)["part_days"].patients == ("3",)
    assert "part_days" not in by_code(Cohort.from_frame(days.assign(exposure_days=300)).notices)


@pytest.mark.parametrize("unit", PER_YEAR)
def test_a_course_over_15_years_is_noticed_in_every_unit(unit):
    for years, is_noticed in ((15.1, True), (14.9, False)):
        times = np.array([[9.0, years], [9, 9], [9, 9]]) * PER_YEAR[unit]
        frame = frame_of(
            [[9, 9], [9, 8], [7, 8]], times if unit == "exposure_years" else np.round(times), unit
        )
        assert ("long_course" in by_code(Cohort.from_frame(frame).notices)) is is_noticed


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([[32, 21], [8, 18], [4, 9]], "exposure_years"),  # months typed as years
        ([[139, 91], [35, 78], [17, 39]], "exposure_months"),  # weeks typed as months
        ([[974, 639], [244, 548], [122, 274]], "exposure_weeks"),  # days typed as weeks
        ([[974, 639], [244, 548], [122, 274]], "exposure_months"),  # days typed as months
        ([[32, 21], [8, 18], [4, 9]], "exposure_days"),  # months typed as days
        ([[139, 91], [35, 78], [17, 39]], "exposure_days"),  # weeks typed as days
        ([[2.67, 1.75], [0.67, 1.5], [0.34, 0.75]], "exposure_weeks"),  # years typed as weeks
        ([[2.67, 1.75], [0.67, 1.5], [0.34, 0.75]], "exposure_months"),  # years typed as months
    ],
)
def test_the_founding_series_in_the_wrong_unit_is_noticed(times, unit):
    found = set(by_code(Cohort.from_frame(frame_of(COUNTS, times, unit)).notices))
    suspicions = {"long_course", "long_period", "low_rate", "short_period", "high_arr"}
    if unit == "exposure_months" and times[0][0] == 139:
        assert (
            not found & suspicions
        )  # weeks as months are 11.6 years at most here: no number of these gives them away
    else:
        assert found & suspicions


def test_a_part_of_a_cohort_is_looked_at_anew():
    cohort = read_periods(CASES / "mixed_unit.csv")
    assert "uneven_follow_up" not in by_code(cohort.where(patient="1").notices)
    assert "uneven_follow_up" in by_code(cohort.where(patient="2").notices)
    assert "long_course" in by_code(cohort.compare("new", reference="old").notices)


def test_square_arrays_that_may_be_transposed_are_not_guessed_at():
    pair = Comparison.from_arrays([[6, 2], [1, 0]], [[32.0, 8], [21, 18]])
    assert pair.relapses.tolist() == [[6, 2], [1, 0]]
    assert "years" in by_code(pair.notices)["long_course"].text


def test_square_arrays_say_how_they_are_read():
    (notice, *_) = Comparison.from_arrays([[6, 1], [2, 0]], [[2.7, 1.8], [0.7, 1.5]]).notices
    assert notice.code == "square_arrays"
    assert "6 in 2.7 years" in notice.text
    assert "0 in 1.5 years" in notice.text
    longer = Comparison.from_arrays([[6, 1], [2, 0], [1, 1]], [[2.7, 1.8], [0.7, 1.5], [0.3, 0.8]])
    assert "square_arrays" not in {notice.code for notice in longer.notices}
