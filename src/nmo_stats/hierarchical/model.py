"""The hierarchical relapse-rate model: its rates, likelihood and predictive simulation, in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from nmo_stats.arguments import instance, one_of
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import CohortError, Problem
from nmo_stats.hierarchical.counts import (
    log_no_relapse,
    log_probability,
    simulate_counts,
    simulate_positive_counts,
)
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Priors

Likelihood = Literal["poisson", "negative_binomial"]
Entry = Literal["relapse_on_reference"]

CONTRAST: Final = np.array(
    [-0.5, 0.5]
)  # reference, comparator: swapping the periods inverts the ratio exactly
CONTRAST.flags.writeable = False
_LARGEST_LOG: Final = 650.0


@dataclass(frozen=True, eq=False)
class Model:
    """A comparison with its priors and likelihood.

        y_ij ~ Poisson(t_ij rate_ij), or NegativeBinomial with variance mean + overdispersion mean^2
        log rate_ij = log_rate + sd_rate u_i + x_j (log_rate_ratio + sd_rate_ratio v_i)
        u_i, v_i ~ Normal(0, 1);  x = -1/2 on the reference, +1/2 on the comparator

    Parameters
    ----------
    pair
        The two periods.
    priors
        Priors of the top-level parameters.
    likelihood
        ``"poisson"`` or ``"negative_binomial"``.
    entry
        ``"relapse_on_reference"`` if patients were included because they relapsed on the reference: each
        patient's likelihood is divided by the probability of at least one relapse there.
    """

    pair: Comparison
    priors: Priors = DEFAULT_PRIORS
    likelihood: Likelihood = "poisson"
    entry: Entry | None = None

    def __post_init__(self) -> None:
        instance("pair", self.pair, Comparison)
        instance("priors", self.priors, Priors)
        one_of("likelihood", self.likelihood, get_args(Likelihood))
        one_of("entry", self.entry, (None, *get_args(Entry)))
        if self.entry is not None:
            _require_reference_relapses(self.pair)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the top-level parameters."""
        always = ("log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio")
        return (*always, "overdispersion") if self.likelihood == "negative_binomial" else always


def log_rates(top: dict[str, Floats], u: Floats, v: Floats) -> Floats:
    """Return log rate_ij from top-level draws of any shape and patient effects of shape (..., n); shape (..., n, 2)."""
    level = top["log_rate"][..., None] + top["sd_rate"][..., None] * u
    ratio = top["log_rate_ratio"][..., None] + top["sd_rate_ratio"][..., None] * v
    return np.asarray(level[..., None] + CONTRAST * ratio[..., None])


def natural_scale(log_values: Floats) -> Floats:
    """Return rates or ratios from their logarithms, kept finite where a very wide prior would exceed any number."""
    return np.asarray(np.exp(np.minimum(log_values, _LARGEST_LOG)))


def log_likelihood(model: Model, log_rate: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of each observed count.

    Parameters
    ----------
    model
        Holds the counts and times.
    log_rate
        Log rates per year, shape (..., n, 2).
    overdispersion
        Shape (...), None for Poisson.
    """
    counts = model.pair.relapses
    mean = model.pair.years * natural_scale(log_rate)
    shape = None if overdispersion is None else overdispersion[..., None, None]
    values = log_probability(counts, mean, shape)
    if model.entry is None:
        return values
    log_none = log_no_relapse(mean[..., 0], None if shape is None else shape[..., 0])
    values[..., 0] -= np.log(-np.expm1(log_none))
    return values


def simulate_relapses(
    model: Model, rng: np.random.Generator, log_rate: Floats, overdispersion: Floats | None
) -> Counts:
    """Draw counts for the patients and times of the model, from log rates of shape (..., n, 2)."""
    mean = model.pair.years * natural_scale(log_rate)
    shape = None if overdispersion is None else overdispersion[..., None, None]
    drawn = simulate_counts(rng, mean, shape)
    if model.entry is not None:
        drawn[..., 0] = simulate_positive_counts(rng, mean[..., 0], None if shape is None else shape[..., 0])
    return drawn


def _require_reference_relapses(pair: Comparison) -> None:
    rule = "entry='relapse_on_reference' means that every patient relapsed on the reference"
    problems = [
        Problem(
            "0",
            rule,
            "use entry=None, or leave out patients who did not enter by a relapse",
            patient=patient,
            column="relapses",
        )
        for patient, relapses in zip(pair.patients, pair.relapses[:, 0], strict=True)
        if relapses == 0
    ]
    if problems:
        raise CohortError(problems, f"reference period ({pair.reference})")
