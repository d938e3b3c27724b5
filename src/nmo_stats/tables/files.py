"""Which file holds a table, and what must be said about it because it cannot be guessed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from nmo_stats.arguments import found, one_of
from nmo_stats.arguments import path as valid_path
from nmo_stats.errors import ArgumentError
from nmo_stats.tables.cells import printable
from nmo_stats.tables.raw import DecimalMark

LARGEST_FILE: Final = 500 * 10**6  # bytes; a million periods take 50 MB as text
MOST_CELLS: Final = 50 * 10**6
MOST_ROWS: Final = 10 * 10**6
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file with a table, and how to read it.

    Parameters
    ----------
    path
        A .csv, .tsv, .txt, .xlsx or .parquet file. Text files are UTF-8; their cells are separated by commas,
        semicolons or tabs, as the header shows.
    sheet
        Sheet of a workbook; by default the first visible one.
    decimal
        Decimal mark of numbers that are written as text; it is never guessed.
    instrument
        Of a REDCap export with repeating instruments, the instrument whose rows are the table.

    Raises
    ------
    ArgumentError
        If an option is unknown or does not belong to this kind of file.

    Examples
    --------
    >>> TableFile("export.csv", instrument="relapse").suffix
    '.csv'
    """

    path: Path
    sheet: str | None = field(default=None, kw_only=True)
    decimal: DecimalMark = field(default=".", kw_only=True)
    instrument: str | None = field(default=None, kw_only=True)

    def __init__(
        self,
        path: str | bytes | os.PathLike[str],
        *,
        sheet: str | None = None,
        decimal: str = ".",
        instrument: str | None = None,
    ) -> None:
        file = valid_path("path", path, "a DataFrame goes to Cohort.from_frame")
        one_of("decimal", decimal, get_args(DecimalMark))
        for name, value in (("sheet", sheet), ("instrument", instrument)):
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise ArgumentError(f"{name} {found(value)}: a name")
        if sheet is not None and file.suffix.lower() != ".xlsx":
            raise ArgumentError(f"sheet {found(sheet)}: {file.name} is not a workbook (.xlsx)")
        object.__setattr__(self, "path", file)
        object.__setattr__(self, "sheet", sheet)
        object.__setattr__(self, "decimal", decimal)
        object.__setattr__(self, "instrument", instrument)

    @property
    def suffix(self) -> str:
        """The suffix in small letters, which says what the file is."""
        return self.path.suffix.lower()

    @property
    def shown_name(self) -> str:
        """The name without its folder, as a message prints it."""
        return printable(self.path.name)


def table_file(file: str | Path | TableFile) -> TableFile:
    """Return a path as a file that needs no options; a :class:`TableFile` as it is."""
    return file if isinstance(file, TableFile) else TableFile(file)
