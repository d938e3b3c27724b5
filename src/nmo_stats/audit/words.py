"""An audit in sentences: neutral, with the arithmetic that a reader can repeat."""

from __future__ import annotations

import re
from typing import Final

from nmo_stats.arguments import instance, text
from nmo_stats.audit.run import Audit, Finding
from nmo_stats.audit.vocabulary import SUMMARIES
from nmo_stats.wording import counted

NEUTRAL: Final = "A disagreement says that the formula tried does not give the printed number; it does not say which of the two is right."
IN_SIZE: Final = "Changes of the EDSS that agree in size, where the data show a decrease: whether the paper says the same stands in its words."
_SUMMARY: Final = re.compile(f"({'|'.join(SUMMARIES)})$")
_ABBREVIATIONS: Final = ("arr", "edss", "mri", "cd19", "rtx", "sd")


def quantity_text(quantity: str) -> str:
    """Return the name of a quantity as words.

    Examples
    --------
    >>> quantity_text("prior_arr"), quantity_text("edss_start_median")
    ('prior ARR', 'EDSS start median')
    """
    text("quantity", quantity)
    words = quantity.split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def summary(audit: Audit) -> str:
    """Return how many of the printed numbers have each verdict."""
    instance("audit", audit, Audit)
    counts = audit.counts
    total = counted(len(audit.findings), "printed number")
    agrees, within = counts["agrees"], counts["agrees_within_rounding"]
    disagrees, unknown = counts["disagrees"], counts["not_recomputable"]
    sizes = len(audit.without_sign)
    in_size = f" ({sizes} of them in size only: the data show a decrease)" if sizes else ""
    return (
        f"Of {total}, {agrees} agree{_s(agrees)} with the data{in_size}, {within} agree{_s(within)} within the rounding of the inputs, "
        f"{disagrees} disagree{_s(disagrees)}, and {unknown} cannot be recomputed."
    )


def sentence(found: Finding) -> str:
    """Return a disagreement with its arithmetic, and with the other formula that gives the printed number."""
    instance("found", found, Finding)
    first = f"{about(found)}: printed {found.printed} ({found.place or 'place not named'}); {found.words}."
    return f"{first} The printed number is {found.other}." if found.other else first


def about(found: Finding) -> str:
    """Return whom and what a number is about, e.g. ``Patient 1, rituximab, EDSS start``."""
    instance("found", found, Finding)
    patient = None if found.patient is None else f"patient {found.patient}"
    parts = (patient, found.treatment, quantity_text(found.quantity))
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def stem(quantity: str) -> str:
    """Return the name of a quantity without the number of a therapy: ``prior_therapy_2_relapses`` is one of many."""
    return re.sub(r"_\d+_", "_", quantity)


def by_reason(audit: Audit) -> dict[str, dict[str, int]]:
    """Return what cannot be recomputed: for each reason the quantities, and how often each is printed."""
    instance("audit", audit, Audit)
    found: dict[str, dict[str, int]] = {}
    for one in audit.of("not_recomputable"):
        quantities = found.setdefault(one.words, {})
        quantities[stem(one.quantity)] = quantities.get(stem(one.quantity), 0) + 1
    return found


def by_quantity(audit: Audit) -> dict[str, tuple[int, int]]:
    """Return how many printed numbers of each quantity agree, sign included: those of one patient, and those of the series."""
    instance("audit", audit, Audit)
    found: dict[str, tuple[int, int]] = {}
    for one in audit.of("agrees"):
        if one.is_without_sign:
            continue
        base = stem(one.quantity) if one.patient is not None else _SUMMARY.sub("", one.quantity)
        single, series = found.get(base, (0, 0))
        found[base] = (single + 1, series) if one.patient is not None else (single, series + 1)
    return found


def times_text(quantities: dict[str, int]) -> str:
    """Return quantities with how often each is printed: ``age years (3), cycles (5)``."""
    return ", ".join(f"{quantity_text(name)} ({times})" for name, times in quantities.items())


def _s(number: int) -> str:
    return "s" if number == 1 else ""
