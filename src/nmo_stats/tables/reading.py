"""From a file or a DataFrame to one table of codes with row numbers; what the cells mean is not known here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arrays import Codes
from nmo_stats.errors import ArgumentError, Problem
from nmo_stats.tables.arrow import read_parquet
from nmo_stats.tables.cells import Cell, as_text, different, is_encodable, is_missing
from nmo_stats.tables.delimited import read_columns, read_rows, require_lines, separator
from nmo_stats.tables.files import TableFile, read_content, refuse, table_file
from nmo_stats.tables.redcap import instrument_rows
from nmo_stats.tables.table import HEAD, Coded, CodedTable, Source

_MOST_COLUMNS: Final = 16_384  # of a spreadsheet


def read_table(data: str | Path | TableFile | pd.DataFrame, role: str | None = None) -> CodedTable:
    """Read a CSV, TSV, XLSX or Parquet file, or take a DataFrame.

    Parameters
    ----------
    data
        The file or DataFrame.
    role
        Which of the two tables of dated events it is; None for a single table.

    Raises
    ------
    CohortError
        If the file does not exist, cannot be decoded, is not what its suffix says, or names no columns.
    ArgumentError
        If ``data`` is no path, or an option does not belong to its kind.
    """
    if isinstance(data, pd.DataFrame):
        return from_frame(data, role or "DataFrame")
    file = table_file(data)
    return parsed_file(file, read_content(file), role)


def parsed_file(file: TableFile, content: bytes, role: str | None = None) -> CodedTable:
    """Return the table in the bytes of a file."""
    table = replace(_READERS[file.suffix](content, file), decimal=file.decimal)
    if not any(table.columns):
        rule = "the first row names the columns"
        refuse(file.shown_name, "no column names", rule, "remove the empty rows above the table")
    return instrument_rows(table, file.instrument, role)


def from_frame(frame: pd.DataFrame, name: str = "DataFrame") -> CodedTable:
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
    for column in frame.columns:
        if isinstance(column, str) and not is_encodable(column):
            raise ArgumentError(f"column {column!r}. Expected: a name in valid Unicode. Rename the column.")
    levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    columns = [_coded_series(frame.iloc[:, place]) for place in range(frame.shape[1])]
    digest = hashlib.sha256()
    try:
        for header, (cells, codes) in zip(frame.columns, columns, strict=True):
            digest.update(ascii((header, cells)).encode())
            digest.update(codes.tobytes())
    except ValueError as error:  # Python prints no whole number of more than 4300 digits
        raise ArgumentError(f"a cell of the DataFrame: {error}") from None
    rows = np.arange(1, 1 + len(frame), dtype=np.int64)
    return coded(list(frame.columns), columns, rows, Source(name, digest.hexdigest()))


def _coded_series(series: pd.Series) -> Coded:
    if series.dtype == object or isinstance(series.dtype, pd.ArrowDtype):
        return different(series.astype(object))
    codes, values = pd.factorize(series)
    cells: list[Cell] = list(pd.Series(values).astype(object))
    if (codes >= 0).all():
        return tuple(cells), codes.astype(np.int64)
    return (*cells, None), np.where(codes < 0, len(cells), codes).astype(np.int64)


def coded(header: Sequence[Cell], columns: Sequence[Coded], numbers: Codes, source: Source) -> CodedTable:
    """Return the table of the rows that are not empty.

    Parameters
    ----------
    header, columns
        Name and cells of each column.
    numbers
        Number of each row.
    source
        Where the table comes from.
    """
    if len(header) > _MOST_COLUMNS:
        rule = f"a table has at most {_MOST_COLUMNS:,} columns"
        refuse(source.name, f"{len(header):,} columns", rule, "keep the columns that are needed")
    empty = np.ones(len(numbers), dtype=bool)
    for cells, codes in columns:
        if not empty.any():
            break
        empty &= np.array([is_missing(cell) for cell in cells], dtype=bool)[codes]
    table = CodedTable(
        tuple("" if is_missing(name) else as_text(name) for name in header),
        tuple(cells for cells, _ in columns),
        tuple(codes for _, codes in columns),
        numbers,
        source,
        # empty rows at the end are not worth a word
        blank_rows=tuple(numbers[empty & (numbers < numbers[~empty].max(initial=0))].tolist()),
    )
    top = table.of_rows(np.arange(min(HEAD, len(numbers))))
    table = replace(table, head=_head(top.row_numbers(), list(zip(*top.in_rows(), strict=True))))
    return table.of_rows(~empty) if empty.any() else table


def coded_rows(
    header: Sequence[Cell], body: Sequence[Sequence[Cell]], numbers: Sequence[int], source: Source
) -> CodedTable:
    """Return the table of the rows that fit the header; of the others those that are not empty are its faults."""
    width = len(header)
    filled = [row for row in zip(numbers, body, strict=True) if not all(map(is_missing, row[1]))]
    fitting = [(number, cells) for number, cells in filled if len(cells) == width]
    columns = [different(column) for column in zip(*(cells for _, cells in fitting), strict=True)]
    places = np.array([number for number, _ in fitting], dtype=np.int64)
    table = coded(header, columns or [different(())] * width, places, source)
    between = set(range(2, filled[-1][0] if filled else 0))
    return replace(
        table,
        faults=tuple(_ragged(number, len(cells), width) for number, cells in filled if len(cells) != width),
        blank_rows=tuple(sorted(between.difference(number for number, _ in filled))),
        head=_head(numbers[:HEAD], body[:HEAD]),
    )


def _head(numbers: Sequence[int], rows: Sequence[Sequence[Cell]]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Return number and texts of the first rows."""
    return tuple(
        (number, tuple(as_text(cell).strip() for cell in cells if not is_missing(cell)))
        for number, cells in zip(numbers, rows, strict=False)
    )


def _ragged(row: int, cells: int, width: int) -> Problem:
    found = f"{cells} cell{'' if cells == 1 else 's'}"
    remedy = "fill or remove cells; a cell that contains the separator stands in quotes"
    return Problem(found, f"a row has as many cells as the header ({width})", remedy, row=row)


def _text(content: bytes, file: TableFile) -> CodedTable:
    mark = separator(content, file)
    require_lines(content, mark, file.shown_name)
    source = file.source(content)
    if (plain := read_columns(content, file, mark)) is not None:
        names, columns = plain
        table = coded(names, columns, np.arange(2, 2 + len(columns[0][1]), dtype=np.int64), source)
    else:
        header, *body = read_rows(content, file, mark)
        table = coded_rows(header, body, range(2, len(body) + 2), source)
    return replace(table, separator=mark)


def _workbook(content: bytes, file: TableFile) -> CodedTable:
    from nmo_stats.tables.workbook import read_sheet

    sheet = read_sheet(content, file)
    table = coded_rows(sheet.header, sheet.body, sheet.numbers, file.source(content))
    return replace(table, unread_sheets=sheet.unread_sheets, remarks=sheet.remarks)


def _parquet(content: bytes, file: TableFile) -> CodedTable:
    names, columns = read_parquet(content, file)
    rows = len(columns[0][1]) if columns else 0
    return coded(names, columns, np.arange(1, 1 + rows, dtype=np.int64), file.source(content))


_READERS: Final[dict[str, Callable[[bytes, TableFile], CodedTable]]] = {
    ".csv": _text,
    ".tsv": _text,
    ".txt": _text,
    ".xlsx": _workbook,
    ".parquet": _parquet,
}
