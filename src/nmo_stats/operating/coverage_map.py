"""The published coverage map: every estimator over a grid of designs, shipped with the package."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arguments import DEFAULT_SEED, instance, optional, path, sequence, whole
from nmo_stats.arrays import Floats
from nmo_stats.bundled import data_folder
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.operating.design import Design
from nmo_stats.operating.methods import ESTIMATORS
from nmo_stats.operating.running import HERE, SIMULATION, Execution, Task, code_hash, computed
from nmo_stats.operating.simulation import MOST_REPLICATES, simulate

TIMES: Final = ((32 / 12, 21 / 12), (8 / 12, 18 / 12), (4 / 12, 9 / 12))  # of the founding example
RECYCLED: Final = "recycled"
# One patient has one of the three pairs of times, each in turn; several patients have them recycled.
FOLLOW_UPS: Final = {
    f"{12 * before:.0f} + {12 * after:.0f} months": ((before, after),) for before, after in TIMES
} | {RECYCLED: TIMES}
PATIENTS: Final = (1, 3, 5, 10, 30)
REFERENCE_ARRS: Final = (0.6, 2.0)
RATE_RATIOS: Final = (1.0, 0.5, 0.2, 0.05)
SPREADS: Final = ((0.0, 0.0, 0.0), (0.5, 0.25, 0.0), (1.0, 0.5, 0.0), (0.5, 0.25, 0.5))
RULES: Final = ("fixed", "triggered")
AXES: Final = (
    "patients",
    "reference_arr",
    "rate_ratio",
    "sd_rate",
    "sd_rate_ratio",
    "overdispersion",
    "rule",
    "follow_up",
)
LEVEL: Final = 0.95
STORED_REPLICATES: Final = 2_000
_LIKE_PATIENTS: Final = (
    1.75  # a series is like a cell if none of its numbers is off by more than such a factor
)
_LIKE: Final = 1.5
_FILE: Final = "coverage_map.csv"
_MADE: Final = "made.json"


def axes_of(design: Design) -> dict[str, object]:
    """Return where a design lies in the map: a value for each of the axes."""
    instance("design", design, Design)
    times = next(name for name, pairs in FOLLOW_UPS.items() if tuple(sorted(pairs)) == design.times)
    return {name: getattr(design, name) for name in AXES[:-1]} | {AXES[-1]: times}


def cells() -> tuple[Design, ...]:
    """Return the designs of the map; each has a seed of its own.

    A single patient has each of the three pairs of follow-up times in turn, several have them recycled.

    Examples
    --------
    >>> len(cells()), sum(design.patients == 1 for design in cells())
    (448, 192)
    """
    grid = list(product(PATIENTS, REFERENCE_ARRS, RATE_RATIOS, SPREADS, RULES))
    return tuple(
        Design(
            patients, times, arr, ratio, *spreads, rule=rule, seed=DEFAULT_SEED + number + len(grid) * turn
        )
        for number, (patients, arr, ratio, spreads, rule) in enumerate(grid)
        for turn, times in enumerate(_turns(patients))
    )


def _turns(patients: int) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple((pair,) for pair in TIMES) if patients == 1 else (TIMES,)


def make(
    replicates: int = 400, designs: Sequence[Design] | None = None, *, execution: Execution = HERE
) -> pd.DataFrame:
    """Compute the map, or the cells of some designs.

    Parameters
    ----------
    replicates
        Simulated series of each cell.
    designs
        All cells by default.
    execution
        Processes, cluster, folder of finished cells, progress; it does not change the result.

    Returns
    -------
    pandas.DataFrame
        One row for each cell and estimator: the axes, and the fields of
        :class:`~nmo_stats.operating.Measures`.
    """
    instance("execution", execution, Execution)
    replicates = whole("replicates", replicates, 10, MOST_REPLICATES)
    given = cells() if designs is None else sequence("designs", designs, "designs")
    chosen = [instance("designs", design, Design) for design in given] or list(cells())
    work = [
        Task(
            ("cell", design.to_dict(), LEVEL, list(ESTIMATORS)),
            SIMULATION,
            replicates,
            partial(_cell, design, replicates),
        )
        for design in chosen
    ]
    return pd.concat(computed(work, execution), ignore_index=True)


def _cell(design: Design, replicates: int) -> pd.DataFrame:
    """Return the axes of a cell and the measures of every estimator, one row each."""
    frame = simulate(design, replicates=replicates, level=LEVEL).to_frame()
    return pd.DataFrame(axes_of(design), index=frame.index).join(frame)


def renewed(part: pd.DataFrame, replicates: int) -> pd.DataFrame:
    """Return the map that ships with the package, with some numbers of patients computed anew.

    Parameters
    ----------
    part
        Every cell of some numbers of patients, as :func:`make` returns them.
    replicates
        Simulated series of each of these cells.

    Raises
    ------
    ArgumentError
        If the rest was made by other code or of another number of series, so that one hash would not speak
        for all rows.
    """
    instance("part", part, pd.DataFrame)
    replicates = whole("replicates", replicates, 1)
    if not is_current() or replicates != STORED_REPLICATES:
        raise ArgumentError(
            f"the cells that are kept were made by other code, or not of {replicates:,} series each: "
            "compute all of them"
        )
    kept = stored()
    kept = kept[~kept["patients"].isin(part["patients"].unique())]
    return pd.concat([part, kept], ignore_index=True).sort_values("patients", kind="stable")


def write(table: pd.DataFrame, replicates: int, folder: Path) -> None:
    """Write a map with the hash of the code and the settings that made it."""
    instance("table", table, pd.DataFrame)
    folder, replicates = path("folder", folder), whole("replicates", replicates, 1)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / _FILE, index=False, float_format="%.5g")
    made = {
        "code": code_hash(SIMULATION),
        "replicates": replicates,
        "level": LEVEL,
        "seed": DEFAULT_SEED,
        "times_years": TIMES,
    }
    (folder / _MADE).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


@cache
def stored() -> pd.DataFrame:
    """Return the map that ships with the package: 2,000 series a cell. Do not change it."""
    return pd.read_csv(data_folder() / "coverage_map" / _FILE)


def is_current() -> bool:
    """Return whether the map that ships with the package was made by the code that is installed."""
    made = json.loads((data_folder() / "coverage_map" / _MADE).read_text(encoding="utf-8"))
    return bool(made["code"] == code_hash(SIMULATION))


def like(pair: Comparison, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows of the map whose patients, rate and times are near those of a pair; none outside it.

    Near is the next value on each axis, at most a factor of 1.75 away in patients and of 1.5 in the pooled
    reference rate and in the mean time on the comparator; for times fixed in advance also in the mean time on
    the reference, and the ratios of the two times may differ between patients at most twice as much as in the
    map. (A triggered rule makes reference times of its own.) The true ratio, the spreads and the rule are not
    known of a series: all of them are returned.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> rows = like(load_example().compare("tocilizumab", reference="rituximab"))
    >>> sorted(set(rows["patients"])), sorted(set(rows["reference_arr"]))
    ([3], [2.0])
    """
    instance("pair", pair, Comparison)
    optional("table", table, pd.DataFrame)
    table = stored() if table is None else table
    patients = _nearest(len(pair.patients), PATIENTS, _LIKE_PATIENTS)
    arr = _nearest(pair.totals[0] / pair.total_years[0], REFERENCE_ARRS, _LIKE)
    rows = table[(table["patients"] == patients) & (table["reference_arr"] == arr)]
    near = {
        (times, rule): _has_times_like(pair, np.array(FOLLOW_UPS[times]), rule)
        for times, rule in product(FOLLOW_UPS, RULES)
    }
    # An empty list would select no columns, not no rows.
    kept = np.array([near[cell] for cell in zip(rows["follow_up"], rows["rule"], strict=True)], dtype=bool)
    return rows.loc[kept]


def _has_times_like(pair: Comparison, times: Floats, rule: str) -> bool:
    reference, comparator = (
        _nearest(float(own), (float(mean),), _LIKE) is not None
        for own, mean in zip(pair.years.mean(axis=0), times.mean(axis=0), strict=True)
    )
    is_fixed_near = reference and _unequal(pair.years) <= 2 * _unequal(times)
    return comparator and (rule != "fixed" or is_fixed_near)


def _unequal(years: Floats) -> float:
    """Return how many times as large the largest ratio of a patient's two times is as the smallest."""
    ratios = years[:, 1] / years[:, 0]
    return float(ratios.max() / ratios.min())


@dataclass(frozen=True, slots=True)
class CoverageRange:
    """Over which range an interval covered the truth in the cells like a series.

    Parameters
    ----------
    method, rule
        Estimator, and what ended the reference period.
    overdispersed
        Whether the counts vary more than Poisson counts within a patient.
    lowest, highest
        Least and largest coverage among the cells.
    error
        Largest Monte Carlo standard error among them.
    at_ratio
        True ratio of the cell with the least coverage.
    cells
        Number of cells.
    """

    method: str
    rule: str
    overdispersed: bool
    lowest: float
    highest: float
    error: float
    at_ratio: float
    cells: int

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def coverage_ranges(rows: pd.DataFrame) -> tuple[CoverageRange, ...]:
    """Return the range of coverage of every interval under each rule and kind of counts."""
    instance("rows", rows, pd.DataFrame)
    known = rows.dropna(subset=["coverage"])
    kinds = [known["method"], known["rule"], known["overdispersion"] > 0]
    ranges = []
    for (method, rule, overdispersed), group in known.groupby(kinds, sort=False):
        coverage, error = group["coverage"], float(group["coverage_se"].max())
        lowest, highest = float(coverage.min()), float(coverage.max())
        ratio = float(group["rate_ratio"].iloc[int(coverage.argmin())])
        kind = str(method), str(rule), bool(overdispersed)
        ranges.append(CoverageRange(*kind, lowest, highest, error, ratio, len(group)))
    return tuple(ranges)


def cell_of(row: pd.Series) -> Design:
    """Return the design of a row of the map."""
    axes = {name: row[name] for name in AXES}
    return next(design for design in cells() if axes_of(design) == axes)


def _nearest(value: float, axis: Sequence[float], factor: float) -> float | None:
    """Return the next value of an axis if it is at most a factor away."""
    if value <= 0:
        return None
    best = min(axis, key=lambda point: abs(math.log(point / value)))
    return best if abs(math.log(best / value)) <= math.log(factor) * (1 + 1e-9) else None
