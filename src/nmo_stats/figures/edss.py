"""EDSS of each patient over the periods."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.describe import EdssSummary
from nmo_stats.figures.style import COMPARATOR, REFERENCE
from nmo_stats.frames import records

MOST_LABELLED: Final = 12
_NUDGE: Final = 0.07


def edss_slopes(summary: EdssSummary, treatments: tuple[str, str], axes: Axes) -> Axes:
    """Draw a line from start to end of each period, reference to the left, comparator to the right.

    Patients with the same scores are set a little apart, so that no line hides another.
    """
    reference, comparator = treatments
    known = summary.per_period.dropna(subset=["start", "end"])
    patients = list(dict.fromkeys(known["patient"]))
    for treatment, left, colour in ((reference, 0.0, REFERENCE), (comparator, 1.25, COMPARATOR)):
        for row in records(known[known["treatment"] == treatment]):
            shift = _shift(patients.index(row["patient"]), len(patients))
            scores = [row["start"] + shift, row["end"] + shift]
            axes.plot([left, left + 1], scores, color=colour, marker="o", markersize=5, linewidth=1.6)
            if len(patients) <= MOST_LABELLED and treatment == comparator:
                axes.annotate(f"Patient {row['patient']}", (left + 1, scores[1]), (7, 0), textcoords="offset points",
                              va="center", fontsize=9)  # fmt: skip
        axes.text(left + 0.5, 1.0, treatment, color=colour, weight="bold", ha="center", va="bottom",
                  transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set_xticks([0, 1, 1.25, 2.25], ["start", "end", "start", "last visit"])
    axes.set_xlim(-0.15, 2.85)
    axes.set_ylabel("EDSS")
    low, high = np.nanmin(known[["start", "end"]]), np.nanmax(known[["start", "end"]])
    axes.set_ylim(max(low - 1, -0.3), min(high + 1, 10.3))
    return axes


def _shift(place: int, count: int) -> float:
    return _NUDGE * (place - (count - 1) / 2) if count <= MOST_LABELLED else 0.0
