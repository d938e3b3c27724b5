"""What is known of the patients: the period table, facts about them, and the numbers that the paper itself prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, localcontext
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pandas as pd

from nmo_stats.arguments import instance
from nmo_stats.audit.span import PRECISION, Span, decimals_of, exact, rounded, total
from nmo_stats.cohort import Cohort
from nmo_stats.cohort.names import parse_patient
from nmo_stats.cohort.published import PUBLISHED, RELATION
from nmo_stats.cohort.schema import EXPOSURES, UNITS_PER_YEAR
from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Fault, as_text, is_missing, says_unknown, shown, written_column
from nmo_stats.tables.columns import covariate
from nmo_stats.tables.files import TableFile
from nmo_stats.tables.nearest import nearest
from nmo_stats.tables.raw import RawTable
from nmo_stats.tables.reading import from_frame, read_table
from nmo_stats.wording import records

PERIOD_TABLE: Final = "period table"
PATIENT_FACTS: Final = "patient facts"
PRINTED: Final = "printed"
_NO_PERIOD: Final = (
    "name the patient as in the period table; facts about a patient without a period there are not used"
)

_ENDS: Final[tuple[Literal["first", "last"], ...]] = ("first", "last")
_ROUNDED: Final = re.compile(r"(^|_)(months|years|weeks|arr)(_|$)")
_ODD_NUMBER: Final = re.compile(r"[<>≤≥~]\s*[\d.,]+|[-\u2212]?(0|[1-9]\d*)([.,]\d+)?\s*%?|[-+]?(inf|∞)")
_TWICE: Final = "keep the row that is right; if these are two people, give each an identifier of their own"
THERAPY: Final = re.compile(r"prior_therapy_(\d+)_(from_year|to_year|relapses)")


class Name(NamedTuple):
    """Which number is meant; no patient stands for the series, no treatment for no single drug."""

    quantity: str
    patient: str | None = None
    treatment: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A number as it is known, and from where."""

    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class Therapy:
    """A therapy before the periods of the table; years as printed, None where none is printed."""

    name: str | None
    from_year: int | None
    to_year: int | None
    relapses: Span | None


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
    printed
        What the paper prints about single patients: used where ``data`` has nothing.
    therapies
        Each patient's prior therapies, from the printed numbers.
    reported
        The column ``reported_arr`` of the period table as printed numbers.
    """

    unit: str
    courses: Mapping[str, tuple[str, ...]]
    data: Mapping[Name, Fact]
    printed: Mapping[Name, Fact]
    therapies: Mapping[str, tuple[Therapy, ...]]
    reported: pd.DataFrame

    @property
    def treatments(self) -> tuple[str, ...]:
        """Every treatment of the period table."""
        return tuple(dict.fromkeys(name for given in self.courses.values() for name in given))

    def patients_on(self, treatment: str | None) -> list[str]:
        """Return the patients who had a treatment; all of them where none is named."""
        return [patient for patient, given in self.courses.items() if treatment is None or treatment in given]

    def fact(self, quantity: str, patient: str | None, treatment: str | None = None) -> Fact | None:
        """Return what is known: from the data, else as printed."""
        name = Name(quantity, patient, treatment)
        return self.data.get(name) or self.printed.get(name)

    def with_printed(self, published: pd.DataFrame) -> Record:
        """Return the record with the numbers of a paper beside its own; a repeated one counts where it stands first."""
        printed: dict[Name, Fact] = {}
        for row in records(published[[*PUBLISHED, RELATION]]):
            if row["patient"] is not None and row[RELATION] == "=":
                name = Name(row["quantity"], row["patient"], row["treatment"])
                printed.setdefault(name, Fact(_span(row["quantity"], row["value"], row["decimals"]), PRINTED))
        return replace(self, printed=printed, therapies=_therapies(printed))


def record(cohort: Cohort, patients: str | Path | TableFile | pd.DataFrame | None = None) -> Record:
    """Return what a cohort, and a table of facts about its patients, know.

    Parameters
    ----------
    cohort
        Its covariates count as facts about the patients where they are numbers.
    patients
        One row per patient. Every column of numbers is a quantity (``age_years``, ``prior_relapses``); one that begins with
        the name of a treatment belongs to it (``rituximab_cycles``); one that begins with ``reported_`` is not used.

    Raises
    ------
    CohortError
        If the table of facts has problems.

    Notes
    -----
    Months, years and rates are rounded, each to the decimals it is written with in a text file (2.0 lies between 1.95 and
    2.05). A workbook or a DataFrame does not keep the zeros behind a number, and a program puts ``.0`` behind every whole
    number that it holds as a float: there 2.0 is read with the fewest decimals, as a 2 between 1.5 and 2.5, the wider range.

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
        data |= _of_relapse_times(cohort, frame)
        data |= _of_periods(frame, cohort.unit, _decimals(cohort, frame, cohort.unit))
    return Record(cohort.unit, courses, data, {}, {}, _reported(cohort, frame))


def _in_order(cohort: Cohort) -> pd.DataFrame:
    """Return the table in the order of each patient's history, with the rows' own numbers."""
    frame = cohort.to_frame().reset_index(names="row")
    if "period" not in frame or frame["period"].isna().any():
        return frame
    places = {patient: place for place, patient in enumerate(cohort.patients)}
    ordered = frame.assign(place=frame["patient"].map(places)).sort_values(["place", "period"], kind="stable")
    return ordered.drop(columns="place").reset_index(drop=True)


def _decimals(cohort: Cohort, frame: pd.DataFrame, column: str) -> list[int]:
    """Return the decimals of the numbers of a column, each for itself: as written, else the fewest that name the number."""
    written: list[object] = [pd.NA] * len(frame)
    if column in cohort.written:
        written = cohort.written[column].loc[frame["row"]].tolist()
    return [
        0 if is_missing(value) else decimals_of(value) if is_missing(digits) else int(str(digits))
        for value, digits in zip(frame[column].tolist(), written, strict=True)
    ]


def _of_periods(frame: pd.DataFrame, unit: str, decimals: list[int]) -> dict[Name, Fact]:
    """Return relapses and exposure of each treatment, courses added up, and the scores at its ends."""
    found: dict[Name, Span] = {}
    for row, digits in zip(records(frame), decimals, strict=True):
        patient, treatment = row["patient"], row["treatment"]
        # Days are counted; months and years are rounded.
        exposure = exact(row[unit]) if unit == "exposure_days" else rounded(row[unit], digits)
        for place in (treatment, None):
            for quantity, span in (("relapses", exact(row["relapses"])), (unit, exposure)):
                name = Name(quantity, patient, place)
                found[name] = total([found[name], span]) if name in found else span
    found |= _at_the_ends(frame) | _other_units(found, unit)
    return {name: Fact(span, PERIOD_TABLE) for name, span in found.items()}


def _at_the_ends(frame: pd.DataFrame) -> dict[Name, Span]:
    """Return what holds at the start of a patient's first course of a drug, and at the end of the last one, where it is known."""
    key = ["patient", "treatment"]
    first, last = (frame[~frame.duplicated(key, keep=end)] for end in _ENDS)
    found = {}
    for quantity, rows in (("edss_start", first), ("edss_end", last), ("ongoing", last)):
        if quantity in frame:
            known = rows.dropna(subset=[quantity])
            for patient, treatment, value in zip(*(known[name] for name in (*key, quantity)), strict=True):
                found[Name(quantity, patient, treatment)] = exact(value)
    return found


def _other_units(found: Mapping[Name, Span], unit: str) -> dict[Name, Span]:
    per_unit = {other: exact(UNITS_PER_YEAR[other]).value for other in EXPOSURES}
    return {
        name._replace(quantity=other): span.times(per_unit[other] / per_unit[unit])
        for name, span in found.items()
        if name.quantity == unit
        for other in EXPOSURES
        if other != unit
    }


def _of_relapse_times(cohort: Cohort, frame: pd.DataFrame) -> dict[Name, Fact]:
    """Return the time to the first relapse of each period of a drug that was given once.

    The earliest time is that of the first relapse if all relapses of the period have one, or it is said to be number 1.
    """
    once = frame[~frame.duplicated(["patient", "treatment"], keep=False)]
    times = cohort.relapse_times
    timed = times.groupby("row")
    has_first = (timed["number"].min() == 1) | (
        timed.size() >= cohort.frame["relapses"].reindex(timed.size().index)
    )
    first = timed["years"].min()[has_first]
    placed = once.merge(first.rename("first"), left_on="row", right_index=True)
    found = {}
    for patient, treatment, years in placed[["patient", "treatment", "first"]].itertuples(
        index=False, name=None
    ):
        for quantity, span in _first_relapse(years).items():
            found[Name(quantity, patient, treatment)] = Fact(span, "relapse times")
    return found


def _first_relapse(years: float) -> dict[str, Span]:
    """Return a time in days and in months; a whole number of months was rounded, anything else was counted in days."""
    days, months = (round(years * UNITS_PER_YEAR[unit], 6) for unit in ("exposure_days", "exposure_months"))
    per_month = exact(UNITS_PER_YEAR["exposure_days"]).value / exact(UNITS_PER_YEAR["exposure_months"]).value
    if months.is_integer():
        span = rounded(months, 0)
        return {"first_relapse_months": span, "first_relapse_days": span.times(per_month)}
    span = exact(days)
    return {"first_relapse_months": span.times(1 / per_month), "first_relapse_days": span}


def _of_covariates(cohort: Cohort, frame: pd.DataFrame) -> dict[Name, Fact]:
    """Return the numeric covariates that are the same in every row of a patient."""
    found = {}
    for column in cohort.covariates:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            continue
        grouped = frame.groupby("patient", sort=False)[column]
        low, high = grouped.min(), grouped.max()
        counted = frame.assign(digits=_decimals(cohort, frame, column))
        digits = counted.groupby("patient", sort=False)["digits"].min().to_dict()
        for patient, value in low[low == high].items():
            span = _span(column, value, int(digits[patient]))
            found[Name(column, str(patient))] = Fact(span, PATIENT_FACTS)
    return found


def _of_patients(
    patients: str | Path | TableFile | pd.DataFrame, courses: Mapping[str, tuple[str, ...]]
) -> dict[Name, Fact]:
    raw = from_frame(patients) if isinstance(patients, pd.DataFrame) else read_table(patients)
    named = {name: cells for name, cells in zip(raw.columns, raw.cells, strict=True) if name}
    problems = [*raw.faults, *_patient_problems(named.get("patient"), raw.rows, courses)]
    problems += _number_problems(named, raw)
    if problems:
        raise CohortError(problems, raw.source.name)
    names = [as_text(cell) for cell in named.pop("patient")]
    treatments = sorted({name for given in courses.values() for name in given}, key=len, reverse=True)
    found = {}
    for column, cells in named.items():
        values = covariate(cells, raw.decimal)
        if column.startswith("reported_") or not all(isinstance(value, float) for value in values):
            continue
        treatment = next((name for name in treatments if column.startswith(f"{name}_")), None)
        quantity = column.removeprefix(f"{treatment}_") if treatment else column
        quantity = f"exposure_{quantity}" if treatment and f"exposure_{quantity}" in EXPOSURES else quantity
        written = written_column(cells, raw.decimal)
        for name, value, digits in zip(names, values, written, strict=True):
            if not is_missing(value):
                span = _span(quantity, float(value), decimals_of(value) if digits is None else digits)
                found[Name(quantity, name, treatment)] = Fact(span, PATIENT_FACTS)
    return found


def _number_problems(named: Mapping[str, tuple[object, ...]], raw: RawTable) -> list[Problem]:
    """Find the cells for which a column of numbers would count as text, and be left out of the audit."""
    problems = []
    for column, cells in named.items():
        filled = [(row, cell) for row, cell in zip(raw.rows, cells, strict=True) if not is_missing(cell)]
        others = [
            (row, cell) for row, cell in filled if not isinstance(covariate((cell,), raw.decimal)[0], float)
        ]
        is_number_column = 2 * len(others) <= len(filled) and all(_is_odd_number(cell) for _, cell in others)
        if column == "patient" or column.startswith("reported_") or not is_number_column:
            continue
        for row, cell in others:
            remedy = (
                "leave the cell empty" if says_unknown(cell) else "write a plain number without sign or unit"
            )
            rule = "a number, or empty where it is not known, as in the other rows"
            problems.append(Problem(shown(cell), rule, remedy, row, column=column))
    return problems


def _is_odd_number(cell: object) -> bool:
    return says_unknown(cell) or (isinstance(cell, str) and _ODD_NUMBER.fullmatch(cell.strip()) is not None)


def _patient_problems(
    cells: Iterable[object] | None, rows: tuple[int, ...], courses: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    if cells is None:
        return [Problem("missing", "the table has a column 'patient'", "add it", column="patient")]
    problems, seen = [], set()
    for cell, row in zip(cells, rows, strict=True):
        name = parse_patient(cell)
        if isinstance(name, Fault):
            problems.append(Problem(shown(cell), name.rule, name.remedy, row, column="patient"))
        elif name not in courses:
            remedy = nearest(name, courses) or _NO_PERIOD
            rule = "a patient of the period table"
            problems.append(Problem(shown(cell), rule, remedy, row, name, "patient"))
        elif name in seen:
            rule = "the table has one row per patient"
            problems.append(Problem(f"{name!r} again", rule, _TWICE, row, name, "patient"))
        seen.add(name)
    return problems


def _therapies(printed: Mapping[Name, Fact]) -> dict[str, tuple[Therapy, ...]]:
    parts: dict[tuple[str, int, str | None], dict[str, Span]] = {}
    for name, fact in printed.items():
        match = THERAPY.fullmatch(name.quantity)
        if match and name.patient is not None:
            key = (name.patient, int(match[1]), name.treatment)
            parts.setdefault(key, {})[match[2]] = fact.span
    found: dict[str, list[Therapy]] = {}
    for (patient, _, treatment), known in sorted(parts.items(), key=lambda part: part[0][:2]):
        first, last = (int(known[key].value) if key in known else None for key in ("from_year", "to_year"))
        found.setdefault(patient, []).append(Therapy(treatment, first, last, known.get("relapses")))
    return {patient: tuple(therapies) for patient, therapies in found.items()}


def _reported(cohort: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the printed ARRs of the period table; those of a drug given twice cannot be told from their sum."""
    if "reported_arr" not in frame or frame["reported_arr"].isna().all():
        return pd.DataFrame(columns=list(PUBLISHED))
    once = frame[~frame.duplicated(["patient", "treatment"], keep=False)].dropna(subset=["reported_arr"])
    decimals = _decimals(cohort, once, "reported_arr")
    return pd.DataFrame(
        {
            "quantity": "arr",
            "patient": once["patient"],
            "treatment": once["treatment"],
            "value": once["reported_arr"],
            "decimals": decimals,
            "place": "period table, column reported_arr",
        }
    )


def _span(quantity: str, value: float, decimals: int) -> Span:
    """Return a number as exact, if it is a count, a score or a dose, or as rounded, if it is a time or a rate."""
    return rounded(value, decimals) if _ROUNDED.search(quantity) and value >= 0 else exact(value)
