"""The account of dated events: where every relapse and patient-day went, and the relapses around a switch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.arrays import Codes, Flags
from nmo_stats.cohort.notices import Notice, named_patients
from nmo_stats.names import CAUSES
from nmo_stats.tables.coded import REMARK_CODES

# Every relapse is counted or excluded by one cause, and so is every patient-day: the sums reconcile.
RELAPSE_CAUSES: Final = tuple(f"relapses_{code}" for code in CAUSES)
_DAY_COLUMNS: Final = {code: f"days_{code}" for code, cause in CAUSES.items() if cause.takes_days}
DAY_CAUSES: Final = tuple(_DAY_COLUMNS.values())
ATTRITION: Final = (
    "patient",
    *("relapses_in", *RELAPSE_CAUSES, "relapses_kept"),
    *("days_in", *DAY_CAUSES, "days_kept"),
    *("periods_in", "periods_consumed", "periods_kept"),
    "why",
)
# notices of the tables, not of the patients in them
KEPT_CODES: Final = (
    *("event_rules", "unused_columns", "inclusive_ends", "short_courses", "switch_rule"),
    *REMARK_CODES,
)
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Merging:
    """How many onsets of some periods are merged into an earlier one.

    Parameters
    ----------
    merged
        Onsets that would count in one of the periods, but are one relapse with an earlier onset of another
        day.
    onsets
        These and the relapses that count.
    """

    merged: int
    onsets: int

    @property
    def text(self) -> str:
        """What a reader of the numbers should know."""
        return f"{self.merged} of {self.onsets} onsets are merged: the counts depend on min_gap_days"

    @property
    def is_frequent(self) -> bool:
        """Whether more than a tenth of the onsets are merged."""
        return 10 * self.merged > self.onsets

    @property
    def is_most(self) -> bool:
        """Whether more than half of the onsets are merged, and not just one or two."""
        return self.merged > 2 and 2 * self.merged > self.onsets


@dataclass(frozen=True, eq=False)
class EventAccount:
    """What became of the onsets and days of dated events.

    Parameters
    ----------
    attrition
        One row for each patient: relapses, patient-days and periods in, excluded by cause, and kept.
    switch_merges
        Onsets that were merged into a relapse of another treatment: ``patient``, ``first_onset``, ``onset``,
        ``days_apart``, ``counted_on``, ``fell_on``.
    switch_days
        Relapses on the day on which another treatment starts, each counted on the one that ends: ``patient``,
        ``onset``, ``counted_on``, ``started``.
    switch_lags
        Courses that another one follows: ``patient``, ``treatment``, ``next_treatment``, ``end``,
        ``last_onset``, ``lag_days`` between these two (missing without a relapse), and whether a relapse
        ended the course, by the rule (``by_rule``) and as it is taken (``ended_by_relapse``).
    merged_onsets
        Onsets merged into an earlier one: ``row``, the period of the cohort in which each would count.
    """

    attrition: pd.DataFrame
    switch_merges: pd.DataFrame
    switch_days: pd.DataFrame
    switch_lags: pd.DataFrame
    merged_onsets: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that a report holds, by name."""
        names = ("attrition", "switch_merges", "switch_days", "switch_lags")
        return {name: getattr(self, name) for name in names}

    @property
    def totals(self) -> dict[str, int]:
        """The sum of every number of the attrition over the patients, by column."""
        sums = self.attrition.drop(columns=["patient", "why"]).sum()
        return {str(name): int(number) for name, number in sums.items()}

    @property
    def has_merges(self) -> bool:
        """Whether any onset that would count is merged."""
        return bool(len(self.switch_merges) or len(self.merged_onsets))

    def merging(self, rows: Codes, relapses: int) -> Merging:
        """Return how many onsets of some periods are merged.

        Parameters
        ----------
        rows
            The periods, as rows of the cohort.
        relapses
            Relapses that count in them.

        Returns
        -------
        Merging
            Merged onsets, and all of them.
        """
        merged = int(self.merged_onsets["row"].isin(rows).sum())
        return Merging(merged, merged + relapses)

    def part(self, patients: Iterable[str], keep: Flags) -> EventAccount:
        """Return the account of some patients, with their whole history.

        Parameters
        ----------
        patients
            The patients who stay.
        keep
            Whether each row of the cohort stays.

        Returns
        -------
        EventAccount
            The same tables with their rows.
        """
        names = set(patients)
        tables = {
            name: table[table["patient"].isin(names)].reset_index(drop=True)
            for name, table in self.tables.items()
        }
        return EventAccount(**tables, merged_onsets=placed(self.merged_onsets, keep))

    def notices(self) -> tuple[Notice, ...]:
        """Return what a reader should know about what is excluded, and about relapses around a switch.

        Returns
        -------
        tuple of Notice
            In the order of the causes.
        """
        candidates = (
            *(self._excluded(code, code, f"relapses_{code}", "relapses") for code in CAUSES),
            *(self._excluded(code, name, name, "patient-days") for code, name in _DAY_COLUMNS.items()),
            self._outside(),
            self._consumed(),
            self._on_switch_days(),
            self._contradicted(),
            *self._merges(),
        )
        return tuple(notice for notice in candidates if notice is not None)

    def _excluded(self, cause: str, code: str, column: str, noun: str) -> Notice | None:
        return self._of_patients(
            code,
            CAUSES[cause].sentence,
            self.attrition[column] > 0,
            f"{noun}: {self.attrition[column].sum()}",
        )

    def _outside(self) -> Notice | None:
        """Return a notice of patients without a relapse between the first start and the last end."""
        table = self.attrition
        inside = table[["relapses_kept", "relapses_gap", "relapses_run_in"]].sum(axis=1)
        text = (
            "every relapse of a patient lies before the first treatment or after the last: check that the "
            "days of both tables have the same origin"
        )
        return self._of_patients("relapses_outside", text, (table["relapses_in"] > 0) & (inside == 0))

    def _consumed(self) -> Notice | None:
        consumed = self.attrition["periods_consumed"]
        text = (
            "a period no longer than the run-in is excluded; a patient without another one on that "
            "treatment leaves the comparison"
        )
        return self._of_patients("period_consumed", text, consumed > 0, f"periods: {consumed.sum()}")

    def _of_patients(self, code: str, text: str, mask: pd.Series[bool], number: str = "") -> Notice | None:
        """Return a notice of the patients of a mask; None if there are none."""
        who = tuple(self.attrition.loc[mask, "patient"])
        if not who:
            return None
        is_all = len(who) == len(self.attrition) > 6
        names = f"all {len(who)} patients" if is_all else named_patients(who)
        return Notice(code, f"{text} ({'; '.join(part for part in (number, names) if part)})", who)

    def _on_switch_days(self) -> Notice | None:
        """Return one notice of the relapses on the day of a switch."""
        text = "a relapse on the day of a switch counts on the treatment that ends, in favour of the other"
        return _of_rows("switch_day", text, self.switch_days, "patient {}, onset {} ({}, not {})")

    def _contradicted(self) -> Notice | None:
        """Return a notice of courses of which the table says another end than the days do."""
        lags = self.switch_lags
        rows = lags.loc[
            lags["by_rule"] != lags["ended_by_relapse"],
            ["patient", "treatment", "ended_by_relapse", "lag_days"],
        ].astype(object)
        rows["ended_by_relapse"] = np.where(rows["ended_by_relapse"].astype(bool), "yes", "no")
        rows["lag_days"] = rows["lag_days"].where(rows["lag_days"].notna(), "none")
        text = "the column 'ended_by_relapse' is followed where the days of the relapses contradict it"
        shape = "patient {} on {}: {}, days from the last relapse to the end: {}"
        return _of_rows("ended_otherwise", text, rows, shape)

    def _merges(self) -> tuple[Notice | None, ...]:
        """Return one notice for each merge across a switch, or their number where they are many."""
        merges = self.switch_merges
        if len(merges) > _MOST_NAMED:
            who = tuple(dict.fromkeys(merges["patient"]))
            text = (
                f"{len(merges)} onsets are merged into a relapse of another treatment and not counted on "
                f"their own ({named_patients(who)}); the report adds the result without merging"
            )
            return (Notice("switch_merge", text, who),)
        return tuple(
            Notice(
                "switch_merge",
                f"patient {patient}: the onset {onset} ({fell_on}) is merged into the onset {first} "
                f"({counted_on}); days apart: {apart}",
                (str(patient),),
            )
            for patient, first, onset, apart, counted_on, fell_on in merges.itertuples(index=False, name=None)
        )


def placed(table: pd.DataFrame, keep: Flags) -> pd.DataFrame:
    """Return what belongs to the rows of a cohort that are kept, with their new positions in ``row``.

    Parameters
    ----------
    table
        With a column ``row``.
    keep
        Whether each row of the cohort stays.

    Returns
    -------
    DataFrame
        Its remaining rows.
    """
    kept = table[keep[table["row"]]]
    return kept.assign(row=(np.cumsum(keep) - 1)[kept["row"]]).reset_index(drop=True)


def _of_rows(code: str, text: str, rows: pd.DataFrame, shape: str) -> Notice | None:
    """Return a notice that names the rows of a table in one shape; None if there are none."""
    if rows.empty:
        return None
    named = [shape.format(*row) for row in rows.head(_MOST_NAMED).itertuples(index=False, name=None)]
    more = f"; and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    return Notice(code, f"{text}: {'; '.join(named)}{more}", tuple(dict.fromkeys(rows["patient"])))
