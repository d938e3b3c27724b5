"""What the model says of each patient: shrunken ratios, and counts it would have expected."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nmo_stats.arguments import instance
from nmo_stats.diagnostics import predictive_intervals
from nmo_stats.estimate import require_level
from nmo_stats.figures.style import (
    COMPARATOR,
    GREY,
    INK,
    REFERENCE,
    patient_rows,
    ratio_axis,
    ratio_words,
)
from nmo_stats.hierarchical import HierarchicalFit

MOST_PATIENTS: Final = 40


def patient_ratios(fit: HierarchicalFit, axes: Axes, level: float = 0.95) -> Axes:
    """Draw each patient's shrunken ratio with its interval; a hollow mark is the patient's observed ratio.

    An observed ratio of 0 or infinity is an arrow at the edge. At most 40 patients are drawn.

    Parameters
    ----------
    fit
        A fit that passed its checks.
    axes
        Where to draw.
    level
        Level of the intervals.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("fit", fit, HierarchicalFit)
    instance("axes", axes, Axes)
    level = require_level(level)
    table = fit.patient_rate_ratios(level).head(MOST_PATIENTS)
    typical = fit.rate_ratio(level)
    low, high = min(table["low"].min(), 0.5) / 1.4, max(table["high"].max(), 2.0) * 1.4
    axes.axvspan(typical.interval.low, typical.interval.high, color=COMPARATOR, alpha=0.08, linewidth=0)
    axes.axvline(typical.estimate, color=COMPARATOR, linewidth=1, alpha=0.6)
    rows = np.arange(len(table))
    axes.hlines(rows, table["low"], table["high"], color=COMPARATOR, linewidth=1.8)
    axes.plot(table["estimate"], rows, marker="o", markersize=6.5, linestyle="none", color=COMPARATOR)
    for row, observed in enumerate(table["observed"]):
        marker = "<" if observed < low else ">" if observed > high else "o"
        axes.plot(float(np.clip(observed, low, high)), row, marker=marker, markersize=8,
                  markerfacecolor="none", markeredgecolor=INK, clip_on=False)  # fmt: skip
    patient_rows(axes, table["patient"])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", pad=12)
    ratio_axis(axes, low, high, ratio_words(fit.model.pair.comparator))
    axes.xaxis.tick_top()
    return axes


def predictive(fit: HierarchicalFit, axes: Axes, level: float = 0.95) -> Axes:
    """Draw each observed count (dot) on the interval of counts that the fitted model predicts (line).

    Parameters
    ----------
    fit
        A fit that passed its checks.
    axes
        Where to draw.
    level
        Level of the intervals.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("fit", fit, HierarchicalFit)
    instance("axes", axes, Axes)
    level = require_level(level)
    pair = fit.model.pair
    _, low, high = predictive_intervals(fit, level)
    shown = min(len(pair.patients), MOST_PATIENTS)
    for period, (colour, shift) in enumerate(((REFERENCE, -0.14), (COMPARATOR, 0.14))):
        rows = np.arange(shown) + shift
        axes.hlines(rows, low[:shown, period], high[:shown, period], color=colour, linewidth=5, alpha=0.3)
        axes.plot(pair.relapses[:shown, period], rows, marker="o", markersize=6, linestyle="none",
                  color=colour, clip_on=False)  # fmt: skip
    patient_rows(axes, pair.patients[:shown])
    axes.set_xlim(left=-0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("relapses in the period", color=GREY)
    return axes
