"""Tables of the sensitivity analysis, for the report and the command line."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from string import ascii_lowercase
from typing import Final

from nmo_stats.names import HIERARCHICAL, METHODS
from nmo_stats.sections.blocks import Table
from nmo_stats.sensitivity import Family, NoEffect, Row, Sensitivity, Spread, TippingPoint
from nmo_stats.sensitivity.empirical_bayes import IMPLAUSIBLE
from nmo_stats.sensitivity.series_rows import design_words
from nmo_stats.sensitivity.words import share_text
from nmo_stats.wording import percent, probability_text, significant

RULE_TITLES: Final = {
    "fixed": "Times as observed",
    "triggered_1": "Switch 2 months after the first relapse",
    "triggered_2": "Switch 2 months after the second relapse",
    "look_back": "Switch after 2 relapses in 12 months",
}
COLUMNS: Final = (HIERARCHICAL, "conditional_exact")
_DIRECTIONS: Final = ("added", "removed", "background")
_CRITERIA: Final = {"upper_limit": "upper limit at 1 or above", "probability": "P(ratio < 1) below 0.95"}
PIVOT_FAMILIES: Final[dict[Family, str]] = {
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


Marks = dict[str, str]


def _dash(reason: str, marks: Marks, word: str = "–") -> str:
    """Return the sign of a missing number, with the letter under which a note gives its reason."""
    if not reason:
        return word
    return f"{word} ({marks.setdefault(reason, _letters(len(marks)))})"


def _letters(number: int) -> str:
    first, last = divmod(number, len(ascii_lowercase))
    return (_letters(first - 1) if first else "") + ascii_lowercase[last]


def _notes(marks: Marks) -> tuple[str, ...]:
    return tuple(f"({letter}) {reason}." for reason, letter in marks.items())


def no_effect_table(headline: Sequence[NoEffect]) -> Table:
    """Return what every estimator shows with no effect, for the population with the mean rate of the data."""
    marks: Marks = {}
    rows = tuple(
        (RULE_TITLES[design.rule_name], METHODS[one.method].name, *_simulated_cells(one, marks))
        for design in headline
        for one in design.spreads
    )
    columns = ("Design", "Estimator", "Median", "95 % of series", "Observed", "At or below", "Large series")
    replicates = {one.replicates for design in headline for one in design.spreads}
    numbers = " or ".join(f"{number:,}" for number in sorted(replicates, reverse=True))
    counts = tuple(dict.fromkeys(design.overdispersion.sentence() for design in headline))
    note = (
        f"{numbers} simulated series of each design. Large series: the estimate when sampling error is gone."
    )
    return Table(
        "Estimates with no effect, mean rate as in these patients",
        columns,
        rows,
        words=(1,),
        notes=(note, *counts, *_notes(marks)),
    )


def _simulated_cells(one: Spread, marks: Marks) -> tuple[str, ...]:
    limits = f"{_number(one.low)} to {_number(one.high)}" if one.low is not None else "–"
    return (
        _known(one, "median", marks),
        limits,
        _known(one, "observed", marks),
        _share(one),
        _known(one, "large_cohort", marks),
    )


def _known(one: Spread, name: str, marks: Marks) -> str:
    """Return a number of a spread, or the sign and letter of its absence."""
    return _dash(one.reasons[name], marks) if name in one.reasons else significant(getattr(one, name))


def grid_table(designs: Sequence[NoEffect]) -> Table:
    """Return what the exact ratio within patients shows with no effect, for the other populations."""
    rows, marks = [], Marks()
    for design in designs:
        found = design.find("conditional_exact")
        if design.is_headline or found is None:
            continue
        numbers = (_known(found, "median", marks), _share(found), _known(found, "large_cohort", marks))
        rows.append((_capital(design_words(design)), RULE_TITLES[design.rule_name], *numbers))
    columns = ("Population", "Design", "Median", "At or below", "Large series")
    counts = tuple(dict.fromkeys(design.overdispersion.sentence() for design in designs))
    return Table(
        "Exact ratio within patients with no effect, by population",
        columns,
        tuple(rows),
        words=(1,),
        notes=(*counts, *_notes(marks)),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else significant(value)


def _share(spread: Spread) -> str:
    return "–" if spread.at_or_below is None else share_text(spread.at_or_below, spread.identified)


def pivot_table(found: Sensitivity) -> Table:
    """Return one line for each assumption, one column for each of two estimators."""
    marks: Marks = {}
    rows = [("As analysed", *_cells(list(found.base.values()), marks))]
    remarks: dict[str, None] = {}
    for family, name in PIVOT_FAMILIES.items():
        of_family = found.of(family)
        remarks |= dict.fromkeys(f"{name}: {row.remark}." for row in of_family if row.remark)
        rows += [
            (f"{name}: {label}", *_cells([row for row in of_family if row.label == label], marks))
            for label in dict.fromkeys(row.label for row in of_family)
        ]
    columns = ("Assumption", "Hierarchical", "P(ratio < 1)", "Exact, within patients")
    note = (
        f"Ratios with {percent(found.level)} intervals; a dash without a letter: the assumption does not "
        "concern the estimator. "
        "All estimators: results.json."
    )
    notes = (note, *remarks, *_notes(marks))
    return Table("The ratio under other assumptions", columns, tuple(rows), notes=notes)


def _cells(rows: Sequence[Row], marks: Marks) -> tuple[str, ...]:
    by_method = {row.method: row for row in rows}
    nobody = by_method.get(None)
    hierarchical, *others = (by_method.get(method, nobody) for method in COLUMNS)
    probability = None if hierarchical is None else hierarchical.probability_below_1
    return (
        _ratio(hierarchical, marks),
        "–" if probability is None else probability_text(probability),
        *(_ratio(row, marks) for row in others),
    )


def _ratio(row: Row | None, marks: Marks) -> str:
    if row is None:
        return "–"
    if row.estimate is None or row.low is None or row.high is None:
        return _dash(row.reason, marks, "withheld" if row.failed else "–")
    return row.ratio_text()


def regression_table(found: Sensitivity) -> Table:
    """Return observed against expected relapses for each assumed population."""
    marks: Marks = {}
    rows = tuple(
        (_capital(row.label), _ratio(row, marks) if row.is_plausible else "data speak against it")
        for row in found.of("rtm")
    )
    note = (
        f"Relapses on {found.pair.comparator} divided by those expected with no effect of patients whose "
        "rates come from the population, given their "
        f"relapses on {found.pair.reference} (empirical Bayes, negative-binomial interval; Hauer's further "
        "division by 1 + V/E² is not applied). The mean is "
        "that of the population before anybody was chosen; a higher one never gives a higher ratio. "
        "The data speak against a population that would have had as few relapses on "
        f"{found.pair.reference} as these patients with a probability under "
        f"{percent(IMPLAUSIBLE)}."
    )
    return Table(
        "Allowing for regression to the mean", ("Population", "Ratio"), rows, notes=(note, *_notes(marks))
    )


def tipping_table(found: Sensitivity) -> Table:
    """Return one line for each estimator and criterion, one column for each direction."""
    pair = found.pair
    rows, marks = [], Marks()
    for method, criterion in itertools.product(
        dict.fromkeys(point.row.method for point in found.tipping), _CRITERIA
    ):
        points = [one for one in found.tipping if (one.row.method, one.criterion) == (method, criterion)]
        if points and found.has_answer:
            cells = (_tipping_cell(points, direction, marks) for direction in _DIRECTIONS)
            rows.append((METHODS[method or ""].name, _CRITERIA[criterion], *cells))
    columns = (
        "Estimator",
        "Until",
        f"Added on {pair.comparator}",
        f"Removed from {pair.reference}",
        "Background ratio",
    )
    note = (
        "Smallest number of relapses that tips the answer: in the most, and in the least favourable "
        "patients; 0: the criterion already holds; "
        "≤, ≥: a bound, because not every allocation was tried; (some): in the most favourable patients "
        "only, in the least favourable ones no number "
        "was found. Background ratio: what the same series would have to show with no effect."
    )
    notes = (note, *_notes(marks))
    return Table("What would tip the answer", columns, tuple(rows), words=(1,), notes=notes)


def _tipping_cell(points: Sequence[TippingPoint], direction: str, marks: Marks) -> str:
    asked = [point for point in points if point.direction in (direction, "any")]
    found = [point for point in asked if point.row.estimate is not None]
    why = _dash("; ".join(dict.fromkeys(point.row.reason for point in asked if point.row.reason)), marks)
    if direction == "background":
        return " to ".join(significant(point.row.estimate or 0.0) for point in found) or why
    some, every = (
        next((_bounded(point) for point in found if point.every is which), None) for which in (False, True)
    )
    if some is None or some == every:
        return some or why
    return f"{some} (some){why.removeprefix('–')}" if every is None else f"{some} to {every}"


def _bounded(point: TippingPoint) -> str:
    sign = ("≥ " if point.every else "≤ ") if point.searched else ""
    return f"{sign}{point.row.estimate:.0f}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
