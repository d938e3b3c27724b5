"""Comparisons with a few relapses more on the comparator, or fewer on the reference, in one patient or another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from nmo_stats.arrays import Counts
from nmo_stats.cohort import Comparison

Direction = Literal["added", "removed"]

_MOST_COUNTED: Final = 2000


@dataclass(frozen=True, eq=False)
class Moves:
    """Relapses added on the comparator, or removed from the reference; an allocation is how many in each patient.

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
    direction: Direction
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
        low, high = 0, count  # the whole rounds lie between
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._in_rounds(middle).sum() <= count else (low, middle - 1)
        allocation = self._in_rounds(low)
        more = order[self.room[order] > low][: count - int(allocation.sum())]
        allocation[more] += 1
        return allocation

    def exchanges(self, allocation: Counts) -> Counts:
        """Return the allocations that differ by one relapse given from one patient to another, shape (exchanges, n)."""
        givers, takers = np.flatnonzero(allocation > 0), np.flatnonzero(allocation < self.room)
        pairs = np.array([(one, other) for one in givers for other in takers if one != other], dtype=np.int64)
        found = np.tile(allocation, (len(pairs), 1))
        for sign, column in ((-1, 0), (1, 1)):
            if len(pairs):
                found[np.arange(len(pairs)), pairs[:, column]] += sign
        return found

    def numbers(self) -> list[float]:
        """Return how many allocations there are of 0, 1, 2, ... relapses, up to 2,000 or the largest number."""
        patients, most = len(self.pair.patients), int(min(self.most(), _MOST_COUNTED))
        if self.direction == "added":
            return [float(min(math.comb(count + patients - 1, count), 10**15)) for count in range(most + 1)]
        ways = np.zeros(most + 1)
        ways[0] = 1.0
        for room in self.room[self.room > 0]:
            ways = np.minimum(np.convolve(ways, np.ones(min(int(room), most) + 1))[: most + 1], 1e15)
        return [float(number) for number in np.round(ways)]

    def everything(self, count: int) -> Counts:
        """Return every allocation, shape (allocations, n)."""
        later = np.minimum(np.concatenate([np.cumsum(self.room[::-1])[::-1][1:], [0]]), count)
        found, left = np.zeros((1, 0), dtype=np.int64), np.array([count])
        for room, room_later in zip(self.room, later, strict=True):
            least, most = np.maximum(left - room_later, 0), np.minimum(left, room)
            ways = np.maximum(most - least + 1, 0)
            parent = np.repeat(np.arange(len(found)), ways)
            amount = least[parent] + np.arange(len(parent)) - np.repeat(np.cumsum(ways) - ways, ways)
            found, left = np.column_stack([found[parent], amount]), left[parent] - amount
        return found

    def _in_rounds(self, rounds: int) -> Counts:
        return np.minimum(self.room, rounds)
