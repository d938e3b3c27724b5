"""What the curves over the time on a treatment share: steps in the two colours, and the patients still watched below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nmo_stats.arrays import Floats
from nmo_stats.figures.style import COMPARATOR, GREY, REFERENCE

COLOURS: Final = (REFERENCE, COMPARATOR)


def drawn_rows(curve: pd.DataFrame, most: int = 2000) -> pd.DataFrame:
    """Return the rows of a curve that are drawn: all of them, or so many that the eye sees no difference."""
    if len(curve) <= most:
        return curve
    return curve.iloc[np.unique(np.linspace(0, len(curve) - 1, most).astype(int))]


def step(axes: Axes, months: Floats, values: Floats, colour: str) -> None:
    """Draw a curve that is constant between its times."""
    axes.plot(months, values, drawstyle="steps-post", color=colour, linewidth=1.8, solid_joinstyle="miter")


def band(axes: Axes, months: Floats, low: Floats, high: Floats, colour: str) -> None:
    """Draw the pointwise interval of such a curve where it exists."""
    axes.fill_between(months, low, high, step="post", color=colour, alpha=0.14, linewidth=0)


def months_axis(axes: Axes, longest: float) -> None:
    """Make x the months since the start of a treatment, with whole ticks."""
    axes.set_xlim(0, longest)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 3, 6, 10]))
    axes.set_xlabel("months since the start of the treatment")


def name_curves(axes: Axes, names: Sequence[str]) -> None:
    """Name the curves above the axes, each in its colour; an empty name is left out."""
    shown = [(name, colour) for name, colour in zip(names, COLOURS, strict=True) if name]
    for place, (name, colour) in zip((0.0, 1.0), shown, strict=False):
        axes.text(place, 1.03, name, ha="left" if place == 0 else "right", va="bottom", color=colour, weight="bold",
                  transform=axes.transAxes)  # fmt: skip


def at_risk_below(axes: Axes, watched: Mapping[str, tuple[str, Floats]], title: str) -> None:
    """Write below the axis how many patients are still watched at each tick.

    Parameters
    ----------
    axes
        With its final limits.
    watched
        By treatment its colour, and the sorted months at which each patient leaves.
    title
        What the numbers count.
    """
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    lines = axes.get_xaxis_transform()
    axes.annotate(title, (0, 0), (0, -44), textcoords="offset points", xycoords="axes fraction",
                  ha="left", va="top", fontsize=8.5, color=GREY)  # fmt: skip
    for row, (colour, leaving) in enumerate(watched.values()):
        for tick in ticks:
            left = len(leaving) - int(np.searchsorted(leaving, tick, side="left"))
            axes.annotate(str(left), (tick, 0), (0, -57 - 13 * row), textcoords="offset points", xycoords=lines,
                          ha="center", va="top", fontsize=9, color=colour)  # fmt: skip
