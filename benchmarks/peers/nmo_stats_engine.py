"""The hierarchical answer of nmo_stats, by the engine named on the command line."""

from __future__ import annotations

import math

from protocol import Answer, Task, by_patient, measure, read_task, stop

import nmo_stats as nmo
from nmo_stats import hierarchical


def fit(task: Task) -> hierarchical.HierarchicalFit:
    relapses, years = by_patient(task.periods)
    return hierarchical.fit(nmo.Comparison.from_arrays(relapses, years), engine=task.variant, seed=task.seed)


def answer(fitted: hierarchical.HierarchicalFit) -> Answer:
    """Return the answer, also of a fit whose checks would withhold it: the peers have no such checks."""
    estimate, low, high = map(math.exp, fitted.posterior.quantile("log_rate_ratio", (0.5, 0.025, 0.975)))
    found = {
        "estimate": estimate,
        "low": low,
        "high": high,
        "failed_checks": len(fitted.convergence.failures),
    }
    divergences = getattr(fitted.convergence, "divergences", None)
    return found if divergences is None else {**found, "divergences": divergences}


def main() -> None:
    task = read_task()
    try:
        measure("nmo-stats", lambda: fit(task), lambda _: fit(task), answer)
    except nmo.ArgumentError as error:
        stop(f"not available: {error}")


if __name__ == "__main__":
    main()
