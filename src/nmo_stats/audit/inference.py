"""Functions of the vocabulary with a statistical method: limits, p-values, median time to the first relapse.

Each is evaluated at the data, and over what the rounding of the follow-up times leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Final

import numpy as np
from scipy.special import stdtrit

from nmo_stats.audit import functions, methods, span
from nmo_stats.audit.expressions import Argument, Computed, NotRecomputableError, Scope, by_name
from nmo_stats.audit.functions import drug_pair, listed, spans_of, total, with_both
from nmo_stats.audit.span import Span, decimal, exact
from nmo_stats.audit.vocabulary import FORMULA_NAMES
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.describe.curves import FollowUp
from nmo_stats.describe.kaplan_meier import kaplan_meier as curve
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimators.rank_tests import wilcoxon
from nmo_stats.names import LIMIT_NAMES
from nmo_stats.wording import counted, significant

_FEW: Final = 5  # patients whose times move each for itself: 2^5 corners
_P_VALUE_STEPS: Final = 15
# Which end of their rounding the follow-up times of the two drugs take.
_UNEQUAL: Final = (("low", "high"), ("high", "low"))
_TOGETHER: Final = (("low", "low"), ("high", "high"))


# Limits of a rate


def rate_limit(scope: Scope, code: str, end: str) -> Computed:
    """Return a 95 % limit of relapses / exposure: of the patient who is named, else of the series.

    By Student's t it is that of the mean of the individual ARRs.
    """
    if code == "student_t":
        return _student_limit(scope, end)
    take = total if scope.name.patient is None else Scope.value
    seen, time = (take(scope, quantity) for quantity in ("relapses", "exposure"))
    with _identified():
        limits = methods.RATE_LIMITS[code](int(seen.span.value))
    per_year = exact(UNITS_PER_YEAR[scope.record.unit])
    text = f"{LIMIT_NAMES[end]} 95 % limit of {seen.text} in {time.text}"
    return Computed(exact(limits[end == "high"]) / time.span * per_year, text)


def _student_limit(scope: Scope, end: str) -> Computed:
    rates = [scope.of(patient).value("arr").span for patient in scope.patients]
    spread = span.deviation(rates) if scope.name.patient is None else None
    if spread is None:
        raise NotRecomputableError("limits by Student's t need a series of two patients or more")
    factor = exact(float(stdtrit(len(rates) - 1, 1 - methods.TAIL)) / math.sqrt(len(rates)))
    middle, step = span.mean(rates), spread * factor
    text = f"{LIMIT_NAMES[end]} 95 % limit by Student's t of the mean of {len(rates)} individual ARRs"
    return Computed(middle - step if end == "low" else middle + step, text)


# Two drugs


def haldane_ratio(scope: Scope) -> Computed:
    """Return the pooled ratio with half a relapse added to both periods, where one has none."""
    return _ratio(scope, methods.haldane_ratio, "half a relapse added to both periods of", steps=2)


def ratio_limit(scope: Scope, code: str, end: str) -> Computed:
    """Return a 95 % limit of the pooled ratio."""
    limits = methods.RATIO_LIMITS[code]
    return _ratio(
        scope, lambda pair: limits(pair)[end == "high"], f"{LIMIT_NAMES[end]} 95 % limit of", steps=2
    )


def ratio_p_value(scope: Scope, code: str) -> Computed:
    """Return a p-value of the pooled ratio; 1 is in reach where the rounding admits a ratio of 1."""
    result = _ratio(scope, methods.RATIO_P_VALUES[code], "p-value of", steps=_P_VALUE_STEPS)
    ratio = scope.outcome("rate_ratio")
    if code == "one_sided" or not isinstance(ratio, Computed) or not ratio.span.low <= 1 <= ratio.span.high:
        return result
    return replace(result, span=replace(result.span, high=Decimal(1)))


def paired_p_value(scope: Scope, code: str) -> Computed:
    """Return a p-value of the individual ARRs of the patients with both drugs."""
    drugs = scope.record.treatments
    if scope.name.patient is not None or len(drugs) != 2 or scope.name.treatment not in (None, *drugs):
        raise NotRecomputableError("the test needs a series with two drugs")
    both = with_both(scope, drugs)
    pairs = list(_paired_rates(scope, both, drugs))
    result = _over_rounding(methods.PAIRED_P_VALUES[code], pairs)
    reach = ""
    if code == "signed_rank":
        reach = f" (smallest possible p {significant(wilcoxon(pairs[0]).smallest_p_value)})"
    text = f"{FORMULA_NAMES[code]} of the individual ARRs of {counted(len(both), 'patient')}{reach}"
    return Computed(result, text)


def _ratio(scope: Scope, method: Callable[[Comparison], float], text: str, *, steps: int) -> Computed:
    """Evaluate at the values, and from one end to the other of how unequal their rounding lets the times be.

    Limits and most p-values move with the ratio of the times, so that two steps suffice; some p-values jump
    between.
    """
    drugs = drug_pair(scope)
    among = replace(scope, among=with_both(scope, drugs))
    (seen, time), (seen_new, time_new) = (
        [total(among.on(drug), quantity) for quantity in ("relapses", "exposure")] for drug in drugs
    )
    counts = [[int(seen.span.value), int(seen_new.span.value)]]
    lowest, highest = (_times(time.span, time_new.span, ends) for ends in _UNEQUAL)
    at_values = _times(time.span, time_new.span, ("value", "value"))
    times = np.vstack([at_values, np.linspace(lowest, highest, steps)])
    years = times / UNITS_PER_YEAR[scope.record.unit]
    pairs = [Comparison(("series",), np.array(counts), row[None, :]) for row in years]
    arithmetic = f"({seen_new.text} / {time_new.text}) / ({seen.text} / {time.text})"
    return Computed(_over_rounding(method, pairs), f"{text} {arithmetic}")


def _times(reference_time: Span, comparator_time: Span, ends: tuple[str, str]) -> list[float]:
    return [float(getattr(reference_time, ends[0])), float(getattr(comparator_time, ends[1]))]


def _paired_rates(scope: Scope, both: Sequence[str], drugs: Sequence[str]) -> Iterator[Comparison]:
    """Yield the pairs with the times as they are, then at the corners of their rounding."""
    values = {
        quantity: [[scope.of(patient).on(drug).value(quantity).span for drug in drugs] for patient in both]
        for quantity in ("relapses", "exposure")
    }
    relapses = np.array([[int(value.value) for value in row] for row in values["relapses"]])
    corners = [[ends] * len(both) for ends in (("value", "value"), *_UNEQUAL, *_TOGETHER)]
    corners += map(list, product(_UNEQUAL, repeat=len(both))) if len(both) <= _FEW else []
    for corner in corners:
        times = [_times(old, new, ends) for (old, new), ends in zip(values["exposure"], corner, strict=True)]
        yield Comparison(tuple(both), relapses, np.array(times) / UNITS_PER_YEAR[scope.record.unit])


@contextmanager
def _identified() -> Iterator[None]:
    """Take the reason of a method that has no number."""
    try:
        yield
    except NotIdentifiedError as error:
        raise NotRecomputableError(error.reason) from error


def _over_rounding(method: Callable[[Comparison], float], pairs: Sequence[Comparison]) -> Span:
    """Return the number of the first pair, with the range of all."""
    with _identified():
        values = [method(pair) for pair in pairs]
    if not all(map(math.isfinite, values)):
        raise NotRecomputableError("no relapse on the other drug: the limit is infinite")
    return _range(values)


def _range(values: Sequence[float]) -> Span:
    """Return the first number, with the range of all."""
    return Span(*map(decimal, (values[0], min(values), max(values))))


# Time to the first relapse


def kaplan_meier(scope: Scope, first_relapse: Argument, follow_up: Argument) -> Computed:
    """Return the Kaplan-Meier median, patients without a relapse censored at the end of their follow-up.

    Its range is that of the corners at which all relapses, and all ends of follow-up, move together.
    """
    relapsed = _relapsed(scope)
    pairs = zip(scope.of_each(first_relapse), scope.of_each(follow_up), relapsed, strict=True)
    times = [first if had else end for first, end, had in pairs]
    spans, without = spans_of(times), relapsed.count(False)
    if len(spans) < len(times):
        timed = f"{sum(relapsed) - times.count(None)} of {sum(relapsed)} patients with one"
        raise NotRecomputableError(f"the time of the first relapse is known for {timed}")
    corners = [("value", "value"), *product(("low", "high"), repeat=2)]
    medians = [
        _median([getattr(time, ends[had]) for time, had in zip(spans, relapsed, strict=True)], relapsed)
        for ends in corners
    ]
    if math.isinf(medians[0]):
        reason = f"{without} of {len(spans)} patients had no relapse"
        raise NotRecomputableError(f"the Kaplan-Meier median is not reached: {reason}")
    if math.isinf(max(medians)):
        raise NotRecomputableError("the rounding of the times decides whether the median is reached")
    seen = _listed_times([time for time, had in zip(times, relapsed, strict=True) if had])
    censored = f", {without} without a relapse and censored" if without else ""
    text = f"Kaplan-Meier median of the times to the first relapse ({seen}{censored})"
    return Computed(_range(medians), text)


def median_of_relapsed(scope: Scope, first_relapse: Argument) -> Computed:
    """Return the median time of the patients with a relapse, nobody censored."""
    relapsed = _relapsed(scope)
    among = tuple(patient for patient, had in zip(scope.patients, relapsed, strict=True) if had)
    times = replace(scope, among=among).of_each(first_relapse)
    if not times or None in times:
        raise NotRecomputableError("the time of the first relapse is not known for all patients with one")
    text = f"median of the times to the first relapse of the patients with one ({_listed_times(times)})"
    return Computed(span.median(spans_of(times)), text)


def _relapsed(scope: Scope) -> list[bool]:
    """Return which of the patients on a drug had a relapse."""
    if scope.name.treatment is None:
        raise NotRecomputableError("the first relapse on which drug is meant is not said")
    return [seen.value > 0 for seen in spans_of(scope.of_each("relapses"))]


def _listed_times(times: Sequence[Computed | None]) -> str:
    unit = next(time.unit for time in times if time is not None)
    return f"{listed(spans_of(times))} {unit[1]}"


def _median(times: Sequence[Decimal], relapsed: Sequence[bool]) -> float:
    """Return the Kaplan-Meier median in the unit of the times."""
    years, counts, none = np.array(times, dtype=float), np.array(relapsed, dtype=np.int64), np.zeros(0)
    first = np.where(counts, years, np.inf)
    patients = FollowUp(len(years), counts, years, none.astype(np.int64), none, first)
    return curve("", patients, methods.LEVEL).median


FUNCTIONS: Final = functions.FUNCTIONS | by_name(
    *(rate_limit, haldane_ratio, ratio_limit, ratio_p_value, paired_p_value, kaplan_meier, median_of_relapsed)
)
