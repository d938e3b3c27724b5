"""Time of the sensitivity analysis: on the founding example, its simulation alone, and larger cohorts.

Usage: python benchmarks/sensitivity_speed.py [--repeats 3] [--patients 3 12 60]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import nmo_stats as nmo
from nmo_stats import hierarchical, sensitivity
from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical import Model
from nmo_stats.sensitivity import RULES, Simulation, benchmark, headline_population


def cohort(patients: int, seed: int = 1) -> Comparison:
    """Return the founding example, or simulated patients with rates around 1 per year and a ratio of 0.4."""
    if patients == 3:
        return nmo.load_example().compare("tocilizumab", reference="rituximab")
    rng = np.random.default_rng(seed)
    years = rng.uniform(0.5, 4, (patients, 2))
    return Comparison.from_arrays(rng.poisson(rng.gamma(2, 0.5, (patients, 1)) * years * [1, 0.4]), years)


def simulation(replicates: int) -> None:
    """Print the time of the four designs with all estimators, the hierarchical one among them."""
    pair = cohort(3)
    start = time.perf_counter()
    for name, rule in RULES.items():
        begun = time.perf_counter()
        benchmark(pair, headline_population(pair), rule, Simulation(replicates), Model(pair))
        print(f"{replicates:>7} series, {name:<12} {time.perf_counter() - begun:6.2f} s")
    print(f"{replicates:>7} series, all designs  {time.perf_counter() - start:6.2f} s")


def whole(patients: int, repeats: int) -> None:
    """Print the time of the whole analysis, beside that of the fit it starts from."""
    pair = cohort(patients)
    for _ in range(repeats):
        begun = time.perf_counter()
        fit = hierarchical.fit(pair, seed=1)
        fitted = time.perf_counter()
        found = sensitivity.run(pair, fit=fit)
        done = time.perf_counter()
        print(
            f"{patients:>7} patients: fit {fitted - begun:5.2f} s, sensitivity {done - fitted:6.2f} s, "
            f"{len(found.rows)} rows"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--patients", type=int, nargs="+", default=[3, 12, 60])
    options = parser.parse_args()
    for replicates in (2_000, 10_000):
        simulation(replicates)
    for patients in options.patients:
        whole(patients, options.repeats if patients < 20 else 1)


if __name__ == "__main__":
    main()
