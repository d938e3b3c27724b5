"""How many patients a series needs: the planning question, answered by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from nmo_stats.errors import ArgumentError
from nmo_stats.operating.design import Design
from nmo_stats.operating.estimators.every import require_estimators
from nmo_stats.operating.measures import Measures
from nmo_stats.operating.running import HERE, Execution
from nmo_stats.operating.simulation import measures_frame, simulate

SIZES: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50, 60, 80, 100)
PLANNED: Final = ("conditional_exact", "hierarchical_quadrature")


@dataclass(frozen=True, eq=False)
class Plan:
    """How power grows with the number of patients, times and rates being those of a design.

    Parameters
    ----------
    design
        The design; its number of patients is varied.
    power
        The share of intervals excluding 1 that is aimed at.
    replicates
        Simulated series of each size.
    tried
        Measures at the sizes that were simulated, by size and method.
    """

    design: Design
    power: float
    replicates: int
    tried: dict[int, dict[str, Measures]]

    def needed(self, method: str) -> int | None:
        """Return the smallest size that was simulated with enough power, None if the largest has too little."""
        enough = [
            size
            for size, found in self.tried.items()
            if method in found and _power(found[method]) >= self.power
        ]
        return min(enough, default=None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each size and method."""
        sizes = [(size, one) for size in sorted(self.tried) for one in self.tried[size].values()]
        frame = measures_frame([one for _, one in sizes])
        frame.insert(0, "patients", [size for size, _ in sizes])
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
    """Find how many patients, followed as in a design, let an interval exclude 1 often enough.

    Sizes are tried from 1 to 100 by bisection, since power grows with the number of patients.

    Parameters
    ----------
    design
        Times (recycled over the patients), rates and the true ratio, which is not 1.
    power
        Share of intervals that should exclude 1.
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
        If the true ratio is 1, or an option is out of its range.

    Examples
    --------
    >>> design = Design(3, ((2.0, 2.0),), reference_arr=2.0, rate_ratio=0.2)
    >>> plan(design, methods=["conditional_exact"], replicates=100).needed("conditional_exact") < 10
    True
    """
    if not 0 < power < 1:
        raise ArgumentError(f"power {power!r}: a number strictly between 0 and 1")
    if design.rate_ratio == 1:
        raise ArgumentError("a true ratio of 1 leaves nothing to detect: plan with another ratio")
    tried: dict[int, dict[str, Measures]] = {}

    def enough(method: str, size: int) -> bool:
        found = tried.setdefault(size, {})
        if method not in found:
            result = simulate(
                design.with_patients(size), [method], replicates, level=level, execution=execution
            )
            found[method] = result.measures[0]
        return _power(found[method]) >= power

    for method in require_estimators(tuple(methods)):
        first, last = 0, len(SIZES)  # the answer is the first size that is enough; len(SIZES): none is
        while first < last:
            middle = (first + last) // 2
            first, last = (first, middle) if enough(method, SIZES[middle]) else (middle + 1, last)
    return Plan(design, power, replicates, tried)


def _power(measures: Measures) -> float:
    """Return the share of all series, identified or not, whose interval excludes 1."""
    return (measures.rejects_1 or 0.0) * (1 - measures.not_identified)
