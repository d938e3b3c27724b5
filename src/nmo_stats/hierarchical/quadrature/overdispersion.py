"""The overdispersion of the negative binomial: its nodes, and its distribution from the evidence at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Legendre

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.priors import HalfNormal
from nmo_stats.hierarchical.quadrature.legendre import gauss_nodes

_INNER = 120
_GONE = 1e-9


@dataclass(frozen=True, eq=False)
class Overdispersion:
    """The posterior of the overdispersion.

    Parameters
    ----------
    prior
        Its prior.
    log_evidence
        Polynomial through the log marginal likelihoods at the nodes.
    largest
        Upper end of the nodes; the lower one is 0.
    log_total
        Log of the marginal likelihood with the overdispersion integrated out.
    """

    prior: HalfNormal
    log_evidence: Legendre
    largest: float
    log_total: float

    @classmethod
    def of(
        cls, prior: HalfNormal, nodes: Floats, log_evidence: Sequence[float], largest: float
    ) -> Overdispersion:
        """Interpolate the log evidence between the nodes."""
        polynomial = Legendre.fit(nodes, np.asarray(log_evidence), len(nodes) - 1, domain=[0.0, largest])
        value, weight = gauss_nodes(0.0, largest, _INNER)
        log_mass = polynomial(value) + prior.log_density(value) + np.log(weight)
        log_total = float(np.logaddexp.reduce(log_mass))
        return cls(prior, polynomial, largest, log_total)

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval that holds it."""
        return 0.0, self.largest

    def density(self, value: Floats) -> Floats:
        """Return the density; same shape."""
        value = np.asarray(value, dtype=float)
        inside = (value >= 0) & (value <= self.largest)
        log_density = self.log_evidence(np.clip(value, 0.0, self.largest)) - self.log_total
        return np.where(inside, np.exp(log_density + self.prior.log_density(value)), 0.0)

    def cdf(self, value: Floats) -> Floats:
        """Return P(overdispersion <= value); same shape."""
        value = np.clip(value, 0.0, self.largest)
        position, weight = gauss_nodes(0.0, 1.0, _INNER)
        inner = self.density(value[..., None] * position)
        return np.asarray(np.clip((inner * weight).sum(axis=-1) * value, 0.0, 1.0))

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return both."""
        return self.cdf(value), self.density(value)

    def mean_and_variance(self) -> tuple[float, float]:
        """Return mean and variance."""
        value, weight = gauss_nodes(0.0, self.largest, _INNER)
        mass = weight * self.density(value)
        mean = float(mass @ value)
        return mean, float(mass @ (value - mean) ** 2)

    def reach(self) -> float:
        """Return the value above which next to nothing lies."""
        value = np.linspace(0.0, self.largest, 400)
        density = self.density(value)
        return float(min(self.largest, 1.05 * value[density > _GONE * density.max()][-1]))
