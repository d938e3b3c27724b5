"""How do all intervals behave at 1 to 30 patients? The coverage map: 448 designs, every estimator.

    python analyses/07_coverage_map.py [REPLICATES] [WORKERS] [CELLS] [--renew PATIENTS]

400 series a cell, two processes and all cells by default; fewer cells are the first ones. The map that ships
with the package (data/coverage_map) was made with 2,000, by `python analyses/07_coverage_map.py 2000 2` and a
copy of what it wrote. `--renew 1` computes the cells with one patient only and takes all others from that
map, if the same code made them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from nmo_stats import figures
from nmo_stats.operating import Design, Execution, coverage_map

ROWS = (
    ("Fixed times", "fixed", False),
    ("Fixed times, overdispersed", "fixed", True),
    ("Switch after a relapse", "triggered", False),
)
OUTPUT = Path(__file__).parent / "output" / "coverage_map"


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel for each rate, rule of switching and kind of counts."""
    with figures.styled():
        figure = Figure(figsize=(10, 12), layout="constrained")
        panels = figure.subplots(len(ROWS), 2, sharex=True, sharey=True)
        for row, (words, rule, is_overdispersed) in zip(panels, ROWS, strict=True):
            for axes, arr in zip(row, coverage_map.REFERENCE_ARRS, strict=True):
                chosen = table[(table["rule"] == rule) & (table["reference_arr"] == arr)]
                chosen = chosen[(chosen["overdispersion"] > 0) == is_overdispersed]
                figures.coverage_map(chosen, axes).set_title(f"{words}; {arr:g} a year")
                axes.label_outer()
        figure.suptitle(
            "How many of 100 intervals (95 %) hold the true ratio: the least over true ratios 1 to 0.05",
            fontsize=10,
        )
    return figure


def computed(options: argparse.Namespace, designs: tuple[Design, ...]) -> pd.DataFrame:
    """Compute the cells, with their progress on a terminal."""
    start = time.perf_counter()

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(
                f"\r{done:,} of {total:,} series, {time.perf_counter() - start:.0f} s",
                end="",
                file=sys.stderr,
            )

    execution = Execution(workers=options.workers, folder=OUTPUT / "cells", progress=progress)
    table = coverage_map.make(options.replicates, designs, execution=execution)
    print(
        f"{len(designs)} cells of {options.replicates} series in {time.perf_counter() - start:.0f} s: "
        f"{OUTPUT}"
    )
    return table


def arguments() -> argparse.Namespace:
    """Return the choices on the command line."""
    parser = argparse.ArgumentParser(description="How all intervals behave where the truth is known.")
    parser.add_argument("replicates", type=int, nargs="?", default=400)
    parser.add_argument("workers", type=int, nargs="?", default=2)
    parser.add_argument("cells", type=int, nargs="?", default=None)
    parser.add_argument("--renew", type=int, metavar="PATIENTS", default=None)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    designs = coverage_map.cells()[: options.cells]
    if options.renew is not None:
        designs = tuple(design for design in designs if design.patients == options.renew)
    table = computed(options, designs)
    if options.renew is not None:
        table = coverage_map.renewed(table, options.replicates)
    coverage_map.write(table, options.replicates, OUTPUT)
    draw(table).savefig(OUTPUT / "coverage_map.png", dpi=160)
    least = table.dropna(subset=["coverage"]).groupby(["rule", "method"], sort=False)["coverage"].min()
    print("least coverage over all cells:")
    print(least.round(3).to_string())


if __name__ == "__main__":
    main()
