"""From counts and times of many cohorts to the posterior of the ratio in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np

from nmo_stats.arguments import instance, numbers, one_of, whole_numbers
from nmo_stats.arrays import Counts, Floats
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.hierarchical.many.nodes import COARSE, Grid, Steps, deviations, log_likelihoods, masses, placed
from nmo_stats.hierarchical.many.series import Series
from nmo_stats.hierarchical.model import Entry
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Priors
from nmo_stats.hierarchical.quadrature.patients import Patients
from nmo_stats.names import HIERARCHICAL
from nmo_stats.numerics.threads import one_thread

_MOST_RELAPSES: Final = 1e9  # simulated periods may lie beyond those that are read
_LONGEST_YEARS: Final = 1e12
_PILOTS: Final = 16  # cohorts along each of two orders
_EDGE: Final = 1e-3  # probability at the end of a lattice from which a cohort is solved on another grid
_MOST_GRIDS: Final = 12
_LARGEST_TABLE: Final = 100_000_000  # numbers held at once
_LARGEST_BLOCK: Final = 2_000_000


@dataclass(frozen=True, eq=False)
class RatioPosteriors:
    """The posterior of the typical patient's log rate ratio in each of many cohorts.

    Parameters
    ----------
    groups
        Places of cohorts that share a grid, and their distributions.
    """

    groups: tuple[tuple[Counts, Series], ...]

    def quantile(self, probability: float) -> Floats:
        """Return a quantile of the log ratio in each cohort, shape (cohorts,).

        Parameters
        ----------
        probability
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            One log ratio for each cohort.
        """
        return self._each(lambda series: series.quantile(probability))

    def probability_below(self, log_ratio: float) -> Floats:
        """Return the probability that the log ratio is below a value in each cohort, shape (cohorts,).

        Parameters
        ----------
        log_ratio
            One value for all cohorts.

        Returns
        -------
        numpy.ndarray
            One probability for each cohort.
        """
        return self._each(lambda series: series.below(np.full(len(series), log_ratio)))

    def _each(self, ask: Callable[[Series], Floats]) -> Floats:
        found = np.empty(sum(len(places) for places, _ in self.groups))
        for places, series in self.groups:
            found[places] = ask(series)
        return found


def ratio_posteriors(
    relapses: Counts,
    years: Floats,
    priors: Priors = DEFAULT_PRIORS,
    *,
    entry: Entry | None = None,
    steps: Steps = COARSE,
) -> RatioPosteriors:
    """Integrate the hierarchical Poisson model for many cohorts of the same number of patients.

    Parameters
    ----------
    relapses, years
        Shape (cohorts, n, 2): reference, comparator.
    priors
        Priors of the top-level parameters.
    entry
        ``"relapse_on_reference"`` if every patient was included because of a relapse there.
    steps
        How fine the grid is.

    Returns
    -------
    RatioPosteriors
        In the order of the cohorts.

    Raises
    ------
    ArgumentError
        If the shapes do not fit.
    ConvergenceError
        If some posteriors are neither held nor resolved by any grid.

    Notes
    -----
    Errors are a few hundredths of a posterior standard deviation: enough to describe how an estimator
    behaves, not enough to print the answer of one cohort (:func:`nmo_stats.hierarchical.fit` estimates its
    error).

    Examples
    --------
    >>> years = np.broadcast_to(np.array([[32, 21], [8, 18], [4, 9]]) / 12, (2, 3, 2))
    >>> found = ratio_posteriors(np.array([[[6, 1], [2, 0], [1, 1]], [[1, 4], [0, 1], [1, 0]]]), years)
    >>> np.exp(found.quantile(0.5)).round(1).tolist()
    [0.2, 2.1]
    """
    instance("priors", priors, Priors)
    one_of("entry", entry, (None, *get_args(Entry)))
    instance("steps", steps, Steps)
    relapses = whole_numbers("relapses", relapses, "(cohorts, patients, 2)", _MOST_RELAPSES)
    years = numbers("years", years, "(cohorts, patients, 2)", 1 / _LONGEST_YEARS, _LONGEST_YEARS)
    if not (
        relapses.ndim == 3 and relapses.shape == years.shape and relapses.shape[2] == 2 and relapses.size
    ):
        raise ArgumentError(
            f"relapses {relapses.shape} and years {years.shape}: both have the shape (cohorts, n, 2)"
        )
    table = np.concatenate([relapses, years], axis=2).reshape(-1, 4)
    rows, members = np.unique(table, axis=0, return_inverse=True)
    once = np.ones(len(rows), dtype=np.int64)
    patients = Patients(rows[:, :2].astype(np.int64), rows[:, 2:], once, entry is not None)
    members = members.reshape(relapses.shape[:2])
    waiting, groups = np.arange(len(relapses)), []
    with one_thread():
        for _ in range(_MOST_GRIDS):
            grid = _grid_for(priors, patients, members[waiting], steps)
            series, good = _solved(priors, patients, members[waiting], grid)
            groups.append((waiting[good], series.only(good)))
            waiting = waiting[~good]
            if not waiting.size:
                return RatioPosteriors(tuple(groups))
    raise ConvergenceError(
        (f"{waiting.size} of {len(relapses)} cohorts have a posterior that no grid resolves",), HIERARCHICAL
    )


def _grid_for(priors: Priors, patients: Patients, members: Counts, steps: Steps) -> Grid:
    """Return a grid placed by cohorts chosen along the order of their crude ratios and of their totals."""
    relapses = patients.relapses[members].sum(axis=1)
    crude = (relapses[:, 1] + 0.5) / (relapses[:, 0] + 0.5)
    along = np.linspace(0, len(members) - 1, _PILOTS).astype(np.int64)
    chosen = np.unique([np.argsort(order, kind="stable")[along] for order in (crude, relapses.sum(axis=1))])
    used, places = np.unique(members[chosen], return_inverse=True)
    return placed(priors, patients[used], places.reshape(len(chosen), -1), steps)


def _solved(priors: Priors, patients: Patients, members: Counts, grid: Grid) -> tuple[Series, np.ndarray]:
    """Return the distribution of the log ratio in each cohort, and whether the grid holds and resolves it."""
    log_weight = grid.log_weight(priors)
    of_ratio = np.empty((len(members), grid.ratio.z.size))
    good = np.empty(len(members), dtype=bool)
    at_once = max(1, _LARGEST_TABLE // (log_weight.size * members.shape[1]))
    if len(patients) * log_weight.size <= _LARGEST_TABLE:
        at_once = len(members)
    block = max(1, _LARGEST_BLOCK // log_weight.size)
    for first in range(0, len(members), at_once):
        used, places = np.unique(members[first : first + at_once], return_inverse=True)
        rows = log_likelihoods(patients[used], grid)
        places = places.reshape(-1, members.shape[1])
        for start in range(0, len(places), block):
            mass = masses(rows, places[start : start + block], log_weight)
            done = slice(first + start, first + start + len(mass))
            of_ratio[done], good[done] = _judged(grid, mass)
    return Series.of(grid.ratio.z, of_ratio), good


def _judged(grid: Grid, mass: np.ndarray) -> tuple[Floats, np.ndarray]:
    """Return the mass of each log ratio, and whether the grid holds and resolves the posterior."""
    by_level = mass.sum(axis=2, dtype=np.float64).reshape(len(mass), *grid.level.shape)
    by_ratio = mass.sum(axis=1, dtype=np.float64).reshape(len(mass), *grid.ratio.shape)
    good = np.ones(len(mass), dtype=bool)
    for block, found in ((grid.level, by_level), (grid.ratio, by_ratio)):
        location, spread = found.sum(axis=1), found.sum(axis=2)
        good &= location[:, 0] + location[:, -1] + spread[:, -1] < _EDGE
        good &= block.reflected | (spread[:, 0] < _EDGE)
        good &= deviations(block.z, location) > grid.steps.resolved * block.step_z
    return by_ratio.sum(axis=1), good
