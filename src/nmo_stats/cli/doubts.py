"""The sensitivity analysis as the command prints it, in words and as JSON."""

from __future__ import annotations

from nmo_stats.cli.printing import say, say_table
from nmo_stats.names import METHODS
from nmo_stats.sections.blocks import Table
from nmo_stats.sections.sensitivity_tables import (
    PIVOT_FAMILIES,
    no_effect_table,
    pivot_table,
    regression_table,
    tipping_table,
)
from nmo_stats.sensitivity import FAMILY_NAMES, Row, Sensitivity


def say_sensitivity(found: Sensitivity) -> None:
    """Print the summary, one table for each kind of doubt, and what has no number."""
    pair = found.pair
    say(f"{pair.comparator} / {pair.reference}")
    say(" ".join(found.summary))
    if found.has_answer:
        _say(pivot_table(found))
    if any(row.has_interval for row in found.of("rtm")):
        _say(regression_table(found))
    headline = [design for design in found.designs if design.is_headline]
    if headline:
        _say(no_effect_table(headline))
    tipping = tipping_table(found)
    if tipping.rows:
        _say(tipping)
    in_tables = {*PIVOT_FAMILIES, "tipping"} if found.has_answer else set()
    for row in found.without_number:
        if row.family not in in_tables:
            say(f"without a number: {FAMILY_NAMES[row.family]}, {row.label}: {row.reason}")
    for text in dict.fromkeys(map(_failure, found.failed)):
        say(f"failed: {text}")


def _failure(row: Row) -> str:
    method = f", {METHODS[row.method].name}" if row.method else ""
    return f"{FAMILY_NAMES[row.family]}, {row.label}{method}: {row.reason}"


def sensitivity_json(found: Sensitivity) -> dict[str, object]:
    """Return the ``sensitivity`` document."""
    pair = found.pair
    return {
        "schema": 1,
        "comparator": pair.comparator,
        "reference": pair.reference,
        "level": found.level,
        **found.to_dict(),
    }


def _say(table: Table) -> None:
    say(table.caption)
    say_table(table.columns, table.rows, words=(0, *table.words))
    for note in table.notes:
        say(note)
    say()
