"""The numbers that a publication prints, recomputed from what it says about its patients.

``vocabulary()`` lists the quantities and their formulas; ``record`` gathers what is known, ``run`` judges every number.
"""

from nmo_stats.audit.record import Record, record
from nmo_stats.audit.run import Audit, Finding, audited, run
from nmo_stats.audit.vocabulary import vocabulary
from nmo_stats.audit.words import (
    IN_SIZE,
    NEUTRAL,
    about,
    by_quantity,
    by_reason,
    quantity_text,
    sentence,
    summary,
    times_text,
)

__all__ = [
    "IN_SIZE",
    "NEUTRAL",
    "Audit",
    "Finding",
    "Record",
    "about",
    "audited",
    "by_quantity",
    "by_reason",
    "quantity_text",
    "record",
    "run",
    "sentence",
    "summary",
    "times_text",
    "vocabulary",
]
