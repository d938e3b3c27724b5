"""Whether a Monte Carlo answer is accurate enough to be printed: the numbers and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.wording import plain

R_HAT_LIMIT: Final = 1.01
ESS_LIMIT: Final = 400.0
MCSE_MEDIAN_LIMIT: Final = 0.1
MCSE_LIMITS_LIMIT: Final = 0.2
BFMI_LIMIT: Final = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """A number, its limit, and whether the limit is kept."""

    name: str
    value: float
    limit: float
    passed: bool
    quantity: str = ""

    def __str__(self) -> str:
        where = f" of {self.quantity}" if self.quantity else ""
        return f"{self.name}{where} is {plain(self.value, self.limit)} (limit {self.limit:g})"


class Quality(Protocol):
    """How far an engine's numbers can be trusted."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return each number that decides, beside its limit."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Return one sentence for each limit that is not kept."""


@dataclass(frozen=True, eq=False)
class Convergence:
    """Convergence of every reported quantity, and the health of the sampler.

    Parameters
    ----------
    quantities
        Names, e.g. ``"log_patient_rate_ratio[2]"``; shape (q,). Ratios and rates are judged on the log scale.
    r_hat, ess_bulk, ess_tail
        Rank-normalized split R-hat and effective sample sizes, shape (q,).
    mcse_median, mcse_limits
        Monte Carlo standard error of the median, and the larger one of the two 95 % limits, in posterior
        standard deviations, shape (q,).
    divergences, deepest_trees
        Number of divergent transitions, and of those that stopped at the largest tree depth.
    bfmi
        Bayesian fraction of missing information, shape (chains,).
    """

    quantities: tuple[str, ...]
    r_hat: Floats
    ess_bulk: Floats
    ess_tail: Floats
    mcse_median: Floats
    mcse_limits: Floats
    divergences: int
    deepest_trees: int
    bfmi: Floats

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each number that decides, beside its limit; the worst quantity speaks for all."""
        return (
            self._worst("R-hat", self.r_hat, R_HAT_LIMIT),
            self._worst("bulk ESS", self.ess_bulk, ESS_LIMIT, least=True),
            self._worst("tail ESS", self.ess_tail, ESS_LIMIT, least=True),
            self._worst("Monte Carlo error of the median / sd", self.mcse_median, MCSE_MEDIAN_LIMIT),
            self._worst("Monte Carlo error of the limits / sd", self.mcse_limits, MCSE_LIMITS_LIMIT),
            Verdict("divergences", float(self.divergences), 0.0, self.divergences == 0),
            Verdict("trees at largest depth", float(self.deepest_trees), 0.0, self.deepest_trees == 0),
            Verdict("BFMI", float(self.bfmi.min()), BFMI_LIMIT, bool(self.bfmi.min() >= BFMI_LIMIT)),
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each limit that is not kept."""
        return tuple(str(verdict) for verdict in self.verdicts if not verdict.passed)

    def monte_carlo_error(self, quantity: str) -> tuple[float, float]:
        """Return the Monte Carlo standard errors of a quantity's median and 95 % limits, in posterior sd.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.

        Returns
        -------
        tuple of float
            Of the median, and the larger one of the two limits.
        """
        index = self.quantities.index(quantity)
        return float(self.mcse_median[index]), float(self.mcse_limits[index])

    def _worst(self, name: str, values: Floats, limit: float, *, least: bool = False) -> Verdict:
        """Return the verdict on the worst quantity: the largest value, or the least against a lower limit."""
        # A value that cannot be computed counts as a failure: NaN sorts as the worst.
        worst = int(np.argmax(np.where(np.isnan(values), np.inf, -values if least else values)))
        value = float(values[worst])
        return Verdict(
            name, value, limit, value >= limit if least else value <= limit, self.quantities[worst]
        )
