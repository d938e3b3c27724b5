"""The period table's columns, and the rule that one cell of each must satisfy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

Cell = object

DAYS_PER_YEAR: Final = 365.25
MONTHS_PER_YEAR: Final = 12.0

UNITS_PER_YEAR: Final = {
    "exposure_days": DAYS_PER_YEAR,
    "exposure_months": MONTHS_PER_YEAR,
    "exposure_years": 1.0,
}
REQUIRED: Final = ("patient", "treatment", "relapses")
EXPOSURES: Final = tuple(UNITS_PER_YEAR)
OPTIONAL: Final = ("period", "edss_start", "edss_end", "ended_by_relapse", "ongoing", "reported_arr")
KNOWN: Final = (*REQUIRED, *EXPOSURES, *OPTIONAL)

EDSS_STEPS: Final = frozenset([0.0, *(step / 2 for step in range(2, 21))])
YES_NO: Final = {"yes": True, "no": False}

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_LARGEST_COUNT = 10**9


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that breaks its rule."""

    rule: str
    remedy: str


def is_missing(cell: Cell) -> bool:
    """Return whether a cell is empty: None, NaN, NaT, NA, or text of blanks only."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))


def as_text(cell: Cell) -> str:
    """Return a cell as text; a whole number that a spreadsheet keeps as 101.0 reads ``"101"``.

    Examples
    --------
    >>> as_text(101.0), as_text("P1")
    ('101', 'P1')
    """
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)


def parse_text(cell: Cell) -> str | Fault:
    """Read an identifier or a name; it must not be empty."""
    if is_missing(cell):
        return Fault("text, not empty", "fill the cell or leave the row out")
    return as_text(cell)


def parse_count(cell: Cell) -> int | Fault:
    """Read a number of relapses."""
    rule = "relapses is a whole number >= 0"
    number = _number(cell, rule, "count the relapses of the period, or leave the row out")
    if isinstance(number, Fault):
        return number
    if number < 0 or not number.is_integer() or number > _LARGEST_COUNT:
        return Fault(rule, "correct the count or leave the row out")
    return int(number)


def parse_exposure(cell: Cell) -> float | Fault:
    """Read a follow-up time; positive and finite."""
    rule = "follow-up time is a finite number > 0"
    number = _number(cell, rule, "enter the follow-up time of the period, or leave the row out")
    if isinstance(number, Fault):
        return number
    if number <= 0 or math.isinf(number):
        return Fault(rule, "correct the time or leave the row out")
    return number


def parse_period(cell: Cell) -> int | None | Fault:
    """Read the place of a period in the patient's history."""
    if is_missing(cell):
        return None
    rule = "period is a whole number that orders the patient's periods"
    number = _number(cell, rule, "number the periods 1, 2, ... or leave the cell empty")
    if isinstance(number, Fault) or number.is_integer():
        return number if isinstance(number, Fault) else int(number)
    return Fault(rule, "number the periods 1, 2, ... or leave the cell empty")


def parse_edss(cell: Cell) -> float | Fault:
    """Read an EDSS score; NaN where the cell is empty."""
    if is_missing(cell):
        return math.nan
    rule = "EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist)"
    number = _number(cell, rule, "correct the score, or leave the cell empty if it is unknown")
    if isinstance(number, Fault) or number in EDSS_STEPS:
        return number
    return Fault(rule, "correct the score, or leave the cell empty if it is unknown")


def parse_yes_no(cell: Cell) -> bool | None | Fault:
    """Read yes, no, or nothing for unknown."""
    if is_missing(cell):
        return None
    if isinstance(cell, (bool, np.bool_)):
        return bool(cell)
    answer = YES_NO.get(str(cell).strip().lower())
    if answer is None:
        return Fault("yes, no, or empty for unknown", "write yes or no, or leave the cell empty")
    return answer


def parse_reported_arr(cell: Cell) -> float | Fault:
    """Read an ARR as a publication prints it; NaN where the cell is empty."""
    if is_missing(cell):
        return math.nan
    rule = "a printed ARR is a finite number >= 0"
    number = _number(cell, rule, "copy the printed number, or leave the cell empty")
    if isinstance(number, Fault) or (number >= 0 and math.isfinite(number)):
        return number
    return Fault(rule, "copy the printed number, or leave the cell empty")


PARSERS: Final[dict[str, Callable[[Cell], object]]] = {
    "patient": parse_text,
    "treatment": parse_text,
    "relapses": parse_count,
    "exposure_days": parse_exposure,
    "exposure_months": parse_exposure,
    "exposure_years": parse_exposure,
    "period": parse_period,
    "edss_start": parse_edss,
    "edss_end": parse_edss,
    "ended_by_relapse": parse_yes_no,
    "ongoing": parse_yes_no,
    "reported_arr": parse_reported_arr,
}


def _number(cell: Cell, rule: str, if_missing: str) -> float | Fault:
    if is_missing(cell):
        return Fault(rule, if_missing)
    if isinstance(cell, (bool, np.bool_)):
        return Fault(rule, "write a number, not true or false")
    if isinstance(cell, (int, float, np.integer, np.floating)):
        return float(cell)
    text = str(cell).strip()
    if _DECIMAL_COMMA.fullmatch(text):
        return Fault(rule, "write a decimal point, not a decimal comma")
    if not _NUMBER.fullmatch(text):
        return Fault(rule, "write a plain number with a decimal point and no unit")
    return float(text)
