"""The signed-rank test of the individual ARRs as papers print it: exact, and by the Normal approximation of their programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Final, Literal

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.audit.formulas import Alternative, Compute, Computed, Outcome, Unknown
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimators.rank_tests import rate_differences, sign_test, wilcoxon
from nmo_stats.wording import counted, significant

# Which end of their rounding the follow-up times of the two drugs take.
_UNEQUAL: Final = (("low", "high"), ("high", "low"))
_TOGETHER: Final = (("low", "low"), ("high", "high"))
_EXACT: Final = "exact two-sided signed-rank test"
_FEW: Final = 5  # patients whose times move each for itself: 2^5 corners


def wilcoxon_p_value(record: Record, name: Name) -> Outcome:
    """Exact two-sided p of the signed ranks of the individual ARRs, patients with both drugs."""
    return _evaluated(record, name, lambda pair: wilcoxon(pair).p_value, _EXACT)


def other_paired_p_values() -> tuple[Alternative, ...]:
    """Return the p-values that other programs, or neighbouring tests, print of the same pairs."""
    return tuple(Alternative(code, _test(p_value, words)) for code, (p_value, words) in _OTHER_TESTS.items())


def normal_p(pair: Comparison, *, correction: bool) -> float:
    """Return the Normal approximation, zero differences left out; R: ``wilcox.test(paired = TRUE, exact = FALSE)``."""
    return _approximate(_non_zero(pair), "wilcox", correction=correction)


def pratt_p(pair: Comparison) -> float:
    """Return the Normal approximation that ranks zero differences too (Pratt JW, doi:10.1080/01621459.1959.10501526).

    Raises
    ------
    NotIdentifiedError
        If there is no zero difference, where it is the usual one.
    """
    differences = _non_zero(pair)
    zeros = len(pair.relapses) - len(differences)
    if not zeros:
        raise NotIdentifiedError("no patient's rates are equal", "wilcoxon")
    return _approximate(np.concatenate([differences, np.zeros(zeros)]), "pratt", correction=False)


def one_sided_p(pair: Comparison) -> float:
    """Return the smaller tail of the exact signed-rank distribution."""
    two_sided = wilcoxon(pair).p_value
    if two_sided >= 1:
        raise NotIdentifiedError("neither tail is below a half", "wilcoxon")
    return two_sided / 2


def sign_p(pair: Comparison) -> float:
    """Return the exact p of the sign test; R: ``binom.test``."""
    return sign_test(_non_zero(pair)).p_value


def paired_t_p(pair: Comparison) -> float:
    """Return the p of the paired t test of the rates; R: ``t.test(paired = TRUE)``."""
    from scipy.stats import ttest_1samp

    rates = pair.relapses / pair.years
    differences = np.round((rates[:, 1] - rates[:, 0]) / (rates.max() or 1.0), 12)
    if len(differences) < 2 or not np.ptp(differences):
        raise NotIdentifiedError("the t test needs differences that vary", "paired_t")
    return float(ttest_1samp(differences, 0.0).pvalue)


def _evaluated(record: Record, name: Name, p_value: Callable[[Comparison], float], test: str) -> Outcome:
    treatments = record.treatments
    if name.patient is not None or len(treatments) != 2 or name.treatment not in (None, *treatments):
        return Unknown("the test needs a series with two drugs")
    both = [patient for patient, given in record.courses.items() if set(treatments) <= set(given)]
    if not both:
        return Unknown("no patient had both drugs")
    pairs = list(_pairs(record, both, treatments))
    try:
        at_values, *others = map(p_value, pairs)
        smallest = significant(wilcoxon(pairs[0]).smallest_p_value)
    except NotIdentifiedError as refused:
        return Unknown(refused.reason)
    span = Span(*(decimal(one) for one in (at_values, min(at_values, *others), max(at_values, *others))))
    reach = f" (smallest possible p {smallest})" if test == _EXACT else ""
    return Computed(span, f"{test} of the individual ARRs of {counted(len(both), 'patient')}{reach}")


def _pairs(record: Record, patients: list[str], treatments: tuple[str, ...]) -> Iterator[Comparison]:
    """Yield the pairs with the times as they are, then at the corners of their rounding."""
    times = [
        [record.data[Name(record.unit, patient, treatment)].span for treatment in treatments]
        for patient in patients
    ]
    relapses = [
        [int(record.data[Name("relapses", patient, treatment)].span.value) for treatment in treatments]
        for patient in patients
    ]
    count = len(patients)
    corners = [[("value", "value")] * count, *([ends] * count for ends in (*_UNEQUAL, *_TOGETHER))]
    corners += map(list, product(_UNEQUAL, repeat=count)) if count <= _FEW else []
    for ends in corners:
        years = [
            [float(getattr(span, end)) / UNITS_PER_YEAR[record.unit] for span, end in zip(*row, strict=True)]
            for row in zip(times, ends, strict=True)
        ]
        yield Comparison(tuple(patients), np.array(relapses), np.array(years))


def _non_zero(pair: Comparison) -> Floats:
    differences = rate_differences(pair)
    if not len(differences):
        raise NotIdentifiedError("no patient's rate differs between the periods", "wilcoxon")
    return differences


def _approximate(differences: Floats, zeros: Literal["wilcox", "pratt"], *, correction: bool) -> float:
    from scipy.stats import wilcoxon as signed_ranks

    test = signed_ranks(differences, zero_method=zeros, correction=correction, method="asymptotic")  # type: ignore[call-overload]  # the stubs lack it
    return float(test.pvalue)


def _test(p_value: Callable[[Comparison], float], words: str) -> Compute:
    return lambda record, name: _evaluated(record, name, p_value, words)


_OTHER_TESTS: Final[dict[str, tuple[Callable[[Comparison], float], str]]] = {
    "normal_approximation": (
        partial(normal_p, correction=False),
        "signed-rank test by the Normal approximation",
    ),
    "normal_approximation_corrected": (
        partial(normal_p, correction=True),
        "signed-rank test by the Normal approximation with continuity correction",
    ),
    "pratt": (pratt_p, "signed-rank test by the Normal approximation, equal rates ranked too"),
    "one_sided": (one_sided_p, "exact signed-rank test, smaller tail"),
    "sign_test": (sign_p, "exact sign test"),
    "paired_t": (paired_t_p, "paired t test"),
}
