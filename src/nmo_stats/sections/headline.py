"""The first screen: the answer in one sentence, and what it is not."""

from __future__ import annotations

from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators.table import RateResults
from nmo_stats.recommendation import typical_and_totals
from nmo_stats.sections.blocks import Block, Bullets, Failure, Prose, Section
from nmo_stats.sections.unmerged import unmerged_sentence
from nmo_stats.wording import (
    capital,
    counted,
    difference_text,
    estimate_text,
    interval_name,
    interval_text,
    probability_text,
    significant,
)

NOT_AN_EFFECT: Final = (
    "This is a comparison of the same patients before and after a switch, without a control group. Such a ratio is not "
    "a treatment effect: patients are often switched when the disease is at its worst, and may then have fewer "
    "relapses on any treatment."
)
ONE_PATIENT: Final = (
    "One patient does not tell how much the ratio differs between patients: the width of this interval rests in part on the "
    "prior of that spread."
)
_SAID: Final = ("zero_cell", "no_information")  # the headline sentence itself says them


def headline(analysis: Analysis) -> Section:
    """Return the opening section; its lead is the headline sentence."""
    ratio = analysis.headline
    blocks: tuple[Block, ...] = (Prose(NOT_AN_EFFECT),)
    if ratio is None:
        reasons = "; ".join(refusal.reason for refusal in analysis.rates.failed)
        return Section("headline", title(analysis), withheld(analysis), (Failure(reasons), *blocks))
    cautions = (*headline_cautions(ratio), *_totals_cautions(analysis.rates))
    if cautions:
        blocks = (Bullets(cautions), *blocks)
    if ratio.informative:
        blocks = (Prose(certainty(analysis.pair, analysis.rates, ratio)), *blocks)
    return Section(
        "headline", title(analysis), sentence(analysis.pair, analysis.rates, ratio, analysis.unmerged), blocks
    )


def title(analysis: Analysis) -> str:
    """Return the title of the report."""
    return f"Relapse rates on {analysis.pair.comparator} and on {analysis.pair.reference}"


def withheld(analysis: Analysis) -> str:
    """Return the headline where the computation failed."""
    patients = counted(len(analysis.pair.patients), "patient")
    return f"The hierarchical model gives no result for {patients}: a check of its computation failed."


def sentence(
    pair: Comparison, rates: RateResults, ratio: RateRatio, unmerged: RateResults | None = None
) -> str:
    """Return the headline: ratio, interval, patients, relapses; beside it the ratio with no onsets merged, if it is given."""
    return f"{_sentence(pair, rates, ratio)}{unmerged_sentence(pair, unmerged, ratio)}"


def _sentence(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return the headline sentence; at a zero cell it gives the limit that the data set.

    Where the ratio of a typical patient and the ratio of all relapses answer differently, both stand in it.
    """
    patients = counted(len(pair.patients), "patient")
    if not ratio.informative:
        return f"In {patients} there was {NO_INFORMATION}."
    who = f"In {patients} with {counted(sum(pair.totals), 'relapse')}"
    if ratio.known_limit:
        return f"{who}{one_sided(pair, rates, ratio)}"
    times = f"the relapse rate on {pair.comparator} was {estimate_text(ratio, 2)} times the rate on {pair.reference}"
    interval = f"({interval_name(ratio.interval)} {interval_text(ratio.interval, 2)})"
    _, totals = typical_and_totals(rates)
    if totals is None or all(caution.code != "estimands_differ" for caution in ratio.cautions):
        return f"{who}, {times} {interval}."
    return (
        f"{who}, {times} in a typical patient {interval}, and {estimate_text(totals, 2)} times over all relapses and years "
        f"together ({interval_name(totals.interval)} {interval_text(totals.interval, 2)})."
    )


def one_sided(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return what the data say at a zero cell, as the rest of a sentence: the exact limit, which no prior enters.

    The limit is that of the central exact interval within patients. That of the hierarchical model is near it where there are
    many relapses; where there are one or two it is mostly the prior's, and must not lead.
    """
    exact = rates.find("conditional_exact")
    shown = ratio if exact is None else exact
    missing, which = (pair.comparator, "upper") if ratio.known_limit == "high" else (pair.reference, "lower")
    method = "" if exact is None else "exact "
    within = "" if exact is None else " within patients"
    return (
        f" and none of them on {missing}, the relapse rate on {pair.comparator} was {estimate_text(shown, 2)} times the rate on "
        f"{pair.reference} ({which} limit of the {method}{interval_name(shown.interval)}{within})."
    )


def certainty(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return how sure the model is of the direction, and the difference on the absolute scale."""
    both = any(caution.code == "estimands_differ" for caution in ratio.cautions)
    which = "The first ratio" if both else "The ratio"
    words = f"{which} is that of a typical patient in a hierarchical model of the counts."
    if ratio.known_limit:
        other, known = ("lower", "upper") if ratio.known_limit == "high" else ("upper", "lower")
        words = (
            f"In a hierarchical model of the counts the median for a typical patient is {significant(ratio.estimate, 2)} "
            f"({interval_name(ratio.interval)} {interval_text(ratio.interval, 2)}): this median and the {other} limit rest on the "
            f"model's prior, with few relapses the {known} limit too, and so does in part what follows."
        )
    if len(pair.patients) == 1:
        words = f"{words} {ONE_PATIENT}"
    if ratio.probability_below_1 is not None:
        words = f"{words} The probability that the ratio is below 1 is {probability_text(ratio.probability_below_1, 2)}."
    absolute = absolute_scale(pair, rates, ratio)
    return f"{words} {absolute}" if absolute else words


def absolute_scale(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return the difference of the rates: as observed where it has an interval, and of a typical patient of the model.

    The level of a typical patient's rates leans on the prior where patients are few; the observed difference does not.
    """
    _, totals = typical_and_totals(rates)
    parts = []
    for where, source in (
        ("over all relapses and years together", totals),
        ("in a typical patient of the model", ratio),
    ):
        if source is not None and source.rate_difference is not None:
            parts.append(
                f"{where} {difference_text(source.rate_difference, pair.comparator, pair.reference, 2)}"
            )
    return f"On the absolute scale there were {'; '.join(parts)}." if parts else ""


def headline_cautions(ratio: RateRatio) -> tuple[str, ...]:
    """Return every caution of the headline's number that its sentence does not say itself."""
    return tuple(f"{capital(caution.text)}." for caution in ratio.cautions if caution.code not in _SAID)


def _totals_cautions(rates: RateResults) -> tuple[str, ...]:
    """Return why the interval over all relapses and years together, which the headline gives as well, is too short."""
    _, totals = typical_and_totals(rates)
    if totals is None:
        return ()
    return tuple(
        f"Over all relapses and years together: {caution.text}."
        for caution in totals.cautions
        if caution.code == "overdispersed"
    )
