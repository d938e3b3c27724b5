"""A one-dimensional distribution by its characteristic function: a Fourier series on an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from nmo_stats.arrays import Complex, Floats
from nmo_stats.hierarchical.quadrature.legendre import gauss_nodes
from nmo_stats.hierarchical.quadrature.limits import require_room

_STEPS: Final = 60
_START: Final = 25
_MOMENT_NODES: Final = 200


@dataclass(frozen=True, eq=False)
class Marginal:
    """A distribution on an interval, its density a trigonometric polynomial.

    Parameters
    ----------
    low, length
        The interval.
    coefficients
        Characteristic function at 2 pi n / length, n = 1, 2, ..., times exp(-2 pi i n low / length); shape
        (terms,), or (m, terms) for m distributions at once, values then having a last axis of m.
    """

    low: float
    length: float
    coefficients: Complex

    @classmethod
    def of(
        cls, characteristic: Callable[[float, int], Complex], low: float, high: float, narrowest: float
    ) -> Marginal:
        """Build a distribution from its characteristic function.

        Parameters
        ----------
        characteristic
            Function of a frequency k and a count n: E exp(i j k X) for j = 1..n, shape (n,).
        low, high
            Limits outside of which nothing lies.
        narrowest
            Width of the narrowest feature: frequencies above pi / narrowest are left out.
        """
        length = 1.02 * (high - low)
        start = low - 0.01 * (high - low)
        terms = int(np.ceil(length / (2 * narrowest)))
        frequency = 2 * math.pi / length
        turned = powers(np.asarray(-frequency * start), terms)
        return cls(start, length, characteristic(frequency, terms) * turned)

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval."""
        return self.low, self.low + self.length

    def cdf(self, value: Floats) -> Floats:
        """Return P(X <= value); same shape."""
        return self.cdf_and_density(value)[0]

    def density(self, value: Floats) -> Floats:
        """Return the density; same shape."""
        return self.cdf_and_density(value)[1]

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return P(X <= value) and the density, which share their exponentials."""
        position = (np.asarray(value) - self.low) / self.length
        inside = (position >= 0) & (position <= 1)
        position = np.clip(position, 0.0, 1.0)
        turned = powers(-2 * np.pi * position, self.coefficients.shape[-1])
        orders = -2j * np.pi * np.arange(1, self.coefficients.shape[-1] + 1)
        if self.coefficients.ndim == 1:
            below = (turned @ (self.coefficients / orders)).real - (self.coefficients / orders).real.sum()
            height = (turned @ self.coefficients).real
        else:
            below = (self.coefficients / orders * (turned - 1)).real.sum(axis=-1)
            height = (self.coefficients * turned).real.sum(axis=-1)
        density = np.where(inside, np.maximum(1 + 2 * height, 0) / self.length, 0.0)
        return np.asarray(np.clip(position + 2 * below, 0.0, 1.0)), density


def powers(angle: Floats, count: int) -> Complex:
    """Return exp(i n angle) for n = 1..count along a new last axis; much faster than as many exponentials."""
    # complex, and a copy of their real parts in a product
    require_room(3 * np.size(angle) * count)
    repeated = np.repeat(np.exp(1j * angle)[..., None], count, axis=-1)
    return np.asarray(np.cumprod(repeated, axis=-1, out=repeated))


class Distribution(Protocol):
    """A one-dimensional distribution on an interval."""

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval that holds it."""

    def cdf(self, value: Floats) -> Floats:
        """Return P(X <= value); same shape."""

    def density(self, value: Floats) -> Floats:
        """Return the density; same shape."""

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return both."""


@dataclass(frozen=True, eq=False)
class SpreadMarginal:
    """The distribution of a spread ``unit * sinh(|x|)``, from that of x.

    Parameters
    ----------
    x
        Distribution of x, symmetric about 0 if ``reflected``.
    unit
        Of the spread.
    reflected
        Whether x runs over both signs.
    """

    x: Marginal
    unit: float
    reflected: bool

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval that holds it."""
        low, high = self.x.limits
        return (0.0 if self.reflected else self.unit * math.sinh(low)), self.unit * math.sinh(high)

    def cdf(self, value: Floats) -> Floats:
        """Return P(spread <= value); same shape."""
        x = np.arcsinh(np.maximum(value, 0.0) / self.unit)
        return self.x.cdf(x) - self.x.cdf(-x) if self.reflected else self.x.cdf(x)

    def density(self, value: Floats) -> Floats:
        """Return the density; same shape."""
        x = np.arcsinh(np.maximum(value, 0.0) / self.unit)
        both = 2.0 if self.reflected else 1.0
        return both * self.x.density(x) / (self.unit * np.cosh(x))

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return both."""
        return self.cdf(value), self.density(value)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of distributions."""

    parts: tuple[Distribution, ...]
    weights: Floats

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval that holds it."""
        lows, highs = zip(*(part.limits for part in self.parts), strict=True)
        return min(lows), max(highs)

    def cdf(self, value: Floats) -> Floats:
        """Return P(X <= value); same shape."""
        return self._mixed([part.cdf(value) for part in self.parts])

    def density(self, value: Floats) -> Floats:
        """Return the density; same shape."""
        return self._mixed([part.density(value) for part in self.parts])

    def cdf_and_density(self, value: Floats) -> tuple[Floats, Floats]:
        """Return both."""
        pairs = [part.cdf_and_density(value) for part in self.parts]
        return self._mixed([below for below, _ in pairs]), self._mixed([height for _, height in pairs])

    def _mixed(self, values: list[Floats]) -> Floats:
        return np.asarray(np.tensordot(self.weights, np.array(values), axes=1))


def mixture(parts: Sequence[Distribution], weights: Floats) -> Distribution:
    """Return the mixture of distributions; a single one as it is."""
    return parts[0] if len(parts) == 1 else Mixture(tuple(parts), weights)


def quantile(distribution: Distribution, probability: Floats, tolerance: float = 1e-9) -> Floats:
    """Return quantiles of the given probabilities: Newton steps, halving where one would leave the bracket.

    The last step is at most ``tolerance`` times the width of the interval.
    """
    wanted = np.asarray(probability, dtype=float)
    start, end = distribution.limits
    grid = np.linspace(start, end, _START)
    reached = np.maximum.accumulate(distribution.cdf(grid))
    value = np.interp(wanted, reached, grid)
    place = np.clip(np.searchsorted(reached, wanted), 1, _START - 1)
    low, high = grid[place - 1].copy(), grid[place].copy()
    for _ in range(_STEPS):
        below, density = distribution.cdf_and_density(value)
        excess = below - wanted
        low, high = np.where(excess < 0, value, low), np.where(excess < 0, high, value)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = value - excess / density
        moved = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        if np.all(np.abs(moved - value) < tolerance * (end - start)):
            return np.asarray(moved)
        value = moved
    return np.asarray(value)


def mean(distribution: Distribution) -> float:
    """Return the mean by integrating the density."""
    start, end = distribution.limits
    value, weights = gauss_nodes(start, end, _MOMENT_NODES)
    mass = weights * distribution.density(value)
    return float(mass @ value / mass.sum())
