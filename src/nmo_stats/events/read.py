"""Dated treatments and relapses as a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nmo_stats.arrays import Flags
from nmo_stats.cohort import Cohort, Notice
from nmo_stats.cohort.notices import remark_notices, table_notices, times_notices
from nmo_stats.cohort.schema import DAYS_PER_YEAR, KNOWN
from nmo_stats.errors import CohortError
from nmo_stats.events.account import account
from nmo_stats.events.days import DateOrder
from nmo_stats.events.plausibility import implausible, timeline_notices
from nmo_stats.events.rules import Counted, Ending, Gap, Rules, counted, without_merging
from nmo_stats.events.timeline import Events
from nmo_stats.events.validate import events_of
from nmo_stats.tables.cells import printable
from nmo_stats.tables.files import TableFile, listed
from nmo_stats.tables.reading import read_table

Data = str | Path | TableFile | pd.DataFrame


def read_events(  # noqa: PLR0913  every rule by its name, as at the prompt
    treatments: Data,
    relapses: Data,
    *,
    columns: Mapping[str, str] | None = None,
    min_gap_days: int | None = None,
    run_in_days: int = 0,
    gap: Gap = "drop",
    end: Ending = "exclusive",
    switch_window_days: int = 90,
    dates: DateOrder | None = None,
) -> Cohort:
    """Build the period table from dated treatments and relapses.

    Courses are (start, end] in whole days, and their length is the follow-up. The onsets of a patient are
    sorted and merged, a relapse belongs to the course that holds its first onset, and the run-in (start,
    start + r] of every course is left out. So a relapse on the day of a switch belongs to the course that
    ends, and one on or before the first start is history.

    Parameters
    ----------
    treatments
        File or DataFrame with the columns ``patient``, ``treatment``, ``start``, ``end`` and, where an end is
        empty because the course goes on, ``last_visit``. It may hold ``edss_start``, ``edss_end``,
        ``ended_by_relapse`` and covariates.
    relapses
        File or DataFrame with the columns ``patient``, ``onset`` and optionally ``severity``. Days are ISO
        dates, or whole numbers of days since an origin of the patient, in both tables alike. A
        :class:`TableFile` says which sheet or instrument is meant.
    columns
        Foreign column names to ours, for both tables.
    min_gap_days
        A relapse is merged if its onset is at most so many days after the *first* onset of its cluster; 0
        counts every row. The default is 30 days, the convention of trials in NMOSD, unless that merges more
        than half of three or more onsets: then it has to be chosen.
    run_in_days
        Days at the start of each course that are left out.
    gap
        What becomes of days between two courses: ``"drop"``, or ``"previous"`` to count them with the course
        before.
    end
        What the end of a course is: ``"exclusive"``, the first day without the drug, on which the next one
        may start, or ``"inclusive"``, the last day on the drug. The courses are then (start, end + 1], so
        that the end is follow-up too, and a relapse on the first day of the next drug belongs to the course
        that ends, as on any day of a switch. An ongoing course ends at the last visit in both cases.
    switch_window_days
        A course that another one follows was ended by a relapse if its last relapse that counts began at most
        so many days before its end. What the column ``ended_by_relapse`` of the treatments says comes first.
    dates
        Order of dates in text that are not ISO dates: ``"dmy"``, ``"mdy"`` or ``"ymd"``. It is never guessed:
        None refuses them.

    Returns
    -------
    Cohort
        In days, with the order of the courses (``period``), the time of every relapse since its course began
        to count, the ``account`` of every relapse and day and, if onsets were merged, ``unmerged``.
        ``ended_by_relapse`` of a patient's last course is unknown unless the table says it.

    Raises
    ------
    CohortError
        With every problem of both tables.
    ArgumentError
        If a rule is not valid.

    Examples
    --------
    >>> treatments = pd.DataFrame({"patient": ["A", "A"], "treatment": ["old", "new"],
    ...     "start": ["2013-01-01", "2014-01-01"], "end": ["2014-01-01", "2015-01-01"]})
    >>> onsets = ["2013-02-01", "2014-01-01", "2014-01-20"]
    >>> relapses = pd.DataFrame({"patient": ["A", "A", "A"], "onset": onsets})
    >>> cohort = read_events(treatments, relapses)
    >>> cohort.compare("new", reference="old").totals, cohort.unmerged.compare("new", reference="old").totals
    ((2, 0), (2, 1))
    """
    rules = Rules(min_gap_days, run_in_days, gap, end, switch_window_days, dates)
    events = events_of(read_table(treatments, "treatments"), read_table(relapses, "relapses"), columns, rules)
    counts = counted(events, rules)
    if problems := implausible(events, counts, rules):
        raise CohortError(problems, events.source.name)
    cohort = _cohort(events, counts, rules)
    notices = (
        *cohort.notices,
        *remark_notices(events.remarks),
        *timeline_notices(events, rules),
        *_unread(events),
        *(cohort.account.notices() if cohort.account else ()),
        *times_notices(cohort.frame, cohort.relapse_times),
        *table_notices(cohort.frame, "exposure_days", events.blank_rows[0], events.unread_sheets),
    )
    unmerged = None
    if cohort.account and cohort.account.has_merges:
        unmerged = _cohort(events, without_merging(counts), replace(rules, min_gap_days=0))
    return replace(cohort, notices=notices, unmerged=unmerged)


def _cohort(events: Events, counts: Counted, rules: Rules) -> Cohort:
    """Return the periods of the courses of which days are left, with relapse times and account."""
    tables, ended_by_relapse = account(events, counts, rules)
    courses, kept = events.courses, counts.days > 0
    relapses = np.bincount(counts.course[counts.is_counted], minlength=len(kept))
    numbers = pd.Series(courses.patient).groupby(courses.patient).cumcount() + 1
    table = pd.DataFrame(
        {
            "patient": pd.Series(events.names(courses.patient), dtype="object"),
            "treatment": pd.Series(courses.treatment, dtype="object"),
            "relapses": relapses.astype(np.int64),
            "exposure_days": counts.days.astype(np.float64),
            "period": numbers.astype("Int64"),
            "ended_by_relapse": ended_by_relapse,
            "ongoing": pd.array(courses.ongoing, dtype="boolean"),
            **{name: courses.others[name] for name in courses.others if name != "ended_by_relapse"},
        }
    )
    ordered = [*(name for name in KNOWN if name in table), *(name for name in table if name not in KNOWN)]
    return Cohort(
        table.loc[kept, ordered].reset_index(drop=True),
        (_rules_notice(rules),),
        events.source,
        _times(counts, kept),
        account=tables,
    )


def _times(counts: Counted, kept: Flags) -> pd.DataFrame:
    """Return row, years since the first counted day of the course, and number of every counted relapse."""
    mask = counts.is_counted
    course = counts.course[mask]  # in order, and the days of a course in order too
    times = {
        "row": (np.cumsum(kept) - 1)[course].astype(np.int64),
        "years": (counts.day[mask] - counts.counts_from[course]) / DAYS_PER_YEAR,
        "number": np.arange(1, len(course) + 1) - np.searchsorted(course, course),
    }
    if counts.severity is not None:
        times["severity"] = counts.severity[mask]
    return pd.DataFrame(times)


def _rules_notice(rules: Rules) -> Notice:
    merged, run_in = rules.merged_days, rules.run_in_days
    parts = (
        f"merging within {merged} days of the first onset of a relapse" if merged else "no onsets merged",
        f"run-in of {run_in} days" if run_in else "no run-in",
        "days between treatments "
        + ("excluded" if rules.gap == "drop" else "counted on the treatment before"),
        "last day of a course on the drug" if rules.end == "inclusive" else "",
        f"dates in the order {rules.dates}" if rules.dates else "",
    )
    return Notice("event_rules", f"periods from dated events: {'; '.join(part for part in parts if part)}")


def _unread(events: Events) -> list[Notice]:
    columns, rows = events.unused_columns, events.blank_rows[1]
    texts = (
        (
            "unused_columns",
            f"columns of the relapses that are not used: {', '.join(map(printable, columns))}",
            columns,
        ),
        ("blank_rows", f"empty rows of the relapses: {listed([str(row) for row in rows])}", rows),
    )
    return [Notice(code, text) for code, text, items in texts if items]
