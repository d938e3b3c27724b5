"""Each patient's likelihood on a lattice of the patient's own level and log ratio.

The lattice has the steps h in the level a and 2h in the log ratio b, so that the two log rates a - b/2 and a
+ b/2 fall on a lattice of step h as well: each period's probability is computed once per lattice point, not
once per cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import Model, log_no_relapse, log_probability, natural_scale
from nmo_stats.hierarchical.quadrature.limits import require_room

_SUPPORT: Final = 45.0  # log likelihood below its maximum at which a patient's lattice ends
_PADDING: Final = 2  # points beyond the limits, which the interpolation near them needs
_UNDERFLOW: Final = 1e-150
_STEPS_PER_OCTAVE: Final = 4  # patients whose widths differ by less than 2^(1/4) share a lattice
_STRIDE_SD: Final = 3.0  # steps
_LARGEST_TABLE: Final = 4_000_000


@dataclass(frozen=True, eq=False)
class Patients:
    """Counts and times, equal patients once.

    Parameters
    ----------
    relapses, years
        Shape (n, 2).
    copies
        How many patients have these values, shape (n,).
    truncated
        Whether the reference count is given to be at least 1.
    """

    relapses: npt.NDArray[np.int64]
    years: Floats
    copies: npt.NDArray[np.int64]
    truncated: bool

    @classmethod
    def of(cls, model: Model) -> Patients:
        """Collect the distinct patients of a model."""
        return cls.distinct(model)[0]

    @classmethod
    def distinct(cls, model: Model) -> tuple[Patients, npt.NDArray[np.int64]]:
        """Collect the distinct patients of a model, and the place of each of its patients among them."""
        table = np.column_stack([model.pair.relapses, model.pair.years])
        rows, places, copies = np.unique(table, axis=0, return_inverse=True, return_counts=True)
        relapses = rows[:, :2].astype(np.int64)
        return cls(relapses, rows[:, 2:], copies, model.entry is not None), places

    @classmethod
    def each(cls, model: Model) -> Patients:
        """Collect all patients of a model in their order."""
        pair = model.pair
        once = np.ones(len(pair.patients), dtype=np.int64)
        return cls(pair.relapses, pair.years, once, model.entry is not None)

    def __getitem__(self, chosen: npt.NDArray[np.int64] | slice) -> Patients:
        return Patients(self.relapses[chosen], self.years[chosen], self.copies[chosen], self.truncated)

    def __len__(self) -> int:
        return len(self.copies)

    def log_probability(self, period: int, log_rate: Floats, overdispersion: Floats | float | None) -> Floats:
        """Return the log probability of each patient's count at log rates of shape (k,); shape (n, k).

        The overdispersion may be one for each log rate.
        """
        counts, years = self.relapses[:, period, None], self.years[:, period, None]
        mean = years * natural_scale(log_rate)
        if overdispersion is None:  # several times faster than the logarithm of every mean
            shape = None
            values = counts * (log_rate + np.log(years)) - mean - gammaln(counts + 1)
        else:
            shape = np.asarray(overdispersion)
            values = log_probability(counts, mean, shape)
        if self.truncated and period == 0:
            values -= np.log(-np.expm1(log_no_relapse(np.maximum(mean, 1e-300), shape)))
        return np.asarray(values)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where patients' levels and log ratios can lie: the support of the population."""

    level: tuple[float, float]
    ratio: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Table:
    """Likelihoods of patients that share a lattice.

    Parameters
    ----------
    level, ratio
        Lattices of a (shape (ka,), step h) and b (shape (kb,), step 2h).
    values
        Likelihood of each patient divided by its maximum, shape (n, ka, kb).
    log_scale
        Log of that maximum, shape (n,).
    copies
        Shape (n,).
    places
        Of these patients among all, shape (n,).
    """

    level: Floats
    ratio: Floats
    values: Floats
    log_scale: Floats
    copies: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


def tables(
    patients: Patients, reach: Reach, fineness: float, overdispersion: float | None, smallest_sd: float = 0.0
) -> Iterator[Callable[[], Table]]:
    """Yield functions that compute the likelihoods of patients who share a lattice.

    Parameters
    ----------
    patients
        Counts and times.
    reach
        Limits of the lattices.
    fineness
        Step of the lattice in units of the width of a patient's likelihood.
    overdispersion
        Of the negative binomial, None for Poisson.
    smallest_sd
        Smallest spread of levels that will be asked for: where it is well above the step, every second level
        is enough.
    """
    # of the likelihood of the level: two periods, each of variance 1 / count + overdispersion
    widths = np.sqrt(1 / (patients.relapses.sum(axis=1) + 1) + (overdispersion or 0.0) / 2)
    octaves = np.floor(_STEPS_PER_OCTAVE * np.log2(widths)).astype(np.int64)
    for octave in np.unique(octaves):
        members = np.flatnonzero(octaves == octave)
        step = float(fineness * 2.0 ** (octave / _STEPS_PER_OCTAVE))
        stride = 2 if smallest_sd > _STRIDE_SD * step else 1
        size = (np.ptp(reach.level) / (stride * step) + 5) * (np.ptp(reach.ratio) / (2 * step) + 5)
        block = max(1, int(_LARGEST_TABLE / size))
        for first in range(0, len(members), block):
            places = members[first : first + block]
            yield partial(_table, patients, places, reach, step, stride, overdispersion)


def _table(
    everyone: Patients,
    members: npt.NDArray[np.int64],
    reach: Reach,
    step: float,
    stride: int,
    overdispersion: float | None,
) -> Table:
    patients = everyone[members]
    level, ratio = _lattices(patients, reach, step, stride, overdispersion)
    # the products, and two more of their size on the way
    require_room(3 * len(members) * level.size * ratio.size)
    places = np.arange(stride * (level.size - 1) + ratio.size)
    first = patients.log_probability(0, level[0] - ratio[-1] / 2 + step * places, overdispersion)
    second = patients.log_probability(1, level[0] + ratio[0] / 2 + step * places, overdispersion)
    values, log_scale = _products(first, second, ratio.size, stride)
    return Table(level, ratio, values, log_scale, patients.copies, members)


def _products(first: Floats, second: Floats, columns: int, stride: int) -> tuple[Floats, Floats]:
    """Return exp(first[stride k - l + last] + second[stride k + l]) over its maximum, and the log of that."""
    windows = np.lib.stride_tricks.sliding_window_view
    scale = first.max(axis=1), second.max(axis=1)
    factors = np.exp(first - scale[0][:, None]), np.exp(second - scale[1][:, None])
    values = (
        windows(factors[0], columns, axis=1)[:, ::stride, ::-1]
        * windows(factors[1], columns, axis=1)[:, ::stride]
    )
    largest = values.max(axis=(1, 2))
    if largest.min() > _UNDERFLOW:
        values /= largest[:, None, None]
        return values, scale[0] + scale[1] + np.log(largest)
    # the two maxima are too far apart for a product of exponentials: exponentiate the sums
    values = (
        windows(first, columns, axis=1)[:, ::stride, ::-1] + windows(second, columns, axis=1)[:, ::stride]
    )
    log_scale = values.max(axis=(1, 2))
    values -= log_scale[:, None, None]
    return np.exp(values, out=values), log_scale


def _lattices(
    patients: Patients, reach: Reach, step: float, stride: int, overdispersion: float | None
) -> tuple[Floats, Floats]:
    """Return the lattices, cut to where one of the patients has a likelihood worth counting."""
    widest = (reach.level[0] - reach.ratio[1] / 2, reach.level[1] + reach.ratio[1] / 2)
    low = min(widest[0], reach.level[0] + reach.ratio[0] / 2)
    high = max(widest[1], reach.level[1] - reach.ratio[0] / 2)
    log_rate = np.linspace(low, high, 400)
    limits = [
        _support(patients.log_probability(period, log_rate, overdispersion), log_rate) for period in (0, 1)
    ]
    (low_0, high_0), (low_1, high_1) = limits
    level = _within((low_0 + low_1) / 2, (high_0 + high_1) / 2, reach.level)
    ratio = _within(low_1 - high_0, high_1 - low_0, reach.ratio)
    return _even(level, stride * step), _even(ratio, 2 * step)


def _support(log_probability: Floats, log_rate: Floats) -> tuple[float, float]:
    counts = (log_probability > log_probability.max(axis=1, keepdims=True) - _SUPPORT).any(axis=0)
    inside = np.flatnonzero(counts)
    first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, log_rate.size - 1)
    return float(log_rate[first]), float(log_rate[last])


def _within(low: float, high: float, limits: tuple[float, float]) -> tuple[float, float]:
    """Return the overlap of two ranges; the limits themselves where they do not overlap."""
    low, high = max(low, limits[0]), min(high, limits[1])
    return (low, high) if low < high else limits


def _even(limits: tuple[float, float], step: float) -> Floats:
    points = int(np.ceil((limits[1] - limits[0]) / step)) + 1 + 2 * _PADDING
    middle = (limits[0] + limits[1]) / 2
    return np.asarray(middle + step * (np.arange(points) - (points - 1) / 2))
