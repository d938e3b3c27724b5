"""What a user can choose: one list for the command line and for the config file.

:class:`Options` holds every choice with its default; its fields are the keys of the config file. ``OPTIONS``
says which of them are options of the command line, and of which commands.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final, get_args, get_type_hints

import typer

from nmo_stats.arguments import DEFAULT_SEED
from nmo_stats.describe.edss import RuleName
from nmo_stats.events import Rules
from nmo_stats.rates import Settings

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
    published, facts
        Files with the numbers that a paper prints, and with facts about the patients that these need.
    edss_rule
        Of the description.
    simulate
        Choices of ``simulate`` alone.
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
    facts: Path | None = None
    edss_rule: RuleName = "msprog"
    simulate: Simulate = Simulate()

    @property
    def settings(self) -> Settings:
        """What the library knows of the choices."""
        return Settings(**{item.name: getattr(self, item.name) for item in fields(Settings)})


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


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Parameters
    ----------
    key
        Where its value is in :class:`Options`, and in the config file.
    help
        What it means, without its default where :class:`Options` has one.
    kind
        Type of its value; a list may be repeated.
    name
        Name of the option where it is not the last word of the key.
    commands
        The commands that have it; all that read data where it is empty.
    """

    key: str
    help: str
    kind: type = str
    name: str = ""
    commands: str = ""

    @property
    def word(self) -> str:
        """The option without its dashes."""
        return self.name or self.key.rpartition(".")[2]

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter from which typer makes the option."""
        is_argument = self.key == "periods" and not self.name
        default = default_of(self.key)
        shown = f" [default: {default}]" if isinstance(default, (str, int, float, Path)) else ""
        value = (typer.Argument if is_argument else typer.Option)(
            [] if self.kind is _Texts else None,
            help=f"{self.help}{shown}.",
            show_default=False,
            metavar="PERIODS" if is_argument else _METAVARS[self.kind],
        )
        return inspect.Parameter(
            self.word, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=self.kind
        )


_FIT: Final = "report rates sensitivity"
_COMPARE: Final = f"{_FIT} simulate describe check"
_NO_EFFECT: Final = "report sensitivity"
_PUBLISHED: Final = "report audit"
OPTIONS: Final = (
    Option("periods", "Period table (.csv, .tsv, .txt, .xlsx, .parquet)", Path),
    Option("periods", "The same as PERIODS: simulate series like this one", Path, "like", "simulate"),
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
        "End of a course: exclusive, the first day without the drug, or inclusive, the last on it",
    ),
    Option(
        "events.switch_window_days",
        "A course before another one was ended by a relapse if its last onset was at most this many days "
        "before its end",
        int,
    ),
    Option("events.dates", "Order of dates in text that are not ISO dates: dmy, mdy or ymd"),
    Option("columns", "Rename a column of the files: YOURS=OURS; repeatable", _Texts, "column"),
    Option(
        "sheets",
        "Sheet of a workbook: NAME, or treatments=NAME and relapses=NAME [default: the first visible one]",
        _Texts,
        "sheet",
    ),
    Option("decimal", "Decimal mark of the files: . or , [default: .]"),
    Option(
        "instruments",
        "Instrument of a REDCap export: NAME, or treatments=NAME and relapses=NAME",
        _Texts,
        "instrument",
    ),
    Option("comparator", "Comparator: numerator of the rate ratio [default: tocilizumab]", commands=_COMPARE),
    Option("reference", "Reference: denominator of the rate ratio [default: rituximab]", commands=_COMPARE),
    Option("out", "Report folder", Path, commands="report"),
    Option(
        "engine",
        "Engine of the hierarchical model: quadrature, nuts or both [default: both for a report, else "
        "quadrature]",
        commands="report rates",
    ),
    Option("level", "Level of all intervals", float, commands=f"{_FIT} simulate describe"),
    Option("seed", "Seed of all random numbers", int, commands=f"{_FIT} simulate"),
    Option("likelihood", "Counts of the hierarchical model: poisson or negative_binomial", commands=_FIT),
    Option(
        "priors",
        "Prior of the hierarchical model: log_rate_ratio=MEAN,SD or sd_rate=SD; repeatable",
        _Texts,
        "prior",
        _FIT,
    ),
    Option("replicates", "Simulated series of each design with no effect", int, commands=_NO_EFFECT),
    Option(
        "background.ratio",
        "Rate ratio that a series like this shows with no effect",
        float,
        "background_ratio",
        _NO_EFFECT,
    ),
    Option("background.sd", "Standard deviation of its logarithm", float, "background_sd", _NO_EFFECT),
    Option(
        "published",
        "Numbers that a paper prints: quantity, patient, treatment, value, decimals, place",
        Path,
        commands=_PUBLISHED,
    ),
    Option("facts", "Facts about the patients, one row each, such as age_years", Path, "patients", "audit"),
    Option("edss_rule", "EDSS rule: msprog, msoutcomes or n_momentum", str, "rule", "describe"),
    *(
        Option(f"simulate.{field}", text, kind, name, "simulate")
        for field, text, kind, name in (
            ("rr", "True rate ratio of a typical patient, comparator / reference", float, ""),
            ("patients", "Number of patients, times recycled [default: that of the series]", int, ""),
            ("arr", "Reference relapses per year of a typical patient [default: pooled rate]", float, ""),
            ("sd_rate", "Spread of log rates between patients", float, ""),
            ("sd_rate_ratio", "Spread of log ratios between patients", float, ""),
            ("overdispersion", "Overdispersion of the counts", float, ""),
            ("rule", "What ends the reference period: fixed, triggered or look_back", str, ""),
            ("estimators", "Estimator; repeatable [default: all]", _Texts, "estimator"),
            ("replicates", "Simulated series", int, ""),
            ("power", "Power to plan the number of patients for; 0 plans nothing", float, ""),
            ("workers", "Processes on this machine", int, ""),
            ("scheduler", "Dask scheduler instead, such as tcp://host:8786", str, ""),
            ("folder", "Folder of finished blocks, from which an interrupted run goes on", Path, ""),
        )
    ),
)
