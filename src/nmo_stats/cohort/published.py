"""The numbers that a publication prints about the patients of a period table: one row for each place where one stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import pandas as pd

from nmo_stats.cohort.printed_value import MOST_DIGITS, SIGNS, TOO_MANY_DIGITS, PrintedValue, printed_value
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
)
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.table import CodedTable, DecimalMark

PUBLISHED: Final = ("quantity", "patient", "treatment", "value", "decimals", "place")
# Before the value: "=" or, of a p-value, an inequality; a column of its own where a table has it apart from the value.
RELATION: Final = "relation"
MOST_DECIMALS: Final = 12
# A drug that was given before the periods of the table has no row there; quantities about it say so in their name.
OTHER_DRUGS: Final = "prior_therapy"

_SERIES: Final = frozenset(
    ("all", "total", "totals", "sum", "overall", "pooled", "mean", "median", "series", "cohort")
)
Parsed = Mapping[str, list[Any]]


def published_numbers(
    raw: CodedTable, patients: Collection[str], treatments: Collection[str]
) -> pd.DataFrame:
    """Return the printed numbers with canonical types: patient and treatment None where a row names none.

    Parameters
    ----------
    raw
        Cells with columns ``quantity``, ``patient``, ``treatment``, ``value``, ``decimals``, ``place``; others are kept. A
        p-value may be an inequality, ``<0.001``; the sign is returned in the column ``relation``, ``"="`` elsewhere.
    patients, treatments
        Names of the period table.

    Raises
    ------
    CohortError
        With every problem of the table.
    """
    problems = [*_column_problems(raw), *raw.faults]
    rows = raw.row_numbers()
    if not rows and not problems:
        rule = "the table has one row per printed number"
        problems.append(Problem("header only", rule, "add the numbers of the paper"))
    cells = dict(zip(raw.columns, raw.in_rows(), strict=True))
    parsed = _parsed(cells, raw.decimal)
    problems += _cell_problems(parsed, cells, rows)
    if set(PUBLISHED) <= set(parsed):
        problems += _relation_problems(parsed, cells["value"], rows)
        problems += _decimal_problems(parsed, cells["value"], rows)
        problems += _name_problems(parsed, rows, patients, treatments)
        problems += _repeated(parsed, rows)
    if problems:
        raise CohortError(sorted(problems, key=lambda problem: problem.row or 0), raw.source.name)
    known = (*PUBLISHED, RELATION)
    others = {name: list(column) for name, column in cells.items() if name and name not in known}
    types = {"value": "float64", "decimals": "int64"}
    plain = parsed | {
        "value": [value.number for value in parsed["value"]],
        RELATION: list(map(_relation, parsed["value"], parsed[RELATION])),
    }
    columns = {name: pd.Series(plain[name], dtype=types.get(name, "object")) for name in known}
    return pd.DataFrame(
        columns | {name: pd.Series(column, dtype="object") for name, column in others.items()}
    )


def empty_published() -> pd.DataFrame:
    """Return a table without a printed number."""
    return pd.DataFrame({name: pd.Series(dtype="object") for name in (*PUBLISHED, RELATION)})


def _parsed(cells: Mapping[str, tuple[Cell, ...]], decimal: DecimalMark) -> dict[str, list[Any]]:
    """Return every known column parsed; the Faults stay in the columns."""
    parsed: dict[str, list[Any]] = {
        name: [cell if isinstance(cell, Fault) else parser(cell) for cell in cells[name]]
        for name, parser in _PARSERS.items()
        if name in cells
    }
    if "decimals" in cells and decimal == ",":
        parsed["decimals"] = [_decimals(_pointed(cell)) for cell in cells["decimals"]]
    if "value" in cells:
        parsed["value"] = [printed_value(cell, decimal) for cell in cells["value"]]
    rows = len(next(iter(cells.values()), ()))
    return {RELATION: [None] * rows} | parsed


def _pointed(cell: Cell) -> Cell:
    pointed = with_decimal_comma(cell)
    return cell if isinstance(pointed, Fault) else pointed


def _quantity(cell: Cell) -> str | Fault:
    if says_unknown(cell):
        return Fault("the name of a quantity", "`nmo-stats audit --quantities` lists the names")
    return parse_text(cell)


def _optional(parser: Callable[[Cell], str | Fault]) -> Callable[[Cell], str | Fault | None]:
    return lambda cell: None if is_missing(cell) else parser(cell)


def _sign(cell: Cell) -> str | Fault | None:
    if is_missing(cell):
        return None
    sign = SIGNS.get(as_text(cell).strip())
    return sign or Fault(
        f"one of {', '.join(SIGNS)}, or empty", "write the sign that is printed before the number"
    )


def _relation(value: PrintedValue, sign: str | None) -> str:
    return value.relation if value.relation != "=" else sign or "="


def _decimals(cell: Cell) -> int | Fault:
    number = plain_number(cell)
    if number is None or not 0 <= number <= MOST_DECIMALS or not number.is_integer():
        rule = f"the number of decimals printed, a whole number from 0 to {MOST_DECIMALS}"
        return Fault(rule, "count the digits behind the decimal mark")
    return int(number)


_PARSERS: Final[dict[str, Callable[[Cell], object]]] = {
    "quantity": _quantity,
    "patient": _optional(parse_text),
    "treatment": _optional(parse_text),
    "decimals": _decimals,
    "place": _optional(parse_text),
    RELATION: _sign,
}


def _column_problems(raw: CodedTable) -> list[Problem]:
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
        if name in named
        for index, value in enumerate(values)
        if isinstance(value, Fault)
    ]  # fmt: skip


def _patient(cell: Cell) -> str | None:
    return None if is_missing(cell) else as_text(cell)


def _text(patient: str | Fault | None) -> str | None:
    return patient if isinstance(patient, str) else None


def _relation_problems(parsed: Parsed, cells: Iterable[Cell], rows: tuple[int, ...]) -> list[Problem]:
    """Find inequalities about anything but a p-value, and signs that contradict each other."""
    problems = []
    columns = (parsed[name] for name in ("quantity", "value", RELATION, "patient"))
    for cell, row, quantity, value, sign, patient in zip(cells, rows, *columns, strict=True):
        if any(isinstance(part, Fault) for part in (quantity, value, sign)):
            continue
        if sign is not None and value.relation not in ("=", sign):
            rule = f"the sign in the value is that of the column {RELATION!r}, {sign}"
            problems.append(Problem(shown(cell), rule, "write it once", row, _text(patient), "value"))
        elif _relation(value, sign) != "=" and not quantity.endswith("p_value"):
            rule = "an inequality is read of a p-value only, a quantity whose name ends in p_value"
            remedy = "rename the quantity if it is one; else remove this row, the audit makes no statement about it"
            problems.append(Problem(shown(cell), rule, remedy, row, _text(patient), "value"))
    return problems


def _decimal_problems(parsed: Parsed, cells: Iterable[Cell], rows: tuple[int, ...]) -> list[Problem]:
    """Find numbers that are not written with their decimals; a spreadsheet's 3 may have been printed as 3.0."""
    problems = []
    columns = (parsed[name] for name in ("value", "decimals", "patient"))
    for cell, row, value, decimals, patient in zip(cells, rows, *columns, strict=True):
        if isinstance(value, Fault) or isinstance(decimals, Fault):
            continue
        if value.decimals is None:
            wrong = not math.isclose(round(value.number, decimals), value.number, rel_tol=1e-12)
        else:
            wrong = value.decimals != decimals
        if abs(value.number) >= 10.0 ** (MOST_DIGITS - decimals):
            remedy = "check the digits and the number of decimals: no paper prints so many"
            problems.append(Problem(shown(cell), TOO_MANY_DIGITS, remedy, row, _text(patient), "value"))
        elif wrong:
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
            remedy = _patient_remedy(patient, patients)
            problems.append(Problem(repr(patient), rule, remedy, row, patient, "patient"))
        is_other = isinstance(quantity, Fault) or OTHER_DRUGS in quantity
        names_none = isinstance(treatment, str) and says_unknown(treatment)
        if isinstance(treatment, str) and treatment not in treatments and (names_none or not is_other):
            rule = f"a treatment of the period table, or empty; other drugs only where the quantity is about a {OTHER_DRUGS}"
            remedy = "leave the cell empty where the number is about no single drug" if names_none else ""
            remedy = (
                remedy or nearest(treatment, treatments) or f"there are {', '.join(map(repr, treatments))}"
            )
            problems.append(Problem(repr(treatment), rule, remedy, row, _text(patient), "treatment"))
    return problems


def _patient_remedy(patient: str, patients: Collection[str]) -> str:
    if says_unknown(patient) or patient.strip().lower() in _SERIES:
        return "leave 'patient' empty if the number is about the whole series, and name its summary in 'quantity', e.g. arr_pooled"
    return nearest(patient, patients) or "name the patient as in the period table"


def _repeated(parsed: Parsed, rows: tuple[int, ...]) -> list[Problem]:
    """Find rows that say the same of the same place; two numbers that differ there are the paper's own affair."""
    first: dict[tuple[object, ...], int] = {}
    problems = []
    for index, row in enumerate(rows):
        key = tuple(parsed[name][index] for name in (*PUBLISHED, RELATION))
        if any(isinstance(part, Fault) for part in key):
            continue
        if key in first:
            rule = "a number stands once in one place"
            remedy = "remove the repeated row, or tell the places apart in 'place'"
            found = f"{parsed['quantity'][index]!r} again (first in row {first[key]})"
            problems.append(Problem(found, rule, remedy, row, parsed["patient"][index], "quantity"))
        first.setdefault(key, row)
    return problems
