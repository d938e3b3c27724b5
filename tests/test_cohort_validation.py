"""The rules of the period table: each broken rule is one line, and all lines come together."""

import copy
import decimal
import fractions
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import ArgumentError, Cohort, CohortError, ConvergenceError, NotIdentifiedError, read_periods
from nmo_stats.errors import Problem


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

NOT_A_NUMBER = "write a plain number with a decimal point and no unit"


@pytest.mark.parametrize(
    ("cell", "shown", "remedy"),
    [
        (-1, "-1", "correct the count or leave the row out"),
        (1.5, "1.5", "correct the count or leave the row out"),
        ("0.5", "'0.5'", "correct the count or leave the row out"),
        (math.inf, "inf", "correct the count or leave the row out"),
        (10**9 + 1, "1000000001", "correct the count or leave the row out"),
        ("1e400", "'1e400'", "correct the count or leave the row out"),
        (10**400, "1" + "0" * 400, "correct the count or leave the row out"),
        (None, "empty", "count the relapses of the period, or leave the row out"),
        (pd.NA, "empty", "count the relapses of the period, or leave the row out"),
        (np.float32("nan"), "empty", "count the relapses of the period, or leave the row out"),
        (decimal.Decimal("sNaN"), "empty", "count the relapses of the period, or leave the row out"),
        (" ", "empty", "count the relapses of the period, or leave the row out"),
        (True, "True", "write a number, not true or false"),
        (np.True_, "True", "write a number, not true or false"),
        ("1,5", "'1,5'", "write a decimal point, not a decimal comma"),
        ("1,000", "'1,000'", "write a decimal point, not a decimal comma"),
        ("three", "'three'", NOT_A_NUMBER),
        ("TRUE", "'TRUE'", NOT_A_NUMBER),
        ("nan", "'nan'", NOT_A_NUMBER),
        ("inf", "'inf'", NOT_A_NUMBER),
        ("NA", "'NA'", NOT_A_NUMBER),
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
    assert problem.rule in {"relapses is a whole number >= 0", "relapses is at most 1e9"}


@pytest.mark.parametrize(
    ("cell", "count"),
    [("+3", 3), ("3.0", 3), ("3.", 3), (" 3 ", 3), ("1e3", 1000), ("-0", 0), (np.int8(3), 3), (decimal.Decimal(3), 3)],
    ids=ascii,
)
def test_spellings_of_a_whole_number_are_counts(cell, count):
    assert first_of(Cohort.from_frame(with_first("relapses", cell)), "relapses") == count


@pytest.mark.parametrize("unit", ["exposure_days", "exposure_months", "exposure_years"])
@pytest.mark.parametrize(
    "cell",
    [0, -1, 0.0, math.nan, math.inf, -math.inf, "", "long", "1,5", "12 months", "1e400", "1e-400", 10**400, 5e-324, True]
    + [np.float32("nan"), np.float64("inf"), None, pd.Timedelta(days=3), 1e300],
    ids=ascii,
)
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
    [("yes", True), (" No ", False), ("TRUE", True), (False, False), (np.True_, True), ("", pd.NA), (None, pd.NA)],
    ids=ascii,
)
def test_yes_no_and_empty_are_answers(cell, answer):
    assert first_of(Cohort.from_frame(with_first("ongoing", cell)), "ongoing") is answer


@pytest.mark.parametrize("cell", ["y", "maybe", 1, 0.0, "ja", ["yes"]], ids=ascii)
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
@pytest.mark.parametrize("cell", [None, "", "  ", "\t", "\u00a0", math.nan, pd.NaT, np.datetime64("NaT"), pd.NA], ids=ascii)
def test_names_are_not_empty(column, cell):
    (problem,) = problems(with_first(column, cell))
    assert (problem.row, problem.column, problem.value, problem.rule) == (1, column, "empty", "text, not empty")


@pytest.mark.parametrize("column", ["patient", "treatment"])
@pytest.mark.parametrize(
    "cell",
    [True, b"A", ["A"], ("A", 1), {"A": 1}, pd.Timestamp("2020-01-02"), "#N/A", "A\nB", "A\x00", "\x1b[31m", "\ud800"],
    ids=ascii,
)
def test_names_are_printable_text(column, cell):
    (problem,) = problems(with_first(column, cell))
    assert problem.rule.startswith("text")


def test_numbers_as_names_are_read_as_text():
    frame = table(patient=pd.Series([101, "101", 101.5, np.float32(7)], dtype="object"))
    assert Cohort.from_frame(frame).patients == ("101", "101.5", "7")


def test_names_are_kept_letter_by_letter():
    names = ["007", " 7 ", "=cmd|calc", "<b>&'\"</b>", "Ωμέγα", "nan", "None"]
    frame = table().iloc[[0] * len(names)].assign(patient=names)
    assert Cohort.from_frame(frame).patients == tuple(names)


# ---- columns


@pytest.mark.parametrize(
    ("renamed", "hint"),
    [
        ({"patient": "patients"}, "did you mean 'patients'? (columns={'yours': 'patient'} renames)"),
        ({"patient": "record_id"}, "did you mean 'record_id'?"),
        ({"patient": "Patient "}, "did you mean 'Patient '?"),
        ({"treatment": "Therapie"}, "did you mean 'Therapie'?"),
        ({"relapses": "Relapses"}, "did you mean 'Relapses'?"),
        ({"relapses": "attacks"}, "did you mean 'attacks'?"),
        ({"relapses": "zzz"}, "add it"),
        ({"exposure_years": "exposure"}, "did you mean 'exposure'? name its unit"),
        ({"exposure_years": "months"}, "did you mean 'months'? name its unit"),
        ({"exposure_years": "zzz"}, "name its unit"),
    ],
)
def test_a_missing_column_comes_with_the_nearest_name(renamed, hint):
    (problem,) = problems(table().rename(columns=renamed))
    assert problem.value == "missing"
    assert problem.remedy.startswith(hint)


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
    (problem,) = problems(pd.concat([frame, table(sex="F")[["sex"]], table(sex="M")[["sex"]]], axis="columns"))
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
        ({"pateint": "patient"}, ["the table has a column 'pateint'; did you mean 'patient'?"]),
        ({"patient": "Patient"}, ["'Patient' is a column of the period table; did you mean 'patient'?", "missing"]),
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


@pytest.mark.parametrize("period", [None, [None] * 4, [1, None, None, None], [None, 2, 1, 2], [1, 2, None, 2]])
def test_a_treatment_stands_once_unless_the_courses_are_numbered(period):
    frame = table(treatment=["x", "y", "x", "x"], patient=["A", "B", "A", "B"])
    frame = frame if period is None else frame.assign(period=pd.array(period, dtype="Int64"))
    if period == [1, 2, None, 2] or period is None or None in (period[0], period[2]):
        found = problems(frame)
        assert (found[0].row, found[0].value) == (3, "'x' again (first in row 1)")
        assert found[0].remedy == "remove the repeated row, or number the periods"


def test_numbered_courses_of_a_treatment_are_kept():
    frame = table(patient="A", treatment=["x", "y", "x", "y"], period=[1, 2, 3, 4])
    assert len(Cohort.from_frame(frame).to_frame()) == 4


def test_a_period_number_stands_once_in_a_patient():
    (problem,) = problems(table(period=[1, 1, 1, 2]))
    assert str(problem) == (
        "row 2, patient 'A', column 'period': 1 again (first in row 1); a patient has each period once; "
        "renumber the periods"
    )


def test_every_further_copy_of_a_row_is_reported():
    found = problems(pd.concat([table()] * 3))
    assert [problem.row for problem in found] == list(range(5, 13))


# ---- the report of the problems


def six_faults():
    return pd.DataFrame(
        {
            "patient": ["P1", "P1", "P2", None, "P3", "P3"],
            "treatment": ["x", "y", "x", "x", "x", "x"],
            "relapses": ["-1", "0", "2", "1", "0", "1"],
            "exposure_months": ["12", "1,5", "8", "4", "9", "9"],
            "edss_start": ["", "", "0.5", "", "", ""],
            "ongoing": ["no", "yes", "no", "no", "perhaps", "no"],
        }
    )


SIX_LINES = """\
6 problems
  row {1}, patient 'P1', column 'relapses': '-1'; relapses is a whole number >= 0; correct the count or leave the row out
  row {2}, patient 'P1', column 'exposure_months': '1,5'; follow-up time is a finite number > 0; \
write a decimal point, not a decimal comma
  row {3}, patient 'P2', column 'edss_start': '0.5'; EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist); \
correct the score, or leave the cell empty if it is unknown
  row {4}, column 'patient': empty; text, not empty; fill the cell or leave the row out
  row {5}, patient 'P3', column 'ongoing': 'perhaps'; yes, no, or empty for unknown; \
write yes or no, or leave the cell empty
  row {6}, patient 'P3', column 'treatment': 'x' again (first in row {5}); a patient has one row per treatment, \
unless the column 'period' orders the courses; remove the repeated row, or number the periods"""


def test_six_faults_are_six_lines_in_the_order_of_the_table():
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(six_faults())
    assert str(caught.value) == "DataFrame: " + SIX_LINES.format(*range(7))


@pytest.mark.parametrize("name", ["table.csv", "table.xlsx"])
def test_rows_of_a_file_are_numbered_as_a_spreadsheet_shows_them(tmp_path, name):
    path = tmp_path / name
    write = six_faults().to_csv if name == "table.csv" else six_faults().to_excel
    write(path, index=False)
    with pytest.raises(CohortError) as caught:
        read_periods(path)
    assert str(caught.value) == f"{name}: " + SIX_LINES.format(*range(1, 8))


def test_many_problems_are_all_kept_but_not_all_printed():
    frame = table().iloc[[0] * 500].assign(patient=range(500), relapses=-1)
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 500
    assert lines[0] == "DataFrame: 500 problems"
    assert lines[-1] == "  and 460 more"
    assert len(lines) == 42


def test_a_long_value_is_shortened_in_print_only():
    (problem,) = problems(with_first("relapses", "9" * 5000))
    assert len(problem.value) == 5002
    assert len(str(problem)) < 300


@pytest.mark.parametrize("column", ["relapses", "exposure_years", "patient", "sex"])
def test_a_number_too_long_to_print_is_refused(column):
    with pytest.raises(ArgumentError, match="4300"):
        Cohort.from_frame(with_first(column, 10**5000))


def test_a_problem_prints_only_what_it_knows():
    assert str(Problem("1", "the rule", "")) == "1; the rule"
    assert str(Problem(None, "the rule", "do it", column="a")) == "column 'a'; the rule; do it"


@pytest.mark.parametrize(
    "error",
    [
        CohortError([Problem("1", "rule", "remedy", row=2)], "table.csv"),
        NotIdentifiedError("no relapse in either period", "poisson"),
        ConvergenceError(("too few draws", "one divergence"), "nuts"),
        ArgumentError("level 2: between 0 and 1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_to_another_process(error):
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


# ---- anything at all

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.text(max_size=6),
    st.binary(max_size=3),
    st.dates(),
    st.timedeltas(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from([pd.NA, pd.NaT, np.datetime64("NaT"), np.float32("nan"), np.array([1, 2]), object(), "1,5", "1e400"]),
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_cell_whatever_makes_the_validation_crash(data):
    frame = table(period=[1, 2, 1, 2], edss_start=5, ongoing="no", reported_arr=1, sex="F").astype("object")
    for _ in range(data.draw(st.integers(1, 4))):
        row, column = data.draw(st.integers(0, 3)), data.draw(st.integers(0, frame.shape[1] - 1))
        cells = frame.iloc[:, column].tolist()
        cells[row] = data.draw(CELLS)
        frame[frame.columns[column]] = pd.Series(cells, dtype="object")
    try:
        cohort = Cohort.from_frame(frame)
    except CohortError as error:
        assert len(str(error).splitlines()) == len(error.problems) + 1
    else:
        assert (cohort.years > 0).all()
        assert (cohort.to_frame()["relapses"] >= 0).all()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatever_makes_the_reader_crash(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "table.csv"
    path.write_bytes(("patient,treatment,relapses,exposure_years\n" + text).encode("utf-8", "replace"))
    try:
        read_periods(path)
    except CohortError as error:
        assert error.problems
