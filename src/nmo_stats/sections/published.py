"""Section on the numbers that a publication prints, recomputed."""

from __future__ import annotations

from collections.abc import Iterator
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
)
from nmo_stats.sections.blocks import Block, Bullets, Fold, Prose, Section, Table
from nmo_stats.wording import counted, significant

_SENTENCES: Final = 12


def printed_numbers(analysis: Analysis) -> Section | None:
    """Return the section on printed numbers, disagreements first; None where nothing is printed."""
    audit = analysis.audit
    if audit is None:
        return None
    return Section("audit", "The printed numbers, recomputed", summary(audit), _blocks(audit))


def _blocks(audit: Audit) -> tuple[Block, ...]:
    disagreeing, by_another = audit.of("disagrees"), audit.of("agrees_by_another_formula")
    within = audit.of("agrees_within_rounding")
    blocks: list[Block] = [
        *_listed(disagreeing, NEUTRAL, f"All {len(disagreeing)} numbers that disagree"),
        *_listed(by_another, BY_ANOTHER, "", formula_table(by_another)),
        *_listed(audit.without_sign, IN_SIZE, f"All {len(audit.without_sign)} changes that agree in size"),
    ]
    if within:
        title = f"{counted(len(within), 'number')} that {_agree(within)} within the rounding of the inputs"
        blocks.append(_folded(title, within))
    tables = (agreeing_table(audit), unknown_table(audit))
    return (*blocks, *(Fold(table.caption, (table,)) for table in tables if table.rows))


def _listed(
    findings: tuple[Finding, ...], note: str, title: str, table: Table | None = None
) -> Iterator[Block]:
    """Yield the first findings as sentences under a note; all of them in a table, if one is given or there are many."""
    if not findings:
        return
    yield Prose(note)
    yield Bullets(tuple(map(sentence, findings[:_SENTENCES])))
    if table is not None:
        yield Fold(table.caption, (table,))
    elif len(findings) > _SENTENCES:
        yield _folded(title, findings)


def formula_table(findings: tuple[Finding, ...]) -> Table:
    """Return the numbers that agree by another formula, each with both results and how many formulas were tried."""
    rows = tuple(
        (
            about(finding), finding.printed, recomputed_text(finding), formula_name(finding),
            str(finding.formulas_tried), "coarse" if finding.is_coarse else "–", finding.place or "–",
        )
        for finding in findings
    )  # fmt: skip
    caption = f"{counted(len(findings), 'number')} that {_agree(findings)} by another formula"
    columns = ("Number", "Printed", "Usual formula", "Formula that agrees", "Tried", "Note", "Place")
    return Table(caption, columns, rows, words=(3, 6))


def _agree(findings: tuple[Finding, ...]) -> str:
    return "agrees" if len(findings) == 1 else "agree"


def finding_table(caption: str, findings: tuple[Finding, ...]) -> Table:
    """Return printed numbers beside their recomputation and its arithmetic."""
    rows = tuple(
        (about(found), found.printed, recomputed_text(found), found.words, found.place or "not given")
        for found in findings
    )
    columns = ("Number", "Printed", "Recomputed", "Arithmetic", "Place")
    return Table(caption, columns, rows, words=(3, 4))


def agreeing_table(audit: Audit) -> Table:
    """Return how many printed numbers of each quantity agree."""
    rows = tuple(
        (quantity_text(name), str(single or "none"), str(series or "none"))
        for name, (single, series) in by_quantity(audit).items()
    )
    agreeing = audit.counts["agrees"] - len(audit.without_sign)
    sign = " in size and sign" if audit.without_sign else ""
    caption = (
        f"{counted(agreeing, 'number')} that {'agrees' if agreeing == 1 else 'agree'}{sign}, by quantity"
    )
    return Table(caption, ("Quantity", "Of one patient", "Of the series"), rows)


def unknown_table(audit: Audit) -> Table:
    """Return what cannot be recomputed, folded to quantities, by the reason."""
    rows = tuple((times_text(quantities), reason) for reason, quantities in by_reason(audit).items())
    caption = f"{counted(audit.counts['not_recomputable'], 'number')} that cannot be recomputed"
    return Table(caption, ("Quantities, and how often each is printed", "Reason"), rows, words=(1,))


def recomputed_text(found: Finding) -> str:
    """Return the recomputation with the range of its rounding, e.g. ``1.38 (1.38 to 1.39)``; words where there is none."""
    if found.recomputed is None or found.low is None or found.high is None:
        return "not recomputable"
    value = significant(found.recomputed)
    if found.low == found.high:
        return value
    return f"{value} ({significant(found.low)} to {significant(found.high)})"


def _folded(title: str, findings: tuple[Finding, ...]) -> Fold:
    return Fold(title, (finding_table(title, findings),))
