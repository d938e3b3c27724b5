"""Where patients' relapse rates come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import require_ratio

Floats = npt.NDArray[np.float64]


class Population(Protocol):
    """A distribution of patients' rates on the reference and the comparator."""

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients, shape (patients, 2): reference, comparator."""


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

    Examples
    --------
    >>> GammaRates(0.6, 0.7).shape.__round__(2)
    2.04
    """

    mean: float
    cv: float
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not (self.mean > 0 and math.isfinite(self.mean)):
            raise ArgumentError(f"mean rate {self.mean!r}: a finite number > 0, per year")
        if not (self.cv >= 0 and math.isfinite(self.cv)):
            raise ArgumentError(f"coefficient of variation {self.cv!r}: a finite number >= 0")
        require_ratio(self.ratio)

    def __str__(self) -> str:
        """Return e.g. ``a mean of 0.6 relapses per year (CV 0.7)``."""
        no_effect = "" if self.ratio == 1 else f", ratio {self.ratio:g}"
        return f"a mean of {self.mean:.3g} relapses per year (CV {self.cv:g}{no_effect})"

    @property
    def shape(self) -> float:
        """Shape of the Gamma distribution, 1 / cv^2; infinite for one rate in all."""
        return 1 / self.cv**2 if self.cv else math.inf

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients, shape (patients, 2): reference, comparator."""
        rates = (
            rng.gamma(self.shape, self.mean / self.shape, patients)
            if self.cv
            else np.full(patients, self.mean)
        )
        return np.asarray(rates[:, None] * np.array([1.0, self.ratio]))
