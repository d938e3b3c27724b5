"""The shape of every sensitivity result: one assumption changed, and the answer that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from nmo_stats.estimate import NO_INFORMATION, Caution, Limit, RateRatio, json_number
from nmo_stats.estimators.table import Refusal
from nmo_stats.wording import beside, ratio_limits, significant

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


@dataclass(frozen=True, slots=True)
class Row:
    """The ratio under one changed assumption, or the reason why there is none.

    Parameters
    ----------
    family
        Kind of the assumption.
    assumption
        What is assumed, in a few words.
    clause
        The same as the beginning of a sentence, e.g. ``"Without patient 1"``.
    method
        Name of the estimator; None where no estimator could be asked.
    estimate, low, high
        The ratio and its interval; in the family ``tipping`` the number or ratio that tips the interval, without limits; in the
        family ``benchmark`` median and 95 % range of the estimates with no effect. None where there is none.
    probability_below_1
        Posterior probability, None for frequentist methods.
    cautions
        Reasons to read the number with care.
    reason
        Why there is no number.
    failed
        Whether that is because a computation failed.
    detail
        What tables add to the assumption in brackets, and a figure leaves out.
    remark
        What this assumption does to the ratio where there is no effect; a sentence says it after the number.
    """

    family: Family
    assumption: str
    clause: str
    method: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    probability_below_1: float | None = None
    cautions: tuple[Caution, ...] = ()
    reason: str = ""
    failed: bool = False
    detail: str = ""
    remark: str = ""

    @classmethod
    def of(cls, family: Family, assumption: str, clause: str, found: RateRatio | Refusal) -> Row:
        """Return the row of what an estimator says."""
        if isinstance(found, Refusal):
            return cls(family, assumption, clause, found.method, reason=found.reason, failed=found.failed)
        if not found.informative:
            return cls(
                family, assumption, clause, found.method, cautions=found.cautions, reason=NO_INFORMATION
            )
        return cls(
            family,
            assumption,
            clause,
            found.method,
            found.estimate,
            found.interval.low,
            found.interval.high,
            found.probability_below_1,
            found.cautions,
        )

    @property
    def label(self) -> str:
        """The assumption with its detail."""
        return f"{self.assumption} ({self.detail})" if self.detail else self.assumption

    @property
    def has_interval(self) -> bool:
        """Whether the row holds a ratio with limits."""
        return self.estimate is not None and self.low is not None and self.high is not None

    @property
    def known_limit(self) -> Limit | None:
        """The one limit of the interval that the data set: that of a ratio without relapses in one period."""
        named = next((caution.limit for caution in self.cautions if caution.limit), None)
        return "high" if named is None and self.has_interval and self.estimate == 0 else named

    def leading_text(self, digits: int = 3) -> str:
        """Return what leads: the ratio, or the one limit that the data set; its median is made by the prior.

        Examples
        --------
        >>> Row("rtm", "a", "If a", "empirical_bayes", 0.0, 0.0, 1.64).leading_text()
        'at most 1.64'
        """
        if self.known_limit == "high":
            return f"at most {beside(self.high or 0.0, 1, digits)}"
        if self.known_limit == "low":
            return f"at least {beside(self.low or 0.0, 1, digits)}"
        return significant(self.estimate or 0.0, digits)

    def ratio_text(self, digits: int = 3) -> str:
        """Return the leading number and both limits of a row with an interval, each told apart from 1.

        Examples
        --------
        >>> Row("rtm", "a", "If a", "empirical_bayes", 0.5, 0.2, 0.9991).ratio_text(2)
        '0.50 (0.20 to 0.999)'
        """
        return f"{self.leading_text(digits)} ({ratio_limits(self.low or 0.0, self.high or 0.0, digits)})"

    @property
    def is_plausible(self) -> bool:
        """Whether the data do not speak against the assumption itself."""
        return all(caution.code != "implausible_population" for caution in self.cautions)

    def to_dict(self) -> dict[str, object]:
        """Return one row of the ``sensitivity`` JSON: None where a number does not exist, infinity as ``"inf"``."""
        return {
            "family": self.family,
            "assumption": self.label,
            "method": self.method,
            "estimate": json_number(self.estimate),
            "low": json_number(self.low),
            "high": json_number(self.high),
            "probability_below_1": json_number(self.probability_below_1),
            "cautions": [caution.to_dict() for caution in self.cautions],
            "reason": self.reason or None,
            "remark": self.remark or None,
        }
