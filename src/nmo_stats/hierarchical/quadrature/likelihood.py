"""The log likelihood of the top-level parameters, patients' effects integrated out, at every pair of nodes.

    L_i(log_rate, sd_rate, log_rate_ratio, sd_rate_ratio)
        = integral of Normal(a; log_rate, sd_rate) F_i(a, b) Normal(b; log_rate_ratio, sd_rate_ratio) over a
        and b

with F_i(a, b) the probability of the patient's two counts at log rates a - b/2 and a + b/2. On a lattice this
is the matrix product W @ F_i @ V', rows of W and V being the weights of the two Normal densities.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.quadrature.elements import normal_weights
from nmo_stats.hierarchical.quadrature.patients import Patients, Reach, Table, tables

_SMALLEST: Final = 1e-290
_ROUNDING: Final = 1e-12
_WORKERS: Final = min(4, os.cpu_count() or 1)
Nodes = tuple[Floats, Floats]


def log_likelihood(
    patients: Patients,
    level: Nodes,
    ratio: Nodes,
    reach: Reach,
    fineness: float,
    overdispersion: float | None = None,
) -> Floats:
    """Return the log likelihood of every combination of level nodes and ratio nodes.

    Parameters
    ----------
    patients
        Counts and times.
    level
        log_rate and sd_rate of m nodes, each of shape (m,).
    ratio
        log_rate_ratio and sd_rate_ratio of k nodes, each of shape (k,).
    reach, fineness
        Limits and step of the patients' lattices, see :func:`tables`.
    overdispersion
        Of the negative binomial, None for Poisson.

    Returns
    -------
    numpy.ndarray
        Shape (m, k).
    """
    total = np.zeros((level[0].size, ratio[0].size))
    for compute in tables(patients, reach, fineness, overdispersion):
        table = compute()
        over_level = normal_weights(table.level, *level)
        over_ratio = normal_weights(table.ratio, *ratio).T
        for values, copies in zip(table.values, table.copies, strict=True):
            total += copies * _log(over_level @ (values @ over_ratio))
        total += float(table.copies @ table.log_scale)
    return total


def scattered_log_likelihood(
    patients: Patients,
    level: Nodes,
    ratio: Nodes,
    reach: Reach,
    fineness: float,
) -> Floats:
    """Return the Poisson log likelihood of single points, ``level`` and ``ratio`` taken together; shape (m,).

    The weights of points that lie near each other differ little: they are combinations of a few vectors,
    against which the patients are integrated once.
    """
    smallest_sd = float(level[1].min())
    blocks = tables(patients, reach, fineness, None, smallest_sd)
    total = np.zeros(level[0].size)
    with ThreadPoolExecutor(_WORKERS) as workers:  # numpy computes outside of Python's lock
        for part in workers.map(partial(_at_points, level, ratio), blocks):
            total += part
    return total


def _at_points(level: Nodes, ratio: Nodes, compute: Callable[[], Table]) -> Floats:
    """Return the log likelihood of some patients at single points."""
    table = compute()
    of_level, over_level = _few_vectors(normal_weights(table.level, *level))
    of_ratio, over_ratio = _few_vectors(normal_weights(table.ratio, *ratio))
    n, k, points = table.values.shape
    averaged = (table.values.reshape(n * k, points) @ over_ratio.T).reshape(n, k, -1)
    integrated = (over_level @ averaged).reshape(n, -1)
    pairs = (of_level[:, :, None] * of_ratio[:, None, :]).reshape(level[0].size, -1)
    return np.asarray(table.copies @ (_log(integrated @ pairs.T) + table.log_scale[:, None]))


def _few_vectors(weights: Floats) -> tuple[Floats, Floats]:
    """Return factors of (m, r) and (r, k) whose product is ``weights`` to rounding, r as small as can be."""
    left, size, right = np.linalg.svd(weights, full_matrices=False)
    rank = int((size > _ROUNDING * size[0]).sum())
    return left[:, :rank] * size[:rank], right[:rank]


def _log(values: Floats) -> npt.NDArray[np.float64]:
    np.maximum(values, _SMALLEST, out=values)
    return np.asarray(np.log(values, out=values))
