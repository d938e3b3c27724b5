"""From a file or a DataFrame to cells with row numbers; what the cells mean is not known here."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pandas as pd

from nmo_stats.errors import ArgumentError, Problem
from nmo_stats.tables.cells import Cell, as_text, is_encodable, is_missing
from nmo_stats.tables.delimited import read_rows, separator
from nmo_stats.tables.files import LARGEST_FILE, SUFFIXES, TableFile, table_file
from nmo_stats.tables.parquet import different_cells, parquet_columns, refuse_damaged
from nmo_stats.tables.raw import HEAD, RawTable, Remark, Source, refuse
from nmo_stats.tables.redcap import instrument_rows

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT: Final = "plain text"
_WORKBOOK: Final = "an Excel workbook"
_PARQUET: Final = "Parquet"
_OLD_WORKBOOK: Final = "an old .xls workbook"
_LOCKED: Final = "a workbook with a password"
_OPEN_DOCUMENT: Final = "an OpenDocument spreadsheet (.ods)"
_REMEDIES: Final = {
    _OLD_WORKBOOK: "open it in the spreadsheet program and save it as .xlsx; a new suffix alone does not make it one",
    _LOCKED: "save it without the password (in Excel: File, Info, Protect Workbook, Encrypt with Password, empty)",
    _OPEN_DOCUMENT: "open it in the spreadsheet program and save it as .xlsx; a new suffix alone does not make it one",
}
_MAGIC: Final = {
    b"PK\x03\x04": _WORKBOOK,
    b"PAR1": _PARQUET,
    b"\xd0\xcf\x11\xe0": _OLD_WORKBOOK,
    b"\x1f\x8b": "a compressed file",
    b"%PDF": "a PDF file",
}
_ODS_MARK: Final = (
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"  # an archive that begins with its kind
)
_MOST_COLUMNS: Final = 16_384  # of a spreadsheet


@dataclass(frozen=True, slots=True)
class _Grid:
    """Header and rows as they stand in the source, and the number of each row."""

    header: Sequence[Cell]
    body: Sequence[Sequence[Cell]]
    numbers: Sequence[int]
    unread_sheets: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    separator: str = ""


def read_table(file: str | Path | TableFile) -> RawTable:
    """Read a CSV, TSV, XLSX or Parquet file.

    Raises
    ------
    CohortError
        If the file does not exist, cannot be decoded, or is not what its suffix says.
    ArgumentError
        If ``file`` is not a path, or an option does not belong to its kind.
    """
    file = table_file(file)
    return parsed_file(file, read_content(file))


def read_content(file: TableFile) -> bytes:
    """Return the bytes of a file that is what its suffix says.

    Raises
    ------
    CohortError
        If it does not exist, is empty or is something else.
    """
    path, suffix = file.path, file.suffix
    name = file.shown_name
    _require_plain_file(path, name)
    if suffix not in _READERS:
        rule = f"the file is {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        remedy = (
            "save it as .xlsx" if suffix in {".xls", ".ods", ".xlsm", ".xlsb"} else "save it as one of these"
        )
        refuse(name, f"suffix {path.suffix!r}", rule, remedy)
    content = _content(path, name)
    expected = _READERS[suffix][0]
    kind = _kind(content)
    if kind != expected:
        remedy = _REMEDIES.get(kind, "give the file the suffix of what it is")
        refuse(name, kind, f"a {suffix} file is {expected}", remedy)
    return content


def _require_plain_file(path: Path, name: str) -> None:
    """Refuse what is no file of a stated size: reading a device or a pipe may never end."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # reading it says why
        return
    if stat.S_ISDIR(status.st_mode):
        refuse(name, "a folder", "a table is one file", "name the file in it")
    if not stat.S_ISREG(status.st_mode):
        rule = "a table is a regular file, not a device, a pipe or a socket"
        refuse(name, "not a regular file", rule, "write the table to a file, and name that file")
    if status.st_size > LARGEST_FILE:
        _refuse_size(name, f"{status.st_size / 10**6:,.0f} MB")


def _refuse_size(name: str, found: str) -> NoReturn:
    rule = f"a table has at most {LARGEST_FILE // 10**6} MB"
    refuse(name, found, rule, "keep the columns that are needed, or save the table as .parquet")


def _kind(content: bytes) -> str:
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), _TEXT)
    if kind == _OLD_WORKBOOK and "EncryptedPackage".encode("utf-16-le") in content:
        return _LOCKED  # Excel keeps an encrypted workbook in the container of its old format
    if kind == _WORKBOOK and _ODS_MARK in content[:200]:
        return _OPEN_DOCUMENT
    return kind


def parsed_file(file: TableFile, content: bytes, role: str | None = None) -> RawTable:
    """Return the cells of a file that was read with :func:`read_content`.

    Parameters
    ----------
    role
        Which of the two tables of dated events it is, for the remedy of a choice that is not made; None for a
        single table.

    Raises
    ------
    CohortError
        If it cannot be decoded, or names no columns.
    """
    grid = _READERS[file.suffix][1](content, file)
    if all(map(is_missing, grid.header)):
        rule = "the first row names the columns"
        refuse(file.shown_name, "no column names", rule, "remove the empty rows above the table")
    require_width(len(grid.header), file.shown_name)
    table = replace(_table(grid, source_of(file, content)), decimal=file.decimal)
    return instrument_rows(table, file.instrument, role)


def require_width(columns: int, name: str) -> None:
    """Refuse a table with more columns than a spreadsheet can have."""
    if columns > _MOST_COLUMNS:
        rule = f"a table has at most {_MOST_COLUMNS:,} columns"
        refuse(name, f"{columns:,} columns", rule, "keep the columns that are needed")


def source_of(file: TableFile, content: bytes) -> Source:
    """Return the name of a file and the hash of its bytes."""
    return Source(file.shown_name, hashlib.sha256(content).hexdigest())


def from_frame(frame: pd.DataFrame, name: str = "DataFrame") -> RawTable:
    """Take the cells of a DataFrame, named index levels included; rows are numbered from 1 by position.

    Raises
    ------
    ArgumentError
        If ``frame`` is not a DataFrame.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(f"{type(frame).__name__}: give a pandas DataFrame; a file goes to read_periods")
    if frame.columns.nlevels > 1:
        raise ArgumentError("columns with several levels: give each column one name")
    require_names(frame)
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    body = list(frame.astype(object).itertuples(index=False, name=None))
    grid = _Grid(list(frame.columns), body, range(1, len(body) + 1))
    try:
        text = ascii((grid.header, body))
    except ValueError as error:  # Python prints no whole number of more than 4300 digits
        raise ArgumentError(f"a cell of the DataFrame: {error}") from None
    return _table(grid, Source(name, hashlib.sha256(text.encode()).hexdigest()))


def require_names(frame: pd.DataFrame) -> None:
    """Refuse names of columns that no file can hold."""
    for name in frame.columns:
        if isinstance(name, str) and not is_encodable(name):
            raise ArgumentError(f"column {name!r}: a name is valid Unicode; rename the column")


def _content(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)  # a file may be longer than it says
    except (OSError, ValueError) as error:  # ValueError: a path that no file system takes
        found = getattr(error, "strerror", None) or str(error)
        refuse(name, found, "the file exists and can be read", f"check the path {str(path)!r}")
    if len(content) > LARGEST_FILE:
        _refuse_size(name, "more than it states")
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        rule = "the file has a header row and one row per period"
        refuse(name, "empty file", rule, "see `nmo-stats template`")
    return content


def _read_text(content: bytes, file: TableFile) -> _Grid:
    mark = separator(content, file)
    header, *body = read_rows(content, file, mark)
    return _Grid(header, body, range(2, len(body) + 2), separator=mark)


def _read_workbook(content: bytes, file: TableFile) -> _Grid:
    from nmo_stats.tables.workbook import read_sheet

    table = read_sheet(content, file)
    return _Grid(table.header, table.body, table.numbers, table.unread_sheets, table.remarks)


def _read_parquet(content: bytes, file: TableFile) -> _Grid:
    header, columns = parquet_columns(content, file)
    try:
        cells = [_cells(column) for column in columns]
    except Exception as error:  # noqa: BLE001  such as a date that Python has not
        refuse_damaged(error, file)
    body = list(zip(*cells, strict=True))
    return _Grid(header, body, range(1, len(body) + 1))


def _cells(column: pa.ChunkedArray) -> list[Cell]:
    import pyarrow as pa

    try:
        cells, codes = different_cells(column)
    except (pa.ArrowException, ValueError, OverflowError):
        return list(column.to_pylist())
    return [cells[code] for code in codes.tolist()]


_READERS: Final[dict[str, tuple[str, Callable[[bytes, TableFile], _Grid]]]] = {
    ".csv": (_TEXT, _read_text),
    ".tsv": (_TEXT, _read_text),
    ".txt": (_TEXT, _read_text),
    ".xlsx": (_WORKBOOK, _read_workbook),
    ".parquet": (_PARQUET, _read_parquet),
}


def _table(grid: _Grid, source: Source) -> RawTable:
    width = len(grid.header)
    numbers: list[int] = []
    kept: list[Sequence[Cell]] = []
    blank = _unmentioned(grid.numbers)
    faults: list[Problem] = []
    for number, cells in zip(grid.numbers, grid.body, strict=True):
        if all(map(is_missing, cells)):
            blank.append(number)
        elif len(cells) != width:
            faults.append(_ragged(number, len(cells), width))
        else:
            numbers.append(number)
            kept.append(cells)
    last = max([*numbers[-1:], *(fault.row or 0 for fault in faults[-1:])], default=0)
    return RawTable(
        columns=tuple("" if is_missing(column) else as_text(column) for column in grid.header),
        cells=tuple(zip(*kept, strict=True)) or ((),) * width,
        rows=tuple(numbers),
        # empty rows at the end are not worth a word
        blank_rows=tuple(number for number in sorted(blank) if number < last),
        source=source,
        faults=tuple(faults),
        unread_sheets=grid.unread_sheets,
        head=tuple(
            (number, tuple(as_text(cell).strip() for cell in cells if not is_missing(cell)))
            for number, cells in zip(grid.numbers[:HEAD], grid.body[:HEAD], strict=True)
        ),
        remarks=grid.remarks,
        separator=grid.separator,
    )


def _unmentioned(numbers: Sequence[int]) -> list[int]:
    """Return the rows between the first and the last that the source does not even mention."""
    if isinstance(numbers, range) or not numbers:
        return []
    mentioned = set(numbers)
    return [number for number in range(2, numbers[-1]) if number not in mentioned]


def _ragged(row: int, cells: int, width: int) -> Problem:
    found = f"{cells} cell{'' if cells == 1 else 's'}"
    remedy = "fill or remove cells; a cell that contains the separator stands in quotes"
    return Problem(found, f"a row has as many cells as the header ({width})", remedy, row=row)
