"""One plain sentence for each row, and a paragraph that sums the rows up; neither ever asserts an effect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.names import HIERARCHICAL, LIMIT_NAMES, METHODS, WITHIN
from nmo_stats.sensitivity.no_effect import NoEffect
from nmo_stats.sensitivity.row import FAMILY_NAMES, Answer, AnyRow, SimulatedSpread, Spread, TippingPoint
from nmo_stats.sensitivity.rules import DESIGNS, misfit_text
from nmo_stats.wording import beside, capital, counted, percent, significant

NOT_AN_EFFECT: Final = "No number of this kind is a treatment effect."
_SUMMED_UP: Final = ("triggered_1", "look_back")
_RATIO_NAMES: Final = {
    WITHIN: "the exact ratio within patients",
    "pooled_exact": "the exact pooled ratio",
    HIERARCHICAL: "the hierarchical ratio",
}
_ESTIMATE_NAMES: Final = {WITHIN: "an exact ratio within patients", HIERARCHICAL: "a hierarchical ratio"}
_NEXT_TO_1: Final = 0.005  # so near, the rounding of any input decides on which side a limit lies

Base = Mapping[str | None, Answer]


def sentence(row: AnyRow, base: Base) -> str:
    """Return what a row says, an answer compared with the same method's as analysed.

    Parameters
    ----------
    row
        An answer, a simulated spread or a tipping point.
    base
        The answers as analysed, by method.
    """
    if row.reason:
        text = row.reason
    elif isinstance(row, TippingPoint):
        text = _tipping_number(row)
    elif isinstance(row, SimulatedSpread):
        median, low, high = (significant(number or 0.0, 2) for number in (row.median, row.low, row.high))
        text = f"{METHODS[row.method or ''].name}, median {median}, 95 % of the series {low} to {high}"
    else:
        text = _answer(row, base)
    return f"{FAMILY_NAMES[row.family]}, {row.label}: {text}."


def _answer(row: Answer, base: Base) -> str:
    against = [caution.text for caution in row.cautions if caution.code == "implausible_population"]
    if against:
        return f"the ratio would be {row.ratio_text(2)}; {against[0]}"
    before = base.get(row.method)
    usual = before.leading_text(2) if before is not None and before.has_interval else ""
    instead = f" instead of {usual}" if usual and usual != row.leading_text(2) else ""
    remark = f"; {row.assumption.remark}" if row.assumption.remark else ""
    name = _RATIO_NAMES.get(row.method or "", "the ratio")
    return f"{name} is {row.ratio_text(2)}{instead}; {_position(row)}{remark}"


def _tipping_number(point: TippingPoint) -> str:
    number = point.number or 0.0
    if point.direction == "background":
        return significant(number)
    if point.is_bound:
        return point.cautions[0].text
    return f"{number:.0f}" if number else "0, the criterion already holds"


def _position(row: Answer) -> str:
    low, high = row.low or 0.0, math.inf if row.high is None else row.high
    if abs(high - 1) < _NEXT_TO_1:
        return "the interval ends next to 1"
    if abs(low - 1) < _NEXT_TO_1:
        return "the interval begins next to 1"
    return "the interval includes 1" if row.includes_1 else "the interval does not include 1"


def summary(
    pair: Comparison, rows: Sequence[AnyRow], base: Base, designs: Sequence[NoEffect]
) -> tuple[str, ...]:
    """Return a paragraph assembled from the results, sentence by sentence.

    Parameters
    ----------
    pair
        The comparison.
    rows
        All rows.
    base
        The answers as analysed, by method.
    designs
        The simulated designs.
    """
    if not sum(pair.totals):
        return (f"{capital(NO_INFORMATION)}.", NOT_AN_EFFECT)
    answers = [row for row in rows if isinstance(row, Answer) and row.has_interval]
    sentences = (
        _range(answers, base),
        _trigger(answers),
        _regression(answers),
        *no_effect_sentences(pair, designs),
        _tipping(pair, [row for row in rows if isinstance(row, TippingPoint)], base),
        NOT_AN_EFFECT,
    )
    return tuple(part for part in sentences if part)


def _range(answers: Sequence[Answer], base: Base) -> str:
    before = base.get(HIERARCHICAL)
    if before is None or not before.has_interval:
        return ""
    others = [row for row in answers if row.method == HIERARCHICAL and not _equal(row, before)]
    if not others:
        return ""
    including = sum(row.includes_1 for row in others)
    return (
        f"{_span(before, others)} under the assumptions that were tried; its interval includes 1 under "
        f"{including} of {len(others)} of them."
    )


def _equal(row: Answer, before: Answer) -> bool:
    """Return whether a row repeats the answer as analysed: its assumption was made anyway."""
    return (row.estimate, row.low, row.high) == (before.estimate, before.low, before.high)


def _span(before: Answer, others: Sequence[Answer]) -> str:
    """Return from where to where the ratio runs; where the data set one limit of it only, that limit."""
    alike = [row for row in (before, *others) if row.known_limit == before.known_limit]
    limit = f"{LIMIT_NAMES[before.known_limit]} limit of the " if before.known_limit else ""
    unlike = len(others) + 1 - len(alike)
    except_for = f" ({unlike} with one limit only, or another one, are not in this range)" if unlike else ""
    now = beside(before.leading, 1, 2)
    lowest, highest = _ends(alike)
    return f"The {limit}hierarchical ratio, {now} as analysed, runs from {lowest} to {highest}{except_for}"


def _ends(rows: Sequence[Answer]) -> tuple[str, str]:
    leading = [row.leading for row in rows]
    return beside(min(leading), 1, 2), beside(max(leading), 1, 2)


def _trigger(answers: Sequence[Answer]) -> str:
    row = next((row for row in answers if row.family == "trigger" and row.method == WITHIN), None)
    if row is None:
        return ""
    remark = f"; {row.assumption.remark}" if row.assumption.remark else ""
    return (
        f"With {row.assumption.name}, as if it had led to the switch, the exact ratio within patients is "
        f"{row.ratio_text(2)}{remark}."
    )


def _regression(answers: Sequence[Answer]) -> str:
    asked = [row for row in answers if row.family == "rtm"]
    plausible = [row for row in asked if row.is_plausible]
    if not plausible:
        none = "The data speak against every population that was assumed to allow for regression to the mean."
        return none if asked else ""
    lowest, highest = _ends(plausible)
    span = lowest if lowest == highest else f"{lowest} to {highest}"
    most = "at most " if plausible[0].known_limit == "high" else ""
    including, against = sum(row.includes_1 for row in plausible), len(asked) - len(plausible)
    others = f" (the data speak against {against} more)" if against else ""
    return (
        "The ratio of observed to expected relapses, which allows for regression to the mean, is "
        f"{most}{span}, with an interval that includes 1 for {including} of "
        f"{counted(len(plausible), 'assumed population')}{others}."
    )


def no_effect_sentences(pair: Comparison, designs: Sequence[NoEffect]) -> list[str]:
    """Return what two ways of being switched because of relapses show with no effect, for the headline rates.

    And how the counts were simulated; where the data cannot tell, what counts that vary more than Poisson
    counts would show.

    Parameters
    ----------
    pair
        The comparison.
    designs
        The simulated designs.
    """
    headline = [design for design in designs if design.is_headline and design.rule_name in _SUMMED_UP]
    texts = [(design, text) for design in headline if (text := _no_effect(pair, design))]
    if not texts:
        return []
    first = texts[0][0]
    others = (
        one for one in designs if one.overdispersion.is_alternative and one.rule_name == first.rule_name
    )
    return [*(text for _, text in texts), f"{first.overdispersion.sentence()}{_alternative(others)}"]


def _no_effect(pair: Comparison, design: NoEffect) -> str:
    halves = _halves(spread for method in _ESTIMATE_NAMES if (spread := design.find(method)))
    unfit = misfit_text(pair, design.rule)
    clause = f"; {unfit}" if unfit else ""
    end = DESIGNS[design.rule_name].end
    return f"With no effect at all, if the reference period ends {end}, {halves}{clause}." if halves else ""


def _alternative(designs: Iterable[NoEffect]) -> str:
    """Return what the first design shows with counts that vary more."""
    for design in designs:
        spread = design.find(WITHIN)
        halves = _halves([spread]) if spread else ""
        sd = significant(design.overdispersion.sd_period, 2)
        if halves:
            return (
                f" If they do (log rates of periods with a standard deviation of {sd}, the prior median of "
                f"the hierarchical model), then in the first of these designs {halves}."
            )
    return ""


def _halves(spreads: Iterable[Spread]) -> str:
    """Return what half of the series show; at a median of 0 or infinity, half or more show just that."""
    parts: list[str] = []
    for spread in spreads:
        if spread.median is None or spread.at_or_below is None:
            continue
        half, how = ("half", "below") if 0 < spread.median < math.inf else ("at least half", "of")
        show = "" if parts else " of the simulated series show"
        number = f"{_ESTIMATE_NAMES[spread.method]} {how} {significant(spread.median, 2)}"
        parts.append(f"{half}{show} {number} ({_observed(spread)})")
    return ", and ".join(parts)


def _observed(spread: Spread) -> str:
    observed = significant(spread.observed or 0.0, 2)
    text = f"the observed {observed} or less in {share_text(spread.at_or_below or 0.0, spread.identified)}"
    known = 1 - spread.not_identified
    return text if known == 1 else f"{text} of the {share_text(known, spread.replicates)} with a ratio"


def share_text(share: float, series: float) -> str:
    """Return a proportion of simulated series as a percentage, never as a certainty.

    The finest proportion that is told apart from 0 and from 1 is 3 / series, which a proportion of 0 does not
    exclude at 95 %, but at least 0.1 %.

    Parameters
    ----------
    share
        The proportion.
    series
        Number of series.

    Examples
    --------
    >>> share_text(0.072, 2000), share_text(0.0, 20_000), share_text(1.0, 20_000), share_text(0.0, 200)
    ('7.2 %', 'under 0.1 %', 'over 99.9 %', 'under 1.5 %')
    """
    finest = float(f"{min(max(0.001, 3 / series), 0.5):.2g}")
    if share < finest:
        return f"under {percent(finest)}"
    if share > 1 - finest:
        return f"over {percent(1 - finest)}"
    return percent(float(f"{share:.2g}") if share <= 0.5 else 1 - float(f"{1 - share:.2g}"))


def _tipping(pair: Comparison, points: Sequence[TippingPoint], base: Base) -> str:
    now = base.get(HIERARCHICAL)
    asked = [point for point in points if point.method == HIERARCHICAL and point.criterion == "upper_limit"]
    if not asked or now is None or now.low is None or now.high is None:
        return ""
    if now.high >= 1:
        return f"The hierarchical interval already {'lies above' if now.low >= 1 else 'includes'} 1."
    directions = {"added": f"more on {pair.comparator}", "removed": f"fewer on {pair.reference}"}
    parts = [
        _moved([point for point in asked if point.direction == direction], words)
        for direction, words in directions.items()
    ]
    text = capital(" or ".join(part for part in parts if part))
    end = "would move the upper limit of the hierarchical interval to 1 or above."
    return f"{text} {end}" if text else ""


def _moved(points: Sequence[TippingPoint], words: str) -> str:
    """Return how many relapses tip the answer, in some and in all patients; empty if not known."""
    some, every = (
        next((one for one in points if one.every is which and one.number is not None), None)
        for which in (False, True)
    )
    if some is None:
        return ""
    number = int(some.number or 0)
    relapses = "one relapse" if number == 1 else counted(number, "relapse")
    if some.is_bound or every is None or every.is_bound:
        return f"{'at most ' if some.is_bound else ''}{relapses} {words} in suitable patients"
    if every.number == number:
        return f"{relapses} {words}"
    return f"{number} to {every.number:.0f} relapses {words}, depending on the patients,"
