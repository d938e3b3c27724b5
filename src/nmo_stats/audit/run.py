"""Every printed number against its recomputation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, localcontext
from pathlib import Path
from typing import Final

import pandas as pd

from nmo_stats.arguments import instance, optional
from nmo_stats.audit.expressions import Computed, NotRecomputableError, Outcome, Scope, spread
from nmo_stats.audit.findings import Audit, Finding
from nmo_stats.audit.inference import FUNCTIONS
from nmo_stats.audit.record import Record, printed_numbers, record
from nmo_stats.audit.span import (
    PRECISION,
    PrintedNumber,
    Span,
    Verdict,
    chance_of_agreement,
    exact,
    rounded,
    verdict,
)
from nmo_stats.audit.vocabulary import UNNAMED, Name, Quantity, read_name, row_of, suggestion
from nmo_stats.cohort import Cohort
from nmo_stats.tables.files import TableFile

_BEST: Final[tuple[Verdict, ...]] = ("agrees", "agrees_within_rounding", "disagrees")
_NO_NAME: Final = (
    "no quantity of this name; `nmo-stats audit --quantities` lists them, and a table of facts about the "
    "patients (--patients) may add others"
)
_COMPLETED: Final = tuple(f"<quantity>_{end}" for end in ("median", "min", "max"))


def run(known: Record, published: pd.DataFrame | None = None) -> Audit:
    """Recompute every printed number that the record holds enough for.

    Parameters
    ----------
    known
        What is known of the patients.
    published
        ``Cohort.published``; None where only the column ``reported_arr`` of the period table is to be
        audited. That column is audited in any case, where the table of printed numbers does not hold the same
        ARR.

    Returns
    -------
    Audit
        A finding for each number.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.

    Examples
    --------
    >>> from nmo_stats import audit
    >>> from nmo_stats.cohort import load_example
    >>> cohort = load_example()
    >>> found = audit.run(audit.record(cohort), cohort.published)
    >>> [(row.quantity, row.patient, row.printed) for row in found.of("disagrees")][0]
    ('prior_arr', '1', '2.6')
    """
    instance("known", known, Record)
    table = optional("published", published, pd.DataFrame)
    with localcontext(Context(prec=PRECISION)):
        numbers = () if table is None else printed_numbers(table)
        known = known.with_printed(numbers)
        names = {number.name for number in numbers}
        numbers += tuple(number for number in known.reported if number.name not in names)
        questions = {number.name: _Question.of(known, number.name) for number in numbers}
        return Audit(tuple(_judged(number, questions[number.name], numbers) for number in numbers))


def audited(cohort: Cohort, patients: str | Path | TableFile | pd.DataFrame | None = None) -> Audit | None:
    """Audit the printed numbers that a cohort carries: ``published``, and the column ``reported_arr``.

    Parameters
    ----------
    cohort
        With numbers from :meth:`Cohort.with_published`.
    patients
        Further facts about the patients, as for :func:`record`.

    Returns
    -------
    Audit or None
        None where the cohort carries no printed number.

    Raises
    ------
    CohortError
        If the table of facts has problems.
    ArgumentError
        If it is no cohort.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> audited(load_example()).counts["disagrees"]
    4
    """
    instance("cohort", cohort, Cohort)
    has_column = "reported_arr" in cohort.frame and bool(cohort.frame["reported_arr"].notna().any())
    if cohort.published is None and not has_column:
        return None
    return run(record(cohort, patients), cohort.published)


@dataclass(frozen=True, slots=True)
class _Question:
    """Which number is recomputed, and what its readings give; asked once, however often it is printed."""

    name: Name
    row: Quantity
    scope: Scope
    outcomes: tuple[Outcome, ...]

    @classmethod
    def of(cls, known: Record, name: Name) -> _Question:
        """Evaluate the usual formula, in each way that the name can be read."""
        row = row_of(name)
        scope = Scope(known, name, FUNCTIONS, row.usual)
        return cls(name, row, scope, tuple(map(scope.outcome, row.readings(name.patient))))

    @property
    def summarized(self) -> Quantity:
        """The quantity that a summary is of, else the one that is meant."""
        if self.row.part != "quantity":
            return self.row
        return row_of(read_name(str(self.name.part), ""))

    def others(self) -> dict[str, Computed]:
        """Return what the other formulas give, by code."""
        if self.name.patient is None and self.row.of_series:
            return {}
        codes = list(self.row.expressions.items())[1:]
        return _computed({code: replace(self.scope, code=code).outcome(formula) for code, formula in codes})

    def reproductions(self) -> dict[str, Computed]:
        """Return what formulas on other numbers of the paper give, by expression."""
        return _computed({formula: self.scope.outcome(formula) for formula in self.row.reproductions})


def _computed(outcomes: Mapping[str, Outcome]) -> dict[str, Computed]:
    return {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Computed)}


def _judged(finding: Finding, question: _Question, numbers: Sequence[Finding]) -> Finding:
    """Return a printed number with its verdict."""
    number, usual = finding.number, _usual(question, finding, numbers)
    finding = _with_usual(finding, question, usual)
    if isinstance(usual, Computed):
        judged = verdict(usual.span, *number)
        if judged != "disagrees":
            return replace(finding, verdict=judged, formulas_tried=1)
        if _agrees_in_size(question, usual, number):
            text = f"{finding.words}; they agree in size, and the data show a decrease"
            return replace(finding, verdict="agrees", words=text, formulas_tried=1)
    others = question.others()
    results = [outcome.span for outcome in (usual, *others.values()) if isinstance(outcome, Computed)]
    finding = replace(finding, formulas_tried=len(results))
    by_another = _by_another(finding, others, results)
    if by_another is not None or not isinstance(usual, Computed):
        return by_another or finding
    given = question.reproductions()
    tried = len(results) + len(given)
    return replace(finding, verdict="disagrees", other=_reproduction(given, number), formulas_tried=tried)


def _agreeing(outcomes: Mapping[str, Outcome], number: PrintedNumber) -> tuple[Verdict, list[str]]:
    """Return the keys of the outcomes that give the printed number, else of those that do within rounding."""
    verdicts = {key: verdict(outcome.span, *number) for key, outcome in _computed(outcomes).items()}
    best: Verdict = min(verdicts.values(), key=_BEST.index, default="disagrees")
    return best, [key for key, judged in verdicts.items() if judged == best != "disagrees"]


def _by_another(finding: Finding, others: Mapping[str, Computed], results: Sequence[Span]) -> Finding | None:
    """Return the finding with the first of the other formulas that gives the number, if one does."""
    judged, codes = _agreeing(others, finding.number)
    if not codes:
        return None
    is_exact = judged == "agrees"
    chance = 1.0  # an inequality holds for so many numbers that agreement with one of several says nothing
    if finding.relation == "=":
        points = [Span(span.value, span.value, span.value) for span in results]
        chance = chance_of_agreement(points if is_exact else results, finding.decimals)
    return replace(
        finding,
        verdict="agrees_by_another_formula",
        formula=codes[0],
        also_agreeing=tuple(codes[1:]),
        other=f"{others[codes[0]].arithmetic}{'' if is_exact else ' (within the rounding of the inputs)'}",
        chance=chance,
    )


def _usual(question: _Question, finding: Finding, numbers: Sequence[Finding]) -> Outcome:
    """Return what the usual formula gives."""
    if len(question.outcomes) > 1:
        return _reading(question, finding)
    (outcome,) = question.outcomes
    if not isinstance(outcome, Computed):
        return next(_contradictions(finding, numbers), outcome)
    if _is_completed(question, outcome, finding.number):
        text = f"{outcome.source or outcome.text}, in completed years,"
        return Computed(exact(finding.published), text)
    return outcome


def _reading(question: _Question, finding: Finding) -> Outcome:
    """Return the one of two readings of a name that gives the printed number.

    Two readings of which neither gives the number disagree together; one of which the data have no number
    leaves it open. Two numbers under such a name need not contradict each other.
    """
    in_total, each = question.outcomes
    readings = {"in total": in_total, "each": each}
    _, agreeing = _agreeing(readings, finding.number)
    if agreeing:
        return readings[agreeing[0]]
    if not isinstance(in_total, Computed):
        return in_total
    if not isinstance(each, Computed):
        names = f"{finding.quantity}_total, {finding.quantity}_mean and {finding.quantity}_median"
        reason = f"the total is {spread(in_total.span)}, and {each.reason}"
        return NotRecomputableError(f"per patient or in total? {names} say which; {reason}")
    if in_total.span == each.span:
        return each
    return Computed(in_total.span, f"{each.arithmetic}; in total, {in_total.text}")


def _contradictions(finding: Finding, numbers: Sequence[Finding]) -> Iterator[Computed]:
    """Yield the other numbers that the paper prints for the same thing, if the two cannot both be right."""
    for other in numbers:
        value = exact(other.published)
        is_another = other.name == finding.name and other.published != finding.published
        if is_another and other.relation == finding.relation == "=":
            span = rounded(other.published, other.decimals) if other.published >= 0 else value
            if verdict(span, *finding.number) == "disagrees":
                where = f"in the {other.place}" if other.place else "elsewhere"
                yield Computed(value, f"the number printed {where}")


def _is_completed(question: _Question, outcome: Computed, number: PrintedNumber) -> bool:
    """Return whether people drop the fraction of this number, 40 at 40.8 years."""
    can_be = question.row.part != "quantity" or question.name.quantity in _COMPLETED
    is_age = question.summarized.completed_years and can_be
    return is_age and number.value == outcome.span.value // 1 != outcome.span.value


def _agrees_in_size(question: _Question, outcome: Computed, number: PrintedNumber) -> bool:
    """Return whether a decrease is printed without its sign, "improved by 1.0", or as an increase."""
    is_decrease = question.summarized.may_lack_sign and number.value > 0 > outcome.span.value
    return is_decrease and verdict(outcome.span.magnitude(), *number) == "agrees"


def _reproduction(outcomes: Mapping[str, Computed], number: PrintedNumber) -> str:
    """Return which formula on other numbers gives the printed one."""
    judged, agreeing = _agreeing(outcomes, number)
    within = "" if judged == "agrees" else ", within the rounding of the inputs,"
    return f"reproduced{within} by {outcomes[agreeing[0]].arithmetic}" if agreeing else ""


def _with_usual(finding: Finding, question: _Question, outcome: Outcome) -> Finding:
    """Return a printed number with what the usual formula gives, or why it gives none."""
    finding = replace(finding, usual_formula=question.row.usual or None)
    if isinstance(outcome, Computed):
        recomputed, low, high = map(float, (outcome.span.value, outcome.span.low, outcome.span.high))
        return replace(finding, recomputed=recomputed, low=low, high=high, words=outcome.arithmetic)
    is_unnamed = outcome.is_datum and question.summarized is UNNAMED
    reasons = (_NO_NAME if is_unnamed else outcome.reason, suggestion(finding.quantity))
    return replace(finding, words="; ".join(filter(None, reasons)))
