"""Nodes for a location and its spread: (log_rate, sd_rate) or (log_rate_ratio, sd_rate_ratio).

The spread is s = unit * sinh(x) with x on an even lattice from 0 or above, fine near 0 and coarse far from
it. At each spread the location is m(x) + w(x) z with z on an even lattice: its own centre and width there.
The posterior is smooth in (z, x), symmetric about x = 0, and gone at the other ends, so that plain sums over
the nodes are spectrally accurate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.priors import HalfNormal, Normal


@dataclass(frozen=True, eq=False)
class Block:
    """Nodes (x, z), their values on the scale of the parameters, and their weights.

    Parameters
    ----------
    unit
        The spread below which x is linear in it.
    x, z
        Even lattices, shapes (kx,) and (kz,); x[0] is 0 if the spread can vanish.
    centre, width
        Of the location at each x, shape (kx,).
    """

    unit: float
    x: Floats
    z: Floats
    centre: Floats
    width: Floats

    @property
    def spread(self) -> Floats:
        """Spreads of the rows, shape (kx,)."""
        return np.asarray(self.unit * np.sinh(self.x))

    @property
    def location(self) -> Floats:
        """Locations of the nodes, shape (kx, kz)."""
        return np.asarray(self.centre[:, None] + self.width[:, None] * self.z)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of nodes in each."""
        return self.x.size, self.z.size

    @property
    def step_z(self) -> float:
        """Step of z."""
        return float(self.z[1] - self.z[0])

    @property
    def reflected(self) -> bool:
        """Whether the lattice of x goes on, mirrored, below 0."""
        return bool(self.x[0] == 0)

    def flat(self) -> tuple[Floats, Floats]:
        """Return location and spread of every node, shape (kx * kz,)."""
        return self.location.ravel(), np.repeat(self.spread, self.z.size)

    def log_weight(self, location: Normal, spread: HalfNormal) -> Floats:
        """Return log(prior density * volume of the cell) of every node, shape (kx, kz)."""
        rows = spread.log_density(self.spread) + np.log(
            self.unit * np.cosh(self.x) * (self.x[1] - self.x[0]) * self.width
        )
        if self.reflected:
            rows[0] -= np.log(2.0)
        return np.asarray(location.log_density(self.location) + rows[:, None] + np.log(self.step_z))
