"""Numbers that are legal and look like a slip of the keyboard or of the unit, by thresholds with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.cohort.notices import Notice, for_rows, listed
from nmo_stats.cohort.persons import changes
from nmo_stats.cohort.schema import KNOWN, UNITS_PER_YEAR
from nmo_stats.cohort.totals import averages, totals
from nmo_stats.tables.cells import plain_number
from nmo_stats.tables.column_names import is_fact

# Codes with which registries write "unknown", with either sign: a negative count or time is refused before.
_CODES: Final = (9, 77, 88, 99, 777, 888, 999, 7777, 8888, 9999)
# A code is suspicious above so many times the largest other number of its column: 99 after 30, not after 40.
_FAR: Final = 3.0
_LEAST: Final = (
    2.5  # and the largest other number is taken as this at least, so that a 9 after a 1 or a 2 is noticed
)
# Days typed for months are 30 times too long, months for years 12 times; most honest courses differ by less.
_UNEVEN: Final = 10.0
# Few series follow a drug for longer; 15 months or weeks and more, typed as years, come out above it.
_LONG_YEARS: Final = 15.0
_LEAST_IDENTIFIER: Final = 77  # below it an identifier such as 9 is that of a small series
_ABSURD_YEARS: Final = 60.0  # said by the notice of impossible periods
# Per year: one relapse in 20 years, a tenth of the typical rate under treatment; months typed as years give
# it.
_LOW_RATE: Final = 0.05
_ENOUGH_OTHERS: Final = (
    3  # patients in whom a column never changes, before its change in one more patient is a surprise
)


def entry_notices(frame: pd.DataFrame, unit: str) -> tuple[Notice, ...]:
    """Return the notices of numbers that people typed: a period table or arrays, not dated events.

    Parameters
    ----------
    frame
        A canonical period table.
    unit
        Its exposure column.
    """
    candidates = (
        *_codes(frame, unit),
        _uneven(frame, unit),
        _part_days(frame, unit),
        _long(frame, unit),
        _low_rate(frame, unit),
        _possible_total(frame, unit),
        _possible_average(frame, unit),
        _coded_patient(frame),
        *_changed(frame),
    )
    return tuple(notice for notice in candidates if notice is not None)


def _codes(frame: pd.DataFrame, unit: str) -> list[Notice | None]:
    others = [
        name for name in frame.columns if name not in KNOWN and pd.api.types.is_numeric_dtype(frame[name])
    ]
    names = ["relapses", unit, *(name for name in ("edss_start", "edss_end") if name in frame), *others]
    return [
        for_rows(
            frame,
            "code_for_unknown",
            _far_codes(frame[name]),
            f"a number in {name!r} is a usual code for 'unknown' and far from all others: check that it was "
            f"counted",
        )
        for name in names
    ]


def _far_codes(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which numbers are codes far above the rest of their column, or the only negative ones."""
    values = column.to_numpy(dtype=float)
    is_code = np.isin(np.abs(values), _CODES)
    rest = values[~is_code & ~np.isnan(values)]
    if not len(rest):
        return np.zeros(len(values), dtype=bool)
    is_alone = (values > _FAR * max(float(rest.max()), _LEAST)) | ((values < 0) & (rest.min() >= 0))
    return np.asarray(is_code & is_alone)


def _uneven(frame: pd.DataFrame, unit: str) -> Notice | None:
    """Return a notice of periods over ten times as long as every other of their patient, or as short."""
    times = frame[unit].to_numpy(dtype=float)
    order = np.lexsort((times, pd.factorize(frame["patient"])[0]))
    ordered, patients = times[order], frame["patient"].to_numpy()[order]
    same = patients[1:] == patients[:-1]
    starts = np.flatnonzero(np.r_[True, ~same])
    ends = np.r_[starts[1:], len(ordered)] - 1
    several = ends > starts
    low, high = starts[several], ends[several]
    mask = np.zeros(len(times), dtype=bool)
    mask[order[high[ordered[high] > _UNEVEN * ordered[high - 1]]]] = True
    mask[order[low[(ordered[low + 1] > _UNEVEN * ordered[low]) & (high > low + 1)]]] = True
    text = (
        f"a follow-up is over {_UNEVEN:g} times as long, or as short, as any other of the patient: check "
        f"its unit, {_unit(unit)}"
    )
    return for_rows(frame, "uneven_follow_up", mask, text)


def _part_days(frame: pd.DataFrame, unit: str) -> Notice | None:
    if unit != "exposure_days":
        return None
    mask = frame[unit].to_numpy() % 1 != 0
    return for_rows(frame, "part_days", mask, "a number of days is not whole: check that the unit is days")


def _long(frame: pd.DataFrame, unit: str) -> Notice | None:
    years = frame[unit].to_numpy(dtype=float) / UNITS_PER_YEAR[unit]
    text = f"a period is longer than {_LONG_YEARS:g} years: check that follow-up is in {_unit(unit)}"
    return for_rows(frame, "long_course", (years > _LONG_YEARS) & (years <= _ABSURD_YEARS), text)


def _low_rate(frame: pd.DataFrame, unit: str) -> Notice | None:
    relapses, years = int(frame["relapses"].sum()), float(frame[unit].sum()) / UNITS_PER_YEAR[unit]
    if not 0 < relapses < _LOW_RATE * years:
        return None
    text = (
        f"the pooled rate is {relapses / years:.2g} per year, below {_LOW_RATE:g}: check that follow-up is "
        f"in {_unit(unit)}"
    )
    return Notice("low_rate", text)


def _possible_total(frame: pd.DataFrame, unit: str) -> Notice | None:
    who = tuple(
        found.patient
        for found in totals(frame["patient"], frame["treatment"], frame["relapses"], frame[unit])
    )
    text = (
        f"counts and times of a patient equal the sums of all others: check that it is no total (patient "
        f"{listed(who)})"
    )
    return Notice("possible_total", text, who) if who else None


def _possible_average(frame: pd.DataFrame, unit: str) -> Notice | None:
    who = tuple(averages(frame["patient"], frame["treatment"], frame["relapses"], frame[unit]))
    text = (
        f"counts and times of a patient are the means or the medians of all others: check that it is no summary "
        f"(patient {listed(who)})"
    )
    return Notice("possible_average", text, who) if who else None


def _coded_patient(frame: pd.DataFrame) -> Notice | None:
    """Return a notice of identifiers that are codes for unknown, where all patients are numbers and none is near."""
    names = pd.unique(frame["patient"].to_numpy(dtype=object))
    numbers = np.array([plain_number(name) for name in names], dtype=float)
    if np.isnan(numbers).any():
        return None
    is_coded = _far_codes(pd.Series(numbers)) & ((np.abs(numbers) >= _LEAST_IDENTIFIER) | (numbers < 0))
    who = tuple(str(name) for name in names[is_coded])
    text = (
        f"an identifier is a usual code for 'unknown' and far from all others: check that this is one person "
        f"(patient {listed(who)})"
    )
    return Notice("coded_patient", text, who) if who else None


def _changed(frame: pd.DataFrame) -> list[Notice]:
    """Return a notice of every column that changes within one patient and never within the others."""
    names = [str(name) for name in frame.columns if name not in KNOWN and not is_fact(str(name))]
    return [notice for name in names if (notice := _changed_once(frame, name)) is not None]


def _changed_once(frame: pd.DataFrame, column: str) -> Notice | None:
    known = frame[frame[column].notna()]
    several = set(known.loc[known["patient"].duplicated(), "patient"])
    who = _different(
        {change.patient for change in changes(known["patient"].tolist(), column, known[column].tolist())}
    )
    if len(who) != 1 or len(several) - 1 < _ENOUGH_OTHERS:
        return None
    text = (
        f"column {column!r} is the same in all rows of every other patient, and changes in patient {who[0]}: "
        "check that this identifier is not that of two people"
    )
    return Notice("changed_once", text, who)


def _different(patients: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(patients))


def _unit(unit: str) -> str:
    return unit.removeprefix("exposure_")
