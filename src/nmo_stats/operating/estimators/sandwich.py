"""GEE of many series at once: with the small-sample covariance, and as the textbook has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtrit

from nmo_stats.arrays import Floats
from nmo_stats.glm.gee import FEWEST_PATIENTS, LARGEST_CORRELATION
from nmo_stats.operating.estimators.answers import Intervals
from nmo_stats.operating.estimators.likelihood import in_both
from nmo_stats.simulate import Cohorts

_MOST_ROUNDS: Final = 500
_SETTLED: Final = 1e-7
_NOTHING: Final = 1e-24
_FARTHEST: Final = 30.0  # of a log rate per year


def gee_sandwich(cohorts: Cohorts, level: float) -> Intervals:
    """Return the pooled ratio of each series with the uncorrected sandwich and Normal limits, as many papers print it."""
    known = in_both(cohorts)
    relapses, years = cohorts.relapses[known], cohorts.years[known]
    totals, time = relapses.sum(axis=1), years.sum(axis=1)
    residuals = relapses - years * (totals / time)[:, None]
    variance = ((residuals[:, :, 1] / totals[:, 1:] - residuals[:, :, 0] / totals[:, :1]) ** 2).sum(axis=1)
    error = np.sqrt(np.where(variance < _NOTHING, np.nan, variance))
    log_ratio = np.log(totals[:, 1] / time[:, 1]) - np.log(totals[:, 0] / time[:, 0])
    return _symmetric(log_ratio, error, float(ndtri((1 + level) / 2))).placed(known)


def gee(cohorts: Cohorts, level: float) -> Intervals:
    """Return the GEE ratio of each series: exchangeable correlation, Mancl-DeRouen covariance, t with N - 2 degrees of freedom.

    References
    ----------
    Mancl LA, DeRouen TA. doi:10.1111/j.0006-341X.2001.00126.x.
    """
    patients = cohorts.relapses.shape[1]
    known = in_both(cohorts)
    if patients < FEWEST_PATIENTS or not known.any():
        return Intervals.none(len(cohorts))
    relapses, years = cohorts.relapses[known], cohorts.years[known]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # where the equations diverge
        rates, settled = _rates(relapses, years)
        error = _mancl_derouen(_Fitted.at(relapses, years, rates))
    error = np.where(settled & (error > 0), error, np.nan)
    return _symmetric(rates[:, 1] - rates[:, 0], error, float(stdtrit(patients - 2, (1 + level) / 2))).placed(
        known
    )


@dataclass(frozen=True, eq=False)
class _Fitted:
    """What the estimating equations need at given log rates; shapes (series, n, 2), correlation (series, 1)."""

    mean: Floats
    residual: Floats
    correlation: Floats

    @classmethod
    def at(cls, relapses: np.ndarray, years: Floats, log_rates: Floats) -> _Fitted:
        mean = years * np.exp(log_rates)[:, None, :]
        residual = relapses - mean
        pearson = residual / np.sqrt(mean)
        patients = relapses.shape[1]
        # moment estimates as in statsmodels: both divide by their number less the two parameters
        scale = (pearson**2).sum(axis=(1, 2)) / (2 * patients - 2)
        product = pearson.prod(axis=2).sum(axis=1) / (patients - 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = np.nan_to_num(product / scale)
        return cls(mean, residual, np.clip(correlation, -LARGEST_CORRELATION, LARGEST_CORRELATION)[:, None])

    @property
    def information(self) -> Floats:
        """Contribution of each patient, D' V^-1 D with D the derivative of the means, shape (series, n, 2, 2)."""
        root = np.sqrt(self.mean)
        own = self.mean / (1 - self.correlation**2)[..., None]
        mixed = -self.correlation * root[..., 0] * root[..., 1] / (1 - self.correlation**2)
        return np.stack([np.stack([own[..., 0], mixed], -1), np.stack([mixed, own[..., 1]], -1)], -2)

    def weighted(self, residual: Floats) -> Floats:
        """Return D' V^-1 residual of each patient, shape (series, n, 2)."""
        root = np.sqrt(self.mean)
        pearson = residual / root
        return np.asarray(
            root
            * (pearson - self.correlation[..., None] * pearson[..., ::-1])
            / (1 - self.correlation**2)[..., None]
        )


def _rates(relapses: np.ndarray, years: Floats) -> tuple[Floats, np.ndarray]:
    """Solve the estimating equations for the two log rates by Fisher scoring; also whether each series settled."""
    log_rates = np.log(relapses.sum(axis=1) / years.sum(axis=1))
    settled = np.zeros(len(relapses), dtype=bool)
    for _ in range(_MOST_ROUNDS):
        fitted = _Fitted.at(relapses, years, log_rates)
        step = np.linalg.solve(
            fitted.information.sum(axis=1), fitted.weighted(fitted.residual).sum(axis=1)[..., None]
        )
        step = np.clip(step[..., 0], -2.0, 2.0)
        # a series whose equations diverge stays where numbers are finite, and never settles
        log_rates = np.clip(log_rates + np.where(settled[:, None], 0.0, step), -_FARTHEST, _FARTHEST)
        settled |= (np.abs(step).max(axis=1) < _SETTLED) & (np.abs(log_rates).max(axis=1) < _FARTHEST)
        if settled.all():
            break
    return log_rates, settled


def _mancl_derouen(fitted: _Fitted) -> Floats:
    """Return the standard error of the log ratio: residuals divided by I - H, H the leverage of each patient."""
    bread = np.linalg.inv(fitted.information.sum(axis=1))
    # with D = diag(mean) the leverage D B D' V^-1 acts on residuals r as mean * (B (D' V^-1 r))
    leverage = fitted.mean[..., None] * (bread[:, None] @ fitted.information) / fitted.mean[..., None, :]
    corrected = np.asarray(
        np.linalg.solve(np.eye(2) - leverage, fitted.residual[..., None])[..., 0], dtype=np.float64
    )
    scores = fitted.weighted(corrected)
    meat = np.einsum("snj,snk->sjk", scores, scores)
    covariance = bread @ meat @ bread
    contrast = np.array([-1.0, 1.0])
    return np.asarray(np.sqrt(np.einsum("j,sjk,k->s", contrast, covariance, contrast)))


def _symmetric(log_ratio: Floats, error: Floats, multiple: float) -> Intervals:
    known = np.isfinite(error)
    log_ratio = np.where(known, log_ratio, np.nan)
    with np.errstate(over="ignore"):
        return Intervals(
            np.exp(log_ratio), np.exp(log_ratio - multiple * error), np.exp(log_ratio + multiple * error)
        )
