"""Solve the whole posterior, and refine it until its estimated error is small enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from nmo_stats.hierarchical.quadrature.solve import COARSE, REFINEMENT, Resolution, locate, refined, solved
from nmo_stats.hierarchical.quadrature.surrogate import Surrogate, surrogates
from nmo_stats.numerics.threads import one_thread

MOST_NEGATIVE_BINOMIAL: Final = 1000
_FEW: Final = 250  # distinct patients up to which the polynomial often misses too much
_MOST_BY_GRID: Final = 4000
_LARGEST_JOINT: Final = 12_000_000
_LARGEST_JOINTS: Final = 300_000_000  # of all overdispersions together, which are held at once: 2.4 GB
_GROWTH: Final = REFINEMENT**4  # of the nodes from one resolution to the next
_FEWEST_OVERDISPERSIONS: Final = 8
_PRIOR_REACH: Final = 5.5


def solve(model: Model) -> tuple[Solution, Accuracy]:
    """Return the posterior and an estimate of its error.

    The posterior is computed at two resolutions, the finer one is kept and the change estimates the error; as
    long as it is too large and there is memory, the finer one becomes the coarser of the next two. From a few
    hundred patients on a polynomial stands in for the Poisson log likelihood, unless it misses too much.

    Raises
    ------
    ArgumentError
        If the likelihood is negative binomial and there are more than 1,000 patients.
    """
    patients = Patients.of(model)
    count = len(model.pair.patients)
    if model.likelihood != "poisson" and count > MOST_NEGATIVE_BINOMIAL:
        raise ArgumentError(
            f"likelihood 'negative_binomial': {count} patients. Expected: at most {MOST_NEGATIVE_BINOMIAL:,} "
            "with quadrature. Use likelihood='poisson', or engine='nuts' and patience."
        )
    with one_thread():  # the matrices are small: threads would wait for each other longer than they work
        if model.likelihood == "poisson" and len(patients) > _FEW:
            solution, accuracy = _solve_by_polynomial(model, patients)
            if not accuracy.failures or len(patients) > _MOST_BY_GRID:
                return solution, accuracy
        return _solve_by_grid(model, patients)


def _solve_by_grid(model: Model, patients: Patients) -> tuple[Solution, Accuracy]:
    if model.likelihood == "poisson":
        by_grid = partial(_by_grid, model, patients)
        coarse = by_grid(_poisson(model, locate(model, patients)), COARSE)
        return _until_settled(coarse, by_grid, 0.0)
    start = locate(model, patients, model.priors.overdispersion.sd / 2)
    coarse = _first_overdispersed(model, patients, start)
    return _until_settled(coarse, partial(_overdispersed, model, patients), 0.0)


def _by_grid(model: Model, patients: Patients, before: Solution, resolution: Resolution) -> Solution:
    return _poisson(model, solved(patients, model.priors, before.parts[0].joint, resolution, None))


def _solve_by_polynomial(model: Model, patients: Patients) -> tuple[Solution, Accuracy]:
    """Solve with polynomials of rising degree until the estimated error is small enough."""
    for found in surrogates(model, patients):
        finer = partial(_by_polynomial, model, found)
        coarse = finer(_poisson(model, found.joint), COARSE)
        solution, accuracy = _until_settled(coarse, finer, found.missed)
        if not accuracy.failures:
            break
    return solution, accuracy


def _by_polynomial(model: Model, found: Surrogate, before: Solution, resolution: Resolution) -> Solution:
    return _poisson(model, refined(found.polynomial, model.priors, before.parts[0].joint, resolution))


def _until_settled(
    coarse: Solution, finer: Callable[[Solution, Resolution], Solution], missed: float
) -> tuple[Solution, Accuracy]:
    """Refine until the estimated error is small enough, or the nodes are too many."""
    resolution = COARSE
    while True:
        resolution = resolution.finer()
        fine = finer(coarse, resolution)
        accuracy = compared(coarse, fine, missed)
        if not accuracy.failures or not _has_room_for_finer(fine):
            return fine, accuracy
        if missed and not compared(coarse, fine).failures:  # finer nodes would not help
            return fine, accuracy
        coarse = fine


def _has_room_for_finer(solution: Solution) -> bool:
    nodes = [part.joint.mass.size for part in solution.parts]
    more = REFINEMENT if len(nodes) > 1 else 1.0
    return nodes[0] * _GROWTH <= _LARGEST_JOINT and sum(nodes) * _GROWTH * more <= _LARGEST_JOINTS


def _poisson(model: Model, joint: Joint) -> Solution:
    return Solution(model, (Part(1.0, None, joint),), None)


def _overdispersed(model: Model, patients: Patients, before: Solution, resolution: Resolution) -> Solution:
    """Solve at more overdispersions than before, each on nodes placed by the nearest solution before it."""
    assert before.overdispersion is not None
    count = round(len(before.parts) * REFINEMENT)
    nearest = [before.parts[place * len(before.parts) // count].joint for place in range(count)]
    return _at_overdispersions(model, patients, resolution, nearest, before.overdispersion.reach())


def _first_overdispersed(model: Model, patients: Patients, start: Joint) -> Solution:
    """Solve at a few overdispersions over the whole prior, all on nodes placed by one solution."""
    largest = _PRIOR_REACH * model.priors.overdispersion.sd
    return _at_overdispersions(model, patients, COARSE, [start] * _FEWEST_OVERDISPERSIONS, largest)


def _at_overdispersions(
    model: Model, patients: Patients, resolution: Resolution, near: Sequence[Joint], largest: float
) -> Solution:
    prior = model.priors.overdispersion
    nodes, weights = gauss_nodes(0.0, largest, len(near))
    joints = [
        solved(patients, model.priors, place, resolution, float(node))
        for place, node in zip(near, nodes, strict=True)
    ]
    found = Overdispersion.of(prior, nodes, [joint.log_evidence for joint in joints], largest)
    shares = weights * found.density(nodes)
    parts = tuple(
        Part(float(share), float(node), joint)
        for share, node, joint in zip(shares / shares.sum(), nodes, joints, strict=True)
    )
    return Solution(model, parts, found)
