"""Every printed number against its recomputation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from pathlib import Path

import pandas as pd

from nmo_stats.arguments import instance, optional
from nmo_stats.audit.findings import Audit, Finding
from nmo_stats.audit.formulas import Computed, Formula, Outcome, Unknown, arithmetic, spread
from nmo_stats.audit.record import Name, Record, record
from nmo_stats.audit.span import PRECISION, PrintedNumber, Verdict, exact, rounded, verdict
from nmo_stats.audit.suggestion import suggestion
from nmo_stats.audit.trial import Trial
from nmo_stats.audit.vocabulary import formula_of
from nmo_stats.cohort import Cohort
from nmo_stats.cohort.published import PUBLISHED, RELATION, empty_published
from nmo_stats.tables.files import TableFile
from nmo_stats.wording import records

Memory = dict[Name, tuple[Formula, list[Outcome]]]


def run(known: Record, published: pd.DataFrame | None = None) -> Audit:
    """Recompute every printed number that the record holds enough for.

    Parameters
    ----------
    known
        What is known of the patients.
    published
        ``Cohort.published``; None where only the column ``reported_arr`` of the period table is to be audited. That column is
        audited in any case, where the table of printed numbers does not hold the same ARR.

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
    optional("published", published, pd.DataFrame)
    rows = _rows(known, empty_published() if published is None else published)
    known = known if published is None else known.with_printed(published)
    mentions = _mentions(rows)
    with localcontext(Context(prec=PRECISION)):
        memory: Memory = {}
        return Audit(tuple(_finding(known, row, mentions, memory) for row in rows))


def audited(cohort: Cohort, patients: str | Path | TableFile | pd.DataFrame | None = None) -> Audit | None:
    """Return the audit of the numbers that a cohort carries: ``published``, and the column ``reported_arr``; None without any.

    Parameters
    ----------
    cohort
        With numbers from :meth:`Cohort.with_published`.
    patients
        Further facts about the patients, as for :func:`record`.

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


def _rows(known: Record, published: pd.DataFrame) -> list[dict[str, object]]:
    rows = records(published[[*PUBLISHED, RELATION]])
    named = {(row["quantity"], row["patient"], row["treatment"]) for row in rows}
    reported = records(known.reported.assign(**{RELATION: "="}))
    return rows + [
        row for row in reported if (row["quantity"], row["patient"], row["treatment"]) not in named
    ]


Mentions = Mapping[Name, list[tuple[PrintedNumber, str]]]


def _mentions(rows: list[dict[str, object]]) -> Mentions:
    """Return where each number is printed, and how."""
    mentions: dict[Name, list[tuple[PrintedNumber, str]]] = {}
    for row in rows:
        mentions.setdefault(_name(row), []).append((_number(row), str(row["place"] or "elsewhere")))
    return mentions


def _finding(known: Record, row: Mapping[str, object], mentions: Mentions, memory: Memory) -> Finding:
    name, number = _name(row), _number(row)
    formula, outcome = _usual(known, name, number, mentions, memory)
    shown = _as_finding(row, formula, outcome)
    if isinstance(outcome, Computed):
        judged = verdict(outcome.span, *number)
        if judged != "disagrees":
            return replace(shown, verdict=judged, formulas_tried=1)
        if _agrees_in_size(name, outcome, number):
            words = f"{shown.words}; they agree in size, and the data show a decrease"
            return replace(shown, verdict="agrees", words=words, formulas_tried=1)
    trial = Trial.of(known, name, formula, outcome)
    if (match := trial.match(number)) is not None:
        return replace(shown, verdict="agrees_by_another_formula", **match)
    if isinstance(outcome, Unknown):
        return replace(shown, formulas_tried=len(trial.results))
    others = [compute(known, name) for compute in formula.reproductions]
    tried = len(trial.results) + sum(isinstance(one, Computed) for one in others)
    return replace(shown, verdict="disagrees", other=_reproduction(others, number), formulas_tried=tried)


def _usual(
    known: Record, name: Name, number: PrintedNumber, mentions: Mentions, memory: Memory
) -> tuple[Formula, Outcome]:
    """Return the formula of a name, and what it gives: of several readings the one that gives the printed number."""
    if name not in memory:
        formula = formula_of(name)
        memory[name] = formula, [compute(known, name) for compute in (formula.compute, *formula.readings)]
    formula, outcomes = memory[name]
    outcome = _reading(name, outcomes, number)
    # Two numbers under a name that can be read in two ways need not contradict each other.
    if isinstance(outcome, Unknown) and not formula.readings:
        outcome = _contradiction(mentions[name], number) or outcome
    return formula, _as_people_print(name, outcome, number) if isinstance(outcome, Computed) else outcome


def _reading(name: Name, outcomes: list[Outcome], number: PrintedNumber) -> Outcome:
    """Return the recomputation of a name, or where it can be read in two ways the one that gives the printed number.

    Two readings of which neither gives the number disagree together; one of which the data have no number leaves it open.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    in_total, each = outcomes
    for wanted in ("agrees", "agrees_within_rounding"):
        for one in outcomes:
            if isinstance(one, Computed) and verdict(one.span, *number) == wanted:
                return one
    if isinstance(in_total, Unknown):
        return in_total
    if isinstance(each, Unknown):
        asked = f"per patient or in total? {name.quantity}_total, {name.quantity}_mean and {name.quantity}_median say which"
        return Unknown(f"{asked}; the total is {spread(in_total.span)}, and {each.reason}")
    if in_total.span == each.span:
        return each
    return Computed(in_total.span, f"{arithmetic(each)}; in total, {in_total.words}")


def _contradiction(mentions: list[tuple[PrintedNumber, str]], number: PrintedNumber) -> Computed | None:
    """Return another number that the paper prints for the same thing, if the two cannot both be right."""
    for other, source in mentions:
        value = float(other.value)
        span = rounded(value, other.decimals) if value >= 0 else exact(value)
        is_plain = other.relation == number.relation == "="
        if is_plain and other.value != number.value and verdict(span, *number) == "disagrees":
            return Computed(exact(value), f"printed in the {source}:")
    return None


def _as_people_print(name: Name, outcome: Computed, number: PrintedNumber) -> Computed:
    """Drop the fraction of an age, 40 at 40.8 years."""
    span = outcome.span
    is_age = name.quantity in ("age_years", "age_years_median", "age_years_min", "age_years_max")
    if is_age and number.value == span.value // 1 != span.value:
        return Computed(exact(float(number.value)), f"{outcome.words}, in completed years,")
    return outcome


def _agrees_in_size(name: Name, outcome: Computed, number: PrintedNumber) -> bool:
    """Return whether a decrease is printed without its sign, "improved by 1.0"; that it was an increase may be meant as well."""
    is_decrease = name.quantity.startswith("edss_change") and number.value > 0 > outcome.span.value
    return is_decrease and verdict(outcome.span.magnitude(), *number) == "agrees"


def _reproduction(outcomes: list[Outcome], number: PrintedNumber) -> str:
    """Return the first formula on other numbers that gives the printed one, or else the first that gives it within rounding."""
    given: dict[Verdict, str] = {}
    for outcome in outcomes:
        if isinstance(outcome, Computed):
            given.setdefault(verdict(outcome.span, *number), arithmetic(outcome))
    if "agrees" in given:
        return f"reproduced by {given['agrees']}"
    if "agrees_within_rounding" in given:
        return f"reproduced, within the rounding of the inputs, by {given['agrees_within_rounding']}"
    return ""


def _as_finding(row: Mapping[str, object], formula: Formula, outcome: Outcome) -> Finding:
    """Return a printed number with what the usual formula gives, not yet compared."""
    name, span = _name(row), outcome.span if isinstance(outcome, Computed) else None
    reason = "" if isinstance(outcome, Computed) else _reason(outcome, name)
    return Finding(
        quantity=name.quantity,
        patient=name.patient,
        treatment=name.treatment,
        place=None if row["place"] is None else str(row["place"]),
        published=float(str(row["value"])),
        decimals=int(str(row["decimals"])),
        relation=str(row[RELATION]),
        verdict="not_recomputable",
        recomputed=None if span is None else float(span.value),
        low=None if span is None else float(span.low),
        high=None if span is None else float(span.high),
        words=arithmetic(outcome) if isinstance(outcome, Computed) else reason,
        usual_formula=formula.usual or None,
    )


def _reason(outcome: Unknown, name: Name) -> str:
    return "; ".join(part for part in (outcome.reason, suggestion(name.quantity)) if part)


def _name(row: Mapping[str, object]) -> Name:
    patient, treatment = (None if row[key] is None else str(row[key]) for key in ("patient", "treatment"))
    return Name(str(row["quantity"]), patient, treatment)


def _number(row: Mapping[str, object]) -> PrintedNumber:
    decimals = int(str(row["decimals"]))
    return PrintedNumber(Decimal(f"{float(str(row['value'])):.{decimals}f}"), decimals, str(row[RELATION]))
