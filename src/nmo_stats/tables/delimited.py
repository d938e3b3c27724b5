"""Text files: what separates their cells, and the cells, fast where the file is plain."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import Final

import numpy as np

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import is_decimal_comma
from nmo_stats.tables.coded import HEAD, Coded, CodedTable, coded, coded_rows, different_cells
from nmo_stats.tables.files import MOST_CELLS, MOST_ROWS, TableFile, refuse

_SEPARATORS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')
_HEAD_BYTES: Final = 65_536
_LONGEST_LINE: Final = 16 * 10**6
_UTF8: Final = ("text in UTF-8", "save it as 'CSV UTF-8'")


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


def read_text(content: bytes, file: TableFile) -> CodedTable:
    """Return the table in a text file."""
    mark = separator(content, file)
    _require_lines(content, mark, file.shown_name)
    source = file.source(content)
    if plain := read_columns(content, file, mark):
        table = coded(*plain, np.arange(2, 2 + len(plain[1][0][1]), dtype=np.int64), source)
    else:
        header, *body = read_rows(content, file, mark)
        table = coded_rows(header, body, range(2, len(body) + 2), source)
    return replace(table, separator=mark)


def _require_lines(content: bytes, mark: str, name: str) -> None:
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


def read_rows(content: bytes, file: TableFile, mark: str) -> list[list[str]]:
    """Return the cells of a text file, row by row.

    Raises
    ------
    CohortError
        If the file is not UTF-8, its quotes do not close, or its separator contradicts its decimal mark.
    """
    name = file.shown_name
    _require_text(content, name)
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    first = text.readline()
    if line := _SEPARATOR_LINE.match(first):  # in which Excel is told the separator: no row of the table
        refuse(name, f"a first line 'sep={line[1]}'", "the first row names the columns", "remove the line")
    if mark not in first and "|" in first:
        rule = "commas, semicolons or tabs between the cells"
        refuse(name, "cells separated by bars", rule, "save the table with commas between cells")
    text.seek(0)
    try:
        rows = list(csv.reader(text, delimiter=mark, strict=True))
    except csv.Error as error:
        refuse(name, str(error), "quotes open and close around a cell", "save the table again as plain CSV")
    if _has_two_meanings(mark, file) and not any(is_decimal_comma(cell) for row in rows for cell in row):
        rule = (
            "where the comma is the decimal mark, other marks separate the cells, or numbers stand in quotes"
        )
        remedy = "leave decimal=',' (--decimal ,) out, or save the table with semicolons"
        refuse(name, "cells separated by commas", rule, remedy)
    return rows


def read_columns(content: bytes, file: TableFile, mark: str) -> tuple[list[str], list[Coded]] | None:
    """Return names and columns of a plain text table; None for what only :func:`read_rows` tells apart."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    body = content.removeprefix(b"\xef\xbb\xbf")
    names = _plain_header(body, mark)
    if names is None or _has_two_meanings(mark, file):
        return None
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
    columns = [different_cells(table.column(key)) for key in keys]
    longest = max((len(str(cell)) for cells, _ in columns for cell in cells), default=0)
    return (names, columns) if longest <= csv.field_size_limit() else None


def _has_two_meanings(mark: str, file: TableFile) -> bool:
    """Return whether the comma is declared as the decimal mark, and separates the cells."""
    return mark == "," and file.decimal == ","


def _plain_header(body: bytes, mark: str) -> list[str] | None:
    """Return the names of the columns of a text in which every row is a line; None for any other."""
    end = body.find(b"\n")
    if end < 0 or not _is_plain(body, end, mark):
        return None
    try:
        names = next(csv.reader([body[:end].decode("utf-8")], delimiter=mark, strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return names if len(names) > 1 else None


def _is_plain(body: bytes, end: int, mark: str) -> bool:
    """Return whether every quote opens or closes a cell, lines end alike, and the header is not empty."""
    if b"\x00" in body or not body[:end].strip() or body.count(b"\r") != body.count(b"\r\n"):
        return False
    if b'"' not in body:
        return True
    letters = np.frombuffer(body, dtype=np.uint8)
    quotes = np.flatnonzero(letters == ord('"'))
    before = np.where(quotes == 0, ord("\n"), letters[quotes - 1])
    after = letters[np.minimum(quotes + 1, len(letters) - 1)]
    outside = [ord(mark), ord("\n"), ord("\r")]
    opening = np.isin(before, outside)
    closing = np.isin(after, outside) | (quotes == len(letters) - 1)
    alternating = np.arange(len(quotes)) % 2 == 0
    return bool(len(quotes) % 2 == 0 and np.all(opening[alternating]) and np.all(closing[~alternating]))


def _require_text(content: bytes, name: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        problem = Problem(f"byte 0x{content[error.start]:02x} is not UTF-8", *_UTF8, row=row)
        raise CohortError([problem], name) from None
    if b"\x00" in content:
        refuse(name, "a NUL character", *_UTF8)
