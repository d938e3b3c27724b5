"""A finished analysis as a report: one HTML page, tables, figures and a machine-readable bundle."""

from nmo_stats.report.files import render_html, write
from nmo_stats.report.folder import recover, require_replaceable, require_writable

__all__ = ["recover", "render_html", "require_replaceable", "require_writable", "write"]
