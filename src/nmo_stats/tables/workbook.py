"""The cells of one sheet of an Excel workbook."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NoReturn

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, shown
from nmo_stats.tables.files import TableFile
from nmo_stats.tables.nearest import nearest
from nmo_stats.tables.raw import refuse

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.workbook.workbook import _WorksheetLike

Row = tuple[Cell, ...]
_LISTED: Final = 20
_FORMULA: Final = re.compile(rb"<f[ >/]")
_MERGED: Final = re.compile(rb"<mergeCell ")


def read_sheet(content: bytes, file: TableFile) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows of the named or the first visible sheet, and the names of further sheets that are not empty.

    Raises
    ------
    CohortError
        If the workbook is damaged, has no such sheet, or hides cells: merged ones, or formulas without a stored result.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and drop-down lists that openpyxl does not know
            return _sheet(content, file)
    except CohortError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged workbook makes openpyxl raise nearly anything
        refuse(
            file.path.name,
            f"cannot be read ({shown(error)})",
            "a .xlsx file is a workbook",
            "save it again from the spreadsheet",
        )


def _sheet(content: bytes, file: TableFile) -> tuple[list[Row], tuple[str, ...]]:
    book = _opened(content)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some programs store the wrong ones, and cells outside would be lost
    chosen: list[_WorksheetLike] = [*sheets[:1]] if file.sheet is None else [_named(book, file)]
    title = str(chosen[0].title) if chosen else ""
    rows: list[Row] = list(chosen[0].iter_rows(values_only=True)) if chosen else []
    others = [sheet for sheet in sheets if str(sheet.title) != title]
    if not _holds_anything(rows):
        _refuse_empty(title, _filled(others), file)
    _require_visible_cells(content, title, rows, file.path.name)
    return rows, _filled(others) if file.sheet is None else ()


def _filled(sheets: list[_WorksheetLike]) -> tuple[str, ...]:
    return tuple(str(sheet.title) for sheet in sheets if _holds_anything(sheet.iter_rows(values_only=True)))


def _holds_anything(rows: Iterable[Row]) -> bool:
    return any(cell is not None for row in rows for cell in row)


def _refuse_empty(title: str, filled: tuple[str, ...], file: TableFile) -> NoReturn:
    named = file.sheet is not None
    rule = "the named sheet holds the table" if named else "the first visible sheet holds the table"
    remedy = "fill the sheet, or name another file"
    if filled:
        remedy = f"choose a sheet that holds something (--sheet): {', '.join(map(repr, filled[:_LISTED]))}"
    refuse(file.path.name, f"empty sheet {title!r}" if title else "no visible sheet", rule, remedy)


def _opened(content: bytes, *, results: bool = True) -> Workbook:
    import openpyxl

    return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=results, keep_links=False)


def _named(book: Workbook, file: TableFile) -> _WorksheetLike:
    titles = [str(sheet.title) for sheet in book.worksheets]
    if file.sheet not in titles:
        listed = ", ".join(map(repr, titles[:_LISTED]))
        remedy = nearest(file.sheet or "", titles) or "name one of them"
        refuse(file.path.name, f"no sheet {file.sheet!r}", f"the workbook has the sheets {listed}", remedy)
    return book[file.sheet]


def _require_visible_cells(content: bytes, title: str, rows: list[Row], name: str) -> None:
    """Refuse what would read as an empty cell: the rest of a merged cell, and a formula that nobody calculated."""
    parts = _sheet_parts(content)
    if any(_MERGED.search(part) for part in parts):
        _refuse_merged(content, title, len(rows), name)
    if any(_FORMULA.search(part) for part in parts):
        _refuse_uncalculated(content, title, rows, name)


def _sheet_parts(content: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(part) for part in archive.namelist() if part.startswith("xl/worksheets/")]


def _refuse_merged(content: bytes, title: str, last_row: int, name: str) -> None:
    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(content))[title]
    problems = []
    for area in sorted(sheet.merged_cells.ranges, key=lambda area: (area.min_row, area.min_col)):
        if area.min_row <= last_row:
            where = "in the header" if area.min_row == 1 else "in the table"
            remedy = "unmerge the cells, and " + (
                "give each column its own name in one header row"
                if area.min_row == 1
                else "fill each of them"
            )
            found = f"merged cells {area.coord} {where}"
            problems.append(Problem(found, "every cell stands for itself", remedy, row=int(area.min_row)))
    if problems:
        raise CohortError(problems, name)


def _refuse_uncalculated(content: bytes, title: str, rows: list[Row], name: str) -> None:
    sheet = _opened(content, results=False)[title]
    sheet.reset_dimensions()
    problems = [
        Problem(
            f"a formula without a stored result in cell {cell.coordinate}",
            "the workbook holds the results of its formulas",
            "open the workbook in the spreadsheet program and save it, or paste the values",
            row=number,
            column=as_text(rows[0][place]),
        )
        for number, cells in enumerate(sheet.iter_rows(), start=1)
        for place, cell in enumerate(cells)
        if cell.data_type == "f" and rows[number - 1][place] is None
    ]
    if problems:
        raise CohortError(problems, name)
