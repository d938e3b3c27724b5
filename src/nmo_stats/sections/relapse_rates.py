"""Section on the annualized relapse rates."""

from __future__ import annotations

from typing import Any

from nmo_stats.analysis import Analysis
from nmo_stats.describe import ArrSummary
from nmo_stats.sections.blocks import Section, Table
from nmo_stats.wording import beside, percent, range_text, records, significant


def relapse_rates(analysis: Analysis) -> Section:
    """Return the annualized relapse rates: pooled, and as papers summarize the individual ones."""
    pair, rates = analysis.pair, {row["treatment"]: row for row in records(analysis.arr.pooled)}
    before, after = rates[pair.reference], rates[pair.comparator]
    lead = (
        f"The pooled annualized relapse rate was {significant(before['arr'], 2)} on {pair.reference} and "
        f"{significant(after['arr'], 2)} on {pair.comparator}; the medians of the individual rates were "
        f"{significant(before['median_arr'], 2)} and {significant(after['median_arr'], 2)}."
    )
    has_curves = bool(analysis.first_relapse.curves)
    return Section("arr", "Relapse rates", lead, rate_tables(analysis.arr, has_curves=has_curves))


def rate_tables(summary: ArrSummary, *, has_curves: bool) -> tuple[Table, ...]:
    """Return the pooled rates, the summary of the individual ones, and these themselves.

    Parameters
    ----------
    summary
        Rates by treatment and by patient.
    has_curves
        Whether relapse-free proportions by time follow.
    """
    return (pooled_table(summary), _summary_table(summary, has_curves=has_curves), _individual_table(summary))


def pooled_table(summary: ArrSummary) -> Table:
    """Return all relapses over all years of each treatment."""
    rows = tuple(
        (str(row["treatment"]), str(row["patients"]), str(row["relapses"]), significant(row["years"]),
         significant(row["arr"]), _range(row, "low", "high"))
        for row in records(summary.pooled)
    )  # fmt: skip
    return Table(
        "Pooled annualized relapse rate (ARR): all relapses / all years",
        ("Treatment", "Patients", "Relapses", "Years", "ARR", f"{percent(summary.level)} interval"),
        rows,
        notes=_cautions(summary, "Caution on", is_merged=True),
    )


def _summary_table(summary: ArrSummary, *, has_curves: bool) -> Table:
    cautions = _cautions(summary, "Relapse-free on", is_merged=False)
    if cautions and has_curves:
        cautions = (
            *cautions,
            "The proportion by time on the treatment is given with the times of the relapses.",
        )
    return Table(
        "Individual ARRs, and patients without a relapse",
        (
            "Treatment",
            "Mean",
            "Median",
            "Range",
            "Relapse-free",
            f"Proportion ({percent(summary.level)} interval)",
        ),
        tuple(_summary_row(row) for row in records(summary.pooled)),
        notes=("Mean and median of the individual ARRs weigh a short period like a long one.", *cautions),
    )


def _summary_row(row: dict[str, Any]) -> tuple[str, ...]:
    share, low, high = (beside(row[f"relapse_free_{name}"], 1) for name in ("share", "low", "high"))
    return (
        str(row["treatment"]),
        significant(row["mean_arr"]),
        significant(row["median_arr"]),
        _range(row, "min_arr", "max_arr"),
        f"{row['relapse_free']} of {row['patients']}",
        f"{share} ({low} to {high})",
    )


def _individual_table(summary: ArrSummary) -> Table:
    rows = tuple(
        (row["patient"], row["treatment"], str(row["relapses"]), significant(row["years"]),
         significant(row["arr"]), _range(row, "low", "high"))
        for row in records(summary.per_patient)
    )  # fmt: skip
    columns = ("Patient", "Treatment", "Relapses", "Years", "ARR", f"{percent(summary.level)} interval")
    caption = "Individual ARR with exact interval"
    return Table(caption, columns, rows, words=(1,), file="tables/arr.csv", most_open=0)


def _cautions(summary: ArrSummary, about: str, *, is_merged: bool) -> tuple[str, ...]:
    """Return the cautions about merging, which concern the rates, or those that concern the proportion."""
    return tuple(
        f"{about} {treatment}: {caution.text}."
        for treatment, cautions in summary.cautions.items()
        for caution in cautions
        if (caution.code == "merged") is is_merged
    )


def _range(row: dict[str, Any], low: str, high: str) -> str:
    return range_text(row[low], row[high])
