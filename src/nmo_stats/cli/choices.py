"""From command-line options and a TOML file to the choices of an analysis."""

from __future__ import annotations

import reprlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import ArgumentError, CohortError, NmoStatsError
from nmo_stats.hierarchical import HalfNormal, Normal, Nuts, Priors
from nmo_stats.rates import DEFAULT_SEED, Settings
from nmo_stats.sensitivity import Background
from nmo_stats.tables.nearest import nearest

DEFAULT_COMPARATOR: Final = "tocilizumab"
DEFAULT_REFERENCE: Final = "rituximab"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose, each with its default.

    Parameters
    ----------
    comparator, reference
        Treatment names; None for the defaults.
    out
        Report folder.
    engine, seed
        Of the hierarchical model; no engine stands for the default of the command.
    settings
        Level, priors, likelihood, and the sampler options of the ``[nuts]`` table of the TOML file.
    """

    comparator: str | None = None
    reference: str | None = None
    out: str = "report"
    engine: str | None = None
    seed: int = DEFAULT_SEED
    settings: Settings = field(default_factory=Settings)


def require_no_empty(arguments: Sequence[str]) -> None:
    """Do nothing if no argument is empty: a variable of a script without a value would pass as a default.

    Raises
    ------
    ArgumentError
        With the option before the empty argument.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        name, sign, value = argument.partition("=")
        is_option = name.startswith("--") and sign
        if not (value if is_option else argument).strip():
            where = (
                f"option {name}"
                if is_option
                else f"option {before}"
                if before.startswith("-")
                else "an argument"
            )
            raise ArgumentError(f"{where}: empty; give it a value, or leave the option out")


def choices(config: Path | None, **options: Any) -> Choices:
    """Return the choices of the TOML file, overridden by the options that were given on the command line.

    Raises
    ------
    ArgumentError
        If the file cannot be read, or a key or value of it is not known.
    """
    chosen = _from_file(config) if config else Choices()
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("level", "likelihood", "replicates", "background"):
        if name in given:
            chosen = replace(chosen, settings=replace(chosen.settings, **{name: given.pop(name)}))
    priors = with_priors(chosen.settings.priors, given.pop("prior", []))
    return replace(chosen, settings=replace(chosen.settings, priors=priors), **given)


def with_priors(priors: Priors, texts: list[str]) -> Priors:
    """Return priors, some of them replaced by what is written as ``log_rate_ratio=0,1`` (mean and sd) or ``sd_rate=0.5`` (sd).

    Raises
    ------
    ArgumentError
        If one is written differently.
    """
    table: dict[str, Any] = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        try:
            values = [float(number) for number in numbers.split(",")]
        except ValueError:
            values = []
        keys = ("mean", "sd") if len(values) == 2 else ("sd",)
        if not name.strip() or len(values) not in (1, 2):
            raise ArgumentError(f"--prior {text}: written as log_rate_ratio=MEAN,SD or sd_rate=SD")
        table[name.strip()] = dict(zip(keys, values, strict=True))
    given = _priors(table)
    return replace(priors, **{name: getattr(given, name) for name in table})


def background_of(ratio: float | None, sd: float | None) -> Background | None:
    """Return the background ratio of the command line; None if there is none.

    Raises
    ------
    ArgumentError
        If there is an sd without a ratio, or a number is out of its range.
    """
    if ratio is None:
        if sd is not None:
            raise ArgumentError(
                f"--background-sd {sd}: it belongs to a --background-ratio, which is not given"
            )
        return None
    return Background(ratio) if sd is None else Background(ratio, sd)


def treatments(cohort: Cohort, chosen: Choices) -> tuple[str, str]:
    """Return comparator and reference: as chosen, the defaults, or the only other treatment there is.

    Raises
    ------
    ArgumentError
        If they are not determined; the message lists the names found.
    """
    names = cohort.treatments
    listed = ", ".join(map(repr, names[:20]))
    comparator = chosen.comparator
    if comparator is None:
        comparator = _default(DEFAULT_COMPARATOR, chosen.reference, names)
    if comparator is None:
        raise ArgumentError(
            f"which treatment is the comparator? the table has {listed}; name it with --comparator, and --reference"
        )
    reference = chosen.reference
    if reference is None:
        reference = _default(DEFAULT_REFERENCE, comparator, names)
    if reference is None:
        raise ArgumentError(
            f"which treatment is the reference? the table has {listed}; name it with --reference"
        )
    return comparator, reference


def compared(cohort: Cohort, chosen: Choices) -> Comparison:
    """Return the comparison of the chosen or default treatments.

    Raises
    ------
    ArgumentError
        If they are not determined.
    CohortError
        If a treatment is not in the table or no patient had both.
    """
    comparator, reference = treatments(cohort, chosen)
    return cohort.compare(comparator, reference=reference, courses=chosen.settings.courses)


def compared_or_reason(cohort: Cohort, chosen: Choices) -> tuple[Comparison | None, str]:
    """Return the comparison of the chosen or default treatments, or None and why there is none."""
    try:
        return compared(cohort, chosen), ""
    except CohortError as refused:
        return None, str(refused.problems[0])
    except NmoStatsError as refused:
        return None, str(refused)


def pair_if_clear(cohort: Cohort, chosen: Choices) -> Comparison | None:
    """Return the comparison; None where it is not clear or nobody had both: single patients need no pairs.

    Raises
    ------
    ArgumentError, CohortError
        If a treatment that was asked for is not in the table, or both are the same.
    """
    try:
        return compared(cohort, chosen)
    except (ArgumentError, CohortError):
        asked = [name for name in (chosen.comparator, chosen.reference) if name]
        if set(asked) <= set(cohort.treatments) and len(set(asked)) == len(asked):
            return None
        raise


def _default(usual: str, other: str | None, names: tuple[str, ...]) -> str | None:
    if usual in names and usual != other:
        return usual
    rest = [name for name in names if name != other]
    return rest[0] if other in names and len(rest) == 1 else None


def _from_file(path: Path) -> Choices:
    try:
        return _from_content(_content(path), path)
    except RecursionError:  # how deep that is depends on the libraries that are loaded
        raise _too_deep(path) from None


def _too_deep(path: Path) -> ArgumentError:
    return ArgumentError(f"config {path}: nested too deeply; tables are at most two levels deep")


def _content(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArgumentError(f"config {path}: {error.strerror or error}; name a TOML file") from None
    except UnicodeDecodeError as error:
        raise ArgumentError(f"config {path}: {error}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"config {path}: not TOML: {error}; correct the file") from None
    except ValueError:
        raise ArgumentError(f"config {path}: a number of thousands of digits; correct it") from None
    inner = [value for table in content.values() if isinstance(table, dict) for value in table.values()]
    if any(isinstance(value, dict) for table in inner if isinstance(table, dict) for value in table.values()):
        raise _too_deep(path)
    _require_plain(content, f"config {path}")
    return content


def _from_content(content: dict[str, Any], path: Path) -> Choices:
    plain: dict[str, type] = {"comparator": str, "reference": str, "out": str, "engine": str, "seed": int}
    in_settings: dict[str, type] = {
        "level": float,
        "likelihood": str,
        "entry": str,
        "courses": str,
        "replicates": int,
    }
    _require_known(content, [*plain, *in_settings, "priors", "nuts", "background"], str(path))
    for name, kind in (plain | in_settings).items():
        if name in content and (not isinstance(content[name], kind) or isinstance(content[name], bool)):
            raise ArgumentError(
                f"config {path}: {name} = {reprlib.repr(content[name])} is of the wrong type; it is {kind.__name__}"
            )
    settings = {name: content[name] for name in in_settings if name in content}
    return Choices(
        **{name: content[name] for name in plain if name in content},
        settings=Settings(
            priors=_priors(content.get("priors", {})),
            nuts=_nuts(content.get("nuts", {})),
            background=_background(content.get("background")),
            **settings,
        ),
    )


def _priors(table: Mapping[str, Any]) -> Priors:
    _require_known(table, [item.name for item in fields(Priors)], "[priors]")
    found: dict[str, Normal | HalfNormal] = {}
    for name, values in table.items():
        kind, keys = (
            (Normal, ["mean", "sd"]) if name in ("log_rate", "log_rate_ratio") else (HalfNormal, ["sd"])
        )
        if (
            not isinstance(values, dict)
            or sorted(values) != sorted(keys)
            or not all(map(_is_number, values.values()))
        ):
            wanted = ", ".join(f"{key} = number" for key in keys)
            raise ArgumentError(
                f"[priors] {name} = {reprlib.repr(values)}: written as {name} = {{ {wanted} }}"
            )
        found[name] = kind(**values)
    return Priors(**found)  # type: ignore[arg-type]


def _nuts(table: Mapping[str, Any]) -> Nuts:
    _require_known(table, ["draws", "tune", "chains", "target_accept", "cores", "sampler"], "[nuts]")
    whole = [name for name in ("draws", "tune", "chains", "cores") if not isinstance(table.get(name, 1), int)]
    if whole or not _is_number(table.get("target_accept", 0.9)):
        raise ArgumentError(f"[nuts] {', '.join(whole) or 'target_accept'}: a number is needed")
    return Nuts(**table)


def _background(table: Mapping[str, Any] | None) -> Background | None:
    if table is None:
        return None
    _require_known(table, ["ratio", "sd"], "[background]")
    if "ratio" not in table or not all(map(_is_number, table.values())):
        raise ArgumentError(
            f"[background] {reprlib.repr(table)}: written as ratio = number, and sd = number if not 0.2"
        )
    return Background(**table)


def _require_plain(value: object, where: str) -> None:
    """Do nothing if no whole number is longer than TOML's 64 bits, and no text is empty."""
    if isinstance(value, dict):
        for name, below in value.items():
            _require_plain(below, f"{where}: {name}")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ArgumentError(f"{where}: a whole number of {value.bit_length()} bits; at most 64 are read")
    elif isinstance(value, str) and not value.strip():
        raise ArgumentError(f"{where}: empty; give it a value, or leave it out")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _require_known(table: Mapping[str, Any], known: list[str], where: str) -> None:
    if not isinstance(table, dict):
        raise ArgumentError(f"{where}: a table of {', '.join(known)}")
    for name in table:
        if name not in known:
            hint = nearest(name, known) or f"known are {', '.join(known)}"
            raise ArgumentError(f"{where}: unknown key {name!r}; {hint}")
