"""Simulated series with no effect as rows: what every estimator shows in them, and the ratio beyond what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators.table import Refusal
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.background import Background, adjusted_row, simulated_background
from nmo_stats.sensitivity.misfits import misfit_text, misfits
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.no_effect import (
    RULES,
    NoEffect,
    Simulation,
    Spread,
    benchmark,
    populations,
)
from nmo_stats.sensitivity.overdispersion import observed_overdispersion, prior_overdispersion
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.words import rule_words
from nmo_stats.simulate import Rule
from nmo_stats.wording import significant

_KINDS: Final = {"triggered switch": ("triggered_1", "triggered_2"), "look-back": ("look_back",)}


def no_effect_designs(
    model: Model, simulation: Simulation, refits: Refits
) -> tuple[list[NoEffect], list[Row]]:
    """Return what estimators show with no effect, for every rule and population, and rows for those that cannot be simulated.

    The hierarchical model is among the estimators for the headline population, its observed ratio being that of the fit.
    """
    pair = model.pair
    if not sum(pair.totals):
        return [], [Row("benchmark", "any rule", "", reason=NO_INFORMATION)]
    designs, unknown, exact = [], [], hierarchical_answer(refits, model)
    for name, rule in RULES.items():
        if misfits(pair, rule) == len(pair.patients):
            reason = f"{misfit_text(pair, rule)}: such series are not like this one"
            unknown.append(Row("benchmark", f"{name}, any population", "", reason=reason))
            continue
        for asked in _asked(model, name, rule):
            found = _simulated(model, asked, simulation, exact)
            designs += [one for one in found if isinstance(one, NoEffect)]
            unknown += [one for one in found if isinstance(one, Row)]
    return designs, unknown


def _asked(model: Model, name: str, rule: Rule) -> list[NoEffect]:
    """Return the designs of a rule, still without a number: populations, and varying periods beside them."""
    counts = observed_overdispersion(model.pair)
    grid = populations(model.pair)
    designs = [NoEffect(name, rule, one, is_headline, (), counts) for one, is_headline in grid.items()]
    if counts.source != "not assessable":
        return designs
    alternative = prior_overdispersion(model.priors, counts.patients)
    return [*designs, replace(designs[0], is_headline=False, overdispersion=alternative)]


def _simulated(
    model: Model, asked: NoEffect, simulation: Simulation, exact: RateRatio | Refusal
) -> list[NoEffect | Row]:
    """Return the design with what its estimators show, and a row for what could not be computed."""
    label = f"{asked.rule_name}, {design_words(asked)}"
    try:
        spreads, failed = _spreads(model, asked, simulation)
    except ArgumentError as refused:
        return [Row("benchmark", label, "", reason=str(refused))]
    spreads = tuple(_with_fit(spread, exact) for spread in spreads)
    return [replace(asked, spreads=spreads), *(replace(row, assumption=label) for row in failed)]


def benchmark_rows(pair: Comparison, design: NoEffect) -> list[Row]:
    """Return what every estimator shows in the series of a design: median and 95 % range, or that the ratio exists in none."""
    label = f"{design.rule_name}, {design_words(design)}"
    clause = f"With no effect at all, {rule_words(design.rule)} ({design_words(design)})"
    unfit = misfit_text(pair, design.rule)
    clause = f"{clause}, while {unfit}" if unfit else clause
    return [
        Row(
            "benchmark",
            label,
            clause,
            spread.method,
            spread.median,
            spread.low,
            spread.high,
            reason=spread.reasons.get("median", ""),
        )
        for spread in design.spreads
    ]


def adjusted_rows(
    fit: HierarchicalFit, designs: Sequence[NoEffect], given: Background | None, refits: Refits, seed: int
) -> list[Row]:
    """Return the ratio beyond the background that the user gave, and beyond those of the simulated designs."""
    rows = []
    if given is not None:
        words = "given"
        clause = f"Divided by the given background ratio of {significant(given.ratio)}"
        rows.append(adjusted_row(fit, given, words, clause, refits.level))
    for kind, names in _KINDS.items():
        alike = sorted(
            (one for one in designs if one.rule_name in names and not one.overdispersion.is_alternative),
            key=lambda one: (not one.is_headline, names.index(one.rule_name)),
        )
        rows += _simulated_rows(fit, kind, alike, refits, seed)
    return rows


def _simulated_rows(
    fit: HierarchicalFit, kind: str, designs: Sequence[NoEffect], refits: Refits, seed: int
) -> list[Row]:
    words, reason = kind, _no_background(fit.model, kind, designs)
    if reason:
        return [Row("bias_adjustment", words, "", fit.method, reason=reason)]
    background = simulated_background(fit.model, designs, refits, seed)
    if isinstance(background, Refusal):
        return [Row.of("bias_adjustment", words, "", background)]
    clause = (
        f"Divided by the ratio that a very large series shows with no effect, {rule_words(designs[0].rule)} "
        f"({significant(background.ratio, 2)})"
    )
    return [adjusted_row(fit, background, words, clause, refits.level)]


def _no_background(model: Model, kind: str, designs: Sequence[NoEffect]) -> str:
    """Return why a fit is not divided by the simulated ratio of a design; empty if it is."""
    if not sum(model.pair.totals):
        return NO_INFORMATION
    if model.entry is not None:
        return f"the fit allows already for a relapse on {model.pair.reference} that let patients in: a background ratio would do so twice"
    unfit = misfit_text(model.pair, RULES[_KINDS[kind][0]])
    if unfit:
        return unfit
    if not designs or not designs[0].is_headline:
        return "such series could not be simulated"
    return "the large series is fitted with Poisson counts only" if model.likelihood != "poisson" else ""


def _spreads(model: Model, asked: NoEffect, simulation: Simulation) -> tuple[tuple[Spread, ...], list[Row]]:
    """Return what every estimator shows, and a row for the hierarchical model if it could not be integrated."""
    arguments = model.pair, asked.rates, asked.rule, simulation
    if not asked.is_headline:
        return benchmark(*arguments), []
    try:
        return benchmark(*arguments, model), []
    except ConvergenceError as refused:
        row = Row("benchmark", "", "", METHOD, reason="; ".join(refused.failures), failed=True)
        return benchmark(*arguments), [row]


def _with_fit(spread: Spread, exact: RateRatio | Refusal) -> Spread:
    """Return the spread with the observed ratio of the fit, which the quick integration of many series knows to a percent only."""
    if spread.method != METHOD or spread.observed is None or isinstance(exact, Refusal):
        return spread
    return replace(spread, observed=exact.estimate)


def design_words(design: NoEffect) -> str:
    """Return the rates that were simulated, in a few words."""
    population, sd = design.population, design.overdispersion.sd_period
    words = f"mean {significant(population.mean)} per year, CV {population.cv:g}"
    return f"{words}, periods with log sd {significant(sd, 2)}" if sd else words
