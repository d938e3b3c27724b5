"""What the curves over the time on a treatment share: each patient's follow-up, steps, patients at risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

import numpy as np
import pandas as pd

from nmo_stats.arguments import number
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.cohort.history import History, history_of
from nmo_stats.estimate import json_number
from nmo_stats.wording import counted

LANDMARK_MONTHS: Final = (6, 12, 24)
SHORT_LANDMARK_MONTHS: Final = (1, 3)
_TIE: Final = 1e-12


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


class StepCurve:
    """A quantity of the patients on one treatment that changes in steps.

    Its ``curve`` has ``years``, patients ``at_risk`` just before, the ``quantity`` with its limits ``low``
    and ``high``, and where it differs the lower limit ``low_after`` that holds between its times.
    """

    quantity: ClassVar[str]
    treatment: str
    patients: int
    curve: pd.DataFrame

    @property
    def follow_up_years(self) -> float:
        """Years of the last row of the curve."""
        return float(self.curve["years"].iloc[-1])

    @property
    def last(self) -> float:
        """Years up to which the quantity is known."""
        return self.follow_up_years

    def _at(self, months: float) -> dict[str, float] | None:
        """Return months, patients at risk, value and limits at a time; None where it is not known."""
        months = number("months", months, 0)
        years, times = months / 12, self.curve["years"].to_numpy()
        if years > self.last:
            return None
        values = self.curve.iloc[int(np.searchsorted(times, years * (1 + _TIE), side="right")) - 1]
        following = self.curve.iloc[int(np.searchsorted(times, years * (1 - _TIE), side="left")) :]
        is_between = following.empty or following["years"].iloc[0] > values["years"]
        low = "low_after" if is_between and "low_after" in self.curve else "low"
        return {
            "months": months,
            "at_risk": 0 if following.empty else int(following["at_risk"].iloc[0]),
            self.quantity: float(values[self.quantity]),
            "low": float(values[low]),
            "high": float(values["high"]),
        }

    def _numbers(self) -> dict[str, object]:
        """Return the numbers beside the curve as JSON can hold them."""
        return {}

    def _fields(self, landmarks: Iterable[int]) -> dict[str, object]:
        """Return everything but the curve as JSON can hold it."""
        rows = [at for months in landmarks if (at := self._at(months))]
        plain = [
            {name: value if isinstance(value, int) else json_number(value) for name, value in row.items()}
            for row in rows
        ]
        return {
            "treatment": self.treatment,
            "patients": self.patients,
            **self._numbers(),
            f"{self.quantity}s": plain,
        }


C = TypeVar("C", bound=StepCurve)


@dataclass(frozen=True, eq=False)
class Curves(Generic[C]):
    """Curves by treatment, where the relapse times allow them.

    Parameters
    ----------
    curves
        By treatment.
    reasons
        Why there is none, by treatment.
    level
        Confidence level of all intervals, which are pointwise.
    """

    columns: ClassVar[tuple[str, ...]]
    curves: Mapping[str, C]
    reasons: Mapping[str, str]
    level: float

    @property
    def landmarks(self) -> tuple[int, ...]:
        """6, 12 and 24 months as far as the follow-up goes; 1 and 3 months where it ends before 6."""
        longest = 12 * max((curve.follow_up_years for curve in self.curves.values()), default=0.0)
        chosen = LANDMARK_MONTHS if longest >= LANDMARK_MONTHS[0] else SHORT_LANDMARK_MONTHS
        return tuple(months for months in chosen if months <= longest)

    def to_dict(self) -> dict[str, object]:
        """Return the numbers at a few times, as JSON can hold them.

        Returns
        -------
        dict
            Without the curves, which are in :meth:`to_frame`.
        """
        return {
            "level": self.level,
            "treatments": [curve._fields(self.landmarks) for curve in self.curves.values()],
            "not_available": dict(self.reasons),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return all curves below each other.

        Returns
        -------
        DataFrame
            The columns of the curves after ``treatment``.
        """
        columns = ["treatment", "years", "at_risk", *self.columns]
        tables = [curve.curve.assign(treatment=name)[columns] for name, curve in self.curves.items()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def n_at_risk(ends: Floats, times: Floats) -> Counts:
    """Return the number of patients at risk at each time; the end of follow-up is included."""
    return len(ends) - np.searchsorted(np.sort(ends), times, side="left")
