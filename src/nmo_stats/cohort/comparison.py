"""Two treatment periods of the same patients, as arrays: what every estimator works on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arguments import found, text
from nmo_stats.arrays import Cells, Counts, Floats
from nmo_stats.cohort.account import Merging
from nmo_stats.cohort.history import History
from nmo_stats.cohort.notices import Notice
from nmo_stats.cohort.plausibility import period_notices
from nmo_stats.cohort.rows import parse_patient, total_problems
from nmo_stats.cohort.schema import LONGEST_YEARS, MOST_RELAPSES, SHORTEST_YEARS, parse_count, parse_exposure
from nmo_stats.errors import ArgumentError, CohortError, Problem
from nmo_stats.tables.cells import COMMA_REMEDY, Cell, Fault, as_text, is_missing, shown

_IN_ARRAYS: Final = "give numbers, or write a decimal point, not a decimal comma"
_RULES: Final[dict[str, tuple[Callable[[Cell], object], type[np.generic], float, float]]] = {
    "relapses": (parse_count, np.int64, 0.0, MOST_RELAPSES),
    "years": (parse_exposure, np.float64, SHORTEST_YEARS, LONGEST_YEARS),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Relapses and follow-up of n patients in a reference and a comparator period.

    Parameters
    ----------
    patients
        Identifiers, length n.
    relapses
        Counts, shape (n, 2): reference, comparator. Read-only.
    years
        Follow-up in years, shape (n, 2): reference, comparator. Read-only.
    reference, comparator
        Names of the two treatments.
    unpaired
        Patients with only one of the two periods; they are excluded from the ratios.
    reversed_order
        Patients who had the comparator before the reference.
    notices
        What a reader should know about how the comparison was formed.
    history
        The courses behind the periods; None where only counts and times are known.
    unmerged
        The same periods with no onsets merged; only where a merge of dated events crossed a switch,
        or more than a tenth of the onsets are merged.
    merging
        How many onsets of these periods are merged; None where none are, or that is not known.

    Raises
    ------
    CohortError
        With every count and time that breaks its rule.
    ArgumentError
        If the shapes do not fit.
    """

    patients: tuple[str, ...]
    relapses: Counts
    years: Floats
    reference: str = "reference"
    comparator: str = "comparator"
    unpaired: tuple[str, ...] = ()
    reversed_order: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    history: History | None = None
    unmerged: Comparison | None = None
    merging: Merging | None = None

    @classmethod
    def from_arrays(
        cls,
        relapses: npt.ArrayLike,
        years: npt.ArrayLike,
        patients: Sequence[str] | None = None,
        *,
        reference: str = "reference",
        comparator: str = "comparator",
    ) -> Comparison:
        """Build a comparison from arrays of shape (n, 2), columns reference and comparator.

        What is suspicious becomes a notice, as in a file; so does how arrays of shape (2, 2) are read.

        Parameters
        ----------
        relapses, years
            Counts, and follow-up in years.
        patients
            Identifiers; by default 1, 2, ...
        reference, comparator
            Names of the two treatments.

        Returns
        -------
        Comparison
            The valid arrays.

        Raises
        ------
        CohortError
            With every count, time or name that breaks its rule, and every row that adds up the others.
        ArgumentError
            If the shapes do not fit, or a name is empty or stands twice.

        Examples
        --------
        >>> pair = Comparison.from_arrays([[6, 1], [2, 0]], [[2.7, 1.8], [0.7, 1.5]])
        >>> pair.totals, pair.informative_patients
        ((8, 1), 2)
        """
        counts, times = _array(relapses), _array(years)
        numbers = range(1, len(counts) + 1) if counts.ndim else ()
        names = _names(numbers if patients is None else patients)
        if text("reference", reference) == text("comparator", comparator):
            raise ArgumentError(
                f"reference and comparator {reference!r}. Expected: two different treatments."
            )
        if patients is not None:
            _require_patients(names)
        pair = cls(names, counts, times, reference=reference, comparator=comparator)
        return replace(pair, notices=(*_square(pair), *_notices(pair)))

    def __post_init__(self) -> None:
        counts, times = _array(self.relapses), _array(self.years)
        if not counts.shape == times.shape == (len(self.patients), 2) or not self.patients:
            raise ArgumentError(
                f"relapses {counts.shape} and years {times.shape} of {len(self.patients)} patients. "
                "Expected: both of the shape (patients, 2), columns reference and comparator, one or more."
            )
        relapses, count_problems = _checked("relapses", counts, self.patients)
        years, time_problems = _checked("years", times, self.patients)
        if count_problems or time_problems:
            raise CohortError([*count_problems, *time_problems], "arrays")
        object.__setattr__(self, "relapses", relapses)
        object.__setattr__(self, "years", years)

    @property
    def totals(self) -> tuple[int, int]:
        """Relapses summed over patients: reference, comparator."""
        reference, comparator = self.relapses.sum(axis=0)
        return int(reference), int(comparator)

    @property
    def total_years(self) -> tuple[float, float]:
        """Patient-years summed over patients: reference, comparator."""
        return math.fsum(self.years[:, 0]), math.fsum(self.years[:, 1])

    @property
    def informative_patients(self) -> int:
        """Number of patients with at least one relapse in either period."""
        return int((self.relapses.sum(axis=1) > 0).sum())

    def changed(
        self, *, relapses: npt.ArrayLike | None = None, years: npt.ArrayLike | None = None
    ) -> Comparison:
        """Return the same patients with other counts or times, whose history is not known.

        Parameters
        ----------
        relapses, years
            Arrays of the same shape; None keeps those of the comparison.

        Returns
        -------
        Comparison
            Without ``history`` and ``unmerged``.
        """
        relapses = self.relapses if relapses is None else np.asarray(relapses)
        years = self.years if years is None else np.asarray(years)
        return replace(self, relapses=relapses, years=years, history=None, unmerged=None)

    def only(self, kept: npt.NDArray[np.bool_]) -> Comparison:
        """Return the comparison of some of the patients; the history is left behind.

        Parameters
        ----------
        kept
            A mask of shape (n,).

        Returns
        -------
        Comparison
            Without ``history`` and ``unmerged``.

        Raises
        ------
        ArgumentError
            If it is no such mask.
        """
        mask = np.asarray(kept) if isinstance(kept, (np.ndarray, Sequence)) else np.empty(0)
        n = len(self.patients)
        if mask.dtype != np.bool_ or mask.shape != (n,):
            raise ArgumentError(
                f"kept {found(kept)}. Expected: {n} times True or False, one for each patient."
            )
        names = tuple(np.array(self.patients, dtype=object)[mask])
        changed = self.relapses[mask], self.years[mask]
        return replace(
            self, patients=names, relapses=changed[0], years=changed[1], history=None, unmerged=None
        )

    def swapped(self) -> Comparison:
        """Return the comparison with the two periods exchanged.

        Returns
        -------
        Comparison
            Without the history.
        """
        return Comparison(
            self.patients,
            self.relapses[:, ::-1],
            self.years[:, ::-1],
            reference=self.comparator,
            comparator=self.reference,
            unpaired=self.unpaired,
            notices=self.notices,
            unmerged=None if self.unmerged is None else self.unmerged.swapped(),
            merging=self.merging,
        )


def _array(values: object) -> Cells:
    if np.ma.is_masked(values):
        raise ArgumentError(
            "a masked array. Expected: arrays without a mask, of patients whose cells are all known."
        )
    try:
        return np.asarray(values)
    except ValueError:
        raise ArgumentError("rows of different lengths. Expected: the shape (patients, 2).") from None


def _names(patients: object) -> tuple[str, ...]:
    given = patients.tolist() if isinstance(patients, (np.ndarray, pd.Series, pd.Index)) else patients
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ArgumentError(f"patients {shown(patients)}. Expected: a list of names.")
    names = tuple(map(as_text, given))
    times = Counter(names)
    wrong = [
        shown(name) for cell, name in zip(given, names, strict=True) if is_missing(cell) or times[name] > 1
    ]
    if wrong:
        raise ArgumentError(
            f"patients {', '.join(wrong[:6])}. Expected: a different name for each, not empty."
        )
    return names


def _require_patients(names: tuple[str, ...]) -> None:
    problems = [
        Problem(repr(name), fault.rule, fault.remedy, row, name, "patients")
        for row, name in enumerate(names, start=1)
        if isinstance(fault := parse_patient(name), Fault)
    ]
    if problems:
        raise CohortError(problems, "arrays")


def _square(pair: Comparison) -> tuple[Notice, ...]:
    """Return how two patients were read: arrays of shape (2, 2) may lie on their side."""
    if len(pair.patients) != 2:
        return ()
    counts = "; ".join(
        f"patient {patient}: {pair.reference} {before} in {before_years:g} years, "
        f"{pair.comparator} {after} in {after_years:g} years"
        for patient, (before, after), (before_years, after_years) in zip(
            pair.patients, pair.relapses.tolist(), pair.years.tolist(), strict=True
        )
    )
    return (Notice("square_arrays", f"arrays of shape (2, 2), a row for each patient, are read as {counts}"),)


def _notices(pair: Comparison) -> tuple[Notice, ...]:
    """Return what is suspicious in the arrays, as in a period table; refuse a row that adds up the others."""
    n, unit = len(pair.patients), "exposure_years"
    treatments = [pair.reference, pair.comparator] * n
    frame = pd.DataFrame(
        {
            "patient": pd.Series(np.repeat(np.array(pair.patients, dtype=object), 2), dtype="object"),
            "treatment": pd.Series(treatments, dtype="object"),
            "relapses": pair.relapses.ravel(),
            unit: pair.years.ravel(),
        }
    )
    if problems := total_problems(frame, unit, np.repeat(np.arange(1, n + 1), 2).tolist()):
        raise CohortError(problems, "arrays")
    return period_notices(frame, unit)


def _checked(name: str, cells: Cells, patients: tuple[str, ...]) -> tuple[Cells, list[Problem]]:
    """Return a read-only copy of the cells in their type, and the problems of those that break the rule."""
    parser, kind, smallest, largest = _RULES[name]
    if np.issubdtype(cells.dtype, kind) and np.all((cells >= smallest) & (cells <= largest)):
        return _read_only(cells, kind), []
    parsed: list[Any] = [parser(cell) for cell in cells.flat]
    problems = []
    for (row, period), fault in zip(np.ndindex(cells.shape), parsed, strict=True):
        if isinstance(fault, Fault):
            place, found = f"{name}[{row}, {period}]", shown(cells[row, period])
            remedy = _IN_ARRAYS if fault.remedy == COMMA_REMEDY else fault.remedy
            problems.append(Problem(found, fault.rule, remedy, row + 1, patients[row], place))
    return (cells if problems else _read_only(np.array(parsed).reshape(cells.shape), kind)), problems


def _read_only(cells: Cells, kind: type[np.generic]) -> Cells:
    copy = np.array(cells, dtype=kind, order="C")
    copy.flags.writeable = False
    return copy
