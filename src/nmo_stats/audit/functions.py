"""What an expression of the vocabulary may call: sums and summaries over patients, counts, other drugs.

Each function takes the scope and its arguments, expressions that are not yet evaluated, and returns a number
with its arithmetic, or raises :class:`~nmo_stats.audit.expressions.NotRecomputableError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from nmo_stats.audit import span
from nmo_stats.audit.expressions import (
    NO_SOURCE,
    SUM,
    TERM,
    TEXT,
    Argument,
    Computed,
    Function,
    NotRecomputableError,
    Scope,
    by_name,
    constant,
    number,
    with_unit,
)
from nmo_stats.audit.span import Span, exact
from nmo_stats.audit.vocabulary import Name, Quantity, read_name, row_of
from nmo_stats.describe.edss import EDSS_RULES, RuleName

Pick = Callable[[Sequence[Span]], Span | None]
_RELAPSES: Final = "prior_therapy_<n>_relapses"
_YEARS: Final = ("prior_therapy_<n>_from_year", "prior_therapy_<n>_to_year")
_QUARTILES: Final = {"q1": "first quartile", "q3": "third quartile", "iqr": "interquartile range"}
_LISTED: Final = 6  # so many numbers are written one by one


def unknown(_scope: Scope, reason: str) -> Computed:
    """Say why there is no number."""
    raise NotRecomputableError(reason)


def named(scope: Scope, expression: Argument, noun: str) -> Computed:
    """Return a result with its noun, the arithmetic behind it."""
    result = scope.value(expression)
    return replace(result, text=f"{number(result.span.value)} {noun} ({result.text})", binding=TERM)


# One patient


def on_drug(scope: Scope, expression: Argument) -> Computed:
    """Return a number on the drug that stands in the name of the quantity."""
    return scope.on(scope.name.part).value(expression)


def earlier(scope: Scope, expression: Argument) -> Computed:
    """Return the sum over the drugs of the patient before the one in the name of the quantity; 0 of none.

    It is the time between two events only if no gap lies between the drugs, which the arithmetic says.
    """
    given = scope.record.courses.get(scope.name.patient or "", ())
    if scope.name.part not in given:
        raise NotRecomputableError("the patient did not have the drug")
    drugs = given[: given.index(scope.name.part)]
    if not drugs:
        return constant(0)
    values = [scope.on(drug).value(expression) for drug in drugs]
    text = " + ".join(f"{value.text} on {drug}" for value, drug in zip(values, drugs, strict=True))
    text = f"{text}, if no gap lies between the drugs"
    return Computed(span.total([value.span for value in values]), text, TERM if len(drugs) == 1 else SUM)


def any_drug(scope: Scope, expression: Argument) -> Computed:
    """Return the value with the first of the patient's drugs for which it is known."""
    for drug in scope.record.courses.get(scope.name.patient or "", ()):
        outcome = replace(scope, name=scope.name._replace(part=drug)).outcome(expression)
        if isinstance(outcome, Computed):
            return outcome
    raise NotRecomputableError("it is known for no drug of the patient")


def therapy_relapses(scope: Scope) -> Computed:
    """Return the relapses under the prior therapies, if they are known of each."""
    relapses, therapies = (_therapies(scope, *names) for names in ((_RELAPSES,), (_RELAPSES, *_YEARS)))
    if not relapses or len(relapses) < len({(name.part, name.treatment) for name in therapies}):
        raise NotRecomputableError("the relapses under the prior therapies are not known")
    text = " + ".join(number(value.value) for value in relapses.values())
    return Computed(span.total([*relapses.values()]), f"relapses under the prior therapies, {text}")


def therapy_year(scope: Scope, which: str) -> Computed:
    """Return the ``"first"`` or the ``"last"`` calendar year of the prior therapies."""
    years = [*_therapies(scope, *_YEARS).values()]
    if not years:
        raise NotRecomputableError("the years of the prior therapies are not known")
    year = span.lowest(years) if which == "first" else span.highest(years)
    return Computed(year, number(year.value), TERM)


def _therapies(scope: Scope, *quantities: str) -> dict[Name, Span]:
    """Return what the paper prints of the prior therapies of a patient, in their order."""
    printed = scope.record.printed.items()
    facts = {name: fact.span for name, fact in printed if name.quantity in quantities}
    own = [name for name in facts if name.patient == scope.name.patient]
    return {name: facts[name] for name in sorted(own, key=lambda name: int(str(name.part)))}


# Sums and summaries over the patients


def total(scope: Scope, expression: Argument) -> Computed:
    """Return the sum over the patients as one number with its unit."""
    if not scope.patients:
        raise NotRecomputableError("nobody had this treatment")
    values = [scope.of(patient).value(expression) for patient in scope.patients]
    result = span.total([value.span for value in values])
    return Computed(result, with_unit(result, values[0].unit), TERM)


def summary(scope: Scope, expression: Argument, *, pick: Pick, noun: str) -> Computed:
    """Return a summary of the individual numbers that are known."""
    values = scope.of_each(expression)
    spans, sources = spans_of(values), {value.source for value in values if value is not None}
    if not spans:
        raise NotRecomputableError("the numbers of the single patients are not known", is_datum=True)
    if len(spans) < len(values) and "printed" in sources:
        raise NotRecomputableError(f"printed for {len(spans)} of {len(values)} patients only")
    result = pick(spans)
    if result is None:
        raise NotRecomputableError(f"one number has no {noun}")
    kind = " printed" if sources == {"printed"} else ""
    numbers = listed(spans) + _missing(scope, values)
    return Computed(result, f"{noun} of the{kind} individual numbers ({numbers})")


def deviation(scope: Scope, code: str, expression: Argument) -> Computed:
    """Return the standard deviation, by its divisor."""
    is_sample = code == "sample_sd"
    noun = "standard deviation" if is_sample else "standard deviation, divisor n,"
    return summary(scope, expression, pick=partial(span.deviation, is_sample=is_sample), noun=noun)


def quartile(scope: Scope, code: str, which: str, expression: Argument) -> Computed:
    """Return ``"q1"``, ``"q3"`` or ``"iqr"`` by a convention."""
    return summary(scope, expression, pick=partial(span.quartile, code, which), noun=_QUARTILES[which])


def same(scope: Scope, expression: Argument) -> Computed:
    """Return the number that all patients have."""
    spans = spans_of(scope.of_each(expression))
    if not spans or len(spans) < len(scope.patients):
        raise NotRecomputableError(NO_SOURCE, is_datum=True)
    if len({value.value for value in spans}) > 1:
        raise NotRecomputableError(f"it differs between patients ({listed(spans)})")
    return Computed(spans[0], f"the same in all {len(spans)} patients")


def printed(scope: Scope, _expression: Argument) -> Computed:
    """Return the number of the quantity that the paper prints of a patient."""
    fact = scope.record.printed.get(
        read_name(scope.name.part or "", scope.name.patient, scope.name.treatment)
    )
    if fact is None:
        raise NotRecomputableError("not printed")
    return Computed(fact.span, "", source="printed")


def _missing(scope: Scope, values: Sequence[Computed | None]) -> str:
    """Return how many numbers of a summary are not known, and of how many patients there is none."""
    row = row_of(read_name(scope.name.part or "", "", scope.name.treatment))
    without = [patient for patient, value in zip(scope.patients, values, strict=True) if value is None]
    none = sum(_is_zero(scope.of(patient), row) for patient in without) if row.needs else 0
    parts = ((none, "without a relapse"), (len(without) - none, "not known"))
    return "".join(f", {count} {why}" for count, why in parts if count)


def _is_zero(scope: Scope, row: Quantity) -> bool:
    outcome = scope.outcome(row.needs)
    return isinstance(outcome, Computed) and outcome.span.value == 0


def spans_of(values: Sequence[Computed | None]) -> list[Span]:
    """Return the numbers that are known."""
    return [value.span for value in values if value is not None]


def listed(spans: Sequence[Span]) -> str:
    """Return a few values one by one, many as their number."""
    if len(spans) > _LISTED:
        return f"{len(spans)} values"
    return ", ".join(number(value.value) for value in spans)


# How many patients


def patients(scope: Scope) -> Computed:
    """Count the patients of the table, or those with a drug."""
    where = f"with {scope.name.treatment} " if scope.name.treatment else ""
    return Computed(exact(len(scope.patients)), f"patients {where}in the table")


def count(scope: Scope, condition: Argument, text: str) -> Computed:
    """Count the patients in whom a quantity is not 0."""
    answers = scope.of_each(condition)
    return _counted([None if answer is None else answer.span.value != 0 for answer in answers], text)


def edss_count(scope: Scope, name: RuleName, category: str) -> Computed:
    """Count the patients whose EDSS ``worsened``, stayed ``stable`` or ``improved`` by a rule."""
    rule = EDSS_RULES[name]
    scores = zip(scope.of_each("edss_start"), scope.of_each("edss_end"), strict=True)
    answers = [
        None
        if start is None or end is None
        else rule.category(float(start.span.value), float(end.span.value)) == category
        for start, end in scores
    ]
    return _counted(answers, f"{category} by the rule {name} ({rule.description})")


def therapy_count(scope: Scope) -> Computed:
    """Count the patients with a prior therapy: ``interferon beta`` joins interferon beta-1a and beta-1b."""
    drug = scope.name.treatment
    if drug is None:
        raise NotRecomputableError("which prior therapy is meant is not said")
    given = [_therapies(scope.of(patient), _RELAPSES, *_YEARS) for patient in scope.record.patients_on(None)]
    drugs = [{name.treatment or "" for name in therapies} for therapies in given]
    answers = [any(f"{name}-".startswith(f"{drug}-") for name in names) if names else None for names in drugs]
    return _counted(answers, "with that therapy")


def percent(scope: Scope, expression: Argument) -> Computed:
    """Return a count as a percentage of the patients."""
    number_of, everyone = scope.value(expression), len(scope.patients)
    text = f"{number(number_of.span.value)} of {everyone} patients × 100"
    return Computed(number_of.span * exact(100) / exact(everyone), text)


def _counted(answers: Sequence[bool | None], text: str) -> Computed:
    if not answers:
        raise NotRecomputableError("nobody had this treatment")
    if None in answers:
        reason = f"{text}: not known of {answers.count(None)} of {len(answers)} patients"
        raise NotRecomputableError(reason)
    return Computed(exact(sum(map(bool, answers))), f"patients {text}, of {len(answers)}")


# Two drugs


def comparator(scope: Scope, expression: Argument) -> Computed:
    """Return the value on the drug that is named."""
    return _of_drug(scope, expression, drug_pair(scope)[1])


def reference(scope: Scope, expression: Argument) -> Computed:
    """Return the value on the only other drug."""
    return _of_drug(scope, expression, drug_pair(scope)[0])


def paired(scope: Scope, expression: Argument) -> Computed:
    """Return the value among the patients who had both drugs."""
    return replace(scope, among=with_both(scope, drug_pair(scope))).value(expression)


def _of_drug(scope: Scope, expression: Argument, drug: str) -> Computed:
    value = scope.on(drug).value(expression)
    return replace(value, text=f"{value.text} on {drug}", binding=TEXT, source="")


def drug_pair(scope: Scope) -> tuple[str, str]:
    """Return reference and comparator: the only other drug, and the one that is named."""
    name, drugs = scope.name, scope.record.treatments
    others = [drug for drug in drugs if drug != name.treatment]
    if name.patient is not None or name.treatment not in drugs or len(others) != 1:
        reason = "a rate ratio needs a series with two drugs, and the comparator as treatment"
        raise NotRecomputableError(reason)
    return others[0], str(name.treatment)


def with_both(scope: Scope, drugs: Sequence[str]) -> tuple[str, ...]:
    """Return the patients who had both drugs."""
    both = tuple(name for name, given in scope.record.courses.items() if set(drugs) <= set(given))
    if not both:
        raise NotRecomputableError("no patient had both drugs")
    return both


FUNCTIONS: Final[dict[str, Function]] = {
    "sum": partial(summary, pick=span.total, noun="sum"),
    "mean": partial(summary, pick=span.mean, noun="mean"),
    "median": partial(summary, pick=span.median, noun="median"),
    "lowest": partial(summary, pick=span.lowest, noun="smallest"),
    "highest": partial(summary, pick=span.highest, noun="largest"),
} | by_name(
    *(unknown, named, on_drug, earlier, any_drug, therapy_relapses, therapy_year, total, deviation, quartile),
    *(same, printed, patients, count, edss_count, therapy_count, percent, comparator, reference, paired),
)
