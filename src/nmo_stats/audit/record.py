"""What is known of the patients: the period table, facts about them, and what the paper prints about each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, localcontext
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from nmo_stats.arguments import instance
from nmo_stats.audit.findings import PRINTED, Finding
from nmo_stats.audit.span import PRECISION, Span, decimals_of, exact, rounded, total
from nmo_stats.audit.vocabulary import Name, read_name
from nmo_stats.cohort import Cohort
from nmo_stats.cohort.published import RELATION
from nmo_stats.cohort.rows import parse_patient
from nmo_stats.cohort.schema import EXPOSURES, UNITS_PER_YEAR
from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, says_unknown, shown, written_column
from nmo_stats.tables.coded import DecimalMark
from nmo_stats.tables.column_names import nearest
from nmo_stats.tables.columns import covariate
from nmo_stats.tables.files import TableFile
from nmo_stats.tables.reading import read_table
from nmo_stats.wording import records

Source = Literal["", "period table", "relapse times", "patient facts", "printed"]
_KEY: Final = ["patient", "treatment"]
_ENDS: Final[tuple[tuple[str, Literal["first", "last"]], ...]] = (
    ("edss_start", "first"),
    ("edss_end", "last"),
    ("ongoing", "last"),
)
_ROUNDED: Final = frozenset(("months", "years", "weeks", "arr"))  # words in the name of a time or a rate
_ODD_NUMBER: Final = re.compile(r"[<>≤≥~]\s*[\d.,]+|[-\u2212]?(0|[1-9]\d*)([.,]\d+)?\s*%?|[-+]?(inf|∞)")
_NOT_USED: Final = "reported_"  # columns of facts that a paper prints, beside those that are known


@dataclass(frozen=True, slots=True)
class Fact:
    """A number as it is known, and from where."""

    span: Span
    source: Source


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """Everything that printed numbers can be recomputed from.

    Parameters
    ----------
    unit
        Exposure column of the period table, which names its unit.
    courses
        Each patient's treatments, in the order in which they were given.
    data
        What the period table and the facts about patients hold.
    reported
        The column ``reported_arr`` of the period table as printed numbers.
    printed
        What the paper prints about single patients: used where ``data`` has nothing.
    """

    unit: str
    courses: Mapping[str, tuple[str, ...]]
    data: Mapping[Name, Fact]
    reported: tuple[Finding, ...] = ()
    printed: Mapping[Name, Fact] = field(default_factory=dict)

    @property
    def treatments(self) -> tuple[str, ...]:
        """Every treatment of the period table."""
        return tuple(dict.fromkeys(name for given in self.courses.values() for name in given))

    def patients_on(self, treatment: str | None) -> tuple[str, ...]:
        """Return the patients who had a treatment.

        Parameters
        ----------
        treatment
            None for all patients.

        Returns
        -------
        tuple of str
            In the order of the table.
        """
        return tuple(
            patient for patient, given in self.courses.items() if treatment is None or treatment in given
        )

    def fact(self, quantity: str, patient: str | None, treatment: str | None = None) -> Fact | None:
        """Return a number as it is known: from the data, else as printed.

        Parameters
        ----------
        quantity
            Its name as written.
        patient, treatment
            None stands for the series, and for no single drug.

        Returns
        -------
        Fact or None
            None where it is not known.
        """
        name = read_name(quantity, patient, treatment)
        return self.data.get(name) or self.printed.get(name)

    def with_printed(self, numbers: Iterable[Finding]) -> Record:
        """Return the record with the numbers of a paper; of a repeated one the first counts.

        Parameters
        ----------
        numbers
            As read, not yet compared.

        Returns
        -------
        Record
            With ``printed``.
        """
        printed: dict[Name, Fact] = {}
        for number in numbers:
            if number.patient is not None and number.relation == "=":
                span = _span(number.quantity, number.published, number.decimals)
                printed.setdefault(number.name, Fact(span, "printed"))
        return replace(self, printed=printed)


def printed_numbers(published: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the rows of ``Cohort.published``, not yet compared, each quantity split into its fields."""
    rows = records(published.rename(columns={"value": "published"})[list(PRINTED)])
    return tuple(
        Finding(**row, name=read_name(row["quantity"], row["patient"], row["treatment"])) for row in rows
    )


def record(cohort: Cohort, patients: str | Path | TableFile | pd.DataFrame | None = None) -> Record:
    """Return what a cohort, and a table of facts about its patients, know.

    Parameters
    ----------
    cohort
        Its covariates count as facts about the patients where they are numbers.
    patients
        One row per patient. Every column of numbers is a quantity (``age_years``, ``prior_relapses``); one
        that begins with the name of a treatment belongs to it (``rituximab_cycles``); one that begins with
        ``reported_`` is not used.

    Returns
    -------
    Record
        Without the numbers of a paper.

    Raises
    ------
    CohortError
        If the table of facts has problems.
    ArgumentError
        If it is no cohort.

    Notes
    -----
    Months, years and rates are rounded, each to the decimals it is written with in a text file (2.0 lies
    between 1.95 and 2.05). A workbook or a DataFrame does not keep the zeros behind a number, and a program
    puts ``.0`` behind every whole number that it holds as a float: there 2.0 is read with the fewest
    decimals, as a 2 between 1.5 and 2.5, the wider range.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> record(load_example()).fact("exposure_months", "1", "rituximab").span.high
    Decimal('32.5')
    """
    instance("cohort", cohort, Cohort)
    frame = _in_order(cohort)
    courses = {
        str(patient): tuple(dict.fromkeys(given))
        for patient, given in frame.groupby("patient", sort=False)["treatment"]
    }
    with localcontext(Context(prec=PRECISION)):
        data = _of_covariates(cohort, frame)
        data |= {} if patients is None else _of_patients(patients, courses)
        # The table that is analysed has the last word.
        data |= {name: Fact(span, "relapse times") for name, span in _first_relapses(cohort, frame)}
        data |= _of_periods(frame, cohort.unit, _decimals(cohort, frame, cohort.unit))
    return Record(cohort.unit, courses, data, _reported(cohort, frame))


def _in_order(cohort: Cohort) -> pd.DataFrame:
    """Return the table in the order of each patient's history, with the rows' own numbers."""
    frame = cohort.to_frame().reset_index(names="row")
    if "period" not in frame or frame["period"].isna().any():
        return frame
    order = pd.Categorical(frame["patient"], categories=cohort.patients).codes
    return frame.assign(order=order).sort_values(["order", "period"], kind="stable", ignore_index=True)


def _decimals(cohort: Cohort, frame: pd.DataFrame, column: str) -> list[int]:
    """Return the decimals of each number of a column: as written, else the fewest that name the number."""
    written = [pd.NA] * len(frame)
    if column in cohort.written:
        written = cohort.written[column].loc[frame["row"]].tolist()
    return [
        0 if is_missing(value) else decimals_of(value) if is_missing(digits) else int(str(digits))
        for value, digits in zip(frame[column].tolist(), written, strict=True)
    ]


def _of_periods(frame: pd.DataFrame, unit: str, decimals: list[int]) -> dict[Name, Fact]:
    """Return relapses and exposure of each treatment, courses added up, and the scores at its ends."""
    sums: dict[Name, Span] = {}
    for row, digits in zip(records(frame), decimals, strict=True):
        # Days are counted; months and years are rounded.
        exposure = exact(row[unit]) if unit == "exposure_days" else rounded(row[unit], digits)
        for quantity, span in (("relapses", exact(row["relapses"])), (unit, exposure)):
            for treatment in (row["treatment"], None):
                name = Name(quantity, row["patient"], treatment)
                sums[name] = total([sums[name], span]) if name in sums else span
    per_unit = {other: exact(UNITS_PER_YEAR[other]) / exact(UNITS_PER_YEAR[unit]) for other in EXPOSURES}
    others = {
        name._replace(quantity=other): span * factor
        for name, span in sums.items()
        if name.quantity == unit
        for other, factor in per_unit.items()
        if other != unit
    }
    spans = sums | others | dict(_at_the_ends(frame))
    return {name: Fact(span, "period table") for name, span in spans.items()}


def _at_the_ends(frame: pd.DataFrame) -> Iterator[tuple[Name, Span]]:
    """Yield what is known at the start of a patient's first course of a drug, and at the end of the last."""
    for quantity, end in _ENDS:
        if quantity in frame:
            rows = frame[~frame.duplicated(_KEY, keep=end)].dropna(subset=[quantity])
            for row in records(rows):
                yield Name(quantity, row["patient"], row["treatment"]), exact(row[quantity])


def _first_relapses(cohort: Cohort, frame: pd.DataFrame) -> Iterator[tuple[Name, Span]]:
    """Yield the time to the first relapse of each period of a drug that was given once, in days and months.

    The earliest time is that of the first relapse if all relapses of the period have one, or it is said to be
    number 1. A whole number of months was rounded, anything else was counted in days.
    """
    timed = cohort.relapse_times.groupby("row")
    relapses = cohort.frame["relapses"].reindex(timed.size().index)
    first = timed["years"].min()[(timed["number"].min() == 1) | (timed.size() >= relapses)]
    once = frame[~frame.duplicated(_KEY, keep=False)]
    per_month = exact(UNITS_PER_YEAR["exposure_days"]) / exact(UNITS_PER_YEAR["exposure_months"])
    for row in records(once.merge(first.rename("first"), left_on="row", right_index=True)):
        months = round(row["first"] * UNITS_PER_YEAR["exposure_months"], 6)
        days = exact(round(row["first"] * UNITS_PER_YEAR["exposure_days"], 6))
        in_months = rounded(months, 0) if months.is_integer() else days / per_month
        yield Name("first_relapse_months", row["patient"], row["treatment"]), in_months
        in_days = in_months * per_month if months.is_integer() else days
        yield Name("first_relapse_days", row["patient"], row["treatment"]), in_days


def _of_covariates(cohort: Cohort, frame: pd.DataFrame) -> dict[Name, Fact]:
    """Return the numeric covariates that are the same in every row of a patient."""
    facts = {}
    for column in cohort.covariates:
        if pd.api.types.is_numeric_dtype(frame[column]):
            digits = pd.Series(_decimals(cohort, frame, column))
            for patient, values in frame.groupby("patient", sort=False)[column]:
                if values.min() == values.max():
                    span = _span(column, values.min(), int(digits[values.index].min()))
                    facts[read_name(column, str(patient))] = Fact(span, "patient facts")
    return facts


def _of_patients(
    patients: str | Path | TableFile | pd.DataFrame, courses: Mapping[str, tuple[str, ...]]
) -> dict[Name, Fact]:
    """Return the numbers of a table with one row per patient."""
    raw = read_table(patients)
    named = {name: cells for name, cells in zip(raw.columns, raw.in_rows(), strict=True) if name}
    problems = [*raw.faults, *_patient_problems(named.get("patient"), raw.row_numbers(), courses)]
    numbers = {}
    for column, cells in named.items():
        if column != "patient" and not column.startswith(_NOT_USED):
            numbers[column] = covariate(cells, raw.decimal)
            problems += _number_problems(
                column, dict(zip(raw.row_numbers(), cells, strict=True)), raw.decimal
            )
    if problems:
        raise CohortError(problems, raw.source.name)
    treatments = sorted({name for given in courses.values() for name in given}, key=len, reverse=True)
    facts = {}
    for column, values in numbers.items():
        quantity, treatment = _split_column(column, treatments)
        written = written_column(named[column], raw.decimal)
        for cell, value, digits in zip(named["patient"], values, written, strict=True):
            if isinstance(value, float) and not is_missing(value):
                span = _span(quantity, value, decimals_of(value) if digits is None else digits)
                facts[read_name(quantity, as_text(cell), treatment)] = Fact(span, "patient facts")
    return facts


def _split_column(column: str, treatments: Sequence[str]) -> tuple[str, str | None]:
    """Return quantity and treatment of a column of facts; the longest name of a treatment comes first."""
    for treatment in treatments:
        if column.startswith(f"{treatment}_"):
            quantity = column.removeprefix(f"{treatment}_")
            exposure = f"exposure_{quantity}"
            return exposure if exposure in EXPOSURES else quantity, treatment
    return column, None


def _number_problems(column: str, cells: Mapping[int, Cell], decimal: DecimalMark) -> Iterator[Problem]:
    """Find the cells for which a column of numbers would count as text, and be left out of the audit."""
    filled = {row: cell for row, cell in cells.items() if not is_missing(cell)}
    others = {
        row: cell for row, cell in filled.items() if not isinstance(covariate((cell,), decimal)[0], float)
    }
    if 2 * len(others) <= len(filled) and all(map(_is_odd_number, others.values())):
        for row, cell in others.items():
            rule = "a number, or empty where it is not known, as in the other rows"
            plain = "write a plain number without sign or unit"
            remedy = "leave the cell empty" if says_unknown(cell) else plain
            yield Problem(shown(cell), rule, remedy, row, column=column)


def _is_odd_number(cell: Cell) -> bool:
    return says_unknown(cell) or (isinstance(cell, str) and _ODD_NUMBER.fullmatch(cell.strip()) is not None)


def _patient_problems(
    cells: Sequence[Cell] | None, rows: Sequence[int], courses: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    if cells is None:
        yield Problem("missing", "the table has a column 'patient'", "add it", column="patient")
    seen = set()
    for cell, row in zip(cells or (), rows, strict=False):
        name = parse_patient(cell)
        if isinstance(name, Fault):
            yield Problem(shown(cell), name.rule, name.remedy, row, column="patient")
        elif name not in courses:
            remedy = nearest(name, courses) or "name the patient as in the period table; others are not used"
            yield Problem(shown(cell), "a patient of the period table", remedy, row, name, "patient")
        elif name in seen:
            remedy = (
                "keep the row that is right; if these are two people, give each an identifier of their own"
            )
            yield Problem(
                f"{name!r} again", "the table has one row per patient", remedy, row, name, "patient"
            )
        seen.add(name)


def _reported(cohort: Cohort, frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the printed ARRs of the period table; of a drug given twice they cannot be told from the sum."""
    if "reported_arr" not in frame:
        return ()
    once = frame[~frame.duplicated(_KEY, keep=False)].dropna(subset=["reported_arr"])
    decimals = _decimals(cohort, once, "reported_arr")
    place = "period table, column reported_arr"
    rows = once[_KEY].assign(quantity="arr", value=once["reported_arr"], decimals=decimals, place=place)
    return printed_numbers(rows.assign(**{RELATION: "="}))


def _span(quantity: str, value: float, decimals: int) -> Span:
    """Return a count, a score or a dose as exact, a time or a rate as rounded."""
    is_rounded = not _ROUNDED.isdisjoint(quantity.split("_"))
    return rounded(value, decimals) if is_rounded and value >= 0 else exact(value)
