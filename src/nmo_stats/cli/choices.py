"""From the command line and a config file to the choices of a command.

The config is a TOML file whose keys are the fields of :class:`~nmo_stats.cli.options.Options`. Every table of
it is validated as the dataclass that the library uses. Pydantic does that; it is imported when a file is
read.
"""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, get_type_hints

import typer

from nmo_stats.arguments import found
from nmo_stats.cli.options import OPTIONS, TABLES, Option, Options, table_of
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import Priors
from nmo_stats.tables.column_names import nearest
from nmo_stats.wording import capital

_DEEPEST: Final = 3  # [priors] log_rate = { mean = 0.0 }
_EXPECTED: Final = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "missing": "a value; it has no default",
}


def _renaming(texts: list[str]) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in texts]  # names of ours hold no such sign, foreign ones may
    if any(not (foreign and sign and ours) for foreign, sign, ours in pairs):
        raise ArgumentError(f"--column {' '.join(texts)}. Expected: YOURS=OURS, such as record_id=patient.")
    return {foreign: ours for foreign, _, ours in pairs}


def _names(texts: list[str]) -> dict[str, str]:
    """Return the name for each table; one without ``treatments=`` or ``relapses=`` before it serves all."""
    names: dict[str, str] = {}
    for text in texts:
        table, sign, name = text.partition("=")
        is_one = bool(sign) and table in TABLES[1:]
        tables, name = ((table,), name) if is_one else (TABLES, text)
        if names.keys() & set(tables):
            raise ArgumentError(
                f"{' '.join(texts)}: two names of one table. Expected: one name for each table, "
                "treatments=NAME and relapses=NAME, or one NAME."
            )
        names |= dict.fromkeys(tables, name)
    return names


def _priors(texts: list[str]) -> dict[str, object]:
    """Return the priors that are written as ``log_rate_ratio=0,1`` (mean and sd) or ``sd_rate=0.5`` (sd)."""
    kinds = get_type_hints(Priors)
    priors: dict[str, object] = {}
    for text in texts:
        name, _, numbers = text.replace(" ", "").partition("=")
        if name not in kinds:
            raise ArgumentError(f"--prior {text}: {unknown(name, kinds)}")
        try:
            values = [float(number) for number in numbers.split(",")]
        except ValueError:
            values = []
        if len(values) != len(fields(kinds[name])):
            raise ArgumentError(
                f"--prior {text}. Expected: log_rate=MEAN,SD, log_rate_ratio=MEAN,SD, or SPREAD=SD."
            )
        priors[name] = kinds[name](*values)
    return priors


_READ: Final[dict[str, Callable[[list[str]], object]]] = {
    "columns": _renaming,
    "sheets": _names,
    "instruments": _names,
    "priors": _priors,
    "simulate.estimators": tuple,
}
_CONFIG: Final = typer.Option(
    None, help="TOML file with any of these options; those given here override it.", metavar="PATH"
)


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that reads data its options, and call it with one :class:`Options` in their place.

    Parameters
    ----------
    command
        Its name says which options it has. Its first parameter receives the value; the others stay options.

    Returns
    -------
    callable
        The command as typer reads it.
    """
    listed = [
        option for option in OPTIONS if not option.commands or command.__name__ in option.commands.split()
    ]
    config = inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, default=_CONFIG, annotation=Path)
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    parameters = [*(option.parameter for option in listed), config, *own]

    def called(**given: Any) -> None:  # as typer calls a command
        values = [
            (option, given.pop(parameter.name)) for option, parameter in zip(listed, parameters, strict=False)
        ]
        command(chosen(given.pop("config"), values), **given)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def chosen(config: Path | None, given: Sequence[tuple[Option, Any]]) -> Options:
    """Return the choices of the config file, overridden by the options that were given on the command line.

    Data that the command line names take the place of those in the file.

    Parameters
    ----------
    config
        TOML file; None for the defaults.
    given
        Every option of the command with its value; None or an empty list where it was not given.

    Returns
    -------
    Options
        All choices.

    Raises
    ------
    ArgumentError
        If the file or an option is not valid.
    """
    base = Options() if config is None else read_config(config)
    changes: dict[str, Any] = {}
    for option, value in given:
        if value is None or value == []:
            continue
        *tables, name = option.key.split(".")
        place = changes
        for table in tables:
            place = place.setdefault(table, {})
        if name in place:
            raise ArgumentError(f"{place[name]} and --like {value}. Expected: one period table.")
        place[name] = value if option.key not in _READ else _READ[option.key](value)
    options: Options = _overridden(_without_other_data(base, changes), changes, ())
    return options


def _without_other_data(base: Options, changes: Mapping[str, Any]) -> Options:
    """Drop the data of the config file where the command line names others."""
    if "periods" in changes:
        return replace(base, treatments=None, relapses=None, events=None)
    return replace(base, periods=None) if changes.keys() & set(TABLES) else base


def _overridden(base: Any, changes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """Return a value of the options with some of its fields replaced, at any depth."""
    if isinstance(base, dict):
        kept = {foreign: ours for foreign, ours in base.items() if ours not in changes.values()}
        return kept | dict(changes)
    if base is None:
        if keys == ("background",) and "ratio" not in changes:
            raise ArgumentError(
                f"--background-sd {changes['sd']}: no background ratio. Expected: it comes with "
                "--background-ratio."
            )
        return table_of(keys)(**changes)
    values = {
        name: _overridden(getattr(base, name), change, (*keys, name)) if isinstance(change, dict) else change
        for name, change in changes.items()
    }
    return replace(base, **values)


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
    for *tables, name in (
        key.split(".") for key in {option.key for option in OPTIONS if option.kind is Path}
    ):
        table = content
        for key in tables:
            table = table.get(key, {})
        if isinstance(table, dict) and isinstance(table.get(name), str):
            table[name] = str(path.parent / table[name])
    try:  # as JSON: strict rules then take a table for a dataclass, a list for a tuple and text for a path
        return TypeAdapter(Options).validate_json(json.dumps(content))
    except ValidationError as refused:
        problems = [_problem(error) for error in refused.errors(include_url=False)]
    separator = " " if len(problems) == 1 else "\n  "
    raise ArgumentError(separator.join([f"config {path}:", *problems]))


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"{error.strerror or error}. Expected: a TOML file"
    except UnicodeDecodeError as error:
        problem = f"{error}. Expected: UTF-8. Save the file in this encoding"
    except tomllib.TOMLDecodeError as error:
        problem = f"{error}. Expected: TOML. Correct the file"
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
        raise ArgumentError(f"{where}: empty. Expected: a value. Give one, or leave the key out.")
    elif not isinstance(value, (bool, int, float, str)):
        raise ArgumentError(f"{where}: {value}, a {type(value).__name__}. Expected: text or a number.")


def _problem(error: Any) -> str:
    """Return what is wrong with one key, in our words."""
    kind, value = error["type"], error["input"]
    keys = [key for key in error["loc"] if isinstance(key, str)]
    if kind in ("unexpected_keyword_argument", "callable_type"):  # a callback is no option
        known = [item.name for item in fields(table_of(keys[:-1])) if item.repr]
        # options of two commands may have one name, such as --rule
        meant = dict.fromkeys(option.key for option in OPTIONS if keys == [option.word])
        if meant:
            return f"unknown key {keys[-1]!r}. Expected: {' or '.join(meant)}."
        return f"{_table(keys[:-1])}{unknown(keys[-1], known)}"
    where = f"{_table(keys[:-1])}{keys[-1]}: " if keys else ""
    if kind == "value_error":
        return f"{_table(keys)}{error['ctx']['error']}"
    if kind == "dataclass_type":
        expected = f"a table of {', '.join(item.name for item in fields(table_of(keys)) if item.repr)}"
    else:
        expected = _EXPECTED.get(kind) or error.get("ctx", {}).get("expected") or error["msg"]
    return f"{where}{'missing' if kind == 'missing' else _shown(value)}. Expected: {expected}."


def _shown(value: object) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else found(value)


def _table(keys: list[str]) -> str:
    return f"[{'.'.join(keys)}] " if keys else ""


def unknown(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    """Return what is wrong with a name that is not known: the nearest one that is, or all of them."""
    similar = nearest(name, known)
    remedy = f" {capital(similar)}" if similar else ""
    return f"unknown key {name!r}. Expected: one of {', '.join(known)}.{remedy}"
