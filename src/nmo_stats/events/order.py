"""What must hold between the days of a patient, such as courses that do not overlap."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from nmo_stats.arrays import Codes, Flags
from nmo_stats.errors import Problem
from nmo_stats.events.columns import RELAPSES, TREATMENTS
from nmo_stats.events.timeline import NO_DAY, Events, Timeline, timeline
from nmo_stats.tables.columns import Columns
from nmo_stats.tables.table import ParsedColumn

_CORRECT = "correct one of the two days"


@dataclass(frozen=True, eq=False)
class _Rule:
    """A rule of some rows: which rows break it, and what a message says of each.

    Parameters
    ----------
    broken
        Mask of the rows.
    column
        Where the value stands.
    value
        What a row has, by its position.
    expected, remedy
        The rule, and what the user can do.
    """

    broken: Flags
    column: str
    value: Callable[[int], str]
    expected: str
    remedy: str


def order_problems(events: Events, incomplete: Flags) -> list[Problem]:
    """Return every contradiction between the days of two tables.

    Parameters
    ----------
    events
        The rows whose cells are valid.
    incomplete
        For each patient whether courses of theirs are missing from ``events`` because a cell cannot be read:
        how long such a patient was observed is not known, and nothing is said about it.

    Returns
    -------
    list of Problem
        Those of the treatments, then those of the relapses.
    """
    courses, onsets = timeline(events), events.onsets
    known = (onsets.patient >= 0) & ~incomplete[onsets.patient]
    return [
        *_problems(
            events, TREATMENTS, _course_rules(events, courses, incomplete), courses.patient, courses.row
        ),
        *_problems(events, RELAPSES, [_observation(events, courses, known)], onsets.patient, onsets.row),
    ]


def _problems(
    events: Events, columns: Columns, rules: Iterable[_Rule], patient: Codes, rows: Codes
) -> list[Problem]:
    return [
        Problem(
            value=rule.value(at),
            rule=rule.expected,
            remedy=rule.remedy,
            row=int(rows[at]),
            patient=events.patients[patient[at]],
            column=rule.column,
            table=columns.short,
        )
        for rule in rules
        for at in np.flatnonzero(rule.broken).tolist()
    ]


def _course_rules(events: Events, courses: Timeline, incomplete: Flags) -> tuple[_Rule, ...]:
    """Return the rules of the courses; touching courses do not overlap."""
    start, end, visit = courses.start, courses.end, courses.visit
    ended, complete, unknown = ~courses.ongoing, ~incomplete[courses.patient], end == NO_DAY
    switch = "on the day before the switch" if events.last_day_counts else "at the switch"
    goes_before = np.append(False, ~courses.is_last & ~unknown & (end > start))[:-1]  # the course before

    def days(column: Codes, other: str, others: Codes) -> Callable[[int], str]:
        return lambda at: f"{events.text(column[at])}, {other} {events.text(others[at])}"

    return (
        _Rule(
            (courses.own_visit != NO_DAY) & (courses.own_visit != visit),
            "last_visit",
            days(courses.own_visit, "elsewhere", visit),
            "one last visit of a patient",
            "give the last one in every row of the patient",
        ),
        _Rule(
            unknown & complete,
            "end",
            lambda _: "empty, and no last visit",
            "an end, or the patient's last visit for an ongoing course",
            "enter the end, or the day in a column 'last_visit'",
        ),
        _Rule(
            ended & (end <= start),
            "end",
            days(courses.written_end, "start", start),
            f"an end {'on or ' if events.last_day_counts else ''}after the start",
            _CORRECT,
        ),
        _Rule(
            courses.ongoing & ~unknown & (end <= start) & complete,
            "last_visit",
            days(visit, "start", start),
            "a last visit after the start of an ongoing course",
            _CORRECT,
        ),
        _Rule(
            ended & (visit != NO_DAY) & (courses.written_end > visit) & complete,
            "end",
            days(courses.written_end, "last visit", visit),
            "an end not after the last visit",
            _CORRECT,
        ),
        _Rule(
            goes_before & (start < np.append(0, end[:-1])),
            "start",
            lambda at: f"{events.text(start[at])}, within {_span(events, courses, at - 1)}",
            "courses of a patient that do not overlap",
            f"end the earlier course {switch}, or join the two",
        ),
    )


def _span(events: Events, courses: Timeline, at: int) -> str:
    end = "ongoing" if courses.ongoing[at] else f"to {events.text(courses.written_end[at])}"
    return f"{courses.treatment[at]} of row {courses.row[at]} ({events.text(courses.start[at])} {end})"


def _observation(events: Events, courses: Timeline, known: Flags) -> _Rule:
    onsets = events.onsets
    last = np.where(known, courses.observed_until[onsets.patient], NO_DAY)
    return _Rule(
        (last != NO_DAY) & (onsets.day > last),
        "onset",
        lambda at: f"{events.text(onsets.day[at])}, last day observed {events.text(last[at])}",
        "a relapse not after the patient's last visit",
        "correct the day, or give the last visit in the column 'last_visit' of the treatments",
    )


def unknown_patients(treated: ParsedColumn, relapsing: ParsedColumn, rows: Codes) -> list[Problem]:
    """Return the rows of the relapses whose patient has no row in the treatments, readable or not."""
    used = {treated.values[code] for code in np.unique(treated.codes).tolist()}
    known = {name for name in used if isinstance(name, str)}
    is_unknown = np.array(
        [isinstance(name, str) and name not in known for name in relapsing.values], dtype=bool
    )
    if not known:  # a table without courses has its own problem
        return []
    alike = {_bare(name): name for name in known} if is_unknown.any() else {}
    problems = []
    for index in np.flatnonzero(is_unknown[relapsing.codes]).tolist():
        name = relapsing.values[relapsing.codes[index]]
        meant = alike.get(_bare(name))
        remedy = (
            f"did you mean {meant!r}?" if meant else "add the patient's courses, or correct the identifier"
        )
        expected = "a patient of the treatments"
        problems.append(
            Problem(repr(name), expected, remedy, int(rows[index]), name, "patient", RELAPSES.short)
        )
    return problems


def _bare(name: str) -> str:
    """Return what is left of an identifier without case, spaces, separators and leading zeros."""
    parts = re.split(r"(\d+)", re.sub(r"[\s._-]", "", name.casefold()))
    return "".join(part.lstrip("0") or "0" if place % 2 else part for place, part in enumerate(parts))
