"""What the curves over the time on a treatment share: steps, patients at risk, values at a few times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

import numpy as np
import pandas as pd

from nmo_stats.arguments import number
from nmo_stats.arrays import Counts, Floats
from nmo_stats.estimate import json_number

LANDMARK_MONTHS: Final = (6, 12, 24)
SHORT_LANDMARK_MONTHS: Final = (1, 3)
_TIE: Final = 1e-12


class StepCurve:
    """A quantity of the patients on one treatment that changes in steps.

    Its ``curve`` has ``years``, patients ``at_risk`` just before, the ``quantity`` with its limits ``low``
    and ``high``, and where it differs the lower limit ``low_after`` that holds between its times.
    """

    quantity: ClassVar[str]
    treatment: str
    patients: int
    curve: pd.DataFrame

    @property
    def follow_up_years(self) -> float:
        """Years of the last row of the curve."""
        return float(self.curve["years"].iloc[-1])

    @property
    def last(self) -> float:
        """Years up to which the quantity is known."""
        return self.follow_up_years

    def _at(self, months: float) -> dict[str, float] | None:
        """Return months, patients at risk, value and limits at a time; None where it is not known."""
        months = number("months", months, 0)
        years, times = months / 12, self.curve["years"].to_numpy()
        if years > self.last:
            return None
        values = self.curve.iloc[int(np.searchsorted(times, years * (1 + _TIE), side="right")) - 1]
        following = self.curve.iloc[int(np.searchsorted(times, years * (1 - _TIE), side="left")) :]
        is_between = following.empty or following["years"].iloc[0] > values["years"]
        low = "low_after" if is_between and "low_after" in self.curve else "low"
        return {
            "months": months,
            "at_risk": 0 if following.empty else int(following["at_risk"].iloc[0]),
            self.quantity: float(values[self.quantity]),
            "low": float(values[low]),
            "high": float(values["high"]),
        }

    def _numbers(self) -> dict[str, object]:
        """Return the numbers beside the curve as JSON can hold them."""
        return {}

    def _fields(self, landmarks: Iterable[int]) -> dict[str, object]:
        """Return everything but the curve as JSON can hold it."""
        rows = [at for months in landmarks if (at := self._at(months))]
        plain = [
            {name: value if isinstance(value, int) else json_number(value) for name, value in row.items()}
            for row in rows
        ]
        return {
            "treatment": self.treatment,
            "patients": self.patients,
            **self._numbers(),
            f"{self.quantity}s": plain,
        }


C = TypeVar("C", bound=StepCurve)


@dataclass(frozen=True, eq=False)
class Curves(Generic[C]):
    """Curves by treatment, where the relapse times allow them.

    Parameters
    ----------
    curves
        By treatment.
    reasons
        Why there is none, by treatment.
    level
        Confidence level of all intervals, which are pointwise.
    """

    columns: ClassVar[tuple[str, ...]]
    curves: Mapping[str, C]
    reasons: Mapping[str, str]
    level: float

    @property
    def landmarks(self) -> tuple[int, ...]:
        """6, 12 and 24 months as far as the follow-up goes; 1 and 3 months where it ends before 6."""
        longest = 12 * max((curve.follow_up_years for curve in self.curves.values()), default=0.0)
        chosen = LANDMARK_MONTHS if longest >= LANDMARK_MONTHS[0] else SHORT_LANDMARK_MONTHS
        return tuple(months for months in chosen if months <= longest)

    def to_dict(self) -> dict[str, object]:
        """Return the numbers at a few times, as JSON can hold them.

        Returns
        -------
        dict
            Without the curves, which are in :meth:`to_frame`.
        """
        return {
            "level": self.level,
            "treatments": [curve._fields(self.landmarks) for curve in self.curves.values()],
            "not_available": dict(self.reasons),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return all curves below each other.

        Returns
        -------
        DataFrame
            The columns of the curves after ``treatment``.
        """
        columns = ["treatment", "years", "at_risk", *self.columns]
        tables = [curve.curve.assign(treatment=name)[columns] for name, curve in self.curves.items()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def n_at_risk(ends: Floats, times: Floats) -> Counts:
    """Return the number of patients at risk at each time; the end of follow-up is included."""
    return len(ends) - np.searchsorted(np.sort(ends), times, side="left")
