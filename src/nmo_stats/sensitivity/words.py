"""One plain sentence for each row, and a paragraph that sums the rows up; neither ever asserts an effect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.names import METHODS
from nmo_stats.sensitivity.misfits import misfit_text
from nmo_stats.sensitivity.no_effect import NoEffect, Spread
from nmo_stats.sensitivity.row import FAMILY_NAMES, Row
from nmo_stats.sensitivity.tipping import TippingPoint
from nmo_stats.simulate import FixedWindows, LookBack, Rule, Triggered
from nmo_stats.wording import beside, counted, percent, significant

NOT_AN_EFFECT: Final = "No number of this kind is a treatment effect."
_WITHIN: Final = "conditional_exact"
_TOLD: Final = ("triggered_1", "look_back")
_RATIO_NAMES: Final = {
    _WITHIN: "the exact ratio within patients",
    "pooled_exact": "the exact pooled ratio",
    METHOD: "the hierarchical ratio",
}
_NEXT_TO_1: Final = 0.005  # so near, the rounding of any input decides on which side a limit lies
_ORDINALS: Final = {1: "first", 2: "second", 3: "third"}


def sentence(row: Row, base: Mapping[str | None, Row]) -> str:
    """Return what a row says, compared with the same estimator's answer as analysed."""
    if row.estimate is None:
        return f"{FAMILY_NAMES[row.family]}, {row.label}: {row.reason}."
    if row.family == "tipping":
        return f"{row.assumption[:1].upper()}{row.assumption[1:]}: {_tipping_number(row)}."
    if row.family == "rtm" and not row.is_plausible:
        speaks = next(caution.text for caution in row.cautions if caution.code == "implausible_population")
        return f"{row.clause}, the ratio would be {_ratio(row)}; {speaks}."
    if row.family == "benchmark":
        method = METHODS[row.method or ""].name
        limits = f"{significant(row.low or 0.0, 2)} to {significant(row.high or 0.0, 2)}"
        return f"{row.clause}: {method}, median {significant(row.estimate, 2)}, 95 % of the series {limits}."
    before = base.get(row.method)
    usual = before.leading_text(2) if before is not None and before.has_interval else ""
    instead = f" instead of {usual}" if usual and usual != row.leading_text(2) else ""
    remark = f"; {row.remark}" if row.remark else ""
    name = _RATIO_NAMES.get(row.method or "", "the ratio")
    return f"{row.clause}, {name} is {_ratio(row)}{instead}; {_position(row)}{remark}."


def rule_words(rule: Rule) -> str:
    """Return how a reference period ends, as the middle of a sentence."""
    match rule:
        case Triggered(relapses=relapses, lag_months=lag):
            which = _ORDINALS.get(relapses, f"{relapses}th")
            return f"if the switch comes {lag:g} months after the {which} relapse of the reference period"
        case LookBack(months=months, relapses=relapses, lag_months=lag):
            return (
                f"if the switch comes {lag:g} months after a relapse and the {months:g} months before it, the reference period, "
                f"hold at least {relapses} relapses"
            )
        case FixedWindows():
            return "if relapses have no part in when a period ends"
        case _:
            return f"under the rule {rule}"


def summary(
    pair: Comparison,
    rows: Sequence[Row],
    base: Mapping[str | None, Row],
    designs: Sequence[NoEffect],
    tipping: Sequence[TippingPoint],
) -> tuple[str, ...]:
    """Return a paragraph assembled from the results, sentence by sentence."""
    if not sum(pair.totals):
        return (f"{NO_INFORMATION[:1].upper()}{NO_INFORMATION[1:]}.", NOT_AN_EFFECT)
    sentences = (
        _range(rows, base),
        _trigger(rows),
        _regression(rows),
        *no_effect_sentences(pair, designs),
        _tipping(pair, tipping, base),
        NOT_AN_EFFECT,
    )
    return tuple(part for part in sentences if part)


def no_effect_sentences(pair: Comparison, designs: Sequence[NoEffect]) -> list[str]:
    """Return what two ways of being switched because of relapses show with no effect, for the headline rates.

    And how the counts were simulated; where the data cannot tell, what counts that vary more than Poisson
    counts would show.
    """
    shown = [design for design in designs if design.is_headline and design.rule_name in _TOLD]
    found = [(design, text) for design in shown if (text := _no_effect(pair, design))]
    if not found:
        return []
    told = [text for _, text in found]
    others = (design for design in designs if design.overdispersion.is_alternative)
    return [*told, f"{found[0][0].overdispersion.sentence()}{_alternative(found[0][0], others)}"]


def _alternative(told: NoEffect, others: Iterable[NoEffect]) -> str:
    """Return what the first design shows with counts that vary more."""
    other = next((one for one in others if one.rule_name == told.rule_name), None)
    spread = None if other is None else other.find(_WITHIN)
    if other is None or spread is None or spread.median is None or spread.at_or_below is None:
        return ""
    return (
        " If they do (log rates of periods with a standard deviation of "
        f"{significant(other.overdispersion.sd_period, 2)}, the "
        f"prior median of the hierarchical model), then in the first of these designs {_halves([spread])}."
    )


def share_text(share: float, series: float) -> str:
    """Return a share of simulated series as a percentage, never as a certainty.

    The finest share that is told apart from 0 and from 1 is 3 / series, which a share of 0 does not exclude at 95 %, but at least 0.1 %.

    Examples
    --------
    >>> share_text(0.072, 2000), share_text(0.0, 20_000), share_text(1.0, 20_000), share_text(0.0, 200), share_text(0.996, 2000)
    ('7.2 %', 'under 0.1 %', 'over 99.9 %', 'under 1.5 %', '99.6 %')
    """
    finest = float(f"{min(max(0.001, 3 / series), 0.5):.2g}")
    if share < finest:
        return f"under {percent(finest)}"
    if share > 1 - finest:
        return f"over {percent(1 - finest)}"
    return percent(float(f"{share:.2g}") if share <= 0.5 else 1 - float(f"{1 - share:.2g}"))


def includes_1(row: Row) -> bool:
    """Return whether a row's interval includes 1."""
    return row.low is not None and row.high is not None and row.low <= 1 <= row.high


def _tipping_number(row: Row) -> str:
    value = row.estimate or 0.0
    if row.assumption.startswith("background"):
        return significant(value)
    searched = [caution.text for caution in row.cautions if caution.code == "searched"]
    if searched:
        return searched[0]
    return "0, it is so already" if value == 0 else f"{value:.0f}"


def _ratio(row: Row) -> str:
    return row.ratio_text(2)


def _position(row: Row) -> str:
    low, high = row.low or 0.0, math.inf if row.high is None else row.high
    if abs(high - 1) < _NEXT_TO_1:
        return "the interval ends next to 1"
    if abs(low - 1) < _NEXT_TO_1:
        return "the interval begins next to 1"
    return "the interval includes 1" if includes_1(row) else "the interval does not include 1"


def _range(rows: Sequence[Row], base: Mapping[str | None, Row]) -> str:
    before = base.get(METHOD)
    if before is None or before.estimate is None:
        return ""
    found = [
        row
        for row in rows
        if row.method == METHOD and row.has_interval and row.family != "benchmark" and not _equal(row, before)
    ]
    if not found:
        return ""
    return (
        f"{_span(before, found)} under the assumptions that were tried; its interval includes 1 under "
        f"{sum(map(includes_1, found))} of {len(found)} of them."
    )


def _span(before: Row, found: Sequence[Row]) -> str:
    """Return from where to where the ratio runs; where the data set one limit of it only, that limit."""
    alike = [row for row in (before, *found) if row.known_limit == before.known_limit]
    what, values = "The hierarchical ratio", _leading(alike)
    if before.known_limit:
        what = f"The {'upper' if before.known_limit == 'high' else 'lower'} limit of the hierarchical ratio"
    others = len(found) + 1 - len(alike)
    limits = (
        f" ({others} of them with one limit only, or with another one, are not in this range)"
        if others
        else ""
    )
    lowest, highest = (beside(end(values), 1, 2) for end in (min, max))
    return (
        f"{what}, {beside(_leading([before])[0], 1, 2)} as analysed, runs from {lowest} to {highest}{limits}"
    )


def _leading(rows: Sequence[Row]) -> list[float]:
    """Return the numbers that lead: the ratios, or the one limit that the data set."""
    ends = {"high": "high", "low": "low", None: "estimate"}
    values = [getattr(row, ends[row.known_limit]) for row in rows]
    return [value for value in values if value is not None]


def _equal(row: Row, base: Row) -> bool:
    """Return whether a row repeats the answer as analysed: an assumption that was made anyway is not another one."""
    return (row.estimate, row.low, row.high) == (base.estimate, base.low, base.high)


def _trigger(rows: Sequence[Row]) -> str:
    found = [row for row in rows if row.family == "trigger" and row.method == _WITHIN and row.has_interval]
    if not found:
        return ""
    remark = f"; {found[0].remark}" if found[0].remark else ""
    return f"{found[0].clause}, the exact ratio within patients is {_ratio(found[0])}{remark}."


def _regression(rows: Sequence[Row]) -> str:
    asked = [row for row in rows if row.family == "rtm" and row.has_interval]
    found = [row for row in asked if row.is_plausible]
    if not found:
        none = "The data speak against every population that was assumed to allow for regression to the mean."
        return none if asked else ""
    lowest, highest = (beside(end(_leading(found)), 1, 2) for end in (min, max))
    most = "at most " if found[0].known_limit == "high" else ""
    including, against = sum(map(includes_1, found)), len(asked) - len(found)
    others = f" (the data speak against {against} more)" if against else ""
    return (
        f"Observed against expected relapses, which allows for regression to the mean, give {most}{lowest}{'' if lowest == highest else f' to {highest}'}, "
        f"with an interval that includes 1 for {including} of {counted(len(found), 'assumed population')}{others}."
    )


def _no_effect(pair: Comparison, design: NoEffect) -> str:
    shown = [spread for spread in (design.find(_WITHIN), design.find(METHOD)) if spread is not None]
    shown = [spread for spread in shown if spread.at_or_below is not None and spread.median is not None]
    if not shown:
        return ""
    unfit = misfit_text(pair, design.rule)
    clause = f"; {unfit}" if unfit else ""
    return f"With no effect at all, {rule_words(design.rule)}, {_halves(shown)}{clause}."


def _halves(shown: Sequence[Spread]) -> str:
    """Return what half of the series show; where that is 0 or infinite, half or more of them show just that."""
    if all(0 < (spread.median or 0.0) < math.inf for spread in shown):
        told = (f"{_name(spread)} below {_median(spread)} ({_observed(spread)})" for spread in shown)
        return f"half of such series show {' and '.join(told)}"
    parts = []
    for spread in shown:
        between = 0 < (spread.median or 0.0) < math.inf
        half, how = ("half", "below") if between else ("at least half", "of")
        parts.append(
            f"{half} of such series show {_name(spread)} {how} {_median(spread)} ({_observed(spread)})"
        )
    return " and ".join(parts)


def _name(spread: Spread) -> str:
    return "an exact ratio within patients" if spread.method == _WITHIN else "a hierarchical ratio"


def _median(spread: Spread) -> str:
    return significant(spread.median or 0.0, 2)


def _observed(spread: Spread) -> str:
    observed = significant(spread.observed or 0.0, 2)
    known = 1 - spread.not_identified
    text = f"the observed {observed} or less: {share_text(spread.at_or_below or 0.0, spread.identified)}"
    if known < 1:
        text = f"{text} of the {share_text(known, spread.replicates)} in which there is such a ratio"
    return text


def _tipping(pair: Comparison, tipping: Sequence[TippingPoint], base: Mapping[str | None, Row]) -> str:
    points = [point for point in tipping if point.row.method == METHOD and point.criterion == "upper_limit"]
    now = base.get(METHOD)
    if not points or now is None or now.low is None or now.high is None:
        return ""
    if now.low >= 1:
        return "The hierarchical interval lies above 1 as it is."
    if now.high >= 1:
        return "The hierarchical interval reaches 1 as it is."
    parts = [
        _moved([point for point in points if point.direction == direction], words)
        for direction, words in (
            ("added", f"more on {pair.comparator}"),
            ("removed", f"fewer on {pair.reference}"),
        )
    ]
    text = " or ".join(part for part in parts if part)
    return (
        f"{text[:1].upper()}{text[1:]} would move the upper limit of the hierarchical interval to 1 or above."
        if text
        else ""
    )


def _moved(points: Sequence[TippingPoint], words: str) -> str:
    """Return how many relapses more or fewer tip the answer, in some and in all patients; empty where no number is known."""
    some = next((point for point in points if not point.every and point.row.estimate is not None), None)
    every = next((point for point in points if point.every and point.row.estimate is not None), None)
    if some is None or some.row.estimate is None:
        return ""
    number = int(some.row.estimate)
    if some.searched or every is None or every.searched or every.row.estimate is None:
        return f"{'at most ' if some.searched else ''}{_number(number)} {words} in suitable patients"
    if every.row.estimate == number:
        return f"{_number(number)} {words}"
    return f"{number} to {every.row.estimate:.0f} relapses {words}, depending on the patients,"


def _number(number: int) -> str:
    return "one relapse" if number == 1 else counted(number, "relapse")
