"""Tables of the sensitivity analysis, for the report and the command line."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from nmo_stats.report.blocks import Table
from nmo_stats.sensitivity import Family, NoEffect, Row, Sensitivity, Spread, TippingPoint
from nmo_stats.sensitivity.empirical_bayes import IMPLAUSIBLE
from nmo_stats.sensitivity.words import share_text
from nmo_stats.wording import METHOD_NAMES, percent, probability_text, significant

RULE_TITLES: Final = {
    "fixed": "Times as observed",
    "triggered_1": "Switch 2 months after the first relapse",
    "triggered_2": "Switch 2 months after the second relapse",
    "look_back": "Switch after 2 relapses in 12 months",
}
COLUMNS: Final = ("hierarchical_quadrature", "conditional_exact")
_CRITERIA: Final = {"upper_limit": "upper limit at 1 or above", "probability": "P(ratio < 1) below 0.95"}
_FAMILIES: Final[dict[Family, str]] = {
    "prior": "Prior",
    "heterogeneity": "Spread of ratios",
    "likelihood": "Counts",
    "entry": "Entry",
    "trigger": "Switch",
    "rounding": "Times",
    "run_in": "Run-in",
    "merging": "Merging",
    "leave_one_out": "Patients",
    "bias_adjustment": "Background",
}


def no_effect_table(headline: Sequence[NoEffect]) -> Table:
    """Return what every estimator shows with no effect, for the population with the mean rate of the data."""
    rows = tuple(
        (
            RULE_TITLES[design.rule_name],
            METHOD_NAMES[one.method],
            _number(one.median),
            f"{_number(one.low)} to {_number(one.high)}" if one.low is not None else "–",
            _number(one.observed),
            _share(one),
            _number(one.large_cohort),
        )
        for design in headline
        for one in design.spreads
    )
    columns = ("Design", "Estimator", "Median", "95 % of series", "Observed", "At or below", "Large series")
    replicates = {one.replicates for design in headline for one in design.spreads}
    note = (
        f"{' or '.join(f'{number:,}' for number in sorted(replicates, reverse=True))} simulated series of each design. Large series: the estimate when sampling error is gone; the hierarchical model "
        "was not computed there in this table."
    )
    return Table(
        "Estimates with no effect, mean rate as in these patients", columns, rows, words=(1,), notes=(note,)
    )


def grid_table(designs: Sequence[NoEffect]) -> Table:
    """Return what the exact ratio within patients shows with no effect, for the other populations."""
    rows = []
    for design in designs:
        found = design.find("conditional_exact")
        if design.is_headline or found is None:
            continue
        population = f"{design.population.mean:g} per year, CV {design.population.cv:g}"
        numbers = (_number(found.median), _share(found), _number(found.large_cohort))
        rows.append((population, RULE_TITLES[design.rule_name], *numbers))
    columns = ("Population", "Design", "Median", "At or below", "Large series")
    return Table(
        "Exact ratio within patients with no effect, by population", columns, tuple(rows), words=(1,)
    )


def _number(value: float | None) -> str:
    return "–" if value is None else significant(value)


def _share(spread: Spread) -> str:
    return "–" if spread.at_or_below is None else share_text(spread.at_or_below, spread.identified)


def pivot_table(found: Sensitivity) -> Table:
    """Return one line for each assumption, one column for each of two estimators."""
    rows = [("As analysed", *_cells(list(found.base.values())))]
    for family, name in _FAMILIES.items():
        of_family = [row for row in found.of(family) if row.method is not None]
        rows += [
            (f"{name}: {label}", *_cells([row for row in of_family if row.assumption == label]))
            for label in dict.fromkeys(row.assumption for row in of_family)
        ]
    columns = ("Assumption", "Hierarchical", "P(ratio < 1)", "Exact, within patients")
    note = f"Ratios with {percent(found.level)} intervals; a dash where the assumption does not concern the estimator, or where it gives no number. All estimators: results.json."
    return Table("The ratio under other assumptions", columns, tuple(rows), notes=(note,))


def _cells(rows: Sequence[Row]) -> tuple[str, ...]:
    by_method = {row.method: row for row in rows}
    hierarchical, *others = (by_method.get(method) for method in COLUMNS)
    probability = None if hierarchical is None else hierarchical.probability_below_1
    return (
        _ratio(hierarchical),
        "–" if probability is None else probability_text(probability),
        *(_ratio(row) for row in others),
    )


def _ratio(row: Row | None) -> str:
    if row is None or row.estimate is None or row.low is None or row.high is None:
        return "withheld" if row is not None and row.failed else "–"
    return f"{significant(row.estimate)} ({significant(row.low)} to {significant(row.high)})"


def regression_table(found: Sensitivity) -> Table:
    """Return observed against expected relapses for each assumed population."""
    rows = tuple(
        (_capital(row.assumption), _ratio(row) if row.is_plausible else "data speak against it")
        for row in found.of("rtm")
    )
    note = (
        f"Relapses on {found.pair.comparator} divided by those expected with no effect of patients whose rates come from the population, given their relapses on "
        f"{found.pair.reference} (empirical Bayes, negative-binomial interval). The mean is that of the population before anybody was chosen. "
        f"The data speak against a population that would have had as few relapses on {found.pair.reference} as these patients with a probability under {percent(IMPLAUSIBLE)}."
    )
    return Table("Allowing for regression to the mean", ("Population", "Ratio"), rows, notes=(note,))


def tipping_table(found: Sensitivity) -> Table:
    """Return one line for each estimator and criterion, one column for each direction."""
    pair = found.pair
    rows = []
    for method, criterion in itertools.product(
        dict.fromkeys(point.row.method for point in found.tipping), _CRITERIA
    ):
        points = [one for one in found.tipping if (one.row.method, one.criterion) == (method, criterion)]
        cells = [_tipping_cell(points, direction) for direction in ("added", "removed", "background")]
        if any(cell != "–" for cell in cells):
            rows.append((METHOD_NAMES[method or ""], _CRITERIA[criterion], *cells))
    columns = (
        "Estimator",
        "Until",
        f"Added on {pair.comparator}",
        f"Removed from {pair.reference}",
        "Background ratio",
    )
    note = (
        "Smallest number of relapses that tips the answer: in the most, and in the least favourable patients; 0: it is so as it stands; "
        "≤, ≥: a bound, because not every allocation was tried; (some): in the most favourable patients only, in the least favourable ones no number was found. "
        "Background ratio: what the same series would have to show with no effect."
    )
    return Table("What would tip the answer", columns, tuple(rows), words=(1,), notes=(note,))


def _tipping_cell(points: Sequence[TippingPoint], direction: str) -> str:
    found = [point for point in points if point.direction == direction and point.row.estimate is not None]
    if direction == "background":
        return " to ".join(significant(point.row.estimate or 0.0) for point in found) or "–"
    some, every = (
        next((_bounded(point) for point in found if point.every is which), None) for which in (False, True)
    )
    if some is None or some == every:
        return some or "–"
    return f"{some} (some)" if every is None else f"{some} to {every}"


def _bounded(point: TippingPoint) -> str:
    sign = ("≥ " if point.every else "≤ ") if point.searched else ""
    return f"{sign}{point.row.estimate:.0f}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
