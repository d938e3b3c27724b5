"""The numbers that a publication prints, recomputed from what it says about its patients.

``vocabulary()`` lists the quantities and their formulas; ``record`` gathers what is known, ``run`` judges
every number.
"""

from nmo_stats.audit.findings import Audit, Finding
from nmo_stats.audit.record import Record, record
from nmo_stats.audit.run import audited, run
from nmo_stats.audit.vocabulary import FORMULA_NAMES, vocabulary
from nmo_stats.audit.words import (
    BY_ANOTHER,
    IN_SIZE,
    NEUTRAL,
    about,
    by_quantity,
    by_reason,
    formula_name,
    quantity_text,
    sentence,
    summary,
    times_text,
)

__all__ = [
    "BY_ANOTHER",
    "FORMULA_NAMES",
    "IN_SIZE",
    "NEUTRAL",
    "Audit",
    "Finding",
    "Record",
    "about",
    "audited",
    "by_quantity",
    "by_reason",
    "formula_name",
    "quantity_text",
    "record",
    "run",
    "sentence",
    "summary",
    "times_text",
    "vocabulary",
]
