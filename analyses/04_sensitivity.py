"""How much of the ratio survives other assumptions, what does no effect look like, and what would tip it?

Usage: python analyses/04_sensitivity.py
"""

from pathlib import Path

import pandas as pd

import nmo_stats as nmo
from nmo_stats import hierarchical, sensitivity

OUTPUT = Path(__file__).parent / "output"
SEED = 20130301
REPLICATES = 2000
# What a series like this one would show with no effect, if you know it: sensitivity.Background(ratio=0.5,
# sd=0.2)
BACKGROUND = None


def main() -> None:
    pair = nmo.load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    fit = hierarchical.fit(pair, seed=SEED)
    plan = sensitivity.Plan(background=BACKGROUND, simulation=sensitivity.Simulation(REPLICATES, SEED))
    found = sensitivity.run(pair, fit=fit, plan=plan)
    OUTPUT.mkdir(exist_ok=True)
    found.to_frame().to_csv(OUTPUT / "04_sensitivity.csv", index=False)
    designs = [line for design in found.designs for line in design.to_dicts()]
    pd.DataFrame(designs).to_csv(OUTPUT / "04_no_effect.csv", index=False)
    print(" ".join(found.summary), end="\n\n")
    for row in found.rows:
        if row.family != "benchmark" and row.method in (
            None,
            fit.method,
            "conditional_exact",
            "empirical_bayes",
        ):
            print(found.sentence(row))
    print("\nWith no effect at all, mean rate as in these patients:")
    for design in found.designs:
        for spread in design.spreads if design.is_headline else ():
            print(
                f"{design.rule_name:12} {spread.method:24} median {spread.median:.3f}, observed "
                f"{spread.observed:.3f} or less in "
                f"{100 * spread.at_or_below:.1f} % of {spread.replicates} series"
            )


if __name__ == "__main__":
    main()
