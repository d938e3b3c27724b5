"""Other assumptions on the model and on the data, a rule for each family, and what every method answers.

An assumption on the model gives another model, which the hierarchical method answers; one on the data gives
another comparison, which every method answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import CohortError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.classical import Refusal, answer, classical_rates
from nmo_stats.estimators.within_patient import (
    dispersion,
    log_ratio_mle,
    log_time_ratios,
    patient_strata,
)
from nmo_stats.hierarchical import HalfNormal, Model, Refits, ratio_prior_grid
from nmo_stats.names import HIERARCHICAL
from nmo_stats.sensitivity.large_series import without_one_relapse
from nmo_stats.sensitivity.no_effect import headline_population
from nmo_stats.sensitivity.overdispersion import observed_overdispersion, varying
from nmo_stats.sensitivity.row import Answer, Assumption
from nmo_stats.sensitivity.rules import RULES, misfits
from nmo_stats.wording import counted, significant

HETEROGENEITY_SCALES: Final = (0.25, 0.5, 1.0)
OVERDISPERSION_SCALES: Final = (0.3, 1.0)
RUN_IN_MONTHS: Final = (0, 1, 3)
MOST_LEFT_OUT: Final = 30
SHOWN_OF_MANY: Final = 12
_MOST_OVERDISPERSED: Final = 60, 600  # patients, relapses: a second
_MOST_WHERE_OVERDISPERSED: Final = 60, 3000  # a minute, which an excess in the counts is worth


class Change(NamedTuple):
    """One assumption of a family, and the model or the data under it, or why there are none.

    Parameters
    ----------
    code, name, remark
        As in :class:`~nmo_stats.sensitivity.row.Assumption`.
    to
        The model or the comparison under the assumption, or the refusal.
    """

    code: str
    name: str
    to: Model | Comparison | Refusal
    remark: str = ""


def answers(family: str, changes: Iterable[Change], model: Model, refits: Refits) -> list[Answer]:
    """Return what the methods say under each assumption of a family."""
    rows = []
    for code, name, to, remark in changes:
        assumption = Assumption(family, code, name, remark=remark)
        rows += [Answer.of(assumption, result) for result in _results(to, model, refits)]
    return rows


def _results(to: Model | Comparison | Refusal, model: Model, refits: Refits) -> list[RateRatio | Refusal]:
    if isinstance(to, Refusal):
        return [to]
    if isinstance(to, Model):
        return [answer(HIERARCHICAL, lambda: refits.rate_ratio(to))]
    rates = classical_rates(to, refits.level)
    try:
        changed = replace(model, pair=to)
    except CohortError as refused:  # entry by a relapse on the reference, and now a patient without one
        return [*rates.estimates, *rates.refusals, Refusal(HIERARCHICAL, refused.problems[0].rule)]
    hierarchical = answer(HIERARCHICAL, lambda: refits.rate_ratio(changed))
    return [*rates.estimates, *rates.refusals, hierarchical]


def _impossible(name: str, reason: str) -> Change:
    """Return an assumption under which no method can be asked."""
    return Change("", name, Refusal("", reason))


def prior(model: Model) -> Iterator[Change]:
    """Return priors of the log ratio from sceptical to wide, the other priors as chosen."""
    for name, priors in ratio_prior_grid(model.priors).items():
        yield Change(name, f"{name} {priors.log_rate_ratio}", replace(model, priors=priors))


def heterogeneity(model: Model) -> Iterator[Change]:
    """Return priors under which ratios differ less or more between patients."""
    for scale in sorted({*HETEROGENEITY_SCALES, model.priors.sd_rate_ratio.sd}):
        priors = replace(model.priors, sd_rate_ratio=HalfNormal(scale))
        yield Change(f"{scale:g}", f"scale {scale:g}", replace(model, priors=priors))


def likelihood(model: Model) -> Iterator[Change]:
    """Return Poisson counts, and counts that vary more."""
    yield Change("poisson", "Poisson", replace(model, likelihood="poisson"))
    for scale in sorted({*OVERDISPERSION_SCALES, model.priors.overdispersion.sd}):
        reason = _too_long(model, scale)
        priors = replace(model.priors, overdispersion=HalfNormal(scale))
        changed = replace(model, likelihood="negative_binomial", priors=priors)
        yield Change(
            "negative_binomial",
            f"negative binomial, HalfNormal({scale:g})",
            Refusal(HIERARCHICAL, reason) if reason else changed,
        )


def _too_long(model: Model, scale: float) -> str:
    """Return why the fit is left out; where the counts show an excess, one with the chosen prior is not."""
    if model.likelihood != "poisson":
        return ""
    patients, relapses = len(model.pair.patients), sum(model.pair.totals)
    is_own = scale == model.priors.overdispersion.sd
    is_worth = is_own and dispersion(model.pair).verdict == "overdispersed"
    most_patients, most_relapses = _MOST_WHERE_OVERDISPERSED if is_worth else _MOST_OVERDISPERSED
    if patients <= most_patients and relapses <= most_relapses:
        return ""
    return (
        f"{patients} patients with {relapses:,} relapses: this fit takes long and is omitted above "
        f"{most_patients} patients or {most_relapses:,} relapses; ask for it with likelihood = "
        "'negative_binomial'"
    )


def entry(model: Model) -> Iterator[Change]:
    """Return entry by a relapse on the reference; no condition, where that is the model's own."""
    reference = model.pair.reference
    if model.entry is not None:
        yield Change("no_condition", "no condition", replace(model, entry=None))
        return
    without = int((model.pair.relapses[:, 0] == 0).sum())
    reason = f"{without} of {counted(len(model.pair.patients), 'patient')} had no relapse on {reference}"
    yield Change(
        "relapse_on_reference",
        f"by a relapse on {reference}",
        Refusal(HIERARCHICAL, reason) if without else replace(model, entry="relapse_on_reference"),
    )


def trigger(model: Model) -> Iterator[Change]:
    """Return the comparison without the relapse that may have led to the switch."""
    pair, patients = model.pair, len(model.pair.patients)
    ended = [None] * patients if pair.history is None else pair.history.reference_ended_by_relapse()
    loses = np.array([answer is not False for answer in ended]) & (pair.relapses[:, 0] > 0)
    count, reference = int(loses.sum()), pair.reference
    name = f"one relapse on {reference} removed"
    if not pair.totals[0]:
        yield _impossible(name, f"no patient had a relapse on {reference} that could be removed")
        return
    if not count:
        yield _impossible(name, f"no period on {reference} was ended by a relapse")
        return
    if patients > 1:
        name = f"{name} in {'every patient' if count == patients else f'{count} of {patients} patients'}"
    changed = pair.changed(relapses=pair.relapses - np.outer(loses, [1, 0]))
    yield Change("one_relapse_removed", name, changed, _left_without_effect(pair))


def _left_without_effect(pair: Comparison) -> str:
    """Return what leaving out a relapse does in large series with no effect: too much, or not enough."""
    rates = varying(headline_population(pair), observed_overdispersion(pair))
    parts = []
    for code, condition in (
        ("triggered_1", "a single relapse leads to each switch"),
        ("look_back", "two relapses within 12 months do"),
    ):
        if misfits(pair, RULES[code]) == len(pair.patients):
            continue
        ratio = without_one_relapse(pair.years, rates, RULES[code])
        if ratio is not None:
            parts.append(f"{significant(ratio, 2)} where {condition}")
    if not parts:
        return ""
    return f"with no effect the same removal in a large series like this one gives {' and '.join(parts)}"


def rounding(model: Model) -> Iterator[Change]:
    """Return both corners of follow-up times rounded to whole units: the ratio is monotone in each time."""
    pair, history = model.pair, model.pair.history
    if history is None:
        yield _impossible("follow-up times +/- half a unit", "the unit of the follow-up times is not known")
        return
    unit = history.unit_name
    if not history.are_whole_units():
        reason = f"not every follow-up time is a whole number of {unit}s: they do not look rounded"
        yield _impossible(f"follow-up times +/- half a {unit}", reason)
        return
    half = history.half_units() * np.array([1.0, -1.0])
    for code, longer, shorter, sign in (
        ("reference_longer", pair.reference, pair.comparator, 1),
        ("comparator_longer", pair.comparator, pair.reference, -1),
    ):
        yield Change(
            code,
            f"{longer} +1/2, {shorter} -1/2 {unit}",
            pair.changed(years=pair.years + sign * half),
        )


def run_in(model: Model) -> Iterator[Change]:
    """Return the comparison without the first months of every period, relapses and time."""
    pair, relapses = model.pair, sum(model.pair.totals)
    known = 0 if pair.history is None else pair.history.known_times
    if pair.history is None or known < relapses:
        reason = f"times known for {known} of {counted(relapses, 'relapse')}"
        yield _impossible("first months excluded", reason)
        return
    for months in RUN_IN_MONTHS:
        yield _after_run_in(pair, pair.history.after_run_in(months / 12), months)


def _after_run_in(pair: Comparison, left: tuple[Counts, Floats], months: int) -> Change:
    relapses, years = left
    kept = np.all(years > 0, axis=1)
    gone = ", ".join(patient for patient, is_kept in zip(pair.patients, kept, strict=True) if not is_kept)
    first = "first month" if months == 1 else f"first {months} months"
    name = f"{first} excluded" if months else "no months excluded"
    if gone:
        name = f"{name}; without patient {gone}"
    if not kept.any():
        return _impossible(name, "no patient has both periods left")
    changed = pair.only(kept).changed(relapses=relapses[kept], years=years[kept])
    return Change(str(months), name, changed)


def merging(model: Model) -> Iterator[Change]:
    """Return the comparison with no onsets merged, where a merge took a relapse off the later treatment."""
    if model.pair.unmerged is not None:
        yield Change("unmerged", "no onsets merged", model.pair.unmerged)


def leave_one_out(model: Model) -> Iterator[Change]:
    """Return the comparison without each patient; of many, without those who move the ratio most."""
    pair, patients = model.pair, len(model.pair.patients)
    if patients == 1:
        yield _impossible("without a patient", "one patient only: nobody would be left")
        return
    indices = np.arange(patients)
    for index in indices if patients <= MOST_LEFT_OUT else _most_influential(pair):
        name = pair.patients[index]
        yield Change(name, f"without patient {name}", pair.only(indices != index))
    if patients > MOST_LEFT_OUT:
        reason = (
            f"of {patients} patients only the {SHOWN_OF_MANY} are left out who move the exact ratio within "
            "patients most"
        )
        yield _impossible("without each other patient", reason)


def _most_influential(pair: Comparison) -> Counts:
    """Return the indices of the patients who move the conditional ratio most, in the order of the table.

    They have the largest residuals: without a patient the log ratio moves by residual / information, to first
    order.
    """
    totals = pair.relapses.sum(axis=1)
    residuals = totals.astype(np.float64)  # without a maximum of the likelihood, those with most relapses
    if 0 < pair.totals[1] < totals.sum():
        logits = log_ratio_mle(patient_strata(pair), pair.totals[1]) + log_time_ratios(pair)
        residuals = np.abs(pair.relapses[:, 1] - totals * expit(logits))
    return np.sort(np.argsort(-residuals, kind="stable")[:SHOWN_OF_MANY])


MODEL_RULES: Final = {
    "prior": prior,
    "heterogeneity": heterogeneity,
    "likelihood": likelihood,
    "entry": entry,
}
DATA_RULES: Final = {
    "trigger": trigger,
    "rounding": rounding,
    "run_in": run_in,
    "merging": merging,
    "leave_one_out": leave_one_out,
}
