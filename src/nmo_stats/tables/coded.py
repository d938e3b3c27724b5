"""A table as it was read: the different cells of each column, and which row holds which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from nmo_stats.arrays import Codes
from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, different, is_missing

if TYPE_CHECKING:
    import pyarrow as pa

HEAD: Final = 10  # rows below the first in which the names of the columns are looked for
REMARK_CODES: Final = (
    "hidden_rows",
    "hidden_columns",
    "struck_rows",
    "labels",
    "form_status",
    "checkboxes",
    "events_read",
)
_MOST_COLUMNS: Final = 16_384  # of a spreadsheet
DecimalMark = Literal[".", ","]
Coded = tuple[tuple[Cell, ...], Codes]  # the different cells of a column, and the place of each row's cell


@dataclass(frozen=True, slots=True)
class Source:
    """Where data came from, and the SHA-256 of the bytes; with ``parts``, the hash of their hashes."""

    name: str
    sha256: str
    parts: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """What a user should know about how a table was read: a machine-readable code and a sentence."""

    code: str
    text: str


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


@dataclass(frozen=True, eq=False)
class CodedTable:
    """A table as it was read; every reader returns one.

    Parameters
    ----------
    columns, cells, codes
        Of each column its name (``""`` without one), its different cells, and the place of each
        row's cell among them.
    rows
        Number of each row: as a spreadsheet shows it, or the position in a DataFrame or Parquet file, from 1.
    source
        Name and hash of the file.
    blank_rows
        Empty rows between the others.
    faults
        Rows that do not fit the header, and are not in ``cells``.
    unread_sheets
        Further sheets of a workbook.
    decimal
        Decimal mark of numbers that are written as text.
    head
        Number and texts of the first rows, those that do not fit the header too: where a title
        stands above the table, one of them names the columns.
    remarks
        How the table was read where that is not plain.
    separator
        What stands between the cells of a text file; ``""`` elsewhere.
    has_labels
        Whether it is a REDCap export with labels in its header.
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

    def column(self, place: int) -> tuple[Cell, ...]:
        """Return the cells of a column, row by row."""
        cells = self.cells[place]
        return tuple(cells[code] for code in self.codes[place].tolist())

    def in_rows(self) -> tuple[tuple[Cell, ...], ...]:
        """Return the cells of every column, row by row."""
        return tuple(map(self.column, range(len(self.columns))))

    def row_numbers(self) -> tuple[int, ...]:
        """Return the number of each row as messages print it."""
        return tuple(self.rows.tolist())

    def of_rows(self, chosen: npt.ArrayLike) -> CodedTable:
        """Return some of the rows, a mask or their places."""
        places = np.asarray(chosen)
        return replace(self, rows=self.rows[places], codes=tuple(codes[places] for codes in self.codes))

    def of_columns(self, places: Iterable[int]) -> CodedTable:
        """Return some of the columns."""
        kept = tuple(places)
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            cells=tuple(self.cells[place] for place in kept),
            codes=tuple(self.codes[place] for place in kept),
        )

    def with_column(self, place: int, name: str, cells: Iterable[Cell]) -> CodedTable:
        """Return the table with another column in a place, given row by row."""
        values, codes = different(cells)
        return replace(
            self,
            columns=(*self.columns[:place], name, *self.columns[place + 1 :]),
            cells=(*self.cells[:place], values, *self.cells[place + 1 :]),
            codes=(*self.codes[:place], codes, *self.codes[place + 1 :]),
        )

    def with_remark(self, code: str, text: str) -> CodedTable:
        """Return the table with one more remark, which names the file."""
        return replace(self, remarks=(*self.remarks, Remark(code, f"in {self.source.name}: {text}")))


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
        remedy = "keep the columns that are needed"
        raise CohortError([Problem(f"{len(header):,} columns", rule, remedy)], source.name)
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
    """Return the table of the rows that fit the header; others that are not empty are its faults."""
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
