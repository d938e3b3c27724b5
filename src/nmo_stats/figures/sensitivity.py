"""The ratio under one assumption after the other, and what estimators show with no effect at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from nmo_stats.arguments import instance, sequence, text, texts
from nmo_stats.figures.style import COMPARATOR, GREY, INK, PALE, ratio_axis, ratio_words
from nmo_stats.names import HIERARCHICAL
from nmo_stats.sensitivity import FAMILY_NAMES, NoEffect, Row, Sensitivity, Spread
from nmo_stats.sensitivity.words import share_text

WITHIN: Final = "conditional_exact"
_DRAWN: Final = (HIERARCHICAL, WITHIN, "empirical_bayes")
_COLOURS: Final = {HIERARCHICAL: COMPARATOR, WITHIN: INK, "empirical_bayes": GREY}
_NOT_DRAWN: Final = ("benchmark", "tipping")
_MOST_OF_A_FAMILY: Final = 12
_WIDEST: Final = (1e-3, 1e3)
_SIMULATED: Final = {"pooled_exact": "pooled", WITHIN: "within patients", HIERARCHICAL: "hierarchical"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the figure: an assumption, without its details, with the answers that are drawn."""

    family: str
    assumption: str
    answers: tuple[Row, ...]

    @property
    def leading(self) -> Row:
        """The answer whose numbers stand beside the line: the hierarchical one where there is one."""
        return min(self.answers, key=lambda row: _DRAWN.index(row.method or ""))


def lines(found: Sensitivity) -> tuple[Line, ...]:
    """Return the lines of the figure; of many patients left out, those whose ratios lie at the two ends."""
    drawn: list[Line] = []
    for family in FAMILY_NAMES:
        rows = [
            row for row in found.of(family) if row.method in _DRAWN and row.has_interval and row.is_plausible
        ]
        if not rows or family in _NOT_DRAWN:
            continue
        labels = dict.fromkeys(row.assumption for row in rows)
        of_family = [
            Line(family, label, tuple(row for row in rows if row.assumption == label)) for label in labels
        ]
        drawn += _ends(of_family)
    return tuple(drawn)


def height(shown: Sequence[Line]) -> float:
    """Return the height of the figure in rows, to size it before it is drawn."""
    return len(shown) + 1.5 * len({line.family for line in shown}) + 1.5


def specification_curve(found: Sensitivity, axes: Axes) -> Axes:
    """Draw the ratio under each changed assumption, sorted by the kind of assumption, on the interval as analysed.

    Blue: the hierarchical ratio. Black: the exact ratio within patients, where the assumption concerns the data. Grey: observed
    against expected relapses. The line and the band are the hierarchical ratio as analysed and its interval.
    """
    instance("found", found, Sensitivity)
    instance("axes", axes, Axes)
    shown = lines(found)
    limits = _limits([row for line in shown for row in line.answers])
    base = found.base.get(HIERARCHICAL)
    if base is not None and base.has_interval:
        axes.axvspan(
            max(base.low or 0, limits[0]),
            min(base.high or 1, limits[1]),
            color=COMPARATOR,
            alpha=0.08,
            linewidth=0,
        )
        axes.axvline(base.estimate or 1, color=COMPARATOR, linewidth=1, alpha=0.6)
    place, family = 0.0, ""
    for line in shown:
        if line.family != family:
            place += 1.5 if family else 0.0
            family = line.family
            _text(axes, -0.02, place, FAMILY_NAMES[line.answers[0].family], GREY)
        place += 1
        _line(axes, line, place, limits)
    axes.set_ylim(place + 0.8, -0.9)
    _bare(axes, limits, found.pair.comparator)
    return axes


def no_effect(
    designs: Sequence[NoEffect], words: Sequence[str], axes: Axes, comparator: str = "comparator"
) -> Axes:
    """Draw medians and 95 % ranges of the estimates in series with no effect, the observed ratio as a bar across.

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
    """
    for design in sequence("designs", designs, "designs with no effect"):
        instance("designs", design, NoEffect)
    texts("words", words)
    instance("axes", axes, Axes)
    text("comparator", comparator)
    spreads = [spread for design in designs for spread in _shown(design)]
    ends = [end for one in spreads for end in (one.low, one.high, one.observed, one.median)]
    finite = [end for end in ends if end is not None and 0 < end < math.inf]
    limits = max(min([*finite, 0.5]) / 1.6, _WIDEST[0]), min(max([*finite, 2.0]) * 1.6, _WIDEST[1])
    place = 0.0
    _text(axes, 1.02, place, "at or below\nthe observed", GREY)
    for title, design in zip(words, designs, strict=True):
        _text(axes, -0.02, place, title, GREY)
        for spread in _shown(design):
            place += 1
            _spread(axes, spread, place, limits)
        place += 1.5
    axes.set_ylim(place - 0.6, -0.9)
    _bare(axes, limits, comparator)
    return axes


def simulated_rows(designs: Sequence[NoEffect]) -> float:
    """Return the height of :func:`no_effect` in rows."""
    return sum(len(_shown(design)) + 1.5 for design in designs) + 1


def _ends(of_family: list[Line]) -> list[Line]:
    if len(of_family) <= _MOST_OF_A_FAMILY:
        return of_family
    by_ratio = sorted(of_family, key=lambda line: line.answers[0].estimate or 0.0)
    half = _MOST_OF_A_FAMILY // 2
    return [*by_ratio[:half], *by_ratio[-half:]]


def _line(axes: Axes, line: Line, place: float, limits: tuple[float, float]) -> None:
    shift = 0.16 if len(line.answers) > 1 else 0.0
    for row in sorted(line.answers, key=lambda row: _DRAWN.index(row.method or "")):
        at = place - shift if row.method == HIERARCHICAL else place + shift
        _interval(
            axes,
            (row.estimate or 0.0, row.low or 0.0, row.high or 0.0),
            at,
            limits,
            _COLOURS[row.method or ""],
        )
    first = line.leading
    _text(axes, -0.02, place, line.assumption, INK)
    numbers = first.ratio_text(2).replace("at most", "≤").replace("at least", "≥")  # the margin is narrow
    _text(axes, 1.02, place, numbers, INK)


def _interval(
    axes: Axes, values: tuple[float, float, float], place: float, limits: tuple[float, float], colour: str
) -> None:
    """Draw estimate and limits; what lies outside the axis ends in an arrow."""
    (estimate, low, high), (first, last) = values, limits
    axes.plot(
        [max(low, first), min(high, last)], [place, place], color=colour, linewidth=1.3, solid_capstyle="butt"
    )
    for value, edge, marker in ((low, first, "<"), (high, last, ">")):
        if not first <= value <= last:
            axes.plot(edge, place, marker=marker, color=colour, markersize=4.5, clip_on=False)
    if first <= estimate <= last:
        axes.plot(estimate, place, marker="o", markersize=4.5, color=colour)


def _spread(axes: Axes, spread: Spread, place: float, limits: tuple[float, float]) -> None:
    first, last = limits
    if spread.median is not None and spread.low is not None and spread.high is not None:
        _simulated_interval(axes, (spread.median, spread.low, spread.high), place, limits)
    if spread.observed is not None:
        at = min(max(spread.observed, first), last)
        axes.plot(
            [at, at],
            [place - 0.36, place + 0.36],
            color=COMPARATOR,
            linewidth=2.4,
            solid_capstyle="butt",
            clip_on=False,
        )
    _text(axes, -0.02, place, _SIMULATED[spread.method], INK)
    if spread.at_or_below is not None:
        _text(axes, 1.02, place, share_text(spread.at_or_below, spread.identified), INK)


def _simulated_interval(
    axes: Axes, values: tuple[float, float, float], place: float, limits: tuple[float, float]
) -> None:
    (median, low, high), (first, last) = values, limits
    axes.plot(
        [max(low, first), min(high, last)],
        [place, place],
        color=PALE,
        linewidth=6,
        solid_capstyle="butt",
    )
    for value, edge, marker in ((low, first, "<"), (high, last, ">")):
        if not first <= value <= last:
            axes.plot(edge, place, marker=marker, color=GREY, markersize=5, clip_on=False)
    if first <= median <= last:
        axes.plot(median, place, marker="o", markersize=6, color=GREY)


def _shown(design: NoEffect) -> list[Spread]:
    return [spread for method in _SIMULATED if (spread := design.find(method)) is not None]


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    ends = [
        value for row in rows for value in (row.estimate, row.low, row.high) if value and 0 < value < math.inf
    ]
    return max(min([*ends, 0.5]) / 1.4, _WIDEST[0]), min(max([*ends, 2.0]) * 1.4, _WIDEST[1])


def _text(axes: Axes, x: float, place: float, text: str, colour: str) -> None:
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 8.5}
    axes.text(x, place, text, color=colour, ha="right" if x < 0 else "left", **style)


def _bare(axes: Axes, limits: tuple[float, float], comparator: str) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ratio_axis(axes, *limits, ratio_words(comparator))
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
