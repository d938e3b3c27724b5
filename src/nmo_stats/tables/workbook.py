"""The cells of one sheet of an Excel workbook."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from openpyxl.utils.cell import get_column_letter
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, printable, shown
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.files import TableFile, listed, refuse
from nmo_stats.tables.package import MEGABYTE, Book, Package, formats_of, local, shared_texts
from nmo_stats.tables.sheet import Sheet, holds_anything, read_part
from nmo_stats.tables.table import CodedTable, Source, coded_rows

_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class _Listed:
    """A sheet as the workbook lists it."""

    title: str
    part: str
    is_visible: bool


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
    sheet = read_part(book, chosen[0].part) if chosen else Sheet()
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
        return holds_anything(book, part)
    except Exception:  # noqa: BLE001  another sheet's damage is not the table's
        return True


def _refuse_empty(title: str, filled: tuple[str, ...], file: TableFile) -> NoReturn:
    named = file.sheet is not None
    rule = "the named sheet holds the table" if named else "the first visible sheet holds the table"
    remedy = "fill the sheet, or name another file"
    if filled:
        remedy = f"choose a sheet that holds something (--sheet): {', '.join(map(repr, filled[:_LISTED]))}"
    refuse(file.shown_name, f"empty sheet {title!r}" if title else "no visible sheet", rule, remedy)


def _require_visible_cells(sheet: Sheet, name: str) -> None:
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


def _table(sheet: Sheet, unread: tuple[str, ...], source: Source) -> CodedTable:
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
