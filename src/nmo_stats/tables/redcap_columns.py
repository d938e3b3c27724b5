"""What a REDCap export keeps in another shape than our tables: labels, ticked boxes, rows of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nmo_stats.errors import CohortError, Problem
from nmo_stats.tables.cells import Cell, Fault, as_text, is_missing, parse_yes_no, printable, shown
from nmo_stats.tables.columns import Columns, choice_of
from nmo_stats.tables.person_facts import is_fact
from nmo_stats.tables.raw import RawTable, Remark, listed
from nmo_stats.tables.redcap import EVENT, filled, plain_label

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
_ONE_BOX: Final = "exactly one ticked box names the drug of a row"
_ONE_BOX_REMEDY: Final = (
    "tick the box of one drug; give a combination a box of its own, or a name in a column 'treatment'"
)


@dataclass(frozen=True, slots=True)
class _Unclear:
    """What stands in the boxes of a row that do not name one drug."""

    found: str


def in_our_shape(raw: RawTable, mapping: Mapping[str, str], columns: Columns) -> RawTable:
    """Return a REDCap export as a table of ours; any other table as it is.

    Parameters
    ----------
    mapping
        Foreign names to ours, as declared: they come first.
    columns
        The columns of the table.

    Raises
    ------
    CohortError
        If rows of one record contradict each other on a column of ours.
    """
    named = _by_labels(raw, mapping, columns) if raw.has_labels else raw
    boxed = _with_drug(named, mapping, columns)
    return _clear(_event_rows(boxed, mapping, columns), mapping)


def _by_labels(raw: RawTable, mapping: Mapping[str, str], columns: Columns) -> RawTable:
    """Return the table with our names for the labels that have one meaning."""
    raw = _without_status(raw)
    taken = {mapping.get(name, name) for name in raw.columns}
    ours = {name: _column_of(name, columns) for name in raw.columns if name not in mapping}
    meant = list(ours.values())
    found = {
        label: name for label, name in ours.items() if name and name not in taken and meant.count(name) == 1
    }
    if not found:
        return raw
    pairs = ", ".join(f"{printable(label)!r} is read as {name}" for label, name in found.items())
    text = f"{raw.source.name}: columns of a REDCap export with labels: {pairs}"
    renamed = tuple(found.get(name, name) for name in raw.columns)
    return replace(raw, columns=renamed, remarks=(*raw.remarks, Remark("labels", text)))


def _column_of(label: str, columns: Columns) -> str:
    """Return our column that a label means, or ``""``."""
    plain = plain_label(label)
    return next((name for name in columns.parsers if plain in {name, *LABELS.get(name, ())}), "")


def _without_status(raw: RawTable) -> RawTable:
    status = [number for number, name in enumerate(raw.columns) if plain_label(name) == _FORM_STATUS]
    if len(status) < 2:
        return raw
    text = f"{raw.source.name}: the columns {raw.columns[status[0]]!r}, the status of forms, are not used"
    return replace(
        raw,
        columns=tuple(name for number, name in enumerate(raw.columns) if number not in status),
        cells=tuple(cells for number, cells in enumerate(raw.cells) if number not in status),
        remarks=(*raw.remarks, Remark("form_status", text)),
    )


def _with_drug(raw: RawTable, mapping: Mapping[str, str], columns: Columns) -> RawTable:
    """Return the table with the ticked one of the boxes ``treatment___1``, ``treatment___2``, ... as one column."""
    if _TREATMENT not in columns.required or _TREATMENT in {mapping.get(name, name) for name in raw.columns}:
        return raw
    boxes = [(number, *choice) for number, name in enumerate(raw.columns) if (choice := choice_of(name))]
    fields = [
        field for field in dict.fromkeys(field for _, field, _ in boxes) if _is_drug(field, raw, mapping)
    ]
    if len(fields) != 1:
        return raw
    codes = {number: code for number, field, code in boxes if field == fields[0]}
    drugs = tuple(_ticked(row, codes) for row in zip(*(raw.cells[number] for number in codes), strict=True))
    first = min(codes)
    kept = [number for number in range(len(raw.columns)) if number == first or number not in codes]
    name = fields[0] if fields[0] in mapping else _TREATMENT
    names = listed((printable(raw.columns[number]) for number in codes), 20)
    text = f"{raw.source.name}: the box that is ticked is read as the treatment: {names}"
    return replace(
        raw,
        columns=tuple(name if number == first else raw.columns[number] for number in kept),
        cells=tuple(drugs if number == first else raw.cells[number] for number in kept),
        remarks=(*raw.remarks, Remark("checkboxes", text)),
    )


def _is_drug(field: str, raw: RawTable, mapping: Mapping[str, str]) -> bool:
    if mapping.get(field, field) == _TREATMENT:
        return True
    return raw.has_labels and plain_label(field) in {_TREATMENT, *LABELS[_TREATMENT]}


def _ticked(cells: Sequence[Cell], codes: Mapping[int, str]) -> Cell:
    """Return the code of the only box that is ticked, None if none is, else what is unclear."""
    answers = [parse_yes_no(cell) for cell in cells]
    for cell, answer, code in zip(cells, answers, codes.values(), strict=True):
        if isinstance(answer, Fault):
            return _Unclear(f"{shown(cell)} in the box {code!r}")
    ticked = [code for answer, code in zip(answers, codes.values(), strict=True) if answer]
    if len(ticked) > 1:
        return _Unclear(f"ticked: {', '.join(map(repr, ticked))}")
    return ticked[0] if ticked else None


def _event_rows(raw: RawTable, mapping: Mapping[str, str], columns: Columns) -> RawTable:
    """Return the rows of the events that hold the table; facts of the other events join the patient.

    An event holds the table if one of its rows fills a required column other than the patient, or a follow-up time.
    So no row is passed over that says anything in these columns.
    """
    if EVENT not in raw.columns or not raw.rows:
        return raw
    names = [mapping.get(name, name) for name in raw.columns]
    telling = [name for name in columns.parsers if name in columns.required or name.startswith("exposure_")]
    places = [number for number, name in enumerate(names) if name in telling and name != "patient"]
    events = [_name(cell) for cell in raw.cells[raw.columns.index(EVENT)]]
    holding = {
        event
        for index, event in enumerate(events)
        if any(not is_missing(raw.cells[place][index]) for place in places)
    }
    chosen = [index for index, event in enumerate(events) if event in holding]
    if not chosen or len(chosen) == len(events):
        return raw
    own = [index for index, event in enumerate(events) if event not in holding]
    found, clashes = filled(raw, chosen, own)
    return _said(found, clashes, events, chosen, lambda name: mapping.get(name, name) in columns.parsers)


def _said(
    found: RawTable,
    clashes: Sequence[Problem],
    events: Sequence[str],
    chosen: Sequence[int],
    is_ours: Callable[[str], bool],
) -> RawTable:
    """Say which events are read, and leave out foreign columns that change between the others."""
    ours = [problem for problem in clashes if is_ours(problem.column or "") or is_fact(problem.column or "")]
    if ours:
        raise CohortError(ours, found.source.name)
    read = dict.fromkeys(events[index] for index in chosen)
    others = [event for event in dict.fromkeys(events) if event not in read]
    name = found.source.name
    text = (
        f"{name}: the table is read from the REDCap events {listed(map(repr, read), 20)}; "
        f"facts of the patient from {listed(map(repr, others), 20)}"
    )
    remarks = [*found.remarks, Remark("events_read", text)]
    changing = list(dict.fromkeys(problem.column or "" for problem in clashes))
    if changing:
        names = listed(map(printable, changing))
        text = f"{name}: columns that change between the other events are not used: {names}"
        remarks.append(Remark("unused_columns", text))
    kept = [number for number, column in enumerate(found.columns) if column not in changing]
    return replace(
        found,
        columns=tuple(found.columns[number] for number in kept),
        cells=tuple(found.cells[number] for number in kept),
        remarks=tuple(remarks),
    )


def _name(cell: Cell) -> str:
    return "" if is_missing(cell) else printable(as_text(cell))


def _clear(raw: RawTable, mapping: Mapping[str, str]) -> RawTable:
    """Return the rows in which one box is ticked, the others as problems."""
    if "checkboxes" not in {remark.code for remark in raw.remarks}:
        return raw
    names = [mapping.get(name, name) for name in raw.columns]
    if _TREATMENT not in names:
        return raw
    drugs = raw.cells[names.index(_TREATMENT)]
    patients = raw.cells[names.index("patient")] if "patient" in names else (None,) * len(drugs)
    faults = [
        Problem(
            drug.found if isinstance(drug, _Unclear) else "no box is ticked",
            _ONE_BOX,
            _ONE_BOX_REMEDY,
            raw.rows[index],
            None if is_missing(patients[index]) else as_text(patients[index]),
            _TREATMENT,
        )
        for index, drug in enumerate(drugs)
        if drug is None or isinstance(drug, _Unclear)
    ]
    faulty = {problem.row for problem in faults}
    kept = [index for index, row in enumerate(raw.rows) if row not in faulty]
    return replace(
        raw,
        rows=tuple(raw.rows[index] for index in kept),
        cells=tuple(tuple(column[index] for index in kept) for column in raw.cells),
        faults=(*raw.faults, *faults),
    )
