"""How intervals behave where the truth is known: the coverage map, and calibration over the prior."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize

from nmo_stats.arguments import instance, text
from nmo_stats.arrays import Floats
from nmo_stats.estimate import require_level
from nmo_stats.figures.style import COMPARATOR, GREY, INK, PALE, REFERENCE
from nmo_stats.names import METHODS
from nmo_stats.wording import whole_percent

_LOWEST: Final = 0.75  # coverage that has the deepest colour
_UNDER: Final = LinearSegmentedColormap.from_list("under-coverage", [REFERENCE, "#f6d5b3", "#ffffff"])


def coverage_map(table: pd.DataFrame, axes: Axes, level: float = 0.95) -> Axes:
    """Draw the least coverage of each interval over the cells with the same number of patients.

    Parameters
    ----------
    table
        Rows of a coverage map: ``method``, ``patients``, ``coverage``; methods without an
        interval are left out.
    axes
        Where to draw.
    level
        Level of the intervals: cells below it are coloured.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("table", table, pd.DataFrame)
    instance("axes", axes, Axes)
    level = require_level(level)
    known = table.dropna(subset=["coverage"])
    methods = [method for method in METHODS if method in set(known["method"])]
    least = known.pivot_table("coverage", "method", "patients", aggfunc="min").reindex(methods)
    axes.imshow(least, cmap=_UNDER, norm=Normalize(_LOWEST, level), aspect="auto")
    for (row, column), value in np.ndenumerate(least.to_numpy()):
        text = "none" if np.isnan(value) else whole_percent(value)
        pale = not np.isnan(value) and value < (_LOWEST + level) / 2 - 0.05
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if pale else INK)
    axes.set_xticks(range(least.shape[1]), [str(patients) for patients in least.columns])
    axes.set_yticks(range(len(methods)), [METHODS[method].name for method in methods])
    axes.set_xlabel("patients")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(-0.5, least.shape[1]), minor=True)
    axes.set_yticks(np.arange(-0.5, len(methods)), minor=True)
    axes.grid(which="minor", color=PALE, linewidth=0.8)
    axes.tick_params(which="minor", length=0)
    return axes


def coverage_by_ratio(
    table: pd.DataFrame, axes: Axes, methods: dict[str, str], title: str = "", level: float = 0.95
) -> Axes:
    """Draw the coverage of some intervals against the true ratio, one dot for each cell of a map.

    Parameters
    ----------
    table
        Rows of a coverage map: ``method``, ``rate_ratio``, ``overdispersion``, ``coverage``; overdispersed
        ones are hollow.
    axes
        Where to draw.
    methods
        Methods to draw, and the colour of each.
    title
        Of the panel.
    level
        Level of the intervals, drawn as a line.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("table", table, pd.DataFrame)
    instance("axes", axes, Axes)
    text("title", title)
    level = require_level(level)
    ratios = sorted(table["rate_ratio"].unique())
    axes.axhline(100 * level, color=GREY, linewidth=0.9, zorder=0)
    for number, (method, colour) in enumerate(methods.items()):
        rows = table[table["method"] == method].dropna(subset=["coverage"])
        shift = 0.16 * (number - (len(methods) - 1) / 2)
        for is_hollow, cells in rows.groupby(rows["overdispersion"] > 0):
            across = [ratios.index(ratio) + shift for ratio in cells["rate_ratio"]]
            axes.plot(across, 100 * cells["coverage"], marker="o", markersize=4.5, linestyle="none",
                      markerfacecolor="white" if is_hollow else colour, markeredgecolor=colour)  # fmt: skip
    axes.set_xticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
    axes.set_xlabel("true rate ratio")
    axes.set_ylabel("covered, %")
    axes.set_title(title)
    return axes


def calibration(shares: Floats, band: tuple[Floats, Floats, Floats], axes: Axes) -> Axes:
    """Draw the distribution of posterior probabilities below the truth minus the uniform one, with a band.

    Parameters
    ----------
    shares
        Proportion of the values at or below each point of the band, shape (points,).
    band
        Points, and lower and upper limit of the proportion:
        :func:`nmo_stats.operating.calibration.simultaneous_band`.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("axes", axes, Axes)
    points, lower, upper = band
    axes.fill_between(points, lower - points, upper - points, color=PALE, linewidth=0)
    axes.axhline(0, color=GREY, linewidth=0.9)
    axes.plot(points, shares - points, color=COMPARATOR, linewidth=1.4)
    axes.set_xlim(0, 1)
    axes.set_xlabel("posterior probability below the truth")
    axes.set_ylabel("observed minus uniform")
    return axes
