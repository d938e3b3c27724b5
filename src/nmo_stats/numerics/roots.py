"""Roots of many increasing functions at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nmo_stats.arrays import Counts, Floats


def increasing_roots(
    function: Callable[[Floats, Counts], Floats],
    start: Floats,
    step: float,
    *,
    farthest: float = math.inf,
    precision: float = 1e-13,
) -> Floats:
    """Return where increasing functions are 0.

    Steps are doubled from the start until the sign changes, then the root is found by Chandrupatla's method.
    (One side is enough for a monotone function, which takes half the evaluations of
    ``elementwise.bracket_root``.)

    Parameters
    ----------
    function
        Values at points, given the numbers of the functions they belong to; both of shape (m,), m <=
        functions.
    start
        Where each search starts, shape (functions,).
    step
        Length of the first step.
    farthest
        Distance from the start at which a search is given up: the root is then infinite.
    precision
        Absolute precision of a root.

    Returns
    -------
    numpy.ndarray
        Shape (functions,).
    """
    from scipy.optimize import elementwise

    numbers = np.arange(len(start))
    near, away = start, np.where(function(start, numbers) < 0, step, -step)
    far = near + away
    while (short := (function(far, numbers) * away < 0) & (np.abs(far - start) <= farthest)).any():
        near, away = np.where(short, far, near), np.where(short, 2 * away, away)
        far = np.where(short, near + away, far)
    bracket = np.minimum(near, far), np.maximum(near, far)
    root = elementwise.find_root(function, bracket, args=(numbers,), tolerances={"xatol": precision}).x
    return np.where(np.abs(far - start) > farthest, away * np.inf, root)
