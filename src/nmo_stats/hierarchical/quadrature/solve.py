"""Solve the posterior at one overdispersion: zoom in, then refine until two resolutions agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.priors import Priors
from nmo_stats.hierarchical.quadrature.adapt import first_block, moved, population_reach, row_fit
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.joint import Joint, LogLikelihood, joint_posterior
from nmo_stats.hierarchical.quadrature.likelihood import log_likelihood
from nmo_stats.hierarchical.quadrature.patients import Patients, Reach

REFINEMENT: Final = 1.28  # from one resolution to the next
_ZOOMS: Final = 14


@dataclass(frozen=True, slots=True)
class Resolution:
    """How fine the nodes are.

    Parameters
    ----------
    spread
        Step of a spread's coordinate, in posterior sd.
    location
        Step of a location, in posterior sd given the spread and the other location.
    fineness
        Step of a patient's lattice in widths of the patient's likelihood.
    """

    spread: float
    location: float
    fineness: float

    def finer(self) -> Resolution:
        """Return the next resolution."""
        return Resolution(self.spread / REFINEMENT, self.location / REFINEMENT, self.fineness / REFINEMENT)


PILOT: Final = Resolution(1.0, 0.9, 0.8)
COARSE: Final = Resolution(0.8, 0.7, 0.5)


def locate(model: Model, patients: Patients, overdispersion: float | None = None) -> Joint:
    """Return a coarse posterior whose rows are centred and scaled, found by zooming in from the prior."""
    level, ratio = first_blocks(model.priors, patients)
    reach = _prior_reach(model.priors, level, ratio)
    likelihood = partial(
        log_likelihood, patients, reach=reach, fineness=PILOT.fineness, overdispersion=overdispersion
    )
    joint = joint_posterior(likelihood, model.priors, level, ratio)
    for _ in range(_ZOOMS):
        joint = solved(patients, model.priors, joint, PILOT, overdispersion)
        if row_fit(joint.level, joint.level_mass).good and row_fit(joint.ratio, joint.ratio_mass).good:
            break
    return joint


def solved(
    patients: Patients, priors: Priors, near: Joint, resolution: Resolution, overdispersion: float | None
) -> Joint:
    """Return the posterior on nodes placed by a coarser one."""
    likelihood = partial(
        log_likelihood,
        patients,
        reach=near.reach(),
        fineness=resolution.fineness,
        overdispersion=overdispersion,
    )
    return refined(likelihood, priors, near, resolution)


def refined(likelihood: LogLikelihood, priors: Priors, near: Joint, resolution: Resolution) -> Joint:
    """Return the posterior of any log likelihood on nodes placed by a coarser one."""
    step = resolution.location * near.ridge()
    level = moved(near.level, near.level_mass, resolution.spread, step)
    ratio = moved(near.ratio, near.ratio_mass, resolution.spread, step)
    return joint_posterior(likelihood, priors, level, ratio)


def first_blocks(priors: Priors, patients: Patients) -> tuple[Block, Block]:
    """Return blocks that span the prior, in units of the smallest spread that the counts could show."""
    count = int(patients.copies.sum())
    variance = 1 / (float(patients.copies @ patients.relapses.sum(axis=1)) / count + 1)
    smallest = np.sqrt(variance * np.sqrt(2 / count))
    level = first_block(priors.log_rate, priors.sd_rate, float(smallest))
    ratio = first_block(priors.log_rate_ratio, priors.sd_rate_ratio, float(2 * smallest))
    return level, ratio


def _prior_reach(priors: Priors, level: Block, ratio: Block) -> Reach:
    of_level = np.exp(level.log_weight(priors.log_rate, priors.sd_rate))
    of_ratio = np.exp(ratio.log_weight(priors.log_rate_ratio, priors.sd_rate_ratio))
    return Reach(
        population_reach(level, of_level / of_level.sum()), population_reach(ratio, of_ratio / of_ratio.sum())
    )
