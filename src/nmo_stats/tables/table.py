"""A table as it was read, from whatever kind of file: the different cells of each column, and which row holds which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from nmo_stats.arrays import Codes
from nmo_stats.errors import Problem
from nmo_stats.tables.cells import Cell, different

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
DecimalMark = Literal[".", ","]
Coded = tuple[tuple[Cell, ...], Codes]  # the different cells of a column, and the place of each row's cell


@dataclass(frozen=True, slots=True)
class Source:
    """Where data came from, and the SHA-256 of the bytes; of several tables with ``parts``, the hash of their hashes."""

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
        Of each column its name (``""`` without one), its different cells, and the place of each row's cell among them.
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
        Number and texts of the first rows, those that do not fit the header too: where a title stands above the table,
        one of them names the columns.
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
        return replace(self, remarks=(*self.remarks, Remark(code, f"{self.source.name}: {text}")))
