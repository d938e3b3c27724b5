"""Many patients: a polynomial in place of the log likelihood, fitted where the posterior is.

With many patients the posterior is narrow, and over its width the log likelihood is close to a polynomial of
low degree in log_rate, sd_rate^2, log_rate_ratio and sd_rate_ratio^2 (it is smooth in the variances, also at
0). It is computed for all patients at a few hundred points, and the polynomial through them takes its place
at every node. Points of their own, on finer lattices, measure what the polynomial misses. Cost and memory
grow in proportion to the number of patients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
import numpy.typing as npt

from nmo_stats.arguments import DEFAULT_SEED
from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.priors import Priors
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.cloud import FARTHEST, Cloud
from nmo_stats.hierarchical.quadrature.joint import Joint, joint_posterior
from nmo_stats.hierarchical.quadrature.likelihood import Nodes, scattered_log_likelihood
from nmo_stats.hierarchical.quadrature.patients import Patients, Reach
from nmo_stats.hierarchical.quadrature.solve import COARSE, PILOT, first_blocks, locate, refined

_FIRST_PATIENTS: Final = 80
_STAGE: Final = 10
_ENOUGH: Final = 3  # times fewer patients than there are: the polynomial of all finds its way from there
_LOWEST_DEGREE: Final = 4
_HIGHEST_DEGREE: Final = 6
_SURELY_MANY: Final = 3000  # patients from which the lowest degree mostly suffices
_CHECK_FINENESS: Final = 0.8
_POINTS_PER_TERM: Final = 3
_CHECKS: Final = 80
_DRAWN: Final = 4000
_EMPHASIS: Final = 0.2  # of the points near the mode, as a power of the likelihood
_POPULATION: Final = 5.6  # sd of a population beyond which no patient is looked for
_ROUGH: Final = 0.6  # fineness that is enough to follow
_FOLLOWING: Final = 12
_FOLLOWERS: Final = 160
_EFFECTIVE: Final = 30.0
_SHIFTED: Final = 0.5
_ATTEMPTS: Final = 3
_OFF_CENTRE: Final = 1e3
_MOVES: Final = 3
_ROWS: Final = 15
_RIM: Final = 0.9  # of the farthest distance: hardly any probability may lie beyond
_NOTHING: Final = -1e9


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A polynomial in log_rate, sd_rate^2, log_rate_ratio and sd_rate_ratio^2.

    Parameters
    ----------
    cloud
        Where it was fitted.
    powers
        Exponents, shape (terms, 4).
    coefficients
        Shape (terms,).
    """

    cloud: Cloud
    powers: npt.NDArray[np.int64]
    coefficients: Floats

    def __call__(self, level: Nodes, ratio: Nodes) -> Floats:
        """Return the values at every level node and ratio node; far from the cloud next to nothing."""
        of_level, of_ratio = self._monomials(level, 0), self._monomials(ratio, 2)
        values = (of_level * self.coefficients) @ of_ratio.T
        values[self.beyond(FARTHEST, level, ratio)] = _NOTHING
        return np.asarray(values)

    def beyond(self, distance: float, level: Nodes, ratio: Nodes) -> npt.NDArray[np.bool_]:
        """Return which combinations of nodes lie farther than so many sd from the centre of the cloud."""
        inverse = np.linalg.inv(self.cloud.factor)
        of_level = (np.column_stack(level) - self.cloud.centre[:2]) @ inverse[:, :2].T
        of_ratio = (np.column_stack(ratio) - self.cloud.centre[2:]) @ inverse[:, 2:].T
        squares = (2 * of_level) @ of_ratio.T
        squares += (of_level**2).sum(axis=1)[:, None]
        squares += (of_ratio**2).sum(axis=1)
        return np.asarray(squares > distance**2)

    def at(self, points: Floats) -> Floats:
        """Return the values at points of shape (m, 4)."""
        return np.asarray(self.terms(points) @ self.coefficients)

    def terms(self, points: Floats) -> Floats:
        """Return the terms of the polynomial at points, shape (m, terms)."""
        return self._monomials((points[:, 0], points[:, 1]), 0) * self._monomials(
            (points[:, 2], points[:, 3]), 2
        )

    def _monomials(self, nodes: Nodes, first: int) -> Floats:
        """Return the powers of location and variance, both standardized by the cloud."""
        (location, spread), sd = self.cloud.centre[first : first + 2], self.cloud.sd[first : first + 2]
        variance_scale = sd[1] * (2 * spread + sd[1])
        standard = np.column_stack(
            [(nodes[0] - location) / sd[0], (nodes[1] ** 2 - spread**2) / variance_scale]
        )
        return np.asarray(np.prod(standard[:, None, :] ** self.powers[:, first : first + 2], axis=2))


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A log likelihood that is known by its polynomial.

    Parameters
    ----------
    polynomial
        Its values.
    joint
        A coarse posterior with it.
    cloud
        The moments of that posterior.
    missed
        Posterior sd of the difference between log likelihood and polynomial, and the probability at its rim;
        very large where the posterior lies off the centre of the polynomial's own cloud.
    """

    polynomial: Polynomial
    joint: Joint
    cloud: Cloud
    missed: float


def surrogates(model: Model, patients: Patients) -> Iterator[Surrogate]:
    """Yield polynomials of rising degree, each placed by the one before."""
    cloud = _approach(model, patients)
    lowest = _LOWEST_DEGREE if len(patients) > _SURELY_MANY else _LOWEST_DEGREE + 1
    for degree in range(lowest, _HIGHEST_DEGREE + 1):
        for _ in range(_ATTEMPTS):
            found = _fitted(model, patients, cloud, degree)
            cloud = found.cloud
            if found.missed < _OFF_CENTRE:
                break
        yield found


def _approach(model: Model, patients: Patients) -> Cloud:
    """Return where the posterior is: by a grid for few patients, then followed as more join them."""
    order = np.random.default_rng(DEFAULT_SEED).permutation(len(patients))
    count = min(_FIRST_PATIENTS, len(patients))
    points = _drawn(locate(model, patients[order[:count]]), _DRAWN)
    cloud = Cloud.of(points, np.full(_DRAWN, 1 / _DRAWN))
    while count * _ENOUGH < len(patients):
        count = min(_STAGE * count, len(patients))
        cloud = _followed(model, patients[order[:count]], cloud)
    return cloud


def _followed(model: Model, patients: Patients, cloud: Cloud) -> Cloud:
    """Move a cloud to the posterior: weighted points, their weights flattened until enough of them count."""
    rng = np.random.default_rng([DEFAULT_SEED, len(patients)])
    for _ in range(_FOLLOWING):
        points, log_drawn = cloud.draw(_FOLLOWERS, rng)
        log_weight = _log_likelihood(patients, points, _ROUGH) + _log_prior(model, points) - log_drawn
        power, weights = _flattened(log_weight - log_weight.max())
        cloud = Cloud.of(points, weights)
        if power == 1:
            break
    return cloud


def _flattened(log_weight: Floats) -> tuple[float, Floats]:
    """Return the largest power (1 at most) of the weights at which enough of them count, and the weights."""
    power = 1.0
    while True:
        weights = np.exp(power * log_weight)
        weights /= weights.sum()
        if 1 / (weights**2).sum() >= _EFFECTIVE:
            return power, weights
        power *= 0.7


def _log_prior(model: Model, points: Floats) -> Floats:
    names = ("log_rate", "sd_rate", "log_rate_ratio", "sd_rate_ratio")
    return np.asarray(
        sum(model.priors.of(name).log_density(points[:, place]) for place, name in enumerate(names))
    )


def _log_likelihood(patients: Patients, points: Floats, fineness: float) -> Floats:
    level, ratio = (points[:, 0], points[:, 1]), (points[:, 2], points[:, 3])
    limits = [
        (float((where - _POPULATION * sd).min()), float((where + _POPULATION * sd).max()))
        for where, sd in (level, ratio)
    ]
    return scattered_log_likelihood(patients, level, ratio, Reach(*limits), fineness)


def _fitted(model: Model, patients: Patients, cloud: Cloud, degree: int) -> Surrogate:
    fineness = _fineness(patients)
    polynomial = _polynomial(patients, cloud, degree, fineness)
    joint = refined(polynomial, model.priors, _placed(polynomial, model.priors, patients), COARSE)
    checks = _drawn(joint, _CHECKS)
    truth = _log_likelihood(patients, checks, _CHECK_FINENESS * fineness)
    missed = float((truth - polynomial.at(checks)).std())
    rim = polynomial.beyond(_RIM * FARTHEST, joint.level.flat(), joint.ratio.flat())
    after = Cloud.of(_drawn(joint, _DRAWN), np.full(_DRAWN, 1 / _DRAWN))
    shift = np.abs(cloud.standard(after.centre[None])).max()
    return Surrogate(
        polynomial, joint, after, missed + float(joint.mass[rim].sum()) if shift < _SHIFTED else _OFF_CENTRE
    )


def _fineness(patients: Patients) -> float:
    """Return the step of the patients' lattices: it shrinks with their number, as errors add up."""
    return float(np.clip(0.3 * (1000 / len(patients)) ** 0.07, 0.15, 0.33))


def _polynomial(patients: Patients, cloud: Cloud, degree: int, fineness: float) -> Polynomial:
    """Fit a polynomial to the log likelihood at points scattered over a cloud and around it."""
    powers = _powers(degree)
    points = cloud.fill(_POINTS_PER_TERM * len(powers), np.random.default_rng([DEFAULT_SEED, degree]))
    log_likelihood = _log_likelihood(patients, points, fineness)
    empty = Polynomial(cloud, powers, np.zeros(len(powers)))
    largest = log_likelihood.max()
    weight = np.exp(_EMPHASIS * (log_likelihood - largest))
    coefficients, *_ = np.linalg.lstsq(
        empty.terms(points) * weight[:, None], (log_likelihood - largest) * weight, rcond=None
    )
    coefficients[0] += largest
    return replace(empty, coefficients=coefficients)


def _powers(degree: int) -> npt.NDArray[np.int64]:
    """Return the exponents of all terms up to a total degree, the constant first."""
    rows = [
        np.bincount(chosen, minlength=5)[:4] for chosen in combinations_with_replacement(range(5), degree)
    ]
    return np.array(sorted(map(tuple, rows), key=sum), dtype=np.int64)


def _placed(polynomial: Polynomial, priors: Priors, patients: Patients) -> Joint:
    """Return the posterior on nodes spread over the polynomial's cloud, then moved to where it is."""
    units = [block.unit for block in first_blocks(priors, patients)]
    level, ratio = (_block(polynomial.cloud, first, unit) for first, unit in zip((0, 2), units, strict=True))
    joint = joint_posterior(polynomial, priors, level, ratio)
    for _ in range(_MOVES):
        joint = refined(polynomial, priors, joint, PILOT)
    return joint


def _block(cloud: Cloud, first: int, unit: float) -> Block:
    (location, spread), (width, sd) = cloud.centre[first : first + 2], cloud.sd[first : first + 2]
    low, high = max(spread - FARTHEST * sd, 0.0), spread + FARTHEST * sd
    x = np.linspace(float(np.arcsinh(low / unit)), float(np.arcsinh(high / unit)), _ROWS)
    rows = np.ones(_ROWS)
    z = PILOT.location * np.arange(-7.0, 8.0)
    return Block(unit, x, z, location * rows, width * rows)


def _drawn(joint: Joint, count: int) -> Floats:
    """Return nodes drawn by their mass, shape (count, 4)."""
    rng = np.random.default_rng(DEFAULT_SEED)
    cumulated = np.cumsum(joint.mass.ravel())
    node = np.searchsorted(cumulated, rng.uniform(size=count) * cumulated[-1])
    row, column = np.unravel_index(np.minimum(node, cumulated.size - 1), joint.mass.shape)
    (log_rate, sd_rate), (log_ratio, sd_ratio) = joint.level.flat(), joint.ratio.flat()
    return np.column_stack([log_rate[row], sd_rate[row], log_ratio[column], sd_ratio[column]])
