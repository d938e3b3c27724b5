"""The cells of one sheet of an Excel workbook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, printable, shown
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.files import TableFile, listed, refuse
from nmo_stats.tables.package import MEGABYTE, Package, local, opened
from nmo_stats.tables.sheet import Book, Sheet, holds_anything, read_part
from nmo_stats.tables.styles import shared_texts, styles_of
from nmo_stats.tables.table import Remark

_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class SheetTable:
    """The table on a sheet.

    Parameters
    ----------
    header, body
        The cells of the first row, and those of each further filled row; of columns that hold anything.
    numbers
        Number of each row of the body.
    unread_sheets
        Further sheets that are not empty.
    remarks
        What a reader of the sheet does not see, or may not want to count.
    """

    header: tuple[Cell, ...]
    body: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...]
    unread_sheets: tuple[str, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class _Listed:
    """A sheet as the workbook lists it."""

    title: str
    part: str
    is_visible: bool


def read_sheet(content: bytes, file: TableFile) -> SheetTable:
    """Return the table on the named or the first visible sheet.

    Only what is filled takes memory: the size that a file states for itself, and places far apart, do not.

    Raises
    ------
    CohortError
        If the workbook is damaged, has no such sheet, or hides cells: merged ones, or formulas without a stored result.
    """
    name = file.shown_name
    try:
        return _read(content, file)
    except CohortError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged workbook can break any step
        found = f"cannot be read ({shown(error)})"
        refuse(name, found, "a .xlsx file is a workbook", "save it again from the spreadsheet")


def _read(content: bytes, file: TableFile) -> SheetTable:
    package = opened(content, file.shown_name)
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
    return _table(sheet, unread, file)


def _book(package: Package) -> tuple[Book, list[_Listed]]:
    """Return what the sheets share, and the sheets of cells; sheets of charts hold no table."""
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

    root = next((item.part for item in package.relations().values() if item.kind == "officeDocument"), None)
    relations = package.relations(root or "xl/workbook.xml")
    parts = {relation.kind: relation.part for relation in relations.values()}
    epoch, sheets = WINDOWS_EPOCH, []
    for event, element in package.elements(root or "xl/workbook.xml", 16 * MEGABYTE):
        name = element.tag.rpartition("}")[2]
        if event == "end" and name == "workbookPr" and element.get("date1904") in {"1", "true"}:
            epoch = MAC_EPOCH
        elif event == "end" and name == "sheet":
            relation = relations[local(element.attrib, "id") or ""]
            if relation.kind == "worksheet":
                title, state = element.get("name", ""), element.get("state", "visible")
                sheets.append(_Listed(title, relation.part, state == "visible"))
    texts = shared_texts(package, parts.get("sharedStrings"))
    return Book(package, texts, styles_of(package, parts.get("styles")), epoch), sheets


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
    where = "in the header" if row == 1 else "in the table"
    how = "give each column its own name in one header row" if row == 1 else "fill each of them"
    found, rule = f"merged cells {area} {where}", "every cell stands for itself"
    return Problem(found, rule, f"unmerge the cells, and {how}", row=row)


def _uncalculated(row: int, column: int, name: Cell) -> Problem:
    return Problem(
        f"a formula without a stored result in cell {letters(column)}{row}",
        "the workbook holds the results of its formulas",
        "open the workbook in the spreadsheet program and save it, or paste the values",
        row=row,
        column=None if name is None else as_text(name),
    )


def letters(column: int) -> str:
    """Return the letters of a column.

    Examples
    --------
    >>> letters(1), letters(28), letters(16_384)
    ('A', 'AB', 'XFD')
    """
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _table(sheet: Sheet, unread: tuple[str, ...], file: TableFile) -> SheetTable:
    columns = sorted({column for cells in sheet.rows.values() for column in cells})
    numbers = tuple(number for number in sheet.rows if number > 1)
    header = sheet.rows.get(1, {})
    return SheetTable(
        _across(header, columns),
        tuple(_across(sheet.rows[number], columns) for number in numbers),
        numbers,
        unread,
        tuple(_remarks(sheet, header, columns, file.shown_name)),
    )


def _across(cells: dict[int, Cell], columns: list[int]) -> tuple[Cell, ...]:
    return tuple(map(cells.get, columns))


def _remarks(sheet: Sheet, header: dict[int, Cell], columns: list[int], name: str) -> Iterable[Remark]:
    """Return what is read although the sheet hides it or strikes it through."""
    if sheet.hidden_rows:
        rows = listed(map(str, sheet.hidden_rows))
        text = (
            f"{name}: rows that are hidden in the sheet, as by a filter, are read like the others: row {rows}"
        )
        yield Remark("hidden_rows", text)
    if sheet.struck_rows:
        rows = listed(map(str, sheet.struck_rows))
        text = f"{name}: cells that are struck through are read like the others: row {rows}"
        yield Remark("struck_rows", text)
    hidden = [column for column in columns if column in sheet.hidden_columns]
    if hidden:
        names = listed(
            f"{letters(column)} ({printable(as_text(header.get(column, '')))})" for column in hidden
        )
        text = f"{name}: columns that are hidden in the sheet are read like the others: {names}"
        yield Remark("hidden_columns", text)
