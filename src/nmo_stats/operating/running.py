"""Who computes the blocks: this process, several processes or a Dask cluster; where finished blocks are kept.

All give the same result, since a block's random numbers are its own and results are put together in the order
of the blocks.
"""

from __future__ import annotations

import ast
import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import pandas as pd

from nmo_stats.arguments import Progress, function, optional, path, whole
from nmo_stats.errors import ArgumentError

SIMULATION: Final = (
    "estimators/exact.py",
    "estimators/gee.py",
    "estimators/intervals.py",
    "estimators/likelihood.py",
    "estimators/methods.py",
    "estimators/negative_binomial.py",
    "estimators/rank_tests.py",
    "estimators/within_patient.py",
    "hierarchical/model.py",
    "hierarchical/many",
    "hierarchical/priors.py",
    "hierarchical/quadrature",
    "numerics",
    "operating/design.py",
    "operating/methods.py",
    "operating/simulation.py",
    "simulate",
)
CALIBRATION: Final = ("hierarchical", "operating/calibration.py")

Finished = Iterator[tuple[int, pd.DataFrame]]


@dataclass(frozen=True, slots=True)
class Task:
    """A block of replicates.

    Parameters
    ----------
    settings
        All that its result depends on beside the code; plain values.
    code
        The parts of the package that it depends on.
    replicates
        Number of replicates in the block.
    compute
        Returns the result of the block, the same wherever it is computed.
    """

    settings: tuple[object, ...]
    code: tuple[str, ...]
    replicates: int
    compute: Callable[[], pd.DataFrame]

    @property
    def name(self) -> str:
        """A name that two tasks share only if they have the same settings, code, and so result."""
        known = json.dumps([*self.settings, self.replicates, code_hash(self.code)], sort_keys=True)
        return hashlib.sha256(known.encode()).hexdigest()[:24]


def in_blocks(replicates: int, size: int) -> list[tuple[int, int]]:
    """Return the number of each block and its replicates.

    Examples
    --------
    >>> in_blocks(2_500, 1_000)
    [(0, 1000), (1, 1000), (2, 500)]
    """
    return [
        (number, min(size, replicates - start)) for number, start in enumerate(range(0, replicates, size))
    ]


_MOST_WORKERS: Final = 1_024


@dataclass(frozen=True, slots=True)
class Execution:
    """How a simulation is carried out; nothing here changes its result.

    Parameters
    ----------
    workers
        Processes on this machine; 1 computes in this one.
    scheduler
        Address of a Dask scheduler, such as ``"tcp://host:8786"``, instead of processes here.
    folder
        Where finished blocks are kept as Parquet files: a run that was interrupted goes on where it stopped.
    progress
        Called with the replicates done and their number.

    Raises
    ------
    ArgumentError
        If an option is out of its range, or both workers and a scheduler are given.
    """

    workers: int = 1
    scheduler: str | None = None
    folder: str | Path | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "workers", whole("workers", self.workers, 1, _MOST_WORKERS))
        optional("scheduler", self.scheduler, str)
        if self.folder is not None:
            object.__setattr__(self, "folder", path("folder", self.folder))
        function("progress", self.progress)
        if self.scheduler is not None and self.workers != 1:
            raise ArgumentError("workers or a scheduler, not both: the scheduler has workers of its own")


HERE: Final = Execution()


def computed(work: Sequence[Task], execution: Execution) -> list[pd.DataFrame]:
    """Return the result of every task, in their order; those kept in the folder are not computed again."""
    progress = execution.progress or (lambda _done, _total: None)
    tables = [_kept(task, execution.folder) for task in work]
    waiting = [number for number, table in enumerate(tables) if table is None]
    total = sum(task.replicates for task in work)
    done = total - sum(work[number].replicates for number in waiting)
    progress(done, total)
    for position, table in _finished([work[number] for number in waiting], execution):
        number = waiting[position]
        tables[number] = table
        _keep(work[number], table, execution.folder)
        done += work[number].replicates
        progress(done, total)
    return [table for table in tables if table is not None]


def _finished(work: Sequence[Task], execution: Execution) -> Finished:
    if execution.scheduler is not None:
        return _by_cluster(work, execution.scheduler)
    if execution.workers > 1 and len(work) > 1:
        return _by_processes(work, min(execution.workers, len(work)))
    return ((number, task.compute()) for number, task in enumerate(work))


def _by_processes(work: Sequence[Task], workers: int) -> Finished:
    # forked children would inherit the locks of this process's threads
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        with _without_interrupts():
            futures = {pool.submit(task.compute): number for number, task in enumerate(work)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C on a terminal does not reach: this one hears it and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _by_cluster(work: Sequence[Task], address: str) -> Finished:
    try:
        import distributed
    except ImportError:
        raise ArgumentError("a scheduler needs Dask: install nmo-stats[cluster]") from None
    try:
        client = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise ArgumentError(f"scheduler {address!r}: {error}; start one with `dask scheduler`") from None
    with client:
        # a worker that dies loses its block, which the scheduler then gives to another
        futures = {
            client.submit(_compute_here, task, task.name, key=f"nmo-stats-{task.name}", retries=3): number
            for number, task in enumerate(work)
        }
        for future, table in distributed.as_completed(futures, with_results=True, loop=client.loop):
            yield futures[future], table


def _compute_here(task: Task, name: str) -> pd.DataFrame:
    """Compute a task on a worker of a cluster, which must run the same code."""
    if name != task.name:  # which holds a hash of the code
        raise ArgumentError(
            "a worker of the cluster runs another version of nmo_stats: install the same one there"
        )
    return task.compute()


def _kept(task: Task, folder: str | Path | None) -> pd.DataFrame | None:
    if folder is None or not (path := _path(task, folder)).exists():
        return None
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):  # cut short by a full disk or a hand: it is computed again
        return None


def _keep(task: Task, table: pd.DataFrame, folder: str | Path | None) -> None:
    if folder is None:
        return
    path = _path(task, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        table.to_parquet(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _path(task: Task, folder: str | Path) -> Path:
    return Path(folder) / f"{task.name}.parquet"


@cache
def code_hash(parts: tuple[str, ...]) -> str:
    """Return a SHA-256 of the source of parts of the package without comments, docstrings and imports."""
    digest = hashlib.sha256()
    for name in parts:
        for text in _sources(files("nmo_stats").joinpath(*name.split("/"))):
            digest.update(text)
    return digest.hexdigest()


def _bare(text: str) -> bytes:
    """Return what a program does, without comments, docstrings, imports and layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.If)):
            node.body = [statement for statement in node.body if not _is_silent(statement)]
    return ast.dump(tree).encode()


def _is_silent(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _sources(part: Traversable) -> list[bytes]:
    if part.is_file():
        return [_bare(part.read_text(encoding="utf-8"))] if part.name.endswith(".py") else []
    inside = sorted(part.iterdir(), key=lambda entry: entry.name)
    return [text for entry in inside for text in _sources(entry)]
