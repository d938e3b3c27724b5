"""The quantities that an audit knows, each with its formulas: a table in ``data/audit/vocabulary.toml``.

The folder of a bundled paper may add quantities of its own (``data/ayzenberg2013/formulas.toml``). What an
expression of the table may hold stands at its head; :mod:`nmo_stats.audit.expressions` evaluates it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pandas as pd

from nmo_stats.bundled import data_folder

DATUM: Final = "datum"  # the expression of a quantity that has no formula
NO_UNIT: Final = ("", "")
_ABBREVIATIONS: Final = frozenset(("arr", "edss", "mri", "cd19", "rtx", "sd", "q1", "q3", "iqr"))
# What a part of a name in angle brackets stands for, in the order in which a name is read.
_PARTS: Final = {"": "", "n": r"(\d+)", "drug": "(.+)", "quantity": "(.+)"}
_OPEN: Final = tuple(_PARTS)
_PART: Final = re.compile("<(n|drug|quantity)>")
_ALIKE: Final = 0.88


class Name(NamedTuple):
    """Which number is meant.

    Parameters
    ----------
    quantity
        As the vocabulary has it, ``arr`` or ``onset_months_before_<drug>``; any other name as it is written.
    patient, treatment
        None stands for the series, and for no single drug.
    part
        What is written for the part in angle brackets.
    """

    quantity: str
    patient: str | None = None
    treatment: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A row of the vocabulary; the head of the table says what each field is."""

    name: str
    meaning: str
    formula: str = DATUM
    codes: tuple[str, ...] = ("",)
    formulas: Mapping[str, str] = field(default_factory=dict)
    of_series: tuple[str, ...] = ()
    reproductions: tuple[str, ...] = ()
    unit: tuple[str, str] = NO_UNIT
    needs: str = ""
    summary_of: str = ""
    of_patient: bool = False
    defines: bool = True
    may_lack_sign: bool = False
    completed_years: bool = False

    @property
    def part(self) -> str:
        """``"n"``, ``"drug"`` or ``"quantity"`` where a part of the name is left open; else empty."""
        match = _PART.search(self.name)
        return match[1] if match else ""

    @property
    def expressions(self) -> dict[str, str]:
        """Code and expression of every formula, the usual one first."""
        return dict(self.formulas) or dict.fromkeys(self.codes, self.formula)

    @property
    def usual(self) -> str:
        """Code of the usual formula; empty where there is no other."""
        return next(iter(self.expressions))

    def readings(self, patient: str | None) -> tuple[str, ...]:
        """Return what the name may mean: one expression, or of a series two."""
        if patient is None and self.of_series:
            return self.of_series
        usual = self.expressions[self.usual]
        return ("same(quantity)",) if patient is None and usual == DATUM else (usual,)


UNNAMED: Final = Quantity("", "")


def _tables() -> Iterator[dict[str, Any]]:
    yield tomllib.loads((data_folder() / "audit" / "vocabulary.toml").read_text(encoding="utf-8"))
    for path in sorted(data_folder().glob("*/formulas.toml")):
        yield tomllib.loads(path.read_text(encoding="utf-8"))


def _quantity(name: str, fields: Mapping[str, Any]) -> Quantity:
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Quantity(name, **{**fields, **lists})


_TABLES: Final = tuple(_tables())
# What a publication may have used: the code of a formula and its name in words.
FORMULA_NAMES: Final[Mapping[str, str]] = MappingProxyType(_TABLES[0]["formula_names"])
_ROWS: Final = [_quantity(name, fields) for table in _TABLES for name, fields in table["quantities"].items()]
# The vocabulary by the names of its quantities, those with an open part behind the others.
QUANTITIES: Final[Mapping[str, Quantity]] = MappingProxyType(
    {row.name: row for row in sorted(_ROWS, key=lambda row: _OPEN.index(row.part))}
)
_PATTERNS: Final = [
    (row, re.compile(row.name.replace(f"<{row.part}>", _PARTS[row.part])))
    for row in QUANTITIES.values()
    if row.part
]


def row_of(name: Name) -> Quantity:
    """Return the row of a quantity; one without a name for a quantity that is none of the vocabulary."""
    return QUANTITIES.get(name.quantity, UNNAMED)


def read_name(text: str, patient: str | None = None, treatment: str | None = None) -> Name:
    """Split the written name of a quantity into its fields; a single patient has no summaries.

    Examples
    --------
    >>> read_name("onset_months_before_tocilizumab", "3")
    Name(quantity='onset_months_before_<drug>', patient='3', treatment=None, part='tocilizumab')
    >>> read_name("age_years_median").part
    'age_years'
    """
    name = Name(text, patient, treatment)
    if text not in QUANTITIES:
        for row, pattern in _PATTERNS:
            match = pattern.fullmatch(text)
            if match and not (row.part == "quantity" and patient is not None):
                name = Name(row.name, patient, treatment, match[1])
                break
    return name._replace(treatment=None) if row_of(name).of_patient else name


def quantity_in_words(quantity: str) -> str:
    """Return the name of a quantity as words, e.g. ``prior ARR``."""
    words = quantity.split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


_EXACT: Final = [name for name, row in QUANTITIES.items() if not row.part]
_SUMMARIES: Final = [
    row.name.removeprefix("<quantity>") for row in QUANTITIES.values() if row.part == "quantity"
]
_KNOWN: Final = (*_EXACT, *(f"{name}{end}" for name in _EXACT for end in _SUMMARIES))


@lru_cache(maxsize=1000)
def suggestion(quantity: str) -> str:
    """Return ``did you mean 'arr_median'?`` for a name that looks like one of the vocabulary, or nothing.

    Examples
    --------
    >>> suggestion("mean_arr"), suggestion("patients_improved"), suggestion("titre")
    ("did you mean 'arr_mean'?", "did you mean 'edss_improved'?", '')
    """
    if quantity in _KNOWN:
        return ""
    by_words = {_sorted_words(name): name for name in reversed(_KNOWN)}
    words = _sorted_words(_TABLES[0]["other_names"].get(quantity, quantity))
    close = [by_words[name] for name in difflib.get_close_matches(words, by_words, n=1, cutoff=_ALIKE)]
    close = close or difflib.get_close_matches(quantity, _KNOWN, n=1, cutoff=_ALIKE)
    return f"did you mean {close[0]!r}?" if close else ""


def _sorted_words(name: str) -> str:
    return "_".join(sorted(name.lower().split("_")))


def vocabulary() -> pd.DataFrame:
    """Return the quantities that can be recomputed.

    Any other quantity that is known of every patient can be summarized as well; a name without a formula is
    compared with the facts about the patients, or is not recomputable.

    Returns
    -------
    DataFrame
        ``quantity``, ``formula`` in words, and ``other_formulas``, the codes of those tried next.

    Examples
    --------
    >>> vocabulary().set_index("quantity").loc["arr", "formula"]
    'relapses / years on the drug'
    """
    rows = [(row.name, row.meaning, ", ".join([*row.expressions][1:])) for row in QUANTITIES.values()]
    return pd.DataFrame(rows, columns=["quantity", "formula", "other_formulas"])
