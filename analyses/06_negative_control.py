"""Which intervals see that a placebo arm got no drug? The progabide trial, before and after placebo.

In the placebo arm nothing was given between the two periods, so that the true ratio is about 1, and an
interval that excludes 1 is too short. A count of seizures in a patient varies more than a Poisson count; the
exact and the Poisson intervals do not know it.

Usage: python analyses/06_negative_control.py
"""

from pathlib import Path

import pandas as pd

import nmo_stats as nmo
from nmo_stats import hierarchical
from nmo_stats.names import METHODS
from nmo_stats.rates import all_rates
from nmo_stats.wording import ratio_text

OUTPUT = Path(__file__).parent / "output"
SEED = 19900301


def main() -> None:
    placebo = nmo.load_example("thall_vail1990").where(arm="placebo")
    pair = placebo.compare("after", reference="before")
    found = all_rates(hierarchical.fit(pair, seed=SEED))
    reading = found.recommendation
    rows = [
        {
            "method": ratio.method,
            "estimate": ratio.estimate,
            "low": ratio.interval.low,
            "high": ratio.interval.high,
            "excludes_1": not ratio.interval.contains(1.0),
            "cautions": " ".join(caution.code for caution in ratio.cautions),
            "recommended": ratio.method == reading.method,
        }
        for ratio in found.estimates
    ]
    OUTPUT.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(OUTPUT / "06_negative_control.csv", index=False)
    before, after = pair.totals
    print(
        f"{len(pair.patients)} patients on placebo: {after} seizures after, {before} before, in equal times"
    )
    for ratio, row in zip(found.estimates, rows, strict=True):
        mark = "EXCLUDES 1" if row["excludes_1"] else "covers 1"
        print(f"{METHODS[ratio.method].name:36} {ratio_text(ratio):24} {mark:10} {row['cautions']}")
    print(reading.text)


if __name__ == "__main__":
    main()
