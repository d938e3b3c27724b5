"""Whether the ratio of a typical patient and the ratio of all relapses, two different questions, have different answers.

The hierarchical ratio weighs patients; the ratio of totals weighs relapses, so that one patient with very
many relapses can decide it alone. In most series both say the same. Where they do not, both have to be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, RateRatio
from nmo_stats.estimators.table import RateResults
from nmo_stats.wording import counted, joined, ratio_text, significant

_TOTALS: Final = ("pooled_exact", "poisson")
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Leverage:
    """One of the patients who move the ratio of totals away from the ratio of a typical patient.

    Parameters
    ----------
    patient
        Identifier.
    relapses
        Relapses on the reference and on the comparator.
    ratio_without
        Ratio of totals without this patient and those named before.
    """

    patient: str
    relapses: tuple[int, int]
    ratio_without: float


def with_estimands(pair: Comparison, found: RateResults) -> RateResults:
    """Return the results, with the caution ``estimands_differ`` on both ratios where the two questions differ in their answer."""
    typical, totals = typical_and_totals(found)
    if typical is None or totals is None or not differ(typical, totals):
        return found
    caution = Caution("estimands_differ", _text(pair, typical, totals))
    concerned = {typical.estimand: caution} | dict.fromkeys(_TOTALS, caution)
    return replace(
        found,
        estimates=tuple(
            ratio.with_cautions(caution) if {ratio.estimand, ratio.method} & set(concerned) else ratio
            for ratio in found.estimates
        ),
    )


def typical_and_totals(found: RateResults) -> tuple[RateRatio | None, RateRatio | None]:
    """Return the ratio of a typical patient and the ratio of totals, each None where there is none."""
    typical = next((ratio for ratio in found.estimates if ratio.estimand == "typical_patient"), None)
    totals = next((ratio for method in _TOTALS if (ratio := found.find(method))), None)
    return typical, totals


def differ(typical: RateRatio, totals: RateRatio) -> bool:
    """Return whether the two ratios have different answers: by either of two rules.

    - Neither interval holds the other estimate.
    - The estimates lie on different sides of 1, and one of the intervals excludes 1 without holding the other
      estimate.

    At a zero cell, or without relapses, nothing can differ: one limit is all there is. Among Poisson counts
    with one ratio for all patients the rules are met by under 1 in 100 series of 3 to 30 patients.

    Examples
    --------
    >>> from nmo_stats.estimate import Interval
    >>> typical = RateRatio(0.76, Interval(0.593, 0.960, 0.95, "credible"), "nuts", "typical_patient")
    >>> totals = RateRatio(1.007, Interval(0.921, 1.101, 0.95, "confidence"), "pooled_exact", "pooled")
    >>> differ(typical, totals)
    True
    """
    if not (typical.informative and typical.known_limit is None and totals.known_limit is None):
        return False
    outside = (
        not totals.interval.contains(typical.estimate),
        not typical.interval.contains(totals.estimate),
    )
    opposite = (typical.estimate - 1) * (totals.estimate - 1) < 0
    excludes = (not totals.interval.contains(1.0), not typical.interval.contains(1.0))
    return all(outside) or (opposite and any(excludes))


def leverage(pair: Comparison, typical: RateRatio, most: int = _MOST_NAMED) -> tuple[Leverage, ...]:
    """Return the patients without whom the ratio of totals comes nearest to that of a typical patient, one after the other.

    It ends where the ratio of the others agrees with the typical patient's (within its interval, on the same
    side of 1), where nobody's leaving brings it nearer, or after ``most`` patients.

    Examples
    --------
    >>> from nmo_stats.estimate import Interval
    >>> pair = Comparison.from_arrays([[150, 300], [20, 10], [18, 9]], [[1, 1]] * 3, ["A", "B", "C"])
    >>> typical = RateRatio(0.7, Interval(0.3, 1.6, 0.95, "credible"), "nuts", "typical_patient")
    >>> [(one.patient, one.relapses, one.ratio_without) for one in leverage(pair, typical)]
    [('A', (150, 300), 0.5)]
    """
    target, kept = np.log(typical.estimate), np.ones(len(pair.patients), dtype=bool)
    distance, found = abs(_log_totals(pair, kept) - target), list[Leverage]()
    while len(found) < most and kept.sum() > 1:
        ratios = _log_totals_without_each(pair, kept)
        distances = np.where(np.isfinite(ratios), np.abs(ratios - target), np.inf)
        best = int(distances.argmin())
        if not distances[best] < distance:
            break
        kept[best], distance = False, float(distances[best])
        before, after = map(int, pair.relapses[best])
        ratio = float(np.exp(ratios[best]))
        found.append(Leverage(pair.patients[best], (before, after), ratio))
        if typical.interval.contains(ratio) and (ratio - 1) * (typical.estimate - 1) >= 0:
            break
    return tuple(found)


def _log_totals(pair: Comparison, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    relapses, years = pair.relapses[kept].sum(axis=0), pair.years[kept].sum(axis=0)
    return float(np.diff(np.log(relapses / years))[0])


def _log_totals_without_each(
    pair: Comparison, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the log ratio of totals of those kept without each of them; NaN where it does not exist. Shape (n,)."""
    relapses = pair.relapses[kept].sum(axis=0) - pair.relapses
    years = pair.years[kept].sum(axis=0) - pair.years
    usable = kept & (relapses > 0).all(axis=1) & (years > 0).all(axis=1)
    rates = np.where(usable[:, None], relapses, 1) / np.where(usable[:, None], years, 1)
    return np.where(usable, np.log(rates[:, 1] / rates[:, 0]), np.nan)


def _text(pair: Comparison, typical: RateRatio, totals: RateRatio) -> str:
    text = (
        f"the ratio of a typical patient, {ratio_text(typical)}, and the ratio of all relapses, {ratio_text(totals)}, "
        "answer different questions, and here their answers differ"
    )
    named = leverage(pair, typical)
    if not named:
        return text
    each = joined(
        [
            f"{one.patient} ({one.relapses[0]} on {pair.reference}, {one.relapses[1]} on {pair.comparator})"
            for one in named
        ]
    )
    count = sum(sum(one.relapses) for one in named)
    who = "patient" if len(named) == 1 else "patients"
    return (
        f"{text}: {counted(count, 'relapse')} of {sum(pair.totals)} are those of {who} {each}, without whom the ratio of all "
        f"relapses is {significant(named[-1].ratio_without)}"
    )
