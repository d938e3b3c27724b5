"""What valid tables of dated events cannot well mean, such as days of two origins."""

from __future__ import annotations

from typing import Final

import numpy as np

from nmo_stats.arrays import Codes
from nmo_stats.cohort.account import Merging
from nmo_stats.cohort.notices import Notice, named_patients
from nmo_stats.cohort.schema import DAYS_FOR_UNKNOWN
from nmo_stats.errors import Problem
from nmo_stats.events.columns import RELAPSES
from nmo_stats.events.rules import DEFAULT_GAP_DAYS, Counted, Rules
from nmo_stats.events.timeline import NO_DAY, Events

_NEAR: Final = 90  # days: a relapse before the first treatment is often the reason for it
_SHORT: Final = 31  # days: courses in months or years that are read as days are all shorter


def implausible(events: Events, counts: Counted, rules: Rules) -> list[Problem]:
    """Return what forbids the analysis: two origins, merging of most onsets, a run-in of all days."""
    return [*_misplaced(events), *_overmerged(counts, rules), *_consumed(counts, rules)]


def _misplaced(events: Events) -> list[Problem]:
    """Return the patients with relapses far from all treatment, if they are most and days are numbers.

    Far are more than 90 days before the first start or after the last end, all relapses of the patient. Dates
    have one origin, and of one patient alone nobody can tell.
    """
    if events.dated:
        return []
    courses, onsets = events.courses, events.onsets
    order = np.lexsort((onsets.row, onsets.day, onsets.patient))
    patient, day, row = onsets.patient[order], onsets.day[order], onsets.row[order]
    first, last = courses.first_start[patient], courses.end[courses.is_last][patient]
    is_far = (day < first - _NEAR) | (day > last + _NEAR)
    relapsing, earliest = np.unique(patient, return_index=True)
    all_far = np.bincount(patient, ~is_far, len(events.patients))[relapsing] == 0
    number = int(all_far.sum())
    if number < 2 or 2 * number <= len(relapsing):
        return []
    rule = (
        f"days of both tables from one origin: in {number} of {len(relapsing)} patients with relapses each "
        f"lies more than {_NEAR} days outside treatment"
    )
    remedy = "count both from the same day of the patient; if they are, write dates (2000-01-01 for day 0)"
    return [
        Problem(
            value=f"{day[at]}, treated {first[at]} to {last[at]}",
            rule=rule,
            remedy=remedy,
            row=int(row[at]),
            patient=events.patients[patient[at]],
            column="onset",
            table=RELAPSES.short,
        )
        for at in earliest[all_far].tolist()
    ]


def _overmerged(counts: Counted, rules: Rules) -> list[Problem]:
    """Return the problem of merging that nobody chose, where it takes more than half of the onsets."""
    merged, days = int(counts.is_merged.sum()), DEFAULT_GAP_DAYS
    merging = Merging(merged, merged + int(counts.is_counted.sum()))
    if rules.min_gap_days is not None or not merging.is_most:
        return []
    value = f"{merged} of {merging.onsets} onsets at most {days} days after the first onset of a relapse"
    remedy = (
        f"choose min_gap_days=0 (--min-gap-days 0) to count every onset, or min_gap_days={days} "
        f"(--min-gap-days {days}) to merge as NMOSD trials do"
    )
    rule = "a chosen number of days where merging takes more than half of the onsets"
    return [Problem(value, rule, remedy, column="onset", table=RELAPSES.short)]


def _consumed(counts: Counted, rules: Rules) -> list[Problem]:
    """Return the problem of a run-in of which no course has days left."""
    if (counts.days > 0).any():
        return []
    return [
        Problem(
            f"run-in of {rules.run_in_days} days", "a course longer than the run-in", "shorten the run-in"
        )
    ]


def timeline_notices(events: Events, rules: Rules) -> tuple[Notice, ...]:
    """Return how ends are read, and what is doubtful about the lengths of the courses and their gaps."""
    candidates = (
        _switch_rule(events, rules),
        _one_day_apart(events, rules),
        _short_courses(events),
        _coded_days(events),
    )
    return tuple(notice for notice in candidates if notice is not None)


def _switch_rule(events: Events, rules: Rules) -> Notice | None:
    """Return the rule by which a relapse ended a course, where there is a course that another one follows."""
    if events.courses.is_last.all():
        return None
    text = (
        f"a relapse ended a course if the last one counted in it began at most {rules.switch_window_days} "
        "days before a switch (--switch-window-days), unless the column 'ended_by_relapse' says otherwise"
    )
    return Notice("switch_rule", text)


def _one_day_apart(events: Events, rules: Rules) -> Notice | None:
    """Return a notice if most courses start one day after the one before ended: an inclusive end."""
    courses = events.courses
    gap = courses.following(courses.start) - courses.end
    one_day = (gap == 1) & ~courses.is_last
    number, switches = int(one_day.sum()), int((~courses.is_last).sum())
    if rules.end == "inclusive" or rules.gap == "previous" or 2 * number <= switches:
        return None
    text = (
        f"{number} of {switches} courses start one day after the one before ended, and a relapse on that day "
        "counts on neither: if the end is the last day on the drug, use end='inclusive' (--end inclusive)"
    )
    return _of_patients("inclusive_ends", text, events, np.unique(courses.patient[one_day]))


def _short_courses(events: Events) -> Notice | None:
    """Return a notice if every course is shorter than a month although days are numbers."""
    if events.dated or (events.courses.end - events.courses.start).max() >= _SHORT:
        return None
    text = f"every course is shorter than {_SHORT} days: check that they count days, not months or years"
    return Notice("short_courses", text)


def _coded_days(events: Events) -> Notice | None:
    """Return a notice where two patients or more have the same code for unknown as a day of one column."""
    if events.dated:
        return None
    courses, onsets = events.courses, events.onsets
    columns = (
        ("start", courses.patient, courses.start),
        ("end", courses.patient, np.where(courses.ongoing, NO_DAY, courses.written_end)),
        ("last_visit", courses.patient, courses.own_visit),
        ("onset", onsets.patient, onsets.day),
    )
    shared = [
        (f"{code} in {name!r}", who)
        for name, patient, day in columns
        for code in DAYS_FOR_UNKNOWN
        if len(who := np.unique(patient[(day == code) & (patient >= 0)])) > 1
    ]
    if not shared:
        return None
    days = ", ".join(text for text, _ in shared)
    text = f"several patients share a day that often means 'unknown' ({days}): check that it was observed"
    return _of_patients("coded_days", text, events, np.unique(np.concatenate([who for _, who in shared])))


def _of_patients(code: str, text: str, events: Events, patient: Codes) -> Notice:
    who = tuple(events.names(patient))
    return Notice(code, f"{text} ({named_patients(who)})", who)
