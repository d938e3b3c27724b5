"""What became of the relapses and days of dated events: the columns of the account, and the notices that it gives rise to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from nmo_stats.cohort.notices import Notice
from nmo_stats.tables.table import REMARK_CODES

# Every relapse that came in is in exactly one of these, and every patient-day in one of the others: the sums reconcile.
RELAPSE_CAUSES: Final = {
    "relapses_same_day": (
        "row repeats patient and day of another and counts once with it",
        "rows repeat patient and day of another and count once with it",
    ),
    "relapses_merged": (
        "onset comes too soon after the first onset of a relapse to be another one",
        "onsets come too soon after the first onset of a relapse to be another one",
    ),
    "relapses_history": (
        "relapse on or before the first day of treatment is not counted",
        "relapses on or before the first day of treatment are not counted",
    ),
    "relapses_gap": (
        "relapse between two treatments is not counted",
        "relapses between two treatments are not counted",
    ),
    "relapses_after": (
        "relapse after the last treatment is not counted",
        "relapses after the last treatment are not counted",
    ),
    "relapses_run_in": (
        "relapse in the run-in of a treatment is not counted",
        "relapses in the run-in of a treatment are not counted",
    ),
}
DAY_CAUSES: Final = {
    "days_gap": "between two treatments",
    "days_after": "after the last treatment",
    "days_run_in": "in the run-in of a treatment",
}
ATTRITION: Final = (
    "patient",
    "relapses_in",
    *RELAPSE_CAUSES,
    "relapses_kept",
    "days_in",
    *DAY_CAUSES,
    "days_kept",
    "periods_in",
    "periods_consumed",
    "periods_kept",
    "why",
)
SWITCH_MERGES: Final = ("patient", "first_onset", "onset", "days_apart", "counted_on", "fell_on")
SWITCH_DAYS: Final = ("patient", "onset", "counted_on", "started")
SWITCH_LAGS: Final = (
    "patient",
    "treatment",
    "next_treatment",
    "end",
    "last_onset",
    "lag_days",
    "by_rule",
    "ended_by_relapse",
)
# notices of the tables, not of the patients in them
KEPT_CODES: Final = (
    "event_rules",
    "unused_columns",
    "inclusive_ends",
    "short_courses",
    "switch_rule",
    *REMARK_CODES,
)
_LISTED: Final = 6
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Merging:
    """How many onsets of the two periods of a comparison are merged into an earlier one.

    Parameters
    ----------
    merged
        Onsets that would count in one of the periods, but are one relapse with an earlier onset of another day.
    onsets
        These and the relapses that count.
    """

    merged: int
    onsets: int

    @property
    def text(self) -> str:
        """What a reader of the numbers should know."""
        merged = "1 is" if self.merged == 1 else f"{self.merged} are"
        return f"of {self.onsets} onsets {merged} merged into an earlier relapse: the counts rest on the choice of min_gap_days"

    @property
    def is_frequent(self) -> bool:
        """Whether more than a tenth of the onsets are merged."""
        return 10 * self.merged > self.onsets

    @property
    def is_most(self) -> bool:
        """Whether more than half of the onsets are merged, and not just one or two."""
        return self.merged > 2 and 2 * self.merged > self.onsets


def attrition_notices(
    attrition: pd.DataFrame,
    switch_merges: pd.DataFrame,
    switch_days: pd.DataFrame | None = None,
    switch_lags: pd.DataFrame | None = None,
) -> tuple[Notice, ...]:
    """Return what a reader should know about relapses and days that do not count, and about relapses around a switch."""
    found = [_relapse_notice(attrition, name, words) for name, words in RELAPSE_CAUSES.items()]
    found += [_day_notice(attrition, name, words) for name, words in DAY_CAUSES.items()]
    found += [_outside(attrition), _consumed(attrition)]
    if switch_days is not None:
        found.append(_on_switch_days(switch_days))
    if switch_lags is not None:
        found.append(_contradicted(switch_lags))
    return (*(notice for notice in found if notice is not None), *_merges(switch_merges))


def _relapse_notice(attrition: pd.DataFrame, name: str, words: tuple[str, str]) -> Notice | None:
    number = int(attrition[name].sum())
    if not number:
        return None
    who = _patients(attrition, name)
    text = f"{number} {words[0] if number == 1 else words[1]} ({_listed(who, len(attrition))})"
    return Notice(name.removeprefix("relapses_"), text, who)


def _day_notice(attrition: pd.DataFrame, name: str, words: str) -> Notice | None:
    number = int(attrition[name].sum())
    if not number:
        return None
    who = _patients(attrition, name)
    days = "1 patient-day" if number == 1 else f"{number} patient-days"
    return Notice(name, f"{days} {words} do not count as follow-up ({_listed(who, len(attrition))})", who)


def _outside(attrition: pd.DataFrame) -> Notice | None:
    """Return a notice of patients none of whose relapses falls between the first start and the last end."""
    inside = attrition[["relapses_kept", "relapses_gap", "relapses_run_in"]].sum(axis=1)
    mask = (attrition["relapses_in"] > 0) & (inside == 0)
    who = tuple(attrition.loc[mask, "patient"])
    if not who:
        return None
    text = (
        "every relapse lies before the first treatment or after the last: check that both tables count days from the same day, "
        f"or have dates of the same calendar ({_listed(who, len(attrition))})"
    )
    return Notice("relapses_outside", text, who)


def _contradicted(switch_lags: pd.DataFrame) -> Notice | None:
    """Return a notice of courses of which the table says another end than the days do."""
    rows = switch_lags[switch_lags["by_rule"] != switch_lags["ended_by_relapse"]]
    if rows.empty:
        return None
    cells = rows[["patient", "treatment", "ended_by_relapse", "lag_days"]].head(_MOST_NAMED)
    named = "; ".join(
        f"patient {patient} on {treatment}: {'yes' if ended else 'no'}, {_lag_text(lag)}"
        for patient, treatment, ended, lag in cells.itertuples(index=False, name=None)
    )
    more = f"; and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    text = f"the column 'ended_by_relapse' is followed where the days of the relapses say otherwise: {named}{more}"
    return Notice("ended_otherwise", text, tuple(dict.fromkeys(rows["patient"])))


def _lag_text(lag: object) -> str:
    """Return the time from the last relapse of a course to its end in words."""
    if lag is pd.NA:
        return "no relapse counts"
    return f"last relapse {lag} {'day' if lag == 1 else 'days'} before the end"


def _consumed(attrition: pd.DataFrame) -> Notice | None:
    number = int(attrition["periods_consumed"].sum())
    if not number:
        return None
    who = _patients(attrition, "periods_consumed")
    what = "1 period is" if number == 1 else f"{number} periods are"
    text = (
        f"{what} no longer than the run-in and nothing is left of it: without another period on that treatment "
        f"the patient leaves the comparison ({_listed(who, len(attrition))})"
    )
    return Notice("period_consumed", text.replace("of it", "of it" if number == 1 else "of them"), who)


def _on_switch_days(switch_days: pd.DataFrame) -> Notice | None:
    """Return one notice of the relapses on the day of a switch: the rule takes them off the treatment that starts."""
    number = len(switch_days)
    if not number:
        return None
    rows = switch_days[list(SWITCH_DAYS)].head(_MOST_NAMED).itertuples(index=False, name=None)
    named = "; ".join(
        f"patient {patient} {_on(onset)} ({counted_on}, not {started})"
        for patient, onset, counted_on, started in rows
    )
    more = f"; and {number - _MOST_NAMED} more" if number > _MOST_NAMED else ""
    what = (
        "1 relapse on the day of a switch counts"
        if number == 1
        else f"{number} relapses on the day of a switch count"
    )
    text = f"{what} with the treatment that ends, which favours the one that starts: {named}{more}"
    return Notice("switch_day", text, tuple(dict.fromkeys(switch_days["patient"])))


def _merges(switch_merges: pd.DataFrame) -> tuple[Notice, ...]:
    """Return one notice for each merge across a switch, or their number where they are many."""
    if not len(switch_merges):
        return ()
    if len(switch_merges) > _MOST_NAMED:
        who = tuple(dict.fromkeys(switch_merges["patient"]))
        text = (
            f"{len(switch_merges)} relapse rows were merged into a relapse that began before the treatment they fell on, which takes "
            f"them off it ({_listed(who, 0)}); the report adds the result with no merging"
        )
        return (Notice("switch_merge", text, who),)
    rows = switch_merges[list(SWITCH_MERGES)].itertuples(index=False, name=None)
    return tuple(
        Notice(
            "switch_merge",
            f"patient {patient}: the onset {_on(onset)} ({fell_on}) comes {apart} {'day' if apart == 1 else 'days'} after the onset "
            f"{_on(first)} ({counted_on}) and is one relapse with it, which takes it off {fell_on}",
            (str(patient),),
        )
        for patient, first, onset, apart, counted_on, fell_on in rows
    )


def _on(day: str) -> str:
    return f"on day {day}" if day.removeprefix("-").isdigit() else f"on {day}"


def _patients(attrition: pd.DataFrame, name: str) -> tuple[str, ...]:
    return tuple(attrition.loc[attrition[name] > 0, "patient"])


def _listed(patients: tuple[str, ...], among: int) -> str:
    if len(patients) == among > _LISTED:
        return f"all {among} patients"
    more = f" and {len(patients) - _LISTED} more" if len(patients) > _LISTED else ""
    return f"patient {', '.join(patients[:_LISTED])}{more}"
