"""A REDCap export as a table of ours: rows of an instrument, labels, ticked boxes, rows of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import (
    Cell,
    Fault,
    Unreadable,
    as_text,
    is_missing,
    parse_yes_no,
    printable,
    shown,
)
from nmo_stats.tables.coded import CodedTable
from nmo_stats.tables.column_names import (
    FACT_REMEDY,
    FACT_RULE,
    choice_of,
    compared,
    in_shell,
    is_fact,
    nearest,
    nearest_name,
    plain_label,
)
from nmo_stats.tables.columns import Columns
from nmo_stats.tables.files import listed, refuse

INSTRUMENT: Final = "redcap_repeat_instrument"
INSTANCE: Final = "redcap_repeat_instance"
EVENT: Final = "redcap_event_name"
_OWN_LABELS: Final = {"repeat_instrument": INSTRUMENT, "repeat_instance": INSTANCE, "event_name": EVENT}
_ROLES: Final = {
    "treatments": ("treatment", "therapy", "drug", "medication", "course"),
    "relapses": ("relapse", "attack", "event"),
}
# The labels that are read as a column of ours, beside its own name; any other label needs a renaming.
LABELS: Final[dict[str, tuple[str, ...]]] = {
    "patient": ("record_id", "patient_id", "study_id", "subject_id", "participant_id"),
    "treatment": ("drug", "drug_name", "treatment_name", "therapy", "medication"),
    "relapses": ("number_of_relapses", "relapse_count"),
    **{
        f"exposure_{unit}": (f"follow_up_{unit}", f"follow_up_in_{unit}", f"{unit}_of_follow_up")
        for unit in ("days", "weeks", "months", "years")
    },
    "edss_start": ("edss_at_start", "edss_at_the_start"),
    "edss_end": ("edss_at_end", "edss_at_the_end"),
    "start": ("start_date", "date_of_start", "treatment_start", "date_started"),
    "end": ("end_date", "date_of_end", "treatment_end", "stop_date", "date_stopped"),
    "last_visit": ("date_of_last_visit", "last_visit_date"),
    "onset": ("date_of_onset", "onset_date", "relapse_date", "date_of_relapse", "relapse_onset"),
    "severity": ("relapse_severity", "severity_of_relapse"),
}
_FORM_STATUS: Final = "complete"  # label of the status of every form, so of several columns
_TREATMENT: Final = "treatment"
_ONE_BOX: Final = Fault(
    "exactly one ticked box names the drug of a row",
    "tick the box of one drug; give a combination a box of its own, or a name in a column 'treatment'",
)


def instrument_rows(table: CodedTable, instrument: str | None, role: str | None = None) -> CodedTable:
    """Return the rows of an instrument, with the columns that it fills and those of the patient's own row.

    An export with repeating instruments holds one row for each instance of each instrument, and one row
    for what is asked once: columns that the instrument leaves empty are taken from the row of the same
    record (the first column) that belongs to no instrument. A table without instruments is returned as
    it is.

    Parameters
    ----------
    table
        The whole export, or any other table.
    instrument
        The instrument that is chosen.
    role
        Which of the two tables of dated events it is; None for a single table.

    Raises
    ------
    CohortError
        If the table holds several instruments and none is chosen, or there is no such instrument.
    """
    labels = [plain_label(name) for name in table.columns]
    if {"repeat_instrument", "repeat_instance"} <= set(labels) or labels[1:2] == ["event_name"]:
        own = map(_OWN_LABELS.get, labels, table.columns)
        table = replace(table, columns=tuple(own), has_labels=True)
    if INSTRUMENT not in table.columns:
        if instrument is not None:
            rule = f"an export with repeating instruments has a column {INSTRUMENT!r} or 'Repeat Instrument'"
            remedy = "leave the instrument out, or export the rows again"
            refuse(table.source.name, f"instrument={instrument!r}", rule, remedy)
        return table
    of_rows = np.array(list(map(_text, table.column(table.columns.index(INSTRUMENT)))), dtype=object)
    names = [name for name in dict.fromkeys(of_rows) if name]
    rest = table.of_columns(
        place for place, name in enumerate(table.columns) if name not in (INSTRUMENT, INSTANCE)
    )
    if instrument is None and not names:
        return rest
    if instrument not in names:
        raise CohortError([_choice(instrument, names, role)], table.source.name)
    filled, clashes = _filled(rest, of_rows == instrument, of_rows == "")
    if clashes:
        raise CohortError(clashes, table.source.name)
    return filled


def _choice(instrument: str | None, names: list[str], role: str | None) -> Problem:
    """Return the problem of an instrument that is not there, or has to be chosen."""
    there = listed(map(repr, names), 20) or "none"
    if instrument is not None:
        remedy = nearest(instrument, names) or "name one of them"
        return Problem(f"no instrument {instrument!r}", f"the file has the instruments {there}", remedy)
    if role is None:
        option = f"--instrument {in_shell(names[0])}"
        remedy = f"choose the rows with instrument={names[0]!r} ({option}) or another of them"
    else:
        meant = {table: nearest_name(table, names, hints) or names[0] for table, hints in _ROLES.items()}
        option = " ".join(f"--instrument {in_shell(f'{table}={name}')}" for table, name in meant.items())
        remedy = (
            f"choose the rows with TableFile(path, instrument={meant[role]!r}) ({option}), or another of them"
        )
    rule = "a table holds the rows of one instrument"
    return Problem(f"rows of the REDCap instruments {there}", rule, remedy, column=INSTRUMENT, table=role)


def _filled(
    table: CodedTable, chosen: Sequence[bool], own: Sequence[bool]
) -> tuple[CodedTable, list[Problem]]:
    """Return the chosen rows, with the values of the patients' own rows in columns that they leave empty.

    Columns that hold nothing then are left out. The problems are of own rows of a record that
    contradict each other, and of chosen rows that contradict them on what cannot change within a
    person.
    """
    places, others = np.flatnonzero(chosen).tolist(), np.flatnonzero(own).tolist()
    result = table.of_rows(places)
    records = [_text(cell) for cell in table.column(0)] if table.columns else []
    kept: list[int] = []
    problems: list[Problem] = []
    for number, name in enumerate(table.columns):
        cells = table.column(number)
        is_empty = all(is_missing(cells[place]) for place in places)
        if is_empty or is_fact(name):
            facts, clashes = _facts(table, number, (records, others, places))
            problems += clashes
            taken = [facts.get(records[at]) if is_missing(cells[at]) else cells[at] for at in places]
            is_empty = all(map(is_missing, taken))
            result = result.with_column(number, name, taken)
        if not is_empty:  # else it is a column of another instrument
            kept.append(number)
    return result.of_columns(kept), problems


def _facts(
    table: CodedTable, number: int, rows: tuple[Sequence[str], Sequence[int], Sequence[int]]
) -> tuple[dict[str, Cell], list[Problem]]:
    """Return what each record's own rows say in a column, and where they, or chosen rows, contradict it.

    ``rows`` are the record of every row, the own rows, and the chosen ones.
    """
    records, own, chosen = rows
    name, cells = table.columns[number], table.column(number)
    facts: dict[str, Cell] = {}
    clashes = []
    for index, place in enumerate((*own, *chosen)):
        record, cell = records[place], cells[place]
        if is_missing(cell):
            continue
        if record in facts and _differ(name, facts[record], cell):
            said = shown(cell), shown(facts[record])
            clashes.append(_contradiction(name, said, int(table.rows[place]), record))
        elif index < len(own):
            facts.setdefault(record, cell)
    return facts, clashes


def _contradiction(name: str, said: tuple[str, str], row: int, record: str) -> Problem:
    """Return the problem of a cell that differs from the first one of its record; ``said`` are both."""
    if is_fact(name):
        value = f"{said[0]} ({said[1]} in another row of the record)"
        return Problem(value, FACT_RULE, FACT_REMEDY.format(f"{name}_of_period"), row, record, name)
    rule = "rows outside the instruments agree on a record"
    remedy = "keep one value, or export one event of the project"
    return Problem(f"{said[0]} after {said[1]}", rule, remedy, row, record, name)


def _differ(name: str, first: Cell, cell: Cell) -> bool:
    """Return whether two cells of a record contradict each other; spelling does not change a person."""
    if not is_fact(name):
        return as_text(first) != as_text(cell)
    return len({compared(first), compared(cell)} - {None}) > 1


def from_redcap(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> CodedTable:
    """Return a REDCap export as a table of ours; any other table as it is.

    Parameters
    ----------
    table
        The export.
    mapping
        Foreign names to ours, as declared: they come first.
    columns
        The columns of the table.

    Raises
    ------
    CohortError
        If rows of one record contradict each other on a column of ours.
    """
    if table.has_labels:
        table = _by_labels(_without_status(table), mapping, columns)
    boxes = _boxes(table, mapping, columns)
    table = _with_drug(table, mapping, boxes) if boxes else table
    if EVENT in table.columns and len(table.rows):
        table = _event_rows(table, mapping, columns)
    return _without_empty_drug(table, mapping) if boxes else table


def _by_labels(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> CodedTable:
    """Return the table with our names for the labels that have one meaning."""
    taken = {mapping.get(name, name) for name in table.columns}
    meant = {name: _column_of(name, columns) for name in table.columns if name not in mapping}
    counts = list(meant.values())
    ours = {
        label: name for label, name in meant.items() if name and name not in taken and counts.count(name) == 1
    }
    if not ours:
        return table
    pairs = ", ".join(f"{printable(label)!r} is read as {name}" for label, name in ours.items())
    renamed = replace(table, columns=tuple(ours.get(name, name) for name in table.columns))
    return renamed.with_remark("labels", f"columns of a REDCap export with labels: {pairs}")


def _column_of(label: str, columns: Columns) -> str:
    """Return our column that a label means, or ``""``."""
    plain = plain_label(label)
    return next((name for name in columns.parsers if plain in {name, *LABELS.get(name, ())}), "")


def _without_status(table: CodedTable) -> CodedTable:
    status = [place for place, name in enumerate(table.columns) if plain_label(name) == _FORM_STATUS]
    if len(status) < 2:
        return table
    kept = table.of_columns(place for place in range(len(table.columns)) if place not in status)
    text = f"the columns {table.columns[status[0]]!r}, the status of forms, are not used"
    return kept.with_remark("form_status", text)


def _boxes(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> dict[int, tuple[str, str]]:
    """Return field and code of the boxes ``treatment___1``, ..., where they stand for a column of drugs."""
    if _TREATMENT not in columns.required or _TREATMENT in {
        mapping.get(name, name) for name in table.columns
    }:
        return {}
    boxes = {place: choice for place, name in enumerate(table.columns) if (choice := choice_of(name))}
    fields = {field for field, _ in boxes.values() if _is_drug(field, table, mapping)}
    return {place: box for place, box in boxes.items() if box[0] in fields} if len(fields) == 1 else {}


def _is_drug(field: str, table: CodedTable, mapping: Mapping[str, str]) -> bool:
    if mapping.get(field, field) == _TREATMENT:
        return True
    return table.has_labels and plain_label(field) in {_TREATMENT, *LABELS[_TREATMENT]}


def _with_drug(
    table: CodedTable, mapping: Mapping[str, str], boxes: Mapping[int, tuple[str, str]]
) -> CodedTable:
    """Return the table with the code of the ticked box as one column in the place of the first."""
    first, (field, _) = next(iter(boxes.items()))
    codes = [code for _, code in boxes.values()]
    drugs = [_ticked(cells, codes) for cells in zip(*map(table.column, boxes), strict=True)]
    changed = table.with_column(first, field if field in mapping else _TREATMENT, drugs)
    kept = (place for place in range(len(table.columns)) if place == first or place not in boxes)
    names = listed((printable(table.columns[place]) for place in boxes), 20)
    text = f"the box that is ticked is read as the treatment: {names}"
    return changed.of_columns(kept).with_remark("checkboxes", text)


def _ticked(cells: Sequence[Cell], codes: Sequence[str]) -> Cell:
    """Return the code of the only box that is ticked, None if none is, else what is unclear."""
    answers = [parse_yes_no(cell) for cell in cells]
    for cell, answer, code in zip(cells, answers, codes, strict=True):
        if isinstance(answer, Fault):
            return Unreadable(f"{shown(cell)} in the box {code!r}", _ONE_BOX)
    ticked = [code for answer, code in zip(answers, codes, strict=True) if answer]
    if len(ticked) > 1:
        return Unreadable(f"ticked: {', '.join(map(repr, ticked))}", _ONE_BOX)
    return ticked[0] if ticked else None


def _without_empty_drug(table: CodedTable, mapping: Mapping[str, str]) -> CodedTable:
    """Return the table in which a row without a ticked box says so."""
    names = [mapping.get(name, name) for name in table.columns]
    if _TREATMENT not in names:
        return table
    place = names.index(_TREATMENT)
    drugs = [
        Unreadable("no box is ticked", _ONE_BOX) if drug is None else drug for drug in table.column(place)
    ]
    return table.with_column(place, table.columns[place], drugs)


def _event_rows(table: CodedTable, mapping: Mapping[str, str], columns: Columns) -> CodedTable:
    """Return the rows of the events that hold the table; facts of the other events join the patient.

    An event holds the table if one of its rows fills a required column other than the patient, or a
    follow-up time. So no row is passed over that says anything in these columns. Foreign columns that
    change between the other events are left out.
    """
    names = [mapping.get(name, name) for name in table.columns]
    telling = {name for name in columns.parsers if name in columns.required or name.startswith("exposure_")}
    places = [place for place, name in enumerate(names) if name in telling - {"patient"}]
    events = [printable(_text(cell)) for cell in table.column(table.columns.index(EVENT))]
    rows = zip(events, *map(table.column, places), strict=True)
    holding = {event for event, *cells in rows if not all(map(is_missing, cells))}
    is_chosen = [event in holding for event in events]
    if all(is_chosen) or not any(is_chosen):
        return table
    filled, clashes = _filled(table, is_chosen, [not chosen for chosen in is_chosen])
    if ours := [problem for problem in clashes if _is_ours(problem.column or "", mapping, columns)]:
        raise CohortError(ours, table.source.name)
    read, others = (
        [event for event in dict.fromkeys(events) if (event in holding) is wanted] for wanted in (True, False)
    )
    text = (
        f"the table is read from the REDCap events {listed(map(repr, read), 20)}; "
        f"facts of the patient from {listed(map(repr, others), 20)}"
    )
    filled = filled.with_remark("events_read", text)
    changing = list(dict.fromkeys(problem.column or "" for problem in clashes))
    if not changing:
        return filled
    kept = filled.of_columns(place for place, name in enumerate(filled.columns) if name not in changing)
    text = f"columns that change between the other events are not used: {listed(map(printable, changing))}"
    return kept.with_remark("unused_columns", text)


def _is_ours(name: str, mapping: Mapping[str, str], columns: Columns) -> bool:
    """Return whether a column is known to the table, or about the person."""
    return mapping.get(name, name) in columns.parsers or is_fact(name)


def _text(cell: Cell) -> str:
    return "" if is_missing(cell) else as_text(cell)
