"""Comparisons with a few relapses more on the comparator, or fewer on the reference, in one patient or another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nmo_stats.cohort import Comparison

Direction = Literal["added", "removed"]
Counts = npt.NDArray[np.int64]


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
    direction: Direction
    fewest_left: int = 0

    @property
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
        moved = [0, 1] if self.direction == "added" else [-1, 0]
        return self.pair.changed(relapses=self.pair.relapses + np.outer(allocation, moved))

    def in_order(self, count: int, order: Counts) -> Counts:
        """Return the allocation that fills patients one after the other."""
        allocation, left = np.zeros(len(order), dtype=np.int64), count
        for place in order:
            allocation[place] = min(left, int(self.room[place]))
            left -= int(allocation[place])
        return allocation

    def evenly(self, count: int) -> Counts:
        """Return the allocation that goes around the patients as long as they have room."""
        allocation = np.zeros(len(self.pair.patients), dtype=np.int64)
        while allocation.sum() < count:
            open_places = np.flatnonzero(allocation < self.room)
            step = max(1, (count - int(allocation.sum())) // len(open_places))
            for place in open_places[: count - int(allocation.sum())]:
                allocation[place] += min(
                    step, count - int(allocation.sum()), int(self.room[place] - allocation[place])
                )
        return allocation

    def number(self, count: int) -> int:
        """Return how many allocations there are, not counting the patients' lack of room."""
        return math.comb(count + len(self.pair.patients) - 1, count)

    def everything(self, count: int) -> Iterator[Counts]:
        """Yield every allocation."""
        patients = len(self.pair.patients)
        for chosen in itertools.combinations_with_replacement(range(patients), count):
            allocation = np.bincount(np.array(chosen, dtype=np.int64), minlength=patients)
            if np.all(allocation <= self.room):
                yield allocation

    def extremes(self, count: int) -> list[Counts]:
        """Return allocations that concentrate on the patients with the smallest and the largest time ratio, and an even one."""
        order = np.argsort(self.pair.years[:, 1] / self.pair.years[:, 0], kind="stable")
        return [self.in_order(count, order), self.in_order(count, order[::-1]), self.evenly(count)]
