"""Facts that cannot change within a person, such as the sex: else two people share an identifier."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from nmo_stats.errors import Problem
from nmo_stats.tables.cells import Fault, is_missing, plain_number, says_unknown, shown, word_set

# Names of columns in small letters without signs, and what may stand before or behind them.
_FACTS: Final = word_set(
    "centre center site hospital clinic institution sex gender birth birthyear yearofbirth birthdate "
    "dateofbirth birthday dob "
    "yob country nation nationality ethnicity ethnicgroup ethnic race initials sexe geschlecht zentrum "
    "klinik krankenhaus "
    "geburtsjahr geburtsdatum geburtstag staat nationalitat pays hopital sexo centro pais"
)
_BEFORE: Final = ("patient", "pt", "subject", "study", "home", "recruiting", "enrolling", "treating", "demo")
_BEHIND: Final = ("id", "no", "nr", "num", "number", "name", "code", "patient", "mf", "fm")
_AFFIXED: Final = re.compile(rf"(?:{'|'.join(_BEFORE)})?(.+?)(?:{'|'.join(_BEHIND)})?")
_RULE: Final = "this cannot change within a person"
_REMEDY: Final = (
    "if these are two people, give each an identifier of their own; if it is one person, write the same in "
    "all rows, "
    "or what can differ between periods under another column name, such as {!r}"
)


@dataclass(frozen=True, slots=True)
class Change:
    """A row whose value of a column is another one than in the first row of the patient."""

    patient: str
    column: str
    place: int
    first: int


def is_fact(column: str) -> bool:
    """Return whether a column says by its name that it cannot change within a person.

    Examples
    --------
    >>> is_fact("Site ID"), is_fact("patient_sex"), is_fact("injection_site"), is_fact("age")
    (True, True, False, False)
    """
    plain = "".join(letter for letter in _plain(column) if letter.isalnum())
    found = _AFFIXED.fullmatch(plain)
    return plain in _FACTS or (found is not None and found[1] in _FACTS)


def changes(patients: Sequence[Any], column: str, cells: Sequence[Any]) -> list[Change]:
    """Return the rows in which a patient has another value than in the first row that has one."""
    once = lru_cache(maxsize=None)(_compared)  # large tables hold few different cells
    table = pd.DataFrame({"patient": list(patients), "value": list(map(once, cells))}, dtype="object")
    is_named = [isinstance(patient, str) for patient in patients]
    is_known = table["value"].notna() & np.array(is_named, dtype=bool)
    table = table[is_known].reset_index(names="place")
    first = table.groupby("patient", sort=False)[["value", "place"]].transform("first")
    changed = table.assign(first=first["place"])[table["value"] != first["value"]]
    return [
        Change(patient, column, place, before)
        for patient, place, before in changed[["patient", "place", "first"]].itertuples(
            index=False, name=None
        )
    ]


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
    facts = [name for name in columns if name not in own and is_fact(name)]
    found = [change for name in facts for change in changes(columns["patient"], name, columns[name])]
    return [_problem(change, columns[change.column], rows, tables) for change in found]


def _problem(
    change: Change, cells: Sequence[Any], rows: Sequence[int], tables: Sequence[str] | None
) -> Problem:
    first = (
        f"row {rows[change.first]}" if tables is None else f"{tables[change.first]}, row {rows[change.first]}"
    )
    return Problem(
        f"{shown(cells[change.place])} ({shown(cells[change.first])} in {first})",
        _RULE,
        _REMEDY.format(f"{change.column}_of_period"),
        int(rows[change.place]),
        change.patient,
        change.column,
        None if tables is None else tables[change.place],
    )


def _compared(cell: Any) -> object:
    """Return a number whatever its spelling, a text without case, spaces, accents, and None for nothing."""
    if isinstance(cell, Fault) or is_missing(cell) or says_unknown(cell):
        return None
    if not isinstance(cell, str):
        return cell
    number = plain_number(cell)
    return "".join(_plain(cell).split()) if number is None else number


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
