"""What became of the dated relapses and days: totals by cause, patient by patient, and the merges across a switch."""

from __future__ import annotations

from typing import Final

import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.cohort.account import EventAccount
from nmo_stats.frames import records
from nmo_stats.names import CAUSES
from nmo_stats.sections.blocks import Block, Fold, Prose, Table
from nmo_stats.wording import capital, counted

MOST_ROWS: Final = 500


def attrition(analysis: Analysis) -> tuple[Block, ...]:
    """Return the account of dated events; nothing for a period table."""
    account = analysis.cohort.account
    if account is None:
        return ()
    return (
        _totals(account),
        *_patients(account.attrition),
        *_merges(analysis, account.switch_merges),
        *_lags(analysis, account.switch_lags),
    )


def _totals(account: EventAccount) -> Table:
    """Return the account of all patients: what came in is what was left out by cause and what was counted."""
    sums = account.totals
    rows = [("In the tables", f"{sums['relapses_in']}", f"{sums['days_in']}")]
    for code, cause in CAUSES.items():
        relapses, days = sums[f"relapses_{code}"], sums.get(f"days_{code}", 0)
        if relapses or days:
            rows.append(
                (capital(cause.name), f"{relapses}", f"{days}" if cause.takes_days else "not in days")
            )
    rows.append(("Counted", f"{sums['relapses_kept']}", f"{sums['days_kept']}"))
    notes: tuple[str, ...] = ("Days from the start of the first treatment to the last day observed.",)
    if sums["periods_consumed"]:
        consumed = counted(sums["periods_consumed"], "period")
        notes = (*notes, f"Nothing is left of {consumed} no longer than the run-in.")
    return Table(
        "From dated events to periods",
        ("What became of them", "Relapses", "Patient-days"),
        tuple(rows),
        notes=notes,
    )


def _patients(account: pd.DataFrame) -> tuple[Block, ...]:
    concerned = account[account["why"] != ""]
    if concerned.empty:
        return ()
    rows = tuple(
        (
            str(row["patient"]),
            f"{row['relapses_in']}",
            f"{row['relapses_kept']}",
            f"{row['days_in']}",
            f"{row['days_kept']}",
            str(row["why"]),
        )
        for row in records(concerned.head(MOST_ROWS))
    )
    columns = ("Patient", "Relapses in", "counted", "Days in", "counted", "Left out")
    title = f"What was left out, patient by patient ({counted(len(concerned), 'patient')})"
    notes = (
        (f"The first {MOST_ROWS}; all are in tables/attrition.csv.",) if len(concerned) > MOST_ROWS else ()
    )
    return (
        Fold(
            title, (Table("Patients of whom something was left out", columns, rows, words=(5,), notes=notes),)
        ),
    )


def _merges(analysis: Analysis, merges: pd.DataFrame) -> tuple[Block, ...]:
    """Return the onsets that a merge takes off a treatment, with the answer that follows without merging."""
    if merges.empty:
        return ()
    rows = tuple(
        (
            str(row["patient"]),
            row["first_onset"],
            row["counted_on"],
            row["onset"],
            row["fell_on"],
            f"{row['days_apart']}",
        )
        for row in records(merges.head(MOST_ROWS))
    )
    columns = ("Patient", "First onset", "counts", "Merged onset", "would count on", "Days apart")
    notes = (
        (f"The first {MOST_ROWS}; all are in tables/switch_merges.csv.",) if len(merges) > MOST_ROWS else ()
    )
    table = Table("Onsets merged across a switch", columns, rows, words=(2, 3, 4), notes=notes)
    listed = table if len(rows) <= 24 else Fold(f"{table.caption} ({len(merges)})", (table,))
    return (Prose(_without_merging(analysis, len(merges))), listed)


def _without_merging(analysis: Analysis, number: int) -> str:
    pair = analysis.pair
    verb = "was" if number == 1 else "were"
    text = (
        f"{counted(number, 'onset')} {verb} merged into a relapse that began before the treatment on which the onset fell, "
        "so that it does not count there."
    )
    if pair.unmerged is None:
        return text
    before, after = pair.unmerged.totals
    found = f"With no onsets merged there are {counted(before, 'relapse')} on {pair.reference} and {after} on {pair.comparator}."
    answers = [row for row in analysis.sensitivity.of("merging", "conditional_exact") if row.has_interval]
    return " ".join([text, found, *(analysis.sensitivity.sentence(row) for row in answers[:1])])


def _lags(analysis: Analysis, lags: pd.DataFrame) -> tuple[Block, ...]:
    """Return how long before the end of each course that another one follows its last relapse began."""
    if lags.empty:
        return ()
    rows = tuple(
        (
            str(row["patient"]),
            row["treatment"],
            row["next_treatment"],
            "no relapse" if pd.isna(row["lag_days"]) else f"{row['lag_days']}",
            "yes" if row["ended_by_relapse"] else "no",
        )
        for row in records(lags.head(MOST_ROWS).astype(object))
    )
    notes = tuple(f"{capital(notice.text)}." for notice in analysis.notices if notice.code == "switch_rule")
    if len(lags) > MOST_ROWS:
        notes = (*notes, f"The first {MOST_ROWS}; all are in tables/switch_lags.csv.")
    columns = ("Patient", "Course", "followed by", "Days from last relapse to end", "Ended by relapse")
    table = Table("From the last relapse to the switch", columns, rows, words=(1, 2), notes=notes)
    return (table if len(rows) <= 24 else Fold(f"{table.caption} ({len(lags)})", (table,)),)
