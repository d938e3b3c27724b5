"""The quadrature engine: from a model to a fit."""

from __future__ import annotations

from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.quadrature.engine import solve
from nmo_stats.hierarchical.quadrature.posterior import GridPosterior
from nmo_stats.names import HIERARCHICAL


def fit_quadrature(model: Model, seed: int) -> HierarchicalFit:
    """Integrate the posterior deterministically; the seed matters only for draws."""
    solution, accuracy = solve(model)
    return HierarchicalFit(model, GridPosterior(solution, seed), accuracy, HIERARCHICAL, seed)
