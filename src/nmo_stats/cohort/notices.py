"""Legal but suspicious things in a table: they are said, and nothing is changed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Flags
from nmo_stats.cohort.schema import DAYS_PER_YEAR, EXPOSURES, KNOWN, UNIT_NAMES, UNITS_PER_YEAR
from nmo_stats.tables.cells import printable
from nmo_stats.tables.coded import Remark
from nmo_stats.tables.files import listed

_LEADING_ZEROS: Final = re.compile(r"(?<!\d)0+(?=\d)")
_SHORT_DAYS: Final = 30
_HIGH_ARR: Final = 20
ABSURD_YEARS: Final = 60
_CHECK_UNIT: Final = "check that follow-up is in {unit}s"


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
        """Return a dictionary of plain values for JSON.

        Returns
        -------
        dict
            Code, text and patients.
        """
        return {"code": self.code, "text": self.text, "patients": list(self.patients)}


@dataclass(frozen=True, slots=True)
class RowRule:
    """Which rows of a period table are suspicious, and what is said of them.

    Parameters
    ----------
    code
        Code of the notice.
    rows
        From the table and its exposure column to a mask of rows.
    text
        Text of the notice, in which ``{unit}`` is the name of the unit, such as ``month``.
    """

    code: str
    rows: Callable[[pd.DataFrame, str], Flags | pd.Series[bool]]
    text: str


def in_years(frame: pd.DataFrame, unit: str) -> pd.Series[float]:
    """Return the follow-up of each row in years."""
    return frame[unit] / UNITS_PER_YEAR[unit]


def _in_days(frame: pd.DataFrame, unit: str) -> pd.Series[float]:
    return frame[unit] * (DAYS_PER_YEAR / UNITS_PER_YEAR[unit])


def _says_yes(frame: pd.DataFrame, column: str) -> pd.Series[bool]:
    if column not in frame:
        return pd.Series(data=False, index=frame.index)
    return frame[column].fillna(value=False).astype(bool)


_ROW_RULES: Final = (
    RowRule(
        "short_period",
        lambda frame, unit: _in_days(frame, unit) < _SHORT_DAYS,
        f"a period is shorter than {_SHORT_DAYS} days: {_CHECK_UNIT}",
    ),
    RowRule(
        "high_arr",
        lambda frame, unit: frame["relapses"] / in_years(frame, unit) > _HIGH_ARR,
        f"an ARR is above {_HIGH_ARR} per year: check the count, and {_CHECK_UNIT}",
    ),
    RowRule(
        "long_period",
        lambda frame, unit: in_years(frame, unit) > ABSURD_YEARS,
        f"a period is longer than {ABSURD_YEARS} years: {_CHECK_UNIT}",
    ),
    RowRule(
        "ended_without_relapse",
        lambda frame, _: _says_yes(frame, "ended_by_relapse") & (frame["relapses"] == 0),
        "a period was ended by a relapse but counts none",
    ),
    RowRule(
        "ongoing_but_ended",
        lambda frame, _: _says_yes(frame, "ended_by_relapse") & _says_yes(frame, "ongoing"),
        "a period is both ongoing and ended by a relapse",
    ),
)


def table_notices(
    frame: pd.DataFrame, unit: str, blank_rows: Sequence[int] = (), unread_sheets: Sequence[str] = ()
) -> tuple[Notice, ...]:
    """Return every notice that the canonical table ``frame`` with exposure column ``unit`` gives rise to."""
    candidates = (
        *row_notices(frame, unit, _ROW_RULES),
        _whole_units(frame, unit),
        _similar_names(frame["treatment"], "treatment"),
        _similar_names(frame["patient"], "patient"),
        *_other_columns(frame),
        _listed("blank_rows", "empty rows hold no period: ", map(str, blank_rows)),
        _listed(
            "unread_sheets", "only the first sheet of the workbook is read, not ", map(repr, unread_sheets)
        ),
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
    text = f"two relapses of a period are at most {_SHORT_DAYS} days apart: they may be one"
    notice = for_rows(frame, "close_relapses", frame.index.isin(close), text)
    return () if notice is None else (notice,)


def row_notices(frame: pd.DataFrame, unit: str, rules: Iterable[RowRule]) -> list[Notice | None]:
    """Return the notice of each rule, None where no row breaks it."""
    name = UNIT_NAMES[unit]
    return [for_rows(frame, rule.code, rule.rows(frame, unit), rule.text.format(unit=name)) for rule in rules]


def for_rows(
    frame: pd.DataFrame, code: str, mask: pd.Series[bool] | npt.NDArray[np.bool_], text: str
) -> Notice | None:
    """Return a notice that names patient and treatment of the rows of a mask; None if there are none."""
    if not mask.any():
        return None
    who = frame.loc[mask, ["patient", "treatment"]].itertuples(index=False, name=None)
    names = listed(f"patient {patient} on {treatment}" for patient, treatment in who)
    return Notice(code, f"{text} ({names})", tuple(dict.fromkeys(frame.loc[mask, "patient"])))


def of_patients(code: str, text: str, who: Iterable[str]) -> Notice | None:
    """Return a notice of some patients; None if there are none."""
    names = tuple(who)
    return Notice(code, f"{text} ({named_patients(names)})", names) if names else None


def _listed(code: str, text: str, items: Iterable[str]) -> Notice | None:
    names = listed(items)
    return Notice(code, f"{text}{names}") if names else None


def _whole_units(frame: pd.DataFrame, unit: str) -> Notice | None:
    if unit == "exposure_days" or not (frame[unit] % 1 == 0).all():
        return None
    name = f"{UNIT_NAMES[unit]}s"
    text = f"all follow-up times are whole {name}: they are probably rounded, which the intervals ignore"
    return Notice(f"whole_{name}", text)


def _similar_names(names: pd.Series[str], column: str) -> Notice | None:
    groups: dict[str, list[str]] = {}
    for name in pd.unique(names.to_numpy(dtype=object)):
        key = _without_case_and_spaces(name)
        # 001 and 1 look alike once a spreadsheet has taken them for numbers
        groups.setdefault(_LEADING_ZEROS.sub("", key) if column == "patient" else key, []).append(name)
    alike = [" / ".join(map(repr, group)) for group in groups.values() if len(group) > 1]
    only = "case, spaces or leading zeros" if column == "patient" else "case or spaces"
    text = f"names in {column!r} that differ only in {only} count as different: "
    return _listed(f"similar_{column}", text, alike)


def _without_case_and_spaces(name: str) -> str:
    """Return what the eye tells apart, so also without zero-width spaces and composed letters as one."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return plain if plain.isascii() else "".join(c for c in plain if unicodedata.category(c) != "Cf")


def _other_columns(frame: pd.DataFrame) -> list[Notice]:
    """Return a notice of the covariates, and one of each that looks like a misspelt column of ours."""
    others = [str(name) for name in frame.columns if name not in KNOWN]
    if not others:
        return []
    names = ", ".join(map(printable, others))
    notices = [Notice("covariates", f"other columns are kept for description: {names}")]
    # of the exposure columns one unit is there already
    absent = [name for name in KNOWN if name not in frame and name not in EXPOSURES]
    for name in others:
        if near := difflib.get_close_matches(name.strip().lower(), absent, n=1, cutoff=0.8):
            text = f"column {name!r} is kept for description only; did you mean {near[0]!r}?"
            notices.append(Notice("similar_column", text))
    return notices


def named_patients(names: Sequence[str], most: int = 6) -> str:
    """Return the first patients of some in one text, and how many more there are.

    Examples
    --------
    >>> named_patients(["A"]), named_patients(["A", "B"])
    ('patient A', 'patients A, B')
    """
    return f"patient{'' if len(names) == 1 else 's'} {listed(names, most)}"
