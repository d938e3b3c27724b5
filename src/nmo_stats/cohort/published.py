"""The numbers that a publication prints about the patients of a period table: one row for each place where one stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import pandas as pd

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, parse_text, plain_number, shown
from nmo_stats.tables.nearest import nearest
from nmo_stats.tables.raw import RawTable

PUBLISHED: Final = ("quantity", "patient", "treatment", "value", "decimals", "place")
MOST_DECIMALS: Final = 12
# A drug that was given before the periods of the table has no row there; quantities about it say so in their name.
OTHER_DRUGS: Final = "prior_therapy"

_LARGEST: Final = 1e12
Parsed = Mapping[str, list[Any]]


def published_numbers(raw: RawTable, patients: Collection[str], treatments: Collection[str]) -> pd.DataFrame:
    """Return the printed numbers with canonical types: patient and treatment None where a row names none.

    Parameters
    ----------
    raw
        Cells with columns ``quantity``, ``patient``, ``treatment``, ``value``, ``decimals``, ``place``; others are kept.
    patients, treatments
        Names of the period table.

    Raises
    ------
    CohortError
        With every problem of the table.
    """
    problems = [*_column_problems(raw), *raw.faults]
    if not raw.rows and not problems:
        rule = "the table has one row per printed number"
        problems.append(Problem("header only", rule, "add the numbers of the paper"))
    named = dict(zip(raw.columns, raw.cells, strict=True))
    parsed: dict[str, list[Any]] = {
        name: [_PARSERS[name](cell) for cell in named[name]] for name in PUBLISHED if name in named
    }
    problems += _cell_problems(parsed, named, raw.rows)
    if not problems:
        problems += _decimal_problems(parsed, named["value"], raw.rows)
        problems += _name_problems(parsed, raw.rows, patients, treatments)
        problems += _repeated(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=lambda problem: problem.row or 0), raw.source.name)
    others = {name: list(cells) for name, cells in named.items() if name and name not in PUBLISHED}
    types = {"value": "float64", "decimals": "int64"}
    columns = {name: pd.Series(parsed[name], dtype=types.get(name, "object")) for name in PUBLISHED}
    return pd.DataFrame(columns | {name: pd.Series(cells, dtype="object") for name, cells in others.items()})


def empty_published() -> pd.DataFrame:
    """Return a table without a printed number."""
    return pd.DataFrame({name: pd.Series(dtype="object") for name in PUBLISHED})


def _optional_text(cell: Cell) -> str | Fault | None:
    return None if is_missing(cell) else parse_text(cell)


def _value(cell: Cell) -> float | Fault:
    number = plain_number(cell)
    if number is None or not math.isfinite(number) or abs(number) > _LARGEST:
        rule = "a printed number, without unit, with a decimal point"
        return Fault(rule, "copy the number as it is printed, or leave the row out")
    return number


def _decimals(cell: Cell) -> int | Fault:
    number = plain_number(cell)
    if number is None or not 0 <= number <= MOST_DECIMALS or not number.is_integer():
        rule = f"the number of decimals printed, a whole number from 0 to {MOST_DECIMALS}"
        return Fault(rule, "count the digits behind the decimal point")
    return int(number)


_PARSERS: Final[dict[str, Callable[[Cell], object]]] = {
    "quantity": parse_text,
    "patient": _optional_text,
    "treatment": _optional_text,
    "value": _value,
    "decimals": _decimals,
    "place": _optional_text,
}


def _column_problems(raw: RawTable) -> list[Problem]:
    others = [name for name in raw.columns if name and name not in PUBLISHED]
    problems = [
        Problem("missing", f"the table has a column {name!r}", nearest(name, others) or "add it", column=name)
        for name in PUBLISHED
        if name not in raw.columns
    ]
    for name in dict.fromkeys(raw.columns):
        count = raw.columns.count(name)
        if count > 1 and name:
            remedy = "remove or rename the others"
            problems.append(Problem(f"{count} columns", "a column stands once", remedy, column=name))
    return problems


def _cell_problems(
    parsed: Parsed, named: Mapping[str, tuple[Cell, ...]], rows: tuple[int, ...]
) -> list[Problem]:
    patients = named.get("patient", (None,) * len(rows))
    return [
        Problem(shown(named[name][index]), value.rule, value.remedy, rows[index], _patient(patients[index]), name)
        for name, values in parsed.items()
        for index, value in enumerate(values)
        if isinstance(value, Fault)
    ]  # fmt: skip


def _patient(cell: Cell) -> str | None:
    return None if is_missing(cell) else as_text(cell)


def _decimal_problems(parsed: Parsed, cells: Iterable[Cell], rows: tuple[int, ...]) -> list[Problem]:
    """Find numbers that are not written with their decimals; a spreadsheet's 3 may have been printed as 3.0."""
    problems = []
    for cell, value, decimals, row, patient in zip(
        cells, parsed["value"], parsed["decimals"], rows, parsed["patient"], strict=True
    ):
        if isinstance(cell, str) and "e" not in cell.lower():
            wrong = len(cell.strip().partition(".")[2]) != decimals
        else:
            wrong = not math.isclose(round(value, decimals), value, rel_tol=1e-12)
        if wrong:
            rule = "the value has as many decimals as the column 'decimals' says"
            remedy = f"write it with {decimals}, or correct the number of decimals"
            problems.append(Problem(shown(cell), rule, remedy, row, patient, "value"))
    return problems


def _name_problems(
    parsed: Parsed, rows: tuple[int, ...], patients: Collection[str], treatments: Collection[str]
) -> list[Problem]:
    problems = []
    known = set(patients)
    for quantity, patient, treatment, row in zip(
        parsed["quantity"], parsed["patient"], parsed["treatment"], rows, strict=True
    ):
        if patient is not None and patient not in known:
            rule = "a patient of the period table, or empty for the whole series"
            remedy = nearest(patient, patients) or "name the patient as in the period table"
            problems.append(Problem(repr(patient), rule, remedy, row, patient, "patient"))
        if treatment is not None and treatment not in treatments and OTHER_DRUGS not in quantity:
            rule = f"a treatment of the period table, or empty; other drugs only where the quantity is about a {OTHER_DRUGS}"
            remedy = nearest(treatment, treatments) or f"there are {', '.join(map(repr, treatments))}"
            problems.append(Problem(repr(treatment), rule, remedy, row, patient, "treatment"))
    return problems


def _repeated(parsed: Parsed, rows: tuple[int, ...]) -> list[Problem]:
    """Find rows that say the same of the same place; two numbers that differ there are the paper's own affair."""
    first: dict[tuple[object, ...], int] = {}
    problems = []
    for index, row in enumerate(rows):
        key = tuple(parsed[name][index] for name in PUBLISHED)
        if key in first:
            rule = "a number stands once in one place"
            remedy = "remove the repeated row, or tell the places apart in 'place'"
            found = f"{parsed['quantity'][index]!r} again (first in row {first[key]})"
            problems.append(Problem(found, rule, remedy, row, parsed["patient"][index], "quantity"))
        first.setdefault(key, row)
    return problems
