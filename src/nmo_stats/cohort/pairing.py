"""Which rows of a period table form the reference and the comparator period of a patient."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from nmo_stats.cohort.comparison import Comparison
from nmo_stats.cohort.notices import Notice
from nmo_stats.cohort.validate import nearest
from nmo_stats.errors import ArgumentError, CohortError, Problem

Courses = Literal["all", "adjacent"]


def paired(
    frame: pd.DataFrame, comparator: str, reference: str, courses: Courses, notices: tuple[Notice, ...]
) -> Comparison:
    """Return the comparison of two treatments within the patients of ``frame`` (a period table with ``years``).

    Raises
    ------
    CohortError
        If a treatment is not in the table, or no patient had both.
    ArgumentError
        If the two treatments are the same, or ``courses`` is unknown.
    """
    _require_treatments(frame, comparator, reference)
    if courses not in get_args(Courses):
        raise ArgumentError(f"courses {courses!r}: 'all' or 'adjacent'")
    order = list(dict.fromkeys(frame["patient"]))
    compared = frame[frame["treatment"].isin([reference, comparator])]
    chosen = _adjacent(frame, comparator, reference) if courses == "adjacent" else compared
    sums = chosen.groupby(["patient", "treatment"], sort=False)[["relapses", "years"]].sum().unstack("treatment")
    both = sums.dropna().index if {reference, comparator} <= set(chosen["treatment"]) else sums.index[:0]
    patients = tuple(patient for patient in order if patient in set(both))
    if not patients:
        rule = f"at least one patient has a period on {reference!r} and one on {comparator!r}"
        raise CohortError([Problem("no patient with both", rule, "check treatments and patient identifiers")], "comparison")
    columns = [reference, comparator]
    relapses = sums["relapses"].loc[list(patients), columns].to_numpy(dtype=np.int64).copy()
    years = sums["years"].loc[list(patients), columns].to_numpy(dtype=np.float64).copy()
    touched = set(compared["patient"])
    unpaired = tuple(patient for patient in order if patient in touched and patient not in set(patients))
    reversed_order = _reversed(chosen, comparator, reference, patients)
    formed = _notices(chosen, unpaired, reversed_order, (comparator, reference))
    return Comparison(patients, relapses, years, reference, comparator, unpaired, reversed_order, notices + formed)


def _require_treatments(frame: pd.DataFrame, comparator: str, reference: str) -> None:
    if comparator == reference:
        raise ArgumentError(f"comparator and reference are both {comparator!r}: name two different treatments")
    names = list(dict.fromkeys(frame["treatment"]))
    listed = ", ".join(map(repr, names[:20]))
    problems = [
        Problem(repr(name), f"the table has the treatments {listed}", nearest(name, names), column="treatment")
        for name in (comparator, reference)
        if name not in names
    ]
    if problems:
        raise CohortError(problems, "comparison")


def _adjacent(frame: pd.DataFrame, comparator: str, reference: str) -> pd.DataFrame:
    """Keep each patient's first comparator course and the reference course directly before it."""
    if "period" not in frame or frame["period"].isna().any():
        rule = "courses='adjacent' needs the order of every period"
        raise CohortError([Problem("missing", rule, "fill the column 'period'", column="period")], "comparison")
    ordered = frame.sort_values(["patient", "period"], kind="stable")
    previous = ordered.groupby("patient", sort=False).shift(1)["treatment"]
    is_comparator = ordered["treatment"] == comparator
    first = is_comparator & ~ordered.loc[is_comparator, "patient"].duplicated().reindex(ordered.index, fill_value=True)
    switch = first & (previous == reference)
    before = switch.groupby(ordered["patient"], sort=False).shift(-1, fill_value=False)
    return ordered[switch | before].sort_index()


def _reversed(
    chosen: pd.DataFrame, comparator: str, reference: str, patients: tuple[str, ...]
) -> tuple[str, ...]:
    if "period" not in chosen:
        return ()
    firsts = chosen.groupby(["patient", "treatment"])["period"].min().unstack("treatment").reindex(list(patients))
    before = (firsts[comparator] < firsts[reference]).fillna(value=False).to_numpy(dtype=bool)
    return tuple(patient for patient, is_before in zip(patients, before, strict=True) if is_before)


def _notices(
    chosen: pd.DataFrame, unpaired: tuple[str, ...], reversed_order: tuple[str, ...], names: tuple[str, str]
) -> tuple[Notice, ...]:
    comparator, reference = names
    repeated = chosen.loc[chosen.duplicated(["patient", "treatment"]), "patient"]
    courses = tuple(dict.fromkeys(repeated))
    candidates = (
        (courses, "several_courses", "relapses and follow-up of several courses of a drug are summed"),
        (unpaired, "unpaired", "only one of the compared periods: described, but in no estimator"),
        (reversed_order, "reversed_order", f"{comparator} came before {reference}"),
    )
    return tuple(
        Notice(code, f"{text} (patient {', '.join(who[:10])}{' and more' if len(who) > 10 else ''})", who)
        for who, code, text in candidates
        if who
    )
