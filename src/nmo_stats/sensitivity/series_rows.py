"""Simulated series with no effect as rows: what every estimator shows in them, and the ratio beyond what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators import Refusal
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.background import Background, adjusted_row, simulated_background
from nmo_stats.sensitivity.misfits import misfit_text, misfits
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.no_effect import RULES, NoEffect, Simulation, Spread, benchmark, populations
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.words import rule_words
from nmo_stats.simulate import GammaRates, Rule
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
        for population, is_headline in populations(pair).items():
            try:
                spreads, failed = _spreads(model, population, rule, simulation, with_model=is_headline)
            except ArgumentError as refused:
                unknown.append(
                    Row("benchmark", f"{name}, {_population_words(population)}", "", reason=str(refused))
                )
                continue
            spreads = tuple(_with_fit(spread, exact) for spread in spreads)
            designs.append(NoEffect(name, rule, population, is_headline, spreads))
            unknown += [replace(row, assumption=f"{name}, {_population_words(population)}") for row in failed]
    return designs, unknown


def benchmark_rows(pair: Comparison, design: NoEffect) -> list[Row]:
    """Return what every estimator shows in the series of a design: median and 95 % range, or that the ratio exists in none."""
    label = f"{design.rule_name}, {_population_words(design.population)}"
    clause = f"With no effect at all, {rule_words(design.rule)} ({_population_words(design.population)})"
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
            reason=_unseen(spread),
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
            (one for one in designs if one.rule_name in names),
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


def _spreads(
    model: Model, population: GammaRates, rule: Rule, simulation: Simulation, *, with_model: bool
) -> tuple[tuple[Spread, ...], list[Row]]:
    """Return what every estimator shows, and a row for the hierarchical model if it could not be integrated."""
    if not with_model:
        return benchmark(model.pair, population, rule, simulation), []
    try:
        return benchmark(model.pair, population, rule, simulation, model), []
    except ConvergenceError as refused:
        row = Row("benchmark", "", "", METHOD, reason="; ".join(refused.failures), failed=True)
        return benchmark(model.pair, population, rule, simulation), [row]


def _with_fit(spread: Spread, exact: RateRatio | Refusal) -> Spread:
    """Return the spread with the observed ratio of the fit, which the quick integration of many series knows to a percent only."""
    if spread.method != METHOD or spread.observed is None or isinstance(exact, Refusal):
        return spread
    return replace(spread, observed=exact.estimate)


def _unseen(spread: Spread) -> str:
    return "the ratio exists in none of the simulated series" if spread.median is None else ""


def _population_words(population: GammaRates) -> str:
    return f"mean {significant(population.mean)} per year, CV {population.cv:g}"
