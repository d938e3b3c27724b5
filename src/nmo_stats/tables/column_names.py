"""What the name of a column says: which of ours it resembles, how it is renamed, if it is of the person."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable
from typing import Any, Final

from nmo_stats.tables.cells import Fault, folded, is_missing, plain_number, says_unknown, word_set

_CHOICE: Final = re.compile(r"(.+?)___(.+)|(.+?) \(choice=(.+)\)", re.IGNORECASE)  # raw name, or label
# Names of columns, in small letters without signs, whose value cannot change within a person.
_FACTS: Final = word_set(
    "centre center site hospital clinic institution sex gender birth birthyear yearofbirth birthdate "
    "dateofbirth birthday dob yob country nation nationality ethnicity ethnicgroup ethnic race initials sexe "
    "geschlecht zentrum klinik krankenhaus geburtsjahr geburtsdatum geburtstag gebjahr gebdatum jahrgang "
    "yearborn bornin sexatbirth birthsex birthcountry countryofbirth birthplace placeofbirth staat "
    "nationalitat pays hopital sexo centro pais"
)
_BEFORE: Final = "patient|pt|subject|study|home|recruiting|enrolling|treating|demo"
_BEHIND: Final = "id|no|nr|num|number|name|code|patient|mf|fm"
_AFFIXED: Final = re.compile(rf"(?:{_BEFORE})?(.+?)(?:{_BEHIND})?")
FACT_RULE: Final = "this cannot change within a person"
FACT_REMEDY: Final = (
    "if these are two people, give each an identifier of their own; if it is one person, write the same in "
    "all rows, or what can differ between periods under another column name, such as {!r}"
)


def nearest_name(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return the candidate that looks most like ``name`` or a hint, or ``""``.

    Examples
    --------
    >>> nearest_name("Rituximab", ["rituximab", "tocilizumab"])
    'rituximab'
    """
    by_lower = {candidate.strip().lower(): candidate for candidate in candidates if candidate.strip()}
    for cutoff in (0.8, 0.65):
        for wanted in (name.strip().lower(), *hints):
            if close := difflib.get_close_matches(wanted, by_lower, n=1, cutoff=cutoff):
                return by_lower[close[0]]
    return ""


def nearest(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return ``did you mean 'x'?`` for the candidate that looks most like ``name`` or a hint, or nothing.

    Examples
    --------
    >>> nearest("Rituximab", ["rituximab", "tocilizumab"])
    "did you mean 'rituximab'?"
    """
    meant = nearest_name(name, candidates, hints)
    return f"did you mean {meant!r}?" if meant else ""


def rename_text(foreign: str, ours: str) -> str:
    """Return how a column is renamed, in Python and at the prompt."""
    return f"columns={{{foreign!r}: {ours!r}}} (--column {in_shell(f'{foreign}={ours}')})"


def in_shell(text: str) -> str:
    """Return a text as it is typed at the prompt, in quotes where they are needed."""
    if re.fullmatch(r"[\w.,=+/-]+", text):
        return text
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def plain_label(label: str) -> str:
    """Return a label as a name: small letters, and one underscore for everything between its words.

    Examples
    --------
    >>> plain_label("Date of onset"), plain_label(" Follow-up (months) ")
    ('date_of_onset', 'follow_up_months')
    """
    return re.sub(r"[\W_]+", "_", label.lower()).strip("_")


def choice_of(name: str) -> tuple[str, str] | None:
    """Return field and choice of a REDCap checkbox, one of a set of columns; None for any other name.

    REDCap writes the minus of a code such as -99 as a fourth underscore.

    Examples
    --------
    >>> choice_of("treatment___2"), choice_of("Drug (choice=rituximab)"), choice_of("drug")
    (('treatment', '2'), ('Drug', 'rituximab'), None)
    """
    match = _CHOICE.fullmatch(name)
    if match is None:
        return None
    field, choice = (text for text in match.groups() if text is not None)
    return field, choice


def is_fact(column: str) -> bool:
    """Return whether a column says by its name that it cannot change within a person.

    Examples
    --------
    >>> is_fact("Site ID"), is_fact("patient_sex"), is_fact("injection_site"), is_fact("age")
    (True, True, False, False)
    """
    plain = "".join(letter for letter in folded(column) if letter.isalnum())
    match = _AFFIXED.fullmatch(plain)
    return plain in _FACTS or (match is not None and match[1] in _FACTS)


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
    return "".join(folded(cell).split()) if number is None else number
