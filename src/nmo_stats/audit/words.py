"""An audit in sentences: neutral, with the arithmetic that a reader can repeat."""

from __future__ import annotations

from collections import Counter
from typing import Final

from nmo_stats.arguments import instance, text
from nmo_stats.audit.findings import Audit, Finding
from nmo_stats.audit.vocabulary import FORMULA_NAMES, quantity_in_words, row_of
from nmo_stats.wording import capital, counted, percent

NEUTRAL: Final = (
    "A disagreement means that neither the usual formula nor another one in common use gives the printed "
    "number; it does not decide which of the two is right."
)
BY_ANOTHER: Final = (
    "Agreement by another formula is a difference of method, not a disagreement: the usual formula does not "
    "give the printed number, another one in common use does."
)
IN_SIZE: Final = (
    "EDSS changes that agree in size only: the paper prints no sign, and the data show a decrease. Check in "
    "its text whether the paper reports an improvement."
)


def quantity_text(quantity: str) -> str:
    """Return the name of a quantity as words.

    Parameters
    ----------
    quantity
        As a table of printed numbers has it.

    Returns
    -------
    str
        With abbreviations in capitals.

    Raises
    ------
    ArgumentError
        If it is no text.

    Examples
    --------
    >>> quantity_text("prior_arr"), quantity_text("edss_start_median")
    ('prior ARR', 'EDSS start median')
    """
    return quantity_in_words(text("quantity", quantity))


def summary(audit: Audit) -> str:
    """Return how many of the printed numbers have each verdict.

    Parameters
    ----------
    audit
        All printed numbers.

    Returns
    -------
    str
        One sentence.

    Raises
    ------
    ArgumentError
        If it is no audit.
    """
    counts, sizes = instance("audit", audit, Audit).counts, len(audit.without_sign)
    printed = counted(len(audit.findings), "printed number")
    in_size = f" ({sizes} of them in size only: the data show a decrease)" if sizes else ""
    return (
        f"Of {printed}, {_agree(counts['agrees'])} with the data{in_size}, "
        f"{_agree(counts['agrees_within_rounding'])} within the rounding of the inputs, "
        f"{_agree(counts['agrees_by_another_formula'])} by another formula, "
        f"{counted(counts['disagrees'], 'disagrees', 'disagree')}, "
        f"and {counts['not_recomputable']} cannot be recomputed."
    )


def _agree(number: int) -> str:
    return counted(number, "agrees", "agree")


def sentence(finding: Finding) -> str:
    """Return a number with its arithmetic, and with the other formula that gives the printed number.

    Parameters
    ----------
    finding
        The printed number.

    Returns
    -------
    str
        One to three sentences.

    Raises
    ------
    ArgumentError
        If it is no finding.
    """
    instance("finding", finding, Finding)
    tried, usual = finding.formulas_tried, FORMULA_NAMES.get(finding.usual_formula or "")
    by_usual = f"by {usual}: " if finding.formula and usual and finding.recomputed is not None else ""
    place = finding.place or "no place given"
    first = f"{about(finding)}: printed {finding.printed} ({place}); {by_usual}{finding.words}."
    if finding.formula is not None:
        return f"{first} {_by_another(finding)}"
    if finding.other:
        return f"{first} The printed number is {finding.other}."
    return f"{first} None of the {tried} formulas tried gives the printed number." if tried > 1 else first


def formula_name(finding: Finding) -> str:
    """Return the other formula that gives the printed number.

    Parameters
    ----------
    finding
        The printed number.

    Returns
    -------
    str
        E.g. ``log-Wald``; empty where there is none.

    Raises
    ------
    ArgumentError
        If it is no finding.
    """
    return FORMULA_NAMES.get(instance("finding", finding, Finding).formula or "", "")


def _by_another(finding: Finding) -> str:
    """Return the formula that gives the number, and how little that may say."""
    also = "; ".join(FORMULA_NAMES[code] for code in finding.also_agreeing)
    more = f"; it agrees as well by {also}" if also else ""
    reservation = ""
    if finding.is_coarse and finding.relation != "=":
        reservation = " An inequality agrees with many numbers: this agreement is weak evidence (coarse)."
    elif finding.is_coarse and finding.chance is not None:
        reservation = (
            f" With {counted(finding.decimals, 'decimal')} this agreement is weak evidence (coarse): "
            f"{percent(round(finding.chance, 2))} of the numbers between half the smallest and twice the "
            "largest result agree with one of the formulas tried."
        )
    return (
        f"It agrees by another formula, {formula_name(finding)}: {finding.other}. "
        f"Tried: {counted(finding.formulas_tried, 'formula')}{more}.{reservation}"
    )


def about(finding: Finding) -> str:
    """Return whom and what a number is about.

    Parameters
    ----------
    finding
        The printed number.

    Returns
    -------
    str
        E.g. ``Patient 1, rituximab, EDSS start``.

    Raises
    ------
    ArgumentError
        If it is no finding.
    """
    instance("finding", finding, Finding)
    patient = None if finding.patient is None else f"patient {finding.patient}"
    parts = (patient, finding.treatment, quantity_text(finding.quantity))
    return capital(", ".join(part for part in parts if part))


def _subject(finding: Finding) -> str:
    """Return the quantity; the same in each of several prior therapies."""
    row = row_of(finding.name)
    return row.name.replace("_<n>", "") if row.part == "n" else finding.quantity


def by_reason(audit: Audit) -> dict[str, Counter[str]]:
    """Return what cannot be recomputed.

    Parameters
    ----------
    audit
        All printed numbers.

    Returns
    -------
    dict
        For each reason the quantities, and how often each is printed.

    Raises
    ------
    ArgumentError
        If it is no audit.
    """
    reasons: dict[str, Counter[str]] = {}
    for finding in instance("audit", audit, Audit).of("not_recomputable"):
        reasons.setdefault(finding.words, Counter())[_subject(finding)] += 1
    return reasons


def by_quantity(audit: Audit) -> dict[str, tuple[int, int]]:
    """Return how many printed numbers of each quantity agree, sign included.

    Parameters
    ----------
    audit
        All printed numbers.

    Returns
    -------
    dict
        By quantity, summaries under that of the patients: how many of one patient agree, and how many of the
        series.

    Raises
    ------
    ArgumentError
        If it is no audit.
    """
    numbers: dict[str, tuple[int, int]] = {}
    for finding in instance("audit", audit, Audit).of("agrees"):
        if not finding.is_without_sign:
            row = row_of(finding.name)
            quantity = row.summary_of or _subject(finding)
            quantity = str(finding.name.part) if row.part == "quantity" else quantity
            single, series = numbers.get(quantity, (0, 0))
            is_single = finding.patient is not None
            numbers[quantity] = (single + is_single, series + (not is_single))
    return numbers


def times_text(quantities: dict[str, int]) -> str:
    """Return quantities with how often each is printed.

    Parameters
    ----------
    quantities
        Names and numbers.

    Returns
    -------
    str
        ``age years (3), cycles (5)``.
    """
    return ", ".join(f"{quantity_text(name)} ({times})" for name, times in quantities.items())
