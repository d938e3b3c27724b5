"""A validated period table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arguments import found, one_of
from nmo_stats.bundled import data_folder
from nmo_stats.cohort.account import KEPT_CODES, EventAccount, Merging, placed
from nmo_stats.cohort.comparison import Comparison
from nmo_stats.cohort.notices import Notice, remark_notices, table_notices, times_notices
from nmo_stats.cohort.pairing import Courses, paired
from nmo_stats.cohort.plausibility import period_notices
from nmo_stats.cohort.published import published_numbers
from nmo_stats.cohort.schema import EXPOSURES, KNOWN, UNIT_NAMES, UNITS_PER_YEAR
from nmo_stats.cohort.validate import PERIODS, decimals_as_written, rows_where, validated
from nmo_stats.errors import ArgumentError
from nmo_stats.tables.coded import CodedTable, DecimalMark, Source
from nmo_stats.tables.columns import renaming
from nmo_stats.tables.files import TableFile
from nmo_stats.tables.reading import from_frame, read_table
from nmo_stats.tables.redcap import from_redcap


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients with their treatment periods, valid by construction.

    Build one with :func:`read_periods`, :meth:`from_frame` or :func:`load_example`.

    Parameters
    ----------
    frame
        The canonical table; take a copy with :meth:`to_frame`.
    notices
        Legal but suspicious things in the table.
    source
        Name of the file and SHA-256 of its bytes.
    relapse_times
        Relapses whose time is known: ``row``, an index of the table, ``years`` since the start of
        that period, and ``number``, the place of the relapse among those of its period from 1, or 0
        where it is not known.
    account
        Of dated events, what became of every relapse and every patient-day; None for a period table.
    unmerged
        The same with every row of the relapses counted; only where onsets were merged.
    published
        Numbers that a publication prints about these patients, from :meth:`with_published`, or None.
    written
        Decimals of follow-up times, reported ARRs and numeric covariates in a text file, else missing.
    """

    frame: pd.DataFrame
    notices: tuple[Notice, ...]
    source: Source
    relapse_times: pd.DataFrame = field(default_factory=lambda: _times([], []))
    account: EventAccount | None = None
    unmerged: Cohort | None = None
    published: pd.DataFrame | None = None
    written: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, columns: Mapping[str, str] | None = None, *, decimal: DecimalMark = "."
    ) -> Cohort:
        """Validate a DataFrame in the long format: one row per patient and treatment period.

        Parameters
        ----------
        frame
            Columns ``patient``, ``treatment``, ``relapses`` and one of ``exposure_days``, ``exposure_weeks``,
            ``exposure_months``, ``exposure_years``; optional ones as in the data dictionary of the README.
        columns
            Foreign names to ours, e.g. ``{"record_id": "patient"}``.
        decimal
            Decimal mark of numbers that are held as text, ``"."`` or ``","``.

        Returns
        -------
        Cohort
            The valid table.

        Raises
        ------
        CohortError
            With every problem of the table.
        ArgumentError
            If it is no DataFrame, or the decimal mark is another one.

        Examples
        --------
        >>> frame = pd.DataFrame({"patient": ["A", "A"], "treatment": ["old", "new"],
        ...                       "relapses": [3, 0], "exposure_years": [1.5, 2.0]})
        >>> Cohort.from_frame(frame).compare("new", reference="old").totals
        (3, 0)
        """
        one_of("decimal", decimal, get_args(DecimalMark))
        return _cohort(replace(from_frame(frame), decimal=decimal), columns)

    @property
    def unit(self) -> str:
        """Name of the exposure column, which names the unit."""
        return next(name for name in EXPOSURES if name in self.frame)

    @property
    def unit_name(self) -> str:
        """Name of the unit of the follow-up times: ``day``, ``week``, ``month`` or ``year``."""
        return UNIT_NAMES[self.unit]

    @property
    def years(self) -> npt.NDArray[np.float64]:
        """Follow-up of each row in years (365.25 days, 12 months)."""
        return self.frame[self.unit].to_numpy(dtype=float) / UNITS_PER_YEAR[self.unit]

    @property
    def patients(self) -> tuple[str, ...]:
        """Identifiers in the order of the table."""
        return tuple(dict.fromkeys(self.frame["patient"]))

    @property
    def treatments(self) -> tuple[str, ...]:
        """Treatments in the order of the table."""
        return tuple(dict.fromkeys(self.frame["treatment"]))

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the columns that are kept for description and for :meth:`where`."""
        return tuple(name for name in self.frame.columns if name not in KNOWN)

    @property
    def attrition(self) -> pd.DataFrame | None:
        """Relapses and patient-days of each patient, included and excluded; None for a period table."""
        return None if self.account is None else self.account.attrition

    @property
    def switch_lags(self) -> pd.DataFrame | None:
        """Days from the last relapse to each switch; None for a period table."""
        return None if self.account is None else self.account.switch_lags

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, in the format that :meth:`from_frame` reads.

        Returns
        -------
        DataFrame
            One row for each period.
        """
        return self.frame.copy()

    def with_published(self, published: str | Path | TableFile | pd.DataFrame) -> Cohort:
        """Return the cohort with the numbers that a publication prints about it, to be audited.

        Parameters
        ----------
        published
            File or DataFrame with columns ``quantity``, ``patient``, ``treatment``, ``value``,
            ``decimals`` and ``place``, one row per printed number; patient and treatment are
            empty where a number is about all.

        Returns
        -------
        Cohort
            The same periods, with ``published``.

        Raises
        ------
        CohortError
            With every problem of the table.

        Examples
        --------
        >>> row = {"quantity": "arr", "patient": "1", "treatment": "rituximab", "value": 2.3, "decimals": 1,
        ...        "place": "table"}
        >>> len(load_example().with_published(pd.DataFrame([row])).published)
        1
        """
        table = read_table(published)
        notices = (*self.notices, *remark_notices(table.remarks))
        numbers = published_numbers(table, self.patients, self.treatments)
        return replace(self, published=numbers, notices=notices)

    def where(self, **conditions: object) -> Cohort:
        """Return the cohort of the rows whose columns equal the given values, e.g. ``where(sex="F")``.

        None stands for an empty cell: ``where(ended_by_relapse=None)``. The ``account`` of dated
        events keeps the whole history of the patients who stay. Published numbers are left behind:
        they are about all patients.

        Parameters
        ----------
        **conditions
            Value by column.

        Returns
        -------
        Cohort
            Its rows in their order.

        Raises
        ------
        ArgumentError
            If a column does not exist, or no row is left.
        """
        keep = np.ones(len(self.frame), dtype=bool)
        for column, value in conditions.items():
            keep &= rows_where(self.frame, column, value)
        if not keep.any():
            raise ArgumentError(f"no row satisfies {conditions}. Relax one of the conditions.")
        return self._part(keep)

    def compare(self, comparator: str, *, reference: str, courses: Courses = "all") -> Comparison:
        """Return the two periods of every patient who had both treatments.

        Parameters
        ----------
        comparator, reference
            Treatment names, exactly as in the table. The ratio is comparator / reference.
        courses
            ``"all"`` sums the courses of a drug; ``"adjacent"`` takes a patient's first comparator course and
            the reference course directly before it (needs ``period``).

        Returns
        -------
        Comparison
            Counts and times of both periods, patient by patient.

        Raises
        ------
        CohortError
            If a treatment is not in the table, or no patient had both.

        Examples
        --------
        >>> cohort = load_example("ayzenberg2013")
        >>> cohort.compare("tocilizumab", reference="rituximab").totals
        (9, 2)
        """
        frame = self.frame.assign(years=self.years)
        # courses from dated events are numbered without a gap: where a number is missing the run-in takes all
        is_complete = self.account is not None
        pair = paired(frame, comparator, reference, courses, self.relapse_times, is_numbered=is_complete)
        merging = self._merging(pair)
        unmerged = None
        crosses = self.account is not None and len(self.account.switch_merges) > 0
        if self.unmerged is not None and (crosses or (merging is not None and merging.is_frequent)):
            unmerged = self.unmerged.compare(comparator, reference=reference, courses=courses)
        notices = (*self.notices, *pair.notices)
        return replace(pair, notices=notices, unmerged=unmerged, merging=merging)

    def _merging(self, pair: Comparison) -> Merging | None:
        """Return how many onsets of the two periods are merged."""
        if self.account is None or pair.history is None:
            return None
        merging = self.account.merging(pair.history.row, sum(pair.totals))
        return merging if merging.merged else None

    def _part(self, keep: npt.NDArray[np.bool_]) -> Cohort:
        """Return some of the rows, with what is known of them."""
        chosen = self.frame[keep].reset_index(drop=True)
        times = placed(self.relapse_times, keep)
        account = None if self.account is None else self.account.part(chosen["patient"], keep)
        notices = (
            *(notice for notice in self.notices if notice.code in KEPT_CODES),
            *(() if account is None else account.notices()),
            *times_notices(chosen, times),
            *(period_notices if account is None else table_notices)(chosen, self.unit),
        )
        has_merges = account is not None and account.has_merges
        return Cohort(
            chosen,
            notices,
            self.source,
            times,
            account,
            self.unmerged._part(keep) if self.unmerged is not None and has_merges else None,
            written=self.written.reindex(self.frame.index)[keep].reset_index(drop=True),
        )


def read_periods(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    sheet: str | None = None,
    decimal: str = ".",
    instrument: str | None = None,
) -> Cohort:
    """Read and validate a period table from a text file (CSV, TSV), a workbook (XLSX) or a Parquet file.

    Parameters
    ----------
    path
        The file; its suffix says what it is. Text files are UTF-8.
    columns
        Foreign column names to ours, e.g. ``{"record_id": "patient"}``.
    sheet
        Sheet of a workbook; by default the first visible one.
    decimal
        Decimal mark of numbers that are written as text, ``"."`` or ``","``; never guessed. What separates
        the cells of a text file is found in its header.
    instrument
        Of a REDCap export with repeating instruments, the instrument whose rows are the periods.

    Returns
    -------
    Cohort
        The valid table.

    Raises
    ------
    CohortError
        With every problem of the table: row, patient, column, value, rule and remedy.
    ArgumentError
        If an option does not belong to this kind of file.
    """
    return _cohort(read_table(TableFile(path, sheet=sheet, decimal=decimal, instrument=instrument)), columns)


def load_example(name: str = "ayzenberg2013") -> Cohort:
    """Load a bundled data set: ``"ayzenberg2013"`` or ``"thall_vail1990"``.

    The first is the founding example (three patients, rituximab to tocilizumab, with the patients' sex,
    age and disease duration as covariates, and every number that the paper prints in ``published``),
    the second a negative control (seizures before and after; covariate ``arm``).

    Parameters
    ----------
    name
        Name of the data set.

    Returns
    -------
    Cohort
        Its period table, with what else is known of the patients.

    Raises
    ------
    ArgumentError
        If there is no such example.

    Examples
    --------
    >>> load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before").totals
    (862, 963)
    """
    examples = sorted(path.parent.name for path in data_folder().glob("*/periods.csv"))
    if not isinstance(name, str) or name not in examples:
        raise ArgumentError(f"example {found(name)}. Expected: {', '.join(map(repr, examples))}.")
    folder = data_folder() / name
    cohort = read_periods(folder / "periods.csv")
    facts, events, published = (folder / f"{file}.csv" for file in ("patients", "events", "published"))
    cohort = _with_patient_facts(cohort, facts) if facts.is_file() else cohort
    cohort = _with_relapse_times(cohort, events) if events.is_file() else cohort
    return cohort.with_published(published) if published.is_file() else cohort


def _cohort(table: CodedTable, columns: Mapping[str, str] | None) -> Cohort:
    mapping = renaming(columns)
    table = from_redcap(table, mapping, PERIODS)  # any other table stays as it is
    frame = validated(table, mapping)
    written = decimals_as_written(table, mapping, frame)
    cohort = Cohort(frame, remark_notices(table.remarks), table.source, written=written)
    notices = period_notices(frame, cohort.unit, table.blank_rows, table.unread_sheets)
    return replace(cohort, notices=(*cohort.notices, *notices))


def _times(rows: npt.ArrayLike, years: npt.ArrayLike, numbers: npt.ArrayLike | None = None) -> pd.DataFrame:
    placed = np.asarray(rows, dtype=np.int64)
    return pd.DataFrame(
        {
            "row": placed,
            "years": np.asarray(years, dtype=np.float64),
            "number": np.zeros_like(placed) if numbers is None else np.asarray(numbers, dtype=np.int64),
        }
    )


def _with_relapse_times(cohort: Cohort, path: Path) -> Cohort:
    events = pd.read_csv(path, dtype={"patient": "object", "treatment": "object"})
    rows = cohort.frame.reset_index(names="row")[["patient", "treatment", "row"]]
    placed = events.merge(rows, on=["patient", "treatment"], validate="many_to_one")
    per_year = placed["unit"].map({name: UNITS_PER_YEAR[column] for column, name in UNIT_NAMES.items()})
    times = _times(placed["row"], placed["time"] / per_year, placed["relapse_number"])
    return replace(cohort, relapse_times=times)


def _with_patient_facts(cohort: Cohort, path: Path) -> Cohort:
    facts = pd.read_csv(path, dtype={"patient": "object", "sex": "object"})
    facts = facts[["patient", "sex", "age_years", "disease_duration_years"]]
    frame = cohort.frame.merge(facts, on="patient", how="left", validate="many_to_one")
    notices = period_notices(frame, cohort.unit)
    return Cohort(frame, notices, cohort.source, written=cohort.written)
