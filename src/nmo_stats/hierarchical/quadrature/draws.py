"""Draws of a solved posterior in the shape that all engines share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from nmo_stats.hierarchical.arviz_adapter import quantities
from nmo_stats.hierarchical.quadrature.effects import draw_effects
from nmo_stats.hierarchical.quadrature.patients import Patients
from nmo_stats.hierarchical.quadrature.quantities import Solution
from nmo_stats.hierarchical.quadrature.sampling import draw_parameters

if TYPE_CHECKING:
    import xarray as xr

_DRAWS: Final = 4000
_FEWEST: Final = 200
_LARGEST: Final = 2_000_000  # draws of patients' effects in all


def drawn(solution: Solution, seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return independent draws of the parameters with the patients' effects, and of the quantities.

    There are 4,000 draws in one chain, fewer with more than 500 patients.
    """
    import xarray as xr

    model = solution.model
    rng = np.random.default_rng([seed, 4])
    count = max(_FEWEST, min(_DRAWS, _LARGEST // len(model.pair.patients)))
    top = draw_parameters(solution, count, rng)
    u, v = draw_effects(Patients.each(model), top, rng)
    values = {name: (("chain", "draw"), top[name][None]) for name in model.parameters}
    effects = {name: (("chain", "draw", "patient"), drawn[None]) for name, drawn in (("u", u), ("v", v))}
    coordinates = {"chain": [0], "draw": range(count), "patient": list(model.pair.patients)}
    parameters = xr.Dataset(values | effects, coords=coordinates)
    return parameters, quantities(model, parameters, seed)
