"""The relapse-free share of the patients over the time on each treatment."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from nmo_stats.cohort import Comparison
from nmo_stats.describe import FirstRelapse
from nmo_stats.figures.steps import COLOURS, at_risk_below, band, months_axis, name_curves, step


def relapse_free(found: FirstRelapse, pair: Comparison, axes: Axes) -> Axes:
    """Draw the Kaplan-Meier curves of the time to the first relapse with their pointwise intervals.

    A tick on a curve is a patient who leaves without a relapse; the numbers below are those still without one.
    """
    names = (pair.reference, pair.comparator)
    watched = {}
    for name, colour in zip(names, COLOURS, strict=True):
        if name in found.curves:
            curve = found.curves[name].curve
            months, share = 12 * curve["years"].to_numpy(), curve["share"].to_numpy()
            band(axes, months, curve["low_after"].to_numpy(), curve["high"].to_numpy(), colour)
            step(axes, months, share, colour)
            leaving = -np.diff(np.append(curve["at_risk"].to_numpy()[1:], 0))
            censored = np.flatnonzero(leaving > curve["relapsed"].to_numpy()[1:]) + 1
            axes.plot(
                months[censored], share[censored], linestyle="none", marker="|", color=colour, markersize=6
            )
            watched[name] = (colour, np.repeat(months[1:], leaving))
    months_axis(axes, max(months[-1] for _, months in watched.values()))
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylabel("without a relapse")
    name_curves(axes, [name if name in watched else "" for name in names])
    at_risk_below(axes, watched, "patients still watched and without a relapse")
    return axes
