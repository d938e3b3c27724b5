"""Which code a result rests on."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

SIMULATION: Final = (
    "hierarchical",
    "operating/blocks.py",
    "operating/design.py",
    "operating/estimators",
    "simulate",
    "within_patient.py",
)
CALIBRATION: Final = ("hierarchical", "operating/calibration.py")


@cache
def code_hash(parts: tuple[str, ...]) -> str:
    """Return a SHA-256 of the source code of parts of the package."""
    digest = hashlib.sha256()
    for name in parts:
        for text in _sources(files("nmo_stats").joinpath(*name.split("/"))):
            digest.update(text)
    return digest.hexdigest()


def _sources(place: Traversable) -> list[bytes]:
    if place.is_file():
        # a checkout may end its lines in another way
        return [place.read_bytes().replace(b"\r\n", b"\n")] if place.name.endswith(".py") else []
    inside = sorted(place.iterdir(), key=lambda entry: entry.name)
    return [text for entry in inside for text in _sources(entry)]
