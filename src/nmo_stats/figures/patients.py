"""What the model says of each patient: shrunken ratios, and counts it would have expected."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nmo_stats.arguments import instance
from nmo_stats.diagnostics import predictive_intervals
from nmo_stats.estimate import require_level
from nmo_stats.figures.style import COMPARATOR, GREY, INK, REFERENCE, ratio_axis, ratio_words
from nmo_stats.hierarchical import HierarchicalFit
from nmo_stats.wording import records

MOST_PATIENTS: Final = 40


def patient_ratios(fit: HierarchicalFit, axes: Axes, level: float = 0.95) -> Axes:
    """Draw each patient's shrunken ratio with its interval; a hollow mark is the patient's observed ratio.

    An observed ratio of 0 or infinity stands as an arrow at the edge. At most 40 patients are drawn.
    """
    instance("fit", fit, HierarchicalFit)
    instance("axes", axes, Axes)
    level = require_level(level)
    table = fit.patient_rate_ratios(level).head(MOST_PATIENTS)
    typical = fit.rate_ratio(level)
    low, high = min(table["low"].min(), 0.5) / 1.4, max(table["high"].max(), 2.0) * 1.4
    axes.axvspan(typical.interval.low, typical.interval.high, color=COMPARATOR, alpha=0.08, linewidth=0)
    axes.axvline(typical.estimate, color=COMPARATOR, linewidth=1, alpha=0.6)
    for row, patient in enumerate(records(table)):
        axes.plot(
            [patient["low"], patient["high"]],
            [row, row],
            color=COMPARATOR,
            linewidth=1.8,
            solid_capstyle="butt",
        )
        axes.plot(patient["estimate"], row, marker="o", markersize=6.5, color=COMPARATOR)
        marker = "<" if patient["observed"] < low else ">" if patient["observed"] > high else "o"
        place = float(np.clip(patient["observed"], low, high))
        axes.plot(
            place,
            row,
            marker=marker,
            markersize=8,
            markerfacecolor="none",
            markeredgecolor=INK,
            clip_on=False,
        )
    axes.set_yticks(range(len(table)), [f"Patient {name}" for name in table["patient"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", pad=12)
    ratio_axis(axes, low, high, ratio_words(fit.model.pair.comparator))
    axes.xaxis.tick_top()
    return axes


def predictive(fit: HierarchicalFit, axes: Axes, level: float = 0.95) -> Axes:
    """Draw each observed count (dot) on the interval of counts that the fitted model would produce (line)."""
    instance("fit", fit, HierarchicalFit)
    instance("axes", axes, Axes)
    level = require_level(level)
    pair = fit.model.pair
    _, low, high = predictive_intervals(fit, level)
    shown = min(len(pair.patients), MOST_PATIENTS)
    for row in range(shown):
        for period, colour in enumerate((REFERENCE, COMPARATOR)):
            place = row + (-0.14 if period == 0 else 0.14)
            axes.plot([low[row, period], high[row, period]], [place, place], color=colour, linewidth=5, alpha=0.3,
                      solid_capstyle="butt")  # fmt: skip
            axes.plot(
                pair.relapses[row, period], place, marker="o", markersize=6, color=colour, clip_on=False
            )
    axes.set_yticks(range(shown), [f"Patient {name}" for name in pair.patients[:shown]])
    axes.set_ylim(shown - 0.4, -0.6)
    axes.set_xlim(left=-0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("relapses in the period", color=GREY)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return axes
