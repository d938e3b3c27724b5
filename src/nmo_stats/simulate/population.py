"""Where patients' relapse rates come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from nmo_stats.arguments import found, number
from nmo_stats.arrays import Floats
from nmo_stats.errors import ArgumentError

_SMALLEST = 1e-9  # rates per year, ratios, and coefficients of variation: below them there is none
_LARGEST_CV = 10_000.0
_LARGEST_SPREAD = 100.0
_LARGEST_RATE = 1e9  # per year: what lies beyond is refused for its counts, and must not overflow their sums


class Population(Protocol):
    """A distribution of patients' rates on the reference and the comparator."""

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients: reference, comparator.

        Parameters
        ----------
        rng
            Source of random numbers.
        patients
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (patients, 2).
        """


@dataclass(frozen=True, slots=True)
class GammaRates:
    """Constant rates that differ between patients by a Gamma distribution.

    Parameters
    ----------
    mean
        Mean rate per year on the reference.
    cv
        Coefficient of variation between patients; 0 for one rate in all.
    ratio
        Rate on the comparator divided by that on the reference, the same in all patients.

    Raises
    ------
    ArgumentError
        If a number is out of its range.

    Examples
    --------
    >>> GammaRates(0.6, 0.7).shape.__round__(2)
    2.04
    """

    mean: float
    cv: float
    ratio: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number("mean rate", self.mean, _SMALLEST, _LARGEST_RATE))
        cv = number("coefficient of variation", self.cv, 0, _LARGEST_CV)
        object.__setattr__(self, "cv", cv if cv > _SMALLEST else 0.0)
        object.__setattr__(self, "ratio", number("ratio", self.ratio, _SMALLEST, 1 / _SMALLEST))

    def __str__(self) -> str:
        """Return e.g. ``a mean of 0.6 relapses per year (CV 0.7)``."""
        no_effect = "" if self.ratio == 1 else f", ratio {self.ratio:g}"
        return f"a mean of {self.mean:.3g} relapses per year (CV {self.cv:g}{no_effect})"

    @property
    def shape(self) -> float:
        """Shape of the Gamma distribution, 1 / cv^2; infinite for one rate in all."""
        return 1 / self.cv**2 if self.cv else math.inf

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients: reference, comparator.

        Parameters
        ----------
        rng
            Source of random numbers.
        patients
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (patients, 2).
        """
        rates = (
            rng.gamma(self.shape, self.mean / self.shape, patients)
            if self.cv
            else np.full(patients, self.mean)
        )
        return np.asarray(rates[:, None] * np.array([1.0, self.ratio]))


@dataclass(frozen=True, slots=True)
class LogNormalRates:
    """Rates of the hierarchical model: log-Normal between patients, with a log-Normal ratio of their own.

        log rate_ij = log_rate + sd_rate u_i + x_j (log ratio + sd_rate_ratio v_i),   u_i, v_i ~ Normal(0, 1)

    with x = -1/2 on the reference and +1/2 on the comparator. Because the contrast is symmetric, the ratio of
    the two *mean* rates is ``ratio`` too, so that it is the target of pooled estimators as well.

    Parameters
    ----------
    reference_arr
        Relapses per year of a typical patient (u = v = 0) on the reference.
    ratio
        Rate ratio of a typical patient, comparator / reference.
    sd_rate, sd_rate_ratio
        Between-patient standard deviations of log rates and of log ratios.
    overdispersion
        Of a period's count around the patient's own rate: variance = mean + overdispersion * mean^2.

    Raises
    ------
    ArgumentError
        If a number is out of its range.

    Examples
    --------
    >>> rates = LogNormalRates(2.0, 0.5, sd_rate=0, sd_rate_ratio=0)
    >>> rates.draw(np.random.default_rng(1), 1).round(6).tolist()
    [[2.0, 1.0]]
    """

    reference_arr: float
    ratio: float = 1.0
    sd_rate: float = 0.5
    sd_rate_ratio: float = 0.25
    overdispersion: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "reference_arr", number("reference ARR", self.reference_arr, _SMALLEST, _LARGEST_RATE)
        )
        object.__setattr__(self, "ratio", number("ratio", self.ratio, _SMALLEST, 1 / _SMALLEST))
        for name in ("sd_rate", "sd_rate_ratio", "overdispersion"):
            object.__setattr__(self, name, number(name, getattr(self, name), 0, _LARGEST_SPREAD))

    def __str__(self) -> str:
        spreads = f"spreads {self.sd_rate:.3g} and {self.sd_rate_ratio:.3g}"
        return f"ARR {self.reference_arr:.3g} on the reference, ratio {self.ratio:.3g}, {spreads}"

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients: reference, comparator.

        With overdispersion a period's rate is the patient's own one times a Gamma variable with mean 1.

        Parameters
        ----------
        rng
            Source of random numbers.
        patients
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (patients, 2).
        """
        half = math.log(self.ratio) / 2
        u, v = rng.standard_normal((2, patients))
        level = math.log(self.reference_arr) + half + self.sd_rate * u
        contrast = half + self.sd_rate_ratio / 2 * v
        rates = np.exp(np.column_stack([level - contrast, level + contrast]))
        if self.overdispersion:
            rates *= rng.gamma(1 / self.overdispersion, self.overdispersion, rates.shape)
        return np.asarray(np.minimum(rates, _LARGEST_RATE))


def require_population(population: object) -> Population:
    """Return a distribution of rates.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    if callable(getattr(population, "draw", None)) and not isinstance(population, type):
        return cast("Population", population)
    raise ArgumentError(
        f"population {found(population)}. Expected: rates, such as simulate.GammaRates(mean, cv)."
    )
