"""The one place that touches ArviZ: draws as named arrays, its container, convergence and power-scaling.

Ratios and rates are on the log scale, where Monte Carlo errors and agreement are judged.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from nmo_stats.arrays import Cells, Floats
from nmo_stats.hierarchical.convergence import Convergence
from nmo_stats.hierarchical.model import (
    CONTRAST,
    Model,
    log_likelihood,
    log_rates,
    natural_scale,
    simulate_relapses,
)

_PRIOR_DRAWS: Final = 2_000
_SAMPLED: Final = ("chain", "draw")
_LOGGERS: Final = ("pymc", "pytensor", "pytensor.configdefaults", "pytensor.link.c.cmodule")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep PyMC and PyTensor from logging and warning inside the block."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def quantities(model: Model, draws: xr.Dataset, seed: int) -> xr.Dataset:
    """Return every reported quantity as draws with dimensions (chain, draw, ...).

    Parameters
    ----------
    model
        Its parameters are ``draws``' variables, beside the patient effects ``u`` and ``v``.
    draws
        Dimensions chain, draw and, for the effects, patient.
    seed
        For the effects of a patient not yet seen.
    """
    top = _top(model, draws)
    patient, _ = _rates(model, draws)
    rng = np.random.default_rng([seed, 1])
    shape = (*top["log_rate"].shape, 1)
    new = log_rates(top, rng.normal(size=shape), rng.normal(size=shape))[..., 0, :]
    typical = top["log_rate"][..., None] + CONTRAST * top["log_rate_ratio"][..., None]
    rates = natural_scale(typical)
    derived: dict[str, tuple[tuple[str, ...], Floats]] = {
        **{name: (_SAMPLED, values) for name, values in top.items()},
        "log_rate_typical": ((*_SAMPLED, "period"), typical),
        "log_rate_new_patient": ((*_SAMPLED, "period"), new),
        "log_rate_ratio_new_patient": (_SAMPLED, new[..., 1] - new[..., 0]),
        "log_rate_patient": ((*_SAMPLED, "patient", "period"), patient),
        "log_rate_ratio_patient": ((*_SAMPLED, "patient"), patient[..., 1] - patient[..., 0]),
        "rate_difference": (_SAMPLED, rates[..., 0] - rates[..., 1]),
    }
    return xr.Dataset(derived, coords={**draws.coords, **_coordinates(model)})


def container(model: Model, draws: xr.Dataset, sample_stats: xr.Dataset, seed: int) -> xr.DataTree:
    """Return the draws with all groups that ArviZ's plots and checks ask for.

    Groups: ``posterior``, ``posterior_predictive``, ``prior``, ``prior_predictive``, ``log_likelihood``,
    ``log_prior``, ``sample_stats``, ``observed_data``, ``constant_data``.
    """
    rng = np.random.default_rng([seed, 3])
    prior = _prior_draws(model, rng)
    groups = {
        "posterior": draws,
        "posterior_predictive": _predictive(model, draws, rng),
        "prior": prior,
        "prior_predictive": _predictive(model, prior, rng),
        "log_likelihood": _log_likelihood(model, draws),
        "log_prior": _log_prior(model, draws),
        "sample_stats": sample_stats,
        "observed_data": _dataset(model, "relapses", model.pair.relapses),
        "constant_data": _dataset(model, "years", model.pair.years),
    }
    return xr.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})


def convergence(derived: xr.Dataset, sample_stats: xr.Dataset, deepest: int) -> Convergence:
    """Return the convergence of every quantity and the health of the sampler."""
    arviz = _arviz()
    names, columns = _columns(derived)
    spread = np.array([values.std() for values in columns])
    low, median, high = (
        _each(columns, partial(arviz.mcse, method="quantile", prob=probability)) / spread
        for probability in (0.025, 0.5, 0.975)
    )
    return Convergence(
        quantities=names,
        r_hat=_each(columns, arviz.rhat),
        ess_bulk=_each(columns, partial(arviz.ess, method="bulk")),
        ess_tail=_each(columns, partial(arviz.ess, method="tail")),
        mcse_median=median,
        mcse_limits=np.maximum(low, high),
        divergences=int(sample_stats["diverging"].sum()),
        deepest_trees=deepest,
        bfmi=np.atleast_1d(arviz.bfmi(sample_stats["energy"].to_numpy())),
    )


def _each(columns: Sequence[Floats], statistic: Callable[[Floats], Any]) -> Floats:
    """Return a statistic of the draws of each quantity, shape (q,)."""
    return np.array([float(statistic(values)) for values in columns])


def power_scaling(tree: xr.DataTree) -> dict[str, float]:
    """Return the sensitivity of each parameter to power-scaling the priors; notable from about 0.05.

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
    sensitivity = arviz.psens(data, component="prior", var_names=parameters)
    return {name: float(sensitivity[name]) for name in parameters}


def _arviz() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"\s*ArviZ is undergoing a major refactor", category=FutureWarning
        )
        import arviz
    return arviz


def _columns(derived: xr.Dataset) -> tuple[tuple[str, ...], list[Floats]]:
    """Return the name and the draws, shape (chain, draw), of every single number among the quantities."""
    names, columns = [], []
    for name, values in derived.data_vars.items():
        labels = [derived[dimension].to_numpy() for dimension in values.dims[2:]]
        for index in np.ndindex(values.shape[2:]):
            where = ", ".join(str(label[i]) for label, i in zip(labels, index, strict=True))
            names.append(f"{name}[{where}]" if where else str(name))
            columns.append(values.to_numpy()[(..., *index)])
    return tuple(names), columns


def _coordinates(model: Model) -> dict[str, list[str]]:
    return {"patient": list(model.pair.patients), "period": [model.pair.reference, model.pair.comparator]}


def _top(model: Model, draws: xr.Dataset) -> dict[str, Floats]:
    return {name: draws[name].to_numpy() for name in model.parameters}


def _rates(model: Model, draws: xr.Dataset) -> tuple[Floats, Floats | None]:
    top = _top(model, draws)
    return log_rates(top, draws["u"].to_numpy(), draws["v"].to_numpy()), top.get("overdispersion")


def _dataset(model: Model, name: str, values: Cells, draws: xr.Dataset | None = None) -> xr.Dataset:
    """Return an array over patients and periods, and over the draws if there are any."""
    sampled = {} if draws is None else {name: draws[name] for name in _SAMPLED}
    dimensions = (*sampled, "patient", "period")
    return xr.Dataset({name: (dimensions, values)}, coords={**sampled, **_coordinates(model)})


def _predictive(model: Model, draws: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    rates, overdispersion = _rates(model, draws)
    return _dataset(model, "relapses", simulate_relapses(model, rng, rates, overdispersion), draws)


def _log_likelihood(model: Model, draws: xr.Dataset) -> xr.Dataset:
    rates, overdispersion = _rates(model, draws)
    return _dataset(model, "relapses", log_likelihood(model, rates, overdispersion), draws)


def _log_prior(model: Model, draws: xr.Dataset) -> xr.Dataset:
    densities = {
        name: (_SAMPLED, model.priors.of(name).log_density(values))
        for name, values in _top(model, draws).items()
    }
    return xr.Dataset(densities, coords={name: draws[name] for name in _SAMPLED})


def _prior_draws(model: Model, rng: np.random.Generator) -> xr.Dataset:
    shape, patients = (1, _PRIOR_DRAWS), list(model.pair.patients)
    top = {
        name: (_SAMPLED, model.priors.of(name).quantile(rng.uniform(size=shape))) for name in model.parameters
    }
    effects = {
        name: ((*_SAMPLED, "patient"), rng.normal(size=(*shape, len(patients)))) for name in ("u", "v")
    }
    return xr.Dataset(top | effects, coords={"chain": [0], "draw": range(_PRIOR_DRAWS), "patient": patients})
