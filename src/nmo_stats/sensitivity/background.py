"""The posterior of the ratio beyond what such a series would show with no effect at all.

If the log ratio of a series without effect is B ~ Normal(mean, sd), independent of the data, what is left of the observed
log ratio X is X - B, with

    P(X - B <= v) = E P(X <= v + B) = integral of F(v + mean + sd z) phi(z) dz

for the posterior distribution function F of X.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import brentq

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import Interval, RateRatio, require_level, require_ratio
from nmo_stats.estimators import Refusal
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.no_effect import NoEffect
from nmo_stats.sensitivity.row import Row
from nmo_stats.simulate import point_estimates, simulate_cohorts
from nmo_stats.wording import significant

DEFAULT_SD: Final = 0.2
_FITTED_PATIENTS: Final = 500
_NODES: Final = 64
_WIDEST: Final = 30.0
_WITHIN: Final = "conditional_exact"


@dataclass(frozen=True, slots=True)
class Background:
    """The ratio that a series like this one would show with no effect at all, and how uncertain that is.

    Parameters
    ----------
    ratio
        Its median.
    sd
        Standard deviation of its logarithm; 0 for a known ratio.

    Examples
    --------
    >>> Background(0.6).sd
    0.2
    """

    ratio: float
    sd: float = DEFAULT_SD

    def __post_init__(self) -> None:
        require_ratio(self.ratio)
        if not (self.sd >= 0 and math.isfinite(self.sd)):
            raise ArgumentError(f"sd {self.sd!r} of the log background ratio: a finite number >= 0")


def adjusted(fit: HierarchicalFit, background: Background, level: float = 0.95) -> RateRatio:
    """Return the posterior of the ratio divided by an uncertain background ratio: median and equal-tailed interval.

    Raises
    ------
    ConvergenceError
        If the fit failed one of its checks.

    References
    ----------
    Lash TL, Fox MP, MacLehose RF, et al. Good practices for quantitative bias analysis. doi:10.1093/ije/dyu149.

    Examples
    --------
    >>> import nmo_stats as nmo
    >>> from nmo_stats import hierarchical
    >>> fit = hierarchical.fit(nmo.load_example().compare("tocilizumab", reference="rituximab"))
    >>> print(f"{adjusted(fit, Background(0.5, 0.2)).estimate:.2f}")
    0.44
    """
    base = fit.rate_ratio(level)
    tail = (1 - require_level(level)) / 2
    low, median, high = (math.exp(_quantile(fit, background, share)) for share in (tail, 0.5, 1 - tail))
    return RateRatio(
        estimate=median,
        interval=Interval(low, high, level, "credible"),
        method=fit.method,
        estimand=base.estimand,
        cautions=base.cautions,
        probability_below_1=_below(fit, background, 0.0),
    )


def _quantile(fit: HierarchicalFit, background: Background, share: float) -> float:
    start = float(fit.posterior.quantile("log_rate_ratio", (share,))[0]) - math.log(background.ratio)
    if background.sd == 0:
        return start
    reach = 1.0
    while _below(fit, background, start - reach) > share or _below(fit, background, start + reach) < share:
        reach *= 2
        if reach > _WIDEST:
            break
    return float(
        brentq(lambda value: _below(fit, background, value) - share, start - reach, start + reach, xtol=1e-10)
    )


def _below(fit: HierarchicalFit, background: Background, value: float) -> float:
    """Return P(log ratio - log background <= value)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    at = value + math.log(background.ratio) + background.sd * nodes
    return float(weights @ fit.posterior.cdf("log_rate_ratio", at) / weights.sum())


def simulated_background(
    model: Model, designs: Sequence[NoEffect], refits: Refits, seed: int
) -> Background | Refusal:
    """Return what the hierarchical model shows in a very large series with no effect, or why that is not known.

    The ratio is that of the model's own fit to a large series of the headline design, moved by as much as the exact ratio within
    patients moves from that series to a still larger one, which goes along with it but for a hundredth (a control variate). The
    uncertainty is that of the population: the standard deviation of the latter log ratio over the designs, or the default without a
    grid of them.

    Parameters
    ----------
    model
        Priors and entry of the fit; its comparison gives the times.
    designs
        Designs with rules of the same kind, the headline first.
    refits
        Computes the fit.
    seed
        Of the simulated series.
    """
    headline = designs[0]
    rng = np.random.default_rng([seed, 2])
    times = np.resize(model.pair.years, (_FITTED_PATIENTS, 2))
    series = simulate_cohorts(rng, headline.population, headline.rule, times, 1)
    large = Comparison.from_arrays(series.relapses[0], series.years[0])
    found = hierarchical_answer(refits, replace(model, pair=large))
    if isinstance(found, Refusal):
        return found
    logs = np.log([design.large_cohort(_WITHIN) for design in designs])
    moved = logs[0] - math.log(float(point_estimates(series)[_WITHIN][0]))
    return Background(found.estimate * math.exp(moved), float(np.std(logs)) if len(logs) > 2 else DEFAULT_SD)


def adjusted_row(
    fit: HierarchicalFit, background: Background, assumption: str, clause: str, level: float
) -> Row:
    """Return the row of the adjusted ratio."""
    label = f"{assumption}: {significant(background.ratio)} (log sd {significant(background.sd, 2)})"
    if fit.convergence.failures:
        reason = "failed diagnostic: " + "; ".join(fit.convergence.failures)
        return Row("bias_adjustment", label, clause, fit.method, reason=reason, failed=True)
    return Row.of("bias_adjustment", label, clause, adjusted(fit, background, level))
