"""The numbers that a publication prints about the patients of a period table."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pandas as pd

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import (
    Cell,
    Fault,
    as_text,
    is_missing,
    parse_number,
    parse_text,
    plain_number,
    says_unknown,
    shown,
    with_decimal_comma,
    written_decimals,
)
from nmo_stats.tables.coded import CodedTable, DecimalMark
from nmo_stats.tables.column_names import nearest

PUBLISHED: Final = ("quantity", "patient", "treatment", "value", "decimals", "place")
# Before the value: "=" or, of a p-value, an inequality; a column of its own where a table has it apart from
# the value.
RELATION: Final = "relation"
MOST_DECIMALS: Final = 12
MOST_DIGITS: Final = 15  # what a float holds
LARGEST: Final = 1e12
# A drug that was given before the periods of the table has no row there; quantities about it say so in their
# name.
OTHER_DRUGS: Final = "prior_therapy"

_RULE: Final = "a printed number, without unit, with the decimal mark of the file"
_DIGITS: Final = f"a number with at most {MOST_DIGITS} digits, its decimals included"
_NO_STATEMENT: Final = "remove this row, the audit makes no statement about it"
_SIGNS: Final = {"=": "=", "<": "<", "≤": "<=", "<=": "<=", ">": ">", "≥": ">=", ">=": ">="}
_SIGNED: Final = re.compile(r"(?:p(?:[ -]?value)?\s*)?(<=|>=|[<>≤≥=])\s*(.+)", re.IGNORECASE | re.DOTALL)
_MINUS: Final = re.compile(r"[\u2010-\u2013\u2212](?=\s*[\d.,])")  # hyphens, dashes and minus of typesetters
_NUMBER: Final = r"[-\u2212]?[\d.,]+"
# What papers print besides plain numbers; the first pattern that fits has the remedy.
_REMEDIES: Final = {
    r".*%": "write the number without the sign %, under a quantity whose name ends in _percent",
    r"n\.?\s?s\.?|not significant": (
        "write the p-value; if the paper gives the limit of its 'not significant', write e.g. >0.05"
    ),
    r".*(±|\+/-).*": "write two rows: the mean (_mean) and the standard deviation (_sd)",
    r"[(\[][^()\[\]]*[)\]]": "write the number without the brackets",
    r".*[(\[].*": "write one row for each number",
    rf"{_NUMBER}\s*([-\u2010-\u2014\u2212]|to|/|;)\s*{_NUMBER}": (
        "write two rows: the limits as _min and _max, _q1 and _q3, or _low and _high"
    ),
    r"[-+]?\s*(∞|inf|infinity)": f"only finite numbers can be compared: {_NO_STATEMENT}",
}
_SERIES: Final = frozenset(
    ("all", "total", "totals", "sum", "overall", "pooled", "mean", "median", "series", "cohort")
)
Row = Mapping[str, Any]


class PrintedValue(NamedTuple):
    """A number with the sign before it, ``"="`` where none is printed, and its decimals if they are known."""

    number: float
    relation: str = "="
    decimals: int | None = None


def published_numbers(
    raw: CodedTable, patients: Collection[str], treatments: Collection[str]
) -> pd.DataFrame:
    """Return the printed numbers with canonical types: patient and treatment None where a row names none.

    Parameters
    ----------
    raw
        Cells with columns ``quantity``, ``patient``, ``treatment``, ``value``, ``decimals``, ``place``;
        others are kept. A p-value may be an inequality, ``<0.001``; the sign is returned in the column
        ``relation``, ``"="`` elsewhere.
    patients, treatments
        Names of the period table.

    Returns
    -------
    DataFrame
        One row per printed number, in the order of the table.

    Raises
    ------
    CohortError
        With every problem of the table.
    """
    cells = dict(zip(raw.columns, raw.in_rows(), strict=True))
    problems = [*_column_problems(raw.columns), *raw.faults]
    if not len(raw.rows) and not problems:
        rule = "the table has one row per printed number"
        problems.append(Problem("header only", rule, "add the numbers of the paper"))
    names = _Names(frozenset(patients), tuple(treatments), {})
    rows: list[dict[str, Any]] = []
    for index, number in enumerate(raw.row_numbers()):
        known = {name: cells[name][index] for name in _KNOWN if name in cells}
        read = {name: _PARSERS[name](cell, raw.decimal) for name, cell in known.items()}
        rows.append({"row": number, RELATION: None} | read)
        problems += _row_problems(rows[-1], known, names)
    if problems:
        raise CohortError(sorted(problems, key=lambda problem: problem.row or 0), raw.source.name)
    numbers = {"value": [row["value"].number for row in rows], RELATION: list(map(_relation, rows))}
    columns = {name: numbers.get(name) or [row[name] for row in rows] for name in _KNOWN}
    others = {name: list(column) for name, column in cells.items() if name and name not in _KNOWN}
    table = pd.DataFrame(columns | others, dtype="object")
    return table.astype({"value": "float64", "decimals": "int64"})


def _column_problems(columns: Sequence[str]) -> list[Problem]:
    others = [name for name in columns if name and name not in PUBLISHED]
    counts = Counter(filter(None, columns))
    remedies = {name: nearest(name, others) or "add it" for name in PUBLISHED if name not in counts}
    once, remedy = "a column stands once", "remove or rename the others"
    return [
        *(
            Problem("missing", f"the table has a column {name!r}", meant, column=name)
            for name, meant in remedies.items()
        ),
        *(
            Problem(f"{count} columns", once, remedy, column=name)
            for name, count in counts.items()
            if count > 1
        ),
    ]


# One cell


def printed_value(cell: Cell, decimal: DecimalMark) -> PrintedValue | Fault:
    """Read a cell of the column ``value``.

    Examples
    --------
    >>> printed_value("2.30", ".")
    PrintedValue(number=2.3, relation='=', decimals=2)
    >>> printed_value("p < 0.05", ".")
    PrintedValue(number=0.05, relation='<', decimals=2)
    """
    relation, text = "=", cell
    if isinstance(cell, str):
        match = _SIGNED.fullmatch(cell.strip())
        relation, text = (_SIGNS[match[1]], match[2].strip()) if match else ("=", cell.strip())
        text = _MINUS.sub("-", text, count=1) if _MINUS.match(text) else text
    pointed = with_decimal_comma(text) if decimal == "," else text
    missing = "enter the number as it is printed"
    number = pointed if isinstance(pointed, Fault) else parse_number(pointed, _RULE, missing)
    if isinstance(number, Fault):
        return _explained(cell, number)
    if not math.isfinite(number):
        return Fault(_RULE, f"only finite numbers can be compared: {_NO_STATEMENT}")
    if abs(number) > LARGEST:
        return Fault(f"a printed number is between −{LARGEST:.0e} and {LARGEST:.0e}", "check the digits")
    if isinstance(pointed, str) and len(Decimal(pointed.strip()).as_tuple().digits) > MOST_DIGITS:
        return Fault(_DIGITS, "check the digits: no paper prints so many")
    return PrintedValue(number, relation, written_decimals(text, decimal))


def _explained(cell: Cell, fault: Fault) -> Fault:
    """Return the remedy for what papers print besides plain numbers."""
    if not isinstance(cell, str) or is_missing(cell):
        return fault
    text = cell.strip().lower()
    remedies = (remedy for pattern, remedy in _REMEDIES.items() if re.fullmatch(pattern, text, re.DOTALL))
    remedy = next(remedies, None)
    return fault if remedy is None else Fault(_RULE, remedy)


def _quantity(cell: Cell, _decimal: DecimalMark) -> str | Fault:
    if says_unknown(cell):
        return Fault("the name of a quantity", "`nmo-stats audit --quantities` lists the names")
    return parse_text(cell)


def _optional(cell: Cell, _decimal: DecimalMark) -> str | Fault | None:
    return None if is_missing(cell) else parse_text(cell)


def _sign(cell: Cell, _decimal: DecimalMark) -> str | Fault | None:
    if is_missing(cell):
        return None
    fault = Fault(f"one of {', '.join(_SIGNS)}, or empty", "write the sign that is printed before the number")
    return _SIGNS.get(as_text(cell).strip(), fault)


def _decimals(cell: Cell, decimal: DecimalMark) -> int | Fault:
    number = plain_number(with_decimal_comma(cell) if decimal == "," else cell)
    if number is None or not 0 <= number <= MOST_DECIMALS or not number.is_integer():
        rule = f"the number of decimals printed, a whole number from 0 to {MOST_DECIMALS}"
        return Fault(rule, "count the digits behind the decimal mark")
    return int(number)


_PARSERS: Final[dict[str, Callable[[Cell, DecimalMark], object]]] = {
    "quantity": _quantity,
    "patient": _optional,
    "treatment": _optional,
    "value": printed_value,
    "decimals": _decimals,
    "place": _optional,
    RELATION: _sign,
}
_KNOWN: Final = tuple(_PARSERS)


# One row


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of the period table, and the rows that are read: what each says, and its number."""

    patients: Collection[str]
    treatments: Collection[str]
    rows: dict[tuple[object, ...], int]


Broken = tuple[str, str]  # the rule and its remedy


def _row_problems(row: Row, cells: Mapping[str, Cell], names: _Names) -> Iterator[Problem]:
    """Yield the cells that break their rule, and the rules of the row that its readable cells break."""
    patient = cells.get("patient")
    subject = None if is_missing(patient) else as_text(patient)
    for name, cell in cells.items():
        if isinstance(row[name], Fault):
            yield Problem(shown(cell), row[name].rule, row[name].remedy, row["row"], subject, name)
    for column, needed, rule in _RULES:
        if not any(name not in row or isinstance(row[name], Fault) for name in needed):
            broken = rule(row, names)
            if broken is not None:
                again = "" if column != "quantity" else " again"
                yield Problem(f"{shown(cells[column])}{again}", *broken, row["row"], subject, column)


def _relation(row: Row) -> str:
    printed: str = row["value"].relation
    return printed if printed != "=" else row[RELATION] or "="


def _sign_rule(row: Row, _names: _Names) -> Broken | None:
    """Refuse signs that contradict each other, and inequalities about anything but a p-value."""
    if row[RELATION] is not None and row["value"].relation not in ("=", row[RELATION]):
        rule = f"the sign in the value is that of the column {RELATION!r}, {row[RELATION]}"
        return rule, "write it once"
    if _relation(row) != "=" and not row["quantity"].endswith("p_value"):
        rule = "an inequality is read of a p-value only, a quantity whose name ends in p_value"
        return rule, f"rename the quantity if it is one; else {_NO_STATEMENT}"
    return None


def _decimals_rule(row: Row, _names: _Names) -> Broken | None:
    """Refuse numbers without their decimals; a spreadsheet's 3 may have been printed as 3.0."""
    value, decimals = row["value"], row["decimals"]
    if abs(value.number) >= 10.0 ** (MOST_DIGITS - decimals):
        return _DIGITS, "check the digits and the number of decimals: no paper prints so many"
    is_whole = math.isclose(round(value.number, decimals), value.number, rel_tol=1e-12)
    if value.decimals == decimals or (value.decimals is None and is_whole):
        return None
    rule = "the value has as many decimals as the column 'decimals' says"
    return rule, f"write it with {decimals}, or correct the number of decimals"


def _patient_rule(row: Row, names: _Names) -> Broken | None:
    patient = row["patient"]
    if patient is None or patient in names.patients:
        return None
    remedy = nearest(patient, names.patients) or "name the patient as in the period table"
    if says_unknown(patient) or patient.strip().lower() in _SERIES:
        remedy = (
            "leave 'patient' empty if the number is about the whole series, and name its summary in "
            "'quantity', e.g. arr_pooled"
        )
    return "a patient of the period table, or empty for the whole series", remedy


def _treatment_rule(row: Row, names: _Names) -> Broken | None:
    drug, quantity = row["treatment"], row.get("quantity")
    says_none = drug is not None and says_unknown(drug)
    is_other = not isinstance(quantity, str) or OTHER_DRUGS in quantity
    if drug is None or drug in names.treatments or (is_other and not says_none):
        return None
    others = f"other drugs only where the quantity is about a {OTHER_DRUGS}"
    rule = f"a treatment of the period table, or empty; {others}"
    if says_none:
        return rule, "leave the cell empty where the number is about no single drug"
    return rule, nearest(drug, names.treatments) or f"there are {', '.join(map(repr, names.treatments))}"


def _repeated_rule(row: Row, names: _Names) -> Broken | None:
    """Refuse rows that say the same of the same place; two numbers that differ there are for the audit."""
    first = names.rows.setdefault(tuple(row[name] for name in _KNOWN), row["row"])
    if first == row["row"]:
        return None
    rule = f"a number is printed once in one place (first in row {first})"
    return rule, "remove the repeated row, or tell the places apart in 'place'"


# Column, the cells that have to be readable, and the rule.
_RULES: Final[tuple[tuple[str, tuple[str, ...], Callable[[Row, _Names], Broken | None]], ...]] = (
    ("value", ("quantity", "value", RELATION), _sign_rule),
    ("value", ("value", "decimals"), _decimals_rule),
    ("patient", ("patient",), _patient_rule),
    ("treatment", ("treatment",), _treatment_rule),
    ("quantity", _KNOWN, _repeated_rule),
)
