"""Simulation-based calibration: whether the hierarchical posterior is right on average over its prior.

Parameters are drawn from the prior, a series is simulated with them, and the model is fitted. If model,
simulation and engine agree, the probability that the posterior gives to values below the true one is uniform
between 0 and 1 (doi:10.1214/20-BA1221, doi:10.48550/arXiv.1804.06788).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arguments import DEFAULT_SEED, instance, one_of, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import require_level
from nmo_stats.hierarchical import DEFAULT_PRIORS, HierarchicalFit, Model, Nuts, Priors, fit_model
from nmo_stats.hierarchical.model import Entry, Likelihood, log_rates, simulate_relapses
from nmo_stats.hierarchical.options import ENGINES
from nmo_stats.names import HIERARCHICAL
from nmo_stats.operating.running import CALIBRATION, HERE, Execution, Task, computed, in_blocks
from nmo_stats.operating.simulation import MOST_REPLICATES

BLOCK: Final = 50
_LEVELS: Final = np.arange(1, 1001) / 1001


@dataclass(frozen=True, slots=True)
class Setting:
    """What is calibrated.

    Parameters
    ----------
    times
        Reference and comparator time of each patient, years.
    priors, likelihood, entry
        Of the hierarchical model.
    engine
        ``"quadrature"``: exact posterior probability below the truth; ``"nuts"``: the truth's rank among
        thinned draws.
    seed
        Seed of all random numbers.
    """

    times: tuple[tuple[float, float], ...]
    priors: Priors = DEFAULT_PRIORS
    likelihood: Likelihood = "poisson"
    entry: Entry | None = None
    engine: str = "quadrature"
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        one_of("engine", self.engine, ENGINES)
        object.__setattr__(self, "seed", valid_seed(self.seed))
        _ = self.model

    @property
    def model(self) -> Model:
        """The model of a series of these times; its counts are of no account."""
        times = np.array(self.times)
        return Model(
            Comparison.from_arrays(np.ones(times.shape, dtype=int), times),
            self.priors,
            self.likelihood,
            self.entry,
        )


@dataclass(frozen=True, eq=False)
class Calibration:
    """Posterior probabilities below the truth over many replicates.

    Parameters
    ----------
    setting
        What was calibrated.
    probabilities
        One column for each parameter, one row for each replicate; NaN where the fit failed a check.
    """

    setting: Setting
    probabilities: pd.DataFrame

    @property
    def failed(self) -> int:
        """Replicates whose fit failed a check and gave nothing."""
        return int(self.probabilities.isna().any(axis=1).sum())

    def uniformity(self) -> pd.DataFrame:
        """Return for each parameter the Kolmogorov-Smirnov distance from uniform, p-value and replicates."""
        from scipy.stats import kstest

        known = self.probabilities.dropna()
        tests = [tuple(kstest(known[name], "uniform")) if len(known) else (np.nan, np.nan) for name in known]
        frame = pd.DataFrame(tests, columns=["distance", "p_value"])
        frame.insert(0, "parameter", known.columns)
        return frame.assign(replicates=len(known))


def calibrate(setting: Setting, replicates: int = 1_000, *, execution: Execution = HERE) -> Calibration:
    """Run a simulation-based calibration.

    Parameters
    ----------
    setting
        Times, model and engine.
    replicates
        Number of simulated series.
    execution
        Processes, cluster, folder of finished blocks, progress; it does not change the result.

    Examples
    --------
    >>> found = calibrate(Setting(((2.0, 1.5), (1.0, 1.0))), 10)
    >>> found.probabilities.shape, found.failed
    ((10, 4), 0)
    """
    instance("setting", setting, Setting)
    instance("execution", execution, Execution)
    replicates = whole("replicates", replicates, 1, MOST_REPLICATES)
    settings = "calibration", asdict(setting)
    work = [
        Task((*settings, number), CALIBRATION, size, partial(_block, setting, number, size))
        for number, size in in_blocks(replicates, BLOCK)
    ]
    return Calibration(setting, pd.concat(computed(work, execution), ignore_index=True))


def simultaneous_band(replicates: int, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return a band that holds the whole empirical distribution of uniform values with a probability.

    Parameters
    ----------
    replicates
        Number of values.
    level
        Probability.

    Returns
    -------
    tuple of numpy.ndarray
        Points in (0, 1), and lower and upper limit of the share of values at or below each.

    References
    ----------
    Säilynoja T, Bürkner PC, Vehtari A. Graphical test for discrete uniformity.
    doi:10.1007/s11222-022-10090-6. The pointwise level is found by simulation of uniform samples, as there.
    """
    level = require_level(level)
    from scipy.stats import binom

    replicates = whole("replicates", replicates, 1, MOST_REPLICATES)
    points = np.arange(1, 100) / 100
    rng = np.random.default_rng(DEFAULT_SEED)
    steps = rng.multinomial(replicates, np.full(100, 0.01), size=40_000).cumsum(axis=1)[:, :-1]
    lower, upper = binom.cdf(steps, replicates, points), binom.sf(steps - 1, replicates, points)
    pointwise = np.quantile(2 * np.minimum(lower, upper).min(axis=1), 1 - level, method="lower")
    low = np.asarray(binom.ppf(pointwise / 2, replicates, points)) / replicates
    return points, low, 1 - low[::-1]  # a uniform sample turned round is one too


def draw(setting: Setting, rng: np.random.Generator) -> tuple[dict[str, float], Model]:
    """Return parameters from the prior, and the model of a series that is simulated with them."""
    instance("setting", setting, Setting)
    instance("rng", rng, np.random.Generator)
    model = setting.model
    truth = {name: float(model.priors.of(name).quantile(rng.uniform(size=()))) for name in model.parameters}
    u, v = rng.standard_normal((2, len(setting.times)))
    top = {name: np.asarray(value) for name, value in truth.items()}
    relapses = simulate_relapses(model, rng, log_rates(top, u, v), top.get("overdispersion"))
    return truth, replace(model, pair=Comparison.from_arrays(relapses, model.pair.years))


def _block(setting: Setting, number: int, replicates: int) -> pd.DataFrame:
    """Return for each replicate the posterior probability below the true value of each parameter.

    NaN in a replicate whose fit failed a check; they are counted, not left out in silence.
    """
    rng = np.random.default_rng(np.random.SeedSequence(setting.seed, spawn_key=(number,)))
    return pd.DataFrame([_replicate(setting, rng) for _ in range(replicates)])


def _replicate(setting: Setting, rng: np.random.Generator) -> dict[str, float]:
    truth, model = draw(setting, rng)
    engine = "quadrature" if setting.engine == "quadrature" else Nuts(cores=1)
    fitted = fit_model(model, engine, int(rng.integers(2**31)))
    if fitted.convergence.failures:
        return dict.fromkeys(model.parameters, math.nan)
    return {name: _below(fitted, name, value, rng) for name, value in truth.items()}


def _below(fitted: HierarchicalFit, name: str, truth: float, rng: np.random.Generator) -> float:
    """Return the posterior probability below the truth; of draws, a uniform value in the step of its rank.

    Draws are taken at even quantiles, which is a thinning that does not see their autocorrelation.
    """
    if fitted.method == HIERARCHICAL:
        return float(fitted.posterior.cdf(name, np.array([truth]))[0])
    below = int(np.sum(fitted.posterior.quantile(name, tuple(_LEVELS)) < truth))
    return float((below + rng.uniform()) / (len(_LEVELS) + 1))
