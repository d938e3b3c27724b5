"""EDSS of each patient over the periods."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.arguments import instance, texts
from nmo_stats.describe import EdssSummary
from nmo_stats.figures.style import COMPARATOR, REFERENCE
from nmo_stats.wording import records

MOST_LABELLED: Final = 12
_WIDEST: Final = 6.0
_NUDGE: Final = 0.07


def edss_slopes(summary: EdssSummary, treatments: tuple[str, str], axes: Axes) -> Axes:
    """Draw a line from start to end of each period, reference to the left, comparator to the right.

    Periods with the same two scores are set a little apart, so that no line hides another. With more than 12
    patients there is one line for each pair of scores, as wide as many patients have them, and no names.

    Parameters
    ----------
    summary
        Scores by period.
    treatments
        Reference and comparator.
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
    instance("summary", summary, EdssSummary)
    instance("axes", axes, Axes)
    texts("treatments", treatments, 2)
    known = summary.per_period.dropna(subset=["start", "end"])
    known = known[known["treatment"].isin(treatments)]
    few = known["patient"].nunique() <= MOST_LABELLED
    for treatment, left, colour in zip(treatments, (0.0, 1.25), (REFERENCE, COMPARATOR), strict=True):
        rows = records(known[known["treatment"] == treatment])
        for start, end, width in _each(rows) if few else _together(rows):
            axes.plot([left, left + 1], [start, end], color=colour, linewidth=width,
                      alpha=1.0 if few else 0.6, marker="o" if few else "", markersize=5,
                      solid_capstyle="round")  # fmt: skip
        axes.text(left + 0.5, 1.0, treatment, color=colour, weight="bold", ha="center", va="bottom",
                  transform=axes.get_xaxis_transform())  # fmt: skip
        if few and treatment == treatments[1]:
            _name(axes, rows, left + 1)
    axes.set_xticks([0, 1, 1.25, 2.25], ["start", "end", "start", "last visit"])
    axes.set_xlim(-0.15, 2.85 if few else 2.4)
    axes.set_ylabel("EDSS")
    low, high = np.nanmin(known[["start", "end"]]), np.nanmax(known[["start", "end"]])
    axes.set_ylim(max(low - 1, -0.3), min(high + 1, 10.3))
    return axes


def _each(rows: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    """Return start, end and width of a line for each period; those with the same scores are set apart."""
    alike = Counter((row["start"], row["end"]) for row in rows)
    seen: Counter[tuple[float, float]] = Counter()
    lines = []
    for row in rows:
        scores = row["start"], row["end"]
        shift = _NUDGE * (seen[scores] - (alike[scores] - 1) / 2)
        seen[scores] += 1
        lines.append((scores[0] + shift, scores[1] + shift, 1.6))
    return lines


def _together(rows: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    """Return start, end and width of a line for each pair of scores, the rare ones first."""
    alike = Counter((row["start"], row["end"]) for row in rows)
    most = max(alike.values(), default=1)
    rare_first = sorted(alike.items(), key=lambda item: item[1])
    return [(start, end, _WIDEST * count / most) for (start, end), count in rare_first]


def _name(axes: Axes, rows: list[dict[str, Any]], right: float) -> None:
    """Name the patients at the ends of their lines, those with the same score together."""
    names: dict[float, list[str]] = defaultdict(list)
    for row in rows:
        names[row["end"]].append(str(row["patient"]))
    for score, patients in names.items():
        text = f"Patient{'' if len(patients) == 1 else 's'} {', '.join(patients)}"
        axes.annotate(text, (right, score), (7, 0), textcoords="offset points", va="center", fontsize=9)
