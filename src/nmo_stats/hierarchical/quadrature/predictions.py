"""Relapses in a time ahead, from the distribution of a log rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import betainc, pdtr

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import natural_scale
from nmo_stats.hierarchical.quadrature.legendre import gauss_nodes
from nmo_stats.hierarchical.quadrature.marginal import Distribution, quantile

_NODES: Final = 200
_LARGEST_COUNT: Final = 2**50


@dataclass(frozen=True, eq=False)
class Ahead:
    """What is known of a rate: its distribution at each overdispersion.

    Parameters
    ----------
    log_rates
        Distributions of the log rate per year.
    overdispersions
        None for Poisson.
    weights
        Probabilities of the overdispersions.
    years
        Length of the time ahead.
    """

    log_rates: Sequence[Distribution]
    overdispersions: Sequence[float | None]
    weights: Floats
    years: float

    def relapses_at_most(self, count: int) -> float:
        """Return P(relapses <= count)."""
        total = 0.0
        parts = zip(self._nodes, self.overdispersions, self.weights, strict=True)
        for (value, mass), overdispersion, weight in parts:
            mean = self.years * natural_scale(value)
            total += float(weight * (mass @ _at_most(count, mean, overdispersion)))
        return total

    def relapses(self, probability: float) -> int:
        """Return the smallest count with P(relapses <= count) >= probability."""
        low, high = -1, 1
        while self.relapses_at_most(high) < probability and high < _LARGEST_COUNT:
            low, high = high, 4 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.relapses_at_most(middle) >= probability else (middle, high)
        return high

    def relapse_free_at_most(self, chance: float) -> float:
        """Return P(chance of no relapse <= chance)."""
        total = 0.0
        for log_rate, overdispersion, weight in zip(
            self.log_rates, self.overdispersions, self.weights, strict=True
        ):
            log_mean = np.asarray(np.log(_mean_of(chance, overdispersion) / self.years))
            total += float(weight * (1 - log_rate.cdf(log_mean)))
        return total

    def relapse_free(self, probability: float) -> float:
        """Return a quantile of the chance of no relapse."""
        if self.overdispersions[0] is None:  # falls with the rate, so its quantiles are those of the rate
            highest = quantile(self.log_rates[0], np.asarray(1 - probability))
            return float(np.exp(-self.years * natural_scale(highest)))
        low, high = -60.0, 60.0  # on the complementary log-log scale
        while high - low > 1e-9:
            middle = (low + high) / 2
            chance = max(math.exp(-math.exp(middle)), 1e-300)
            above = self.relapse_free_at_most(chance) > probability
            low, high = (middle, high) if above else (low, middle)
        return math.exp(-math.exp((low + high) / 2))

    @cached_property
    def _nodes(self) -> list[tuple[Floats, Floats]]:
        return [_nodes(log_rate) for log_rate in self.log_rates]


def _nodes(log_rate: Distribution) -> tuple[Floats, Floats]:
    low, high = quantile(log_rate, np.array([1e-7, 1 - 1e-7]))
    value, weight = gauss_nodes(float(low), float(high), _NODES)
    mass = weight * log_rate.density(value)
    return value, mass / mass.sum()


def _at_most(count: int, mean: Floats, overdispersion: float | None) -> Floats:
    if overdispersion is None:
        return np.asarray(pdtr(count, mean))
    share = 1 / (1 + overdispersion * mean)
    return np.asarray(betainc(1 / overdispersion, count + 1, share))


def _mean_of(chance: float, overdispersion: float | None) -> float:
    """Return the mean at which the probability of no relapse is ``chance``."""
    if overdispersion is None:
        return max(-math.log(chance), 1e-300)
    exponent = min(-overdispersion * math.log(chance), 700.0)
    return max(math.expm1(exponent) / overdispersion, 1e-300)
