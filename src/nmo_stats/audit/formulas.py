"""How a single number follows from others: each function computes one kind of it, with the arithmetic in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from nmo_stats.audit.record import Name, Record, Therapy
from nmo_stats.audit.span import Span, exact, total
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.wording import counted

NO_SOURCE: Final = "an original datum: no other number to recompute it from"
NO_SINGLE: Final = "the numbers of the single patients are not known"
NO_NAME: Final = "no quantity of this name; `nmo-stats audit --quantities` lists them, and a table of facts about the patients (--patients) may add others"
_LISTED: Final = 6


@dataclass(frozen=True, slots=True)
class Computed:
    """A recomputed number and its arithmetic in words, up to the result."""

    span: Span
    words: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a number cannot be recomputed."""

    reason: str


Outcome = Computed | Unknown
Compute = Callable[[Record, Name], Outcome]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another formula in common use for a quantity, with its code: a key of ``FORMULA_NAMES``."""

    code: str
    compute: Compute


@dataclass(frozen=True, slots=True)
class Formula:
    """How a quantity is recomputed.

    Parameters
    ----------
    meaning
        The formula in words.
    compute
        Returns the number with its arithmetic, or why there is none.
    alternatives
        Other formulas that papers use under the same name: tried only where ``compute`` does not give the printed number.
        A number that one of them gives agrees by another formula.
    reproductions
        Formulas on other numbers of the paper: the printed number still disagrees, and the one that gives it is stated.
    defines
        Whether a summary over patients takes this formula (and not the printed individual numbers) for its values.
    readings
        What else the bare name may mean: a number that any reading gives agrees.
    usual
        Code of ``compute`` where it has alternatives.
    """

    meaning: str
    compute: Compute
    alternatives: tuple[Alternative, ...] = ()
    reproductions: tuple[Compute, ...] = ()
    defines: bool = True
    readings: tuple[Compute, ...] = ()
    usual: str = ""


def number(value: Decimal) -> str:
    """Return a number with four significant digits, whole numbers in full, without trailing zeros.

    Examples
    --------
    >>> number(Decimal("2.6666666")), number(Decimal(32)), number(Decimal("2.50")), number(Decimal("1229.7"))
    ('2.667', '32', '2.5', '1230')
    """
    if value == value.to_integral_value():
        return f"{value:.0f}".replace("-", "−")
    text = f"{Decimal(f'{value:.3e}'):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def spread(span: Span) -> str:
    """Return a value with the range that rounding leaves open, e.g. ``34 (32.9 to 35.1)``; nothing behind an exact one."""
    if span.low == span.high:
        return number(span.value)
    return f"{number(span.value)} ({number(span.low)} to {number(span.high)})"


def arithmetic(outcome: Computed) -> str:
    """Return the arithmetic of a number with its result, e.g. ``9 relapses / 44 months × 12 = 2.455 (2.427 to 2.483)``."""
    joint = "" if outcome.words.endswith(":") else " ="
    return f"{outcome.words}{joint} {spread(outcome.span)}"


def datum(record: Record, name: Name) -> Outcome:
    """Return a number as the data hold it."""
    fact = record.data.get(name)
    return Unknown(NO_SOURCE) if fact is None else Computed(fact.span, fact.source)


def arr(record: Record, name: Name) -> Outcome:
    """Relapses of a patient / exposure, per year."""
    if name.patient is None:
        return Unknown("which ARR of the series is meant is not said: arr_pooled, arr_mean or arr_median")
    relapses = record.data.get(Name("relapses", name.patient, name.treatment))
    exposure = record.data.get(Name(record.unit, name.patient, name.treatment))
    if relapses is None or exposure is None:
        return Unknown("the period table has no such period")
    return yearly(relapses.span, exposure.span, record.unit)


def yearly(relapses: Span, exposure: Span, unit: str) -> Computed:
    """Relapses / exposure, times the units of a year."""
    per_year = exact(UNITS_PER_YEAR[unit]).value
    factor = "" if per_year == 1 else f" × {number(per_year) if per_year < 100 else per_year}"
    words = f"{_relapses(relapses)} / {number(exposure.value)} {unit.removeprefix('exposure_')}{factor}"
    return Computed((relapses / exposure).times(per_year), words)


def edss_change(record: Record, name: Name) -> Outcome:
    """Last score - first score."""
    start, end = (
        record.data.get(name._replace(quantity=quantity)) for quantity in ("edss_start", "edss_end")
    )
    if start is None or end is None:
        return Unknown("a score of the period is not known")
    words = f"EDSS {number(end.span.value)} − {number(start.span.value)}"
    return Computed(end.span - start.span, words)


def prior_relapses(record: Record, name: Name) -> Outcome:
    """Sum of the relapses under the prior therapies; else as the facts have it."""
    therapies = record.therapies.get(name.patient or "", ())
    spans = [therapy.relapses for therapy in therapies if therapy.relapses is not None]
    if not spans or len(spans) < len(therapies):
        return datum(record, name)
    words = f"relapses under the prior therapies, {' + '.join(number(span.value) for span in spans)}"
    return Computed(total(spans), words)


def prior_arr(record: Record, name: Name) -> Outcome:
    """Relapses before the first drug / disease duration."""
    return _prior_rate(record, name, _disease_years)


def prior_arr_calendar(record: Record, name: Name) -> Outcome:
    """Relapses before the first drug / calendar years of the prior therapies, first and last year counted."""
    return _prior_rate(record, name, _calendar_years)


def prior_arr_elapsed(record: Record, name: Name) -> Outcome:
    """Relapses before the first drug / last calendar year of the prior therapies - first."""
    return _prior_rate(record, name, _elapsed_years)


def prior_arr_onset(record: Record, name: Name) -> Outcome:
    """Relapses before the first drug / time from the printed onset to the first drug."""
    return _prior_rate(record, name, _years_since_onset)


def onset(record: Record, name: Name) -> Outcome:
    """Disease duration at the first drug, and the months on the drugs before the one that is named."""
    treatment = name.quantity.removeprefix("onset_months_before_")
    given = record.courses.get(name.patient or "", ())
    duration = record.fact("disease_duration_years", name.patient)
    if treatment not in given or duration is None:
        return Unknown("the disease duration, or the drug, is not known for this patient")
    earlier = given[: given.index(treatment)]
    spans = [record.data[Name("exposure_months", name.patient, drug)].span for drug in earlier]
    parts = [
        f"{number(duration.span.value)} years of disease × 12",
        *(f"{number(span.value)} months on {drug}" for drug, span in zip(earlier, spans, strict=True)),
    ]
    words = " + ".join(parts) + (", if no gap lies between the drugs" if earlier else "")
    return Computed(total([duration.span.times(Decimal(12)), *spans]), words)


def onset_to_first_drug(record: Record, name: Name) -> Outcome:
    """Disease duration at the first drug, in months."""
    duration = record.fact("disease_duration_years", name.patient)
    given = record.courses.get(name.patient or "", ())
    if duration is None or not given:
        return Unknown("the disease duration is not known for this patient")
    words = f"{number(duration.span.value)} years of disease × 12, to the start of {given[0]}"
    return Computed(duration.span.times(Decimal(12)), words)


def dose_per_cycle(record: Record, name: Name) -> Outcome:
    """First + second infusion."""
    parts = [
        record.fact(f"{place}_infusion_mg", name.patient, name.treatment) for place in ("first", "second")
    ]
    known = [part.span for part in parts if part is not None]
    if len(known) < len(parts):
        return datum(record, name)
    return Computed(total(known), f"infusions of {' + '.join(number(span.value) for span in known)} mg")


def months_after_change(record: Record, name: Name) -> Outcome:
    """Months on the drug - month of the first relapse, after which the interval was changed."""
    months, first = (
        record.fact(quantity, name.patient, name.treatment)
        for quantity in ("exposure_months", "first_relapse_months")
    )
    if months is None or first is None:
        return Unknown("the time of the relapse, or of the end, is not known")
    words = f"{number(months.span.value)} months on {name.treatment} − month {number(first.span.value)} of the relapse"
    return Computed(months.span - first.span, words)


def months_on(record: Record, name: Name) -> Outcome:
    """Months on the drug that is named."""
    treatment = name.quantity.removeprefix("figure_months_on_")
    return datum(record, Name("exposure_months", name.patient, treatment))


def _prior_rate(
    record: Record, name: Name, years: Callable[[Record, str], tuple[Span, str] | None]
) -> Outcome:
    if name.patient is None:
        return Unknown("which prior ARR of the series is meant is not said: its median, mean, min or max")
    relapses = prior_relapses(record, name._replace(quantity="prior_relapses"))
    if isinstance(relapses, Unknown):
        known = record.fact("prior_relapses", name.patient)
        if known is None:
            return Unknown("the number of relapses before the first drug is not known")
        relapses = Computed(known.span, known.source)
    found = years(record, name.patient)
    if found is None or found[0].low <= 0:
        return Unknown("the time before the first drug is not known")
    denominator, words = found
    return Computed(relapses.span / denominator, f"{_relapses(relapses.span)} / {words}")


def _disease_years(record: Record, patient: str) -> tuple[Span, str] | None:
    duration = record.fact("disease_duration_years", patient)
    if duration is None:
        return None
    return duration.span, f"{number(duration.span.value)} years of disease"


def _calendar_years(record: Record, patient: str) -> tuple[Span, str] | None:
    first, last = _calendar(record.therapies.get(patient, ()))
    words = (
        f"{last - first + 1} calendar years of the listed prior therapies ({first} to {last}, both counted)"
    )
    return (exact(last - first + 1), words) if first else None


def _elapsed_years(record: Record, patient: str) -> tuple[Span, str] | None:
    first, last = _calendar(record.therapies.get(patient, ()))
    words = f"{last - first} years from the first to the last year of the listed prior therapies ({first} to {last})"
    return (exact(last - first), words) if first else None


def _calendar(therapies: tuple[Therapy, ...]) -> tuple[int, int]:
    years = [
        year for therapy in therapies for year in (therapy.from_year, therapy.to_year) if year is not None
    ]
    return (min(years), max(years)) if years else (0, 0)


def _years_since_onset(record: Record, patient: str) -> tuple[Span, str] | None:
    given = record.courses[patient]
    for place, treatment in enumerate(given):
        printed = record.fact(f"onset_months_before_{treatment}", patient)
        if printed is not None:
            months = [
                record.data[Name("exposure_months", patient, earlier)].span for earlier in given[:place]
            ]
            left = printed.span - total(months) if months else printed.span
            less = "".join(
                f" less {number(span.value)} on {drug}" for span, drug in zip(months, given, strict=False)
            )
            parts = f"{number(printed.span.value)} before {treatment}{less}"
            words = f"{number(left.value)} months from onset to {given[0]} ({parts}) × 12"
            return left.times(1 / Decimal(12)), words
    return None


def _relapses(span: Span) -> str:
    return (
        counted(int(span.value), "relapse")
        if span.value == span.value.to_integral_value()
        else number(span.value)
    )


def listed(spans: list[Span]) -> str:
    """Return a few values one by one, many as their number."""
    if len(spans) > _LISTED:
        return f"{len(spans)} values"
    return ", ".join(number(span.value) for span in spans)
