"""Replicates in blocks: each draws from random numbers of its own, so that nothing depends on who computes it, or when."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.numerics.threads import one_thread
from nmo_stats.operating.design import Design
from nmo_stats.operating.estimators.answers import Answers, Intervals, PValues
from nmo_stats.operating.estimators.every import answers
from nmo_stats.operating.source import SIMULATION, code_hash

BLOCK: Final = 1_000
_COLUMNS: Final = ("estimate", "low", "high", "p_value")


@dataclass(frozen=True, slots=True)
class Block:
    """One block of replicates of a design.

    Parameters
    ----------
    design
        What is simulated.
    estimators
        Their names.
    level
        Of all intervals.
    number
        Of the block, which chooses its random numbers.
    replicates
        Series in the block.
    """

    design: Design
    estimators: tuple[str, ...]
    level: float
    number: int
    replicates: int

    @property
    def name(self) -> str:
        """A name that two tasks share only if they have the same result."""
        settings = [
            self.design.to_dict(),
            self.estimators,
            self.level,
            self.number,
            self.replicates,
            code_hash(SIMULATION),
        ]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:24]

    def compute(self) -> pd.DataFrame:
        """Return what every estimator says about every series, one row each."""
        seeds = np.random.SeedSequence(self.design.seed, spawn_key=(self.number,))
        with one_thread():
            cohorts = self.design.draw(np.random.default_rng(seeds), self.replicates)
            found = [_table(name, answers(name, cohorts, self.level)) for name in self.estimators]
        return pd.concat(found, ignore_index=True)


def tasks(design: Design, estimators: tuple[str, ...], level: float, replicates: int) -> list[Block]:
    """Return the blocks of a number of replicates."""
    starts = range(0, replicates, BLOCK)
    return [
        Block(design, estimators, level, number, min(BLOCK, replicates - start))
        for number, start in enumerate(starts)
    ]


def answers_in(table: pd.DataFrame, method: str) -> Answers:
    """Return the answers of one estimator from a table of blocks."""
    rows = table[table["method"] == method]
    if rows["is_test"].all():
        return PValues(rows["p_value"].to_numpy())
    return Intervals(*(rows[name].to_numpy() for name in _COLUMNS[:3]))


def _table(method: str, found: Answers) -> pd.DataFrame:
    is_test = isinstance(found, PValues)
    values = {name: getattr(found, name) for name in (("p_value",) if is_test else _COLUMNS[:3])}
    frame = pd.DataFrame(values).reindex(columns=list(_COLUMNS)).astype("float64")
    return frame.assign(method=method, is_test=is_test)
