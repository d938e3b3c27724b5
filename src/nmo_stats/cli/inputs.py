"""Where a command takes its data from: one period table, or two tables of dated events; the same options for every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from nmo_stats.cohort import Cohort, load_example, read_periods
from nmo_stats.errors import ArgumentError
from nmo_stats.events import Rules, read_events
from nmo_stats.tables.files import TableFile

_TABLES: Final = ("treatments", "relapses")
_FILE: Final = "(.csv, .tsv, .txt, .xlsx, .parquet)"

Periods = Annotated[Path | None, typer.Argument(help=f"Period table {_FILE}.", show_default=False)]
Treatments = Annotated[
    Path | None,
    typer.Option(help=f"Instead of PERIODS: table of dated treatments {_FILE}.", show_default=False),
]
Relapses = Annotated[
    Path | None, typer.Option(help=f"Table of dated relapses {_FILE}, with --treatments.", show_default=False)
]
MinGapDays = Annotated[
    int | None,
    typer.Option(
        help="Onsets at most so many days after the first one of a relapse are merged into it; 0 merges none [default: 30, refused if it merges most onsets].",
        show_default=False,
    ),
]
RunInDays = Annotated[
    int | None,
    typer.Option(
        help="Days at the start of every course that are left out [default: 0].", show_default=False
    ),
]
Gap = Annotated[
    str | None,
    typer.Option(
        help="Days between two treatments: drop, or previous to count them with the one before [default: drop].",
        show_default=False,
    ),
]
End = Annotated[
    str | None,
    typer.Option(
        help="End of a course: exclusive, the first day without the drug, or inclusive, the last day on it [default: exclusive].",
        show_default=False,
    ),
]
SwitchWindowDays = Annotated[
    int | None,
    typer.Option(
        help="A course that another one follows was ended by a relapse at most so many days before its end [default: 90].",
        show_default=False,
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(
        help="Order of dates in text that are not ISO dates, with --treatments: dmy, mdy or ymd.",
        show_default=False,
    ),
]
Column = Annotated[
    list[str],
    typer.Option(help="Rename a column of the files: YOURS=OURS. May be repeated.", show_default=False),
]
Sheet = Annotated[
    list[str],
    typer.Option(
        help="Sheet of the workbook: NAME, or treatments=NAME and relapses=NAME [default: the first visible one].",
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        help="Decimal mark of the files: . or , [default: .].",
        show_default=False,
    ),
]
Instrument = Annotated[
    list[str],
    typer.Option(
        help="Instrument of a REDCap export: NAME, or treatments=NAME and relapses=NAME.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """The data that a command was given, and how to read them.

    Parameters
    ----------
    periods, treatments, relapses
        Files; none of them stands for the bundled example.
    rules
        Options of dated events that were given, by name.
    columns
        Foreign column names to ours.
    sheets, instruments
        As written on the command line.
    decimal
        Decimal mark of the files; None for the default.
    """

    periods: Path | None
    treatments: Path | None
    relapses: Path | None
    rules: dict[str, Any]
    columns: dict[str, str]
    sheets: tuple[str, ...]
    instruments: tuple[str, ...]
    decimal: str | None

    @property
    def is_empty(self) -> bool:
        """Whether no file is named."""
        return self.periods is None and self.treatments is None and self.relapses is None

    def beside(self, option: str, path: Path | None) -> TableFile | None:
        """Return a further table about the same patients, read with the same decimal mark; None where none is named.

        Raises
        ------
        ArgumentError
            If the patients are those of the bundled example: what belongs to other patients would be compared with them.
        """
        if path is None:
            return None
        if self.is_empty:
            raise ArgumentError(
                f"--{option} {path}: name the period table of these patients, or --treatments and --relapses"
            )
        return TableFile(path, decimal=self.decimal or ".")

    def instead_of_periods(self, path: Path) -> Given:
        """Return the same options for another period table.

        Raises
        ------
        ArgumentError
            If a period table is named already.
        """
        if self.periods is not None:
            raise ArgumentError(f"{self.periods} and --like {path}: name one period table")
        return replace(self, periods=path)

    def cohort(self) -> Cohort:
        """Read the tables, or the bundled example where no file is named.

        Raises
        ------
        ArgumentError
            If the options do not belong together.
        CohortError
            With every problem of the tables.
        """
        if self.treatments is not None or self.relapses is not None:
            return self._from_events()
        for name, value in self.rules.items():
            raise ArgumentError(
                f"--{name.replace('_', '-')} {value}: it belongs to --treatments and --relapses"
            )
        if self.periods is None:
            if self.columns or self.sheets or self.instruments or self.decimal:
                raise ArgumentError(
                    "--column, --sheet, --instrument and --decimal belong to a file, and none is named"
                )
            return load_example()
        return read_periods(
            self.periods,
            self.columns,
            sheet=_of_periods("sheet", self.sheets),
            decimal=self.decimal or ".",
            instrument=_of_periods("instrument", self.instruments),
        )

    def _from_events(self) -> Cohort:
        if self.periods is not None:
            raise ArgumentError(
                f"{self.periods}: give a period table, or --treatments and --relapses, not both"
            )
        if self.treatments is None or self.relapses is None:
            missing = "--relapses" if self.relapses is None else "--treatments"
            raise ArgumentError(
                f"{missing} is missing: dated events are two tables, --treatments and --relapses"
            )
        sheets, instruments = _of_tables("sheet", self.sheets), _of_tables("instrument", self.instruments)
        files = [
            TableFile(path, sheet=sheets[name], decimal=self.decimal or ".", instrument=instruments[name])
            for name, path in zip(_TABLES, (self.treatments, self.relapses), strict=True)
        ]
        return read_events(*files, columns=self.columns, **self.rules)


def reads_data(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its data, and call it with one :class:`Given` in their place.

    The command's first parameter receives the value; its other parameters stay options. The options are those of :func:`given`.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    data = list(inspect.signature(given, eval_str=True).parameters.values())
    names = [parameter.name for parameter in data]

    def called(**options: Any) -> None:
        command(given(**{name: options.pop(name) for name in names}), **options)

    periods, *others = data
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = inspect.Signature([periods, *own, *others])  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in (*data, *own)}
    return called


def given(
    periods: Periods = None,
    *,
    treatments: Treatments = None,
    relapses: Relapses = None,
    min_gap_days: MinGapDays = None,
    run_in_days: RunInDays = None,
    gap: Gap = None,
    end: End = None,
    switch_window_days: SwitchWindowDays = None,
    dates: Dates = None,
    column: Column = [],
    sheet: Sheet = [],
    decimal: Decimal = None,
    instrument: Instrument = [],
) -> Given:
    """Return the data options of a command as one value.

    Raises
    ------
    ArgumentError
        If a renaming is not written as YOURS=OURS, or a rule of dated events is none.
    """
    rules = {
        "min_gap_days": min_gap_days,
        "run_in_days": run_in_days,
        "gap": gap,
        "end": end,
        "switch_window_days": switch_window_days,
        "dates": dates,
    }
    chosen: dict[str, Any] = {name: value for name, value in rules.items() if value is not None}
    Rules(**chosen)
    return Given(
        periods, treatments, relapses, chosen, _renaming(column), tuple(sheet), tuple(instrument), decimal
    )


def _renaming(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in texts]  # names of ours hold no such sign, foreign ones may
    if any(not (foreign and sign and ours) for foreign, sign, ours in pairs):
        raise ArgumentError(f"--column {' '.join(texts)}: written as YOURS=OURS, such as record_id=patient")
    return {foreign: ours for foreign, _, ours in pairs}


def _of_periods(option: str, texts: tuple[str, ...]) -> str | None:
    if len(texts) > 1:
        raise ArgumentError(f"--{option} {' '.join(texts)}: a period table has one {option}")
    return texts[0] if texts else None


def _of_tables(option: str, texts: tuple[str, ...]) -> dict[str, str | None]:
    """Return the name for each table; one without ``treatments=`` or ``relapses=`` before it serves both."""
    found: dict[str, str | None] = dict.fromkeys(_TABLES)
    for text in texts:
        table, sign, name = text.partition("=")
        tables = (table,) if sign and table in _TABLES else _TABLES
        name = name if sign and table in _TABLES else text
        if any(found[one] is not None for one in tables):
            raise ArgumentError(
                f"--{option} {' '.join(texts)}: one for each table, treatments=NAME and relapses=NAME, or one NAME for both"
            )
        found |= dict.fromkeys(tables, name)
    return found
