"""The header of a period table: the one column of follow-up with its unit, and what tells a wide table."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nmo_stats.cohort.schema import EXPOSURES, KNOWN
from nmo_stats.errors import Problem
from nmo_stats.tables.cells import word_set
from nmo_stats.tables.column_names import rename_text

_LISTED: Final = "exposure_days, exposure_weeks, exposure_months or exposure_years"
_RULE: Final = f"exactly one of {_LISTED.replace(' or', ',')}; the unit is in the name"
_UNIT_WORDS: Final = {
    **dict.fromkeys(word_set("d day days tage jours"), "exposure_days"),
    **dict.fromkeys(word_set("w wk wks week weeks wochen semaines"), "exposure_weeks"),
    **dict.fromkeys(word_set("m mo mos mth mths month months monate mois"), "exposure_months"),
    **dict.fromkeys(word_set("y yr yrs year years jahre ans annees"), "exposure_years"),
}
_OTHER_UNITS: Final = word_set("hour hours h minutes quarter quarters decades fortnights cycles visits")
_SURELY_TIME: Final = word_set("exposure followup fu duration observation")
_TIME_WORDS: Final = _SURELY_TIME | word_set(
    "exp dur time observed treated treatment therapy drug on in of period patient person total length"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
# Of wide tables: what a column of counts and one of times is called,
_COUNTS: Final = word_set(
    "relapse relapses attack attacks event events flare flares bleed bleeds seizure seizures schub schube "
    "schübe count counts anfälle anfall anfalle poussée poussées poussees crises crisis brotes brote ataques "
    "recidive headaches migraines hospitalizations hospitalisations "
    "episodes exacerbations arr rate rel rels att n num"
)
_TIMES: Final = word_set(
    "day days week weeks month months year years exposure followup fu duration time tage wochen monate jahre "
    "wk wks mo mon mos mth mths yr yrs"
)
# and what a column says of one period, and not which period it is of.
_NO_PERIODS: Final = word_set(
    "date dates onset severity type kind number no n id day days week weeks month months year years time "
    "free rate count total reported any other comment note end ended start unit"
)
_LONG: Final = word_set("treatment drug therapy medication arm")  # a column of a long table
_SPACE: Final = re.compile(r"[\s_.\-/()\[\]]+")
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_WIDE_RULE: Final = (
    "a long table, one row per patient and treatment; this one is wide, with several periods in a row"
)


def unit_of(column: str) -> str | None:
    """Return the exposure column of the unit in a name; None if it is of something else, or has none.

    Examples
    --------
    >>> unit_of("Follow-up (wks)"), unit_of("exposure_quarters"), unit_of("age_years")
    ('exposure_weeks', None, None)
    """
    words = _words(column)
    units = [word for word in words if word in _UNIT_WORDS]
    times = [
        word
        for word in words
        if word in _TIME_WORDS or difflib.get_close_matches(word, ["exposure"], cutoff=0.8)
    ]
    if len(units) != 1 or len(times) + 1 != len(words):
        return None
    # a column m or d alone may be anything
    return _UNIT_WORDS[units[0]] if times or len(units[0]) > 2 else None


def exposure_problems(named: Iterable[str]) -> list[Problem]:
    """Return what is wrong if there is not exactly one exposure column among ``named``."""
    names = list(named)
    present = [name for name in EXPOSURES if name in names]
    if len(present) == 1:
        return []
    remedy = (
        "keep one of them" if present else _remedy([name for name in names if name and name not in KNOWN])
    )
    return [Problem(" and ".join(present) or "missing", _RULE, remedy, column="exposure")]


def unit_problems(mapping: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with a renaming that turns the column of one unit into that of another."""
    return [
        Problem(
            rename_text(foreign, ours),
            "a column of one unit is not one of another: the numbers would be read wrongly",
            f"leave {foreign!r} as it is" if foreign in EXPOSURES else f"rename it to {unit!r}",
        )
        for foreign, ours in mapping.items()
        if ours in EXPOSURES and (unit := unit_of(foreign)) is not None and unit != ours
    ]


def _remedy(others: list[str]) -> str:
    units = {name: unit for name in others if (unit := unit_of(name)) is not None}
    if len(units) == 1:
        [(name, unit)] = units.items()
        return f"did you mean {name!r}? name its unit: {rename_text(name, unit)}"
    if units:
        names = ", ".join(map(repr, units))
        return f"which of {names} is the follow-up? rename that one to {_LISTED}, by its unit"
    unnamed = [name for name in others if _is_time(name)]
    if unnamed:
        asked = f"did you mean {unnamed[0]!r}? name its unit" if len(unnamed) == 1 else "name the unit"
        return f"{asked}: rename the column to {_LISTED}, after converting any other unit"
    return f"name its unit: add a column {_LISTED}, or rename yours to it"


def _is_time(name: str) -> bool:
    words = set(_words(name))
    has_other_unit = bool(words & _OTHER_UNITS)
    return bool(words & _SURELY_TIME) or (has_other_unit and words <= _OTHER_UNITS | _TIME_WORDS)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return _WORD.findall(re.sub(r"follow[\s_-]*up", "followup", spaced))


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
    rows = ", and ".join(
        f"patient, treatment {period!r}, relapses {_count(name)}, {_time(times.get(period))}"
        for period, name in counts.items()
    )
    return Problem(
        f"{', '.join(map(repr, counts.values()))} side by side",
        _WIDE_RULE,
        f"make a row of each period: {rows} (`nmo-stats template` writes such a table)",
    )


def _bare(names: Sequence[str], times: dict[str, str]) -> dict[str, str]:
    """Return the columns called like a period that has a time, where no column is one of counts or drugs."""
    if {word for name in names for word in _parts(name)} & (_COUNTS | _LONG):
        return {}
    return {word: name for name in names if (word := "".join(_parts(name))) in times.keys() - _NO_PERIODS}


def _count(name: str) -> str:
    return "(the count, not the rate)" if {"arr", "rate"} & set(_parts(name)) else f"from {name!r}"


def _time(name: str | None) -> str:
    words = set(_parts(name or ""))
    unit = next((unit for unit in EXPOSURES if {unit[9:], unit[9:-1]} & words), None)
    if unit is None:
        return f"its follow-up {'' if name is None else f'from {name!r} '}as {_LISTED} by its unit"
    return f"{unit} from {name!r}"


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
    """Return the words of a column name in small letters, numbers among them; ``follow_up`` is one word."""
    words = " ".join(filter(None, _SPACE.split(_CAPITAL.sub(" ", name.strip())))).lower()
    return tuple(words.replace("follow up", "followup").split())
