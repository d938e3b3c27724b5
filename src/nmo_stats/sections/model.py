"""Sections on the hierarchical model: posterior with prior, predictions, diagnostics."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from nmo_stats.analysis import Analysis
from nmo_stats.hierarchical import HierarchicalFit
from nmo_stats.hierarchical.checks import Check, check_text
from nmo_stats.names import PARAMETER_NAMES, SAMPLED
from nmo_stats.sections.blocks import Block, Failure, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, draw_panels, first_of
from nmo_stats.wording import (
    capital,
    counted,
    joined,
    percent,
    probability_text,
    range_text,
    records,
    rounded_percent,
    significant,
)

_LOG_PARAMETERS: Final = ("log_rate", "log_rate_ratio")
_TARGETS: Final = {"typical": "Typical patient", "new_patient": "A new patient"}


def posterior(analysis: Analysis) -> Section | None:
    """Return posterior and prior of the parameters, and predictions; None where the fit is withheld."""
    if analysis.headline is None:
        return None
    blocks: tuple[Block, ...] = (_prior_posterior(analysis),)
    if analysis.headline.informative:
        predictions = Fold("Predictions for one year ahead", (_prediction_table(analysis),))
        blocks = (*blocks, _parameter_table(analysis), predictions)
        lead = _informed(analysis.fit.contraction())
    else:
        lead = "Without a relapse the posterior of the ratio is its prior, changed only by the follow-up."
    return Section("posterior", "Posterior and prior", lead, blocks)


def _informed(contraction: dict[str, float]) -> str:
    """Return which parameters are prior-dominated."""
    weak = [PARAMETER_NAMES[name] for name, value in contraction.items() if value < 0.5]
    if not weak:
        return "The data narrowed every parameter to less than half of its prior variance."
    names = joined([f"the {name}" for name in weak])
    return f"The data say little about {names}: {'it is' if len(weak) == 1 else 'they are'} prior-dominated."


def diagnostics(analysis: Analysis) -> Section:
    """Return the checks that decide and the checks that inform."""
    computation = [check for check in analysis.checks if check.role == "computation"]
    information = [check for check in analysis.checks if check.role == "information"]
    blocks: tuple[Block, ...] = (
        *failure_blocks(analysis),
        _check_table("Checks that decide whether the result is printed", computation),
    )
    if information:
        table = _check_table("Checks of what the result depends on", information)
        blocks = (*blocks, _predictive(analysis), table)
    sampled = analysis.fit if analysis.fit.method == SAMPLED else analysis.sampled
    if sampled is not None:
        blocks = (*blocks, Fold("Mixing of the chains", (_ranks(sampled),)))
    return Section("diagnostics", "Diagnostics", _verdict(analysis, len(computation), information), blocks)


def _verdict(analysis: Analysis, computation: int, information: list[Check]) -> str:
    failed = f"{len(analysis.failed_checks)} of {computation} checks of the computation failed"
    if analysis.failed_checks and analysis.headline is None:
        return f"{failed}: its result is withheld."
    if analysis.failed_checks:
        return f"{failed}, all of them of the sampler: its result is withheld; the quadrature passed its own."
    outside = sum(not check.passed for check in information)
    return (
        f"All {computation} checks of the computation passed; of {counted(len(information), 'check')} of "
        f"the model {outside} {'is' if outside == 1 else 'are'} outside the limit."
    )


def failure_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Return the checks that failed, and why a check by NUTS that was asked for is missing."""
    failures = [
        Failure(f"{check.name}: {check_text(check)}, limit {check.limit:g}. {check.advice}.")
        for check in analysis.failed_checks
    ]
    missing = [
        Prose(f"The check against NUTS was not made: {refusal.reason}.")
        for refusal in analysis.rates.refusals
        if refusal.method == SAMPLED and not refusal.failed
    ]
    return (*failures, *missing)


def _prior_posterior(analysis: Analysis) -> Picture:
    from nmo_stats.figures import prior_posterior

    fit = analysis.fit
    return draw_panels(
        "prior_posterior",
        [partial(prior_posterior, fit, name) for name in fit.model.parameters],
        1.7,
        caption="Posterior (blue) and prior (dashed) of each parameter. Rate, ratio: log axes.",
        alt="Posterior beside prior of each parameter; medians and intervals are in the table below.",
    )


def _parameter_table(analysis: Analysis) -> Table:
    rows = tuple(map(_parameter_row, records(analysis.model_frames["parameters"])))
    level = f"{percent(analysis.settings.level)} interval"
    columns = ("Parameter", "Prior", "Median", level, "Variance removed by the data")
    return Table("Parameters of the hierarchical model", columns, rows, words=(1,))


def _parameter_row(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the numbers of a parameter on the natural scale."""
    is_log = row["parameter"] in _LOG_PARAMETERS
    median, low, high = (math.exp(row[name]) if is_log else row[name] for name in ("median", "low", "high"))
    return (
        capital(PARAMETER_NAMES[row["parameter"]]),
        f"{row['prior']}{' of its log' if is_log else ''}",
        significant(median),
        range_text(low, high),
        rounded_percent(row["contraction"]),
    )


def _prediction_table(analysis: Analysis) -> Table:
    return Table(
        "Predictions for one year on each treatment",
        ("Target", "Treatment", "Rate per year", "Relapses in the year", "Probability of none"),
        tuple(map(_prediction_row, records(analysis.model_frames["predictions"]))),
        words=(1,),
        notes=(
            f"Medians with {percent(analysis.settings.level)} intervals. They continue the observed periods "
            "and do not predict what would have happened without a switch.",
        ),
    )


def _prediction_row(row: dict[str, Any]) -> tuple[str, ...]:
    formats: dict[str, Callable[[float], str]] = {
        "rate": significant,
        "relapses": "{:.0f}".format,
        "relapse_free": probability_text,
    }
    cells = (
        f"{text(row[name])} ({text(row[f'{name}_low'])} to {text(row[f'{name}_high'])})"
        for name, text in formats.items()
    )
    return (_TARGETS.get(row["target"], f"Patient {row['patient']}"), row["treatment"], *cells)


def _check_table(caption: str, checks: list[Check]) -> Table:
    rows = tuple(
        (
            capital(check.name),
            check_text(check),
            f"{check.limit:g}",
            "yes" if check.passed else "no",
            check.advice or "within its limit",
        )
        for check in checks
    )
    return Table(caption, ("Check", "Value", "Limit", "Kept", "Meaning"), rows, words=(4,))


def _predictive(analysis: Analysis) -> Picture:
    from nmo_stats.figures import predictive
    from nmo_stats.figures.patients import MOST_PATIENTS

    patients = len(analysis.pair.patients)
    return draw(
        "predictive",
        partial(predictive, analysis.fit),
        0.8 + 0.42 * min(patients, 24),
        caption="Observed relapses (dots) on the 95 % range of counts that the fitted model predicts for the "
        f"same patient and time (bars).{first_of(patients, MOST_PATIENTS)}",
        alt="Observed relapses of each patient and period on the range that the fitted model predicts.",
    )


def _ranks(fit: HierarchicalFit) -> Picture:
    from nmo_stats.figures import ranks

    return draw_panels(
        "ranks",
        [partial(ranks, fit, name) for name in fit.model.parameters],
        1.5,
        caption="Each chain's draws by rank among all draws (proportion); level lines at 1: they agree.",
        alt="Rank plots of the four chains for each parameter.",
    )
