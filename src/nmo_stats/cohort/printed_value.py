"""One number as a paper prints it, or with an inequality sign; anything else has a remedy."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from nmo_stats.tables.cells import Cell, Fault, is_missing, parse_number, with_decimal_comma, written_decimals
from nmo_stats.tables.table import DecimalMark

RULE: Final = "a printed number, without unit, with the decimal mark of the file"
SIGNS: Final = {"=": "=", "<": "<", "≤": "<=", "<=": "<=", ">": ">", "≥": ">=", ">=": ">="}
LARGEST: Final = 1e12
MOST_DIGITS: Final = 15  # what a float holds
TOO_MANY_DIGITS: Final = f"a number with at most {MOST_DIGITS} digits, its decimals included"

_SIGNED: Final = re.compile(r"(?:p(?:[ -]?value)?\s*)?(<=|>=|[<>≤≥=])\s*(.+)", re.IGNORECASE | re.DOTALL)
_MINUS: Final = re.compile(
    r"[\u2010\u2011\u2012\u2013\u2212](?=\s*[\d.,])"
)  # hyphens, dashes and minus of typesetters
_NUMBER: Final = r"[-\u2212]?[\d.,]+"
_NOT_FINITE: Final = (
    "only finite numbers can be compared: remove this row, the audit makes no statement about it"
)
_REMEDIES: Final = tuple(
    (re.compile(pattern, re.DOTALL), remedy)
    for pattern, remedy in (
        (r".*%", "write the number without the sign %, under a quantity whose name ends in _percent"),
        (
            r"n\.?\s?s\.?|not significant",
            "write the p-value; if the paper gives the limit of its 'not significant', write e.g. >0.05",
        ),
        (r".*(±|\+/-).*", "write two rows: the mean (_mean) and the standard deviation (_sd)"),
        (r"[(\[][^()\[\]]*[)\]]", "write the number without the brackets"),
        (r".*[(\[].*", "write one row for each number"),
        (
            rf"{_NUMBER}\s*(-|\u2010|\u2011|\u2012|\u2013|\u2014|\u2212|to|/|;)\s*{_NUMBER}",
            "write two rows: the limits as _min and _max, _q1 and _q3, or _low and _high",
        ),
        (r"[-+]?\s*(∞|inf|infinity)", _NOT_FINITE),
    )
)


class PrintedValue(NamedTuple):
    """A number with the sign before it, ``"="`` where none is printed, and its decimals as written where they are known."""

    number: float
    relation: str = "="
    decimals: int | None = None


def printed_value(cell: Cell, decimal: DecimalMark) -> PrintedValue | Fault:
    """Read a cell of the column ``value``.

    Examples
    --------
    >>> printed_value("2.30", ".")
    PrintedValue(number=2.3, relation='=', decimals=2)
    >>> printed_value("p < 0.05", ".")
    PrintedValue(number=0.05, relation='<', decimals=2)
    """
    relation, text = _parts(cell)
    pointed = with_decimal_comma(text) if decimal == "," else text
    number = (
        pointed
        if isinstance(pointed, Fault)
        else parse_number(pointed, RULE, "enter the number as it is printed")
    )
    if isinstance(number, Fault):
        return _explained(cell, number)
    if not math.isfinite(number):
        return Fault(
            RULE,
            "only finite numbers can be compared: remove this row, the audit makes no statement about it",
        )
    if abs(number) > LARGEST:
        return Fault(f"a printed number is between −{LARGEST:.0e} and {LARGEST:.0e}", "check the digits")
    if _digits(pointed) > MOST_DIGITS:
        return Fault(
            f"a number with at most {MOST_DIGITS} digits", "check the digits: no paper prints so many"
        )
    return PrintedValue(number, relation, written_decimals(text, decimal))


def _parts(cell: Cell) -> tuple[str, Cell]:
    """Return the sign before a number, and the number with a plain minus."""
    if not isinstance(cell, str):
        return "=", cell
    match = _SIGNED.fullmatch(cell.strip())
    relation, text = (SIGNS[match[1]], match[2]) if match else ("=", cell)
    return relation, _MINUS.sub("-", text.strip(), count=1) if _MINUS.match(text.strip()) else text


def _digits(cell: Cell) -> int:
    if not isinstance(cell, str):
        return 0
    mantissa = cell.strip().lstrip("+-").lower().partition("e")[0]
    return len(mantissa.replace(".", "").lstrip("0"))


def _explained(cell: Cell, fault: Fault) -> Fault:
    """Return the remedy for what papers print besides plain numbers."""
    if not isinstance(cell, str) or is_missing(cell):
        return fault
    text = cell.strip().lower()
    remedies = (remedy for pattern, remedy in _REMEDIES if pattern.fullmatch(text))
    remedy = next(remedies, None)
    return fault if remedy is None else Fault(RULE, remedy)
