"""Sections to one self-contained HTML page."""

from __future__ import annotations

import base64
from importlib.resources import files

from nmo_stats.analysis import Analysis
from nmo_stats.report import (
    data,
    disability,
    doubts,
    headline,
    methods,
    model,
    printed,
    rates,
    relapse_rates,
    timing,
)
from nmo_stats.report.blocks import Picture, Section, Table
from nmo_stats.report.bundle import provenance


def sections(analysis: Analysis) -> tuple[Section, ...]:
    """Return the report's sections in order: what a clinician reads first, what a statistician checks after."""
    found = (
        headline.headline(analysis),
        doubts.no_effect(analysis),
        data.periods(analysis),
        relapse_rates.relapse_rates(analysis),
        timing.relapse_times(analysis),
        disability.edss_section(analysis),
        rates.estimators(analysis),
        rates.each_patient(analysis),
        model.posterior(analysis),
        model.diagnostics(analysis),
        doubts.assumptions(analysis),
        printed.printed_numbers(analysis),
        methods.methods(analysis),
        _provenance(analysis),
    )
    return tuple(section for section in found if section is not None)


def page(parts: tuple[Section, ...]) -> str:
    """Return the page; every text of the user is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("nmo_stats.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["data_uri"] = _data_uri
    style = files("nmo_stats.report").joinpath("style.css").read_text(encoding="utf-8")
    return environment.get_template("template.html").render(first=parts[0], rest=parts[1:], style=style)


def _data_uri(picture: Picture) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.svg).decode()}"


def _provenance(analysis: Analysis) -> Section:
    origin = provenance(analysis)
    source, packages = analysis.cohort.source, origin["packages"]
    listed = (
        ", ".join(f"{name} {found}" for name, found in packages.items()) if isinstance(packages, dict) else ""
    )
    rows = (
        ("Data", source.name),
        *(
            (f"SHA-256{f' of {part.name}' if source.parts else ''}", part.sha256)
            for part in source.parts or (source,)
        ),
        ("Seed", str(analysis.seed)),
        ("Engine", str(analysis.engine)),
        ("Python", str(origin["python"])),
        ("Packages", listed),
    )
    table = Table("Where these numbers come from", ("Item", "Value"), rows, words=(1,))
    return Section(
        "provenance", "Provenance", "The same data, seed and versions give the same numbers.", (table,)
    )
