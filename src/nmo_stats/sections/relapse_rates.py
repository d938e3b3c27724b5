"""Section on the annualized relapse rates."""

from __future__ import annotations

from typing import Any

from nmo_stats.analysis import Analysis
from nmo_stats.frames import records
from nmo_stats.sections.blocks import Section, Table
from nmo_stats.wording import beside, percent, significant


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
    return Section("arr", "Relapse rates", lead, (*tables, _individual_table(analysis)))


def _pooled_table(analysis: Analysis) -> Table:
    return Table(
        "Pooled annualized relapse rate (ARR): all relapses / all years",
        ("Treatment", "Patients", "Relapses", "Years", "ARR", f"{percent(analysis.arr.level)} interval"),
        tuple(_pooled_row(row) for row in records(analysis.arr.pooled)),
        notes=tuple(
            f"Caution on {name}: {caution.text}."
            for name, found in analysis.arr.cautions.items()
            for caution in found
            if caution.code == "merged"
        ),
    )


def _summary_table(analysis: Analysis) -> Table:
    share = f"Share ({percent(analysis.arr.level)} interval)"
    cautions = [
        f"Relapse-free on {name}: {caution.text}."
        for name, found in analysis.arr.cautions.items()
        for caution in found
        if caution.code != "merged"
    ]
    if cautions and analysis.first_relapse.curves:
        cautions.append("The share by time on the treatment is in the next section.")
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
    return Table(
        "Individual ARR with exact interval",
        columns,
        rows,
        words=(1,),
        file="tables/arr.csv",
        most_open=0,
    )


def _pooled_row(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(row["treatment"]), str(row["patients"]), str(row["relapses"]), significant(row["years"]))
    return (*counts, significant(row["arr"]), _between(row, "low", "high"))


def _summary_row(row: dict[str, Any]) -> tuple[str, ...]:
    free = f"{row['relapse_free']} of {row['patients']}"
    share = (
        f"{beside(row['relapse_free_share'], 1)} "
        f"({beside(row['relapse_free_low'], 1)} to {beside(row['relapse_free_high'], 1)})"
    )
    means = (
        significant(row["mean_arr"]),
        significant(row["median_arr"]),
        _between(row, "min_arr", "max_arr"),
    )
    return (str(row["treatment"]), *means, free, share)


def _between(row: dict[str, Any], low: str, high: str) -> str:
    return f"{significant(row[low])} to {significant(row[high])}"
