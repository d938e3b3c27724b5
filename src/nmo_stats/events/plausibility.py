"""What valid tables of dated events cannot well mean: days of two origins, ends one day short, a merging that eats the data."""

from __future__ import annotations

from typing import Final

import numpy as np

from nmo_stats.arrays import Flags
from nmo_stats.cohort.attrition import Merging
from nmo_stats.cohort.notices import Notice
from nmo_stats.errors import Problem
from nmo_stats.events.columns import RELAPSES, TREATMENTS
from nmo_stats.events.records import Events
from nmo_stats.events.rules import DEFAULT_GAP_DAYS, Counted, Rules
from nmo_stats.events.timeline import Timeline

_NEAR: Final = 90  # days: a relapse before the first treatment is often the reason for it
_SHORT: Final = 31  # days: courses in months or years that are read as days are all shorter
_LISTED: Final = 6
_CODES: Final = (
    -999,
    -99,
    -88,
    -77,
    -9,
    777,
    888,
    999,
    7777,
    8888,
)  # "unknown" in registries; 9999 is refused before


def misplaced(events: Events, courses: Timeline) -> list[Problem]:
    """Return the patients with relapses far from all treatment, if most are so and days are numbers: two origins.

    Far are more than 90 days before the first start or after the last end, all relapses of the patient. Dates have one origin,
    and of one patient alone nobody can tell.
    """
    if events.dated:
        return []
    onsets = events.onsets
    order = np.lexsort((onsets.row, onsets.day, onsets.patient))
    patient, day, row = onsets.patient[order], onsets.day[order], onsets.row[order]
    first, last = courses.first_start[patient], courses.end[courses.is_last][patient]
    far = (day < first - _NEAR) | (day > last + _NEAR)
    relapsing, place = np.unique(patient, return_index=True)
    all_far = np.bincount(patient, ~far, len(events.patients))[relapsing] == 0
    if all_far.sum() < 2 or 2 * all_far.sum() <= len(relapsing):
        return []
    rule = (
        f"both tables count days from the same day; in {all_far.sum()} of {len(relapsing)} patients with relapses each of them "
        f"lies more than {_NEAR} days before the first treatment or after the last"
    )
    remedy = (
        "count the days of both tables from the same day of the patient; if they are, write the days of both as dates "
        "(2000-01-01 for day 0), which have one origin"
    )
    return [
        Problem(
            f"{day[at]}, treated {first[at]} to {last[at]}",
            rule,
            remedy,
            int(row[at]),
            events.patients[patient[at]],
            "onset",
            RELAPSES.short,
        )
        for at in place[all_far].tolist()
    ]


def overmerged(found: Counted, rules: Rules) -> list[Problem]:
    """Return the problem of merging that nobody chose, where it takes more than half of the onsets."""
    merged = int(found.is_merged.sum())
    share = Merging(merged, merged + int(found.is_counted.sum()))
    if rules.min_gap_days is not None or not share.is_most:
        return []
    days = DEFAULT_GAP_DAYS
    return [
        Problem(
            f"{merged} of {share.onsets} onsets are merged into an earlier one",
            f"onsets at most {days} days after the first one of a relapse are one relapse with it, unless another number is chosen; "
            "where that merges more than half of them it has to be chosen",
            f"choose the number of days: min_gap_days=0 (--min-gap-days 0) counts every onset, min_gap_days={days} "
            f"(--min-gap-days {days}) merges as NMOSD trials do",
            column="onset",
            table=RELAPSES.short,
        )
    ]


def consumed(kept: Flags, rules: Rules) -> list[Problem]:
    """Return the problem of a run-in of which no course has days left."""
    if kept.any():
        return []
    found = f"a run-in of {rules.run_in_days} days consumes every course"
    return [Problem(found, "a course is longer than the run-in", "shorten the run-in")]


def timeline_notices(events: Events, courses: Timeline, rules: Rules) -> tuple[Notice, ...]:
    """Return how ends are read, and what the lengths of the courses and of the times between them make doubtful."""
    candidates = (
        _switch_rule(courses, rules),
        _one_day_apart(events, courses, rules),
        _short_courses(events, courses),
        _coded_days(events),
    )
    return tuple(notice for notice in candidates if notice is not None)


def _switch_rule(courses: Timeline, rules: Rules) -> Notice | None:
    """Return the rule by which a relapse ended a course, where there is a course that another one follows."""
    if courses.is_last.all():
        return None
    text = (
        "a course that another one follows was ended by a relapse if the last relapse that counts in it began at most "
        f"{rules.switch_window_days} days before its end (--switch-window-days), unless the column 'ended_by_relapse' says how it ended"
    )
    return Notice("switch_rule", text)


def _one_day_apart(events: Events, courses: Timeline, rules: Rules) -> Notice | None:
    """Return a notice if most courses start one day after the one before ended: the end is the last day on the drug."""
    between = (courses.start[1:] - courses.end[:-1])[~courses.is_last[:-1]]
    one_day = int((between == 1).sum())
    if rules.end == "inclusive" or rules.gap == "previous" or 2 * one_day <= len(between):
        return None
    concerned = courses.patient[1:][(courses.start[1:] - courses.end[:-1] == 1) & ~courses.is_last[:-1]]
    who = tuple(events.patients[place] for place in np.unique(concerned).tolist())
    more = f" and {len(who) - _LISTED} more" if len(who) > _LISTED else ""
    text = (
        f"{one_day} of {len(between)} courses start one day after the one before ended, and a relapse on that day counts with neither: "
        "if the end is the last day on the drug, read the tables with end='inclusive' (--end inclusive), or write the start of the "
        f"next course as the end (patient {', '.join(who[:_LISTED])}{more})"
    )
    return Notice("inclusive_ends", text, who)


def _short_courses(events: Events, courses: Timeline) -> Notice | None:
    """Return a notice if every course is shorter than a month although days are numbers: they may be months or years."""
    if events.dated or (courses.end - courses.start).max() >= _SHORT:
        return None
    text = f"every course is shorter than {_SHORT} days: check that the numbers of the {TREATMENTS.short} are days, not months or years"
    return Notice("short_courses", text)


def _coded_days(events: Events) -> Notice | None:
    """Return a notice where two patients or more have the same code for unknown as a day of one column."""
    if events.dated:
        return None
    columns = (
        ("start", events.courses.patient, events.courses.start),
        ("end", events.courses.patient, events.courses.end),
        ("last_visit", events.courses.patient, events.courses.last_visit),
        ("onset", events.onsets.patient, events.onsets.day),
    )
    shared = [
        (name, code, np.unique(patient[(day == code) & (patient >= 0)]).tolist())
        for name, patient, day in columns
        for code in _CODES
    ]
    found = [(name, code, places) for name, code, places in shared if len(places) > 1]
    if not found:
        return None
    who = tuple(
        events.patients[place] for place in sorted({place for *_, places in found for place in places})
    )
    days = ", ".join(f"{code} in {name!r}" for name, code, _ in found)
    more = f" and {len(who) - _LISTED} more" if len(who) > _LISTED else ""
    text = (
        f"a day that several patients share is a usual code for 'unknown' ({days}), and is read as a day: check that it was "
        f"observed (patient {', '.join(who[:_LISTED])}{more})"
    )
    return Notice("coded_days", text, who)
