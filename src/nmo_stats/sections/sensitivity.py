"""Sections on the reasons to doubt the number: the design with no effect, and other assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.names import METHODS
from nmo_stats.sections.blocks import Block, Bullets, Fold, Picture, Prose, Section
from nmo_stats.sections.pictures import draw
from nmo_stats.sections.sensitivity_tables import (
    COLUMNS,
    PIVOT_FAMILIES,
    RULE_TITLES,
    grid_table,
    no_effect_table,
    pivot_table,
    regression_table,
    tipping_table,
)
from nmo_stats.sensitivity import FAMILY_NAMES, NoEffect
from nmo_stats.sensitivity.literature import placebo_sentences
from nmo_stats.sensitivity.words import no_effect_sentences
from nmo_stats.wording import percent, significant

_ENDS: Final = {
    "fixed": "as observed",
    "triggered_1": "2 months after its first relapse",
    "triggered_2": "2 months after its second relapse",
    "look_back": "2 months after a relapse, the reference period being the 12 months before, with at least "
    "2 relapses in them",
}


def no_effect(analysis: Analysis) -> Section:
    """Return the section on what such a design shows without any effect."""
    found = analysis.sensitivity
    title = "What such a design shows with no effect at all"
    headline = [design for design in found.designs if design.is_headline]
    told = no_effect_sentences(analysis.pair, found.designs)
    known = tuple(map(Prose, placebo_sentences(analysis.pair)))
    if not told:
        reasons = dict.fromkeys(f"{_capital(row.reason)}." for row in found.of("benchmark") if row.reason)
        lead = "What series like this one show with no effect at all could not be simulated."
        return Section("no-effect", title, lead, (*map(Prose, reasons), *known))
    table = no_effect_table(headline)
    blocks: tuple[Block, ...] = (
        _no_effect_picture(analysis, headline),
        *(Prose(text) for text in told[1:]),
        *known,
        Fold("The numbers, and how they were simulated", (table, Prose(_simulated(headline)))),
    )
    if len(found.designs) > len(headline):
        blocks = (*blocks, Fold("The same for other populations", (grid_table(found.designs),)))
    return Section("no-effect", title, told[0], blocks)


def _simulated(headline: Sequence[NoEffect]) -> str:
    """Return how the series were simulated."""
    ends = "; ".join(_ENDS[design.rule_name] for design in headline)
    spread = headline[0].overdispersion.sd_period
    periods = f", and the rate of a period strays from it (log sd {significant(spread, 2)})" if spread else ""
    return (
        "How it was simulated: each patient has a relapse rate of their own, Gamma distributed between "
        f"patients{periods}; the comparator times are those of "
        "these patients, and nothing changes at the switch. The designs differ in when the reference "
        f"period ends: {ends}. How these patients came to be "
        "switched is not known from the counts."
    )


def assumptions(analysis: Analysis) -> Section:
    """Return the section on the ratio under other assumptions, and on what would tip it."""
    found = analysis.sensitivity
    told = no_effect_sentences(found.pair, found.designs)
    lead, *rest = (text for text in found.summary if text not in told)
    blocks: tuple[Block, ...] = (_curve(analysis),) if _has_curve(analysis) else ()
    blocks = (*blocks, *((Prose(" ".join(rest)),) if rest else ()))
    if found.has_answer:
        blocks = (*blocks, pivot_table(found))
    regression = found.of("rtm")
    if any(row.has_interval for row in regression):
        blocks = (*blocks, regression_table(found))
    tipping = tipping_table(found)
    blocks = (*blocks, tipping) if tipping.rows else blocks
    in_tables = {*PIVOT_FAMILIES, "tipping"} if found.has_answer else set()
    reasons = tuple(
        dict.fromkeys(
            f"{FAMILY_NAMES[row.family]}: {row.reason}."
            for row in found.without_number
            if row.family not in in_tables
        )
    )
    if reasons:
        blocks = (*blocks, Prose("Without a number, and why:"), Bullets(reasons))
    title = "Other assumptions, and what would tip the answer"
    return Section("sensitivity", title, lead, (*blocks, *_in_words(analysis)))


def _in_words(analysis: Analysis) -> tuple[Block, ...]:
    found = analysis.sensitivity
    sentences = tuple(
        found.sentence(row)
        for row in found.rows
        if row.has_interval and row.method in (*COLUMNS, "empirical_bayes") and row.family != "benchmark"
    )
    return (Fold("Each assumption in a sentence", (Bullets(sentences),)),) if sentences else ()


def _no_effect_picture(analysis: Analysis, headline: Sequence[NoEffect]) -> Picture:
    from nmo_stats.figures import no_effect as paint
    from nmo_stats.figures.sensitivity import simulated_rows

    population = headline[0].population
    told = [
        f"{RULE_TITLES[design.rule_name]}: {METHODS[one.method].name} median {significant(one.median, 2)}, 95 % of the series {significant(one.low or 0.0, 2)} to {significant(one.high or 0.0, 2)}"
        for design in headline
        for one in design.spreads
        if one.median is not None
    ]
    return draw(
        "no_effect",
        partial(
            paint,
            headline,
            [RULE_TITLES[design.rule_name] for design in headline],
            comparator=analysis.pair.comparator,
        ),
        0.24 * simulated_rows(headline) + 0.4,
        caption=f"Estimates in simulated series like this one with no effect: medians (dots) and the range of 95 % of the series (grey). Blue bars: the observed estimates, "
        f"with the share of series at or below them. Mean rate {significant(population.mean, 2)} per year as in these patients, coefficient of variation {population.cv:g}.",
        alt=f"With no effect: {'; '.join(told)}.",
    )


def _has_curve(analysis: Analysis) -> bool:
    from nmo_stats.figures.sensitivity import lines

    return bool(lines(analysis.sensitivity))


def _curve(analysis: Analysis) -> Picture:
    from nmo_stats.figures import specification_curve
    from nmo_stats.figures.sensitivity import height, lines

    found = analysis.sensitivity
    shown = lines(found)
    told = [f"{line.assumption}: {line.leading.ratio_text(2)}" for line in shown]
    return draw(
        "assumptions",
        partial(specification_curve, found),
        0.22 * height(shown) + 0.4,
        caption=f"The ratio under one changed assumption after the other, with {percent(found.level)} intervals. Blue: the hierarchical ratio, and the numbers where there is one. Black: the exact ratio within patients. "
        "Grey: observed against expected relapses. The blue line and band are the hierarchical ratio as analysed.",
        alt=f"Rate ratio under each assumption. {'; '.join(told)}.",
    )


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
