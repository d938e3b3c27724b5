"""Every exact and likelihood method in one table, and the two questions that all of them answer.

:func:`intervals` asks a method about many series at once, :func:`ratio_of` about one comparison: a series of
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from nmo_stats.arguments import instance, one_of
from nmo_stats.arrays import Flags
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, Caution, Estimand, require_level
from nmo_stats.estimators.cautions import (
    dispersion_cautions,
    pair_cautions,
    pooled_cautions,
    zero_cell_cautions,
)
from nmo_stats.estimators.exact import conditional_exact, pooled_exact
from nmo_stats.estimators.gee import ENOUGH_PATIENTS, FEWEST_PATIENTS, gee, gee_sandwich
from nmo_stats.estimators.intervals import Cohorts, Intervals
from nmo_stats.estimators.likelihood import conditional_poisson, poisson
from nmo_stats.estimators.negative_binomial import negative_binomial
from nmo_stats.estimators.result import ClassicalRatio, Fitted

ZERO_CELL: Final = "no relapse in one period: use the exact interval"
_MOST_COUNTED_RELAPSES: Final = 10_000_000
_IN_ONE_TABLE: Final = 256


_Cautions = tuple[Caution, ...]


def _ignores_pairing(_: Comparison, fitted: Fitted) -> _Cautions:
    text = "the two periods of a patient are treated as independent"
    if fitted.is_poisson:
        text += "; the counts show no overdispersion (its estimate is 0), so this is the Poisson result"
    return (Caution("ignores_pairing", text),)


def _few_patients(pair: Comparison, _: Fitted) -> _Cautions:
    patients = len(pair.patients)
    text = f"{patients} patients: sandwich standard errors are unreliable below {ENOUGH_PATIENTS}"
    return (Caution("few_patients", text),) if patients < ENOUGH_PATIENTS else ()


def _too_confident(pair: Comparison, _: Fitted) -> _Cautions:
    text = f"{len(pair.patients)} patients: the uncorrected sandwich is far too confident"
    return (Caution("few_patients", text),)


@dataclass(frozen=True, slots=True)
class RatioMethod:
    """How a method computes, where it has an answer, and what a reader must know.

    Parameters
    ----------
    fit
        Computes many series, in each of which the method is identified.
    estimand
        What its ratio is a ratio of.
    assumptions
        Cautions where the data do not meet what the method assumes.
    remark
        A caution that the method carries of itself.
    at_zero_cells
        Whether it is identified where one of the periods has no relapse.
    fewest_patients
        Below, it is refused.
    is_counting
        Whether it needs memory for every possible count.
    failure
        Why it may have no number where it is identified.
    is_refusal
        Whether that is for the data, rather than for the computation.
    together
        Series that are computed at once.
    """

    fit: Callable[[Cohorts], Fitted]
    estimand: Estimand
    assumptions: tuple[Callable[[Comparison], _Cautions], ...]
    remark: Callable[[Comparison, Fitted], _Cautions] = lambda _pair, _fitted: ()
    at_zero_cells: bool = False
    fewest_patients: int = 1
    is_counting: bool = False
    failure: str = "its likelihood could not be maximized"
    is_refusal: bool = False
    together: int = 100_000

    def identified(self, cohorts: Cohorts) -> Flags:
        """Return in which series the method has an answer."""
        known = cohorts.has_relapses if self.at_zero_cells else cohorts.has_relapses_in_both
        if self.is_counting:
            known = known & (cohorts.relapses.sum(axis=(1, 2)) <= _MOST_COUNTED_RELAPSES)
        return np.asarray(known & (cohorts.relapses.shape[1] >= self.fewest_patients))

    def refusal(self, pair: Comparison) -> str | None:
        """Return why the method has no answer about a comparison, None if it has one."""
        patients = len(pair.patients)
        if not sum(pair.totals):
            return NO_INFORMATION
        if 0 in pair.totals and not self.at_zero_cells:
            return ZERO_CELL
        if self.is_counting and sum(pair.totals) > _MOST_COUNTED_RELAPSES:
            return f"more than {_MOST_COUNTED_RELAPSES:,} relapses: use the conditional Poisson interval"
        if patients >= self.fewest_patients:
            return None
        own = "1 patient" if patients == 1 else f"{patients} patients"
        return f"{own}: its standard error needs at least {self.fewest_patients}; use the exact interval"

    def cautions(self, pair: Comparison, fitted: Fitted) -> _Cautions:
        """Return the reasons to read a ratio with care."""
        data = (caution for cautions_of in self.assumptions for caution in cautions_of(pair))
        return self.remark(pair, fitted) + tuple(data)


_POISSON: Final = (dispersion_cautions, pair_cautions)
_EXACT: Final = (dispersion_cautions, zero_cell_cautions, pair_cautions)
_conditional: Final = partial(
    RatioMethod,
    estimand="within_patient",
    assumptions=_EXACT,
    together=_IN_ONE_TABLE,
    at_zero_cells=True,
    is_counting=True,
)
RATIO_METHODS: Final = {
    "pooled_exact": RatioMethod(
        pooled_exact, "pooled", (pooled_cautions, *_EXACT), at_zero_cells=True, is_counting=True
    ),
    "poisson": RatioMethod(poisson, "pooled", (pooled_cautions, *_POISSON)),
    "negative_binomial": RatioMethod(
        negative_binomial, "pooled", (pooled_cautions, pair_cautions), _ignores_pairing, is_counting=True
    ),
    "gee": RatioMethod(
        gee,
        "pooled",
        (pooled_cautions, pair_cautions),
        _few_patients,
        fewest_patients=FEWEST_PATIENTS,
        failure="the estimating equations did not converge: use the exact interval",
    ),
    "conditional_exact": _conditional(conditional_exact),
    "conditional_midp": _conditional(partial(conditional_exact, midp=True)),
    "conditional_poisson": RatioMethod(conditional_poisson, "within_patient", _POISSON),
    "gee_sandwich": RatioMethod(
        gee_sandwich,
        "pooled",
        (),
        _too_confident,
        failure="every residual is 0: the sandwich has nothing to estimate a variance from",
        is_refusal=True,
    ),
}


def intervals(method: str, relapses: npt.ArrayLike, years: npt.ArrayLike, level: float = 0.95) -> Intervals:
    """Return what a method says about many series at once.

    Parameters
    ----------
    method
        A name of ``RATIO_METHODS``, e.g. ``"conditional_exact"``.
    relapses
        Counts, shape (series, patients, 2): reference, comparator.
    years
        Follow-up in years, of the same shape, or of shape (patients, 2) if it is the same in every series.
    level
        Confidence level.

    Returns
    -------
    Intervals
        Estimates, lower and upper limits of the ratio, each of shape (series,); 0 and infinity at zero cells,
        NaN where the method is not identified or has no number.

    Raises
    ------
    ArgumentError
        If the method is unknown, the shapes do not fit, or the level is not between 0 and 1.

    Examples
    --------
    >>> found = intervals("conditional_exact", [[[6, 1], [2, 0]], [[6, 2], [2, 0]]], [[2.7, 1.8], [0.7, 1.5]])
    >>> found.high.round(3)
    array([1.037, 1.469])
    """
    chosen = RATIO_METHODS[one_of("method", method, RATIO_METHODS)]
    level, counts, times = require_level(level), np.asarray(relapses), np.asarray(years, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[2] != 2 or times.shape not in (counts.shape, counts.shape[1:]):
        raise ArgumentError(
            f"relapses {counts.shape} and years {times.shape}. Expected: shape (series, patients, 2) of both."
        )
    cohorts = Cohorts(counts, np.broadcast_to(times, counts.shape))
    answers = np.full((3, len(cohorts)), np.nan)
    known = np.flatnonzero(chosen.identified(cohorts))
    # series with about as many relapses together: a table of probabilities is as wide as its largest total
    ordered = known[np.argsort(counts[known].sum(axis=(1, 2)), kind="stable")]
    for first in range(0, len(ordered), chosen.together):
        series = ordered[first : first + chosen.together]
        fitted = chosen.fit(cohorts.only(series))
        answers[:, series] = np.exp(fitted.log_estimate), *fitted.limits(level)
    return Intervals(*answers)


def ratio_of(method: str, pair: Comparison) -> ClassicalRatio:
    """Return what a method says about a comparison.

    Raises
    ------
    NotIdentifiedError
        If the data do not identify its ratio.
    ConvergenceError
        If the computation fails.
    """
    instance("pair", pair, Comparison)
    chosen = RATIO_METHODS[method]
    reason = chosen.refusal(pair)
    if reason is not None:
        raise NotIdentifiedError(reason, method)
    fitted = chosen.fit(Cohorts.of(pair))
    if not np.isnan(fitted.log_estimate[0]):
        return ClassicalRatio(pair, method, chosen.estimand, fitted, chosen.cautions)
    if chosen.is_refusal:
        raise NotIdentifiedError(chosen.failure, method)
    raise ConvergenceError((chosen.failure,), method)
