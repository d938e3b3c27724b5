"""Random tables and choices through the commands: every run ends with 0, 2 or 3, without a traceback.

    python benchmarks/fuzz_commands.py --tables 200 --choices 200 --seed 1

It takes at most 2 GB and 60 seconds. The numbers reach a little beyond what is accepted. What ``check`` calls
valid, ``rates`` computes, or refuses with its reason (3).
Each command runs in a fork of this process, which has everything imported; seconds are those of the
processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import nmo_stats.hierarchical.nuts
import nmo_stats.report  # noqa: F401  imported once, for all forks
from nmo_stats.cli import main

MOST_GIGABYTES = 2.0
MOST_SECONDS = 60
ENDS = (0, 2, 3)
DAYS = {"exposure_days": 365.25, "exposure_months": 12.0, "exposure_years": 1.0}
COUNTS = (0, 1, 2, 5, 20, 500, 5_000, 100_000, 100_001, 1_000_000_000)
YEARS = (1e-9, 9.9e-5, 1e-4, 1 / 365.25, 0.1, 1.0, 3.0, 60.0, 1e4, 1.1e4, 1e9)

OUTSIDE = {
    "level": "level = 1.0",
    "replicates": "replicates = 1000000000",
    "seed": "seed = -1",
    "background": "[background]\nratio = 1e5",
    "log_rate": "log_rate = { mean = 10.5, sd = 1.0 }",
    "sd_rate": "sd_rate = { sd = 11.0 }",
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int | None
    error: str
    seconds: float
    gigabytes: float
    output: str = ""

    @property
    def faults(self) -> list[str]:
        """What is wrong with it."""
        found = [] if self.code in ENDS else [f"ended with {self.code}"]
        found += ["traceback"] if "Traceback" in self.error else []
        found += [f"{self.seconds:.0f} s"] if self.seconds > MOST_SECONDS else []
        found += [f"{self.gigabytes:.1f} GB"] if self.gigabytes > MOST_GIGABYTES else []
        found += ["no reason"] if self.code in (2, 3) and not (self.error + self.output).strip() else []
        return found


def run(arguments: list[str], folder: Path) -> Outcome:
    """Run one command in a fork."""
    errors = folder / "stderr.txt"
    child = os.fork()
    if child == 0:
        _in_child(arguments, folder, errors)
    _, status, used = os.wait4(child, 0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    seconds = used.ru_utime + used.ru_stime
    said, error = (file.read_text(errors="replace") for file in (folder / "stdout.txt", errors))
    return Outcome(code, error, seconds, used.ru_maxrss / 2**20, said)


def _in_child(arguments: list[str], folder: Path, errors: Path) -> None:
    for stream, file in ((1, folder / "stdout.txt"), (2, errors)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.argv = ["nmo-stats", *arguments]
    code = 1
    try:
        _limit(resource.RLIMIT_CPU, 2 * MOST_SECONDS)
        _limit(resource.RLIMIT_AS, 8 * 2**30)
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001  what is looked for
        sys.stderr.write(traceback.format_exc())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _limit(what: int, most: int) -> None:
    """Lower a limit of this process; one that is lower already stays."""
    _, hard = resource.getrlimit(what)
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (lowest, lowest))


def random_table(rng: np.random.Generator) -> str:
    """Return a period table with ordinary and extreme numbers."""
    unit = str(rng.choice(list(DAYS)))
    patients = int(rng.choice([1, 2, 3, 5, 12, 60]))
    extreme = rng.random() < 0.7
    rows = [f"patient,treatment,relapses,{unit}"]
    for patient in range(patients):
        for treatment in ("rituximab", "tocilizumab"):
            count, years = int(rng.poisson(2)), float(rng.uniform(0.2, 4))
            if extreme and rng.random() < 0.4:
                count = int(rng.choice(COUNTS, p=_mostly_inside(len(COUNTS), 2)))
            if extreme and rng.random() < 0.4:
                years = float(rng.choice(YEARS, p=_mostly_inside(len(YEARS), 4)))
            rows.append(f"P{patient},{treatment},{count},{years * DAYS[unit]!r}")
    return "\n".join(rows) + "\n"


def _mostly_inside(places: int, outside: int) -> list[float]:
    """Return probabilities of which those of the places outside of the limits are small."""
    ends = {2: (0, 2), 4: (2, 2)}[outside]
    weights = np.ones(places)
    weights[: ends[0]] = 0.02
    weights[places - ends[1] :] = 0.02
    return [float(weight) for weight in weights / weights.sum()]


def random_choices(rng: np.random.Generator) -> str:
    """Return a configuration with numbers in their range; in one of four, one is a little beyond."""
    outside = str(rng.choice(list(OUTSIDE))) if rng.random() < 0.25 else ""
    lines = [OUTSIDE[outside]] if outside in ("level", "replicates", "seed") else []
    if outside != "level":
        lines.append(f"level = {float(rng.choice([0.5, 0.8, 0.95, 0.99, 0.9999, 1e-6, 1 - 1e-9]))!r}")
    if outside != "replicates":
        lines.append(f"replicates = {rng.choice([200, 500, 2000], p=[0.5, 0.3, 0.2])}")
    if outside != "seed":
        lines.append(f"seed = {rng.choice([0, 1, 20260101, 2**63 - 1])}")
    choice = rng.random()
    lines += ['likelihood = "negative_binomial"'] if choice < 0.3 else []
    lines += ['entry = "relapse_on_reference"'] if choice > 0.8 else []
    lines += _random_background(rng, outside)
    return "\n".join([*lines, "[priors]", *_random_priors(rng, outside)]) + "\n"


def _random_background(rng: np.random.Generator, outside: str) -> list[str]:
    if outside == "background":
        return [OUTSIDE[outside]]
    if rng.random() < 0.7:
        return []
    ratio, sd = 10 ** rng.uniform(-3.9, 3.9), rng.choice([0, 1e-9, 0.2, 4.9])
    return ["[background]", f"ratio = {float(ratio)}", f"sd = {float(sd)}"]


def _random_priors(rng: np.random.Generator, outside: str) -> list[str]:
    lines = [OUTSIDE[outside]] if outside in ("log_rate", "sd_rate") else []
    for name in ("log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio", "overdispersion"):
        mean = f"mean = {float(rng.uniform(-10, 10))}, " if name.startswith("log") else ""
        if name != outside and rng.random() < 0.6:
            lines.append(f"{name} = {{ {mean}sd = {float(10 ** rng.uniform(-2, 1))} }}")
    return lines


def through_the_table_commands(table: str, folder: Path) -> dict[str, Outcome]:
    """Return how check, describe and rates end."""
    path = folder / "periods.csv"
    path.write_text(table)
    found = {name: run([name, str(path)], folder) for name in ("check", "describe", "rates")}
    checked = run(["check", str(path), "--json"], folder)
    said = json.loads(checked.output) if checked.code == 0 else {}
    if said.get("valid") and said["comparison"]["reason"] is None and found["rates"].code == 2:
        found["valid, and rates refuses it"] = Outcome(1, found["rates"].error, 0.0, 0.0)
    return found


def through_the_choices(table: str, chosen: str, folder: Path, command: str) -> dict[str, Outcome]:
    """Return how a command with a configuration ends."""
    (folder / "periods.csv").write_text(table)
    (folder / "analysis.toml").write_text(chosen)
    engine = [] if command == "sensitivity" else ["--engine", "quadrature"]
    options = [*engine, "--config", str(folder / "analysis.toml")]
    out = ["--out", str(folder / "report")] if command == "report" else []
    return {command: run([command, str(folder / "periods.csv"), *options, *out], folder)}


def tell(name: str, found: dict[str, Outcome], kept: dict[str, str]) -> int:
    """Print what is wrong, with the input; return the number of faults."""
    faults = 0
    for command, outcome in found.items():
        if outcome.faults:
            faults += 1
            print(f"{name} {command}: {', '.join(outcome.faults)}\n{outcome.error[-600:]}")
            for what, text in kept.items():
                print(f"--- {what}\n{text[:800]}")
        else:
            print(
                f"{name} {command}: {outcome.code}, {outcome.seconds:.1f} s, {outcome.gigabytes:.2f} GB",
                flush=True,
            )
    return faults


def summary(outcomes: list[Outcome]) -> str:
    """Return how many commands ended with each code, the slowest and the largest."""
    codes = Counter(str(outcome.code) for outcome in outcomes)
    counted = ", ".join(f"{times} ended with {code}" for code, times in sorted(codes.items()))
    slowest = max(outcome.seconds for outcome in outcomes)
    largest = max(outcome.gigabytes for outcome in outcomes)
    return f"{len(outcomes)} commands: {counted}; slowest {slowest:.1f} s, largest {largest:.2f} GB"


def fuzz(tables: int, choices: int, seed: int, minutes: float) -> int:
    """Run everything, small tables first, until the time is over; return the number of faults."""
    rng, faults, end = np.random.default_rng(seed), 0, time.monotonic() + 60 * minutes
    only = sorted((random_table(rng) for _ in range(tables)), key=len)
    chosen = sorted(((random_table(rng), random_choices(rng)) for _ in range(choices)), key=_size)
    commands = [str(rng.choice(["rates", "sensitivity", "report"], p=[0.7, 0.15, 0.15])) for _ in chosen]
    ran: dict[str, list[Outcome]] = {"tables": [], "choices": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number, table in enumerate(only):
            if time.monotonic() > end:
                print(f"stopped: {number} of {tables} tables ran")
                break
            found = through_the_table_commands(table, folder)
            faults += tell(f"table {number}", found, {"table": table})
            ran["tables"] += found.values()
        for number, ((table, choice), command) in enumerate(zip(chosen, commands, strict=True)):
            if time.monotonic() > end:
                print(f"stopped: {number} of {choices} choices ran")
                break
            found = through_the_choices(table, choice, folder, command)
            faults += tell(f"choices {number}", found, {"table": table, "choices": choice})
            ran["choices"] += found.values()
    for what, outcomes in ran.items():
        if outcomes:
            print(f"{what}: {summary(outcomes)}")
    return faults


def _size(case: tuple[str, str]) -> int:
    return len(case[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--choices", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="stop when they are over")
    given = parser.parse_args()
    found = fuzz(given.tables, given.choices, given.seed, given.minutes)
    print(f"{found} faults")
    sys.exit(min(found, 1))
