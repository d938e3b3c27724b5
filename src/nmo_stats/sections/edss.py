"""Section on the EDSS: by period, and its change within patients."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

import numpy as np

from nmo_stats.analysis import Analysis
from nmo_stats.cohort.notices import named_patients
from nmo_stats.describe import EdssSummary, PairedEdss, SignedRank, SignTest
from nmo_stats.sections.blocks import Block, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw
from nmo_stats.wording import as_sentence, counted, edss_text, p_value_text, percent, plain, records

_MOST_OPEN: Final = 12
_FEW: Final = 10
_CATEGORIES: Final = ("worsened", "stable", "improved", "unknown")


def edss_section(analysis: Analysis) -> Section | None:
    """Return the EDSS by period, or None where no period has both scores."""
    if not analysis.edss.available:
        return None
    blocks = (_slopes(analysis), *edss_blocks(analysis.edss, analysis.paired_edss))
    return Section("edss", "Disability (EDSS)", edss_sentence(analysis.edss), blocks)


def edss_sentence(summary: EdssSummary) -> str:
    """Return how many periods with two scores worsened, were stable and improved on each treatment."""
    counts = [
        f"on {row['treatment']} {row['worsened']} worsened, {row['stable']} stable, {row['improved']} "
        "improved"
        for row in records(summary.per_treatment)
        if row["patients"]
    ]
    return f"By the {summary.rule.name} rule, of the periods with two scores: {'; '.join(counts)}."


def edss_blocks(summary: EdssSummary, paired: PairedEdss | None) -> tuple[Block, ...]:
    """Return the table by treatment, and the comparison within patients.

    Parameters
    ----------
    summary
        Scores by period.
    paired
        Changes within patients; None where it is not clear which treatments are compared.
    """
    is_compared = paired is not None and paired.available
    cautions = () if is_compared else summary.cautions  # they are given with the comparison
    table = Table(
        "EDSS by treatment: median (range)",
        ("Treatment", "Start", "End", "Change", "Worsened / stable / improved / unknown"),
        tuple(_edss_row(row) for row in records(summary.per_treatment)),
        notes=(
            f"Worsened: {summary.rule.description}; improved: a decrease by the same step.",
            *map(as_sentence, (summary.confirmation, *(caution.text for caution in cautions))),
        ),
    )
    return (table,) if paired is None else (table, *_paired_blocks(paired))


def _edss_row(row: dict[str, Any]) -> tuple[str, ...]:
    scores = [_median_and_range(row, name) for name in ("start", "end", "change")]
    return (str(row["treatment"]), *scores, " / ".join(str(row[name]) for name in _CATEGORIES))


def _median_and_range(row: dict[str, Any], name: str) -> str:
    median, low, high = (row[f"{name}_{part}"] for part in ("median", "min", "max"))
    return (
        "no score" if math.isnan(median) else f"{edss_text(median)} ({edss_text(low)} to {edss_text(high)})"
    )


def _paired_blocks(paired: PairedEdss) -> tuple[Block, ...]:
    if paired.shift is None:
        return (Prose(paired_sentence(paired)),)
    changes = ("reference_change", "comparator_change", "difference")
    rows = tuple(
        (row["patient"], *(edss_text(row[name]) for name in changes)) for row in records(paired.per_patient)
    )
    each = Table(
        "EDSS change of each patient",
        ("Patient", f"Change on {paired.reference}", f"Change on {paired.comparator}", "Difference"),
        rows,
        notes=(f"Without all four scores: {named_patients(paired.missing, 20)}.",) if paired.missing else (),
        file="tables/paired_edss.csv",
        most_open=_MOST_OPEN,
    )
    return (Prose(paired_sentence(paired)), _shift_table(paired), each)


def paired_sentence(paired: PairedEdss) -> str:
    """Return how the change on the comparator compares with that on the reference, or why this is unknown."""
    drugs = f"on {paired.comparator} and on {paired.reference}"
    if paired.shift is None:
        return f"The EDSS changes {drugs} cannot be compared within patients: {paired.reason}."
    missing = f" ({counted(len(paired.missing), 'paired patient')} without all four scores excluded)"
    who = f"Within {counted(len(paired.per_patient), 'patient')}{missing if paired.missing else ''}"
    how = f"(Hodges-Lehmann estimate; median difference {_points(paired.shift.median)})"
    estimate = paired.shift.estimate
    if estimate == 0:
        return f"{who} the difference between the EDSS change {drugs} is 0 points {how}."
    size = f"{_points(abs(estimate))} points {'lower' if estimate < 0 else 'higher'}"
    return f"{who} the EDSS change on {paired.comparator} was {size} than on {paired.reference} {how}."


def _shift_table(paired: PairedEdss) -> Table:
    """Return the estimate and the tests of the paired difference, each with what it could reach."""
    tests = [
        (_test_name(test), f"p {_p_value(test.p_value)}", _reach(test, paired.level))
        for test in paired.tests or ()
    ]
    patients = len(paired.per_patient)
    return Table(
        f"EDSS change on {paired.comparator} minus change on {paired.reference}, within patients",
        ("Method", "Result", "What so few patients can show" if patients < _FEW else "Reach"),
        (("Hodges-Lehmann difference", *_shift(paired)), *tests),
        words=(2,),
        notes=(
            *(as_sentence(caution.text) for caution in paired.cautions),
            "Hodges-Lehmann and Wilcoxon assume differences symmetric about their centre.",
            *(() if paired.tests else (f"No test: {paired.reason}.",)),
        ),
    )


def _shift(paired: PairedEdss) -> tuple[str, str]:
    """Return the Hodges-Lehmann estimate and its interval, or why there is none."""
    shift, level = paired.shift, percent(paired.level)
    if shift is None:
        return "not estimable", paired.reason
    estimate = _points(shift.estimate)
    if shift.interval is None:
        count = counted(len(paired.per_patient), "patient")
        highest = f", at most {percent(shift.attainable_level)}" if shift.attainable_level else ""
        return estimate, f"a {level} interval cannot be reached with {count}{highest}"
    limits = f"{level} interval {_points(shift.interval.low)} to {_points(shift.interval.high)}"
    if paired.per_patient["difference"].nunique() > 1:
        return estimate, limits
    return (
        estimate,
        f"{limits}; all differences are equal, so the method sees no spread: other patients may differ",
    )


def _test_name(test: SignTest | SignedRank) -> str:
    if isinstance(test, SignTest):
        return "Sign test, exact"
    return "Wilcoxon signed ranks, exact" if test.is_exact else "Wilcoxon signed ranks, Normal limit"


def _reach(test: SignTest | SignedRank, level: float) -> str:
    pairs = counted(test.pairs, "non-zero difference")
    smallest = f"smallest p with {pairs}: {p_value_text(test.smallest_p_value)}"
    return smallest if test.can_reach(level) else f"{smallest}; {plain(1 - level)} cannot be reached"


def _p_value(p_value: float) -> str:
    text = p_value_text(p_value)
    return text if text[0] in "<>" else f"= {text}"


def _points(value: float) -> str:
    """Return EDSS points; the estimate is a multiple of an eighth."""
    return np.format_float_positional(value, precision=3, trim="0").replace("-", "−")


def _slopes(analysis: Analysis) -> Picture:
    from nmo_stats.figures import edss_slopes
    from nmo_stats.figures.edss import MOST_LABELLED

    pair = analysis.pair
    known = analysis.edss.per_period.dropna(subset=["start", "end"])
    periods = [
        f"patient {row['patient']} on {row['treatment']} {row['start']:.1f} to {row['end']:.1f}"
        for row in records(known.head(MOST_LABELLED))
    ]
    is_few = known["patient"].nunique() <= MOST_LABELLED
    few, many = "Coinciding lines are set slightly apart.", "The width of a line is the number of patients."
    return draw(
        "edss",
        partial(edss_slopes, analysis.edss, (pair.reference, pair.comparator)),
        2.7,
        caption=f"EDSS at the start and end of each period. {few if is_few else many}",
        alt=f"EDSS by period: {'; '.join(periods)}{' and more' if len(known) > MOST_LABELLED else ''}.",
    )
