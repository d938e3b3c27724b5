"""Gauss-Legendre nodes, each rule computed once: finding its nodes takes longer than using them."""

from __future__ import annotations

from functools import cache

import numpy as np

from nmo_stats.arrays import Floats


def gauss_nodes(low: float, high: float, count: int) -> tuple[Floats, Floats]:
    """Return nodes and weights of the rule with ``count`` nodes between ``low`` and ``high``."""
    nodes, weights = _rule(count)
    half = (high - low) / 2
    return low + (nodes + 1) * half, weights * half


@cache
def _rule(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights
