"""Sections on the reasons to doubt the number: the design with no effect, and other assumptions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from string import ascii_lowercase
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.names import HIERARCHICAL, METHODS, WITHIN
from nmo_stats.sections.blocks import Block, Bullets, Failure, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw
from nmo_stats.sensitivity import FAMILY_NAMES, Answer, NoEffect, Sensitivity, Spread, TippingPoint
from nmo_stats.sensitivity.empirical_bayes import IMPLAUSIBLE
from nmo_stats.sensitivity.empirical_bayes import METHOD as OBSERVED_EXPECTED
from nmo_stats.sensitivity.literature import placebo_sentences
from nmo_stats.sensitivity.rules import DESIGNS
from nmo_stats.sensitivity.words import no_effect_sentences, share_text
from nmo_stats.wording import beside, capital, percent, probability_text, significant

_COLUMNS: Final = (HIERARCHICAL, WITHIN)
_IN_ONE_TABLE: Final = tuple(
    family for family in FAMILY_NAMES if family not in ("rtm", "benchmark", "tipping")
)
_DIRECTIONS: Final = ("added", "removed", "background")
_CRITERIA: Final = {"upper_limit": "upper limit at 1 or above", "probability": "P(ratio < 1) below 0.95"}


def no_effect(analysis: Analysis) -> Section:
    """Return the section on what such a design shows without any effect."""
    sensitivity = analysis.sensitivity
    title = "What this design shows with no effect at all"
    texts = no_effect_sentences(analysis.pair, sensitivity.designs)
    published = tuple(map(Prose, placebo_sentences(analysis.pair)))
    if not texts:
        reasons = dict.fromkeys(
            f"{capital(row.reason)}." for row in sensitivity.of("benchmark") if row.reason
        )
        lead = "What series like this one show with no effect at all could not be simulated."
        return Section("no-effect", title, lead, (*map(Prose, reasons), *published))
    headline = [design for design in sensitivity.designs if design.is_headline]
    folds = [
        Fold("The numbers, and how they were simulated", (no_effect_table(headline), _simulated(headline)))
    ]
    if len(sensitivity.designs) > len(headline):
        folds.append(Fold("The same for other populations", (grid_table(sensitivity.designs),)))
    picture = _no_effect_picture(headline, analysis.pair.comparator)
    return Section("no-effect", title, texts[0], (picture, *map(Prose, texts[1:]), *published, *folds))


def _simulated(headline: Sequence[NoEffect]) -> Prose:
    """Return how the series were simulated."""
    ends = "; ".join(f"it ends {DESIGNS[design.rule_name].end}" for design in headline)
    spread = headline[0].overdispersion.sd_period
    periods = f", and the rate of a period strays from it (log sd {significant(spread, 2)})" if spread else ""
    return Prose(
        "How it was simulated: each patient has a relapse rate of their own, Gamma distributed between "
        f"patients{periods}; the comparator times are those of these patients, and nothing changes at the "
        f"switch. The designs differ in the end of the reference period: {ends}. The counts do not show why "
        "these patients were switched."
    )


def assumptions(analysis: Analysis) -> Section:
    """Return the section on the ratio under other assumptions, and on what would tip it."""
    sensitivity = analysis.sensitivity
    simulated = no_effect_sentences(sensitivity.pair, sensitivity.designs)
    lead, *rest = (text for text in sensitivity.summary if text not in simulated)
    blocks = [
        *_curve(sensitivity),
        *([Prose(" ".join(rest))] if rest else []),
        *_tables(sensitivity),
        *_without_number(sensitivity),
    ]
    sentences = tuple(
        sensitivity.sentence(row)
        for row in sensitivity.rows
        if isinstance(row, Answer) and row.has_interval and row.method in (*_COLUMNS, OBSERVED_EXPECTED)
    )
    if sentences:
        blocks.append(Fold("Each assumption in a sentence", (Bullets(sentences),)))
    title = "Other assumptions, and what would tip the answer"
    return Section("sensitivity", title, lead, tuple(blocks))


def sensitivity_blocks(sensitivity: Sensitivity) -> Iterator[Block]:
    """Return what the command prints: the summary, the tables of the page, and what has no number."""
    yield Prose(f"{sensitivity.pair.comparator} / {sensitivity.pair.reference}")
    yield Prose(" ".join(sensitivity.summary))
    yield from _tables(sensitivity)
    headline = [design for design in sensitivity.designs if design.is_headline]
    if headline:
        yield no_effect_table(headline)
    yield from _without_number(sensitivity)
    failures = {
        f"{FAMILY_NAMES[row.family]}, {row.label}, {METHODS[row.method or ''].name}: {row.reason}": None
        for row in sensitivity.failed
    }
    yield from map(Failure, failures)


def _tables(sensitivity: Sensitivity) -> Iterator[Table]:
    if sensitivity.has_answer:
        yield pivot_table(sensitivity)
    if any(row.has_interval for row in sensitivity.answers("rtm")):
        yield regression_table(sensitivity)
    if sensitivity.has_answer:
        yield tipping_table(sensitivity)


def _without_number(sensitivity: Sensitivity) -> Iterator[Block]:
    """Return the reasons that are in no table."""
    in_tables = {*_IN_ONE_TABLE, "tipping"} if sensitivity.has_answer else set()
    reasons = dict.fromkeys(
        f"{FAMILY_NAMES[row.family]}: {row.reason}."
        for row in sensitivity.without_number
        if row.family not in in_tables
    )
    if reasons:
        yield Prose("Without a number, and why:")
        yield Bullets(tuple(reasons))


class _Footnotes(dict[str, str]):
    """The letter of each reason why a number is missing."""

    def dash(self, reason: str, sign: str = "–") -> str:
        """Return the sign of a missing number, with the letter under which a note gives its reason."""
        return f"{sign} ({self.setdefault(reason, _letters(len(self)))})" if reason else sign

    def notes(self) -> tuple[str, ...]:
        """Return the reasons, each behind its letter."""
        return tuple(f"({letter}) {reason}." for reason, letter in self.items())


def _letters(number: int) -> str:
    first, last = divmod(number, len(ascii_lowercase))
    return (_letters(first - 1) if first else "") + ascii_lowercase[last]


def no_effect_table(headline: Sequence[NoEffect]) -> Table:
    """Return what every method shows with no effect, for the population with the mean rate of the data."""
    marks = _Footnotes()
    rows = tuple(
        (DESIGNS[design.rule_name].title, METHODS[one.method].name, *_simulated_cells(one, marks))
        for design in headline
        for one in design.spreads
    )
    replicates = sorted({one.replicates for design in headline for one in design.spreads}, reverse=True)
    numbers = " or ".join(f"{number:,}" for number in replicates)
    return Table(
        "Estimates with no effect, mean rate as in these patients",
        ("Design", "Estimator", "Median", "95 % of series", "Observed", "At or below", "Large series"),
        rows,
        words=(1,),
        notes=(
            f"{numbers} simulated series of each design. Large series: the estimate without sampling error.",
            *_counts(headline),
            *marks.notes(),
        ),
    )


def grid_table(designs: Sequence[NoEffect]) -> Table:
    """Return what the exact ratio within patients shows with no effect, for the other populations."""
    marks = _Footnotes()
    rows = []
    for design in designs:
        spread = design.find(WITHIN)
        if spread is not None and not design.is_headline:
            median, _, _, share, large = _simulated_cells(spread, marks, ("median", "large_cohort"))
            rows.append((capital(design.rates_text), DESIGNS[design.rule_name].title, median, share, large))
    return Table(
        "Exact ratio within patients with no effect, by population",
        ("Population", "Design", "Median", "At or below", "Large series"),
        tuple(rows),
        words=(1,),
        notes=(*_counts(designs), *marks.notes()),
    )


def _counts(designs: Sequence[NoEffect]) -> dict[str, None]:
    """Return how the counts of the designs were simulated, each way once."""
    return dict.fromkeys(design.overdispersion.sentence() for design in designs)


def _simulated_cells(
    spread: Spread, marks: _Footnotes, explained: tuple[str, ...] = ("median", "observed", "large_cohort")
) -> tuple[str, str, str, str, str]:
    """Return median, range, observed estimate, proportion at or below it, estimate in a large series."""
    missing = {name: why for name, why in spread.reasons.items() if name in explained}
    median, observed, large = (
        marks.dash(missing[name]) if name in missing else significant(value or 0.0)
        for name, value in (
            ("median", spread.median),
            ("observed", spread.observed),
            ("large_cohort", spread.large_cohort),
        )
    )
    limits = "–"
    if spread.low is not None and spread.high is not None:
        limits = f"{significant(spread.low)} to {significant(spread.high)}"
    share = "–" if spread.at_or_below is None else share_text(spread.at_or_below, spread.identified)
    return median, limits, observed, share, large


def pivot_table(sensitivity: Sensitivity) -> Table:
    """Return one line for each assumption, one column for each of two methods."""
    marks = _Footnotes()
    rows = [("As analysed", *_cells(list(sensitivity.base.values()), marks))]
    remarks: dict[str, None] = {}
    for family in _IN_ONE_TABLE:
        name, answers = FAMILY_NAMES[family], sensitivity.answers(family)
        remarks |= dict.fromkeys(
            f"{name}: {row.assumption.remark}." for row in answers if row.assumption.remark
        )
        rows += [
            (f"{name}: {label}", *_cells([row for row in answers if row.label == label], marks))
            for label in dict.fromkeys(row.label for row in answers)
        ]
    note = (
        f"Ratios with {percent(sensitivity.level)} intervals; a dash without a letter: the assumption does "
        "not concern the estimator. All estimators: results.json."
    )
    columns = ("Assumption", "Hierarchical", "P(ratio < 1)", "Exact, within patients")
    return Table(
        "The ratio under other assumptions", columns, tuple(rows), notes=(note, *remarks, *marks.notes())
    )


def _cells(rows: Sequence[Answer], marks: _Footnotes) -> tuple[str, str, str]:
    by_method = {row.method: row for row in rows}
    hierarchical, within = (by_method.get(method, by_method.get(None)) for method in _COLUMNS)
    probability = None if hierarchical is None else hierarchical.probability_below_1
    return (
        _ratio(hierarchical, marks),
        "–" if probability is None else probability_text(probability),
        _ratio(within, marks),
    )


def _ratio(row: Answer | None, marks: _Footnotes) -> str:
    if row is None:
        return "–"
    if row.has_interval:
        return row.ratio_text()
    return marks.dash(row.reason, "withheld" if row.failed else "–")


def regression_table(sensitivity: Sensitivity) -> Table:
    """Return observed against expected relapses for each assumed population."""
    marks = _Footnotes()
    pair = sensitivity.pair
    rows = tuple(
        (capital(row.label), _ratio(row, marks) if row.is_plausible else "data speak against it")
        for row in sensitivity.answers("rtm")
    )
    note = (
        f"Relapses on {pair.comparator} divided by those expected with no effect, given the relapses on "
        f"{pair.reference} and the population before selection (empirical Bayes, negative-binomial interval; "
        "without Hauer's division by 1 + V/E²). A higher mean never gives a higher ratio. The data speak "
        f"against a population in which as few relapses on {pair.reference} have a probability under "
        f"{percent(IMPLAUSIBLE)}."
    )
    columns = ("Population", "Ratio")
    return Table("Allowing for regression to the mean", columns, rows, notes=(note, *marks.notes()))


def tipping_table(sensitivity: Sensitivity) -> Table:
    """Return one line for each method and criterion, one column for each direction."""
    pair = sensitivity.pair
    marks = _Footnotes()
    rows = []
    methods = dict.fromkeys(point.method for point in sensitivity.tipping if sensitivity.has_answer)
    for method, criterion in itertools.product(methods, _CRITERIA):
        points = [one for one in sensitivity.tipping if (one.method, one.criterion) == (method, criterion)]
        if points:
            cells = (tipping_cell(points, direction, marks) for direction in _DIRECTIONS)
            rows.append((METHODS[method or ""].name, _CRITERIA[criterion], *cells))
    note = (
        "Smallest number of relapses that tips the answer, in the most and in the least favourable "
        "patients; 0: the criterion already holds; ≤, ≥: a bound, not every allocation was tried; (some): "
        "in the most favourable patients only, no number in the least favourable. Background ratio: the "
        "ratio that the same series would have to show with no effect."
    )
    return Table(
        "What would tip the answer",
        (
            "Estimator",
            "Until",
            f"Added on {pair.comparator}",
            f"Removed from {pair.reference}",
            "Background ratio",
        ),
        tuple(rows),
        words=(1,),
        notes=(note, *marks.notes()),
    )


def tipping_cell(points: Sequence[TippingPoint], direction: str, marks: _Footnotes) -> str:
    """Return the numbers for some and for every allocation, or why there are none."""
    asked = [point for point in points if point.direction in (direction, "any")]
    reason = "; ".join(dict.fromkeys(point.reason for point in asked if point.reason))
    if direction == "background":
        numbers = [beside(point.number, 1) for point in asked if point.number is not None]
        return " to ".join(numbers) or marks.dash(reason)
    some, every = (
        next((_bounded(one) for one in asked if one.every is which and one.number is not None), "")
        for which in (False, True)
    )
    if not some:
        return marks.dash(reason)
    if not every:
        return marks.dash(reason, f"{some} (some)")
    return some if some == every else f"{some} to {every}"


def _bounded(point: TippingPoint) -> str:
    sign = ("≥ " if point.every else "≤ ") if point.is_bound else ""
    return f"{sign}{point.number:.0f}"


def _no_effect_picture(headline: Sequence[NoEffect], comparator: str) -> Picture:
    from nmo_stats.figures import no_effect as paint
    from nmo_stats.figures.sensitivity import simulated_height

    population = headline[0].population
    titles = [DESIGNS[design.rule_name].title for design in headline]
    shown = [
        f"{title}: {METHODS[one.method].name} median {significant(one.median, 2)}, 95 % of the series "
        f"{significant(one.low or 0.0, 2)} to {significant(one.high or 0.0, 2)}"
        for title, design in zip(titles, headline, strict=True)
        for one in design.spreads
        if one.median is not None
    ]
    return draw(
        "no_effect",
        partial(paint, headline, titles, comparator=comparator),
        0.24 * simulated_height(headline) + 0.4,
        caption="Estimates in simulated series like this one with no effect: medians (dots) and the range "
        "of 95 % of the series (grey). Blue bars: the observed estimates, with the proportion at or below "
        f"them. Mean rate {significant(population.mean, 2)} per year as in these patients, coefficient of "
        f"variation {population.cv:g}.",
        alt=f"With no effect: {'; '.join(shown)}.",
    )


def _curve(sensitivity: Sensitivity) -> Iterator[Picture]:
    from nmo_stats.figures import specification_curve
    from nmo_stats.figures.sensitivity import height, lines

    shown = lines(sensitivity)
    if not shown:
        return
    texts = [f"{line.name}: {line.leading.ratio_text(2)}" for line in shown]
    yield draw(
        "assumptions",
        partial(specification_curve, sensitivity),
        0.22 * height(shown) + 0.4,
        caption=f"The ratio under one changed assumption after the other, with {percent(sensitivity.level)} "
        "intervals. Blue: the hierarchical ratio, and the numbers where there is one. Black: the exact "
        "ratio within patients. Grey: observed against expected relapses. The blue line and band are the "
        "hierarchical ratio as analysed.",
        alt=f"Rate ratio under each assumption. {'; '.join(texts)}.",
    )
