"""Sections to one self-contained HTML page."""

from __future__ import annotations

import base64
from dataclasses import replace
from importlib.resources import files
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.characters import visible
from nmo_stats.report.bundle import packages, provenance
from nmo_stats.sections import (
    coverage,
    data,
    edss,
    estimates,
    headline,
    methods,
    model,
    published,
    relapse_rates,
    relapse_times,
    sensitivity,
)
from nmo_stats.sections.blocks import Block, Fold, Picture, Prose, Section, Table, shortened
from nmo_stats.wording import counted

_MOST_ROWS: Final = 500


def sections(analysis: Analysis, unsaved: str | None = None) -> tuple[Section, ...]:
    """Return the report's sections in order: what a clinician reads first, what a statistician checks after.

    Parameters
    ----------
    analysis
        A finished analysis.
    unsaved
        Why the posterior could not be saved beside the page; None where it was.

    Returns
    -------
    tuple of Section
        Those that have something to say.
    """
    parts = (
        headline.headline(analysis),
        sensitivity.no_effect(analysis),
        data.periods(analysis),
        relapse_rates.relapse_rates(analysis),
        relapse_times.relapse_times(analysis),
        edss.edss_section(analysis),
        estimates.estimators(analysis),
        estimates.each_patient(analysis),
        model.posterior(analysis),
        model.diagnostics(analysis),
        sensitivity.assumptions(analysis),
        coverage.coverage(analysis),
        published.printed_numbers(analysis),
        methods.methods(analysis, unsaved),
        _provenance(analysis, unsaved),
    )
    return tuple(section for section in parts if section is not None)


def page(parts: tuple[Section, ...]) -> str:
    """Return the page; every text of the user is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("nmo_stats.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.globals["data_uri"] = _data_uri
    environment.filters["folded"] = folded
    style = files("nmo_stats.report").joinpath("style.css").read_text(encoding="utf-8")
    return environment.get_template("template.html").render(first=parts[0], rest=parts[1:], style=style)


def folded(block: Block) -> Block:
    """Return the block as the page shows it: long tables fold away, the longest show their first rows."""
    if not isinstance(block, Table):
        return block
    shown, number = shortened(block, _MOST_ROWS), len(block.rows)
    if block.most_open is None or number <= block.most_open:
        return shown
    return Fold(f"{block.caption} ({counted(number, 'row')})", (replace(shown, most_open=None),))


def _visible(value: object) -> object:
    """Return text with its invisible characters written out; what is HTML already is left as it is."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else visible(value)


def _data_uri(picture: Picture) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.svg).decode()}"


def _provenance(analysis: Analysis, unsaved: str | None) -> Section:
    origin, source = provenance(analysis), analysis.cohort.source
    parts = source.parts or (source,)
    rows = (
        ("Data", source.name),
        *((f"SHA-256 of {part.name}" if source.parts else "SHA-256", part.sha256) for part in parts),
        ("Seed", str(analysis.seed)),
        ("Engine", str(analysis.engine)),
        ("Python", str(origin["python"])),
        ("Packages", ", ".join(f"{name} {version}" for name, version in packages().items())),
    )
    table = Table("Where these numbers come from", ("Item", "Value"), rows, words=(1,))
    missing = (Prose(f"The posterior could not be saved in posterior.nc: {unsaved}."),) if unsaved else ()
    lead = "The same data, seed and versions give the same numbers."
    return Section("provenance", "Provenance", lead, (*missing, table))
