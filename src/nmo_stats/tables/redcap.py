"""The rows of one repeating instrument of a REDCap export."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, as_text, is_missing, shown
from nmo_stats.tables.nearest import nearest
from nmo_stats.tables.raw import RawTable

_INSTRUMENT: Final = "redcap_repeat_instrument"
_OWN: Final = (_INSTRUMENT, "redcap_repeat_instance")


def instrument_rows(raw: RawTable, instrument: str | None) -> RawTable:
    """Return the rows of an instrument, with the columns that it fills and those of the patient's own row.

    An export with repeating instruments holds one row for each instance of each instrument, and one row for what is asked once:
    columns that the instrument leaves empty are taken from the row of the same record (the first column) that belongs to no
    instrument. A table without the column ``redcap_repeat_instrument`` is returned as it is.

    Raises
    ------
    CohortError
        If the table holds several instruments and none is chosen, or there is no such instrument.
    """
    if _INSTRUMENT not in raw.columns:
        if instrument is None:
            return raw
        rule = f"a REDCap export with repeating instruments has a column {_INSTRUMENT!r}"
        problem = Problem(
            f"instrument={instrument!r}", rule, "leave the instrument out, or export the rows again"
        )
        raise CohortError([problem], raw.source.name)
    labels = ["" if is_missing(cell) else as_text(cell) for cell in raw.cells[raw.columns.index(_INSTRUMENT)]]
    names = [name for name in dict.fromkeys(labels) if name]
    if instrument is None and not names:
        return _without(raw, _OWN)
    if instrument not in names:
        raise CohortError([_choice(instrument, names)], raw.source.name)
    chosen = [index for index, label in enumerate(labels) if label == instrument]
    own = [index for index, label in enumerate(labels) if not label]
    return _filled(_without(raw, _OWN), chosen, own)


def _choice(instrument: str | None, names: list[str]) -> Problem:
    listed = ", ".join(map(repr, names[:20])) or "none"
    if instrument is None:
        found = f"rows of the REDCap instruments {listed}"
        remedy = f"choose the rows with instrument={names[0]!r} (--instrument {names[0]}) or another of them"
        return Problem(found, "a table holds the rows of one instrument", remedy, column=_INSTRUMENT)
    remedy = nearest(instrument, names) or "name one of them"
    return Problem(f"no instrument {instrument!r}", f"the file has the instruments {listed}", remedy)


def _without(raw: RawTable, names: tuple[str, ...]) -> RawTable:
    kept = [number for number, column in enumerate(raw.columns) if column not in names]
    return replace(
        raw,
        columns=tuple(raw.columns[number] for number in kept),
        cells=tuple(raw.cells[number] for number in kept),
    )


def _filled(raw: RawTable, chosen: list[int], own: list[int]) -> RawTable:
    """Return the chosen rows, and in columns that are empty in all of them the values of the patients' own rows."""
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
        columns.append(name)
        cells.append(taken)
    if problems:
        raise CohortError(problems, raw.source.name)
    return replace(
        raw, columns=tuple(columns), cells=tuple(cells), rows=tuple(raw.rows[index] for index in chosen)
    )


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
        if record in facts and as_text(facts[record]) != as_text(cell):
            found = f"{shown(cell)} after {shown(facts[record])}"
            rule = "rows outside the instruments agree on a record"
            remedy = "keep one value, or export one event of the project"
            clashes.append(Problem(found, rule, remedy, rows[index], record, name))
        facts.setdefault(record, cell)
    return facts, clashes


def _key(record: Cell) -> str:
    return "" if is_missing(record) else as_text(record)
