"""Which file holds a table, and what must be said about it because it cannot be guessed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from nmo_stats.arguments import found, one_of
from nmo_stats.arguments import path as valid_path
from nmo_stats.errors import ArgumentError
from nmo_stats.tables.raw import DecimalMark

_DELIMITERS: Final = {(".csv", "."): ",", (".csv", ","): ";"}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file with a table, and how to read it.

    Parameters
    ----------
    path
        A .csv, .tsv, .xlsx or .parquet file; text files are UTF-8.
    sheet
        Sheet of a workbook; by default the first visible one.
    decimal
        Decimal mark of numbers that are written as text. With ``","`` the cells of a .csv file are separated by semicolons,
        as spreadsheets write them where the comma is the decimal mark.
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
    def delimiter(self) -> str:
        """What stands between the cells of a text file."""
        return _DELIMITERS.get((self.suffix, self.decimal), "\t")


def table_file(file: str | Path | TableFile) -> TableFile:
    """Return a path as a file that needs no options; a :class:`TableFile` as it is."""
    return file if isinstance(file, TableFile) else TableFile(file)
