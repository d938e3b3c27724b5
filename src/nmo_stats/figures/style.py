"""The look of all figures: two colours with a fixed meaning, grey for all else."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from nmo_stats.figures.glyphs import families

REFERENCE: Final = "#b35806"
COMPARATOR: Final = "#2166ac"
INK: Final = "#222222"
GREY: Final = "#6f6f6f"
PALE: Final = "#d9d9d9"

_RATIO_TICKS: Final = ((1, 2, 5), (1, 3), (1,))  # the finest of these series that leaves at most six ticks
_MOST_TICKS: Final = 6
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 10,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "svg.hashsalt": "nmo_stats",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "text.parse_math": False,  # names of patients and treatments may hold a dollar sign
}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of the report, e.g. ``with styled(): ...``; restores the settings of before.

    Returns
    -------
    context manager
        Of no value.
    """
    with mpl.rc_context({**_STYLE, "font.family": list(families())}):
        yield


def ratio_axis(axes: Axes, low: float, high: float, words: tuple[str, str] | None = None) -> None:
    """Make x a log axis of ratios from ``low`` to ``high`` with a line at 1, and words at its two ends."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axvline(1, color=GREY, linewidth=0.9, zorder=0)
    if words is not None:
        below, above = words
        style: dict[str, Any] = {"fontsize": 9, "color": GREY, "va": "top"}
        style["transform"] = axes.get_xaxis_transform()
        axes.text(1, -0.02, f"← {below}  ", ha="right", **style)
        axes.text(1, -0.02, f"  {above} →", ha="left", **style)


def patient_rows(axes: Axes, patients: Iterable[str]) -> None:
    """Make y one row for each patient, from the top, without a line or ticks."""
    names = [f"Patient {patient}" for patient in patients]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _ticks(low: float, high: float) -> list[float]:
    """Return at most six round ticks: of the series 1-2-5, 1-3, or powers of ten, thinned out around 1."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for series in _RATIO_TICKS:
        ticks = [
            digit * 10.0**decade
            for decade in decades
            for digit in series
            if low <= digit * 10.0**decade <= high
        ]
        if len(ticks) <= _MOST_TICKS:
            return ticks
    step = -(-len(ticks) // _MOST_TICKS) + 1
    return [10.0**decade for decade in decades if decade % step == 0 and low <= 10.0**decade <= high]


def ratio_words(comparator: str) -> tuple[str, str]:
    """Return the words for the two ends of a ratio axis."""
    return f"fewer relapses on {comparator}", "more"
