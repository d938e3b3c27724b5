"""Exact refits by quadrature: without each patient, and with other priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical.fitting import fit_model
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Normal, Priors

_COLUMNS: Final = ("estimate", "low", "high", "probability_below_1")
RATIO_PRIORS: Final = {
    "sceptical": replace(DEFAULT_PRIORS, log_rate_ratio=Normal(0.0, 0.5)),
    "cautious": replace(DEFAULT_PRIORS, log_rate_ratio=Normal(0.0, 1.0)),
    "default": DEFAULT_PRIORS,
    "wide": replace(DEFAULT_PRIORS, log_rate_ratio=Normal(0.0, 4.0)),
}


def leave_one_patient_out(model: Model, level: float = 0.95) -> pd.DataFrame:
    """Refit the model without each patient in turn.

    Parameters
    ----------
    model
        At least two patients.
    level
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row for each patient left out: ``patient``, ``estimate``, ``low``, ``high``, ``probability_below_1`` of the
        typical patient's rate ratio; no numbers (NaN) where the others had no relapse, so that nothing is known of it.

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
    pair = model.pair
    if len(pair.patients) < 2:
        raise ArgumentError(
            "leave-one-patient-out: one patient only, nothing would be left; give two or more"
        )
    models = {
        patient: replace(model, pair=_without(pair, place)) for place, patient in enumerate(pair.patients)
    }
    return _ratios(models, "patient", level)


def with_priors(
    model: Model, priors: Mapping[str, Priors] = RATIO_PRIORS, level: float = 0.95
) -> pd.DataFrame:
    """Refit the model with each of several priors.

    Parameters
    ----------
    model
        Its own priors are not used.
    priors
        Priors under their names; by default four priors of the log ratio, from sceptical to wide.
    level
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``prior``, ``estimate``, ``low``, ``high``, ``probability_below_1`` of the typical patient's rate ratio; no
        numbers (NaN) without a relapse.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> model = Model(load_example().compare("tocilizumab", reference="rituximab"))
    >>> with_priors(model).set_index("prior")["estimate"].round(2).to_dict()
    {'sceptical': 0.6, 'cautious': 0.35, 'default': 0.22, 'wide': 0.18}
    """
    return _ratios({name: replace(model, priors=chosen) for name, chosen in priors.items()}, "prior", level)


def _without(pair: Comparison, place: int) -> Comparison:
    others = np.arange(len(pair.patients)) != place
    return replace(
        pair,
        patients=tuple(patient for patient, kept in zip(pair.patients, others, strict=True) if kept),
        relapses=pair.relapses[others],
        years=pair.years[others],
    )


def _ratios(models: Mapping[str, Model], label: str, level: float) -> pd.DataFrame:
    rows = []
    for name, model in models.items():
        ratio = fit_model(model, "quadrature", seed=0).rate_ratio(level)
        numbers = (ratio.estimate, ratio.interval.low, ratio.interval.high, ratio.probability_below_1)
        known = numbers if ratio.informative else (np.nan,) * len(numbers)
        rows.append({label: name, **dict(zip(_COLUMNS, known, strict=True))})
    return pd.DataFrame(rows)
