"""The rules of public docstrings, in numpydoc's form; run as a program it lists all that break them.

A public name is one that a face of the package hands out: a name in the ``__all__`` of a package, a public
function or class of a module without one, and the public methods of such classes. The parser is numpydoc's
own, as statsmodels carries it.

Rules: ``text`` there is a docstring; ``Parameters`` names every parameter and no other; ``Returns`` is there
unless the function returns None; ``Raises`` names every exception that the body raises, and ArgumentError
where it checks an argument.

    python tests/docstrings.py             every offender, room by room, and a count for each room
    python tests/docstrings.py describe    those of one room
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from statsmodels.tools.docstring import NumpyDocString

import nmo_stats
from nmo_stats import arguments

CHECKERS = {name for name, value in vars(arguments).items() if inspect.isfunction(value)} - {"found"}
CHECKERS |= {"require_level", "require_ratio"}
PASSED_ON = {"AttributeError", "KeyboardInterrupt"}
RETURNS_NOTHING = ("None", "NoReturn", "Never")


class Fault(NamedTuple):
    """A docstring that breaks a rule: room and name of its owner, the rule, and what is wrong."""

    room: str
    name: str
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.room}: {self.name}: {self.rule}: {self.detail}"


def faces() -> Iterator[ModuleType]:
    """Yield the modules that hand public names out."""
    yield nmo_stats
    for info in pkgutil.walk_packages(nmo_stats.__path__, "nmo_stats."):
        module = importlib.import_module(info.name)
        if hasattr(module, "__all__") or info.name.removeprefix("nmo_stats.") in nmo_stats._MODULES:
            yield module


def names_of(module: ModuleType) -> list[str]:
    """Return the names that a face hands out; without ``__all__`` its own public ones."""
    own = [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    return [name for name in getattr(module, "__all__", own) if not name.startswith("_")]


def public() -> dict[str, Any]:
    """Return every public function, class and method under its full name."""
    seen: dict[str, Any] = {}
    for face in faces():
        for name in names_of(face):
            value = getattr(face, name)
            if inspect.ismodule(value):
                seen |= {
                    _full(part): part for part in map(value.__dict__.get, names_of(value)) if _is_ours(part)
                }
            elif _is_ours(value):
                seen[_full(value)] = value
    methods = [method for kind in seen.values() if inspect.isclass(kind) for method in _methods(kind)]
    return dict(sorted((seen | {_full(method): method for method in methods}).items()))


def _is_ours(value: object) -> bool:
    is_code = inspect.isfunction(value) or inspect.isclass(value)
    return is_code and str(getattr(value, "__module__", "")).startswith("nmo_stats")


def _methods(kind: type) -> Iterator[Any]:
    for name, value in vars(kind).items():
        method = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if (
            inspect.isfunction(method)
            and not name.startswith("_")
            and method.__qualname__.startswith(kind.__name__)
        ):
            yield method


def _full(value: Any) -> str:
    return f"{value.__module__.removeprefix('nmo_stats.')}.{value.__qualname__}"


def faults() -> Iterator[Fault]:
    """Yield every public docstring that breaks a rule."""
    for name, value in public().items():
        for rule, detail in _faults_of(value):
            room = name.split(".")[0]
            yield Fault(
                room if hasattr(importlib.import_module(f"nmo_stats.{room}"), "__path__") else "top",
                name,
                rule,
                detail,
            )


def _faults_of(value: Any) -> Iterator[tuple[str, str]]:
    text = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    if not text:
        yield "text", "there is none"
        return
    with warnings.catch_warnings(record=True) as unknown:
        warnings.simplefilter("always")
        parsed = NumpyDocString(inspect.cleandoc(text))
    yield from (("sections", str(one.message).splitlines()[0]) for one in unknown)
    yield from _parameters(value, parsed)
    if inspect.isfunction(value) and not parsed["Returns"] and not parsed["Yields"]:
        returned = str(inspect.signature(value).return_annotation)
        if returned not in RETURNS_NOTHING:
            yield "Returns", f"is missing for {returned}"
    documented = {one.type for one in parsed["Raises"]}
    for missing in sorted(raised(value) - documented):
        yield "Raises", f"lacks {missing}"


def _parameters(value: Any, parsed: Any) -> Iterator[tuple[str, str]]:
    wanted = [
        name for name in parameters_of(value) if name not in ("self", "cls") and not name.startswith("_")
    ]
    given = [name.strip().lstrip("*") for entry in parsed["Parameters"] for name in entry.name.split(",")]
    is_record = inspect.isclass(value) and dataclasses.is_dataclass(value)
    own = vars(value).get("__annotations__", {}) if is_record else wanted  # a base documents its own
    for missing in (name for name in wanted if name in own and name not in given):
        yield "Parameters", f"lacks {missing}"
    for unknown in (name for name in given if name not in wanted):
        yield "Parameters", f"names {unknown}, which there is not"


def parameters_of(value: Any) -> list[str]:
    """Return the names of the parameters of a function or of a class that is made by calling it."""
    if inspect.isclass(value):
        if dataclasses.is_dataclass(value):
            return [field.name for field in dataclasses.fields(value) if field.init]
        if getattr(value, "_is_protocol", False) or issubclass(value, tuple) or "__init__" not in vars(value):
            return list(getattr(value, "_fields", ()))
    return list(inspect.signature(value).parameters)


def raised(value: Any) -> set[str]:
    """Return the exceptions that the body raises, and ArgumentError where it calls an argument check."""
    if inspect.isclass(value):
        made_by = [vars(value)[name] for name in ("__init__", "__post_init__") if name in vars(value)]
        written = [
            one
            for one in made_by
            if one.__module__ == value.__module__ and "<" not in one.__code__.co_filename
        ]
        return set().union(*map(raised, written))
    seen = set[str]()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(value)))):
        if (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Call)
            and isinstance(node.exc.func, ast.Name)
        ):
            seen.add(node.exc.func.id)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and _is_checker(value, node.func.id)
        ):
            seen.add("ArgumentError")
    return {name for name in seen if name[:1].isupper()} - PASSED_ON


def _is_checker(function: Any, name: str) -> bool:
    """Return whether a name in a function's module is one of the argument checks."""
    return getattr(function.__globals__.get(name), "__name__", "") in CHECKERS


def main(rooms: list[str]) -> int:
    """Print the offenders of some rooms, or of all; return 1 if there are any."""
    wanted = [fault for fault in faults() if not rooms or fault.room in rooms]
    lines = [*map(str, wanted)]
    for room, count in sorted(Counter(fault.room for fault in wanted).items()):
        rules = Counter(fault.rule for fault in wanted if fault.room == room)
        names = len({fault.name for fault in wanted if fault.room == room})
        lines.append(f"{room:14} {count:5} faults in {names:4} names: {dict(rules)}")
    sys.stdout.write("\n".join([*lines, ""]))
    return int(bool(wanted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
