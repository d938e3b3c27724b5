"""Where every relapse and every patient-day went, and the relapses around a switch one by one."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.cohort.account import ATTRITION, DAY_CAUSES, RELAPSE_CAUSES, EventAccount
from nmo_stats.events.rules import AFTER, HISTORY, NO_COURSE, Counted, Rules
from nmo_stats.events.timeline import LONGEST, NO_DAY, Courses, Events
from nmo_stats.names import CAUSES


def account(events: Events, counts: Counted, rules: Rules) -> tuple[EventAccount, pd.Series]:
    """Return what became of every onset and day, and whether a relapse ended each course (or missing)."""
    lags = _switch_lags(events, counts, rules.switch_window_days)
    ended = _said(events.courses).copy()
    ended.loc[lags.index] = lags["ended_by_relapse"].astype("boolean")
    rows = np.cumsum(counts.days > 0) - 1
    tables = EventAccount(
        attrition=_attrition(events, counts),
        switch_merges=_switch_merges(events, counts),
        switch_days=_switch_days(events, counts),
        switch_lags=lags.reset_index(drop=True),
        merged_onsets=pd.DataFrame({"row": rows[counts.course[counts.is_merged]]}),
    )
    return tables, ended


def _attrition(events: Events, counts: Counted) -> pd.DataFrame:
    """Return one row for each patient: relapses, patient-days and periods in, excluded by cause, and kept."""
    courses, patients = events.courses, len(events.patients)

    def of_courses(values: npt.NDArray[np.generic] | None = None) -> Codes:
        return np.bincount(courses.patient, weights=values, minlength=patients).astype(np.int64)

    to_next = np.where(courses.is_last, 0, courses.following(courses.start) - counts.end)
    days = (
        of_courses(to_next),
        courses.last_day - courses.end[courses.is_last],
        of_courses(counts.counts_from - courses.start),
    )
    relapses = {
        name: np.bincount(counts.patient[mask], minlength=patients) for name, mask in _masks(counts).items()
    }
    periods, consumed = of_courses(), of_courses(counts.days == 0)
    frame = pd.DataFrame(
        {
            "patient": pd.Series(events.patients, dtype="object"),
            **relapses,
            "days_in": courses.last_day - courses.first_start,
            **dict(zip(DAY_CAUSES, days, strict=True)),
            "days_kept": of_courses(counts.days),
            "periods_in": periods,
            "periods_consumed": consumed,
            "periods_kept": periods - consumed,
        }
    )
    frame["why"] = _why(frame)
    return frame[list(ATTRITION)]


def _masks(counts: Counted) -> dict[str, Flags]:
    """Return all onsets, those that each cause excludes, and the counted ones."""
    first, course = counts.is_first, counts.course
    masks = (
        counts.same_day & ~first,
        ~counts.same_day & ~first,
        first & (course == HISTORY),
        first & (course == NO_COURSE),
        first & (course == AFTER),
        first & (course >= 0) & counts.in_run_in,
    )
    named = dict(zip(RELAPSE_CAUSES, masks, strict=True))
    return {"relapses_in": np.ones(len(first), dtype=bool), **named, "relapses_kept": counts.is_counted}


def _switch_merges(events: Events, counts: Counted) -> pd.DataFrame:
    """Return the onsets merged into a relapse of another treatment, or of none."""
    own, cluster = counts.course, counts.course[counts.first]
    crossing = np.flatnonzero(~counts.is_first & counts.in_course & (own != cluster))
    counted_on, fell_on = _drugs(events, cluster[crossing]), _drugs(events, own[crossing])
    firsts = counts.day[counts.first[crossing]]
    table = pd.DataFrame(
        {
            "patient": events.names(counts.patient[crossing]),
            "first_onset": _texts(events, firsts),
            "onset": _texts(events, counts.day[crossing]),
            "days_apart": counts.day[crossing] - firsts,
            "counted_on": counted_on,
            "fell_on": fell_on,
        }
    )
    is_other: Flags = counted_on != fell_on
    return table[is_other].reset_index(drop=True)


def _switch_days(events: Events, counts: Counted) -> pd.DataFrame:
    """Return the relapses on the day on which another treatment starts."""
    courses = events.courses
    inside = np.flatnonzero(counts.is_counted)
    inside = inside[~courses.is_last[counts.course[inside]]]
    course = counts.course[inside]
    is_switch = (counts.day[inside] == courses.start[course + 1]) & (
        courses.treatment[course] != courses.treatment[course + 1]
    )
    on_day, course = inside[is_switch], course[is_switch]
    return pd.DataFrame(
        {
            "patient": events.names(counts.patient[on_day]),
            "onset": _texts(events, counts.day[on_day]),
            "counted_on": _drugs(events, course),
            "started": _drugs(events, course + 1),
        }
    )


def _switch_lags(events: Events, counts: Counted, window: int) -> pd.DataFrame:
    """Return the courses that another one follows, with the days from their last relapse to their end.

    A relapse ended a course if the table says so, or where it says nothing if the last relapse that counts in
    the course began at most ``window`` days before its end.
    """
    courses = events.courses
    chosen = np.flatnonzero(~courses.is_last & (counts.days > 0))
    last = np.full(len(counts.end), NO_DAY)
    np.maximum.at(last, counts.course[counts.is_counted], counts.day[counts.is_counted])
    end, last = counts.end[chosen], last[chosen]
    has_relapse = last != NO_DAY
    lags = pd.array(np.where(has_relapse, end - last, 0), dtype="Int64")
    lags[~has_relapse] = pd.NA
    by_rule = has_relapse & (end - last <= min(window, LONGEST))
    said = _said(courses).iloc[chosen]
    return pd.DataFrame(
        {
            "patient": events.names(courses.patient[chosen]),
            "treatment": courses.treatment[chosen],
            "next_treatment": courses.treatment[chosen + 1],
            "end": _texts(events, end),
            "last_onset": _texts(events, last),
            "lag_days": lags,
            "by_rule": by_rule,
            "ended_by_relapse": said.fillna(pd.Series(by_rule, said.index, dtype="boolean")).astype(bool),
        },
        index=chosen,
    )


def _said(courses: Courses) -> pd.Series:
    """Return what the table says of the end of each course; missing where it says nothing."""
    nothing = pd.Series(pd.NA, index=courses.others.index, dtype="boolean")
    return courses.others.get("ended_by_relapse", nothing)


def _texts(events: Events, days: Codes) -> npt.NDArray[np.object_]:
    """Return days as the tables have them, None for no day; each different one is written once."""
    different, positions = np.unique(days, return_inverse=True)
    texts = [None if day == NO_DAY else events.text(day) for day in different.tolist()]
    return np.array(texts, dtype=object)[positions]


def _drugs(events: Events, course: Codes) -> npt.NDArray[np.object_]:
    names = np.array(events.courses.treatment[np.maximum(course, 0)], dtype=object)
    names[course == HISTORY] = "before the first treatment"
    names[(course == NO_COURSE) | (course == AFTER)] = "between treatments"
    return names


def _why(frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return what was excluded in words; equal losses are worded once."""
    losses = frame[[*RELAPSE_CAUSES, *DAY_CAUSES, "periods_consumed"]].copy()
    losses[list(DAY_CAUSES)] = losses[list(DAY_CAUSES)].clip(upper=1)  # how many days stands in their column
    positions = losses.groupby(list(losses.columns), sort=False).ngroup().to_numpy()
    texts = [_words(row) for row in losses.drop_duplicates().to_dict("records")]
    return np.array(texts, dtype=object)[positions]


def _words(losses: dict[Hashable, int]) -> str:
    parts = {
        "relapses": [
            f"{lost} {cause.name}" for code, cause in CAUSES.items() if (lost := losses[f"relapses_{code}"])
        ],
        "days": [cause.name for code, cause in CAUSES.items() if losses.get(f"days_{code}")],
        "periods within the run-in": [str(lost) for lost in [losses["periods_consumed"]] if lost],
    }
    return "; ".join(f"{kind}: {', '.join(lost)}" for kind, lost in parts.items() if lost)
