"""Columns whose value cannot change within a person, such as the sex: by their names, in every kind of table."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from nmo_stats.tables.cells import Fault, is_missing, plain_number, says_unknown, word_set

# Names of columns in small letters without signs, and what may stand before or behind them.
_FACTS: Final = word_set(
    "centre center site hospital clinic institution sex gender birth birthyear yearofbirth birthdate "
    "dateofbirth birthday dob "
    "yob country nation nationality ethnicity ethnicgroup ethnic race initials sexe geschlecht zentrum "
    "klinik krankenhaus "
    "geburtsjahr geburtsdatum geburtstag gebjahr gebdatum jahrgang yearborn bornin sexatbirth birthsex birthcountry countryofbirth birthplace placeofbirth staat nationalitat pays hopital sexo centro pais"
)
_BEFORE: Final = ("patient", "pt", "subject", "study", "home", "recruiting", "enrolling", "treating", "demo")
_BEHIND: Final = ("id", "no", "nr", "num", "number", "name", "code", "patient", "mf", "fm")
_AFFIXED: Final = re.compile(rf"(?:{'|'.join(_BEFORE)})?(.+?)(?:{'|'.join(_BEHIND)})?")
FACT_RULE: Final = "this cannot change within a person"
FACT_REMEDY: Final = (
    "if these are two people, give each an identifier of their own; if it is one person, write the same in "
    "all rows, "
    "or what can differ between periods under another column name, such as {!r}"
)


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


def compared(cell: Any) -> object:
    """Return a number whatever its spelling, a text without case, spaces, accents, and None for nothing.

    Examples
    --------
    >>> compared(" Female"), compared("1.0"), compared("n/a")
    ('female', 1.0, None)
    """
    if isinstance(cell, Fault) or is_missing(cell) or says_unknown(cell):
        return None
    if not isinstance(cell, str):
        return cell
    number = plain_number(cell)
    return "".join(_plain(cell).split()) if number is None else number


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
