"""From a figure function to a picture: size, style, files, alternative text."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nmo_stats.characters import escaped, visible
from nmo_stats.sections.blocks import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 6.2
_DOTS_PER_INCH = 200


def draw(name: str, paint: Callable[..., object], height: float, *, caption: str, alt: str) -> Picture:
    """Draw one Axes of the page's width and the given height in inches."""
    return draw_panels(name, [paint], height, caption=caption, alt=alt)


def draw_panels(
    name: str, paints: list[Callable[..., object]], height: float, *, caption: str, alt: str
) -> Picture:
    """Draw one panel per function, two beside each other; ``height`` is that of a row of panels in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from nmo_stats.figures import styled

    columns = min(2, len(paints))
    rows = -(-len(paints) // columns)
    with styled():
        figure = Figure(figsize=(_WIDTH, rows * height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False)
        for paint, panel in zip(paints, axes.flat, strict=False):
            paint(panel)
        for panel in axes.flat[len(paints) :]:
            panel.set_axis_off()
        svg, png = _saved(figure)
    return Picture(name, alt, caption, svg, png)


def _saved(figure: Figure) -> tuple[bytes, bytes]:
    """Return the figure as SVG and as PNG.

    Characters that no font has stay text in the SVG, where a browser finds a font, and escapes in the PNG.
    """
    import matplotlib as mpl

    from nmo_stats.figures.glyphs import missing_glyphs, rewrite

    svg, png = io.BytesIO(), io.BytesIO()
    rewrite(figure, visible)
    missing = missing_glyphs(figure)
    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none"} if missing else {}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    if missing:
        rewrite(figure, partial(escaped, missing=missing))
    figure.savefig(png, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def first_of(count: int, most: int) -> str:
    """Return a sentence for a caption where not every patient is drawn."""
    return f" The first {most} of {count} patients are drawn." if count > most else ""
