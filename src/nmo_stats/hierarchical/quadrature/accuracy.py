"""The error of a deterministic posterior: what a second, finer resolution changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.convergence import Verdict
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.marginal import quantile
from nmo_stats.hierarchical.quadrature.quantities import Solution

TOLERANCE: Final = 1e-3
EDGE_LIMIT: Final = 1e-5
_PROBABILITIES: Final = np.array([0.5, 0.025, 0.975])
_ROUGHLY: Final = 1e-5  # where the change of a quantile is measured need not be exact
_RATIOS: Final = np.log([0.5, 1.0])
# Made from those that are compared by averaging further, so at least as accurate.
_SMOOTHER: Final = ("log_rate_new_patient[0]", "log_rate_new_patient[1]", "rate_difference")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Bounds of the error of a posterior.

    Parameters
    ----------
    quantiles
        Largest change of a median or 95 % limit on refinement; ratios and rates on the log scale. And of
        which quantity.
    probabilities
        Largest change of a probability.
    edge
        Probability at the outermost nodes.
    """

    quantiles: tuple[float, str]
    probabilities: tuple[float, str]
    edge: float

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each number that decides, beside its limit."""
        return (
            _verdict("quadrature error of the quantiles", *self.quantiles, limit=TOLERANCE),
            _verdict("quadrature error of the probabilities", *self.probabilities, limit=TOLERANCE),
            _verdict("probability at the edge of the grid", self.edge, "", limit=EDGE_LIMIT),
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each limit that is not kept."""
        return tuple(str(verdict) for verdict in self.verdicts if not verdict.passed)


def compared(coarse: Solution, fine: Solution, missed: float = 0.0) -> Accuracy:
    """Return the accuracy of the finer one of two solutions, estimated by what it changed.

    The change of a quantile is the change of the probability below it, divided by the density there. An error
    of the log likelihood with posterior sd ``missed`` changes a probability by at most ``missed`` times the
    posterior sd of that probability given the parameters (Cauchy-Schwarz).
    """
    quantiles, probabilities = {}, {}
    for name in fine.scalars:
        if name in _SMOOTHER:
            continue
        before, after = coarse.distribution(name), fine.distribution(name)
        at = quantile(after, _PROBABILITIES, _ROUGHLY)
        quantiles[name] = np.abs(before.cdf(at) - _PROBABILITIES)
        if name.startswith("log_rate_ratio"):
            probabilities[name] = np.abs(before.cdf(_RATIOS) - after.cdf(_RATIOS))
        if missed:
            quantiles[name] += missed * _sd_of_probability(fine, name, at)
        if missed and name in probabilities:
            probabilities[name] += missed * _sd_of_probability(fine, name, _RATIOS)
        quantiles[name] /= after.density(at)
    edge = max(_edge(part.joint) for part in fine.parts if part.weight > TOLERANCE)
    return Accuracy(_worst(quantiles), _worst(probabilities), edge)


def _sd_of_probability(solution: Solution, name: str, value: Floats) -> Floats:
    """Return the posterior sd of P(quantity < value | parameters): an indicator, but for a new patient."""
    if name == "log_rate_ratio_new_patient":
        found = np.zeros(value.size)
        for part in solution.parts:
            location, spread = part.joint.ratio.flat()
            below = ndtr((value[:, None] - location) / np.maximum(spread, 1e-12))
            mass = part.joint.ratio_mass.ravel()
            found += part.weight * np.sqrt(np.maximum(below**2 @ mass - (below @ mass) ** 2, 0.0))
        return found
    below = solution.distribution(name).cdf(value)
    return np.asarray(np.sqrt(below * (1 - below)))


def _worst(changes: Mapping[str, Floats]) -> tuple[float, str]:
    worst = max(changes, key=lambda name: float(np.nan_to_num(changes[name], nan=np.inf).max()))
    return float(changes[worst].max()), worst


def _edge(joint: Joint) -> float:
    shares = []
    for block, mass in ((joint.level, joint.level_mass), (joint.ratio, joint.ratio_mass)):
        first_row = 0.0 if block.reflected else mass[0].sum()
        shares.append(float(mass[:, 0].sum() + mass[:, -1].sum() + mass[-1].sum() + first_row))
    return max(shares)


def _verdict(name: str, value: float, quantity: str, *, limit: float) -> Verdict:
    return Verdict(name, value, limit, bool(value <= limit), quantity)
