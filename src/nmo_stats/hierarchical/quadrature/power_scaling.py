"""How much each parameter's posterior moves when the priors are made a little stronger or weaker."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.special import xlogy

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.priors import Priors
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.marginal import Distribution
from nmo_stats.hierarchical.quadrature.overdispersion import Overdispersion
from nmo_stats.hierarchical.quadrature.quantities import Solution
from nmo_stats.hierarchical.quadrature.solution import Part

_DELTA: Final = 0.01
_POINTS: Final = 400


def power_scaling(solution: Solution) -> dict[str, float]:
    """Return the sensitivity of each top-level parameter to raising all top-level priors to a power near 1.

    The posterior is weighted by the prior density to the power alpha - 1, alpha = 1.01 and 1 / 1.01, on its
    own nodes; the sensitivity is the cumulative Jensen-Shannon distance per unit of log2(alpha).

    References
    ----------
    Kallioinen N, et al. doi:10.1007/s11222-023-10366-5.
    """
    scaled = [_scaled(solution, alpha - 1) for alpha in (1 / (1 + _DELTA), 1 + _DELTA)]
    found = {}
    for name in solution.model.parameters:
        distances = [_distance(solution.distribution(name), other.distribution(name)) for other in scaled]
        found[name] = sum(distances) / (2 * math.log2(1 + _DELTA))
    return found


def _scaled(solution: Solution, power: float) -> Solution:
    """Return the posterior weighted by the prior density to a power."""
    priors = solution.model.priors
    joints, totals = zip(*(_scaled_joint(part.joint, priors, power) for part in solution.parts), strict=True)
    if solution.overdispersion is None:
        return replace(solution, parts=(Part(1.0, None, joints[0]),))
    nodes = np.array([part.overdispersion for part in solution.parts])
    factor = np.array(totals) * np.exp(power * priors.overdispersion.log_density(nodes))
    weights = np.array([part.weight for part in solution.parts]) * factor
    parts = tuple(
        Part(float(weight), part.overdispersion, joint)
        for weight, part, joint in zip(weights / weights.sum(), solution.parts, joints, strict=True)
    )
    # the evidence at each node changes by the same factor, which takes in the prior of the overdispersion
    evidence = solution.overdispersion.log_evidence(nodes) + np.log(factor)
    overdispersion = Overdispersion.of(
        priors.overdispersion, nodes, evidence, solution.overdispersion.largest
    )
    return replace(solution, parts=parts, overdispersion=overdispersion)


def _scaled_joint(joint: Joint, priors: Priors, power: float) -> tuple[Joint, float]:
    """Return the weighted posterior at one overdispersion, and the mean weight."""
    level, sd_level = joint.level.flat()
    ratio, sd_ratio = joint.ratio.flat()
    of_level = priors.log_rate.log_density(level) + priors.sd_rate.log_density(sd_level)
    of_ratio = priors.log_rate_ratio.log_density(ratio) + priors.sd_rate_ratio.log_density(sd_ratio)
    mass = joint.mass * np.exp(power * of_level)[:, None] * np.exp(power * of_ratio)
    total = float(mass.sum())
    return Joint(joint.level, joint.ratio, mass / total, joint.log_evidence), total


def _distance(first: Distribution, second: Distribution) -> float:
    """Return the cumulative Jensen-Shannon distance, the larger one of the two directions of the axis."""
    (low, high), (other_low, other_high) = first.limits, second.limits
    value = np.linspace(min(low, other_low), max(high, other_high), _POINTS)
    p, q = first.cdf(value), second.cdf(value)
    return max(_cumulative_distance(p, q), _cumulative_distance(1 - p, 1 - q))


def _cumulative_distance(p: Floats, q: Floats) -> float:
    middle = (p + q) / 2
    divergence = (xlogy(p, p) - xlogy(p, middle) + xlogy(q, q) - xlogy(q, middle)) / np.log(2)
    return float(np.sqrt(max(divergence.sum(), 0.0) / (p + q).sum()))
