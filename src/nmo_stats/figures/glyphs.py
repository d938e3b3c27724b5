"""Characters that no installed font has: which they are, and how the texts of a figure are changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from matplotlib import font_manager
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

# Fonts that come with operating systems, for scripts that matplotlib's own font lacks.
_FURTHER: Final = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR",
    "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic",
    "SimHei", "Arial Unicode MS", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew",
    "Noto Sans Devanagari", "Noto Sans Bengali",
    "Noto Sans Tamil", "Noto Sans Thai", "Segoe UI", "Tahoma", "Nirmala UI", "Leelawadee UI", "Geeza Pro",
    "Noto Emoji", "Segoe UI Symbol", "Segoe UI Emoji", "Symbola",
)  # fmt: skip


@cache
def families() -> tuple[str, ...]:
    """Return the font families to draw with: matplotlib's own, and installed ones for what it lacks."""
    installed = set(font_manager.fontManager.get_font_names())
    return ("sans-serif", *(name for name in _FURTHER if name in installed))


def missing_glyphs(figure: Figure) -> frozenset[str]:
    """Return the characters of a figure's texts that no font has."""
    characters = {one for text in _texts(figure) for one in text if not one.isascii()}
    return frozenset(one for one in characters if not any(ord(one) in _charmap(name) for name in families()))


def rewrite(figure: Figure, change: Callable[[str], str]) -> None:
    """Change every text of a figure."""
    for artist in figure.findobj(Text):
        if isinstance(artist, Text):
            artist.set_text(change(artist.get_text()))
    for axis, formatter in _labelled(figure):
        axis.set_major_formatter(FuncFormatter(_changed(formatter, change)))


def _changed(formatter: FuncFormatter, change: Callable[[str], str]) -> Callable[[float, int | None], str]:
    return lambda value, place: change(formatter(value, place))


def _texts(figure: Figure) -> Iterator[str]:
    for artist in figure.findobj(Text):
        if isinstance(artist, Text):
            yield artist.get_text()
    for axis, formatter in _labelled(figure):
        yield from (formatter(value, place) for place, value in enumerate(axis.get_majorticklocs()))


def _labelled(figure: Figure) -> Iterator[tuple[Axis, FuncFormatter]]:
    """Yield the axes whose labels are given as text; the others have numbers."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FuncFormatter):
                yield axis, formatter


@cache
def _charmap(family: str) -> frozenset[int]:
    path = font_manager.findfont(font_manager.FontProperties(family=[family]))
    return frozenset(font_manager.get_font(path).get_charmap())
