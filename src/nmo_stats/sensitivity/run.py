"""All reasons to doubt the number, each as a row of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd

from nmo_stats import hierarchical
from nmo_stats.arguments import function, instance, optional
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import NO_INFORMATION, json_number, require_level
from nmo_stats.estimators.table import RateResults, classical_rates
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity import empirical_bayes as rtm
from nmo_stats.sensitivity.background import Background
from nmo_stats.sensitivity.data import CHANGES, Change, rows_of
from nmo_stats.sensitivity.literature import HIGHEST_RATE, AssumedPopulation, profile_of
from nmo_stats.sensitivity.models import (
    entry_rows,
    heterogeneity_rows,
    hierarchical_answer,
    likelihood_rows,
    prior_rows,
)
from nmo_stats.sensitivity.no_effect import (
    NoEffect,
    Simulation,
    headline_population,
)
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.series_rows import adjusted_rows, benchmark_rows, no_effect_designs
from nmo_stats.sensitivity.tipping import TippingPoint, tipping_points
from nmo_stats.sensitivity.words import sentence, summary
from nmo_stats.simulate import GammaRates
from nmo_stats.wording import significant

Progress = Callable[[int, int], None]
_STAGES: Final = 5


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
        object.__setattr__(self, "level", require_level(self.level))
        optional("background", self.background, Background)
        instance("simulation", self.simulation, Simulation)
        function("progress", self.progress)


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
    def has_answer(self) -> bool:
        """Whether some estimator has an interval as analysed."""
        return any(row.has_interval for row in self.base.values())

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
    instance("pair", pair, Comparison)
    optional("fit", fit, HierarchicalFit)
    instance("plan", plan, Plan)
    optional("refits", refits, Refits)
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
    rows += [
        *regression_rows(pair, plan.level),
        *adjusted_rows(fit, designs, plan.background, refits, plan.simulation.seed),
    ]
    rows += [*(row for design in designs for row in benchmark_rows(pair, design)), *unknown]
    progress(4, _STAGES)
    tipping = tipping_points(fit, refits)
    rows += [point.row for point in tipping]
    progress(5, _STAGES)
    base = _base(fit.model, classical_rates(pair, plan.level), refits)
    return Sensitivity(pair, base, tuple(rows), tuple(designs), tuple(tipping), plan.level)


def regression_rows(pair: Comparison, level: float = 0.95) -> list[Row]:
    """Return observed against expected relapses over the grid of populations."""
    populations = profile_of(pair).populations
    if not sum(pair.totals):
        return [Row("rtm", "any population", "", rtm.METHOD, reason=NO_INFORMATION)]
    mean = headline_population(pair).mean
    if mean > HIGHEST_RATE:
        reason = (
            f"{significant(mean)} relapses per year are far from the assumed populations "
            f"({populations[0].mean:g} to {populations[-1].mean:g} per year)"
        )
        return [Row("rtm", "any population", "", rtm.METHOD, reason=reason)]
    return [_regression_row(pair, population, cv, level) for population in populations for cv in rtm.CVS]


def _regression_row(pair: Comparison, population: AssumedPopulation, cv: float, level: float) -> Row:
    mean, label = population.mean, population.label
    found = rtm.regression_to_mean(pair, GammaRates(mean, cv))
    source = f"; {label}" if label else ""
    clause = (
        f"If patients of this kind relapse {'once' if mean == 1 else f'{mean:g} times'} a year on average "
        f"(CV {cv:g}{source}), "
        f"{significant(found.count.expected)} relapses on {pair.comparator} were to be expected with no "
        "effect; against these"
    )
    name = f"mean {mean:g} per year" if label else f"population mean {mean:g} per year"
    row = Row.of("rtm", f"{name}, CV {cv:g}", clause, found.rate_ratio(level))
    return replace(row, detail=label)


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


def _base(model: Model, classical: RateResults, refits: Refits) -> dict[str | None, Row]:
    found = (*classical.estimates, *classical.refusals, hierarchical_answer(refits, model))
    return {one.method: Row.of("prior", "as analysed", "As analysed", one) for one in found}


def _withheld(row: Row, reason: str) -> Row:
    if not (row.method or "").startswith("hierarchical"):
        return row
    return Row(
        row.family,
        row.assumption,
        row.clause,
        row.method,
        reason=reason,
        failed=True,
        detail=row.detail,
        remark=row.remark,
    )


def _silent(_done: int, _total: int) -> None:
    """Show no progress."""
