"""From a design to the operating characteristics of every estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from nmo_stats.arguments import instance, text, whole
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import require_level
from nmo_stats.names import HIERARCHICAL
from nmo_stats.operating.blocks import answers_in, tasks
from nmo_stats.operating.design import Design
from nmo_stats.operating.estimators.every import ESTIMATORS, HIGHEST_LEVEL, require_estimators
from nmo_stats.operating.measures import Measures, measured
from nmo_stats.operating.running import HERE, Execution, computed

ALL = tuple(ESTIMATORS)
_FEWEST_REPLICATES = 10
MOST_REPLICATES = 10_000_000


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
        """Return the measures of one estimator, or None."""
        wanted = text("method", method)
        return next((found for found in self.measures if found.method == wanted), None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each estimator."""
        return measures_frame(self.measures)


def measures_frame(measures: Sequence[Measures]) -> pd.DataFrame:
    """Return one row for each; numbers that do not exist are NaN, infinite ones are infinite."""
    frame = pd.DataFrame([asdict(one) for one in measures])
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
            f"level {level}: the hierarchical limits of many series are computed up to {HIGHEST_LEVEL}; leave that estimator out"
        )
    table = pd.concat(computed(tasks(design, names, level, replicates), execution), ignore_index=True)
    return Characteristics(design, level, replicates, characterized(table, names, design.rate_ratio, level))


def characterized(
    table: pd.DataFrame, names: Sequence[str], ratio: float, level: float
) -> tuple[Measures, ...]:
    """Return the measures of estimators from the answers in a table of blocks."""
    return tuple(measured(name, answers_in(table, name), ratio, level) for name in names)
