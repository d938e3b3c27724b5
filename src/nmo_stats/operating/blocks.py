"""Replicates in blocks: each draws from random numbers of its own, so that nothing depends on who computes it, or when."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import numpy as np
import pandas as pd

from nmo_stats.hierarchical.quadrature.threads import one_thread
from nmo_stats.operating.answers import Answers, Intervals, Tests
from nmo_stats.operating.design import Design
from nmo_stats.operating.estimators import answers

BLOCK: Final = 1_000
_COLUMNS: Final = ("estimate", "low", "high", "p_value")
_PACKAGES: Final = ("operating", "simulate", "hierarchical", "within_patient.py")


@dataclass(frozen=True, slots=True)
class Task:
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
            code_hash(),
        ]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:24]


def tasks(design: Design, estimators: tuple[str, ...], level: float, replicates: int) -> list[Task]:
    """Return the blocks of a number of replicates."""
    starts = range(0, replicates, BLOCK)
    return [
        Task(design, estimators, level, number, min(BLOCK, replicates - start))
        for number, start in enumerate(starts)
    ]


def compute(task: Task) -> pd.DataFrame:
    """Return what every estimator says about every series of a block, one row each."""
    seeds = np.random.SeedSequence(task.design.seed, spawn_key=(task.number,))
    with one_thread():
        cohorts = task.design.draw(np.random.default_rng(seeds), task.replicates)
        found = [_table(name, answers(name, cohorts, task.level)) for name in task.estimators]
    return pd.concat(found, ignore_index=True)


def answers_in(table: pd.DataFrame, method: str) -> Answers:
    """Return the answers of one estimator from a table of blocks."""
    rows = table[table["method"] == method]
    if rows["is_test"].all():
        return Tests(rows["p_value"].to_numpy())
    return Intervals(*(rows[name].to_numpy() for name in _COLUMNS[:3]))


@cache
def code_hash() -> str:
    """Return a SHA-256 of the source code that results rest on."""
    digest = hashlib.sha256()
    for name in _PACKAGES:
        for text in _sources(files("nmo_stats") / name):
            digest.update(text)
    return digest.hexdigest()


def _sources(place: Traversable) -> list[bytes]:
    if place.is_file():
        # a checkout may end its lines in another way
        return [place.read_bytes().replace(b"\r\n", b"\n")] if place.name.endswith(".py") else []
    inside = sorted(place.iterdir(), key=lambda entry: entry.name)
    return [text for entry in inside for text in _sources(entry)]


def _table(method: str, found: Answers) -> pd.DataFrame:
    is_test = isinstance(found, Tests)
    values = {name: getattr(found, name) for name in (("p_value",) if is_test else _COLUMNS[:3])}
    frame = pd.DataFrame(values).reindex(columns=list(_COLUMNS)).astype("float64")
    return frame.assign(method=method, is_test=is_test)
