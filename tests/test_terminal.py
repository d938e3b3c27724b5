"""Sections on a terminal: lines within its width, no word, number or interval broken, all rows there."""

import io

import pytest
from rich.console import Console

from nmo_stats.sections.blocks import Bullets, Failure, Fold, Prose, Table
from nmo_stats.sections.terminal import paragraph, renderables, wrapped

INTERVALS = ("0.0214 to 0.999997", "at most 0.650", "1.2 (0.0413 to 0.910)", "beyond the follow-up")


def lines_of(blocks, width=80, most=None):
    """What a console of this width shows."""
    console = Console(file=io.StringIO(), width=width)
    for item in renderables(blocks, str, width, most):
        console.print(item)
    return console.file.getvalue().splitlines()


def table_of(columns, rows=4, **options):
    names = ("Method", *(f"Column {number}" for number in range(columns - 1)))
    cells = [
        (f"Poisson regression {row}", *(INTERVALS[(row + number) % 4] for number in range(columns - 1)))
        for row in range(rows)
    ]
    return Table("A table", names, tuple(cells), **options)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("columns", [2, 4, 6, 9])
def test_no_line_is_too_long_and_no_interval_is_broken(columns, width):
    lines = lines_of([table_of(columns)], width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert text.count("0.0413 to 0.910") == sum(
        "0.0413" in cell for row in table_of(columns).rows for cell in row
    )
    words = {word for line in lines for word in line.split()}
    assert {"follow-up", "Poisson", "regression"} <= words


def test_a_table_that_does_not_fit_is_written_row_by_row():
    text = "\n".join(lines_of([table_of(9)], 60))
    assert "Method: Poisson regression 3" in text
    assert "  Column 0: 0.0214 to 0.999997" in text
    long = table_of(9)
    long = Table("", long.columns, ((*long.rows[0][:-1], "word " * 40),))
    assert max(map(len, lines_of([long], 60))) <= 60


def test_rows_of_several_lines_are_set_apart_and_others_are_not():
    short = Table("", ("a", "b"), (("1", "2"), ("3", "4")))
    assert len(lines_of([short])) == 4
    long = Table("", ("a", "b"), ((" ".join(["word"] * 30), "2"), ("3", "4")))
    blank = [line for line in lines_of([long], 60) if not line.strip()]
    assert len(blank) == 1


def test_only_what_is_longer_than_a_line_is_broken_within():
    assert wrapped("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert wrapped("a 95 % interval", 8) == ["a 95 %", "interval"]
    assert wrapped("", 8) == [""]
    assert str(paragraph("one\ntwo", 80)) == "one\ntwo"
    assert wrapped("患者" * 4, 6) == ["患者患", "者患者", "患者"]


def test_every_kind_of_block_is_printed():
    blocks = [
        Prose("prose"),
        Failure("reason"),
        Fold("more", (Bullets(("item",)),)),
        table_of(2, notes=("a note",)),
    ]
    lines = lines_of(blocks)
    assert lines[:5] == ["prose", "", "failed: reason", "", "- item"]
    assert lines[-1] == "a note"


def test_a_long_table_says_where_its_rows_are():
    lines = lines_of([table_of(2, rows=30, file="tables/x.csv")], most=4)
    assert sum("regression" in line for line in lines) == 4
    assert "first 4 of 30 rows" in lines[-1]
    assert "tables/x.csv" in lines[-1]


@pytest.mark.parametrize("command", ["rates", "describe", "audit"])
def test_the_commands_keep_to_80_columns_in_a_pipe(run, command):
    code, out, _ = run(command, *(["--engine", "quadrature"] if command == "rates" else []))
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
