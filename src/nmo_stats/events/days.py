"""One cell that holds a day: a number of days, an ISO date, or a date in a declared order."""

from __future__ import annotations

import contextlib
import datetime
import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, parse_number, says_unknown

Day = datetime.date | int  # a calendar day, or a number of days since an origin of the patient
DateOrder = Literal["dmy", "mdy", "ymd"]
ORDERS: Final[tuple[DateOrder, ...]] = get_args(DateOrder)
EARLIEST: Final = -100_000
LATEST: Final = 10_000  # days, 27 years; what spreadsheets, SAS and R count is more for every date since 1997
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
COUNTS_INSTEAD: Final = "if the day is not known, use a period table of counts and follow-up times"
OWN_ORIGIN: Final = "count days from a day of the patient, such as the first start"
_RULE: Final = "an ISO date such as 2013-03-01, or a whole number of days"
_YEARS: Final = f"a date from {FIRST_YEAR} to {LAST_YEAR}"
_GOES_ON: Final = "enter the day; if the course goes on leave the cell empty, and give a column 'last_visit'"
_LAST_VISIT: Final = "enter the last day of observation, or leave the cell empty if every course has an end"
_UNKNOWN_CODE: Final = 9999
_FIRST_SECONDS: Final = 10**8  # 1973
_ORIGINS: Final = {
    "a spreadsheet": datetime.date(1899, 12, 30).toordinal(),
    "SAS or Stata": datetime.date(1960, 1, 1).toordinal(),
    "R": datetime.date(1970, 1, 1).toordinal(),
}
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_MIDNIGHT = re.compile(r"[T ]+0?0:00(:00(\.0+)?)?$")
_LEADING_ZERO = re.compile(r"0[0-9]")
_WORD: Final = r"[^\W\d_]{3,9}"
_BETWEEN: Final = r"\s*[\s./-]\s*"
_DATE = re.compile(rf"([0-9]{{1,4}}){_BETWEEN}([0-9]{{1,2}}|{_WORD})\.?{_BETWEEN}([0-9]{{1,4}})")
_WORD_FIRST = re.compile(rf"({_WORD})\.?{_BETWEEN}([0-9]{{1,2}}),?{_BETWEEN}([0-9]{{4}})")
_MONTH = re.compile(
    rf"[0-9]{{4}}{_BETWEEN}([0-9]{{1,2}}|{_WORD})|([0-9]{{1,2}}|{_WORD})\.?{_BETWEEN}[0-9]{{4}}"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# where year, month and day stand
_GROUPS: Final[dict[DateOrder, tuple[int, int, int]]] = {"dmy": (3, 2, 1), "mdy": (3, 1, 2), "ymd": (1, 2, 3)}


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
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, datetime.datetime):  # a Timestamp of pandas is one too
        return _from_datetime(cell)
    if isinstance(cell, datetime.date):
        return _plausible(cell)
    return _from_text(cell.strip(), texts) if isinstance(cell, str) else _from_number(cell)


def parse_end(cell: Cell, texts: DateTexts = ISO_ONLY) -> Day | Fault | None:
    """Read the end of a course, or nothing where the cell is empty because the course goes on.

    Examples
    --------
    >>> parse_end("2013-03-01"), parse_end(""), isinstance(parse_end("ongoing"), Fault)
    (datetime.date(2013, 3, 1), None, True)
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


def dates_in(text: str) -> dict[DateOrder, datetime.date] | None:
    """Return the day of a date in each order; none without a year of four digits, None for no date.

    Examples
    --------
    >>> dates_in("31.12.2019"), dates_in("31.12.19"), dates_in("31")
    ({'dmy': datetime.date(2019, 12, 31)}, {}, None)
    """
    alone = _MIDNIGHT.sub("", text.strip())
    match = _DATE.fullmatch(alone) or _WORD_FIRST.fullmatch(alone)
    if match is None:
        return None
    days = {order: _date(*match.group(*groups)) for order, groups in _GROUPS.items()}
    return {order: day for order, day in days.items() if day is not None}


def is_month_alone(text: str) -> bool:
    """Return whether a text is a month of a year, without a day.

    Examples
    --------
    >>> [is_month_alone(text) for text in ("2010-05", "09.2012", "May 2010", "13.2012")]
    [True, True, True, False]
    """
    match = _MONTH.fullmatch(text.strip())
    return match is not None and _month(match.group(1) or match.group(2)) is not None


def _date(year: str, month: str, day: str) -> datetime.date | None:
    number = _month(month)
    if len(year) == 4 and number is not None and (year + day).isdigit():
        with contextlib.suppress(ValueError):  # no such day
            return datetime.date(int(year), number, int(day))
    return None


def _month(text: str) -> int | None:
    """Return the number of a month, also by its English name; None for no month."""
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    word = text[:3].lower()
    return _MONTHS.index(word) + 1 if word in _MONTHS else None


def _or_nothing(cell: Cell, texts: DateTexts, remedy: str) -> Day | Fault | None:
    if is_missing(cell):
        return None
    if says_unknown(cell) or (isinstance(cell, str) and _is_wordy(cell)):
        return Fault(f"{_RULE}, or an empty cell", remedy)
    day = parse_day(cell, texts)
    is_far = isinstance(day, Fault) and day.rule == _YEARS  # such as 9999-12-31 for an end to come
    return Fault(_YEARS, f"correct the year; or {remedy}") if is_far else day


def _is_wordy(text: str) -> bool:
    """Return whether a text is no attempt at a day, such as "ongoing" or "still on it in 2013"."""
    is_plain = not any(letter.isalpha() for letter in text) and any(letter.isdigit() for letter in text)
    return not (is_plain or is_iso(text) or is_month_alone(text) or dates_in(text) is not None)


def _from_datetime(moment: datetime.datetime) -> Day | Fault:
    if moment.tzinfo is not None:
        return Fault(_RULE, "store the day without a time zone")
    if moment.time() != datetime.time():
        return Fault(
            "a day without a time", "keep the date alone: two clocks can put one relapse on two days"
        )
    return _plausible(moment.date())


def _plausible(day: datetime.date) -> Day | Fault:
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else Fault(_YEARS, "correct the year")


def _from_text(text: str, texts: DateTexts) -> Day | Fault:
    if _ISO.fullmatch(text):
        try:
            return _from_datetime(datetime.datetime.fromisoformat(text))
        except ValueError:
            return Fault("a date of the calendar", "correct the date; write year-month-day")
    if is_month_alone(text):
        return Fault(_RULE, f"a month or a year has no day: enter the day from the source; {COUNTS_INSTEAD}")
    if _LEADING_ZERO.fullmatch(text):
        remedy = (
            f"write {int(text)} for a day; for a year write the date, such as 2013-03-01; {COUNTS_INSTEAD}"
        )
        return Fault("a number of days without a leading zero", remedy)
    readings = dates_in(text)
    return _from_number(text) if readings is None else _from_readings(readings, texts)


def _from_readings(readings: dict[DateOrder, datetime.date], texts: DateTexts) -> Day | Fault:
    """Return the reading in the declared order, or how else to write the date."""
    if texts.doubt:
        remedy = "write every date of the column from its source, as 2013-03-01; check the other dates"
        return Fault(texts.doubt, remedy)
    if texts.order in readings:
        return _plausible(readings[texts.order])
    days = sorted({day.isoformat() for day in readings.values()})
    written = " or ".join(days)
    if texts.order is not None:
        rule = f"a date in the order {texts.order!r} with a year of four digits, or as 2013-03-01"
        return Fault(rule, f"correct the date, which reads as {written}" if days else "correct the date")
    if not days:
        return Fault(_RULE, "write year-month-day in numbers, with a year of four digits, such as 2013-03-01")
    both = ", whichever is meant: the text has both readings" if len(days) > 1 else ""
    orders = tuple(readings) if texts.fitting is None else texts.fitting
    names = " or ".join(f"dates={order!r} (--dates {order})" for order in orders)
    declare = (
        f"or declare the order of all such dates: {names}" if names else "the dates are not all in one order"
    )
    return Fault(_RULE, f"write {written}{both}; {declare}")


def _from_number(cell: Cell) -> Day | Fault:
    number = parse_number(cell, _RULE, "")
    if isinstance(number, Fault):
        return Fault(
            _RULE, "write a date as 2013-03-01, or the whole number of days since the patient's origin"
        )
    if not EARLIEST <= number <= LATEST:
        return Fault(f"a number of days from {EARLIEST} to {LATEST}", f"{_look(number)}; {OWN_ORIGIN}")
    if abs(number) == _UNKNOWN_CODE:
        rule = f"a number of days; {_UNKNOWN_CODE} often means unknown"
        return Fault(rule, f"correct the day, or leave an end that is still to come empty; {OWN_ORIGIN}")
    if float(number).is_integer():
        return int(number)
    is_year = FIRST_YEAR <= number <= LAST_YEAR
    as_year = f"this looks like a year: write the date, such as 2013-03-01; {COUNTS_INSTEAD}"
    return Fault("a whole number of days", as_year if is_year else "round to the day of onset, start or end")


def _look(number: float) -> str:
    """Return what a number that is no number of days looks like, and how to write the date that it means."""
    if not (number > 0 and number == number // 1):
        return "write a date as 2013-03-01"
    digits = str(int(number))
    compact = dates_in(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}") if len(digits) == 8 else None
    if compact:
        return f"this looks like a date without hyphens: write {compact['ymd'].isoformat()}"
    if len(digits) == 6 and is_month_alone(f"{digits[:4]}-{digits[4:]}"):
        return f"this looks like a month without a day: write the date; {COUNTS_INSTEAD}"
    if number >= _FIRST_SECONDS:
        return "this looks like seconds or milliseconds since 1970: write the date, such as 2013-03-01"
    days = {program: origin + int(number) for program, origin in _ORIGINS.items()}
    read = [
        f"{datetime.date.fromordinal(day).isoformat()} in {program}"
        for program, day in days.items()
        if FIRST_YEAR <= 1 + day // 365.2425 <= LAST_YEAR
    ]
    if not read:
        return "write a date as 2013-03-01"
    return f"this looks like the day count of a program, {', '.join(read)}: write the date"
