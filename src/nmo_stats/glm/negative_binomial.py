"""The marginal negative-binomial (NB2) rate ratio with its profile-likelihood interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, xlogy

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import Caution, RateRatio, require_ratio
from nmo_stats.glm.poisson import ProfileRatio, poisson
from nmo_stats.glm.profile import profile_interval, profile_p_value, require_relapses_in_both
from nmo_stats.within_patient import Floats, pair_cautions, pooled_cautions

_LEAST_OVERDISPERSION: Final = 1e-6
_LARGEST_OVERDISPERSION: Final = 1e4
_GAIN: Final = 1e-7


@dataclass(frozen=True, eq=False)
class NegativeBinomialRatio:
    """A fitted NB2 regression: variance = mean + overdispersion * mean^2.

    Parameters
    ----------
    pair
        The two periods.
    overdispersion
        Maximum likelihood estimate; 0 at the boundary, where the result is the Poisson one.
    log_estimate
        Logarithm of the estimated rate ratio.
    log_likelihood
        Maximum of the log-likelihood.
    cautions
        Always with ``ignores_pairing``.
    """

    pair: Comparison
    overdispersion: float
    log_estimate: float
    log_likelihood: float
    cautions: tuple[Caution, ...]
    method: str = "negative_binomial"

    def deviance(self, log_ratio: float) -> float:
        """Return twice the drop of the profile log-likelihood from its maximum."""
        return 2 * (self.log_likelihood - _maximum(self.pair, log_ratio)[1])

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the estimate with its profile-likelihood interval; the Poisson one at the boundary."""
        if self.overdispersion == 0:
            return replace(self._poisson().rate_ratio(level), method=self.method, cautions=self.cautions)
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=profile_interval(self.deviance, self.log_estimate, level),
            method=self.method,
            estimand="pooled",
            cautions=self.cautions,
            p_value=self.p_value(),
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the likelihood-ratio p-value for a given ratio."""
        if self.overdispersion == 0:
            return self._poisson().p_value(ratio)
        return profile_p_value(self.deviance, require_ratio(ratio))

    def _poisson(self) -> ProfileRatio:
        return poisson(self.pair)


def negative_binomial(pair: Comparison) -> NegativeBinomialRatio:
    """Fit a marginal NB2 regression of the counts on the period, with offset log exposure.

    It treats the two periods of a patient as independent (caution ``ignores_pairing``). Where the likelihood is
    largest without overdispersion, the result is the Poisson one, and the caution says so.

    Raises
    ------
    NotIdentifiedError
        If a period has no relapse.
    ConvergenceError
        If the likelihood cannot be maximized.

    References
    ----------
    Lawless JF. Negative binomial and mixed Poisson regression. doi:10.2307/3314912.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> fit = negative_binomial(load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before"))
    >>> print(f"{fit.overdispersion:.3f}")
    0.611
    """
    require_relapses_in_both(pair, "negative_binomial")
    poisson_maximum = _log_likelihood(pair, *_poisson_rates(pair), 0.0)
    (log_rate, log_ratio, overdispersion), value = _maximum(pair, None)
    pairing = "the two periods of a patient are treated as independent"
    others = pooled_cautions(pair) + pair_cautions(pair)
    if value <= poisson_maximum + _GAIN or overdispersion <= 2 * _LEAST_OVERDISPERSION:
        text = f"{pairing}; the counts show no overdispersion (its estimate is 0), so this is the Poisson result"
        cautions = (Caution("ignores_pairing", text), *others)
        return NegativeBinomialRatio(pair, 0.0, _poisson_rates(pair)[1], poisson_maximum, cautions)
    cautions = (Caution("ignores_pairing", pairing), *others)
    return NegativeBinomialRatio(pair, overdispersion, log_ratio, value, cautions)


def _poisson_rates(pair: Comparison) -> tuple[float, float]:
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    log_rate = math.log(reference / reference_years)
    return log_rate, math.log(comparator / comparator_years) - log_rate


def _maximum(pair: Comparison, log_ratio: float | None) -> tuple[tuple[float, float, float], float]:
    """Maximize the log-likelihood, with the log ratio held where one is given.

    Returns the log reference rate, the log ratio and the overdispersion, and the maximum.
    """
    log_rate, free_ratio = _poisson_rates(pair)
    held = log_ratio is not None
    start_ratio = log_ratio if log_ratio is not None else free_ratio
    best: tuple[tuple[float, float, float], float] | None = None
    for start in (0.01, 0.5, 5.0):  # the likelihood can have one maximum at the boundary and one inside
        found = minimize(
            _negative,
            np.array([log_rate + (free_ratio - start_ratio) / 2, start_ratio, math.log(start)]),
            args=(pair,),
            jac=True,
            method="L-BFGS-B",
            bounds=[
                (None, None),
                (start_ratio, start_ratio) if held else (None, None),
                (math.log(_LEAST_OVERDISPERSION), math.log(_LARGEST_OVERDISPERSION)),
            ],
            options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
        )
        if math.isfinite(found.fun) and (best is None or -found.fun > best[1]):
            a, b, log_overdispersion = map(float, found.x)
            best = (a, b, math.exp(log_overdispersion)), -float(found.fun)
    if best is None:
        raise ConvergenceError(("the negative-binomial likelihood could not be maximized",), "negative_binomial")
    return best


def _log_likelihood(pair: Comparison, log_rate: float, log_ratio: float, overdispersion: float) -> float:
    """Return the log-likelihood up to terms of the counts alone; Poisson at overdispersion 0."""
    counts = pair.relapses
    mean = pair.years * np.exp(log_rate + np.array([0.0, log_ratio]))
    if overdispersion == 0:
        return float(np.sum(xlogy(counts, mean) - mean))
    return float(np.sum(_terms(counts.astype(float), mean, overdispersion)))


def _terms(counts: Floats, mean: Floats, overdispersion: float) -> Floats:
    size = 1 / overdispersion
    rising = gammaln(counts + size) - gammaln(size) + counts * math.log(overdispersion)
    return np.asarray(rising + xlogy(counts, mean) - (counts + size) * np.log1p(overdispersion * mean))


def _negative(parameters: Floats, pair: Comparison) -> tuple[float, Floats]:
    """Return the negative log-likelihood and its gradient in (log rate, log ratio, log overdispersion)."""
    log_rate, log_ratio, log_overdispersion = parameters
    overdispersion = math.exp(log_overdispersion)
    size = 1 / overdispersion
    counts = pair.relapses.astype(float)
    mean = pair.years * np.exp(log_rate + np.array([0.0, log_ratio]))
    by_mean = (counts - mean) / (1 + overdispersion * mean)
    by_size = digamma(counts + size) - digamma(size) - np.log1p(overdispersion * mean) + (mean - counts) / (size + mean)
    gradient = np.array([by_mean.sum(), by_mean[:, 1].sum(), -size * by_size.sum()])
    return -float(np.sum(_terms(counts, mean, overdispersion))), -gradient
