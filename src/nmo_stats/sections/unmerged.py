"""The ratio with no onsets merged, beside the one that the analysis gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import RateResults
from nmo_stats.wording import estimate_text, interval_name, interval_text, ratio_text

_COLUMN = "Ratio with no onsets merged"
_RATIO = 2  # place of the ratio in a table of estimates, whose interval follows it


def with_unmerged(
    columns: Sequence[str],
    rows: Iterable[tuple[str, ...]],
    ratios: Iterable[RateRatio],
    unmerged: RateResults,
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of a table of estimates with one more column, after ratio and interval.

    Parameters
    ----------
    columns, rows
        The table; its third and fourth column hold ratio and interval.
    ratios
        The ratio of each row.
    unmerged
        The estimates with no onsets merged.
    """
    after = _RATIO + 2
    cells = [_cell(unmerged.beside(ratio)) for ratio in ratios]
    wider = [(*row[:after], cell, *row[after:]) for row, cell in zip(rows, cells, strict=True)]
    return (*columns[:after], _COLUMN, *columns[after:]), wider


def unmerged_sentence(pair: Comparison, unmerged: RateResults | None, ratio: RateRatio) -> str:
    """Return the ratio by the same method with no onsets merged in words; empty where few onsets are merged."""
    if unmerged is None or pair.unmerged is None:
        return ""
    other = unmerged.beside(ratio)
    if other is None or not other.informative:
        return ""
    reference, comparator = pair.unmerged.totals
    return (
        f" With no onsets merged ({comparator} on {pair.comparator}, {reference} on {pair.reference}) it was {estimate_text(other, 2)} "
        f"({interval_name(other.interval)} {interval_text(other.interval, 2)})."
    )


def _cell(ratio: RateRatio | None) -> str:
    return "–" if ratio is None else ratio_text(ratio)
