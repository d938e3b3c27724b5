"""The columns of the two tables of dated events, and the rule that a day must satisfy."""

from __future__ import annotations

import contextlib
import datetime
import re
from typing import Final

import numpy as np

from nmo_stats.cohort.names import parse_patient, parse_treatment
from nmo_stats.cohort.schema import EXPOSURES, PARSERS
from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, parse_number, parse_text, says_unknown
from nmo_stats.tables.columns import Columns, Parser

Day = datetime.date | int  # a calendar day, or a number of days since an origin of the patient

TREATMENT_DAYS: Final = ("start", "end", "last_visit")
# Columns of the period table that the treatments table may hold, and those that the rules compute: a second answer is refused.
PASSED_ON: Final = ("edss_start", "edss_end", "ended_by_relapse", "reported_arr")
COMPUTED: Final = ("relapses", *EXPOSURES, "period", "ongoing")
FURTHEST: Final = 100_000  # days, 274 years: a date that is written 20130301 is no number of days
_YEARS: Final = (1900, 2100)
_RULE: Final = "a day is an ISO date such as 2013-03-01, or a whole number of days"
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?", re.ASCII)
_MIDNIGHT = re.compile(r"00:00(:00(\.0+)?)?")
_OTHER_ORDER = re.compile(r"\d{1,4}\s*[./-]\s*(\d{1,2}|[A-Za-z]{3,9})\s*[./-]\s*\d{1,4}", re.ASCII)
_PART_OF_DATE = re.compile(r"\d{4}-\d{2}", re.ASCII)
_WORKBOOK: Final = "or give the .xlsx workbook itself, whose date cells have one reading"
_NO_DAY: Final = "enter the day from the source; if nobody knows it, count the relapses in a period table instead of dating them"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER_OF_DAYS: Final = "write a date as 2013-03-01, or the whole number of days since the patient's origin"


def parse_day(cell: Cell) -> Day | Fault:
    """Read a day that must be there.

    Examples
    --------
    >>> parse_day("2013-03-01"), parse_day("-30"), parse_day("01/03/2013").remedy
    (datetime.date(2013, 3, 1), -30, 'write 2013-01-03 or 2013-03-01, whichever is meant: the text has both readings; or give the .xlsx workbook itself, whose date cells have one reading')
    """
    if is_missing(cell) or says_unknown(cell):
        return Fault(_RULE, _NO_DAY)
    if isinstance(cell, datetime.datetime):  # a Timestamp of pandas is one too
        return _from_datetime(cell)
    if isinstance(cell, datetime.date):
        return _plausible(cell)
    if isinstance(cell, np.datetime64):
        return _from_datetime(cell.astype("datetime64[us]").item())
    return _from_text(cell) if isinstance(cell, str) else _from_number(cell)


def parse_day_or_nothing(cell: Cell) -> Day | Fault | None:
    """Read a day, or nothing where the cell is empty."""
    if says_unknown(cell):
        return Fault(_RULE, "leave the cell empty if it is unknown, or if an end is still to come")
    return None if is_missing(cell) else parse_day(cell)


def parse_severity(cell: Cell) -> str | Fault | None:
    """Read the severity of a relapse, any text; nothing where the cell is empty."""
    return None if is_missing(cell) else parse_text(cell)


_PATIENT: Final = ("id", "patient_id", "record_id", "subject", "case")
_TREATMENT_PARSERS: Final[dict[str, Parser]] = {
    "patient": parse_patient,
    "treatment": parse_treatment,
    "start": parse_day,
    "end": parse_day_or_nothing,
    "last_visit": parse_day_or_nothing,
    **{name: PARSERS[name] for name in PASSED_ON},
}
_RELAPSE_PARSERS: Final[dict[str, Parser]] = {
    "patient": parse_patient,
    "onset": parse_day,
    "severity": parse_severity,
}
TREATMENTS: Final = Columns(
    "treatments table",
    _TREATMENT_PARSERS,
    ("patient", "treatment", "start", "end"),
    {
        "patient": _PATIENT,
        "treatment": ("drug", "therapy", "medication"),
        "start": ("start_date", "begin", "from", "first_dose"),
        "end": ("end_date", "stop", "stop_date", "until", "last_dose"),
    },
    texts=("patient", "treatment", *TREATMENT_DAYS),
    short="treatments",
)
RELAPSES: Final = Columns(
    "relapses table",
    _RELAPSE_PARSERS,
    ("patient", "onset"),
    {"patient": _PATIENT, "onset": ("relapse_date", "date", "attack_date", "onset_date", "day")},
    texts=tuple(_RELAPSE_PARSERS),
    short="relapses",
)


def _from_datetime(moment: datetime.datetime) -> Day | Fault:
    if moment.tzinfo is not None:
        return Fault(_RULE, "store the day without a time zone")
    if moment.time() != datetime.time():
        return Fault(
            "a day has no time of day", "keep the date alone: two clocks can put one relapse on two days"
        )
    return _plausible(moment.date())


def _from_text(cell: str) -> Day | Fault:
    text = cell.strip()
    found = _ISO.fullmatch(text)
    if found:
        if found[2] is not None and not _MIDNIGHT.fullmatch(found[2]):
            return Fault(
                "a day has no time of day", "keep the date alone: two clocks can put one relapse on two days"
            )
        try:
            return _plausible(datetime.date.fromisoformat(found[1]))
        except ValueError:
            return Fault("a date exists in the calendar", "correct the date; write year-month-day")
    if _PART_OF_DATE.fullmatch(text):
        return Fault(
            _RULE, "the day is missing: give it, or say in the paper how it was chosen and give that day"
        )
    if _OTHER_ORDER.fullmatch(text):
        return Fault(_RULE, _order_remedy(text))
    return _from_number(text)


def _order_remedy(text: str) -> str:
    """Return how to write a date that is not in ISO order, with the readings that its text has."""
    readings = _readings(*(part.strip() for part in re.split(r"[./-]", text)))
    if not readings:
        return f"write year-month-day, such as 2013-03-01; {_WORKBOOK}"
    written = " or ".join(readings)
    if len(readings) == 1:
        return f"write {written}; {_WORKBOOK}"
    return f"write {written}, whichever is meant: the text has both readings; {_WORKBOOK}"


def _readings(first: str, second: str, third: str) -> list[str]:
    """Return the calendar days that a text of three parts can mean, where its year has four digits; in order."""
    word = second[:3].lower()
    month = _MONTHS.index(word) + 1 if word in _MONTHS else 0
    if len(first) == 4:
        orders = [(first, month or second, third)]
    elif len(third) == 4:
        orders = [(third, month or second, first)] + ([] if month else [(third, first, second)])
    else:
        return []
    days = set()
    for order in orders:
        with contextlib.suppress(ValueError):  # no such day, or a month in another language
            days.add(datetime.date(*map(int, order)).isoformat())
    return sorted(days)


def _from_number(cell: Cell) -> Day | Fault:
    number = parse_number(cell, _RULE, _NUMBER_OF_DAYS)
    if isinstance(number, Fault):
        return Fault(_RULE, _NUMBER_OF_DAYS)
    if not float(number).is_integer():
        return Fault("days are whole", "round to the day of onset, start or end")
    if abs(number) > FURTHEST:
        rule = f"a number of days lies between -{FURTHEST} and {FURTHEST}"
        return Fault(rule, "correct it; a date is written 2013-03-01, not 20130301")
    return int(number)


def _plausible(day: datetime.date) -> Day | Fault:
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        return Fault(f"a date lies between {_YEARS[0]} and {_YEARS[1]}", "correct the year")
    return day


def day_text(number: int, *, dated: bool) -> str:
    """Return a day as the table has it, from the whole number that :func:`day_number` makes of it."""
    return datetime.date.fromordinal(number).isoformat() if dated else as_text(number)


def day_number(day: Day) -> int:
    """Return a day as a whole number of days: differences of two are days."""
    return day.toordinal() if isinstance(day, datetime.date) else day
