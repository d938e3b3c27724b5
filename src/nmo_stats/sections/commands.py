"""What the commands print: the blocks of the sections, without their figures."""

from __future__ import annotations

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe import arr
from nmo_stats.describe.description import Description
from nmo_stats.estimators.classical import RateResults
from nmo_stats.recommendation import typical_and_totals
from nmo_stats.sections.blocks import Block, Prose
from nmo_stats.sections.data import attrition, comparison_sentence, notice_blocks
from nmo_stats.sections.edss import edss_blocks, edss_sentence
from nmo_stats.sections.estimates import estimate_blocks
from nmo_stats.sections.headline import answer, headline
from nmo_stats.sections.model import failure_blocks
from nmo_stats.sections.relapse_rates import pooled_table, rate_tables
from nmo_stats.sections.relapse_times import (
    accumulation_blocks,
    first_relapse_blocks,
    first_relapse_sentences,
)
from nmo_stats.wording import capital, counted


def report_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Return the first screen of a report, and the checks that failed."""
    section = headline(analysis)
    return (Prose(section.lead), *failure_blocks(analysis), *section.blocks)


def rates_blocks(
    pair: Comparison,
    rates: RateResults,
    unmerged: RateResults | None = None,
) -> tuple[Block, ...]:
    """Return the headline, and the estimates by every method.

    Parameters
    ----------
    pair, rates
        What was compared, and the estimates.
    unmerged
        The estimates with no onsets merged, where many are.
    """
    typical, _ = typical_and_totals(rates)
    section = answer(pair, rates, typical, unmerged)
    return (
        Prose(comparison_sentence(pair)),
        Prose(section.lead),
        *section.blocks,
        *estimate_blocks(pair, rates, unmerged),
        *notice_blocks(pair.notices),
    )


def describe_blocks(description: Description) -> tuple[Block, ...]:
    """Return the relapse rates, the times of the relapses and the EDSS."""
    first, edss = description.first_relapse, description.edss
    disability: tuple[Block, ...] = ()
    if edss.available:
        disability = (Prose(edss_sentence(edss)), *edss_blocks(edss, description.paired_edss))
    return (
        *rate_tables(description.arr, has_curves=bool(first.curves)),
        *map(Prose, first_relapse_sentences(first)),
        *first_relapse_blocks(first),
        *accumulation_blocks(first, description.accumulation),
        *disability,
        *notice_blocks(description.cohort.notices),
    )


def check_blocks(cohort: Cohort, pair: Comparison | None, reason: str) -> tuple[Block, ...]:
    """Return what valid data hold and what would be compared.

    Parameters
    ----------
    cohort
        The data.
    pair
        What a report would compare; None where that is not clear.
    reason
        Why it is not.
    """
    size = f"{counted(len(cohort.patients), 'patient')}, {counted(len(cohort.frame), 'period')}"
    compared = f"No comparison yet. {capital(reason)}"
    if pair is not None:
        compared = f"A report would compare {pair.comparator} / {pair.reference}. {comparison_sentence(pair)}"
    return (
        Prose(f"{cohort.source.name}: valid; {size}, times in {cohort.unit_name}s"),
        pooled_table(arr(cohort)),
        Prose(compared),
        *attrition(cohort, pair),
        *notice_blocks(cohort.notices if pair is None else pair.notices),
    )
