"""What does the hierarchical model say of a typical patient, of each patient, and of the year ahead?

Usage: python analyses/03_hierarchical.py
"""

from pathlib import Path

import nmo_stats as nmo
from nmo_stats import diagnostics, hierarchical
from nmo_stats.wording import ratio_text

OUTPUT = Path(__file__).parent / "output"
SEED = 20130301


def main() -> None:
    pair = nmo.load_example("ayzenberg2013").compare("tocilizumab", reference="rituximab")
    fit = diagnostics.gate(hierarchical.fit(pair, seed=SEED))
    OUTPUT.mkdir(exist_ok=True)
    for name, table in (
        ("parameters", fit.parameters()),
        ("patient_rate_ratios", fit.patient_rate_ratios()),
        ("predictions", fit.predict(years=1.0)),
    ):
        table.to_csv(OUTPUT / f"03_{name}.csv", index=False)
    print(f"typical patient: {ratio_text(fit.rate_ratio())}")
    print(
        f"P(ratio < 1) = {fit.probability_below(1.0):.3f}, P(ratio < 0.5) = {fit.probability_below(0.5):.3f}"
    )
    print(f"a new patient: {ratio_text(fit.rate_ratio_new_patient())}")
    print(fit.patient_rate_ratios().round(3).to_string(index=False))
    print(hierarchical.leave_one_patient_out(fit.model).round(3).to_string(index=False))
    print(hierarchical.with_priors(fit.model).round(3).to_string(index=False))
    for check in diagnostics.check(fit):
        verdict = "passed" if check.passed else "noted "
        print(f"{verdict}  {check.name}: {check.value:.4g} (limit {check.limit:g}) {check.advice}".rstrip())


if __name__ == "__main__":
    main()
