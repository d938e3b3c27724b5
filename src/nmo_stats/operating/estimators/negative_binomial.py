"""The marginal negative-binomial regression of many series at once, with its profile interval.

The log-likelihood is that of :mod:`nmo_stats.glm.negative_binomial` in log reference rate, log ratio and log overdispersion;
damped Newton steps maximize it in all series together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import xlogy

from nmo_stats.arrays import Counts, Floats
from nmo_stats.operating.estimators.answers import Intervals
from nmo_stats.operating.estimators.likelihood import in_both, limits, poisson
from nmo_stats.simulate import Cohorts

_BOUNDS: Final = (math.log(1e-8), math.log(1e4))  # of the log overdispersion
_BOUNDARY: Final = 2e-8
_STARTS: Final = (0.01, 0.5, 5.0)  # the likelihood can have one maximum at the boundary and one inside
_GAIN: Final = 1e-7
_MOST_ROUNDS: Final = 100
_SETTLED: Final = 1e-9  # of the log-likelihood
_LONGEST_STEP: Final = 2.0
_HALVINGS: Final = 12
_LOG_OVERDISPERSION: Final = 2


@dataclass(frozen=True, eq=False)
class _Data:
    """Counts and times, shape (series, n, 2), and how many periods have more than 0, 1, 2, ... relapses."""

    relapses: Counts
    years: Floats
    exceeding: Floats

    @classmethod
    def of(cls, cohorts: Cohorts) -> _Data:
        relapses = cohorts.relapses.astype(np.int64)
        counts = relapses.reshape(len(cohorts), -1)
        # one count at a time, so that no table of series, periods and counts is held
        exceeding = np.stack([(counts > step).sum(axis=1) for step in range(counts.max())], axis=1)
        return cls(relapses, cohorts.years, exceeding.astype(np.float64))

    def only(self, places: np.ndarray) -> _Data:
        return _Data(self.relapses[places], self.years[places], self.exceeding[places])

    def log_likelihood(self, at: Floats) -> Floats:
        """Return the log-likelihood up to terms of the counts alone; ``at`` has the shape (series, 3)."""
        a, mean = self._overdispersion_and_mean(at)
        steps = np.arange(self.exceeding.shape[1])
        per_period = xlogy(self.relapses, mean) - (self.relapses + 1 / a) * np.log1p(a * mean)
        counted = (self.exceeding * np.log1p(a[..., 0] * steps)).sum(axis=1)
        return np.asarray(counted + per_period.sum(axis=(1, 2)))

    def slopes(self, at: Floats) -> tuple[Floats, Floats]:
        """Return the score, shape (series, 3), and the matrix of second derivatives."""
        a, mean = self._overdispersion_and_mean(at)
        y, grown, logs = self.relapses, 1 + a * mean, np.log1p(a * mean) / a
        steps = a[..., 0] * np.arange(self.exceeding.shape[1])
        tilted = (1 + a * y) * mean / grown
        by_mean, by_mean_twice = (y - mean) / grown, -tilted / grown
        by_a = (self.exceeding * steps / (1 + steps)).sum(axis=1) + (logs - tilted).sum(axis=(1, 2))
        by_a_twice = (self.exceeding * steps / (1 + steps) ** 2).sum(axis=1) + (
            -logs + mean / grown - a * y * mean / grown + tilted * a * mean / grown
        ).sum(axis=(1, 2))
        mixed = (-by_mean * a * mean / grown).sum(axis=1)
        score = np.stack([by_mean.sum(axis=(1, 2)), by_mean[..., 1].sum(axis=1), by_a], axis=1)
        rate, ratio = by_mean_twice.sum(axis=(1, 2)), by_mean_twice[..., 1].sum(axis=1)
        rows = [
            [rate, ratio, mixed.sum(axis=1)],
            [ratio, ratio, mixed[:, 1]],
            [mixed.sum(axis=1), mixed[:, 1], by_a_twice],
        ]
        return score, np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def _overdispersion_and_mean(self, at: Floats) -> tuple[Floats, Floats]:
        log_rate = at[:, 0, None] + np.array([0.0, 1.0]) * at[:, 1, None]
        return np.exp(at[:, _LOG_OVERDISPERSION])[:, None, None], self.years * np.exp(log_rate)[:, None, :]


def negative_binomial(cohorts: Cohorts, level: float) -> Intervals:
    """Return the NB2 ratio of each series with its profile interval: the Poisson one where no overdispersion fits best."""
    known = in_both(cohorts)
    if not known.any():
        return Intervals.none(len(cohorts))
    inside = Cohorts(cohorts.relapses[known], cohorts.years[known])
    data, start = _Data.of(inside), _poisson_rates(inside)
    best, largest = _from_starts(data, start)
    simple = poisson(inside, level)
    without = data.log_likelihood(np.column_stack([start, np.full(len(start), _BOUNDS[0])]))
    over = (largest > without + _GAIN) & (np.exp(best[:, _LOG_OVERDISPERSION]) > _BOUNDARY)
    answers = np.stack([simple.estimate, simple.low, simple.high])
    if over.any():
        answers[:, over] = _profile(data.only(over), best[over], largest[over], level)
    return Intervals(*answers).placed(known)


def _poisson_rates(cohorts: Cohorts) -> Floats:
    """Return log reference rate and log ratio of the Poisson fit, shape (series, 2)."""
    log_rates = np.log(cohorts.relapses.sum(axis=1) / cohorts.years.sum(axis=1))
    return np.column_stack([log_rates[:, 0], log_rates[:, 1] - log_rates[:, 0]])


def _from_starts(data: _Data, rates: Floats) -> tuple[Floats, Floats]:
    """Return the best of the maxima that are reached from several overdispersions, and the log-likelihood there."""
    starts = (np.column_stack([rates, np.full(len(rates), math.log(one))]) for one in _STARTS)
    places, values = map(
        np.stack, zip(*(_maximum(data, start, free=(0, 1, 2)) for start in starts), strict=True)
    )
    best = values.argmax(axis=0)
    series = np.arange(len(rates))
    return places[best, series], values[best, series]


def _profile(data: _Data, best: Floats, largest: Floats, level: float) -> Floats:
    """Return estimate, lower and upper limit of the ratio, shape (3, series)."""

    def deviance(log_ratio: Floats, place: Counts) -> Floats:
        start = best[place].copy()
        start[:, 0] += (start[:, 1] - log_ratio) / 2
        start[:, 1] = log_ratio
        return 2 * (largest[place] - _maximum(data.only(place), start, free=(0, 2))[1])

    return np.stack([np.exp(best[:, 1]), *limits(deviance, best[:, 1], level, precision=1e-6)])


def _maximum(data: _Data, start: Floats, free: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Maximize the log-likelihood over the free parameters; return where, and its value there."""
    at, value = start.copy(), data.log_likelihood(start)
    open_places = np.arange(len(at))
    for _ in range(_MOST_ROUNDS):
        held = data.only(open_places)
        moved, gained = _improved(held, at[open_places], value[open_places], free)
        at[open_places] = moved
        gain, value[open_places] = gained - value[open_places], gained
        open_places = open_places[gain > _SETTLED]
        if not open_places.size:
            break
    return at, value


def _improved(data: _Data, at: Floats, value: Floats, free: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Take one Newton step uphill, shortened until it gains; where no step gains, stay."""
    step = _uphill(*data.slopes(at), free)
    best, largest = at.copy(), value.copy()
    trying = np.arange(len(at))
    for _ in range(_HALVINGS):
        tried = at[trying] + step[trying]
        tried[:, _LOG_OVERDISPERSION] = np.clip(tried[:, _LOG_OVERDISPERSION], *_BOUNDS)
        reached = data.only(trying).log_likelihood(tried)
        gains = reached > value[trying]
        best[trying[gains]], largest[trying[gains]] = tried[gains], reached[gains]
        trying = trying[~gains]
        if not trying.size:
            break
        step[trying] /= 4
    return best, largest


def _uphill(score: Floats, curvature: Floats, free: tuple[int, ...]) -> Floats:
    """Return Newton steps that leave saddles: every curvature counts as that of a maximum. Long ones are shortened as a whole."""
    places = np.array(free)
    values, vectors = np.linalg.eigh(curvature[:, places[:, None], places])
    sizes = np.maximum(np.abs(values), 1e-10)
    along = np.einsum("sji,sj->si", vectors, score[:, places]) / sizes
    step = np.zeros_like(score)
    step[:, places] = np.einsum("sij,sj->si", vectors, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP)))
