"""Section on the data themselves: every period, the timeline, and what became of dated events."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Cohort, Comparison, Notice
from nmo_stats.cohort.account import EventAccount
from nmo_stats.cohort.notices import named_patients
from nmo_stats.describe.curves import FollowUp, follow_up
from nmo_stats.names import CAUSES, WITHIN
from nmo_stats.sections.blocks import Block, Bullets, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, first_of
from nmo_stats.sensitivity import Sensitivity
from nmo_stats.wording import as_sentence, capital, counted, joined, plain, records, significant

_MOST_OPEN: Final = 30
_MOST_OPEN_EVENTS: Final = 24
_MOST_OPEN_NOTICES: Final = 12
_MOST_IN_WORDS: Final = 10


def periods(analysis: Analysis) -> Section:
    """Return the raw data of every patient with the timeline."""
    cohort, pair = analysis.cohort, analysis.pair
    blocks = (
        _timeline(cohort, pair),
        _period_table(cohort, pair),
        *attrition(cohort, pair, analysis.sensitivity if cohort.account is not None else None),
        *notice_blocks(analysis.notices),
    )
    return Section("data", "The data", comparison_sentence(pair), blocks)


def comparison_sentence(pair: Comparison) -> str:
    """Return the patients, relapses and years of a comparison."""
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    return (
        f"{counted(len(pair.patients), 'patient')} had {counted(reference, 'relapse')} in "
        f"{significant(reference_years)} years on {pair.reference} and {counted(comparator, 'relapse')} in "
        f"{significant(comparator_years)} years on {pair.comparator}."
    )


def notice_blocks(notices: tuple[Notice, ...]) -> tuple[Block, ...]:
    """Return what a reader must know about the data."""
    if not notices:
        return ()
    items = Bullets(tuple(as_sentence(notice.text) for notice in notices))
    if len(notices) > _MOST_OPEN_NOTICES:
        return (Fold(f"About these data: {len(notices)} notes", (items,)),)
    return (Prose("About these data:"), items)


def _period_table(cohort: Cohort, pair: Comparison) -> Table:
    rows = tuple(
        (
            row["patient"],
            row["treatment"],
            str(row["relapses"]),
            plain(row[cohort.unit], digits=8),
            significant(year),
        )
        for row, year in zip(records(cohort.to_frame()), cohort.years, strict=True)
    )
    unpaired = f"Only one of the two periods, excluded from the ratios: {named_patients(pair.unpaired, 20)}."
    return Table(
        "Every period of every patient",
        ("Patient", "Treatment", "Relapses", f"Follow-up ({cohort.unit_name}s)", "Years"),
        rows,
        words=(1,),
        notes=(unpaired,) if pair.unpaired else (),
        file="tables/periods.csv",
        most_open=_MOST_OPEN,
    )


# ---------------------------------------------------------------------------------- dated events


def attrition(
    cohort: Cohort, pair: Comparison | None, sensitivity: Sensitivity | None = None
) -> tuple[Block, ...]:
    """Return the account of dated events, the merges across a switch and the time to each switch.

    Parameters
    ----------
    cohort
        The data; those of a period table have no account.
    pair
        The comparison, for its relapses with no onsets merged.
    sensitivity
        Where the answer without merging is found.
    """
    account = cohort.account
    if account is None:
        return ()
    table, notices = account.attrition, cohort.notices if pair is None else pair.notices
    blocks: tuple[Block, ...] = (
        _totals(account),
        _patients(table[table["why"] != ""]),
        *_without_merging(pair, len(account.switch_merges), sensitivity),
        _merges(account.switch_merges),
        _lags(account.switch_lags, notices),
    )
    return tuple(block for block in blocks if not isinstance(block, Table) or block.rows)


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
    consumed = f"Nothing is left of {counted(sums['periods_consumed'], 'period')} no longer than the run-in."
    return Table(
        "From dated events to periods",
        ("What became of them", "Relapses", "Patient-days"),
        tuple(rows),
        notes=(
            "Days from the start of the first treatment to the last day observed.",
            *((consumed,) if sums["periods_consumed"] else ()),
        ),
    )


def _patients(account: pd.DataFrame) -> Table:
    """Return the patients with something left out."""
    return Table(
        "Patients with excluded relapses or days",
        ("Patient", "Relapses in", "counted", "Days in", "counted", "Excluded"),
        _rows(account, "patient", "relapses_in", "relapses_kept", "days_in", "days_kept", "why"),
        words=(5,),
        file="tables/attrition.csv",
        most_open=0,
    )


def _merges(merges: pd.DataFrame) -> Table:
    """Return the onsets that a merge takes off a treatment."""
    return Table(
        "Onsets merged across a switch",
        ("Patient", "First onset", "counts on", "Merged onset", "would count on", "Days apart"),
        _rows(merges, "patient", "first_onset", "counted_on", "onset", "fell_on", "days_apart"),
        words=(2, 3, 4),
        file="tables/switch_merges.csv",
        most_open=_MOST_OPEN_EVENTS,
    )


def _lags(lags: pd.DataFrame, notices: tuple[Notice, ...]) -> Table:
    """Return how long before the end of each course that another one follows its last relapse began."""
    shown = lags.assign(
        lag_days=lags["lag_days"].astype(object).where(lags["lag_days"].notna(), "no relapse"),
        ended_by_relapse=lags["ended_by_relapse"].map({True: "yes"}).fillna("no"),
    )
    return Table(
        "From the last relapse to the switch",
        ("Patient", "Course", "followed by", "Days from last relapse to end", "Ended by relapse"),
        _rows(shown, "patient", "treatment", "next_treatment", "lag_days", "ended_by_relapse"),
        words=(1, 2),
        notes=tuple(as_sentence(notice.text) for notice in notices if notice.code == "switch_rule"),
        file="tables/switch_lags.csv",
        most_open=_MOST_OPEN_EVENTS,
    )


def _rows(frame: pd.DataFrame, *names: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(row[name]) for name in names) for row in records(frame))


def _without_merging(
    pair: Comparison | None, number: int, sensitivity: Sensitivity | None
) -> tuple[Prose, ...]:
    """Return how many onsets a merge takes off a treatment, and the answer that follows without merging."""
    texts = []
    if number:
        texts.append(
            f"{counted(number, 'onset')} {'was' if number == 1 else 'were'} merged into a relapse that began "
            f"before the treatment of the onset, and {'is' if number == 1 else 'are'} not counted on it."
        )
    if pair is not None and pair.unmerged is not None:
        before, after = pair.unmerged.totals
        texts.append(
            f"With no onsets merged there are {counted(before, 'relapse')} on {pair.reference} and {after} "
            f"on {pair.comparator}."
        )
        if sensitivity is not None and number:
            answers = [row for row in sensitivity.answers("merging", WITHIN) if row.has_interval]
            texts += [sensitivity.sentence(row) for row in answers[:1]]
    return (Prose(" ".join(texts)),) if texts else ()


# ------------------------------------------------------------------------------------ the timeline


def _timeline(cohort: Cohort, pair: Comparison) -> Picture:
    from nmo_stats.figures import timeline
    from nmo_stats.figures.timeline import MOST_DRAWN, timeline_height

    count = len(pair.patients)
    follow_ups = list(follow_up(pair).values())
    patients = "; ".join(
        _patient_in_words(pair, follow_ups, row) for row in range(min(count, _MOST_IN_WORDS))
    )
    more = f"; and {count - _MOST_IN_WORDS} more patients" if count > _MOST_IN_WORDS else ""
    return draw(
        "timeline",
        partial(timeline, pair),
        timeline_height(count),
        caption=f"{_dots(pair)} {_left_out(cohort, pair)}{first_of(count, MOST_DRAWN)}",
        alt=f"Timeline of relapses on {pair.reference}, then on {pair.comparator}. {patients}{more}.",
    )


def _patient_in_words(pair: Comparison, follow_ups: list[FollowUp], row: int) -> str:
    """Return one patient's row of the timeline in words."""
    parts = []
    for period, watched in enumerate(follow_ups):
        months = np.sort(12 * watched.relapse_years[watched.relapse_patient == row])
        at = f" (at {', '.join(significant(month, 2) for month in months)} months)" if len(months) else ""
        parts.append(
            f"{pair.relapses[row, period]} in {significant(12 * pair.years[row, period])} months{at}"
        )
    return f"patient {pair.patients[row]}: {parts[0]}, then {parts[1]}"


def _dots(pair: Comparison) -> str:
    """Return what the dots and numbers of the timeline are, and which relapses it cannot place."""
    from nmo_stats.figures.timeline import MOST_LABELLED, MOST_SPELT_OUT, has_known_times

    count, relapses = len(pair.patients), sum(pair.totals)
    if not relapses:
        return "Follow-up around the switch; nobody relapsed."
    if not has_known_times(pair):
        counts = "" if count > MOST_LABELLED else ", with the number of relapses in each period"
        return f"Follow-up around the switch{counts}. The times of the relapses are unknown and not drawn."
    missing = relapses - sum(len(watched.relapse_years) for watched in follow_up(pair).values())
    if not missing:
        return "Follow-up around the switch. Dots: relapses."
    where = "their number is in or beside the bar."
    if count > MOST_SPELT_OUT:
        where = '"+2" means two of them.' if count <= MOST_LABELLED else "they are not drawn."
    unknown = f"{counted(missing, 'relapse')} of {relapses} at unknown times: {where}"
    return f"Follow-up around the switch. Dots: relapses. {unknown}"


def _left_out(cohort: Cohort, pair: Comparison) -> str:
    """Return the days that the bars leave out: unknown for a period table, all of them for dated events."""
    account = cohort.account
    if account is None:
        return "Whether there was a gap between the treatments is not known and not drawn."
    table = account.attrition
    days = table[table["patient"].isin(pair.patients)].sum(numeric_only=True)
    parts = [
        f"{counted(int(days[name]), 'patient-day')} {where}"
        for name, where in (("days_gap", "between treatments"), ("days_run_in", "of run-in"))
        if days[name]
    ]
    if not parts:
        return "No days between treatments are excluded."
    return f"The bars are set end to end, without {joined(parts)}."
