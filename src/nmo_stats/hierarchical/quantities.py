"""The quantities that a fit reports, from draws of the parameters.

Ratios and rates stand on the log scale, where Monte Carlo errors and agreement are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import CONTRAST, Model, log_rates, natural_scale

if TYPE_CHECKING:
    import xarray as xr


def quantities(model: Model, draws: xr.Dataset, seed: int) -> xr.Dataset:
    """Return every reported quantity as draws with dimensions (chain, draw, ...).

    Parameters
    ----------
    model
        Its parameters are ``draws``' variables, beside the patient effects ``u`` and ``v``.
    draws
        Dimensions chain, draw and, for the effects, patient.
    seed
        For the effects of a patient not yet seen.
    """
    import xarray as xr

    top = {name: draws[name].to_numpy() for name in model.parameters}
    patient_log_rates = log_rates(top, draws["u"].to_numpy(), draws["v"].to_numpy())
    rng = np.random.default_rng([seed, 1])
    shape = (*top["log_rate"].shape, 1)
    new_log_rates = log_rates(top, rng.normal(size=shape), rng.normal(size=shape))[..., 0, :]
    typical = top["log_rate"][..., None] + CONTRAST * top["log_rate_ratio"][..., None]
    sampled, patient, period = ("chain", "draw"), ("chain", "draw", "patient"), ("chain", "draw", "period")
    derived: dict[str, tuple[tuple[str, ...], Floats]] = {
        name: (sampled, values) for name, values in top.items()
    } | {
        "log_rate_typical": (period, typical),
        "log_rate_new_patient": (period, new_log_rates),
        "log_rate_ratio_new_patient": (sampled, new_log_rates[..., 1] - new_log_rates[..., 0]),
        "log_rate_patient": ((*patient, "period"), patient_log_rates),
        "log_rate_ratio_patient": (patient, patient_log_rates[..., 1] - patient_log_rates[..., 0]),
        "rate_difference": (sampled, _difference(typical)),
    }
    coordinates = {
        "patient": list(model.pair.patients),
        "period": [model.pair.reference, model.pair.comparator],
    }
    return xr.Dataset(derived, coords={**draws.coords, **coordinates})


def _difference(log_rates: Floats) -> Floats:
    """Return reference rate minus comparator rate, per year."""
    rates = natural_scale(log_rates)
    return np.asarray(rates[..., 0] - rates[..., 1])
