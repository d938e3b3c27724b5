"""Poisson rate ratios with profile-likelihood intervals, marginal and within patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_expit

from nmo_stats.arguments import instance, number
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, Estimand, Interval, RateRatio, require_ratio
from nmo_stats.estimators.rate_difference import pooled_rate_difference
from nmo_stats.estimators.within_patient import (
    Strata,
    dispersion_cautions,
    log_ratio_mle,
    pair_cautions,
    patient_strata,
    pooled_cautions,
    pooled_stratum,
)
from nmo_stats.glm.profile import profile_interval, profile_p_value, require_relapses_in_both


@dataclass(frozen=True, eq=False)
class ProfileRatio:
    """A maximum likelihood rate ratio with its profile-likelihood interval and likelihood-ratio test."""

    pair: Comparison
    strata: Strata
    method: str
    estimand: Estimand

    @cached_property
    def cautions(self) -> tuple[Caution, ...]:
        """Reasons to read the ratio with care."""
        pooled_only = pooled_cautions(self.pair) if self.estimand == "pooled" else ()
        return pooled_only + dispersion_cautions(self.pair) + pair_cautions(self.pair)

    @cached_property
    def log_estimate(self) -> float:
        """Logarithm of the maximum likelihood estimate."""
        return log_ratio_mle(self.strata, self.pair.totals[1])

    def deviance(self, log_ratio: float) -> float:
        """Return twice the drop of the log-likelihood from its maximum at a given log ratio."""
        there = self._log_likelihood(number("log_ratio", log_ratio))
        return 2 * (self._log_likelihood(self.log_estimate) - there)

    def interval(self, level: float = 0.95) -> Interval:
        """Return the profile-likelihood interval."""
        return profile_interval(self.deviance, self.log_estimate, level)

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the estimate with its profile-likelihood interval."""
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=self.interval(level),
            method=self.method,
            estimand=self.estimand,
            cautions=self.cautions,
            p_value=self.p_value(),
            rate_difference=pooled_rate_difference(self.pair, level) if self.estimand == "pooled" else None,
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the likelihood-ratio p-value for a given ratio."""
        return profile_p_value(self.deviance, require_ratio(ratio))

    def _log_likelihood(self, log_ratio: float) -> float:
        none = np.dot(self.strata.totals, log_expit(-(log_ratio + self.strata.log_time_ratios)))
        return float(self.pair.totals[1] * log_ratio + none)


def poisson(pair: Comparison) -> ProfileRatio:
    """Fit a marginal Poisson regression of the counts on the period, with offset log exposure.

    With one rate per period the profile likelihood of the ratio is the binomial likelihood of the two totals.
    Assumes Poisson counts and one rate for all patients, or the same ratio of follow-up times in all.

    Raises
    ------
    NotIdentifiedError
        If a period has no relapse.

    Examples
    --------
    >>> ratio = poisson(Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])).rate_ratio()
    >>> print(f"{ratio.estimate:.4f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.2037 (0.0311 to 0.7904)
    """
    instance("pair", pair, Comparison)
    require_relapses_in_both(pair, "poisson")
    return ProfileRatio(pair, pooled_stratum(pair), "poisson", "pooled")


def conditional_poisson(pair: Comparison) -> ProfileRatio:
    """Fit the within-patient Poisson regression: a binomial model of comparator relapses out of a patient's total.

    The offset is log(t_i1 / t_i0). Patients whose two counts are equal count like all others.

    Raises
    ------
    NotIdentifiedError
        If a period has no relapse.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> ratio = conditional_poisson(pair).rate_ratio()
    >>> print(f"{ratio.estimate:.5f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.19325 (0.0286 to 0.7918)
    """
    instance("pair", pair, Comparison)
    require_relapses_in_both(pair, "conditional_poisson")
    return ProfileRatio(pair, patient_strata(pair), "conditional_poisson", "within_patient")
