"""Each patient's two periods around the switch, with the relapses that each holds."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.cohort import Comparison
from nmo_stats.figures.style import COMPARATOR, GREY, INK, REFERENCE

MOST_LABELLED: Final = 40
_BAR: Final = 0.5


def timeline(pair: Comparison, axes: Axes) -> Axes:
    """Draw one row per patient: reference period to the left of the switch, comparator to the right.

    Only the number of relapses in a period is known, so it stands in the bar as a number; no position is drawn.
    With more than 40 patients the rows are thin and bare.
    """
    months = 12 * pair.years
    rows = np.arange(len(pair.patients))
    labelled = len(rows) <= MOST_LABELLED
    height = _BAR if labelled else 1.0
    axes.barh(rows, -months[:, 0], height=height, color=REFERENCE)
    axes.barh(rows, months[:, 1], height=height, color=COMPARATOR)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.set_xlabel(f"months before and after the start of {pair.comparator}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _head(axes, pair, months)
    if labelled:
        axes.set_yticks(rows, [f"Patient {patient}" for patient in pair.patients])
        for row in range(len(rows)):
            _label(axes, row, pair.relapses[row], months)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(rows)} patients", color=GREY)
    return axes


def _head(axes: Axes, pair: Comparison, months: np.ndarray) -> None:
    left, right = 1.04 * months[:, 0].max(), 1.04 * months[:, 1].max()
    axes.set_xlim(-left, right)
    axes.text(-0.02 * left, 1.0, f"{pair.reference}  ", ha="right", va="bottom", color=REFERENCE, weight="bold",
              transform=axes.get_xaxis_transform())  # fmt: skip
    axes.text(0.02 * right, 1.0, f"  {pair.comparator}", ha="left", va="bottom", color=COMPARATOR, weight="bold",
              transform=axes.get_xaxis_transform())  # fmt: skip


def _label(axes: Axes, row: int, relapses: np.ndarray, months: np.ndarray) -> None:
    """Write the counts into the bars at the switch, or beside a bar that is too short for them."""
    span = months[:, 0].max() + months[:, 1].max()
    for side, count, length in ((-1, relapses[0], months[row, 0]), (1, relapses[1], months[row, 1])):
        inside = length > 0.09 * span
        place = side * (length - 0.015 * span if inside else length + 0.015 * span)
        align = ("left" if side < 0 else "right") if inside else ("right" if side < 0 else "left")
        colour = "white" if inside else INK
        axes.text(place, row, str(count), ha=align, va="center", color=colour, fontsize=10, weight="bold")
