"""Section on how the intervals behave where the truth is known: the cells of the coverage map that are like the series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.names import HIERARCHICAL, METHODS
from nmo_stats.operating.coverage_map import LEVEL, RECYCLED, CoverageRange, coverage_ranges, is_current
from nmo_stats.sections.blocks import Picture, Section, Table
from nmo_stats.sections.pictures import draw_panels
from nmo_stats.wording import capital, counted, percent

_RULES = {"fixed": "times fixed in advance", "triggered": "switch after a relapse"}
_COLUMNS = {
    ("fixed", False): "Fixed times",
    ("fixed", True): "overdispersed",
    ("triggered", False): "Switch after a relapse",
    ("triggered", True): "overdispersed",
}
_WORDS = {
    ("fixed", False): "of the series if the times were fixed in advance",
    ("fixed", True): "if besides the counts were overdispersed",
    ("triggered", False): "if a relapse led to the switch",
}
_OF_THE_EXAMPLE = "those of the founding example, recycled"
_OWN = HIERARCHICAL
_NOT_SIMULATED = "none"


def coverage(analysis: Analysis) -> Section:
    """Return over which range each interval covered the truth in simulated series like this one."""
    title = "How these intervals behave in series like this one"
    rows = analysis.coverage
    if rows.empty:
        return Section("coverage", title, _no_cell(analysis))
    ranges = {(one.method, one.rule, one.overdispersed): one for one in coverage_ranges(rows)}
    patients, arr = int(rows["patients"].iloc[0]), float(rows["reference_arr"].iloc[0])
    found = "; ".join(
        f"in {_range(ranges[_OWN, *column])}\u00a0% {words}"
        for column, words in _WORDS.items()
        if (_OWN, *column) in ranges
    )
    lead = (
        f"In simulated series like this one ({counted(patients, 'patient')}, {arr:g} relapses a year on the reference) the hierarchical {percent(LEVEL)} "
        f"interval, with default priors and the Poisson likelihood, covered the true ratio {found}."
    )
    return Section(
        "coverage",
        title,
        lead,
        (_picture(rows), _table(ranges, int(rows["replicates"].max()), rows["follow_up"])),
    )


def _no_cell(analysis: Analysis) -> str:
    rate = (
        "" if analysis.pair.totals[0] else " --arr RATE, with a rate for the reference, which had no relapse"
    )
    return (
        "The coverage map that ships with nmo_stats has no cell like yours: its series have 1 to 30 patients, 0.6 or 2 relapses "
        "a year on the reference, and about a year in each period (one patient: 32 and 21, 8 and 18, or 4 and 9 months). How the intervals behave in a series like this one can be "
        f"simulated: nmo-stats simulate{rate}."
    )


def _range(one: CoverageRange) -> str:
    return f"{_percent(one.lowest)} to {_percent(one.highest)}"


def _percent(share: float) -> str:
    """Return a simulated share in percent with one decimal, or two where one would make it 0 or all of the series."""
    text = f"{100 * share:.1f}"
    return f"{100 * share:.2f}" if text in ("0.0", "100.0") and 0 < share < 1 else text


def _picture(rows: pd.DataFrame) -> Picture:
    from nmo_stats.figures import COMPARATOR, REFERENCE, coverage_by_ratio
    from nmo_stats.figures.style import GREY

    drawn = {_OWN: COMPARATOR, "conditional_exact": GREY, "pooled_exact": REFERENCE}
    panels: list[Callable[..., object]] = [
        partial(coverage_by_ratio, rows[rows["rule"] == rule], methods=drawn, title=words)
        for rule, words in _RULES.items()
        if rule in set(rows["rule"])
    ]
    return draw_panels(
        "coverage",
        panels,
        2.9,
        caption=(
            f"Share of {percent(LEVEL)} intervals that hold the true ratio, by that ratio. Each dot is a design of {int(rows['replicates'].max()):,} simulated series: patients alike, "
            "different, or very different. Hollow: overdispersed counts. Blue: hierarchical; grey: exact within patients; orange: exact pooled."
        ),
        alt="Coverage of the hierarchical and the exact intervals by true ratio, for times fixed in advance and for a switch after a relapse; the range of each is in the table.",
    )


def _table(
    ranges: dict[tuple[str, str, bool], CoverageRange], replicates: int, follow_ups: Iterable[str]
) -> Table:
    known = {method for method, _, _ in ranges}
    lines = tuple(
        (named.name, *(_cell(ranges.get((method, *column))) for column in _COLUMNS))
        for method, named in METHODS.items()
        if method in known
    )
    largest = max(one.error for one in ranges.values())
    missing = (f"{capital(_NOT_SIMULATED)}: the map has no such series like this one.",)
    times = sorted(set(follow_ups) - {RECYCLED})
    whose = f"one pair of the founding example ({' or '.join(times)})" if times else _OF_THE_EXAMPLE
    notes = (
        *(missing if any(_NOT_SIMULATED in line for line in lines) else ()),
        f"Percent: least to largest share over true ratios from 1 to 0.05 and several spreads between patients, {replicates:,} series each; among the series "
        f"in which the method gives an interval. Monte Carlo standard error at most {100 * largest:.1f} points.",
        f"The follow-up times of these series are {whose}; where a relapse leads to the switch the "
        "reference lasts "
        "as long as it takes. The least of several simulated shares lies one or two of their errors low."
        + ("" if is_current() else " The map was made by an earlier version of the code."),
    )
    return Table(
        f"Share of {percent(LEVEL)} intervals that hold the true ratio in series like this one",
        ("Method", *_COLUMNS.values()),
        lines,
        notes=notes,
    )


def _cell(one: CoverageRange | None) -> str:
    return _NOT_SIMULATED if one is None else _range(one)
