"""Solve the whole posterior, and refine it until its error is bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.quadrature.accuracy import Accuracy, compared
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.legendre import gauss_nodes
from nmo_stats.hierarchical.quadrature.overdispersion import Overdispersion
from nmo_stats.hierarchical.quadrature.patients import Patients
from nmo_stats.hierarchical.quadrature.quantities import Solution
from nmo_stats.hierarchical.quadrature.solution import Part
from nmo_stats.hierarchical.quadrature.solve import COARSE, Resolution, locate, refined, solved
from nmo_stats.hierarchical.quadrature.surrogate import Surrogate, surrogates
from nmo_stats.hierarchical.quadrature.threads import one_thread

MOST_NEGATIVE_BINOMIAL: Final = 1000
_FEW: Final = 250  # distinct patients up to which the polynomial often misses too much
_MOST_BY_GRID: Final = 4000
_LARGEST_JOINT: Final = 12_000_000
_GROWTH: Final = 1.28**4  # of the nodes from one resolution to the next
_FEWEST_OVERDISPERSIONS: Final = 8
_PRIOR_REACH: Final = 5.5


def solve(model: Model) -> tuple[Solution, Accuracy]:
    """Return the posterior and a bound of its error.

    The posterior is computed at two resolutions, the finer one is kept and the change is the bound; as long as it is too
    large and there is memory, the finer one becomes the coarser of the next two. From a few hundred patients on a
    polynomial stands in for the Poisson log likelihood, unless it misses too much.

    Raises
    ------
    ArgumentError
        If the likelihood is negative binomial and there are more than 1,000 patients.
    """
    patients = Patients.of(model)
    count = len(model.pair.patients)
    if model.likelihood != "poisson" and count > MOST_NEGATIVE_BINOMIAL:
        raise ArgumentError(
            f"likelihood 'negative_binomial' with {count} patients: quadrature takes up to {MOST_NEGATIVE_BINOMIAL:,}; "
            "use likelihood='poisson', or engine='nuts' and patience"
        )
    with one_thread():  # the matrices are small: threads would wait for each other longer than they work
        if model.likelihood == "poisson" and len(patients) > _FEW:
            solution, accuracy = _solve_by_polynomial(model, patients)
            if not accuracy.failures or len(patients) > _MOST_BY_GRID:
                return solution, accuracy
        return _solve_by_grid(model, patients)


def _solve_by_grid(model: Model, patients: Patients) -> tuple[Solution, Accuracy]:
    start = locate(
        model, patients, None if model.likelihood == "poisson" else model.priors.overdispersion.sd / 2
    )
    coarse = _at(model, patients, COARSE, [start], None)

    def finer(before: Solution, resolution: Resolution) -> Solution:
        return _at(model, patients, resolution, [part.joint for part in before.parts], before.overdispersion)

    return _until_settled(coarse, finer, 0.0)


def _solve_by_polynomial(model: Model, patients: Patients) -> tuple[Solution, Accuracy]:
    """Solve with polynomials of rising degree until the error is bounded, or with the last of them."""
    for found in surrogates(model, patients):
        finer = partial(_by_polynomial, model, patients, found)
        coarse = finer(_poisson(model, patients, found.joint), COARSE)
        solution, accuracy = _until_settled(coarse, finer, found.missed)
        if not accuracy.failures:
            break
    return solution, accuracy


def _by_polynomial(
    model: Model, patients: Patients, found: Surrogate, before: Solution, resolution: Resolution
) -> Solution:
    joint = refined(found.polynomial, model.priors, before.parts[0].joint, resolution)
    return _poisson(model, patients, joint)


def _until_settled(
    coarse: Solution, finer: Callable[[Solution, Resolution], Solution], missed: float
) -> tuple[Solution, Accuracy]:
    """Refine until the error is bounded, or the nodes are too many."""
    resolution = COARSE
    while True:
        resolution = resolution.finer()
        fine = finer(coarse, resolution)
        accuracy = compared(coarse, fine, missed)
        if not accuracy.failures or fine.parts[0].joint.mass.size * _GROWTH > _LARGEST_JOINT:
            return fine, accuracy
        if missed and not compared(coarse, fine).failures:  # finer nodes would not help
            return fine, accuracy
        coarse = fine


def _poisson(model: Model, patients: Patients, joint: Joint) -> Solution:
    return Solution(model, patients, (Part(1.0, None, joint),), None, joint.log_evidence)


def _at(
    model: Model,
    patients: Patients,
    resolution: Resolution,
    near: list[Joint],
    overdispersion: Overdispersion | None,
) -> Solution:
    """Solve at one resolution, from solutions of the one before."""
    if model.likelihood == "poisson":
        return _poisson(model, patients, solved(patients, model.priors, near[0], resolution, None))
    prior = model.priors.overdispersion
    largest = _PRIOR_REACH * prior.sd if overdispersion is None else overdispersion.reach()
    count = (
        max(_FEWEST_OVERDISPERSIONS, round(len(near) * 1.28)) if len(near) > 1 else _FEWEST_OVERDISPERSIONS
    )
    nodes, weights = gauss_nodes(0.0, largest, count)
    joints: list[Joint] = []
    for place, node in enumerate(nodes):
        nearest = (
            near[min(round(place * len(near) / count), len(near) - 1)]
            if len(near) > 1
            else (joints or near)[-1]
        )
        joints.append(solved(patients, model.priors, nearest, resolution, float(node)))
    log_evidence = [joint.log_evidence for joint in joints]
    found = Overdispersion.of(prior, nodes, log_evidence, largest)
    shares = weights * found.density(nodes)
    parts = tuple(
        Part(float(share), float(node), joint)
        for share, node, joint in zip(shares / shares.sum(), nodes, joints, strict=True)
    )
    return Solution(model, patients, parts, found, found.log_total)
