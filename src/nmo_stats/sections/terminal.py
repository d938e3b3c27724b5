"""Blocks of a section as a terminal shows them: the same tables and sentences as on the page, in 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from nmo_stats.sections.blocks import Block, Bullets, Failure, Fold, Picture, Prose, Table

WIDTH = 80


def renderables(blocks: Iterable[Block], readable: Callable[[str], str] = str) -> Iterator[Text | Grid]:
    """Return what a rich console prints for each block; figures are left to the page.

    Parameters
    ----------
    blocks
        Of one section or of several.
    readable
        Makes a text fit for the terminal, e.g. writes out its invisible characters.

    Examples
    --------
    >>> [str(line) for line in renderables([Prose("No relapse."), Bullets(("one reason",))])]
    ['No relapse.', '- one reason']
    """
    for block in blocks:
        yield from _rendered(block, readable)


def _rendered(block: Block, readable: Callable[[str], str]) -> Iterator[Text | Grid]:
    match block:
        case Prose():
            yield Text(readable(block.text))
        case Failure():
            yield Text(readable(f"failed: {block.text}"))
        case Bullets():
            yield from (Text(readable(f"- {item}")) for item in block.items)
        case Table():
            yield Text(readable(block.caption), style="bold")
            yield grid(block, readable)
            yield from (Text(readable(note)) for note in block.notes)
        case Fold():
            yield from renderables(block.blocks, readable)
        case Picture():
            return


def grid(table: Table, readable: Callable[[str], str] = str) -> Grid:
    """Return a table whose columns of words wrap and whose numbers stay on one line."""
    drawn = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(table.columns):
        words = index == 0 or index in table.words
        cells = [len(row[index]) for row in table.rows]
        drawn.add_column(
            Text(readable(name)),
            justify="left" if words else "right",
            overflow="fold",
            min_width=None if words else max(cells, default=0),
        )
    for row in table.rows:
        drawn.add_row(*(Text(readable(cell)) for cell in row))
    return drawn
