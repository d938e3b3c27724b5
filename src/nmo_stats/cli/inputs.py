"""From the choices of a user to the data: the tables, the two treatments, and the numbers of a paper."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

from nmo_stats.cli.options import Options
from nmo_stats.cohort import Cohort, Comparison, load_example, read_periods
from nmo_stats.errors import ArgumentError, CohortError, NmoStatsError
from nmo_stats.events import Rules, read_events
from nmo_stats.tables.files import TableFile

DEFAULT_COMPARATOR: Final = "tocilizumab"
DEFAULT_REFERENCE: Final = "rituximab"


def read_cohort(options: Options) -> Cohort:
    """Read the tables, or the bundled example where no file is named.

    Parameters
    ----------
    options
        The choices.

    Returns
    -------
    Cohort
        The data.

    Raises
    ------
    ArgumentError
        If the options do not belong together.
    CohortError
        With every problem of the tables.
    """
    if options.treatments is not None or options.relapses is not None:
        return _from_events(options)
    if options.events is not None:
        names = ", ".join(f"--{item.name.replace('_', '-')}" for item in fields(Rules))
        raise ArgumentError(f"{names}: given. Expected: they belong to --treatments and --relapses.")
    if options.periods is None:
        _require_defaults(options)
        return load_example()
    file = _file(options, "periods", options.periods)
    return read_periods(
        file.path, options.columns, sheet=file.sheet, decimal=file.decimal, instrument=file.instrument
    )


def read_published(options: Options) -> Cohort:
    """Read the tables, and beside them the numbers that a paper prints, if they are named.

    Parameters
    ----------
    options
        The choices.

    Returns
    -------
    Cohort
        The data with the numbers.

    Raises
    ------
    ArgumentError
        If the patients of the paper are not named.
    CohortError
        With every problem of the tables.
    """
    numbers = beside(options, "published", options.published)
    cohort = read_cohort(options)
    return cohort if numbers is None else cohort.with_published(numbers)


def is_example(options: Options) -> bool:
    """Return whether no file is named."""
    return options.periods is None and options.treatments is None and options.relapses is None


def beside(options: Options, option: str, path: Path | None) -> TableFile | None:
    """Return a further table about the same patients; None where none is named.

    Parameters
    ----------
    options
        The choices, which name the tables of the patients and the decimal mark of all files.
    option
        Name of the option of the further table.
    path
        Its file.

    Returns
    -------
    TableFile or None
        The file.

    Raises
    ------
    ArgumentError
        If the patients are those of the bundled example: the numbers of others would be compared with them.
    """
    if path is None:
        return None
    if is_example(options):
        raise ArgumentError(
            f"--{option} {path}: no data of these patients. Expected: their period table, or --treatments "
            "and --relapses."
        )
    return TableFile(path, decimal=options.decimal or ".")


def _from_events(options: Options) -> Cohort:
    treatments, relapses, rules = options.treatments, options.relapses, options.events or Rules()
    if options.periods is not None:
        raise ArgumentError(
            f"{options.periods}: a period table beside dated events. Expected: a period table, or "
            "--treatments and --relapses, not both. Leave one of them out."
        )
    if treatments is None or relapses is None:
        missing = "--relapses" if relapses is None else "--treatments"
        raise ArgumentError(f"{missing}: missing. Expected: both --treatments and --relapses. Add {missing}.")
    files = _file(options, "treatments", treatments), _file(options, "relapses", relapses)
    return read_events(*files, columns=options.columns, **asdict(rules))


def _file(options: Options, table: str, path: Path) -> TableFile:
    sheet, instrument = getattr(options.sheets, table), getattr(options.instruments, table)
    return TableFile(path, sheet=sheet, decimal=options.decimal or ".", instrument=instrument)


def _require_defaults(options: Options) -> None:
    default = Options()
    if any(
        getattr(options, name) != getattr(default, name)
        for name in ("columns", "sheets", "instruments", "decimal")
    ):
        raise ArgumentError(
            "--column, --sheet, --instrument and --decimal belong to a file, and none is named"
        )


def compared(cohort: Cohort, options: Options) -> Comparison:
    """Return the comparison of the chosen or default treatments.

    Parameters
    ----------
    cohort
        The data.
    options
        The choices.

    Returns
    -------
    Comparison
        The pair of treatments.

    Raises
    ------
    ArgumentError
        If they are not determined.
    CohortError
        If a treatment is not in the table, or no patient had both.
    """
    comparator, reference = treatments(cohort, options)
    return cohort.compare(comparator, reference=reference, courses=options.courses)


def compared_or_reason(cohort: Cohort, options: Options) -> tuple[Comparison | None, str]:
    """Return the comparison of the chosen or default treatments, or None and why there is none."""
    try:
        return compared(cohort, options), ""
    except CohortError as refused:
        return None, str(refused.problems[0])
    except NmoStatsError as refused:
        return None, str(refused)


def pair_if_clear(cohort: Cohort, options: Options) -> Comparison | None:
    """Return the comparison; None where it is not clear or nobody had both: single patients need no pairs.

    Raises
    ------
    ArgumentError, CohortError
        If a treatment that was asked for is not in the table, or both are the same.
    """
    try:
        return compared(cohort, options)
    except (ArgumentError, CohortError):
        asked = [name for name in (options.comparator, options.reference) if name]
        if set(asked) <= set(cohort.treatments) and len(set(asked)) == len(asked):
            return None
        raise


def treatments(cohort: Cohort, options: Options) -> tuple[str, str]:
    """Return comparator and reference: as chosen, the defaults, or the only other treatment there is.

    Parameters
    ----------
    cohort
        The data.
    options
        The choices.

    Returns
    -------
    tuple of str
        Names of the comparator and the reference.

    Raises
    ------
    ArgumentError
        If they are not determined; the message lists the treatments.
    """
    names = cohort.treatments
    listed = ", ".join(map(repr, names[:20]))
    comparator = options.comparator or _default(DEFAULT_COMPARATOR, options.reference, names)
    if comparator is None:
        raise ArgumentError(f"comparator: not given. Expected: --comparator and --reference, of {listed}.")
    reference = options.reference or _default(DEFAULT_REFERENCE, comparator, names)
    if reference is None:
        raise ArgumentError(f"reference: not given. Expected: --reference, of {listed}.")
    return comparator, reference


def _default(usual: str, other: str | None, names: tuple[str, ...]) -> str | None:
    if usual in names and usual != other:
        return usual
    rest = [name for name in names if name != other]
    return rest[0] if other in names and len(rest) == 1 else None
