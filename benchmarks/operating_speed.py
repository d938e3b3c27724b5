"""Ten thousand cohorts of the example's design, every estimator, on all cores of this machine."""

from __future__ import annotations

import os
import time

import nmo_stats as nmo
from nmo_stats.operating import Design, Execution, simulate

REPLICATES = 10_000


def main() -> None:
    pair = nmo.load_example().compare("tocilizumab", reference="rituximab")
    for rule in ("fixed", "triggered"):
        design = Design(3, tuple(map(tuple, pair.years.tolist())), 2.0, 0.5, rule=rule)
        for workers in (1, os.cpu_count() or 1):
            start = time.perf_counter()
            simulate(design, replicates=REPLICATES, execution=Execution(workers=workers))
            print(f"{rule}, {workers} workers: {REPLICATES:,} cohorts in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
