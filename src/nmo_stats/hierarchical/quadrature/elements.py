"""Weights that integrate a function known on an even lattice against any Normal density."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import ndtr

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.quadrature.limits import require_room

_WIDE: Final = 1.0  # sd in lattice steps from which the trapezoidal rule is exact to rounding
_FAR: Final = 9.0  # in sd (or cells): further away a Normal density is 0 to rounding
_SMALLEST_SD: Final = 1e-9
_AT_ONCE: Final = 2_000_000  # weights; those that are interpolated take some twenty numbers each on the way

_POINTS: Final = np.arange(-2, 4)  # of the interpolating polynomial, in cells from the left end of the cell


def _lagrange_coefficients() -> Floats:
    """Return the coefficients of x^0..x^5 of the Lagrange polynomials, one row for each of the six points."""
    rows = []
    for place, point in enumerate(_POINTS):
        others = np.delete(_POINTS, place)
        rows.append(np.polynomial.polynomial.polyfromroots(others) / np.prod(point - others))
    return np.array(rows)


_LAGRANGE: Final = _lagrange_coefficients()


def normal_weights(lattice: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return w with ``w @ f(lattice)`` close to the expectation of f under each Normal(mean, sd).

    Where the density is wide against the lattice it is sampled (the trapezoidal rule, spectrally accurate);
    where it is narrow, down to a point mass, the polynomial through the six nearest points is integrated
    exactly. Beyond the ends f is constant.

    Parameters
    ----------
    lattice
        Even lattice, shape (k,), k >= 2.
    mean, sd
        Shape (m,); sd may be 0.

    Returns
    -------
    numpy.ndarray
        Shape (m, k). The rows sum to 1.

    Examples
    --------
    >>> lattice = np.linspace(-8.0, 8.0, 33)
    >>> weights = normal_weights(lattice, np.array([0.3, 0.3]), np.array([1.0, 0.01]))
    >>> (weights @ lattice**2).round(6)
    array([1.09  , 0.0901])
    """
    require_room(mean.size * lattice.size)
    weights = np.empty((mean.size, lattice.size))
    rows = max(1, _AT_ONCE // lattice.size)
    for first in range(0, mean.size, rows):
        block = slice(first, first + rows)
        weights[block] = _block_of_weights(lattice, mean[block], sd[block])
    return weights


def _block_of_weights(lattice: Floats, mean: Floats, sd: Floats) -> Floats:
    step = lattice[1] - lattice[0]
    wide = sd >= _WIDE * step
    weights = np.empty((mean.size, lattice.size))
    weights[wide] = _sampled(lattice, step, mean[wide, None], sd[wide, None])
    weights[~wide] = _interpolated(lattice, step, mean[~wide, None], sd[~wide, None])
    return weights


def _sampled(lattice: Floats, step: float, mean: Floats, sd: Floats) -> Floats:
    z = (lattice - mean) / sd
    weights = np.exp(-0.5 * z * z)
    weights *= step / (math.sqrt(2 * math.pi) * sd)
    # What is missing to 1 lies beyond the ends.
    below, above = ndtr(z[:, 0] - 0.5 * step / sd[:, 0]), ndtr(-z[:, -1] - 0.5 * step / sd[:, 0])
    weights[:, 0] += below
    weights[:, -1] += above
    return np.asarray(weights)


def _interpolated(lattice: Floats, step: float, mean: Floats, sd: Floats) -> Floats:
    sd = np.maximum(sd, _SMALLEST_SD * step)
    z = (lattice - mean) / sd
    moments = _cell_moments(z, (mean - lattice[:-1]) / step, sd / step)
    cells = lattice.size - 1
    # the lattice with room for points beyond its ends
    padded = np.zeros((mean.size, cells + _POINTS.size - 1))
    for place, weights in enumerate(np.tensordot(_LAGRANGE, moments, axes=1)):
        padded[:, place : place + cells] += weights
    before, after = -_POINTS[0], _POINTS[-1] - 1
    inside = padded[:, before:-after].copy()
    inside[:, 0] += padded[:, :before].sum(axis=1) + ndtr(z[:, 0])
    inside[:, -1] += padded[:, -after:].sum(axis=1) + ndtr(-z[:, -1])
    return inside


def _cell_moments(z: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return the integrals of x^p times the density over each cell, p = 0..5, x from 0 to 1."""
    density = np.exp(-0.5 * np.minimum(z * z, 1400.0)) / math.sqrt(2 * math.pi)
    right, left = sd * density[:, 1:], sd * density[:, :-1]
    moments = [np.diff(ndtr(z), axis=1)]
    moments.append(mean * moments[0] + left - right)
    for power in range(2, _POINTS.size):
        moments.append(mean * moments[-1] + (power - 1) * sd * sd * moments[-2] - right)
    near = np.abs(mean - 0.5) < 0.5 + _FAR * np.maximum(sd, 0.1)
    return np.where(near, np.stack(moments), 0.0)
