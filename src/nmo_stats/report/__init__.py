"""A finished analysis as a report: one HTML page, tables, figures and a machine-readable bundle."""

from nmo_stats.report.files import render_html, require_replaceable, write

__all__ = ["render_html", "require_replaceable", "write"]
