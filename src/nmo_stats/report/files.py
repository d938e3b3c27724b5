"""The files of a report folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from nmo_stats.analysis import Analysis
from nmo_stats.arguments import instance
from nmo_stats.arguments import path as valid_path
from nmo_stats.hierarchical import HierarchicalFit
from nmo_stats.report.bundle import frames, harmless, provenance, results
from nmo_stats.report.folder import PROVENANCE, replace, signed
from nmo_stats.report.html import page, sections
from nmo_stats.sections.blocks import Picture, pictures

POSTERIOR = "posterior.nc"
CONTENTS = frozenset({"index.html", "results.json", "tables", "figures", POSTERIOR, PROVENANCE})


def render_html(analysis: Analysis) -> str:
    """Return the report as one self-contained HTML page: no script, nothing fetched.

    Parameters
    ----------
    analysis
        A finished analysis.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ArgumentError
        If it is no analysis.
    """
    instance("analysis", analysis, Analysis)
    return page(sections(analysis))


def write(analysis: Analysis, folder: str | Path) -> Path:
    """Write the report folder and return the path of its ``index.html``.

    The folder holds ``index.html``, ``results.json``, ``tables/*.csv``, ``figures/*.svg`` and ``*.png``,
    ``posterior.nc`` and ``provenance.json``, which lists all files with their hashes. It is written beside
    its place and moved there when it is complete: a run that dies leaves an old report whole. A posterior
    that cannot be saved is named on the page and in ``provenance.json``.

    Parameters
    ----------
    analysis
        A finished analysis.
    folder
        The place of the report.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ArgumentError
        If the folder exists and holds anything that is not a report as it was written.
    OSError
        If the folder cannot be written.
    """
    instance("analysis", analysis, Analysis)
    return replace(valid_path("folder", folder), partial(_fill, analysis)) / "index.html"


def _fill(analysis: Analysis, folder: Path) -> None:
    _write_tables(analysis, folder / "tables")
    _write_text(folder / "results.json", _json(results(analysis)))
    unsaved = _save_posterior(analysis.fit, folder / POSTERIOR)  # last of the results: the page tells of it
    parts = sections(analysis, unsaved)
    _write_pictures(pictures(parts), folder / "figures")
    _write_text(folder / "index.html", page(parts))
    origin = {**provenance(analysis), "posterior_not_saved": unsaved}
    _write_text(folder / PROVENANCE, signed(origin, folder))


def _write_tables(analysis: Analysis, folder: Path) -> None:
    folder.mkdir()
    for name, frame in frames(analysis).items():
        harmless(frame).to_csv(
            folder / f"{name}.csv", index=False, encoding="utf-8", errors="backslashreplace"
        )


def _write_pictures(drawn: Iterable[Picture], folder: Path) -> None:
    folder.mkdir()
    for picture in drawn:
        (folder / f"{picture.name}.svg").write_bytes(picture.svg)
        (folder / f"{picture.name}.png").write_bytes(picture.png)


def _save_posterior(fit: HierarchicalFit, path: Path) -> str | None:
    """Save the posterior; return None, or why it could not be saved."""
    try:
        fit.to_datatree().to_netcdf(path)
    except Exception as error:  # noqa: BLE001  # a missing netCDF library must not cost the report
        path.unlink(missing_ok=True)
        return f"{type(error).__name__}: {error}"
    return None


def _json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _write_text(path: Path, text: str) -> None:
    r"""Write text as UTF-8, half of a surrogate pair as ``\udc80``, which JSON reads back."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
