"""From a file or a DataFrame to cells with row numbers; what the cells mean is not known here."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pandas as pd

from nmo_stats.errors import ArgumentError, CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, is_missing, shown
from nmo_stats.tables.files import TableFile, table_file
from nmo_stats.tables.raw import HEAD, RawTable, Source, refuse
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
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class _Grid:
    """Header and rows as they stand in the source; the first row has the number ``first_row``."""

    header: Sequence[Cell]
    body: Sequence[Sequence[Cell]]
    first_row: int = 2
    unread_sheets: tuple[str, ...] = ()


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
    if _is_folder(path):
        refuse(path.name, "a folder", "a table is one file", "name the file in it")
    if suffix not in _READERS:
        rule = "the file is .csv, .tsv, .xlsx or .parquet"
        remedy = (
            "save it as .xlsx" if suffix in {".xls", ".ods", ".xlsm", ".xlsb"} else "save it as one of these"
        )
        refuse(path.name, f"suffix {path.suffix!r}", rule, remedy)
    content = _content(path)
    expected = _READERS[suffix][0]
    kind = _kind(content)
    if kind != expected:
        remedy = _REMEDIES.get(kind, "give the file the suffix of what it is")
        refuse(path.name, kind, f"a {suffix} file is {expected}", remedy)
    return content


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long; reading it says so
        return False


def _kind(content: bytes) -> str:
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), _TEXT)
    if kind == _OLD_WORKBOOK and "EncryptedPackage".encode("utf-16-le") in content:
        return _LOCKED  # Excel keeps an encrypted workbook in the container of its old format
    if kind == _WORKBOOK and _ODS_MARK in content[:200]:
        return _OPEN_DOCUMENT
    return kind


def parsed_file(file: TableFile, content: bytes) -> RawTable:
    """Return the cells of a file that was read with :func:`read_content`.

    Raises
    ------
    CohortError
        If it cannot be decoded, or names no columns.
    """
    grid = _READERS[file.suffix][1](content, file)
    if all(map(is_missing, grid.header)):
        rule = "the first row names the columns"
        refuse(file.path.name, "no column names", rule, "remove the empty rows above the table")
    table = replace(_table(grid, source_of(file, content)), decimal=file.decimal)
    return instrument_rows(table, file.instrument)


def source_of(file: TableFile, content: bytes) -> Source:
    """Return the name of a file and the hash of its bytes."""
    return Source(file.path.name, hashlib.sha256(content).hexdigest())


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
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    body = list(frame.astype(object).itertuples(index=False, name=None))
    grid = _Grid(list(frame.columns), body, first_row=1)
    try:
        text = ascii((grid.header, body))
    except ValueError as error:  # Python prints no whole number of more than 4300 digits
        raise ArgumentError(f"a cell of the DataFrame: {error}") from None
    return _table(grid, Source(name, hashlib.sha256(text.encode()).hexdigest()))


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path that no file system takes
        found = getattr(error, "strerror", None) or str(error)
        refuse(path.name, found, "the file exists and can be read", f"check the path {str(path)!r}")
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        rule = "the file has a header row and one row per period"
        refuse(path.name, "empty file", rule, "see `nmo-stats template`")
    return content


def _read_text(content: bytes, file: TableFile) -> _Grid:
    return _read_delimited(content, file.path.name, file.delimiter)


def _read_workbook(content: bytes, file: TableFile) -> _Grid:
    from nmo_stats.tables.workbook import read_sheet

    rows, unread = read_sheet(content, file)
    width = max(map(len, rows))
    header, *body = [(*row, *[None] * (width - len(row))) for row in rows]
    return _Grid(header, body, unread_sheets=unread)


def _read_delimited(content: bytes, name: str, delimiter: str) -> _Grid:
    text = _decode(content, name)
    if line := _SEPARATOR_LINE.match(text):
        _refuse_separator_line(line[1], delimiter, name)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        refuse(name, str(error), "quotes open and close around a cell", "save the table again as plain CSV")
    header, *body = lines
    _require_separator(header, delimiter, name)
    return _Grid(header, body)


def _decode(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        problem = Problem(found, "text files are encoded as UTF-8", "save it as 'CSV UTF-8'", row=row)
        raise CohortError([problem], name) from None
    if "\x00" in text:
        refuse(name, "a NUL character", "text files are encoded as UTF-8", "save it as 'CSV UTF-8'")
    return text


def _refuse_separator_line(separator: str, delimiter: str, name: str) -> NoReturn:
    """Refuse the first line in which Excel is told what separates the cells: it is no row of the table."""
    remedy = "remove the line"
    if separator == ";" and delimiter == ",":
        remedy += ", and read the table with decimal=',' (--decimal ,) if its numbers have decimal commas"
    refuse(name, f"a first line 'sep={separator}'", "the first row names the columns", remedy)


def _require_separator(header: list[str], delimiter: str, name: str) -> None:
    if len(header) != 1:
        return
    for other, words in _SEPARATORS.items():
        if other != delimiter and other in header[0]:
            expected = _SEPARATORS[delimiter]
            remedy = "use .tsv for tabs" if other == "\t" else f"save the table with {expected} between cells"
            if other == ";" and delimiter == ",":
                remedy += ", or read it with decimal=',' (--decimal ,) if its numbers have decimal commas"
            rule = f"cells of this file type are separated by {expected}"
            refuse(name, f"cells separated by {words}", rule, remedy)


def parquet_columns(content: bytes, file: TableFile) -> tuple[list[str], list[pa.ChunkedArray]]:
    """Return the names and the cells of the columns of a Parquet file, without the nameless index of a DataFrame.

    Raises
    ------
    CohortError
        If the file is damaged.
    """
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    except Exception as error:  # noqa: BLE001  a damaged file makes pyarrow raise nearly anything
        _damaged_parquet(error, file)
    kept = [number for number, name in enumerate(table.column_names) if not _PANDAS_INDEX.fullmatch(name)]
    return [table.column_names[number] for number in kept], [table.column(number) for number in kept]


def _read_parquet(content: bytes, file: TableFile) -> _Grid:
    header, columns = parquet_columns(content, file)
    try:
        cells = [column.to_pylist() for column in columns]
    except Exception as error:  # noqa: BLE001  such as a date that Python has not
        _damaged_parquet(error, file)
    return _Grid(header, list(zip(*cells, strict=True)), first_row=1)


def _damaged_parquet(error: Exception, file: TableFile) -> NoReturn:
    found = f"cannot be read ({shown(error)})"
    refuse(file.path.name, found, "a .parquet file is Parquet", "write the file again")


_READERS: Final[dict[str, tuple[str, Callable[[bytes, TableFile], _Grid]]]] = {
    ".csv": (_TEXT, _read_text),
    ".tsv": (_TEXT, _read_text),
    ".xlsx": (_WORKBOOK, _read_workbook),
    ".parquet": (_PARQUET, _read_parquet),
}


def _table(grid: _Grid, source: Source) -> RawTable:
    width = len(grid.header)
    numbers: list[int] = []
    kept: list[Sequence[Cell]] = []
    blank: list[int] = []
    faults: list[Problem] = []
    for number, cells in enumerate(grid.body, start=grid.first_row):
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
        blank_rows=tuple(
            number for number in blank if number < last
        ),  # empty rows at the end are not worth a word
        source=source,
        faults=tuple(faults),
        unread_sheets=grid.unread_sheets,
        head=tuple(
            (number, tuple(as_text(cell).strip() for cell in cells if not is_missing(cell)))
            for number, cells in enumerate(grid.body[:HEAD], start=grid.first_row)
        ),
    )


def _ragged(row: int, cells: int, width: int) -> Problem:
    found = f"{cells} cell{'' if cells == 1 else 's'}"
    remedy = "fill or remove cells; a cell that contains the separator stands in quotes"
    return Problem(found, f"a row has as many cells as the header ({width})", remedy, row=row)
