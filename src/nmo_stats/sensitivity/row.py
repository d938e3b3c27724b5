"""The three kinds of sensitivity results, each of one assumption and one method.

An answer is a rate ratio under another assumption. A simulated spread holds the estimates in series with no
effect. A tipping number is how much it takes to move an interval to 1. In place of each there can be the
reason why there is none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Literal, Self

from nmo_stats.estimate import NO_INFORMATION, Caution, Limit, RateRatio, json_number
from nmo_stats.estimators.classical import Refusal
from nmo_stats.names import is_hierarchical
from nmo_stats.wording import beside, ratio_limits, significant

Criterion = Literal["upper_limit", "probability"]
Direction = Literal["added", "removed", "background", "any"]

FAMILY_NAMES: Final = {
    "prior": "Prior",
    "heterogeneity": "Spread of ratios",
    "likelihood": "Counts",
    "entry": "Entry",
    "trigger": "Switch",
    "rounding": "Times",
    "run_in": "Run-in",
    "merging": "Merging",
    "leave_one_out": "Patients",
    "rtm": "Regression to the mean",
    "bias_adjustment": "Background",
    "benchmark": "No effect",
    "tipping": "Tipping points",
}
_MISSING: Final = {
    "median": "the ratio exists in none of the simulated series",
    "observed": "the data show no such ratio, since both sides of it are 0",
    "large_cohort": "the hierarchical model is not fitted to so large a series here",
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is assumed.

    Parameters
    ----------
    family
        Its kind.
    code
        Tells it from the others of its family.
    name
        In a few words.
    detail
        What tables add to the name in brackets, and a figure leaves out.
    remark
        What this assumption does to the ratio where there is no effect; a sentence says it after the number.
    """

    family: str
    code: str
    name: str
    detail: str = ""
    remark: str = ""

    @property
    def label(self) -> str:
        """The name with its detail."""
        return f"{self.name} ({self.detail})" if self.detail else self.name


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one method says under one assumption, or why it says nothing.

    Parameters
    ----------
    assumption
        What is assumed.
    method
        Code of the method; None where no method could be asked.
    cautions
        Reasons to read the number with care.
    reason
        Why there is no number; empty where there is one.
    failed
        Whether that is because a computation failed.
    """

    kind: ClassVar[str]
    numbers: ClassVar[tuple[str, ...]]
    assumption: Assumption
    method: str | None
    cautions: tuple[Caution, ...] = ()
    reason: str = ""
    failed: bool = False

    @property
    def family(self) -> str:
        """Kind of the assumption."""
        return self.assumption.family

    @property
    def label(self) -> str:
        """The assumption with its detail."""
        return self.assumption.label

    def withheld(self, reason: str) -> Self:
        """Return the row without its numbers if they are of the hierarchical model."""
        if not is_hierarchical(self.method):
            return self
        blank: dict[str, Any] = dict.fromkeys(self.numbers)
        return replace(self, cautions=(), reason=reason, failed=True, **blank)

    def to_dict(self) -> dict[str, Any]:
        """Return one row of the JSON: None where a number does not exist, infinity as ``"inf"``."""
        numbers = (*(json_number(getattr(self, name)) for name in self.numbers), None, None, None)
        return {
            "kind": self.kind,
            "family": self.family,
            "code": self.assumption.code,
            "assumption": self.label,
            "method": self.method,
            **dict(zip(("estimate", "low", "high", "probability_below_1"), numbers, strict=False)),
            "is_bound": False,
            "cautions": [caution.to_dict() for caution in self.cautions],
            "reason": self.reason or None,
            "remark": self.assumption.remark or None,
        }


@dataclass(frozen=True, kw_only=True)
class Answer(Row):
    """The rate ratio under another assumption.

    Parameters
    ----------
    assumption, method, cautions, reason, failed
        As in every row.
    estimate, low, high
        The ratio and its interval; None where there is none.
    probability_below_1
        Posterior probability, None for frequentist methods.
    """

    kind = "answer"
    numbers = ("estimate", "low", "high", "probability_below_1")
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability_below_1: float | None = None

    @classmethod
    def of(cls, assumption: Assumption, result: RateRatio | Refusal) -> Answer:
        """Return the row of what a method says; without numbers where the data hold no information.

        Parameters
        ----------
        assumption
            What is assumed.
        result
            The ratio, or the refusal; its method is empty where none could be asked.

        Returns
        -------
        Answer
            The row.
        """
        if isinstance(result, Refusal):
            method = result.method or None
            return cls(assumption=assumption, method=method, reason=result.reason, failed=result.failed)
        row = cls(assumption=assumption, method=result.method, cautions=result.cautions)
        if not result.informative:
            return replace(row, reason=NO_INFORMATION)
        return replace(
            row,
            estimate=result.estimate,
            low=result.interval.low,
            high=result.interval.high,
            probability_below_1=result.probability_below_1,
        )

    @property
    def has_interval(self) -> bool:
        """Whether the row holds a ratio with limits."""
        return None not in (self.estimate, self.low, self.high)

    @property
    def known_limit(self) -> Limit | None:
        """The one limit of the interval that the data set: that of a ratio without relapses in one period."""
        named = next((caution.limit for caution in self.cautions if caution.limit), None)
        return "high" if named is None and self.estimate == 0 else named

    @property
    def leading(self) -> float:
        """The number that leads: the ratio, or the one limit that the data set (the rest is the prior's)."""
        return {"high": self.high, "low": self.low, None: self.estimate}[self.known_limit] or 0.0

    @property
    def includes_1(self) -> bool:
        """Whether there is an interval, and it includes 1."""
        return self.low is not None and self.high is not None and self.low <= 1 <= self.high

    @property
    def is_plausible(self) -> bool:
        """Whether the data do not speak against the assumption itself."""
        return all(caution.code != "implausible_population" for caution in self.cautions)

    def leading_text(self, digits: int = 3, bounds: tuple[str, str] = ("at most", "at least")) -> str:
        """Return the number that leads, with the word or sign for a limit that the data set.

        Parameters
        ----------
        digits
            Significant digits.
        bounds
            Words or signs for an upper and for a lower limit.

        Returns
        -------
        str
            E.g. ``"0.22"`` or ``"at most 1.64"``.
        """
        if self.known_limit is None:
            return significant(self.leading, digits)
        return f"{bounds[self.known_limit == 'low']} {beside(self.leading, 1, digits)}"

    def ratio_text(self, digits: int = 3, bounds: tuple[str, str] = ("at most", "at least")) -> str:
        """Return the number that leads and both limits, each told apart from 1.

        Parameters
        ----------
        digits
            Significant digits.
        bounds
            Words or signs for an upper and for a lower limit.

        Returns
        -------
        str
            E.g. ``"0.50 (0.20 to 0.999)"``.
        """
        limits = ratio_limits(self.low or 0.0, self.high or 0.0, digits)
        return f"{self.leading_text(digits, bounds)} ({limits})"


@dataclass(frozen=True, slots=True)
class Spread:
    """The estimates of one method over many series with no effect.

    Parameters
    ----------
    method
        Code of the method.
    median, low, high
        Median, and the 2.5 % and 97.5 % order statistics of the identified estimates, 0 and infinity being
        ordered values; None where no series was identified.
    zero, infinite, not_identified
        Proportions of all series.
    observed
        The estimate from the data; None where there is none.
    at_or_below
        Proportion of the identified estimates at or below the observed one.
    large_cohort
        The estimate in a very large series of the same design: what is left when sampling error is gone; None
        where it was not computed.
    replicates
        Number of series.
    no_limit
        Why there is no estimate in a very large series; empty where there is one.
    """

    method: str
    median: float | None
    low: float | None
    high: float | None
    zero: float
    infinite: float
    not_identified: float
    observed: float | None
    at_or_below: float | None
    large_cohort: float | None
    replicates: int
    no_limit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them.

        Returns
        -------
        dict
            By the names of the fields.
        """
        numbers = asdict(self)
        del numbers["method"], numbers["no_limit"]
        return numbers | {name: json_number(value) for name, value in numbers.items() if name != "replicates"}

    @property
    def identified(self) -> float:
        """Number of series in which there is such a ratio, at least 1."""
        return max(1.0, self.replicates * (1 - self.not_identified))

    @property
    def reasons(self) -> dict[str, str]:
        """Why a number is missing, by the name of the number."""
        missing = _MISSING | ({"large_cohort": self.no_limit} if self.no_limit else {})
        return {name: why for name, why in missing.items() if getattr(self, name) is None}


@dataclass(frozen=True, kw_only=True)
class SimulatedSpread(Row):
    """What one method shows in series of one design with no effect.

    Parameters
    ----------
    assumption, method, cautions, reason, failed
        As in every row.
    median, low, high
        Median and 95 % range of the estimates; None where no series has such a ratio.
    """

    kind = "spread"
    numbers = ("median", "low", "high")
    median: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class TippingPoint(Row):
    """How much it takes to tip the answer of one method.

    Parameters
    ----------
    assumption, method, cautions, reason, failed
        As in every row.
    number
        The number of relapses, or the background ratio; None where there is none.
    direction
        Relapses ``"added"`` on the comparator or ``"removed"`` from the reference, a ``"background"`` ratio,
        or ``"any"`` for a method without an answer.
    criterion
        What is tipped: the upper limit, or the probability of a ratio below 1.
    every
        Whether every allocation over the patients tips it, instead of some.
    is_bound
        Whether not every allocation was tried: at most so many for some, at least so many for every
        allocation.
    """

    kind = "tipping"
    numbers = ("number",)
    number: float | None = None
    direction: Direction = "any"
    criterion: Criterion = "upper_limit"
    every: bool = False
    is_bound: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return one row of the ``sensitivity`` JSON.

        Returns
        -------
        dict
            As of every row.
        """
        return super().to_dict() | {"is_bound": self.is_bound and self.number is not None}


AnyRow = Answer | SimulatedSpread | TippingPoint
