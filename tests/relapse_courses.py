"""Cohorts with relapse times, built from plain lists, for the tests of timing and of the figures."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nmo_stats.cohort import Cohort


def cohort_with_times(*courses):
    """Build a cohort of (patient, treatment, months, relapses, times in months, numbers of these or None)."""
    frame = pd.DataFrame(
        [(patient, treatment, relapses, months) for patient, treatment, months, relapses, *_ in courses],
        columns=["patient", "treatment", "relapses", "exposure_months"],
    )
    frame["period"] = frame.groupby("patient").cumcount() + 1
    rows, years, numbers = [], [], []
    for row, (_, _, _, _, times, *numbered) in enumerate(courses):
        rows += [row] * len(times)
        years += [month / 12 for month in times]
        numbers += list(numbered[0]) if numbered else [0] * len(times)
    columns = {
        "row": np.array(rows, dtype=np.int64),
        "years": np.array(years, dtype=np.float64),
        "number": np.array(numbers, dtype=np.int64),
    }
    return replace(Cohort.from_frame(frame), relapse_times=pd.DataFrame(columns))


def simulated(patients, seed=0, known=1.0):
    """A cohort of two drugs whose rates vary, with whole months and a proportion of known relapse times."""
    rng = np.random.default_rng(seed)
    courses = []
    for patient in range(patients):
        frailty = rng.gamma(2, 0.5)
        for treatment, rate in (("old", 1.6), ("new", 0.5)):
            months = int(rng.integers(3, 40))
            times = np.sort(rng.random(rng.poisson(frailty * rate * months / 12))) * months
            timed = [time for time in times if rng.random() < known]
            courses.append((f"P{patient}", treatment, months, len(times), timed))
    return cohort_with_times(*courses)
