"""One of the two tables of dated events, its columns parsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nmo_stats.errors import Problem
from nmo_stats.events.columns import DAY_PARSERS
from nmo_stats.tables.cells import Fault, shown
from nmo_stats.tables.columns import Columns
from nmo_stats.tables.table import CodedTable, ParsedColumn


@dataclass(frozen=True, eq=False)
class ParsedTable:
    """A table whose columns are parsed, and what is wrong with it.

    Parameters
    ----------
    table
        The cells.
    columns
        Its known columns.
    parsed
        Every column, faults included.
    problems
        What is wrong with its names and cells.
    """

    table: CodedTable
    columns: Columns
    parsed: dict[str, ParsedColumn]
    problems: list[Problem]

    @property
    def day_columns(self) -> dict[str, ParsedColumn]:
        """The columns of the table that hold days."""
        return {
            name: self.parsed[name]
            for name in self.columns.parsers
            if name in DAY_PARSERS and name in self.parsed
        }

    def faulty(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows that have a cell in one of these columns that cannot be read."""
        mask = np.zeros(len(self.table.rows), dtype=bool)
        for name in names:
            if name in self.parsed:
                column = self.parsed[name]
                is_fault = np.array([isinstance(value, Fault) for value in column.values], dtype=bool)
                mask |= is_fault[column.codes]
        return mask

    def readable(self, names: Iterable[str]) -> ParsedTable:
        """Return the rows in which all of these columns can be read; all rows of a valid table."""
        if not self.problems:
            return self
        names = list(names)
        keep = ~self.faulty(names)
        parsed = {name: self.parsed[name] for name in names if name in self.parsed}
        return replace(
            self,
            table=replace(self.table, rows=self.table.rows[keep]),
            parsed={name: ParsedColumn(column.values, column.codes[keep]) for name, column in parsed.items()},
        )

    def problem(self, index: int, name: str, rule: str, remedy: str) -> Problem:
        """Return the problem of one cell that can be read."""
        column, patients = self.parsed[name], self.parsed.get("patient")
        patient = None if patients is None else patients.values[patients.codes[index]]
        who = patient if isinstance(patient, str) else None
        value = column.values[column.codes[index]]
        text = shown(value) if isinstance(value, str) else str(value)
        return Problem(text, rule, remedy, int(self.table.rows[index]), who, name, self.columns.short)
