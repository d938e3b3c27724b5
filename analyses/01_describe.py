"""How often did the patients relapse on each drug, and how did their EDSS change?

Usage: python analyses/01_describe.py
"""

from pathlib import Path

import nmo_stats as nmo
from nmo_stats import describe

OUTPUT = Path(__file__).parent / "output"


def main() -> None:
    cohort = nmo.load_example("ayzenberg2013")
    rates, disability = describe.arr(cohort), describe.edss(cohort, rule="msprog")
    OUTPUT.mkdir(exist_ok=True)
    rates.to_frame().to_csv(OUTPUT / "01_arr.csv", index=False)
    disability.per_period.to_csv(OUTPUT / "01_edss.csv", index=False)
    print(
        rates.pooled[["treatment", "patients", "relapses", "years", "arr", "low", "high", "median_arr"]]
        .round(3)
        .to_string(index=False)
    )
    print(disability.per_treatment[["treatment", "worsened", "stable", "improved"]].to_string(index=False))
    for notice in cohort.notices:
        print(f"note: {notice.text}")


if __name__ == "__main__":
    main()
