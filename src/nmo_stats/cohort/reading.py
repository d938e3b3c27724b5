"""From a file or a DataFrame to cells with row numbers; what the cells mean is not known here."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pandas as pd

from nmo_stats.cohort.schema import Cell, is_missing
from nmo_stats.errors import CohortError, Problem

_MAGIC: Final = {b"PK\x03\x04": "an Excel workbook or zip archive", b"PAR1": "a Parquet file"}
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", ",": "commas"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table came from, and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """Cells as found, column by column, each row with the number that a user sees it under."""

    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    rows: tuple[int, ...]
    blank_rows: tuple[int, ...]
    source: Source


def read_table(path: str | Path) -> RawTable:
    """Read a CSV, TSV, XLSX or Parquet file.

    Raises
    ------
    CohortError
        If the file does not exist, cannot be decoded, or is not what its suffix says.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        _refuse(path.name, f"suffix {path.suffix!r}", "the file is .csv, .tsv, .xlsx or .parquet", "save it as one of these")
    try:
        content = path.read_bytes()
    except OSError as error:
        _refuse(path.name, error.strerror or "unreadable", "the file exists and can be read", "check the path")
    if not content.strip():
        _refuse(path.name, "empty file", "the file has a header row and one row per period", "see `nmo-stats template`")
    table = reader(content, path.name)
    return _without_blank_rows(table, Source(path.name, hashlib.sha256(content).hexdigest()))


def from_frame(frame: pd.DataFrame, name: str = "DataFrame") -> RawTable:
    """Take the cells of a DataFrame; rows are numbered from 1 by position."""
    digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    header = [str(column) for column in frame.columns]
    body = list(frame.astype(object).itertuples(index=False, name=None))
    return _without_blank_rows((header, body, 1), Source(name, digest))


_Parts = tuple[list[str], Sequence[Sequence[Cell]], int]


def _read_csv(content: bytes, name: str) -> _Parts:
    return _read_delimited(content, name, ",")


def _read_tsv(content: bytes, name: str) -> _Parts:
    return _read_delimited(content, name, "\t")


def _read_delimited(content: bytes, name: str, delimiter: str) -> _Parts:
    text = _decode(content, name)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        _refuse(name, str(error), "quotes open and close around a cell", "save the table again as plain CSV")
    header, *body = lines
    _require_separator(header, delimiter, name)
    width = len(header)
    ragged = [
        Problem(f"{len(cells)} cells", f"a row has as many cells as the header ({width})", "fill or remove cells", row=number)
        for number, cells in enumerate(body, start=2)
        if cells and len(cells) != width
    ]
    if ragged:
        raise CohortError(ragged, name)
    return header, [cells or [""] * width for cells in body], 2


def _decode(content: bytes, name: str) -> str:
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            _refuse(name, kind, "a .csv or .tsv file is plain text", "give the file the suffix of what it is")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise CohortError([Problem(found, "text files are encoded as UTF-8", "save it as 'CSV UTF-8'", row=row)], name) from None
    if "\x00" in text:
        _refuse(name, "a NUL character", "a .csv or .tsv file is plain text", "export the table again as CSV")
    return text


def _require_separator(header: list[str], delimiter: str, name: str) -> None:
    if len(header) != 1:
        return
    for other, words in _OTHER_SEPARATORS.items():
        if other != delimiter and other in header[0]:
            expected = _OTHER_SEPARATORS[delimiter]
            remedy = "use .tsv for tabs" if other == "\t" else f"save the table with {expected} between cells"
            _refuse(name, f"cells separated by {words}", f"cells of this file type are separated by {expected}", remedy)


def _read_xlsx(content: bytes, name: str) -> _Parts:
    try:
        frame = pd.read_excel(io.BytesIO(content), header=None, dtype=object, na_filter=False, engine="openpyxl")
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        _refuse(name, "not an Excel workbook", "a .xlsx file is a workbook", "give the file the suffix of what it is")
    if frame.empty:
        _refuse(name, "empty first sheet", "the first sheet has a header row", "move the table to the first sheet")
    header, *body = frame.itertuples(index=False, name=None)
    return ["" if is_missing(cell) else str(cell) for cell in header], body, 2


def _read_parquet(content: bytes, name: str) -> _Parts:
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError):
        _refuse(name, "not a Parquet file", "a .parquet file is Parquet", "give the file the suffix of what it is")
    return [str(column) for column in frame.columns], list(frame.astype(object).itertuples(index=False, name=None)), 1


_READERS: Final[dict[str, Callable[[bytes, str], _Parts]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".xlsx": _read_xlsx,
    ".parquet": _read_parquet,
}


def _without_blank_rows(parts: _Parts, source: Source) -> RawTable:
    header, body, first_row = parts
    kept = [(number, cells) for number, cells in enumerate(body, start=first_row) if not all(map(is_missing, cells))]
    blank = [number for number, cells in enumerate(body, start=first_row) if all(map(is_missing, cells))]
    while blank and kept and blank[-1] > kept[-1][0]:
        blank.pop()  # empty lines after the last row are not worth a word
    cells = tuple(zip(*(cells for _, cells in kept), strict=True)) or ((),) * len(header)
    return RawTable(tuple(header), cells, tuple(number for number, _ in kept), tuple(blank), source)


def _refuse(name: str, found: str, rule: str, remedy: str) -> NoReturn:
    raise CohortError([Problem(found, rule, remedy)], name) from None
