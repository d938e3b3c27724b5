"""Section on the data themselves: every period, and the timeline."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.describe.follow_up import FollowUp, follow_up
from nmo_stats.frames import records
from nmo_stats.sections.attrition import attrition
from nmo_stats.sections.blocks import Block, Bullets, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, first_of
from nmo_stats.wording import capital, counted, joined, plain, significant

_UNFOLDED_ROWS: Final = 30
_UNFOLDED_NOTICES: Final = 12
_DESCRIBED: Final = 10


def periods(analysis: Analysis) -> Section:
    """Return the raw data of every patient with the timeline."""
    pair = analysis.pair
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    lead = (
        f"{counted(len(pair.patients), 'patient')} had {counted(reference, 'relapse')} in {significant(reference_years)} years on "
        f"{pair.reference} and {counted(comparator, 'relapse')} in {significant(comparator_years)} years on {pair.comparator}."
    )
    blocks = (_timeline(analysis), _raw_table(analysis), *attrition(analysis), *_notices(analysis))
    return Section("data", "The data", lead, blocks)


def _notices(analysis: Analysis) -> tuple[Block, ...]:
    if not analysis.notices:
        return ()
    listed = Bullets(tuple(f"{capital(notice.text)}." for notice in analysis.notices))
    if len(analysis.notices) > _UNFOLDED_NOTICES:
        return (Fold(f"About these data: {len(analysis.notices)} notes", (listed,)),)
    return (Prose("About these data:"), listed)


def _timeline(analysis: Analysis) -> Picture:
    from nmo_stats.figures import timeline
    from nmo_stats.figures.timeline import timeline_height

    pair = analysis.pair
    more = len(pair.patients) - _DESCRIBED
    watched = list(follow_up(pair).values())
    rows = "; ".join(_told(pair, watched, row) for row in range(min(len(pair.patients), _DESCRIBED)))
    return draw(
        "timeline",
        partial(timeline, pair),
        timeline_height(len(pair.patients)),
        caption=_timeline_caption(analysis),
        alt=f"Timeline of relapses on {pair.reference}, then on {pair.comparator}. {rows}{f'; and {more} more patients' if more > 0 else ''}.",
    )


def _told(pair: Comparison, watched: list[FollowUp], row: int) -> str:
    """Return one patient's row of the timeline in words."""
    parts = []
    for period, on_drug in enumerate(watched):
        timed = np.sort(12 * on_drug.relapse_years[on_drug.relapse_patient == row])
        at = f" (at {', '.join(significant(month, 2) for month in timed)} months)" if len(timed) else ""
        parts.append(
            f"{pair.relapses[row, period]} in {significant(12 * pair.years[row, period])} months{at}"
        )
    return f"patient {pair.patients[row]}: {parts[0]}, then {parts[1]}"


def _timeline_caption(analysis: Analysis) -> str:
    from nmo_stats.figures.timeline import MOST_DRAWN, MOST_LABELLED, MOST_SPELT_OUT, has_known_times

    pair = analysis.pair
    count = len(pair.patients)
    gap = _left_out(analysis)
    if not sum(pair.totals):
        return f"Follow-up around the switch; nobody relapsed. {gap}{first_of(count, MOST_DRAWN)}"
    if not has_known_times(pair):
        counts = "" if count > MOST_LABELLED else ", with the number of relapses in each period"
        return f"Follow-up around the switch{counts}. When a relapse happened within its period is not in the data and is not drawn. {gap}{first_of(count, MOST_DRAWN)}"
    missing = sum(pair.totals) - sum(len(watched.relapse_years) for watched in follow_up(pair).values())
    unknown = (
        "" if missing == 0 else f" {counted(missing, 'relapse')} of {sum(pair.totals)} at unknown times:"
    )
    where = "" if missing == 0 else " their number stands in or beside the bar."
    if missing and count > MOST_SPELT_OUT:
        where = ' "+2" stands for two of them.' if count <= MOST_LABELLED else " they are not drawn."
    return f"Follow-up around the switch. Dots: relapses.{unknown}{where} {gap}{first_of(count, MOST_DRAWN)}"


def _left_out(analysis: Analysis) -> str:
    """Return what is known of the days that the bars leave out: nothing for a period table, all of it for dated events."""
    account = analysis.cohort.attrition
    if account is None:
        return "Whether there was a gap between the treatments is not known and not drawn."
    days = account[account["patient"].isin(analysis.pair.patients)].sum(numeric_only=True)
    parts = [
        f"{counted(int(days[name]), 'patient-day')} {where}"
        for name, where in (("days_gap", "between treatments"), ("days_run_in", "of run-in"))
        if days[name]
    ]
    if not parts:
        return "No days between treatments are left out."
    return f"The bars are set end to end, without {joined(parts)}."


def _raw_table(analysis: Analysis) -> Table:
    frame, years = analysis.cohort.to_frame(), analysis.cohort.years
    unit = analysis.cohort.unit.removeprefix("exposure_")
    columns = ["Patient", "Treatment", "Relapses", f"Follow-up ({unit})", "Years"]
    rows = [
        (
            row["patient"],
            row["treatment"],
            str(row["relapses"]),
            plain(row[analysis.cohort.unit], digits=8),
            significant(year),
        )
        for row, year in zip(records(frame), years, strict=True)
    ]
    notes: tuple[str, ...] = ()
    if analysis.pair.unpaired:
        unpaired = analysis.pair.unpaired
        listed = ", ".join(unpaired[:20]) + (f" and {len(unpaired) - 20} more" if len(unpaired) > 20 else "")
        notes = (f"Only one of the two periods, and in no estimate of the ratio: patient {listed}.",)
    return Table(
        "Every period of every patient",
        tuple(columns),
        tuple(rows),
        words=(1,),
        notes=notes,
        file="tables/periods.csv",
        most_open=_UNFOLDED_ROWS,
    )
