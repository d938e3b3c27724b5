"""Time and memory of the quadrature engine, its refinement check included.

In process: 3 patients (founding example) and 60 (simulated), each likelihood and way of entry. Then Poisson
cohorts of 1,000 to 100,000 patients, each in a process of its own, with the peak memory of that process and
whether the simulated truths lie within the 95 % intervals. Last the whole process of ``nmo-stats rates``.

Usage: python benchmarks/quadrature_speed.py [--million] [--repeats 7] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from simulated_cohort import TRUTH, simulate

import nmo_stats as nmo
from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "poisson": {},
    "negative_binomial": {"likelihood": "negative_binomial"},
    "entry": {"entry": "relapse_on_reference"},
}
LARGE: Final = (1_000, 10_000, 100_000)
MILLION: Final = 1_000_000
RATES: Final = """
import sys
from nmo_stats.cli import main
try:
    main()
finally:
    heavy = [name for name in ("pymc", "pytensor", "arviz", "statsmodels", "matplotlib") if name in
    sys.modules] print("LOADED", *heavy, file=sys.stderr)
"""


def answer(pair: Comparison, seed: int, variant: dict[str, Any]) -> hierarchical.HierarchicalFit:
    """Fit and ask for the ratio, which is withheld if the refinement check fails."""
    fitted = hierarchical.fit(pair, engine="quadrature", seed=seed, **variant)
    fitted.rate_ratio()
    return fitted


@dataclass(frozen=True)
class Times:
    """Seconds of each repeat: on the clock, and of all processor cores together."""

    clock: list[float]
    processor: list[float]
    fitted: hierarchical.HierarchicalFit


def timed(pair: Comparison, seed: int, variant: dict[str, Any], repeats: int) -> Times:
    """Return the times of the repeats, with the last fit."""
    clock, processor = [], []
    for _ in range(repeats):
        start, start_processor = time.perf_counter(), time.process_time()
        fitted = answer(pair, seed, variant)
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    return Times(clock, processor, fitted)


def small_cohorts(repeats: int, seed: int) -> None:
    """Print the best and the median time in this process after one warm-up, and the least processor time."""
    print(
        f"{'patients':>8}  {'model':<18}  {'first s':>8}  {'best s':>8}  {'median s':>8}  {'CPU s':>8}  "
        f"answer"
    )
    for patients in (3, 60):
        for name, variant in VARIANTS.items():
            pair = small_cohort(patients, seed, entry=name == "entry")
            print(f"{patients:>8}  {name:<18}  {small_row(pair, variant, repeats, seed)}", flush=True)


def small_cohort(patients: int, seed: int, *, entry: bool) -> Comparison:
    """Return the founding example for 3 patients, and a simulated cohort for any other number."""
    if patients == 3:
        return nmo.load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    return simulate(patients, seed, entry=entry)


def small_row(pair: Comparison, variant: dict[str, Any], repeats: int, seed: int) -> str:
    """Return the times and the answer of one model, or why there is none."""
    try:
        (first,) = timed(pair, seed, variant, 1).clock
    except nmo.NmoStatsError as error:
        return f"not available: {error}"
    again = timed(pair, seed, variant, repeats)
    found = again.fitted.rate_ratio()
    ratio = f"{found.estimate:.4f} ({found.interval.low:.4f} to {found.interval.high:.4f})"
    best, median, processor = min(again.clock), statistics.median(again.clock), min(again.processor)
    return f"{first:8.3f}  {best:8.4f}  {median:8.4f}  {processor:8.4f}  {ratio}"


def large_cohort(patients: int, repeats: int, seed: int) -> None:
    """Print time, memory and answer of one Poisson cohort as JSON: the work of a process of its own."""
    pair = simulate(patients, seed)
    answer(simulate(60, seed), seed, {})  # what loads once is not part of the time
    before = peak_megabytes()
    found = timed(pair, seed, {}, 1 + repeats)
    peak, fitted = peak_megabytes(), found.fitted
    again = found.clock[1:] or found.clock
    limits = {name: fitted.posterior.quantile(name, (0.025, 0.5, 0.975)) for name in TRUTH}
    outside = [name for name, truth in TRUTH.items() if not limits[name][0] <= truth <= limits[name][2]]
    low, estimate, high = map(float, np.exp(limits["log_rate_ratio"]))
    row = {
        "first": found.clock[0],
        "best": min(again),
        "median": statistics.median(again),
        "cpu": min(found.processor),
        "before": before,
        "peak": peak,
    }
    print(json.dumps(row | {"estimate": estimate, "low": low, "high": high, "outside": outside}))


def peak_megabytes() -> float:
    """Return the largest memory that this process has held so far."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def large_cohorts(sizes: tuple[int, ...], seed: int) -> None:
    """Print one line for each size: three repeats, one of 100,000 patients, none of more."""
    print(
        f"\n{'patients':>8}  {'first s':>8}  {'best s':>8}  {'median s':>8}  {'CPU s':>8}  "
        f"{'before MB':>9}  {'peak MB':>8}  "
        "ratio (true 0.4)             truths within the 95 % intervals"
    )
    for patients in sizes:
        repeats = 3 if patients < 100_000 else int(patients == 100_000)
        own = ["--worker", str(patients), "--repeats", str(repeats), "--seed", str(seed)]
        done = subprocess.run([sys.executable, __file__, *own], capture_output=True, text=True, check=False)
        print(f"{patients:>8}  {large_row(done)}", flush=True)


def large_row(done: subprocess.CompletedProcess[str]) -> str:
    """Return the numbers of a worker, or the last line of its error."""
    if done.returncode:
        return f"not available: {done.stderr.strip().splitlines()[-1]}"
    row = json.loads(done.stdout.splitlines()[-1])
    seconds = "  ".join(f"{row[name]:8.3f}" for name in ("first", "best", "median", "cpu"))
    numbers = f"{seconds}  {row['before']:9.0f}  {row['peak']:8.0f}"
    ratio = f"{row['estimate']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
    truths = f"not {', '.join(row['outside'])}" if row["outside"] else f"all {len(TRUTH)}"
    return f"{numbers}  {ratio:<27}  {truths}"


def rates_process(repeats: int) -> None:
    """Print the time of ``nmo-stats rates`` in fresh processes, and the heavy libraries that it loaded."""
    command = [sys.executable, "-c", RATES, "rates", "--engine", "quadrature"]
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - start)
    complaint, _, loaded = done.stderr.rpartition("LOADED")
    print(f"\nnmo-stats rates --engine quadrature, whole process: best {min(seconds):.2f} s, ", end="")
    print(f"median {statistics.median(seconds):.2f} s (bar 2 s); heavy libraries loaded: {loaded.split()}")
    if done.returncode:
        print(f"  exit code {done.returncode}: {complaint.strip()[-200:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of the quadrature engine.")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 patients")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", type=int, metavar="PATIENTS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        large_cohort(given.worker, given.repeats, given.seed)
        return
    small_cohorts(given.repeats, given.seed)
    large_cohorts((*LARGE, MILLION) if given.million else LARGE, given.seed)
    rates_process(given.repeats)


if __name__ == "__main__":
    main()
