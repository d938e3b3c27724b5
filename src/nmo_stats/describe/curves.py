"""Reading a curve over the time on a treatment at a few times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

LANDMARK_MONTHS: Final = (6, 12, 24)
SHORT_LANDMARK_MONTHS: Final = (1, 3)
_TIE: Final = 1e-12


def landmark_months(follow_up_years: Iterable[float]) -> tuple[int, ...]:
    """Return 6, 12 and 24 months as far as the longest follow-up goes; 1 and 3 months where it ends before 6.

    Examples
    --------
    >>> landmark_months([0.4, 1.5]), landmark_months([0.3]), landmark_months([])
    ((6, 12), (1, 3), ())
    """
    longest = 12 * max(follow_up_years, default=0.0)
    chosen = LANDMARK_MONTHS if longest >= LANDMARK_MONTHS[0] else SHORT_LANDMARK_MONTHS
    return tuple(months for months in chosen if months <= longest)


def value_at(curve: pd.DataFrame, years: float, name: str) -> dict[str, float]:
    """Return a step curve's value and limits at a time, and the patients at risk just before it.

    Between the times of the curve its ``low_after`` holds, where it has one.
    """
    times = curve["years"].to_numpy()
    place = int(np.searchsorted(times, years * (1 + _TIE), side="right")) - 1
    row = curve.iloc[place]
    later = int(np.searchsorted(times, years * (1 - _TIE), side="left"))
    at_risk = int(curve["at_risk"].iloc[later]) if later < len(times) else 0
    is_between = later > place and "low_after" in curve
    low = row["low_after" if is_between else "low"]
    return {"at_risk": at_risk, name: float(row[name]), "low": float(low), "high": float(row["high"])}
