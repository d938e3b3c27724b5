"""From cells to parsed columns: names, renaming, missing columns, and the problem of every cell that breaks its rule."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Final

import pandas as pd

from nmo_stats.errors import ArgumentError, Problem
from nmo_stats.tables.cells import (
    COMMA_REMEDY,
    Cell,
    Fault,
    as_text,
    is_decimal_comma,
    is_encodable,
    is_missing,
    parse_covariate,
    shown,
    with_decimal_comma,
)
from nmo_stats.tables.nearest import nearest, nearest_name
from nmo_stats.tables.raw import DecimalMark, RawTable

Parser = Callable[[Cell], object]
Named = dict[str, tuple[Cell, ...]]
_CHOICE: Final = re.compile(r"(.+?)___(.+)|(.+?) \(choice=(.+)\)", re.IGNORECASE)  # raw name, or label
_WORDS: Final = re.compile(r"[\s_.\-/]+")  # between the words of a name


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
            f"columns {columns!r}: a mapping of foreign names to ours, e.g. {{'record_id': 'patient'}}"
        )
    return {as_text(foreign): as_text(ours) for foreign, ours in columns.items()}


def renaming_problems(
    mapping: Mapping[str, str], found: Iterable[str], known: Iterable[str], table: str
) -> list[Problem]:
    """Return what is wrong with a renaming: columns that the table has not, and names that are not ours."""
    names, ours_known = list(found), list(known)
    reversed_ones = {
        foreign: ours
        for foreign, ours in mapping.items()
        if foreign not in names and foreign in ours_known and ours in names and ours not in ours_known
    }
    others = [pair for pair in mapping.items() if pair[0] not in reversed_ones]
    turned = [
        Problem(
            rename_text(foreign, ours),
            "a renaming gives your name first, then ours",
            f"did you mean {rename_text(ours, foreign)}?",
        )
        for foreign, ours in reversed_ones.items()
    ]
    unknown = [
        Problem(rename_text(foreign, ours), f"the table has a column {foreign!r}", nearest(foreign, names))
        for foreign, ours in others
        if foreign not in names
    ]
    targets = [
        Problem(
            rename_text(foreign, ours),
            f"{ours!r} is a column of the {table}",
            _nearest_of_ours(ours, ours_known),
        )
        for foreign, ours in others
        if ours not in ours_known
    ]
    return turned + unknown + targets


def _nearest_of_ours(name: str, known: Sequence[str]) -> str:
    """Return which of our columns is meant; never one with another unit, which looks like it by the rest of its name."""
    stem = name.lower().partition("exposure_")[2][:3]
    return nearest(name, [ours for ours in known if not ours.startswith("exposure_") or ours[9:12] == stem])


def named_columns(
    found: Sequence[str], cells: Sequence[tuple[Cell, ...]], mapping: Mapping[str, str]
) -> tuple[Named, list[Problem]]:
    """Return the cells by our column names, and the problems of the names."""
    names = [mapping.get(column, column) for column in found]
    problems = [
        Problem(f"{count} columns", "a column stands once", "remove or rename the others", column=name)
        for name, count in Counter(names).items()
        if count > 1 and name
    ]
    named = {name: column for name, column in zip(names, cells, strict=True) if name}
    nameless = [column for name, column in zip(names, cells, strict=True) if not name]
    if any(not is_missing(cell) for column in nameless for cell in column):
        problems.append(
            Problem("a column without a name", "every column has a name", "name it in the header row")
        )
    return named, problems


def missing_columns(named: Iterable[str], columns: Columns) -> list[Problem]:
    """Return a problem for each required column that is not there."""
    found = set(named)
    others = [name for name in named if name not in columns.parsers and not choice_of(name)]
    fields = [choice[0] for name in named if (choice := choice_of(name))]
    problems = []
    for name in columns.required:
        if name not in found:
            candidates = [*others, *(fields if name == "treatment" else ())]
            meant = nearest_name(name, candidates, columns.aliases.get(name, ()))
            alike = [] if meant.lower() in columns.aliases.get(name, ()) else _alike(meant, candidates)
            others = [other for other in others if other != meant]  # one column cannot be two of ours
            remedy = f"did you mean {meant!r}? {rename_text(meant, name)}" if meant else _add(name, others)
            if alike:  # several would do, and a command would choose one of them
                remedy = (
                    f"{' or '.join(map(repr, alike))}: rename the one that is meant to {name!r}; if each is of "
                    "another period, make a row of each period"
                )
            problems.append(Problem("missing", f"the table has a column {name!r}", remedy, column=name))
    return problems


def _alike(meant: str, candidates: Sequence[str]) -> list[str]:
    """Return the columns that differ in one word of their names, the one that is meant among them; none if it is alone.

    Examples
    --------
    >>> _alike("relapses_after", ["relapses_before", "relapses_after", "relapse_type"])
    ['relapses_before', 'relapses_after']
    """
    words = _WORDS.split(meant.lower())
    alike = [
        other
        for other in candidates
        if len(parts := _WORDS.split(other.lower())) == len(words) > 1
        and sum(map(str.__ne__, parts, words)) <= 1
    ]
    return alike if len(alike) > 1 else []


def choice_of(name: str) -> tuple[str, str] | None:
    """Return field and choice of a REDCap checkbox, one of a set of columns; None for any other name.

    REDCap writes the minus of a code such as -99 as a fourth underscore.

    Examples
    --------
    >>> choice_of("treatment___2"), choice_of("Drug (choice=rituximab)"), choice_of("drug")
    (('treatment', '2'), ('Drug', 'rituximab'), None)
    """
    found = _CHOICE.fullmatch(name)
    if found is None:
        return None
    field, choice = (text for text in found.groups() if text is not None)
    return field, choice


def _add(name: str, others: Sequence[str]) -> str:
    """Return what to do without a column of a name that is known; no command, since nobody knows which column is meant."""
    if not others:
        return "add it"
    return f"add it, or rename the one that holds it ({', '.join(map(repr, others[:6]))}) to {name!r}"


def header_below(
    head: Iterable[tuple[int, tuple[str, ...]]], mapping: Mapping[str, str], columns: Columns
) -> Problem | None:
    """Return the problem of a table whose column names stand below its first row, under a title; None where they do not.

    Parameters
    ----------
    head
        Number and texts of the first rows below the first.
    """
    for row, texts in head:
        names = {mapping.get(text, text) for text in texts}
        if set(columns.required) <= names:
            listed = ", ".join(columns.required)
            found = f"row {row} holds the column names {listed}"
            rule = "the first row names the columns"
            return Problem(found, rule, "remove the rows above it", table=columns.short)
    return None


def with_sheets(problem: Problem, sheets: Sequence[str], option: str, call: str) -> Problem:
    """Say of a missing column that it may be on another sheet of the workbook.

    Parameters
    ----------
    sheets
        The sheets that were not read and hold something.
    option, call
        How a sheet is chosen at the prompt and in Python, up to its name.
    """
    if not sheets:
        return problem
    listed = ", ".join(map(repr, sheets[:6]))
    advice = f"or choose another sheet ({listed}): {call}{sheets[0]!r}) ({option}{in_shell(sheets[0])})"
    return replace(problem, remedy=f"{problem.remedy}; {advice}")


def parsed_columns(
    named: Named, raw: RawTable, columns: Columns
) -> tuple[dict[str, list[Any]], list[Problem]]:
    """Return every column parsed, and the problem of every cell that breaks its rule; the Faults stay in the columns."""
    rows = raw.rows
    patients = named.get("patient", (None,) * len(rows))
    parsed: dict[str, list[Any]] = {}
    problems = []
    for name, cells in named.items():
        parser = columns.parser_of(name, raw.decimal)
        if parser is None and (problem := covariate_problem(name, cells, raw.decimal, raw.separator)):
            problems.append(problem)
        parsed[name] = covariate(cells, raw.decimal) if parser is None else _each(parser, cells)
        faulty = Fault in set(map(type, parsed[name]))  # seldom, and a scan of all cells costs time
        for index, value in enumerate(parsed[name] if faulty else ()):
            if isinstance(value, Fault):
                patient = None if is_missing(patients[index]) else as_text(patients[index])
                found = shown(cells[index])
                problems.append(Problem(found, value.rule, value.remedy, rows[index], patient, name))
    return parsed, problems


def covariate(cells: Sequence[Cell], decimal: DecimalMark) -> list[Any]:
    """Read a whole covariate: numbers if every filled cell is one, else text as found."""
    if decimal == ",":
        pointed = [with_decimal_comma(cell) for cell in cells]
        numbers = [None] if any(isinstance(cell, Fault) for cell in pointed) else parse_covariate(pointed)
        if numbers and isinstance(numbers[0], float):
            return list(numbers)
        return [None if is_missing(cell) else as_text(cell) for cell in cells]
    return list(parse_covariate(cells))


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
    if separator != ";" or decimal != ".":
        return None
    found = next(filter(is_decimal_comma, filled), None)
    pointed = [with_decimal_comma(cell) for cell in filled]
    if found is None or not isinstance(parse_covariate(pointed)[0], float):
        return None
    return Problem(shown(found), "the numbers of a table have one decimal mark", COMMA_REMEDY, column=name)


def by_row(problem: Problem) -> int:
    """Return the key that sorts problems in the order of the table, those of the whole table first."""
    return problem.row if problem.row is not None else -1


def covariate_series(cells: list[Any]) -> pd.Series:
    """Return a parsed covariate with the type of its cells."""
    is_number = all(isinstance(cell, float) for cell in cells)
    return pd.Series(cells, dtype="float64" if is_number else "object")


def rename_text(foreign: str, ours: str) -> str:
    """Return how a column is renamed, in Python and at the prompt."""
    return f"columns={{{foreign!r}: {ours!r}}} (--column {in_shell(f'{foreign}={ours}')})"


def in_shell(text: str) -> str:
    """Return a text as it is typed at the prompt, in quotes where they are needed."""
    if re.fullmatch(r"[\w.,=+/-]+", text):
        return text
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def _with_comma(parser: Parser, cell: Cell) -> object:
    pointed = with_decimal_comma(cell)
    return pointed if isinstance(pointed, Fault) else parser(pointed)


def _each(parser: Parser, cells: tuple[Cell, ...]) -> list[Any]:
    """Parse every cell, equal ones once: most columns hold few different cells."""
    once = lru_cache(maxsize=None, typed=True)(parser)
    try:
        return [once(cell) for cell in cells]
    except TypeError:  # a list or another cell that cannot be hashed
        return [parser(cell) for cell in cells]
