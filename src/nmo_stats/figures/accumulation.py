"""Mean cumulative number of relapses per patient on each treatment."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.arguments import instance
from nmo_stats.cohort import Comparison
from nmo_stats.describe import Accumulation
from nmo_stats.figures.steps import COLOURS, at_risk_below, band, drawn_rows, months_axis, name_curves, step


def mean_counts(found: Accumulation, pair: Comparison, axes: Axes) -> Axes:
    """Draw the mean number of relapses per patient against the months since the start of each treatment.

    The band is its pointwise interval, where there is one; the numbers below are the patients still watched.
    """
    instance("found", found, Accumulation)
    instance("pair", pair, Comparison)
    instance("axes", axes, Axes)
    names = (pair.reference, pair.comparator)
    watched = {}
    for period, (name, colour) in enumerate(zip(names, COLOURS, strict=True)):
        if name in found.curves:
            curve = drawn_rows(found.curves[name].curve)
            months = 12 * curve["years"].to_numpy()
            band(axes, months, curve["low"].to_numpy(), curve["high"].to_numpy(), colour)
            step(axes, months, curve["mean"].to_numpy(), colour)
            watched[name] = (colour, 12 * np.sort(pair.years[:, period]))
    months_axis(axes, max(12 * found.curves[name].last for name in watched))
    # a curve that stays at 0 is drawn whole, and not half below the edge
    highest = max(float(found.curves[name].curve["mean"].iloc[-1]) for name in watched)
    top = axes.get_ylim()[1] if highest > 0 else 1.0
    axes.set_ylim(-0.03 * top, top)
    axes.set_ylabel("relapses per patient")
    name_curves(axes, [name if name in watched else "" for name in names])
    at_risk_below(axes, watched, "patients still watched")
    return axes
