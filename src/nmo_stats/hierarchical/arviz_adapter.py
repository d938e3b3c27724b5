"""The one place that touches ArviZ: its container, its convergence numbers, its power-scaling."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.convergence import Convergence
from nmo_stats.hierarchical.model import Model, log_likelihood, log_rates, simulate_relapses

_PRIOR_DRAWS = 2_000


def container(model: Model, draws: xr.Dataset, sample_stats: xr.Dataset, seed: int) -> xr.DataTree:
    """Return the draws with all groups that ArviZ's plots and checks ask for.

    Groups: ``posterior``, ``posterior_predictive``, ``prior``, ``prior_predictive``, ``log_likelihood``,
    ``log_prior``, ``sample_stats``, ``observed_data``, ``constant_data``.
    """
    rng = np.random.default_rng([seed, 3])
    prior = _prior_draws(model, rng)
    cells = ("patient", "period")
    observed = xr.Dataset({"relapses": (cells, model.pair.relapses)}, coords=_coordinates(model))
    constant = xr.Dataset({"years": (cells, model.pair.years)}, coords=_coordinates(model))
    groups = {
        "posterior": draws,
        "posterior_predictive": _predictive(model, draws, rng),
        "prior": prior,
        "prior_predictive": _predictive(model, prior, rng),
        "log_likelihood": _log_likelihood(model, draws),
        "log_prior": _log_prior(model, draws),
        "sample_stats": sample_stats,
        "observed_data": observed,
        "constant_data": constant,
    }
    return xr.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})


def convergence(quantities: xr.Dataset, sample_stats: xr.Dataset, deepest: int) -> Convergence:
    """Return the convergence of every quantity and the health of the sampler."""
    arviz = _arviz()
    names, columns = _columns(quantities)
    spread = np.array([values.std() for values in columns])
    low, median, high = (
        np.array([float(arviz.mcse(values, method="quantile", prob=probability)) for values in columns])
        / spread
        for probability in (0.025, 0.5, 0.975)
    )
    return Convergence(
        quantities=names,
        r_hat=np.array([float(arviz.rhat(values)) for values in columns]),
        ess_bulk=np.array([float(arviz.ess(values, method="bulk")) for values in columns]),
        ess_tail=np.array([float(arviz.ess(values, method="tail")) for values in columns]),
        mcse_median=median,
        mcse_limits=np.maximum(low, high),
        divergences=int(sample_stats["diverging"].sum()),
        deepest_trees=deepest,
        bfmi=np.atleast_1d(arviz.bfmi(sample_stats["energy"].to_numpy())),
    )


def power_scaling(tree: xr.DataTree) -> dict[str, float]:
    """Return the sensitivity of each parameter to power-scaling the top-level priors (about 0.05 is worth a word).

    References
    ----------
    Kallioinen N, et al. doi:10.1007/s11222-023-10366-5.
    """
    arviz = _arviz()
    parameters = [str(name) for name in tree["log_prior"].data_vars]
    data = arviz.InferenceData(
        posterior=tree["posterior"].to_dataset(),
        log_prior=tree["log_prior"].to_dataset(),
        warn_on_custom_groups=False,
    )
    found = arviz.psens(data, component="prior", var_names=parameters)
    return {name: float(found[name]) for name in parameters}


def _arviz() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"\s*ArviZ is undergoing a major refactor", category=FutureWarning
        )
        import arviz
    return arviz


def _columns(quantities: xr.Dataset) -> tuple[tuple[str, ...], list[npt.NDArray[np.float64]]]:
    names, columns = [], []
    for name, values in quantities.data_vars.items():
        labels = [quantities[dimension].to_numpy() for dimension in values.dims[2:]]
        for place in np.ndindex(values.shape[2:]):
            index = ", ".join(str(label[i]) for label, i in zip(labels, place, strict=True))
            names.append(f"{name}[{index}]" if index else str(name))
            columns.append(values.to_numpy()[(..., *place)])
    return tuple(names), columns


def _coordinates(model: Model) -> Mapping[str, list[str]]:
    return {"patient": list(model.pair.patients), "period": [model.pair.reference, model.pair.comparator]}


def _top(model: Model, draws: xr.Dataset) -> dict[str, Floats]:
    return {name: draws[name].to_numpy() for name in model.parameters}


def _rates(model: Model, draws: xr.Dataset) -> tuple[Floats, Floats | None]:
    top = _top(model, draws)
    return log_rates(top, draws["u"].to_numpy(), draws["v"].to_numpy()), top.get("overdispersion")


def _dataset(model: Model, name: str, values: npt.NDArray[Any], draws: xr.Dataset) -> xr.Dataset:
    coordinates = {"chain": draws["chain"], "draw": draws["draw"], **_coordinates(model)}
    return xr.Dataset({name: (("chain", "draw", "patient", "period"), values)}, coords=coordinates)


def _predictive(model: Model, draws: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    rates, overdispersion = _rates(model, draws)
    return _dataset(model, "relapses", simulate_relapses(model, rng, rates, overdispersion), draws)


def _log_likelihood(model: Model, draws: xr.Dataset) -> xr.Dataset:
    rates, overdispersion = _rates(model, draws)
    return _dataset(model, "relapses", log_likelihood(model, rates, overdispersion), draws)


def _log_prior(model: Model, draws: xr.Dataset) -> xr.Dataset:
    densities = {
        name: (("chain", "draw"), model.priors.of(name).log_density(values))
        for name, values in _top(model, draws).items()
    }
    return xr.Dataset(densities, coords={"chain": draws["chain"], "draw": draws["draw"]})


def _prior_draws(model: Model, rng: np.random.Generator) -> xr.Dataset:
    shape = (1, _PRIOR_DRAWS)
    top = {
        name: (("chain", "draw"), model.priors.of(name).quantile(rng.uniform(size=shape)))
        for name in model.parameters
    }
    effects = {
        name: (("chain", "draw", "patient"), rng.normal(size=(*shape, len(model.pair.patients))))
        for name in ("u", "v")
    }
    coordinates = {"chain": [0], "draw": range(_PRIOR_DRAWS), "patient": list(model.pair.patients)}
    return xr.Dataset(top | effects, coords=coordinates)
