"""Each patient's two periods around the switch, and the relapses in them, in their place if it is known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.arguments import instance
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.describe.curves import follow_up
from nmo_stats.figures.style import COMPARATOR, GREY, INK, REFERENCE

MOST_LABELLED: Final = 40
MOST_DRAWN: Final = 200
MOST_SPELT_OUT: Final = 10
_BAR: Final = 0.5
_ROW: Final = 0.42
_TIGHT_ROW: Final = 0.24
_CHARACTER: Final = 0.0145  # width of a small letter as a proportion of the axes
_MARGIN: Final = 0.015
Places = dict[tuple[int, int], list[float]]


def timeline(pair: Comparison, axes: Axes) -> Axes:
    """Draw one row per patient: reference period to the left of the switch, comparator to the right.

    A relapse of known time is a dot in its place; those of unknown time are a number in or beside the bar,
    "+2" where more than 10 patients are drawn. Where no time is known, it is that of all relapses.
    With more than 40 patients the rows are thin and without words, and the first 200 are drawn.

    Parameters
    ----------
    pair
        The comparison.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("pair", pair, Comparison)
    instance("axes", axes, Axes)
    count = min(len(pair.patients), MOST_DRAWN)
    months = 12 * pair.years[:count]
    rows = np.arange(count)
    labelled = count <= MOST_LABELLED
    height = _BAR if labelled else 0.8
    axes.barh(rows, -months[:, 0], height=height, color=REFERENCE)
    axes.barh(rows, months[:, 1], height=height, color=COMPARATOR)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_ylim(count - 0.4, -0.9 if labelled else -0.6)
    axes.set_xlabel(f"months before and after the start of {pair.comparator}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    places = _places(pair, count)
    _dots(places, axes, size=5.5 if labelled else 2.5)
    texts = _texts(pair, count) if labelled else {}
    axes.set_xlim(*_limits(months, texts, places))
    _head(axes, pair)
    if labelled:
        axes.set_yticks(rows, [f"Patient {patient}" for patient in pair.patients])
        for bar, text in texts.items():
            _write(axes, text, bar, months[bar], places.get(bar, []))
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{count} patients", color=GREY)
    return axes


def timeline_height(patients: int) -> float:
    """Return the height in inches that so many patients need; it is bounded."""
    if patients > MOST_LABELLED:
        return 1.0 + 0.025 * min(patients, MOST_DRAWN)
    return 0.9 + (_ROW if patients <= MOST_SPELT_OUT else _TIGHT_ROW) * patients


def has_known_times(pair: Comparison) -> bool:
    """Return whether the time of any relapse is known."""
    return pair.history is not None and pair.history.known_times > 0


def _places(pair: Comparison, count: int) -> Places:
    """Return where the relapses of known time lie, in months from the switch, by row and period."""
    places: Places = {}
    for period, watched in enumerate(follow_up(pair).values()):
        for patient, years in zip(watched.relapse_patient, watched.relapse_years, strict=True):
            if patient < count:
                start = -watched.years[patient] if period == 0 else 0.0
                places.setdefault((int(patient), period), []).append(float(12 * (start + years)))
    return places


def _dots(places: Places, axes: Axes, size: float) -> None:
    dots = [(month, row) for (row, _), months in places.items() for month in months]
    if dots:
        across, down = zip(*dots, strict=True)
        axes.plot(across, down, linestyle="none", marker="o", markersize=size, color="white",
                  markeredgecolor=INK, markeredgewidth=0.8 if size > 4 else 0.4, clip_on=False,
                  zorder=3)  # fmt: skip


def _texts(pair: Comparison, count: int) -> dict[tuple[int, int], str]:
    """Return what is written in the bars, by row and period."""
    any_known, short = has_known_times(pair), count > MOST_SPELT_OUT
    texts = {}
    for period, watched in enumerate(follow_up(pair).values()):
        timed = np.bincount(watched.relapse_patient, minlength=watched.patients)
        for row in range(count):
            relapses, unknown = int(watched.relapses[row]), int(watched.relapses[row] - timed[row])
            if not any_known or relapses == 0:
                texts[row, period] = str(relapses)
            elif unknown > 0:
                words = f"+{unknown}" if short else f"{unknown} at unknown time{'' if unknown == 1 else 's'}"
                texts[row, period] = words
    return texts


def _limits(months: Floats, texts: dict[tuple[int, int], str], places: Places) -> tuple[float, float]:
    """Return the ends of the axis: the longest bars, and the words beside a bar that do not fit into it."""
    ends = 1.04 * months.max(axis=0)
    for _ in range(3):  # words widen the axis, and so take more of its months
        span = float(ends.sum())
        for bar, text in texts.items():
            if not _fits(text, months[bar], places.get(bar, []), span):
                ends[bar[1]] = max(ends[bar[1]], months[bar] + _room(text, span))
    return -float(ends[0]), float(ends[1])


def _room(text: str, span: float) -> float:
    return (_CHARACTER * len(text) + 2 * _MARGIN) * span


def _fits(text: str, length: float, dots: list[float], span: float) -> bool:
    """Return whether words fit between the switch and the end of the bar, or the first dot on the way."""
    return _room(text, span) <= min([length, *map(abs, dots)])


def _head(axes: Axes, pair: Comparison) -> None:
    style: dict[str, Any] = {"va": "bottom", "weight": "bold", "transform": axes.get_xaxis_transform()}
    axes.text(0, 1.0, f"{pair.reference}  ", ha="right", color=REFERENCE, **style)
    axes.text(0, 1.0, f"  {pair.comparator}", ha="left", color=COMPARATOR, **style)


def _write(axes: Axes, text: str, bar: tuple[int, int], length: float, dots: list[float]) -> None:
    """Write into the bar at the switch, or beside its far end where it is short or a dot is in the way."""
    row, period = bar
    left, right = axes.get_xlim()
    side, span = (-1 if period == 0 else 1), right - left
    inside = _fits(text, length, dots, span)
    is_count = text.isdigit()
    axes.text(side * (_MARGIN * span + (0.0 if inside else length)), row, text,
              ha="left" if side > 0 else "right", va="center_baseline",
              color="white" if inside else INK if is_count else GREY,
              fontsize=10 if is_count else 8.5, weight="bold" if is_count else "normal")  # fmt: skip
