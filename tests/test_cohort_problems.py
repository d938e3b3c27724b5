"""All problems of a table come together, one line each, and nothing else than our own errors ever comes."""

import copy
import pickle
from contextlib import suppress

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
  row {1}, patient 'P1', column 'relapses': '-1'. Expected: relapses is a whole number >= 0. \
Correct the count from the source.
  row {2}, patient 'P1', column 'exposure_months': '1,5'. Expected: follow-up time is a finite number > 0. \
Write a decimal point, not a decimal comma, or read the table with decimal=',' (--decimal ,).
  row {3}, patient 'P2', column 'edss_start': '0.5'. \
Expected: EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist). \
Correct the score, or leave the cell empty if it is unknown.
  row {4}, column 'patient': empty. Expected: text, not empty. Enter the name from the source.
  row {5}, patient 'P3', column 'ongoing': 'perhaps'. Expected: yes, no, or empty for unknown. \
Write yes or no, or leave the cell empty.
  row {6}, patient 'P3', column 'treatment': 'x' again (first in row {5}). \
Expected: a patient has one row per treatment, \
unless the column 'period' orders the courses. \
If these are two courses, number the periods in the column 'period'; \
if two people, give each an identifier of their own; \
if one course was entered twice, keep the row that is right."""


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
    (problem,) = outcome(table(relapses=["9" * 5000, 0, 2, 1])).problems
    assert len(problem.value) == 5002
    assert len(str(problem)) < 300


@pytest.mark.parametrize("column", ["relapses", "exposure_years", "patient", "sex"])
def test_a_number_too_long_to_print_is_refused(column):
    with pytest.raises(ArgumentError, match="4300"):
        Cohort.from_frame(table(**{column: pd.Series([10**5000, 1, 2, 3], dtype="object")}))


def test_a_problem_prints_only_what_it_knows():
    assert str(Problem("1", "the rule", "")) == "1. Expected: the rule."
    assert str(Problem(None, "the rule", "do it", column="a")) == "column 'a'. Expected: the rule. Do it."


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
    st.sampled_from(
        [pd.NA, pd.NaT, np.datetime64("NaT"), np.float32("nan"), np.array([1, 2]), object(), "1,5", "1e400"]
    ),
)


def outcome(frame):
    try:
        return Cohort.from_frame(frame)
    except CohortError as error:
        return error


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_cell_whatever_makes_the_validation_crash(data):
    frame = table(period=[1, 2, 1, 2], edss_start=5, ongoing="no", reported_arr=1, sex="F").astype("object")
    for _ in range(data.draw(st.integers(1, 4))):
        row, column = data.draw(st.integers(0, 3)), data.draw(st.integers(0, frame.shape[1] - 1))
        cells = frame.iloc[:, column].tolist()
        cells[row] = data.draw(CELLS)
        frame[frame.columns[column]] = pd.Series(cells, dtype="object")
    found = outcome(frame)
    if isinstance(found, CohortError):
        assert len(str(found).splitlines()) == min(len(found.problems), 40) + 1
    else:
        assert (found.years > 0).all()
        assert (found.to_frame()["relapses"] >= 0).all()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatever_makes_the_reader_crash(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "table.csv"
    path.write_bytes(("patient,treatment,relapses,exposure_years\n" + text).encode("utf-8", "replace"))
    with suppress(CohortError):
        read_periods(path)
