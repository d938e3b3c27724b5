"""Relapses in a time ahead, for a typical patient, each observed one, and one not yet seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.counts import no_relapse, simulate_counts
from nmo_stats.hierarchical.model import natural_scale


@dataclass(frozen=True, slots=True)
class Target:
    """Someone whose relapses are predicted.

    Parameters
    ----------
    name
        ``"typical"``, ``"patient"`` or ``"new_patient"``.
    patient
        Identifier of an observed patient, else None.
    quantity
        Name of the log rates among the quantities of a posterior.
    place
        Index of the patient in the quantity, empty for the other targets.
    """

    name: str
    patient: str | None
    quantity: str
    place: tuple[int, ...] = ()


def targets(patients: Sequence[str]) -> tuple[Target, ...]:
    """Return the three kinds of targets, each observed patient one of them."""
    return (
        Target("typical", None, "log_rate_typical"),
        *(Target("patient", patient, "log_rate_patient", (place,)) for place, patient in enumerate(patients)),
        Target("new_patient", None, "log_rate_new_patient"),
    )


def predictive_quantiles(
    rng: np.random.Generator,
    log_rate: Floats,
    overdispersion: Floats | None,
    *,
    years: float,
    probabilities: Sequence[float],
) -> dict[str, Floats]:
    """Return quantiles of the yearly rate, the relapse count and the chance of no relapse."""
    rate = natural_scale(log_rate)
    counts = simulate_counts(rng, years * rate, overdispersion).astype(float)
    free = no_relapse(years * rate, overdispersion)
    return {
        "rate": np.quantile(rate, probabilities),
        "relapses": np.quantile(counts, probabilities, method="inverted_cdf"),
        "relapse_free": np.quantile(free, probabilities),
    }
