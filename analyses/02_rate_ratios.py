"""What ratio of relapse rates do the exact and likelihood methods give, and what would papers print?

Usage: python analyses/02_rate_ratios.py
"""

from pathlib import Path

import pandas as pd

import nmo_stats as nmo
from nmo_stats import describe, glm
from nmo_stats.estimators.classical import classical_rates

OUTPUT = Path(__file__).parent / "output"


def main() -> None:
    pair = nmo.load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    found = classical_rates(pair)
    table = pd.DataFrame([ratio.to_dict() for ratio in found.estimates])[
        ["method", "estimand", "estimate", "low", "high", "p_value"]
    ]
    OUTPUT.mkdir(exist_ok=True)
    table.to_csv(OUTPUT / "02_rate_ratios.csv", index=False)
    print(table.round(4).to_string(index=False))
    for refusal in found.refusals:
        print(f"{refusal.method}: not identified: {refusal.reason}")

    print("\nWhat papers print for the same patients, and why not to:")
    sandwich, ranks = glm.gee_sandwich(pair).rate_ratio(), describe.wilcoxon(pair)
    limits = f"{sandwich.interval.low:.4f} to {sandwich.interval.high:.4f}"
    print(
        f"textbook GEE sandwich: {sandwich.estimate:.4f} ({limits}), p = {sandwich.p_value:.4f}; "
        f"{sandwich.cautions[0].text}"
    )
    reach = "can" if ranks.can_reach() else "cannot"
    print(
        f"Wilcoxon on the individual ARRs: p = {ranks.p_value:.2f}; the smallest it can be is "
        f"{ranks.smallest_p_value:.2f}: {reach} reach 0.05"
    )


if __name__ == "__main__":
    main()
