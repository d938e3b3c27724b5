"""All estimates of the rate ratio side by side, the estimands kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes

from nmo_stats.arguments import instance, sequence, text
from nmo_stats.estimate import RateRatio
from nmo_stats.figures.style import COMPARATOR, GREY, INK, ratio_axis, ratio_words
from nmo_stats.names import ESTIMAND_NAMES, METHODS
from nmo_stats.wording import ratio_text

_WIDEST: Final = (1e-3, 1e3)


def forest(estimates: Sequence[RateRatio], axes: Axes, comparator: str = "comparator") -> Axes:
    """Draw each ratio with its interval on a log axis, grouped by estimand; limits outside it end in an arrow.

    A hollow marker carries a caution. At a zero cell there is no marker: the data set one limit, and the median is the
    prior's; a limit of 0 or infinity is an arrow.
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
        if not group:
            continue
        axes.text(
            -0.04,
            row,
            title,
            transform=axes.get_yaxis_transform(),
            color=GREY,
            fontsize=9,
            va="center",
            ha="right",
        )
        for ratio in group:
            row += 1
            _draw(axes, ratio, row, (low, high))
        row += 1.4
    axes.set_ylim(row - 0.6, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ratio_axis(axes, low, high, ratio_words(comparator))
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
    return axes


def rows(estimates: Sequence[RateRatio]) -> float:
    """Return the height of the figure in rows, to size it before it is drawn."""
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


def _draw(axes: Axes, ratio: RateRatio, row: float, limits: tuple[float, float]) -> None:
    low, high = limits
    start, end = max(ratio.interval.low, low), min(ratio.interval.high, high)
    colour = COMPARATOR if ratio.interval.kind == "credible" else INK
    axes.plot([start, end], [row, row], color=colour, linewidth=1.6, solid_capstyle="butt")
    for value, place, marker in ((ratio.interval.low, low, "<"), (ratio.interval.high, high, ">")):
        if not low <= value <= high:
            axes.plot(place, row, marker=marker, color=colour, markersize=6, clip_on=False)
    if ratio.known_limit is None and low <= ratio.estimate <= high:
        fill = "white" if ratio.cautions else colour
        axes.plot(
            ratio.estimate, row, marker="o", markersize=6.5, markerfacecolor=fill, markeredgecolor=colour
        )
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 9.5}
    axes.text(-0.04, row, METHODS[ratio.method].short_name, ha="right", color=INK, **style)
    axes.text(1.02, row, ratio_text(ratio), ha="left", color=INK, **style)
