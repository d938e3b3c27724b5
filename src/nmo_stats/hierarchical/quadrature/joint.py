"""The joint posterior of the top-level parameters on its nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.priors import Priors
from nmo_stats.hierarchical.quadrature.adapt import population_reach
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.likelihood import Nodes
from nmo_stats.hierarchical.quadrature.patients import Reach

LogLikelihood = Callable[[Nodes, Nodes], Floats]
_RIDGE: Final = 1.25
_NARROWEST_RIDGE: Final = 0.15


@dataclass(frozen=True, eq=False)
class Joint:
    """Posterior mass of every pair of nodes.

    Parameters
    ----------
    level, ratio
        Nodes of (log_rate, sd_rate) and of (log_rate_ratio, sd_rate_ratio).
    mass
        Sums to 1, shape (nodes of level, nodes of ratio).
    log_evidence
        Log of the marginal likelihood.
    """

    level: Block
    ratio: Block
    mass: Floats
    log_evidence: float

    @cached_property
    def level_mass(self) -> Floats:
        """Mass of the level nodes, shape (kx, kz)."""
        return np.asarray(self.mass.sum(axis=1).reshape(self.level.shape))

    @cached_property
    def ratio_mass(self) -> Floats:
        """Mass of the ratio nodes, shape (kx, kz)."""
        return np.asarray(self.mass.sum(axis=0).reshape(self.ratio.shape))

    def ridge(self) -> float:
        """Return the factor by which steps shrink where the two locations are correlated."""
        level, ratio = (np.tile(block.z, block.x.size) for block in (self.level, self.ratio))
        by_level, by_ratio = self.level_mass.ravel(), self.ratio_mass.ravel()
        covariance = level @ self.mass @ ratio - (by_level @ level) * (by_ratio @ ratio)
        squares = (by_level @ level**2 - (by_level @ level) ** 2) * (
            by_ratio @ ratio**2 - (by_ratio @ ratio) ** 2
        )
        unexplained = 1 - covariance**2 / squares if squares > 0 else 1.0
        return float(np.clip(_RIDGE * np.sqrt(max(unexplained, 0.0)), _NARROWEST_RIDGE, 1.0))

    def reach(self) -> Reach:
        """Return where patients' levels and log ratios can lie."""
        return Reach(
            population_reach(self.level, self.level_mass), population_reach(self.ratio, self.ratio_mass)
        )


def joint_posterior(log_likelihood: LogLikelihood, priors: Priors, level: Block, ratio: Block) -> Joint:
    """Return the posterior on the nodes of two blocks, from the log likelihood at each pair of nodes."""
    log_mass = log_likelihood(level.flat(), ratio.flat())
    log_mass += level.log_weight(priors.log_rate, priors.sd_rate).reshape(-1, 1)
    log_mass += ratio.log_weight(priors.log_rate_ratio, priors.sd_rate_ratio).ravel()
    largest = float(log_mass.max())
    log_mass -= largest
    mass = np.exp(log_mass, out=log_mass)
    total = float(mass.sum())
    mass /= total
    return Joint(level, ratio, mass, largest + float(np.log(total)))
