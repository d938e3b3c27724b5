"""GEE rate ratios of many series: with the small-sample covariance, and as the textbook has it.

With one rate per period there are two estimating equations and two counts a patient, so that the whole is
written with 2 x 2 matrices, and solved for all series together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from nmo_stats.arrays import Flags, Floats
from nmo_stats.estimators.exact import SMALLEST_P
from nmo_stats.estimators.intervals import Cohorts

FEWEST_PATIENTS: Final = 5
ENOUGH_PATIENTS: Final = 10
_LARGEST_CORRELATION: Final = 0.95  # the moment estimate exceeds 1 in a few patients of very different rates
_MOST_ROUNDS: Final = 500
_SETTLED: Final = 1e-7  # the last step of a series whose equations converge
_EXACT: Final = 1e-10  # the step after which none is needed
_NOTHING: Final = 1e-24
_FARTHEST: Final = 30.0  # of a log rate per year
_LONGEST_STEP: Final = 2.0


@dataclass(frozen=True, eq=False)
class Wald:
    """Log ratios with standard errors, and the distribution of their quotient.

    Parameters
    ----------
    log_estimate, standard_error
        Shape (series,); NaN where there is none.
    degrees_of_freedom
        Of Student's t; None for the Normal distribution.
    """

    log_estimate: Floats
    standard_error: Floats
    degrees_of_freedom: int | None
    is_poisson: ClassVar = False

    @classmethod
    def of(cls, log_estimate: Floats, standard_error: Floats, degrees_of_freedom: int | None = None) -> Wald:
        """Return the log ratios that have a finite standard error above 0, NaN for the others."""
        known = np.isfinite(log_estimate) & np.isfinite(standard_error) & (standard_error > 0)
        log_ratio, error = (np.where(known, value, np.nan) for value in (log_estimate, standard_error))
        return cls(log_ratio, error, degrees_of_freedom)

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return the limits, symmetric on the log scale."""
        upper, freedom = (1 + level) / 2, self.degrees_of_freedom
        margin = (ndtri(upper) if freedom is None else stdtrit(freedom, upper)) * self.standard_error
        with np.errstate(over="ignore"):
            return np.exp(self.log_estimate - margin), np.exp(self.log_estimate + margin)

    def p_values(self, ratio: float) -> Floats:
        """Return the two-sided p-values; never 0."""
        statistic = -np.abs(self.log_estimate - np.log(ratio)) / self.standard_error
        freedom = self.degrees_of_freedom
        tail = ndtr(statistic) if freedom is None else stdtr(freedom, statistic)
        return np.asarray(np.maximum(2 * tail, SMALLEST_P))


def gee_sandwich(cohorts: Cohorts) -> Wald:
    """Return the pooled ratio of each series with the uncorrected sandwich and Normal limits.

    With one rate per period the sandwich variance of the log ratio is ``sum_i (r_i1 / y_1 - r_i0 / y_0)^2``,
    with the patients' residuals r and the totals y of the two periods.
    """
    relapses, years = cohorts.relapses, cohorts.years
    totals, time = relapses.sum(axis=1), years.sum(axis=1)
    residuals = relapses - years * (totals / time)[:, None]
    variance = ((residuals[:, :, 1] / totals[:, 1:] - residuals[:, :, 0] / totals[:, :1]) ** 2).sum(axis=1)
    log_rates = np.log(totals / time)
    return Wald.of(log_rates[:, 1] - log_rates[:, 0], np.sqrt(np.where(variance < _NOTHING, 0.0, variance)))


def gee(cohorts: Cohorts) -> Wald:
    """Return the GEE ratio of each series: exchangeable correlation, t with N - 2 degrees of freedom.

    The covariance is that of Mancl and DeRouen. NaN where the equations do not converge.

    References
    ----------
    Mancl LA, DeRouen TA. doi:10.1111/j.0006-341X.2001.00126.x.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # where the equations diverge
        log_rates, settled = _log_rates(cohorts)
        error = _mancl_derouen(_Fitted.at(cohorts, log_rates))
    error = np.where(settled, error, np.nan)
    return Wald.of(log_rates[:, 1] - log_rates[:, 0], error, cohorts.relapses.shape[1] - 2)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """What the estimating equations need at given log rates, shape (series, n, 2) or (series, 1)."""

    mean: Floats
    residual: Floats
    correlation: Floats

    @classmethod
    def at(cls, cohorts: Cohorts, log_rates: Floats) -> _Fitted:
        mean = cohorts.years * np.exp(log_rates)[:, None, :]
        residual = cohorts.relapses - mean
        pearson, patients = residual / np.sqrt(mean), mean.shape[1]
        # moment estimates as in statsmodels: both divide by their number less the two parameters
        scale = (pearson**2).sum(axis=(1, 2)) / (2 * patients - 2)
        product = pearson.prod(axis=2).sum(axis=1) / (patients - 2)
        correlation = np.nan_to_num(product / scale)
        return cls(mean, residual, np.clip(correlation, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)[:, None])

    @property
    def information(self) -> Floats:
        """D' V^-1 D of each patient, with D the derivative of the means, shape (series, n, 2, 2)."""
        own = self.mean / (1 - self.correlation**2)[..., None]
        mixed = -self.correlation * np.sqrt(self.mean.prod(axis=2)) / (1 - self.correlation**2)
        return np.stack([np.stack([own[..., 0], mixed], -1), np.stack([mixed, own[..., 1]], -1)], -2)

    def weighted(self, residual: Floats) -> Floats:
        """Return D' V^-1 residual of each patient, shape (series, n, 2)."""
        root, correlation = np.sqrt(self.mean), self.correlation[..., None]
        pearson = residual / root
        return np.asarray(root * (pearson - correlation * pearson[..., ::-1]) / (1 - correlation**2))


def _log_rates(cohorts: Cohorts) -> tuple[Floats, Flags]:
    """Return the log rates that solve the equations, by Fisher scoring, and which series settled."""
    log_rates = np.log(cohorts.relapses.sum(axis=1) / cohorts.years.sum(axis=1))
    last, waiting = np.full(len(cohorts), np.inf), np.arange(len(cohorts))
    for _ in range(_MOST_ROUNDS):
        fitted = _Fitted.at(cohorts.only(waiting), log_rates[waiting])
        scores = fitted.weighted(fitted.residual).sum(axis=1)
        step = np.linalg.solve(fitted.information.sum(axis=1), scores[..., None])[..., 0]
        moved = log_rates[waiting] + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        # a series whose equations diverge stays where numbers are finite, and never settles
        log_rates[waiting] = np.clip(moved, -_FARTHEST, _FARTHEST)
        last[waiting] = np.where(np.abs(moved).max(axis=1) < _FARTHEST, np.abs(step).max(axis=1), np.inf)
        waiting = waiting[~(last[waiting] < _EXACT)]
        if not waiting.size:
            break
    return log_rates, last < _SETTLED


def _mancl_derouen(fitted: _Fitted) -> Floats:
    """Return the standard error of the log ratio: residuals over I - H, H the leverage of a patient."""
    bread = np.linalg.inv(fitted.information.sum(axis=1))
    # with D = diag(mean) the leverage D B D' V^-1 acts on residuals r as mean * (B (D' V^-1 r))
    leverage = fitted.mean[..., None] * (bread[:, None] @ fitted.information) / fitted.mean[..., None, :]
    corrected = np.linalg.solve(np.eye(2) - leverage, fitted.residual[..., None])[..., 0]
    scores = fitted.weighted(np.asarray(corrected, dtype=np.float64))
    meat = np.einsum("snj,snk->sjk", scores, scores)
    contrast = np.array([-1.0, 1.0])
    return np.asarray(np.sqrt(np.einsum("j,sjk,k->s", contrast, bread @ meat @ bread, contrast)))
