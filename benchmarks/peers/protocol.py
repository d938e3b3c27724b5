"""What the Python peers share: how they read their task and what they print.

A task is a folder with ``periods.csv`` (patient, x, years, log_years, relapses; x = -1/2 on the reference,
+1/2 on the comparator) and ``priors.csv`` (parameter, mean, sd). A peer prints lines that begin with RESULT
or STATUS.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

Fitted = TypeVar("Fitted")
Answer = dict[str, float]


@dataclass(frozen=True)
class Task:
    """The periods, the priors by parameter as (mean, sd), and the seed."""

    periods: pd.DataFrame
    priors: dict[str, tuple[float, float]]
    seed: int
    variant: str


def require(package: str) -> None:
    """End the process with a status if a package is not installed; one that is broken fails on import."""
    if importlib.util.find_spec(package) is None:
        stop("not installed")


def read_task() -> Task:
    """Return the task of the command line: FOLDER SEED [VARIANT]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("variant", nargs="?", default="")
    given = parser.parse_args()
    priors = pd.read_csv(given.folder / "priors.csv").set_index("parameter")
    return Task(
        periods=pd.read_csv(given.folder / "periods.csv", float_precision="round_trip"),
        priors={str(name): (float(row["mean"]), float(row["sd"])) for name, row in priors.iterrows()},
        seed=given.seed,
        variant=given.variant,
    )


def by_patient(periods: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return relapses and years, shape (patients, 2), reference and comparator."""
    ordered = periods.sort_values(["patient", "x"])
    return tuple(ordered[column].to_numpy().reshape(-1, 2) for column in ("relapses", "years"))


def measure(
    package: str,
    first: Callable[[], Fitted],
    second: Callable[[Fitted], Fitted],
    answer: Callable[[Fitted], Answer],
) -> None:
    """Time the first call and the second one in this process; each includes its answer."""
    report(version=importlib.metadata.version(package))
    start = time.perf_counter()
    fitted = first()
    found = answer(fitted)
    report(first_call_s=time.perf_counter() - start, **found)
    start = time.perf_counter()
    answer(second(fitted))
    report(second_call_s=time.perf_counter() - start)


def draws_answer(sampled: Any, parameter: str) -> Answer:
    """Return the ratio's median and 95 % interval, and the divergences, of an ArviZ container."""
    draws = sampled["posterior"][parameter].to_numpy()
    estimate, low, high = np.exp(np.quantile(draws, (0.5, 0.025, 0.975)))
    divergences = int(sampled["sample_stats"]["diverging"].sum())
    return {"estimate": estimate, "low": low, "high": high, "divergences": divergences}


def report(**values: object) -> None:
    """Print one RESULT line."""
    print("RESULT", *(f"{name}={value}" for name, value in values.items()), flush=True)


def stop(status: str) -> None:
    """Print why there is no answer, and end the process."""
    print("STATUS", status, flush=True)
    sys.exit(0)
