"""The posterior of each observed patient's level and log ratio.

    p(a, b | data) = sum over nodes of mass / L_i * Normal(a; level node) F_i(a, b) Normal(b; ratio node)

which on the patient's lattice is F_i * (W' (mass / L_i) V), with the matrices of :mod:`likelihood`. The
lattice has steps h and 2h, so that the log rates a - b/2 and a + b/2 lie on a lattice of step h, and their
distributions are sums along its diagonals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Complex, Floats
from nmo_stats.errors import ConvergenceError
from nmo_stats.hierarchical.quadrature.elements import normal_weights
from nmo_stats.hierarchical.quadrature.marginal import Distribution, Marginal, mixture, powers
from nmo_stats.hierarchical.quadrature.patients import Patients, Reach, Table, tables
from nmo_stats.hierarchical.quadrature.solution import Part
from nmo_stats.names import HIERARCHICAL

_GONE: Final = 1e-9
_FIRST: Final = 0.5
_STEP: Final = 0.4  # of the lattice, in posterior sd of its narrowest direction

_LEAST_SEEN: Final = 0.25  # steps: an sd below it is that of one node, and not known
_FINE_ENOUGH: Final = 0.7
_MOST_REFINEMENTS: Final = 8


@dataclass(frozen=True, eq=False)
class PatientPosterior:
    """Distributions of one patient.

    Parameters
    ----------
    log_rates
        Log rate per year on reference and comparator.
    log_rate_ratio
        Comparator - reference.
    """

    log_rates: tuple[Distribution, Distribution]
    log_rate_ratio: Distribution


def patient_posterior(patients: Patients, place: int, part: Part) -> PatientPosterior:
    """Return the posterior of the patient at ``place`` among the distinct ones, at one overdispersion."""
    one = patients[np.array([place])]
    table, mass = _resolved(one, part)
    flipped = mass[:, ::-1]
    step = float(table.level[1] - table.level[0])
    low = table.level[0] - table.ratio[-1] / 2, table.level[0] + table.ratio[0] / 2
    return PatientPosterior(
        (
            _on_lattice(_diagonal_sums(flipped), float(low[0]), step),
            _on_lattice(_diagonal_sums(mass), float(low[1]), step),
        ),
        _on_lattice(mass.sum(axis=0), float(table.ratio[0]), 2 * step),
    )


def mixed(posteriors: list[PatientPosterior], weights: Floats) -> PatientPosterior:
    """Return the mixture of a patient's posteriors at several overdispersions."""
    return PatientPosterior(
        (
            mixture([found.log_rates[0] for found in posteriors], weights),
            mixture([found.log_rates[1] for found in posteriors], weights),
        ),
        mixture([found.log_rate_ratio for found in posteriors], weights),
    )


def _resolved(one: Patients, part: Part) -> tuple[Table, Floats]:
    """Return the patient's lattice and the posterior mass on it, in steps that resolve the posterior.

    What many patients say of one without relapses can be far narrower than the patient's own likelihood, and
    a first lattice then holds it in one node, which tells no width: the lattice is refined step by step, each
    time where the mass lies.
    """
    fineness = _FIRST
    table, mass = _posterior(one, part, part.joint.reach(), fineness)
    for _ in range(_MOST_REFINEMENTS):
        fineness = _fineness(one, table, mass)
        table, mass = _posterior(one, part, _reach(table, mass), fineness)
        if _fineness(one, table, mass) > _FINE_ENOUGH * fineness:
            break
    return table, mass


def _posterior(one: Patients, part: Part, reach: Reach, fineness: float) -> tuple[Table, Floats]:
    """Return the patient's lattice and the posterior mass on it, shape (ka, kb)."""
    (compute,) = tables(one, reach, fineness, part.overdispersion)
    table = compute()
    joint, values = part.joint, table.values[0]
    over_level = normal_weights(table.level, *joint.level.flat())
    over_ratio = normal_weights(table.ratio, *joint.ratio.flat())
    likelihood = over_level @ (values @ over_ratio.T)
    share = np.divide(joint.mass, likelihood, out=np.zeros_like(joint.mass), where=likelihood > 0)
    mass = values * (over_level.T @ share @ over_ratio)
    total = float(mass.sum())
    if not 0 < total < math.inf:
        reason = (
            "the posterior of a patient lies where the integration has no digits left; use narrower priors"
        )
        raise ConvergenceError((reason,), HIERARCHICAL)
    return table, mass / total


def _reach(table: Table, mass: Floats) -> Reach:
    return Reach(_held(table.level, mass.sum(axis=1)), _held(table.ratio, mass.sum(axis=0)))


def _held(lattice: Floats, mass: Floats) -> tuple[float, float]:
    inside = np.flatnonzero(mass > _GONE * mass.max())
    first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, lattice.size - 1)
    return float(lattice[first]), float(lattice[last])


def _fineness(one: Patients, table: Table, mass: Floats) -> float:
    """Return the fineness at which the lattice resolves the posterior in its narrowest direction."""
    a, b = np.broadcast_arrays(table.level[:, None], table.ratio[None, :] / 2)
    centred = np.stack([(a - (mass * a).sum()).ravel(), (b - (mass * b).sum()).ravel()])
    covariance = (centred * mass.ravel()) @ centred.T
    step = float(table.level[1] - table.level[0])
    narrowest = max(float(np.sqrt(max(np.linalg.eigvalsh(covariance)[0], 0.0))), _LEAST_SEEN * step)
    width = float(1 / np.sqrt(one.relapses.sum() + 1))
    return min(_FIRST, _STEP * narrowest / width)


def _diagonal_sums(mass: Floats) -> Floats:
    """Return the sums over k + l = 0, 1, ..."""
    rows, columns = mass.shape
    order = np.add.outer(np.arange(rows), np.arange(columns))
    sums = np.bincount(order.ravel(), weights=mass.ravel(), minlength=rows + columns - 1)
    return np.asarray(sums, dtype=float)


def _on_lattice(mass: Floats, low: float, step: float) -> Marginal:
    places = low + step * np.arange(mass.size)

    def characteristic(frequency: float, count: int) -> Complex:
        waves = powers(np.asarray(frequency * places, dtype=float), count)
        return np.asarray(mass @ waves)

    return Marginal.of(characteristic, low, low + step * (mass.size - 1), step)
