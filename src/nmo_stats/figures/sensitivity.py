"""The ratio under one assumption after the other, and what methods show with no effect at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from nmo_stats.arguments import instance, sequence, text, texts
from nmo_stats.figures.style import COMPARATOR, GREY, INK, PALE, ratio_axis, ratio_words
from nmo_stats.names import HIERARCHICAL, WITHIN
from nmo_stats.sensitivity import FAMILY_NAMES, Answer, NoEffect, Sensitivity, Spread
from nmo_stats.sensitivity.words import share_text

_COLOURS: Final = {HIERARCHICAL: COMPARATOR, WITHIN: INK, "empirical_bayes": GREY}
_DRAWN: Final = tuple(_COLOURS)
_MOST_OF_A_FAMILY: Final = 12
_WIDEST: Final = (1e-3, 1e3)
_SIMULATED: Final = {"pooled_exact": "pooled", WITHIN: "within patients", HIERARCHICAL: "hierarchical"}

Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the figure: an assumption, without its details, with the answers that are drawn."""

    family: str
    name: str
    answers: tuple[Answer, ...]

    @property
    def leading(self) -> Answer:
        """The answer whose numbers are beside the line: the hierarchical one where there is one."""
        return min(self.answers, key=_rank)


def _rank(row: Answer) -> int:
    return _DRAWN.index(row.method or "")


def lines(sensitivity: Sensitivity) -> tuple[Line, ...]:
    """Return the lines of the figure; of many patients left out, those whose ratios lie at the two ends."""
    drawn: list[Line] = []
    for family in FAMILY_NAMES:
        rows = [
            row
            for row in sensitivity.answers(family)
            if row.method in _DRAWN and row.has_interval and row.is_plausible
        ]
        names = dict.fromkeys(row.assumption.name for row in rows)
        of_family = [
            Line(family, name, tuple(row for row in rows if row.assumption.name == name)) for name in names
        ]
        if len(of_family) > _MOST_OF_A_FAMILY:
            half = _MOST_OF_A_FAMILY // 2
            of_family.sort(key=lambda line: line.answers[0].estimate or 0.0)
            of_family = [*of_family[:half], *of_family[-half:]]
        drawn += of_family
    return tuple(drawn)


def height(shown: Sequence[Line]) -> float:
    """Return the height of the figure in rows, to size it before it is drawn."""
    return len(shown) + 1.5 * len({line.family for line in shown}) + 1.5


def specification_curve(sensitivity: Sensitivity, axes: Axes) -> Axes:
    """Draw the ratio under each changed assumption, by family, on the interval as analysed.

    Blue: the hierarchical ratio. Black: the exact ratio within patients, where the assumption concerns the
    data. Grey: observed against expected relapses. The line and the band are the hierarchical ratio as
    analysed and its interval.

    Parameters
    ----------
    sensitivity
        The finished analysis.
    axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ArgumentError
        If an argument is of another type.
    """
    instance("sensitivity", sensitivity, Sensitivity)
    instance("axes", axes, Axes)
    shown = lines(sensitivity)
    limits = _limits(
        (end for line in shown for row in line.answers for end in (row.estimate, row.low, row.high)), 1.4
    )
    base = sensitivity.base.get(HIERARCHICAL)
    if base is not None and base.has_interval:
        ends = max(base.low or 0.0, limits[0]), min(base.high or 1.0, limits[1])
        axes.axvspan(*ends, color=COMPARATOR, alpha=0.08, linewidth=0)
        axes.axvline(base.estimate or 1.0, color=COMPARATOR, linewidth=1, alpha=0.6)
    y, family = 0.0, ""
    for line in shown:
        if line.family != family:
            y += 1.5 if family else 0.0
            family = line.family
            _text(axes, -0.02, y, FAMILY_NAMES[line.family], GREY)
        y += 1
        _line(axes, line, y, limits)
    axes.set_ylim(y + 0.8, -0.9)
    _bare(axes, limits, sensitivity.pair.comparator)
    return axes


def no_effect(
    designs: Sequence[NoEffect], words: Sequence[str], axes: Axes, comparator: str = "comparator"
) -> Axes:
    """Draw medians and 95 % ranges of estimates in series with no effect, the observed one as a bar.

    Parameters
    ----------
    designs
        One for each way in which a reference period ends.
    words
        Their titles.
    axes
        Where to draw.
    comparator
        Name of the comparator.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.

    Raises
    ------
    ArgumentError
        If an argument is of another type.
    """
    for design in sequence("designs", designs, "designs with no effect"):
        instance("designs", design, NoEffect)
    texts("words", words)
    instance("axes", axes, Axes)
    text("comparator", comparator)
    spreads = [spread for design in designs for spread in _shown(design)]
    limits = _limits((end for one in spreads for end in (one.low, one.high, one.observed, one.median)), 1.6)
    y = 0.0
    _text(axes, 1.02, y, "at or below\nthe observed", GREY)
    for title, design in zip(words, designs, strict=True):
        _text(axes, -0.02, y, title, GREY)
        for spread in _shown(design):
            y += 1
            _spread(axes, spread, y, limits)
        y += 1.5
    axes.set_ylim(y - 0.6, -0.9)
    _bare(axes, limits, comparator)
    return axes


def simulated_height(designs: Sequence[NoEffect]) -> float:
    """Return the height of :func:`no_effect` in rows."""
    return sum(len(_shown(design)) + 1.5 for design in designs) + 1


def _line(axes: Axes, line: Line, y: float, limits: Ends) -> None:
    shift = 0.16 if len(line.answers) > 1 else 0.0
    for row in sorted(line.answers, key=_rank):
        estimate, low, high = (number or 0.0 for number in (row.estimate, row.low, row.high))
        at = y - shift if row.method == HIERARCHICAL else y + shift
        _interval(axes, (low, high), at, limits, {"color": _COLOURS[row.method or ""], "linewidth": 1.3})
        if limits[0] <= estimate <= limits[1]:
            axes.plot(estimate, at, marker="o", markersize=4.5, color=_COLOURS[row.method or ""])
    _text(axes, -0.02, y, line.name, INK)
    _text(axes, 1.02, y, line.leading.ratio_text(2, bounds=("≤", "≥")), INK)  # the margin is narrow


def _interval(axes: Axes, ends: Ends, y: float, limits: Ends, style: dict[str, Any]) -> None:
    """Draw the limits; what lies outside the axis ends in an arrow."""
    (low, high), (first, last) = ends, limits
    axes.plot([max(low, first), min(high, last)], [y, y], solid_capstyle="butt", **style)
    arrow = GREY if style["color"] == PALE else style["color"]
    for value, edge, marker in ((low, first, "<"), (high, last, ">")):
        if not first <= value <= last:
            axes.plot(edge, y, marker=marker, color=arrow, markersize=4.5, clip_on=False)


def _spread(axes: Axes, spread: Spread, y: float, limits: Ends) -> None:
    first, last = limits
    if spread.median is not None and spread.low is not None and spread.high is not None:
        _interval(axes, (spread.low, spread.high), y, limits, {"color": PALE, "linewidth": 6})
        if first <= spread.median <= last:
            axes.plot(spread.median, y, marker="o", markersize=6, color=GREY)
    if spread.observed is not None:
        at = min(max(spread.observed, first), last)
        bar: dict[str, Any] = {"solid_capstyle": "butt", "clip_on": False}
        axes.plot([at, at], [y - 0.36, y + 0.36], color=COMPARATOR, linewidth=2.4, **bar)
    _text(axes, -0.02, y, _SIMULATED[spread.method], INK)
    if spread.at_or_below is not None:
        _text(axes, 1.02, y, share_text(spread.at_or_below, spread.identified), INK)


def _shown(design: NoEffect) -> list[Spread]:
    return [spread for method in _SIMULATED if (spread := design.find(method)) is not None]


def _limits(ends: Iterable[float | None], room: float) -> Ends:
    finite = [end for end in ends if end and 0 < end < math.inf]
    return max(min([*finite, 0.5]) / room, _WIDEST[0]), min(max([*finite, 2.0]) * room, _WIDEST[1])


def _text(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 8.5}
    axes.text(x, y, text, color=colour, ha="right" if x < 0 else "left", **style)


def _bare(axes: Axes, limits: tuple[float, float], comparator: str) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ratio_axis(axes, *limits, ratio_words(comparator))
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
