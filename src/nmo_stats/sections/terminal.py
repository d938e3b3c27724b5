"""Blocks of a section as a terminal shows them: the same tables and sentences as on the page.

Lines break between words, never in a number or an interval. A table whose columns do not fit side by side is
written row by row, each value behind the name of its column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from rich import box
from rich.cells import cell_len, chop_cells
from rich.table import Table as Grid
from rich.text import Text

from nmo_stats.sections.blocks import Block, Bullets, Failure, Fold, Picture, Prose, Table, shortened

WIDTH: Final = 80
_GAP: Final = 2
_UNIT: Final = re.compile(r"\S*[\d∞](?: (?:to|of|/) [−\d∞]\S*)+|\S*\d %\S*|\S+")  # what no line break divides
Readable = Callable[[str], str]


def renderables(
    blocks: Iterable[Block], readable: Readable = str, width: int = WIDTH, most: int | None = None
) -> Iterator[Text | Grid]:
    """Return what a rich console prints for each block; figures are left to the page.

    Parameters
    ----------
    blocks
        Of one section or of several.
    readable
        Makes a text fit for the terminal, e.g. writes out its invisible characters.
    width
        Characters in a line.
    most
        Rows of a table that are printed at most; None: all of them.

    Examples
    --------
    >>> [str(line) for line in renderables([Prose("No relapse."), Bullets(("one reason",))])]
    ['No relapse.', '- one reason']
    """
    for number, block in enumerate(block for block in blocks if not isinstance(block, Picture)):
        if number and not isinstance(block, Bullets):
            yield Text()
        yield from _rendered(block, readable, width, most)


def _rendered(block: Block, readable: Readable, width: int, most: int | None) -> Iterator[Text | Grid]:
    match block:
        case Prose():
            yield paragraph(readable(block.text), width)
        case Failure():
            yield paragraph(readable(f"failed: {block.text}"), width)
        case Bullets():
            yield from (paragraph(readable(item), width, first="- ", rest="  ") for item in block.items)
        case Table():
            yield from _table(block if most is None else shortened(block, most), readable, width)
        case Fold():
            yield from renderables(block.blocks, readable, width, most)


def paragraph(text: str, width: int = WIDTH, first: str = "", rest: str = "") -> Text:
    """Return text in lines of at most ``width`` characters, which begin with ``first``, then ``rest``.

    Parameters
    ----------
    text
        What to write; its own line breaks are kept.
    width
        Characters in a line.
    first, rest
        What the first line and the others begin with.

    Examples
    --------
    >>> print(paragraph("the ratio is 0.20 (0.02 to 0.98)", 24, first="- ", rest="  "))
    - the ratio is 0.20
      (0.02 to 0.98)
    """
    room = max(width - max(cell_len(first), cell_len(rest)), 1)
    lines = [line for part in text.split("\n") for line in wrapped(part, room)]
    return Text("\n".join(f"{rest if number else first}{line}" for number, line in enumerate(lines)))


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text; only what is longer than a line is broken within.

    Parameters
    ----------
    text
        Without line breaks.
    width
        Characters in a line.

    Returns
    -------
    list of str
        At least one line.

    Examples
    --------
    >>> wrapped("interval 0.0214 to 0.984", 16)
    ['interval', '0.0214 to 0.984']
    """
    lines = [""]
    for unit in _units(text):
        longer = f"{lines[-1]} {unit}" if lines[-1] else unit
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            pieces = chop_cells(unit, width)
            lines = [*(lines if lines[-1] else []), *pieces]
    return lines


def _units(text: str) -> list[str]:
    return _UNIT.findall(text)


def _table(table: Table, readable: Readable, width: int) -> Iterator[Text | Grid]:
    if table.caption:
        yield Text(str(paragraph(readable(table.caption), width)), style="bold")
    if table.rows:
        columns = [readable(name) for name in table.columns]
        rows = [[readable(cell) for cell in row] for row in table.rows]
        yield _grid(columns, rows, {0, *table.words}, width)
    yield from (paragraph(readable(note), width) for note in table.notes)


def _grid(columns: list[str], rows: list[list[str]], words: set[int], width: int) -> Grid | Text:
    """Return the table with its columns side by side; row by row where they do not fit."""
    cells = list(zip(*rows, strict=True))
    widths = _widths(columns, cells, words, width - _GAP * (len(columns) - 1))
    if widths is None:
        return Text("\n\n".join(_record(columns, row, width) for row in rows))
    lines = [[wrapped(cell, room) for cell, room in zip(row, widths, strict=True)] for row in rows]
    is_long = any(len(cell) > 1 for row in lines for cell in row)
    drawn = Grid(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), leading=int(is_long)
    )
    for index, (name, room) in enumerate(zip(columns, widths, strict=True)):
        heading = Text("\n".join(wrapped(name, room)))
        drawn.add_column(heading, justify="left" if index in words else "right", width=room, vertical="top")
    for row in lines:
        drawn.add_row(*(Text("\n".join(cell)) for cell in row))
    return drawn


def _record(columns: list[str], row: list[str], width: int) -> str:
    head, *rest = (f"{name}: {cell}" for name, cell in zip(columns, row, strict=True))
    return "\n".join(
        [str(paragraph(head, width)), *(str(paragraph(line, width, "  ", "    ")) for line in rest)]
    )


def _widths(
    columns: Sequence[str], cells: Sequence[Sequence[str]], words: set[int], room: int
) -> list[int] | None:
    """Return the width of each column, numbers before words and headings last; None where they do not fit."""
    least = [max(map(_longest, (name, *column))) for name, column in zip(columns, cells, strict=True)]
    if sum(least) > room:
        return None
    natural = [max(map(cell_len, column)) for column in cells]
    numbers = [wide if index not in words else 0 for index, wide in enumerate(natural)]
    widths = least
    for wanted in (numbers, natural, list(map(cell_len, columns))):
        widths = _widened(widths, wanted, room)
    return widths


def _widened(widths: list[int], wanted: list[int], room: int) -> list[int]:
    """Return the widths after widening the most crowded column again and again while there is room."""
    widths = list(widths)
    while sum(widths) < room:
        crowded = max(range(len(widths)), key=lambda index: wanted[index] / widths[index])
        if wanted[crowded] <= widths[crowded]:
            break
        widths[crowded] += 1
    return widths


def _longest(text: str) -> int:
    return max(map(cell_len, _units(text)), default=1)
