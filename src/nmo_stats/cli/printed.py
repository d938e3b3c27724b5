"""The audit of a publication as the command prints it, in words and as JSON."""

from __future__ import annotations

from pathlib import Path

from nmo_stats.audit import (
    BY_ANOTHER,
    IN_SIZE,
    NEUTRAL,
    Audit,
    Finding,
    audited,
    sentence,
    summary,
    vocabulary,
)
from nmo_stats.cli.inputs import Given
from nmo_stats.cli.printing import say, say_json, say_table
from nmo_stats.cohort import Cohort
from nmo_stats.errors import ArgumentError
from nmo_stats.sections.blocks import Table
from nmo_stats.sections.published import agreeing_table, finding_table, unknown_table
from nmo_stats.tables.files import TableFile
from nmo_stats.wording import records


def with_numbers(data: Given, published: Path | None) -> Cohort:
    """Return the cohort with the printed numbers of a file, if one is named.

    Raises
    ------
    ArgumentError
        If the patients of that file are not named.
    """
    numbers = data.beside("published", published)
    return data.cohort() if numbers is None else data.cohort().with_published(numbers)


def required_audit(cohort: Cohort, patients: TableFile | None) -> Audit:
    """Return the audit of the numbers that a cohort carries.

    Raises
    ------
    ArgumentError
        If it carries none.
    """
    found = audited(cohort, patients)
    if found is None:
        raise ArgumentError(
            f"{cohort.source.name}: no printed number to audit; name them with --published, or fill the column reported_arr"
        )
    return found


def say_audit(cohort: Cohort, audit: Audit) -> None:
    """Print the numbers that need a sentence, what agrees within rounding, and counts of the rest."""
    say(f"{cohort.source.name}: {summary(audit)}")
    _say_sentences("disagrees", audit.of("disagrees"), NEUTRAL)
    _say_sentences("agrees by another formula", audit.of("agrees_by_another_formula"), BY_ANOTHER)
    _say_sentences("agrees in size", audit.without_sign, IN_SIZE)
    say()
    title = "Numbers that agree within the rounding of the inputs"
    for table in (
        finding_table(title, audit.of("agrees_within_rounding")),
        agreeing_table(audit),
        unknown_table(audit),
    ):
        if table.rows:
            _say(table)


def _say_sentences(verdict: str, findings: tuple[Finding, ...], note: str) -> None:
    for finding in findings:
        say(f"{verdict}: {sentence(finding)}")
    if findings:
        say(note)


def say_quantities(*, as_json: bool) -> None:
    """Print the quantities that can be recomputed."""
    rows = records(vocabulary())
    if as_json:
        lists = [
            row | {"other_formulas": [code for code in row["other_formulas"].split(", ") if code]}
            for row in rows
        ]
        say_json({"schema": 1, "quantities": lists})
    else:
        columns = ("Quantity", "Formula", "Other formulas tried")
        lines = [(row["quantity"], row["formula"], row["other_formulas"] or "–") for row in rows]
        say_table(columns, lines, words=(0, 1, 2))


def audit_json(cohort: Cohort, found: Audit) -> dict[str, object]:
    """Return the ``audit`` document."""
    return {"schema": 1, "data": cohort.source.name, "summary": summary(found), **found.to_dict()}


def _say(table: Table) -> None:
    say(table.caption)
    say_table(table.columns, table.rows, words=(0, *table.words))
