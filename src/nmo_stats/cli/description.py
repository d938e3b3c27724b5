"""The ``describe`` command: relapse rates, relapse times and EDSS, in words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from nmo_stats.cli.inputs import treatments
from nmo_stats.cli.options import Options
from nmo_stats.cli.printing import say, say_table
from nmo_stats.cohort import Cohort, Comparison, Notice
from nmo_stats.describe import (
    Accumulation,
    ArrSummary,
    EdssSummary,
    FirstRelapse,
    PairedEdss,
    accumulation,
    arr,
    edss,
    first_relapse,
    paired_edss,
)
from nmo_stats.describe.edss import RuleName
from nmo_stats.errors import ArgumentError, CohortError
from nmo_stats.frames import records
from nmo_stats.report.bundle import json_records
from nmo_stats.sections.blocks import Table
from nmo_stats.sections.edss import paired_sentence, shift_table
from nmo_stats.sections.relapse_times import first_relapse_sentences, median_table, share_table
from nmo_stats.wording import edss_text, percent, significant


@dataclass(frozen=True, eq=False)
class Description:
    """What the command prints.

    Parameters
    ----------
    arr, edss, first_relapse, accumulation
        Of all patients and treatments.
    paired_edss
        Of the patients with both of the compared treatments; None where it is not clear which these are.
    notices
        What is said of the data.
    """

    arr: ArrSummary
    edss: EdssSummary
    first_relapse: FirstRelapse
    accumulation: Accumulation
    paired_edss: PairedEdss | None
    notices: tuple[Notice, ...]


def description(cohort: Cohort, chosen: Options, rule: RuleName) -> Description:
    """Describe a cohort; its paired EDSS where two treatments are named, or are the only ones."""
    level, pair = chosen.settings.level, _pair(cohort, chosen)
    return Description(
        arr=arr(cohort, level),
        edss=edss(cohort, rule),
        first_relapse=first_relapse(cohort, level),
        accumulation=accumulation(cohort, level),
        paired_edss=None if pair is None else paired_edss(cohort, pair, level),
        notices=cohort.notices,
    )


def say_describe(cohort: Cohort, told: Description) -> None:
    """Print the annualized relapse rates, the time to the first relapse, and the EDSS."""
    summary, disability = told.arr, told.edss
    level = f"{percent(summary.level)} interval"
    rows = records(summary.to_frame())
    say_table(
        ("Patient", "Treatment", "Relapses", "Years", "ARR", level),
        [
            (str(row["patient"] or "all (pooled)"), row["treatment"], str(row["relapses"]), significant(row["years"]),
             significant(row["arr"]), f"{significant(row['low'])} to {significant(row['high'])}")
            for row in rows
        ],
        words=(0, 1),
    )  # fmt: skip
    say_table(
        ("Individual ARRs", "Mean", "Median", "Range", "Relapse-free"),
        [
            (row["treatment"], significant(row["mean_arr"]), significant(row["median_arr"]),
             f"{significant(row['min_arr'])} to {significant(row['max_arr'])}", f"{row['relapse_free']} of {row['patients']}")
            for row in records(summary.pooled)
        ],
    )  # fmt: skip
    for treatment, cautions in summary.cautions.items():
        for caution in cautions:
            what = "relapse rates" if caution.code == "merged" else "relapse-free share"
            say(f"{what} on {treatment}: {caution.text}")
    _say_times(told.first_relapse)
    if disability.available:
        _say_edss(disability)
        if told.paired_edss is None or not told.paired_edss.available:
            for caution in disability.cautions:
                say(f"EDSS: {caution.text}")
        if told.paired_edss is not None:
            _say_paired(told.paired_edss)
    for notice in cohort.notices:
        say(f"note: {notice.text}")


def describe_json(told: Description) -> dict[str, object]:
    """Return the ``describe`` document."""
    summary, disability = told.arr, told.edss
    return {
        "schema": 1,
        "arr": json_records(summary.to_frame()),
        "arr_by_treatment": json_records(summary.pooled),
        "edss": json_records(disability.per_period) if disability.available else [],
        "edss_by_treatment": json_records(disability.per_treatment) if disability.available else [],
        "edss_rule": disability.rule.name,
        "cautions": {
            name: [caution.to_dict() for caution in found] for name, found in summary.cautions.items()
        },
        "first_relapse": told.first_relapse.to_dict(),
        "accumulation": told.accumulation.to_dict(),
        "paired_edss": told.paired_edss.to_dict() if told.paired_edss else None,
        "notices": [notice.to_dict() for notice in told.notices],
    }


def _pair(cohort: Cohort, chosen: Options) -> Comparison | None:
    """Return the comparison that was asked for, or is clear without asking; None where it is not clear, or nobody had both."""
    asked = [name for name in (chosen.comparator, chosen.reference) if name]
    try:
        comparator, reference = treatments(cohort, chosen)
        return cohort.compare(comparator, reference=reference, courses=chosen.settings.courses)
    except (ArgumentError, CohortError):
        if set(asked) <= set(cohort.treatments) and len(set(asked)) == len(asked):
            return None  # rates and scores of single patients need no pairs
        raise


def _say_times(found: FirstRelapse) -> None:
    for sentence in first_relapse_sentences(found):
        say(sentence)
    if found.curves:
        for table in (median_table(found), share_table(found)):
            _say(table)


def _say_paired(found: PairedEdss) -> None:
    say(paired_sentence(found))
    if found.shift is not None:
        _say(shift_table(found))


def _say(table: Table) -> None:
    say(f"{table.caption}:")
    say_table(table.columns, table.rows, words=(0, *table.words))
    for note in table.notes:
        say(note)


def _say_edss(disability: EdssSummary) -> None:
    say_table(
        ("EDSS", "Start, median", "End, median", "Worsened", "Stable", "Improved"),
        [
            (
                row["treatment"],
                edss_text(row["start_median"]),
                edss_text(row["end_median"]),
                str(row["worsened"]),
                str(row["stable"]),
                str(row["improved"]),
            )
            for row in records(disability.per_treatment)
            if row["patients"]
        ],
    )
    say(f"EDSS rule {disability.rule.name}: {disability.rule.description}; {disability.confirmation}")
