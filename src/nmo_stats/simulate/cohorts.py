"""Many cohorts of one design at once."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from nmo_stats.arguments import instance, numbers, whole
from nmo_stats.arrays import Floats
from nmo_stats.cohort.schema import LONGEST_YEARS, SHORTEST_YEARS
from nmo_stats.errors import ArgumentError
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.memory import require_memory
from nmo_stats.simulate.population import Population, require_population
from nmo_stats.simulate.rules import FixedWindows, Rule, require_rule

_RAREST: Final = 1e-3  # share of patients that a rule includes, below which simulating it would take too long
_ENOUGH: Final = 200_000  # patients to tell that share from
_AT_LEAST: Final = 2000  # patients drawn in a round, so that a rule that includes few is met by few rounds
_AT_MOST: Final = 500_000
_MOST_COHORTS: Final = 10_000_000
_NUMBERS_EACH: Final = 5  # relapses, times, rates, and what is drawn on the way
_REMEDY: Final = "simulate fewer series"


def simulate_cohorts(
    rng: np.random.Generator, population: Population, rule: Rule, years: Floats, cohorts: int
) -> Cohorts:
    """Simulate cohorts of patients who were switched by a rule.

    Patients whom the rule does not include are drawn anew with the same observed times, so that every cohort
    is full.

    Parameters
    ----------
    rng
        Source of all random numbers.
    population
        Patients' rates.
    rule
        How the reference period begins and ends, and who is included.
    years
        Observed times of the n places of a cohort, shape (n, 2), or (cohorts, n, 2) if they differ between
        cohorts. Comparator times are kept, reference times are the rule's affair.
    cohorts
        How many.

    Returns
    -------
    Cohorts
        Counts and times, as many cohorts as asked for.

    Raises
    ------
    ArgumentError
        If the rule includes nearly nobody.

    Examples
    --------
    >>> from nmo_stats.simulate import FixedWindows, GammaRates
    >>> rng = np.random.default_rng(1)
    >>> simulate_cohorts(rng, GammaRates(1.0, 0.7), FixedWindows(), np.ones((3, 2)), 500).relapses.shape
    (500, 3, 2)
    """
    instance("rng", rng, np.random.Generator)
    require_population(population)
    require_rule(rule)
    return _simulated(rng, population, rule, years, whole("cohorts", cohorts, 1, _MOST_COHORTS))[0]


def cohort_with_expectation(
    rng: np.random.Generator, population: Population, rule: Rule, years: Floats
) -> tuple[Cohorts, Floats]:
    """Simulate one cohort, and return with it the relapses that were to be expected, shape (1, n, 2).

    On the comparator that is rate x time of each patient. On the reference it is so too where relapses have
    no part in when that period ends; else the relapses are those that were drawn. An estimator that is linear
    in them shows what is left when nearly all sampling error is gone.

    Parameters
    ----------
    rng, population, rule, years
        As in :func:`simulate_cohorts`.

    Returns
    -------
    tuple of Cohorts and numpy.ndarray
        The cohort, and the expected relapses, shape (1, n, 2).

    Raises
    ------
    ArgumentError
        If the rule includes nearly nobody.
    """
    instance("rng", rng, np.random.Generator)
    require_population(population)
    require_rule(rule)
    cohort, rates = _simulated(rng, population, rule, years, 1)
    expected = rates * cohort.years
    if not isinstance(rule, FixedWindows):
        expected[:, :, 0] = cohort.relapses[:, :, 0]
    return cohort, expected


def _times(years: Floats, cohorts: int) -> Floats:
    """Return the times if their shape fits."""
    shape = "(patients, 2)" if np.ndim(years) == 2 else f"({cohorts}, patients, 2)"
    return numbers("years", years, shape, SHORTEST_YEARS, LONGEST_YEARS)


def _simulated(
    rng: np.random.Generator, population: Population, rule: Rule, years: Floats, cohorts: int
) -> tuple[Cohorts, Floats]:
    """Return the cohorts, and the patients' rates of shape (cohorts, n, 2)."""
    shape = (cohorts, *_times(years, cohorts).shape[-2:])
    require_memory(
        _NUMBERS_EACH * math.prod(shape), "this number of series and patients", _REMEDY, method="simulation"
    )
    observed = np.broadcast_to(np.asarray(years, dtype=np.float64), shape).reshape(-1, 2)
    relapses = np.zeros(observed.shape, dtype=np.int64)
    taken, kept = observed.copy(), np.zeros(observed.shape)
    waiting = np.arange(len(observed))
    seen = entered = 0
    while waiting.size:
        tried = np.resize(waiting, min(max(waiting.size, _AT_LEAST), _AT_MOST))
        rates = population.draw(rng, tried.size)
        before, length, included = rule.reference(rng, rates[:, 0], observed[tried, 0])
        position, first = np.unique(tried[included], return_index=True)
        chosen = np.flatnonzero(included)[first]
        taken[position, 0], kept[position] = length[chosen], rates[chosen]
        relapses[position, 0] = before[chosen]
        relapses[position, 1] = rng.poisson(rates[chosen, 1] * observed[position, 1])
        waiting = np.setdiff1d(waiting, position, assume_unique=True)
        seen, entered = seen + tried.size, entered + int(included.sum())
        if seen > _ENOUGH and entered < _RAREST * seen:
            raise ArgumentError(
                f"{rule}: of patients with {population} it includes fewer than 1 in {1 / _RAREST:.0f}"
            )
    return Cohorts(relapses.reshape(shape), taken.reshape(shape)), kept.reshape(shape)
