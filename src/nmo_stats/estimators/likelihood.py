"""Poisson rate ratios of many series with their profile-likelihood intervals, pooled and within patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.special import chdtrc, chdtri

from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.estimators.exact import SMALLEST_P
from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.within_patient import Strata, log_ratio_mle, strata
from nmo_stats.numerics.roots import increasing_roots

Deviance = Callable[[Floats, Counts], Floats]

_FARTHEST: Final = 100.0  # on the log scale: beyond, a deviance that has not reached its cut never will


@dataclass(frozen=True, eq=False)
class PoissonProfile:
    """The binomial likelihood of a common ratio, given the total of each stratum.

    Parameters
    ----------
    strata
        Totals and log time ratios.
    comparator
        Relapses on the comparator, shape (series,).
    log_estimate
        Where the likelihood is largest, shape (series,).
    """

    strata: Strata
    comparator: Counts
    log_estimate: Floats
    is_poisson: ClassVar = True

    def deviance(self, log_ratio: Floats, series: Counts) -> Floats:
        """Return twice the drop of the log-likelihood from its maximum at log ratios of some series."""
        chosen, comparator, best = (
            self.strata.only(series),
            self.comparator[series],
            self.log_estimate[series],
        )
        drop = comparator * (best - log_ratio) + chosen.log_none(best) - chosen.log_none(log_ratio)
        return np.maximum(2 * drop, 0.0)

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the profile-likelihood limits."""
        return profile_limits(self.deviance, self.log_estimate, level)

    def p_values(self, ratio: float) -> Floats:
        """Return the likelihood-ratio p-values."""
        return profile_p_values(self.deviance, len(self.log_estimate), ratio)

    def only(self, chosen: Flags | Counts) -> PoissonProfile:
        """Return some of the series."""
        return PoissonProfile(self.strata.only(chosen), self.comparator[chosen], self.log_estimate[chosen])


def poisson(cohorts: Cohorts) -> PoissonProfile:
    """Return the marginal Poisson ratio of each series, which has relapses in both periods.

    With one rate per period the profile likelihood of the ratio is the binomial likelihood of the two totals.
    """
    return conditional_poisson(cohorts.pooled())


def conditional_poisson(cohorts: Cohorts) -> PoissonProfile:
    """Return the within-patient Poisson ratio of each series, which has relapses in both periods."""
    patients, comparator = strata(cohorts), cohorts.relapses[:, :, 1].sum(axis=1)
    return PoissonProfile(patients, comparator, log_ratio_mle(patients, comparator))


def profile_limits(
    deviance: Deviance, log_estimate: Floats, level: float, precision: float = 1e-12
) -> tuple[Floats, Floats]:
    """Return the ratios on either side of the estimates where a deviance reaches its chi-squared cut.

    Parameters
    ----------
    deviance
        Twice the drop of the log-likelihood at log ratios, given the numbers of their series; never below 0.
    log_estimate
        Where it is 0, shape (series,).
    level
        Confidence level.
    precision
        Of a limit, on the log scale.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits; 0 and infinity where the deviance never reaches the cut.
    """
    cut, series = np.sqrt(chdtri(1, 1 - level)), len(log_estimate)

    def excess(log_ratio: Floats, number: Counts) -> Floats:
        # the signed root of the deviance rises in nearly a straight line
        own = number % series
        root = np.sign(log_ratio - log_estimate[own]) * np.sqrt(deviance(log_ratio, own))
        return np.asarray(root + np.where(number < series, cut, -cut))

    start = np.tile(log_estimate, 2)
    limits = np.exp(increasing_roots(excess, start, 0.5, farthest=_FARTHEST, precision=precision))
    return limits[:series], limits[series:]


def profile_p_values(deviance: Deviance, series: int, ratio: float) -> Floats:
    """Return the likelihood-ratio p-values of a ratio, which agree with the intervals; never 0."""
    drops = deviance(np.full(series, np.log(ratio)), np.arange(series))
    return np.maximum(chdtrc(1, drops), SMALLEST_P)
