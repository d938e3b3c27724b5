"""Whether a Monte Carlo answer is accurate enough to be printed: the numbers, and the limits they are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

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
        Monte Carlo standard error of the median, and the larger one of the two 95 % limits, in posterior standard
        deviations, shape (q,).
    divergences, deepest_trees
        Number of divergent transitions, and of those that stopped at the largest tree depth.
    bfmi
        Bayesian fraction of missing information, shape (chains,).
    """

    quantities: tuple[str, ...]
    r_hat: npt.NDArray[np.float64]
    ess_bulk: npt.NDArray[np.float64]
    ess_tail: npt.NDArray[np.float64]
    mcse_median: npt.NDArray[np.float64]
    mcse_limits: npt.NDArray[np.float64]
    divergences: int
    deepest_trees: int
    bfmi: npt.NDArray[np.float64]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each number that decides, beside its limit; the worst quantity speaks for all."""
        return (
            _worst("R-hat", self.r_hat, self.quantities, R_HAT_LIMIT, largest=True),
            _worst("bulk ESS", self.ess_bulk, self.quantities, ESS_LIMIT, largest=False),
            _worst("tail ESS", self.ess_tail, self.quantities, ESS_LIMIT, largest=False),
            _worst(
                "Monte Carlo error of the median / sd",
                self.mcse_median,
                self.quantities,
                MCSE_MEDIAN_LIMIT,
                largest=True,
            ),
            _worst(
                "Monte Carlo error of the limits / sd",
                self.mcse_limits,
                self.quantities,
                MCSE_LIMITS_LIMIT,
                largest=True,
            ),
            Verdict("divergences", float(self.divergences), 0.0, self.divergences == 0),
            Verdict("trees at largest depth", float(self.deepest_trees), 0.0, self.deepest_trees == 0),
            Verdict("BFMI", float(self.bfmi.min()), BFMI_LIMIT, bool(self.bfmi.min() >= BFMI_LIMIT)),
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each limit that is not kept."""
        return tuple(str(verdict) for verdict in self.verdicts if not verdict.passed)

    def monte_carlo_error(self, quantity: str) -> tuple[float, float]:
        """Return the Monte Carlo standard errors of a quantity's median and 95 % limits, in posterior sd."""
        place = self.quantities.index(quantity)
        return float(self.mcse_median[place]), float(self.mcse_limits[place])


def _worst(
    name: str, values: npt.NDArray[np.float64], quantities: tuple[str, ...], limit: float, *, largest: bool
) -> Verdict:
    # A value that cannot be computed counts as a failure: NaN sorts as the worst.
    scores = np.where(np.isnan(values), np.inf, values if largest else -values)
    place = int(np.argmax(scores))
    value = float(values[place])
    passed = value <= limit if largest else value >= limit
    return Verdict(name, value, limit, passed, quantities[place])
