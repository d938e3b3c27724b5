"""The audit of a publication: what the command reads, and what it prints."""

from __future__ import annotations

from pathlib import Path

from nmo_stats.audit import Audit, audited, summary, vocabulary
from nmo_stats.cli.inputs import Given
from nmo_stats.cli.printing import say, say_blocks, say_json
from nmo_stats.cohort import Cohort
from nmo_stats.errors import ArgumentError
from nmo_stats.sections.published import audit_blocks, quantity_table
from nmo_stats.tables.files import TableFile
from nmo_stats.wording import records


def with_numbers(data: Given, published: Path | None) -> Cohort:
    """Return the cohort with the printed numbers of a file, if one is named."""
    numbers = data.beside("published", published)
    return data.cohort() if numbers is None else data.cohort().with_published(numbers)


def say_audit(cohort: Cohort, patients: TableFile | None, *, as_json: bool) -> None:
    """Print the audit of the numbers that a cohort carries.

    Raises
    ------
    ArgumentError
        If it carries none.
    """
    audit: Audit | None = audited(cohort, patients)
    name = cohort.source.name
    if audit is None:
        rule = "Expected: numbers of --published, or a column reported_arr."
        raise ArgumentError(f"{name}: no printed number to audit. {rule}")
    if as_json:
        say_json({"schema": 1, "data": name, "summary": summary(audit), **audit.to_dict()})
    else:
        say(f"{name}: {summary(audit)}")
        say_blocks(audit_blocks(audit))


def say_quantities(*, as_json: bool) -> None:
    """Print the quantities that can be recomputed."""
    if not as_json:
        return say_blocks([quantity_table()])
    rows = records(vocabulary())
    lists = [row | {"other_formulas": list(filter(None, row["other_formulas"].split(", ")))} for row in rows]
    return say_json({"schema": 1, "quantities": lists})
