"""The smallest number of moved relapses that tips an answer, for some and for every allocation over the patients.

As long as allocations are few, all of them are looked at and the number is exact. Beyond that it is searched along two nested
paths, one that fills patients one after the other and one that goes around them, in the order of what a single relapse does
in each; exchanges of a relapse between two patients then try to improve on them. A search can miss an allocation, so that
what it finds for *some* is an upper bound, and for *every* a lower one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final, Literal, Protocol

import numpy as np

from nmo_stats.arrays import Counts, Floats
from nmo_stats.sensitivity.allocations import Moves
from nmo_stats.wording import counted

Quantifier = Literal["some", "every"]

MOST_MOVED: Final = 100_000
MOST_ENUMERATED: Final = 2000  # allocations of one number of relapses
MOST_REFITTED: Final = 60  # allocations of all numbers together, where each costs a fit
NEVER: Final = "no number of relapses does it"
_MOST_CLIMBED: Final = 2  # rounds of exchanges for one number of relapses
_MOST_EXCHANGES: Final = 200  # in a round
_MOST_IMPROVED: Final = 10  # numbers by which exchanges may improve on the paths


@dataclass(frozen=True, slots=True)
class Number:
    """The smallest number of relapses, or a bound of it.

    Parameters
    ----------
    value
        The number; None where none was found.
    bound
        Whether it is exact, or the number sought is at most, or at least, this one.
    reason
        Why there is none.
    """

    value: int | None
    bound: Literal["exact", "at_most", "at_least"] = "exact"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether some, and whether every one of several allocations tips the answer.

    Parameters
    ----------
    some, every
        The verdict; in doubt that *some* does it is denied, and that *every* does is granted, so that numbers stay bounds.
    doubtful
        Whether there was such a doubt.
    """

    some: bool
    every: bool
    doubtful: bool = False


class Judge(Protocol):
    """What tells whether an allocation tips the answer."""

    def verdict(self, allocations: Counts) -> Verdict:
        """Return whether some, and whether every one of the allocations tips the answer; shape (allocations, n)."""

    def scores(self, allocations: Counts) -> Floats:
        """Return how far each allocation goes towards tipping the answer; larger is further."""


@dataclass(eq=False)
class Search:
    """The search for one estimator, direction and criterion.

    Parameters
    ----------
    moves
        Where relapses are added or removed.
    judge
        What tells whether an allocation tips the answer.
    enough
        Allocations of a number of relapses among which the most and the least favourable ones are.
    reach
        Largest number of relapses for which ``enough`` may be asked.
    rising
        Whether moving one relapse more never undoes what is tipped, so that numbers can be skipped.
    goes_on_to
        Largest number to search for beyond the reach.
    """

    moves: Moves
    judge: Judge
    enough: Callable[[int], Counts]
    reach: int
    rising: bool = True
    goes_on_to: int = 0
    _known: dict[int, Verdict] = field(default_factory=dict)

    def number(self, quantifier: Quantifier) -> Number:
        """Return the smallest number of relapses for which some, or every, allocation tips the answer."""
        doubts: list[int] = []
        found = self._within_reach(quantifier, doubts)
        if found is not None:
            return Number(found, _bound(quantifier) if doubts else "exact")
        if self.reach >= self.moves.most():
            return Number(None, reason=NEVER)
        if self.reach >= MOST_MOVED:
            return Number(None, reason=f"no number of up to {MOST_MOVED:,} relapses does it")
        if self.goes_on_to <= self.reach:
            return Number(None, reason=self._given_up(quantifier))
        return self._beyond(quantifier, exact_below=not doubts)

    def _within_reach(self, quantifier: Quantifier, doubts: list[int]) -> int | None:
        def holds(count: int) -> bool:
            if count not in self._known:
                self._known[count] = self.judge.verdict(self.enough(count))
            verdict = self._known[count]
            if verdict.doubtful:
                doubts.append(count)
            return verdict.some if quantifier == "some" else verdict.every

        if self.rising:
            return smallest(holds, self.reach)
        return next((count for count in range(self.reach + 1) if holds(count)), None)

    def _given_up(self, quantifier: Quantifier) -> str:
        who = "no allocation" if quantifier == "some" else "not every allocation"
        tried = f"{who} of up to {counted(self.reach, 'relapse')} does it" if self.reach else "not sought"
        return f"{tried}: for more the estimator would have to be computed more than {MOST_REFITTED} times"

    def _beyond(self, quantifier: Quantifier, *, exact_below: bool) -> Number:
        first = self.reach + 1
        most = int(min(self.moves.most(), self.goes_on_to))
        order = self._order(quantifier)
        paths = partial(self._paths, order)

        @cache
        def holds(count: int) -> bool:
            verdict = self.judge.verdict(paths(count))
            return verdict.some if quantifier == "some" else verdict.every

        found = smallest(holds, most, first)
        if found is None:
            return Number(None, reason=_not_found(quantifier, most))
        if quantifier == "every":
            return Number(self._raised(found, paths, most), "at_least")
        found = self._lowered(found, paths, first)
        return Number(found, "exact" if found == first and exact_below else "at_most")

    def _order(self, quantifier: Quantifier) -> Counts:
        """Return the patients in the order of what a relapse in each does: first who does most, or least."""
        singles = self.moves.everything(1)
        scores, places = self.judge.scores(singles), singles.argmax(axis=1)
        ranked = places[np.argsort(-scores if quantifier == "some" else scores, kind="stable")]
        rest = np.setdiff1d(np.arange(singles.shape[1]), ranked)  # without room: they take none
        return np.concatenate([ranked, rest])

    def _paths(self, order: Counts, count: int) -> Counts:
        return np.stack([self.moves.in_order(count, order), self.moves.evenly(count, order)])

    def _lowered(self, found: int, paths: Callable[[int], Counts], first: int) -> int:
        """Return a smaller number for which exchanges find an allocation that tips the answer."""
        for count in range(found - 1, max(first, found - _MOST_IMPROVED) - 1, -1):
            if not any(self.judge.verdict(one).some for one in self._climb(paths(count), 1)):
                return count + 1
        return max(first, found - _MOST_IMPROVED)

    def _raised(self, found: int, paths: Callable[[int], Counts], most: int) -> int:
        """Return a larger number below which exchanges find an allocation that does not tip the answer."""
        last = min(most, found + _MOST_IMPROVED)
        for count in range(found, last):
            if all(self.judge.verdict(one).every for one in self._climb(paths(count), -1)):
                return count
        return last

    def _climb(self, paths: Counts, sign: int) -> list[Counts]:
        """Return the allocations that exchanges lead to, round by round, from the best of the paths."""
        scores = sign * self.judge.scores(paths)
        best, score, seen = paths[scores.argmax()], float(scores.max()), []
        for _ in range(_MOST_CLIMBED):
            around = self.moves.exchanges(best)
            if not len(around):
                break
            around = around[:: -(-len(around) // _MOST_EXCHANGES)]
            scores = sign * self.judge.scores(around)
            seen.append(around[[int(scores.argmax())]])
            if not scores.max() > score:
                break
            best, score = around[scores.argmax()], float(scores.max())
        return seen


def smallest(holds: Callable[[int], bool], most: int, first: int = 0) -> int | None:
    """Return the smallest number from ``first`` to ``most`` for which a condition holds that holds for all larger ones, or None.

    Examples
    --------
    >>> smallest(lambda count: count > 7, 100), smallest(lambda count: count > 7, 5), smallest(lambda count: count > 7, 100, 20)
    (8, None, 20)
    """
    if first > most:
        return None
    if holds(first):
        return first
    low, step = first, 1
    while low + step < most and not holds(low + step):
        low, step = low + step, 2 * step
    high = min(low + step, most)
    if high <= low or not holds(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def enumerable(moves: Moves, most: int = MOST_ENUMERATED, *, together: bool = False) -> int:
    """Return up to which number of relapses there are at most so many allocations of each, or of all numbers together."""
    if (moves.room > 0).sum() > most:
        return 0
    numbers = np.array(moves.numbers())
    too_many = np.flatnonzero((np.cumsum(numbers) if together else numbers) > most)
    return int(too_many[0]) - 1 if too_many.size else len(numbers) - 1


def _not_found(quantifier: Quantifier, most: int) -> str:
    if quantifier == "some":
        return f"none of the allocations of up to {most:,} relapses that were tried does it"
    return f"an allocation of {most:,} relapses was found that does not do it"


def _bound(quantifier: Quantifier) -> Literal["at_most", "at_least"]:
    return "at_most" if quantifier == "some" else "at_least"
