"""Which code a result rests on."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

SIMULATION: Final = (
    "glm/gee.py",
    "hierarchical/model.py",
    "hierarchical/many",
    "hierarchical/priors.py",
    "hierarchical/quadrature",
    "operating/blocks.py",
    "operating/design.py",
    "operating/estimators",
    "operating/measures.py",
    "operating/simulation.py",
    "simulate",
    "estimators/within_patient.py",
)
CALIBRATION: Final = ("hierarchical", "operating/calibration.py")


@cache
def code_hash(parts: tuple[str, ...]) -> str:
    """Return a SHA-256 of the source code of parts of the package; comments, docstrings, imports and layout do not count."""
    digest = hashlib.sha256()
    for name in parts:
        for text in _sources(files("nmo_stats").joinpath(*name.split("/"))):
            digest.update(text)
    return digest.hexdigest()


class _Bare(ast.NodeTransformer):
    """Leave out docstrings and imports."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:  # noqa: ARG002
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:  # noqa: ARG002
        return None


def _bare(text: str) -> bytes:
    """Return what a program does, without comments, docstrings, imports and layout."""
    return ast.dump(_Bare().visit(ast.parse(text))).encode()


def _sources(place: Traversable) -> list[bytes]:
    if place.is_file():
        return [_bare(place.read_text(encoding="utf-8"))] if place.name.endswith(".py") else []
    inside = sorted(place.iterdir(), key=lambda entry: entry.name)
    return [text for entry in inside for text in _sources(entry)]
