"""What a method says about many series at once: an interval for the ratio, or a test of no difference alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmo_stats.arrays import Floats


@dataclass(frozen=True, eq=False)
class Intervals:
    """Estimates of the rate ratio with their limits; NaN where a method is not identified.

    Parameters
    ----------
    estimate, low, high
        Shape (series,); 0 and infinity are legal.
    """

    estimate: Floats
    low: Floats
    high: Floats

    @classmethod
    def none(cls, series: int) -> Intervals:
        """Return the answers of a method that is identified nowhere."""
        nowhere = np.full(series, np.nan)
        return cls(nowhere, nowhere, nowhere)

    def placed(self, where: np.ndarray) -> Intervals:
        """Return the answers spread over the series of a mask, NaN elsewhere."""
        return Intervals(*(spread(values, where) for values in (self.estimate, self.low, self.high)))

    def taken(self, places: np.ndarray) -> Intervals:
        """Return the answers at some places, repeated as often as a place is named."""
        return Intervals(self.estimate[places], self.low[places], self.high[places])


@dataclass(frozen=True, eq=False)
class PValues:
    """Two-sided p-values of a method that gives no ratio; NaN where it gives nothing.

    Parameters
    ----------
    p_value
        Shape (series,).
    """

    p_value: Floats

    def taken(self, places: np.ndarray) -> PValues:
        """Return the answers at some places, repeated as often as a place is named."""
        return PValues(self.p_value[places])


Answers = Intervals | PValues


def spread(values: Floats, where: np.ndarray) -> Floats:
    """Return the values at the places of a mask, NaN elsewhere."""
    placed = np.full(len(where), np.nan)
    placed[where] = values
    return placed
