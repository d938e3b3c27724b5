"""From cells to parsed columns: names, renaming, missing columns, and the problem of every cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from nmo_stats.errors import ArgumentError, Problem
from nmo_stats.tables.cells import (
    COMMA_REMEDY,
    Cell,
    Fault,
    Unreadable,
    as_text,
    is_decimal_comma,
    is_encodable,
    is_missing,
    parse_covariate,
    shown,
    with_decimal_comma,
)
from nmo_stats.tables.coded import CodedTable, DecimalMark, ParsedColumn
from nmo_stats.tables.column_names import choice_of, in_shell, nearest, nearest_name, rename_text

Parser = Callable[[Cell], object]
_BETWEEN_WORDS: Final = re.compile(r"[\s_.\-/]+")


@dataclass(frozen=True)
class Columns:
    """The columns of one kind of table.

    Parameters
    ----------
    table
        What messages call the table, e.g. ``"period table"``.
    parsers
        Every known column with the rule of one cell.
    required
        Columns without which there is no table.
    aliases
        Other names under which users keep a required column.
    texts
        Known columns that hold no number, so that a decimal mark means nothing in them.
    short
        Which of several tables this is in a message, e.g. ``"relapses"``; None where there is one.
    """

    table: str
    parsers: Mapping[str, Parser]
    required: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ("patient", "treatment")
    short: str | None = None

    def parser_of(self, name: str, decimal: DecimalMark) -> Parser | None:
        """Return the rule of one cell of a column, None for a covariate."""
        parser = self.parsers.get(name)
        if parser is None or decimal == "." or name in self.texts:
            return parser
        return partial(_with_comma, parser)


def renaming(columns: Mapping[str, str] | None) -> dict[str, str]:
    """Return foreign names to ours as text.

    Raises
    ------
    ArgumentError
        If ``columns`` is not a mapping.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        raise ArgumentError(
            f"columns {columns!r}. Expected: a mapping of foreign names to ours, "
            "e.g. {'record_id': 'patient'}."
        )
    return {as_text(foreign): as_text(ours) for foreign, ours in columns.items()}


def renaming_problems(
    mapping: Mapping[str, str], found: Iterable[str], known: Iterable[str], table: str
) -> list[Problem]:
    """Return what is wrong with a renaming: columns that the table has not, and names that are not ours."""
    names, ours_known = list(found), list(known)
    turned, unknown, targets = [], [], []
    for foreign, ours in mapping.items():
        problem = partial(Problem, rename_text(foreign, ours))
        if foreign not in names and foreign in ours_known and ours in names and ours not in ours_known:
            remedy = f"did you mean {rename_text(ours, foreign)}?"
            turned.append(problem("a renaming gives your name first, then ours", remedy))
            continue
        if foreign not in names:
            unknown.append(problem(f"the table has a column {foreign!r}", nearest(foreign, names)))
        if ours not in ours_known:
            rule = f"{ours!r} is a column of the {table}"
            targets.append(problem(rule, _nearest_of_ours(ours, ours_known)))
    return turned + unknown + targets


def _nearest_of_ours(name: str, known: Sequence[str]) -> str:
    """Return which of our columns is meant; never one with another unit, which looks like it otherwise."""
    stem = name.lower().partition("exposure_")[2][:3]
    return nearest(name, [ours for ours in known if not ours.startswith("exposure_") or ours[9:12] == stem])


def header_problems(table: CodedTable, names: Sequence[str], columns: Columns) -> list[Problem]:
    """Return what is wrong with the columns, called ``names`` if renamed, and rows that do not fit."""
    problems = [
        Problem(f"{count} columns", "a column stands once", "remove or rename the others", column=name)
        for name, count in Counter(names).items()
        if count > 1 and name
    ]
    nameless = [cells for name, cells in zip(names, table.cells, strict=True) if not name]
    if any(not is_missing(cell) for cells in nameless for cell in cells):
        problems.append(
            Problem("a column without a name", "every column has a name", "name it in the header row")
        )
    missing = [with_sheets(problem, table, columns) for problem in missing_columns(names, columns)]
    return [replace(problem, table=columns.short) for problem in (*problems, *table.faults, *missing)]


def missing_columns(named: Iterable[str], columns: Columns) -> list[Problem]:
    """Return a problem for each required column that is not there."""
    present = list(filter(None, dict.fromkeys(named)))
    others = [name for name in present if name not in columns.parsers and not choice_of(name)]
    fields = [choice[0] for name in present if (choice := choice_of(name))]
    problems = []
    for name in columns.required:
        if name in present:
            continue
        candidates = [*others, *(fields if name == "treatment" else ())]
        meant = nearest_name(name, candidates, columns.aliases.get(name, ()))
        is_alias = meant.lower() in columns.aliases.get(name, ())
        others = [other for other in others if other != meant]  # one column cannot be two of ours
        remedy = _rename_or_add(name, meant, others, [] if is_alias else _alike(meant, candidates))
        problems.append(Problem("missing", f"the table has a column {name!r}", remedy, column=name))
    return problems


def _rename_or_add(name: str, meant: str, others: Sequence[str], alike: Sequence[str]) -> str:
    """Return what to do without a column; a command only where one column alone can be meant."""
    if alike:
        several = " or ".join(map(repr, alike))
        return (
            f"{several}: rename the one that is meant to {name!r}; if each is of another period, "
            "make a row of each period"
        )
    if meant:
        return f"did you mean {meant!r}? Rename it: {rename_text(meant, name)}"
    if not others:
        return "add it"
    return f"add it, or rename the one that holds it ({', '.join(map(repr, others[:6]))}) to {name!r}"


def _alike(meant: str, candidates: Sequence[str]) -> list[str]:
    """Return the columns whose names differ in one word from what is meant; none if it is alone.

    Examples
    --------
    >>> _alike("relapses_after", ["relapses_before", "relapses_after", "relapse_type"])
    ['relapses_before', 'relapses_after']
    """
    words = _BETWEEN_WORDS.split(meant.lower())
    alike = [
        other
        for other in candidates
        if len(parts := _BETWEEN_WORDS.split(other.lower())) == len(words) > 1
        and sum(map(str.__ne__, parts, words)) <= 1
    ]
    return alike if len(alike) > 1 else []


def header_below(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> Problem | None:
    """Return the problem of a table whose column names are below its first row, under a title; else None."""
    if set(columns.required) <= {mapping.get(name, name) for name in table.columns}:
        return None
    for row, texts in table.head:
        if set(columns.required) <= {mapping.get(text, text) for text in texts}:
            value = f"row {row} holds the column names {', '.join(columns.required)}"
            rule = "the first row names the columns"
            return Problem(value, rule, "remove the rows above it", table=columns.short)
    return None


def with_sheets(problem: Problem, table: CodedTable, columns: Columns) -> Problem:
    """Say of a missing column that it may be on another sheet of the workbook, and how that one is chosen."""
    sheets = table.unread_sheets
    if not sheets:
        return problem
    call, option = ("read_periods", "") if columns.short is None else ("TableFile", f"{columns.short}=")
    advice = (
        f"or choose another sheet ({', '.join(map(repr, sheets[:6]))}): {call}(path, sheet={sheets[0]!r}) "
        f"(--sheet {option}{in_shell(sheets[0])})"
    )
    return replace(problem, remedy=f"{problem.remedy}; {advice}")


def parsed_columns(
    table: CodedTable, names: Sequence[str], columns: Columns
) -> tuple[dict[str, ParsedColumn], list[Problem]]:
    """Return every column parsed, its Faults included, and the problem of every cell that breaks its rule.

    Parameters
    ----------
    table
        The cells.
    names
        Our name of each column of the table; one that is ``""`` or stands twice is left out.
    columns
        The columns of such a table.
    """
    parsed: dict[str, ParsedColumn] = {}
    problems: list[Problem] = []
    names = list(names)
    patients = names.index("patient") if "patient" in names else None
    faulty: list[Problem] = []
    for place, name in enumerate(names):
        if not name or names.count(name) > 1:
            continue
        cells, codes = table.cells[place], table.codes[place]
        parser = columns.parser_of(name, table.decimal)
        if parser is None and (problem := covariate_problem(name, cells, table.decimal, table.separator)):
            problems.append(replace(problem, table=columns.short))
        values = (
            covariate(cells, table.decimal) if parser is None else [_parsed(parser, cell) for cell in cells]
        )
        parsed[name] = ParsedColumn(tuple(values), codes)
        faulty += _cell_problems(table, patients, (name, place, values), columns.short)
    return parsed, [*problems, *faulty]


def _parsed(parser: Parser, cell: Cell) -> object:
    return cell.fault if isinstance(cell, Unreadable) else parser(cell)


def _cell_problems(
    table: CodedTable, patients: int | None, column: tuple[str, int, Sequence[Any]], short: str | None
) -> Iterator[Problem]:
    """Return the problem of each row whose value in a column (name, place, values) is a Fault."""
    name, place, values = column
    is_fault = np.array([isinstance(value, Fault) for value in values], dtype=bool)
    if not is_fault.any():
        return
    cells, codes = table.cells[place], table.codes[place]
    for index in np.flatnonzero(is_fault[codes]).tolist():
        cell, fault = cells[codes[index]], values[codes[index]]
        value = cell.found if isinstance(cell, Unreadable) else shown(cell)
        patient = None if patients is None else table.cells[patients][table.codes[patients][index]]
        who = None if is_missing(patient) else as_text(patient)
        yield Problem(value, fault.rule, fault.remedy, int(table.rows[index]), who, name, short)


def covariate(cells: Sequence[Cell], decimal: DecimalMark) -> list[Any]:
    """Read a whole covariate: numbers if every filled cell is one, else text as found."""
    if decimal == ".":
        return list(parse_covariate(cells))
    pointed = [with_decimal_comma(cell) for cell in cells]
    if not any(isinstance(cell, Fault) for cell in pointed):
        numbers = parse_covariate(pointed)
        if numbers and isinstance(numbers[0], float):
            return list(numbers)
    return [None if is_missing(cell) else as_text(cell) for cell in cells]


def covariate_problem(
    name: str, cells: Iterable[Cell], decimal: DecimalMark, separator: str
) -> Problem | None:
    """Return the problem of a covariate: text that no file can hold, or decimal commas that are not declared.

    Where semicolons separate the cells a column of numbers with decimal commas would be kept as text. Between
    commas a cell with a comma stands in quotes, and its text may be meant.
    """
    filled = [cell for cell in cells if not is_missing(cell)]
    lone = next((cell for cell in filled if isinstance(cell, str) and not is_encodable(cell)), None)
    if lone is not None:
        return Problem(shown(lone), "text is valid Unicode", "type the cell anew", column=name)
    comma = next(filter(is_decimal_comma, filled), None)
    if separator != ";" or decimal != "." or comma is None:
        return None
    if not isinstance(parse_covariate([with_decimal_comma(cell) for cell in filled])[0], float):
        return None
    return Problem(shown(comma), "the numbers of a table have one decimal mark", COMMA_REMEDY, column=name)


def by_row(problem: Problem) -> int:
    """Return the key that sorts problems in the order of the table, those of the whole table first."""
    return problem.row if problem.row is not None else -1


def covariate_series(column: ParsedColumn) -> pd.Series:
    """Return a parsed covariate with the type of its cells."""
    is_number = all(isinstance(cell, float) for cell in column.values)
    return pd.Series(column.in_rows(), dtype="float64" if is_number else "object")


def _with_comma(parser: Parser, cell: Cell) -> object:
    pointed = with_decimal_comma(cell)
    return pointed if isinstance(pointed, Fault) else parser(pointed)
