"""Rows that are not about one patient and one treatment.

Names of totals, of nobody and of the template; facts that change within a person; sums and means of all
others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Floats
from nmo_stats.errors import Problem
from nmo_stats.tables.cells import Cell, Fault, folded, parse_text, says_unknown, shown, word_set
from nmo_stats.tables.column_names import FACT_REMEDY, FACT_RULE, compared, is_fact

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

# How many rows of other patients a total adds up before it is beyond doubt. Whole months and small counts of
# one patient equal the sums of two others on both drugs by chance, rarely; in 1,500 simulated honest series
# of 3 to 6 patients none reached 5 rows (three others on two drugs): such a patient has half of all relapses
# and half of all follow-up, twice.
_CERTAIN: Final = 5
_POSSIBLE: Final = 3
_AVERAGED: Final = 2  # treatments: on a single one a patient in the middle is common
_LONGEST: Final = 200  # patients: in a longer series one row moves no result
_SUM_RULE: Final = "no row adds up the others: these are the sums of all other rows of each treatment"
_SUM_REMEDY: Final = (
    "leave the row out if it is the total; if it is a patient after all, give all follow-up in days "
    "(exposure_days), which no longer agrees by rounding"
)


class Change(NamedTuple):
    """A row (position) whose value is another one than in the first row of the patient."""

    patient: str
    row: int
    first: int


class Total(NamedTuple):
    """A patient whose numbers are the sums of the others; ``added`` rows of them."""

    patient: str
    added: int

    @property
    def is_certain(self) -> bool:
        """Whether this is beyond doubt."""
        return self.added >= _CERTAIN


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


def changes(patients: Sequence[Any], cells: Sequence[Any]) -> list[Change]:
    """Return the rows in which a patient has another value than in the first row that has one."""
    values = list(map(lru_cache(maxsize=None)(compared), cells))  # large tables hold few different cells
    first: dict[str, int] = {}
    found = []
    for row, (patient, value) in enumerate(zip(patients, values, strict=True)):
        if value is not None and isinstance(patient, str):
            before = first.setdefault(patient, row)
            if value != values[before]:
                found.append(Change(patient, row, before))
    return found


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
    problems = []
    for name, cells in columns.items():
        if name in own or not is_fact(name):
            continue
        for patient, row, first in changes(columns["patient"], cells):
            where = f"row {rows[first]}" if tables is None else f"{tables[first]}, row {rows[first]}"
            value = f"{shown(cells[row])} ({shown(cells[first])} in {where})"
            remedy = FACT_REMEDY.format(f"{name}_of_period")
            table = None if tables is None else tables[row]
            problems.append(Problem(value, FACT_RULE, remedy, int(rows[row]), patient, name, table))
    return problems


def totals(frame: pd.DataFrame, unit: str) -> list[Total]:
    """Return the patients whose counts and times are the sums of all other rows, on each of their treatments.

    Examples
    --------
    >>> table = {"patient": ["1", "2", "3", "all"], "treatment": ["x"] * 4, "relapses": [6, 2, 1, 9]}
    >>> totals(pd.DataFrame(table | {"exposure_months": [32, 8, 4, 44]}), "exposure_months")
    [Total(patient='all', added=3)]
    """
    names, count, time = _by_treatment(frame, unit)
    is_there = ~np.isnan(time)
    count, time = np.nan_to_num(count), np.nan_to_num(time)
    added = np.where(is_there, is_there.sum(axis=0) - 1, 0)
    agrees = (2 * count == count.sum(axis=0)) & (added >= 2) & _are_equal(time, time.sum(axis=0) - time)
    possible = np.all(agrees | ~is_there, axis=1) & (added.sum(axis=1) >= _POSSIBLE)
    return [Total(str(names[row]), int(added[row].sum())) for row in np.flatnonzero(possible).tolist()]


def averages(frame: pd.DataFrame, unit: str) -> list[str]:
    """Return the patients whose counts and times are the means or medians of the others on two treatments.

    There are three others or more, and their times differ: in series of one planned length every
    patient is such a mean.

    Examples
    --------
    >>> table = {"patient": ["1", "2", "3", "m"] * 2, "treatment": ["x"] * 4 + ["y"] * 4,
    ...          "relapses": [6, 2, 1, 3, 1, 0, 2, 1], "exposure_months": [32, 8, 5, 15, 21, 18, 9, 16]}
    >>> averages(pd.DataFrame(table), "exposure_months")
    ['m']
    """
    if frame.duplicated(["patient", "treatment"]).any():
        return []
    names, count, time = _by_treatment(frame, unit)
    drugs = count.shape[1]
    if np.isnan(time).any() or not _POSSIBLE < len(names) <= _LONGEST or drugs < _AVERAGED:
        return []
    values = np.hstack([count, time])
    return [
        str(name)
        for row, name in enumerate(names)
        if _is_average(values[row], np.delete(values, row, axis=0), drugs)
    ]


def _by_treatment(frame: pd.DataFrame, unit: str) -> tuple[pd.Index[Any], Floats, Floats]:
    """Return patients, and of each treatment their counts and times, courses added up; NaN without one."""
    sums = frame.groupby(["patient", "treatment"], sort=False, observed=True)[["relapses", unit]].sum()
    count, time = (sums[name].unstack("treatment", sort=False) for name in ("relapses", unit))  # noqa: PD010
    return time.index, count.to_numpy(dtype=float), time.to_numpy(dtype=float)


def _is_average(row: Floats, others: Floats, drugs: int) -> bool:
    """Return whether a row is the mean or the median of others; the first ``drugs`` columns are counts."""
    varies = (np.ptp(others[:, drugs:], axis=0) > 0).all() and (np.ptp(others[:, :drugs], axis=0) > 0).any()
    means = others.mean(axis=0)
    is_mean = (row[:drugs] == np.round(means[:drugs])).all() and _are_equal(row[drugs:], means[drugs:]).all()
    return bool(varies and (is_mean or (row == np.median(others, axis=0)).all()))


def total_problems(frame: pd.DataFrame, unit: str, rows: Sequence[int]) -> list[Problem]:
    """Return a problem for each row, numbered by ``rows``, of a certain total of the others."""
    certain = {total.patient for total in totals(frame, unit) if total.is_certain}
    return [
        Problem(
            f"the sums of all other rows on {treatment!r}", _SUM_RULE, _SUM_REMEDY, row, patient, "patient"
        )
        for patient, treatment, row in zip(frame["patient"], frame["treatment"], rows, strict=True)
        if patient in certain
    ]


def _are_equal(printed: Floats, computed: Floats) -> npt.NDArray[np.bool_]:
    """Return where a sum is printed: equal up to half a unit of its last decimal, and up to 1 % of it."""
    equal: npt.NDArray[np.bool_] = np.abs(printed - computed) <= 0.01 * printed
    for place in zip(*np.nonzero(equal), strict=True):
        text = repr(float(printed[place]))
        digits = 0 if "e" in text or text.endswith(".0") else len(text.partition(".")[2])
        slack = max(0.5 * 10.0**-digits, 1e-9 * float(computed[place]))
        equal[place] = abs(printed[place] - computed[place]) <= slack
    return equal
