"""Tables of many rows: the different cells of each column once, and which of them stands in which row."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes
from nmo_stats.errors import ArgumentError, Problem
from nmo_stats.tables.cells import Cell, Fault, as_text, different, is_missing, shown
from nmo_stats.tables.columns import Columns, choice_of, covariate, covariate_problem
from nmo_stats.tables.delimited import require_lines, separator
from nmo_stats.tables.files import TableFile, table_file
from nmo_stats.tables.parquet import different_cells, parquet_columns
from nmo_stats.tables.raw import HEAD, DecimalMark, RawTable, Remark, Source
from nmo_stats.tables.reading import (
    from_frame,
    parsed_file,
    read_content,
    require_names,
    require_width,
    source_of,
)
from nmo_stats.tables.redcap import EVENT, is_export
from nmo_stats.tables.redcap_columns import in_our_shape

_TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, eq=False)
class CodedTable:
    """A table as found, with each column as codes of its different cells.

    Parameters
    ----------
    columns, cells, codes
        Of each column its name, its different cells, and the place of each row's cell among them.
    rows
        Number of each row, as in :class:`RawTable`.
    blank_rows, source, faults, unread_sheets, decimal, head, remarks, separator, has_labels
        As in :class:`RawTable`.
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    codes: tuple[Codes, ...]
    rows: Codes
    source: Source
    blank_rows: tuple[int, ...] = ()
    faults: tuple[Problem, ...] = ()
    unread_sheets: tuple[str, ...] = ()
    decimal: DecimalMark = "."
    head: tuple[tuple[int, tuple[str, ...]], ...] = ()
    remarks: tuple[Remark, ...] = ()
    separator: str = ""
    has_labels: bool = False


@dataclass(frozen=True, eq=False)
class ParsedColumn:
    """The different values of a column, and the place of each row's value among them."""

    values: tuple[Any, ...]
    codes: Codes

    def in_rows(self, dtype: Any = object) -> npt.NDArray[Any]:
        """Return the value of each row."""
        values = np.empty(len(self.values), dtype=dtype)
        values[:] = self.values
        return values[self.codes]


def coded_table(data: str | Path | TableFile | pd.DataFrame, name: str = "DataFrame") -> CodedTable:
    """Read a file or take a DataFrame, fast where it is plain; ``name`` is that of a DataFrame.

    Raises
    ------
    CohortError, ArgumentError
        As :func:`nmo_stats.tables.reading.read_table`.
    """
    if isinstance(data, pd.DataFrame):
        return _coded_frame(data, name)
    if not isinstance(data, (str, Path, TableFile)):
        raise ArgumentError(f"{type(data).__name__}: give the path of a file, a TableFile or a DataFrame")
    file = table_file(data)
    content = read_content(file)
    found = None
    if file.suffix in _TEXT_SUFFIXES:
        found = _coded_text(file, content)
    elif file.suffix == ".parquet":
        found = _coded_parquet(file, content)
    return coded(parsed_file(file, content, name)) if found is None else found


def coded(raw: RawTable) -> CodedTable:
    """Return a table that was read cell by cell as codes."""
    pairs = [different(column) for column in raw.cells]
    return CodedTable(
        raw.columns,
        tuple(cells for cells, _ in pairs),
        tuple(codes for _, codes in pairs),
        np.asarray(raw.rows, dtype=np.int64),
        raw.source,
        raw.blank_rows,
        raw.faults,
        raw.unread_sheets,
        raw.decimal,
        raw.head,
        raw.remarks,
        raw.separator,
        raw.has_labels,
    )


def coded_in_our_shape(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> CodedTable:
    """Return a REDCap export as a table of ours; see :func:`nmo_stats.tables.redcap_columns.in_our_shape`."""
    if not table.has_labels and EVENT not in table.columns and not any(map(choice_of, table.columns)):
        return table
    return coded(in_our_shape(_cell_wise(table), mapping, columns))


def _cell_wise(table: CodedTable) -> RawTable:
    cells = tuple(
        tuple(values[code] for code in codes.tolist())
        for values, codes in zip(table.cells, table.codes, strict=True)
    )
    return RawTable(
        table.columns,
        cells,
        tuple(table.rows.tolist()),
        table.blank_rows,
        table.source,
        table.faults,
        table.unread_sheets,
        table.decimal,
        table.head,
        table.remarks,
        table.separator,
        table.has_labels,
    )


def parsed_coded(
    table: CodedTable, names: Sequence[str], columns: Columns
) -> tuple[dict[str, ParsedColumn], list[Problem]]:
    """Return the columns parsed, and the problem of every cell that breaks its rule.

    Parameters
    ----------
    names
        Our name of each column of the table; ``""`` for one without a name, which is left out.
    """
    parsed: dict[str, ParsedColumn] = {}
    whole: list[Problem] = []
    faulty: list[tuple[str, Codes, Callable[[int], tuple[Cell, Fault]]]] = []
    for name, cells, codes in zip(names, table.cells, table.codes, strict=True):
        if not name:
            continue
        parser = columns.parser_of(name, table.decimal)
        if parser is None and (problem := covariate_problem(name, cells, table.decimal, table.separator)):
            whole.append(replace(problem, table=columns.short))
        values = covariate(cells, table.decimal) if parser is None else list(map(parser, cells))
        parsed[name] = ParsedColumn(tuple(values), codes)
        wrong = np.array([isinstance(value, Fault) for value in values], dtype=bool)
        if wrong.any():
            faulty.append((name, np.flatnonzero(wrong[codes]), _looked_up(cells, values, codes)))
    patient = _texts(table, names)
    problems = [
        Problem(
            shown(cell), fault.rule, fault.remedy, int(table.rows[index]), patient(index), name, columns.short
        )
        for name, places, look_up in faulty
        for index in places.tolist()
        for cell, fault in [look_up(index)]
    ]
    return parsed, [*whole, *problems]


def _looked_up(
    cells: Sequence[Cell], values: Sequence[Any], codes: Codes
) -> Callable[[int], tuple[Cell, Fault]]:
    return lambda index: (cells[codes[index]], values[codes[index]])


def _texts(table: CodedTable, names: Sequence[str]) -> Callable[[int], str | None]:
    """Return what a message calls the patient of a row."""
    if "patient" not in names:
        return lambda _index: None
    place = list(names).index("patient")
    cells, codes = table.cells[place], table.codes[place]

    def name(index: int) -> str | None:
        cell = cells[codes[index]]
        return None if is_missing(cell) else as_text(cell)

    return name


def _coded_text(file: TableFile, content: bytes) -> CodedTable | None:
    """Return a plain text table; None for anything that only the cell-wise reader tells apart or words as an error."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    body = content.removeprefix(b"\xef\xbb\xbf")
    end = body.find(b"\n")
    mark = separator(content, file)
    require_lines(content, mark, file.shown_name)
    if end < 0 or not _is_plain(body, end, mark) or (mark == "," and file.decimal == ","):
        return None
    try:
        header = next(csv.reader([body[:end].decode("utf-8")], delimiter=mark, strict=True))
    except csv.Error:
        return None
    names = [name if not is_missing(name) else "" for name in header]
    if len(names) < 2 or is_export(names) or file.instrument is not None or not any(names):
        return None
    require_width(len(names), file.shown_name)
    keys = [str(number) for number in range(len(names))]
    try:
        table = arrow.read_csv(
            io.BytesIO(body),
            read_options=arrow.ReadOptions(column_names=keys, skip_rows=1, use_threads=False),
            parse_options=arrow.ParseOptions(delimiter=mark, ignore_empty_lines=False),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # rows of different lengths, or bytes that are not UTF-8
        return None
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    if table.num_rows != lines - 1:  # a cell of several lines
        return None
    pairs = [different_cells(table.column(key)) for key in keys]
    table = _without_blank(names, pairs, source_of(file, content), file.decimal)
    return replace(table, separator=mark)


def _is_plain(body: bytes, end: int, delimiter: str) -> bool:
    """Return whether every quote opens or closes a cell, lines end alike, and the header is not empty."""
    if b"\x00" in body or not body[:end].strip() or body.count(b"\r") != body.count(b"\r\n"):
        return False
    try:
        body[:end].decode("utf-8")
    except UnicodeDecodeError:
        return False
    if b'"' not in body:
        return True
    letters = np.frombuffer(body, dtype=np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    before = np.where(quotes == 0, ord("\n"), letters[quotes - 1])
    after = letters[np.minimum(quotes + 1, len(letters) - 1)]
    outside = [ord(delimiter), ord("\n"), ord("\r")]
    opening = np.isin(before, outside)
    closing = np.isin(after, outside) | (quotes == len(letters) - 1)
    alternating = np.arange(len(quotes)) % 2 == 0
    return bool(len(quotes) % 2 == 0 and np.all(opening[alternating]) and np.all(closing[~alternating]))


def _coded_parquet(file: TableFile, content: bytes) -> CodedTable | None:
    """Return a Parquet table; None for cells that cannot be coded, and for exports of REDCap."""
    import pyarrow as pa

    header, columns = parquet_columns(content, file)
    if not header or is_export(header) or file.instrument is not None:
        return None
    require_width(len(header), file.shown_name)
    try:
        pairs = [different_cells(column) for column in columns]
    except (pa.ArrowException, ValueError, OverflowError):
        return None
    names = ["" if is_missing(name) else name for name in header]
    return _without_blank(names, pairs, source_of(file, content), file.decimal, first_row=1)


def _coded_frame(frame: pd.DataFrame, name: str) -> CodedTable:
    if frame.columns.nlevels > 1 or any(level is not None for level in frame.index.names):
        return coded(from_frame(frame, name))
    require_names(frame)
    pairs = [_of_series(frame.iloc[:, place]) for place in range(frame.shape[1])]
    columns = ["" if is_missing(column) else as_text(column) for column in frame.columns]
    digest = hashlib.sha256(ascii(columns).encode())
    for cells, codes in pairs:
        digest.update(ascii(cells).encode())
        digest.update(codes.tobytes())
    return _without_blank(columns, pairs, Source(name, digest.hexdigest()), ".", first_row=1)


def _of_series(series: pd.Series) -> tuple[tuple[Cell, ...], Codes]:
    if series.dtype == object:
        return different(series)
    codes, values = pd.factorize(series)
    cells: list[Cell] = list(pd.Series(values).astype(object))
    codes = codes.astype(np.int64)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(cells), codes)
        cells.append(None)
    return tuple(cells), codes


def _without_blank(
    columns: Sequence[str],
    pairs: Sequence[tuple[tuple[Cell, ...], Codes]],
    source: Source,
    decimal: DecimalMark,
    first_row: int = 2,
) -> CodedTable:
    """Return the table of the rows that are not empty, as the cell-wise reader would."""
    size = len(pairs[0][1]) if pairs else 0
    empty = np.ones(size, dtype=bool)
    for cells, codes in pairs:
        empty &= np.array([is_missing(cell) for cell in cells], dtype=bool)[codes] if size else empty
    numbers = np.arange(first_row, first_row + size, dtype=np.int64)
    filled = numbers[~empty]
    blank = numbers[empty & (numbers < (filled[-1] if len(filled) else 0))]
    return CodedTable(
        tuple(columns),
        tuple(cells for cells, _ in pairs),
        tuple(codes if not empty.any() else codes[~empty] for _, codes in pairs),
        filled,
        source,
        tuple(blank.tolist()),
        decimal=decimal,
        head=_head(pairs, numbers),
    )


def _head(
    pairs: Sequence[tuple[tuple[Cell, ...], Codes]], numbers: Codes
) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Return number and texts of the first rows."""
    rows = []
    for index, number in enumerate(numbers[:HEAD].tolist()):
        found = [cells[codes[index]] for cells, codes in pairs]
        rows.append((number, tuple(as_text(cell).strip() for cell in found if not is_missing(cell))))
    return tuple(rows)
