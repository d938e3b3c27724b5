"""The shape of every result: a rate ratio with its interval, its estimand and its cautions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from nmo_stats.arguments import instance, positive, share
from nmo_stats.errors import ArgumentError

IntervalKind = Literal["confidence", "credible"]
Estimand = Literal["pooled", "within_patient", "typical_patient", "new_patient", "patient", "standardized"]
CautionCode = Literal[
    "unequal_follow_up",
    "overdispersed",
    "ignores_pairing",
    "few_patients",
    "zero_cell",
    "confounded",
    "prior_dominated",
    "no_information",
    "shared_visit",
    "reversed_order",
    "merged",
    "searched",
    "implausible_population",
    "estimands_differ",
]
Limit = Literal["low", "high"]

NO_INFORMATION = "no relapse in either period: the data hold no information on the ratio"


@dataclass(frozen=True, slots=True)
class Caution:
    """A reason to read a number with care; it travels with the number into every table and figure.

    Parameters
    ----------
    code
        What kind of reason.
    text
        The reason in plain words.
    limit
        The one limit of the interval that the data set, where they set only one of them (a zero cell).
    """

    code: CautionCode
    text: str
    limit: Limit | None = None

    def to_dict(self) -> dict[str, str]:
        """Return ``{"code": ..., "text": ...}``.

        Returns
        -------
        dict
            The code and the text.
        """
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval with its level.

    Parameters
    ----------
    low, high
        Limits, ``low <= high``; ``high`` may be infinite, neither is ever NaN.
    level
        Coverage or posterior probability, between 0 and 1.
    kind
        ``"confidence"`` or ``"credible"`` (equal-tailed).

    Raises
    ------
    ArgumentError
        If the level is no probability, or the limits are out of order or NaN.
    """

    low: float
    high: float
    level: float
    kind: IntervalKind

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", require_level(self.level))
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ArgumentError(f"interval limits {self.low}, {self.high}: low <= high, and neither is NaN")

    def contains(self, value: float) -> bool:
        """Return whether ``value`` lies within the closed interval.

        Parameters
        ----------
        value
            A number on the scale of the limits.

        Returns
        -------
        bool
            True also at a limit itself.

        Raises
        ------
        ArgumentError
            If it is no number.
        """
        return self.low <= instance("value", value, int, float) <= self.high


@dataclass(frozen=True, slots=True)
class RateDifference:
    """Relapses per patient-year avoided: reference rate minus comparator rate.

    Parameters
    ----------
    estimate
        Relapses per patient-year; negative where the comparator has more.
    interval
        Its interval.
    """

    estimate: float
    interval: Interval

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain numbers for JSON.

        Returns
        -------
        dict
            ``estimate``, ``low``, ``high``, ``level`` and ``kind``.
        """
        return {"estimate": json_number(self.estimate), **_interval_fields(self.interval)}


@dataclass(frozen=True, slots=True)
class RateRatio:
    """A rate ratio, comparator divided by reference, with all that is needed to read it.

    Parameters
    ----------
    estimate
        The ratio; 0 and infinity are legal values of the exact methods.
    interval
        Its interval.
    method
        Name of the method, e.g. ``"conditional_exact"``.
    estimand
        What the ratio is a ratio of: ``"pooled"``, ``"within_patient"``, ``"typical_patient"``,
        ``"new_patient"``, ``"patient"`` or ``"standardized"``.
    cautions
        Reasons to read the number with care.
    p_value
        Two-sided p-value for a ratio of 1 that agrees with the interval; None for Bayesian methods.
    probability_below_1
        Posterior probability that the ratio is below 1; None for frequentist methods.
    rate_difference
        The same comparison on the absolute scale, where it exists.
    """

    estimate: float
    interval: Interval
    method: str
    estimand: Estimand
    cautions: tuple[Caution, ...] = ()
    p_value: float | None = None
    probability_below_1: float | None = None
    rate_difference: RateDifference | None = None

    @property
    def informative(self) -> bool:
        """Whether the data hold any information on the ratio; if not, print a sentence, not the numbers."""
        return all(caution.code != "no_information" for caution in self.cautions)

    @property
    def known_limit(self) -> Limit | None:
        """The one limit that the data set, as at a zero cell; None where they set both."""
        return next((caution.limit for caution in self.cautions if caution.limit), None)

    def with_cautions(self, *cautions: Caution) -> RateRatio:
        """Return the same result with further cautions.

        Parameters
        ----------
        cautions
            The further ones, after those that the result has.

        Returns
        -------
        RateRatio
            A copy.

        Raises
        ------
        ArgumentError
            If an argument is of another kind.
        """
        given = (instance("cautions", caution, Caution) for caution in cautions)
        return replace(self, cautions=(*self.cautions, *given))

    def to_dict(self) -> dict[str, object]:
        """Return one row of the ``rates`` JSON: None where a number does not exist, infinity as ``"inf"``.

        Returns
        -------
        dict
            Method, estimand, numbers and cautions.

        Examples
        --------
        >>> interval = Interval(0.02, float("inf"), 0.95, "confidence")
        >>> row = RateRatio(float("inf"), interval, "pooled_exact", "pooled").to_dict()
        >>> row["estimate"], row["low"], row["p_value"]
        ('inf', 0.02, None)
        """
        return {
            "method": self.method,
            "estimand": self.estimand,
            "estimate": json_number(self.estimate),
            **_interval_fields(self.interval),
            "p_value": json_number(self.p_value),
            "probability_below_1": json_number(self.probability_below_1),
            "rate_difference": self.rate_difference.to_dict() if self.rate_difference else None,
            "cautions": [caution.to_dict() for caution in self.cautions],
        }


def require_level(level: float) -> float:
    """Return ``level`` if it is a probability strictly between 0 and 1.

    Parameters
    ----------
    level
        Such as 0.95.

    Returns
    -------
    float
        The level as a plain number.

    Raises
    ------
    ArgumentError
        If it is not.
    """
    return share("level", level)


def require_ratio(ratio: float) -> float:
    """Return ``ratio`` if it is positive and finite.

    Parameters
    ----------
    ratio
        A rate ratio.

    Returns
    -------
    float
        The ratio as a plain number.

    Raises
    ------
    ArgumentError
        If it is not.
    """
    return positive("ratio", ratio)


def json_number(value: float | None) -> float | str | None:
    """Return ``value`` as JSON can hold it: ``"inf"`` for infinity, None for what does not exist.

    Parameters
    ----------
    value
        A number, or None.

    Returns
    -------
    float or str or None
        The value for a JSON document.

    Examples
    --------
    >>> json_number(float("inf")), json_number(0.5), json_number(None)
    ('inf', 0.5, None)
    """
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value)


def _interval_fields(interval: Interval) -> dict[str, object]:
    return {
        "low": json_number(interval.low),
        "high": json_number(interval.high),
        "level": interval.level,
        "kind": interval.kind,
    }
