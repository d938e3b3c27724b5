"""What must hold between the days of a patient, such as courses that do not overlap."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from nmo_stats.arrays import Codes, Flags
from nmo_stats.errors import Problem
from nmo_stats.events.columns import RELAPSES, TREATMENTS
from nmo_stats.events.timeline import NO_DAY, Events
from nmo_stats.tables.coded import ParsedColumn
from nmo_stats.tables.columns import Columns

_CORRECT: Final = "correct one of the two days"
_VISIT: Final = "the column 'last_visit' of the treatments"
# what a row that breaks a rule is told: column, rule, remedy
_RULES: Final = {
    "visits": ("last_visit", "one last visit of a patient", "give the last one in every row of the patient"),
    "no_end": (
        "end",
        "an end, or a last visit for an ongoing course",
        f"enter the end, or the day in {_VISIT}",
    ),
    "ends_before": ("end", "an end after the start", _CORRECT),
    "inclusive_ends_before": ("end", "an end on or after the start", _CORRECT),
    "visit_before": ("last_visit", "a last visit after the start of an ongoing course", _CORRECT),
    "end_after_visit": ("end", "an end not after the last visit", _CORRECT),
    "overlap": (
        "start",
        "courses that do not overlap",
        "end the first course at the switch, or join them",
    ),
    "inclusive_overlap": ("start", "courses that do not overlap", "end the earlier course on the day before"),
    "after_visit": ("onset", "a relapse not after the last visit", f"correct the day, or give {_VISIT}"),
}
_Broken = dict[str, tuple[Flags, Callable[[int], str]]]


def order_problems(events: Events, incomplete: Flags) -> list[Problem]:
    """Return every contradiction between the days of two tables.

    Parameters
    ----------
    events
        The rows whose cells are valid.
    incomplete
        For each patient whether a course is missing from ``events`` because a cell cannot be read: the end of
        observation is not known then, and nothing is said about it.

    Returns
    -------
    list of Problem
        Those of the treatments, then those of the relapses.
    """
    courses, onsets = events.courses, events.onsets
    return [
        *_problems(events, TREATMENTS, _courses(events, incomplete), courses.patient, courses.row),
        *_problems(events, RELAPSES, _onsets(events, incomplete), onsets.patient, onsets.row),
    ]


def _problems(
    events: Events, columns: Columns, broken: _Broken, patient: Codes, rows: Codes
) -> list[Problem]:
    """Return the problem of each row that breaks a rule, given the rows and what they have."""
    return [
        Problem(value(at), rule, remedy, int(rows[at]), events.patients[patient[at]], column, columns.short)
        for code, (mask, value) in broken.items()
        for column, rule, remedy in [_RULES[code]]
        for at in np.flatnonzero(mask).tolist()
    ]


def _courses(events: Events, incomplete: Flags) -> _Broken:
    """Return what is wrong with courses; touching ones do not overlap."""
    courses, text = events.courses, events.text
    start, end, written, visit = courses.start, courses.end, courses.written_end, courses.visit
    ended, complete, unknown = ~courses.ongoing, ~incomplete[courses.patient], end == NO_DAY
    is_before = ~courses.is_last & ~unknown & (end > start)  # a course that another one may overlap
    inclusive = "inclusive_" if events.last_day_counts else ""

    def within(at: int) -> str:
        until = "ongoing" if courses.ongoing[at - 1] else f"to {text(written[at - 1])}"
        before = f"{courses.treatment[at - 1]} of row {courses.row[at - 1]} ({text(start[at - 1])} {until})"
        return f"{text(start[at])}, within {before}"

    return {
        "visits": (
            (courses.own_visit != NO_DAY) & (courses.own_visit != visit),
            lambda at: f"{text(courses.own_visit[at])}, elsewhere {text(visit[at])}",
        ),
        "no_end": (unknown & complete, lambda _: "empty, and no last visit"),
        f"{inclusive}ends_before": (
            ended & (end <= start),
            lambda at: f"{text(written[at])}, start {text(start[at])}",
        ),
        "visit_before": (
            ~ended & ~unknown & (end <= start) & complete,
            lambda at: f"{text(visit[at])}, start {text(start[at])}",
        ),
        "end_after_visit": (
            ended & (visit != NO_DAY) & (written > visit) & complete,
            lambda at: f"{text(written[at])}, last visit {text(visit[at])}",
        ),
        f"{inclusive}overlap": (
            np.append(False, is_before)[:-1] & (start < np.append(0, end[:-1])),
            within,
        ),
    }


def _onsets(events: Events, incomplete: Flags) -> _Broken:
    """Return the relapses after the last day of observation."""
    onsets, text = events.onsets, events.text
    known = (onsets.patient >= 0) & ~incomplete[onsets.patient]
    last = np.where(known, events.courses.observed_until[onsets.patient], NO_DAY)
    late = (last != NO_DAY) & (onsets.day > last)
    return {"after_visit": (late, lambda at: f"{text(onsets.day[at])}, last day observed {text(last[at])}")}


def unknown_patients(
    treated: ParsedColumn | None, relapsing: ParsedColumn | None, rows: Codes
) -> list[Problem]:
    """Return the rows of the relapses whose patient has no row in the treatments, readable or not."""
    if treated is None or relapsing is None:
        return []
    used = (treated.values[code] for code in np.unique(treated.codes).tolist())
    known, rule = {name for name in used if isinstance(name, str)}, "a patient of the treatments"
    is_unknown = [isinstance(name, str) and name not in known for name in relapsing.values]
    if not known or not any(is_unknown):  # a table without courses has its own problem
        return []
    problems, alike = [], {_bare(name): name for name in known}
    for index in np.flatnonzero(np.array(is_unknown, dtype=bool)[relapsing.codes]).tolist():
        name = relapsing.values[relapsing.codes[index]]
        meant = alike.get(_bare(name))
        remedy = (
            f"did you mean {meant!r}?" if meant else "add the patient's courses, or correct the identifier"
        )
        problems.append(Problem(repr(name), rule, remedy, int(rows[index]), name, "patient", RELAPSES.short))
    return problems


def _bare(name: str) -> str:
    """Return what is left of an identifier without case, spaces, separators and leading zeros."""
    parts = re.split(r"(\d+)", re.sub(r"[\s._-]", "", name.casefold()))
    return "".join(part.lstrip("0") or "0" if place % 2 else part for place, part in enumerate(parts))
