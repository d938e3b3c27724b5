"""How many patients: each function counts those of whom something holds; None stands for not known."""

from __future__ import annotations

from collections.abc import Callable

from nmo_stats.audit import span
from nmo_stats.audit.formulas import Compute, Computed, Outcome, Unknown
from nmo_stats.audit.record import Name, Record
from nmo_stats.cohort.published import OTHER_DRUGS
from nmo_stats.describe.edss import EDSS_RULES, RuleName


def count(what: str, holds: Callable[[Record, Name], bool | None]) -> Compute:
    """Return the formula that counts the patients of whom something holds; None stands for not known."""

    def compute(record: Record, name: Name) -> Outcome:
        patients = record.patients_on(None if OTHER_DRUGS in name.quantity else name.treatment)
        answers = [holds(record, name._replace(patient=patient)) for patient in patients]
        if None in answers:
            return Unknown(f"{what}: not known of {answers.count(None)} of {len(answers)} patients")
        return Computed(span.exact(sum(map(bool, answers))), f"patients {what}, of {len(answers)}")

    return compute


def cohort_size(record: Record, name: Name) -> Outcome:
    """Count the patients of the table, or those with a drug."""
    where = f"with {name.treatment} " if name.treatment else ""
    return Computed(span.exact(len(record.patients_on(name.treatment))), f"patients {where}in the table")


def has_relapses(record: Record, name: Name) -> bool | None:
    """Return whether a patient relapsed on the drug."""
    known = record.data.get(name._replace(quantity="relapses"))
    return None if known is None else known.span.value > 0


def is_relapse_free(record: Record, name: Name) -> bool | None:
    """Return whether a patient had no relapse on the drug."""
    relapsed = has_relapses(record, name)
    return None if relapsed is None else not relapsed


def is_ongoing(record: Record, name: Name) -> bool | None:
    """Return whether the drug was still given at the end."""
    known = record.data.get(name._replace(quantity="ongoing"))
    return None if known is None else known.span.value == 1


def had_therapy(record: Record, name: Name) -> bool | None:
    """Whether a patient had a prior therapy: ``interferon beta`` joins interferon beta-1a and interferon beta-1b."""
    therapies = record.therapies.get(name.patient or "")
    if not therapies or name.treatment is None:
        return None
    given = [therapy.name for therapy in therapies if therapy.name is not None]
    return any(one == name.treatment or one.startswith(f"{name.treatment}-") for one in given)


def edss_category(category: str, rule: RuleName) -> Compute:
    """Return the formula that counts the patients whose EDSS ``worsened``, stayed ``stable`` or ``improved`` by a rule."""

    def holds(record: Record, name: Name) -> bool | None:
        start, end = (record.data.get(name._replace(quantity=one)) for one in ("edss_start", "edss_end"))
        if start is None or end is None:
            return None
        return EDSS_RULES[rule].category(float(start.span.value), float(end.span.value)) == category

    return count(f"{category} by the rule {rule} ({EDSS_RULES[rule].description})", holds)
