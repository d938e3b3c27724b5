"""From the two tables to courses and onsets as arrays, or to every problem of both tables at once."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.cohort.persons import person_problems
from nmo_stats.errors import CohortError, Problem
from nmo_stats.events.columns import COMPUTED, RELAPSES, TREATMENT_DAYS, TREATMENTS, reading_dates
from nmo_stats.events.days import DateTexts, day_number
from nmo_stats.events.order import order_problems, unknown_patients
from nmo_stats.events.parsed import ParsedTable
from nmo_stats.events.readings import date_texts, once_a_column, year_problems
from nmo_stats.events.records import NO_DAY, Courses, Events, Onsets
from nmo_stats.events.rules import Rules
from nmo_stats.tables.cells import Fault
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
from nmo_stats.tables.redcap import in_our_shape
from nmo_stats.tables.table import CodedTable, ParsedColumn, Source

_DIGITS: Final = re.compile(r"(\d+)", re.ASCII)
_SHAPE: Final = str.maketrans("123456789", "000000000")


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
    treatments = in_our_shape(treatments, mapping, TREATMENTS)
    relapses = in_our_shape(relapses, mapping, RELAPSES)
    texts = date_texts((treatments, relapses), mapping, rules.dates)
    tables = [
        _parsed(treatments, TREATMENTS, mapping, texts[0]),
        _parsed(relapses, RELAPSES, mapping, texts[1]),
    ]
    problems = _renaming_problems(mapping, treatments, relapses)
    problems += [problem for table in tables for problem in table.problems]
    mixed = year_problems(tables) or _mixed(tables)
    events = None if mixed else _readable_events(*tables, last_day_counts=rules.end == "inclusive")
    problems += [*mixed, *_two_people(tables), *_unknown(*tables), *_contradictions(events, tables[0])]
    if problems or events is None:
        raise CohortError(_sorted(problems), _joint_name(treatments.source, relapses.source))
    return events


def _two_people(tables: list[ParsedTable]) -> list[Problem]:
    """Return the rows that differ from an earlier one, of either table, in what cannot change within a person."""
    readable = [read for read in tables if "patient" in read.parsed]
    names = {
        name
        for read in readable
        for name in read.parsed
        if name not in read.columns.parsers and is_fact(name)
    }
    names -= _of_attacks(tables)
    if not names:
        return []
    columns = {
        name: [
            cell
            for read in readable
            for cell in (
                read.parsed[name].in_rows() if name in read.parsed else [None] * len(read.table.rows)
            )
        ]
        for name in ("patient", *sorted(names))
    }
    rows = [int(row) for read in readable for row in read.table.rows]
    labels = [str(read.columns.short) for read in readable for _ in range(len(read.table.rows))]
    return person_problems(columns, rows, ("patient",), labels)


def _of_attacks(tables: list[ParsedTable]) -> set[str]:
    """Return the columns that only the relapses have and that may be of the attack: the site of a myelitis is no centre."""
    elsewhere = {name for read in tables if read.columns.short != RELAPSES.short for name in read.parsed}
    return {name for read in tables for name in read.parsed if name.strip().lower() == "site"} - elsewhere


def _readable_events(
    treatments: ParsedTable, relapses: ParsedTable, *, last_day_counts: bool
) -> Events | None:
    """Return the rows of which the patient and the days can be read, all of them in valid tables; None without any course."""
    rows = [
        treatments.readable(("patient", "treatment", *TREATMENT_DAYS)),
        relapses.readable(("patient", "onset")),
    ]
    for read in rows:
        if not set(read.columns.required) <= read.parsed.keys():
            return None
    return _events(*rows, last_day_counts=last_day_counts) if len(rows[0].table.rows) else None


def _unknown(treatments: ParsedTable, relapses: ParsedTable) -> list[Problem]:
    treated, relapsing = treatments.parsed.get("patient"), relapses.parsed.get("patient")
    if treated is None or relapsing is None:
        return []
    return unknown_patients(treated, relapsing, relapses.table.rows)


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


def joint_source(first: Source, second: Source) -> Source:
    """Return one source for two tables: both names, and the hash of their two hashes."""
    digest = hashlib.sha256(f"{first.sha256} {second.sha256}".encode()).hexdigest()
    return Source(_joint_name(first, second), digest, (first, second))


def _joint_name(first: Source, second: Source) -> str:
    return first.name if first.name == second.name else f"{first.name} and {second.name}"


def _sorted(problems: list[Problem]) -> list[Problem]:
    tables = [None, TREATMENTS.short, RELAPSES.short]
    return sorted(problems, key=lambda problem: (tables.index(problem.table), by_row(problem)))


def _renaming_problems(
    mapping: Mapping[str, str], treatments: CodedTable, relapses: CodedTable
) -> list[Problem]:
    """Return what is wrong with the renaming: it serves both tables, so a column needs to be in one of them."""
    found = [*treatments.columns, *relapses.columns]
    known = [*TREATMENTS.parsers, *RELAPSES.parsers]
    return renaming_problems(mapping, found, known, "tables of treatments and relapses")


def _parsed(
    table: CodedTable, columns: Columns, mapping: Mapping[str, str], texts: Mapping[str, DateTexts]
) -> ParsedTable:
    ours = {foreign: name for foreign, name in mapping.items() if name in columns.parsers}
    if below := header_below(table, ours, columns):
        return ParsedTable(table, columns, {}, [below])
    names = [ours.get(column, column) for column in table.columns]
    problems = [
        *header_problems(table, names, columns),
        *(
            _computed(columns, name)
            for name in dict.fromkeys(names)
            if columns is TREATMENTS and name in COMPUTED
        ),
    ]
    parsed, cell_problems = parsed_columns(table, names, reading_dates(columns, texts))
    problems += once_a_column(cell_problems, texts)
    if columns is TREATMENTS and not len(table.rows) and not problems:
        problems.append(
            Problem(
                "header only",
                "the table has one row per course of a drug",
                "add the courses",
                table=columns.short,
            )
        )
    return ParsedTable(table, columns, parsed, problems)


def _computed(columns: Columns, name: str) -> Problem:
    rule = f"{name!r} is computed from the events"
    return Problem("present", rule, "rename or remove the column", column=name, table=columns.short)


def _mixed(tables: list[ParsedTable]) -> list[Problem]:
    """Return the rows of the rarer kind where some days are dates and others are numbers."""
    places: dict[bool, list[Problem]] = {True: [], False: []}
    kinds: dict[bool, int] = {True: 0, False: 0}
    for read in tables:
        for name in (*TREATMENT_DAYS, "onset"):
            if name not in read.parsed or name not in read.columns.parsers:
                continue
            column = read.parsed[name]
            for is_date in (True, False):
                fits = [_is_date(value) is is_date for value in column.values]
                rows = (
                    np.flatnonzero(np.array(fits, dtype=bool)[column.codes])
                    if fits
                    else np.array([], dtype=int)
                )
                kinds[is_date] += len(rows)
                places[is_date] += _mixed_rows(read, name, rows[:100], is_date=is_date)
    if not (kinds[True] and kinds[False]):
        return []
    return places[kinds[True] < kinds[False]]


def _is_date(value: object) -> bool | None:
    if value is None or isinstance(value, Fault):
        return None
    return isinstance(value, datetime.date)


def _mixed_rows(read: ParsedTable, name: str, rows: npt.NDArray[Any], *, is_date: bool) -> list[Problem]:
    rule = "all days are dates, or all are numbers of days"
    remedy = "write the number of days, as elsewhere" if is_date else "write the date, as elsewhere"
    return [read.problem(row, name, rule, remedy) for row in rows.tolist()]


def _events(treatments: ParsedTable, relapses: ParsedTable, *, last_day_counts: bool) -> Events:
    patients, codes, others = _patients(treatments.parsed["patient"], relapses.parsed["patient"])
    return Events(
        patients=patients,
        courses=_courses(treatments, codes),
        onsets=_onsets(relapses, others),
        dated=_dated(treatments.parsed["start"]),
        last_day_counts=last_day_counts,
        source=joint_source(treatments.table.source, relapses.table.source),
        blank_rows=(treatments.table.blank_rows, relapses.table.blank_rows),
        unread_sheets=tuple(dict.fromkeys((*treatments.table.unread_sheets, *relapses.table.unread_sheets))),
        unused_columns=tuple(name for name in relapses.parsed if name not in RELAPSES.parsers),
        remarks=tuple(dict.fromkeys((*treatments.table.remarks, *relapses.table.remarks))),
    )


def _dated(starts: ParsedColumn) -> bool:
    return isinstance(starts.values[starts.codes[0]], datetime.date)


def _patients(
    treated: ParsedColumn, relapsing: ParsedColumn
) -> tuple[tuple[str, ...], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the patients of the treatments in natural order, and the place of the patient of each row; -1 for an unknown one."""
    in_use = np.unique(treated.codes)
    names = [treated.values[code] for code in in_use.tolist()]
    patients = pd.Index(_in_order(set(names)), dtype="object")
    places = patients.get_indexer(pd.Index(treated.values, dtype="object"))
    others = (
        patients.get_indexer(pd.Index(relapsing.values, dtype="object")) if relapsing.values else places[:0]
    )
    return (
        tuple(patients),
        np.asarray(places, dtype=np.int64)[treated.codes],
        np.asarray(others, dtype=np.int64)[relapsing.codes],
    )


def _in_order(names: set[str]) -> list[str]:
    """Sort names so that P2 comes before P10; names of one shape, P002 and P010, are so as texts."""
    shapes = {name.translate(_SHAPE) for name in names}
    return sorted(names) if len(shapes) == 1 else sorted(names, key=_natural)


def _natural(name: str) -> tuple[object, ...]:
    """Return a key that puts P2 before P10."""
    parts = _DIGITS.split(name)  # digits stand at odd places, so that like meets like
    numbers = [part.lstrip("0") if place % 2 else part for place, part in enumerate(parts)]
    return (*[(len(part), part) if place % 2 else part for place, part in enumerate(numbers)],), name


def _courses(read: ParsedTable, patient: npt.NDArray[np.int64]) -> Courses:
    days = {name: _days(read.parsed[name]) for name in TREATMENT_DAYS if name in read.parsed}
    rows = len(patient)
    known = {*TREATMENT_DAYS, "patient", "treatment"}
    return Courses(
        patient=patient,
        treatment=read.parsed["treatment"].in_rows(),
        start=days["start"],
        end=days["end"],
        last_visit=days.get("last_visit", np.full(rows, NO_DAY)),
        row=read.table.rows,
        others=pd.DataFrame(
            {name: _series(column, name) for name, column in read.parsed.items() if name not in known},
            index=pd.RangeIndex(rows),
        ),
    )


def _series(column: ParsedColumn, name: str) -> pd.Series:
    if name == "ended_by_relapse":
        return pd.Series(column.in_rows(), dtype="boolean")
    if name in TREATMENTS.parsers:
        return pd.Series(column.in_rows("float64"))
    return covariate_series(column)


def _onsets(read: ParsedTable, patient: npt.NDArray[np.int64]) -> Onsets:
    severity = read.parsed.get("severity")
    return Onsets(
        patient=patient,
        names=read.parsed["patient"],
        day=_days(read.parsed["onset"]),
        row=read.table.rows,
        severity=None if severity is None else severity.in_rows(),
    )


def _days(column: ParsedColumn) -> npt.NDArray[np.int64]:
    numbers = [
        NO_DAY if value is None or isinstance(value, Fault) else day_number(value) for value in column.values
    ]
    return np.array(numbers, dtype=np.int64)[column.codes] if numbers else np.empty(0, dtype=np.int64)
