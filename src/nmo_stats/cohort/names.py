"""The names of patients and treatments: what their columns hold without being a patient or a treatment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from nmo_stats.tables.cells import Cell, Fault, folded, parse_text, says_unknown, word_set
from nmo_stats.tables.files import listed

EXAMPLE_PATIENT: Final = "example (replace this row)"  # the patient of the rows that the template comes with
SUMMARY_RULE: Final = "a row is about one patient, and this name is that of a total, a mean or a median"
EXAMPLE_RULE: Final = "the rows of the template are no data"

_EXAMPLES: Final = frozenset(("example", "examplepatient", "examplereplacethisrow"))
_ANOTHER_NAME: Final = "a patient who is really called this needs another identifier, such as a number"
# A word of the first kind anywhere in a name gives a summary away ("Total centre A", "Mean ± SD"); one of
# the second kind does so only among words that add nothing ("All 12 patients"), since SUM and ALL are
# initials and diseases too.
_SUMMARIES: Final = word_set(
    "total totals totale totaux subtotal mean means median medians mediane mediana average averages avg "
    "overall ∑ σ summe "
    "gesamt gesamtsumme insgesamt zwischensumme mittelwert durchschnitt somme moyenne promedio suma totaal "
    "gemiddelde medianwert mittel ø итого всего среднее медиана "
    "razem srednia toplam ortalama yhteensa keskiarvo celkem prumer sammanlagt genomsnitt gennemsnit "
    "合計 合计 总计 平均 中央値"
)
_ALL: Final = word_set("sum sums all everyone pooled combined alle tous todos tutti media medias moy")
_BESIDE: Final = word_set(
    "patient patients pts pt case cases subject subjects person persons people participants row rows of the "
    "for in and grand "
    "whole column cohort series group groups study n number sd se sem iqr range ci min max patienten "
    "personen falle"
)
_OF_DRUGS: Final = word_set("treatment treatments drug drugs therapy therapies period periods both")
# one word with a digit says nothing else; most identifiers are such
_CODE: Final = re.compile(r"[\w-]*\d[\w-]*")
_IN_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_BETWEEN: Final = re.compile(r"[\s,;:./&+=±|*\"']+")
_JOINED: Final = re.compile(r"[-–_]+")


def parse_patient(cell: Cell) -> str | Fault:
    """Read the identifier of a patient: not a word for unknown, a total, or the example of the template.

    Examples
    --------
    >>> parse_patient(7), parse_patient("Total (n=3)").rule == SUMMARY_RULE
    ('7', True)
    """
    text = parse_text(cell)
    if isinstance(text, Fault) or _CODE.fullmatch(text):
        return text
    if says_unknown(text):
        return Fault(
            "a patient has an identifier, not a word for 'unknown'",
            f"enter the identifier from the source; {_ANOTHER_NAME}",
        )
    if is_summary(text):
        remedy = f"leave this row out, since totals and means are computed; {_ANOTHER_NAME}"
        return Fault(SUMMARY_RULE, remedy)
    if _letters(text) in _EXAMPLES:
        return Fault(EXAMPLE_RULE, f"replace them with the rows of your patients; {_ANOTHER_NAME}")
    return text


def parse_treatment(cell: Cell) -> str | Fault:
    """Read the name of a treatment: not a word for unknown, or a total over the treatments.

    Examples
    --------
    >>> parse_treatment("rituximab"), parse_treatment("none").remedy
    ('rituximab', "enter the treatment from the source; for a time without any treatment write 'untreated'")
    """
    text = parse_text(cell)
    if isinstance(text, Fault):
        return text
    if says_unknown(text):
        return Fault(
            "a treatment has a name, not a word for 'unknown'",
            "enter the treatment from the source; for a time without any treatment write 'untreated'",
        )
    words = _words(text)
    if words & (_SUMMARIES | _ALL - {"combined"}) and words <= _SUMMARIES | _ALL | _BESIDE | _OF_DRUGS:
        remedy = (
            "leave this row out, since totals and means are computed; write a drug that is really called "
            "this "
            "with its full name"
        )
        return Fault("a row is about one treatment, and this name is that of a total or a mean", remedy)
    return text


def is_summary(name: str) -> bool:
    """Return whether a row of this name holds the sum, the mean or the median of others.

    Examples
    --------
    >>> is_summary("ALL PATIENTS"), is_summary("Mean ± SD"), is_summary("ALL-01")
    (True, True, False)
    """
    words = _words(name)
    if words & _SUMMARIES:
        return True
    others = words - _ALL
    counted = {word for word in others if word.isdigit()} if others & _BESIDE else set()
    return others < words and others - counted <= _BESIDE


def _words(name: str) -> set[str]:
    """Return the words of a name in small letters; a code such as ALL-01 is one word."""
    plain = _IN_BRACKETS.sub(" ", folded(name))
    plain = plain if any(letter.isdigit() for letter in plain) else _JOINED.sub(" ", plain)
    return set(filter(None, _BETWEEN.split(plain)))


def _letters(name: str) -> str:
    return "".join(letter for letter in folded(name) if letter.isalnum())


def named_patients(names: Sequence[str], most: int = 6) -> str:
    """Return the first patients of some in one text, and how many more there are.

    Examples
    --------
    >>> named_patients(["A"]), named_patients(["A", "B"])
    ('patient A', 'patients A, B')
    """
    return f"patient{'' if len(names) == 1 else 's'} {listed(names, most)}"
