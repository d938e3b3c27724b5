"""From the two tables to courses and onsets as arrays, or to every problem of both tables at once."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.cohort.rows import person_problems
from nmo_stats.errors import CohortError, Problem
from nmo_stats.events.columns import (
    COMPUTED,
    DAY_PARSERS,
    RELAPSES,
    TREATMENT_DAYS,
    TREATMENTS,
    date_texts,
    once_a_column,
    reading_dates,
)
from nmo_stats.events.days import COUNTS_INSTEAD, FIRST_YEAR, LAST_YEAR, OWN_ORIGIN, DateTexts, day_number
from nmo_stats.events.order import order_problems, unknown_patients
from nmo_stats.events.rules import Rules
from nmo_stats.events.timeline import NO_DAY, Courses, Events, Onsets, timeline
from nmo_stats.tables.cells import Fault, shown
from nmo_stats.tables.coded import CodedTable, ParsedColumn, Source
from nmo_stats.tables.column_names import is_fact
from nmo_stats.tables.columns import (
    Columns,
    by_row,
    covariate_series,
    header_below,
    header_problems,
    parsed_columns,
    renaming,
    renaming_problems,
)
from nmo_stats.tables.redcap import from_redcap

_DIGITS: Final = re.compile(r"(\d+)", re.ASCII)
_SHAPE: Final = str.maketrans("123456789", "000000000")
_LONGEST: Final = 100  # years between the first and the last day of a series
_MOST_MIXED: Final = 100  # rows of a column that are named where dates and numbers are mixed


@dataclass(frozen=True, eq=False)
class ParsedTable:
    """One of the two tables whose columns are parsed, and what is wrong with it.

    Parameters
    ----------
    table
        The cells.
    columns
        Its known columns.
    parsed
        Every column, faults included.
    problems
        What is wrong with its names and cells.
    """

    table: CodedTable
    columns: Columns
    parsed: dict[str, ParsedColumn]
    problems: list[Problem]

    @property
    def day_columns(self) -> list[str]:
        """The columns of the table that hold days."""
        return [name for name in self.columns.parsers if name in DAY_PARSERS and name in self.parsed]

    def rows_with(self, name: str, kind: type) -> Codes:
        """Return the positions of the rows whose value in a column is of a type."""
        column = self.parsed[name]
        fits = np.array([isinstance(value, kind) for value in column.values], dtype=bool)
        return np.flatnonzero(fits[column.codes])

    def values_of(self, name: str) -> list[Any]:
        """Return the value of each row in a column, None where the table has no such column."""
        column = self.parsed.get(name)
        return [None] * len(self.table.rows) if column is None else column.in_rows().tolist()

    def faulty(self, names: Iterable[str]) -> Flags:
        """Return a mask of the rows that have a cell in one of these columns that cannot be read."""
        mask = np.zeros(len(self.table.rows), dtype=bool)
        for name in set(names) & self.parsed.keys():
            mask[self.rows_with(name, Fault)] = True
        return mask

    def readable(self, names: Sequence[str]) -> ParsedTable:
        """Return the rows in which all of these columns can be read; all rows of a valid table."""
        if not self.problems:
            return self
        keep = ~self.faulty(names)
        parsed = {name: self.parsed[name] for name in names if name in self.parsed}
        return replace(
            self,
            table=replace(self.table, rows=self.table.rows[keep]),
            parsed={name: ParsedColumn(column.values, column.codes[keep]) for name, column in parsed.items()},
        )

    def problem(self, index: int, name: str, rule: str, remedy: str) -> Problem:
        """Return the problem of one cell that can be read."""
        column, patients = self.parsed[name], self.parsed.get("patient")
        patient = None if patients is None else patients.values[patients.codes[index]]
        who = patient if isinstance(patient, str) else None
        value = column.values[column.codes[index]]
        text = shown(value) if isinstance(value, str) else str(value)
        return Problem(text, rule, remedy, int(self.table.rows[index]), who, name, self.columns.short)


def events_of(
    treatments: CodedTable, relapses: CodedTable, columns: Mapping[str, str] | None, rules: Rules
) -> Events:
    """Return the courses and the onsets of two tables, their dates and ends as the rules say.

    Raises
    ------
    CohortError
        With every problem of both tables.
    ArgumentError
        If ``columns`` is not a mapping.
    """
    mapping = renaming(columns)
    given = (
        from_redcap(treatments, mapping, TREATMENTS),  # any other table stays as it is
        from_redcap(relapses, mapping, RELAPSES),
    )
    texts = date_texts(given, mapping, rules.dates)
    courses = _parsed(given[0], TREATMENTS, mapping, texts[0])
    onsets = _parsed(given[1], RELAPSES, mapping, texts[1])
    mixed = _years(courses, onsets) or _mixed(courses, onsets)
    events = None if mixed else _readable_events(courses, onsets, last_day_counts=rules.end == "inclusive")
    # a renaming serves both tables, so a column needs to be in one of them
    names = [name for table in given for name in table.columns]
    known = [*TREATMENTS.parsers, *RELAPSES.parsers]
    problems = [
        *renaming_problems(mapping, names, known, "tables of treatments and relapses"),
        *courses.problems,
        *onsets.problems,
        *mixed,
        *_two_people(courses, onsets),
        *unknown_patients(courses.parsed.get("patient"), onsets.parsed.get("patient"), onsets.table.rows),
        *_contradictions(events, courses),
    ]
    if problems or events is None:
        raise CohortError(_sorted(problems), _joint_name(*given))
    return events


def _parsed(
    table: CodedTable, columns: Columns, mapping: Mapping[str, str], texts: Mapping[str, DateTexts]
) -> ParsedTable:
    ours = {foreign: name for foreign, name in mapping.items() if name in columns.parsers}
    names = [ours.get(column, column) for column in table.columns]
    if below := header_below(table, ours, columns):
        return ParsedTable(table, columns, {}, [below])
    problem = partial(Problem, table=columns.short)
    computed = [name for name in dict.fromkeys(names) if name in COMPUTED and columns is TREATMENTS]
    rule = "a column that is not computed from the events"
    parsed, of_cells = parsed_columns(table, names, reading_dates(columns, texts))
    problems = [
        *header_problems(table, names, columns),
        *(problem("present", rule, "rename or remove the column", column=name) for name in computed),
        *once_a_column(of_cells, texts),
    ]
    if columns is TREATMENTS and not len(table.rows) and not problems:
        problems.append(problem("header only", "one row for each course of a drug", "add the courses"))
    return ParsedTable(table, columns, parsed, problems)


def _years(*tables: ParsedTable) -> list[Problem]:
    """Return a problem of each column of years, where all numbers of the treatments look like years."""
    rule = f"days, not years: all numbers of the column lie between {FIRST_YEAR} and {LAST_YEAR}"
    remedy = f"these look like years: write dates, such as 2013-03-01; {COUNTS_INSTEAD}; {OWN_ORIGIN}"
    if not _are_years(tables[0], tables[0].day_columns):
        return []
    return [
        table.problem(int(table.rows_with(name, int)[0]), name, rule, remedy)
        for table in tables
        for name in table.day_columns
        if _are_years(table, [name])
    ]


def _are_years(table: ParsedTable, names: Iterable[str]) -> bool:
    """Return whether the numbers in columns of days are those of years."""
    numbers = [value for name in names for value in table.parsed[name].values if isinstance(value, int)]
    if not numbers:
        return False
    low, high = min(numbers), max(numbers)
    return low >= FIRST_YEAR and high <= LAST_YEAR and high - low <= _LONGEST


def _mixed(*tables: ParsedTable) -> list[Problem]:
    """Return the rows of the rarer kind where some days are dates and others are numbers."""
    columns = [(table, name) for table in tables for name in table.day_columns]
    dates, numbers = (
        [table.rows_with(name, kind) for table, name in columns] for kind in (datetime.date, int)
    )
    of_dates, of_numbers = (sum(map(len, rows)) for rows in (dates, numbers))
    if not (of_dates and of_numbers):
        return []
    rarer, kind = (dates, "number of days") if of_dates < of_numbers else (numbers, "date")
    rule = "days that are all dates, or all numbers of days"
    return [
        table.problem(row, name, rule, f"write the {kind}, as elsewhere")
        for (table, name), rows in zip(columns, rarer, strict=True)
        for row in rows[:_MOST_MIXED].tolist()
    ]


def _two_people(*tables: ParsedTable) -> list[Problem]:
    """Return the rows that contradict an earlier one, of either table, about the person."""
    readable = [table for table in tables if "patient" in table.parsed]
    others = {name for table in readable for name in table.parsed if name not in table.columns.parsers}
    facts = [name for name in sorted(others) if is_fact(name) and not _is_of_attack(name, *tables)]
    if not facts:
        return []
    columns = {
        name: [cell for table in readable for cell in table.values_of(name)] for name in ("patient", *facts)
    }
    rows = [int(row) for table in readable for row in table.table.rows]
    labels = [str(table.columns.short) for table in readable for _ in table.table.rows]
    return person_problems(columns, rows, ("patient",), labels)


def _is_of_attack(name: str, treatments: ParsedTable, relapses: ParsedTable) -> bool:
    """Return whether a column of the relapses alone may be of the attack: the site of a myelitis."""
    return name.strip().lower() == "site" and name in relapses.parsed and name not in treatments.parsed


def _readable_events(
    treatments: ParsedTable, relapses: ParsedTable, *, last_day_counts: bool
) -> Events | None:
    """Return the rows of which the patient and the days can be read; None without any course."""
    courses = treatments.readable(("patient", "treatment", *TREATMENT_DAYS))
    onsets = relapses.readable(("patient", "onset"))
    for read in (courses, onsets):
        if not set(read.columns.required) <= read.parsed.keys():
            return None
    return _events(courses, onsets, last_day_counts=last_day_counts) if len(courses.table.rows) else None


def _contradictions(events: Events | None, treatments: ParsedTable) -> list[Problem]:
    """Return what contradicts each other among the days that can be read."""
    if events is None:
        return []
    names, patients = treatments.parsed["patient"], pd.Index(events.patients, dtype="object")
    lost = names.codes[treatments.faulty(("treatment", *TREATMENT_DAYS))]
    places = patients.get_indexer(pd.Index([names.values[code] for code in lost.tolist()], dtype="object"))
    incomplete = np.zeros(len(patients), dtype=bool)
    incomplete[places[places >= 0]] = True
    whole = any(problem.row is None for problem in treatments.problems)
    if whole or treatments.table.faults or treatments.faulty(["patient"]).any():
        incomplete[:] = True  # a row that cannot be assigned may be anyone's
    return order_problems(events, incomplete)


def _joint_source(first: CodedTable, second: CodedTable) -> Source:
    """Return one source for two tables: both names, and the hash of their two hashes."""
    digest = hashlib.sha256(f"{first.source.sha256} {second.source.sha256}".encode()).hexdigest()
    return Source(_joint_name(first, second), digest, (first.source, second.source))


def _joint_name(*tables: CodedTable) -> str:
    return " and ".join(dict.fromkeys(table.source.name for table in tables))


def _sorted(problems: list[Problem]) -> list[Problem]:
    tables = [None, TREATMENTS.short, RELAPSES.short]
    return sorted(problems, key=lambda problem: (tables.index(problem.table), by_row(problem)))


def _events(treatments: ParsedTable, relapses: ParsedTable, *, last_day_counts: bool) -> Events:
    both = (treatments.table, relapses.table)
    patients = pd.Index(_patients(treatments.parsed["patient"]), dtype="object")
    return Events(
        patients=tuple(patients),
        courses=_courses(treatments, patients, last_day_counts=last_day_counts),
        onsets=_onsets(relapses, _positions(patients, relapses.parsed["patient"])),
        dated=len(treatments.rows_with("start", datetime.date)) > 0,
        last_day_counts=last_day_counts,
        source=_joint_source(*both),
        blank_rows=(both[0].blank_rows, both[1].blank_rows),
        unread_sheets=tuple(dict.fromkeys(sheet for table in both for sheet in table.unread_sheets)),
        unused_columns=tuple(name for name in relapses.parsed if name not in RELAPSES.parsers),
        remarks=tuple(dict.fromkeys(remark for table in both for remark in table.remarks)),
    )


def _patients(treated: ParsedColumn) -> list[str]:
    """Return the patients so that P2 comes before P10; names of one shape, P002 and P010, are so as texts."""
    names = {treated.values[code] for code in np.unique(treated.codes).tolist()}
    shapes = {name.translate(_SHAPE) for name in names}
    return sorted(names) if len(shapes) == 1 else sorted(names, key=_natural)


def _natural(name: str) -> tuple[object, ...]:
    """Return a key that puts P2 before P10."""
    parts = _DIGITS.split(name)  # digits stand at odd places, so that like meets like
    numbers = [part.lstrip("0") if place % 2 else part for place, part in enumerate(parts)]
    return (*[(len(part), part) if place % 2 else part for place, part in enumerate(numbers)],), name


def _positions(patients: pd.Index[str], column: ParsedColumn) -> Codes:
    """Return the position of the patient of each row; -1 for an unknown one."""
    positions = patients.get_indexer(pd.Index(column.values, dtype="object"))
    return np.asarray(positions, dtype=np.int64)[column.codes]


def _courses(read: ParsedTable, patients: pd.Index[str], *, last_day_counts: bool) -> Courses:
    parsed, rows = read.parsed, len(read.table.rows)
    days = {name: _days(parsed[name]) if name in parsed else np.full(rows, NO_DAY) for name in TREATMENT_DAYS}
    table = pd.DataFrame(
        {
            "patient": _positions(patients, parsed["patient"]),
            "treatment": pd.Series(parsed["treatment"].in_rows(), dtype="object"),
            **days,
            "row": read.table.rows,
        }
    )
    names = [name for name in parsed if name not in table]
    others = pd.DataFrame({name: _series(parsed[name], name) for name in names}, index=table.index)
    return timeline(table, others, len(patients), last_day_counts=last_day_counts)


def _onsets(read: ParsedTable, patient: Codes) -> Onsets:
    severity = read.parsed.get("severity")
    texts = None if severity is None else severity.in_rows()
    return Onsets(patient=patient, day=_days(read.parsed["onset"]), row=read.table.rows, severity=texts)


def _series(column: ParsedColumn, name: str) -> pd.Series[Any]:
    if name == "ended_by_relapse":
        return pd.Series(column.in_rows(), dtype="boolean")
    if name in TREATMENTS.parsers:
        return pd.Series(column.in_rows("float64"))
    return covariate_series(column)


def _days(column: ParsedColumn) -> Codes:
    numbers = [
        NO_DAY if value is None or isinstance(value, Fault) else day_number(value) for value in column.values
    ]
    return np.array(numbers, dtype=np.int64)[column.codes]
