"""The parts of a workbook, whose stated sizes are limits, never promises; and what its sheets share."""

from __future__ import annotations

import datetime
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree as Xml

from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

from nmo_stats.tables.files import refuse

MEGABYTE: Final = 10**6
# A part that unpacks to more, or so much further than text does, is made to exhaust the memory.
_LARGEST_PART: Final = 1000 * MEGABYTE
_SUSPICIOUS_PART: Final = 20 * MEGABYTE
_SUSPICIOUS_RATIO: Final = 200
_PROLOGUE: Final = 1024
_ROOT: Final = "_rels/.rels"
_MOST_TEXT: Final = 256 * MEGABYTE
_MOST_STYLES: Final = 64 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Relation:
    """What one part says of another: the kind of the relation, and the name of the other part."""

    kind: str
    part: str


@lru_cache(maxsize=1024)
def local(tag: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return tag.rpartition("}")[2]


@dataclass(frozen=True, eq=False)
class Package:
    """An open archive of XML parts.

    Parameters
    ----------
    archive
        The archive.
    name
        Name of the file, for messages.
    """

    archive: zipfile.ZipFile
    name: str

    def __contains__(self, part: str) -> bool:
        return part in self.archive.NameToInfo

    def elements(self, part: str, limit: int = _LARGEST_PART) -> Iterator[tuple[str, Xml.Element]]:
        """Return the starts and ends of the elements of a part, read as they are asked for.

        Raises
        ------
        CohortError
            If the part unpacks to more than ``limit`` bytes, or declares entities.
        """
        info = self.archive.getinfo(part)
        if info.file_size > limit or (
            info.file_size > _SUSPICIOUS_PART and info.file_size > _SUSPICIOUS_RATIO * info.compress_size
        ):
            self._refuse_size(part, info.file_size)
        with self.archive.open(info) as stream:  # it ends at the stated size, whatever follows
            start = stream.read(_PROLOGUE)
            if b"<!DOCTYPE" in start:  # entities that multiply
                raise ValueError("a part declares a document type")
            stream.seek(0)
            yield from Xml.iterparse(stream, ("start", "end"))

    def relations(self, part: str = "") -> dict[str, Relation]:
        """Return the relations of a part, or of the whole package, by their identifiers."""
        folder, name = posixpath.split(part)
        listed = f"{folder}/_rels/{name}.rels" if part else _ROOT
        found: dict[str, Relation] = {}
        if listed not in self:
            return found
        for event, element in self.elements(listed, MEGABYTE):
            if event == "end" and element.tag.endswith("Relationship"):
                target = element.get("Target", "")
                path = target[1:] if target.startswith("/") else posixpath.join(folder, target)
                kind = element.get("Type", "").rpartition("/")[2]
                found[element.get("Id", "")] = Relation(kind, posixpath.normpath(path))
        return found

    def _refuse_size(self, part: str, size: int) -> None:
        found = f"its part {part!r} unpacks to {size / MEGABYTE:,.0f} MB"
        limits = f"{_LARGEST_PART // MEGABYTE:,} MB, and {_SUSPICIOUS_RATIO} times its stored size"
        rule = f"a part of a workbook unpacks to at most {limits}"
        remedy = "save the table alone as a new workbook, or as .csv or .parquet"
        refuse(self.name, found, rule, remedy)


def is_set(element: Xml.Element, attribute: str) -> bool:
    """Return whether a yes/no attribute says yes."""
    return element.get(attribute, "0") in {"1", "true", "on"}


@dataclass(frozen=True, eq=False)
class Book:
    """What the sheets of a workbook share.

    Parameters
    ----------
    package
        Its parts.
    epoch
        The day from which dates are counted: 1899-12-30, or 1904-01-01 in old workbooks of the Macintosh.
    texts, struck_texts
        The texts that cells share, and the places of those of which a part is struck through.
    dates, durations, struck_formats
        Which formats of cells, by their place, show a date, a duration, or a line through the text.
    """

    package: Package
    epoch: datetime.datetime
    texts: tuple[str, ...]
    struck_texts: frozenset[int]
    dates: frozenset[int]
    durations: frozenset[int]
    struck_formats: frozenset[int]


def shared_texts(package: Package, part: str | None) -> tuple[tuple[str, ...], frozenset[int]]:
    """Return the texts that the sheets share, and the places of those that are struck through."""
    if part is None or part not in package:
        return (), frozenset()
    values: list[str] = []
    struck: set[int] = set()
    root: Xml.Element | None = None
    for event, element in package.elements(part, _MOST_TEXT):
        if root is None:
            root = element
        if event == "end" and local(element.tag) == "si":
            if is_struck(element):
                struck.add(len(values))
            values.append(text_of(element))
            root.clear()
    return tuple(values), frozenset(struck)


def text_of(element: Xml.Element) -> str:
    """Return the text of a cell, its runs joined; the reading aids of East Asian texts are not part of it."""
    parts: list[str] = []
    for child in element:
        if local(child.tag) == "t":
            parts.append(child.text or "")
        elif local(child.tag) == "r":
            parts += [grandchild.text or "" for grandchild in child if local(grandchild.tag) == "t"]
    # as openpyxl: the escape of an underscore that looks like one
    return "".join(parts).replace("x005F_", "")


def is_struck(element: Xml.Element) -> bool:
    """Return whether a font, or a run of a text, is struck through."""
    return any(
        local(child.tag) in {"strike", "dstrike"} and child.get("val", "1") not in {"0", "false", "off"}
        for child in element.iter()
    )


def formats_of(package: Package, part: str | None) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """Return the places of the formats of cells that show a date, a duration, or a line through the text."""
    codes: dict[int, str] = {}
    fonts: list[bool] = []
    formats: list[tuple[int, int]] = []
    for event, element in package.elements(part, _MOST_STYLES) if part and part in package else ():
        name = local(element.tag)
        if event == "start":
            continue
        if name == "numFmt" and "numFmtId" in element.attrib:
            codes[int(element.get("numFmtId", 0))] = element.get("formatCode", "")
        elif name == "fonts":
            fonts = [is_struck(font) for font in element]
        elif name == "cellXfs":
            formats = [(int(xf.get("numFmtId", 0)), int(xf.get("fontId", 0))) for xf in element]
    written = [codes.get(number) or builtin_format_code(number) for number, _ in formats]
    return (
        frozenset(place for place, code in enumerate(written) if is_date_format(code)),
        frozenset(place for place, code in enumerate(written) if is_timedelta_format(code)),
        frozenset(place for place, (_, font) in enumerate(formats) if font < len(fonts) and fonts[font]),
    )
