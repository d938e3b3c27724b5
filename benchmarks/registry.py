"""A synthetic registry: dated courses of rituximab, then tocilizumab, and dated relapses."""

from __future__ import annotations

import numpy as np
import pandas as pd

RELAPSES_PER_YEAR, RATIO = 1.2, 0.3


def event_tables(
    patients: int, seed: int, relapses_per_year: float = RELAPSES_PER_YEAR
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return treatments and relapses, shuffled, with ISO dates as text.

    Rates vary between patients (gamma, coefficient of variation 0.7); some relapses come before the first
    course, some between the two, and some within 30 days of another.
    """
    rng = np.random.default_rng(seed)
    number = np.arange(patients)
    names = np.char.add("P", np.char.zfill(number.astype(str), 6))
    first = np.datetime64("2008-01-01") + rng.integers(0, 2000, patients)
    switch = first + rng.integers(200, 2200, patients)
    second = switch + np.where(rng.random(patients) < 0.5, 0, rng.integers(1, 90, patients))
    visit = second + rng.integers(200, 1500, patients)
    rate = rng.gamma(2, relapses_per_year / 2, patients)
    spans = (
        (first - 300, first, rate),
        (first, switch, rate),
        (switch, second, rate),
        (second, visit, rate * RATIO),
    )
    who, days = [], []
    for begin, end, per_year in spans:
        length = (end - begin).astype(int)
        counts = rng.poisson(per_year * length / 365.25)
        owner = np.repeat(number, counts)
        who.append(owner)
        days.append(begin[owner] + 1 + np.floor(rng.random(len(owner)) * length[owner]).astype(int))
    owner, day = np.concatenate(who), np.concatenate(days)
    ended = rng.random(patients) < 0.3
    treatments = pd.DataFrame(
        {
            "patient": np.concatenate([names, names]),
            "treatment": np.repeat(["rituximab", "tocilizumab"], patients),
            "start": np.concatenate([first, second]).astype(str),
            "end": np.concatenate([switch.astype(str), np.where(ended, visit.astype(str), "")]),
            "last_visit": np.concatenate([visit, visit]).astype(str),
            "sex": np.tile(np.where(rng.random(patients) < 0.85, "F", "M"), 2),
        }
    )
    relapses = pd.DataFrame({"patient": names[owner], "onset": day.astype(str)})
    return (
        treatments.sample(frac=1, random_state=seed, ignore_index=True),
        relapses.sample(frac=1, random_state=seed + 1, ignore_index=True),
    )
