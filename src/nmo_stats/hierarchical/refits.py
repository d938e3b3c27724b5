"""Exact refits by quadrature: without each patient, with other priors, and each model only once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arguments import instance, mapping, optional
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import RateRatio, require_level
from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.fitting import fit_model
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Normal, Priors
from nmo_stats.names import HIERARCHICAL

_COLUMNS: Final = ("estimate", "low", "high", "probability_below_1")
RATIO_PRIORS: Final = {
    "sceptical": Normal(0.0, 0.5),
    "cautious": Normal(0.0, 1.0),
    "default": DEFAULT_PRIORS.log_rate_ratio,
    "wide": Normal(0.0, 4.0),
}

Key = tuple[bytes, bytes, Priors, str, str | None]


@dataclass(frozen=True, eq=False)
class Refits:
    """The rate ratio of any model by quadrature; a model that was asked before is not computed again.

    Parameters
    ----------
    level
        Probability of all intervals.

    Raises
    ------
    ArgumentError
        If the level is no probability.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> refits = Refits()
    >>> model = Model(load_example().compare("tocilizumab", reference="rituximab"))
    >>> [round(refits.rate_ratio(model).estimate, 2) for _ in range(2)], refits.computed
    ([0.22, 0.22], 1)
    """

    level: float = 0.95
    _known: dict[Key, RateRatio | ConvergenceError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", require_level(self.level))

    @classmethod
    def beside(cls, fit: HierarchicalFit, level: float) -> Refits:
        """Return refits that know the answer of a finished fit, if it is one by quadrature.

        Parameters
        ----------
        fit
            A finished fit.
        level
            Probability of the intervals.

        Returns
        -------
        Refits
            They compute every other model.
        """
        known = cls(level)
        if fit.method == HIERARCHICAL:
            with contextlib.suppress(ConvergenceError):  # remembered, and raised when asked for
                known._ask(fit.model, lambda: fit.rate_ratio(level))
        return known

    @property
    def computed(self) -> int:
        """Number of different models so far."""
        return len(self._known)

    def rate_ratio(self, model: Model) -> RateRatio:
        """Return the typical patient's rate ratio.

        Parameters
        ----------
        model
            Comparison, priors and likelihood.

        Returns
        -------
        RateRatio
            By quadrature.

        Raises
        ------
        ConvergenceError
            If the fit fails its refinement check.
        ArgumentError
            If it is no model.
        """
        instance("model", model, Model)
        return self._ask(model, lambda: fit_model(model, "quadrature", seed=0).rate_ratio(self.level))

    def _ask(self, model: Model, compute: Callable[[], RateRatio]) -> RateRatio:
        pair = model.pair
        key = (pair.relapses.tobytes(), pair.years.tobytes(), model.priors, model.likelihood, model.entry)
        if key not in self._known:
            try:
                self._known[key] = compute()
            except ConvergenceError as refused:
                self._known[key] = refused
        answer = self._known[key]
        if isinstance(answer, ConvergenceError):
            raise answer
        return answer


def leave_one_patient_out(model: Model, level: float = 0.95, refits: Refits | None = None) -> pd.DataFrame:
    """Refit the model without each patient in turn.

    Parameters
    ----------
    model
        At least two patients.
    level
        Probability of the intervals.
    refits
        Where models were fitted before, at the same level.

    Returns
    -------
    pandas.DataFrame
        One row for each patient left out: ``patient``, ``estimate``, ``low``, ``high``,
        ``probability_below_1`` of the typical patient's rate ratio; no numbers (NaN) where the others had no
        relapse, so that nothing is known of it.

    Raises
    ------
    ArgumentError
        If there is one patient only.
    ConvergenceError
        If a refit fails its refinement check.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> model = Model(load_example().compare("tocilizumab", reference="rituximab"))
    >>> leave_one_patient_out(model)["estimate"].round(2).tolist()
    [0.22, 0.35, 0.16]
    """
    instance("model", model, Model)
    level = require_level(level)
    optional("refits", refits, Refits)
    pair = model.pair
    if len(pair.patients) < 2:
        raise ArgumentError(
            "leave-one-patient-out: one patient. Expected: two or more, so that some are left."
        )
    patients = np.array(pair.patients)
    models = {patient: replace(model, pair=pair.only(patients != patient)) for patient in pair.patients}
    return _ratios(models, "patient", refits or Refits(level))


def with_priors(
    model: Model,
    priors: Mapping[str, Priors] | None = None,
    level: float = 0.95,
    refits: Refits | None = None,
) -> pd.DataFrame:
    """Refit the model with each of several priors.

    Parameters
    ----------
    model
        The comparison, its likelihood and, for the default grid, its other priors.
    priors
        Priors under their names; by default four priors of the log ratio, from sceptical to wide.
    level
        Probability of the intervals.
    refits
        Where models were fitted before, at the same level.

    Returns
    -------
    pandas.DataFrame
        Columns ``prior``, ``estimate``, ``low``, ``high``, ``probability_below_1`` of the typical patient's
        rate ratio; no numbers (NaN) without a relapse.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    ConvergenceError
        If a refit fails its refinement check.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> model = Model(load_example().compare("tocilizumab", reference="rituximab"))
    >>> with_priors(model).set_index("prior")["estimate"].round(2).to_dict()
    {'sceptical': 0.6, 'cautious': 0.35, 'default': 0.22, 'wide': 0.18}
    """
    instance("model", model, Model)
    level = require_level(level)
    optional("refits", refits, Refits)
    if priors is None:
        priors = ratio_prior_grid(model.priors)
    chosen = mapping("priors", priors, "a dict of Priors by name").items()
    return _ratios(
        {name: replace(model, priors=one) for name, one in chosen}, "prior", refits or Refits(level)
    )


def ratio_prior_grid(priors: Priors) -> dict[str, Priors]:
    """Return the named priors of the log ratio; the given one first if it is none of them.

    Parameters
    ----------
    priors
        The chosen ones.

    Returns
    -------
    dict
        Priors under their names.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("priors", priors, Priors)
    grid = {name: replace(priors, log_rate_ratio=ratio) for name, ratio in RATIO_PRIORS.items()}
    return grid if priors in grid.values() else {"as chosen": priors, **grid}


def _ratios(models: Mapping[str, Model], label: str, refits: Refits) -> pd.DataFrame:
    """Return one row of numbers for each model; NaN where nothing is known of the ratio."""
    ratios = {name: refits.rate_ratio(model) for name, model in models.items()}
    numbers = [
        (ratio.estimate, ratio.interval.low, ratio.interval.high, ratio.probability_below_1)
        if ratio.informative
        else (np.nan,) * len(_COLUMNS)
        for ratio in ratios.values()
    ]
    table = pd.DataFrame(numbers, columns=list(_COLUMNS), dtype=float)
    table.insert(0, label, list(ratios))
    return table
