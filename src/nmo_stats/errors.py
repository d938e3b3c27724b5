"""Exceptions of nmo_stats: one base class, and what each of them means to the caller."""

from __future__ import annotations

from dataclasses import dataclass

_PRINTED_PROBLEMS = 40
_PRINTED_CHARACTERS = 80


class NmoStatsError(Exception):
    """Base class of every exception that nmo_stats raises on purpose."""


class ArgumentError(NmoStatsError, ValueError):
    """An option or argument is outside what the function accepts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a table: where it is, what was found, the rule, and the remedy.

    As text it reads ``where: found. Expected: rule. Remedy.``

    Parameters
    ----------
    value
        The offending value as found, ready to print; None where a whole column or file is meant.
    rule, remedy
        What is required, and what the user can do about it.
    row
        Row of the file as a spreadsheet numbers it (the header is row 1), or 1-based position in a DataFrame.
    patient, column
        Identifier of the patient and name of the column, where they are known.
    table
        Which of several tables is meant, e.g. ``"relapses"``; None where there is one.
    """

    value: str | None
    rule: str
    remedy: str
    row: int | None = None
    patient: str | None = None
    column: str | None = None
    table: str | None = None

    def __str__(self) -> str:
        place = [
            self.table or "",
            f"row {self.row}" if self.row is not None else "",
            f"patient {_shortened(repr(self.patient))}" if self.patient is not None else "",
            f"column {_shortened(repr(self.column))}" if self.column is not None else "",
        ]
        where = ", ".join(part for part in place if part)
        found = _shortened(self.value) if self.value is not None else ""
        head = ": ".join(part for part in (where, found) if part)
        remedy = f"{self.remedy[:1].upper()}{self.remedy[1:]}"
        parts = (head, f"Expected: {self.rule}", remedy)
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


class CohortError(NmoStatsError):
    """A table breaks the rules of the period table; all its problems are raised together.

    Parameters
    ----------
    problems
        Every fault that was found, in the order of the table.
    source
        Name of the file or table.
    """

    def __init__(self, problems: tuple[Problem, ...] | list[Problem], source: str = "table") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(self.problems, source)  # the arguments themselves, so that it can be pickled

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{self.source}: {count} problem{'' if count == 1 else 's'}"
        lines = [f"  {problem}" for problem in self.problems[:_PRINTED_PROBLEMS]]
        if count > _PRINTED_PROBLEMS:
            lines.append(f"  and {count - _PRINTED_PROBLEMS} more")
        return "\n".join([head, *lines])


class NotIdentifiedError(NmoStatsError):
    """The data hold no information on the quantity, or the method is not valid for them.

    Parameters
    ----------
    reason
        Why there is no number, in words for the reader of a report.
    method
        Name of the method that was refused.
    """

    def __init__(self, reason: str, method: str) -> None:
        self.reason = reason
        self.method = method
        super().__init__(reason, method)

    def __str__(self) -> str:
        return f"{self.method}: {self.reason}"


class ConvergenceError(NmoStatsError):
    """A computation did not reach the accuracy that its result is printed with.

    Parameters
    ----------
    failures
        The failed checks, one sentence each.
    method
        Name of the method whose result is withheld.
    """

    def __init__(self, failures: tuple[str, ...], method: str) -> None:
        self.failures = failures
        self.method = method
        super().__init__(failures, method)

    def __str__(self) -> str:
        return f"{self.method}: {'; '.join(self.failures)}"


class SamplerError(NmoStatsError):
    """The NUTS sampler cannot be loaded, or stopped with an error of its own."""


def _shortened(text: str) -> str:
    return text if len(text) <= _PRINTED_CHARACTERS else f"{text[: _PRINTED_CHARACTERS - 1]}…"
