"""The parts of a workbook: an archive whose stated sizes are limits, never promises."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as Xml

from nmo_stats.errors import CohortError, Problem

MEGABYTE: Final = 10**6
# A part that unpacks to more, or so much further than text does, is made to exhaust the memory.
_LARGEST_PART: Final = 1000 * MEGABYTE
_SUSPICIOUS_PART: Final = 20 * MEGABYTE
_SUSPICIOUS_RATIO: Final = 200
_PROLOGUE: Final = 1024
_ROOT: Final = "_rels/.rels"


@dataclass(frozen=True, slots=True)
class Relation:
    """What one part says of another: the kind of the relation, and the name of the other part."""

    kind: str
    part: str


class Names(dict[str, str]):
    """The names of elements and attributes without their namespace, each worked out once."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.rpartition("}")[2]
        return name


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
        raise CohortError([Problem(found, rule, remedy)], self.name)


def opened(content: bytes, name: str) -> Package:
    """Return the archive in a file."""
    return Package(zipfile.ZipFile(io.BytesIO(content)), name)


def is_set(element: Xml.Element, attribute: str) -> bool:
    """Return whether a yes/no attribute says yes."""
    return element.get(attribute, "0") in {"1", "true", "on"}


def local(attributes: dict[str, Any], name: str) -> str | None:
    """Return an attribute by its name without the namespace."""
    return next((value for key, value in attributes.items() if key.rpartition("}")[2] == name), None)
