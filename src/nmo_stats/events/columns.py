"""The columns of the two tables of dated events, and how the dates of each column of days are read."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from nmo_stats.arrays import Codes
from nmo_stats.cohort.rows import parse_patient, parse_treatment
from nmo_stats.cohort.schema import EXPOSURES, PARSERS
from nmo_stats.errors import Problem
from nmo_stats.events.days import (
    ISO_ONLY,
    ORDERS,
    DateOrder,
    DateTexts,
    Day,
    dates_in,
    is_iso,
    parse_day,
    parse_end,
    parse_last_visit,
)
from nmo_stats.tables.cells import Cell, Fault, is_missing, parse_text
from nmo_stats.tables.coded import CodedTable
from nmo_stats.tables.columns import Columns, Parser

TREATMENT_DAYS: Final = ("start", "end", "last_visit")
# columns of the period table that the treatments may hold, and those that the rules compute
PASSED_ON: Final = ("edss_start", "edss_end", "ended_by_relapse", "reported_arr")
COMPUTED: Final = ("relapses", *EXPOSURES, "period", "ongoing")
DAY_PARSERS: Final[dict[str, Callable[..., Day | Fault | None]]] = {
    "start": parse_day,
    "end": parse_end,
    "last_visit": parse_last_visit,
    "onset": parse_day,
}
_EXCHANGED: Final = "a spreadsheet may have exchanged day and month of the dates that it could read"


def parse_severity(cell: Cell) -> str | Fault | None:
    """Read the severity of a relapse, any text; nothing where the cell is empty."""
    return None if is_missing(cell) else parse_text(cell)


_PATIENT: Final = ("id", "patient_id", "record_id", "subject", "case")
_TREATMENT_PARSERS: Final[dict[str, Parser]] = {
    "patient": parse_patient,
    "treatment": parse_treatment,
    **{name: partial(DAY_PARSERS[name], texts=ISO_ONLY) for name in TREATMENT_DAYS},
    **{name: PARSERS[name] for name in PASSED_ON},
}
_RELAPSE_PARSERS: Final[dict[str, Parser]] = {
    "patient": parse_patient,
    "onset": partial(DAY_PARSERS["onset"], texts=ISO_ONLY),
    "severity": parse_severity,
}
TREATMENTS: Final = Columns(
    "treatments table",
    _TREATMENT_PARSERS,
    ("patient", "treatment", "start", "end"),
    {
        "patient": _PATIENT,
        "treatment": ("drug", "therapy", "medication"),
        "start": ("start_date", "begin", "from", "first_dose"),
        "end": ("end_date", "stop", "stop_date", "until", "last_dose"),
    },
    texts=("patient", "treatment", *TREATMENT_DAYS),
    short="treatments",
)
RELAPSES: Final = Columns(
    "relapses table",
    _RELAPSE_PARSERS,
    ("patient", "onset"),
    {"patient": _PATIENT, "onset": ("relapse_date", "date", "attack_date", "onset_date", "day")},
    texts=tuple(_RELAPSE_PARSERS),
    short="relapses",
)


@dataclass(frozen=True, slots=True)
class _DayColumn:
    """The dates among the different cells of a column of days.

    Parameters
    ----------
    readings
        Of each text that is a date but not an ISO date, the day that it is in each order.
    ambiguous_rows, iso_rows
        In how many rows such texts stand but those that begin with the year, and ISO dates or date cells.
    has_date_cells
        Whether any cell is a date of a workbook or a frame.
    """

    readings: list[dict[DateOrder, datetime.date]]
    ambiguous_rows: int
    iso_rows: int
    has_date_cells: bool


def reading_dates(columns: Columns, texts: Mapping[str, DateTexts]) -> Columns:
    """Return the columns with the way in which the dates of some of them are read."""
    parsers = {name: partial(DAY_PARSERS[name], texts=way) for name, way in texts.items()}
    return replace(columns, parsers={**columns.parsers, **parsers})


def date_texts(
    tables: Sequence[CodedTable], mapping: Mapping[str, str], order: DateOrder | None
) -> list[dict[str, DateTexts]]:
    """Return for each table how the dates of its columns of days are read.

    Parameters
    ----------
    tables
        The two tables.
    mapping
        Foreign column names to ours.
    order
        The declared order of dates in text.

    Returns
    -------
    list of dict
        By our column name, one dictionary for each table.
    """
    columns = [_day_columns(table, mapping) for table in tables]
    together = [column for named in columns for column in named.values()]
    readings = [dates for column in together for dates in column.readings if dates]
    fitting = tuple(order for order in ORDERS if all(order in dates for dates in readings))
    is_one_file = tables[0].source.name == tables[1].source.name  # two sheets of a workbook
    return [
        {
            name: DateTexts(order, fitting, _doubt(column, together if is_one_file else named.values()))
            for name, column in named.items()
        }
        for named in columns
    ]


def once_a_column(problems: Iterable[Problem], texts: Mapping[str, DateTexts]) -> list[Problem]:
    """Return the problems with one for each column that is in doubt as a whole."""
    kept: dict[object, Problem] = {}
    for place, problem in enumerate(problems):
        name = problem.column or ""
        in_doubt = name in texts and texts[name].doubt == problem.rule
        kept.setdefault(name if in_doubt else place, problem)
    return list(kept.values())


def _day_columns(table: CodedTable, mapping: Mapping[str, str]) -> dict[str, _DayColumn]:
    names = [mapping.get(column, column) for column in table.columns]
    columns = zip(names, table.cells, table.codes, strict=True)
    return {name: _day_column(cells, codes) for name, cells, codes in columns if name in DAY_PARSERS}


def _day_column(cells: Sequence[Cell], codes: Codes) -> _DayColumn:
    rows = np.bincount(codes, minlength=len(cells))
    iso = [is_iso(cell) for cell in cells]
    dates = [
        None if unique or not isinstance(cell, str) else dates_in(cell)
        for cell, unique in zip(cells, iso, strict=True)
    ]
    ambiguous = [days is not None and set(days or ORDERS) != {"ymd"} for days in dates]
    return _DayColumn(
        readings=[days for days in dates if days is not None],
        ambiguous_rows=int(rows[np.array(ambiguous, dtype=bool)].sum()),
        iso_rows=int(rows[np.array(iso, dtype=bool)].sum()),
        has_date_cells=any(
            unique and not isinstance(cell, str) for cell, unique in zip(cells, iso, strict=True)
        ),
    )


def _doubt(column: _DayColumn, beside: Iterable[_DayColumn]) -> str:
    """Return why no date of a column can be relied on; empty where there is no such reason.

    Date cells and texts that no month-first date can be are what a spreadsheet leaves when it takes day-first
    dates for month-first ones; the columns of a table, or of a workbook, are judged together.
    """
    dates, texts = column.iso_rows, column.ambiguous_rows
    if dates and texts:
        return (
            f"one form of date in a column: this one mixes ISO dates or date cells ({dates}) with texts in "
            f"another order ({texts}); {_EXCHANGED}"
        )
    columns = list(beside)
    both = any({"dmy", "mdy"} <= days.keys() for other in columns for days in other.readings)
    if texts and any(other.has_date_cells for other in columns) and not both:
        return f"one form of date in a table: texts of this one ({texts}) beside date cells; {_EXCHANGED}"
    return ""
