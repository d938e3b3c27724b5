"""The rules of the period table: each broken rule is one line, and all lines come together."""

import decimal
import fractions
import math

import numpy as np
import pandas as pd
import pytest

from nmo_stats import ArgumentError, Cohort, CohortError
from nmo_stats.cohort.schema import EXPOSURES, NO_COUNT


def table(**columns):
    base = {
        "patient": ["A", "A", "B", "B"],
        "treatment": ["x", "y", "x", "y"],
        "relapses": [3, 0, 2, 1],
        "exposure_years": [1.5, 2.0, 1.0, 1.25],
    }
    return pd.DataFrame({**base, **columns})


def with_first(column, cell, rest=None):
    """Return the table with ``cell`` in the first row of ``column``."""
    others = table()[column].tolist()[1:] if column in table() else [rest] * 3
    return table(**{column: pd.Series([cell, *others], dtype="object")})


def problems(frame, **options):
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame, **options)
    return caught.value.problems


def first_of(cohort, column):
    return cohort.to_frame()[column].tolist()[0]


# ---- cells

CORRECT = "correct the count from the source"
NOT_A_NUMBER = "write a plain number with a decimal point and no unit"


@pytest.mark.parametrize(
    ("cell", "shown", "remedy"),
    [
        (-1, "-1", CORRECT),
        (1.5, "1.5", CORRECT),
        ("0.5", "'0.5'", CORRECT),
        (math.inf, "inf", CORRECT),
        (100_001, "100001", CORRECT),
        ("1e400", "'1e400'", CORRECT),
        (10**400, "1" + "0" * 400, CORRECT),
        (None, "empty", NO_COUNT),
        (pd.NA, "empty", NO_COUNT),
        (np.float32("nan"), "empty", NO_COUNT),
        (decimal.Decimal("sNaN"), "empty", NO_COUNT),
        (" ", "empty", NO_COUNT),
        (True, "True", "write a number, not true or false"),
        (np.True_, "True", "write a number, not true or false"),
        (
            "1,5",
            "'1,5'",
            "write a decimal point, not a decimal comma, or read the table with decimal=',' (--decimal ,)",
        ),
        ("1,000", "'1,000'", "write a decimal point, or no thousands separator: the comma has both readings"),
        ("three", "'three'", NOT_A_NUMBER),
        ("TRUE", "'TRUE'", NOT_A_NUMBER),
        ("nan", "'nan'", NO_COUNT),
        ("inf", "'inf'", NOT_A_NUMBER),
        ("NA", "'NA'", NO_COUNT),
        ("0x10", "'0x10'", NOT_A_NUMBER),
        ("1_000", "'1_000'", NOT_A_NUMBER),
        ("1 000", "'1 000'", NOT_A_NUMBER),
        ("=1+1", "'=1+1'", NOT_A_NUMBER),
        ("--1", "'--1'", NOT_A_NUMBER),
        ("3\u200b", "'3\\u200b'", NOT_A_NUMBER),
        ("٣", "'٣'", NOT_A_NUMBER),
        ("３", "'３'", NOT_A_NUMBER),
        ("½", "'½'", NOT_A_NUMBER),
        ("\u22123", "'−3'", NOT_A_NUMBER),
        (1 + 0j, "(1+0j)", NOT_A_NUMBER),
        ([1], "[1]", NOT_A_NUMBER),
        ({}, "{}", NOT_A_NUMBER),
        (np.array([1, 2]), "[1 2]", NOT_A_NUMBER),
        (fractions.Fraction(3, 2), "3/2", NOT_A_NUMBER),
        (pd.Timestamp("2020-01-01"), "2020-01-01 00:00:00", NOT_A_NUMBER),
        (b"3", "b'3'", NOT_A_NUMBER),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_count_is_a_whole_number(cell, shown, remedy):
    (problem,) = problems(with_first("relapses", cell))
    assert (problem.row, problem.patient, problem.column) == (1, "A", "relapses")
    assert (problem.value, problem.remedy) == (shown, remedy)
    assert problem.rule in {"relapses is a whole number >= 0", "relapses is at most 100,000 in a period"}


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("+3", 3),
        ("3.0", 3),
        ("3.", 3),
        (" 3 ", 3),
        ("1e3", 1000),
        ("-0", 0),
        (np.int8(3), 3),
        (decimal.Decimal(3), 3),
    ],
    ids=ascii,
)
def test_spellings_of_a_whole_number_are_counts(cell, count):
    assert first_of(Cohort.from_frame(with_first("relapses", cell)), "relapses") == count


NO_TIMES = [
    0,
    -1,
    0.0,
    math.nan,
    math.inf,
    -math.inf,
    None,
    True,
    1e300,
    5e-324,
    10**400,
    pd.Timedelta(days=3),
]
NO_TIMES += [np.float32("nan"), np.float64("inf"), "", "long", "1,5", "12 months", "1e400", "1e-400"]


@pytest.mark.parametrize("unit", EXPOSURES)
@pytest.mark.parametrize("cell", NO_TIMES, ids=lambda cell: ascii(cell)[:20])
def test_follow_up_is_a_positive_finite_number(unit, cell):
    frame = with_first("exposure_years", cell).rename(columns={"exposure_years": unit})
    (problem,) = problems(frame)
    assert problem.column == unit
    assert problem.rule.startswith("follow-up time")


@pytest.mark.parametrize("column", ["edss_start", "edss_end"])
@pytest.mark.parametrize("cell", [0.5, "0.5", -1, 10.5, 11, 1.25, math.inf, "5,5", "five", True], ids=ascii)
def test_edss_stays_on_its_scale(column, cell):
    (problem,) = problems(with_first(column, cell))
    assert problem.rule == "EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist)"


def test_every_step_of_edss_is_read():
    for score in (0, *(step / 2 for step in range(2, 21))):
        assert first_of(Cohort.from_frame(with_first("edss_start", str(score))), "edss_start") == score
    assert math.isnan(first_of(Cohort.from_frame(with_first("edss_start", "")), "edss_start"))


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("yes", True),
        (" No ", False),
        ("TRUE", True),
        (False, False),
        (np.True_, True),
        ("", pd.NA),
        (None, pd.NA),
    ],
    ids=ascii,
)
def test_yes_no_and_empty_are_answers(cell, answer):
    assert first_of(Cohort.from_frame(with_first("ongoing", cell)), "ongoing") is answer


@pytest.mark.parametrize("cell", ["maybe", 2, 0.5, "ja", ["yes"], "10", "-", "na"], ids=ascii)
def test_other_answers_are_refused(cell):
    (problem,) = problems(with_first("ended_by_relapse", cell))
    assert problem.rule == "yes, no, or empty for unknown"


@pytest.mark.parametrize("cell", [1.5, "first", math.inf, 1e30, "9" * 30, True], ids=ascii)
def test_a_period_is_a_whole_number_of_sensible_size(cell):
    (problem,) = problems(with_first("period", cell))
    assert problem.rule == "period is a whole number that orders the patient's periods"


@pytest.mark.parametrize("cell", [-1, "inf", math.inf, "2,3", "about 2"], ids=ascii)
def test_a_printed_arr_is_a_finite_number(cell):
    (problem,) = problems(with_first("reported_arr", cell))
    assert problem.rule == "a printed ARR is a finite number >= 0"


@pytest.mark.parametrize("column", ["patient", "treatment"])
@pytest.mark.parametrize(
    "cell", [None, "", "  ", "\t", "\u00a0", math.nan, pd.NaT, np.datetime64("NaT"), pd.NA], ids=ascii
)
def test_names_are_not_empty(column, cell):
    (problem,) = problems(with_first(column, cell))
    assert (problem.row, problem.column, problem.value, problem.rule) == (
        1,
        column,
        "empty",
        "text, not empty",
    )


@pytest.mark.parametrize("column", ["patient", "treatment"])
@pytest.mark.parametrize(
    "cell",
    [
        True,
        b"A",
        ["A"],
        ("A", 1),
        {"A": 1},
        pd.Timestamp("2020-01-02"),
        "#N/A",
        "A\nB",
        "A\x00",
        "\x1b[31m",
        "\ud800",
    ],
    ids=ascii,
)
def test_names_are_printable_text(column, cell):
    (problem,) = problems(with_first(column, cell))
    assert problem.rule.startswith("text")


def test_numbers_as_names_are_read_as_text():
    frame = table(patient=pd.Series([101, "101", 101.5, np.float32(7)], dtype="object"))
    assert Cohort.from_frame(frame).patients == ("101", "101.5", "7")


def test_names_are_kept_letter_by_letter():
    names = ["007", " 7 ", "=cmd|calc", "<b>&'\"</b>", "Ωμέγα", "Nana", "Noné"]
    frame = table().iloc[[0] * len(names)].assign(patient=names)
    assert Cohort.from_frame(frame).patients == tuple(names)


# ---- columns


@pytest.mark.parametrize(
    ("renamed", "hint"),
    [
        (
            {"patient": "patients"},
            "did you mean 'patients'? Rename it: columns={'patients': 'patient'} (--column patients=patient)",
        ),
        ({"patient": "record_id"}, "did you mean 'record_id'?"),
        (
            {"patient": "Patient "},
            "did you mean 'Patient '? Rename it: columns={'Patient ': 'patient'} "
            '(--column "Patient =patient")',
        ),
        ({"treatment": "Therapie"}, "did you mean 'Therapie'?"),
        ({"relapses": "Relapses"}, "did you mean 'Relapses'?"),
        ({"relapses": "attacks"}, "did you mean 'attacks'?"),
        ({"relapses": "zzz"}, "add it"),
        ({"exposure_years": "exposure"}, "did you mean 'exposure'? name its unit"),
        (
            {"exposure_years": "months"},
            "did you mean 'months'? name its unit: columns={'months': 'exposure_months'} "
            "(--column months=exposure_months)",
        ),
        (
            {"exposure_years": "days"},
            "did you mean 'days'? name its unit: columns={'days': 'exposure_days'}",
        ),
        ({"exposure_years": "zzz"}, "name its unit"),
    ],
)
def test_a_missing_column_comes_with_the_nearest_name(renamed, hint):
    (problem,) = problems(table().rename(columns=renamed))
    assert problem.value == "missing"
    assert problem.remedy.startswith(hint)


def test_a_renaming_the_wrong_way_round_is_turned():
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(table().rename(columns={"patient": "record_id"}), columns={"patient": "record_id"})
    assert str(caught.value.problems[0]) == (
        "columns={'patient': 'record_id'} (--column patient=record_id). "
        "Expected: a renaming gives your name first, then ours. "
        "Did you mean columns={'record_id': 'patient'} (--column record_id=patient)?"
    )
    assert not [problem for problem in caught.value.problems if "is a column of the" in problem.rule]


@pytest.mark.parametrize("cell", ["NA", "n/a", ".", "-", "unknown", "?", "Missing"])
@pytest.mark.parametrize("column", ["edss_start", "period", "reported_arr", "ended_by_relapse"])
def test_a_word_for_nothing_in_an_optional_column_is_an_empty_cell(column, cell):
    frame = table().astype("object").assign(**{column: None})
    frame.loc[0, column] = cell
    (problem,) = problems(frame)
    assert "leave the cell empty" in problem.remedy


def test_all_missing_columns_are_named_together():
    found = problems(pd.DataFrame({"a": [1]}))
    assert [problem.column for problem in found] == ["patient", "treatment", "relapses", "exposure"]


def test_exactly_one_column_holds_the_follow_up():
    (problem,) = problems(table(exposure_months=12.0))
    assert problem.value == "exposure_months and exposure_years"
    assert problem.remedy == "keep one of them"


def test_a_column_stands_once():
    frame = table()
    (problem,) = problems(pd.concat([frame, frame[["relapses"]]], axis="columns"))
    assert (problem.column, problem.value) == ("relapses", "2 columns")
    (problem,) = problems(
        pd.concat([frame, table(sex="F")[["sex"]], table(sex="M")[["sex"]]], axis="columns")
    )
    assert problem.column == "sex"


def test_a_table_without_rows_is_refused():
    (problem,) = problems(table().iloc[:0])
    assert problem.value == "header only"


def test_foreign_names_are_mapped():
    frame = table().rename(columns={"patient": "record_id", "relapses": "n"})
    cohort = Cohort.from_frame(frame, columns={"record_id": "patient", "n": "relapses"})
    pd.testing.assert_frame_equal(cohort.to_frame(), Cohort.from_frame(table()).to_frame())


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ({"pateint": "patient"}, ["the table has a column 'pateint'. Did you mean 'patient'?"]),
        (
            {"patient": "Patient"},
            ["'Patient' is a column of the period table. Did you mean 'patient'?", "missing"],
        ),
        ({"zzz": "qqq"}, ["the table has a column 'zzz'", "'qqq' is a column of the period table"]),
        ({"relapses": None}, ["'None' is a column of the period table", "missing"]),
        ({"patient": 3}, ["'3' is a column of the period table", "missing"]),
        ({"relapses": "treatment"}, ["2 columns", "missing"]),
    ],
)
def test_a_wrong_mapping_is_explained(columns, lines):
    found = problems(table(), columns=columns)
    assert len(found) == len(lines)
    for line in lines:
        assert any(line in str(problem) for problem in found)


def test_a_mapping_may_exchange_two_columns():
    frame = table(relapses=[1.5, 2, 1, 1.25], exposure_years=[3, 0, 2, 1])
    swap = {"relapses": "exposure_years", "exposure_years": "relapses"}
    pd.testing.assert_frame_equal(
        Cohort.from_frame(frame, columns=swap).to_frame(), Cohort.from_frame(table()).to_frame()
    )


@pytest.mark.parametrize("columns", ["patient", ["patient"], 3, {("a", "b")}], ids=ascii)
def test_what_is_no_mapping_is_an_argument_error(columns):
    with pytest.raises(ArgumentError, match="a mapping of foreign names to ours"):
        Cohort.from_frame(table(), columns=columns)


# ---- rows that contradict each other


@pytest.mark.parametrize("period", [[None] * 4, [1, 1, None, 2], [None, 1, 2, 2]], ids=str)
def test_a_treatment_stands_once_unless_every_course_is_numbered(period):
    frame = table(patient=["A", "B", "A", "B"], treatment=["x", "x", "x", "y"])
    for found in (problems(frame), problems(frame.assign(period=pd.array(period, dtype="Int64")))):
        (problem,) = found
        assert (problem.row, problem.value) == (3, "'x' again (first in row 1)")
        assert "number the periods" in problem.remedy
        assert "two people" in problem.remedy


def test_numbered_courses_of_a_treatment_are_kept():
    frame = table(patient="A", treatment=["x", "y", "x", "y"], period=[1, 2, 3, 4])
    assert len(Cohort.from_frame(frame).to_frame()) == 4


def test_a_period_number_stands_once_in_a_patient():
    (problem,) = problems(table(period=[1, 1, 1, 2]))
    assert (problem.row, problem.patient, problem.column) == (2, "A", "period")
    assert problem.value == "1 again (first in row 1)"


def test_every_further_copy_of_a_row_is_reported():
    found = problems(pd.concat([table()] * 3))
    assert [problem.row for problem in found] == list(range(5, 13))
