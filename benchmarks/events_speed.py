"""Seconds and memory from dated events to a cohort: `python benchmarks/events_speed.py [PATIENTS]`.

Each way of giving the tables runs in a process of its own, which prints its own peak memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from registry import event_tables


def write_tables(folder: Path, patients: int) -> int:
    treatments, relapses = event_tables(patients, 1, 2.05)
    treatments.to_csv(folder / "treatments.csv", index=False)
    relapses.to_csv(folder / "relapses.csv", index=False)
    treatments.to_parquet(folder / "treatments.parquet")
    relapses.to_parquet(folder / "relapses.parquet")
    return len(relapses)


def measure(folder: Path, kind: str) -> None:
    import nmo_stats as nmo

    start = time.perf_counter()
    tables = [folder / f"{name}.csv" for name in ("treatments", "relapses")]
    if kind == "frames":
        data = [pd.read_parquet(path.with_suffix(".parquet")) for path in tables]
        data[1]["onset"] = pd.to_datetime(data[1]["onset"])
        for column in ("start", "end", "last_visit"):
            data[0][column] = pd.to_datetime(data[0][column].replace("", None))
    else:
        data = [path.with_suffix(f".{kind}") for path in tables]
    nmo.read_periods  # noqa: B018  the import of pandas is not the reading
    nmo.read_events  # noqa: B018
    ready, busy = time.perf_counter(), time.process_time()
    cohort = nmo.read_events(*data)
    done, cpu = time.perf_counter(), time.process_time() - busy
    pair = cohort.compare("tocilizumab", reference="rituximab")
    paired = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{kind:8s} to cohort {done - ready:5.2f} s ({cpu:.2f} s of processor time), to comparison "
        f"{paired - ready:5.2f} s (import and frames {ready - start:.2f} s), "
        f"peak {memory:.2f} GB; {len(cohort.patients)} patients, {pair.totals} relapses"
    )


def main() -> None:
    if len(sys.argv) > 2:
        measure(Path(sys.argv[1]), sys.argv[2])
        return
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        rows = write_tables(Path(folder), patients)
        print(f"{patients} patients, {rows} relapses")
        for kind in ("csv", "frames", "parquet"):
            subprocess.run([sys.executable, __file__, folder, kind], check=True)


if __name__ == "__main__":
    main()
