"""Sections on the hierarchical model: posterior with prior, predictions, diagnostics."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from nmo_stats.analysis import Analysis
from nmo_stats.hierarchical import HierarchicalFit
from nmo_stats.hierarchical.checks import Check, check_text
from nmo_stats.names import PARAMETER_NAMES, SAMPLED
from nmo_stats.sections.blocks import Block, Failure, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, draw_panels, first_of
from nmo_stats.wording import (
    counted,
    joined,
    percent,
    probability_text,
    records,
    rounded_percent,
    significant,
)

_LOG_PARAMETERS = ("log_rate", "log_rate_ratio")


def posterior(analysis: Analysis) -> Section | None:
    """Return posterior and prior of the parameters, and predictions; None where the fit is withheld."""
    if analysis.headline is None:
        return None
    contraction = analysis.fit.contraction()
    weak = [PARAMETER_NAMES[name] for name, value in contraction.items() if value < 0.5]
    if not analysis.headline.informative:
        lead = "Without a relapse the posterior of the ratio is its prior, reshaped only by the lengths of follow-up."
    elif weak:
        listed = joined([weak[0], *(f"the {name}" for name in weak[1:])])
        whose = (
            "its posterior is mostly its prior"
            if len(weak) == 1
            else "their posteriors are mostly their priors"
        )
        lead = f"The data say little about the {listed}: {whose}."
    else:
        lead = "The data narrowed every parameter to less than half of its prior variance."
    blocks: tuple[Block, ...] = (_prior_posterior(analysis),)
    if analysis.headline.informative:
        blocks = (
            *blocks,
            _parameter_table(analysis),
            Fold("Predictions for one year ahead", (_prediction_table(analysis),)),
        )
    return Section("posterior", "Posterior and prior", lead, blocks)


def diagnostics(analysis: Analysis) -> Section:
    """Return the checks that decide and the checks that inform."""
    failed = analysis.failed_checks
    computation = [found for found in analysis.checks if found.role == "computation"]
    information = [found for found in analysis.checks if found.role == "information"]
    noted = sum(not found.passed for found in information)
    if failed and analysis.headline is None:
        lead = (
            f"{len(failed)} of {len(computation)} checks of the computation failed: its result is withheld."
        )
    elif failed:
        lead = (
            f"{len(failed)} of {len(computation)} checks of the computation failed, all of them of the sampler: "
            "its result is withheld; that of the quadrature passed its own checks."
        )
    else:
        lead = f"All {len(computation)} checks of the computation passed; of {counted(len(information), 'check')} of the model {noted} did not keep {'its' if noted == 1 else 'their'} limit."
    blocks: tuple[Block, ...] = tuple(
        Failure(f"{found.name}: {check_text(found)}, limit {found.limit:g}. {found.advice}.")
        for found in failed
    )
    blocks = (*blocks, *_unsampled(analysis))
    blocks = (*blocks, _check_table("Checks that decide whether the result is printed", computation))
    if information:
        blocks = (
            *blocks,
            _predictive(analysis),
            _check_table("Checks that say what the result rests on", information),
        )
    sampled = _sampled(analysis)
    if sampled is not None:
        blocks = (*blocks, Fold("Mixing of the chains", (_ranks(sampled),)))
    return Section("diagnostics", "Diagnostics", lead, blocks)


def _sampled(analysis: Analysis) -> HierarchicalFit | None:
    """Return the fit that was sampled in chains, if there is one."""
    return analysis.fit if analysis.fit.method == SAMPLED else analysis.sampled


def _unsampled(analysis: Analysis) -> tuple[Prose, ...]:
    """Return why the check by NUTS that was asked for is missing, if it is."""
    return tuple(
        Prose(f"The check against NUTS was not made: {refusal.reason}.")
        for refusal in analysis.rates.refusals
        if refusal.method == SAMPLED and not refusal.failed
    )


def _prior_posterior(analysis: Analysis) -> Picture:
    from nmo_stats.figures import prior_posterior

    fit = analysis.fit
    rows = []
    for row in records(fit.parameters(analysis.settings.level)):
        median, low, high = _on_scale(row)
        rows.append(
            f"{PARAMETER_NAMES[row['parameter']]} {significant(median)} ({significant(low)} to {significant(high)}), prior {row['prior']}"
        )
    return draw_panels(
        "prior_posterior",
        [partial(prior_posterior, fit, name) for name in fit.model.parameters],
        1.7,
        caption="Posterior (blue) and prior (dashed) of each parameter. Rate and ratio stand on log axes, their densities on the log scale.",
        alt=f"Posterior beside prior of each parameter: {'; '.join(rows)}.",
    )


def _parameter_table(analysis: Analysis) -> Table:
    rows = []
    for row in records(analysis.fit.parameters(analysis.settings.level)):
        median, low, high = _on_scale(row)
        scale = " of its log" if row["parameter"] in _LOG_PARAMETERS else ""
        cells = (
            significant(median),
            f"{significant(low)} to {significant(high)}",
            rounded_percent(row["contraction"]),
        )
        rows.append((PARAMETER_NAMES[row["parameter"]].capitalize(), f"{row['prior']}{scale}", *cells))
    columns = (
        "Parameter",
        "Prior",
        "Median",
        f"{percent(analysis.settings.level)} interval",
        "Variance removed by the data",
    )
    return Table("Parameters of the hierarchical model", columns, tuple(rows), words=(1,))


def _prediction_table(analysis: Analysis) -> Table:
    rows = []
    for row in records(analysis.model_frames["predictions"]):
        target = {"typical": "Typical patient", "new_patient": "A new patient"}.get(
            row["target"], f"Patient {row['patient']}"
        )
        rate, free = (
            f"{text(row[name])} ({text(row[f'{name}_low'])} to {text(row[f'{name}_high'])})"
            for name, text in (("rate", significant), ("relapse_free", probability_text))
        )
        counts = f"{row['relapses']:.0f} ({row['relapses_low']:.0f} to {row['relapses_high']:.0f})"
        rows.append((target, row["treatment"], rate, counts, free))
    columns = ("Target", "Treatment", "Rate per year", "Relapses in the year", "Probability of none")
    note = f"Medians with {percent(analysis.settings.level)} intervals. They continue the observed periods; they do not know what would have happened without a switch."
    return Table(
        "Predictions for one year on each treatment", columns, tuple(rows), words=(1,), notes=(note,)
    )


def _check_table(caption: str, checks: list[Check]) -> Table:
    rows = tuple(
        (
            f"{found.name[:1].upper()}{found.name[1:]}",
            check_text(found),
            f"{found.limit:g}",
            "yes" if found.passed else "no",
            found.advice or "within its limit",
        )
        for found in checks
    )
    return Table(caption, ("Check", "Value", "Limit", "Kept", "Meaning"), rows, words=(4,))


def _predictive(analysis: Analysis) -> Picture:
    from nmo_stats.figures import predictive
    from nmo_stats.figures.patients import MOST_PATIENTS

    shown = min(len(analysis.pair.patients), MOST_PATIENTS)
    return draw(
        "predictive",
        partial(predictive, analysis.fit),
        0.8 + 0.42 * min(shown, 24),
        caption="Observed relapses (dots) on the 95 % range of counts that the fitted model produces for the same patient and time (bars)."
        + first_of(len(analysis.pair.patients), MOST_PATIENTS),
        alt="Observed relapses of each patient and period on the range that the fitted model produces.",
    )


def _ranks(fit: HierarchicalFit) -> Picture:
    from nmo_stats.figures import ranks

    return draw_panels(
        "ranks",
        [partial(ranks, fit, name) for name in fit.model.parameters],
        1.5,
        caption="Share of each chain's draws by rank among all draws; level lines around 1 mean that the chains agree.",
        alt="Rank plots of the four chains for each parameter.",
    )


def _on_scale(row: dict[str, Any]) -> tuple[float, float, float]:
    values = row["median"], row["low"], row["high"]
    if row["parameter"] in _LOG_PARAMETERS:
        return math.exp(values[0]), math.exp(values[1]), math.exp(values[2])
    return values
