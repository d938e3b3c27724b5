"""Courses of treatment and onsets of relapses, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes
from nmo_stats.tables.table import ParsedColumn, Remark, Source

NO_DAY: Final = -(2**62)  # stands for an empty cell among days


@dataclass(frozen=True, eq=False)
class Courses:
    """Courses of drugs, one for each row of the treatments table; all arrays have the shape (courses,).

    Parameters
    ----------
    patient
        Place of the patient in :class:`Events`.
    treatment
        Name of the drug.
    start, end, last_visit
        Days; ``NO_DAY`` where a cell is empty.
    row
        Row of the table.
    others
        The other columns.
    """

    patient: Codes
    treatment: npt.NDArray[Any]
    start: Codes
    end: Codes
    last_visit: Codes
    row: Codes
    others: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Onsets:
    """Onsets of relapses, one for each row of the relapses table; all arrays have the shape (onsets,).

    Parameters
    ----------
    patient
        Place of the patient in :class:`Events`; -1 for one who is not in the treatments table.
    names
        The patients as they are called in the table.
    day
        Day of onset.
    row
        Row of the table.
    severity
        Any text or None; None where the table has no such column.
    """

    patient: Codes
    names: ParsedColumn
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
