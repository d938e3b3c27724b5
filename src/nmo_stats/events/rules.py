"""From onsets to the relapses of each course: sort, merge, assign, and leave the run-in out.

Courses are (start, end] in whole days. A relapse is merged if its onset is at most ``min_gap_days`` after the
first onset of its cluster; a cluster belongs to the course that holds its first onset; the run-in of a course
is (start, start + run_in_days].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from nmo_stats.arguments import one_of, whole
from nmo_stats.arrays import Codes, Flags
from nmo_stats.events.days import ORDERS, DateOrder
from nmo_stats.events.timeline import LONGEST, Events, Onsets, moment

Gap = Literal["drop", "previous"]
Ending = Literal["exclusive", "inclusive"]
DEFAULT_GAP_DAYS: Final = 30  # the convention of trials in NMOSD
HISTORY: Final = -1  # before the first course of the patient
NO_COURSE: Final = -2  # between two courses
AFTER: Final = -3  # after the last course


@dataclass(frozen=True, slots=True)
class Rules:
    """How dated events are read, and how relapses are counted.

    Parameters
    ----------
    min_gap_days
        Onsets at most so many days after the first one of a cluster are the same relapse; 0 counts every row.
        None stands for 30 days, which are refused where they merge more than half of the onsets.
    run_in_days
        Days at the start of every course that are left out, with their relapses.
    gap
        Days between two courses: ``"drop"``, or ``"previous"`` to count them with the course before.
    end
        What the end of a course is: ``"exclusive"``, the first day without the drug, on which the next one
        may start, or ``"inclusive"``, the last day on the drug.
    switch_window_days
        A course that another one follows was ended by a relapse if its last relapse began at most so many
        days before its end.
    dates
        Order of dates in text that are not ISO dates: ``"dmy"``, ``"mdy"`` or ``"ymd"``; None refuses them.

    Raises
    ------
    ArgumentError
        If a number is not a whole one >= 0, or a word is unknown.
    """

    min_gap_days: int | None = None
    run_in_days: int = 0
    gap: Gap = "drop"
    end: Ending = "exclusive"
    switch_window_days: int = 90
    dates: DateOrder | None = None

    def __post_init__(self) -> None:
        for name in ("min_gap_days", "run_in_days", "switch_window_days"):
            if (value := getattr(self, name)) is not None or name != "min_gap_days":
                object.__setattr__(self, name, whole(name, value, 0))
        one_of("gap", self.gap, get_args(Gap))
        one_of("end", self.end, get_args(Ending))
        one_of("dates", self.dates, (*ORDERS, None))

    @property
    def merged_days(self) -> int:
        """Longest distance between the first and a later onset of one relapse; 0 where none are merged."""
        return DEFAULT_GAP_DAYS if self.min_gap_days is None else self.min_gap_days


@dataclass(frozen=True, eq=False)
class Counted:
    """What became of every row of the relapses, and of the days of every course.

    Parameters
    ----------
    patient, day
        Onsets sorted by patient and day, shape (onsets,).
    severity
        Theirs, if the table says it.
    first
        For each onset the position of the first onset of its cluster.
    same_day
        Whether the onset repeats the one before it, as one relapse.
    course
        The course of each onset by its own day, or ``HISTORY``, ``NO_COURSE`` or ``AFTER``.
    in_run_in
        Whether the onset lies in the run-in of that course.
    end
        End of each course with the days that the gap rule adds, shape (courses,).
    counts_from
        Day after which the days of the course count: the start with the run-in, at most the end.
    """

    patient: Codes
    day: Codes
    severity: npt.NDArray[Any] | None
    first: Codes
    same_day: Flags
    course: Codes
    in_run_in: Flags
    end: Codes
    counts_from: Codes

    @property
    def is_first(self) -> Flags:
        """Whether an onset is the first of its cluster: these are the relapses."""
        return np.equal(self.first, np.arange(len(self.first)))

    @property
    def in_course(self) -> Flags:
        """Whether an onset falls within a course, after its run-in."""
        return np.logical_and(self.course >= 0, ~self.in_run_in)

    @property
    def is_counted(self) -> Flags:
        """Whether an onset is a relapse of a course, after its run-in."""
        return np.logical_and(self.is_first, self.in_course)

    @property
    def is_merged(self) -> Flags:
        """Whether an onset would count in a course, but belongs to an earlier one of another day."""
        return np.logical_and(~self.is_first & ~self.same_day, self.in_course)

    @property
    def days(self) -> Codes:
        """Days of each course that count; 0 if the run-in consumes it."""
        return self.end - self.counts_from


def counted(events: Events, rules: Rules) -> Counted:
    """Apply the rules to onsets of known patients, none of them after the last day of observation."""
    courses, onsets = events.courses, events.onsets
    order = _order(onsets)
    patient, day = onsets.patient[order], onsets.day[order]
    drops = courses.is_last | (rules.gap == "drop")
    end = np.where(drops, courses.end, courses.following(courses.start))
    counts_from = np.minimum(courses.start + min(rules.run_in_days, LONGEST), end)
    before = courses.position(patient, day)
    outside = np.where(courses.is_last[before], AFTER, NO_COURSE)
    course = np.where(before < 0, HISTORY, np.where(day <= end[before], before, outside))
    first, same_day = _clusters(patient, day, min(rules.merged_days, LONGEST))
    return Counted(
        patient=patient,
        day=day,
        severity=None if onsets.severity is None else onsets.severity[order],
        first=first,
        same_day=same_day,
        course=course,
        in_run_in=(course >= 0) & (day <= counts_from[np.maximum(course, 0)]),
        end=end,
        counts_from=counts_from,
    )


def without_merging(counts: Counted) -> Counted:
    """Return the same onsets, each of them a relapse: what ``min_gap_days=0`` gives."""
    positions = np.arange(len(counts.day))
    return replace(counts, first=positions, same_day=np.zeros(len(positions), dtype=bool))


def _order(onsets: Onsets) -> Codes:
    """Sort by patient, day and severity, so that the order of the rows changes nothing."""
    key = moment(onsets.patient, onsets.day)
    if onsets.severity is None:
        return np.argsort(key, kind="stable")
    texts = ["" if text is None else str(text) for text in onsets.severity]
    return np.lexsort((np.unique(texts, return_inverse=True)[1], key))


def _clusters(patient: Codes, day: Codes, min_gap_days: int) -> tuple[Codes, Flags]:
    """Return for each onset the position of the first one of its cluster, and whether it repeats a day.

    The first onset of a patient opens a cluster; the next cluster opens at the first onset that is more than
    ``min_gap_days`` later. All patients take their steps at once, so the loop is as long as the longest
    history.
    """
    positions = np.arange(len(day))
    opens = np.zeros(len(day), dtype=bool)
    if not len(day) or min_gap_days == 0:
        return positions, opens
    key = moment(patient, day)
    following = np.searchsorted(key, key + min_gap_days, side="right")
    new_patient = np.append(True, patient[1:] != patient[:-1])
    last = np.append(np.flatnonzero(new_patient)[1:], len(day))[np.cumsum(new_patient) - 1]
    frontier = np.flatnonzero(new_patient)
    while len(frontier):
        opens[frontier] = True
        step = following[frontier]
        frontier = step[step < last[frontier]]
    first = np.maximum.accumulate(np.where(opens, positions, 0))
    return first, np.append(False, key[1:] == key[:-1])
