"""The NUTS engine: the model in PyMC, sampled with a non-centred parametrization."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any, Final

import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from nmo_stats.arguments import Progress
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical.arviz_adapter import container, convergence, quantities, quietly
from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.model import CONTRAST, Model
from nmo_stats.hierarchical.options import Nuts
from nmo_stats.hierarchical.posterior import DrawsPosterior
from nmo_stats.hierarchical.priors import HalfNormal, Prior
from nmo_stats.memory import require_memory
from nmo_stats.names import SAMPLED

_PER_PATIENT: Final = 5  # two effects, two log rates and their difference


def fit_nuts(model: Model, options: Nuts, seed: int) -> HierarchicalFit:
    """Sample the posterior.

    Parameters
    ----------
    model
        The comparison with priors and likelihood.
    options
        How to sample.
    seed
        Seed of all random numbers; the same seed gives the same draws on the same versions.
    """
    _require_room(model, options)
    sampled = _sample(build(model), options, seed)
    stats = _sample_stats(sampled)
    draws = sampled["posterior"][[*model.parameters, "u", "v"]]
    derived = quantities(model, draws, seed)
    return HierarchicalFit(
        model=model,
        posterior=DrawsPosterior(derived, container(model, draws.merge(derived), stats, seed), seed),
        convergence=convergence(derived, stats, int(stats["deepest_tree"].sum())),
        method=SAMPLED,
        seed=seed,
    )


def _require_room(model: Model, options: Nuts) -> None:
    """Refuse more draws of the patients' effects, rates and ratios than can be held."""
    each = _PER_PATIENT * len(model.pair.patients) + 2 * len(model.parameters)
    remedy = "draw fewer, or use engine='quadrature', whose memory does not grow with draws"
    what = f"{options.chains} chains of {options.draws:,} draws for {len(model.pair.patients):,} patients"
    require_memory(each * options.chains * options.draws, what, remedy, method=SAMPLED)


def build(model: Model) -> pm.Model:
    """Return the PyMC model, with dimensions ``patient`` and ``period``.

        y_ij ~ Poisson(t_ij rate_ij), or NegativeBinomial with variance mean + overdispersion mean^2
        log rate_ij = log_rate + sd_rate u_i + x_j (log_rate_ratio + sd_rate_ratio v_i)
        u_i, v_i ~ Normal(0, 1);  x = -1/2 on the reference, +1/2 on the comparator

    With ``entry="relapse_on_reference"`` each patient's likelihood is divided by P(y_i0 > 0).
    """
    pair = model.pair
    coords = {"patient": list(pair.patients), "period": [pair.reference, pair.comparator]}
    with pm.Model(coords=coords) as built:
        top = {name: _prior(name, model.priors.of(name)) for name in model.parameters}
        u = pm.Normal("u", 0.0, 1.0, dims="patient")
        v = pm.Normal("v", 0.0, 1.0, dims="patient")
        location = top["log_rate"] + top["sd_rate"] * u
        ratio = top["log_rate_ratio"] + top["sd_rate_ratio"] * v
        mean = pair.years * pt.exp(location[:, None] + CONTRAST * ratio[:, None])
        _observe(model, mean, top.get("overdispersion"))
    return built


def _prior(name: str, prior: Prior) -> Any:
    if isinstance(prior, HalfNormal):
        return pm.HalfNormal(name, prior.sd)
    return pm.Normal(name, prior.mean, prior.sd)


def _observe(model: Model, mean: Any, overdispersion: Any) -> None:
    observed = {"observed": model.pair.relapses, "dims": ("patient", "period")}
    if overdispersion is None:
        pm.Poisson("relapses", mean, **observed)
        log_none = -mean[:, 0]
    else:
        pm.NegativeBinomial("relapses", mu=mean, alpha=1 / overdispersion, **observed)
        log_none = -pt.log1p(overdispersion * mean[:, 0]) / overdispersion
    if model.entry is not None:
        pm.Potential("entry", -pt.log(-pt.expm1(log_none)).sum())


def _sample(built: pm.Model, options: Nuts, seed: int) -> Any:
    if options.sampler == "nutpie" and find_spec("nutpie") is None:
        raise ArgumentError("sampler 'nutpie' is not installed. Install it: pip install 'nmo-stats[nutpie]'.")
    try:
        sampled = _sampled(built, options, seed)
    except ValueError as error:
        if "Not enough samples" in str(error):  # stopped before the first draw
            raise KeyboardInterrupt from error
        raise
    if sampled["posterior"].sizes["draw"] < options.draws:
        raise KeyboardInterrupt  # which PyMC takes for the wish to go on with the draws that there are
    return sampled


def _sampled(built: pm.Model, options: Nuts, seed: int) -> Any:
    with built, quietly():
        return pm.sample(
            draws=options.draws,
            tune=options.tune,
            chains=options.chains,
            cores=min(options.chains, options.cores or _cores()),
            target_accept=options.target_accept,
            random_seed=seed,
            nuts_sampler=options.sampler,
            progressbar=False,
            compute_convergence_checks=False,
            **_sampler_options(options),
        )


def _sampler_options(options: Nuts) -> dict[str, Any]:
    if options.sampler == "nutpie":
        return {"nuts_sampler_kwargs": {"save_warmup": False}}
    chosen: dict[str, Any] = {}
    if options.progress is not None:
        chosen["callback"] = _Counter(options.progress, options.chains * (options.draws + options.tune))
    if not pytensor.config.cxx:
        # Without a C++ compiler numba compiles; PyTensor by itself would fall back to slow Python.
        chosen["compile_kwargs"] = {"mode": "NUMBA"}
    return chosen


class _Counter:
    """Count PyMC's calls, one for each draw of each chain."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, trace: object, draw: object) -> None:  # noqa: ARG002  PyMC names them
        self.done += 1
        self.progress(self.done, self.total)


def _cores() -> int:
    return (os.cpu_count() or 1) if sys.platform == "linux" else 1


def _sample_stats(sampled: Any) -> xr.Dataset:
    """Return the statistics that every sampler has, under one name each."""
    stats = sampled["sample_stats"]
    deepest = "reached_max_treedepth" if "reached_max_treedepth" in stats else "maxdepth_reached"
    kept = stats[["diverging", "energy", "n_steps", "step_size"]]
    return kept.assign(deepest_tree=stats[deepest])
