"""Relapse counts under the Poisson and the negative-binomial distribution (variance mean + overdispersion mean^2)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from nmo_stats.arrays import Counts, Floats

_LARGEST_MEAN: Final = 1e12  # draws of a very wide prior stop here, so that their sums fit into 64 bits


def log_probability(counts: npt.ArrayLike, mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of counts under the Poisson or negative-binomial distribution."""
    counts = np.asarray(counts, dtype=float)
    if overdispersion is None:
        return np.asarray(xlogy(counts, mean) - mean - gammaln(counts + 1))
    size = 1 / overdispersion
    rising = gammaln(counts + size) - gammaln(size) + counts * np.log(overdispersion)
    return np.asarray(
        rising + xlogy(counts, mean) - (counts + size) * np.log1p(overdispersion * mean) - gammaln(counts + 1)
    )


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

    The first relapse comes at the inverse of the survival curve, drawn among those within the period. Given its
    place the counts after it are Poisson, or negative binomial with size 1 / overdispersion + 1. No mean is too
    small for this: at 1e-300 every count is 1.
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
