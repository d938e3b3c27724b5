"""A product grid of the four parameters that serves many cohorts, and patients' likelihoods on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.arrays import Counts, Floats, Singles
from nmo_stats.hierarchical.priors import HalfNormal, Normal, Priors
from nmo_stats.hierarchical.quadrature.adapt import population_reach
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.elements import normal_weights
from nmo_stats.hierarchical.quadrature.patients import Patients, Reach, Table, tables

_FIRST_Z: Final = np.linspace(-4.5, 4.5, 14)
_FIRST_ROWS: Final = 6
_PRIOR_SPREADS: Final = 4.0
_GONE: Final = 1e-5  # density, relative to the largest, at which a lattice ends
_BEYOND: Final = 1e-6
_NARROW: Final = 0.1  # share of cohorts that may be narrower than the one that sets the step
_NARROWEST: Final = 0.35  # steps: a narrower posterior is not resolved yet, and taken for this wide
_FEWEST: Final = 6
_MOST: Final = (20, 60)  # rows of a spread, places of a location
_ROUNDS: Final = 8
_SETTLED: Final = 0.2
_WORKERS: Final = min(4, os.cpu_count() or 1)
_SMALLEST: Final = np.float32(1e-37)


@dataclass(frozen=True, slots=True)
class Steps:
    """How fine the grid is.

    Parameters
    ----------
    location, spread
        Steps in posterior standard deviations of a narrow cohort.
    fineness
        Step of a patient's lattice in widths of the patient's likelihood.
    resolved
        A posterior narrower than so many steps is solved on another grid.
    """

    location: float
    spread: float
    fineness: float
    resolved: float


COARSE: Final = Steps(1.1, 1.2, 0.8, 0.6)  # medians within about 0.02 posterior sd
FINE: Final = Steps(0.9, 0.9, 0.7, 0.6)  # 95 % limits too where cohorts are alike
FINEST: Final = Steps(
    0.7, 0.9, 0.7, 1.1
)  # 95 % limits of all cohorts, however different, and 99 % limits within 0.05


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of (log_rate, sd_rate) and (log_rate_ratio, sd_rate_ratio), and the range of patients' values."""

    level: Block
    ratio: Block
    reach: Reach
    steps: Steps

    @property
    def shape(self) -> tuple[int, int]:
        """Number of nodes of the two blocks."""
        return self.level.location.size, self.ratio.location.size

    def log_weight(self, priors: Priors) -> Singles:
        """Return the log prior mass of every pair of nodes."""
        of_level = self.level.log_weight(priors.log_rate, priors.sd_rate)
        of_ratio = self.ratio.log_weight(priors.log_rate_ratio, priors.sd_rate_ratio)
        return (of_level.reshape(-1, 1) + of_ratio.ravel()).astype(np.float32)


def log_likelihoods(patients: Patients, grid: Grid) -> Singles:
    """Return each patient's log likelihood up to a constant, shape (patients, *grid.shape)."""
    found = np.empty((len(patients), *grid.shape), dtype=np.float32)

    def fill(compute: Callable[[], Table]) -> None:
        table = compute()
        over_level = normal_weights(table.level, *grid.level.flat()).astype(np.float32)
        over_ratio = np.ascontiguousarray(normal_weights(table.ratio, *grid.ratio.flat()).T, dtype=np.float32)
        values = over_level @ (table.values.astype(np.float32) @ over_ratio)
        np.maximum(values, _SMALLEST, out=values)
        found[table.places] = np.log(values, out=values)

    with ThreadPoolExecutor(_WORKERS) as workers:  # numpy computes outside of Python's lock
        for _ in workers.map(fill, tables(patients, grid.reach, grid.steps.fineness, None)):
            pass
    return found


def masses(rows: Singles, members: Counts, log_weight: Singles) -> Singles:
    """Return the posterior mass of every pair of nodes; ``members`` has the shape (cohorts, n)."""
    total = rows[members[:, 0]]
    for place in range(1, members.shape[1]):
        total += rows[members[:, place]]
    total += log_weight
    total -= total.max(axis=(1, 2), keepdims=True)
    np.exp(total, out=total)
    total /= total.sum(axis=(1, 2), keepdims=True)
    return total


def placed(priors: Priors, patients: Patients, members: Counts, steps: Steps) -> Grid:
    """Return a grid that resolves the posteriors of a few cohorts, by zooming in from the prior."""
    grid = _first_grid(priors, patients, steps)
    for _ in range(_ROUNDS):
        found = masses(log_likelihoods(patients, grid), members, grid.log_weight(priors))
        moved = _moved(grid, found)
        settled = all(
            abs(np.log((new[1] - new[0]) / (old[1] - old[0]))) < _SETTLED
            for new, old in zip(_lattices(moved), _lattices(grid), strict=True)
        )
        grid = moved
        if settled:
            break
    return grid


def _lattices(grid: Grid) -> Sequence[Floats]:
    return grid.level.x, grid.level.z, grid.ratio.x, grid.ratio.z


def _first_grid(priors: Priors, patients: Patients, steps: Steps) -> Grid:
    smallest = 1 / np.sqrt(patients.relapses.sum() / len(patients) + 1)
    level = _first_block(priors.log_rate, priors.sd_rate, float(smallest))
    ratio = _first_block(priors.log_rate_ratio, priors.sd_rate_ratio, float(2 * smallest))
    room = _PRIOR_SPREADS * priors.sd_rate.sd, _PRIOR_SPREADS * priors.sd_rate_ratio.sd
    reach = Reach(
        (float(level.z[0] - room[0]), float(level.z[-1] + room[0])),
        (float(ratio.z[0] - room[1]), float(ratio.z[-1] + room[1])),
    )
    return Grid(level, ratio, reach, steps)


def _first_block(location: Normal, spread: HalfNormal, smallest: float) -> Block:
    unit = min(smallest, spread.sd)
    x = np.linspace(0, np.arcsinh(_PRIOR_SPREADS * spread.sd / unit), _FIRST_ROWS)
    return _product(unit, x, location.mean + location.sd * _FIRST_Z)


def _product(unit: float, x: Floats, z: Floats) -> Block:
    """Return a block whose rows all have the same locations z."""
    return Block(unit, x, z, np.zeros(x.size), np.ones(x.size))


def _moved(grid: Grid, mass: Singles) -> Grid:
    by_level = mass.sum(axis=2).reshape(len(mass), *grid.level.shape)
    by_ratio = mass.sum(axis=1).reshape(len(mass), *grid.ratio.shape)
    reach = Reach(
        population_reach(grid.level, by_level.mean(axis=0).astype(np.float64), _BEYOND),
        population_reach(grid.ratio, by_ratio.mean(axis=0).astype(np.float64), _BEYOND),
    )
    level, ratio = (
        _product(
            block.unit,
            _lattice(block.x, found.sum(axis=2), grid.steps.spread, is_spread=True),
            _lattice(block.z, found.sum(axis=1), grid.steps.location, is_spread=False),
        )
        for block, found in ((grid.level, by_level), (grid.ratio, by_ratio))
    )
    return replace(grid, level=level, ratio=ratio, reach=reach)


def _lattice(values: Floats, mass: Singles, step: float, *, is_spread: bool) -> Floats:
    """Return an even lattice over the cohorts' posteriors (rows of ``mass``), as fine as they are narrow."""
    old = values[1] - values[0]
    sd = np.quantile(np.maximum(deviations(values, mass), _NARROWEST * old), _NARROW)
    together = mass.mean(axis=0)
    inside = np.flatnonzero(together > _GONE * together.max())
    room = 0.3 * (values[-1] - values[0])
    low = values[inside[0] - 1] if inside[0] > 0 else values[0] - room
    high = values[inside[-1] + 1] if inside[-1] < values.size - 1 else values[-1] + room
    if is_spread and low < 0.1 * high:
        low = 0.0
    places = int(np.ceil((high - low) / (step * sd))) + 1
    return np.linspace(low, high, min(max(places, _FEWEST), _MOST[0 if is_spread else 1]))


def deviations(values: Floats, mass: Singles | Floats) -> Floats:
    """Return the standard deviation of each row of ``mass`` over ``values``."""
    mean = mass @ values
    return np.sqrt(np.maximum(mass @ values**2 - mean**2, 0.0))
