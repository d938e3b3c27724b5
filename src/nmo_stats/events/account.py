"""Where every relapse and every patient-day went, patient by patient, and the merges across a switch one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.cohort.attrition import (
    ATTRITION,
    DAY_CAUSES,
    RELAPSE_CAUSES,
    SWITCH_DAYS,
    SWITCH_LAGS,
    SWITCH_MERGES,
)
from nmo_stats.events.days import day_text
from nmo_stats.events.records import NO_DAY, Events
from nmo_stats.events.rules import AFTER, HISTORY, NO_COURSE, Counted, Rules
from nmo_stats.events.timeline import LONGEST, Timeline

_WORDS = {
    "relapses_same_day": "same day",
    "relapses_merged": "merged",
    "relapses_history": "before the first treatment",
    "relapses_gap": "between treatments",
    "relapses_after": "after the last treatment",
    "relapses_run_in": "in a run-in",
    "days_gap": "between treatments",
    "days_after": "after the last treatment",
    "days_run_in": "run-in",
    "periods_consumed": "",
}


@dataclass(frozen=True, eq=False)
class Account:
    """What became of the onsets and days of dated events.

    Parameters
    ----------
    attrition, switch_merges, switch_days, switch_lags, merged_onsets
        As in :class:`nmo_stats.cohort.Cohort`.
    ended_by_relapse
        How each course ended, in the order of the timeline; missing where it is not known.
    """

    attrition: pd.DataFrame
    switch_merges: pd.DataFrame
    switch_days: pd.DataFrame
    switch_lags: pd.DataFrame
    merged_onsets: pd.DataFrame
    ended_by_relapse: pd.Series


def account(events: Events, courses: Timeline, found: Counted, rules: Rules) -> Account:
    """Return what became of every onset and every day, and how the courses ended."""
    lags = switch_lags(events, courses, found, rules.switch_window_days)
    said = courses.others.get("ended_by_relapse")
    ended = pd.Series(pd.NA, index=courses.others.index, dtype="boolean") if said is None else said.copy()
    ended.loc[lags.index] = lags["ended_by_relapse"].astype("boolean")
    rows = np.cumsum(found.days > 0) - 1
    return Account(
        attrition(events, courses, found),
        switch_merges(events, courses, found),
        switch_days(events, courses, found),
        lags.reset_index(drop=True),
        pd.DataFrame({"row": rows[found.place[found.is_merged]]}),
        ended,
    )


def attrition(events: Events, courses: Timeline, found: Counted) -> pd.DataFrame:
    """Return one row for each patient; relapses, patient-days and periods in, lost by cause, and kept."""
    patients = len(events.patients)
    relapses = {name: _each(found.patient[mask], patients) for name, mask in _relapse_masks(found).items()}
    days = _days(courses, found, patients)
    consumed = _each(courses.patient[found.days == 0], patients)
    periods_in = _each(courses.patient, patients)
    frame = pd.DataFrame(
        {
            "patient": pd.Series(events.patients, dtype="object"),
            "relapses_in": _each(found.patient, patients),
            **relapses,
            **days,
            "periods_in": periods_in,
            "periods_consumed": consumed,
            "periods_kept": periods_in - consumed,
        }
    )
    frame["why"] = _why(frame)
    return frame[list(ATTRITION)]


def switch_merges(events: Events, courses: Timeline, found: Counted) -> pd.DataFrame:
    """Return the onsets that were merged into a relapse of another treatment, or of none, and would count on their own."""
    own, cluster = found.place, found.place[found.first]
    alone = ~found.is_first & found.in_course
    crossing = np.flatnonzero(alone & (own != cluster))
    drugs = _drugs(courses, cluster[crossing]), _drugs(courses, own[crossing])
    crossing = crossing[drugs[0] != drugs[1]]
    days, firsts = found.day[crossing], found.day[found.first[crossing]]
    names = np.array(events.patients, dtype=object)
    cells = (
        names[found.patient[crossing]],
        [day_text(day, dated=events.dated) for day in firsts.tolist()],
        [day_text(day, dated=events.dated) for day in days.tolist()],
        days - firsts,
        _drugs(courses, cluster[crossing]),
        _drugs(courses, own[crossing]),
    )
    return pd.DataFrame(dict(zip(SWITCH_MERGES, cells, strict=True)))


def switch_days(events: Events, courses: Timeline, found: Counted) -> pd.DataFrame:
    """Return the relapses on the day on which another treatment starts; each counts with the one that ends."""
    inside = np.flatnonzero(found.is_counted)
    inside = inside[~courses.is_last[found.place[inside]]]
    place = found.place[inside]
    switched = courses.treatment[place] != courses.treatment[place + 1]
    on_day = inside[(found.day[inside] == courses.start[place + 1]) & switched]
    place, names = found.place[on_day], np.array(events.patients, dtype=object)
    cells = (
        names[found.patient[on_day]],
        [day_text(day, dated=events.dated) for day in found.day[on_day].tolist()],
        _drugs(courses, place),
        _drugs(courses, place + 1),
    )
    return pd.DataFrame(dict(zip(SWITCH_DAYS, cells, strict=True)))


def switch_lags(events: Events, courses: Timeline, found: Counted, window: int) -> pd.DataFrame:
    """Return the courses that another one follows, with the days from the last relapse that counts to the end.

    A relapse ended such a course if the table says so or, where it says nothing, if that time is at most ``window`` days.
    """
    places = np.flatnonzero(~courses.is_last & (found.days > 0))
    last = np.full(len(found.end), NO_DAY)
    np.maximum.at(last, found.place[found.is_counted], found.day[found.is_counted])
    has_relapse = last[places] != NO_DAY
    lags = np.where(has_relapse, found.end[places] - last[places], 0)
    by_rule = has_relapse & (lags <= min(int(window), LONGEST))
    cells = (
        np.array(events.patients, dtype=object)[courses.patient[places]],
        courses.treatment[places],
        courses.treatment[places + 1],
        _day_texts(events, found.end[places]),
        _day_texts(events, last[places]),
        pd.array(lags, dtype="Int64"),
        by_rule,
        _ended(courses, by_rule, places),
    )
    frame = pd.DataFrame(dict(zip(SWITCH_LAGS, cells, strict=True)), index=places)
    frame.loc[~has_relapse, "lag_days"] = pd.NA
    return frame


def _day_texts(events: Events, days: Codes) -> npt.NDArray[np.object_]:
    different, places = np.unique(days, return_inverse=True)
    texts = [None if day == NO_DAY else day_text(day, dated=events.dated) for day in different.tolist()]
    return np.array(texts, dtype=object)[places]


def _ended(courses: Timeline, by_rule: Flags, places: Codes) -> Flags:
    """Return what the table says of the end of courses, and what the rule says where the table says nothing."""
    said = courses.others.get("ended_by_relapse")
    if said is None:
        return by_rule
    ended = said.iloc[places].reset_index(drop=True).fillna(pd.Series(by_rule, dtype="boolean"))
    return ended.to_numpy(dtype=bool)


def _relapse_masks(found: Counted) -> dict[str, Flags]:
    """Return for each cause the onsets that it keeps from being counted; each onset is in one of them or counted."""
    first = found.is_first
    masks = (
        found.same_day & ~first,
        ~found.same_day & ~first,
        first & (found.place == HISTORY),
        first & (found.place == NO_COURSE),
        first & (found.place == AFTER),
        first & (found.place >= 0) & found.in_run_in,
    )
    return {**dict(zip(RELAPSE_CAUSES, masks, strict=True)), "relapses_kept": found.is_counted}


def _days(courses: Timeline, found: Counted, patients: int) -> dict[str, Codes]:
    following = np.append(courses.start[1:], 0)
    to_next = np.where(courses.is_last, 0, following - found.end)
    causes = (
        _each(courses.patient, patients, to_next),
        courses.last_day - courses.end[courses.is_last],
        _each(courses.patient, patients, found.counts_from - courses.start),
    )
    return {
        "days_in": courses.last_day - courses.first_start,
        **dict(zip(DAY_CAUSES, causes, strict=True)),
        "days_kept": _each(courses.patient, patients, found.days),
    }


def _each(patient: Codes, patients: int, weights: Codes | None = None) -> Codes:
    """Return the number of rows, or the sum of whole weights, of each patient."""
    return np.asarray(np.bincount(patient, weights=weights, minlength=patients)).astype(np.int64)


def _why(frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return what was lost in words; equal losses are worded once."""
    losses = frame[list(_WORDS)].copy()
    for name in DAY_CAUSES:  # how many days stands in the column of the days
        losses[name] = losses[name].clip(upper=1)
    places = losses.groupby(list(_WORDS), sort=False).ngroup().to_numpy()
    different = losses.loc[~losses.duplicated()]
    rows = different.itertuples(index=False, name=None)
    texts = np.array([_text(dict(zip(_WORDS, row, strict=True))) for row in rows], dtype=object)
    return texts[places]


def _text(losses: dict[str, int]) -> str:
    relapses = [f"{losses[name]} {_WORDS[name]}" for name in RELAPSE_CAUSES if losses[name]]
    days = [_WORDS[name] for name in DAY_CAUSES if losses[name]]
    consumed = losses["periods_consumed"]
    periods = "1 period" if consumed == 1 else f"{consumed} periods"
    parts = [
        f"relapses: {', '.join(relapses)}" if relapses else "",
        f"days: {', '.join(days)}" if days else "",
        f"{periods} consumed by the run-in" if consumed else "",
    ]
    return "; ".join(part for part in parts if part)


def _drugs(courses: Timeline, places: Codes) -> npt.NDArray[np.object_]:
    names = np.empty(len(places), dtype=object)
    names[:] = courses.treatment[places] if len(places) else []
    names[places == HISTORY] = "before the first treatment"
    names[(places == NO_COURSE) | (places == AFTER)] = "between treatments"
    return names
