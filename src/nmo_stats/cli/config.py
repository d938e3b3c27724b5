"""The config file: a TOML file whose keys are the fields of :class:`~nmo_stats.cli.options.Options`.

Every table of it is validated as the dataclass that the library uses. Pydantic is imported here alone, when a file
is read.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from nmo_stats.arguments import found
from nmo_stats.cli.options import Options, table_of, unknown
from nmo_stats.errors import ArgumentError

_DEEPEST: Final = 3  # [priors] log_rate = { mean = 0.0 }
_PATHS: Final = ("periods", "treatments", "relapses", "published", "out", "audit.patients", "simulate.folder")
_EXPECTED: Final = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "missing": "a value for it",
}


def read_config(path: Path) -> Options:
    """Return the choices of a TOML file; what it leaves out has its default.

    Parameters
    ----------
    path
        The file. Paths in it are relative to its folder.

    Returns
    -------
    Options
        All choices.

    Raises
    ------
    ArgumentError
        If it cannot be read, or with every key that is unknown and every value that is not valid.
    """
    from pydantic import TypeAdapter, ValidationError

    content = _content(path)
    _require_plain(content, f"config {path}", 0)
    for *tables, name in (key.split(".") for key in _PATHS):
        table = content
        for key in tables:
            table = table.get(key, {})
        if isinstance(table, dict) and isinstance(table.get(name), str):
            table[name] = str(path.parent / table[name])
    try:  # as JSON: strict rules then take a table for a dataclass, a list for a tuple and text for a path
        return TypeAdapter(Options).validate_json(json.dumps(content))
    except ValidationError as refused:
        problems = [f"config {path}: {_problem(error)}" for error in refused.errors(include_url=False)]
    raise ArgumentError("\n".join(problems))


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"{error.strerror or error}. Expected: a TOML file"
    except UnicodeDecodeError as error:
        problem = f"{error}. Expected: UTF-8; save the file as such"
    except tomllib.TOMLDecodeError as error:
        problem = f"{error}. Expected: TOML; correct the file"
    except ValueError:
        problem = "a number of thousands of digits. Expected: at most 64 bits"
    except RecursionError:  # how deep that is depends on the libraries that are loaded
        problem = _TOO_DEEP
    raise ArgumentError(f"config {path}: {problem}.")


_TOO_DEEP: Final = f"nested too deeply. Expected: tables at most {_DEEPEST - 1} levels deep"


def _require_plain(value: object, where: str, depth: int) -> None:
    """Do nothing if JSON can hold a value, no whole number is longer than 64 bits, and no text is empty."""
    if isinstance(value, (dict, list)):
        if depth > _DEEPEST:
            raise ArgumentError(f"{where}: {_TOO_DEEP}.")
        for name, below in value.items() if isinstance(value, dict) else enumerate(value, start=1):
            _require_plain(below, f"{where}: {name}", depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ArgumentError(f"{where}: a whole number of {value.bit_length()} bits. Expected: at most 64.")
    elif isinstance(value, str) and not value.strip():
        raise ArgumentError(f"{where}: empty. Expected: a value; give one, or leave the key out.")
    elif not isinstance(value, (bool, int, float, str)):
        raise ArgumentError(f"{where}: {value}, a {type(value).__name__}. Expected: text or a number.")


def _problem(error: Any) -> str:
    """Return what is wrong with one key, in our words."""
    kind, value = error["type"], error["input"]
    keys = [key for key in error["loc"] if isinstance(key, str)]
    if kind in ("unexpected_keyword_argument", "callable_type"):  # a callback is no option
        known = [item.name for item in fields(table_of(keys[:-1])) if item.repr]
        return f"{_table(keys[:-1])}{unknown(keys[-1], known)}."
    where = f"{_table(keys[:-1])}{keys[-1]}: " if keys else ""
    if kind == "value_error":
        return f"{where}{error['ctx']['error']}"
    if kind == "dataclass_type":
        expected = f"a table of {', '.join(item.name for item in fields(table_of(keys)) if item.repr)}"
    else:
        expected = _EXPECTED.get(kind) or error.get("ctx", {}).get("expected") or error["msg"]
    shown = "missing" if kind == "missing" else "a table" if isinstance(value, dict) else found(value)
    return f"{where}{shown}. Expected: {expected}."


def _table(keys: list[str]) -> str:
    return f"[{'.'.join(keys)}] " if keys else ""
