"""Rows of two people, or of none: facts that change within a person, and sums and means of all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Floats
from nmo_stats.errors import Problem
from nmo_stats.tables.cells import shown
from nmo_stats.tables.column_names import FACT_REMEDY, FACT_RULE, compared, is_fact

# How many rows of other patients a total adds up before it is beyond doubt. Whole months and small counts of
# one patient equal the sums of two others on both drugs by chance, rarely; in 1,500 simulated honest series
# of 3 to 6 patients none reached 5 rows (three others on two drugs): such a patient has half of all relapses
# and half of all follow-up, twice.
_CERTAIN: Final = 5
_POSSIBLE: Final = 3
_AVERAGED: Final = 2  # treatments: on a single one a patient in the middle is common
_LONGEST: Final = 200  # patients: in a longer series one row moves no result
_RULE: Final = "no row adds up the others: these are the sums of all other rows of each treatment"
_REMEDY: Final = (
    "leave the row out if it is the total; if it is a patient after all, give all follow-up in days "
    "(exposure_days), which no longer agrees by rounding"
)


class Change(NamedTuple):
    """A row (position) whose value is another one than in the first row of the patient."""

    patient: str
    row: int
    first: int


class Total(NamedTuple):
    """A patient whose numbers are the sums of the others; ``added`` rows of them."""

    patient: str
    added: int

    @property
    def is_certain(self) -> bool:
        """Whether this is beyond doubt."""
        return self.added >= _CERTAIN


def changes(patients: Sequence[Any], cells: Sequence[Any]) -> list[Change]:
    """Return the rows in which a patient has another value than in the first row that has one."""
    values = list(map(lru_cache(maxsize=None)(compared), cells))  # large tables hold few different cells
    first: dict[str, int] = {}
    found = []
    for row, (patient, value) in enumerate(zip(patients, values, strict=True)):
        if value is not None and isinstance(patient, str):
            before = first.setdefault(patient, row)
            if value != values[before]:
                found.append(Change(patient, row, before))
    return found


def person_problems(
    columns: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    known: Iterable[str],
    tables: Sequence[str] | None = None,
) -> list[Problem]:
    """Return a problem for each row that contradicts an earlier one about the person.

    Parameters
    ----------
    columns
        Parsed cells by column, ``patient`` among them; Faults are passed over.
    rows
        Number of each row.
    known
        Columns of the table that are never such a fact.
    tables
        In which of several tables each row stands.
    """
    own = set(known)
    problems = []
    for name, cells in columns.items():
        if name in own or not is_fact(name):
            continue
        for patient, row, first in changes(columns["patient"], cells):
            where = f"row {rows[first]}" if tables is None else f"{tables[first]}, row {rows[first]}"
            value = f"{shown(cells[row])} ({shown(cells[first])} in {where})"
            remedy = FACT_REMEDY.format(f"{name}_of_period")
            table = None if tables is None else tables[row]
            problems.append(Problem(value, FACT_RULE, remedy, int(rows[row]), patient, name, table))
    return problems


def totals(frame: pd.DataFrame, unit: str) -> list[Total]:
    """Return the patients whose counts and times are the sums of all other rows, on each of their treatments.

    Examples
    --------
    >>> table = {"patient": ["1", "2", "3", "all"], "treatment": ["x"] * 4, "relapses": [6, 2, 1, 9]}
    >>> totals(pd.DataFrame(table | {"exposure_months": [32, 8, 4, 44]}), "exposure_months")
    [Total(patient='all', added=3)]
    """
    names, count, time = _by_treatment(frame, unit)
    is_there = ~np.isnan(time)
    count, time = np.nan_to_num(count), np.nan_to_num(time)
    added = np.where(is_there, is_there.sum(axis=0) - 1, 0)
    agrees = (2 * count == count.sum(axis=0)) & (added >= 2) & _are_equal(time, time.sum(axis=0) - time)
    possible = np.all(agrees | ~is_there, axis=1) & (added.sum(axis=1) >= _POSSIBLE)
    return [Total(str(names[row]), int(added[row].sum())) for row in np.flatnonzero(possible).tolist()]


def averages(frame: pd.DataFrame, unit: str) -> list[str]:
    """Return the patients whose counts and times are the means or medians of the others on two treatments.

    There are three others or more, and their times differ: in series of one planned length every
    patient is such a mean.

    Examples
    --------
    >>> table = {"patient": ["1", "2", "3", "m"] * 2, "treatment": ["x"] * 4 + ["y"] * 4,
    ...          "relapses": [6, 2, 1, 3, 1, 0, 2, 1], "exposure_months": [32, 8, 5, 15, 21, 18, 9, 16]}
    >>> averages(pd.DataFrame(table), "exposure_months")
    ['m']
    """
    if frame.duplicated(["patient", "treatment"]).any():
        return []
    names, count, time = _by_treatment(frame, unit)
    drugs = count.shape[1]
    if np.isnan(time).any() or not _POSSIBLE < len(names) <= _LONGEST or drugs < _AVERAGED:
        return []
    values = np.hstack([count, time])
    return [
        str(name)
        for row, name in enumerate(names)
        if _is_average(values[row], np.delete(values, row, axis=0), drugs)
    ]


def _by_treatment(frame: pd.DataFrame, unit: str) -> tuple[pd.Index[Any], Floats, Floats]:
    """Return patients, and of each treatment their counts and times, courses added up; NaN without one."""
    sums = frame.groupby(["patient", "treatment"], sort=False, observed=True)[["relapses", unit]].sum()
    count, time = (sums[name].unstack("treatment", sort=False) for name in ("relapses", unit))  # noqa: PD010
    return time.index, count.to_numpy(dtype=float), time.to_numpy(dtype=float)


def _is_average(row: Floats, others: Floats, drugs: int) -> bool:
    """Return whether a row is the mean or the median of others; the first ``drugs`` columns are counts."""
    varies = (np.ptp(others[:, drugs:], axis=0) > 0).all() and (np.ptp(others[:, :drugs], axis=0) > 0).any()
    means = others.mean(axis=0)
    is_mean = (row[:drugs] == np.round(means[:drugs])).all() and _are_equal(row[drugs:], means[drugs:]).all()
    return bool(varies and (is_mean or (row == np.median(others, axis=0)).all()))


def total_problems(frame: pd.DataFrame, unit: str, rows: Sequence[int]) -> list[Problem]:
    """Return a problem for each row, numbered by ``rows``, of a certain total of the others."""
    certain = {total.patient for total in totals(frame, unit) if total.is_certain}
    return [
        Problem(f"the sums of all other rows on {treatment!r}", _RULE, _REMEDY, row, patient, "patient")
        for patient, treatment, row in zip(frame["patient"], frame["treatment"], rows, strict=True)
        if patient in certain
    ]


def _are_equal(printed: Floats, computed: Floats) -> npt.NDArray[np.bool_]:
    """Return where a sum is printed: equal up to half a unit of its last decimal, and up to 1 % of it."""
    equal: npt.NDArray[np.bool_] = np.abs(printed - computed) <= 0.01 * printed
    for place in zip(*np.nonzero(equal), strict=True):
        text = repr(float(printed[place]))
        digits = 0 if "e" in text or text.endswith(".0") else len(text.partition(".")[2])
        slack = max(0.5 * 10.0**-digits, 1e-9 * float(computed[place]))
        equal[place] = abs(printed[place] - computed[place]) <= slack
    return equal
