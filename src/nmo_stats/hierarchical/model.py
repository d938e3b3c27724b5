"""The hierarchical relapse-rate model: its rates, its law of counts, likelihood and simulation, in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from nmo_stats.arguments import instance, one_of
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import CohortError, Problem
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Priors

Likelihood = Literal["poisson", "negative_binomial"]
Entry = Literal["relapse_on_reference"]

# Reference, comparator: swapping the periods inverts the ratio exactly.
CONTRAST: Final = np.array([-0.5, 0.5])
CONTRAST.flags.writeable = False
_LARGEST_LOG: Final = 650.0
_LARGEST_MEAN: Final = 1e12  # draws of a very wide prior stop here, so that their sums fit into 64 bits


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

    Raises
    ------
    ArgumentError
        If a choice is unknown or of another kind.
    CohortError
        If ``entry`` is given and a patient has no relapse on the reference.
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
    """Return log rate_ij, shape (..., n, 2), from top-level draws and effects of shape (..., n)."""
    location = top["log_rate"][..., None] + top["sd_rate"][..., None] * u
    ratio = top["log_rate_ratio"][..., None] + top["sd_rate_ratio"][..., None] * v
    return np.asarray(location[..., None] + CONTRAST * ratio[..., None])


def natural_scale(log_values: Floats) -> Floats:
    """Return rates or ratios from their logarithms, kept finite under very wide priors."""
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
    mean, shape = _means(model, log_rate, overdispersion)
    values = log_probability(model.pair.relapses, mean, shape)
    if model.entry is not None:
        values[..., :1] -= np.log(-np.expm1(log_no_relapse(mean[..., :1], shape)))
    return values


def simulate_relapses(
    model: Model, rng: np.random.Generator, log_rate: Floats, overdispersion: Floats | None
) -> Counts:
    """Draw counts for the patients and times of the model, from log rates of shape (..., n, 2)."""
    mean, shape = _means(model, log_rate, overdispersion)
    drawn = simulate_counts(rng, mean, shape)
    if model.entry is not None:
        drawn[..., :1] = simulate_positive_counts(rng, mean[..., :1], shape)
    return drawn


def _means(model: Model, log_rate: Floats, overdispersion: Floats | None) -> tuple[Floats, Floats | None]:
    """Return the expected counts, shape (..., n, 2), and the overdispersion as it broadcasts against them."""
    shape = None if overdispersion is None else overdispersion[..., None, None]
    return model.pair.years * natural_scale(log_rate), shape


def log_probability(counts: npt.ArrayLike, mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of counts under the Poisson or negative-binomial distribution."""
    counts = np.asarray(counts, dtype=float)
    if overdispersion is None:
        return np.asarray(xlogy(counts, mean) - mean - gammaln(counts + 1))
    size = 1 / overdispersion
    rising = gammaln(counts + size) - gammaln(size) + counts * np.log(overdispersion)
    falling = (counts + size) * np.log1p(overdispersion * mean) + gammaln(counts + 1)
    return np.asarray(rising + xlogy(counts, mean) - falling)


def no_relapse(mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the probability of a count of 0."""
    return np.exp(log_no_relapse(mean, overdispersion))


def simulate_counts(rng: np.random.Generator, mean: Floats, overdispersion: Floats | None) -> Counts:
    """Draw counts with the given means; the overdispersion broadcasts against them."""
    mean = np.minimum(mean, _LARGEST_MEAN)
    if overdispersion is not None:
        size = np.broadcast_to(1 / overdispersion, mean.shape)
        mean = np.minimum(rng.gamma(size, mean / size), _LARGEST_MEAN)
    return np.asarray(rng.poisson(mean), dtype=np.int64)


def simulate_positive_counts(rng: np.random.Generator, mean: Floats, overdispersion: Floats | None) -> Counts:
    """Draw counts given that they are at least 1: the first relapse, then those in the time after it.

    The first relapse comes at the inverse of the survival curve, drawn among those within the period. Given
    its place the counts after it are Poisson, or negative binomial with size 1 / overdispersion + 1. No mean
    is too small for this: at 1e-300 every count is 1.
    """
    chance = -np.expm1(log_no_relapse(mean, overdispersion))
    hazard = -np.log1p(-chance * rng.uniform(size=mean.shape))
    if overdispersion is None:
        return 1 + simulate_counts(rng, np.maximum(mean - hazard, 0), None)
    after = overdispersion / (1 + overdispersion)
    remaining = np.expm1(np.log1p(overdispersion * mean) - overdispersion * hazard) / after
    return 1 + simulate_counts(rng, np.maximum(remaining, 0), after)


def log_no_relapse(mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of a count of 0."""
    return -mean if overdispersion is None else -np.log1p(overdispersion * mean) / overdispersion


def _require_reference_relapses(pair: Comparison) -> None:
    rule = "a relapse of every patient on the reference, with entry='relapse_on_reference'"
    remedy = "use entry=None, or leave out patients who did not enter by a relapse"
    problems = [
        Problem("0", rule, remedy, patient=patient, column="relapses")
        for patient, relapses in zip(pair.patients, pair.relapses[:, 0], strict=True)
        if relapses == 0
    ]
    if problems:
        raise CohortError(problems, f"reference period ({pair.reference})")
