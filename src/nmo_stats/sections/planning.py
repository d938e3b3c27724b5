"""How every interval behaves in series like the user's, and how many patients are needed."""

from __future__ import annotations

import math

from nmo_stats.names import HIERARCHICAL, METHODS
from nmo_stats.operating import Characteristics, Measures
from nmo_stats.operating.planning import Plan
from nmo_stats.sections.blocks import Block, Bullets, Prose, Table
from nmo_stats.sensitivity.words import share_text
from nmo_stats.wording import counted, percent, plain, significant, whole_percent

_COLUMNS = (
    "Method",
    "Coverage",
    "Excludes 1",
    "Median estimate / truth",
    "Median high / low",
    "Not estimable",
)


def characteristics_blocks(characteristics: Characteristics) -> list[Block]:
    """Return how every estimator behaves in the simulated series.

    Parameters
    ----------
    characteristics
        Of all estimators in one design.

    Returns
    -------
    list of Block
        The design, a table with one row for each method, and what the hierarchical interval shows.
    """
    design = characteristics.design
    lead = (
        f"{counted(design.patients, 'patient')}, {significant(design.reference_arr)} relapses a year on the "
        f"reference, true ratio {significant(design.rate_ratio)}, rule {design.rule}: "
        f"{characteristics.replicates:,} simulated series"
    )
    notes = (
        "±: one Monte Carlo standard error. Coverage and exclusion of 1 are among the series in which a "
        "method gives an interval.",
        "Wilcoxon and t test give no interval: the column Excludes 1 gives the proportion with "
        f"p ≤ {plain(1 - characteristics.level)}.",
    )
    rows = tuple(_row(measures) for measures in characteristics.measures)
    blocks: list[Block] = [Prose(lead), Table("Operating characteristics", _COLUMNS, rows, notes=notes)]
    hierarchical = characteristics.find(HIERARCHICAL)
    if hierarchical is not None and hierarchical.rejects_1 is not None:
        blocks.append(Prose(_expectation(characteristics, hierarchical)))
    return blocks


def plan_blocks(plan: Plan | None) -> list[Block]:
    """Return how many patients are needed; nothing where that was not planned.

    Parameters
    ----------
    plan
        Power by number of patients.

    Returns
    -------
    list of Block
        One sentence for each method.
    """
    if plan is None:
        return []
    return [Bullets(tuple(f"{METHODS[method].name}: {_needed(plan, method)}" for method in plan.methods))]


def _needed(plan: Plan, method: str) -> str:
    null = plan.no_effect[method]
    by_chance = f"with no effect {_with_error(null.rejects_1, null.rejects_1_se)} of them exclude 1"
    if plan.misleads(method):
        return f"no number of patients: {by_chance}, instead of {percent(1 - plan.level)}"
    needed, most = plan.enough(method), max(plan.tried)
    answer = f"more than {most} patients" if needed is None else f"about {counted(needed, 'patient')}"
    low, high = plan.interval(method)
    limits = "the same" if low is None else f"{low} to {f'more than {most}' if high is None else high}"
    return (
        f"{answer} (95 % Monte Carlo interval: {limits}), followed as long, for {percent(plan.power)} of the "
        f"intervals to exclude 1 on the side of the true ratio ({plan.replicates} series of each size; "
        f"{by_chance})"
    )


def _expectation(characteristics: Characteristics, hierarchical: Measures) -> str:
    ratio = characteristics.design.rate_ratio
    apart = _factor(hierarchical.log_width)
    width = f"The limits of the hierarchical interval are typically {apart}-fold apart"
    excluded = _with_error(hierarchical.rejects_1, hierarchical.rejects_1_se)
    if ratio == 1:
        nominal = percent(1 - characteristics.level)
        return f"{width}; with no effect it excludes 1 in {excluded} of the series (nominal {nominal})."
    detected = _with_error(hierarchical.detects, hierarchical.detects_se)
    side = "below" if ratio < 1 else "above"
    return (
        f"{width}; it excludes 1 in {excluded} of the series, and lies {side} 1, on the side of the true "
        f"ratio, in {detected}."
    )


def _row(measures: Measures) -> tuple[str, ...]:
    series = measures.replicates * (1 - measures.not_identified)
    return (
        METHODS[measures.method].name,
        _proportion(measures.coverage, measures.coverage_se, series),
        _proportion(measures.rejects_1, measures.rejects_1_se, series),
        _factor(measures.bias),
        _factor(measures.log_width),
        _not_estimable(measures),
    )


def _proportion(proportion: float | None, error: float | None, series: float) -> str:
    """Return a proportion with its standard error; a limit where so few series cannot tell it from 0 or 1."""
    if proportion is None or error is None:
        return "no interval"
    if min(proportion, 1 - proportion) < max(0.001, 3 / series):
        return share_text(proportion, series)
    return f"{100 * proportion:.1f} ± {100 * error:.1f} %"


def _with_error(proportion: float | None, error: float | None) -> str:
    if proportion is None or error is None:
        return "an unknown proportion (no series gives an interval)"
    text = f"{100 * proportion:.1f}"
    if text in ("0.0", "100.0"):
        text = whole_percent(proportion)
    return f"{text} ± {max(100 * error, 0.1):.1f} %"


def _not_estimable(measures: Measures) -> str:
    """Return the proportion of series in which the method gives nothing; none or all of them as a count."""
    if measures.not_identified in (0, 1):
        return f"{round(measures.not_identified * measures.replicates):,} of {measures.replicates:,}"
    return f"{plain(100 * measures.not_identified, 0.0, 100.0, digits=3)} %"


def _factor(log_value: float | None, digits: int = 3) -> str:
    if log_value is None:
        return "none"
    return significant(math.inf if log_value > 700 else math.exp(log_value), digits)
