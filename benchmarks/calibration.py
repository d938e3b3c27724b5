"""Simulation-based calibration of both engines: 10,000 series by quadrature, 300 by NUTS.

Run by hand (hours on one core); finished blocks are kept, so that it goes on where it stopped:

    python benchmarks/calibration.py FOLDER [NAME ...]

writes benchmarks/results/calibration.csv (the empirical distributions) and calibration.md (the tests).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from nmo_stats.operating import Execution
from nmo_stats.operating.calibration import Setting, calibrate

TIMES = ((32 / 12, 21 / 12), (8 / 12, 18 / 12), (4 / 12, 9 / 12))
BASE = Setting(TIMES)
STUDIES = {
    "quadrature": (BASE, 10_000),
    "quadrature, entry by a relapse": (replace(BASE, entry="relapse_on_reference"), 10_000),
    "quadrature, negative binomial": (replace(BASE, likelihood="negative_binomial"), 1_000),
    "quadrature, negative binomial, entry by a relapse": (
        replace(BASE, likelihood="negative_binomial", entry="relapse_on_reference"),
        1_000,
    ),
    "nuts": (replace(BASE, engine="nuts"), 300),
    "nuts, entry by a relapse": (replace(BASE, engine="nuts", entry="relapse_on_reference"), 300),
    "nuts, negative binomial": (replace(BASE, engine="nuts", likelihood="negative_binomial"), 300),
}


def main(folder: Path, names: list[str]) -> None:
    for name in names or list(STUDIES):
        setting, replicates = STUDIES[name]
        start = time.perf_counter()

        def progress(done: int, total: int, name: str = name, start: float = start) -> None:
            print(f"{name}: {done} of {total}, {time.perf_counter() - start:.0f} s", flush=True)

        found = calibrate(setting, replicates, execution=Execution(folder=folder, progress=progress))
        print(found.uniformity().assign(study=name, failed=found.failed).to_string(index=False), flush=True)
        found.probabilities.round(6).to_parquet(folder / f"{name}.study.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
