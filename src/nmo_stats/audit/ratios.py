"""The pooled rate ratio of a paper with its exact limits and p-value, at the values and at the corners of their rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from nmo_stats.audit.formulas import Compute, Computed, Outcome, Unknown, number
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal, exact, total
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.exact import pooled
from nmo_stats.wording import counted

_LEVEL: Final = 0.95
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


def ratio_low(record: Record, name: Name) -> Outcome:
    """Lower exact limit of the pooled ratio at a level of 95 %."""
    return _at_corners(record, name, lambda pair: pooled(pair).rate_ratio(_LEVEL).interval.low)


def ratio_high(record: Record, name: Name) -> Outcome:
    """Upper exact limit of the pooled ratio at a level of 95 %."""
    return _at_corners(record, name, lambda pair: pooled(pair).rate_ratio(_LEVEL).interval.high)


def ratio_p_value(record: Record, name: Name) -> Outcome:
    """Exact central p-value of the pooled ratio; 1 is in reach where rounding admits a ratio of 1."""
    found, ratio = _at_corners(record, name, lambda pair: pooled(pair).p_value()), rate_ratio(record, name)
    if isinstance(found, Unknown) or isinstance(ratio, Unknown):
        return found
    if not ratio.span.low <= 1 <= ratio.span.high:
        return found
    return replace(found, span=replace(found.span, high=Decimal(1)))


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


def _at_corners(record: Record, name: Name, value: Callable[[Comparison], float]) -> Outcome:
    """Evaluate at the values, and where the two times are as unequal as rounding admits: all three move with their ratio."""
    sums = _sums(record, name)
    if isinstance(sums, Unknown):
        return sums
    per_year = UNITS_PER_YEAR[record.unit]
    counts = np.array([[int(sums[0].value), int(sums[1].value)]])
    times = [(one.value, other.value) for one, other in [sums[2:]]]
    times += [(sums[2].low, sums[3].high), (sums[2].high, sums[3].low)]
    try:
        found = [
            value(Comparison(("series",), counts, np.array([[float(one), float(other)]]) / per_year))
            for one, other in times
        ]
    except NotIdentifiedError as refused:
        return Unknown(refused.reason)
    if float("inf") in found:
        return Unknown("no relapse on the other drug: the limit is infinite")
    span = Span(decimal(found[0]), decimal(min(found)), decimal(max(found)))
    return Computed(span, f"exact method for {_words(sums, record.unit)}")


def _words(sums: tuple[Span, Span, Span, Span], unit: str) -> str:
    reference, _, reference_time, comparator_time = (number(one.value) for one in sums)
    name = unit.removeprefix("exposure_")
    relapses = counted(int(sums[1].value), "relapse")
    return f"({relapses} / {comparator_time} {name}) / ({reference} / {reference_time} {name})"
