"""Section on the EDSS: by period, and its change within patients."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

from nmo_stats.analysis import Analysis
from nmo_stats.describe import PairedEdss, SignedRank, SignTest
from nmo_stats.frames import records
from nmo_stats.sections.blocks import Block, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw
from nmo_stats.wording import capital, counted, edss_text, p_value_text, percent, plain

_UNFOLDED_PATIENTS: Final = 12


def edss_section(analysis: Analysis) -> Section | None:
    """Return the EDSS by period, or None where no period has both scores."""
    summary = analysis.edss
    if not summary.available:
        return None
    counts = [
        f"on {row['treatment']} {row['worsened']} worsened, {row['stable']} stable, {row['improved']} improved"
        for row in records(summary.per_treatment)
        if row["patients"]
    ]
    lead = f"By the {summary.rule.name} rule, of the periods with two scores: {'; '.join(counts)}."
    cautions = () if analysis.paired_edss.available else summary.cautions  # they stand below the comparison
    table = Table(
        "EDSS by treatment: median (range)",
        ("Treatment", "Start", "End", "Change", "Worsened / stable / improved / unknown"),
        tuple(_edss_row(row) for row in records(summary.per_treatment)),
        notes=(
            f"Worsened: {summary.rule.description}; improved: a decrease by the same step.",
            f"{capital(summary.confirmation)}.",
            *(f"{capital(caution.text)}." for caution in cautions),
        ),
    )
    return Section("edss", "Disability (EDSS)", lead, (_slopes(analysis), table, *_paired(analysis)))


def paired_sentence(found: PairedEdss) -> str:
    """Return how the change on the comparator compares with the change on the reference, or why that is not known."""
    if found.shift is None:
        return f"The EDSS changes on {found.comparator} and on {found.reference} cannot be compared within patients: {found.reason}."
    left_out = (
        f" ({counted(len(found.missing), 'paired patient')} without all four scores left out)"
        if found.missing
        else ""
    )
    within = f"Within {counted(len(found.per_patient), 'patient')}{left_out}"
    how = f"(Hodges-Lehmann estimate; median difference {_points(found.shift.median)})"
    estimate = found.shift.estimate
    if estimate == 0:
        return f"{within} the difference between the EDSS change on {found.comparator} and on {found.reference} is 0 points {how}."
    size = f"{_points(abs(estimate))} points {'lower' if estimate < 0 else 'higher'}"
    return f"{within} the EDSS change on {found.comparator} was {size} than on {found.reference} {how}."


def shift_table(found: PairedEdss) -> Table:
    """Return the estimate and the tests of the paired difference, each with what it could reach."""
    rows = [
        (
            "Hodges-Lehmann difference",
            _points(found.shift.estimate) if found.shift else "not estimable",
            _limits(found),
        )
    ]
    rows += [
        (_test_name(test), f"p {_p_value(test.p_value)}", _reach(test, found.level))
        for test in found.tests or ()
    ]
    notes = [] if found.tests else [f"No test: {found.reason}."]
    return Table(
        f"EDSS change on {found.comparator} minus change on {found.reference}, within patients",
        ("Method", "Result", "What so few patients can show" if len(found.per_patient) < 10 else "Reach"),
        tuple(rows),
        words=(2,),
        notes=(
            *(f"{capital(caution.text)}." for caution in found.cautions),
            "Hodges-Lehmann and Wilcoxon take the differences to lie symmetrically about their centre.",
            *notes,
        ),
    )


def _test_name(test: SignTest | SignedRank) -> str:
    if isinstance(test, SignTest):
        return "Sign test, exact"
    return "Wilcoxon signed ranks, exact" if test.is_exact else "Wilcoxon signed ranks, Normal limit"


def _paired(analysis: Analysis) -> tuple[Block, ...]:
    found = analysis.paired_edss
    if found.shift is None:
        return (Prose(paired_sentence(found)),)
    rows = tuple(
        (
            row["patient"],
            edss_text(row["reference_change"]),
            edss_text(row["comparator_change"]),
            edss_text(row["difference"]),
        )
        for row in records(found.per_patient)
    )
    columns = ("Patient", f"Change on {found.reference}", f"Change on {found.comparator}", "Difference")
    missing = (f"Without all four scores: patient {_listed(found.missing)}.",) if found.missing else ()
    listed = Table(
        "EDSS change of each patient",
        columns,
        rows,
        notes=missing,
        file="tables/paired_edss.csv",
        most_open=_UNFOLDED_PATIENTS,
    )
    return (Prose(paired_sentence(found)), shift_table(found), listed)


def _limits(found: PairedEdss) -> str:
    if found.shift is None:
        return found.reason
    if found.shift.interval is None:
        count = counted(len(found.per_patient), "patient")
        highest = f", at most {percent(found.shift.attainable_level)}" if found.shift.attainable_level else ""
        return f"a {percent(found.level)} interval cannot be reached with {count}{highest}"
    low, high = found.shift.interval.low, found.shift.interval.high
    limits = f"{percent(found.level)} interval {_points(low)} to {_points(high)}"
    if found.per_patient["difference"].nunique() > 1:
        return limits
    same = "these differences are all the same, and the method sees no spread: other patients may differ"
    return f"{limits}; {same}"


def _reach(test: SignTest | SignedRank, level: float) -> str:
    smallest = (
        f"smallest p with {counted(test.pairs, 'non-zero difference')}: {p_value_text(test.smallest_p_value)}"
    )
    return smallest if test.can_reach(level) else f"{smallest}; {plain(1 - level)} cannot be reached"


def _p_value(p_value: float) -> str:
    text = p_value_text(p_value)
    return text if text[0] in "<>" else f"= {text}"


def _points(value: float) -> str:
    """Return EDSS points; the estimate is a multiple of an eighth."""
    text = f"{value:.3f}".rstrip("0")
    return (f"{text}0" if text.endswith(".") else text).replace("-", "−")


def _listed(names: tuple[str, ...], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _slopes(analysis: Analysis) -> Picture:
    from nmo_stats.figures import edss_slopes
    from nmo_stats.figures.edss import MOST_LABELLED

    pair = analysis.pair
    known = analysis.edss.per_period.dropna(subset=["start", "end"])
    rows = [
        f"patient {row['patient']} on {row['treatment']} {row['start']:.1f} to {row['end']:.1f}"
        for row in records(known.head(12))
    ]
    few = known["patient"].nunique() <= MOST_LABELLED
    lines = (
        "Lines that would coincide are set slightly apart."
        if few
        else "The width of a line says how many patients have these two scores."
    )
    return draw(
        "edss",
        partial(edss_slopes, analysis.edss, (pair.reference, pair.comparator)),
        2.7,
        caption=f"EDSS at the start and end of each period. {lines}",
        alt=f"EDSS by period: {'; '.join(rows)}{' and more' if len(known) > 12 else ''}.",
    )


def _edss_row(row: dict[str, Any]) -> tuple[str, ...]:
    spans = [_span(row, name) for name in ("start", "end", "change")]
    counts = " / ".join(str(row[name]) for name in ("worsened", "stable", "improved", "unknown"))
    return (str(row["treatment"]), *spans, counts)


def _span(row: dict[str, Any], name: str) -> str:
    median = row[f"{name}_median"]
    if math.isnan(median):
        return "no score"
    return f"{edss_text(median)} ({edss_text(row[f'{name}_min'])} to {edss_text(row[f'{name}_max'])})"
