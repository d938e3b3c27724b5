"""The answer of a method about one comparison: data, estimate, interval, p-value, cautions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, Estimand, Interval, RateRatio, require_level, require_ratio
from nmo_stats.estimators.rate_difference import pooled_rate_difference


class Fitted(Protocol):
    """What a method says about many series; every array has the shape (series,)."""

    @property
    def log_estimate(self) -> Floats:
        """Log ratios; infinite at a zero cell, NaN where the method has no number."""

    @property
    def is_poisson(self) -> bool:
        """Whether the counts are taken as Poisson within a period."""

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Return lower and upper limits of the ratio."""

    def p_values(self, ratio: float) -> Floats:
        """Return two-sided p-values of a given ratio, which agree with the limits."""


@dataclass(frozen=True, eq=False)
class ClassicalRatio:
    """The rate ratio of a comparison by an exact or likelihood method.

    Parameters
    ----------
    pair
        The two periods.
    method, estimand
        Names, as in :class:`~nmo_stats.estimate.RateRatio`.
    fitted
        The fit of the comparison as a series of one; its arrays hold one number.
    cautions_of
        Says why the number is to be read with care.
    """

    pair: Comparison
    method: str
    estimand: Estimand
    fitted: Fitted
    cautions_of: Callable[[Comparison, Fitted], tuple[Caution, ...]]

    @cached_property
    def cautions(self) -> tuple[Caution, ...]:
        """Reasons to read the ratio with care."""
        return self.cautions_of(self.pair, self.fitted)

    @property
    def log_estimate(self) -> float:
        """Logarithm of the estimated ratio; infinite at a zero cell."""
        return float(self.fitted.log_estimate[0])

    def interval(self, level: float = 0.95) -> Interval:
        """Return the interval alone: cheaper than the whole result with its cautions.

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        Interval
            At a zero cell the lower limit is 0 or the upper one infinite.

        Raises
        ------
        ArgumentError
            If the level is not between 0 and 1.
        """
        level = require_level(level)
        low, high = self.fitted.limits(level)
        return Interval(float(low[0]), float(high[0]), level, "confidence")

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the estimate with its interval, p-value and cautions.

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        RateRatio
            With the rate difference, where one rate for all patients and Poisson counts are assumed.

        Raises
        ------
        ArgumentError
            If the level is not between 0 and 1.
        """
        has_difference = self.estimand == "pooled" and self.fitted.is_poisson
        return RateRatio(
            estimate=math.exp(self.log_estimate),
            interval=self.interval(level),
            method=self.method,
            estimand=self.estimand,
            cautions=self.cautions,
            p_value=self.p_value(),
            rate_difference=pooled_rate_difference(self.pair, level) if has_difference else None,
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the two-sided p-value for a given ratio, which agrees with the interval.

        Parameters
        ----------
        ratio
            The ratio that is tested.

        Returns
        -------
        float
            Never 0: below the range of floating-point numbers the smallest of them.

        Raises
        ------
        ArgumentError
            If the ratio is not positive and finite.
        """
        return float(self.fitted.p_values(require_ratio(ratio))[0])
