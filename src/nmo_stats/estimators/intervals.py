"""Many series at once, and what a method says about them: intervals of the ratio, or p-values alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.cohort import Comparison


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Relapses and follow-up of many series.

    Parameters
    ----------
    relapses, years
        Shape (series, n, 2): reference, comparator. Relapses are counts, or expectations of them.
    """

    relapses: Counts | Floats
    years: Floats

    @classmethod
    def of(cls, pair: Comparison) -> Cohorts:
        """Return a comparison as one series.

        Parameters
        ----------
        pair
            The two periods.

        Returns
        -------
        Cohorts
            A series of one.
        """
        return cls(pair.relapses[None], pair.years[None])

    def __len__(self) -> int:
        return len(self.relapses)

    @property
    def has_relapses(self) -> Flags:
        """Which series have any relapse."""
        return np.asarray(self.relapses.sum(axis=(1, 2)) > 0)

    @property
    def has_relapses_in_both(self) -> Flags:
        """Which series have a relapse in each of the two periods."""
        return np.asarray((self.relapses.sum(axis=1) > 0).all(axis=1))

    def only(self, chosen: Flags | Counts) -> Cohorts:
        """Return some of the series.

        Parameters
        ----------
        chosen
            A mask, or numbers of series.

        Returns
        -------
        Cohorts
            The chosen ones.
        """
        return Cohorts(self.relapses[chosen], self.years[chosen])

    def pooled(self) -> Cohorts:
        """Return the series with all patients taken together.

        Returns
        -------
        Cohorts
            Series of one patient each.
        """
        return Cohorts(self.relapses.sum(axis=1, keepdims=True), self.years.sum(axis=1, keepdims=True))


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

    def taken(self, places: Counts) -> Intervals:
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

    def taken(self, places: Counts) -> PValues:
        """Return the answers at some places, repeated as often as a place is named."""
        return PValues(self.p_value[places])


Answers = Intervals | PValues
