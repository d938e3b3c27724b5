"""Wide tables, one row per patient with columns for each period: how they are recognised, and made long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from nmo_stats.errors import Problem
from nmo_stats.tables.cells import word_set

_COUNTS: Final = word_set(
    "relapse relapses attack attacks event events flare flares bleed bleeds seizure seizures schub schube "
    "schübe count counts anfälle anfall anfalle poussée poussées poussees crises crisis brotes brote ataques recidive "
    "headaches migraines hospitalizations hospitalisations "
    "episodes exacerbations arr rate rel rels att n num"
)
_TIMES: Final = word_set(
    "day days week weeks month months year years exposure followup fu duration time tage wochen monate jahre "
    "wk wks mo mon mos mth mths yr yrs"
)
# What a column says of one period, and not which period it is of.
_NO_PERIODS: Final = word_set(
    "date dates onset severity type kind number no n id day days week weeks month months year years time "
    "free rate count "
    "total reported any other comment note end ended start unit"
)
_LONG: Final = word_set("treatment drug therapy medication arm")  # a column of a long table
_UNITS: Final = ("days", "weeks", "months", "years")
_SPACE: Final = re.compile(r"[\s_.\-/()\[\]]+")
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_RULE: Final = (
    "this table is wide, with several periods in one row; a period table is long, one row per patient and "
    "treatment"
)


def wide_problem(names: Sequence[str]) -> Problem | None:
    """Return the problem of a table with a column of counts for each of several periods; else None.

    Parameters
    ----------
    names
        Names of the columns.

    Examples
    --------
    >>> wide_problem(["id", "attacks_before", "attacks_after"]).value
    "'attacks_before', 'attacks_after' side by side"
    >>> wide_problem(["patient", "treatment", "attacks", "months"])
    """
    counts, times = _by_period(names, _COUNTS), _by_period(names, _TIMES)
    counts = counts or _bare(names, times)
    if len(counts) < 2 or (set(counts) & _NO_PERIODS and len(counts.keys() & times.keys()) < 2):
        return None
    return Problem(
        f"{', '.join(map(repr, counts.values()))} side by side",
        _RULE,
        f"make a row of each period: {_rows(counts, times)} (`nmo-stats template` writes such a table)",
    )


def _bare(names: Sequence[str], times: dict[str, str]) -> dict[str, str]:
    """Return the columns called like a period that has a time, where no column says that it holds counts or a drug."""
    if {word for name in names for word in _parts(name)} & (_COUNTS | _LONG):
        return {}
    return {word: name for name in names if (word := "".join(_parts(name))) in times.keys() - _NO_PERIODS}


def _rows(counts: dict[str, str], times: dict[str, str]) -> str:
    """Return what the rows of one patient hold."""
    return ", and ".join(
        f"patient, treatment {period!r}, relapses {_count(name)}, {_time(times.get(period))}"
        for period, name in counts.items()
    )


def _count(name: str) -> str:
    return "(the count, not the rate)" if {"arr", "rate"} & set(_parts(name)) else f"from {name!r}"


def _time(name: str | None) -> str:
    words = set(_parts(name or ""))
    unit = next((unit for unit in _UNITS if {unit, unit[:-1]} & words), None)
    if unit is None:
        column = "exposure_days, exposure_weeks, exposure_months or exposure_years by its unit"
        return f"its follow-up {'' if name is None else f'from {name!r} '}as {column}"
    return f"exposure_{unit} from {name!r}"


def _by_period(names: Iterable[str], kind: frozenset[str]) -> dict[str, str]:
    """Return the columns of one kind that differ in one word of their names, by that word."""
    stems: dict[tuple[object, ...], dict[str, str]] = {}
    for name in names:
        parts = _parts(name)
        for place, word in enumerate(parts if len(parts) > 1 else ()):
            rest = (*parts[:place], *parts[place + 1 :])
            if set(rest) & kind and word not in kind:
                stems.setdefault((place, *rest), {})[word] = name
    return max(stems.values(), key=len, default={})


def _parts(name: str) -> tuple[str, ...]:
    """Return the words of a column name in small letters; ``follow_up`` is one word."""
    words = " ".join(filter(None, _SPACE.split(_CAPITAL.sub(" ", name.strip())))).lower()
    return tuple(words.replace("follow up", "followup").split())
