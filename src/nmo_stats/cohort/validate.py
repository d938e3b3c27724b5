"""From cells to the canonical period table, or to every problem of the table at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from nmo_stats.cohort.schema import EXPOSURES, KNOWN, PARSERS, REQUIRED
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
    rename_text,
    renaming,
    renaming_problems,
    with_sheets,
)
from nmo_stats.tables.nearest import nearest_name
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
_EXPOSURE_ALIASES: Final = ("exposure", "months", "days", "years", "follow_up", "duration")


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
    problems = renaming_problems(mapping, raw.columns, KNOWN, _COLUMNS.table)
    named, name_problems = named_columns(raw.columns, raw.cells, mapping)
    missing = [*missing_columns(named, _COLUMNS), *_exposure_problems(named)]
    problems += [*name_problems, *raw.faults, *(_with_sheets(problem, raw) for problem in missing)]
    if not raw.rows and not problems:
        problems.append(
            Problem("header only", "the table has one row per period", "add the patients' periods")
        )
    parsed, cell_problems = parsed_columns(named, raw, _COLUMNS)
    problems += cell_problems
    problems += _repeated_periods(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=by_row), raw.source.name)
    return _frame(parsed)


def _lacks_columns(raw: RawTable, mapping: Mapping[str, str]) -> bool:
    return not set(REQUIRED) <= {mapping.get(name, name) for name in raw.columns}


def _with_sheets(problem: Problem, raw: RawTable) -> Problem:
    return with_sheets(problem, raw.unread_sheets, "--sheet ", "read_periods(path, sheet=")


def _exposure_problems(named: Iterable[str]) -> list[Problem]:
    found = [name for name in EXPOSURES if name in named]
    if len(found) == 1:
        return []
    value = " and ".join(found) if found else "missing"
    rule = "exactly one of exposure_days, exposure_months, exposure_years; the unit is in the name"
    others = [name for name in named if name not in KNOWN]
    meant = nearest_name("exposure_months", others, _EXPOSURE_ALIASES)
    hint = f"did you mean {meant!r}? name its unit" if meant else "name its unit"
    unit = next((unit for unit in ("days", "years") if unit in meant.lower()), "months")
    remedy = (
        "keep one of them"
        if found
        else f"{hint}, such as {rename_text(meant or 'yours', f'exposure_{unit}')}"
    )
    return [Problem(value, rule, remedy, column="exposure")]


def _repeated_periods(parsed: Mapping[str, list[Any]], rows: tuple[int, ...]) -> list[Problem]:
    """Find rows that claim the same period of a patient, or courses of a drug whose order is not given."""
    if not {"patient", "treatment"} <= parsed.keys():
        return []
    periods = parsed.get("period") or [None] * len(rows)
    first_course: dict[tuple[object, object], int] = {}
    first_period: dict[tuple[object, object], int] = {}
    unordered: set[tuple[object, object]] = set()
    problems = []
    for row, patient, treatment, period in zip(
        rows, parsed["patient"], parsed["treatment"], periods, strict=True
    ):
        if isinstance(patient, Fault) or isinstance(treatment, Fault) or isinstance(period, Fault):
            continue
        course, place = (patient, treatment), (patient, period)
        if period is None:
            unordered.add(course)
        if course in first_course and course in unordered:
            found = f"{treatment!r} again (first in row {first_course[course]})"
            rule = "a patient has one row per treatment, unless the column 'period' orders the courses"
            remedy = "remove the repeated row, or number the periods"
            problems.append(Problem(found, rule, remedy, row, str(patient), "treatment"))
        elif period is not None and place in first_period:
            found = f"{period} again (first in row {first_period[place]})"
            rule = "a patient has each period once"
            problems.append(Problem(found, rule, "renumber the periods", row, str(patient), "period"))
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
