"""What became of the relapses and days of dated events: the columns of the account, and the notices that it gives rise to."""

from __future__ import annotations

from typing import Final

import pandas as pd

from nmo_stats.cohort.notices import Notice
from nmo_stats.tables.raw import REMARK_CODES

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
# notices of the tables, not of the patients in them
KEPT_CODES: Final = ("event_rules", "unused_columns", *REMARK_CODES)
_LISTED: Final = 6
_MOST_NAMED: Final = 20


def attrition_notices(
    attrition: pd.DataFrame, switch_merges: pd.DataFrame, switch_days: pd.DataFrame | None = None
) -> tuple[Notice, ...]:
    """Return what a reader should know about relapses and days that do not count, and about relapses around a switch."""
    found = [_relapse_notice(attrition, name, words) for name, words in RELAPSE_CAUSES.items()]
    found += [_day_notice(attrition, name, words) for name, words in DAY_CAUSES.items()]
    found.append(_consumed(attrition))
    if switch_days is not None:
        found.append(_on_switch_days(switch_days))
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
