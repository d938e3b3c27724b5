"""Columns of Apache Arrow and of Parquet files; a text is held once, however often it is repeated."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nmo_stats.errors import CohortError
from nmo_stats.tables.cells import different, shown
from nmo_stats.tables.coded import Coded, CodedTable, coded
from nmo_stats.tables.files import LARGEST_FILE, MOST_CELLS, TableFile, refuse

if TYPE_CHECKING:
    import pyarrow as pa

_PANDAS_INDEX: Final = re.compile(r"__index_level_\d+__")


def read_parquet(content: bytes, file: TableFile) -> CodedTable:
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
        columns = [_coded(column) for _, column in kept]
    except CohortError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged file, or a date that Python has not
        found = f"cannot be read ({shown(error)})"
        refuse(file.shown_name, found, "a .parquet file is Parquet", "write the file again")
    rows = np.arange(1, 1 + table.num_rows, dtype=np.int64)
    return coded([name for name, _ in kept], columns, rows, file.source(content))


def different_cells(column: pa.ChunkedArray) -> Coded:
    """Return the different cells of an Arrow column, None for an empty one, and the code of each row.

    Raises
    ------
    pyarrow.ArrowException, ValueError, OverflowError
        If the column cannot be coded, as lists cannot.
    """
    import pyarrow as pa

    if len(column) == 0:
        return (), np.empty(0, dtype=np.int64)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode(null_encoding="encode")
    joined: Any = column.unify_dictionaries().combine_chunks()
    values = joined.dictionary.to_pylist()
    codes = joined.indices.fill_null(len(values)).to_numpy().astype(np.int64)
    in_use, codes = np.unique(codes, return_inverse=True)  # categories without a row say nothing
    values.append(None)
    cells, places = different(values[place] for place in in_use.tolist())
    return cells, places[codes]


def _coded(column: pa.ChunkedArray) -> Coded:
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
