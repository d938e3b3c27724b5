"""Courses of treatment and onsets of relapses as arrays, and the courses in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.events.days import day_text
from nmo_stats.tables.coded import Remark, Source

NO_DAY: Final = -(2**62)  # stands for an empty cell among days
LONGEST: Final = 2**20  # days, more than any two days of a patient lie apart
_SPAN: Final = 2**23  # more than any two days of the calendar lie apart: patient and day fit into one number


@dataclass(frozen=True, eq=False)
class Courses:
    """Courses of drugs by patient and start; arrays of shape (courses,), the last three of shape (patients,).

    Parameters
    ----------
    patient, treatment, start, end
        Position of the patient in :class:`Events`, name of the drug, and days; an ongoing course ends at the
        last visit. Courses are (start, end] in whole days; an end that is the last day on the drug is one day
        later here, so that a drug taken on 1 day lasts 1 day.
    written_end
        The end as the table has it; of an ongoing course the last visit.
    ongoing
        Whether the end was empty.
    visit, own_visit
        Last visit of the patient, and as the row of the course has it; ``NO_DAY`` where it is not given.
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
    visit: Codes
    own_visit: Codes
    row: Codes
    others: pd.DataFrame
    is_first: Flags
    is_last: Flags
    first_start: Codes
    last_day: Codes
    observed_until: Codes

    def position(self, patient: Codes, day: Codes) -> Codes:
        """Return the last course that started before the day, -1 where the patient had none."""
        before = np.searchsorted(moment(self.patient, self.start), moment(patient, day), side="left") - 1
        return np.where((before >= 0) & (self.patient[before] == patient), before, -1)

    def following(self, values: Codes) -> Codes:
        """Return of each course the value of the next one; 0 for the last course of all."""
        return np.append(values[1:], 0)


@dataclass(frozen=True, eq=False)
class Onsets:
    """Onsets of relapses, one for each row of the relapses table; all arrays have the shape (onsets,).

    Parameters
    ----------
    patient
        Position of the patient in :class:`Events`; -1 for one who is not in the treatments table.
    day
        Day of onset.
    row
        Row of the table.
    severity
        Any text or None; None where the table has no such column.
    """

    patient: Codes
    day: Codes
    row: Codes
    severity: npt.NDArray[Any] | None


@dataclass(frozen=True, eq=False)
class Events:
    """The two tables of dated events, each cell valid.

    Parameters
    ----------
    patients
        Names in natural order, so that the order of the rows changes nothing.
    courses, onsets
        The rows of the two tables.
    dated
        Whether days are dates of the calendar, not numbers.
    last_day_counts
        Whether the end of a course is the last day on the drug, not the first day without it.
    source
        Names and hash of the two tables.
    blank_rows
        Empty rows of the treatments and of the relapses.
    unread_sheets
        Sheets of the workbooks that were not read.
    unused_columns
        Further columns of the relapses.
    remarks
        How the files were read where that is not plain.
    """

    patients: tuple[str, ...]
    courses: Courses
    onsets: Onsets
    dated: bool
    last_day_counts: bool
    source: Source
    blank_rows: tuple[tuple[int, ...], tuple[int, ...]]
    unread_sheets: tuple[str, ...]
    unused_columns: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()

    def names(self, patient: Codes) -> npt.NDArray[Any]:
        """Return the names of patients."""
        return np.array(self.patients, dtype=object)[patient]

    def text(self, day: int) -> str:
        """Return a day as the tables have it."""
        return day_text(int(day), dated=self.dated)


def moment(patient: Codes, day: Codes) -> Codes:
    """Return numbers that sort by patient, then by day."""
    return patient * _SPAN + day


def timeline(table: pd.DataFrame, others: pd.DataFrame, patients: int, *, last_day_counts: bool) -> Courses:
    """Return the courses in the order of time; ends that are empty become the patient's last visit.

    Parameters
    ----------
    table
        ``patient``, ``treatment``, ``start``, ``end``, ``last_visit`` and ``row`` of each course; ``NO_DAY``
        for no day.
    others
        The other columns.
    patients
        Number of patients.
    last_day_counts
        Whether an end is the last day on the drug.

    Returns
    -------
    Courses
        Sorted by patient, start and row.
    """
    visits = np.full(patients, NO_DAY)
    np.maximum.at(visits, table["patient"], table["last_visit"])
    order = np.lexsort((table["row"], table["start"], table["patient"]))
    patient, treatment, start, given_end, own_visit, row = (
        table[name].to_numpy()[order]
        for name in ("patient", "treatment", "start", "end", "last_visit", "row")
    )
    ongoing = given_end == NO_DAY
    written_end = np.where(ongoing, visits[patient], given_end)
    end = written_end + (last_day_counts & ~ongoing)
    is_first = np.append(True, patient[1:] != patient[:-1])
    first = np.flatnonzero(is_first)
    return Courses(
        patient=patient,
        treatment=treatment,
        start=start,
        end=end,
        written_end=written_end,
        ongoing=ongoing,
        visit=visits[patient],
        own_visit=own_visit,
        row=row,
        others=others.take(order).reset_index(drop=True),
        is_first=is_first,
        is_last=np.append(is_first[1:], True),
        first_start=start[is_first],
        last_day=np.maximum.reduceat(np.maximum(end, visits[patient]), first),
        observed_until=np.maximum.reduceat(np.maximum(written_end, visits[patient]), first),
    )
