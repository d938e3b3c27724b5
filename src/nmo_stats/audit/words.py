"""An audit in sentences: neutral, with the arithmetic that a reader can repeat."""

from __future__ import annotations

import re
from typing import Final

from nmo_stats.arguments import instance, text
from nmo_stats.audit.findings import Audit, Finding
from nmo_stats.audit.names import FORMULA_NAMES
from nmo_stats.audit.vocabulary import SUMMARIES
from nmo_stats.wording import counted, percent

NEUTRAL: Final = (
    "A disagreement means that neither the usual formula nor another one in common use gives the printed number; it does not "
    "decide which of the two is right."
)
BY_ANOTHER: Final = (
    "Agreement by another formula is a difference of method, not a disagreement: the usual formula does not give the printed "
    "number, another one in common use does."
)
IN_SIZE: Final = "EDSS changes that agree in size only: the paper prints no sign, and the data show a decrease. Check in its text whether the paper reports an improvement."
_SUMMARY: Final = re.compile(f"({'|'.join(SUMMARIES)})$")
_ABBREVIATIONS: Final = ("arr", "edss", "mri", "cd19", "rtx", "sd", "q1", "q3", "iqr")


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
    agrees, within, other = (
        counts[name] for name in ("agrees", "agrees_within_rounding", "agrees_by_another_formula")
    )
    disagrees, unknown = counts["disagrees"], counts["not_recomputable"]
    sizes = len(audit.without_sign)
    in_size = f" ({sizes} of them in size only: the data show a decrease)" if sizes else ""
    return (
        f"Of {total}, {agrees} agree{_s(agrees)} with the data{in_size}, {within} agree{_s(within)} within the rounding of the inputs, "
        f"{other} agree{_s(other)} by another formula, {disagrees} disagree{_s(disagrees)}, and {unknown} cannot be recomputed."
    )


def sentence(finding: Finding) -> str:
    """Return a number with its arithmetic, and with the other formula that gives the printed number."""
    instance("finding", finding, Finding)
    if finding.formula is not None:
        return " ".join(part for part in (_usual(finding), _by_another(finding), coarse(finding)) if part)
    first = f"{_where(finding)}; {finding.words}."
    if finding.other:
        return f"{first} The printed number is {finding.other}."
    tried = finding.formulas_tried
    return f"{first} None of the {tried} formulas tried gives the printed number." if tried > 1 else first


def formula_name(finding: Finding) -> str:
    """Return the other formula that gives the printed number, e.g. ``log-Wald``; empty where there is none."""
    instance("finding", finding, Finding)
    return FORMULA_NAMES[finding.formula] if finding.formula else ""


def coarse(finding: Finding) -> str:
    """Return the reservation about an agreement that the printed decimals cannot tell from chance, else nothing."""
    if not finding.is_coarse or finding.chance is None:
        return ""
    if finding.relation != "=":
        return "An inequality agrees with many numbers: this agreement is weak evidence (coarse)."
    return (
        f"With {counted(finding.decimals, 'decimal')} this agreement is weak evidence (coarse): {percent(round(finding.chance, 2))} of the "
        "numbers between half the smallest and twice the largest result agree with one of the formulas tried."
    )


def _usual(finding: Finding) -> str:
    if finding.recomputed is None or finding.usual_formula is None:
        return f"{_where(finding)}; {finding.words}."
    return f"{_where(finding)}; by {FORMULA_NAMES[finding.usual_formula]}: {finding.words}."


def _by_another(finding: Finding) -> str:
    tried = f"Tried: {counted(finding.formulas_tried, 'formula')}"
    also = "; ".join(FORMULA_NAMES[code] for code in finding.also_agreeing)
    more = f"; it agrees as well by {also}" if also else ""
    return f"It agrees by another formula, {formula_name(finding)}: {finding.other}. {tried}{more}."


def _where(finding: Finding) -> str:
    return f"{about(finding)}: printed {finding.printed} ({finding.place or 'no place given'})"


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
