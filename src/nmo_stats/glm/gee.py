"""The Poisson GEE rate ratio with a small-sample covariance."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtr, stdtrit

from nmo_stats.arguments import instance
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import Caution, Interval, RateRatio, require_level, require_ratio
from nmo_stats.estimators.within_patient import pair_cautions, pooled_cautions
from nmo_stats.glm.profile import require_relapses_in_both

FEWEST_PATIENTS: Final = 5
ENOUGH_PATIENTS: Final = 10
LARGEST_CORRELATION: Final = 0.95
_LARGEST_LOG: Final = math.log(sys.float_info.max)


@dataclass(frozen=True, eq=False)
class GeeRatio:
    """A GEE rate ratio: t interval with N - 2 degrees of freedom from the Mancl-DeRouen standard error."""

    log_estimate: float
    standard_error: float
    patients: int
    cautions: tuple[Caution, ...]
    method: str = "gee"

    def interval(self, level: float = 0.95) -> Interval:
        """Return the t interval, symmetric on the log scale."""
        margin = float(stdtrit(self.patients - 2, (1 + require_level(level)) / 2)) * self.standard_error
        low, high = _ratio(self.log_estimate - margin), _ratio(self.log_estimate + margin)
        return Interval(low, high, level, "confidence")

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the estimate with its t interval on the log scale."""
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=self.interval(level),
            method=self.method,
            estimand="pooled",
            cautions=self.cautions,
            p_value=self.p_value(),
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the two-sided t-test p-value for a given ratio; never 0."""
        statistic = abs(self.log_estimate - math.log(require_ratio(ratio))) / self.standard_error
        return max(2 * float(stdtr(self.patients - 2, -statistic)), sys.float_info.min)


def gee(pair: Comparison) -> GeeRatio:
    """Fit a Poisson GEE with exchangeable correlation within patients.

    The covariance is that of Mancl and DeRouen (``bias_reduced`` in statsmodels), the reference distribution t
    with N - 2 degrees of freedom: the textbook sandwich is far too confident with few patients. The moment
    estimate of the correlation, which can exceed 1, is held at 0.95 or less.

    Raises
    ------
    NotIdentifiedError
        With fewer than 5 patients, or no relapse in a period.
    ConvergenceError
        If the estimating equations do not converge.

    References
    ----------
    Mancl LA, DeRouen TA. doi:10.1111/j.0006-341X.2001.00126.x.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> fit = gee(load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before"))
    >>> print(f"{fit.rate_ratio().estimate:.3f}")
    1.117
    """
    instance("pair", pair, Comparison)
    patients = len(pair.patients)
    require_relapses_in_both(pair, "gee")
    if patients < FEWEST_PATIENTS:
        reason = f"{patients} patients: its standard error needs at least {FEWEST_PATIENTS}; use the exact interval"
        raise NotIdentifiedError(reason if patients > 1 else reason.replace("patients", "patient", 1), "gee")
    few = Caution(
        "few_patients",
        f"{patients} patients: sandwich standard errors are unreliable below {ENOUGH_PATIENTS}",
    )
    cautions = (few,) if patients < ENOUGH_PATIENTS else ()
    log_estimate, standard_error = _fit(pair)
    return GeeRatio(
        log_estimate, standard_error, patients, cautions + pooled_cautions(pair) + pair_cautions(pair)
    )


def _fit(pair: Comparison) -> tuple[float, float]:
    import warnings

    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_estimating_equations import GEE

    patients = len(pair.patients)
    is_comparator = np.tile([0.0, 1.0], patients)
    model = GEE(
        pair.relapses.ravel(),
        np.column_stack([np.ones(2 * patients), is_comparator]),
        groups=np.repeat(np.arange(patients), 2),
        offset=np.log(pair.years.ravel()),
        family=Poisson(),
        cov_struct=_held_exchangeable(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warnings are judged below, by what came out
        fitted = model.fit(cov_type="bias_reduced", maxiter=200)
        estimate, error = float(fitted.params[1]), float(np.sqrt(fitted.cov_params()[1, 1]))
    if not (fitted.converged and math.isfinite(estimate) and math.isfinite(error) and error > 0):
        raise ConvergenceError(("the estimating equations did not converge: use the exact interval",), "gee")
    return estimate, error


def _held_exchangeable() -> object:
    """Return statsmodels' exchangeable correlation, its moment estimate held within its limits.

    With few patients of very different rates that estimate exceeds 1. The sandwich is valid for any working
    correlation, but beyond 1 the working covariance is none: the iterations diverge or end at weights below 0.
    """
    from statsmodels.genmod.cov_struct import Exchangeable

    class HeldExchangeable(Exchangeable):  # type: ignore[misc]  # statsmodels has no types
        dep_params: float

        def update(self, params: object) -> None:
            super().update(params)
            self.dep_params = float(np.clip(self.dep_params, -LARGEST_CORRELATION, LARGEST_CORRELATION))

    return HeldExchangeable()


def _ratio(log_ratio: float) -> float:
    return math.exp(log_ratio) if log_ratio < _LARGEST_LOG else math.inf
