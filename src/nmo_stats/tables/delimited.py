"""Text files with a separator between their cells: which one it is, and the cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import is_decimal_comma
from nmo_stats.tables.files import MOST_CELLS, MOST_ROWS, TableFile
from nmo_stats.tables.raw import HEAD, refuse

_SEPARATORS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')
_HEAD_BYTES: Final = 65_536
_LONGEST_LINE: Final = 16 * 10**6


def separator(content: bytes, file: TableFile) -> str:
    """Return what separates the cells of a text file: the most frequent mark of its header.

    Marks in quotes do not count. A tab wins in a file that is not called .csv. Where the first row holds none
    of the marks, as a title may, the next one counts.
    """
    usual = "," if file.suffix == ".csv" else "\t"
    end = max(_HEAD_BYTES, content.find(b"\n"))
    head = _QUOTED.sub("", content[:end].decode("utf-8", errors="ignore"))
    for line in head.splitlines()[: HEAD + 1]:
        counts = {mark: line.count(mark) for mark in _SEPARATORS}
        if usual == "\t" and counts[usual]:
            return usual
        if any(counts.values()):
            return max(_SEPARATORS, key=lambda mark: (counts[mark], mark == usual))
    return usual


def read_rows(content: bytes, file: TableFile, mark: str) -> list[list[str]]:
    """Return the cells of a text file, row by row.

    Raises
    ------
    CohortError
        If the file is not UTF-8, its quotes do not close, or its separator contradicts its decimal mark.
    """
    name = file.shown_name
    require_lines(content, mark, name)
    _require_text(content, name)
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    first = text.readline()
    if line := _SEPARATOR_LINE.match(first):
        _refuse_separator_line(line[1], name)
    if mark not in first and "|" in first:
        refuse(
            name,
            "cells separated by bars",
            "cells are separated by commas, semicolons or tabs",
            "save the table with commas between cells",
        )
    text.seek(0)
    try:
        rows = list(csv.reader(text, delimiter=mark, strict=True))
    except csv.Error as error:
        refuse(name, str(error), "quotes open and close around a cell", "save the table again as plain CSV")
    if file.decimal == "," and mark == "," and not any(map(is_decimal_comma, _cells(rows))):
        rule = (
            "where the comma is the decimal mark, other marks separate the cells, or numbers stand in quotes"
        )
        refuse(
            name,
            "cells separated by commas",
            rule,
            "leave decimal=',' (--decimal ,) out, or save the table with semicolons",
        )
    return rows


def require_lines(content: bytes, mark: str, name: str) -> None:
    """Refuse a text with more cells, or with a longer line, than any table has."""
    lines = max(content.count(b"\n"), content.count(b"\r"))
    cells = content.count(mark.encode()) + lines
    if cells > MOST_CELLS or lines > MOST_ROWS:
        rule = f"a table has at most {MOST_CELLS:,} cells in {MOST_ROWS:,} rows"
        remedy = "keep the columns and rows that are needed"
        refuse(name, f"{cells:,} cells in {lines:,} lines", rule, remedy)
    for start in range(0, len(content) - _LONGEST_LINE, _LONGEST_LINE):
        end = start + _LONGEST_LINE
        if content.find(b"\n", start, end) < 0 and content.find(b"\r", start, end) < 0:
            found = f"a line of more than {_LONGEST_LINE // 10**6} MB"
            refuse(name, found, "each row of a table is a line", "save the table again as plain CSV")


def _cells(rows: list[list[str]]) -> Iterator[str]:
    return (cell for row in rows for cell in row)


def _require_text(content: bytes, name: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        problem = Problem(found, "text files are encoded as UTF-8", "save it as 'CSV UTF-8'", row=row)
        raise CohortError([problem], name) from None
    if b"\x00" in content:
        refuse(name, "a NUL character", "text files are encoded as UTF-8", "save it as 'CSV UTF-8'")


def _refuse_separator_line(mark: str, name: str) -> NoReturn:
    """Refuse the first line in which Excel is told what separates the cells: it is no row of the table."""
    refuse(name, f"a first line 'sep={mark}'", "the first row names the columns", "remove the line")
