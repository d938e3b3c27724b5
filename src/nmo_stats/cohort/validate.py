"""From cells to the canonical period table, or to every problem of the table at once."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from nmo_stats.cohort.reading import RawTable
from nmo_stats.cohort.schema import (
    EXPOSURES,
    KNOWN,
    PARSERS,
    REQUIRED,
    Cell,
    Fault,
    as_text,
    is_missing,
    parse_covariate,
    shown,
)
from nmo_stats.errors import ArgumentError, CohortError, Problem

_ALIASES = {
    "patient": ("id", "patient_id", "record_id", "subject", "case"),
    "treatment": ("drug", "therapy", "medication"),
    "relapses": ("relapse_count", "attacks", "events", "n_relapses"),
}
_EXPOSURE_ALIASES = ("exposure", "months", "days", "years", "follow_up", "duration")


def validated(raw: RawTable, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the table with canonical columns and types.

    Raises
    ------
    CohortError
        With every problem of the table.
    ArgumentError
        If ``columns`` is not a mapping.
    """
    named, problems = _with_names(raw, _mapping(columns))
    problems += [*raw.faults, *_missing_columns(named)]
    if not raw.rows and not problems:
        problems.append(
            Problem("header only", "the table has one row per period", "add the patients' periods")
        )
    parsed, cell_problems = _parsed(named, raw.rows)
    problems += cell_problems
    problems += _repeated_periods(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=_by_row), raw.source.name)
    return _frame(parsed)


def nearest(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return ``did you mean 'x'?`` for the candidate that looks most like ``name`` or a hint, or nothing.

    Examples
    --------
    >>> nearest("Rituximab", ["rituximab", "tocilizumab"])
    "did you mean 'rituximab'?"
    """
    by_lower = {candidate.strip().lower(): candidate for candidate in candidates if candidate.strip()}
    for cutoff in (0.8, 0.65):
        for wanted in (name.strip().lower(), *hints):
            if found := difflib.get_close_matches(wanted, by_lower, n=1, cutoff=cutoff):
                return f"did you mean {by_lower[found[0]]!r}?"
    return ""


def _by_row(problem: Problem) -> int:
    return problem.row if problem.row is not None else -1


def _mapping(columns: Mapping[str, str] | None) -> dict[str, str]:
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise ArgumentError(
            f"columns {columns!r}: a mapping of foreign names to ours, e.g. {{'record_id': 'patient'}}"
        )
    return {as_text(foreign): as_text(ours) for foreign, ours in columns.items()}


def _with_names(
    raw: RawTable, mapping: Mapping[str, str]
) -> tuple[dict[str, tuple[Cell, ...]], list[Problem]]:
    problems = _mapping_problems(raw, mapping)
    names = [mapping.get(column, column) for column in raw.columns]
    for name, count in Counter(names).items():
        if count > 1 and name:
            remedy = "remove or rename the others"
            problems.append(Problem(f"{count} columns", "a column stands once", remedy, column=name))
    named = {name: cells for name, cells in zip(names, raw.cells, strict=True) if name}
    nameless = [cells for name, cells in zip(names, raw.cells, strict=True) if not name]
    if any(not is_missing(cell) for cells in nameless for cell in cells):
        problems.append(
            Problem("a column without a name", "every column has a name", "name it in the header row")
        )
    return named, problems


def _mapping_problems(raw: RawTable, mapping: Mapping[str, str]) -> list[Problem]:
    unknown = [
        Problem(_rename(foreign, ours), f"the table has a column {foreign!r}", nearest(foreign, raw.columns))
        for foreign, ours in mapping.items()
        if foreign not in raw.columns
    ]
    targets = [
        Problem(_rename(foreign, ours), f"{ours!r} is a column of the period table", nearest(ours, KNOWN))
        for foreign, ours in mapping.items()
        if ours not in KNOWN
    ]
    return unknown + targets


def _rename(foreign: str, ours: str) -> str:
    return f"columns={{{foreign!r}: {ours!r}}}"


def _missing_columns(named: Mapping[str, tuple[Cell, ...]]) -> list[Problem]:
    others = [name for name in named if name not in KNOWN]
    problems = []
    for name in REQUIRED:
        if name not in named:
            hint = nearest(name, others, _ALIASES[name]) or "add it"
            remedy = f"{hint} (columns={{'yours': {name!r}}} renames)"
            problems.append(Problem("missing", f"the table has a column {name!r}", remedy, column=name))
    found = [name for name in EXPOSURES if name in named]
    if len(found) != 1:
        value = " and ".join(found) if found else "missing"
        rule = "exactly one of exposure_days, exposure_months, exposure_years; the unit is in the name"
        hint = nearest("exposure_months", others, _EXPOSURE_ALIASES)
        remedy = "keep one of them" if found else f"{hint} name its unit".strip()
        problems.append(Problem(value, rule, remedy, column="exposure"))
    return problems


def _parsed(
    named: Mapping[str, tuple[Cell, ...]], rows: tuple[int, ...]
) -> tuple[dict[str, list[Any]], list[Problem]]:
    patients = named.get("patient", (None,) * len(rows))
    parsed: dict[str, list[Any]] = {}
    problems = []
    for name, cells in named.items():
        parsed[name] = _each(PARSERS[name], cells) if name in PARSERS else parse_covariate(cells)
        faulty = Fault in set(map(type, parsed[name]))  # seldom, and a scan of all cells costs time
        for index, value in enumerate(parsed[name] if faulty else ()):
            if isinstance(value, Fault):
                patient = None if is_missing(patients[index]) else as_text(patients[index])
                found = shown(cells[index])
                problems.append(Problem(found, value.rule, value.remedy, rows[index], patient, name))
    return parsed, problems


def _each(parser: Callable[[Cell], object], cells: tuple[Cell, ...]) -> list[Any]:
    """Parse every cell, equal ones once: most columns hold few different cells."""
    once = lru_cache(maxsize=None, typed=True)(parser)
    try:
        return [once(cell) for cell in cells]
    except TypeError:  # a list or another cell that cannot be hashed
        return [parser(cell) for cell in cells]


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
    others = {name: _covariate(cells) for name, cells in parsed.items() if name not in KNOWN}
    return pd.DataFrame({**known, **others})


def _covariate(cells: list[Any]) -> pd.Series:
    is_number = all(isinstance(cell, float) for cell in cells)
    return pd.Series(cells, dtype="float64" if is_number else "object")
