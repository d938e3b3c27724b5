"""The relapse-free share of the patients over the time on each treatment."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts
from nmo_stats.cohort import Comparison
from nmo_stats.describe import FirstRelapse
from nmo_stats.figures.steps import COLOURS, at_risk_below, band, drawn_rows, months_axis, name_curves, step

MOST_MARKED: Final = 60


def relapse_free(found: FirstRelapse, pair: Comparison, axes: Axes) -> Axes:
    """Draw the Kaplan-Meier curves of the time to the first relapse with their pointwise intervals.

    A tick on a curve is a patient who leaves without a relapse (up to 60 times); the numbers below are those still without one.
    """
    instance("found", found, FirstRelapse)
    instance("pair", pair, Comparison)
    instance("axes", axes, Axes)
    names = (pair.reference, pair.comparator)
    watched = {}
    for name, colour in zip(names, COLOURS, strict=True):
        if name in found.curves:
            curve = found.curves[name].curve
            drawn = drawn_rows(curve)
            months = 12 * drawn["years"].to_numpy()
            band(axes, months, drawn["low_after"].to_numpy(), drawn["high"].to_numpy(), colour)
            step(axes, months, drawn["share"].to_numpy(), colour)
            leaving = -np.diff(np.append(curve["at_risk"].to_numpy()[1:], 0))
            _mark_censored(axes, curve, leaving, colour)
            watched[name] = (colour, np.repeat(12 * curve["years"].to_numpy()[1:], leaving))
    months_axis(axes, max(months[-1] for _, months in watched.values()))
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylabel("without a relapse")
    name_curves(axes, [name if name in watched else "" for name in names])
    at_risk_below(axes, watched, "patients still watched and without a relapse")
    return axes


def _mark_censored(axes: Axes, curve: pd.DataFrame, leaving: Counts, colour: str) -> None:
    """Mark the times at which patients leave without a relapse, unless they would hide the curve."""
    censored = curve[1:][leaving > curve["relapsed"].to_numpy()[1:]]
    if len(censored) <= MOST_MARKED:
        axes.plot(
            12 * censored["years"],
            censored["share"],
            linestyle="none",
            marker="|",
            color=colour,
            markersize=6,
        )
