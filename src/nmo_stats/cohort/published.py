"""The numbers that a publication prints about the patients of a period table: one row for each place where one stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import pandas as pd

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import (
    Cell,
    Fault,
    as_text,
    is_missing,
    parse_text,
    plain_number,
    says_unknown,
    shown,
    with_decimal_comma,
    written_decimals,
)
from nmo_stats.tables.nearest import nearest
from nmo_stats.tables.raw import DecimalMark, RawTable

PUBLISHED: Final = ("quantity", "patient", "treatment", "value", "decimals", "place")
MOST_DECIMALS: Final = 12
# A drug that was given before the periods of the table has no row there; quantities about it say so in their name.
OTHER_DRUGS: Final = "prior_therapy"

_NUMBERS: Final = ("value", "decimals")
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
    cells = dict(zip(raw.columns, raw.cells, strict=True))
    parsed = _parsed(cells, raw.decimal)
    problems += _cell_problems(parsed, cells, raw.rows)
    if len(parsed) == len(PUBLISHED):
        problems += _decimal_problems(parsed, cells["value"], raw)
        problems += _name_problems(parsed, raw.rows, patients, treatments)
        problems += _repeated(parsed, raw.rows)
    if problems:
        raise CohortError(sorted(problems, key=lambda problem: problem.row or 0), raw.source.name)
    others = {name: list(column) for name, column in cells.items() if name and name not in PUBLISHED}
    types = {"value": "float64", "decimals": "int64"}
    columns = {name: pd.Series(parsed[name], dtype=types.get(name, "object")) for name in PUBLISHED}
    return pd.DataFrame(
        columns | {name: pd.Series(column, dtype="object") for name, column in others.items()}
    )


def empty_published() -> pd.DataFrame:
    """Return a table without a printed number."""
    return pd.DataFrame({name: pd.Series(dtype="object") for name in PUBLISHED})


def _parsed(cells: Mapping[str, tuple[Cell, ...]], decimal: DecimalMark) -> dict[str, list[Any]]:
    """Return every known column parsed; the Faults stay in the columns."""
    found: dict[str, list[Any]] = {}
    for name, parser in _PARSERS.items():
        if name in cells:
            has_comma = decimal == "," and name in _NUMBERS
            pointed = map(with_decimal_comma, cells[name]) if has_comma else cells[name]
            found[name] = [cell if isinstance(cell, Fault) else parser(cell) for cell in pointed]
    return found


def _optional(parser: Callable[[Cell], str | Fault]) -> Callable[[Cell], str | Fault | None]:
    return lambda cell: None if is_missing(cell) else parser(cell)


def _name(cell: Cell) -> str | Fault:
    """Read a name of the period table; whether there is such a one is asked later."""
    if says_unknown(cell):
        return Fault(
            "a name of the period table, or empty", "leave the cell empty if the number is about the series"
        )
    return parse_text(cell)


def _value(cell: Cell) -> float | Fault:
    number = plain_number(cell)
    if number is None or not math.isfinite(number) or abs(number) > _LARGEST:
        rule = "a printed number, without unit, with the decimal mark of the file"
        return Fault(rule, "copy the number as it is printed; the table holds printed numbers only")
    return number


def _decimals(cell: Cell) -> int | Fault:
    number = plain_number(cell)
    if number is None or not 0 <= number <= MOST_DECIMALS or not number.is_integer():
        rule = f"the number of decimals printed, a whole number from 0 to {MOST_DECIMALS}"
        return Fault(rule, "count the digits behind the decimal mark")
    return int(number)


_PARSERS: Final[dict[str, Callable[[Cell], object]]] = {
    "quantity": parse_text,
    "patient": _optional(_name),
    "treatment": _optional(_name),
    "value": _value,
    "decimals": _decimals,
    "place": _optional(parse_text),
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


def _text(patient: str | Fault | None) -> str | None:
    return patient if isinstance(patient, str) else None


def _decimal_problems(parsed: Parsed, cells: Iterable[Cell], raw: RawTable) -> list[Problem]:
    """Find numbers that are not written with their decimals; a spreadsheet's 3 may have been printed as 3.0."""
    problems = []
    for cell, value, decimals, row, patient in zip(
        cells, parsed["value"], parsed["decimals"], raw.rows, parsed["patient"], strict=True
    ):
        if isinstance(value, Fault) or isinstance(decimals, Fault):
            continue
        digits = written_decimals(cell, raw.decimal)
        if digits is None:
            wrong = not math.isclose(round(value, decimals), value, rel_tol=1e-12)
        else:
            wrong = digits != decimals
        if wrong:
            rule = "the value has as many decimals as the column 'decimals' says"
            remedy = f"write it with {decimals}, or correct the number of decimals"
            problems.append(Problem(shown(cell), rule, remedy, row, _text(patient), "value"))
    return problems


def _name_problems(
    parsed: Parsed, rows: tuple[int, ...], patients: Collection[str], treatments: Collection[str]
) -> list[Problem]:
    problems = []
    known = set(patients)
    for quantity, patient, treatment, row in zip(
        parsed["quantity"], parsed["patient"], parsed["treatment"], rows, strict=True
    ):
        if isinstance(patient, str) and patient not in known:
            rule = "a patient of the period table, or empty for the whole series"
            remedy = nearest(patient, patients) or "name the patient as in the period table"
            problems.append(Problem(repr(patient), rule, remedy, row, patient, "patient"))
        is_other = isinstance(quantity, Fault) or OTHER_DRUGS in quantity
        if isinstance(treatment, str) and treatment not in treatments and not is_other:
            rule = f"a treatment of the period table, or empty; other drugs only where the quantity is about a {OTHER_DRUGS}"
            remedy = nearest(treatment, treatments) or f"there are {', '.join(map(repr, treatments))}"
            problems.append(Problem(repr(treatment), rule, remedy, row, _text(patient), "treatment"))
    return problems


def _repeated(parsed: Parsed, rows: tuple[int, ...]) -> list[Problem]:
    """Find rows that say the same of the same place; two numbers that differ there are the paper's own affair."""
    first: dict[tuple[object, ...], int] = {}
    problems = []
    for index, row in enumerate(rows):
        key = tuple(parsed[name][index] for name in PUBLISHED)
        if any(isinstance(part, Fault) for part in key):
            continue
        if key in first:
            rule = "a number stands once in one place"
            remedy = "remove the repeated row, or tell the places apart in 'place'"
            found = f"{parsed['quantity'][index]!r} again (first in row {first[key]})"
            problems.append(Problem(found, rule, remedy, row, parsed["patient"][index], "quantity"))
        first.setdefault(key, row)
    return problems
