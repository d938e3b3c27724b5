"""Each patient's time on a treatment, its courses laid end to end, with the relapses whose time is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.cohort.history import History, history_of
from nmo_stats.wording import counted


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Patients on one treatment; the clock starts with their first course and stops between courses.

    Parameters
    ----------
    patients
        Number of patients n.
    relapses, years
        Relapses and time on the treatment, shape (n,).
    relapse_patient, relapse_years
        Patient of each relapse whose time is known, and that time in years on the treatment; shape (known,).
    first
        Years on the treatment to the first relapse, shape (n,): infinite without a relapse, NaN where a later
        relapse may be all that is timed.
    """

    patients: int
    relapses: Counts
    years: Floats
    relapse_patient: Counts
    relapse_years: Floats
    first: Floats

    @property
    def all_timed(self) -> bool:
        """Whether every relapse has a time."""
        return len(self.relapse_years) == int(self.relapses.sum())

    @property
    def first_timed(self) -> bool:
        """Whether the first relapse of every patient has a time."""
        return not np.isnan(self.first).any()

    @property
    def times_known(self) -> str:
        """How many relapses have a time, in words."""
        return f"times known for {len(self.relapse_years)} of {counted(int(self.relapses.sum()), 'relapse')}"

    @property
    def first_known(self) -> str:
        """How many patients have a time of their first relapse, in words."""
        relapsed = int((self.relapses > 0).sum())
        known = relapsed - int(np.isnan(self.first).sum())
        who = counted(relapsed, "patient")
        return (
            f"the time of the first relapse is known for {known} of {who} with a relapse ({self.times_known})"
        )


def follow_up(source: Cohort | Comparison) -> dict[str, FollowUp]:
    """Return the follow-up on each treatment: of all patients of a cohort, or of a comparison."""
    if isinstance(source, Cohort):
        names = source.treatments
        courses = source.frame.assign(years=source.years)
        history = history_of(courses, source.patients, names, source.relapse_times)
    else:
        names = (source.reference, source.comparator)
        history = source.history or History.of_periods(source.relapses, source.years)
    return {name: _end_to_end(history, period) for period, name in enumerate(names)}


def _end_to_end(history: History, period: int) -> FollowUp:
    """Return the follow-up on one treatment of a history."""
    chosen = np.flatnonzero(history.period == period)
    patients, patient = np.unique(history.patient[chosen], return_inverse=True)
    years, relapses = pd.Series(history.years[chosen]), history.relapses[chosen]
    before = (years.groupby(patient).cumsum() - years).to_numpy()
    total: Floats = np.bincount(patient, weights=years).astype(np.float64)
    timed = history.period[history.relapse_course] == period
    course, when = np.searchsorted(chosen, history.relapse_course[timed]), history.relapse_years[timed]
    # the earliest known time of a course is its first relapse if all are known, or one is said to be number 1
    earliest = np.full(len(chosen), np.inf)
    np.minimum.at(earliest, course, when)
    is_known = np.bincount(course, minlength=len(chosen)) >= relapses
    is_known[course[history.relapse_number[timed] == 1]] = True
    # a patient's first relapse lies in the first course that has any
    relapsing = np.flatnonzero(relapses > 0)
    who, place = np.unique(patient[relapsing], return_index=True)
    at = relapsing[place]
    first = np.full(len(patients), np.inf)
    first[who] = np.where(is_known[at], before[at] + np.minimum(earliest[at], years.to_numpy()[at]), np.nan)
    return FollowUp(
        patients=len(patients),
        relapses=np.bincount(patient, weights=relapses).astype(np.int64),
        years=total,
        relapse_patient=patient[course],
        # a relapse on the last day must not fall behind it in the last bit of a sum
        relapse_years=np.minimum(before[course] + when, total[patient[course]]),
        first=first,
    )
