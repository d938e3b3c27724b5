"""Section on how the intervals behave where the truth is known: the cells of the map like the series."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.names import HIERARCHICAL, METHODS, WITHIN
from nmo_stats.operating.coverage_map import LEVEL, RECYCLED, CoverageRange, coverage_ranges, is_current
from nmo_stats.sections.blocks import Picture, Section, Table
from nmo_stats.sections.pictures import draw_panels
from nmo_stats.wording import counted, percent

_RULES: Final = {"fixed": "times fixed in advance", "triggered": "switch after a relapse"}
_COLUMNS: Final = {
    ("fixed", False): "Fixed times",
    ("fixed", True): "overdispersed",
    ("triggered", False): "Switch after a relapse",
    ("triggered", True): "overdispersed",
}
_CONDITIONS: Final = {
    ("fixed", False): "of the series if the times were fixed in advance",
    ("fixed", True): "if the counts were also overdispersed",
    ("triggered", False): "if a relapse led to the switch",
}
Ranges = dict[tuple[str, str, bool], CoverageRange]


def coverage(analysis: Analysis) -> Section:
    """Return over which range each interval covered the truth in simulated series like this one."""
    title = "How these intervals behave in series like this one"
    rows = analysis.coverage
    if rows.empty:
        return Section("coverage", title, _no_cell(analysis))
    ranges = {(cell.method, cell.rule, cell.overdispersed): cell for cell in coverage_ranges(rows)}
    covered = "; ".join(
        f"in {_range(ranges[HIERARCHICAL, *key])}\u00a0% {condition}"
        for key, condition in _CONDITIONS.items()
        if (HIERARCHICAL, *key) in ranges
    )
    patients, rate = int(rows["patients"].iloc[0]), float(rows["reference_arr"].iloc[0])
    lead = (
        f"In simulated series like this one ({counted(patients, 'patient')}, {rate:g} relapses a year on "
        f"the reference) the hierarchical {percent(LEVEL)} interval, with default priors and the Poisson "
        f"likelihood, covered the true ratio {covered}."
    )
    return Section("coverage", title, lead, (_picture(rows), _table(rows, ranges)))


def _no_cell(analysis: Analysis) -> str:
    rate = " --arr RATE, with a rate for the reference, which had no relapse"
    return (
        "The coverage map that ships with nmo_stats has no cell like yours: its series have 1 to 30 "
        "patients, 0.6 or 2 relapses a year on the reference, and about a year in each period (one "
        "patient: 32 and 21, 8 and 18, or 4 and 9 months). How the intervals behave in a series like this "
        f"one can be simulated: nmo-stats simulate{'' if analysis.pair.totals[0] else rate}."
    )


def _range(cell: CoverageRange | None) -> str:
    return "none" if cell is None else f"{_percent(cell.lowest)} to {_percent(cell.highest)}"


def _percent(proportion: float) -> str:
    """Return a simulated proportion in percent with one decimal, or two where one would make it 0 or 100."""
    text = f"{100 * proportion:.1f}"
    return f"{100 * proportion:.2f}" if text in ("0.0", "100.0") and 0 < proportion < 1 else text


def _picture(rows: pd.DataFrame) -> Picture:
    from nmo_stats.figures import COMPARATOR, REFERENCE, coverage_by_ratio
    from nmo_stats.figures.style import GREY

    drawn = {HIERARCHICAL: COMPARATOR, WITHIN: GREY, "pooled_exact": REFERENCE}
    panels: list[Callable[..., object]] = [
        partial(coverage_by_ratio, rows[rows["rule"] == rule], methods=drawn, title=title)
        for rule, title in _RULES.items()
        if rule in set(rows["rule"])
    ]
    return draw_panels(
        "coverage",
        panels,
        2.9,
        caption=f"Coverage of the {percent(LEVEL)} intervals by true ratio. Each dot is a design of "
        f"{int(rows['replicates'].max()):,} simulated series: patients alike, different, or very different. "
        "Hollow: overdispersed counts. Blue: hierarchical; grey: exact within patients; orange: exact "
        "pooled.",
        alt="Coverage of the hierarchical and the exact intervals by true ratio, for times fixed in advance "
        "and for a switch after a relapse; the range of each is in the table.",
    )


def _table(rows: pd.DataFrame, ranges: Ranges) -> Table:
    simulated = {method for method, _, _ in ranges}
    largest = 100 * max(cell.error for cell in ranges.values())
    pairs = " or ".join(sorted(set(rows["follow_up"]) - {RECYCLED}))
    follow_up = (
        f"one pair of the founding example ({pairs})" if pairs else "those of the founding example, recycled"
    )
    made = "" if is_current() else " The map was made by an earlier version of the code."
    return Table(
        f"Coverage of {percent(LEVEL)} intervals in series like this one",
        ("Method", *_COLUMNS.values()),
        tuple(
            (METHODS[method].name, *(_range(ranges.get((method, *key))) for key in _COLUMNS))
            for method in METHODS
            if method in simulated
        ),
        notes=(
            "Percent: lowest to highest coverage over true ratios from 1 to 0.05 and several spreads "
            f"between patients, {int(rows['replicates'].max()):,} series each, where the method gives an "
            "interval; none: the map has no series of this kind. Monte Carlo standard error at most "
            f"{largest:.1f} points.",
            f"The follow-up times of these series are {follow_up}; where a relapse leads to the switch the "
            "reference lasts until then. The lowest of several simulated coverages is one or two Monte "
            f"Carlo standard errors too low.{made}",
        ),
    )
