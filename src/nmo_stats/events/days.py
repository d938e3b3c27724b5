"""One cell that holds a day: an ISO date, a date in the declared order, or a number of days; and what other cells look like."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.events.written_dates import DateOrder, dates_in, is_month_alone
from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, parse_number, says_unknown

Day = datetime.date | int  # a calendar day, or a number of days since an origin of the patient
EARLIEST: Final = -100_000
LATEST: Final = 10_000  # days, 27 years; what spreadsheets, SAS and R count is more for every date since 1997
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
COUNTS_INSTEAD: Final = "where it is not known, give counts and follow-up times as a period table"
OWN_ORIGIN: Final = "a number of days counts from a day of the patient, such as the first start"
_RULE: Final = "a day is an ISO date such as 2013-03-01, or a whole number of days"
_YEARS: Final = f"a date lies between {FIRST_YEAR} and {LAST_YEAR}"
_ONE_DAY: Final = "a day has no time of day"
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_MIDNIGHT = re.compile(r"00:00(:00(\.0+)?)?")
_LEADING_ZERO = re.compile(r"0[0-9]")
_NUMBER_OF_DAYS: Final = "write a date as 2013-03-01, or the whole number of days since the patient's origin"
_DATE_ALONE: Final = "keep the date alone: two clocks can put one relapse on two days"
_NO_ZONE: Final = "store the day without a time zone"
_GOES_ON: Final = "enter the day from the source; if the course goes on leave the cell empty, and give the patient's last visit in a column 'last_visit'"
_LAST_VISIT: Final = (
    "enter the day until which the patient was observed, or leave the cell empty if every course has an end"
)
_UNKNOWN_CODE: Final = 9999
_SPREADSHEET: Final = datetime.date(1899, 12, 30).toordinal()
_SAS: Final = datetime.date(1960, 1, 1).toordinal()
_UNIX: Final = datetime.date(1970, 1, 1).toordinal()
_FIRST_SECONDS: Final = 10**8  # 1973


@dataclass(frozen=True, slots=True)
class DateTexts:
    """How the dates of a column that are written in another order than ISO are read.

    Parameters
    ----------
    order
        The declared order; None where none is declared, and such dates are refused.
    fitting
        The orders in which every such date of the tables is a day; None where only the cell itself is known.
    doubt
        Why no date of the column can be relied on; empty where there is no such reason.
    """

    order: DateOrder | None = None
    fitting: tuple[DateOrder, ...] | None = None
    doubt: str = ""


ISO_ONLY: Final = DateTexts()


def parse_day(cell: Cell, texts: DateTexts = ISO_ONLY) -> Day | Fault:
    """Read a day that must be there.

    Examples
    --------
    >>> parse_day("2013-03-01"), parse_day("-30"), parse_day("01/03/2013", DateTexts("dmy"))
    (datetime.date(2013, 3, 1), -30, datetime.date(2013, 3, 1))
    """
    if is_missing(cell) or says_unknown(cell):
        return Fault(_RULE, f"enter the day from the source; {COUNTS_INSTEAD}")
    if isinstance(cell, datetime.datetime):  # a Timestamp of pandas is one too
        return _from_datetime(cell)
    if isinstance(cell, datetime.date):
        return _plausible(cell)
    if isinstance(cell, np.datetime64):
        return _from_datetime(cell.astype("datetime64[us]").item())
    return _from_text(cell.strip(), texts) if isinstance(cell, str) else _from_number(cell)


def parse_end(cell: Cell, texts: DateTexts = ISO_ONLY) -> Day | Fault | None:
    """Read the end of a course, or nothing where the cell is empty because the course goes on.

    Examples
    --------
    >>> parse_end("ongoing").remedy.partition(",")[0]
    'enter the day from the source; if the course goes on leave the cell empty'
    """
    return _or_nothing(cell, texts, _GOES_ON)


def parse_last_visit(cell: Cell, texts: DateTexts = ISO_ONLY) -> Day | Fault | None:
    """Read the day until which a patient was observed, or nothing where the cell is empty."""
    return _or_nothing(cell, texts, _LAST_VISIT)


def day_text(number: int, *, dated: bool) -> str:
    """Return a day as the table has it, from the whole number that :func:`day_number` makes of it."""
    return datetime.date.fromordinal(number).isoformat() if dated else as_text(number)


def day_number(day: Day) -> int:
    """Return a day as a whole number of days: differences of two are days."""
    return day.toordinal() if isinstance(day, datetime.date) else day


def is_iso(cell: Cell) -> bool:
    """Return whether a cell holds a date that has one reading: a date of a workbook, or ISO text."""
    if isinstance(cell, str):
        return _ISO.fullmatch(cell.strip()) is not None
    return isinstance(cell, (datetime.date, np.datetime64)) and not is_missing(cell)


def _or_nothing(cell: Cell, texts: DateTexts, remedy: str) -> Day | Fault | None:
    if is_missing(cell):
        return None
    if says_unknown(cell) or (isinstance(cell, str) and _is_wordy(cell)):
        return Fault(f"{_RULE}, or the cell is empty", remedy)
    day = parse_day(cell, texts)
    is_far = isinstance(day, Fault) and day.rule == _YEARS  # such as 9999-12-31 for an end to come
    return Fault(_YEARS, f"correct the year; or {remedy}") if is_far else day


def _is_wordy(text: str) -> bool:
    """Return whether a text is no attempt at a day, such as "ongoing" or "still on it in 2013"."""
    is_plain = not any(letter.isalpha() for letter in text) and any(letter.isdigit() for letter in text)
    return not (is_plain or is_iso(text) or is_month_alone(text) or dates_in(text) is not None)


def _from_datetime(moment: datetime.datetime) -> Day | Fault:
    if moment.tzinfo is not None:
        return Fault(_RULE, _NO_ZONE)
    if moment.time() != datetime.time():
        return Fault(_ONE_DAY, _DATE_ALONE)
    return _plausible(moment.date())


def _from_text(text: str, texts: DateTexts) -> Day | Fault:
    found = _ISO.fullmatch(text)
    if found:
        return _from_iso(*found.groups())
    if is_month_alone(text):
        return Fault(_RULE, f"a month or a year has no day: enter the day from the source; {COUNTS_INSTEAD}")
    if _LEADING_ZERO.fullmatch(text):
        remedy = (
            f"write {int(text)} for a day; for a year write the date, such as 2013-03-01; {COUNTS_INSTEAD}"
        )
        return Fault("a number of days has no leading zero, a year of two digits has one", remedy)
    readings = dates_in(text)
    return _from_number(text) if readings is None else _from_readings(readings, texts)


def _from_iso(date: str, time: str | None, zone: str | None) -> Day | Fault:
    if zone is not None:
        return Fault(_RULE, _NO_ZONE)
    if time is not None and not _MIDNIGHT.fullmatch(time):
        return Fault(_ONE_DAY, _DATE_ALONE)
    try:
        return _plausible(datetime.date.fromisoformat(date))
    except ValueError:
        return Fault("a date exists in the calendar", "correct the date; write year-month-day")


def _from_readings(readings: dict[DateOrder, datetime.date], texts: DateTexts) -> Day | Fault:
    """Return the reading in the declared order, or how else to write the date."""
    if texts.doubt:
        remedy = "write every date of the column anew from its source, as 2013-03-01; check the other dates of the table too"
        return Fault(texts.doubt, remedy)
    if texts.order is None:
        return Fault(_RULE, _order_remedy(readings, texts.fitting))
    if texts.order in readings:
        return _plausible(readings[texts.order])
    rule = f"dates are written in the order {texts.order!r} with a year of four digits, or as 2013-03-01"
    others = sorted({day.isoformat() for day in readings.values()})
    return Fault(
        rule, f"correct the date: it reads as {' or '.join(others)}" if others else "correct the date"
    )


def _order_remedy(readings: dict[DateOrder, datetime.date], fitting: tuple[DateOrder, ...] | None) -> str:
    """Return how to write a date that is not in ISO order, with the readings that its text has."""
    written = sorted({day.isoformat() for day in readings.values()})
    if not written:
        return "write year-month-day in numbers, with a year of four digits, such as 2013-03-01"
    several = ", whichever is meant: the text has both readings" if len(written) > 1 else ""
    orders = tuple(readings) if fitting is None else fitting
    if not orders:
        return f"write {' or '.join(written)}{several}; the dates of these tables are not all in one order"
    names = " or ".join(f"dates={order!r} (--dates {order})" for order in orders)
    return f"write {' or '.join(written)}{several}; or declare the order of all such dates: {names}"


def _from_number(cell: Cell) -> Day | Fault:
    number = parse_number(cell, _RULE, _NUMBER_OF_DAYS)
    if isinstance(number, Fault):
        return Fault(_RULE, _NUMBER_OF_DAYS)
    if not EARLIEST <= number <= LATEST:
        rule = f"a number of days lies between {EARLIEST} and {LATEST}"
        return Fault(rule, f"{_look(number)}; {OWN_ORIGIN}")
    if abs(number) == _UNKNOWN_CODE:
        rule = f"a number of days, not {_UNKNOWN_CODE}, by which many tables mean unknown"
        return Fault(rule, f"correct the day, or leave an end empty that is still to come; {OWN_ORIGIN}")
    if not float(number).is_integer():
        is_year = FIRST_YEAR <= number <= LAST_YEAR
        remedy = f"this looks like a year: write the date, such as 2013-03-01; {COUNTS_INSTEAD}"
        return Fault("days are whole", remedy if is_year else "round to the day of onset, start or end")
    return int(number)


def _look(number: float) -> str:
    """Return what a number that is no number of days looks like, and how to write the date that it means."""
    if not (number > 0 and number == number // 1):
        return "write a date as 2013-03-01"
    digits = str(int(number))
    compact = dates_in(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}") if len(digits) == 8 else None
    if compact:
        return f"write {compact['ymd'].isoformat()}: this looks like a date without hyphens"
    if len(digits) == 6 and is_month_alone(f"{digits[:4]}-{digits[4:]}"):
        return f"this looks like a month without a day: write the date; {COUNTS_INSTEAD}"
    if number >= _FIRST_SECONDS:
        return "this looks like seconds or milliseconds since 1970: write the date, such as 2013-03-01"
    origins = {"a spreadsheet": _SPREADSHEET, "SAS or Stata": _SAS, "R": _UNIX}
    read = [
        f"{datetime.date.fromordinal(origin + int(number)).isoformat()} in {program}"
        for program, origin in origins.items()
        if FIRST_YEAR <= 1 + (origin + int(number)) // 365.2425 <= LAST_YEAR
    ]
    if not read:
        return "write a date as 2013-03-01"
    return f"this looks like the day count of a program, {', '.join(read)}: write the date"


def _plausible(day: datetime.date) -> Day | Fault:
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else Fault(_YEARS, "correct the year")
