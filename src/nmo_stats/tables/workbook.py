"""The table on one sheet of an Excel workbook: which sheet, its cells, and what a reader cannot see."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn
from xml.etree import ElementTree as Xml

from openpyxl.utils.cell import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, is_missing, printable, shown
from nmo_stats.tables.coded import CodedTable, Source, coded_rows
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.files import TableFile, listed, refuse
from nmo_stats.tables.package import (
    MEGABYTE,
    Book,
    Package,
    formats_of,
    is_set,
    is_struck,
    local,
    shared_texts,
    text_of,
)

_LISTED: Final = 20
_LAST_ROW: Final = 1_048_576  # of every spreadsheet program
_LAST_COLUMN: Final = 16_384
_YIELDED: Final = frozenset(("row", "col", "mergeCell"))
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})?", re.ASCII | re.IGNORECASE)
_AREA: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A sheet as the workbook lists it."""

    title: str
    part: str
    is_visible: bool


@dataclass(slots=True, eq=False)
class _Sheet:
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


def read_sheet(content: bytes, file: TableFile) -> CodedTable:
    """Return the table on the named or the first visible sheet.

    Only what is filled takes memory: the size that a file states for itself, and places far apart, do not.

    Raises
    ------
    CohortError
        If the workbook is damaged, has no such sheet, or hides cells: merged ones, or formulas
        without a stored result.
    """
    name = file.shown_name
    try:
        return _read(content, file)
    except CohortError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged workbook can break any step
        found = f"cannot be read ({shown(error)})"
        refuse(name, found, "a .xlsx file is a workbook", "save it again from the spreadsheet")


def _read(content: bytes, file: TableFile) -> CodedTable:
    package = Package(zipfile.ZipFile(io.BytesIO(content)), file.shown_name)
    book, sheets = _book(package)
    visible = [sheet for sheet in sheets if sheet.is_visible]
    chosen = visible[:1] if file.sheet is None else [_named(sheets, file)]
    title = chosen[0].title if chosen else ""
    sheet = _read_part(book, chosen[0].part) if chosen else _Sheet()
    others = [other for other in visible if other.title != title]
    if not sheet.rows and not sheet.uncalculated:
        _refuse_empty(title, _filled(book, others), file)
    _require_visible_cells(sheet, file.shown_name)
    unread = _filled(book, others) if file.sheet is None else ()
    return _table(sheet, unread, file.source(content))


def _book(package: Package) -> tuple[Book, list[_Listed]]:
    """Return what the sheets share, and the sheets of cells; sheets of charts hold no table."""
    root = next((item.part for item in package.relations().values() if item.kind == "officeDocument"), None)
    relations = package.relations(root or "xl/workbook.xml")
    parts = {relation.kind: relation.part for relation in relations.values()}
    epoch, sheets = WINDOWS_EPOCH, []
    for event, element in package.elements(root or "xl/workbook.xml", 16 * MEGABYTE):
        name = local(element.tag)
        if event == "end" and name == "workbookPr" and element.get("date1904") in {"1", "true"}:
            epoch = MAC_EPOCH
        elif event == "end" and name == "sheet":
            relation = relations[next((value for key, value in element.items() if local(key) == "id"), "")]
            if relation.kind == "worksheet":
                title, state = element.get("name", ""), element.get("state", "visible")
                sheets.append(_Listed(title, relation.part, state == "visible"))
    texts = shared_texts(package, parts.get("sharedStrings"))
    return Book(package, epoch, *texts, *formats_of(package, parts.get("styles"))), sheets


def _named(sheets: list[_Listed], file: TableFile) -> _Listed:
    titles = [sheet.title for sheet in sheets]
    if file.sheet not in titles:
        names = ", ".join(map(repr, titles[:_LISTED]))
        remedy = nearest(file.sheet or "", titles) or "name one of them"
        refuse(file.shown_name, f"no sheet {file.sheet!r}", f"the workbook has the sheets {names}", remedy)
    return sheets[titles.index(file.sheet)]


def _filled(book: Book, sheets: list[_Listed]) -> tuple[str, ...]:
    return tuple(printable(sheet.title) for sheet in sheets if _may_hold(book, sheet.part))


def _may_hold(book: Book, part: str) -> bool:
    """Return whether a sheet beside the table holds anything; one that cannot be read may."""
    try:
        return _holds_anything(book, part)
    except Exception:  # noqa: BLE001  another sheet's damage is not the table's
        return True


def _refuse_empty(title: str, filled: tuple[str, ...], file: TableFile) -> NoReturn:
    named = file.sheet is not None
    rule = "the named sheet holds the table" if named else "the first visible sheet holds the table"
    remedy = "fill the sheet, or name another file"
    if filled:
        remedy = f"choose a sheet that holds something (--sheet): {', '.join(map(repr, filled[:_LISTED]))}"
    refuse(file.shown_name, f"empty sheet {title!r}" if title else "no visible sheet", rule, remedy)


def _require_visible_cells(sheet: _Sheet, name: str) -> None:
    """Refuse what would read as an empty cell: the rest of a merged cell, a formula without a result."""
    last = max([*sheet.rows, *(row for row, _ in sheet.uncalculated)])
    problems = [_merged(row, area) for row, _, area in sorted(sheet.merged) if row <= last]
    header = sheet.rows.get(1, {})
    problems += [_uncalculated(row, column, header.get(column)) for row, column in sheet.uncalculated]
    if problems:
        raise CohortError(problems, name)


def _merged(row: int, area: str) -> Problem:
    where, how = "table", "fill each of them"
    if row == 1:
        where, how = "header", "give each column its own name in one header row"
    value = f"merged cells {area} in the {where}"
    return Problem(value, "every cell stands for itself", f"unmerge the cells, and {how}", row=row)


def _uncalculated(row: int, column: int, name: Cell) -> Problem:
    value = f"a formula without a stored result in cell {get_column_letter(column)}{row}"
    rule = "the workbook holds the results of its formulas"
    remedy = "open the workbook in the spreadsheet program and save it, or paste the values"
    return Problem(value, rule, remedy, row=row, column=None if name is None else as_text(name))


def _table(sheet: _Sheet, unread: tuple[str, ...], source: Source) -> CodedTable:
    columns = sorted({column for cells in sheet.rows.values() for column in cells})
    numbers = [number for number in sheet.rows if number > 1]
    header = sheet.rows.get(1, {})
    body = [list(map(sheet.rows[number].get, columns)) for number in numbers]
    table = coded_rows(list(map(header.get, columns)), body, numbers, source)
    table = replace(table, unread_sheets=unread)
    for code, what, places in (
        ("hidden_rows", "rows that are hidden in the sheet, as by a filter,", sheet.hidden_rows),
        ("struck_rows", "cells that are struck through", sheet.struck_rows),
    ):
        if places:
            rows = f"row{'' if len(places) == 1 else 's'} {listed(map(str, places))}"
            table = table.with_remark(code, f"{what} are read like the others: {rows}")
    hidden = [column for column in columns if column in sheet.hidden_columns]
    if not hidden:
        return table
    names = listed(
        f"{get_column_letter(column)} ({printable(as_text(header.get(column, '')))})" for column in hidden
    )
    text = f"columns that are hidden in the sheet are read like the others: {names}"
    return table.with_remark("hidden_columns", text)


def _read_part(book: Book, part: str) -> _Sheet:
    """Return the cells of a sheet.

    Raises
    ------
    ValueError
        If rows or cells have no place in a sheet, or one place is taken twice.
    """
    sheet, last = _Sheet(), 0
    for element in _elements(book, part):
        name = local(element.tag)
        if name == "row":
            last = _row_number(element, last)
            _add_row(sheet, last, element, book)
        elif name == "col":
            if _is_hidden(element, "width"):
                first, final = int(element.get("min", 1)), int(element.get("max", 1))
                sheet.hidden_columns.update(range(first, min(final, _LAST_COLUMN) + 1))
        elif area := _AREA.fullmatch(element.get("ref", "")):
            sheet.merged.append((int(area[2]), column_index_from_string(area[1]), element.get("ref", "")))
    return sheet


def _holds_anything(book: Book, part: str) -> bool:
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
            if cells > _LAST_COLUMN:
                raise ValueError(f"a row has more than {_LAST_COLUMN} cells")
        elif name in _YIELDED:
            yield element
            if name == "row" and data is not None:
                data.clear()


def _row_number(row: Xml.Element, last: int) -> int:
    number = int(row.get("r", last + 1))
    if not 1 <= number <= _LAST_ROW:
        raise ValueError(f"row number {number}; the last row of a sheet is {_LAST_ROW}")
    if number <= last:
        raise ValueError(f"row {number} after row {last}: rows are in order, each once")
    return number


def _add_row(sheet: _Sheet, number: int, row: Xml.Element, book: Book) -> None:
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
    if not last < number <= _LAST_COLUMN:
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
