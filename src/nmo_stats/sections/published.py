"""Section on the numbers that a publication prints, recomputed; the same blocks on page and terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.audit import (
    BY_ANOTHER,
    IN_SIZE,
    NEUTRAL,
    Audit,
    Finding,
    about,
    by_quantity,
    by_reason,
    formula_name,
    quantity_text,
    sentence,
    summary,
    times_text,
    vocabulary,
)
from nmo_stats.sections.blocks import Block, Bullets, Prose, Section, Table
from nmo_stats.wording import counted, significant

_SENTENCES: Final = 12


def printed_numbers(analysis: Analysis) -> Section | None:
    """Return the section on printed numbers; None where nothing is printed."""
    audit = analysis.audit
    if audit is None:
        return None
    return Section("audit", "The printed numbers, recomputed", summary(audit), audit_blocks(audit))


def audit_blocks(audit: Audit) -> tuple[Block, ...]:
    """Return an audit, disagreements first: the numbers that need a sentence, and tables of all others."""
    disagreeing, by_another = audit.of("disagrees"), audit.of("agrees_by_another_formula")
    tables = (
        _finding_table(audit.of("agrees_within_rounding"), "within the rounding of the inputs"),
        _agreeing_table(audit),
        _unknown_table(audit),
    )
    return (
        *_listed(disagreeing, NEUTRAL, _finding_table(disagreeing, "", verb="disagree")),
        *_listed(by_another, BY_ANOTHER, _formula_table(by_another), always=True),
        *_listed(audit.without_sign, IN_SIZE, _finding_table(audit.without_sign, "in size")),
        *(table for table in tables if table.rows),
    )


def quantity_table() -> Table:
    """Return the quantities that an audit can recompute."""
    rows = [(name, meaning, others or "–") for name, meaning, others in vocabulary().itertuples(index=False)]
    return Table("", ("Quantity", "Formula", "Other formulas tried"), tuple(rows), words=(1, 2))


def _listed(findings: Sequence[Finding], note: str, table: Table, *, always: bool = False) -> Iterator[Block]:
    """Yield the first findings as sentences under a note; all of them in a table if there are many."""
    if findings:
        yield Prose(note)
        yield Bullets(tuple(map(sentence, findings[:_SENTENCES])))
        if always or len(findings) > _SENTENCES:
            yield table


def _formula_table(findings: Sequence[Finding]) -> Table:
    """Return the numbers that agree by another formula, each with both results and how many were tried."""
    rows = tuple(
        (
            about(finding), finding.printed, _recomputed(finding), formula_name(finding),
            str(finding.formulas_tried), "coarse" if finding.is_coarse else "–", finding.place or "–",
        )
        for finding in findings
    )  # fmt: skip
    columns = ("Number", "Printed", "Usual formula", "Formula that agrees", "Tried", "Note", "Place")
    return Table(_caption(len(findings), "by another formula"), columns, rows, words=(3, 6), most_open=0)


def _finding_table(findings: Sequence[Finding], how: str, verb: str = "agree") -> Table:
    """Return printed numbers beside their recomputation and its arithmetic."""
    rows = tuple(
        (about(finding), finding.printed, _recomputed(finding), finding.words, finding.place or "not given")
        for finding in findings
    )
    columns = ("Number", "Printed", "Recomputed", "Arithmetic", "Place")
    return Table(_caption(len(findings), how, verb), columns, rows, words=(3, 4), most_open=0)


def _agreeing_table(audit: Audit) -> Table:
    """Return how many printed numbers of each quantity agree."""
    rows = tuple(
        (quantity_text(name), str(single or "none"), str(series or "none"))
        for name, (single, series) in by_quantity(audit).items()
    )
    how = "in size and sign" if audit.without_sign else ""
    caption = f"{_caption(audit.counts['agrees'] - len(audit.without_sign), how)}, by quantity"
    return Table(caption, ("Quantity", "Of one patient", "Of the series"), rows, most_open=0)


def _unknown_table(audit: Audit) -> Table:
    """Return what cannot be recomputed, folded to quantities, by the reason."""
    rows = tuple((times_text(quantities), reason) for reason, quantities in by_reason(audit).items())
    caption = f"{counted(audit.counts['not_recomputable'], 'number')} that cannot be recomputed"
    return Table(
        caption, ("Quantities, and how often each is printed", "Reason"), rows, words=(1,), most_open=0
    )


def _caption(number: int, how: str, verb: str = "agree") -> str:
    agree = f"{verb}s" if number == 1 else verb
    return f"{counted(number, 'number')} that {agree} {how}".rstrip()


def _recomputed(finding: Finding) -> str:
    """Return the recomputation with the range of its rounding, e.g. ``1.38 (1.38 to 1.39)``."""
    if finding.recomputed is None or finding.low is None or finding.high is None:
        return "not recomputable"
    value = significant(finding.recomputed)
    if finding.low == finding.high:
        return value
    return f"{value} ({significant(finding.low)} to {significant(finding.high)})"
