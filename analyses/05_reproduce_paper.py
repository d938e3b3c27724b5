"""Which numbers of the founding paper follow from its own counts, times and scores?

Usage: python analyses/05_reproduce_paper.py
"""

from pathlib import Path

import nmo_stats as nmo
from nmo_stats import audit

OUTPUT = Path(__file__).parent / "output"


def main() -> None:
    cohort = nmo.load_example("ayzenberg2013")
    found = audit.run(audit.record(cohort), cohort.published)
    OUTPUT.mkdir(exist_ok=True)
    found.to_frame().to_csv(OUTPUT / "05_audit.csv", index=False)
    print(audit.summary(found))
    for one in found.of("disagrees"):
        print(f"- {audit.sentence(one)}")
    print(audit.NEUTRAL)
    for reason, quantities in audit.by_reason(found).items():
        print(f"not recomputable ({reason}): {audit.times_text(quantities)}")


if __name__ == "__main__":
    main()
