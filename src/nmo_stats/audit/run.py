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
from nmo_stats.audit.record import Printed, Record, printed_numbers, record
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

_AGREEING: Final[tuple[Verdict, ...]] = ("agrees", "agrees_within_rounding")
_WITHIN: Final = {"agrees": "", "agrees_within_rounding": ", within the rounding of the inputs,"}
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
        return Audit(tuple(_finding(number, questions[number.name], numbers) for number in numbers))


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
        outcomes = {code: replace(self.scope, code=code).outcome(formula) for code, formula in codes}
        return {code: outcome for code, outcome in outcomes.items() if isinstance(outcome, Computed)}

    def reproductions(self) -> list[Computed]:
        """Return what formulas on other numbers of the paper give."""
        outcomes = map(self.scope.outcome, self.row.reproductions)
        return [outcome for outcome in outcomes if isinstance(outcome, Computed)]


def _finding(printed: Printed, question: _Question, numbers: Sequence[Printed]) -> Finding:
    number, usual = printed.number, _usual(question, printed, numbers)
    finding = _not_compared(printed, question, usual)
    if isinstance(usual, Computed):
        judged = verdict(usual.span, *number)
        if judged != "disagrees":
            return replace(finding, verdict=judged, formulas_tried=1)
        if _agrees_in_size(question, usual, number):
            words = f"{finding.words}; they agree in size, and the data show a decrease"
            return replace(finding, verdict="agrees", words=words, formulas_tried=1)
    others = question.others()
    results = [outcome.span for outcome in (usual, *others.values()) if isinstance(outcome, Computed)]
    finding = replace(finding, formulas_tried=len(results))
    if (by_another := _by_another(finding, others, results, number)) is not None:
        return by_another
    if not isinstance(usual, Computed):
        return finding
    given = question.reproductions()
    tried = len(results) + len(given)
    return replace(finding, verdict="disagrees", other=_reproduction(given, number), formulas_tried=tried)


def _by_another(
    finding: Finding, others: Mapping[str, Computed], results: Sequence[Span], number: PrintedNumber
) -> Finding | None:
    """Return the finding with the first formula that gives the number, else the first within rounding."""
    for wanted in _AGREEING:
        codes = [code for code, outcome in others.items() if verdict(outcome.span, *number) == wanted]
        if codes:
            is_exact = wanted == "agrees"
            within = "" if is_exact else " (within the rounding of the inputs)"
            return replace(
                finding,
                verdict="agrees_by_another_formula",
                formula=codes[0],
                also_agreeing=tuple(codes[1:]),
                other=f"{others[codes[0]].arithmetic}{within}",
                chance=_chance(results, number, is_exact=is_exact),
            )
    return None


def _chance(results: Sequence[Span], number: PrintedNumber, *, is_exact: bool) -> float:
    # An inequality holds for so many numbers that agreement with one of several says nothing.
    if number.relation != "=":
        return 1.0
    points = [Span(span.value, span.value, span.value) for span in results]
    return chance_of_agreement(points if is_exact else results, number.decimals)


def _usual(question: _Question, printed: Printed, numbers: Sequence[Printed]) -> Outcome:
    """Return what the usual formula gives: of several readings the one that gives the printed number."""
    outcome = _reading(question, printed)
    # Two numbers under a name that can be read in two ways need not contradict each other.
    if not isinstance(outcome, Computed) and len(question.outcomes) == 1:
        outcome = next(_contradictions(printed, numbers), outcome)
    if isinstance(outcome, Computed) and _is_completed(question, outcome, printed.number):
        words = f"{outcome.source or outcome.words}, in completed years,"
        return Computed(exact(float(printed.number.value)), words)
    return outcome


def _reading(question: _Question, printed: Printed) -> Outcome:
    """Return the recomputation of a name, of two readings the one that gives the printed number.

    Two readings of which neither gives the number disagree together; one of which the data have no number
    leaves it open.
    """
    if len(question.outcomes) == 1:
        return question.outcomes[0]
    in_total, each = question.outcomes
    for wanted in _AGREEING:
        for outcome in question.outcomes:
            if isinstance(outcome, Computed) and verdict(outcome.span, *printed.number) == wanted:
                return outcome
    if not isinstance(in_total, Computed):
        return in_total
    if not isinstance(each, Computed):
        names = f"{printed.quantity}_total, {printed.quantity}_mean and {printed.quantity}_median"
        reason = f"the total is {spread(in_total.span)}, and {each.reason}"
        return NotRecomputableError(f"per patient or in total? {names} say which; {reason}")
    if in_total.span == each.span:
        return each
    return Computed(in_total.span, f"{each.arithmetic}; in total, {in_total.words}")


def _contradictions(printed: Printed, numbers: Sequence[Printed]) -> Iterator[Computed]:
    """Yield the other numbers that the paper prints for the same thing, if the two cannot both be right."""
    number = printed.number
    for other in numbers:
        value, decimals, relation = other.number
        if other.name != printed.name or not relation == number.relation == "=" or value == number.value:
            continue
        span = rounded(float(value), decimals) if value >= 0 else exact(float(value))
        if verdict(span, *number) == "disagrees":
            where = f"in the {other.place}" if other.place else "elsewhere"
            yield Computed(exact(float(value)), f"the number printed {where}")


def _is_completed(question: _Question, outcome: Computed, number: PrintedNumber) -> bool:
    """Return whether people drop the fraction of this number, 40 at 40.8 years."""
    can_be = question.row.part != "quantity" or question.name.quantity in _COMPLETED
    is_age = question.summarized.completed_years and can_be
    return is_age and number.value == outcome.span.value // 1 != outcome.span.value


def _agrees_in_size(question: _Question, outcome: Computed, number: PrintedNumber) -> bool:
    """Return whether a decrease is printed without its sign, "improved by 1.0", or as an increase."""
    is_decrease = question.summarized.may_lack_sign and number.value > 0 > outcome.span.value
    return is_decrease and verdict(outcome.span.magnitude(), *number) == "agrees"


def _reproduction(outcomes: Sequence[Computed], number: PrintedNumber) -> str:
    """Return the first formula on other numbers that gives it, else the first that does within rounding."""
    for wanted in _AGREEING:
        for outcome in outcomes:
            if verdict(outcome.span, *number) == wanted:
                return f"reproduced{_WITHIN[wanted]} by {outcome.arithmetic}"
    return ""


def _not_compared(printed: Printed, question: _Question, outcome: Outcome) -> Finding:
    """Return a printed number with what the usual formula gives, not yet compared."""
    span = outcome.span if isinstance(outcome, Computed) else None
    value, decimals, relation = printed.number
    return Finding(
        quantity=printed.quantity,
        name=printed.name,
        patient=printed.patient,
        treatment=printed.treatment,
        place=printed.place,
        published=float(value),
        decimals=decimals,
        relation=relation,
        verdict="not_recomputable",
        recomputed=None if span is None else float(span.value),
        low=None if span is None else float(span.low),
        high=None if span is None else float(span.high),
        words=outcome.arithmetic if isinstance(outcome, Computed) else _reason(outcome, printed, question),
        usual_formula=question.row.usual or None,
    )


def _reason(outcome: NotRecomputableError, printed: Printed, question: _Question) -> str:
    is_unnamed = outcome.is_datum and question.summarized is UNNAMED
    reason = _NO_NAME if is_unnamed else outcome.reason
    return "; ".join(part for part in (reason, suggestion(printed.quantity)) if part)
