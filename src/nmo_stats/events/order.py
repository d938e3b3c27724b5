"""What must hold between the days of a patient: courses end after they start, do not overlap, and relapses fall within observation."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from nmo_stats.arrays import Codes, Flags
from nmo_stats.errors import Problem
from nmo_stats.events.columns import RELAPSES, TREATMENTS
from nmo_stats.events.days import day_text
from nmo_stats.events.records import NO_DAY, Events
from nmo_stats.events.timeline import Timeline, last_visits, timeline
from nmo_stats.tables.table import ParsedColumn

Text = Callable[[int], str]


def order_problems(events: Events, incomplete: Flags) -> list[Problem]:
    """Return every contradiction between the days of two tables.

    Parameters
    ----------
    events
        The rows whose cells are valid.
    incomplete
        For each patient whether courses of theirs are missing from ``events`` because a cell cannot be read: how long such a
        patient was observed is not known, and nothing is said about it.
    """
    courses = timeline(events)
    return [
        *_last_visits(events),
        *_course_problems(events, courses, incomplete),
        *_overlaps(events, courses),
        *_after_observation(events, courses, incomplete),
    ]


def unknown_patients(treated: ParsedColumn, relapsing: ParsedColumn, rows: Codes) -> list[Problem]:
    """Return the rows of the relapses whose patient has no row in the treatments, readable or not."""
    used = {treated.values[code] for code in np.unique(treated.codes).tolist()}
    known = {name for name in used if isinstance(name, str)}
    is_unknown = [isinstance(name, str) and name not in known for name in relapsing.values]
    if not known or not any(is_unknown):  # a table without courses has its own problem
        return []
    rule = "a patient of the relapses is in the treatments"
    alike = {_bare(name): name for name in known}
    problems = []
    for index in np.flatnonzero(np.array(is_unknown)[relapsing.codes]).tolist():
        name = relapsing.values[relapsing.codes[index]]
        meant = alike.get(_bare(name))
        remedy = (
            f"did you mean {meant!r}?" if meant else "add the patient's courses, or correct the identifier"
        )
        problems.append(Problem(repr(name), rule, remedy, int(rows[index]), name, "patient", RELAPSES.short))
    return problems


def _last_visits(events: Events) -> list[Problem]:
    """Return rows whose last visit is another one than in the patient's other rows."""
    given = events.courses.last_visit
    latest = last_visits(events.courses, len(events.patients))[events.courses.patient]
    text = _text(events)
    return [
        _treatment_problem(
            events,
            int(events.courses.row[index]),
            int(events.courses.patient[index]),
            ("last_visit", f"{text(int(given[index]))}, elsewhere {text(int(latest[index]))}"),
            ("a patient has one last visit", "give the last one in every row of the patient"),
        )
        for index in np.flatnonzero((given != NO_DAY) & (given != latest)).tolist()
    ]


def _course_problems(events: Events, courses: Timeline, incomplete: Flags) -> list[Problem]:
    visits = last_visits(events.courses, len(events.patients))[courses.patient]
    unknown = courses.end == NO_DAY
    complete = ~incomplete[courses.patient]
    ended = ~courses.ongoing
    text = _text(events)
    found = "empty, and no last visit"
    needs = "an ongoing course (empty end) needs the patient's last visit"
    cases: list[tuple[Flags, str, Callable[[int], str], tuple[str, str]]] = [
        (
            unknown & complete,
            "end",
            lambda _: found,
            (needs, "enter the end, or the day in a column 'last_visit'"),
        ),
        (
            ended & (courses.end <= courses.start),
            "end",
            lambda at: f"{text(int(courses.written_end[at]))} with start {text(int(courses.start[at]))}",
            (_ends_after(events), "correct one of the two days"),
        ),
        (
            courses.ongoing & ~unknown & (courses.end <= courses.start) & complete,
            "last_visit",
            lambda at: f"{text(int(visits[at]))} with start {text(int(courses.start[at]))}",
            ("the last visit comes after the start of an ongoing course", "correct one of the two days"),
        ),
        (
            ended & (visits != NO_DAY) & (courses.written_end > visits) & complete,
            "end",
            lambda at: f"{text(int(courses.written_end[at]))} with last visit {text(int(visits[at]))}",
            ("a course does not end after the last visit", "correct one of the two days"),
        ),
    ]
    return [
        _treatment_problem(
            events, int(courses.row[at]), int(courses.patient[at]), (column, words(at)), rule_and_remedy
        )
        for mask, column, words, rule_and_remedy in cases
        for at in np.flatnonzero(mask).tolist()
    ]


def _overlaps(events: Events, courses: Timeline) -> list[Problem]:
    """Return courses that start before an earlier one of the patient ended; touching ones do not overlap."""
    text = _text(events)
    problems = []
    same = courses.patient[1:] == courses.patient[:-1]
    known = (courses.end[:-1] != NO_DAY) & (courses.end[:-1] > courses.start[:-1])
    for at in (np.flatnonzero(same & known & (courses.start[1:] < courses.end[:-1])) + 1).tolist():
        before = at - 1
        end = "ongoing" if courses.ongoing[before] else f"to {text(int(courses.written_end[before]))}"
        found = (
            f"{text(int(courses.start[at]))}, within {courses.treatment[before]} of row {courses.row[before]} "
            f"({text(int(courses.start[before]))} {end})"
        )
        switch = "on the day before the switch" if events.last_day_counts else "at the switch"
        rule = (
            "the courses of a patient do not overlap",
            f"end the earlier course {switch}, or join the two",
        )
        problems.append(
            _treatment_problem(events, int(courses.row[at]), int(courses.patient[at]), ("start", found), rule)
        )
    return problems


def _bare(name: str) -> str:
    """Return what is left of an identifier without case, spaces, separators and leading zeros."""
    parts = re.split(r"(\d+)", re.sub(r"[\s._-]", "", name.casefold()))
    return "".join(part.lstrip("0") or "0" if place % 2 else part for place, part in enumerate(parts))


def _after_observation(events: Events, courses: Timeline, incomplete: Flags) -> list[Problem]:
    onsets, text = events.onsets, _text(events)
    known = (onsets.patient >= 0) & ~incomplete[onsets.patient]
    last = np.where(known, courses.observed_until[onsets.patient], 0)
    rule = "a relapse is not after the patient's last visit"
    remedy = "correct the day, or give the last visit in the column 'last_visit' of the treatments"
    return [
        Problem(
            f"{text(int(onsets.day[index]))}, last day observed {text(int(last[index]))}",
            rule,
            remedy,
            int(onsets.row[index]),
            events.patients[onsets.patient[index]],
            "onset",
            RELAPSES.short,
        )
        for index in np.flatnonzero(known & (last != NO_DAY) & (onsets.day > last)).tolist()
    ]


def _treatment_problem(
    events: Events, row: int, patient: int, found: tuple[str, str], rule: tuple[str, str]
) -> Problem:
    column, value = found
    return Problem(value, *rule, row, events.patients[patient], column, TREATMENTS.short)


def _ends_after(events: Events) -> str:
    if events.last_day_counts:
        return "a course does not end before the day on which it starts"
    return "a course ends after it starts"


def _text(events: Events) -> Text:
    return lambda day: day_text(day, dated=events.dated)
