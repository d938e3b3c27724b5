"""Dated treatments and relapses as a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.cohort import Cohort, Notice
from nmo_stats.cohort.attrition import attrition_notices
from nmo_stats.cohort.notices import remark_notices, table_notices, times_notices
from nmo_stats.cohort.schema import DAYS_PER_YEAR, KNOWN
from nmo_stats.errors import CohortError
from nmo_stats.events.account import Account, account
from nmo_stats.events.plausibility import consumed, misplaced, overmerged, timeline_notices
from nmo_stats.events.records import Events
from nmo_stats.events.rules import Counted, Ending, Gap, Rules, counted, without_merging
from nmo_stats.events.tables import events_of
from nmo_stats.events.timeline import Timeline, timeline
from nmo_stats.events.written_dates import DateOrder
from nmo_stats.tables.cells import printable
from nmo_stats.tables.files import TableFile
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

    Courses are (start, end] in whole days, and their length is the follow-up. The onsets of a patient are sorted and merged, a
    relapse belongs to the course that holds its first onset, and the run-in (start, start + r] of every course is left out. So
    a relapse on the day of a switch belongs to the course that ends, and one on or before the first start is history.

    Parameters
    ----------
    treatments
        File or DataFrame with the columns ``patient``, ``treatment``, ``start``, ``end`` and, where an end is empty because the
        course goes on, ``last_visit``. It may hold ``edss_start``, ``edss_end``, ``ended_by_relapse`` and covariates.
    relapses
        File or DataFrame with the columns ``patient``, ``onset`` and optionally ``severity``. Days are ISO dates, or whole numbers
        of days since an origin of the patient, in both tables alike. A :class:`TableFile` says which sheet or instrument is meant.
    columns
        Foreign column names to ours, for both tables.
    min_gap_days
        A relapse is merged if its onset is at most so many days after the *first* onset of its cluster; 0 counts every row. The
        default is 30 days, the convention of trials in NMOSD, unless that merges more than half of three or more onsets: then it has to be
        chosen.
    run_in_days
        Days at the start of each course that are left out.
    gap
        What becomes of days between two courses: ``"drop"``, or ``"previous"`` to count them with the course before.
    end
        What the end of a course is: ``"exclusive"``, the first day without the drug, on which the next one may start, or
        ``"inclusive"``, the last day on the drug. The courses are then (start, end + 1], so that the end is follow-up too, and a
        relapse on the first day of the next drug belongs to the course that ends, as on any day of a switch. An ongoing course
        ends at the last visit in both cases.
    switch_window_days
        A course that another one follows was ended by a relapse if its last relapse that counts began at most so many days before
        its end. What the column ``ended_by_relapse`` of the treatments says comes first.
    dates
        Order of dates in text that are not ISO dates: ``"dmy"``, ``"mdy"`` or ``"ymd"``. It is never guessed: None refuses them.

    Returns
    -------
    Cohort
        In days, with the order of the courses (``period``), the time of every relapse since its course began to count,
        ``attrition``, ``switch_merges``, ``switch_days``, ``switch_lags`` and, if onsets were merged, ``unmerged``.
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
    ...                            "start": ["2013-01-01", "2014-01-01"], "end": ["2014-01-01", "2015-01-01"]})
    >>> relapses = pd.DataFrame({"patient": ["A", "A", "A"], "onset": ["2013-02-01", "2014-01-01", "2014-01-20"]})
    >>> cohort = read_events(treatments, relapses)
    >>> cohort.compare("new", reference="old").totals, cohort.unmerged.compare("new", reference="old").totals
    ((2, 0), (2, 1))
    """
    rules = Rules(min_gap_days, run_in_days, gap, end, switch_window_days, dates)
    events = events_of(read_table(treatments, "treatments"), read_table(relapses, "relapses"), columns, rules)
    courses = timeline(events)
    found = counted(courses, events.onsets, rules)
    kept = found.days > 0
    problems = [*misplaced(events, courses), *overmerged(found, rules), *consumed(kept, rules)]
    if problems:
        raise CohortError(problems, events.source.name)
    accounted = account(events, courses, found, rules)
    cohort = _cohort(events, courses, found, accounted)
    notices = (
        _rules_notice(rules),
        *remark_notices(events.remarks),
        *timeline_notices(events, courses, rules),
        *_unread(events),
        *attrition_notices(
            accounted.attrition, accounted.switch_merges, accounted.switch_days, accounted.switch_lags
        ),
        *times_notices(cohort.frame, cohort.relapse_times),
        *table_notices(cohort.frame, "exposure_days", events.blank_rows[0], events.unread_sheets),
    )
    unmerged = None
    if len(accounted.switch_merges) or len(accounted.merged_onsets):
        unmerged = _unmerged(events, courses, without_merging(found), replace(rules, min_gap_days=0))
    return replace(cohort, notices=notices, unmerged=unmerged)


def _unmerged(events: Events, courses: Timeline, found: Counted, rules: Rules) -> Cohort:
    """Return the cohort with every row of the relapses counted."""
    cohort = _cohort(events, courses, found, account(events, courses, found, rules))
    return replace(cohort, notices=(_rules_notice(rules),))


def _cohort(events: Events, courses: Timeline, found: Counted, accounted: Account) -> Cohort:
    """Return the period table of the courses of which days are left, with the time of each relapse and the account."""
    kept = found.days > 0
    relapses = np.bincount(found.place[found.is_counted], minlength=len(kept))
    names = np.array(events.patients, dtype=object)
    table = pd.DataFrame(
        {
            "patient": pd.Series(names[courses.patient], dtype="object"),
            "treatment": pd.Series(courses.treatment, dtype="object"),
            "relapses": relapses.astype(np.int64),
            "exposure_days": found.days.astype(np.float64),
            "period": pd.array(_numbers(courses), dtype="Int64"),
            "ended_by_relapse": accounted.ended_by_relapse,
            "ongoing": pd.array(courses.ongoing, dtype="boolean"),
            **{name: courses.others[name] for name in courses.others if name != "ended_by_relapse"},
        }
    )
    ordered = [*(name for name in KNOWN if name in table), *(name for name in table if name not in KNOWN)]
    return Cohort(
        table.loc[kept, ordered].reset_index(drop=True),
        (),
        events.source,
        _times(found, kept),
        accounted.attrition,
        switch_merges=accounted.switch_merges,
        switch_days=accounted.switch_days,
        switch_lags=accounted.switch_lags,
        merged_onsets=accounted.merged_onsets,
    )


def _numbers(courses: Timeline) -> Codes:
    """Return 1, 2, ... for the courses of each patient."""
    first = np.flatnonzero(courses.is_first)
    before = first[np.cumsum(courses.is_first) - 1]
    numbers: Codes = np.arange(1, len(courses.start) + 1) - before
    return numbers


def _times(found: Counted, kept: Flags) -> pd.DataFrame:
    """Return row, time and number of every counted relapse: years since the first day of its course that counts."""
    mask = found.is_counted
    place = found.place[mask]  # in order, and the days of a course in order too
    times = {
        "row": (np.cumsum(kept) - 1)[place].astype(np.int64),
        "years": (found.day[mask] - found.counts_from[place]) / DAYS_PER_YEAR,
        "number": np.arange(1, len(place) + 1) - np.searchsorted(place, place),
    }
    if found.severity is not None:
        times["severity"] = found.severity[mask]
    return pd.DataFrame(times)


def _rules_notice(rules: Rules) -> Notice:
    merging = (
        f"onsets at most {rules.merged_days} days after the first one of a relapse are merged into it"
        if rules.merged_days
        else "every row of the relapses counts, none is merged"
    )
    run_in = (
        f"the first {rules.run_in_days} days of every course are left out"
        if rules.run_in_days
        else "no run-in"
    )
    gap = "are left out" if rules.gap == "drop" else "count with the treatment before"
    end = "; the end of a course is the last day on the drug" if rules.end == "inclusive" else ""
    dates = f"; dates in text are read in the order {rules.dates}" if rules.dates else ""
    text = (
        f"periods are built from dated events: {merging}; {run_in}; days between treatments {gap}{end}{dates}"
    )
    return Notice("event_rules", text)


def _unread(events: Events) -> list[Notice]:
    notices = []
    if events.unused_columns:
        names = ", ".join(map(printable, events.unused_columns))
        text = f"further columns of the relapses are not used: {names}"
        notices.append(Notice("unused_columns", text))
    if events.blank_rows[1]:
        listed = ", ".join(map(str, events.blank_rows[1][:6]))
        more = f" and {len(events.blank_rows[1]) - 6} more" if len(events.blank_rows[1]) > 6 else ""
        notices.append(Notice("blank_rows", f"empty rows of the relapses hold no relapse: {listed}{more}"))
    return notices
