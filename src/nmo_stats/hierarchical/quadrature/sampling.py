"""Independent draws of the top-level parameters from their nodes.

A node is drawn by its mass and moved within the cells around it, which draws from the density interpolated
linearly between the nodes; the draw is then kept with the probability that turns this density into the smooth
one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates, spline_filter

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.marginal import Distribution
from nmo_stats.hierarchical.quadrature.quantities import Solution

_FLOOR: Final = -40.0  # log density, from its maximum, below which nothing is ever drawn
_ROOM: Final = 0.05
_TABLE: Final = 3000


def draw_parameters(solution: Solution, count: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return independent draws of every top-level parameter, each of shape (count,)."""
    if solution.overdispersion is None:
        return _draw_joint(solution.parts[0].joint, count, rng)
    overdispersion = np.sort(_by_inversion(solution.overdispersion, rng.uniform(size=count)))
    # conditional on it the other parameters change slowly: linear interpolation between the parts
    chosen = _nearby_part(solution, overdispersion, rng)
    names = ("log_rate", "sd_rate", "log_rate_ratio", "sd_rate_ratio")
    draws = {name: np.empty(count) for name in names} | {"overdispersion": overdispersion}
    for place, part in enumerate(solution.parts):
        members = np.flatnonzero(chosen == place)
        if members.size:
            found = _draw_joint(part.joint, members.size, rng)
            for name in names:
                draws[name][members] = found[name]
    order = rng.permutation(count)
    return {name: values[order] for name, values in draws.items()}


def _by_inversion(distribution: Distribution, probability: Floats) -> Floats:
    value = np.linspace(*distribution.limits, _TABLE)
    return np.asarray(np.interp(probability, np.maximum.accumulate(distribution.cdf(value)), value))


def _nearby_part(
    solution: Solution, overdispersion: Floats, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return one of the two parts around each overdispersion, the nearer one more often."""
    nodes = np.array([part.overdispersion for part in solution.parts])
    place = np.interp(overdispersion, nodes, np.arange(nodes.size))
    return np.floor(place + rng.uniform(size=place.size)).astype(np.int64)


def _draw_joint(joint: Joint, count: int, rng: np.random.Generator) -> dict[str, Floats]:
    places = _draw_places(joint, count, rng)
    log_rate, sd_rate = _parameters(joint.level, places[0], places[1])
    log_rate_ratio, sd_rate_ratio = _parameters(joint.ratio, places[2], places[3])
    return {
        "log_rate": log_rate,
        "sd_rate": sd_rate,
        "log_rate_ratio": log_rate_ratio,
        "sd_rate_ratio": sd_rate_ratio,
    }


def _draw_places(joint: Joint, count: int, rng: np.random.Generator) -> Floats:
    """Return draws in units of the lattices: rows and columns of the level block, then of the ratio block."""
    shape = (*joint.level.shape, *joint.ratio.shape)
    mass = joint.mass.reshape(shape)
    density = mass / mass.max()
    if joint.level.reflected:
        density[0] *= 2
    if joint.ratio.reflected:
        density[:, :, 0] *= 2
    smooth = spline_filter(np.log(np.maximum(density, np.exp(_FLOOR))), order=3, mode="mirror")
    cumulated = np.cumsum(mass.ravel())
    kept: list[Floats] = []
    bound = None
    while sum(part.shape[1] for part in kept) < count:
        node = np.searchsorted(cumulated, rng.uniform(size=2 * count) * cumulated[-1])
        nodes = np.array(np.unravel_index(np.minimum(node, mass.size - 1), shape), dtype=float)
        places = nodes + rng.triangular(-1, 0, 1, size=nodes.shape)
        inside = _folded(places, joint)
        linear = map_coordinates(density, places, order=1, mode="mirror")
        log_ratio = map_coordinates(smooth, places, order=3, mode="mirror", prefilter=False)
        log_ratio = np.where(inside & (linear > 0), log_ratio - np.log(np.maximum(linear, 1e-300)), -np.inf)
        bound = float(log_ratio.max()) + _ROOM if bound is None else bound
        kept.append(places[:, np.log(rng.uniform(size=log_ratio.size)) < log_ratio - bound])
    return np.concatenate(kept, axis=1)[:, :count]


def _folded(places: Floats, joint: Joint) -> npt.NDArray[np.bool_]:
    """Mirror rows below 0 in place; return which places lie on the lattices."""
    inside = np.ones(places.shape[1], dtype=bool)
    for axis, block in ((0, joint.level), (2, joint.ratio)):
        if block.reflected:
            np.abs(places[axis], out=places[axis])
        for offset, size in enumerate(block.shape):
            inside &= (places[axis + offset] >= 0) & (places[axis + offset] <= size - 1)
    return inside


def _parameters(block: Block, row: Floats, column: Floats) -> tuple[Floats, Floats]:
    x = block.x[0] + row * (block.x[1] - block.x[0])
    z = block.z[0] + column * block.step_z
    centre, width = (
        _between_rows(block, block.centre)(x),
        np.exp(_between_rows(block, np.log(block.width))(x)),
    )
    return np.asarray(centre + width * z), np.asarray(block.unit * np.sinh(x))


def _between_rows(block: Block, values: Floats) -> CubicSpline:
    """Return a smooth function of x through the values of the rows, even where the rows are."""
    if not block.reflected:
        return CubicSpline(block.x, values)
    return CubicSpline(np.concatenate([-block.x[:0:-1], block.x]), np.concatenate([values[:0:-1], values]))
