"""Legal but suspicious things in a table: they are said, and nothing is changed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.cohort.schema import DAYS_PER_YEAR, EXPOSURES, KNOWN, UNITS_PER_YEAR
from nmo_stats.tables.cells import printable
from nmo_stats.tables.table import Remark

_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_SHORT_DAYS = 30
_HIGH_ARR = 20
_LONG_YEARS = 60


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the result should know about the data.

    Parameters
    ----------
    code
        Machine-readable name, e.g. ``"whole_months"``.
    text
        One plain sentence.
    patients
        The patients that it concerns; empty where it concerns the table.
    """

    code: str
    text: str
    patients: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain values for JSON."""
        return {"code": self.code, "text": self.text, "patients": list(self.patients)}


def table_notices(
    frame: pd.DataFrame, unit: str, blank_rows: tuple[int, ...] = (), unread_sheets: tuple[str, ...] = ()
) -> tuple[Notice, ...]:
    """Return every notice that the canonical table ``frame`` with exposure column ``unit`` gives rise to."""
    candidates = (
        *_row_notices(frame, unit),
        _whole_units(frame, unit),
        _similar_names(frame["treatment"], "treatment"),
        _similar_names(frame["patient"], "patient"),
        _covariates(frame),
        *_misspelt_columns(frame),
        _blank_rows(blank_rows),
        _unread_sheets(unread_sheets),
    )
    return tuple(notice for notice in candidates if notice is not None)


def remark_notices(remarks: Iterable[Remark]) -> tuple[Notice, ...]:
    """Return how a file was read where that is not plain, such as rows that a filter hides."""
    return tuple(Notice(remark.code, remark.text) for remark in remarks)


def times_notices(frame: pd.DataFrame, relapse_times: pd.DataFrame) -> tuple[Notice, ...]:
    """Return a notice of relapses of one period that are close together, of those whose time is known."""
    ordered = relapse_times.sort_values(["row", "years"])
    apart = ordered["years"].diff() * DAYS_PER_YEAR
    close = ordered.loc[(ordered["row"].diff() == 0) & (apart < _SHORT_DAYS + 0.5), "row"]
    mask = pd.Series(frame.index.isin(close), index=frame.index)
    text = f"two relapses of a period are at most {_SHORT_DAYS} days apart: they may be one"
    found = for_rows(frame, "close_relapses", mask, text)
    return () if found is None else (found,)


def _row_notices(frame: pd.DataFrame, unit: str) -> list[Notice | None]:
    relapses, years = frame["relapses"], frame[unit] / UNITS_PER_YEAR[unit]
    days = frame[unit] * (DAYS_PER_YEAR / UNITS_PER_YEAR[unit])
    ended, ongoing = _answered_yes(frame, "ended_by_relapse"), _answered_yes(frame, "ongoing")
    read = f"check that follow-up is in {unit.removeprefix('exposure_')}"
    short_period = f"a period is shorter than {_SHORT_DAYS} days: {read}"
    high_arr = f"an ARR is above {_HIGH_ARR} per year: check the count, and {read}"
    long_period = f"a period is longer than {_LONG_YEARS} years: {read}"
    ended_without = "a period was ended by a relapse but counts none"
    both = "a period is both ongoing and ended by a relapse"
    return [
        for_rows(frame, "short_period", days < _SHORT_DAYS, short_period),
        for_rows(frame, "high_arr", relapses / years > _HIGH_ARR, high_arr),
        for_rows(frame, "long_period", years > _LONG_YEARS, long_period),
        for_rows(frame, "ended_without_relapse", ended & (relapses == 0), ended_without),
        for_rows(frame, "ongoing_but_ended", ended & ongoing, both),
    ]


def _answered_yes(frame: pd.DataFrame, column: str) -> pd.Series[bool]:
    if column not in frame:
        return pd.Series(data=False, index=frame.index)
    return frame[column].fillna(value=False).astype(bool)


def for_rows(
    frame: pd.DataFrame, code: str, mask: pd.Series[bool] | npt.NDArray[np.bool_], text: str
) -> Notice | None:
    """Return a notice that names patient and treatment of the rows of a mask; None if there are none."""
    if not mask.any():
        return None
    who = frame.loc[mask, ["patient", "treatment"]].itertuples(index=False, name=None)
    places = [f"patient {patient} on {treatment}" for patient, treatment in who]
    patients = tuple(dict.fromkeys(frame.loc[mask, "patient"]))
    return Notice(code, f"{text} ({listed(places)})", patients)


def _whole_units(frame: pd.DataFrame, unit: str) -> Notice | None:
    if unit == "exposure_days" or not (frame[unit] % 1 == 0).all():
        return None
    name = unit.removeprefix("exposure_")
    text = f"all follow-up times are whole {name}: they are probably rounded, which the intervals ignore"
    return Notice(f"whole_{name}", text)


def _similar_names(names: pd.Series[str], column: str) -> Notice | None:
    groups: dict[str, list[str]] = {}
    for name in pd.unique(names.to_numpy(dtype=object)):
        key = _without_case_and_spaces(name)
        groups.setdefault(_without_leading_zeros(key) if column == "patient" else key, []).append(name)
    alike = [" / ".join(map(repr, group)) for group in groups.values() if len(group) > 1]
    if not alike:
        return None
    only = "case, spaces or leading zeros" if column == "patient" else "case or spaces"
    text = f"names in {column!r} that differ only in {only} count as different: {listed(alike)}"
    return Notice(f"similar_{column}", text)


def _without_case_and_spaces(name: str) -> str:
    """Return what the eye tells apart, so also without zero-width spaces and composed letters as one."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return plain if plain.isascii() else "".join(c for c in plain if unicodedata.category(c) != "Cf")


def _without_leading_zeros(name: str) -> str:
    """Return an identifier as spreadsheets show it once they have taken it for a number: 001 and 1 look alike."""
    return _LEADING_ZEROS.sub("", name)


def _covariates(frame: pd.DataFrame) -> Notice | None:
    others = [name for name in frame.columns if name not in KNOWN]
    text = f"other columns are kept for description: {', '.join(map(printable, others))}"
    return Notice("covariates", text) if others else None


def _misspelt_columns(frame: pd.DataFrame) -> list[Notice]:
    absent = [
        name for name in KNOWN if name not in frame and name not in EXPOSURES
    ]  # one unit is there already
    near = {
        name: difflib.get_close_matches(name.strip().lower(), absent, n=1, cutoff=0.8)
        for name in frame.columns
        if name not in KNOWN
    }
    return [
        Notice("similar_column", f"column {name!r} is kept for description only; did you mean {found[0]!r}?")
        for name, found in near.items()
        if found
    ]


def _blank_rows(rows: tuple[int, ...]) -> Notice | None:
    text = f"empty rows hold no period: {listed([str(row) for row in rows])}"
    return Notice("blank_rows", text) if rows else None


def _unread_sheets(sheets: tuple[str, ...]) -> Notice | None:
    text = f"only the first sheet of the workbook is read, not {listed([repr(sheet) for sheet in sheets])}"
    return Notice("unread_sheets", text) if sheets else None


def listed(items: Sequence[str], most: int = 6) -> str:
    """Return the first items, and how many more there are."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
