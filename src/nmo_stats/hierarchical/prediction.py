"""Relapses in a time ahead, for a typical patient, each observed one, and one not yet seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nmo_stats.hierarchical.counts import Floats, no_relapse, simulate_counts
from nmo_stats.hierarchical.model import Model, natural_scale

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Target:
    """Someone whose relapses are predicted.

    Parameters
    ----------
    name
        ``"typical"``, ``"patient"`` or ``"new_patient"``.
    patient
        Identifier of an observed patient, else None.
    log_rates
        Draws of the log rates on reference and comparator, shape (draws, 2).
    """

    name: str
    patient: str | None
    log_rates: Floats


def targets(model: Model, draws: xr.Dataset) -> tuple[Target, ...]:
    """Return the three kinds of targets, each observed patient one of them."""
    observed = draws["log_rate_patient"].to_numpy()
    return (
        Target("typical", None, _flat(draws["log_rate_typical"].to_numpy())),
        *(
            Target("patient", patient, _flat(observed[..., place, :]))
            for place, patient in enumerate(model.pair.patients)
        ),
        Target("new_patient", None, _flat(draws["log_rate_new_patient"].to_numpy())),
    )


def predictive_quantiles(
    rng: np.random.Generator,
    log_rate: Floats,
    overdispersion: Floats | None,
    *,
    years: float,
    level: float,
) -> dict[str, float]:
    """Return median, low and high of the yearly rate, the relapse count and the chance of no relapse."""
    rate = natural_scale(log_rate)
    counts = simulate_counts(rng, years * rate, overdispersion).astype(float)
    free = no_relapse(years * rate, overdispersion)
    tail = (1 - level) / 2
    probabilities = (0.5, tail, 1 - tail)
    return (
        _named("rate", np.quantile(rate, probabilities))
        | _named("relapses", np.quantile(counts, probabilities, method="inverted_cdf"))
        | _named("relapse_free", np.quantile(free, probabilities))
    )


def _named(name: str, quantiles: Floats) -> dict[str, float]:
    median, low, high = map(float, quantiles)
    return {name: median, f"{name}_low": low, f"{name}_high": high}


def _flat(values: Floats) -> Floats:
    return np.asarray(values.reshape(-1, 2))
