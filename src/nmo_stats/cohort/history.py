"""The courses behind the periods of a comparison: how they were timed, how they ended, when relapses came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort.schema import UNIT_NAMES, UNITS_PER_YEAR


@dataclass(frozen=True, eq=False)
class History:
    """Courses of the reference and the comparator, and the relapses in them whose time is known.

    Parameters
    ----------
    patient, period
        Position of the patient in the comparison, and 0 for the reference or 1 for the comparator; shape
        (courses,).
    relapses, years
        Of each course, shape (courses,).
    ended_by_relapse
        True, False, or None for unknown; one for each course.
    unit
        Name of the exposure column.
    relapse_course, relapse_years
        Course of each relapse whose time is known, and that time in years since the start of the course;
        shape (known,).
    relapse_number
        Number of each of these among the relapses of its course, from 1; 0 where it is not known. Shape
        (known,).
    row
        Row of each course in the period table, shape (courses,). The courses of a patient stand in their
        order.
    """

    patient: Counts
    period: Counts
    relapses: Counts
    years: Floats
    ended_by_relapse: tuple[bool | None, ...]
    unit: str
    relapse_course: Counts
    relapse_years: Floats
    relapse_number: Counts
    row: Counts

    @classmethod
    def of_periods(cls, relapses: Counts, years: Floats) -> History:
        """Return the history of counts and years of shape (n, 2) of which nothing else is known."""
        patients, periods = relapses.shape
        rows, none = np.arange(relapses.size), np.zeros(0, dtype=np.int64)
        return cls(
            patient=np.repeat(np.arange(patients), periods),
            period=np.tile(np.arange(periods), patients),
            relapses=relapses.ravel(),
            years=years.ravel(),
            ended_by_relapse=(None,) * relapses.size,
            unit="exposure_years",
            relapse_course=none,
            relapse_years=none.astype(float),
            relapse_number=none,
            row=rows,
        )

    @property
    def unit_name(self) -> str:
        """``day``, ``week``, ``month`` or ``year``."""
        return UNIT_NAMES[self.unit]

    @property
    def known_times(self) -> int:
        """Number of relapses whose time is known."""
        return len(self.relapse_years)

    def half_units(self) -> Floats:
        """Return by how many years each period may be off if courses were rounded to units; shape (n, 2)."""
        return 0.5 / UNITS_PER_YEAR[self.unit] * self._summed(np.ones(len(self.patient)))

    def are_whole_units(self) -> bool:
        """Return whether every course lasts a whole number of its unit."""
        units = self.years * UNITS_PER_YEAR[self.unit]
        return bool(np.all(np.abs(units - np.round(units)) < 1e-9 * np.maximum(units, 1)))

    def reference_ended_by_relapse(self) -> tuple[bool | None, ...]:
        """Return for each patient whether a relapse ended a reference course: False if it ended none."""
        answers: dict[int, set[bool | None]] = {}
        for patient, period, answer in zip(self.patient, self.period, self.ended_by_relapse, strict=True):
            if period == 0:
                answers.setdefault(int(patient), set()).add(answer)
        return tuple(
            True if True in answers[patient] else None if None in answers[patient] else False
            for patient in sorted(answers)
        )

    def after_run_in(self, years: float) -> tuple[Counts, Floats]:
        """Return relapses and years of each period, shape (n, 2), without (0, ``years``] of every course.

        A period that is consumed has 0 years left. Every relapse needs a time.
        """
        late = self.relapse_years > years
        kept = np.bincount(self.relapse_course[late], minlength=len(self.patient))
        # what floating-point subtraction leaves of a course as long as the run-in is nothing
        left = np.where(self.years > years * (1 + 1e-9), self.years - years, 0.0)
        return self._summed(np.where(left > 0, kept, 0)).astype(np.int64), self._summed(left)

    def _summed(self, values: npt.NDArray[np.generic]) -> Floats:
        shape = (int(self.patient.max()) + 1, 2)
        cells = np.bincount(2 * self.patient + self.period, weights=values, minlength=shape[0] * 2)
        return np.asarray(cells.reshape(shape))


def history_of(
    courses: pd.DataFrame, patients: Sequence[str], treatments: Sequence[str], relapse_times: pd.DataFrame
) -> History:
    """Return the history of some patients on some treatments.

    Parameters
    ----------
    courses
        Rows of a period table with ``years``.
    patients
        The patients in their order.
    treatments
        Treatments in the order of their ``period``, such as reference and comparator.
    relapse_times
        Columns ``row``, an index of the period table, ``years`` since the start of that period, and
        optionally ``number``, that of the relapse in it.

    Returns
    -------
    History
        Courses in the order of the patients and of time.
    """
    chosen = courses[courses["patient"].isin(patients) & courses["treatment"].isin(treatments)]
    chosen = chosen.assign(place=pd.Index(patients).get_indexer(pd.Index(chosen["patient"])))
    chosen = chosen.sort_values(["place", "period"] if "period" in chosen else ["place"], kind="stable")
    known = relapse_times[relapse_times["row"].isin(chosen.index)]
    return History(
        patient=chosen["place"].to_numpy(dtype=np.int64),
        period=pd.Index(treatments).get_indexer(pd.Index(chosen["treatment"])).astype(np.int64),
        relapses=chosen["relapses"].to_numpy(dtype=np.int64),
        years=chosen["years"].to_numpy(dtype=np.float64),
        ended_by_relapse=_answers(chosen),
        unit=next(name for name in UNITS_PER_YEAR if name in courses),
        relapse_course=chosen.index.get_indexer(pd.Index(known["row"])).astype(np.int64),
        relapse_years=known["years"].to_numpy(dtype=np.float64),
        relapse_number=np.asarray(known.get("number", np.zeros(len(known))), dtype=np.int64),
        row=chosen.index.to_numpy(dtype=np.int64),
    )


def _answers(courses: pd.DataFrame) -> tuple[bool | None, ...]:
    if "ended_by_relapse" not in courses:
        return (None,) * len(courses)
    return tuple(None if answer is pd.NA else bool(answer) for answer in courses["ended_by_relapse"])
