"""The three kinds of sensitivity results, each of one assumption and one method.

An answer is a rate ratio under another assumption. A simulated spread holds the estimates in series with no effect.
A tipping number is how much it takes to move an interval to 1. In place of each there can be the reason why there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Generic, Literal, Self, TypeVar

from nmo_stats.estimate import NO_INFORMATION, Caution, Limit, RateRatio, json_number
from nmo_stats.estimators.table import Refusal
from nmo_stats.names import is_hierarchical
from nmo_stats.wording import beside, counted, ratio_limits, significant

Family = Literal[
    "prior",
    "heterogeneity",
    "likelihood",
    "entry",
    "trigger",
    "rounding",
    "run_in",
    "merging",
    "leave_one_out",
    "rtm",
    "bias_adjustment",
    "benchmark",
    "tipping",
]
Criterion = Literal["upper_limit", "probability"]
Direction = Literal["added", "removed", "background", "any"]
Numbers = tuple[float | None, float | None, float | None]

FAMILY_NAMES: Final[dict[Family, str]] = {
    "prior": "Prior of the ratio",
    "heterogeneity": "Differences of the ratio between patients",
    "likelihood": "Distribution of the counts",
    "entry": "Entry by a relapse",
    "trigger": "Switch triggered by a relapse",
    "rounding": "Rounded follow-up times",
    "run_in": "Run-in",
    "merging": "Onsets close together",
    "leave_one_out": "Leave one patient out",
    "rtm": "Regression to the mean",
    "bias_adjustment": "Adjusted for a background ratio",
    "benchmark": "No effect at all",
    "tipping": "Tipping points",
}
_MISSING: Final = {
    "median": "the ratio exists in none of the simulated series",
    "observed": "the data show no such ratio, since both sides of it are 0",
    "large_cohort": "the hierarchical model is not fitted to so large a series here",
}

Result = TypeVar("Result", bound="RateRatio | Spread | TippingNumber")


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
    clause
        The same as the beginning of a sentence, e.g. ``"Without patient 1"``.
    detail
        What tables add to the name in brackets, and a figure leaves out.
    remark
        What this assumption does to the ratio where there is no effect; a sentence says it after the number.
    """

    family: Family
    code: str
    name: str
    clause: str = ""
    detail: str = ""
    remark: str = ""

    @property
    def label(self) -> str:
        """The name with its detail."""
        return f"{self.name} ({self.detail})" if self.detail else self.name


@dataclass(frozen=True)
class Row(Generic[Result]):
    """What one method says under one assumption, or why it says nothing.

    Parameters
    ----------
    assumption
        What is assumed.
    result
        The number, or the refusal; its method is empty where no method could be asked.
    """

    kind: ClassVar[str]
    assumption: Assumption
    result: Result | Refusal

    @property
    def family(self) -> Family:
        """Kind of the assumption."""
        return self.assumption.family

    @property
    def label(self) -> str:
        """The assumption with its detail."""
        return self.assumption.label

    @property
    def method(self) -> str | None:
        """Code of the method; None where no method could be asked."""
        return self.result.method or None

    @property
    def failed(self) -> bool:
        """Whether there is no number because a computation failed."""
        return isinstance(self.result, Refusal) and self.result.failed

    @property
    def reason(self) -> str:
        """Why there is no number; empty where there is one."""
        return self.result.reason if isinstance(self.result, Refusal) else ""

    @property
    def numbers(self) -> Numbers:
        """Estimate with its limits; None where there is none."""
        raise NotImplementedError

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Reasons to read the number with care."""
        return ()

    def withheld(self, reason: str) -> Self:
        """Return the row without its number if that is one of the hierarchical model."""
        if not is_hierarchical(self.method):
            return self
        return replace(self, result=Refusal(self.result.method, reason, failed=True))

    def to_dict(self) -> dict[str, Any]:
        """Return one row of the ``sensitivity`` JSON: None where a number does not exist, infinity as ``"inf"``."""
        return {
            "kind": self.kind,
            "family": self.family,
            "code": self.assumption.code,
            "assumption": self.label,
            "method": self.method,
            **dict(zip(("estimate", "low", "high"), map(json_number, self.numbers), strict=True)),
            "probability_below_1": None,
            "is_bound": False,
            "cautions": [caution.to_dict() for caution in self.cautions],
            "reason": self.reason or None,
            "remark": self.assumption.remark or None,
        }


@dataclass(frozen=True)
class Answer(Row[RateRatio]):
    """The rate ratio under another assumption."""

    kind = "answer"

    @property
    def ratio(self) -> RateRatio | None:
        """The ratio; None where there is none, or the data hold no information on it."""
        result = self.result
        return result if isinstance(result, RateRatio) and result.informative else None

    @property
    def has_interval(self) -> bool:
        """Whether the row holds a ratio with limits."""
        return self.ratio is not None

    @property
    def numbers(self) -> Numbers:
        """The ratio and its limits; None where there is none."""
        ratio = self.ratio
        return (ratio.estimate, ratio.interval.low, ratio.interval.high) if ratio else (None, None, None)

    @property
    def reason(self) -> str:
        """Why there is no ratio; empty where there is one."""
        if isinstance(self.result, Refusal):
            return self.result.reason
        return "" if self.result.informative else NO_INFORMATION

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Reasons to read the ratio with care."""
        return () if isinstance(self.result, Refusal) else self.result.cautions

    @property
    def estimate(self) -> float | None:
        """The ratio; None where there is none."""
        return self.numbers[0]

    @property
    def low(self) -> float | None:
        """Its lower limit."""
        return self.numbers[1]

    @property
    def high(self) -> float | None:
        """Its upper limit."""
        return self.numbers[2]

    @property
    def probability_below_1(self) -> float | None:
        """Posterior probability, None for frequentist methods."""
        return self.ratio.probability_below_1 if self.ratio else None

    @property
    def known_limit(self) -> Limit | None:
        """The one limit of the interval that the data set: that of a ratio without relapses in one period."""
        if self.ratio is None or self.ratio.known_limit:
            return self.ratio.known_limit if self.ratio else None
        return "high" if self.ratio.estimate == 0 else None

    @property
    def leading(self) -> float:
        """The number that leads: the ratio, or the one limit that the data set; its median is made by the prior."""
        estimate, low, high = (number or 0.0 for number in self.numbers)
        return {"high": high, "low": low, None: estimate}[self.known_limit]

    @property
    def includes_1(self) -> bool:
        """Whether there is an interval, and it includes 1."""
        return self.ratio is not None and self.ratio.interval.contains(1.0)

    @property
    def is_plausible(self) -> bool:
        """Whether the data do not speak against the assumption itself."""
        return all(caution.code != "implausible_population" for caution in self.cautions)

    def leading_text(self, digits: int = 3, bounds: tuple[str, str] = ("at most", "at least")) -> str:
        """Return the number that leads, with the word or sign for a limit that the data set."""
        if self.known_limit is None:
            return significant(self.leading, digits)
        return f"{bounds[self.known_limit == 'low']} {beside(self.leading, 1, digits)}"

    def ratio_text(self, digits: int = 3, bounds: tuple[str, str] = ("at most", "at least")) -> str:
        """Return the number that leads and both limits, each told apart from 1."""
        low, high = self.low or 0.0, self.high or 0.0
        return f"{self.leading_text(digits, bounds)} ({ratio_limits(low, high, digits)})"

    def to_dict(self) -> dict[str, Any]:
        """Return one row of the ``sensitivity`` JSON."""
        return super().to_dict() | {"probability_below_1": json_number(self.probability_below_1)}


@dataclass(frozen=True, slots=True)
class Spread:
    """The estimates of one method over many series with no effect.

    Parameters
    ----------
    method
        Code of the method.
    median, low, high
        Median, and the 2.5 % and 97.5 % order statistics of the identified estimates, 0 and infinity being ordered
        values; None where no series was identified.
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

    @property
    def identified(self) -> float:
        """Number of series in which there is such a ratio, at least 1."""
        return max(1.0, self.replicates * (1 - self.not_identified))

    @property
    def reasons(self) -> dict[str, str]:
        """Why a number is missing, by the name of the number."""
        reasons = {name: why for name, why in _MISSING.items() if getattr(self, name) is None}
        return reasons | ({"large_cohort": self.no_limit} if "large_cohort" in reasons and self.no_limit else {})


@dataclass(frozen=True)
class SimulatedSpread(Row[Spread]):
    """What one method shows in series of one design with no effect."""

    kind = "spread"

    @property
    def numbers(self) -> Numbers:
        """Median and 95 % range of the estimates; None where no series has such a ratio."""
        spread = self.result
        return (spread.median, spread.low, spread.high) if isinstance(spread, Spread) else (None, None, None)

    @property
    def reason(self) -> str:
        """Why there is no spread; empty where there is one."""
        return self.result.reasons.get("median", "") if isinstance(self.result, Spread) else self.result.reason


@dataclass(frozen=True, slots=True)
class TippingNumber:
    """A number of relapses, or a background ratio, that tips the answer of a method.

    Parameters
    ----------
    method
        Code of the method.
    value
        The number.
    is_bound
        Whether it is a bound because not every allocation was tried: at most so many for some, at least so many for
        every allocation.
    """

    method: str
    value: float
    is_bound: bool = False


@dataclass(frozen=True)
class TippingPoint(Row[TippingNumber]):
    """How much it takes to tip the answer of one method.

    Parameters
    ----------
    assumption, result
        As in every row.
    direction
        Relapses ``"added"`` on the comparator or ``"removed"`` from the reference, a ``"background"`` ratio, or
        ``"any"`` for a method without an answer.
    criterion
        What is tipped: the upper limit, or the probability of a ratio below 1.
    every
        Whether every allocation over the patients tips it, instead of some.
    """

    kind = "tipping"
    direction: Direction = "any"
    criterion: Criterion = "upper_limit"
    every: bool = False

    @property
    def number(self) -> float | None:
        """The number of relapses, or the ratio; None where there is none."""
        return self.result.value if isinstance(self.result, TippingNumber) else None

    @property
    def numbers(self) -> Numbers:
        """The number, which has no limits."""
        return self.number, None, None

    @property
    def is_bound(self) -> bool:
        """Whether the number is a bound: at most so many for some, at least so many for every allocation."""
        return isinstance(self.result, TippingNumber) and self.result.is_bound

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """That not every allocation was tried, where the number is a bound."""
        if not self.is_bound:
            return ()
        bound, doubt = ("at least", "a larger") if self.every else ("at most", "a smaller")
        number = counted(int(self.number or 0), "relapse")
        text = f"{bound} {number}: not every allocation was tried, {doubt} number is possible"
        return (Caution("searched", text),)

    def to_dict(self) -> dict[str, Any]:
        """Return one row of the ``sensitivity`` JSON."""
        return super().to_dict() | {"is_bound": self.is_bound}


AnyRow = Answer | SimulatedSpread | TippingPoint
