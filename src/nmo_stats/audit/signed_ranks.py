"""The signed-rank test of the individual ARRs as papers print it: exact, and by the Normal approximation of their programs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nmo_stats.audit.formulas import Compute, Computed, Outcome, Unknown
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.describe.rank_test import rate_differences, wilcoxon
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.wording import counted, significant

# Which end of their rounding the follow-up times of the two drugs take.
_CORNERS = (("value", "value"), ("low", "high"), ("high", "low"), ("low", "low"), ("high", "high"))


def wilcoxon_p_value(record: Record, name: Name) -> Outcome:
    """Exact two-sided p of the signed ranks of the individual ARRs, patients with both drugs."""
    return _evaluated(record, name, lambda pair: wilcoxon(pair).p_value, "exact signed-rank test")


def normal_p_value(*, correction: bool) -> Compute:
    """Return the formula of the Normal approximation, which is far from the exact p in a few patients."""
    kind = "with" if correction else "without"

    def compute(record: Record, name: Name) -> Outcome:
        words = f"signed-rank test by the Normal approximation {kind} continuity correction"
        return _evaluated(record, name, lambda pair: _normal(pair, correction), words)

    return compute


def _evaluated(record: Record, name: Name, p_value: Callable[[Comparison], float], test: str) -> Outcome:
    treatments = record.treatments
    if name.patient is not None or len(treatments) != 2 or name.treatment not in (None, *treatments):
        return Unknown("the test needs a series with two drugs")
    both = [patient for patient, given in record.courses.items() if set(treatments) <= set(given)]
    if not both:
        return Unknown("no patient had both drugs")
    pairs = [_pair(record, both, treatments, ends) for ends in _CORNERS]
    try:
        found = [p_value(pair) for pair in pairs]
    except NotIdentifiedError as refused:
        return Unknown(refused.reason)
    span = Span(decimal(found[0]), decimal(min(found)), decimal(max(found)))
    words = (
        f"{test} of the individual ARRs of {counted(len(both), 'patient')}, two-sided{_smallest(pairs[0])}"
    )
    return Computed(span, words)


def _smallest(pair: Comparison) -> str:
    """Return the smallest p-value that the exact test could reach, which a printed one below it did not come from."""
    return f" (the exact test reaches {significant(wilcoxon(pair).smallest_p_value)} at the smallest)"


def _pair(
    record: Record, patients: list[str], treatments: tuple[str, ...], ends: tuple[str, str]
) -> Comparison:
    names = [[(patient, treatment) for treatment in treatments] for patient in patients]
    relapses = [[int(record.data[Name("relapses", *one)].span.value) for one in row] for row in names]
    years = [
        [
            float(getattr(record.data[Name(record.unit, *one)].span, end)) / UNITS_PER_YEAR[record.unit]
            for one, end in zip(row, ends, strict=True)
        ]
        for row in names
    ]
    return Comparison(tuple(patients), np.array(relapses), np.array(years))


def _normal(pair: Comparison, correction: bool) -> float:  # noqa: FBT001  bound by the formula
    from scipy.stats import wilcoxon as signed_ranks

    differences = rate_differences(pair)
    if not len(differences):
        raise NotIdentifiedError("no patient's rate differs between the periods", "wilcoxon")
    found = signed_ranks(differences, correction=correction, method="asymptotic")  # type: ignore[call-overload]  # the stubs lack it
    return float(found.pvalue)
