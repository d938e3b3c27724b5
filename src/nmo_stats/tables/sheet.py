"""The cells of one sheet of a workbook, and what a reader of the sheet cannot see or should not count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree as Xml

from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601

from nmo_stats.tables.cells import Cell, is_missing
from nmo_stats.tables.package import Book, is_set, is_struck, local, text_of

LAST_ROW: Final = 1_048_576  # of every spreadsheet program
LAST_COLUMN: Final = 16_384
_YIELDED: Final = frozenset(("row", "col", "mergeCell"))
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})?", re.ASCII | re.IGNORECASE)
_AREA: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::.*)?", re.ASCII)


@dataclass(slots=True, eq=False)
class Sheet:
    """A sheet as it is read; rows and columns are numbered from 1.

    Parameters
    ----------
    rows
        The filled cells of each row that has one, by column.
    hidden_rows, struck_rows, hidden_columns
        Rows that are not shown, rows with a cell that is struck through, columns that are not shown.
    uncalculated
        Row and column of formulas without a stored result.
    merged
        First row, first column and name of each merged area.
    """

    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    struck_rows: list[int] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    uncalculated: list[tuple[int, int]] = field(default_factory=list)
    merged: list[tuple[int, int, str]] = field(default_factory=list)


def read_part(book: Book, part: str) -> Sheet:
    """Return the cells of a sheet.

    Raises
    ------
    ValueError
        If rows or cells have no place in a sheet, or one place is taken twice.
    """
    sheet, last = Sheet(), 0
    for element in _elements(book, part):
        name = local(element.tag)
        if name == "row":
            last = _row_number(element, last)
            _add_row(sheet, last, element, book)
        elif name == "col":
            if _is_hidden(element, "width"):
                first, final = int(element.get("min", 1)), int(element.get("max", 1))
                sheet.hidden_columns.update(range(first, min(final, LAST_COLUMN) + 1))
        elif area := _AREA.fullmatch(element.get("ref", "")):
            sheet.merged.append((int(area[2]), column_index_from_string(area[1]), element.get("ref", "")))
    return sheet


def holds_anything(book: Book, part: str) -> bool:
    """Return whether a sheet has a filled cell; it is read up to the first one."""
    rows = (element for element in _elements(book, part) if local(element.tag) == "row")
    return any(not is_missing(_value(cell, _kind(cell), book)) for row in rows for cell in row)


def _elements(book: Book, part: str) -> Iterator[Xml.Element]:
    """Return rows, columns and merged areas as they end; rows are forgotten behind the reader."""
    data: Xml.Element | None = None
    cells = 0  # of the row, counted before it ends: a row without end would fill the memory
    for event, element in book.package.elements(part):
        name = local(element.tag)
        if event == "start":
            data = element if name == "sheetData" else data
            cells = cells + 1 if name == "c" else 0 if name == "row" else cells
            if cells > LAST_COLUMN:
                raise ValueError(f"a row has more than {LAST_COLUMN} cells")
        elif name in _YIELDED:
            yield element
            if name == "row" and data is not None:
                data.clear()


def _row_number(row: Xml.Element, last: int) -> int:
    number = int(row.get("r", last + 1))
    if not 1 <= number <= LAST_ROW:
        raise ValueError(f"row number {number}; the last row of a sheet is {LAST_ROW}")
    if number <= last:
        raise ValueError(f"row {number} after row {last}: rows are in order, each once")
    return number


def _add_row(sheet: Sheet, number: int, row: Xml.Element, book: Book) -> None:
    filled: dict[int, Cell] = {}
    is_marked = False
    column = 0
    for cell in row:
        column = _column(cell, column)
        kind = _kind(cell)
        value = _value(cell, kind, book)
        if not is_missing(value):
            filled[column] = value
            is_marked = is_marked or _has_line(cell, kind, book)
        elif value is None and any(local(child.tag) == "f" for child in cell):
            sheet.uncalculated.append((number, column))
    if filled:
        sheet.rows[number] = filled
        if _is_hidden(row, "ht"):
            sheet.hidden_rows.append(number)
        if is_marked:
            sheet.struck_rows.append(number)


def _is_hidden(element: Xml.Element, size: str) -> bool:
    return is_set(element, "hidden") or float(element.get(size, 1)) == 0


def _column(cell: Xml.Element, last: int) -> int:
    place = cell.get("r")
    if place is None:
        number = last + 1
    else:
        found = _PLACE.fullmatch(place)
        number = column_index_from_string(found[1]) if found else 0
    if not last < number <= LAST_COLUMN:
        raise ValueError(f"a cell {place!r}: cells of a row are in order, each once, in columns A to XFD")
    return number


def _kind(cell: Xml.Element) -> str:
    return cell.get("t", "n")


def _has_line(cell: Xml.Element, kind: str, book: Book) -> bool:
    """Return whether a cell, or a part of its text, is struck through."""
    if int(cell.get("s", 0)) in book.struck_formats:
        return True
    if kind == "s":
        text = _stored(cell)
        return text is not None and int(text) in book.struck_texts
    return kind == "inlineStr" and is_struck(cell)


def _stored(cell: Xml.Element) -> str | None:
    for child in cell:
        if local(child.tag) == "v":
            return child.text or None
    return None


def _value(cell: Xml.Element, kind: str, book: Book) -> Cell:
    """Return the stored value of a cell, of a formula its last result."""
    if kind == "inlineStr":
        return next((text_of(child) for child in cell if local(child.tag) == "is"), None)
    text = _stored(cell)
    if text is None:
        return None
    if kind == "s":
        place = int(text)
        if not 0 <= place < len(book.texts):
            raise ValueError(f"a cell with the shared text {place}, which is not there")
        return book.texts[place]
    if kind == "n":
        return _number(text, int(cell.get("s", 0)), book)
    return _other(text, kind)


def _other(text: str, kind: str) -> Cell:
    if kind == "b":
        return bool(int(text))
    if kind == "d":
        return from_ISO8601(text)  # type: ignore[no-untyped-call]
    return text  # the text of a formula, or the sign of an error


def _number(text: str, style: int, book: Book) -> Cell:
    number: Any = int(text) if text.lstrip("+-").isdecimal() else float(text)
    if style not in book.dates:
        return number
    try:
        return from_excel(number, book.epoch, timedelta=style in book.durations)
    except (OverflowError, ValueError):
        return "#VALUE!"  # as spreadsheets show a number that is no date
