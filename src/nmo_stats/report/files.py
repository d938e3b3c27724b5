"""The report folder, written whole or not at all."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.arguments import instance
from nmo_stats.arguments import path as valid_path
from nmo_stats.errors import ArgumentError
from nmo_stats.report.blocks import pictures
from nmo_stats.report.bundle import frames, harmless, provenance, results
from nmo_stats.report.html import page, sections

CONTENTS: Final = frozenset(
    {"index.html", "results.json", "tables", "figures", "posterior.nc", "provenance.json"}
)


def render_html(analysis: Analysis) -> str:
    """Return the report as one self-contained HTML page: no script, nothing fetched.

    Parameters
    ----------
    analysis
        A finished analysis.
    """
    instance("analysis", analysis, Analysis)
    return page(sections(analysis))


def write(analysis: Analysis, folder: str | Path) -> Path:
    """Write the report folder and return the path of its ``index.html``.

    The folder holds ``index.html``, ``results.json``, ``tables/*.csv``, ``figures/*.svg`` and ``*.png``,
    ``posterior.nc`` and ``provenance.json``. It is written beside its place and moved there when it is complete:
    a run that dies leaves an old report whole.

    Raises
    ------
    ArgumentError
        If the folder exists and holds anything that is not a report.
    """
    instance("analysis", analysis, Analysis)
    target = valid_path("folder", folder).resolve()
    require_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        _fill(analysis, new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target / "index.html"


def require_replaceable(folder: str | Path) -> None:
    """Do nothing if a report may be written to ``folder``: it does not exist, is empty, or is a report.

    Raises
    ------
    ArgumentError
        Otherwise, with the names of what would be lost.
    """
    target = valid_path("folder", folder)
    if target.is_dir():
        foreign = sorted(path.name for path in target.iterdir() if path.name not in CONTENTS)
        if foreign:
            raise ArgumentError(
                f"folder {target}: it holds {', '.join(foreign[:5])}, which is not part of a report; choose another folder"
            )
    elif target.exists():
        raise ArgumentError(f"{target} is a file; choose a folder")


def _fill(analysis: Analysis, folder: Path) -> None:
    parts = sections(analysis)
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "index.html").write_text(page(parts), encoding="utf-8")
    _write_json(folder / "results.json", results(analysis))
    _write_json(folder / "provenance.json", provenance(analysis))
    for name, frame in frames(analysis).items():
        harmless(frame).to_csv(folder / "tables" / f"{name}.csv", index=False)
    for picture in pictures(parts):
        (folder / "figures" / f"{picture.name}.svg").write_bytes(picture.svg)
        (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)
    analysis.fit.to_datatree().to_netcdf(folder / "posterior.nc")


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
