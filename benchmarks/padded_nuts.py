"""The model of ``hierarchical.nuts``, padded so that many cohorts share one compiled model.

The padding is patients without data. Their effects keep their Normal(0, 1) priors, so the posterior of
everything else is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
from scipy.special import gammaln

from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical import HalfNormal, Model
from nmo_stats.hierarchical.model import CONTRAST, Entry, Likelihood
from nmo_stats.hierarchical.nuts import build

Floats = npt.NDArray[np.float64]

SIZES: Final = (4, 12, 30, 60)
LARGEST_COUNT: Final = 100


@dataclass(frozen=True)
class Effort:
    """How long NUTS runs: draws and tuning steps of each of four chains."""

    draws: int
    tune: int
    target_accept: float = 0.99


def run(model: Model, effort: Effort, seed: int) -> Any:
    """Sample the padded model, on one core; the result has the groups ``posterior`` and ``sample_stats``."""
    import nutpie

    compiled = _compiled(model.likelihood, model.entry, padded_size(model)).with_data(**padded_data(model))
    return nutpie.sample(
        compiled,
        draws=effort.draws,
        tune=effort.tune,
        chains=4,
        cores=1,
        seed=seed,
        save_warmup=False,
        progress_bar=False,
        target_accept=effort.target_accept,
    )


@cache
def _compiled(likelihood: Likelihood, entry: Entry | None, size: int) -> Any:
    import nutpie

    placeholder = Comparison.from_arrays(np.ones((size, 2), dtype=int), np.ones((size, 2)))
    return nutpie.compile_pymc_model(padded_model(Model(placeholder, likelihood=likelihood, entry=entry)))


def padded_size(model: Model) -> int:
    """Return the size to which a cohort is padded."""
    return next(size for size in SIZES if size >= len(model.pair.patients))


def padded_data(model: Model) -> dict[str, Floats]:
    """Return the data of the padded model: what differs between cohorts that share one compiled model."""
    counts, years = model.pair.relapses, model.pair.years
    fill = ((0, padded_size(model) - len(counts)), (0, 0))
    priors = {f"prior_{name}": _prior_values(model, name) for name in model.parameters}
    shared = {
        "counts": np.pad(counts.astype(float), fill),
        "log_years": np.pad(np.log(years), fill),
        "weight": np.pad(np.ones_like(years), fill),
    }
    if model.likelihood == "negative_binomial":
        shared["above"] = (counts.ravel() > np.arange(LARGEST_COUNT)[:, None]).sum(axis=1).astype(float)
    return shared | priors


def padded_model(model: Model) -> pm.Model:
    """Return the model of ``hierarchical.nuts.build`` up to a constant, with patients without data added.

    ``weight`` is 0 for those.
    """
    with pm.Model() as built:
        data = {name: pm.Data(name, value) for name, value in padded_data(model).items()}
        top = {name: _prior(model, name, data[f"prior_{name}"]) for name in model.parameters}
        u = pm.Normal("u", 0.0, 1.0, shape=padded_size(model))
        v = pm.Normal("v", 0.0, 1.0, shape=padded_size(model))
        level = top["log_rate"] + top["sd_rate"] * u
        ratio = top["log_rate_ratio"] + top["sd_rate_ratio"] * v
        log_mean = data["log_years"] + level[:, None] + CONTRAST * ratio[:, None]
        if model.likelihood == "poisson":
            log_none, cells = _poisson(data, log_mean)
        else:
            log_none, cells = _negative_binomial(data, log_mean, top["overdispersion"])
        pm.Potential("relapses", (data["weight"] * cells).sum())
        if model.entry is not None:
            pm.Potential("entry", -(data["weight"][:, 0] * pt.log(-pt.expm1(log_none[:, 0]))).sum())
    return built


def _poisson(data: dict[str, Any], log_mean: Any) -> tuple[Any, Any]:
    """Return the log probability of no relapse and that of the count, without its factorial."""
    log_none = -pt.exp(log_mean)
    return log_none, data["counts"] * log_mean + log_none


def _negative_binomial(data: dict[str, Any], log_mean: Any, overdispersion: Any) -> tuple[Any, Any]:
    """Return the same for the negative binomial, and add the part that holds for all cells together.

    The factor gamma(y + 1/a) / gamma(1/a) a^y is the product of 1 + a k over k < y: over all cells its log
    sums to that of log(1 + a k) times the number ``above`` of counts above k.
    """
    rising = (data["above"] * pt.log1p(overdispersion * np.arange(LARGEST_COUNT))).sum()
    pm.Potential("rising", rising)
    log_none = -pt.log1p(overdispersion * pt.exp(log_mean)) / overdispersion
    return log_none, data["counts"] * log_mean + (1 + overdispersion * data["counts"]) * log_none


def _prior_values(model: Model, name: str) -> Floats:
    prior = model.priors.of(name)
    return np.array([prior.sd] if isinstance(prior, HalfNormal) else [prior.mean, prior.sd], dtype=float)


def _prior(model: Model, name: str, values: Any) -> Any:
    if isinstance(model.priors.of(name), HalfNormal):
        return pm.HalfNormal(name, values[0])
    return pm.Normal(name, values[0], values[1])


def largest_difference(model: Model, rng: np.random.Generator, points: int = 20) -> float:
    """Return the largest relative difference from the log density of ``build``, known constants removed."""
    patients, size = len(model.pair.patients), padded_size(model)
    padded, original = padded_model(model).compile_logp(), build(model).compile_logp()
    constant = gammaln(model.pair.relapses + 1.0).sum() - (size - patients) * np.log(2 * np.pi)
    found = []
    for _ in range(points):
        point = {_value_name(model, name): rng.normal(-0.5, 1.5) for name in model.parameters}
        effects = {name: rng.normal(size=size) for name in ("u", "v")}
        extra = sum((values[patients:] ** 2).sum() / 2 for values in effects.values())
        first = float(padded(point | effects)) + extra - constant
        second = float(original(point | {name: values[:patients] for name, values in effects.items()}))
        found.append(abs(first - second) / max(1.0, abs(second)))
    return max(found)


def _value_name(model: Model, name: str) -> str:
    return f"{name}_log__" if isinstance(model.priors.of(name), HalfNormal) else name
