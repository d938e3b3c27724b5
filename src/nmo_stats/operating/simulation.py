"""From a design to the operating characteristics of every estimator.

Replicates are simulated in blocks, each from random numbers of its own, so that nothing depends on who
computes a block, or when. What the estimators say about them becomes coverage, rejection, bias and width,
each with its Monte Carlo error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arguments import instance, text, whole
from nmo_stats.arrays import Flags, Floats
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import json_number, require_level
from nmo_stats.estimators.intervals import Answers, Intervals, PValues
from nmo_stats.names import HIERARCHICAL
from nmo_stats.numerics.threads import one_thread
from nmo_stats.operating.design import Design
from nmo_stats.operating.methods import ESTIMATORS, HIGHEST_LEVEL, TESTS, answers, require_estimators
from nmo_stats.operating.running import HERE, SIMULATION, Execution, Task, computed, in_blocks

ALL = tuple(ESTIMATORS)
BLOCK: Final = 1_000
MOST_REPLICATES: Final = 10_000_000
_FEWEST_REPLICATES: Final = 10
_COLUMNS: Final = ("estimate", "low", "high", "p_value")
_NONE: Final = (None, None)
_ROUNDING: Final = 1e-9  # a limit that equals the truth but for rounding covers it


@dataclass(frozen=True, slots=True)
class Measures:
    """The behaviour of one estimator in one design.

    Every share is among the identified replicates but ``not_identified``. None stands for what a method does
    not give (a test has no interval) or what no replicate tells.

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
        Share of intervals that exclude a ratio of 1, on whichever side, or of tests with p <= 1 - level: the
        type I error at a true ratio of 1.
    detects, detects_se
        Share of intervals that exclude 1 on the side of the true ratio: the power. None at a true ratio of 1,
        and for tests, which have no direction here.
    bias, bias_se
        Median log estimate minus the log of the true ratio; infinite where more than half of the estimates
        are 0 or infinite.
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
        """Return plain numbers for JSON.

        Returns
        -------
        dict of str to object
            The fields; infinity as ``"inf"``, None where a number does not exist.
        """
        return {
            name: json_number(value) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Characteristics:
    """How estimators behave in a design.

    Parameters
    ----------
    design
        What was simulated.
    level
        Level of the intervals.
    replicates
        Simulated series.
    measures
        One for each estimator.
    """

    design: Design
    level: float
    replicates: int
    measures: tuple[Measures, ...]

    def find(self, method: str) -> Measures | None:
        """Return the measures of one estimator, or None.

        Parameters
        ----------
        method
            Its name.

        Returns
        -------
        Measures or None
            None if it was not simulated.

        Raises
        ------
        ArgumentError
            If the name is no text.
        """
        wanted = text("method", method)
        return next((measures for measures in self.measures if measures.method == wanted), None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each estimator.

        Returns
        -------
        pandas.DataFrame
            Columns are the fields of :class:`Measures`; numbers that do not exist are NaN.
        """
        return measures_frame(self.measures)


def measures_frame(measures: Sequence[Measures]) -> pd.DataFrame:
    """Return one row for each; numbers that do not exist are NaN, infinite ones are infinite."""
    frame = pd.DataFrame([asdict(row) for row in measures])
    numbers = [name for name in frame if name not in {"method", "replicates"}]
    return frame.astype({"method": "object"} | dict.fromkeys(numbers, "float64"))


def simulate(
    design: Design,
    estimators: Sequence[str] = ALL,
    replicates: int = 1_000,
    *,
    level: float = 0.95,
    execution: Execution = HERE,
) -> Characteristics:
    """Simulate series of a design and apply estimators to each.

    Parameters
    ----------
    design
        Patients, times, rates, ratio, rule of switching, seed.
    estimators
        Names; all by default.
    replicates
        Number of series.
    level
        Level of the intervals, and 1 minus the level of tests.
    execution
        Processes, cluster, folder of finished blocks, progress; it does not change the result.

    Returns
    -------
    Characteristics
        Measures of every estimator.

    Raises
    ------
    ArgumentError
        If an option is out of its range, or the scheduler is not there.

    Examples
    --------
    >>> design = Design(3, ((2.0, 2.0),), reference_arr=2.0, sd_rate_ratio=0.0)
    >>> found = simulate(design, ["conditional_exact"], 2_000)
    >>> found.measures[0].coverage > 0.95
    True
    """
    instance("design", design, Design)
    instance("execution", execution, Execution)
    level = require_level(level)
    replicates = whole("replicates", replicates, _FEWEST_REPLICATES, MOST_REPLICATES)
    names = require_estimators(estimators)
    if level > HIGHEST_LEVEL and HIERARCHICAL in names:
        raise ArgumentError(
            f"level {level}. Expected: at most {HIGHEST_LEVEL} for the hierarchical limits of many series; "
            "leave that estimator out."
        )
    table = pd.concat(computed(tasks(design, names, level, replicates), execution), ignore_index=True)
    measures = (measured(name, answers_in(table, name), design.rate_ratio, level) for name in names)
    return Characteristics(design, level, replicates, tuple(measures))


def tasks(design: Design, estimators: tuple[str, ...], level: float, replicates: int) -> list[Task]:
    """Return the blocks of a number of replicates."""
    settings = design.to_dict(), estimators, level
    return [
        Task((*settings, number), SIMULATION, size, partial(_block, design, estimators, level, number, size))
        for number, size in in_blocks(replicates, BLOCK)
    ]


def _block(
    design: Design, estimators: tuple[str, ...], level: float, number: int, replicates: int
) -> pd.DataFrame:
    """Return what every estimator says about every series; the number chooses the random numbers."""
    seeds = np.random.SeedSequence(design.seed, spawn_key=(number,))
    with one_thread():
        cohorts = design.draw(np.random.default_rng(seeds), replicates)
        tables = [_table(name, answers(name, cohorts, level)) for name in estimators]
    return pd.concat(tables, ignore_index=True)


def answers_in(table: pd.DataFrame, method: str) -> Answers:
    """Return the answers of one estimator from a table of blocks."""
    columns = (table.loc[table["method"] == method, name].to_numpy() for name in _fields(method))
    return PValues(*columns) if method in TESTS else Intervals(*columns)


def _table(method: str, result: Answers) -> pd.DataFrame:
    values = {name: getattr(result, name) for name in _fields(method)}
    return pd.DataFrame({name: values.get(name, np.nan) for name in _COLUMNS}).assign(method=method)


def _fields(method: str) -> tuple[str, ...]:
    return _COLUMNS[3:] if method in TESTS else _COLUMNS[:3]


def measured(method: str, result: Answers, ratio: float, level: float) -> Measures:
    """Return the measures of one estimator from what it said about every series, the true ratio known."""
    if isinstance(result, PValues):
        tests = result.p_value[~np.isnan(result.p_value)]
        rejects = _proportion(tests <= (1 - level) * (1 + _ROUNDING))
        missing = 1 - tests.size / result.p_value.size
        return Measures(method, result.p_value.size, missing, *_NONE, *rejects, *_NONE, *_NONE, *_NONE)
    known = ~np.isnan(result.low)
    estimate, low, high = result.estimate[known], result.low[known], result.high[known]
    with np.errstate(divide="ignore"):
        log_error = np.log(estimate) - math.log(ratio)
        log_width = np.log(high) - np.log(low)
    return Measures(
        method,
        known.size,
        1 - int(known.sum()) / known.size,
        *_proportion(_holds(low, high, ratio)),
        *_proportion(~_holds(low, high, 1.0)),
        *(_NONE if ratio == 1 else _proportion(~_holds(low, high, 1.0) & ((high < 1) == (ratio < 1)))),
        *_median(log_error),
        *_median(log_width),
    )


def _holds(low: Floats, high: Floats, ratio: float) -> Flags:
    return (low <= ratio * (1 + _ROUNDING)) & (ratio * (1 - _ROUNDING) <= high)


def _proportion(holds: Flags) -> tuple[float | None, float | None]:
    """Return a share and its standard error, which at 0 and 1 is that of one more success and failure."""
    if not holds.size:
        return None, None
    proportion = float(holds.mean())
    near = proportion if 0 < proportion < 1 else (holds.sum() + 1) / (holds.size + 2)
    return proportion, math.sqrt(near * (1 - near) / holds.size)


def _median(values: Floats) -> tuple[float | None, float | None]:
    """Return the median, which may be infinite, and its standard error from order statistics around it."""
    if not values.size:
        return None, None
    ordered = np.sort(values)
    half, away = ordered.size / 2, math.sqrt(ordered.size) / 2
    lower, upper = (ordered[min(max(int(rank), 0), ordered.size - 1)] for rank in (half - away, half + away))
    median = float(np.quantile(ordered, 0.5, method="inverted_cdf"))
    error = float(upper - lower) / 2 if np.isfinite([lower, upper]).all() else None
    return median, error
