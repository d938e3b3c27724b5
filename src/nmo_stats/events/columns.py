"""The columns of the two tables of dated events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from nmo_stats.cohort.names import parse_patient, parse_treatment
from nmo_stats.cohort.schema import EXPOSURES, PARSERS
from nmo_stats.events.days import ISO_ONLY, DateTexts, Day, parse_day, parse_end, parse_last_visit
from nmo_stats.tables.cells import Cell, Fault, is_missing, parse_text
from nmo_stats.tables.columns import Columns, Parser

TREATMENT_DAYS: Final = ("start", "end", "last_visit")
# Columns of the period table that the treatments table may hold, and those that the rules compute: a second answer is refused.
PASSED_ON: Final = ("edss_start", "edss_end", "ended_by_relapse", "reported_arr")
COMPUTED: Final = ("relapses", *EXPOSURES, "period", "ongoing")
DAY_PARSERS: Final[dict[str, Callable[..., Day | Fault | None]]] = {
    "start": parse_day,
    "end": parse_end,
    "last_visit": parse_last_visit,
    "onset": parse_day,
}


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


def reading_dates(columns: Columns, texts: Mapping[str, DateTexts]) -> Columns:
    """Return the columns with the way in which the dates of some of them are read."""
    parsers = {name: partial(DAY_PARSERS[name], texts=way) for name, way in texts.items()}
    return replace(columns, parsers={**columns.parsers, **parsers})
