"""The first screen: the answer in one sentence, and what it is not."""

from __future__ import annotations

from nmo_stats.analysis import Analysis
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.report.blocks import Block, Failure, Prose, Section
from nmo_stats.report.unmerged import unmerged_sentence
from nmo_stats.wording import counted, interval_name, interval_text, percent, probability_text, significant

NOT_AN_EFFECT = (
    "This is a comparison of the same patients before and after a switch, without a control group. Such a ratio is not "
    "a treatment effect: patients are often switched when the disease is at its worst, and then have fewer relapses on "
    "average on any treatment."
)


def headline(analysis: Analysis) -> Section:
    """Return the opening section; its lead is the headline sentence."""
    ratio = analysis.headline
    blocks: tuple[Block, ...] = (Prose(NOT_AN_EFFECT),)
    if ratio is None:
        reasons = "; ".join(refusal.reason for refusal in analysis.rates.failed)
        return Section("headline", title(analysis), withheld(analysis), (Failure(reasons), *blocks))
    if ratio.informative:
        blocks = (Prose(_certainty(ratio)), *blocks)
    return Section("headline", title(analysis), sentence(analysis, ratio), blocks)


def title(analysis: Analysis) -> str:
    """Return the title of the report."""
    return f"Relapse rates on {analysis.pair.comparator} and on {analysis.pair.reference}"


def withheld(analysis: Analysis) -> str:
    """Return the headline where the computation failed."""
    return f"The hierarchical model gives no result for {counted(len(analysis.pair.patients), 'patient')}: a check of its computation failed."


def sentence(analysis: Analysis, ratio: RateRatio) -> str:
    """Return the headline sentence: ratio, interval, patients, relapses."""
    pair = analysis.pair
    who = f"In {counted(len(pair.patients), 'patient')} with {counted(sum(pair.totals), 'relapse')}"
    if not ratio.informative:
        return f"In {counted(len(pair.patients), 'patient')}: {NO_INFORMATION}."
    return (
        f"{who}, the relapse rate on {pair.comparator} was {significant(ratio.estimate, 2)} times the rate on "
        f"{pair.reference} ({interval_name(ratio.interval)} {interval_text(ratio.interval, 2)}).{unmerged_sentence(analysis, ratio)}"
    )


def _certainty(ratio: RateRatio) -> str:
    probability = ratio.probability_below_1 if ratio.probability_below_1 is not None else float("nan")
    difference = ratio.rate_difference
    words = (
        f"The ratio is that of a typical patient in a hierarchical model of the counts. The probability that it is below 1 is "
        f"{probability_text(probability, 2)}."
    )
    if difference is None:
        return words
    return (
        f"{words} On the absolute scale the difference is {significant(difference.estimate, 2)} relapses per patient-year "
        f"({percent(difference.interval.level)} interval {interval_text(difference.interval, 2)})."
    )
