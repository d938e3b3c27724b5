"""Rows whose numbers are the sums of all other rows: the total of a table, under whatever name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.errors import Problem

# How many rows of other patients a total adds up before it is beyond doubt. Whole months and small counts of
# one patient
# equal the sums of two others on both drugs by chance, rarely; in 1,500 simulated honest series of 3 to 6
# patients none
# reached 5 rows (three others on two drugs): such a patient has half of all relapses and half of all
# follow-up, twice.
_CERTAIN: Final = 5
_POSSIBLE: Final = 3
_AVERAGED: Final = 2  # treatments: on a single one a patient in the middle is common
_LONGEST: Final = 200  # patients: in a longer series one row moves no result
_RULE: Final = (
    "no row adds up the others: these counts and times are the sums of all other rows of each treatment"
)
_REMEDY: Final = (
    "leave the row out if it is the total; if it is a patient after all, give all follow-up in days "
    "(exposure_days), "
    "which no longer agrees by rounding"
)


@dataclass(frozen=True, slots=True)
class Total:
    """A patient whose numbers are the sums of the others; ``added`` rows of them."""

    patient: str
    added: int

    @property
    def is_certain(self) -> bool:
        """Whether this is beyond doubt."""
        return self.added >= _CERTAIN


def totals(
    patients: Iterable[str],
    treatments: Iterable[str],
    relapses: npt.ArrayLike,
    times: npt.ArrayLike,
) -> list[Total]:
    """Return the patients whose counts and times are the sums of all other rows, on each of their treatments.

    Examples
    --------
    >>> totals(["1", "2", "3", "all"], ["x"] * 4, [6, 2, 1, 9], [32, 8, 4, 44])
    [Total(patient='all', added=3)]
    """
    codes, names = pd.factorize(np.array(list(patients), dtype=object))
    drugs, treated = pd.factorize(np.array(list(treatments), dtype=object))
    shape = (len(names), len(treated))
    cell = (
        codes * shape[1] + drugs
    )  # patient and treatment in one number; the courses of a treatment are added up
    count, time, rows = (
        np.bincount(cell, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
        for values in (np.asarray(relapses, dtype=float), np.asarray(times, dtype=float), None)
    )
    is_there = rows > 0
    others = time.sum(axis=0) - time
    added = np.where(is_there, is_there.sum(axis=0) - 1, 0)
    agrees = (2 * count == count.sum(axis=0)) & (added >= 2) & _are_equal(time, others)
    possible = np.all(agrees | ~is_there, axis=1) & (added.sum(axis=1) >= _POSSIBLE)
    return [Total(str(names[place]), int(added[place].sum())) for place in np.flatnonzero(possible).tolist()]


def averages(
    patients: Iterable[str],
    treatments: Iterable[str],
    relapses: npt.ArrayLike,
    times: npt.ArrayLike,
) -> list[str]:
    """Return the patients whose counts and times are the means, or the medians, of three others or more on two treatments.

    Times have to differ between the others: in series of one planned length every patient is such a mean.

    Examples
    --------
    >>> who, drugs = ["1", "2", "3", "m"] * 2, ["x"] * 4 + ["y"] * 4
    >>> averages(who, drugs, [6, 2, 1, 3, 1, 0, 2, 1], [32, 8, 5, 15, 21, 18, 9, 16])
    ['m']
    """
    frame = pd.DataFrame(
        {
            "patient": list(patients),
            "treatment": list(treatments),
            "relapses": np.asarray(relapses, dtype=float),
            "time": np.asarray(times, dtype=float),
        }
    )
    if frame.duplicated(["patient", "treatment"]).any():
        return []
    wide = frame.pivot_table(index="patient", columns="treatment", values=["relapses", "time"], sort=False)
    full = wide.dropna()
    if len(full) != len(wide) or not _POSSIBLE < len(full) <= _LONGEST or full.shape[1] < 2 * _AVERAGED:
        return []
    values, count = full.to_numpy(), full.shape[1] // 2
    return [
        str(full.index[place])
        for place in range(len(values))
        if _is_average(values[place], np.delete(values, place, axis=0), count)
    ]


def _is_average(row: npt.NDArray[np.float64], others: npt.NDArray[np.float64], drugs: int) -> bool:
    """Return whether a row is the mean or the median of others; the first ``drugs`` columns are counts."""
    varies = (np.ptp(others[:, drugs:], axis=0) > 0).all() and (np.ptp(others[:, :drugs], axis=0) > 0).any()
    means = others.mean(axis=0)
    is_mean = (row[:drugs] == np.round(means[:drugs])).all() and _are_equal(row[drugs:], means[drugs:]).all()
    return bool(varies and (is_mean or (row == np.median(others, axis=0)).all()))


def total_problems(
    patients: Sequence[str],
    treatments: Sequence[str],
    numbers: tuple[npt.ArrayLike, npt.ArrayLike],
    rows: Sequence[int],
) -> list[Problem]:
    """Return a problem for each row of a certain total of the others; ``numbers`` are counts and times."""
    certain = {found.patient for found in totals(patients, treatments, *numbers) if found.is_certain}
    return [
        Problem(f"the sums of all other rows on {treatment!r}", _RULE, _REMEDY, row, patient, "patient")
        for patient, treatment, row in zip(patients, treatments, rows, strict=True)
        if patient in certain
    ]


def _are_equal(printed: npt.NDArray[Any], computed: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where a sum is printed: equal up to half a unit of its last decimal, and up to 1 % of it."""
    found: npt.NDArray[np.bool_] = np.abs(printed - computed) <= 0.01 * printed
    for place in zip(*np.nonzero(found), strict=True):
        text = repr(float(printed[place]))
        digits = 0 if "e" in text or text.endswith(".0") else len(text.partition(".")[2])
        slack = max(0.5 * 10.0**-digits, 1e-9 * float(computed[place]))
        found[place] = abs(printed[place] - computed[place]) <= slack
    return found
