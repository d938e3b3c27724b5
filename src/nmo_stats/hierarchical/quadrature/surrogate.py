"""Many patients: a polynomial in place of the log likelihood, fitted where the posterior is.

With many patients the posterior is narrow, and over its width the log likelihood is close to a polynomial of low degree
in log_rate, sd_rate^2, log_rate_ratio and sd_rate_ratio^2 (it is smooth in the variances, also at 0). It is computed for
all patients at a few hundred points, and the polynomial through them takes its place at every node. Points of their own,
on finer lattices, measure what the polynomial misses. Cost and memory grow in proportion to the number of patients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
import numpy.typing as npt

from nmo_stats.hierarchical.counts import Floats
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.likelihood import Nodes, scattered_log_likelihood
from nmo_stats.hierarchical.quadrature.patients import Patients
from nmo_stats.hierarchical.quadrature.solve import COARSE, PILOT, locate, refined

_FIRST_PATIENTS: Final = 80
_STAGE: Final = 6
_LAST_STAGE: Final = 8  # the number of patients that the last stage may lack, as a factor
_MOVES: Final = 3
_LOWEST_DEGREE: Final = 4
_HIGHEST_DEGREE: Final = 6
_SURELY_MANY: Final = 3000  # patients from which the lowest degree mostly suffices
_WIDE_DEGREE: Final = 3
_CHECK_FINENESS: Final = 0.8
_POINTS_PER_TERM: Final = 3
_CHECKS: Final = 80
_RIM: Final = 0.9  # of the farthest distance: hardly any probability may lie beyond
_WIDER: Final = 1.4
_EMPHASIS: Final = 0.2  # of the points near the mode, as a power of the likelihood
_SEED: Final = 20130301
FARTHEST: Final = 5.5  # posterior sd from its centre up to which a polynomial is believed
_NOTHING: Final = -1e9


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A polynomial of four variables.

    Parameters
    ----------
    centre, factor
        Mean and Cholesky factor of the covariance, at the points that it was fitted to, of the variables log_rate,
        sd_rate^2, log_rate_ratio, sd_rate_ratio^2; shapes (4,) and (4, 4).
    powers
        Exponents, shape (terms, 4).
    coefficients
        Shape (terms,).
    """

    centre: Floats
    factor: Floats
    powers: npt.NDArray[np.int64]
    coefficients: Floats

    def __call__(self, level: Nodes, ratio: Nodes) -> Floats:
        """Return the values at every combination of level nodes and ratio nodes; far from the points next to nothing."""
        of_level = self._monomials(variables(level), slice(0, 2))
        of_ratio = self._monomials(variables(ratio), slice(2, 4))
        values = (of_level * self.coefficients) @ of_ratio.T
        values[self.beyond(FARTHEST, level, ratio)] = _NOTHING
        return np.asarray(values)

    def beyond(self, distance: float, level: Nodes, ratio: Nodes) -> npt.NDArray[np.bool_]:
        """Return which combinations of nodes lie farther than so many posterior sd from the centre."""
        inverse = np.linalg.inv(self.factor)
        of_level = (variables(level) - self.centre[:2]) @ inverse[:, :2].T
        of_ratio = (variables(ratio) - self.centre[2:]) @ inverse[:, 2:].T
        squares = (2 * of_level) @ of_ratio.T
        squares += (of_level**2).sum(axis=1)[:, None]
        squares += (of_ratio**2).sum(axis=1)
        return np.asarray(squares > distance**2)

    def at(self, level: Nodes, ratio: Nodes) -> Floats:
        """Return the values at single points."""
        return np.asarray(self.terms(level, ratio) @ self.coefficients)

    def terms(self, level: Nodes, ratio: Nodes) -> Floats:
        """Return the terms of the polynomial at single points, shape (m, terms)."""
        of_level = self._monomials(variables(level), slice(0, 2))
        of_ratio = self._monomials(variables(ratio), slice(2, 4))
        return of_level * of_ratio

    def _monomials(self, values: Floats, part: slice) -> Floats:
        standard = (values - self.centre[part]) / np.linalg.norm(self.factor, axis=1)[part]
        return np.asarray(np.prod(standard[:, None, :] ** self.powers[:, part], axis=2))


def variables(nodes: Nodes) -> Floats:
    """Return location and variance, in which the log likelihood is smooth; shape (m, 2)."""
    return np.column_stack([nodes[0], nodes[1] ** 2])


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A log likelihood that is known by its polynomial.

    Parameters
    ----------
    polynomial
        Its values.
    joint
        A coarse posterior with it.
    missed
        Posterior sd of the difference between log likelihood and polynomial, and the probability at its rim.
    """

    polynomial: Polynomial
    joint: Joint
    missed: float


def surrogates(model: Model, patients: Patients) -> Iterator[Surrogate]:
    """Yield polynomials of rising degree, each placed by the one before."""
    joint = _approach(model, patients)
    wide = _polynomial(patients, joint, _WIDE_DEGREE, PILOT.fineness / 2)
    joint = _settled(wide, model, joint)
    lowest = _LOWEST_DEGREE if len(patients) > _SURELY_MANY else _LOWEST_DEGREE + 1
    for degree in range(lowest, _HIGHEST_DEGREE + 1):
        found = _fitted(model, patients, joint, degree)
        yield found
        joint = found.joint


def _approach(model: Model, patients: Patients) -> Joint:
    """Return a coarse posterior, found with few patients and carried on to more and more of them."""
    order = np.random.default_rng(_SEED).permutation(len(patients))
    count = min(_FIRST_PATIENTS, len(patients))
    joint = locate(model, patients[order[:count]])
    while count * _LAST_STAGE < len(patients):
        count = min(_STAGE * count, len(patients))
        some = patients[order[:count]]
        for degree in (2, 3):
            polynomial = _polynomial(some, joint, degree, PILOT.fineness / 2)
            joint = _settled(polynomial, model, joint)
    return joint


def _settled(polynomial: Polynomial, model: Model, joint: Joint) -> Joint:
    for _ in range(_MOVES):
        joint = refined(polynomial, model.priors, joint, PILOT)
    return joint


def _fitted(model: Model, patients: Patients, joint: Joint, degree: int) -> Surrogate:
    fineness = _fineness(patients)
    polynomial = _polynomial(patients, joint, degree, fineness)
    joint = refined(polynomial, model.priors, joint, COARSE)
    level, ratio = _drawn(joint, _CHECKS)
    truth = scattered_log_likelihood(patients, level, ratio, joint.reach(), _CHECK_FINENESS * fineness)
    missed = float((truth - polynomial.at(level, ratio)).std())
    rim = polynomial.beyond(_RIM * FARTHEST, joint.level.flat(), joint.ratio.flat())
    return Surrogate(polynomial, joint, missed + float(joint.mass[rim].sum()))


def _fineness(patients: Patients) -> float:
    """Return the step of the patients' lattices: their errors add up, so it shrinks with the number of patients."""
    return float(np.clip(0.3 * (1000 / len(patients)) ** 0.07, 0.15, 0.33))


def _polynomial(patients: Patients, joint: Joint, degree: int, fineness: float) -> Polynomial:
    """Fit a polynomial to the log likelihood at points scattered over a posterior and around it."""
    centre, spread = _moments(joint)
    powers = _powers(degree)
    rng = np.random.default_rng([_SEED, degree])
    factor = np.asarray(np.linalg.cholesky(spread), dtype=float)
    values = centre + _WIDER * rng.normal(size=(_POINTS_PER_TERM * len(powers), 4)) @ factor.T
    values[:, 1::2] = np.abs(values[:, 1::2])  # variances
    level = values[:, 0], np.sqrt(values[:, 1])
    ratio = values[:, 2], np.sqrt(values[:, 3])
    log_likelihood = scattered_log_likelihood(patients, level, ratio, joint.reach(), fineness)
    empty = Polynomial(centre, factor, powers, np.zeros(len(powers)))
    terms = empty.terms(level, ratio)
    largest = log_likelihood.max()
    weight = np.exp(_EMPHASIS * (log_likelihood - largest))
    coefficients, *_ = np.linalg.lstsq(
        terms * weight[:, None], (log_likelihood - largest) * weight, rcond=None
    )
    coefficients[0] += largest
    return replace(empty, coefficients=coefficients)


def _powers(degree: int) -> npt.NDArray[np.int64]:
    """Return the exponents of all terms up to a total degree, the constant first."""
    rows = [
        np.bincount(chosen, minlength=5)[:4] for chosen in combinations_with_replacement(range(5), degree)
    ]
    return np.array(sorted(map(tuple, rows), key=sum), dtype=np.int64)


def _moments(joint: Joint) -> tuple[Floats, Floats]:
    """Return mean and covariance of the variables of the polynomial."""
    level, ratio = variables(joint.level.flat()), variables(joint.ratio.flat())
    by_level, by_ratio = joint.level_mass.ravel(), joint.ratio_mass.ravel()
    mean = np.concatenate([by_level @ level, by_ratio @ ratio])
    level, ratio = level - mean[:2], ratio - mean[2:]
    across = level.T @ joint.mass @ ratio
    covariance = np.block([[(level.T * by_level) @ level, across], [across.T, (ratio.T * by_ratio) @ ratio]])
    return mean, covariance + np.diag(1e-12 + 1e-9 * np.diag(covariance))


def _drawn(joint: Joint, count: int) -> tuple[Nodes, Nodes]:
    """Return nodes drawn by their mass."""
    rng = np.random.default_rng(_SEED)
    cumulated = np.cumsum(joint.mass.ravel())
    node = np.searchsorted(cumulated, rng.uniform(size=count) * cumulated[-1])
    row, column = np.unravel_index(node, joint.mass.shape)
    level, ratio = joint.level.flat(), joint.ratio.flat()
    return (level[0][row], level[1][row]), (ratio[0][column], ratio[1][column])
