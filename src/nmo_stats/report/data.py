"""Sections on the data themselves: periods, relapse rates, EDSS."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from nmo_stats.analysis import Analysis
from nmo_stats.frames import records
from nmo_stats.report.attrition import attrition
from nmo_stats.report.blocks import Block, Bullets, Fold, Picture, Prose, Section, Table
from nmo_stats.report.drawing import draw
from nmo_stats.wording import counted, percent, significant

_UNFOLDED_ROWS = 24


def periods(analysis: Analysis) -> Section:
    """Return the raw data of every patient with the timeline."""
    pair = analysis.pair
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    lead = (
        f"{counted(len(pair.patients), 'patient')} had {counted(reference, 'relapse')} in {significant(reference_years)} years on "
        f"{pair.reference} and {counted(comparator, 'relapse')} in {significant(comparator_years)} years on {pair.comparator}."
    )
    blocks: tuple[Block, ...] = (_timeline(analysis), _folded(_raw_table(analysis)), *attrition(analysis))
    if analysis.notices:
        blocks = (
            *blocks,
            Prose("About these data:"),
            Bullets(tuple(f"{_capital(notice.text)}." for notice in analysis.notices)),
        )
    return Section("data", "The data", lead, blocks)


def relapse_rates(analysis: Analysis) -> Section:
    """Return the annualized relapse rates: pooled, and as papers summarize the individual ones."""
    pooled = {row["treatment"]: row for row in records(analysis.arr.pooled)}
    pair = analysis.pair
    before, after = pooled[pair.reference], pooled[pair.comparator]
    lead = (
        f"The pooled annualized relapse rate was {significant(before['arr'], 2)} on {pair.reference} and "
        f"{significant(after['arr'], 2)} on {pair.comparator}; the medians of the individual rates were "
        f"{significant(before['median_arr'], 2)} and {significant(after['median_arr'], 2)}."
    )
    tables = (_pooled_table(analysis), _summary_table(analysis))
    individual = Fold("Individual relapse rates", (_individual_table(analysis),))
    return Section("arr", "Relapse rates", lead, (*tables, individual))


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
    table = Table(
        "EDSS by treatment: median (range)",
        ("Treatment", "Start", "End", "Change", "Worsened / stable / improved / unknown"),
        tuple(_edss_row(row) for row in records(summary.per_treatment)),
        notes=(
            f"Worsened: {summary.rule.description}; improved: a decrease by the same step.",
            f"{_capital(summary.confirmation)}.",
            *(f"{_capital(caution.text)}." for caution in summary.cautions),
        ),
    )
    return Section("edss", "Disability (EDSS)", lead, (_slopes(analysis), table))


def _timeline(analysis: Analysis) -> Picture:
    from nmo_stats.figures import timeline

    pair = analysis.pair
    rows = [
        f"patient {patient}: {counts[0]} in {significant(12 * years[0])} months, then {counts[1]} in {significant(12 * years[1])} months"
        for patient, counts, years in zip(pair.patients[:10], pair.relapses, pair.years, strict=False)
    ]
    more = f"; and {len(pair.patients) - 10} more patients" if len(pair.patients) > 10 else ""
    return draw(
        "timeline",
        partial(timeline, pair),
        0.9 + 0.42 * min(len(pair.patients), 24),
        caption="Follow-up around the switch, with the number of relapses in each period. When a relapse happened within its period, and whether there was a gap between the drugs, is not in the period table and is not drawn.",
        alt=f"Timeline of relapses on {pair.reference}, then on {pair.comparator}. {'; '.join(rows)}{more}.",
    )


def _raw_table(analysis: Analysis) -> Table:
    frame, years = analysis.cohort.to_frame(), analysis.cohort.years
    unit = analysis.cohort.unit.removeprefix("exposure_")
    columns = ["Patient", "Treatment", "Relapses", f"Follow-up ({unit})", "Years"]
    rows = [
        (
            row["patient"],
            row["treatment"],
            str(row["relapses"]),
            f"{row[analysis.cohort.unit]:g}",
            significant(year),
        )
        for row, year in zip(records(frame), years, strict=True)
    ]
    notes: tuple[str, ...] = ()
    if analysis.pair.unpaired:
        listed = ", ".join(analysis.pair.unpaired[:20])
        notes = (f"Only one of the two periods, and in no estimate of the ratio: patient {listed}.",)
    return Table("Every period of every patient", tuple(columns), tuple(rows), words=(1,), notes=notes)


def _folded(table: Table) -> Block:
    return (
        table
        if len(table.rows) <= _UNFOLDED_ROWS
        else Fold(f"{table.caption} ({len(table.rows)} rows)", (table,))
    )


def _pooled_table(analysis: Analysis) -> Table:
    return Table(
        "Pooled annualized relapse rate (ARR): all relapses / all years",
        ("Treatment", "Patients", "Relapses", "Years", "ARR", f"{percent(analysis.arr.level)} interval"),
        tuple(_pooled_row(row) for row in records(analysis.arr.pooled)),
    )


def _summary_table(analysis: Analysis) -> Table:
    share = f"Share ({percent(analysis.arr.level)} interval)"
    cautions = [
        f"Relapse-free on {name}: {caution.text}."
        for name, found in analysis.arr.cautions.items()
        for caution in found
    ]
    return Table(
        "Individual ARRs, and patients without a relapse",
        ("Treatment", "Mean", "Median", "Range", "Relapse-free", share),
        tuple(_summary_row(row) for row in records(analysis.arr.pooled)),
        notes=("Mean and median of the individual ARRs weigh a short period like a long one.", *cautions),
    )


def _individual_table(analysis: Analysis) -> Table:
    rows = tuple(
        (
            row["patient"],
            row["treatment"],
            str(row["relapses"]),
            significant(row["years"]),
            significant(row["arr"]),
            _between(row, "low", "high"),
        )
        for row in records(analysis.arr.per_patient)
    )
    interval = f"{percent(analysis.arr.level)} interval"
    columns = ("Patient", "Treatment", "Relapses", "Years", "ARR", interval)
    return Table("Individual ARR with exact interval", columns, rows, words=(1,))


def _pooled_row(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(row["treatment"]), str(row["patients"]), str(row["relapses"]), significant(row["years"]))
    return (*counts, significant(row["arr"]), _between(row, "low", "high"))


def _summary_row(row: dict[str, Any]) -> tuple[str, ...]:
    free = f"{row['relapse_free']} of {row['patients']}"
    share = (
        f"{significant(row['relapse_free_share'])} ({_between(row, 'relapse_free_low', 'relapse_free_high')})"
    )
    means = (
        significant(row["mean_arr"]),
        significant(row["median_arr"]),
        _between(row, "min_arr", "max_arr"),
    )
    return (str(row["treatment"]), *means, free, share)


def _between(row: dict[str, Any], low: str, high: str) -> str:
    return f"{significant(row[low])} to {significant(row[high])}"


def _slopes(analysis: Analysis) -> Picture:
    from nmo_stats.figures import edss_slopes

    pair = analysis.pair
    known = analysis.edss.per_period.dropna(subset=["start", "end"])
    rows = [
        f"patient {row['patient']} on {row['treatment']} {row['start']:.1f} to {row['end']:.1f}"
        for row in records(known.head(12))
    ]
    return draw(
        "edss",
        partial(edss_slopes, analysis.edss, (pair.reference, pair.comparator)),
        2.7,
        caption="EDSS at the start and end of each period. Lines that would coincide are set slightly apart.",
        alt=f"EDSS by period: {'; '.join(rows)}{' and more' if len(known) > 12 else ''}.",
    )


def _edss_row(row: dict[str, Any]) -> tuple[str, ...]:
    spans = [_span(row, name) for name in ("start", "end", "change")]
    counts = " / ".join(str(row[name]) for name in ("worsened", "stable", "improved", "unknown"))
    return (str(row["treatment"]), *spans, counts)


def _span(row: dict[str, Any], name: str) -> str:
    median = row[f"{name}_median"]
    if math.isnan(median):
        return "–"
    return f"{_score(median)} ({_score(row[f'{name}_min'])} to {_score(row[f'{name}_max'])})"


def _score(value: float) -> str:
    return f"{value:.2f}".removesuffix("0").replace("-", "−")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
