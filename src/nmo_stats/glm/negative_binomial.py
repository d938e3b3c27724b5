"""The marginal negative-binomial (NB2) rate ratio with its profile-likelihood interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import xlogy

from nmo_stats.arguments import instance, number
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import Caution, Interval, RateRatio, require_ratio
from nmo_stats.estimators.within_patient import pair_cautions, pooled_cautions, require_countable
from nmo_stats.glm.poisson import ProfileRatio, poisson
from nmo_stats.glm.profile import profile_interval, profile_p_value, require_relapses_in_both
from nmo_stats.numerics.threads import one_thread

_LEAST_OVERDISPERSION: Final = 1e-8
_LARGEST_OVERDISPERSION: Final = 1e4
_GAIN: Final = 1e-7
_STARTS: Final = (0.01, 0.5, 5.0)  # the likelihood can have one maximum at the boundary and one inside
_FARTHEST: Final = 200.0


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
        shift = number("log_ratio", log_ratio)
        return 2 * (self.log_likelihood - _maximum(self.pair, (self.overdispersion,), shift)[1])

    def interval(self, level: float = 0.95) -> Interval:
        """Return the profile-likelihood interval; the Poisson one at the boundary."""
        if self.overdispersion == 0:
            return self._poisson().interval(level)
        return profile_interval(self.deviance, self.log_estimate, level)

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the estimate with its profile-likelihood interval; the Poisson one at the boundary."""
        if self.overdispersion == 0:
            return replace(self._poisson().rate_ratio(level), method=self.method, cautions=self.cautions)
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=self.interval(level),
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
    instance("pair", pair, Comparison)
    require_relapses_in_both(pair, "negative_binomial")
    require_countable(pair, "negative_binomial")
    poisson_maximum = _poisson_log_likelihood(pair, *_poisson_rates(pair))
    (_, log_ratio, overdispersion), value = _maximum(pair, _STARTS)
    pairing = "the two periods of a patient are treated as independent"
    others = pooled_cautions(pair) + pair_cautions(pair)
    if value <= poisson_maximum + _GAIN or overdispersion <= 2 * _LEAST_OVERDISPERSION:
        text = (
            f"{pairing}; the counts show no overdispersion (its estimate is 0), so this is the Poisson result"
        )
        cautions = (Caution("ignores_pairing", text), *others)
        return NegativeBinomialRatio(pair, 0.0, _poisson_rates(pair)[1], poisson_maximum, cautions)
    cautions = (Caution("ignores_pairing", pairing), *others)
    return NegativeBinomialRatio(pair, overdispersion, log_ratio, value, cautions)


def _poisson_rates(pair: Comparison) -> tuple[float, float]:
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    log_rate = math.log(reference / reference_years)
    return log_rate, math.log(comparator / comparator_years) - log_rate


def _maximum(
    pair: Comparison, starts: tuple[float, ...], log_ratio: float | None = None
) -> tuple[tuple[float, float, float], float]:
    """Maximize the log-likelihood from each start of the overdispersion, the log ratio held where one is given.

    Returns the log reference rate, the log ratio and the overdispersion, and the maximum.
    """
    log_rate, free_ratio = _poisson_rates(pair)
    start_ratio = free_ratio if log_ratio is None else log_ratio
    start_rate = log_rate + (free_ratio - start_ratio) / 2
    free = (free_ratio - _FARTHEST, free_ratio + _FARTHEST)
    bounds = [
        (log_rate - _FARTHEST, log_rate + _FARTHEST),
        free if log_ratio is None else (log_ratio, log_ratio),
        (math.log(_LEAST_OVERDISPERSION), math.log(_LARGEST_OVERDISPERSION)),
    ]
    with one_thread():  # three parameters: on a busy machine several threads take twenty times as long
        found = [
            minimize(
                _negative,
                np.array([start_rate, start_ratio, math.log(start)]),
                args=(pair, _exceeding(pair)),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
            )
            for start in starts
        ]
    best = min(found, key=lambda result: float(result.fun))
    if not math.isfinite(best.fun):
        raise ConvergenceError(("its likelihood could not be maximized",), "negative_binomial")
    rate, ratio, log_overdispersion = map(float, best.x)
    return (rate, ratio, math.exp(log_overdispersion)), -float(best.fun)


def _poisson_log_likelihood(pair: Comparison, log_rate: float, log_ratio: float) -> float:
    mean = pair.years * np.exp(log_rate + np.array([0.0, log_ratio]))
    return float(np.sum(xlogy(pair.relapses, mean) - mean))


def _exceeding(pair: Comparison) -> Floats:
    """Return the number of periods with more than 0, 1, 2, ... relapses."""
    return np.bincount(pair.relapses.ravel())[:0:-1].cumsum()[::-1].astype(np.float64)


def _negative(parameters: Floats, pair: Comparison, exceeding: Floats) -> tuple[float, Floats]:
    """Return the negative log-likelihood and its gradient in (log rate, log ratio, log overdispersion a).

    Up to terms of the counts alone, with m_j periods of more than j relapses (Lawless), it is

        sum_j m_j log(1 + a j)  +  sum y log(mean) - (y + 1/a) log(1 + a mean)

    which has no gamma function and no cancellation as a tends to 0, where it is the Poisson one.
    """
    log_rate, log_ratio, log_overdispersion = parameters
    a, counts, fewer = math.exp(log_overdispersion), pair.relapses, np.arange(len(exceeding))
    mean = pair.years * np.exp(log_rate + np.array([0.0, log_ratio]))
    grown, logs = 1 + a * mean, np.log1p(a * mean)
    value = np.dot(exceeding, np.log1p(a * fewer)) + np.sum(xlogy(counts, mean) - (counts + 1 / a) * logs)
    by_mean = (counts - mean) / grown
    by_log_a = np.dot(exceeding, a * fewer / (1 + a * fewer)) + np.sum(
        logs / a - (1 + a * counts) * mean / grown
    )
    return -float(value), -np.array([by_mean.sum(), by_mean[:, 1].sum(), by_log_a])
