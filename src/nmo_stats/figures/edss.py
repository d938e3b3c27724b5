"""EDSS of each patient over the periods."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.describe import EdssSummary
from nmo_stats.figures.style import COMPARATOR, REFERENCE
from nmo_stats.frames import records

MOST_LABELLED: Final = 12
MOST_DRAWN: Final = 200
_NUDGE: Final = 0.07


def edss_slopes(summary: EdssSummary, treatments: tuple[str, str], axes: Axes) -> Axes:
    """Draw a line from start to end of each period, reference to the left, comparator to the right.

    Periods with the same two scores are set a little apart, so that no line hides another. With more than 12 patients the
    lines are pale and without names, and the first 200 patients are drawn.
    """
    known = summary.per_period.dropna(subset=["start", "end"])
    known = known[known["treatment"].isin(treatments)]
    patients = list(dict.fromkeys(known["patient"]))[:MOST_DRAWN]
    known = known[known["patient"].isin(patients)]
    few = len(patients) <= MOST_LABELLED
    for treatment, left, colour in zip(treatments, (0.0, 1.25), (REFERENCE, COMPARATOR), strict=True):
        rows = records(known[known["treatment"] == treatment])
        for row, shift in zip(rows, _shifts(rows) if few else [0.0] * len(rows), strict=True):
            scores = [row["start"] + shift, row["end"] + shift]
            axes.plot([left, left + 1], scores, color=colour, marker="o", markersize=5 if few else 3,
                      linewidth=1.6 if few else 1.0, alpha=1.0 if few else 0.3)  # fmt: skip
        axes.text(left + 0.5, 1.0, treatment, color=colour, weight="bold", ha="center", va="bottom",
                  transform=axes.get_xaxis_transform())  # fmt: skip
        if few and treatment == treatments[1]:
            _name(axes, rows, left + 1)
    axes.set_xticks([0, 1, 1.25, 2.25], ["start", "end", "start", "last visit"])
    axes.set_xlim(-0.15, 2.85)
    axes.set_ylabel("EDSS")
    low, high = np.nanmin(known[["start", "end"]]), np.nanmax(known[["start", "end"]])
    axes.set_ylim(max(low - 1, -0.3), min(high + 1, 10.3))
    return axes


def _shifts(rows: list[dict[str, Any]]) -> list[float]:
    """Return by how much each line is set off: those with the same two scores around them, the others not at all."""
    alike: dict[tuple[float, float], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        alike[row["start"], row["end"]].append(place)
    shifts = [0.0] * len(rows)
    for places in alike.values():
        for number, place in enumerate(places):
            shifts[place] = _NUDGE * (number - (len(places) - 1) / 2)
    return shifts


def _name(axes: Axes, rows: list[dict[str, Any]], place: float) -> None:
    """Name the patients at the ends of their lines, those with the same score together."""
    names: dict[float, list[str]] = defaultdict(list)
    for row in rows:
        names[row["end"]].append(str(row["patient"]))
    for score, found in names.items():
        text = f"Patient{'' if len(found) == 1 else 's'} {', '.join(found)}"
        axes.annotate(text, (place, score), (7, 0), textcoords="offset points", va="center", fontsize=9)
