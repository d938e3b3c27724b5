"""The rows of one repeating instrument of a REDCap export, with raw names or with labels in its header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, is_missing, shown
from nmo_stats.tables.columns import in_shell
from nmo_stats.tables.nearest import nearest, nearest_name
from nmo_stats.tables.person_facts import FACT_REMEDY, FACT_RULE, compared, is_fact
from nmo_stats.tables.raw import RawTable, listed

INSTRUMENT: Final = "redcap_repeat_instrument"
INSTANCE: Final = "redcap_repeat_instance"
EVENT: Final = "redcap_event_name"
_OWN_LABELS: Final = {"repeat_instrument": INSTRUMENT, "repeat_instance": INSTANCE, "event_name": EVENT}
_ROLES: Final = {
    "treatments": ("treatment", "therapy", "drug", "medication", "course"),
    "relapses": ("relapse", "attack", "event"),
}
_RULE: Final = (
    f"a REDCap export with repeating instruments has a column {INSTRUMENT!r} or 'Repeat Instrument'"
)


def plain_label(label: str) -> str:
    """Return a label as a name: small letters, and one underscore for everything between its words.

    Examples
    --------
    >>> plain_label("Date of onset"), plain_label(" Follow-up (months) ")
    ('date_of_onset', 'follow_up_months')
    """
    return re.sub(r"[\W_]+", "_", label.lower()).strip("_")


def is_export(header: Sequence[str]) -> bool:
    """Return whether a header has one of REDCap's own columns."""
    return has_labels(header) or bool({INSTRUMENT, EVENT} & set(header))


def has_labels(header: Sequence[str]) -> bool:
    """Return whether a header is that of a REDCap export with labels, by the columns of REDCap itself."""
    labels = [plain_label(name) for name in header]
    return {"repeat_instrument", "repeat_instance"} <= set(labels) or labels[1:2] == ["event_name"]


def instrument_rows(raw: RawTable, instrument: str | None, role: str | None = None) -> RawTable:
    """Return the rows of an instrument, with the columns that it fills and those of the patient's own row.

    An export with repeating instruments holds one row for each instance of each instrument, and one row for what is asked once:
    columns that the instrument leaves empty are taken from the row of the same record (the first column) that belongs to no
    instrument. A table without instruments is returned as it is.

    Parameters
    ----------
    role
        Which of the two tables of dated events it is; None for a single table.

    Raises
    ------
    CohortError
        If the table holds several instruments and none is chosen, or there is no such instrument.
    """
    if has_labels(raw.columns):
        own = tuple(_OWN_LABELS.get(plain_label(name), name) for name in raw.columns)
        raw = replace(raw, columns=own, has_labels=True)
    if INSTRUMENT not in raw.columns:
        if instrument is None:
            return raw
        remedy = "leave the instrument out, or export the rows again"
        raise CohortError([Problem(f"instrument={instrument!r}", _RULE, remedy)], raw.source.name)
    labels = ["" if is_missing(cell) else as_text(cell) for cell in raw.cells[raw.columns.index(INSTRUMENT)]]
    names = [name for name in dict.fromkeys(labels) if name]
    if instrument is None and not names:
        return _without(raw, (INSTRUMENT, INSTANCE))
    if instrument not in names:
        raise CohortError([_choice(instrument, names, role)], raw.source.name)
    chosen = [index for index, label in enumerate(labels) if label == instrument]
    own_rows = [index for index, label in enumerate(labels) if not label]
    found, clashes = filled(_without(raw, (INSTRUMENT, INSTANCE)), chosen, own_rows)
    if clashes:
        raise CohortError(clashes, raw.source.name)
    return found


def _choice(instrument: str | None, names: list[str], role: str | None) -> Problem:
    found = listed(map(repr, names), 20) or "none"
    if instrument is not None:
        remedy = nearest(instrument, names) or "name one of them"
        return Problem(f"no instrument {instrument!r}", f"the file has the instruments {found}", remedy)
    if role is None:
        option = f"--instrument {in_shell(names[0])}"
        remedy = f"choose the rows with instrument={names[0]!r} ({option}) or another of them"
    else:
        meant = nearest_name(role, names, _ROLES[role]) or names[0]
        option = " ".join(f"--instrument {in_shell(f'{table}={name}')}" for table, name in _roles(names))
        remedy = f"choose the rows with TableFile(path, instrument={meant!r}) ({option}), or another of them"
    rule = "a table holds the rows of one instrument"
    return Problem(f"rows of the REDCap instruments {found}", rule, remedy, column=INSTRUMENT, table=role)


def _roles(names: list[str]) -> list[tuple[str, str]]:
    """Return for each table of dated events the instrument that looks like it."""
    return [(role, nearest_name(role, names, hints) or names[0]) for role, hints in _ROLES.items()]


def _without(raw: RawTable, names: tuple[str, ...]) -> RawTable:
    kept = [number for number, column in enumerate(raw.columns) if column not in names]
    return replace(
        raw,
        columns=tuple(raw.columns[number] for number in kept),
        cells=tuple(raw.cells[number] for number in kept),
    )


def filled(raw: RawTable, chosen: list[int], own: list[int]) -> tuple[RawTable, list[Problem]]:
    """Return the chosen rows, and in columns that they leave empty the values of the patients' own rows.

    Returns
    -------
    RawTable
        Without the columns that hold nothing then.
    list of Problem
        Where own rows of a record contradict each other, or a chosen row on what cannot change within a person.
    """
    columns: list[str] = []
    cells: list[tuple[Cell, ...]] = []
    problems: list[Problem] = []
    records = raw.cells[0] if raw.cells else ()
    for name, column in zip(raw.columns, raw.cells, strict=True):
        taken = tuple(column[index] for index in chosen)
        if all(map(is_missing, taken)):
            facts, clashes = _facts(name, column, records, own, raw.rows)
            problems += clashes
            taken = tuple(facts.get(_key(records[index])) for index in chosen)
            if all(map(is_missing, taken)):
                continue  # a column of another instrument
        elif is_fact(name):
            facts, clashes = _facts(name, column, records, own, raw.rows)
            problems += clashes + _contradictions(name, column, (records, chosen), facts, raw.rows)
            pairs = zip(chosen, taken, strict=True)
            taken = tuple(facts.get(_key(records[at])) if is_missing(cell) else cell for at, cell in pairs)
        columns.append(name)
        cells.append(taken)
    rows = tuple(raw.rows[index] for index in chosen)
    return replace(raw, columns=tuple(columns), cells=tuple(cells), rows=rows), problems


def _facts(
    name: str, column: tuple[Cell, ...], records: tuple[Cell, ...], own: list[int], rows: tuple[int, ...]
) -> tuple[dict[str, Cell], list[Problem]]:
    """Return what each record's own rows say in a column, and where they contradict each other."""
    facts: dict[str, Cell] = {}
    clashes = []
    for index in own:
        record, cell = _key(records[index]), column[index]
        if is_missing(cell):
            continue
        if record in facts and _differ(name, facts[record], cell):
            if is_fact(name):
                clashes.append(_contradiction(name, cell, facts[record], rows[index], record))
                continue
            found = f"{shown(cell)} after {shown(facts[record])}"
            rule = "rows outside the instruments agree on a record"
            remedy = "keep one value, or export one event of the project"
            clashes.append(Problem(found, rule, remedy, rows[index], record, name))
        facts.setdefault(record, cell)
    return facts, clashes


def _contradictions(
    name: str,
    column: tuple[Cell, ...],
    chosen: tuple[tuple[Cell, ...], list[int]],
    facts: dict[str, Cell],
    rows: tuple[int, ...],
) -> list[Problem]:
    """Return the chosen rows (records, places) that differ from the own rows of their record."""
    records, places = chosen
    keys = [(index, _key(records[index])) for index in places]
    return [
        _contradiction(name, column[index], facts[key], rows[index], key)
        for index, key in keys
        if key in facts and _differ(name, facts[key], column[index])
    ]


def _contradiction(name: str, cell: Cell, first: Cell, row: int, record: str) -> Problem:
    found = f"{shown(cell)} ({shown(first)} in another row of the record)"
    return Problem(found, FACT_RULE, FACT_REMEDY.format(f"{name}_of_period"), row, record, name)


def _differ(name: str, first: Cell, cell: Cell) -> bool:
    """Return whether two cells of a record contradict each other; spelling and unknown do not change a person."""
    if not is_fact(name):
        return as_text(first) != as_text(cell)
    known = [value for value in (compared(first), compared(cell)) if value is not None]
    return len(set(known)) > 1


def _key(record: Cell) -> str:
    return "" if is_missing(record) else as_text(record)
