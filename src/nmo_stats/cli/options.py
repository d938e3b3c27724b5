"""What a user can choose: one list for the command line and for the config file.

:class:`Options` holds every choice with its default; its fields are the keys of the config file. The values of
:class:`Option` below are the options of the command line, and :func:`takes` gives them to a command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, get_args, get_type_hints

import typer

from nmo_stats.analysis import DEFAULT_SEED, Settings
from nmo_stats.describe.edss import RuleName
from nmo_stats.errors import ArgumentError
from nmo_stats.events import Rules
from nmo_stats.hierarchical import Priors
from nmo_stats.tables.nearest import nearest

TABLES: Final = ("periods", "treatments", "relapses")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Texts = list[str]
_METAVARS: Final[dict[type, str]] = {
    str: "TEXT",
    _Texts: "TEXT",
    int: "NUMBER",
    float: "NUMBER",
    Path: "PATH",
}


@dataclass(frozen=True, slots=True)
class Names:
    """The sheet, or the REDCap instrument, of each table; None for the default."""

    periods: str | None = None
    treatments: str | None = None
    relapses: str | None = None


@dataclass(frozen=True, slots=True)
class Simulate:
    """Choices of ``simulate`` alone: the design, what is estimated, and who computes it."""

    rr: float = 0.5
    patients: int | None = None
    arr: float | None = None
    sd_rate: float = 0.5
    sd_rate_ratio: float = 0.25
    overdispersion: float = 0.0
    rule: str = "fixed"
    estimators: tuple[str, ...] = ()
    replicates: int = 1000
    power: float = 0.8
    workers: int = 1
    scheduler: str | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Describe:
    """Choices of ``describe`` alone."""

    rule: RuleName = "msprog"


@dataclass(frozen=True, slots=True)
class Audit:
    """Choices of ``audit`` alone."""

    patients: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Settings):
    """Every choice of every command: the settings of an analysis, and what the command line adds to them.

    Parameters
    ----------
    periods, treatments, relapses
        Files; none of them stands for the bundled example.
    columns
        Foreign column names to ours.
    sheets, instruments, decimal
        How the files are read.
    events
        Rules of dated events; None where none is given.
    comparator, reference
        Treatment names; None for the defaults.
    engine, seed
        Of the hierarchical model; no engine stands for the default of the command.
    out
        Report folder.
    published
        File with the numbers that a paper prints.
    simulate, describe, audit
        Choices of one command alone.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid", "strict": True}

    periods: Path | None = None
    treatments: Path | None = None
    relapses: Path | None = None
    columns: dict[str, str] = field(default_factory=dict)
    sheets: Names = Names()
    instruments: Names = Names()
    decimal: str | None = None
    events: Rules | None = None
    comparator: str | None = None
    reference: str | None = None
    engine: str | None = None
    seed: int = DEFAULT_SEED
    out: Path = Path("report")
    published: Path | None = None
    simulate: Simulate = Simulate()
    describe: Describe = Describe()
    audit: Audit = Audit()

    @property
    def settings(self) -> Settings:
        """What the library knows of the choices."""
        return Settings(**{item.name: getattr(self, item.name) for item in fields(Settings)})


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Parameters
    ----------
    key
        Where its value stands in :class:`Options`, and in the config file.
    help
        What it means, without its default where :class:`Options` has one.
    kind
        Type of its value.
    name
        Name of the option where it is not the last word of the key.
    read
        From the texts of an option that may be repeated to its value.
    """

    key: str
    help: str
    kind: type = str
    name: str = ""
    read: Callable[[list[str]], object] | None = None

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter from which typer makes the option."""
        default = default_of(self.key)
        shown = f" [default: {default}]" if isinstance(default, (str, int, float, Path)) else ""
        is_argument = self.key == "periods" and not self.name
        make = typer.Argument if is_argument else typer.Option
        value = make(
            [] if self.kind is _Texts else None,
            help=f"{self.help}{shown}.",
            show_default=False,
            metavar="PERIODS" if is_argument else _METAVARS[self.kind],
        )
        name = self.name or self.key.rpartition(".")[2]
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=self.kind)


def table_of(keys: Sequence[str]) -> type:
    """Return the class of a table of the config file.

    Examples
    --------
    >>> table_of(()).__name__, table_of(("priors", "sd_rate")).__name__
    ('Options', 'HalfNormal')
    """
    kind: type = Options
    for key in keys:
        hint = get_type_hints(kind)[key]
        kind = next(part for part in (hint, *get_args(hint)) if isinstance(part, type) and is_dataclass(part))
    return kind


def default_of(key: str) -> object:
    """Return the default of a key, as its dataclass has it.

    Examples
    --------
    >>> default_of("events.run_in_days"), default_of("simulate.rr")
    (0, 0.5)
    """
    *tables, name = key.split(".")
    return next(item.default for item in fields(table_of(tables)) if item.name == name)


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
                f"{' '.join(texts)}. Expected: one name for each table, treatments=NAME and relapses=NAME, "
                "or one NAME."
            )
        names |= dict.fromkeys(tables, name)
    return names


def _priors(texts: list[str]) -> dict[str, object]:
    """Return the priors that are written as ``log_rate_ratio=0,1`` (mean and sd) or ``sd_rate=0.5`` (sd)."""
    kinds = get_type_hints(Priors)
    priors: dict[str, object] = {}
    for text in texts:
        name, _, numbers = text.replace(" ", "").partition("=")
        if numbers and name not in kinds:
            raise ArgumentError(f"--prior {text}: {unknown(name, kinds)}")
        try:
            values = [float(number) for number in numbers.split(",")]
            priors[name] = kinds[name](*values)
        except (ValueError, TypeError, KeyError) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError(
                f"--prior {text}. Expected: log_rate=MEAN,SD, log_rate_ratio=MEAN,SD, or SPREAD=SD."
            ) from None
    return priors


def unknown(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    """Return what is said of a name that is not known: the nearest one that is, or all of them."""
    return f"unknown key {name!r}. Expected: {nearest(name, known) or ', '.join(known)}"


_FILES: Final = "(.csv, .tsv, .txt, .xlsx, .parquet)"
PERIODS: Final = Option("periods", f"Period table {_FILES}", Path)
LIKE: Final = Option("periods", "The same as PERIODS: simulate series like this one", Path, "like")
FILES: Final = (
    Option("treatments", "Table of dated treatments, instead of PERIODS", Path),
    Option("relapses", "Table of dated relapses, with --treatments", Path),
    Option(
        "events.min_gap_days",
        "Onsets at most this many days after the first onset of a relapse are merged into it; 0 merges none "
        "[default: 30, refused if it merges most onsets]",
        int,
    ),
    Option("events.run_in_days", "Days excluded at the start of every course", int),
    Option("events.gap", "Days between two courses: drop, or previous to count them with the one before"),
    Option(
        "events.end",
        "End of a course: exclusive, the first day without the drug, or inclusive, the last day on it",
    ),
    Option(
        "events.switch_window_days",
        "A course before another one was ended by a relapse if its last onset was at most this many days "
        "before its end",
        int,
    ),
    Option("events.dates", "Order of dates in text that are not ISO dates: dmy, mdy or ymd"),
    Option("columns", "Rename a column of the files: YOURS=OURS; repeatable", _Texts, "column", _renaming),
    Option(
        "sheets",
        "Sheet of a workbook: NAME, or treatments=NAME and relapses=NAME [default: the first visible one]",
        _Texts,
        "sheet",
        _names,
    ),
    Option("decimal", "Decimal mark of the files: . or , [default: .]"),
    Option(
        "instruments",
        "Instrument of a REDCap export: NAME, or treatments=NAME and relapses=NAME",
        _Texts,
        "instrument",
        _names,
    ),
)
COMPARISON: Final = (
    Option("comparator", "Comparator: numerator of the rate ratio [default: tocilizumab]"),
    Option("reference", "Reference: denominator of the rate ratio [default: rituximab]"),
)
OUT: Final = Option("out", "Report folder", Path)
ENGINE: Final = Option(
    "engine",
    "Engine of the hierarchical model: quadrature, nuts or both [default: both for a report, else "
    "quadrature]",
)
LEVEL: Final = Option("level", "Level of all intervals", float)
SEED: Final = Option("seed", "Seed of all random numbers", int)
MODEL: Final = (
    Option("likelihood", "Counts of the hierarchical model: poisson or negative_binomial"),
    Option(
        "priors",
        "Prior of the hierarchical model: log_rate_ratio=MEAN,SD or sd_rate=SD; repeatable",
        _Texts,
        "prior",
        _priors,
    ),
)
NO_EFFECT: Final = (
    Option("replicates", "Simulated series of each design with no effect", int),
    Option(
        "background.ratio", "Rate ratio that such a series shows with no effect", float, "background_ratio"
    ),
    Option("background.sd", "Standard deviation of its logarithm", float, "background_sd"),
)
PUBLISHED: Final = Option(
    "published", "Numbers that a paper prints: quantity, patient, treatment, value, decimals, place", Path
)
SIMULATE: Final = (
    Option("simulate.rr", "True rate ratio of a typical patient, comparator / reference", float),
    Option("simulate.patients", "Number of patients, times recycled [default: that of the series]", int),
    Option(
        "simulate.arr",
        "Relapses per year of a typical patient on the reference [default: the pooled rate]",
        float,
    ),
    Option("simulate.sd_rate", "Spread of log rates between patients", float),
    Option("simulate.sd_rate_ratio", "Spread of log ratios between patients", float),
    Option("simulate.overdispersion", "Overdispersion of the counts", float),
    Option("simulate.rule", "What ends the reference period: fixed, triggered or look_back"),
    Option("simulate.estimators", "Estimator; repeatable [default: all]", _Texts, "estimator", tuple),
    Option("simulate.replicates", "Simulated series", int),
    Option("simulate.power", "Power to plan the number of patients for; 0 plans nothing", float),
    Option("simulate.workers", "Processes on this machine", int),
    Option("simulate.scheduler", "Dask scheduler instead, such as tcp://host:8786"),
    Option("simulate.folder", "Folder of finished blocks, from which an interrupted run goes on", Path),
)
RULE: Final = Option("describe.rule", "EDSS rule: msprog, msoutcomes or n_momentum")
PATIENTS: Final = Option("audit.patients", "Facts about the patients, one row each, such as age_years", Path)
_CONFIG: Final = typer.Option(
    None, help="TOML file with any of these options; those given here override it.", metavar="PATH"
)


def takes(*options: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that reads data its options, and call it with one :class:`Options` in their place.

    Parameters
    ----------
    options
        Those of the command; a file of periods and the options of dated events come with them.

    Returns
    -------
    callable
        A decorator. The command's first parameter receives the value; its other parameters stay options.
    """
    listed = (PERIODS, *FILES, *options)

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        config = inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, default=_CONFIG, annotation=Path)
        parameters = [*(option.parameter for option in listed), config, *own]
        names = [parameter.name for parameter in parameters[: len(listed)]]

        def called(**given: Any) -> None:  # as typer calls a command
            path = given.pop("config")
            values = [(option, given.pop(name)) for option, name in zip(listed, names, strict=True)]
            command(chosen(path, values), **given)

        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return decorated


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
    base = Options()
    if config is not None:
        from nmo_stats.cli.config import read_config

        base = read_config(config)
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
        place[name] = value if option.read is None else option.read(value)
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
