"""What the commands print: tables for people on a terminal, one JSON document for machines."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as Grid
from rich.text import Text

from nmo_stats.arguments import Progress as DrawProgress
from nmo_stats.characters import plain, visible
from nmo_stats.sections.blocks import Block
from nmo_stats.sections.terminal import WIDTH, paragraph, renderables

BAD_INPUT: Final = 2  # exit codes
FAILED_DIAGNOSTIC: Final = 3


def say(text: str = "") -> None:
    """Print a sentence; text of the user is never read as markup."""
    _print(paragraph(_readable(text), _console().width))


def say_blocks(blocks: Iterable[Block], most: int | None = None) -> None:
    """Print blocks of a section: the tables and sentences of the page, in the width of the terminal.

    Parameters
    ----------
    blocks
        Of one section or of several.
    most
        Rows of a table that are printed at most; None: all of them.
    """
    for item in renderables(blocks, _readable, _console().width, most):
        _print(item)


def say_json(content: object) -> None:
    """Print one JSON document, valid in every encoding: what that may lack is escaped as JSON does."""
    is_unicode = _encoding().lower().replace("-", "").startswith("utf")
    document = json.dumps(content, indent=1, ensure_ascii=not is_unicode, allow_nan=False)
    # what is left to escape is half of a surrogate pair, and JSON writes it as Python does
    say_text(document.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def say_text(text: str) -> None:
    """Print text as it is.

    Raises
    ------
    OSError
        If it cannot be written, e.g. to a full disk; nothing where the reader of a pipe has left.
    """
    with _writing():
        sys.stdout.write(text)
        sys.stdout.flush()


def complain(text: str) -> None:
    """Print an error block to standard error; where that cannot be written there is nobody to tell."""
    try:
        sys.stderr.write(f"nmo-stats: {plain(visible(text), sys.stderr.encoding or 'utf-8')}\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


class _Rate(ProgressColumn):
    """How much is done in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} {self.unit}/s")


@contextmanager
def progress_bar(title: str, unit: str = "") -> Iterator[DrawProgress | None]:
    """Show a bar on a terminal during long work, with its rate where a unit is named; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        *((_Rate(unit),) if unit else ()),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(content: Text | Grid) -> None:
    with _writing():
        _console().print(content)


def _console() -> Console:
    console = _Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else _Console(highlight=False, width=WIDTH, no_color=True)


class _Console(Console):
    """A console that leaves a broken pipe to us; rich would end the program with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  # the error that is being handled


@contextmanager
def _writing() -> Iterator[None]:
    """Name standard output where it cannot be written, and go on where nobody reads it any more."""
    try:
        yield
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise OSError(error.errno, error.strerror, "standard output") from error


def _readable(text: str) -> str:
    return plain(visible(text), _encoding())


def _encoding() -> str:
    return sys.stdout.encoding or "utf-8"


def _discard(stream: TextIO) -> None:
    """Send what a stream still holds nowhere: the interpreter would try again at its end, and complain."""
    with suppress(OSError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
