"""Numbers that are legal and look like a slip of the keyboard or of the unit, by thresholds with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arrays import Flags
from nmo_stats.cohort.notices import (
    ABSURD_YEARS,
    Notice,
    RowRule,
    for_rows,
    in_years,
    of_patients,
    row_notices,
    table_notices,
)
from nmo_stats.cohort.rows import averages, changes, totals
from nmo_stats.cohort.schema import CODES_FOR_UNKNOWN, KNOWN, UNIT_NAMES, UNITS_PER_YEAR
from nmo_stats.tables.cells import plain_number
from nmo_stats.tables.column_names import is_fact

# A code is suspicious above so many times the largest other number of its column: 99 after 30, not after 40;
_FAR: Final = 3.0
# and the largest other number is taken as this at least, so that a 9 after a 1 or a 2 is noticed.
_LEAST: Final = 2.5
# Days typed for months are 30 times too long, months for years 12 times; most honest courses differ by less.
_UNEVEN: Final = 10.0
# Few series follow a drug for longer; 15 months or weeks and more, typed as years, come out above it.
_LONG_YEARS: Final = 15.0
_LEAST_IDENTIFIER: Final = 77  # below it an identifier such as 9 is that of a small series
# Per year: one relapse in 20 years, a tenth of the typical rate under treatment; or months typed as years.
_LOW_RATE: Final = 0.05
# Patients in whom a column never changes, before its change in one more patient is a surprise.
_ENOUGH_OTHERS: Final = 3


def period_notices(
    frame: pd.DataFrame, unit: str, blank_rows: Sequence[int] = (), unread_sheets: Sequence[str] = ()
) -> tuple[Notice, ...]:
    """Return the notices of a table that people typed: a period table or arrays, not dated events.

    Parameters
    ----------
    frame
        A canonical period table.
    unit
        Its exposure column.
    blank_rows, unread_sheets
        What its file holds beside it.
    """
    return (*table_notices(frame, unit, blank_rows, unread_sheets), *_entry_notices(frame, unit))


def _entry_notices(frame: pd.DataFrame, unit: str) -> tuple[Notice, ...]:
    """Return the notices of numbers that look mistyped."""
    candidates = (
        *_codes(frame, unit),
        *row_notices(frame, unit, _ROW_RULES),
        _low_rate(frame, unit),
        of_patients(
            "possible_total",
            "counts and times of a patient equal the sums of all others: check that it is no total",
            (total.patient for total in totals(frame, unit)),
        ),
        of_patients(
            "possible_average",
            "counts and times of a patient are the means or medians of all others: check it is no summary",
            averages(frame, unit),
        ),
        of_patients(
            "coded_patient",
            "an identifier is a usual code for 'unknown', far from all others: check that this is one person",
            _coded_patients(frame),
        ),
        *(_changed_once(frame, str(name)) for name in frame.columns if name not in KNOWN),
    )
    return tuple(notice for notice in candidates if notice is not None)


def _codes(frame: pd.DataFrame, unit: str) -> list[Notice | None]:
    others = (
        name for name in frame.columns if name not in KNOWN and pd.api.types.is_numeric_dtype(frame[name])
    )
    names = ["relapses", unit, *(name for name in ("edss_start", "edss_end") if name in frame), *others]
    text = "a number in {!r} is a usual code for 'unknown' and far from all others: check that it was counted"
    return [for_rows(frame, "code_for_unknown", _far_codes(frame[name]), text.format(name)) for name in names]


def _far_codes(column: pd.Series) -> Flags:
    """Return which numbers are codes far above the rest of their column, or the only negative ones."""
    values = column.to_numpy(dtype=float)
    is_code = np.isin(np.abs(values), CODES_FOR_UNKNOWN)
    rest = values[~is_code & ~np.isnan(values)]
    if not len(rest):
        return np.zeros(len(values), dtype=bool)
    is_alone = (values > _FAR * max(float(rest.max()), _LEAST)) | ((values < 0) & (rest.min() >= 0))
    return np.asarray(is_code & is_alone)


def _uneven(frame: pd.DataFrame, unit: str) -> Flags:
    """Return the periods over ten times as long as every other of their patient, or as short."""
    times = frame[unit].to_numpy(dtype=float)
    order = np.lexsort((times, pd.factorize(frame["patient"])[0]))
    ordered, patients = times[order], frame["patient"].to_numpy()[order]
    starts = np.flatnonzero(np.r_[True, patients[1:] != patients[:-1]])
    ends = np.r_[starts[1:], len(ordered)] - 1
    low, high = starts[ends > starts], ends[ends > starts]
    mask = np.zeros(len(times), dtype=bool)
    mask[order[high[ordered[high] > _UNEVEN * ordered[high - 1]]]] = True
    mask[order[low[(ordered[low + 1] > _UNEVEN * ordered[low]) & (high > low + 1)]]] = True
    return mask


def _long(frame: pd.DataFrame, unit: str) -> pd.Series[bool]:
    """Return the long periods; the absurd ones have a notice already."""
    return in_years(frame, unit).between(_LONG_YEARS, ABSURD_YEARS, inclusive="right")


_ROW_RULES: Final = (
    RowRule(
        "uneven_follow_up",
        _uneven,
        f"a follow-up is over {_UNEVEN:g} times as long, or as short, as any other of the patient: "
        "check its unit, {unit}s",
    ),
    RowRule(
        "part_days",
        lambda frame, unit: (frame[unit] % 1 != 0) & (unit == "exposure_days"),
        "a number of days is not whole: check that the unit is days",
    ),
    RowRule(
        "long_course",
        _long,
        f"a period is longer than {_LONG_YEARS:g} years: check that follow-up is in {{unit}}s",
    ),
)


def _low_rate(frame: pd.DataFrame, unit: str) -> Notice | None:
    relapses, years = int(frame["relapses"].sum()), float(frame[unit].sum()) / UNITS_PER_YEAR[unit]
    if not 0 < relapses < _LOW_RATE * years:
        return None
    rate = f"the pooled rate is {relapses / years:.2g} per year, below {_LOW_RATE:g}"
    return Notice("low_rate", f"{rate}: check that follow-up is in {UNIT_NAMES[unit]}s")


def _coded_patients(frame: pd.DataFrame) -> list[str]:
    """Return identifiers that are codes for unknown, where all patients are numbers and none is near."""
    names = pd.unique(frame["patient"].to_numpy(dtype=object))
    numbers = np.array([plain_number(name) for name in names], dtype=float)
    if np.isnan(numbers).any():
        return []
    is_coded = _far_codes(pd.Series(numbers)) & ((np.abs(numbers) >= _LEAST_IDENTIFIER) | (numbers < 0))
    return [str(name) for name in names[is_coded]]


def _changed_once(frame: pd.DataFrame, column: str) -> Notice | None:
    """Return a notice of a column that changes within one patient and never within the others."""
    if is_fact(column):
        return None
    known = frame[frame[column].notna()]
    others = known.loc[known["patient"].duplicated(), "patient"].nunique() - 1
    who = list(
        dict.fromkeys(change.patient for change in changes(known["patient"].tolist(), known[column].tolist()))
    )
    if len(who) != 1 or others < _ENOUGH_OTHERS:
        return None
    text = (
        f"column {column!r} is the same in all rows of every other patient, and changes in patient {who[0]}: "
        "check that this identifier is not that of two people"
    )
    return Notice("changed_once", text, tuple(who))
