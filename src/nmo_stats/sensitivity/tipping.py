"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background ratio. For the first two
the smallest number is sought for which *some* allocation over the patients tips the answer, and for which *every* one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, Literal

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators import CLASSICAL, ClassicalModel, Refusal, answer
from nmo_stats.hierarchical import HierarchicalFit, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.allocations import Counts, Moves
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.row import Row
from nmo_stats.sensitivity.tipping_model import PROBABILITY, Criterion, Search, Verdict
from nmo_stats.wording import percent

MOST_PATIENTS: Final = 60  # of a hierarchical model that is fitted again and again
_MOST_MOVED: Final = 100_000
_MOST_ENUMERATED: Final = 60
_POOLED: Final = ("pooled_exact", "poisson")
_CONDITIONAL: Final = ("conditional_exact", "conditional_midp", "conditional_poisson")
_WORDS: Final[dict[Criterion, str]] = {
    "upper_limit": "the upper limit is 1 or more",
    "probability": f"P(ratio < 1) is below {PROBABILITY}",
}

Verdicts = Callable[[int], Verdict]


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How much it takes to tip the answer of one estimator.

    Parameters
    ----------
    row
        The estimator, the number (or the background ratio) in words and as its ``estimate``, or why there is none.
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


def tipping_points(fit: HierarchicalFit, refits: Refits) -> list[TippingPoint]:
    """Return the tipping points of every estimator in the three directions."""
    pair, level = fit.model.pair, refits.level
    points: list[TippingPoint] = []
    for method, estimator in CLASSICAL:
        base = answer(method, lambda: estimator(pair).rate_ratio(level))  # noqa: B023  asked at once
        if isinstance(base, Refusal):
            points.append(_unanswered(method, base.reason, failed=base.failed))
            continue
        for moves in _directions(pair):
            verdicts = cache(partial(_classical_verdicts, method, estimator, level, moves))
            points += _moved(method, moves, "upper_limit", verdicts)
        points.append(_background(base))
    return points + _hierarchical(fit, refits)


def smallest(holds: Callable[[int], bool], most: float) -> int | None:
    """Return the smallest whole number up to ``most`` for which a condition holds that holds for all larger ones; None if none.

    Examples
    --------
    >>> smallest(lambda count: count > 7, 100), smallest(lambda count: count > 7, 5)
    (8, None)
    """
    if holds(0):
        return 0
    low, high = 0, 1
    while high < most and not holds(high):
        low, high = high, 2 * high
    high = int(min(high, most))
    if high <= low or not holds(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


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
        search = Search(model, refits, moves)
        for criterion in _WORDS:
            points += _moved(METHOD, moves, criterion, cache(partial(search.verdict, criterion)))
    return [*points, _background(base), *_background_quantile(fit)]


def _unanswered(method: str, reason: str, *, failed: bool = False) -> TippingPoint:
    row = Row("tipping", "relapses added or removed", "", method, reason=reason, failed=failed)
    return TippingPoint(row, "any")


def _directions(pair: Comparison, fewest_left: int = 0) -> tuple[Moves, Moves]:
    return Moves(pair, "added", fewest_left), Moves(pair, "removed", fewest_left)


def _moved(method: str, moves: Moves, criterion: Criterion, verdicts: Verdicts) -> list[TippingPoint]:
    """Return the smallest number for some, and for every allocation."""
    pair = moves.pair
    moved = f"added on {pair.comparator}" if moves.direction == "added" else f"removed from {pair.reference}"
    points = []
    for every, words in ((False, "some"), (True, "every")):
        row = Row(
            "tipping", f"relapses {moved} until {_WORDS[criterion]}, for {words} allocation", "", method
        )
        points.append(TippingPoint(_counted(row, moves, verdicts, every), moves.direction, criterion, every))
    return points


def _counted(row: Row, moves: Moves, verdicts: Verdicts, every: bool) -> Row:  # noqa: FBT001  place in a pair
    try:
        count = smallest(lambda moved: verdicts(moved)[every], min(moves.most(), _MOST_MOVED))
    except ConvergenceError as refused:
        return replace(row, reason="; ".join(refused.failures), failed=True)
    if count is None:
        return replace(row, reason="no number of relapses does it")
    return replace(row, estimate=float(count))


def _classical_verdicts(
    method: str, estimator: Callable[[Comparison], ClassicalModel], level: float, moves: Moves, count: int
) -> Verdict:
    found = [_reaches_1(estimator, moves.changed(one), level) for one in _allocations(method, moves, count)]
    return any(found), all(found)


def _reaches_1(estimator: Callable[[Comparison], ClassicalModel], pair: Comparison, level: float) -> bool:
    """Return whether the interval does not lie below 1, or no longer exists."""
    try:
        return estimator(pair).interval(level).high >= 1
    except NotIdentifiedError:
        return True


def _allocations(method: str, moves: Moves, count: int) -> Sequence[Counts]:
    """Return the allocations among which the most and the least favourable one are.

    A pooled ratio does not depend on the allocation. The conditional ones are monotone in the time ratios of the patients concerned:
    both extremes concentrate. Of the others few allocations are all looked at, many are searched at three places.
    """
    extremes = moves.extremes(count)
    if method in _POOLED or not count:
        return extremes[:1]
    if method in _CONDITIONAL:
        return extremes[:2]
    return list(moves.everything(count)) if moves.number(count) <= _MOST_ENUMERATED else extremes


def _background(base: RateRatio) -> TippingPoint:
    label = f"background ratio at or below which the {percent(base.interval.level)} interval includes 1"
    return TippingPoint(Row("tipping", label, "", base.method, estimate=base.interval.high), "background")


def _background_quantile(fit: HierarchicalFit) -> list[TippingPoint]:
    if fit.convergence.failures:
        return []
    label = f"background ratio at or below which P(ratio < 1) is at most {PROBABILITY}"
    quantile = float(np.exp(fit.posterior.quantile("log_rate_ratio", (PROBABILITY,))[0]))
    row = Row("tipping", label, "", METHOD, estimate=quantile)
    return [TippingPoint(row, "background", "probability")]
