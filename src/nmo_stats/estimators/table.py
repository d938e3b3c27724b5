"""Every exact and likelihood estimator of the rate ratio, side by side: a number or a reason from each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from nmo_stats import exact, glm
from nmo_stats.arguments import instance, text
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import Interval, RateModel, RateRatio, require_level


class ClassicalModel(RateModel, Protocol):
    """What every exact or likelihood model offers beside its rate ratio."""

    def interval(self, level: float = 0.95) -> Interval:
        """Return the interval alone: cheaper than the whole result with its cautions."""


CLASSICAL: Final[tuple[tuple[str, Callable[[Comparison], ClassicalModel]], ...]] = (
    ("pooled_exact", exact.pooled),
    ("poisson", glm.poisson),
    ("negative_binomial", glm.negative_binomial),
    ("gee", glm.gee),
    ("conditional_exact", exact.conditional),
    ("conditional_midp", lambda pair: exact.conditional(pair, midp=True)),
    ("conditional_poisson", glm.conditional_poisson),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A method without a number, and why: not identified by the data, or failed in its computation."""

    method: str
    reason: str
    failed: bool = False

    def to_dict(self) -> dict[str, str]:
        """Return one row of ``not_identified`` in the ``rates`` JSON."""
        return {"method": self.method, "reason": self.reason}


@dataclass(frozen=True, eq=False)
class RateResults:
    """Every estimate of the ratio, and every method that gave none."""

    estimates: tuple[RateRatio, ...]
    refusals: tuple[Refusal, ...]

    def find(self, method: str) -> RateRatio | None:
        """Return the estimate of a method, or None."""
        wanted = text("method", method)
        return next((ratio for ratio in self.estimates if ratio.method == wanted), None)

    def beside(self, ratio: RateRatio) -> RateRatio | None:
        """Return the estimate by the same method, or by the other engine of the hierarchical model; None if there is none."""
        instance("ratio", ratio, RateRatio)
        found = self.find(ratio.method)
        if found is None and ratio.estimand == "typical_patient":
            return next((other for other in self.estimates if other.estimand == ratio.estimand), None)
        return found

    def by_reason(self) -> dict[str, tuple[str, ...]]:
        """Return the refused methods under each reason."""
        reasons = dict.fromkeys(refusal.reason for refusal in self.refusals)
        return {
            reason: tuple(refusal.method for refusal in self.refusals if refusal.reason == reason)
            for reason in reasons
        }

    @property
    def failed(self) -> tuple[Refusal, ...]:
        """Methods whose computation failed."""
        return tuple(refusal for refusal in self.refusals if refusal.failed)


def classical_rates(pair: Comparison, level: float = 0.95) -> RateResults:
    """Return the ratio by every exact and likelihood method, or its refusal."""
    instance("pair", pair, Comparison)
    level = require_level(level)
    found = [answer(method, partial(_ratio, estimator, pair, level)) for method, estimator in CLASSICAL]
    return RateResults(
        tuple(one for one in found if isinstance(one, RateRatio)),
        tuple(one for one in found if isinstance(one, Refusal)),
    )


def answer(method: str, ask: Callable[[], RateRatio]) -> RateRatio | Refusal:
    """Return what a method says: its ratio, or why it has none."""
    text("method", method)
    try:
        return ask()
    except NotIdentifiedError as refused:
        return Refusal(method, refused.reason)
    except ConvergenceError as refused:
        return Refusal(method, "; ".join(refused.failures), failed=True)


def combined(*results: RateResults) -> RateResults:
    """Return the estimates and refusals of several groups of methods as one."""
    return RateResults(
        tuple(ratio for result in results for ratio in result.estimates),
        tuple(refusal for result in results for refusal in result.refusals),
    )


def _ratio(estimator: Callable[[Comparison], RateModel], pair: Comparison, level: float) -> RateRatio:
    return estimator(pair).rate_ratio(level)
