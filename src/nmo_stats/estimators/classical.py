"""Every exact and likelihood estimator of the rate ratio, side by side: a number or a reason from each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from nmo_stats.arguments import instance, text
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import RateRatio, require_level
from nmo_stats.estimators.methods import RATIO_METHODS, ratio_of
from nmo_stats.estimators.result import ClassicalRatio

Estimator = Callable[[Comparison], ClassicalRatio]

CLASSICAL: Final[tuple[tuple[str, Estimator], ...]] = tuple(
    (method, partial(ratio_of, method)) for method in RATIO_METHODS if method != "gee_sandwich"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A method without a number, and why.

    Parameters
    ----------
    method
        Its name.
    reason
        Why it has none.
    failed
        Whether its computation failed; else the data do not identify the ratio.
    """

    method: str
    reason: str
    failed: bool = False

    def to_dict(self) -> dict[str, str]:
        """Return one row of ``not_identified`` in the ``rates`` JSON.

        Returns
        -------
        dict of str to str
            Method and reason.
        """
        return {"method": self.method, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which estimate to read, and why.

    Parameters
    ----------
    method
        Name of the method; None where there is nothing to read.
    text
        The reason in plain words.
    """

    method: str | None
    text: str


@dataclass(frozen=True, eq=False)
class RateResults:
    """Every estimate of the ratio, and every method that gave none.

    Parameters
    ----------
    estimates
        Rate ratios, in the order of the methods.
    refusals
        Methods without a number.
    recommendation
        Which of the estimates to read; none until all methods have answered.
    """

    estimates: tuple[RateRatio, ...]
    refusals: tuple[Refusal, ...]
    recommendation: Recommendation = Recommendation(None, "")

    def find(self, method: str) -> RateRatio | None:
        """Return the estimate of a method, or None.

        Parameters
        ----------
        method
            Its name.

        Returns
        -------
        RateRatio or None
            None if the method gave no number.

        Raises
        ------
        ArgumentError
            If the name is no text.
        """
        wanted = text("method", method)
        return next((ratio for ratio in self.estimates if ratio.method == wanted), None)

    def beside(self, ratio: RateRatio) -> RateRatio | None:
        """Return the estimate by the same method, or by the other engine of the hierarchical model.

        Parameters
        ----------
        ratio
            An estimate of other results.

        Returns
        -------
        RateRatio or None
            None if there is no such estimate.

        Raises
        ------
        ArgumentError
            If the argument is no rate ratio.
        """
        instance("ratio", ratio, RateRatio)
        same = self.find(ratio.method)
        if same is None and ratio.estimand == "typical_patient":
            return next((other for other in self.estimates if other.estimand == ratio.estimand), None)
        return same

    def by_reason(self) -> dict[str, tuple[str, ...]]:
        """Return the refused methods under each reason.

        Returns
        -------
        dict of str to tuple of str
            Reasons in the order in which they were first given.
        """
        reasons = dict.fromkeys(refusal.reason for refusal in self.refusals)
        return {
            reason: tuple(refusal.method for refusal in self.refusals if refusal.reason == reason)
            for reason in reasons
        }

    @classmethod
    def of(cls, answers: Iterable[RateRatio | Refusal]) -> RateResults:
        """Return the answers of several methods, sorted into ratios and refusals.

        Parameters
        ----------
        answers
            In the order of the methods.

        Returns
        -------
        RateResults
            Without a recommendation.
        """
        given = tuple(answers)
        return cls(
            tuple(ratio for ratio in given if isinstance(ratio, RateRatio)),
            tuple(refusal for refusal in given if isinstance(refusal, Refusal)),
        )

    @property
    def failed(self) -> tuple[Refusal, ...]:
        """Methods whose computation failed."""
        return tuple(refusal for refusal in self.refusals if refusal.failed)


def classical_rates(pair: Comparison, level: float = 0.95) -> RateResults:
    """Return the ratio by every exact and likelihood method, or its refusal.

    Parameters
    ----------
    pair
        The two periods.
    level
        Confidence level.

    Returns
    -------
    RateResults
        In the order of the methods.

    Raises
    ------
    ArgumentError
        If the argument is no comparison, or the level is not between 0 and 1.
    """
    instance("pair", pair, Comparison)
    level = require_level(level)
    return RateResults.of(
        answer(method, partial(_ratio, estimator, pair, level)) for method, estimator in CLASSICAL
    )


def answer(method: str, ask: Callable[[], RateRatio], failure: str = "") -> RateRatio | Refusal:
    """Return what a method says: its ratio, or why it has none.

    Parameters
    ----------
    method
        Its name.
    ask
        Computes the ratio.
    failure
        What stands before the checks that a computation failed.

    Returns
    -------
    RateRatio or Refusal
        The ratio, or the reason of a ``NotIdentifiedError`` or ``ConvergenceError``.

    Raises
    ------
    ArgumentError
        If the name is no text.
    """
    text("method", method)
    try:
        return ask()
    except (NotIdentifiedError, ConvergenceError) as error:
        return refusal_of(method, error, failure)


def refusal_of(method: str, error: NotIdentifiedError | ConvergenceError, failure: str = "") -> Refusal:
    """Return why a method has no number, from the exception of its computation."""
    if isinstance(error, NotIdentifiedError):
        return Refusal(method, error.reason)
    return Refusal(method, f"{failure}{'; '.join(error.failures)}", failed=True)


def combined(*results: RateResults) -> RateResults:
    """Return the estimates and refusals of several groups of methods as one.

    Parameters
    ----------
    results
        Groups, in the order in which they follow each other.

    Returns
    -------
    RateResults
        All of them, without a recommendation.
    """
    return RateResults(
        tuple(ratio for result in results for ratio in result.estimates),
        tuple(refusal for result in results for refusal in result.refusals),
    )


def _ratio(estimator: Estimator, pair: Comparison, level: float) -> RateRatio:
    return estimator(pair).rate_ratio(level)
