"""How few relapses, added on the comparator or removed from the reference, tip an answer.

An allocation is how many relapses are moved in each patient. Up to 2,000 allocations of a number of relapses,
all are tried. Beyond that two nested paths are: one fills the patients one after the other, the other goes
around them, in the order of what a single relapse does in each. A path can miss an allocation: its number is
an upper bound for *some* and a lower one for *every* allocation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.sensitivity.row import Criterion

Scores = Mapping[Criterion, Floats]

MOST_PATIENTS: Final = 60  # beyond, not every allocation is tried, however few relapses are moved
MOST_ENUMERATED: Final = 2000  # allocations of one number of relapses
_MOST_FITTED: Final = 8  # allocations in doubt, of one number of relapses
_ONCE_FITTED: Final = (
    0.3  # of the doubt remains once an allocation is fitted, the errors being nearly the same
)


@dataclass(frozen=True, eq=False)
class Moves:
    """Relapses added on the comparator, or removed from the reference.

    Parameters
    ----------
    pair
        The comparison as it is.
    direction
        ``"added"`` on the comparator, ``"removed"`` from the reference.
    fewest_left
        Relapses on the reference that every patient keeps.
    """

    pair: Comparison
    direction: Literal["added", "removed"]
    fewest_left: int = 0

    @cached_property
    def room(self) -> Counts:
        """Relapses that can be moved in each patient, shape (n,); without bound for those added."""
        if self.direction == "added":
            return np.full(len(self.pair.patients), np.iinfo(np.int64).max // len(self.pair.patients))
        return np.maximum(self.pair.relapses[:, 0] - self.fewest_left, 0)

    def most(self) -> float:
        """Return the largest number of relapses that can be moved."""
        return math.inf if self.direction == "added" else float(self.room.sum())

    def changed(self, allocation: Counts) -> Comparison:
        """Return the comparison after moving so many relapses in each patient."""
        return self.pair.changed(relapses=self.relapses_after(allocation[None])[0])

    def relapses_after(self, allocations: Counts) -> Counts:
        """Return the relapses after each of several allocations, shape (allocations, n, 2)."""
        moved = np.array([0, 1] if self.direction == "added" else [-1, 0])
        return np.asarray(self.pair.relapses + allocations[:, :, None] * moved)

    def by_time_ratio(self) -> Counts:
        """Return the places of the patients, those with the smallest comparator / reference time first."""
        return np.argsort(self.pair.years[:, 1] / self.pair.years[:, 0], kind="stable")

    def in_order(self, count: int, order: Counts) -> Counts:
        """Return the allocation that fills patients one after the other."""
        room, allocation = self.room[order], np.zeros(len(order), dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(room)[:-1]])
        allocation[order] = np.clip(count - before, 0, room)
        return allocation

    def evenly(self, count: int, order: Counts) -> Counts:
        """Return the allocation that goes around the patients, in an order, as long as they have room."""
        rounds = smallest(lambda whole: np.minimum(self.room, whole + 1).sum() > count, count)
        allocation = np.minimum(self.room, count if rounds is None else rounds)
        allocation[order[self.room[order] > allocation[order]][: count - int(allocation.sum())]] += 1
        return allocation

    def reach(self, most: int) -> int:
        """Return below which number all allocations together are at most so many."""
        count = together = 0
        while count <= self.most():
            allocations = self.everything(count, most)
            together += most + 1 if allocations is None else len(allocations)
            if together > most:
                break
            count += 1
        return count

    def everything(self, count: int, most: int = MOST_ENUMERATED) -> Counts | None:
        """Return every allocation, shape (allocations, n); None if there are more, or too many patients."""
        if count and len(self.room) > MOST_PATIENTS:
            return None
        later = np.minimum(np.concatenate([np.cumsum(self.room[::-1])[::-1][1:], [0]]), count)
        allocations, left = np.zeros((1, 0), dtype=np.int64), np.array([count])
        for room, room_later in zip(self.room, later, strict=True):
            least, largest = np.maximum(left - room_later, 0), np.minimum(left, room)
            ways = np.maximum(largest - least + 1, 0)
            if ways.sum() > most:
                return None
            parent = np.repeat(np.arange(len(allocations)), ways)
            amount = least[parent] + np.arange(len(parent)) - np.repeat(np.cumsum(ways) - ways, ways)
            allocations, left = np.column_stack([allocations[parent], amount]), left[parent] - amount
        return allocations


@dataclass(frozen=True, eq=False)
class Judge:
    """What tells by how much allocations are beyond each criterion, each set of them computed once.

    Parameters
    ----------
    excess
        By how much several allocations are beyond each criterion, in units of the doubt that is left.
    fitted
        The same of one allocation without a doubt; None where there is none.
    """

    excess: Callable[[Counts], Scores]
    fitted: Callable[[Counts], Scores] | None = None
    _known: dict[bytes, Scores] = field(default_factory=dict)

    def scores(self, allocations: Counts, criterion: Criterion) -> Floats:
        """Return by how much each allocation is beyond a criterion."""
        key = allocations.tobytes()
        if key not in self._known:
            self._known[key] = self.excess(allocations)
        return self._known[key][criterion]

    def verdict(self, allocations: Counts, criterion: Criterion, *, every: bool) -> tuple[bool, bool]:
        """Return whether some, or every, allocation tips the answer, and whether that is certain.

        In doubt that *some* does it is denied, and that *every* does is granted, so that numbers stay bounds.
        """
        excess = self.scores(allocations, criterion)
        if self.fitted is None:
            return bool((excess >= 0).all() if every else (excess >= 0).any()), True
        sign, shift, doubt = -1.0 if every else 1.0, 0.0, 1.0
        for fits, index in enumerate(np.argsort(-sign * excess)):
            value = sign * (excess[index] + shift)
            if abs(value) > doubt:
                return bool(value > 0) != every, True
            if fits == _MOST_FITTED:
                return every, False
            exact = float(self.fitted(allocations[index])[criterion][0])
            if (exact >= 0) != every:
                return not every, True
            shift, doubt = exact - excess[index], _ONCE_FITTED
        return every, True


@dataclass(frozen=True, eq=False)
class Search:
    """The search for the smallest number of moved relapses that tips one answer.

    Parameters
    ----------
    moves
        Where relapses are added or removed.
    judge
        What tells whether an allocation tips the answer.
    criterion
        What is tipped.
    most
        Largest number of relapses.
    one_by_one
        Numbers below this are asked one by one, because a relapse more may undo what was tipped.
    has_extremes
        Whether the most and the least favourable allocation are those in the order of the time ratios.
    most_enumerated
        Allocations of one number of relapses that are all tried.
    """

    moves: Moves
    judge: Judge
    criterion: Criterion
    most: int
    one_by_one: int = 0
    has_extremes: bool = False
    most_enumerated: int = MOST_ENUMERATED

    def number(self, *, every: bool) -> tuple[int, bool] | None:
        """Return the smallest number with which some, or every, allocation tips; and whether a bound."""
        certain: dict[int, bool] = {}

        def tips(count: int) -> bool:
            allocations = self._tried(count)
            candidates = self._paths(count, every=every) if allocations is None else allocations
            verdict, is_certain = self.judge.verdict(candidates, self.criterion, every=every)
            certain[count] = is_certain and allocations is not None
            return verdict

        value = next((count for count in range(self.one_by_one) if tips(count)), None)
        if value is None:
            value = smallest(tips, self.most, self.one_by_one)
        return None if value is None else (value, not certain.get(value if every else value - 1, True))

    def _tried(self, count: int) -> Counts | None:
        """Return allocations with the most and the least favourable one; None beyond what is tried."""
        if self.has_extremes:
            order = self.moves.by_time_ratio()
            return np.stack([self.moves.in_order(count, order), self.moves.in_order(count, order[::-1])])
        return self.moves.everything(count, self.most_enumerated)

    def _paths(self, count: int, *, every: bool) -> Counts:
        order = self._from_least if every else self._from_least[::-1]
        return np.stack([self.moves.in_order(count, order), self.moves.evenly(count, order)])

    @cached_property
    def _from_least(self) -> Counts:
        """The patients in the order of what a single relapse does in each."""
        singles = self._tried(1)
        if singles is None:
            return self.moves.by_time_ratio()[::-1]
        scores = self.judge.scores(singles, self.criterion)
        ranked = singles.argmax(axis=1)[np.argsort(scores, kind="stable")]
        rest = np.setdiff1d(np.arange(singles.shape[1]), ranked)  # without room: they take none
        return np.concatenate([rest, ranked])


def smallest(holds: Callable[[int], bool], most: int, first: int = 0) -> int | None:
    """Return the smallest number from ``first`` to ``most`` for which a rising condition holds.

    Returns
    -------
    int or None
        None if it holds for none of them.

    Examples
    --------
    >>> [smallest(lambda count: count > 7, *limits) for limits in ((100,), (5,), (100, 20))]
    [8, None, 20]
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
