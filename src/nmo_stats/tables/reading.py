"""From a file or a DataFrame to one table of codes; what the cells mean is not known here."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from nmo_stats.errors import ArgumentError, CohortError
from nmo_stats.tables.cells import Cell, different, is_encodable, shown
from nmo_stats.tables.coded import Coded, CodedTable, Source, coded, different_cells
from nmo_stats.tables.delimited import read_text
from nmo_stats.tables.files import LARGEST_FILE, MOST_CELLS, TableFile, read_content, refuse, table_file
from nmo_stats.tables.redcap import instrument_rows

if TYPE_CHECKING:
    import pyarrow as pa

_PANDAS_INDEX: Final = re.compile(r"__index_level_\d+__")


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


def _read_workbook(content: bytes, file: TableFile) -> CodedTable:
    from nmo_stats.tables.workbook import read_sheet

    return read_sheet(content, file)


def _read_parquet(content: bytes, file: TableFile) -> CodedTable:
    """Return the table in a Parquet file, without a nameless index.

    Raises
    ------
    CohortError
        If the file is damaged, or unpacks to more than a table holds.
    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(io.BytesIO(content))
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        _require_size(parquet.metadata, file.shown_name)
        table = parquet.read()
        named = zip(table.column_names, table.columns, strict=True)
        kept = [(name, column) for name, column in named if not _PANDAS_INDEX.fullmatch(name)]
        columns = [_coded_arrow(column) for _, column in kept]
    except CohortError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged file, or a date that Python has not
        found = f"cannot be read ({shown(error)})"
        refuse(file.shown_name, found, "a .parquet file is Parquet", "write the file again")
    rows = np.arange(1, 1 + table.num_rows, dtype=np.int64)
    return coded([name for name, _ in kept], columns, rows, file.source(content))


def _coded_arrow(column: pa.ChunkedArray) -> Coded:
    import pyarrow as pa

    try:
        return different_cells(column)
    except (pa.ArrowException, ValueError, OverflowError):
        return different(column.to_pylist())


def _require_size(metadata: Any, name: str) -> None:
    """Refuse a file that unpacks to far more than a table: a few bytes can repeat a cell a billion times."""
    cells = metadata.num_rows * metadata.num_columns
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if cells > MOST_CELLS or size > 2 * LARGEST_FILE:
        found = f"{cells:,} cells in {size / 10**6:,.0f} MB unpacked"
        rule = f"a table has at most {MOST_CELLS:,} cells in {2 * LARGEST_FILE // 10**6:,} MB"
        refuse(name, found, rule, "keep the columns and rows that are needed")


_READERS: Final[dict[str, Callable[[bytes, TableFile], CodedTable]]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), read_text),
    ".xlsx": _read_workbook,
    ".parquet": _read_parquet,
}
