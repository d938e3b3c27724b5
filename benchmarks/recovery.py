"""How often the intervals of a registry-sized fit hold the truth that it was simulated from.

Usage: python benchmarks/recovery.py [--patients 10000] [--replicates 40]
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
from simulated_cohort import TRUTH, simulate

from nmo_stats import hierarchical


def main() -> None:
    options = _options()
    inside = dict.fromkeys(TRUTH, 0)
    seconds = []
    for seed in range(options.replicates):
        pair = simulate(options.patients, seed=1000 + seed)
        start = time.perf_counter()
        fit = hierarchical.fit(pair, seed=1)
        seconds.append(time.perf_counter() - start)
        for name, value in TRUTH.items():
            low, high = fit.posterior.quantile(name, (0.025, 0.975))
            inside[name] += int(low < value < high)
    error = math.sqrt(0.95 * 0.05 / options.replicates)
    print(
        f"{options.patients} patients, {options.replicates} replicates, {np.median(seconds):.2f} s each "
        f"(median)"
    )
    for name, count in inside.items():
        print(f"{name:15} {count / options.replicates:.3f} (0.95 expected, Monte Carlo error {error:.3f})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    main()
