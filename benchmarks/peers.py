"""The hierarchical answer beside that of the peers: same data, same model, same priors, one run.

The founding example (3 patients) and a simulated cohort of 60 patients; each peer in a process of its own.
What the peers need is in peers/README.md; one that is not installed is listed as such.

Usage: python benchmarks/peers.py [--add 1000 10000] [--only nutpie brms] [--limit 300] [--bambi-python
PYTHON]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from simulated_cohort import simulate

import nmo_stats as nmo
from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical import DEFAULT_PRIORS

HERE: Final = Path(__file__).parent
SCRIPTS: Final = HERE / "peers"
RESULTS: Final = HERE / "results" / "peers.csv"
PARAMETERS: Final = ("log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio")
NUMBERS: Final = (
    "first_call_s", "second_call_s", "whole_process_s", "estimate", "low", "high", "divergences",
    "failed_checks"
)  # fmt: skip
NOTES: Final = (
    "First call: from the data to the answer in a process that has imported the library; nmo_stats "
    "imports PyMC only",
    "then. Second call: the same answer again. Whole process: start, imports and one answer.",
    "PyMC and Bambi take C code that PyTensor compiled in an earlier run from its cache on disk.",
    "Every peer samples with its defaults; R peers use all cores from 200 patients on, and one below.",
    "nmo_stats samples again, three times as long, if a check fails; failed checks would withhold its "
    "answer.",
    "a  Gamma priors of the spreads (decov), the closest ones to the half-normal priors of the others.",
    "b  Maximum likelihood by the Laplace approximation, no priors, Wald interval.",
    "c  Compiles C++ in the first call; the second one keeps the compiled model.",
)


@dataclass(frozen=True)
class Peer:
    """A row of the table: its name, the program and arguments that answer, and the letter of its note."""

    name: str
    program: str
    script: str
    variant: str = ""
    note: str = ""

    def arguments(self, folder: Path, seed: int) -> list[str]:
        """Return the script and its arguments for a task."""
        return [self.script, str(folder), str(seed), *filter(None, [self.variant])]


def peers(bambi_python: str) -> tuple[Peer, ...]:
    """Return every peer, in the order of the table."""
    return (
        Peer("nmo_stats quadrature", sys.executable, "nmo_stats_engine.py", "quadrature"),
        Peer("nmo_stats nuts", sys.executable, "nmo_stats_engine.py", "nuts"),
        Peer("PyMC", sys.executable, "pymc_model.py", "pymc"),
        Peer("nutpie", sys.executable, "pymc_model.py", "nutpie"),
        Peer("Bambi", bambi_python, "bambi_model.py"),
        Peer("rstanarm", "Rscript", "rstanarm.R", note="a"),
        Peer("brms", "Rscript", "brms.R", note="c"),
        Peer("glmmTMB", "Rscript", "glmmtmb.R", note="b"),
    )


def cohort(patients: int, seed: int) -> Comparison:
    """Return the founding example for 3 patients, and a simulated cohort for any other number."""
    if patients == 3:
        return nmo.load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    return simulate(patients, seed)


def write_task(pair: Comparison, folder: Path) -> None:
    """Write the periods and the priors for all peers."""
    patients = len(pair.patients)
    periods = {
        "patient": np.repeat(np.arange(1, patients + 1), 2),
        "x": np.tile([-0.5, 0.5], patients),
        "years": pair.years.ravel(),
        "log_years": np.log(pair.years.ravel()),
        "relapses": pair.relapses.ravel(),
    }
    pd.DataFrame(periods).to_csv(folder / "periods.csv", index=False)
    priors = [(name, DEFAULT_PRIORS.of(name)) for name in PARAMETERS]
    rows = [(name, getattr(prior, "mean", 0.0), prior.sd) for name, prior in priors]
    pd.DataFrame(rows, columns=["parameter", "mean", "sd"]).to_csv(folder / "priors.csv", index=False)


def run(peer: Peer, folder: Path, seed: int, limit: float) -> dict[str, str | float]:
    """Return what a peer found: its numbers, version and status."""
    program = shutil.which(peer.program)
    if program is None:
        return {"status": "not installed"}
    command = [str(Path(program).absolute()), *peer.arguments(folder, seed)]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        # Files, and a session of its own: the processes that a peer starts cannot hold us up, and end with
        # it.
        process = subprocess.Popen(command, cwd=SCRIPTS, stdout=output, stderr=errors, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            seconds = time.perf_counter() - start
            end_session(process)
        output.seek(0)
        errors.seek(0)
        found = parsed(output.read())
        if "status" in found:
            return found
        return found | outcome(found, code, seconds, limit, errors.read())


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End a peer and all the processes that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def parsed(output: str) -> dict[str, str | float]:
    """Return the values of the lines that begin with RESULT or STATUS."""
    found: dict[str, str | float] = {}
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "STATUS":
            return {"status": rest.strip()}
        if kind == "RESULT":
            pairs = (item.split("=", 1) for item in rest.split())
            found |= {name: float(value) if name in NUMBERS else value for name, value in pairs}
    return found


def outcome(
    found: dict[str, str | float], code: int | None, seconds: float, limit: float, errors: str
) -> dict[str, str | float]:
    """Return the status, and the time of a whole process with one answer if there was no second one."""
    if code is None:
        call = "second call" if "first_call_s" in found else "first call"
        return {"status": f"{call} over the limit of {limit:.0f} s"}
    if code or "second_call_s" not in found:
        last = [line.strip() for line in errors.splitlines() if line.strip()][-1:]
        return {"status": f"failed: {' '.join(last)[:100]}"}
    return {"status": "done", "whole_process_s": seconds - float(found["second_call_s"])}


def table(rows: pd.DataFrame) -> str:
    """Return the rows of one cohort as aligned text."""
    shown = pd.DataFrame(
        {
            "peer": rows["peer"] + rows["note"].map(lambda note: f" ({note})" if note else ""),
            "version": rows["version"].fillna(""),
            "first call": rows["first_call_s"].map(seconds_text),
            "second call": rows["second_call_s"].map(seconds_text),
            "whole process": rows["whole_process_s"].map(seconds_text),
            "rate ratio (95 % interval)": [
                ratio_text(*row) for row in rows[["estimate", "low", "high"]].itertuples(index=False)
            ],
            "divergences": rows["divergences"].map(count_text),
            "failed checks": rows["failed_checks"].map(count_text),
            "status": rows["status"],
        }
    )
    cells = [list(shown.columns), *shown.astype(str).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = {0, 1, len(widths) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def seconds_text(seconds: float) -> str:
    """Return a time with three decimals below 1 s, two below 10 s, one below 100 s, and none above."""
    if np.isnan(seconds):
        return "-"
    decimals = 3 if seconds < 1 else 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:.{decimals}f} s"


def ratio_text(estimate: float, low: float, high: float) -> str:
    """Return a ratio with its limits; a limit that a peer could not compute stands as nan."""
    return "-" if np.isnan(estimate) else f"{estimate:.4f} ({low:.4f} to {high:.4f})"


def count_text(count: float) -> str:
    """Return a whole number, or a dash."""
    return "-" if np.isnan(count) else f"{count:.0f}"


def measure(chosen: tuple[Peer, ...], patients: int, seed: int, limit: float) -> pd.DataFrame:
    """Return one row for each peer on one cohort."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_task(cohort(patients, seed), folder)
        for peer in chosen:
            row = run(peer, folder, seed, limit)
            print(f"{patients} patients, {peer.name}: {row['status']}", file=sys.stderr, flush=True)
            rows.append({"patients": patients, "peer": peer.name, "note": peer.note} | row)
    return pd.DataFrame(rows).reindex(columns=["patients", "peer", "note", "version", *NUMBERS, "status"])


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Times and answers of nmo_stats and its peers.")
    parser.add_argument(
        "--patients", type=int, nargs="*", default=[3, 60], help="cohorts; 3: founding example"
    )
    parser.add_argument("--add", type=int, nargs="*", default=[], help="further cohorts, e.g. 1000 10000")
    parser.add_argument("--only", nargs="*", metavar="PEER", help="only the peers whose name contains this")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for each peer and cohort")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bambi-python", default=sys.executable, help="Python that has Bambi")
    parser.add_argument("--out", type=Path, default=RESULTS, help="CSV file to write")
    return parser.parse_args()


def main() -> None:
    given = parse_arguments()
    every = peers(given.bambi_python)
    chosen = tuple(
        peer
        for peer in every
        if not given.only or any(part.lower() in peer.name.lower() for part in given.only)
    )
    found = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for patients in [*given.patients, *given.add]:
        rows = measure(chosen, patients, given.seed, given.limit)
        found.append(rows)
        title = "founding example" if patients == 3 else "simulated, true ratio 0.4"
        print(f"{patients} patients, {title}\n{table(rows)}\n", flush=True)
        pd.concat(found).drop(columns="note").to_csv(given.out, index=False)
    print("\n".join(NOTES))


if __name__ == "__main__":
    main()
