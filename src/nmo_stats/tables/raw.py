"""A table as it was found: cells, the number of each row, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell

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
    remarks
        How the table was read where that is not plain.
    separator
        What stands between the cells of a text file; ``""`` elsewhere.
    has_labels
        Whether it is a REDCap export with labels in its header.
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
    remarks: tuple[Remark, ...] = ()
    separator: str = ""
    has_labels: bool = False


def refuse(name: str, found: str, rule: str, remedy: str) -> NoReturn:
    """Raise the one problem that makes a whole file unreadable."""
    raise CohortError([Problem(found, rule, remedy)], name) from None


def listed(items: Iterable[str], most: int = 6) -> str:
    """Return the first items in one text, and how many more there are.

    Examples
    --------
    >>> listed("abc"), listed("abcd", most=2)
    ('a, b, c', 'a, b and 2 more')
    """
    names = list(items)
    text = ", ".join(names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"
