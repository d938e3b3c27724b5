"""The courses of all patients in the order of time, and the days until which patients were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.events.records import NO_DAY, Courses, Events

LONGEST: Final = 2**20  # days, more than any two days of a patient lie apart
_SPAN: Final = 2**23  # more than any two days of the calendar lie apart: patient and day fit into one number


@dataclass(frozen=True, eq=False)
class Timeline:
    """Courses sorted by patient and start; arrays of shape (courses,) but for the last three of shape (patients,).

    Parameters
    ----------
    patient, treatment, start, end
        Of each course; an ongoing one ends at the last visit. Courses are (start, end] in whole days; an end that is the last day
        on the drug is one day later here, so that a drug taken on 1 day lasts 1 day.
    written_end
        The end as the table has it; of an ongoing course the last visit.
    ongoing
        Whether the end was empty.
    row
        Row of the treatments table.
    others
        Its other columns.
    is_first, is_last
        Whether the course is the patient's first, or last.
    first_start, last_day
        Of each patient the start of the first course, and the last day of observation.
    observed_until
        Of each patient the last day on which a relapse can have been seen: that day as the table has it.
    """

    patient: Codes
    treatment: npt.NDArray[Any]
    start: Codes
    end: Codes
    written_end: Codes
    ongoing: Flags
    row: Codes
    others: pd.DataFrame
    is_first: Flags
    is_last: Flags
    first_start: Codes
    last_day: Codes
    observed_until: Codes

    def place(self, patient: Codes, day: Codes) -> Codes:
        """Return the last course that started before the day, -1 where the patient had none."""
        found = np.searchsorted(moment(self.patient, self.start), moment(patient, day), side="left") - 1
        return np.where((found >= 0) & (self.patient[found] == patient), found, -1)


def moment(patient: Codes, day: Codes) -> Codes:
    """Return numbers that sort by patient, then by day."""
    return patient * _SPAN + day


def timeline(events: Events) -> Timeline:
    """Return the courses in the order of time; ends that are empty become the patient's last visit."""
    courses = events.courses
    order = np.lexsort((courses.row, courses.start, courses.patient))
    patient, start = courses.patient[order], courses.start[order]
    visits = last_visits(courses, len(events.patients))
    ongoing = courses.end[order] == NO_DAY
    written_end = np.where(ongoing, visits[patient], courses.end[order])
    end = written_end + (events.last_day_counts & ~ongoing)
    is_first = np.append(True, patient[1:] != patient[:-1])
    is_last = np.append(is_first[1:], True)
    first = np.flatnonzero(is_first)
    last_day, observed_until = (
        np.maximum.reduceat(np.maximum(days, visits[patient]), first) for days in (end, written_end)
    )
    return Timeline(
        patient,
        courses.treatment[order],
        start,
        end,
        written_end,
        ongoing,
        courses.row[order],
        courses.others.take(order).reset_index(drop=True),
        is_first,
        is_last,
        start[is_first],
        last_day,
        observed_until,
    )


def last_visits(courses: Courses, patients: int) -> Codes:
    """Return the last visit of each patient, ``NO_DAY`` where none is given."""
    visits = np.full(patients, NO_DAY)
    np.maximum.at(visits, courses.patient, courses.last_visit)
    return visits
