"""Which file holds a table, what must be said about it because it cannot be guessed, and its bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn, get_args

from nmo_stats.arguments import found, one_of
from nmo_stats.arguments import path as valid_path
from nmo_stats.errors import ArgumentError, CohortError, Problem
from nmo_stats.tables.cells import printable
from nmo_stats.tables.coded import DecimalMark, Source

LARGEST_FILE: Final = 500 * 10**6  # bytes; a million periods take 50 MB as text
MOST_CELLS: Final = 50 * 10**6
MOST_ROWS: Final = 10 * 10**6
_TEXT: Final = "plain text"
_WORKBOOK: Final = "an Excel workbook"
_PARQUET: Final = "Parquet"
_KINDS: Final = {".csv": _TEXT, ".tsv": _TEXT, ".txt": _TEXT, ".xlsx": _WORKBOOK, ".parquet": _PARQUET}
SUFFIXES: Final = tuple(_KINDS)
_SPREADSHEETS: Final = (".xls", ".ods", ".xlsm", ".xlsb")
_OLD_WORKBOOK: Final = "an old .xls workbook"
_LOCKED: Final = "a workbook with a password"
_OPEN_DOCUMENT: Final = "an OpenDocument spreadsheet (.ods)"
_SAVE_AS: Final = (
    "open it in the spreadsheet program and save it as .xlsx; a new suffix alone does not make it one"
)
_REMEDIES: Final = {
    _OLD_WORKBOOK: _SAVE_AS,
    _LOCKED: "save it without the password (in Excel: File, Info, Protect Workbook, Encrypt with Password) "
    "or with an empty one",
    _OPEN_DOCUMENT: _SAVE_AS,
}
_MAGIC: Final = {
    b"PK\x03\x04": _WORKBOOK,
    b"PAR1": _PARQUET,
    b"\xd0\xcf\x11\xe0": _OLD_WORKBOOK,
    b"\x1f\x8b": "a compressed file",
    b"%PDF": "a PDF file",
}
_ODS_MARK: Final = (
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"  # an archive that begins with its kind
)


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
                raise ArgumentError(f"{name} {found(value)}. Expected: a name.")
        if sheet is not None and file.suffix.lower() != ".xlsx":
            raise ArgumentError(
                f"sheet {found(sheet)}: {file.name} is not a workbook. Expected: a .xlsx file."
            )
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

    def source(self, content: bytes) -> Source:
        """Return the name of the file and the hash of its bytes.

        Parameters
        ----------
        content
            The bytes.

        Returns
        -------
        Source
            Name and SHA-256.
        """
        return Source(self.shown_name, hashlib.sha256(content).hexdigest())


def table_file(file: str | Path | TableFile) -> TableFile:
    """Return a path as a file that needs no options; a :class:`TableFile` as it is."""
    return file if isinstance(file, TableFile) else TableFile(file)


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


def read_content(file: TableFile) -> bytes:
    """Return the bytes of a file that is what its suffix says.

    Raises
    ------
    CohortError
        If it does not exist, is empty or is something else.
    """
    path, suffix, name = file.path, file.suffix, file.shown_name
    _require_plain_file(path, name)
    if suffix not in _KINDS:
        rule = f"the file is {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        remedy = "save it as .xlsx" if suffix in _SPREADSHEETS else "save it as one of these"
        refuse(name, f"suffix {path.suffix!r}", rule, remedy)
    content = _content(path, name)
    kind = _kind(content)
    if kind != _KINDS[suffix]:
        remedy = _REMEDIES.get(kind, "give the file the suffix of what it is")
        refuse(name, kind, f"a {suffix} file is {_KINDS[suffix]}", remedy)
    return content


def _require_plain_file(path: Path, name: str) -> None:
    """Refuse what is no file of a stated size: reading a device or a pipe may never end."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # reading it says why
        return
    if stat.S_ISDIR(status.st_mode):
        refuse(name, "a folder", "a table is one file", "name the file in it")
    if not stat.S_ISREG(status.st_mode):
        rule = "a regular file, not a device, a pipe or a socket"
        refuse(name, "not a regular file", rule, "write the table to a file, and name that file")
    if status.st_size > LARGEST_FILE:
        _refuse_size(name, f"{status.st_size / 10**6:,.0f} MB")


def _refuse_size(name: str, found: str) -> NoReturn:
    rule = f"a table has at most {LARGEST_FILE // 10**6} MB"
    refuse(name, found, rule, "keep the columns that are needed, or save the table as .parquet")


def _content(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)  # a file may be longer than it says
    except (OSError, ValueError) as error:  # ValueError: a path that no file system takes
        found = getattr(error, "strerror", None) or str(error)
        refuse(name, found, "the file exists and can be read", f"check the path {str(path)!r}")
    if len(content) > LARGEST_FILE:
        _refuse_size(name, "more than it states")
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        refuse(
            name, "empty file", "the file has a header row and one row per period", "see `nmo-stats template`"
        )
    return content


def _kind(content: bytes) -> str:
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), _TEXT)
    if kind == _OLD_WORKBOOK and "EncryptedPackage".encode("utf-16-le") in content:
        return _LOCKED  # Excel keeps an encrypted workbook in the container of its old format
    return _OPEN_DOCUMENT if kind == _WORKBOOK and _ODS_MARK in content[:200] else kind
