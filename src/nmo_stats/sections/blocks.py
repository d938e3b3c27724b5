"""What a report page is made of: sections of a few kinds of blocks, free of HTML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    kind: ClassVar[str] = "prose"
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed check in place of a result; the only red on the page."""

    kind: ClassVar[str] = "failure"
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ready-made texts; the first column holds names, the others are set right.

    Parameters
    ----------
    caption
        What the table shows.
    columns
        Headings.
    rows
        Cells, each row as long as ``columns``.
    words
        Indices of further columns that hold words, set left.
    notes
        Sentences below the table.
    file
        File of the report that holds all rows, where there may be too many to show.
    most_open
        Rows up to which the page shows the table without being asked; None: always.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    file: str = ""
    most_open: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure.

    Parameters
    ----------
    name
        File name without suffix.
    alt
        What a reader who cannot see the figure needs to know.
    caption
        What the figure shows and how to read it.
    svg, png
        The drawing.
    """

    kind: ClassVar[str] = "picture"
    name: str
    alt: str
    caption: str
    svg: bytes
    png: bytes


@dataclass(frozen=True, slots=True)
class Fold:
    """Detail that unfolds on the page and is printed in full."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: tuple[Block, ...]


Block = Prose | Failure | Bullets | Table | Picture | Fold


@dataclass(frozen=True, slots=True)
class Section:
    """A section: one plain sentence that states the result, then the blocks that show it."""

    name: str
    title: str
    lead: str
    blocks: tuple[Block, ...] = ()


def shortened(table: Table, most: int) -> Table:
    """Return the table with its first rows only, and a note that says so, if it has more than ``most``."""
    number = len(table.rows)
    if number <= most:
        return table
    where = f"; all are in {table.file} of the report" if table.file else ""
    note = f"The first {most} of {number} rows{where}."
    return replace(table, rows=table.rows[:most], notes=(*table.notes, note))


def pictures(blocks: Iterable[Block | Section]) -> tuple[Picture, ...]:
    """Return every picture of blocks or sections, folded ones included."""
    return tuple(
        picture
        for block in blocks
        for picture in (pictures(block.blocks) if isinstance(block, Fold | Section) else (block,))
        if isinstance(picture, Picture)
    )
