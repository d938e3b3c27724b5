"""Facts that cannot change within a person, such as the sex: else two people share an identifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from nmo_stats.errors import Problem
from nmo_stats.tables.cells import shown
from nmo_stats.tables.column_names import FACT_REMEDY, FACT_RULE, compared, is_fact


@dataclass(frozen=True, slots=True)
class Change:
    """A row whose value of a column is another one than in the first row of the patient."""

    patient: str
    column: str
    place: int
    first: int


def changes(patients: Sequence[Any], column: str, cells: Sequence[Any]) -> list[Change]:
    """Return the rows in which a patient has another value than in the first row that has one."""
    once = lru_cache(maxsize=None)(compared)  # large tables hold few different cells
    table = pd.DataFrame({"patient": list(patients), "value": list(map(once, cells))}, dtype="object")
    is_named = [isinstance(patient, str) for patient in patients]
    is_known = table["value"].notna() & np.array(is_named, dtype=bool)
    table = table[is_known].reset_index(names="place")
    first = table.groupby("patient", sort=False)[["value", "place"]].transform("first")
    changed = table.assign(first=first["place"])[table["value"] != first["value"]]
    return [
        Change(patient, column, place, before)
        for patient, place, before in changed[["patient", "place", "first"]].itertuples(
            index=False, name=None
        )
    ]


def person_problems(
    columns: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    known: Iterable[str],
    tables: Sequence[str] | None = None,
) -> list[Problem]:
    """Return a problem for each row that contradicts an earlier one about the person.

    Parameters
    ----------
    columns
        Parsed cells by column, ``patient`` among them; Faults are passed over.
    rows
        Number of each row.
    known
        Columns of the table that are never such a fact.
    tables
        In which of several tables each row stands.
    """
    own = set(known)
    facts = [name for name in columns if name not in own and is_fact(name)]
    found = [change for name in facts for change in changes(columns["patient"], name, columns[name])]
    return [_problem(change, columns[change.column], rows, tables) for change in found]


def _problem(
    change: Change, cells: Sequence[Any], rows: Sequence[int], tables: Sequence[str] | None
) -> Problem:
    first = (
        f"row {rows[change.first]}" if tables is None else f"{tables[change.first]}, row {rows[change.first]}"
    )
    return Problem(
        f"{shown(cells[change.place])} ({shown(cells[change.first])} in {first})",
        FACT_RULE,
        FACT_REMEDY.format(f"{change.column}_of_period"),
        int(rows[change.place]),
        change.patient,
        change.column,
        None if tables is None else tables[change.place],
    )
