"""The period table's columns, and the rule that one cell of each must satisfy."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

from nmo_stats.cohort.rows import parse_patient, parse_treatment
from nmo_stats.tables.cells import LARGEST, Cell, Fault, is_missing, parse_number, parse_yes_no

DAYS_PER_YEAR: Final = 365.25
DAYS_PER_WEEK: Final = 7.0
MONTHS_PER_YEAR: Final = 12.0

UNITS_PER_YEAR: Final = {
    "exposure_days": DAYS_PER_YEAR,
    "exposure_weeks": DAYS_PER_YEAR / DAYS_PER_WEEK,
    "exposure_months": MONTHS_PER_YEAR,
    "exposure_years": 1.0,
}
UNIT_NAMES: Final = {
    "exposure_days": "day",
    "exposure_weeks": "week",
    "exposure_months": "month",
    "exposure_years": "year",
}
# Codes with which registries write "unknown", with either sign: a negative count or time is refused before.
CODES_FOR_UNKNOWN: Final = (9, 77, 88, 99, 777, 888, 999, 7777, 8888, 9999)
# Of a day, which may be negative: a small positive one is a usual day, and 9999 is refused before.
DAYS_FOR_UNKNOWN: Final = (-999, -99, -88, -77, -9, 777, 888, 999, 7777, 8888)
REQUIRED: Final = ("patient", "treatment", "relapses")
EXPOSURES: Final = tuple(UNITS_PER_YEAR)
OPTIONAL: Final = ("period", "edss_start", "edss_end", "ended_by_relapse", "ongoing", "reported_arr")
KNOWN: Final = (*REQUIRED, *EXPOSURES, *OPTIONAL)

# A row without a number may still be a patient's: it is not to be dropped without a word in the paper.
_NOBODY_KNOWS: Final = "if nobody knows it, this period cannot be analysed, which the paper must report"
NO_COUNT: Final = f"enter the count from the source (0 if there was no relapse); {_NOBODY_KNOWS}"
NO_TIME: Final = f"enter the follow-up time from the source; {_NOBODY_KNOWS}"
_UNKNOWN: Final = "leave the cell empty if it is unknown"
# What every estimator was seen to compute within 2 GB and a minute (benchmarks/fuzz_commands.py), and far
# more than any patient has: seizures counted for years, an hour's observation, all patient-years of a
# registry entered as one row.
MOST_RELAPSES: Final = 100_000
SHORTEST_YEARS: Final = 1e-4
LONGEST_YEARS: Final = 1e4

EDSS_STEPS: Final = frozenset([0.0, *(step / 2 for step in range(2, 21))])


def parse_count(cell: Cell) -> int | Fault:
    """Read a number of relapses."""
    rule, remedy = "relapses is a whole number >= 0", "correct the count from the source"
    number = parse_number(cell, rule, NO_COUNT)
    if isinstance(number, Fault):
        return number
    if number < 0 or not number.is_integer():
        return Fault(rule, remedy)
    if number > MOST_RELAPSES:
        return Fault(f"relapses is at most {MOST_RELAPSES:,} in a period", remedy)
    return int(number)


def parse_exposure(cell: Cell, per_year: float = 1.0) -> float | Fault:
    """Read a follow-up time in a unit of which a year has ``per_year``; positive and finite."""
    rule = "follow-up time is a finite number > 0"
    number = parse_number(cell, rule, NO_TIME)
    if isinstance(number, Fault):
        return number
    if number <= 0 or math.isinf(number):
        return Fault(rule, "correct the time from the source")
    if not SHORTEST_YEARS * per_year <= number <= LONGEST_YEARS * per_year:
        limits = "follow-up time lies between 53 minutes (0.0001 years) and 10,000 years"
        return Fault(limits, "correct the time, or name the unit that it is in")
    return number


def parse_period(cell: Cell) -> int | Fault | None:
    """Read the place of a period in the patient's history."""
    remedy = "number the periods 1, 2, ... or leave the cell empty"
    rule = "period is a whole number that orders the patient's periods"
    number = _optional(
        cell, Fault(rule, remedy), lambda number: number.is_integer() and abs(number) <= LARGEST
    )
    return number if number is None or isinstance(number, Fault) else int(number)


def parse_edss(cell: Cell) -> float | Fault:
    """Read an EDSS score; NaN where the cell is empty."""
    fault = Fault(
        "EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist)", f"correct the score, or {_UNKNOWN}"
    )
    number = _optional(cell, fault, EDSS_STEPS.__contains__)
    return math.nan if number is None else number


def parse_reported_arr(cell: Cell) -> float | Fault:
    """Read an ARR as a publication prints it; NaN where the cell is empty."""
    fault = Fault("a printed ARR is a finite number >= 0", "copy the printed number, or leave the cell empty")
    number = _optional(cell, fault, lambda number: number >= 0 and math.isfinite(number))
    return math.nan if number is None else number


def _optional(cell: Cell, fault: Fault, is_valid: Callable[[float], bool]) -> float | Fault | None:
    """Read a number that may be unknown: None for an empty cell, the fault for a number that is not valid."""
    if is_missing(cell):
        return None
    number = parse_number(cell, fault.rule, _UNKNOWN)
    return number if isinstance(number, Fault) or is_valid(number) else fault


PARSERS: Final[dict[str, Callable[[Cell], object]]] = {
    "patient": parse_patient,
    "treatment": parse_treatment,
    "relapses": parse_count,
    **{name: partial(parse_exposure, per_year=per_year) for name, per_year in UNITS_PER_YEAR.items()},
    "period": parse_period,
    "edss_start": parse_edss,
    "edss_end": parse_edss,
    "ended_by_relapse": parse_yes_no,
    "ongoing": parse_yes_no,
    "reported_arr": parse_reported_arr,
}
