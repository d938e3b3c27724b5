"""A table as it was found: cells, the number of each row, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell

HEAD: Final = 10  # rows below the first in which the names of the columns are looked for
DecimalMark = Literal[".", ","]


@dataclass(frozen=True, slots=True)
class Source:
    """Where data came from, and the SHA-256 of the bytes; of several tables with ``parts``, the hash of their hashes."""

    name: str
    sha256: str
    parts: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class RawTable:
    """Cells as found, column by column, each row with the number that a user sees it under.

    Parameters
    ----------
    columns, cells
        Names as found (``""`` for a nameless column), and the cells of each.
    rows
        Number of each row: as a spreadsheet shows it, or the position in a DataFrame or Parquet file, from 1.
    blank_rows
        Empty rows between the others.
    source
        Name and hash of the file.
    faults
        Rows that do not fit the header, and are not in ``cells``.
    unread_sheets
        Further sheets of a workbook.
    decimal
        Decimal mark of numbers that are written as text.
    head
        Number and texts of the first rows, those that do not fit the header too: where a title stands above the table, one
        of them names the columns.
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    rows: tuple[int, ...]
    blank_rows: tuple[int, ...]
    source: Source
    faults: tuple[Problem, ...] = ()
    unread_sheets: tuple[str, ...] = ()
    decimal: DecimalMark = "."
    head: tuple[tuple[int, tuple[str, ...]], ...] = ()


def refuse(name: str, found: str, rule: str, remedy: str) -> NoReturn:
    """Raise the one problem that makes a whole file unreadable."""
    raise CohortError([Problem(found, rule, remedy)], name) from None
