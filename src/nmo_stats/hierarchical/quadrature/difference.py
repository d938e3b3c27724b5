"""The difference of a typical patient's two rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Complex, Floats
from nmo_stats.hierarchical.model import natural_scale
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.marginal import Distribution, Marginal, mixture
from nmo_stats.hierarchical.quadrature.solution import Part, wave

_NEGLIGIBLE: Final = 1e-8


@dataclass(frozen=True, eq=False)
class Difference:
    """The distribution of asinh(d), d = exp(level - ratio / 2) - exp(level + ratio / 2).

    That is d = -2 exp(level) sinh(ratio / 2).

    At each level d falls with the log ratio, so that its distribution is that of the log ratio, averaged over
    levels. The inverse hyperbolic sine keeps the far tails of d on one scale with its middle.

    Parameters
    ----------
    level, weight
        Nodes of the log rate and their probabilities, shape (m,).
    ratio
        The log ratio at each of them: m distributions on one interval.
    limits
        The interval that holds asinh(d).
    """

    level: Floats
    weight: Floats
    ratio: Marginal
    limits: tuple[float, float]

    def cdf(self, value: Floats) -> Floats:
        """Return P(asinh(d) <= value); same shape."""
        return self.cdf_and_density(value)[0]

    def density(self, value: Floats) -> Floats:
        """Return the density of asinh(d); same shape."""
        return self.cdf_and_density(value)[1]

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return both."""
        ratio = self._ratio(value)
        below, density = self.ratio.cdf_and_density(ratio)
        slope = np.cosh(value)[..., None] / (natural_scale(self.level) * np.cosh(ratio / 2))
        return np.asarray(1 - below @ self.weight), np.asarray((density * slope) @ self.weight)

    def _ratio(self, value: Floats) -> Floats:
        difference = np.sinh(np.asarray(value))[..., None]
        return np.asarray(-2 * np.arcsinh(difference / 2 * np.exp(-self.level)))


def typical_difference(parts: tuple[Part, ...]) -> Distribution:
    """Return the distribution of asinh(reference rate - comparator rate) of a typical patient, per year."""
    return mixture([_difference(part.joint) for part in parts], np.array([part.weight for part in parts]))


def _difference(joint: Joint) -> Difference:
    block = joint.ratio
    level, _ = joint.level.flat()
    weight = joint.mass.sum(axis=1)
    used = weight > _NEGLIGIBLE
    given_level = joint.mass[used] / weight[used, None]
    low, high = float(block.location.min()), float(block.location.max())

    def characteristic(frequency: float, count: int) -> Complex:
        waves = wave(block, frequency, count, new_patient=False)
        return np.asarray(given_level @ waves.real + 1j * (given_level @ waves.imag))

    ratio = Marginal.of(characteristic, low, high, float(block.width.min() * block.step_z))
    # asinh(2 exp(a) sinh(b)) is at most a + b + log 2, or log 2 + ... where that is small
    largest = max(float(level[used].max()), 0.0) + max(abs(low), abs(high)) / 2 + 1
    return Difference(level[used], weight[used] / weight[used].sum(), ratio, (-largest, largest))
