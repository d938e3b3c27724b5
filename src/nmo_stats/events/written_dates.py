"""Dates in text that are not in ISO order: which days they can mean."""

from __future__ import annotations

import datetime
import re
from typing import Final, Literal, get_args

DateOrder = Literal["dmy", "mdy", "ymd"]
ORDERS: Final[tuple[DateOrder, ...]] = get_args(DateOrder)
_PLACES: Final[dict[DateOrder, tuple[int, int, int]]] = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
_WORD: Final = r"[^\W\d_]{3,9}"
_BETWEEN: Final = r"\s*[\s./-]\s*"
_MIDNIGHT = re.compile(r"[T ]+0?0:00(:00(\.0+)?)?$")
_DATE = re.compile(rf"([0-9]{{1,4}}){_BETWEEN}([0-9]{{1,2}}|{_WORD})\.?{_BETWEEN}([0-9]{{1,4}})")
_WORD_FIRST = re.compile(rf"({_WORD})\.?{_BETWEEN}([0-9]{{1,2}}),?{_BETWEEN}([0-9]{{4}})")
_MONTH = re.compile(
    rf"[0-9]{{4}}{_BETWEEN}([0-9]{{1,2}}|{_WORD})|([0-9]{{1,2}}|{_WORD})\.?{_BETWEEN}[0-9]{{4}}"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def dates_in(text: str) -> dict[DateOrder, datetime.date] | None:
    """Return the day that a date has in each order; none for a date without a year of four digits, None for no date.

    Examples
    --------
    >>> dates_in("31.12.2019"), dates_in("31.12.19"), dates_in("31")
    ({'dmy': datetime.date(2019, 12, 31)}, {}, None)
    """
    alone = _MIDNIGHT.sub("", text.strip())
    found = _DATE.fullmatch(alone) or _WORD_FIRST.fullmatch(alone)
    if found is None:
        return None
    days = {order: _day(*(found.group(place + 1) for place in _PLACES[order])) for order in ORDERS}
    return {order: day for order, day in days.items() if day is not None}


def is_month_alone(text: str) -> bool:
    """Return whether a text is a month of a year, without a day.

    Examples
    --------
    >>> is_month_alone("2010-05"), is_month_alone("09.2012"), is_month_alone("May 2010"), is_month_alone("13.2012")
    (True, True, True, False)
    """
    found = _MONTH.fullmatch(text.strip())
    return found is not None and _month(found.group(1) or found.group(2)) is not None


def _day(year: str, month: str, day: str) -> datetime.date | None:
    number = _month(month)
    if len(year) != 4 or number is None or not (year + day).isdigit():
        return None
    try:
        return datetime.date(int(year), number, int(day))
    except ValueError:  # no such day
        return None


def _month(text: str) -> int | None:
    """Return the number of a month, also by its English name; None for no month."""
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    word = text[:3].lower()
    return _MONTHS.index(word) + 1 if word in _MONTHS else None
