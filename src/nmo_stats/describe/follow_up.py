"""Each patient's time on a treatment, its courses laid end to end, with the relapses whose time is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Cohort, Comparison
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
        Years on the treatment to the first relapse, shape (n,): infinite without a relapse, NaN where a later relapse
        may be all that is timed.
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
    def times_known(self) -> str:
        """How many relapses have a time, in words."""
        return f"times known for {len(self.relapse_years)} of {counted(int(self.relapses.sum()), 'relapse')}"


@dataclass(frozen=True, eq=False)
class _Courses:
    """Courses of one treatment, those of a patient in their order, and relapses of known time and place in them."""

    patient: Counts
    relapses: Counts
    years: Floats
    relapse_course: Counts
    relapse_years: Floats
    relapse_number: Counts


def follow_up(source: Cohort | Comparison) -> dict[str, FollowUp]:
    """Return the follow-up on each treatment: of all patients of a cohort, or of the paired ones of a comparison."""
    if isinstance(source, Cohort):
        return {name: _end_to_end(_of_cohort(source, name)) for name in source.treatments}
    names = (source.reference, source.comparator)
    return {name: _end_to_end(_of_pair(source, period)) for period, name in enumerate(names)}


def _end_to_end(courses: _Courses) -> FollowUp:
    count = int(courses.patient.max()) + 1
    years = pd.Series(courses.years)
    before: Floats = np.asarray(years.groupby(courses.patient).cumsum() - years, dtype=np.float64)
    owner = courses.patient[courses.relapse_course]
    total = np.zeros(count)
    np.add.at(total, courses.patient, courses.years)
    return FollowUp(
        patients=count,
        relapses=np.bincount(courses.patient, weights=courses.relapses, minlength=count).astype(np.int64),
        years=total,
        relapse_patient=owner,
        # a relapse on the last day must not fall behind it in the last bit of a sum
        relapse_years=np.minimum(before[courses.relapse_course] + courses.relapse_years, total[owner]),
        first=_first(courses, before, count),
    )


def _first(courses: _Courses, before: Floats, count: int) -> Floats:
    """Return the time of each patient's first relapse, which lies in the first course that has any.

    The earliest known time of that course is the first relapse if all its times are known, or it is said to be number 1.
    """
    earliest = np.full(len(courses.patient), np.inf)
    np.minimum.at(earliest, courses.relapse_course, courses.relapse_years)
    known = np.bincount(courses.relapse_course, minlength=len(earliest)) >= courses.relapses
    known[courses.relapse_course[courses.relapse_number == 1]] = True
    first = np.full(count, np.inf)
    relapsing = np.flatnonzero(courses.relapses > 0)
    patients, place = np.unique(courses.patient[relapsing], return_index=True)
    chosen = relapsing[place]
    within = np.minimum(earliest[chosen], courses.years[chosen])
    first[patients] = np.where(known[chosen], before[chosen] + within, np.nan)
    return first


def _of_cohort(cohort: Cohort, treatment: str) -> _Courses:
    frame = cohort.frame.assign(years=cohort.years)
    chosen = frame[frame["treatment"] == treatment]
    if "period" in chosen:
        chosen = chosen.sort_values("period", kind="stable")
    times = cohort.relapse_times
    times = times[times["row"].isin(chosen.index)]
    return _Courses(
        patient=pd.factorize(chosen["patient"])[0].astype(np.int64),
        relapses=chosen["relapses"].to_numpy(dtype=np.int64),
        years=chosen["years"].to_numpy(dtype=np.float64),
        relapse_course=chosen.index.get_indexer(pd.Index(times["row"])).astype(np.int64),
        relapse_years=times["years"].to_numpy(dtype=np.float64),
        relapse_number=np.asarray(times.get("number", np.zeros(len(times))), dtype=np.int64),
    )


def _of_pair(pair: Comparison, period: int) -> _Courses:
    history = pair.history
    if history is None:
        nothing = np.zeros(0, dtype=np.int64)
        patients = np.arange(len(pair.patients))
        return _Courses(
            patients, pair.relapses[:, period], pair.years[:, period], nothing, nothing.astype(float), nothing
        )
    chosen = history.period == period
    place = np.cumsum(chosen) - 1
    timed = chosen[history.relapse_course]
    return _Courses(
        patient=history.patient[chosen],
        relapses=history.relapses[chosen],
        years=history.years[chosen],
        relapse_course=place[history.relapse_course[timed]],
        relapse_years=history.relapse_years[timed],
        relapse_number=history.relapse_number[timed],
    )
