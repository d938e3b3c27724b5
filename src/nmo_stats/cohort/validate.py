"""From cells to the canonical period table, or to every problem of the table at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.cohort.headers import exposure_problems, unit_problems, wide_problem
from nmo_stats.cohort.rows import EXAMPLE_RULE, SUMMARY_RULE, person_problems, total_problems
from nmo_stats.cohort.schema import EXPOSURES, KNOWN, PARSERS, REQUIRED
from nmo_stats.errors import ArgumentError, CohortError, Problem
from nmo_stats.tables.cells import (
    Fault,
    as_text,
    is_missing,
    parse_yes_no,
    plain_number,
    shown,
    written_column,
)
from nmo_stats.tables.coded import CodedTable, ParsedColumn
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.columns import (
    Columns,
    by_row,
    covariate_series,
    header_below,
    header_problems,
    parsed_columns,
    renaming_problems,
    with_sheets,
)
from nmo_stats.tables.files import listed

PERIODS: Final = Columns(
    "period table",
    PARSERS,
    REQUIRED,
    {
        "patient": ("id", "patient_id", "record_id", "subject", "case"),
        "treatment": ("drug", "therapy", "medication"),
        "relapses": ("relapse_count", "attacks", "events", "n_relapses"),
    },
)
_TYPES: Final = {
    "patient": "object",
    "treatment": "object",
    "relapses": "int64",
    **dict.fromkeys(EXPOSURES, "float64"),
    "period": "Int64",
    **dict.fromkeys(("edss_start", "edss_end", "reported_arr"), "float64"),
    **dict.fromkeys(("ended_by_relapse", "ongoing"), "boolean"),
}
_COURSES: Final = (
    "if these are two courses, number the periods in the column 'period'; if two people, give each an "
    "identifier of their own; if one course was entered twice, keep the row that is right"
)
_NUMBERS: Final = (
    "number the patient's periods 1, 2, ... in their order; if these are two people, give each an "
    "identifier of their own"
)
_LISTED: Final = 20
Cells = dict[str, list[Any]]  # the parsed cells of each column, row by row


def validated(table: CodedTable, mapping: Mapping[str, str]) -> pd.DataFrame:
    """Return the table with canonical columns and types.

    Parameters
    ----------
    table
        The cells.
    mapping
        Foreign names to ours.

    Raises
    ------
    CohortError
        With every problem of the table.
    """
    names = [mapping.get(name, name) for name in table.columns]
    wide = wide_problem(names) if _is_incomplete(names) else None
    if wrong_table := header_below(table, mapping, PERIODS) or wide:
        raise CohortError([wrong_table], table.source.name)
    problems = [*unit_problems(mapping), *renaming_problems(mapping, table.columns, KNOWN, PERIODS.table)]
    # where a renaming of the follow-up is wrong, its absence is no news
    is_renamed = any("exposure" in str(problem.value) for problem in problems)
    exposure = [] if is_renamed else exposure_problems(names)
    problems += header_problems(table, names, PERIODS)
    problems += [with_sheets(problem, table, PERIODS) for problem in exposure]
    if not len(table.rows) and not problems:
        problems.append(Problem("header only", "one row per period", "add the patients' periods"))
    parsed, cell_problems = parsed_columns(table, names, PERIODS)
    problems += _of_patients_rows(cell_problems)
    problems += _row_problems(parsed, table.row_numbers())
    if problems:
        raise CohortError(sorted(problems, key=by_row), table.source.name)
    known = {name: pd.Series(parsed[name].in_rows(), dtype=_TYPES[name]) for name in KNOWN if name in parsed}
    others = {name: covariate_series(column) for name, column in parsed.items() if name not in KNOWN}
    return pd.DataFrame({**known, **others})


def _is_incomplete(names: Collection[str]) -> bool:
    """Return whether a count is missing, and a treatment or a time with it, as in a wide table."""
    return "relapses" not in names and ("treatment" not in names or not set(EXPOSURES) & set(names))


def _of_patients_rows(problems: list[Problem]) -> list[Problem]:
    """Return the problems; of a row that is no patient's only that one, whatever its other cells hold."""
    strange = {problem.row for problem in problems if problem.rule in (SUMMARY_RULE, EXAMPLE_RULE)}
    return [problem for problem in problems if problem.row not in strange or problem.column == "patient"]


def _row_problems(parsed: Mapping[str, ParsedColumn], rows: Sequence[int]) -> list[Problem]:
    """Return what is wrong with rows that contradict each other, or add the others up."""
    cells = {name: column.in_rows().tolist() for name, column in parsed.items()}
    if not {"patient", "treatment"} <= cells.keys():
        return []
    people = person_problems(cells, rows, KNOWN)
    repeated = list(_repeated_periods(cells, rows, {problem.patient for problem in people}))
    unit = next((name for name in EXPOSURES if name in cells), None)
    if repeated or unit is None or "relapses" not in cells:
        return people + repeated
    numbers = {name: cells[name] for name in ("patient", "treatment", "relapses", unit)}
    if any(isinstance(cell, Fault) for column in numbers.values() for cell in column):
        return people
    return people + total_problems(pd.DataFrame(numbers), unit, rows)


def _repeated_periods(cells: Cells, rows: Sequence[int], mixed: Collection[str | None]) -> Iterator[Problem]:
    """Find rows that claim the same period of a patient, or courses of a drug whose order is not given.

    Nothing is said of the patients in ``mixed``, whose rows are known to be those of two people.
    """
    periods = cells.get("period", [None] * len(rows))
    first: dict[tuple[str, object, object], int] = {}
    unordered: set[tuple[object, object]] = set()
    for row, patient, treatment, period in zip(
        rows, cells["patient"], cells["treatment"], periods, strict=True
    ):
        if patient in mixed or any(isinstance(cell, Fault) for cell in (patient, treatment, period)):
            continue
        course, number = ("treatment", patient, treatment), ("period", patient, period)
        if period is None:
            unordered.add(course[1:])
        if course in first and course[1:] in unordered:
            value = f"{treatment!r} again (first in row {first[course]})"
            rule = "a patient has one row per treatment, unless the column 'period' orders the courses"
            yield Problem(value, rule, _COURSES, row, patient, "treatment")
        elif period is not None and number in first:
            value = f"{period} again (first in row {first[number]})"
            yield Problem(value, "a patient has each period once", _NUMBERS, row, patient, "period")
        first.setdefault(course, row)
        first.setdefault(number, row)


def decimals_as_written(table: CodedTable, mapping: Mapping[str, str], frame: pd.DataFrame) -> pd.DataFrame:
    """Return with how many decimals follow-up times, reported ARRs and numeric covariates are written.

    A text file keeps the digits (2.0 has one decimal). In a workbook or a DataFrame, which hold
    numbers, they are missing.

    Parameters
    ----------
    table
        The cells.
    mapping
        Foreign names to ours.
    frame
        The validated table of the same rows.
    """
    decimals = {}
    for column, cells, codes in zip(table.columns, table.cells, table.codes, strict=True):
        name = mapping.get(column, column)
        is_number = name and name not in KNOWN and pd.api.types.is_float_dtype(frame[name])
        if is_number or name in (*EXPOSURES, "reported_arr"):
            written = ParsedColumn(tuple(written_column(cells, table.decimal)), codes)
            decimals[name] = pd.array(written.in_rows(), dtype="Int64")
    return pd.DataFrame({name: decimals[name] for name in frame if name in decimals}, index=frame.index)


def rows_where(frame: pd.DataFrame, column: str, value: object) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows whose ``column`` equals ``value``; None stands for an empty cell.

    Numbers equal their spelling (5 and ``"5.0"`` find an EDSS of 5), names match exactly.

    Raises
    ------
    ArgumentError
        If the column does not exist, or no row holds the value.
    """
    if column not in frame:
        raise ArgumentError(f"no column {column!r}; {_hint(column, list(frame.columns))}")
    cells = frame[column]
    equal = cells.isna() if is_missing(value) else cells == _as_stored(cells, column, value)
    mask = equal.fillna(value=False).to_numpy(dtype=bool)
    if not mask.any():
        texts = list(dict.fromkeys(as_text(cell) for cell in cells if not is_missing(cell)))
        raise ArgumentError(f"no row with {column} = {shown(value)}; {_hint(as_text(value), texts)}")
    return mask


def _as_stored(cells: pd.Series, column: str, value: object) -> object:
    """Return ``value`` as the column would hold it."""
    if column in PARSERS:
        parsed = PARSERS[column](value)
        if isinstance(parsed, Fault):
            raise ArgumentError(f"{column} = {shown(value)}. Expected: {parsed.rule}.")
        return parsed
    if pd.api.types.is_bool_dtype(cells):
        return parse_yes_no(value)
    return plain_number(value) if pd.api.types.is_numeric_dtype(cells) else as_text(value)


def _hint(wanted: str, known: list[str]) -> str:
    return " ".join(filter(None, (nearest(wanted, known), f"there are {listed(known, _LISTED)}")))
