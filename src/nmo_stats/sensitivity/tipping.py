"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background ratio. For the first two
the smallest number is sought for which *some* allocation over the patients tips the answer, and for which *every* one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Final

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError, NotIdentifiedError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators import CLASSICAL, ClassicalModel, Refusal, answer
from nmo_stats.hierarchical import HierarchicalFit, Refits
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.allocations import Counts, Direction, Moves
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


def tipping_rows(fit: HierarchicalFit, refits: Refits) -> list[Row]:
    """Return the tipping points of every estimator in the three directions."""
    pair, level = fit.model.pair, refits.level
    rows: list[Row] = []
    for method, estimator in CLASSICAL:
        base = answer(method, lambda: estimator(pair).rate_ratio(level))  # noqa: B023  asked at once
        if isinstance(base, Refusal):
            rows.append(Row("tipping", "any", "", method, reason=base.reason, failed=base.failed))
            continue
        for moves in _directions(pair):
            verdicts = cache(partial(_classical_verdicts, method, estimator, level, moves))
            rows += _moved_rows(method, moves, "upper_limit", verdicts)
        rows.append(_background_row(base))
    return rows + _hierarchical_rows(fit, refits)


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


def _hierarchical_rows(fit: HierarchicalFit, refits: Refits) -> list[Row]:
    model = fit.model
    base = hierarchical_answer(refits, model)
    if isinstance(base, Refusal):
        return [Row("tipping", "any", "", METHOD, reason=base.reason, failed=base.failed)]
    if not base.informative:
        return [Row("tipping", "any", "", METHOD, reason=base.cautions[0].text)]
    patients = len(model.pair.patients)
    rows: list[Row] = []
    if patients > MOST_PATIENTS:
        reason = (
            f"{patients} patients: the model would have to be fitted too often; up to {MOST_PATIENTS} it is"
        )
        rows = [Row("tipping", "relapses added or removed", "", METHOD, reason=reason)]
    else:
        for moves in _directions(model.pair, fewest_left=0 if model.entry is None else 1):
            search = Search(model, refits, moves)
            rows += _moved_rows(METHOD, moves, "upper_limit", cache(partial(search.verdict, "upper_limit")))
            rows += _moved_rows(METHOD, moves, "probability", cache(partial(search.verdict, "probability")))
    return [*rows, _background_row(base), *_background_quantile(fit)]


def _directions(pair: Comparison, fewest_left: int = 0) -> tuple[Moves, Moves]:
    return Moves(pair, "added", fewest_left), Moves(pair, "removed", fewest_left)


def _moved_rows(method: str, moves: Moves, criterion: Criterion, verdicts: Verdicts) -> list[Row]:
    """Return the smallest number for some, and for every allocation."""
    until = f"relapses {moved_words(moves.pair, moves.direction)} until {_WORDS[criterion]}"
    return [
        _moved_row(Row("tipping", f"{until}, for {words} allocation", "", method), moves, verdicts, place)
        for place, words in enumerate(("some", "every"))
    ]


def _moved_row(row: Row, moves: Moves, verdicts: Verdicts, place: int) -> Row:
    try:
        count = smallest(lambda moved: verdicts(moved)[place], min(moves.most(), _MOST_MOVED))
    except ConvergenceError as refused:
        return replace(row, reason="; ".join(refused.failures), failed=True)
    if count is None:
        return replace(row, reason="no number of relapses does it")
    return replace(row, estimate=float(count))


def moved_words(pair: Comparison, direction: Direction) -> str:
    """Return e.g. ``added on tocilizumab``."""
    return f"added on {pair.comparator}" if direction == "added" else f"removed from {pair.reference}"


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


def _background_row(base: RateRatio) -> Row:
    label = f"background ratio at or below which the {percent(base.interval.level)} interval includes 1"
    return Row("tipping", label, "", base.method, estimate=base.interval.high)


def _background_quantile(fit: HierarchicalFit) -> list[Row]:
    if fit.convergence.failures:
        return []
    label = f"background ratio at or below which P(ratio < 1) is at most {PROBABILITY}"
    quantile = float(np.exp(fit.posterior.quantile("log_rate_ratio", (PROBABILITY,))[0]))
    return [Row("tipping", label, "", METHOD, estimate=quantile)]
