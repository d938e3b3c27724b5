"""All reasons to doubt the number, each as a row of one of three kinds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd

from nmo_stats import hierarchical
from nmo_stats.arguments import Progress, function, instance, optional
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import NO_INFORMATION, json_number, require_level
from nmo_stats.estimators.classical import answer, classical_rates
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.names import HIERARCHICAL, is_hierarchical
from nmo_stats.sensitivity.assumptions import DATA_RULES, MODEL_RULES, answers
from nmo_stats.sensitivity.background import Background, adjusted_rows
from nmo_stats.sensitivity.empirical_bayes import METHOD as OBSERVED_EXPECTED
from nmo_stats.sensitivity.empirical_bayes import regression_rows
from nmo_stats.sensitivity.no_effect import NoEffect, Simulation, no_effect_designs, simulated_rows
from nmo_stats.sensitivity.row import Answer, AnyRow, Assumption, TippingPoint
from nmo_stats.sensitivity.tipping import tipping_points
from nmo_stats.sensitivity.words import sentence, summary

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

    Raises
    ------
    ArgumentError
        If the level is no probability, or a choice is of another type.
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
        What methods show in series with no effect.
    level
        Level of all intervals.
    """

    pair: Comparison
    base: dict[str | None, Answer]
    rows: tuple[AnyRow, ...]
    designs: tuple[NoEffect, ...]
    level: float

    @property
    def summary(self) -> tuple[str, ...]:
        """A paragraph assembled from the rows, sentence by sentence."""
        return summary(self.pair, self.rows, self.base, self.designs)

    @property
    def tipping(self) -> tuple[TippingPoint, ...]:
        """What would tip the answers."""
        return tuple(row for row in self.rows if isinstance(row, TippingPoint))

    @property
    def has_answer(self) -> bool:
        """Whether some method has an interval as analysed."""
        return any(row.has_interval for row in self.base.values())

    @property
    def base_failed(self) -> tuple[Answer, ...]:
        """Methods whose answer as analysed failed."""
        return tuple(row for row in self.base.values() if row.failed)

    @property
    def failed(self) -> tuple[AnyRow, ...]:
        """Rows whose computation failed."""
        return tuple(row for row in self.rows if row.failed)

    @property
    def without_number(self) -> tuple[AnyRow, ...]:
        """Rows with a reason instead of a number, except failures and single exact or likelihood methods."""
        methods = (None, HIERARCHICAL, OBSERVED_EXPECTED)
        return tuple(
            row
            for row in self.rows
            if row.method in methods and row.reason not in ("", NO_INFORMATION) and not row.failed
        )

    def of(self, family: str, method: str | None = None) -> tuple[AnyRow, ...]:
        """Return the rows of a family, of one method if it is given.

        Parameters
        ----------
        family
            Kind of the assumption.
        method
            Code of the method; None for all.

        Returns
        -------
        tuple
            Answers, simulated spreads or tipping points.
        """
        return tuple(row for row in self.rows if row.family == family and method in (None, row.method))

    def answers(self, family: str, method: str | None = None) -> tuple[Answer, ...]:
        """Return the answers of a family, of one method if it is given.

        Parameters
        ----------
        family
            Kind of the assumption.
        method
            Code of the method; None for all.

        Returns
        -------
        tuple of Answer
            Also those with a reason instead of a number.
        """
        return tuple(row for row in self.of(family, method) if isinstance(row, Answer))

    def withholding(self, reason: str) -> Sensitivity:
        """Return the same without any number of the hierarchical model, because of a failed check.

        Parameters
        ----------
        reason
            Why the numbers are withheld.

        Returns
        -------
        Sensitivity
            With the reason in their place.
        """
        return replace(
            self,
            rows=tuple(row.withheld(reason) for row in self.rows),
            base={method: row.withheld(reason) for method, row in self.base.items()},
            designs=tuple(
                replace(
                    design, spreads=tuple(one for one in design.spreads if not is_hierarchical(one.method))
                )
                for design in self.designs
            ),
        )

    def sentence(self, row: AnyRow) -> str:
        """Return what a row says in plain words.

        Parameters
        ----------
        row
            One of the rows.

        Returns
        -------
        str
            One sentence.
        """
        return sentence(row, self.base)

    def to_frame(self) -> pd.DataFrame:
        """Return one line for each row: assumption, method, numbers, change, cautions, reason, sentence.

        ``change`` is the ratio divided by the same method's as analysed.

        Returns
        -------
        pandas.DataFrame
            Numbers that do not exist are missing.
        """
        return pd.DataFrame([self._line(row) for row in self.rows])

    def to_dict(self) -> dict[str, object]:
        """Return the rows, the simulated designs and the summary as JSON can hold them.

        Returns
        -------
        dict
            ``rows``, ``no_effect`` and ``summary``.
        """
        return {
            "rows": [row.to_dict() | {"sentence": self.sentence(row)} for row in self.rows],
            "no_effect": [line for design in self.designs for line in design.to_dicts()],
            "summary": " ".join(self.summary),
        }

    def _line(self, row: AnyRow) -> dict[str, object]:
        line = row.to_dict()
        line.pop("reason")
        cautions = " ".join(caution["code"] for caution in line.pop("cautions"))
        before = self.base.get(row.method)
        change = None
        if isinstance(row, Answer) and row.has_interval and before is not None and before.estimate:
            change = (row.estimate or 0.0) / before.estimate
        return {
            **line,
            "change": json_number(change),
            "cautions": cautions,
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
    """Compute the ratio under every changed assumption, in series with no effect, and the tipping points.

    Parameters
    ----------
    pair
        The two periods.
    fit
        A finished fit of the pair, whose priors, likelihood and entry are the starting point; by default one
        is computed.
    plan
        Level, background ratio, and number of simulated series.
    refits
        Where models may have been fitted before, at the same level.

    Returns
    -------
    Sensitivity
        All rows, and what sums them up.

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
    progress = plan.progress or (lambda _done, _total: None)
    progress(0, _STAGES)
    base = as_analysed(fit.model, refits)
    rows: list[AnyRow] = []
    for stage, rules in enumerate((MODEL_RULES, DATA_RULES), start=1):
        for family, rule in rules.items():
            rows += answers(family, rule(fit.model), fit.model, refits)
        progress(stage, _STAGES)
    designs, missing = no_effect_designs(fit.model, plan.simulation, refits)
    progress(3, _STAGES)
    rows += regression_rows(pair, plan.level)
    rows += adjusted_rows(fit, designs, plan.background, refits, plan.simulation.seed)
    rows += [*(row for design in designs for row in simulated_rows(design)), *missing]
    progress(4, _STAGES)
    rows += tipping_points(fit, refits)
    progress(5, _STAGES)
    return Sensitivity(pair, base, tuple(rows), tuple(designs), plan.level)


def as_analysed(model: Model, refits: Refits) -> dict[str | None, Answer]:
    """Return the answer of every method as analysed."""
    rates = classical_rates(model.pair, refits.level)
    hierarchical = answer(HIERARCHICAL, lambda: refits.rate_ratio(model))
    assumption = Assumption("prior", "as_analysed", "as analysed")
    results = (*rates.estimates, *rates.refusals, hierarchical)
    return {result.method: Answer.of(assumption, result) for result in results}
