"""Random tables and choices through the commands: every run ends with 0, 2 or 3, without a traceback, within 2 GB and 60 seconds.

    python benchmarks/fuzz_commands.py --tables 200 --choices 200 --seed 1

The numbers reach a little beyond what is accepted. What ``check`` calls valid, ``rates`` computes, or refuses with its reason (3).
Each command runs in a fork of this process, which has everything imported; seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import traceback
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
    resource.setrlimit(resource.RLIMIT_CPU, (2 * MOST_SECONDS, 2 * MOST_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    for stream, file in ((1, folder / "stdout.txt"), (2, errors)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.argv = ["nmo-stats", *arguments]
    code = 1
    try:
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001  what is looked for
        sys.stderr.write(traceback.format_exc())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


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
    """Return a configuration whose numbers lie in their range, or a little beyond."""
    lines = [
        f"level = {rng.choice([0.5, 0.8, 0.95, 0.99, 0.9999, 1e-6, 1 - 1e-9])!r}".replace("np.float64", "")
    ]
    lines.append(f"replicates = {rng.choice([200, 500, 2000, 100, 10**9], p=[0.4, 0.3, 0.2, 0.05, 0.05])}")
    if rng.random() < 0.3:
        lines.append('likelihood = "negative_binomial"')
    if rng.random() < 0.2:
        lines.append('entry = "relapse_on_reference"')
    if rng.random() < 0.3:
        ratio, sd = 10 ** rng.uniform(-4.5, 4.5), rng.choice([0, 1e-9, 0.2, 4.9, 6])
        lines += ["[background]", f"ratio = {float(ratio)}", f"sd = {float(sd)}"]
    lines.append("[priors]")
    for name in ("log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio", "overdispersion"):
        sd = float(10 ** rng.uniform(-2.1, 1.05))
        mean = f"mean = {float(rng.uniform(-10.5, 10.5))}, " if name.startswith("log") else ""
        if rng.random() < 0.6:
            lines.append(f"{name} = {{ {mean}sd = {sd} }}")
    return "\n".join(lines).replace("(", "").replace(")", "") + "\n"


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


def fuzz(tables: int, choices: int, seed: int) -> int:
    """Run everything and return the number of faults."""
    rng, faults = np.random.default_rng(seed), 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(tables):
            table = random_table(rng)
            faults += tell(f"table {number}", through_the_table_commands(table, folder), {"table": table})
        for number in range(choices):
            table, chosen = random_table(rng), random_choices(rng)
            command = str(rng.choice(["rates", "sensitivity", "report"], p=[0.7, 0.15, 0.15]))
            found = through_the_choices(table, chosen, folder, command)
            faults += tell(f"choices {number}", found, {"table": table, "choices": chosen})
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--choices", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = fuzz(given.tables, given.choices, given.seed)
    print(f"{found} faults")
    sys.exit(min(found, 1))
