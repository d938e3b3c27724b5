"""Relapse counts under the Poisson and the negative-binomial distribution (variance mean + overdispersion mean^2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def log_probability(counts: npt.ArrayLike, mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of counts under the Poisson or negative-binomial distribution."""
    counts = np.asarray(counts, dtype=float)
    if overdispersion is None:
        return np.asarray(xlogy(counts, mean) - mean - gammaln(counts + 1))
    size = 1 / overdispersion
    rising = gammaln(counts + size) - gammaln(size) + counts * np.log(overdispersion)
    return np.asarray(rising + xlogy(counts, mean) - (counts + size) * np.log1p(overdispersion * mean) - gammaln(counts + 1))


def no_relapse(mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the probability of a count of 0."""
    return np.exp(log_no_relapse(mean, overdispersion))


def simulate_counts(rng: np.random.Generator, mean: Floats, overdispersion: Floats | None) -> Counts:
    """Draw counts with the given means; the overdispersion broadcasts against them."""
    if overdispersion is not None:
        size = np.broadcast_to(1 / overdispersion, mean.shape)
        mean = rng.gamma(size, mean / size)
    return np.asarray(rng.poisson(np.minimum(mean, 1e15)), dtype=np.int64)


def simulate_positive_counts(rng: np.random.Generator, mean: Floats, overdispersion: Floats | None) -> Counts:
    """Draw counts given that they are at least 1, by inversion above the probability of 0."""
    from scipy.stats import nbinom
    from scipy.stats import poisson as poisson_distribution

    none = no_relapse(mean, overdispersion)
    place = none + (1 - none) * rng.uniform(size=mean.shape)
    if overdispersion is None:
        drawn = poisson_distribution.ppf(place, mean)
    else:
        drawn = nbinom.ppf(place, 1 / overdispersion, 1 / (1 + overdispersion * mean))
    return np.maximum(np.nan_to_num(drawn, nan=1.0), 1).astype(np.int64)


def log_no_relapse(mean: Floats, overdispersion: Floats | None) -> Floats:
    """Return the log probability of a count of 0."""
    return -mean if overdispersion is None else -np.log1p(overdispersion * mean) / overdispersion
