"""Two treatment periods of the same patients, as arrays: what every estimator works on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nmo_stats.cohort.notices import Notice
from nmo_stats.cohort.schema import Fault, parse_count, parse_exposure
from nmo_stats.errors import ArgumentError, CohortError, Problem

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Relapses and follow-up of n patients in a reference and a comparator period.

    Parameters
    ----------
    patients
        Identifiers, length n.
    relapses
        Counts, shape (n, 2): reference, comparator. Read-only.
    years
        Follow-up in years, shape (n, 2): reference, comparator. Read-only.
    reference, comparator
        Names of the two treatments.
    unpaired
        Patients with only one of the two periods; they are in no estimator.
    reversed_order
        Patients who had the comparator before the reference.
    notices
        What a reader should know about how the comparison was formed.
    """

    patients: tuple[str, ...]
    relapses: Counts
    years: Floats
    reference: str = "reference"
    comparator: str = "comparator"
    unpaired: tuple[str, ...] = ()
    reversed_order: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    @classmethod
    def from_arrays(
        cls,
        relapses: npt.ArrayLike,
        years: npt.ArrayLike,
        patients: Sequence[str] | None = None,
        *,
        reference: str = "reference",
        comparator: str = "comparator",
    ) -> Comparison:
        """Build a comparison from arrays of shape (n, 2), columns reference and comparator.

        Raises
        ------
        CohortError
            With every count or time that breaks its rule.

        Examples
        --------
        >>> pair = Comparison.from_arrays([[6, 1], [2, 0]], [[2.7, 1.8], [0.7, 1.5]])
        >>> pair.totals, pair.informative_patients
        ((8, 1), 2)
        """
        counts, times = np.asarray(relapses), np.asarray(years)
        names = _names(patients, counts, times)
        problems = _cell_problems(counts, times, names)
        if problems:
            raise CohortError(problems, "arrays")
        return cls(names, counts.astype(np.int64), times.astype(np.float64), reference=reference, comparator=comparator)

    def __post_init__(self) -> None:
        self.relapses.flags.writeable = False
        self.years.flags.writeable = False

    @property
    def totals(self) -> tuple[int, int]:
        """Relapses summed over patients: reference, comparator."""
        reference, comparator = self.relapses.sum(axis=0)
        return int(reference), int(comparator)

    @property
    def total_years(self) -> tuple[float, float]:
        """Patient-years summed over patients: reference, comparator."""
        return math.fsum(self.years[:, 0]), math.fsum(self.years[:, 1])

    @property
    def informative_patients(self) -> int:
        """Number of patients with at least one relapse in either period."""
        return int((self.relapses.sum(axis=1) > 0).sum())

    def swapped(self) -> Comparison:
        """Return the comparison with the two periods exchanged."""
        return Comparison(
            self.patients,
            self.relapses[:, ::-1].copy(),
            self.years[:, ::-1].copy(),
            reference=self.comparator,
            comparator=self.reference,
            unpaired=self.unpaired,
            notices=self.notices,
        )


def _names(patients: Sequence[str] | None, counts: npt.NDArray[np.generic], times: npt.NDArray[np.generic]) -> tuple[str, ...]:
    if counts.ndim != 2 or counts.shape[1:] != (2,) or counts.shape != times.shape or not len(counts):
        raise ArgumentError(
            f"relapses {counts.shape} and years {times.shape}: both have the shape (patients, 2), "
            "columns reference and comparator, with at least one patient"
        )
    names = tuple(map(str, patients)) if patients is not None else tuple(str(i) for i in range(1, len(counts) + 1))
    if len(names) != len(counts) or len(set(names)) != len(names):
        raise ArgumentError(f"{len(names)} patient names for {len(counts)} rows: one different name for each row")
    return names


def _cell_problems(
    counts: npt.NDArray[np.generic], times: npt.NDArray[np.generic], names: tuple[str, ...]
) -> list[Problem]:
    problems = []
    for column, cells, parser in (("relapses", counts, parse_count), ("years", times, parse_exposure)):
        for row, period in np.ndindex(cells.shape):
            cell = cells[row, period]
            fault = parser(cell)
            if isinstance(fault, Fault):
                place = f"{column}[{row}, {period}]"
                problems.append(Problem(str(cell), fault.rule, fault.remedy, row + 1, names[row], place))
    return problems
