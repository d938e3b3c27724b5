"""The pooled rate ratio of a paper with its limits and p-values, at the values and over their rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from nmo_stats.audit.formulas import Alternative, Compute, Computed, Outcome, Unknown, number
from nmo_stats.audit.rate_limits import End
from nmo_stats.audit.ratio_methods import LIMITS, P_VALUES, exact_limits, exact_p, haldane_ratio
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal, exact, total
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.wording import counted

_P_VALUE_STEPS: Final = 15
_NO_PAIR: Final = "a ratio needs a series with two drugs, and the name of the upper one as treatment"


def rate_ratio(record: Record, name: Name) -> Outcome:
    """Pooled relapses per year on the drug / on the other drug, in the patients who had both."""
    sums = _sums(record, name)
    if isinstance(sums, Unknown):
        return sums
    if not sums[0].value:
        return Unknown("no relapse on the other drug: the ratio has no finite value")
    return Computed((sums[1] / sums[3]) / (sums[0] / sums[2]), _words(sums, record.unit))


def ratio_of(average: Compute) -> Compute:
    """Return the formula of a ratio of two averages of individual ARRs, which papers print as well."""

    def compute(record: Record, name: Name) -> Outcome:
        pair = _pair(record, name)
        if pair is None:
            return Unknown(_NO_PAIR)
        reference, comparator = (average(record, name._replace(treatment=treatment)) for treatment in pair)
        if isinstance(reference, Unknown) or isinstance(comparator, Unknown) or reference.span.low <= 0:
            return Unknown("an average of the individual ARRs is 0 or not known")
        words = f"({comparator.words} on {pair[1]}) / ({reference.words} on {pair[0]})"
        return Computed(comparator.span / reference.span, words)

    return compute


def reduction(ratio: Compute) -> Compute:
    """Return the formula of 100 × (1 − a ratio)."""

    def compute(record: Record, name: Name) -> Outcome:
        found = ratio(record, name)
        if isinstance(found, Unknown):
            return found
        return Computed((exact(1) - found.span).times(Decimal(100)), f"100 × (1 − {found.words})")

    return compute


def ratio_limit(end: End) -> Compute:
    """Return the formula of the exact lower or upper 95 % limit of the pooled ratio."""
    return lambda record, name: _limit(record, name, end, exact_limits)


def other_ratio_limits(end: End) -> tuple[Alternative, ...]:
    """Return the limits of the pooled ratio that other programs print."""
    return tuple(Alternative(code, _limit_by(end, limits)) for code, limits in LIMITS.items())


def haldane_ratio_alone(record: Record, name: Name) -> Outcome:
    """Pooled ratio with half a relapse added to both periods, where one has none."""
    return _over_rounding(
        record, name, haldane_ratio, steps=2, words="half a relapse added to both periods of "
    )


def ratio_p_value(record: Record, name: Name) -> Outcome:
    """Exact central p-value of the pooled ratio; 1 is in reach where rounding admits a ratio of 1."""
    return _p_value(record, name, exact_p, reaches_1=True)


def other_ratio_p_values() -> tuple[Alternative, ...]:
    """Return the p-values of the pooled ratio that other programs print."""
    return tuple(Alternative(code, _p_value_by(code, p_value)) for code, p_value in P_VALUES.items())


def _limit_by(end: End, limits: Callable[[Comparison], tuple[float, float]]) -> Compute:
    return lambda record, name: _limit(record, name, end, limits)


def _limit(
    record: Record, name: Name, end: End, limits: Callable[[Comparison], tuple[float, float]]
) -> Outcome:
    side, place = ("lower", 0) if end == "low" else ("upper", 1)
    return _over_rounding(
        record, name, lambda pair: limits(pair)[place], steps=2, words=f"{side} 95 % limit of "
    )


def _p_value_by(code: str, p_value: Callable[[Comparison], float]) -> Compute:
    return lambda record, name: _p_value(record, name, p_value, reaches_1=code != "one_sided")


def _p_value(
    record: Record, name: Name, p_value: Callable[[Comparison], float], *, reaches_1: bool
) -> Outcome:
    outcome = _over_rounding(record, name, p_value, steps=_P_VALUE_STEPS, words="p-value of ")
    ratio = rate_ratio(record, name)
    if isinstance(outcome, Unknown) or isinstance(ratio, Unknown) or not reaches_1:
        return outcome
    if not ratio.span.low <= 1 <= ratio.span.high:
        return outcome
    return replace(outcome, span=replace(outcome.span, high=Decimal(1)))


def _sums(record: Record, name: Name) -> tuple[Span, Span, Span, Span] | Unknown:
    """Return relapses and exposures of the patients with both drugs: reference, comparator, reference, comparator."""
    pair = _pair(record, name)
    if pair is None:
        return Unknown(_NO_PAIR)
    both = [patient for patient, given in record.courses.items() if set(pair) <= set(given)]
    if not both:
        return Unknown("no patient had both drugs")
    reference, comparator, reference_time, comparator_time = (
        total([record.data[Name(quantity, patient, treatment)].span for patient in both])
        for quantity in ("relapses", record.unit)
        for treatment in pair
    )
    return reference, comparator, reference_time, comparator_time


def _pair(record: Record, name: Name) -> tuple[str, str] | None:
    """Return reference and comparator: the only other drug, and the one that is named."""
    others = [treatment for treatment in record.treatments if treatment != name.treatment]
    if name.patient is not None or name.treatment not in record.treatments or len(others) != 1:
        return None
    return others[0], str(name.treatment)


def _over_rounding(
    record: Record, name: Name, value: Callable[[Comparison], float], *, steps: int, words: str
) -> Outcome:
    """Evaluate at the values, and from one end to the other of how unequal the two times can be by their rounding.

    Limits and most p-values move with the ratio of the times, so that two steps suffice; some p-values jump between.
    """
    sums = _sums(record, name)
    if isinstance(sums, Unknown):
        return sums
    try:
        at_values, *others = [value(pair) for pair in _pairs(sums, record.unit, steps)]
    except NotIdentifiedError as refused:
        return Unknown(refused.reason)
    if not all(map(math.isfinite, (at_values, *others))):
        return Unknown("no relapse on the other drug: the limit is infinite")
    span = Span(*(decimal(one) for one in (at_values, min(at_values, *others), max(at_values, *others))))
    return Computed(span, f"{words}{_words(sums, record.unit)}")


def _pairs(sums: tuple[Span, Span, Span, Span], unit: str, steps: int) -> Iterator[Comparison]:
    """Yield the totals as a comparison of one row: with the times as they are, then over their rounding."""
    counts, per_year = np.array([[int(sums[0].value), int(sums[1].value)]]), UNITS_PER_YEAR[unit]
    reference, comparator = sums[2:]
    times = [(float(reference.value), float(comparator.value))]
    rising = np.linspace(float(reference.low), float(reference.high), steps)
    falling = np.linspace(float(comparator.high), float(comparator.low), steps)
    for one, other in (*times, *zip(rising, falling, strict=True)):
        yield Comparison(("series",), counts, np.array([[float(one), float(other)]]) / per_year)


def _words(sums: tuple[Span, Span, Span, Span], unit: str) -> str:
    reference, _, reference_time, comparator_time = (number(one.value) for one in sums)
    name = unit.removeprefix("exposure_")
    relapses = counted(int(sums[1].value), "relapse")
    return f"({relapses} / {comparator_time} {name}) / ({reference} / {reference_time} {name})"
