"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background ratio. For the first two
the smallest number is sought for which *some* allocation over the patients tips the answer, and for which *every* one does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

import numpy as np

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, Caution, RateRatio
from nmo_stats.estimators.table import CLASSICAL, Estimator, Refusal, answer
from nmo_stats.hierarchical import HierarchicalFit, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.allocations import Moves
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.numbers import (
    MOST_MOVED,
    MOST_REFITTED,
    Judge,
    Number,
    Quantifier,
    Search,
    Verdict,
    enumerable,
)
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.tipping_model import PROBABILITY, Criterion, judges
from nmo_stats.wording import counted, percent

MOST_PATIENTS: Final = 60  # of a hierarchical model that is fitted again and again
_MOST_TIMES: Final = 4  # relapses that are moved in a search, of those in the data
_POOLED: Final = ("pooled_exact", "poisson")
_CONDITIONAL: Final = ("conditional_exact", "conditional_midp", "conditional_poisson")
_QUANTIFIERS: Final[tuple[Quantifier, ...]] = ("some", "every")
_WORDS: Final[dict[Criterion, str]] = {
    "upper_limit": "the upper limit is 1 or more",
    "probability": f"P(ratio < 1) is below {PROBABILITY}",
}


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How much it takes to tip the answer of one estimator.

    Parameters
    ----------
    row
        The estimator, the number (or the background ratio) in words and as its ``estimate``, or why there is none. A number that was
        searched for without looking at every allocation carries the caution ``searched``.
    direction
        Relapses ``"added"`` on the comparator or ``"removed"`` from the reference, a ``"background"`` ratio, or ``"any"`` for an estimator
        without an answer.
    criterion
        What is tipped: the upper limit, or the probability of a ratio below 1.
    every
        Whether every allocation over the patients tips it, instead of some.
    """

    row: Row
    direction: Literal["added", "removed", "background", "any"]
    criterion: Criterion = "upper_limit"
    every: bool = False

    @property
    def searched(self) -> bool:
        """Whether the number is a bound: at most so many for some, at least so many for every allocation."""
        return any(caution.code == "searched" for caution in self.row.cautions)


@dataclass(frozen=True, eq=False)
class Recomputed:
    """Judges allocations by the interval of an exact or likelihood estimator.

    Parameters
    ----------
    estimator
        Computes the model of changed data.
    level
        Level of the interval.
    moves
        Where relapses are added or removed.
    """

    estimator: Estimator
    level: float
    moves: Moves

    def verdict(self, allocations: Counts) -> Verdict:
        """Return whether the interval of some, and of every one of the allocations no longer lies below 1.

        Raises
        ------
        ConvergenceError
            If a computation fails on the way.
        """
        beyond = self.scores(allocations) >= 1
        return Verdict(bool(beyond.any()), bool(beyond.all()))

    def scores(self, allocations: Counts) -> Floats:
        """Return the upper limit after each allocation; infinite where the estimator has none any more."""
        return np.array([self._high(self.moves.changed(one)) for one in allocations])

    def _high(self, pair: Comparison) -> float:
        try:
            return self.estimator(pair).interval(self.level).high
        except NotIdentifiedError:
            return np.inf


def tipping_points(fit: HierarchicalFit, refits: Refits) -> list[TippingPoint]:
    """Return the tipping points of every estimator in the three directions.

    Pooled ratios depend on totals only. Of the ratios within patients the two extreme allocations are known for every number of
    relapses: those that concentrate on the patients with the smallest, and with the largest comparator / reference time, because
    a relapse moves the tail (or the likelihood) at a ratio of 1 the more the smaller its chance was to fall into that period. The
    hierarchical model is asked about every allocation, and beyond 2,000 of them searched; negative-binomial and GEE fits are
    asked about every allocation as long as that takes no more than 60 fits.
    """
    instance("fit", fit, HierarchicalFit)
    instance("refits", refits, Refits)
    pair, level = fit.model.pair, refits.level
    points: list[TippingPoint] = []
    for method, estimator in CLASSICAL:
        base = answer(method, lambda: estimator(pair).rate_ratio(level))  # noqa: B023  asked at once
        if isinstance(base, Refusal):
            points.append(_unanswered(method, base.reason, failed=base.failed))
            continue
        for moves in _directions(pair):
            search = _classical_search(method, moves, Recomputed(estimator, level, moves))
            points += _moved(method, moves, "upper_limit", search)
        points.append(_background(base))
    return points + _hierarchical(fit, refits)


def _classical_search(method: str, moves: Moves, judge: Judge) -> Search:
    most = int(min(moves.most(), MOST_MOVED))
    if method in _POOLED or len(moves.pair.patients) == 1:
        return Search(moves, judge, lambda count: _extremes(moves, count)[:1], most)
    if method in _CONDITIONAL:
        return Search(moves, judge, partial(_extremes, moves), most)
    return _refitted(moves, judge)


def _refitted(moves: Moves, judge: Judge) -> Search:
    reach = enumerable(moves, MOST_REFITTED, together=True)
    return Search(moves, judge, moves.everything, reach, rising=False)


def _extremes(moves: Moves, count: int) -> Counts:
    order = moves.by_time_ratio()
    return np.stack([moves.in_order(count, order), moves.in_order(count, order[::-1])])


def _hierarchical(fit: HierarchicalFit, refits: Refits) -> list[TippingPoint]:
    model = fit.model
    base = hierarchical_answer(refits, model)
    if isinstance(base, Refusal):
        return [_unanswered(METHOD, base.reason, failed=base.failed)]
    if not base.informative:
        return [_unanswered(METHOD, NO_INFORMATION)]
    patients = len(model.pair.patients)
    if patients > MOST_PATIENTS:
        reason = (
            f"{patients} patients: the model would have to be fitted too often; up to {MOST_PATIENTS} it is"
        )
        return [_unanswered(METHOD, reason), _background(base), *_background_quantile(fit)]
    points: list[TippingPoint] = []
    for moves in _directions(model.pair, fewest_left=0 if model.entry is None else 1):
        for criterion, judge in judges(model, refits, moves, _WORDS).items():
            points += _moved(METHOD, moves, criterion, _model_search(moves, judge, model.likelihood))
    return [*points, _background(base), *_background_quantile(fit)]


def _model_search(moves: Moves, judge: Judge, likelihood: str) -> Search:
    if likelihood != "poisson":
        return _refitted(moves, judge)
    if len(moves.pair.patients) == 1:
        most = int(min(moves.most(), MOST_MOVED))
        return Search(moves, judge, lambda count: _extremes(moves, count)[:1], most)
    goes_on_to = _MOST_TIMES * sum(moves.pair.totals)
    return Search(moves, judge, moves.everything, enumerable(moves), goes_on_to=goes_on_to)


def _unanswered(method: str, reason: str, *, failed: bool = False) -> TippingPoint:
    row = Row("tipping", "relapses added or removed", "", method, reason=reason, failed=failed)
    return TippingPoint(row, "any")


def _directions(pair: Comparison, fewest_left: int = 0) -> tuple[Moves, Moves]:
    return Moves(pair, "added", fewest_left), Moves(pair, "removed", fewest_left)


def _moved(method: str, moves: Moves, criterion: Criterion, search: Search) -> Iterable[TippingPoint]:
    """Return the smallest number for some, and for every allocation."""
    pair = moves.pair
    moved = f"added on {pair.comparator}" if moves.direction == "added" else f"removed from {pair.reference}"
    for quantifier in _QUANTIFIERS:
        label = f"relapses {moved} until {_WORDS[criterion]}, for {quantifier} allocation"
        row = _counted(Row("tipping", label, "", method), search, quantifier)
        yield TippingPoint(row, moves.direction, criterion, quantifier == "every")


def _counted(row: Row, search: Search, quantifier: Quantifier) -> Row:
    try:
        found = search.number(quantifier)
    except ConvergenceError as refused:
        return replace(row, reason="; ".join(refused.failures), failed=True)
    if found.value is None:
        return replace(row, reason=found.reason)
    return replace(row, estimate=float(found.value), cautions=_searched(found))


def _searched(found: Number) -> tuple[Caution, ...]:
    if found.bound == "exact":
        return ()
    doubt = "a smaller number may do" if found.bound == "at_most" else "a larger number may be needed"
    bound = found.bound.replace("_", " ")
    return (
        Caution(
            "searched",
            f"{bound} {counted(found.value or 0, 'relapse')}: not every allocation was tried, {doubt}",
        ),
    )


def _background(base: RateRatio) -> TippingPoint:
    label = (
        f"background ratio at or below which the upper limit ({percent(base.interval.level)}) is 1 or more"
    )
    return TippingPoint(Row("tipping", label, "", base.method, estimate=base.interval.high), "background")


def _background_quantile(fit: HierarchicalFit) -> list[TippingPoint]:
    if fit.convergence.failures:
        return []
    label = f"background ratio at or below which P(ratio < 1) is at most {PROBABILITY}"
    quantile = float(np.exp(fit.posterior.quantile("log_rate_ratio", (PROBABILITY,))[0]))
    row = Row("tipping", label, "", METHOD, estimate=quantile)
    return [TippingPoint(row, "background", "probability")]
