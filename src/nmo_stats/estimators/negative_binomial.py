"""The marginal negative-binomial (NB2) rate ratios of many series, with their profile-likelihood intervals.

Variance = mean + overdispersion * mean^2, in log reference rate, log ratio and log overdispersion; damped
Newton steps maximize the likelihood in all series together. Up to terms of the counts alone, with m_j periods
of more than j relapses (Lawless, doi:10.2307/3314912), the log-likelihood is

    sum_j m_j log(1 + a j)  +  sum y log(mean) - (y + 1/a) log(1 + a mean)

which has no gamma function and no cancellation as the overdispersion a tends to 0, where it is the Poisson
one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import xlogy

from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.likelihood import PoissonProfile, poisson, profile_limits, profile_p_values

_BOUNDS: Final = (math.log(1e-8), math.log(1e4))  # of the log overdispersion
_BOUNDARY: Final = 2e-8
_STARTS: Final = (0.01, 0.5, 5.0)  # the likelihood can have one maximum at the boundary and one inside
_GAIN: Final = 1e-7
_MOST_ROUNDS: Final = 100
_SETTLED: Final = 1e-9  # of the log-likelihood: the next Newton step would gain of the order of its square
_PRECISION: Final = 1e-8  # of a limit, on the log scale
_LONGEST_STEP: Final = 2.0
_HALVINGS: Final = 12
_LOG_OVERDISPERSION: Final = 2
_DESIGN: Final = np.array(
    [[1.0, 0.0], [1.0, 1.0]]
)  # log rate of a period in log reference rate and log ratio


@dataclass(frozen=True, eq=False)
class NegativeBinomial:
    """Fitted regressions: the Poisson ones where the likelihood is largest without overdispersion.

    Parameters
    ----------
    poisson
        The Poisson ratios, which take the place of the others at the boundary.
    data
        Counts and times.
    best
        Log reference rate, log ratio and log overdispersion where the likelihood is largest, shape (series,
        3).
    largest
        The log-likelihood there, shape (series,).
    overdispersed
        Where it is larger than without overdispersion.
    """

    poisson: PoissonProfile
    data: _Data
    best: Floats
    largest: Floats
    overdispersed: Flags

    @property
    def overdispersion(self) -> Floats:
        """Maximum likelihood estimates; 0 at the boundary."""
        return np.where(self.overdispersed, np.exp(self.best[:, _LOG_OVERDISPERSION]), 0.0)

    @property
    def is_poisson(self) -> bool:
        """Whether every result is the Poisson one."""
        return not self.overdispersed.any()

    @property
    def log_estimate(self) -> Floats:
        """Maximum likelihood estimates of the log ratio."""
        return np.where(self.overdispersed, self.best[:, 1], self.poisson.log_estimate)

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the profile-likelihood limits."""
        limits = np.stack(self.poisson.limits(level))
        if self.overdispersed.any():
            own = self._only_overdispersed()
            limits[:, self.overdispersed] = profile_limits(own.deviance, own.best[:, 1], level, _PRECISION)
        return limits[0], limits[1]

    def p_values(self, ratio: float) -> Floats:
        """Return the likelihood-ratio p-values."""
        values = self.poisson.p_values(ratio)
        if self.overdispersed.any():
            own = self._only_overdispersed()
            values[self.overdispersed] = profile_p_values(own.deviance, len(own.largest), ratio)
        return values

    def deviance(self, log_ratio: Floats, series: Counts) -> Floats:
        """Return twice the drop of the profile log-likelihood at log ratios of some series."""
        start = self.best[series].copy()
        start[:, 0] += (start[:, 1] - log_ratio) / 2
        start[:, 1] = log_ratio
        drop = self.largest[series] - _maximum(self.data.only(series), start, free=(0, 2))[1]
        return np.maximum(2 * drop, 0.0)

    def _only_overdispersed(self) -> NegativeBinomial:
        chosen = self.overdispersed
        data, best, largest = self.data.only(chosen), self.best[chosen], self.largest[chosen]
        return NegativeBinomial(self.poisson.only(chosen), data, best, largest, chosen[chosen])


def negative_binomial(cohorts: Cohorts) -> NegativeBinomial:
    """Return the NB2 ratio of each series, which has relapses in both periods."""
    data, log_rates = _Data.of(cohorts), np.log(cohorts.relapses.sum(axis=1) / cohorts.years.sum(axis=1))
    start = np.column_stack([log_rates[:, 0], log_rates[:, 1] - log_rates[:, 0]])
    best, largest = _from_starts(data, start)
    without = data.log_likelihood(np.column_stack([start, np.full(len(start), _BOUNDS[0])]))
    overdispersed = (largest > without + _GAIN) & (np.exp(best[:, _LOG_OVERDISPERSION]) > _BOUNDARY)
    return NegativeBinomial(poisson(cohorts), data, best, largest, overdispersed)


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
        mixed = (-by_mean * a * mean / grown).sum(axis=1) @ _DESIGN
        curvature = np.empty((len(at), 3, 3))
        curvature[:, :2, :2] = np.einsum("sp,pi,pj->sij", by_mean_twice.sum(axis=1), _DESIGN, _DESIGN)
        curvature[:, :2, 2] = curvature[:, 2, :2] = mixed
        curvature[:, 2, 2] = by_a_twice
        return np.column_stack([by_mean.sum(axis=1) @ _DESIGN, by_a]), curvature

    def _overdispersion_and_mean(self, at: Floats) -> tuple[Floats, Floats]:
        mean = self.years * np.exp(at[:, :2] @ _DESIGN.T)[:, None, :]
        return np.exp(at[:, _LOG_OVERDISPERSION])[:, None, None], mean


def _from_starts(data: _Data, rates: Floats) -> tuple[Floats, Floats]:
    """Return the best maximum from several overdispersions, and the log-likelihood there."""
    many, series = len(_STARTS), np.arange(len(rates))
    starts = np.column_stack([np.tile(rates, (many, 1)), np.repeat(np.log(_STARTS), len(rates))])
    places, values = _maximum(data.only(np.tile(series, many)), starts, free=(0, 1, 2))
    best = values.reshape(many, -1).argmax(axis=0) * len(rates) + series
    return places[best], values[best]


def _maximum(data: _Data, start: Floats, free: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Maximize the log-likelihood over the free parameters; return where, and its value there."""
    at, value = start.copy(), data.log_likelihood(start)
    open_places = np.arange(len(at))
    for _ in range(_MOST_ROUNDS):
        moved, gained = _improved(data.only(open_places), at[open_places], value[open_places], free)
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
    """Return Newton steps, long ones shortened; they leave saddles: every curvature counts as negative."""
    places = np.array(free)
    values, vectors = np.linalg.eigh(curvature[:, places[:, None], places])
    sizes = np.maximum(np.abs(values), 1e-10)
    along = np.einsum("sji,sj->si", vectors, score[:, places]) / sizes
    step = np.zeros_like(score)
    step[:, places] = np.einsum("sij,sj->si", vectors, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP)))
