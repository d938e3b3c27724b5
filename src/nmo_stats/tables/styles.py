"""What a workbook keeps apart from its sheets: texts that cells share, and the formats of cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as Xml

from nmo_stats.tables.package import MEGABYTE, Names, Package

_MOST_TEXT: Final = 256 * MEGABYTE
_MOST_STYLES: Final = 64 * MEGABYTE


@dataclass(frozen=True, eq=False)
class Texts:
    """The shared texts of a workbook.

    Parameters
    ----------
    values
        The texts.
    struck
        Places of those of which a part is struck through.
    """

    values: tuple[str, ...] = ()
    struck: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Styles:
    """Which cell formats show a date, a duration, or a line through the text."""

    dates: frozenset[int] = frozenset()
    durations: frozenset[int] = frozenset()
    struck: frozenset[int] = frozenset()


def shared_texts(package: Package, part: str | None) -> Texts:
    """Return the texts that the cells of all sheets share."""
    if part is None or part not in package:
        return Texts()
    names = Names()
    values: list[str] = []
    struck: set[int] = set()
    root: Xml.Element | None = None
    for event, element in package.elements(part, _MOST_TEXT):
        if root is None:
            root = element
        if event == "end" and names[element.tag] == "si":
            if is_struck(element, names):
                struck.add(len(values))
            values.append(text_of(element, names))
            root.clear()
    return Texts(tuple(values), frozenset(struck))


def text_of(element: Xml.Element, names: Names) -> str:
    """Return the text of a cell, its runs joined; the reading aids of East Asian texts are not part of it."""
    parts: list[str] = []
    for child in element:
        if names[child.tag] == "t":
            parts.append(child.text or "")
        elif names[child.tag] == "r":
            parts += [grandchild.text or "" for grandchild in child if names[grandchild.tag] == "t"]
    return "".join(parts).replace(
        "x005F_", ""
    )  # as openpyxl: the escape of an underscore that looks like one


def is_struck(element: Xml.Element, names: Names) -> bool:
    """Return whether a font, or a run of a text, is struck through."""
    return any(
        names[child.tag] in {"strike", "dstrike"} and child.get("val", "1") not in {"0", "false", "off"}
        for child in element.iter()
    )


def styles_of(package: Package, part: str | None) -> Styles:
    """Return what the formats of cells, by their place, say of the cells."""
    if part is None or part not in package:
        return Styles()
    names = Names()
    codes: dict[int, str] = {}
    fonts: list[bool] = []
    formats: list[tuple[int, int]] = []
    for event, element in package.elements(part, _MOST_STYLES):
        name = names[element.tag]
        if event == "start":
            continue
        if name == "numFmt" and "numFmtId" in element.attrib:
            codes[int(element.get("numFmtId", 0))] = element.get("formatCode", "")
        elif name == "fonts":
            fonts = [is_struck(font, names) for font in element]
        elif name == "cellXfs":
            formats = [(int(xf.get("numFmtId", 0)), int(xf.get("fontId", 0))) for xf in element]
    return _styles(formats, codes, fonts)


def _styles(formats: Iterable[tuple[int, int]], codes: dict[int, str], fonts: list[bool]) -> Styles:
    from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

    shown = [
        (codes.get(number) or builtin_format_code(number), font < len(fonts) and fonts[font])
        for number, font in formats
    ]
    return Styles(
        frozenset(place for place, (code, _) in enumerate(shown) if is_date_format(code)),
        frozenset(place for place, (code, _) in enumerate(shown) if is_timedelta_format(code)),
        frozenset(place for place, (_, struck) in enumerate(shown) if struck),
    )
