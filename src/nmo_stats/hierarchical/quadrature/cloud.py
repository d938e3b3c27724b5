"""Where the posterior of many patients lies: a Normal distribution of the four top-level parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Floats

_WIDER: Final = 1.4
_DENSE: Final = 0.6  # 0.25 would fill it evenly
_TOUCHING: Final = 2.5  # a spread whose mean is below so many sd is taken to reach 0
_HALF: Final = 0.75  # a spread that reaches 0 falls off faster than its second moment alone would say
FARTHEST: Final = 5.5  # sd from its centre up to which a polynomial is believed


@dataclass(frozen=True, eq=False)
class Cloud:
    """A Normal distribution of (log_rate, sd_rate, log_rate_ratio, sd_rate_ratio), spreads of either sign.

    Parameters
    ----------
    centre, factor
        Mean and Cholesky factor of the covariance, shapes (4,) and (4, 4). A spread that reaches 0 is centred
        there.
    """

    centre: Floats
    factor: Floats

    @classmethod
    def of(cls, points: Floats, weights: Floats) -> Cloud:
        """Match the moments of weighted points, shapes (m, 4) and (m,)."""
        centre = weights @ points
        covariance = ((points - centre).T * weights) @ (points - centre)
        for place in (1, 3):
            sd = np.sqrt(covariance[place, place])
            if centre[place] < _TOUCHING * sd:
                covariance[place], covariance[:, place] = 0.0, 0.0
                covariance[place, place] = (sd**2 + centre[place] ** 2) * _HALF**2
                centre[place] = 0.0
        tiny = np.diag(1e-12 + 1e-9 * np.diag(covariance))
        return cls(centre, np.asarray(np.linalg.cholesky(covariance + tiny), dtype=float))

    @property
    def sd(self) -> Floats:
        """Standard deviations, shape (4,)."""
        return np.asarray(np.linalg.norm(self.factor, axis=1))

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return points of a wider distribution, spreads positive, and its log density up to a constant."""
        standard = rng.normal(size=(count, 4))
        points = self.centre + _WIDER * standard @ self.factor.T
        points[:, 1::2] = np.abs(points[:, 1::2])
        return points, -0.5 * (standard**2).sum(axis=1)

    def fill(self, count: int, rng: np.random.Generator) -> Floats:
        """Return points that fill the region in which a polynomial is believed, its middle more densely."""
        direction = rng.normal(size=(count, 4))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        radius = FARTHEST * rng.uniform(size=(count, 1)) ** _DENSE
        points = self.centre + radius * direction @ self.factor.T
        points[:, 1::2] = np.abs(points[:, 1::2])
        return points

    def standard(self, points: Floats) -> Floats:
        """Return points in units of the distribution, shape (m, 4)."""
        return np.asarray(np.linalg.solve(self.factor, (points - self.centre).T).T)
