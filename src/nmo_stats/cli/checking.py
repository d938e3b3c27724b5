"""What ``nmo-stats check`` says of a table: its problems, or what would be analysed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from nmo_stats.cli.inputs import treatments
from nmo_stats.cli.options import Options
from nmo_stats.cli.printing import say, say_table
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.cohort.attrition import DAY_CAUSES, RELAPSE_CAUSES
from nmo_stats.describe import arr
from nmo_stats.errors import CohortError, NmoStatsError
from nmo_stats.frames import records
from nmo_stats.report.bundle import json_records
from nmo_stats.wording import counted, significant

_RELAPSE_NAMES = {
    "relapses_in": "in the table",
    "relapses_same_day": "same patient and day twice",
    "relapses_merged": "merged into an earlier one",
    "relapses_history": "on or before the first day of treatment",
    "relapses_gap": "between treatments",
    "relapses_after": "after the last treatment",
    "relapses_run_in": "in a run-in",
    "relapses_kept": "counted",
}
_DAY_NAMES = {
    "days_in": "observed since the first treatment",
    "days_gap": "between treatments",
    "days_after": "after the last treatment",
    "days_run_in": "in a run-in",
    "days_kept": "counted",
}
_MOST_LAGS: Final = 20


@dataclass(frozen=True, eq=False)
class Planned:
    """The comparison that a report would make, or why it cannot be made yet."""

    pair: Comparison | None
    reason: str


def planned(cohort: Cohort, chosen: Options) -> Planned:
    """Return the comparison of the chosen or default treatments."""
    try:
        comparator, reference = treatments(cohort, chosen)
        return Planned(cohort.compare(comparator, reference=reference), "")
    except CohortError as refused:
        return Planned(None, str(refused.problems[0]))
    except NmoStatsError as refused:
        return Planned(None, str(refused))


def say_check(cohort: Cohort, plan: Planned) -> None:
    """Say that the data are valid, what is in them, and what would be compared."""
    say(
        f"{cohort.source.name}: valid; {counted(len(cohort.patients), 'patient')}, {counted(len(cohort.frame), 'period')}, "
        f"times in {cohort.unit.removeprefix('exposure_')}"
    )
    say_table(
        ("Treatment", "Patients", "Relapses", "Years"),
        [
            (row["treatment"], str(row["patients"]), str(row["relapses"]), significant(row["years"]))
            for row in records(arr(cohort).pooled)
        ],
    )
    say(comparison_sentence(plan))
    _say_attrition(cohort)
    _say_lags(cohort)
    notices = cohort.notices if plan.pair is None else plan.pair.notices
    for notice in notices:
        say(f"note: {notice.text}")


def comparison_sentence(plan: Planned) -> str:
    """Return what would be compared, in one sentence."""
    pair = plan.pair
    if pair is None:
        return f"nothing would be compared yet: {plan.reason}"
    (reference, comparator), (before, after) = pair.totals, pair.total_years
    unmerged = ""
    if pair.unmerged is not None:
        totals = pair.unmerged.totals
        unmerged = f"; with no onsets merged {counted(totals[1], 'relapse')} against {totals[0]}"
    return (
        f"would be compared: {pair.comparator} / {pair.reference} in {counted(len(pair.patients), 'patient')}, "
        f"{counted(comparator, 'relapse')} in {significant(after)} years against {reference} in {significant(before)} years{unmerged}"
    )


def check_json(cohort: Cohort, plan: Planned) -> dict[str, object]:
    """Return the ``check`` document of valid data."""
    notices = cohort.notices if plan.pair is None else plan.pair.notices
    return {
        "schema": 1,
        "valid": True,
        "problems": [],
        "patients": len(cohort.patients),
        "periods": len(cohort.frame),
        "treatments": list(cohort.treatments),
        "exposure": cohort.unit,
        "covariates": list(cohort.covariates),
        "comparison": _comparison_json(plan),
        "attrition": None if cohort.attrition is None else _totals(cohort),
        "switch_merges": [] if cohort.switch_merges is None else json_records(cohort.switch_merges),
        "switch_days": [] if cohort.switch_days is None else json_records(cohort.switch_days),
        "switch_lags": [] if cohort.switch_lags is None else json_records(cohort.switch_lags),
        "notices": [notice.to_dict() for notice in notices],
    }


def problems_json(error: CohortError) -> dict[str, object]:
    """Return the ``check`` document of data with problems."""
    names = ("table", "row", "patient", "column", "value", "rule", "remedy")
    problems = [{name: getattr(problem, name) for name in names} for problem in error.problems]
    return {"schema": 1, "valid": False, "problems": problems}


def _comparison_json(plan: Planned) -> dict[str, object]:
    pair = plan.pair
    if pair is None:
        return {"comparator": None, "reference": None, "reason": plan.reason}
    return {
        "comparator": pair.comparator,
        "reference": pair.reference,
        "reason": None,
        "patients": len(pair.patients),
        "relapses": list(pair.totals),
        "years": list(pair.total_years),
        "unpaired": list(pair.unpaired),
        "relapses_unmerged": None if pair.unmerged is None else list(pair.unmerged.totals),
    }


def _totals(cohort: Cohort) -> dict[str, Any]:
    account = cohort.attrition
    names = [*_RELAPSE_NAMES, *_DAY_NAMES, "periods_in", "periods_consumed", "periods_kept"]
    return {} if account is None else {name: int(account[name].sum()) for name in names}


def _say_attrition(cohort: Cohort) -> None:
    if cohort.attrition is None:
        return
    totals = _totals(cohort)
    always = {"relapses_in", "relapses_kept", "days_in", "days_kept"}
    for title, names, causes in (
        ("Relapses", _RELAPSE_NAMES, RELAPSE_CAUSES),
        ("Patient-days", _DAY_NAMES, DAY_CAUSES),
    ):
        shown = [name for name in names if name in always or (name in causes and totals[name])]
        say_table((title, "Number"), [(names[name], str(totals[name])) for name in shown])


def _say_lags(cohort: Cohort) -> None:
    """Say how long before the end of each course that another one follows its last relapse began."""
    lags = cohort.switch_lags
    if lags is None or lags.empty:
        return
    say_table(
        ("Patient", "Course", "followed by", "Days from last relapse to end", "Ended by relapse"),
        [
            (
                row["patient"],
                row["treatment"],
                row["next_treatment"],
                "no relapse" if pd.isna(row["lag_days"]) else str(row["lag_days"]),
                "yes" if row["ended_by_relapse"] else "no",
            )
            for row in records(lags.head(_MOST_LAGS).astype(object))
        ],
        words=(0, 1, 2),
    )
    if len(lags) > _MOST_LAGS:
        say(f"and {len(lags) - _MOST_LAGS} more courses; all of them with --json")
