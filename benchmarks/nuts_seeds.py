"""Convergence of the NUTS engine on the founding example with default settings, over 20 seeds.

Usage: python benchmarks/nuts_seeds.py [seeds] [tune] [draws]
"""

import sys
import time

import nmo_stats as nmo
from nmo_stats import hierarchical


def main(seeds: int, options: hierarchical.Nuts) -> int:
    pair = nmo.load_example().compare("tocilizumab", reference="rituximab")
    print(
        f"{options}\nseed  seconds  R-hat  bulk ESS  tail ESS  MCSE limits/sd  divergences  median (95 % "
        f"interval)"
    )
    failed = 0
    for seed in range(1, seeds + 1):
        start = time.perf_counter()
        fit = hierarchical.fit(pair, engine=options, seed=seed)
        seconds = time.perf_counter() - start
        found = fit.convergence
        failed += bool(found.failures)
        median, low, high = fit.posterior.quantile("log_rate_ratio", (0.5, 0.025, 0.975))
        print(
            f"{seed:4d}  {seconds:7.1f}  {found.r_hat.max():.4f}  {found.ess_bulk.min():8.0f}  "
            f"{found.ess_tail.min():8.0f}"
            f"  {found.mcse_limits.max():14.3f}  {found.divergences:11d}  {exponential(median)} "
            f"({exponential(low)} to {exponential(high)})",
            flush=True,
        )
    print(f"{seeds - failed} of {seeds} seeds passed every check")
    return int(failed > 0)


def exponential(log_ratio: float) -> str:
    return f"{2.718281828459045**log_ratio:.4f}"


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    default = hierarchical.Nuts()
    count, tune, draws = (*arguments, *(20, default.tune, default.draws)[len(arguments) :])
    sys.exit(main(count, hierarchical.Nuts(tune=tune, draws=draws)))
