"""Many distributions on one even lattice, their densities interpolated by trigonometric polynomials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nmo_stats.arrays import Complex, Floats

_BISECTIONS: Final = 28


@dataclass(frozen=True, eq=False)
class Series:
    """Distributions as Fourier series on an interval that holds them.

    Parameters
    ----------
    lattice
        Even lattice on which the mass was known, shape (k,).
    coefficients
        Characteristic functions at 2 pi n / length for n = 1, 2, ..., shape (distributions, terms).
    """

    lattice: Floats
    coefficients: Complex

    @classmethod
    def of(cls, lattice: Floats, mass: Floats) -> Series:
        """Build the distributions from their mass on the lattice, shape (distributions, k)."""
        share = mass / mass.sum(axis=1, keepdims=True)
        start, length = _interval(lattice)
        # the lattice knows nothing of frequencies above half its own
        orders = np.arange(1, (lattice.size + 1) // 2 + 1)
        return cls(lattice, share @ np.exp(2j * np.pi / length * np.outer(lattice - start, orders)))

    def __len__(self) -> int:
        return len(self.coefficients)

    def only(self, kept: npt.NDArray[np.bool_]) -> Series:
        """Return some of the distributions."""
        return replace(self, coefficients=self.coefficients[kept])

    def below(self, value: Floats) -> Floats:
        """Return the probability below one value for each distribution, shape (distributions,)."""
        start, length = _interval(self.lattice)
        position = np.clip((value - start) / length, 0.0, 1.0)
        orders = np.arange(1, self.coefficients.shape[1] + 1)
        turned = np.exp(-2j * np.pi * position[:, None] * orders) - 1
        sums = (self.coefficients / (-2j * np.pi * orders) * turned).real.sum(axis=1)
        return np.asarray(np.clip(position + 2 * sums, 0.0, 1.0))

    def quantile(self, probability: float) -> Floats:
        """Return the quantile of one probability for each distribution, shape (distributions,)."""
        start, length = _interval(self.lattice)
        low, high = np.full(len(self), start), np.full(len(self), start + length)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            reached = self.below(middle) >= probability
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return np.asarray((low + high) / 2)


def _interval(lattice: Floats) -> tuple[float, float]:
    """Return start and length of an interval that goes one step beyond the lattice at either end."""
    step = float(lattice[1] - lattice[0])
    return float(lattice[0]) - step, float(lattice[-1] - lattice[0]) + 2 * step
