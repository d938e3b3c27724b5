"""The distribution of every top-level quantity of a solved posterior, under the names of all engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import CONTRAST, Model
from nmo_stats.hierarchical.quadrature.difference import typical_difference
from nmo_stats.hierarchical.quadrature.marginal import Distribution, quantile
from nmo_stats.hierarchical.quadrature.overdispersion import Overdispersion
from nmo_stats.hierarchical.quadrature.solution import (
    Combination,
    Part,
    combination,
    moments,
    spread,
    spread_moments,
)

_COMBINATIONS: Final = {
    "log_rate": Combination(1.0, 0.0),
    "log_rate_ratio": Combination(0.0, 1.0),
    "log_rate_ratio_new_patient": Combination(0.0, 1.0, new_patient=True),
    **{f"log_rate_typical[{j}]": Combination(1.0, x) for j, x in enumerate(CONTRAST)},
    **{f"log_rate_new_patient[{j}]": Combination(1.0, x, new_patient=True) for j, x in enumerate(CONTRAST)},
}
_ON_ASINH_SCALE: Final = ("rate_difference",)
_SPREADS: Final = {"sd_rate": "level", "sd_rate_ratio": "ratio"}


@dataclass(frozen=True, eq=False)
class Solution:
    """A solved posterior.

    Parameters
    ----------
    model
        What was solved.
    parts
        The posterior at each overdispersion (one part for Poisson).
    overdispersion
        Its distribution, None for Poisson.
    """

    model: Model
    parts: tuple[Part, ...]
    overdispersion: Overdispersion | None

    @property
    def scalars(self) -> tuple[str, ...]:
        """Names of the quantities that :meth:`distribution` knows."""
        names = (*_COMBINATIONS, *_SPREADS, "rate_difference")
        return names if self.overdispersion is None else (*names, "overdispersion")

    def quantile(self, name: str, probabilities: Floats) -> Floats:
        """Return quantiles of a top-level quantity."""
        found = quantile(self.distribution(name), probabilities)
        return np.sinh(found) if name in _ON_ASINH_SCALE else found

    def probability_below(self, name: str, value: float) -> float:
        """Return P(quantity < value)."""
        at = np.arcsinh(value) if name in _ON_ASINH_SCALE else value
        return float(self.distribution(name).cdf(np.asarray(at, dtype=float)))

    def distribution(self, name: str) -> Distribution:
        """Return the distribution of a top-level quantity, on the scale on which its accuracy is judged."""
        if name in _COMBINATIONS:
            return combination(self.parts, _COMBINATIONS[name])
        if name in _SPREADS:
            return spread(self.parts, _SPREADS[name])
        if name == "rate_difference":
            return typical_difference(self.parts)
        if name == "overdispersion" and self.overdispersion is not None:
            return self.overdispersion
        raise KeyError(name)

    def by_part(self, name: str) -> list[Distribution]:
        """Return the distribution of a log rate or log ratio at each overdispersion."""
        return [combination((part,), _COMBINATIONS[name]) for part in self.parts]

    def mean_and_variance(self, name: str) -> tuple[float, float]:
        """Return mean and variance of a top-level quantity."""
        if name in _COMBINATIONS:
            return moments(self.parts, _COMBINATIONS[name])
        if name in _SPREADS:
            return spread_moments(self.parts, _SPREADS[name])
        if name == "overdispersion" and self.overdispersion is not None:
            return self.overdispersion.mean_and_variance()
        raise KeyError(name)
