"""Place the nodes where the posterior is: zoom from the prior until every row is centred and scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import ndtri

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.priors import HalfNormal, Normal
from nmo_stats.hierarchical.quadrature.blocks import Block

_PRIOR_SPREADS: Final = 5.0  # sd of the half-Normal prior of a spread that are looked at first
_FIRST_Z: Final = np.linspace(-5.6, 5.6, 15)
_FIRST_ROWS: Final = 7
_GONE: Final = 1e-8  # density, relative to the largest, at which a lattice ends
_ROOM_OF_SPREAD: Final = 1.2  # of x beyond its lattice: a spread is looked for up to 3.3 times as wide
_NARROWEST: Final = 0.45  # steps: a row whose sd is smaller than this is not resolved yet
_DEGREE: Final = 3
_FEWEST_ROWS: Final = 7
_MOST_ROWS: Final = 90
_SHARES: Final = np.array([0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
_NORMAL_QUANTILES: Final = ndtri(_SHARES)


def first_block(location: Normal, spread: HalfNormal, smallest_spread: float) -> Block:
    """Return a coarse block that spans the prior."""
    unit = min(smallest_spread, spread.sd)
    x = np.linspace(0, np.arcsinh(_PRIOR_SPREADS * spread.sd / unit), _FIRST_ROWS)
    rows = np.ones(_FIRST_ROWS)
    return Block(unit, x, _FIRST_Z, location.mean * rows, location.sd * rows)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a block's nodes fit its posterior.

    Parameters
    ----------
    off_centre
        Largest distance of a row's mean from its centre, in widths.
    narrowest, widest
        Smallest and largest sd of a row, in widths.
    """

    off_centre: float
    narrowest: float
    widest: float

    @property
    def good(self) -> bool:
        """Whether the nodes can stay."""
        return self.off_centre < 0.7 and self.narrowest > 0.7 and self.widest < 1.4


def row_fit(block: Block, mass: Floats) -> Fit:
    """Judge a block by its posterior mass, shape (kx, kz); rows that hold next to nothing do not count."""
    mean, sd, share = _row_moments(block, mass)
    counted = share > 1e-4
    return Fit(float(np.abs(mean[counted]).max()), float(sd[counted].min()), float(sd[counted].max()))


def moved(block: Block, mass: Floats, step_x: float, step_z: float) -> Block:
    """Return a block centred and scaled on the posterior mass found with the present one.

    Parameters
    ----------
    block, mass
        Present nodes and their posterior mass, shape (kx, kz).
    step_x
        Step of x in the new block, in units of the posterior's steeper flank.
    step_z
        Step of z in the new block.
    """
    x = _moved_rows(block, mass, step_x)
    centre, width = _smooth_rows(block, mass, x)
    low, high = _z_limits(block, mass)
    return replace(block, x=x, z=_lattice(low, high, step_z), centre=centre, width=width)


def _row_moments(block: Block, mass: Floats) -> tuple[Floats, Floats, Floats]:
    share = mass.sum(axis=1)
    weights = mass / np.maximum(share, 1e-300)[:, None]
    mean = weights @ block.z
    variance = weights @ block.z**2 - mean**2
    return mean, np.sqrt(np.maximum(variance, 0)), share


def _smooth_rows(block: Block, mass: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return centre and width at x: polynomials in x^2, since the posterior is even in x."""
    mean, sd, share = _row_moments(block, mass)
    step = block.z[1] - block.z[0]
    known = share > 1e-14
    centre = block.centre[known] + block.width[known] * mean[known]
    width = block.width[known] * np.maximum(sd[known], _NARROWEST * step)
    degree = min(_DEGREE, int(known.sum()) - 1)
    weight = np.sqrt(share[known]) + 1e-3
    inside = np.clip(x, block.x[known][0], block.x[known][-1])
    fitted = np.polynomial.Polynomial.fit
    log_width = fitted(block.x[known] ** 2, np.log(width), degree, w=weight)(inside**2)
    log_width = np.clip(log_width, np.log(width).min(), np.log(width).max())
    centres = fitted(block.x[known] ** 2, centre, degree, w=weight)(inside**2)
    return np.clip(centres, centre.min(), centre.max()), np.exp(log_width)


def _moved_rows(block: Block, mass: Floats, step: float) -> Floats:
    """Return rows over the x that hold the posterior; they start at 0 unless 0 holds nothing."""
    density = mass.sum(axis=1)
    if block.reflected:
        density[0] *= 2
    low, high = _limits(block.x, density, _GONE * density.max(), _ROOM_OF_SPREAD)
    low = 0.0 if low <= 0.1 * (high - low) else low
    rows = math.ceil((high - low) / (step * _flank(block, density))) + 1
    return np.linspace(low, high, min(max(rows, _FEWEST_ROWS), _MOST_ROWS))


def _flank(block: Block, density: Floats) -> float:
    """Return the sd of the Normal that falls as fast as the steepest part of a density of x."""
    cells = np.diff(block.x) * (density[1:] + density[:-1]) / 2
    cumulated = np.concatenate([[0.0], np.cumsum(cells)]) / cells.sum()
    quantiles = np.interp(_SHARES, cumulated, block.x)
    steep = np.diff(quantiles) / np.diff(_NORMAL_QUANTILES)
    # from the middle outwards; below a reflected density there is no tail
    return float(steep[3:].min() if block.reflected else steep.min())


def _z_limits(block: Block, mass: Floats) -> tuple[float, float]:
    """Return limits for z once the rows are centred and scaled."""
    mean, sd, _ = _row_moments(block, mass)
    counted = mass.max(axis=1) > _GONE * mass.max()
    scale = np.maximum(sd, _NARROWEST * (block.z[1] - block.z[0]))[counted]
    gone = _GONE * mass.max()
    low, high = np.array([_limits(block.z, row, gone) for row in mass[counted]]).T
    lowest = ((low - mean[counted]) / scale).min()
    highest = ((high - mean[counted]) / scale).max()
    return max(float(lowest), -12.0), min(float(highest), 12.0)


def _limits(
    lattice: Floats, density: Floats, gone: float, most_room: float = math.inf
) -> tuple[float, float]:
    """Return the range that holds a density; beyond the lattice where it has not gone at an end."""
    inside = np.flatnonzero(density > gone)
    first, last = inside[0] - 1, inside[-1] + 1
    room = min(0.3 * (lattice[-1] - lattice[0]), most_room)
    low = lattice[first] if first >= 0 else lattice[0] - room
    high = lattice[last] if last < lattice.size else lattice[-1] + room
    return float(low), float(high)


def _lattice(low: float, high: float, step: float) -> Floats:
    return np.asarray(step * np.arange(np.floor(low / step), np.ceil(high / step) + 1))


def population_reach(block: Block, mass: Floats, beyond: float = 1e-8) -> tuple[float, float]:
    """Return a range outside of which each node has a probability of at most ``beyond``, mass included."""
    location, spread = block.flat()
    weight = mass.ravel()
    used = weight > beyond
    reach = -spread[used] * ndtri(np.minimum(beyond / weight[used], 0.5))
    return float((location[used] - reach).min()), float((location[used] + reach).max())
