"""One plain sentence for each row, and a paragraph that sums the rows up; neither ever asserts an effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.no_effect import NoEffect, Spread
from nmo_stats.sensitivity.row import FAMILY_NAMES, Row
from nmo_stats.sensitivity.tipping import TippingPoint
from nmo_stats.simulate import FixedWindows, LookBack, Rule, Triggered
from nmo_stats.wording import METHOD_NAMES, counted, percent, significant

NOT_AN_EFFECT: Final = "No number of this kind is a treatment effect."
_WITHIN: Final = "conditional_exact"
_TOLD: Final = ("triggered_1", "look_back")
_ORDINALS: Final = {1: "first", 2: "second", 3: "third"}


def sentence(row: Row, base: Mapping[str | None, Row]) -> str:
    """Return what a row says, compared with the same estimator's answer as analysed."""
    if row.estimate is None:
        return f"{FAMILY_NAMES[row.family]}, {row.assumption}: {row.reason}."
    if row.family == "tipping":
        return f"{row.assumption[:1].upper()}{row.assumption[1:]}: {_tipping_number(row)}."
    if row.family == "benchmark":
        method = METHOD_NAMES[row.method or ""]
        limits = f"{significant(row.low or 0.0, 2)} to {significant(row.high or 0.0, 2)}"
        return f"{row.clause}: {method}, median {significant(row.estimate, 2)}, 95 % of the series {limits}."
    before = base.get(row.method)
    changed = before is not None and before.estimate is not None and not _same(before.estimate, row.estimate)
    instead = (
        f" instead of {significant(before.estimate, 2)}"
        if changed and before and before.estimate is not None
        else ""
    )
    return f"{row.clause}, the ratio is {_ratio(row)}{instead}; {_position(row)}."


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
    sentences = (
        _range(rows, base),
        _trigger(pair, rows),
        _regression(rows),
        *no_effect_sentences(designs),
        _tipping(pair, tipping, base),
        NOT_AN_EFFECT,
    )
    return tuple(part for part in sentences if part)


def no_effect_sentences(designs: Sequence[NoEffect]) -> list[str]:
    """Return what the two ways of being switched because of relapses show with no effect, for the headline population."""
    shown = [design for design in designs if design.is_headline and design.rule_name in _TOLD]
    return [text for text in map(_no_effect, shown) if text]


def share_text(share: float) -> str:
    """Return a simulated share as a percentage, never as a certainty.

    Examples
    --------
    >>> share_text(0.072), share_text(0.0), share_text(1.0)
    ('7.2 %', '< 0.1 %', '> 99.9 %')
    """
    if share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.999 else percent(float(f"{share:.2g}"))


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
    estimate, low, high = (
        value if value is not None else math.nan for value in (row.estimate, row.low, row.high)
    )
    return f"{significant(estimate, 2)} ({significant(low, 2)} to {significant(high, 2)})"


def _position(row: Row) -> str:
    high = math.inf if row.high is None else row.high
    if significant(high, 2) == "1.0":
        return "the interval ends next to 1"
    return "the interval includes 1" if includes_1(row) else "the interval does not include 1"


def _same(first: float, second: float) -> bool:
    return significant(first, 2) == significant(second, 2)


def _estimates(rows: Sequence[Row]) -> list[float]:
    return [row.estimate for row in rows if row.estimate is not None]


def _range(rows: Sequence[Row], base: Mapping[str | None, Row]) -> str:
    found = [row for row in rows if row.method == METHOD and row.has_interval and row.family != "benchmark"]
    before = base.get(METHOD)
    if not found or before is None or before.estimate is None:
        return ""
    estimates, including = _estimates(found), sum(map(includes_1, found))
    return (
        f"The hierarchical ratio, {significant(before.estimate, 2)} as analysed, runs from {significant(min(estimates), 2)} to "
        f"{significant(max(estimates), 2)} under the assumptions that were tried; its interval includes 1 under {including} of {len(found)} of them."
    )


def _trigger(pair: Comparison, rows: Sequence[Row]) -> str:
    found = [row for row in rows if row.family == "trigger" and row.method == _WITHIN and row.has_interval]
    if not found:
        return ""
    return (
        f"If one relapse on {pair.reference} per patient led to the switch and is left out, which is a bound, "
        f"the exact ratio within patients is {_ratio(found[0])}."
    )


def _regression(rows: Sequence[Row]) -> str:
    found = [row for row in rows if row.family == "rtm" and row.has_interval]
    if not found:
        return ""
    estimates, including = _estimates(found), sum(map(includes_1, found))
    return (
        f"Observed against expected relapses, which allows for regression to the mean, give {significant(min(estimates), 2)} to "
        f"{significant(max(estimates), 2)}, with an interval that includes 1 for {including} of {len(found)} assumed populations."
    )


def _no_effect(design: NoEffect) -> str:
    shown = [spread for spread in (design.find(_WITHIN), design.find(METHOD)) if spread is not None]
    parts = [_spread(spread) for spread in shown if spread.at_or_below is not None]
    if not parts:
        return ""
    return (
        f"With no effect at all, {rule_words(design.rule)}, half of such series show {' and '.join(parts)}."
    )


def _spread(spread: Spread) -> str:
    name = "an exact ratio within patients" if spread.method == _WITHIN else "a hierarchical ratio"
    observed = significant(spread.observed if spread.observed is not None else math.nan, 2)
    share = share_text(spread.at_or_below or 0.0)
    return f"{name} below {significant(spread.median, 2)} (the observed {observed} or less: {share})"


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
