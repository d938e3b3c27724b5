"""All estimates of the rate ratio side by side, the estimands kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.arguments import instance, sequence, text
from nmo_stats.estimate import RateRatio
from nmo_stats.figures.style import COMPARATOR, GREY, INK, ratio_axis, ratio_words
from nmo_stats.names import ESTIMAND_NAMES, METHODS
from nmo_stats.wording import ratio_text

_WIDEST: Final = (1e-3, 1e3)


def forest(estimates: Sequence[RateRatio], axes: Axes, comparator: str = "comparator") -> Axes:
    """Draw each ratio with its interval on a log axis, grouped by estimand; limits outside it are arrows.

    A hollow marker carries a caution. At a zero cell there is no marker: the data set one limit, and the
    median is the prior's; a limit of 0 or infinity is an arrow.

    Parameters
    ----------
    estimates
        The ratios; those without information are left out.
    axes
        Where to draw.
    comparator
        Name of the numerator.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    for estimate in sequence("estimates", estimates, "rate ratios"):
        instance("estimates", estimate, RateRatio)
    instance("axes", axes, Axes)
    text("comparator", comparator)
    shown = [ratio for ratio in estimates if ratio.informative]
    low, high = _limits(shown)
    row = 0.0
    for estimand, title in ESTIMAND_NAMES.items():
        group = [ratio for ratio in shown if ratio.estimand == estimand]
        if group:
            axes.text(-0.04, row, title, color=GREY, fontsize=9, ha="right", **_beside(axes))
            for place, ratio in enumerate(group, start=1):
                _draw(axes, ratio, row + place, (low, high))
            row += len(group) + 1.4
    axes.set_ylim(row - 0.6, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ratio_axis(axes, low, high, ratio_words(comparator))
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
    return axes


def rows(estimates: Sequence[RateRatio]) -> float:
    """Return the height of the figure in rows, to size it before it is drawn.

    Parameters
    ----------
    estimates
        The ratios that will be drawn.

    Returns
    -------
    float
        A title takes more than a row.
    """
    groups = {ratio.estimand for ratio in estimates if ratio.informative}
    return sum(ratio.informative for ratio in estimates) + 1.4 * len(groups) + 1.5


def _limits(estimates: Sequence[RateRatio]) -> tuple[float, float]:
    ends = [1.0] + [
        value
        for ratio in estimates
        for value in (ratio.estimate, ratio.interval.low, ratio.interval.high)
        if 0 < value < math.inf
    ]
    return max(min(ends) / 1.6, _WIDEST[0]), min(max(*ends, 2.0) * 1.6, _WIDEST[1])


def _draw(axes: Axes, ratio: RateRatio, row: float, ends: tuple[float, float]) -> None:
    low, high = ends
    limits = ratio.interval.low, ratio.interval.high
    colour = COMPARATOR if ratio.interval.kind == "credible" else INK
    axes.plot(np.clip(limits, low, high), [row, row], color=colour, linewidth=1.6, solid_capstyle="butt")
    for limit, end, marker in zip(limits, ends, "<>", strict=True):
        if not low <= limit <= high:
            axes.plot(end, row, marker=marker, color=colour, markersize=6, clip_on=False)
    if ratio.known_limit is None and low <= ratio.estimate <= high:
        fill = "white" if ratio.cautions else colour
        axes.plot(
            ratio.estimate, row, marker="o", markersize=6.5, markerfacecolor=fill, markeredgecolor=colour
        )
    style = {"fontsize": 9.5, "color": INK, **_beside(axes)}
    axes.text(-0.04, row, METHODS[ratio.method].short_name, ha="right", **style)
    axes.text(1.02, row, ratio_text(ratio), ha="left", **style)


def _beside(axes: Axes) -> dict[str, Any]:
    """Return how text is set at the height of a row, beside the axes."""
    return {"transform": axes.get_yaxis_transform(), "va": "center"}
