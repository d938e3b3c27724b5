"""Every printed number against its recomputation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Final

import pandas as pd

from nmo_stats.arguments import instance, one_of, optional
from nmo_stats.audit.formulas import Compute, Computed, Outcome, Unknown, spread
from nmo_stats.audit.record import Name, Record, record
from nmo_stats.audit.span import PRECISION, Span, Verdict, exact, rounded, verdict
from nmo_stats.audit.vocabulary import Formula, formula_of, suggestion
from nmo_stats.cohort import Cohort
from nmo_stats.cohort.published import PUBLISHED, empty_published
from nmo_stats.frames import records
from nmo_stats.tables.files import TableFile

VERDICTS: Final[tuple[Verdict, ...]] = ("disagrees", "agrees_within_rounding", "agrees", "not_recomputable")


@dataclass(frozen=True, slots=True)
class Finding:
    """A printed number and what its recomputation gives.

    Parameters
    ----------
    quantity, patient, treatment, place
        Which number, and where it stands; None where a row names none.
    published, decimals
        The number as printed.
    verdict
        ``"agrees"``: the recomputation is printed like this, an EDSS change with or without its sign; ``"agrees_within_rounding"``: it is for some value that the
        rounding of its inputs admits; ``"disagrees"``; ``"not_recomputable"``.
    recomputed, low, high
        The recomputation, and its range over the rounding of the inputs; None where there is none.
    words
        The arithmetic, or why there is none.
    other
        A formula on other numbers of the paper that gives the printed number, where the usual one does not; else empty.
    """

    quantity: str
    patient: str | None
    treatment: str | None
    place: str | None
    published: float
    decimals: int
    verdict: Verdict
    recomputed: float | None
    low: float | None
    high: float | None
    words: str
    other: str = ""

    @property
    def printed(self) -> str:
        """The number with its decimals, as it stands in the paper."""
        return f"{self.published:.{self.decimals}f}".replace("-", "−")

    @property
    def is_without_sign(self) -> bool:
        """Whether an EDSS change agrees in size alone: printed without sign where the data show a decrease."""
        return (
            self.verdict == "agrees" and self.recomputed is not None and self.published > 0 > self.recomputed
        )

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain values for JSON."""
        return {name: getattr(self, name) for name in FIELDS}


FIELDS: Final = (
    *("quantity", "patient", "treatment", "published", "decimals", "recomputed", "low", "high"),
    *("verdict", "place", "words", "other"),
)


@dataclass(frozen=True, slots=True)
class Audit:
    """All printed numbers of a publication with their verdicts, in the order of the paper."""

    findings: tuple[Finding, ...]

    def of(self, wanted: Verdict) -> tuple[Finding, ...]:
        """Return the findings with one verdict."""
        one_of("wanted", wanted, VERDICTS)
        return tuple(found for found in self.findings if found.verdict == wanted)

    @property
    def without_sign(self) -> tuple[Finding, ...]:
        """Those findings that agree in size, while the data show a decrease."""
        return tuple(found for found in self.findings if found.is_without_sign)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many numbers have each verdict, in the order in which a reader wants them."""
        counted = Counter(found.verdict for found in self.findings)
        return {name: counted[name] for name in VERDICTS}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per printed number."""
        return pd.DataFrame([found.to_dict() for found in self.findings], columns=list(FIELDS))

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain values for JSON."""
        return {"counts": dict(self.counts), "rows": [found.to_dict() for found in self.findings]}


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
        memory: dict[Name, tuple[Formula, list[Outcome]]] = {}
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
    rows = records(published[list(PUBLISHED)])
    named = {(row["quantity"], row["patient"], row["treatment"]) for row in rows}
    reported = records(known.reported)
    return rows + [
        row for row in reported if (row["quantity"], row["patient"], row["treatment"]) not in named
    ]


Mentions = Mapping[Name, list[tuple[Decimal, int, str]]]


def _mentions(rows: list[dict[str, object]]) -> Mentions:
    """Return where each number is printed, and how."""
    found: dict[Name, list[tuple[Decimal, int, str]]] = {}
    for row in rows:
        found.setdefault(_name(row), []).append(
            (_printed(row), int(str(row["decimals"])), str(row["place"] or "elsewhere"))
        )
    return found


def _finding(
    known: Record,
    row: Mapping[str, object],
    mentions: Mentions,
    memory: dict[Name, tuple[Formula, list[Outcome]]],
) -> Finding:
    name, printed, decimals = _name(row), _printed(row), int(str(row["decimals"]))
    if name not in memory:
        formula = formula_of(name)
        memory[name] = formula, [compute(known, name) for compute in (formula.compute, *formula.readings)]
    formula, outcomes = memory[name]
    outcome = _reading(name, outcomes, printed, decimals)
    # Two numbers under a name that can be read in two ways need not contradict each other.
    if isinstance(outcome, Unknown) and not formula.readings:
        outcome = _contradiction(mentions[name], printed, decimals) or outcome
    if isinstance(outcome, Unknown):
        reason = "; ".join(part for part in (outcome.reason, suggestion(name.quantity)) if part)
        return _as_finding(row, "not_recomputable", None, reason)
    outcome = _as_people_print(name, outcome, printed)
    judged = verdict(outcome.span, printed, decimals)
    if judged == "disagrees" and _agrees_in_size(name, outcome, printed, decimals):
        words = f"{_arithmetic(outcome)}; they agree in size, and the data show a decrease"
        return _as_finding(row, "agrees", outcome.span, words)
    other = _reproduction(known, name, formula.others, printed, decimals) if judged == "disagrees" else ""
    return _as_finding(row, judged, outcome.span, _arithmetic(outcome), other)


def _reading(name: Name, outcomes: list[Outcome], printed: Decimal, decimals: int) -> Outcome:
    """Return the recomputation of a name, or where it can be read in two ways the one that gives the printed number.

    Two readings of which neither gives the number disagree together; one of which the data have no number leaves it open.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    in_total, each = outcomes
    for wanted in ("agrees", "agrees_within_rounding"):
        for one in outcomes:
            if isinstance(one, Computed) and verdict(one.span, printed, decimals) == wanted:
                return one
    if isinstance(in_total, Unknown):
        return in_total
    if isinstance(each, Unknown):
        asked = f"per patient or in total? {name.quantity}_total, {name.quantity}_mean and {name.quantity}_median say which"
        return Unknown(f"{asked}; the total is {spread(in_total.span)}, and {each.reason}")
    if in_total.span == each.span:
        return each
    return Computed(in_total.span, f"{_arithmetic(each)}; in total, {in_total.words}")


def _contradiction(
    mentions: list[tuple[Decimal, int, str]], printed: Decimal, decimals: int
) -> Computed | None:
    """Return another number that the paper prints for the same thing, if the two cannot both be right."""
    for value, digits, place in mentions:
        span = rounded(float(value), digits) if value >= 0 else exact(float(value))
        if value != printed and verdict(span, printed, decimals) == "disagrees":
            return Computed(exact(float(value)), f"printed in the {place}:")
    return None


def _as_people_print(name: Name, outcome: Computed, printed: Decimal) -> Computed:
    """Drop the fraction of an age, 40 at 40.8 years."""
    span = outcome.span
    is_age = name.quantity in ("age_years", "age_years_median", "age_years_min", "age_years_max")
    if is_age and printed == span.value // 1 != span.value:
        return Computed(exact(float(printed)), f"{outcome.words}, in completed years,")
    return outcome


def _agrees_in_size(name: Name, outcome: Computed, printed: Decimal, decimals: int) -> bool:
    """Return whether a decrease is printed without its sign, "improved by 1.0"; that it was an increase may be meant as well."""
    is_decrease = name.quantity.startswith("edss_change") and printed > 0 > outcome.span.value
    return is_decrease and verdict(outcome.span.magnitude(), printed, decimals) == "agrees"


def _reproduction(
    known: Record, name: Name, others: tuple[Compute, ...], printed: Decimal, decimals: int
) -> str:
    """Return the first other formula that gives the printed number, or else the first that gives it within rounding."""
    found: dict[Verdict, str] = {}
    for compute in others:
        outcome = compute(known, name)
        if isinstance(outcome, Computed):
            found.setdefault(verdict(outcome.span, printed, decimals), _arithmetic(outcome))
    if "agrees" in found:
        return f"reproduced by {found['agrees']}"
    if "agrees_within_rounding" in found:
        return f"reproduced, within the rounding of the inputs, by {found['agrees_within_rounding']}"
    return ""


def _arithmetic(outcome: Computed) -> str:
    joint = "" if outcome.words.endswith(":") else " ="
    return f"{outcome.words}{joint} {spread(outcome.span)}"


def _as_finding(
    row: Mapping[str, object], judged: Verdict, span: Span | None, words: str, other: str = ""
) -> Finding:
    name = _name(row)
    return Finding(
        quantity=name.quantity,
        patient=name.patient,
        treatment=name.treatment,
        place=None if row["place"] is None else str(row["place"]),
        published=float(str(row["value"])),
        decimals=int(str(row["decimals"])),
        verdict=judged,
        recomputed=None if span is None else float(span.value),
        low=None if span is None else float(span.low),
        high=None if span is None else float(span.high),
        words=words,
        other=other,
    )


def _name(row: Mapping[str, object]) -> Name:
    patient, treatment = (None if row[key] is None else str(row[key]) for key in ("patient", "treatment"))
    return Name(str(row["quantity"]), patient, treatment)


def _printed(row: Mapping[str, object]) -> Decimal:
    return Decimal(f"{float(str(row['value'])):.{int(str(row['decimals']))}f}")
