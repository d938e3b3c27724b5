"""How many patients a series needs: the planning question, answered by simulation."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import pandas as pd

from nmo_stats.arguments import instance, share
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import require_level
from nmo_stats.names import HIERARCHICAL, WITHIN
from nmo_stats.operating.design import Design
from nmo_stats.operating.methods import TESTS, require_estimators
from nmo_stats.operating.running import HERE, Execution
from nmo_stats.operating.simulation import Measures, measures_frame, simulate

SIZES: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50, 60, 80, 100)
_NORMAL_95: Final = 1.959964
PLANNED: Final = (WITHIN, HIERARCHICAL)


@dataclass(frozen=True, eq=False)
class Plan:
    """How power grows with the number of patients, times and rates being those of a design.

    Parameters
    ----------
    design
        The design; its number of patients is varied.
    level
        Level of the intervals.
    power
        The share of intervals excluding 1 on the side of the true ratio that is aimed at.
    replicates
        Simulated series of each size.
    tried
        Measures at the sizes that were simulated, by size and method.
    no_effect
        Measures of each method in the same design with a true ratio of 1, at the size that was found (or the
        largest): what the design alone makes of an interval.
    """

    design: Design
    level: float
    power: float
    replicates: int
    tried: dict[int, dict[str, Measures]]
    no_effect: dict[str, Measures]

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that were planned with."""
        return tuple(self.no_effect)

    def enough(self, method: str) -> int | None:
        """Return the smallest simulated size with enough power, None if the largest has too little."""
        return _enough(self.tried, method, self.power)

    def interval(self, method: str) -> tuple[int | None, int | None]:
        """Return the Monte Carlo interval of the number of patients, among the sizes that were tried.

        From the smallest size whose power may be enough to the smallest whose power surely is, by the 95 %
        Wilson limits of the simulated share; None where no size up to 100 is.
        """
        if self.misleads(method):
            return None, None
        known = _by_size(self.tried, method)
        ends = [
            next(
                (size for size, measures in known.items() if power_limits(measures)[end] >= self.power), None
            )
            for end in (1, 0)
        ]
        return ends[0], ends[1]

    def misleads(self, method: str) -> bool:
        """Return whether the interval excludes 1 more than twice as often as it may without an effect."""
        return (self.no_effect[method].rejects_1 or 0.0) > 2 * (1 - self.level)

    def needed(self, method: str) -> int | None:
        """Return how many patients are needed; None if no size has the power, or the interval misleads."""
        return None if self.misleads(method) else self.enough(method)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each size and method."""
        rows = [(size, measures) for size in sorted(self.tried) for measures in self.tried[size].values()]
        frame = measures_frame([measures for _, measures in rows])
        frame.insert(0, "patients", [size for size, _ in rows])
        return frame


def plan(
    design: Design,
    power: float = 0.8,
    methods: Sequence[str] = PLANNED,
    *,
    replicates: int = 500,
    level: float = 0.95,
    execution: Execution = HERE,
) -> Plan:
    """Find how many patients let an interval exclude 1 on the right side often enough.

    Sizes are tried from 1 to 100 by bisection, since power grows with the number of patients, and then around
    the answer, as far as the simulated shares leave it in doubt (:meth:`Plan.interval`). At the size that is
    found the same design is simulated with no effect: where the way patients are chosen alone makes the
    interval exclude 1, no number of patients helps.

    Parameters
    ----------
    design
        Times, rates and the true ratio, which is not 1.
    power
        Share of intervals that should exclude 1 on the side of the true ratio.
    methods
        Estimators with an interval.
    replicates
        Simulated series of each size.
    level
        Level of the intervals.
    execution
        Processes, cluster, folder of finished blocks.

    Raises
    ------
    ArgumentError
        If the true ratio is 1, a method gives no interval, or an option is out of its range.

    Examples
    --------
    >>> design = Design(3, ((2.0, 2.0),), reference_arr=2.0, rate_ratio=0.2)
    >>> plan(design, methods=["conditional_exact"], replicates=100).needed("conditional_exact") < 10
    True
    """
    instance("design", design, Design)
    level = require_level(level)
    instance("execution", execution, Execution)
    _require_plannable(design, power, methods)
    tried: dict[int, dict[str, Measures]] = {}
    no_effect: dict[str, Measures] = {}

    def simulated(method: str, chosen: Design) -> Measures:
        return simulate(chosen, [method], replicates, level=level, execution=execution).measures[0]

    def measured(method: str, size: int) -> Measures:
        by_method = tried.setdefault(size, {})
        if method not in by_method:
            by_method[method] = simulated(method, design.with_patients(size))
        return by_method[method]

    for method in require_estimators(methods):
        _search(partial(measured, method), power)
        size = _enough(tried, method, power) or SIZES[-1]
        no_effect[method] = simulated(method, replace(design.with_patients(size), rate_ratio=1.0))
    return Plan(design, level, power, replicates, tried, no_effect)


def _search(measured: Callable[[int], Measures], power: float) -> None:
    """Simulate sizes until power is surely too low below the first enough one, and surely enough above."""
    first = bisect_left(SIZES, x=True, key=lambda size: detected(measured(size)) >= power)
    below = above = min(first, len(SIZES) - 1)
    while below > 0 and power_limits(measured(SIZES[below - 1]))[1] >= power:
        below -= 1
    while power_limits(measured(SIZES[above]))[0] < power and above < len(SIZES) - 1:
        above += 1


def _require_plannable(design: Design, power: float, methods: Sequence[str]) -> None:
    share("power", power, "0.8")
    methods = require_estimators(methods)
    if design.rate_ratio == 1:
        raise ArgumentError("a true ratio of 1 leaves nothing to detect: plan with another ratio")
    if set(methods) & TESTS:
        raise ArgumentError(
            f"estimators {tuple(methods)!r}: only those with an interval have a power to plan with"
        )


def detected(measures: Measures) -> float:
    """Return the share of all series whose interval excludes 1 on the side of the true ratio."""
    return (measures.detects or 0.0) * (1 - measures.not_identified)


def power_limits(measures: Measures) -> tuple[float, float]:
    """Return the 95 % Wilson limits of the power, a share of all series.

    References
    ----------
    Wilson EB. Probable inference, the law of succession, and statistical inference. JASA 1927;22:209-212.
    """
    share, squared = detected(measures), _NORMAL_95**2 / measures.replicates
    centre = (share + squared / 2) / (1 + squared)
    spread = math.sqrt(squared * (share * (1 - share) + squared / 4)) / (1 + squared)
    return centre - spread, centre + spread


def _enough(tried: dict[int, dict[str, Measures]], method: str, power: float) -> int | None:
    return next((size for size, row in _by_size(tried, method).items() if detected(row) >= power), None)


def _by_size(tried: dict[int, dict[str, Measures]], method: str) -> dict[int, Measures]:
    return {size: tried[size][method] for size in sorted(tried) if method in tried[size]}
