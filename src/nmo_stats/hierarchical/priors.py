"""Priors of the hierarchical model, as small values in clinical units."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from scipy.special import ndtri

from nmo_stats.arguments import instance, number, one_of
from nmo_stats.arrays import Floats

# What the deterministic engine can integrate, and more than any opinion about a relapse rate: a log ratio
# of 10 is a ratio of 22,026.
SMALLEST_SD: Final = 0.01
LARGEST_SD: Final = 10.0
LARGEST_MEAN: Final = 10.0


def _scale(sd: object) -> float:
    return number("prior sd", sd, SMALLEST_SD, LARGEST_SD)


@dataclass(frozen=True, slots=True)
class Normal:
    """A Normal prior of a log rate or a log ratio.

    Parameters
    ----------
    mean
        From -10 to 10.
    sd
        From 0.01 to 10.

    Raises
    ------
    ArgumentError
        If a number is out of its range.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number("prior mean", self.mean, -LARGEST_MEAN, LARGEST_MEAN))
        object.__setattr__(self, "sd", _scale(self.sd))

    @property
    def variance(self) -> float:
        """Prior variance."""
        return self.sd**2

    def log_density(self, value: Floats) -> Floats:
        """Return the log density.

        Parameters
        ----------
        value
            On the scale of the parameter.

        Returns
        -------
        numpy.ndarray
            The shape of ``value``.
        """
        constant = math.log(self.sd * math.sqrt(2 * math.pi))
        return np.asarray(-0.5 * ((value - self.mean) / self.sd) ** 2 - constant)

    def quantile(self, probability: Floats) -> Floats:
        """Return the quantiles of the given probabilities.

        Parameters
        ----------
        probability
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            The shape of ``probability``.
        """
        return np.asarray(self.mean + self.sd * ndtri(probability))

    def __str__(self) -> str:
        return f"Normal({self.mean:.3g}, {self.sd:.3g})"


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """A half-Normal prior of a spread.

    Parameters
    ----------
    sd
        Of the Normal distribution whose positive half it is, from 0.01 to 10.

    Raises
    ------
    ArgumentError
        If it is out of its range.
    """

    sd: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", _scale(self.sd))

    @property
    def variance(self) -> float:
        """Prior variance."""
        return self.sd**2 * (1 - 2 / math.pi)

    def log_density(self, value: Floats) -> Floats:
        """Return the log density; minus infinity below 0.

        Parameters
        ----------
        value
            On the scale of the parameter.

        Returns
        -------
        numpy.ndarray
            The shape of ``value``.
        """
        inside = -0.5 * (value / self.sd) ** 2 + 0.5 * math.log(2 / math.pi) - math.log(self.sd)
        return np.where(value >= 0, inside, -np.inf)

    def quantile(self, probability: Floats) -> Floats:
        """Return the quantiles of the given probabilities.

        Parameters
        ----------
        probability
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            The shape of ``probability``.
        """
        return np.asarray(self.sd * ndtri((1 + np.asarray(probability)) / 2))

    def __str__(self) -> str:
        return f"HalfNormal({self.sd:.3g})"


Prior = Normal | HalfNormal


@dataclass(frozen=True, slots=True)
class Priors:
    """Priors of the top-level parameters; rates are per year.

    Parameters
    ----------
    log_rate
        Log of the geometric mean of a typical patient's two rates. Default: ARR 0.5, 95 % within 0.03 and
        9.5.
    log_rate_ratio
        Log rate ratio of a typical patient. Default: no difference, 95 % within a 50-fold change either way.
    sd_rate
        Between-patient spread of log rates. Default: median 0.67, 95 % below 1.96.
    sd_rate_ratio
        Between-patient spread of log ratios ("heterogeneity"). Default: median 0.34, 95 % below 0.98.
    overdispersion
        Of a period's count around the patient's own rate, negative binomial only. Default: 95 % below 0.59, a
        coefficient of variation of the rate of 0.77.

    Raises
    ------
    ArgumentError
        If a prior is of another kind than its default.

    Examples
    --------
    >>> Priors(log_rate_ratio=Normal(0, 1)).log_rate_ratio.sd
    1.0
    """

    log_rate: Normal = Normal(math.log(0.5), 1.5)
    log_rate_ratio: Normal = Normal(0.0, 2.0)
    sd_rate: HalfNormal = HalfNormal(1.0)
    sd_rate_ratio: HalfNormal = HalfNormal(0.5)
    overdispersion: HalfNormal = HalfNormal(0.3)

    def __post_init__(self) -> None:
        for field in fields(self):
            instance(f"prior of {field.name}", getattr(self, field.name), type(field.default))

    def of(self, parameter: str) -> Prior:
        """Return the prior of a top-level parameter by its name.

        Parameters
        ----------
        parameter
            Such as ``"sd_rate"``.

        Returns
        -------
        Normal or HalfNormal
            Its prior.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        prior: Prior = getattr(self, one_of("parameter", parameter, self.__slots__))
        return prior


DEFAULT_PRIORS: Final = Priors()
