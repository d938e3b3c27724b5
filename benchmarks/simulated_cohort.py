"""The cohort that the speed benchmarks share: simulated from known parameters, of any size."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical.model import CONTRAST

TRUTH: Final = {
    "log_rate": math.log(0.5),
    "sd_rate": 0.7,
    "log_rate_ratio": math.log(0.4),
    "sd_rate_ratio": 0.3,
}


def simulate(patients: int, seed: int, *, entry: bool = False) -> Comparison:
    """Draw a Poisson cohort from ``TRUTH``, with follow-up uniform between 0.5 and 4 years.

    Parameters
    ----------
    patients
        How many.
    seed
        Seed of all random numbers.
    entry
        Whether every patient has a relapse on the reference; its count is drawn again until it is above 0.
    """
    rng = np.random.default_rng([seed, patients])
    years = rng.uniform(0.5, 4.0, size=(patients, 2))
    u, v = rng.standard_normal(size=(2, patients))
    level = TRUTH["log_rate"] + TRUTH["sd_rate"] * u
    ratio = TRUTH["log_rate_ratio"] + TRUTH["sd_rate_ratio"] * v
    mean = years * np.exp(level[:, None] + CONTRAST * ratio[:, None])
    relapses = rng.poisson(mean)
    while entry and (none := relapses[:, 0] == 0).any():
        relapses[none, 0] = rng.poisson(mean[none, 0])
    return Comparison.from_arrays(relapses, years)
