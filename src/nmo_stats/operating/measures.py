"""How an estimator behaves over many simulated series: coverage, rejection, bias, width, each with its Monte Carlo error."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.estimate import json_number
from nmo_stats.operating.estimators.answers import Answers, Intervals, PValues

_NONE: Final = (None, None)
_ROUNDING: Final = 1e-9  # a limit that equals the truth but for rounding covers it


@dataclass(frozen=True, slots=True)
class Measures:
    """The behaviour of one estimator in one design.

    Every share is among the identified replicates but ``not_identified``. None stands for what a method does not give (a test has no
    interval) or what no replicate tells.

    Parameters
    ----------
    method
        Name of the estimator.
    replicates
        Simulated series.
    not_identified
        Share of the series in which the method gives nothing.
    coverage, coverage_se
        Share of intervals that hold the true ratio, and its Monte Carlo standard error.
    rejects_1, rejects_1_se
        Share of intervals that exclude a ratio of 1, on whichever side, or of tests with p <= 1 - level: the type I error at a true ratio of 1.
    detects, detects_se
        Share of intervals that exclude 1 on the side of the true ratio: the power. None at a true ratio of 1, and for tests, which have
        no direction here.
    bias, bias_se
        Median log estimate minus the log of the true ratio; infinite where more than half of the estimates are 0 or infinite.
    log_width, log_width_se
        Median of log(high / low).
    """

    method: str
    replicates: int
    not_identified: float
    coverage: float | None
    coverage_se: float | None
    rejects_1: float | None
    rejects_1_se: float | None
    detects: float | None
    detects_se: float | None
    bias: float | None
    bias_se: float | None
    log_width: float | None
    log_width_se: float | None

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain numbers for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: json_number(v) if isinstance(v, float) else v for name, v in values.items()}


def measured(method: str, found: Answers, ratio: float, level: float) -> Measures:
    """Return the measures of one estimator from what it said about every series, the true ratio known."""
    return (
        _of_tests(method, found, level) if isinstance(found, PValues) else _of_intervals(method, found, ratio)
    )


def _of_tests(method: str, found: PValues, level: float) -> Measures:
    known = found.p_value[~np.isnan(found.p_value)]
    rejects = _share(known <= (1 - level) * (1 + _ROUNDING))
    missing = 1 - known.size / found.p_value.size
    return Measures(method, found.p_value.size, missing, None, None, *rejects, *_NONE, *_NONE, *_NONE)


def _of_intervals(method: str, found: Intervals, ratio: float) -> Measures:
    known = ~np.isnan(found.low)
    estimate, low, high = found.estimate[known], found.low[known], found.high[known]
    with np.errstate(divide="ignore"):
        log_error = np.log(estimate) - math.log(ratio)
        log_width = np.log(high) - np.log(low)
    return Measures(
        method,
        known.size,
        1 - int(known.sum()) / known.size,
        *_share(_holds(low, high, ratio)),
        *_share(~_holds(low, high, 1.0)),
        *(_NONE if ratio == 1 else _share(~_holds(low, high, 1.0) & ((high < 1) == (ratio < 1)))),
        *_median(log_error),
        *_median(log_width),
    )


def _holds(low: Floats, high: Floats, ratio: float) -> np.ndarray:
    return (low <= ratio * (1 + _ROUNDING)) & (ratio * (1 - _ROUNDING) <= high)


def _share(held: np.ndarray) -> tuple[float | None, float | None]:
    """Return a share and its standard error; at 0 or 1 that of one more success and failure, since the error is not 0."""
    if not held.size:
        return None, None
    share = float(held.mean())
    near = share if 0 < share < 1 else (held.sum() + 1) / (held.size + 2)
    return share, math.sqrt(near * (1 - near) / held.size)


def _median(values: Floats) -> tuple[float | None, float | None]:
    """Return the median of values that may be infinite, and its standard error from the order statistics one sd around it."""
    if not values.size:
        return None, None
    ordered = np.sort(values)
    half, away = ordered.size / 2, math.sqrt(ordered.size) / 2
    lower, upper = (ordered[min(max(int(rank), 0), ordered.size - 1)] for rank in (half - away, half + away))
    median = float(np.quantile(ordered, 0.5, method="inverted_cdf"))
    error = float(upper - lower) / 2 if np.isfinite([lower, upper]).all() else None
    return median, error
