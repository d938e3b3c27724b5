"""Point estimates of the rate ratio in many cohorts at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from nmo_stats.arguments import instance
from nmo_stats.arrays import Floats
from nmo_stats.estimators.within_patient import log_ratio_estimates
from nmo_stats.simulate.cohorts import Cohorts

POINT_ESTIMATES: Final = ("pooled_exact", "conditional_exact", "mean_arr_ratio", "median_arr_ratio")


def point_estimates(cohorts: Cohorts) -> dict[str, Floats]:
    """Return the ratio by each closed-form or one-dimensional estimator, each of shape (cohorts,).

    0 without a relapse on the comparator, infinite without one on the reference, NaN without either (for the ratio of
    medians: where both medians are 0). ``pooled_exact`` is also the estimate of Poisson regression, ``conditional_exact``
    that of mid-p and of conditional Poisson regression.

    Examples
    --------
    >>> one = Cohorts(np.array([[[6, 1], [2, 0], [1, 1]]]), np.array([[[32, 21], [8, 18], [4, 9]]]) / 12)
    >>> {name: float(value[0].round(4)) for name, value in point_estimates(one).items()}
    {'pooled_exact': 0.2037, 'conditional_exact': 0.1932, 'mean_arr_ratio': 0.2309, 'median_arr_ratio': 0.1905}
    """
    instance("cohorts", cohorts, Cohorts)
    relapses, years = cohorts.relapses, cohorts.years
    arr = relapses / years
    pooled = relapses.sum(axis=1) / years.sum(axis=1)
    return {
        "pooled_exact": _ratio(pooled),
        "conditional_exact": _conditional(cohorts),
        "mean_arr_ratio": _ratio(arr.mean(axis=1)),
        "median_arr_ratio": _ratio(np.median(arr, axis=1)),
    }


def _ratio(rates: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(rates[:, 1] / rates[:, 0])


def _conditional(cohorts: Cohorts) -> Floats:
    totals = cohorts.relapses.sum(axis=2)
    comparator, everything = cohorts.relapses[:, :, 1].sum(axis=1), totals.sum(axis=1)
    offsets = np.log(cohorts.years[:, :, 1] / cohorts.years[:, :, 0])
    ratio = np.where(comparator == 0, 0.0, np.inf)
    ratio[everything == 0] = np.nan
    inside = (comparator > 0) & (comparator < everything)
    if inside.any():
        ratio[inside] = np.exp(log_ratio_estimates(comparator[inside], totals[inside], offsets[inside]))
    return ratio
