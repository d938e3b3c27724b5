"""What the columns of days of a whole table look like: dates in one order, dates of which half were converted, years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from nmo_stats.arrays import Codes
from nmo_stats.errors import Problem
from nmo_stats.events.columns import DAY_PARSERS
from nmo_stats.events.days import COUNTS_INSTEAD, FIRST_YEAR, LAST_YEAR, OWN_ORIGIN, DateTexts, is_iso
from nmo_stats.events.parsed import ParsedTable
from nmo_stats.events.written_dates import ORDERS, DateOrder, dates_in
from nmo_stats.tables.cells import Cell
from nmo_stats.tables.table import CodedTable, ParsedColumn

_LONGEST: Final = 100  # years between the first and the last day of a series
_EXCHANGED: Final = "a spreadsheet that could not read such a text may have exchanged day and month of the dates that it could"
_DayCells = dict[str, tuple[tuple[Cell, ...], Codes]]


def date_texts(
    tables: Sequence[CodedTable], mapping: Mapping[str, str], order: DateOrder | None
) -> list[dict[str, DateTexts]]:
    """Return for each table how the dates of its columns of days are read.

    Parameters
    ----------
    tables
        The two tables.
    mapping
        Foreign column names to ours.
    order
        The declared order of dates in text.
    """
    columns = [_day_cells(table, mapping) for table in tables]
    fitting = _fitting(
        text for named in columns for cells, _ in named.values() for text in _other_order(cells)
    )
    one_file = tables[0].source.name == tables[1].source.name  # two sheets of a workbook
    left = [_are_left(columns if one_file else [named]) for named in columns]
    return [
        {name: DateTexts(order, fitting, _doubt(*pair, are_left=are_left)) for name, pair in named.items()}
        for named, are_left in zip(columns, left, strict=True)
    ]


def once_a_column(problems: Iterable[Problem], texts: Mapping[str, DateTexts]) -> list[Problem]:
    """Return the problems with one for each column that is in doubt as a whole."""
    kept: list[Problem] = []
    said: set[str] = set()
    for problem in problems:
        name = problem.column or ""
        if name in texts and texts[name].doubt == problem.rule:
            if name in said:
                continue
            said.add(name)
        kept.append(problem)
    return kept


def year_problems(tables: Sequence[ParsedTable]) -> list[Problem]:
    """Return a problem of each column of numbers that look like years, where all numbers of the treatments do."""
    if not _are_years(_numbers(tables[0].day_columns.values())):
        return []
    rule = f"days, not years: all numbers of the column lie between {FIRST_YEAR} and {LAST_YEAR}"
    remedy = f"these look like years: write dates, such as 2013-03-01; {COUNTS_INSTEAD}; {OWN_ORIGIN}"
    return [
        table.problem(_first_number(column), name, rule, remedy)
        for table in tables
        for name, column in table.day_columns.items()
        if _are_years(_numbers([column]))
    ]


def _are_years(numbers: list[int]) -> bool:
    return (
        bool(numbers)
        and FIRST_YEAR <= min(numbers) <= max(numbers) <= LAST_YEAR
        and max(numbers) - min(numbers) <= _LONGEST
    )


def _numbers(columns: Iterable[ParsedColumn]) -> list[int]:
    """Return the different numbers among the days of columns."""
    return [value for column in columns for value in column.values if isinstance(value, int)]


def _first_number(column: ParsedColumn) -> int:
    is_number = np.array([isinstance(value, int) for value in column.values], dtype=bool)
    return int(np.flatnonzero(is_number[column.codes])[0])


def _day_cells(table: CodedTable, mapping: Mapping[str, str]) -> _DayCells:
    """Return the different cells of each column of days, and in how many rows each of them stands."""
    names = [mapping.get(column, column) for column in table.columns]
    return {
        name: (cells, np.bincount(codes, minlength=len(cells)))
        for name, cells, codes in zip(names, table.cells, table.codes, strict=True)
        if name in DAY_PARSERS
    }


def _other_order(cells: Iterable[Cell]) -> list[str]:
    """Return the texts that are dates, but not ISO dates."""
    texts = [cell for cell in cells if isinstance(cell, str) and not is_iso(cell)]
    return [text for text in texts if dates_in(text) is not None]


def _fitting(texts: Iterable[str]) -> tuple[DateOrder, ...]:
    """Return the orders in which every text is a day; a text that is a day in no order does not count."""
    readings = [found for text in texts if (found := dates_in(text))]
    return tuple(order for order in ORDERS if all(order in found for found in readings))


def _doubt(cells: tuple[Cell, ...], rows: Codes, *, are_left: bool) -> str:
    """Return why no date of a column can be relied on; empty where there is no such reason."""
    others = set(_ambiguous(cells))
    texts = _rows_of(rows, [isinstance(cell, str) and cell in others for cell in cells])
    dates = _rows_of(rows, [is_iso(cell) for cell in cells])
    if texts and dates:
        return (
            f"a column has one form of date: this one mixes ISO dates or date cells ({dates}) with texts in another order "
            f"({texts}), and {_EXCHANGED}"
        )
    if texts and are_left:
        return f"a table has one form of date: texts of this column ({texts}) stand beside date cells of others, and {_EXCHANGED}"
    return ""


def _ambiguous(cells: Iterable[Cell]) -> list[str]:
    """Return the texts of another order but those that begin with the year, which have one reading."""
    return [text for text in _other_order(cells) if set(dates_in(text) or ORDERS) != {"ymd"}]


def _are_left(columns: Iterable[_DayCells]) -> bool:
    """Return whether there are date cells, and the texts beside them are all such as month-first dates cannot be.

    A spreadsheet leaves these when it takes a column of day-first dates for month-first ones.
    """
    cells = [cell for named in columns for different, _ in named.values() for cell in different]
    texts = _ambiguous(cells)
    has_cells = any(is_iso(cell) and not isinstance(cell, str) for cell in cells)
    return (
        has_cells
        and bool(texts)
        and not any({"dmy", "mdy"} <= (dates_in(text) or {}).keys() for text in texts)
    )


def _rows_of(rows: Codes, chosen: Sequence[bool]) -> int:
    return int(rows[np.array(chosen, dtype=bool)].sum()) if len(rows) else 0
