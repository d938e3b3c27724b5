"""Which rows of a period table form the reference and the comparator period of a patient."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, get_args

import numpy as np
import pandas as pd

from nmo_stats.arguments import one_of
from nmo_stats.cohort.comparison import Comparison
from nmo_stats.cohort.history import history_of
from nmo_stats.cohort.notices import of_patients
from nmo_stats.errors import ArgumentError, CohortError, Problem
from nmo_stats.tables.cells import as_text
from nmo_stats.tables.column_names import nearest

Courses = Literal["all", "adjacent"]

_PAIRED = {
    "all": "a period on {!r} and one on {!r}",
    "adjacent": "a course of {!r} directly before the first course of {!r}",
}
_UNPAIRED = {
    "all": "only one of the compared periods",
    "adjacent": "no course of the reference directly before the first course of the comparator",
}


def paired(
    frame: pd.DataFrame,
    comparator: str,
    reference: str,
    courses: Courses,
    relapse_times: pd.DataFrame,
    *,
    is_numbered: bool = False,
) -> Comparison:
    """Return the comparison of two treatments within the patients of a period table.

    Parameters
    ----------
    frame
        The table, with ``years``.
    comparator, reference, courses
        As in :meth:`nmo_stats.cohort.Cohort.compare`.
    relapse_times
        The relapses whose time is known, see :func:`nmo_stats.cohort.history.history_of`.
    is_numbered
        Whether every course of a patient has a number, also those that are not in ``frame``.

    Raises
    ------
    CohortError
        If a treatment is not in the table, or no patient had both.
    ArgumentError
        If the two treatments are the same, or ``courses`` is unknown.
    """
    comparator, reference = as_text(comparator), as_text(reference)
    _require_treatments(frame, comparator, reference)
    one_of("courses", courses, get_args(Courses))
    compared = frame[frame["treatment"].isin([reference, comparator])]
    chosen = _adjacent(frame, comparator, is_numbered=is_numbered) if courses == "adjacent" else compared
    sums = _sums(chosen, reference, comparator)
    if sums.empty:
        rule = f"a patient has {_PAIRED[courses].format(reference, comparator)}"
        problem = Problem("no patient with both", rule, "check treatments and patient identifiers")
        raise CohortError([problem], "comparison")
    patients = _in_order(frame["patient"], sums.index)
    sums = sums.loc[list(patients)]
    unpaired = _in_order(frame["patient"], set(compared["patient"]) - set(patients))
    reversed_order = _reversed(chosen, comparator, reference, patients)
    repeated = set(chosen.loc[chosen.duplicated(["patient", "treatment"]), "patient"])
    several = "relapses and follow-up of several courses of a drug are summed"
    excluded = f"{_UNPAIRED[courses]}: included in descriptions, excluded from the ratios"
    notices = (
        of_patients("several_courses", several, _in_order(patients, repeated)),
        of_patients("unpaired", excluded, unpaired),
        of_patients("reversed_order", f"{comparator} came before {reference}", reversed_order),
    )
    return Comparison(
        patients,
        sums["relapses"].to_numpy(dtype=np.int64),
        sums["years"].to_numpy(dtype=np.float64),
        reference=reference,
        comparator=comparator,
        unpaired=unpaired,
        reversed_order=reversed_order,
        notices=tuple(notice for notice in notices if notice is not None),
        history=history_of(chosen, patients, (reference, comparator), relapse_times),
    )


def _require_treatments(frame: pd.DataFrame, comparator: str, reference: str) -> None:
    if comparator == reference:
        raise ArgumentError(f"comparator and reference {comparator!r}. Expected: two different treatments.")
    names = list(dict.fromkeys(frame["treatment"]))
    rule = f"a treatment of the table: {', '.join(map(repr, names[:20]))}"
    problems = [
        Problem(repr(name), rule, nearest(name, names), column="treatment")
        for name in (comparator, reference)
        if name not in names
    ]
    if problems:
        raise CohortError(problems, "comparison")


def _sums(chosen: pd.DataFrame, reference: str, comparator: str) -> pd.DataFrame:
    """Return relapses and years, columns (reference, comparator), of the patients with both treatments."""
    if chosen.empty:
        return chosen
    sums = chosen.pivot_table(
        index="patient", columns="treatment", values=["relapses", "years"], aggfunc="sum", sort=False
    )
    columns = pd.MultiIndex.from_product([["relapses", "years"], [reference, comparator]])
    return sums.reindex(columns=columns).dropna()


def _in_order(patients: Iterable[str], wanted: Collection[str]) -> tuple[str, ...]:
    """Return the different ``patients`` that are wanted, in their order."""
    return tuple(patient for patient in dict.fromkeys(patients) if patient in wanted)


def _adjacent(frame: pd.DataFrame, comparator: str, *, is_numbered: bool) -> pd.DataFrame:
    """Keep each patient's first comparator course and the course directly before it, whatever that was."""
    concerned = frame[frame["patient"].isin(frame.loc[frame["treatment"] == comparator, "patient"])]
    _require_order(concerned)
    ordered = concerned.sort_values(["patient", "period"])
    on_comparator = ordered.loc[ordered["treatment"] == comparator, "patient"]
    first = on_comparator.index[~on_comparator.duplicated()]
    switch = pd.Series(ordered.index.isin(first), index=ordered.index)
    before = switch.groupby(ordered["patient"]).shift(-1, fill_value=False)
    if is_numbered:
        before &= ordered.groupby("patient")["period"].shift(-1) == ordered["period"] + 1
    return ordered[switch | before].sort_index()


def _require_order(frame: pd.DataFrame) -> None:
    remedy = "number the periods 1, 2, ... in the column 'period'"
    rule = "courses='adjacent' needs the order of every period"
    if "period" not in frame:
        raise CohortError([Problem("missing", rule, remedy, column="period")], "comparison")
    without = dict.fromkeys(frame.loc[frame["period"].isna(), "patient"])
    problems = [Problem("empty", rule, remedy, patient=patient, column="period") for patient in without]
    if problems:
        raise CohortError(problems, "comparison")


def _reversed(
    chosen: pd.DataFrame, comparator: str, reference: str, patients: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the patients whose first course of the comparator came before their first of the reference."""
    if "period" not in chosen:
        return ()
    first = chosen.groupby(["treatment", "patient"])["period"].min()
    is_before = first[comparator].reindex(list(patients)) < first[reference].reindex(list(patients))
    return tuple(is_before.index[is_before.fillna(value=False)])
