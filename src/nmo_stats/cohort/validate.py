"""From cells to the canonical period table, or to every problem of the table at once."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from nmo_stats.cohort.reading import RawTable
from nmo_stats.cohort.schema import EXPOSURES, KNOWN, PARSERS, REQUIRED, Cell, Fault, as_text, is_missing
from nmo_stats.errors import CohortError, Problem

_ALIASES = {
    "patient": ("id", "patient_id", "record_id", "subject", "case"),
    "treatment": ("drug", "therapy", "medication"),
    "relapses": ("relapse_count", "attacks", "events", "n_relapses"),
}


def validated(raw: RawTable, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the table with canonical columns and types.

    Raises
    ------
    CohortError
        With every problem of the table.
    """
    named, problems = _with_names(raw, columns or {})
    problems += _missing_columns(named)
    if not raw.rows and not problems:
        problems.append(Problem("header only", "the table has one row per period", "add the patients' periods"))
    parsed, cell_problems = _parsed(named, raw.rows)
    problems += cell_problems
    problems += _repeated_periods(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=_by_row), raw.source.name)
    return _frame(parsed)


def nearest(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return `` did you mean 'x'?`` for the candidate that looks most like ``name``, or nothing.

    Examples
    --------
    >>> nearest("Rituximab", ["rituximab", "tocilizumab"])
    "did you mean 'rituximab'?"
    """
    by_lower = {candidate.strip().lower(): candidate for candidate in candidates}
    for wanted in (name.strip().lower(), *hints):
        if found := difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.6):
            return f"did you mean {by_lower[found[0]]!r}?"
    return ""


def _by_row(problem: Problem) -> int:
    return problem.row if problem.row is not None else -1


def _with_names(raw: RawTable, mapping: Mapping[str, str]) -> tuple[dict[str, tuple[Cell, ...]], list[Problem]]:
    problems = _mapping_problems(raw, mapping)
    names = [mapping.get(column, column) for column in raw.columns]
    for name, count in Counter(names).items():
        if count > 1 and name:
            problems.append(Problem(f"{count} columns", "a column stands once", "remove or rename the others", column=name))
    named = {name: cells for name, cells in zip(names, raw.cells, strict=True) if name}
    nameless = [cells for name, cells in zip(names, raw.cells, strict=True) if not name]
    if any(not is_missing(cell) for cells in nameless for cell in cells):
        problems.append(Problem("a column without a name", "every column has a name", "name it in the header row"))
    return named, problems


def _mapping_problems(raw: RawTable, mapping: Mapping[str, str]) -> list[Problem]:
    unknown = [
        Problem(f"columns={{{foreign!r}: {ours!r}}}", f"the table has a column {foreign!r}", nearest(foreign, raw.columns))
        for foreign, ours in mapping.items()
        if foreign not in raw.columns
    ]
    targets = [
        Problem(f"columns={{{foreign!r}: {ours!r}}}", f"{ours!r} is a column of the period table", nearest(ours, KNOWN))
        for foreign, ours in mapping.items()
        if ours not in KNOWN
    ]
    return unknown + targets


def _missing_columns(named: Mapping[str, tuple[Cell, ...]]) -> list[Problem]:
    others = [name for name in named if name not in KNOWN]
    problems = []
    for name in REQUIRED:
        if name not in named:
            remedy = nearest(name, others, _ALIASES[name]) or "add it"
            problems.append(Problem("missing", f"the table has a column {name!r}", f"{remedy} (columns={{'yours': {name!r}}} renames)", column=name))
    found = [name for name in EXPOSURES if name in named]
    if len(found) != 1:
        value = " and ".join(found) if found else "missing"
        rule = "exactly one of exposure_days, exposure_months, exposure_years; the unit is in the name"
        hint = nearest("exposure_months", others, ("exposure", "months", "days", "years", "follow_up", "duration"))
        remedy = "keep one of them" if found else f"{hint} name its unit".strip()
        problems.append(Problem(value, rule, remedy, column="exposure"))
    return problems


def _parsed(named: Mapping[str, tuple[Cell, ...]], rows: tuple[int, ...]) -> tuple[dict[str, list[object]], list[Problem]]:
    patients = [None if is_missing(cell) else as_text(cell) for cell in named.get("patient", [None] * len(rows))]
    parsed: dict[str, list[object]] = {}
    problems = []
    for name, cells in named.items():
        parser = PARSERS.get(name)
        parsed[name] = [parser(cell) for cell in cells] if parser else list(cells)
        for row, patient, cell, value in zip(rows, patients, cells, parsed[name], strict=True):
            if isinstance(value, Fault):
                shown = "empty" if is_missing(cell) else repr(cell) if isinstance(cell, str) else str(cell)
                problems.append(Problem(shown, value.rule, value.remedy, row, patient, name))
    return parsed, problems


def _repeated_periods(parsed: Mapping[str, list[object]], rows: tuple[int, ...]) -> list[Problem]:
    """Find rows that claim the same period of a patient, or courses of a drug whose order is not given."""
    if not {"patient", "treatment"} <= parsed.keys():
        return []
    periods = parsed.get("period") or [None] * len(rows)
    first_course: dict[tuple[object, object], int] = {}
    first_period: dict[tuple[object, object], int] = {}
    ordered: dict[tuple[object, object], bool] = {}
    problems = []
    for row, patient, treatment, period in zip(rows, parsed["patient"], parsed["treatment"], periods, strict=True):
        if isinstance(patient, Fault) or isinstance(treatment, Fault) or isinstance(period, Fault):
            continue
        course, place = (patient, treatment), (patient, period)
        if course in first_course and not (ordered[course] and period is not None):
            rule = "a patient has one row per treatment, unless the column 'period' orders the courses"
            found = f"{treatment!r} again (first in row {first_course[course]})"
            problems.append(Problem(found, rule, "remove the repeated row, or number the periods", row, str(patient), "treatment"))
        elif period is not None and place in first_period:
            found = f"{period} again (first in row {first_period[place]})"
            problems.append(Problem(found, "a patient has each period once", "renumber the periods", row, str(patient), "period"))
        first_course.setdefault(course, row)
        first_period.setdefault(place, row)
        ordered[course] = ordered.get(course, True) and period is not None
    return problems


def _frame(parsed: Mapping[str, list[object]]) -> pd.DataFrame:
    known = [name for name in KNOWN if name in parsed]
    covariates = [name for name in parsed if name not in KNOWN]
    types = {
        "relapses": "int64",
        **dict.fromkeys(EXPOSURES, "float64"),
        "period": "Int64",
        **dict.fromkeys(("edss_start", "edss_end", "reported_arr"), "float64"),
        **dict.fromkeys(("ended_by_relapse", "ongoing"), "boolean"),
    }
    data = {name: pd.Series(parsed[name], dtype=types.get(name, "object")) for name in (*known, *covariates)}
    return pd.DataFrame(data)
