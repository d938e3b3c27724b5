"""The data as they might have been: other times, other relapses, one patient fewer. Every estimator answers each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import expit

from nmo_stats.cohort import Comparison
from nmo_stats.errors import CohortError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import Refusal, classical_rates
from nmo_stats.estimators.within_patient import log_ratio_mle, log_time_ratios, patient_strata
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.large_series import without_one_relapse
from nmo_stats.sensitivity.misfits import misfits
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.no_effect import RULES, headline_population
from nmo_stats.sensitivity.overdispersion import observed_overdispersion, varying
from nmo_stats.sensitivity.row import Family, Row
from nmo_stats.wording import counted, significant

RUN_IN_MONTHS: Final = (0, 1, 3)
MOST_LEFT_OUT: Final = 30
SHOWN_OF_MANY: Final = 12


@dataclass(frozen=True, eq=False)
class Change:
    """The comparison as it might have been.

    Parameters
    ----------
    family, assumption, clause
        As in :class:`Row`.
    pair
        The comparison.
    remark
        As in :class:`Row`.
    """

    family: Family
    assumption: str
    clause: str
    pair: Comparison
    remark: str = ""


def rows_of(change: Change, model: Model, refits: Refits) -> list[Row]:
    """Return what every estimator says to changed data."""
    rates = classical_rates(change.pair, refits.level)
    found = (*rates.estimates, *rates.refusals, _hierarchical(change, model, refits))
    rows = (Row.of(change.family, change.assumption, change.clause, one) for one in found)
    return [replace(row, remark=change.remark) for row in rows]


def _hierarchical(change: Change, model: Model, refits: Refits) -> RateRatio | Refusal:
    try:
        return hierarchical_answer(refits, replace(model, pair=change.pair))
    except CohortError as refused:  # entry by a relapse on the reference, and now a patient without one
        return Refusal(METHOD, refused.problems[0].rule)


def rounding(pair: Comparison) -> list[Change | Row]:
    """Return the two corners of follow-up times that were rounded to whole units: the ratio is monotone in every time."""
    history, reference, comparator = pair.history, pair.reference, pair.comparator
    if history is None:
        return [
            _impossible(
                "rounding", "follow-up times +/- half a unit", "the unit of the follow-up times is not known"
            )
        ]
    unit = history.unit_name.removesuffix("s")
    label = f"half a {unit}"
    if not history.are_whole_units():
        reason = f"not every follow-up time is a whole number of {unit}s: they do not look rounded"
        return [_impossible("rounding", f"follow-up times +/- {label}", reason)]
    half = history.half_units() * np.array([1.0, -1.0])
    return [
        Change(
            "rounding",
            f"{longer} +1/2, {shorter} -1/2 {unit}",
            f"If every {longer} period was really {label} longer and every {shorter} period {label} shorter",
            pair.changed(years=pair.years + sign * half),
        )
        for longer, shorter, sign in ((reference, comparator, 1), (comparator, reference, -1))
    ]


def run_in(pair: Comparison) -> list[Change | Row]:
    """Return the comparison without the first months of every period, relapses and time."""
    relapses = sum(pair.totals)
    known = 0 if pair.history is None else pair.history.known_times
    if pair.history is None or known < relapses:
        return [
            _impossible(
                "run_in",
                "first months left out",
                f"times known for {known} of {counted(relapses, 'relapse')}",
            )
        ]
    return [_after_run_in(pair, pair.history.after_run_in(months / 12), months) for months in RUN_IN_MONTHS]


def _after_run_in(pair: Comparison, left: tuple[np.ndarray, np.ndarray], months: int) -> Change | Row:
    relapses, years = left
    kept = np.all(years > 0, axis=1)
    gone = [patient for patient, is_kept in zip(pair.patients, kept, strict=True) if not is_kept]
    first = "first month" if months == 1 else f"first {months} months"
    label = f"{first} left out" if months else "none left out"
    clause = f"Without the {first} of every period" if months else "With no run-in"
    if gone:
        label = f"{label}; patient {', '.join(gone)} leaves"
        clause = f"{clause}, which consume a period of patient {', '.join(gone)}"
    if not kept.any():
        return _impossible("run_in", label, "no patient has both periods left")
    return Change(
        "run_in", label, clause, pair.only(kept).changed(relapses=relapses[kept], years=years[kept])
    )


def merging(pair: Comparison) -> list[Change | Row]:
    """Return the comparison with no onsets merged, where a merge crossed a switch and so took a relapse off the later treatment."""
    if pair.unmerged is None:
        return []
    clause = "If every onset is a relapse of its own, also those soon after another one"
    return [Change("merging", "no onsets merged", clause, pair.unmerged)]


def leave_one_out(pair: Comparison) -> list[Change | Row]:
    """Return the comparison without each patient; of many patients, without those who move the ratio most."""
    patients = len(pair.patients)
    if patients == 1:
        return [_impossible("leave_one_out", "without a patient", "one patient only: nobody would be left")]
    places, several = np.arange(patients), list[Row]()
    if patients > MOST_LEFT_OUT:
        places = _most_influential(pair)
        reason = f"of {patients} patients only the {SHOWN_OF_MANY} are left out who move the exact ratio within patients most"
        several = [_impossible("leave_one_out", "without each other patient", reason)]
    return [*(_without(pair, int(place)) for place in places), *several]


def trigger(pair: Comparison) -> list[Change | Row]:
    """Return the comparison without the relapse that may have led to the switch."""
    unknown: tuple[bool | None, ...] = (None,) * len(pair.patients)
    answers = unknown if pair.history is None else pair.history.reference_ended_by_relapse()
    loses = np.array([answer is not False for answer in answers]) & (pair.relapses[:, 0] > 0)
    count, reference = int(loses.sum()), pair.reference
    label, clause = (
        f"one relapse on {reference} removed",
        f"If one relapse on {reference} per patient led to the switch and is left out",
    )
    if not pair.totals[0]:
        return [
            _impossible("trigger", label, f"no patient had a relapse on {reference} that could be left out")
        ]
    if not loses.any():
        return [_impossible("trigger", label, f"no period on {reference} was ended by a relapse")]
    if count < len(answers):
        label, clause = (
            f"{label} in {count} of {counted(len(answers), 'patient')}",
            f"If a relapse on {reference} led to the switch of {count} of {counted(len(answers), 'patient')} and is left out",
        )
    changed = pair.changed(relapses=pair.relapses - np.outer(loses, [1, 0]))
    return [Change("trigger", label, clause, changed, _left_without_effect(pair))]


def _left_without_effect(pair: Comparison) -> str:
    """Return what leaving out a relapse does in large series with no effect: too much, or not enough."""
    rates = varying(headline_population(pair), observed_overdispersion(pair))
    found = {
        words: without_one_relapse(pair.years, rates, rule)
        for words, rule in (
            ("a single relapse leads to each switch", RULES["triggered_1"]),
            ("two relapses within 12 months do", RULES["look_back"]),
        )
        if misfits(pair, rule) < len(pair.patients)
    }
    parts = [f"{significant(ratio, 2)} where {words}" for words, ratio in found.items() if ratio is not None]
    return f"with no effect a large series like this one would show {' and '.join(parts)}" if parts else ""


CHANGES: Final[tuple[Callable[[Comparison], Sequence[Change | Row]], ...]] = (
    trigger,
    rounding,
    run_in,
    merging,
    leave_one_out,
)


def _impossible(family: Family, assumption: str, reason: str) -> Row:
    return Row(family, assumption, "", reason=reason)


def _without(pair: Comparison, place: int) -> Change:
    name = pair.patients[place]
    kept = np.arange(len(pair.patients)) != place
    return Change("leave_one_out", f"without patient {name}", f"Without patient {name}", pair.only(kept))


def _most_influential(pair: Comparison) -> np.ndarray:
    """Return the places of the patients who move the conditional ratio most, in the order of the table.

    That is those with the largest residuals: without a patient the log ratio moves by residual / information, to first order.
    """
    totals = pair.relapses.sum(axis=1)
    residuals = totals.astype(np.float64)  # without a maximum of the likelihood, those with most relapses
    if 0 < pair.totals[1] < totals.sum():
        logits = log_ratio_mle(patient_strata(pair), pair.totals[1]) + log_time_ratios(pair)
        residuals = np.abs(pair.relapses[:, 1] - totals * expit(logits))
    return np.sort(np.argsort(-residuals, kind="stable")[:SHOWN_OF_MANY])
