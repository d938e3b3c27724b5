"""Curves over the time on each treatment: without a relapse, and relapses per patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from nmo_stats.arguments import instance
from nmo_stats.cohort import Comparison
from nmo_stats.describe import Accumulation, FirstRelapse
from nmo_stats.figures.style import COMPARATOR, GREY, REFERENCE

MOST_MARKED: Final = 60
_MOST_DRAWN: Final = 2000  # rows of a curve; more differ by less than a line is wide


def relapse_free(curves: FirstRelapse, pair: Comparison, axes: Axes) -> Axes:
    """Draw the Kaplan-Meier curves of the time to the first relapse with their pointwise intervals.

    A tick on a curve is a patient who leaves without a relapse (up to 60); the numbers below are those at
    risk.

    Parameters
    ----------
    curves
        From :func:`nmo_stats.describe.first_relapse`.
    pair
        The comparison that they are of.
    axes
        Where they are drawn.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("curves", curves, FirstRelapse)
    drawn = _drawn({name: curve.curve for name, curve in curves.curves.items()}, pair, axes)
    for curve, colour in drawn.values():
        _steps(axes, curve, ("share", "low_after", "high"), colour)
        leaving = -np.diff(np.append(curve["at_risk"].to_numpy()[1:], 0))
        censored = curve[1:][leaving > curve["relapsed"].to_numpy()[1:]]
        if len(censored) <= MOST_MARKED:  # more would hide the curve
            ticks = 12 * censored["years"], censored["share"]
            axes.plot(*ticks, linestyle="none", marker="|", color=colour, markersize=6)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylabel("without a relapse")
    return _finish(axes, drawn, "patients at risk, without a relapse")


def mean_counts(curves: Accumulation, pair: Comparison, axes: Axes) -> Axes:
    """Draw the mean number of relapses per patient against the months since the start of each treatment.

    The band is its pointwise interval, where there is one; the numbers below are the patients at risk.

    Parameters
    ----------
    curves
        From :func:`nmo_stats.describe.accumulation`.
    pair
        The comparison that they are of.
    axes
        Where they are drawn.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("curves", curves, Accumulation)
    drawn = _drawn({name: curve.curve for name, curve in curves.curves.items()}, pair, axes)
    for curve, colour in drawn.values():
        _steps(axes, curve, ("mean", "low", "high"), colour)
    # a curve that stays at 0 is drawn whole, and not half below the edge
    highest = max(float(curve["mean"].iloc[-1]) for curve, _ in drawn.values())
    top = axes.get_ylim()[1] if highest > 0 else 1.0
    axes.set_ylim(-0.03 * top, top)
    axes.set_ylabel("relapses per patient")
    return _finish(axes, drawn, "patients at risk")


_Drawn = dict[str, tuple[pd.DataFrame, str]]


def _drawn(curves: Mapping[str, pd.DataFrame], pair: Comparison, axes: Axes) -> _Drawn:
    """Return the curve and the colour of each treatment that has one."""
    instance("pair", pair, Comparison)
    instance("axes", axes, Axes)
    colours = {pair.reference: REFERENCE, pair.comparator: COMPARATOR}
    return {name: (curves[name], colour) for name, colour in colours.items() if name in curves}


def _steps(axes: Axes, curve: pd.DataFrame, names: tuple[str, str, str], colour: str) -> None:
    """Draw a curve that is constant between its times, with the pointwise interval where it exists."""
    if len(curve) > _MOST_DRAWN:
        curve = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, _MOST_DRAWN).astype(int))]
    months = 12 * curve["years"].to_numpy()
    value, low, high = (curve[name].to_numpy() for name in names)
    axes.fill_between(months, low, high, step="post", color=colour, alpha=0.14, linewidth=0)
    axes.plot(months, value, drawstyle="steps-post", color=colour, linewidth=1.8, solid_joinstyle="miter")


def _finish(axes: Axes, drawn: _Drawn, title: str) -> Axes:
    """Make x the months on treatment, name the curves above, and write the patients at risk below."""
    axes.set_xlim(0, max(12 * float(curve["years"].iloc[-1]) for curve, _ in drawn.values()))
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 3, 6, 10]))
    axes.set_xlabel("months since the start of the treatment")
    axes.annotate(title, (0, 0), (0, -44), textcoords="offset points", xycoords="axes fraction",
                  ha="left", va="top", fontsize=8.5, color=GREY)  # fmt: skip
    low, high = axes.get_xlim()
    for row, (name, (curve, colour)) in enumerate(drawn.items()):
        axes.text(float(row), 1.03, name, ha="right" if row else "left", va="bottom", color=colour,
                  weight="bold", transform=axes.transAxes)  # fmt: skip
        for tick in axes.get_xticks():
            if low <= tick <= high:
                later = int(np.searchsorted(12 * curve["years"].to_numpy(), tick, side="left"))
                at_risk = int(curve["at_risk"].iloc[later]) if later < len(curve) else 0
                axes.annotate(str(at_risk), (tick, 0), (0, -57 - 13 * row), textcoords="offset points",
                              xycoords=axes.get_xaxis_transform(), ha="center", va="top", fontsize=9,
                              color=colour)  # fmt: skip
    return axes
