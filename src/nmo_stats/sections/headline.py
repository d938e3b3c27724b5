"""The first screen: the answer in one sentence, and what it is not."""

from __future__ import annotations

from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators.classical import RateResults
from nmo_stats.names import LIMIT_NAMES, OTHER_LIMIT_NAMES, WITHIN
from nmo_stats.recommendation import typical_and_totals
from nmo_stats.sections.blocks import Block, Bullets, Failure, Prose, Section
from nmo_stats.wording import (
    as_sentence,
    counted,
    difference_text,
    estimate_text,
    interval_name,
    interval_text,
    probability_text,
    significant,
)

NOT_AN_EFFECT: Final = (
    "The same patients are compared before and after a switch, without a control group. The ratio is not a "
    "treatment effect: patients are often switched when the disease is at its worst, and may then have "
    "fewer relapses on any treatment."
)
ONE_PATIENT: Final = (
    "One patient cannot show how much the ratio differs between patients: the width of the interval "
    "depends in part on the prior of that spread."
)
_SAID: Final = ("zero_cell", "no_information")  # the headline sentence itself says them


def headline(analysis: Analysis) -> Section:
    """Return the opening section of a report."""
    return answer(analysis.pair, analysis.rates, analysis.headline, analysis.unmerged)


def answer(
    pair: Comparison, rates: RateResults, ratio: RateRatio | None, unmerged: RateResults | None = None
) -> Section:
    """Return the section whose lead is the headline sentence.

    Parameters
    ----------
    pair, rates
        What was compared, and the estimates.
    ratio
        The hierarchical one of them; None where its computation failed.
    unmerged
        The estimates with no onsets merged, where many are.
    """
    title = f"Relapse rates on {pair.comparator} and on {pair.reference}"
    blocks: tuple[Block, ...] = (Prose(NOT_AN_EFFECT),)
    if ratio is None:
        patients = counted(len(pair.patients), "patient")
        lead = f"The hierarchical model gives no result for {patients}: a check of its computation failed."
        reasons = "; ".join(refusal.reason for refusal in rates.failed)
        return Section("headline", title, lead, (Failure(reasons), *blocks))
    cautions = (*headline_cautions(ratio), *totals_cautions(rates))
    if cautions:
        blocks = (Bullets(cautions), *blocks)
    if ratio.informative:
        blocks = (Prose(certainty(pair, rates, ratio)), *blocks)
    return Section("headline", title, sentence(pair, rates, ratio, unmerged), blocks)


def sentence(
    pair: Comparison, rates: RateResults, ratio: RateRatio, unmerged: RateResults | None = None
) -> str:
    """Return the headline: ratio, interval, patients, relapses; at a zero cell the limit that the data set.

    Where the ratio of a typical patient and the ratio of all relapses answer differently, it gives both.
    """
    patients = counted(len(pair.patients), "patient")
    if not ratio.informative:
        return f"In {patients} there was {NO_INFORMATION}."
    who = f"In {patients} with {counted(sum(pair.totals), 'relapse')}"
    rest = _one_sided(pair, rates, ratio) if ratio.known_limit else _two_sided(pair, rates, ratio)
    return f"{who}{rest}{_without_merging(pair, unmerged, ratio)}"


def _two_sided(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    estimate = estimate_text(ratio, 2)
    rate = f", the relapse rate on {pair.comparator} was {estimate} times the rate on {pair.reference}"
    _, totals = typical_and_totals(rates)
    if totals is None or not _answers_differ(ratio):
        return f"{rate} ({_limits(ratio)})."
    return (
        f"{rate} in a typical patient ({_limits(ratio)}), and {estimate_text(totals, 2)} times over all "
        f"relapses and years together ({_limits(totals)})."
    )


def _one_sided(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return the exact limit, which no prior enters.

    The limit of the hierarchical model is near it where there are many relapses; where there are one or two
    it is mostly the prior's, and must not lead.
    """
    exact = rates.find(WITHIN)
    shown = ratio if exact is None else exact
    which = LIMIT_NAMES[ratio.known_limit]
    missing = pair.comparator if ratio.known_limit == "high" else pair.reference
    method, within = ("", "") if exact is None else ("exact ", " within patients")
    return (
        f" and none of them on {missing}, the relapse rate on {pair.comparator} was "
        f"{estimate_text(shown, 2)} times the rate on {pair.reference} ({which} limit of the "
        f"{method}{interval_name(shown.interval)}{within})."
    )


def _without_merging(pair: Comparison, unmerged: RateResults | None, ratio: RateRatio) -> str:
    """Return the ratio by the same method with no onsets merged; empty where few onsets are merged."""
    other = None if unmerged is None else unmerged.beside(ratio)
    if other is None or pair.unmerged is None or not other.informative:
        return ""
    reference, comparator = pair.unmerged.totals
    return (
        f" With no onsets merged ({comparator} on {pair.comparator}, {reference} on {pair.reference}) it was "
        f"{estimate_text(other, 2)} ({_limits(other)})."
    )


def certainty(pair: Comparison, rates: RateResults, ratio: RateRatio) -> str:
    """Return the probability of a ratio below 1 in the model, and the difference on the absolute scale."""
    which = "first ratio" if _answers_differ(ratio) else "ratio"
    texts = [f"The {which} is that of a typical patient in a hierarchical model of the counts."]
    if ratio.known_limit:
        known, other = LIMIT_NAMES[ratio.known_limit], OTHER_LIMIT_NAMES[ratio.known_limit]
        texts = [
            "In a hierarchical model of the counts the median of a typical patient is "
            f"{significant(ratio.estimate, 2)} ({_limits(ratio)}). This median and the {other} limit depend "
            f"on the prior; with few relapses so does the {known} limit, and in part what follows."
        ]
    if len(pair.patients) == 1:
        texts.append(ONE_PATIENT)
    if ratio.probability_below_1 is not None:
        probability = probability_text(ratio.probability_below_1, 2)
        texts.append(f"The probability of a ratio below 1 is {probability}.")
    return " ".join([*texts, *absolute_scale(pair, rates, ratio)])


def absolute_scale(pair: Comparison, rates: RateResults, ratio: RateRatio) -> tuple[str, ...]:
    """Return the difference of the rates: as observed where it has an interval, and of a typical patient.

    The level of a typical patient's rates depends on the prior where patients are few; the observed
    difference does not.
    """
    _, totals = typical_and_totals(rates)
    scopes = {"over all relapses and years together,": totals, "in a typical patient of the model,": ratio}
    differences = [
        f"{scope} {difference_text(source.rate_difference, pair.comparator, pair.reference, 2)}"
        for scope, source in scopes.items()
        if source is not None and source.rate_difference is not None
    ]
    return (f"On the absolute scale there were, {'; '.join(differences)}.",) if differences else ()


def headline_cautions(ratio: RateRatio) -> tuple[str, ...]:
    """Return every caution of the headline's number that its sentence does not say itself."""
    return tuple(as_sentence(caution.text) for caution in ratio.cautions if caution.code not in _SAID)


def totals_cautions(rates: RateResults) -> tuple[str, ...]:
    """Return why the interval over all relapses and years, which the headline gives as well, is too short."""
    _, totals = typical_and_totals(rates)
    return tuple(
        f"Over all relapses and years together: {caution.text}."
        for caution in (() if totals is None else totals.cautions)
        if caution.code == "overdispersed"
    )


def _answers_differ(ratio: RateRatio) -> bool:
    return any(caution.code == "estimands_differ" for caution in ratio.cautions)


def _limits(ratio: RateRatio) -> str:
    return f"{interval_name(ratio.interval)} {interval_text(ratio.interval, 2)}"
