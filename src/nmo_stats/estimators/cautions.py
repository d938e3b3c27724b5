"""Reasons to read a ratio with care, as the data of a comparison give them."""

from __future__ import annotations

import math
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, Limit
from nmo_stats.estimators.within_patient import dispersion, log_time_ratios
from nmo_stats.names import LIMIT_NAMES

UNEQUAL_TIME_RATIO: Final = 1.5


def pair_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the cautions that hold for every estimator of the pair."""
    return reversed_cautions(pair) + merged_cautions(pair)


def reversed_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution for patients who had the comparator first."""
    if not pair.reversed_order:
        return ()
    patients = f"{len(pair.reversed_order)} of {len(pair.patients)} patients"
    text = f"{patients} had {pair.comparator} before {pair.reference}"
    return (Caution("reversed_order", text),)


def merged_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution for counts from dated events in which more than a tenth of the onsets are merged."""
    if pair.merging is None or not pair.merging.is_frequent:
        return ()
    return (Caution("merged", pair.merging.text),)


def pooled_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of estimators that assume one rate, or the same time ratio, in all patients."""
    ratios = log_time_ratios(pair)
    spread = math.exp(ratios.max() - ratios.min())
    if spread <= UNEQUAL_TIME_RATIO * (1 + 1e-9):  # months in years carry rounding errors
        return ()
    text = (
        f"the ratio of the two follow-up times differs {spread:.1f}-fold between patients: "
        "a pooled ratio mixes the patients' own rates into the comparison"
    )
    return (Caution("unequal_follow_up", text),)


def dispersion_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of estimators that assume Poisson counts within a period."""
    observed = dispersion(pair)
    if observed.verdict != "overdispersed":
        return ()
    value, limit = _distinct_texts(observed.value, observed.limit)
    text = (
        f"counts vary {value} times as much within patients as Poisson counts would "
        f"(95 % limit {limit}): this interval is too short"
    )
    return (Caution("overdispersed", text),)


def zero_cell_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of a period without relapses, with the one limit of the ratio that the data set.

    Without a relapse on the comparator that is the upper limit, else the lower one.

    Examples
    --------
    >>> pair = Comparison.from_arrays([[3, 0]], [[1, 1]])
    >>> [(caution.code, caution.limit) for caution in zero_cell_cautions(pair)]
    [('zero_cell', 'high')]
    """
    if all(pair.totals):
        return ()
    limit: Limit = "high" if pair.totals[0] else "low"
    empty = pair.comparator if limit == "high" else pair.reference
    text = f"no relapse on {empty}: only the {LIMIT_NAMES[limit]} limit carries information"
    return (Caution("zero_cell", text, limit),)


def _distinct_texts(value: float, limit: float) -> tuple[str, str]:
    """Return two numbers with as many decimals, from two on, as show that the first exceeds the second."""
    for decimals in range(2, 9):
        texts = f"{value:.{decimals}f}", f"{limit:.{decimals}f}"
        if texts[0] != texts[1]:
            break
    return texts
