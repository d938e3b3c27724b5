"""The column of the follow-up time: its unit is in its name, and no unit is ever taken for another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
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
_TIME_WORDS: Final = word_set(
    "exposure exp followup fu duration dur time observation observed treated treatment therapy drug on in "
    "of period patient "
    "person total length"
)
_WORD: Final = re.compile(r"[^\W\d_]+")


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
    return (
        _UNIT_WORDS[units[0]] if times or len(units[0]) > 2 else None
    )  # a column m or d alone may be anything


def exposure_problems(named: Iterable[str]) -> list[Problem]:
    """Return what is wrong if there is not exactly one exposure column among ``named``."""
    names = list(named)
    found = [name for name in EXPOSURES if name in names]
    if len(found) == 1:
        return []
    if found:
        return [Problem(" and ".join(found), _RULE, "keep one of them", column="exposure")]
    return [
        Problem("missing", _RULE, _remedy([name for name in names if name not in KNOWN]), column="exposure")
    ]


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
        listed = ", ".join(map(repr, units))
        return f"which of {listed} is the follow-up? rename that one to {_LISTED}, by its unit"
    unnamed = [name for name in others if _is_time(name)]
    if unnamed:
        asked = f"did you mean {unnamed[0]!r}? name its unit" if len(unnamed) == 1 else "name the unit"
        return f"{asked}: rename the column to {_LISTED}, after converting any other unit"
    return f"name its unit: add the column, or rename yours, to {_LISTED}"


def _is_time(name: str) -> bool:
    words = set(_words(name))
    return bool(words & {"exposure", "followup", "fu", "duration", "observation"}) or bool(
        words & _OTHER_UNITS and words <= _OTHER_UNITS | _TIME_WORDS
    )


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return _WORD.findall(re.sub(r"follow[\s_-]*up", "followup", spaced))
