"""From cells to the canonical period table, or to every problem of the table at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import pandas as pd

from nmo_stats.cohort.exposure import exposure_problems, unit_problems
from nmo_stats.cohort.names import EXAMPLE_RULE, SUMMARY_RULE
from nmo_stats.cohort.persons import person_problems
from nmo_stats.cohort.schema import EXPOSURES, KNOWN, PARSERS, REQUIRED
from nmo_stats.cohort.totals import total_problems
from nmo_stats.cohort.wide import wide_problem
from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables import redcap_columns
from nmo_stats.tables.cells import Fault
from nmo_stats.tables.columns import (
    Columns,
    by_row,
    covariate_series,
    header_below,
    missing_columns,
    named_columns,
    parsed_columns,
    renaming,
    renaming_problems,
    with_sheets,
)
from nmo_stats.tables.raw import RawTable

_COLUMNS: Final = Columns(
    "period table",
    PARSERS,
    REQUIRED,
    {
        "patient": ("id", "patient_id", "record_id", "subject", "case"),
        "treatment": ("drug", "therapy", "medication"),
        "relapses": ("relapse_count", "attacks", "events", "n_relapses"),
    },
)

_COURSES: Final = (
    "if these are two courses, number the periods in the column 'period'; if two people, give each an "
    "identifier of "
    "their own; if one course was entered twice, keep the row that is right"
)
_NUMBERS: Final = (
    "number the patient's periods 1, 2, ... in their order; if these are two people, give each an "
    "identifier of their own"
)


def in_our_shape(raw: RawTable, columns: Mapping[str, str] | None) -> RawTable:
    """Return a REDCap export as a period table, any other table as it is; its remarks say what was read."""
    return redcap_columns.in_our_shape(raw, renaming(columns), _COLUMNS)


def validated(raw: RawTable, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the table with canonical columns and types.

    Raises
    ------
    CohortError
        With every problem of the table.
    ArgumentError
        If ``columns`` is not a mapping.
    """
    mapping = renaming(columns)
    if below := header_below(raw.head, mapping, _COLUMNS) if _lacks_columns(raw, mapping) else None:
        raise CohortError([below], raw.source.name)
    problems = [
        *unit_problems(mapping),
        *renaming_problems(mapping, raw.columns, KNOWN, _COLUMNS.table),
    ]
    named, name_problems = named_columns(raw.columns, raw.cells, mapping)
    if (wide := wide_problem(list(named))) and _is_incomplete(named):
        raise CohortError([wide], raw.source.name)
    missing = [
        *missing_columns(named, _COLUMNS),
        *([] if _renames_time(problems) else exposure_problems(named)),
    ]
    problems += [*name_problems, *raw.faults, *(_with_sheets(problem, raw) for problem in missing)]
    if not raw.rows and not problems:
        problems.append(
            Problem("header only", "the table has one row per period", "add the patients' periods")
        )
    parsed, cell_problems = parsed_columns(named, raw, _COLUMNS)
    problems += _of_patients_rows(cell_problems)
    problems += _row_problems(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=by_row), raw.source.name)
    return _frame(parsed)


def _renames_time(problems: list[Problem]) -> bool:
    """Return whether a renaming of the follow-up is wrong, so that its absence is no news."""
    return any("exposure" in str(problem.value) for problem in problems)


def _is_incomplete(named: Collection[str]) -> bool:
    """Return whether a count is missing, and a treatment or a time with it, as in a wide table."""
    return "relapses" not in named and ("treatment" not in named or not set(EXPOSURES) & set(named))


def _of_patients_rows(problems: list[Problem]) -> list[Problem]:
    """Return the problems; of a row that is no patient's only that one, whatever its other cells hold."""
    strange = {problem.row for problem in problems if problem.rule in (SUMMARY_RULE, EXAMPLE_RULE)}
    return [problem for problem in problems if problem.row not in strange or problem.column == "patient"]


def _row_problems(parsed: Mapping[str, list[Any]], rows: tuple[int, ...]) -> list[Problem]:
    """Return what is wrong with rows that contradict each other, or add the others up."""
    if not {"patient", "treatment"} <= parsed.keys():
        return []
    people = person_problems(parsed, rows, KNOWN)
    repeated = _repeated_periods(parsed, rows, {str(problem.patient) for problem in people})
    unit = next((name for name in EXPOSURES if name in parsed), None)
    if repeated or unit is None or "relapses" not in parsed:
        return people + repeated
    columns = [parsed[name] for name in ("patient", "treatment", "relapses", unit)]
    if any(isinstance(cell, Fault) for column in columns for cell in column):
        return people
    patients, treatments, *numbers = columns
    return people + total_problems(patients, treatments, (numbers[0], numbers[1]), rows)


def _lacks_columns(raw: RawTable, mapping: Mapping[str, str]) -> bool:
    return not set(REQUIRED) <= {mapping.get(name, name) for name in raw.columns}


def _with_sheets(problem: Problem, raw: RawTable) -> Problem:
    return with_sheets(problem, raw.unread_sheets, "--sheet ", "read_periods(path, sheet=")


def _repeated_periods(
    parsed: Mapping[str, list[Any]], rows: tuple[int, ...], mixed: Collection[str]
) -> list[Problem]:
    """Find rows that claim the same period of a patient, or courses of a drug whose order is not given.

    Nothing is said of the patients in ``mixed``, whose rows are known to be those of two people.
    """
    periods = parsed.get("period") or [None] * len(rows)
    first_course: dict[tuple[object, object], int] = {}
    first_period: dict[tuple[object, object], int] = {}
    unordered: set[tuple[object, object]] = set()
    problems = []
    for row, patient, treatment, period in zip(
        rows, parsed["patient"], parsed["treatment"], periods, strict=True
    ):
        if patient in mixed or any(isinstance(cell, Fault) for cell in (patient, treatment, period)):
            continue
        course, place = (patient, treatment), (patient, period)
        if period is None:
            unordered.add(course)
        if course in first_course and course in unordered:
            found = f"{treatment!r} again (first in row {first_course[course]})"
            rule = "a patient has one row per treatment, unless the column 'period' orders the courses"
            problems.append(Problem(found, rule, _COURSES, row, str(patient), "treatment"))
        elif period is not None and place in first_period:
            found = f"{period} again (first in row {first_period[place]})"
            rule = "a patient has each period once"
            problems.append(Problem(found, rule, _NUMBERS, row, str(patient), "period"))
        first_course.setdefault(course, row)
        first_period.setdefault(place, row)
    return problems


def _frame(parsed: Mapping[str, list[Any]]) -> pd.DataFrame:
    types = {
        "patient": "object",
        "treatment": "object",
        "relapses": "int64",
        **dict.fromkeys(EXPOSURES, "float64"),
        "period": "Int64",
        **dict.fromkeys(("edss_start", "edss_end", "reported_arr"), "float64"),
        **dict.fromkeys(("ended_by_relapse", "ongoing"), "boolean"),
    }
    known = {name: pd.Series(parsed[name], dtype=types[name]) for name in KNOWN if name in parsed}
    others = {name: covariate_series(cells) for name, cells in parsed.items() if name not in KNOWN}
    return pd.DataFrame({**known, **others})
