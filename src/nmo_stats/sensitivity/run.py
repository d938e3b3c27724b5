"""All reasons to doubt the number, each as a row of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, RateRatio, json_number, require_level
from nmo_stats.estimators import RateResults, Refusal, classical_rates
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity import empirical_bayes as rtm
from nmo_stats.sensitivity.background import Background, adjusted_row, simulated_background
from nmo_stats.sensitivity.data import CHANGES, Change, rows_of
from nmo_stats.sensitivity.misfits import misfit_text, misfits
from nmo_stats.sensitivity.models import (
    entry_rows,
    heterogeneity_rows,
    hierarchical_answer,
    likelihood_rows,
    prior_rows,
)
from nmo_stats.sensitivity.no_effect import (
    HIGHEST_RATE,
    RULES,
    NoEffect,
    Simulation,
    Spread,
    benchmark,
    headline_population,
    populations,
)
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.tipping import TippingPoint, tipping_points
from nmo_stats.sensitivity.words import rule_words, sentence, summary
from nmo_stats.simulate import GammaRates, Rule
from nmo_stats.wording import significant

Progress = Callable[[int, int], None]
_STAGES: Final = 5
_KINDS: Final = {"triggered switch": ("triggered_1", "triggered_2"), "look-back": ("look_back",)}


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a sensitivity analysis.

    Parameters
    ----------
    level
        Level of all intervals.
    background
        What a series like this one would show with no effect, if the user knows it.
    simulation
        How many series without effect are simulated.
    progress
        Called with the number of finished stages and of all stages.
    """

    level: float = 0.95
    background: Background | None = None
    simulation: Simulation = field(default_factory=Simulation)
    progress: Progress | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        require_level(self.level)


DEFAULT_PLAN: Final = Plan()


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The ratio again, under one changed assumption after the other.

    Parameters
    ----------
    pair
        The comparison.
    base
        The answers as analysed, by method.
    rows
        Every row, sorted by family.
    designs
        What estimators show in series with no effect.
    tipping
        What would tip the answers; their rows are among the rows.
    level
        Level of all intervals.
    """

    pair: Comparison
    base: dict[str | None, Row]
    rows: tuple[Row, ...]
    designs: tuple[NoEffect, ...]
    tipping: tuple[TippingPoint, ...]
    level: float

    @property
    def summary(self) -> tuple[str, ...]:
        """A paragraph assembled from the rows, sentence by sentence."""
        return summary(self.pair, self.rows, self.base, self.designs, self.tipping)

    @property
    def base_failed(self) -> tuple[Row, ...]:
        """Estimators whose answer as analysed failed."""
        return tuple(row for row in self.base.values() if row.failed)

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows whose computation failed."""
        return tuple(row for row in self.rows if row.failed)

    @property
    def without_number(self) -> tuple[Row, ...]:
        """Rows that have a reason instead of a number, beside those of single exact or likelihood estimators and failures."""
        told = (None, METHOD, rtm.METHOD)
        return tuple(
            row
            for row in self.rows
            if row.method in told and row.reason not in ("", NO_INFORMATION) and not row.failed
        )

    def of(self, family: str, method: str | None = None) -> tuple[Row, ...]:
        """Return the rows of a family, of one method if it is given."""
        return tuple(row for row in self.rows if row.family == family and method in (None, row.method))

    def withholding(self, reason: str) -> Sensitivity:
        """Return the same without any number of the hierarchical model, because of a failed check."""
        rows = tuple(_withheld(row, reason) for row in self.rows)
        base = {method: _withheld(row, reason) for method, row in self.base.items()}
        designs = tuple(
            replace(design, spreads=tuple(one for one in design.spreads if one.method != METHOD))
            for design in self.designs
        )
        tipping = tuple(replace(point, row=_withheld(point.row, reason)) for point in self.tipping)
        return replace(self, rows=rows, base=base, designs=designs, tipping=tipping)

    def sentence(self, row: Row) -> str:
        """Return what a row says in plain words."""
        return sentence(row, self.base)

    def to_frame(self) -> pd.DataFrame:
        """Return one line for each row: family, assumption, method, numbers, change, cautions, reason and sentence.

        ``change`` is the ratio divided by the same method's as analysed.
        """
        return pd.DataFrame([self._line(row) for row in self.rows])

    def to_dict(self) -> dict[str, object]:
        """Return the rows, the simulated designs and the summary as JSON can hold them."""
        return {
            "rows": [row.to_dict() | {"sentence": self.sentence(row)} for row in self.rows],
            "no_effect": [line for design in self.designs for line in design.to_dicts()],
            "summary": " ".join(self.summary),
        }

    def _line(self, row: Row) -> dict[str, object]:
        before = self.base.get(row.method)
        changed = None
        if row.has_interval and row.family != "benchmark" and before is not None and before.estimate:
            changed = (row.estimate or 0.0) / before.estimate
        return {
            **{name: value for name, value in row.to_dict().items() if name not in ("cautions", "reason")},
            "change": json_number(changed),
            "cautions": " ".join(caution.code for caution in row.cautions),
            "reason": row.reason,
            "sentence": self.sentence(row),
        }


def run(
    pair: Comparison,
    *,
    fit: HierarchicalFit | None = None,
    plan: Plan = DEFAULT_PLAN,
    refits: Refits | None = None,
) -> Sensitivity:
    """Compute the ratio under every changed assumption, what the design shows with no effect, and the tipping points.

    Parameters
    ----------
    pair
        The two periods.
    fit
        A finished fit of the pair, whose priors, likelihood and entry are the starting point; by default one is computed.
    plan
        Level, background ratio, and number of simulated series.
    refits
        Where models may have been fitted before, at the same level.

    Raises
    ------
    ArgumentError
        If the fit or the refits do not belong to the pair and the level.

    Examples
    --------
    >>> import nmo_stats as nmo
    >>> found = run(nmo.load_example().compare("tocilizumab", reference="rituximab"))
    >>> row = found.of("trigger", "conditional_exact")[0]
    >>> print(f"{row.estimate:.3f} ({row.low:.4f} to {row.high:.3f})")
    0.350 (0.0324 to 2.098)
    """
    fit = hierarchical.fit(pair, seed=plan.simulation.seed) if fit is None else fit
    refits = Refits.beside(fit, plan.level) if refits is None else refits
    if fit.model.pair is not pair or refits.level != plan.level:
        raise ArgumentError(
            "the fit is of another comparison, or the refits have another level than the plan"
        )
    progress = plan.progress or _silent
    progress(0, _STAGES)
    rows = _model_rows(fit.model, refits)
    progress(1, _STAGES)
    rows += [row for changes in CHANGES for row in _changed(changes(pair), fit.model, refits)]
    progress(2, _STAGES)
    designs, unknown = no_effect_designs(fit.model, plan.simulation, refits)
    progress(3, _STAGES)
    rows += [*regression_rows(pair, plan.level), *_adjusted_rows(fit, designs, plan, refits)]
    rows += [*(row for design in designs for row in _benchmark_rows(pair, design)), *unknown]
    progress(4, _STAGES)
    tipping = tipping_points(fit, refits)
    rows += [point.row for point in tipping]
    progress(5, _STAGES)
    base = _base(fit.model, classical_rates(pair, plan.level), refits)
    return Sensitivity(pair, base, tuple(rows), tuple(designs), tuple(tipping), plan.level)


def regression_rows(pair: Comparison, level: float = 0.95) -> list[Row]:
    """Return observed against expected relapses over the grid of populations."""
    rows: list[Row] = []
    if sum(pair.totals) and headline_population(pair).mean > HIGHEST_RATE:
        reason = (
            f"{significant(headline_population(pair).mean)} relapses per year are far from what the assumed populations of neuromyelitis "
            f"optica show ({min(rtm.MEANS):g} to {max(rtm.MEANS):g})"
        )
        return [Row("rtm", "any population", "", rtm.METHOD, reason=reason)]
    for mean, source in rtm.MEANS.items():
        for cv in rtm.CVS:
            label = f"mean {mean:g} per year, CV {cv:g} ({source})"
            try:
                found = rtm.regression_to_mean(pair, GammaRates(mean, cv))
            except NotIdentifiedError as refused:
                return [Row("rtm", "any population", "", rtm.METHOD, reason=refused.reason)]
            clause = (
                f"If patients of this kind relapse {mean:g} times a year on average (CV {cv:g}; {source}), "
                f"{significant(found.count.expected)} relapses on {pair.comparator} were to be expected with no effect; against these"
            )
            rows.append(Row.of("rtm", label, clause, found.rate_ratio(level)))
    return rows


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


def _model_rows(model: Model, refits: Refits) -> list[Row]:
    return [
        *prior_rows(model, refits),
        *heterogeneity_rows(model, refits),
        *likelihood_rows(model, refits),
        *entry_rows(model, refits),
    ]


def _changed(changes: Sequence[Change | Row], model: Model, refits: Refits) -> list[Row]:
    rows: list[Row] = []
    for change in changes:
        rows += [change] if isinstance(change, Row) else rows_of(change, model, refits)
    return rows


def _benchmark_rows(pair: Comparison, design: NoEffect) -> list[Row]:
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


def _unseen(spread: Spread) -> str:
    return "the ratio exists in none of the simulated series" if spread.median is None else ""


def _population_words(population: GammaRates) -> str:
    return f"mean {significant(population.mean)} per year, CV {population.cv:g}"


def _adjusted_rows(
    fit: HierarchicalFit, designs: Sequence[NoEffect], plan: Plan, refits: Refits
) -> list[Row]:
    """Return the ratio beyond the background that the user gave, and beyond those of the simulated designs."""
    rows = []
    if plan.background is not None:
        words = "given"
        clause = f"Divided by the given background ratio of {significant(plan.background.ratio)}"
        rows.append(adjusted_row(fit, plan.background, words, clause, plan.level))
    for kind, names in _KINDS.items():
        alike = sorted(
            (one for one in designs if one.rule_name in names),
            key=lambda one: (not one.is_headline, names.index(one.rule_name)),
        )
        rows += _simulated_rows(fit, kind, alike, plan, refits)
    return rows


def _simulated_rows(
    fit: HierarchicalFit, kind: str, designs: Sequence[NoEffect], plan: Plan, refits: Refits
) -> list[Row]:
    words, reason = kind, _no_background(fit.model, kind, designs)
    if reason:
        return [Row("bias_adjustment", words, "", fit.method, reason=reason)]
    background = simulated_background(fit.model, designs, refits, plan.simulation.seed)
    if isinstance(background, Refusal):
        return [Row.of("bias_adjustment", words, "", background)]
    clause = (
        f"Divided by the ratio that a very large series shows with no effect, {rule_words(designs[0].rule)} "
        f"({significant(background.ratio, 2)})"
    )
    return [adjusted_row(fit, background, words, clause, plan.level)]


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


def _base(model: Model, classical: RateResults, refits: Refits) -> dict[str | None, Row]:
    found = (*classical.estimates, *classical.refusals, hierarchical_answer(refits, model))
    return {one.method: Row.of("prior", "as analysed", "As analysed", one) for one in found}


def _withheld(row: Row, reason: str) -> Row:
    if not (row.method or "").startswith("hierarchical"):
        return row
    return Row(row.family, row.assumption, row.clause, row.method, reason=reason, failed=True)


def _silent(_done: int, _total: int) -> None:
    """Show no progress."""
