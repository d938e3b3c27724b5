"""The hierarchical ratio under other priors, another distribution of the counts, and another way into the series."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nmo_stats.errors import CohortError, ConvergenceError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import Refusal
from nmo_stats.estimators.within_patient import dispersion
from nmo_stats.hierarchical import HalfNormal, Model, Refits, ratio_prior_grid
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.row import Row
from nmo_stats.wording import counted

HETEROGENEITY_SCALES: Final = (0.25, 0.5, 1.0)
OVERDISPERSION_SCALES: Final = (0.3, 1.0)
_MOST_OVERDISPERSED: Final = 60, 600  # patients, relapses: a second
_MOST_WHERE_FOUND: Final = 60, 3000  # a minute, which an excess in the counts is worth


def hierarchical_answer(refits: Refits, model: Model) -> RateRatio | Refusal:
    """Return the typical patient's ratio, or why it is withheld."""
    try:
        return refits.rate_ratio(model)
    except ConvergenceError as refused:
        return Refusal(METHOD, "failed diagnostic: " + "; ".join(refused.failures), failed=True)


def prior_rows(model: Model, refits: Refits) -> list[Row]:
    """Return the ratio under priors of the log ratio from sceptical to wide, the other priors as chosen."""
    return [
        Row.of(
            "prior",
            f"{name} {priors.log_rate_ratio}",
            f"With the {'prior' if name == 'as chosen' else f'{name} prior'} {priors.log_rate_ratio} of the log ratio",
            hierarchical_answer(refits, replace(model, priors=priors)),
        )
        for name, priors in ratio_prior_grid(model.priors).items()
    ]


def heterogeneity_rows(model: Model, refits: Refits) -> list[Row]:
    """Return the ratio where ratios differ less or more between patients than assumed."""
    scales = sorted({*HETEROGENEITY_SCALES, model.priors.sd_rate_ratio.sd})
    return [
        Row.of(
            "heterogeneity",
            f"scale {scale:g}",
            f"If the ratio's spread between patients has the prior HalfNormal({scale:g})",
            hierarchical_answer(
                refits, replace(model, priors=replace(model.priors, sd_rate_ratio=HalfNormal(scale)))
            ),
        )
        for scale in scales
    ]


def likelihood_rows(model: Model, refits: Refits) -> list[Row]:
    """Return the ratio with Poisson counts, and with counts that vary more than that."""
    poisson = hierarchical_answer(refits, replace(model, likelihood="poisson"))
    rows = [
        Row.of("likelihood", "Poisson", "If a patient's counts vary as Poisson counts do", poisson),
    ]
    for scale in sorted({*OVERDISPERSION_SCALES, model.priors.overdispersion.sd}):
        assumption = f"negative binomial, HalfNormal({scale:g})"
        clause = f"If a patient's counts vary more than Poisson counts (overdispersion with prior HalfNormal({scale:g}))"
        rows.append(Row.of("likelihood", assumption, clause, _overdispersed(model, scale, refits)))
    return rows


def _overdispersed(model: Model, scale: float, refits: Refits) -> RateRatio | Refusal:
    reason = "" if model.likelihood != "poisson" else _too_long(model, scale)
    if reason:
        return Refusal(METHOD, reason)
    priors = replace(model.priors, overdispersion=HalfNormal(scale))
    return hierarchical_answer(refits, replace(model, likelihood="negative_binomial", priors=priors))


def _too_long(model: Model, scale: float) -> str:
    """Return why the fit is left out; where the counts show an excess, one with the chosen prior is not."""
    patients, relapses = len(model.pair.patients), sum(model.pair.totals)
    is_own = scale == model.priors.overdispersion.sd
    is_found = is_own and dispersion(model.pair).verdict == "overdispersed"
    most_patients, most_relapses = _MOST_WHERE_FOUND if is_found else _MOST_OVERDISPERSED
    if patients <= most_patients and relapses <= most_relapses:
        return ""
    return (
        f"{patients} patients with {relapses:,} relapses: this fit takes long and is left out of the table "
        f"above {most_patients} patients or "
        f"{most_relapses:,} relapses; ask for it with likelihood = 'negative_binomial'"
    )


def entry_rows(model: Model, refits: Refits) -> list[Row]:
    """Return the ratio if every patient is in the series because of a relapse on the reference, or if that is not so."""
    reference = model.pair.reference
    if model.entry is not None:
        assumption, clause = (
            "no condition",
            f"If a relapse on {reference} was no condition for being in the series",
        )
        return [Row.of("entry", assumption, clause, hierarchical_answer(refits, replace(model, entry=None)))]
    assumption = f"by a relapse on {reference}"
    clause = f"If patients are in the series because they relapsed on {reference}"
    try:
        conditioned = replace(model, entry="relapse_on_reference")
    except CohortError:
        without = int((model.pair.relapses[:, 0] == 0).sum())
        reason = f"{without} of {counted(len(model.pair.patients), 'patient')} had no relapse on {reference}, so that no relapse let them in"
        return [Row("entry", assumption, clause, METHOD, reason=reason)]
    return [Row.of("entry", assumption, clause, hierarchical_answer(refits, conditioned))]
