"""How often and when did the patients relapse on each drug, and how did their EDSS change?

Usage: python analyses/01_describe.py
"""

from pathlib import Path

import nmo_stats as nmo
from nmo_stats import describe

OUTPUT = Path(__file__).parent / "output"


def main() -> None:
    cohort = nmo.load_example("ayzenberg2013")
    rates, disability = describe.arr(cohort), describe.edss(cohort, rule="msprog")
    pair = cohort.compare("tocilizumab", reference="rituximab")
    first, mean = describe.first_relapse(pair), describe.accumulation(pair)
    paired = describe.paired_edss(cohort, pair)
    OUTPUT.mkdir(exist_ok=True)
    first.to_frame().to_csv(OUTPUT / "01_first_relapse.csv", index=False)
    paired.per_patient.to_csv(OUTPUT / "01_paired_edss.csv", index=False)
    rates.to_frame().to_csv(OUTPUT / "01_arr.csv", index=False)
    disability.per_period.to_csv(OUTPUT / "01_edss.csv", index=False)
    print(
        rates.pooled[["treatment", "patients", "relapses", "years", "arr", "low", "high", "median_arr"]]
        .round(3)
        .to_string(index=False)
    )
    print(disability.per_treatment[["treatment", "worsened", "stable", "improved"]].to_string(index=False))
    for name, curve in first.curves.items():
        print(
            f"{name}: {curve.relapsed} of {curve.patients} relapsed, median {12 * curve.median:.1f} "
            f"months to the first relapse"
        )
    for name, reason in mean.reasons.items():
        print(f"{name}: no mean cumulative number of relapses, {reason}")
    if paired.shift and paired.tests:
        sign, rank = paired.tests
        print(
            f"EDSS change, {paired.comparator} minus {paired.reference}: {paired.shift.estimate:.3f} points; "
            f"sign test p {sign.p_value:.2g}, signed ranks p {rank.p_value:.2g}, smallest possible "
            f"{sign.smallest_p_value:.2g}"
        )
    for notice in cohort.notices:
        print(f"note: {notice.text}")


if __name__ == "__main__":
    main()
