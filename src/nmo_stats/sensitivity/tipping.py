"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background ratio. For the first two
the smallest number is sought for which *some* allocation over the patients tips the answer, and for which *every* one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import RateModel, RateRatio
from nmo_stats.estimators import CLASSICAL, Refusal, answer
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits, ratio_posteriors
from nmo_stats.hierarchical.many import FINE
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.allocations import Counts, Direction, Moves
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.row import Row
from nmo_stats.wording import percent

PROBABILITY: Final = 0.95
MOST_PATIENTS: Final = 300  # of a hierarchical model that is fitted again and again
_MOST_MOVED: Final = 100_000
_MOST_ENUMERATED: Final = 60
_MOST_INTEGRATED: Final = 2000
_POOLED: Final = ("pooled_exact", "poisson")
_CONDITIONAL: Final = ("conditional_exact", "conditional_midp", "conditional_poisson")
_DOUBT: Final = 0.1  # posterior sd, and
_DOUBTFUL_PROBABILITY: Final = 0.01  # ten times the error of the quick integration and more

Ask = Callable[[Comparison], RateRatio | Refusal]
Verdicts = Callable[[int], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Criterion:
    """When an answer counts as tipped.

    Parameters
    ----------
    words
        The criterion in words.
    is_tipped
        Whether a ratio meets it.
    on_probability
        Whether it is one of the posterior probability, not of the upper limit.
    """

    words: str
    is_tipped: Callable[[RateRatio], bool]
    on_probability: bool = False


def upper_limit_reaches_1(ratio: RateRatio) -> bool:
    """Return whether the interval does not lie below 1."""
    return not ratio.informative or ratio.interval.high >= 1


def probability_is_low(ratio: RateRatio) -> bool:
    """Return whether the probability of a ratio below 1 is less than 0.95."""
    return ratio.probability_below_1 is None or ratio.probability_below_1 < PROBABILITY


UPPER_LIMIT: Final = Criterion("the upper limit is 1 or more", upper_limit_reaches_1)
LOW_PROBABILITY: Final = Criterion(
    f"P(ratio < 1) is below {PROBABILITY}", probability_is_low, on_probability=True
)


def tipping_rows(fit: HierarchicalFit, refits: Refits) -> list[Row]:
    """Return the tipping points of every estimator in the three directions."""
    model = fit.model
    rows: list[Row] = []
    for method, estimator in CLASSICAL:
        ask = partial(_classical, method, estimator, refits.level)
        base = ask(model.pair)
        rows += _without(base) or _rows(method, base, partial(_classical_verdicts, method, ask), model.pair)
    base = hierarchical_answer(refits, model)
    return [
        *rows,
        *(_without(base) or [*_hierarchical_rows(base, model, refits), *_background_quantile(fit)]),
    ]


def smallest(verdicts: Verdicts, most: float, *, every: bool) -> int | None:
    """Return the smallest number of moved relapses for which some, or every, allocation tips the answer; None if none does.

    A number that tips the answer is taken to do so for all larger ones.

    Examples
    --------
    >>> smallest(lambda count: [count > 4, count > 7], 100, every=True)
    8
    """

    def holds(count: int) -> bool:
        found = verdicts(count)
        return all(found) if every else any(found)

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


def _without(base: object) -> list[Row]:
    """Return the row of an estimator without a number; nothing for one that has it."""
    if isinstance(base, Refusal):
        return [Row("tipping", "any", "", base.method, reason=base.reason, failed=base.failed)]
    if isinstance(base, RateRatio) and not base.informative:
        return [Row("tipping", "any", "", base.method, reason=base.cautions[0].text)]
    return []


def _rows(
    method: str,
    base: object,
    verdicts_of: Callable[[Moves, Criterion], Verdicts],
    pair: Comparison,
    criteria: Sequence[Criterion] = (UPPER_LIMIT,),
    fewest_left: int = 0,
) -> list[Row]:
    """Return the rows of one estimator."""
    assert isinstance(base, RateRatio)
    rows: list[Row] = []
    directions: tuple[Direction, ...] = ("added", "removed")
    for direction in directions:
        moves = Moves(pair, direction, fewest_left)
        for criterion in criteria:
            verdicts = cache(verdicts_of(moves, criterion))
            rows += [_moved_row(method, moves, criterion, verdicts, every=every) for every in (False, True)]
    label = f"background ratio at or below which the {percent(base.interval.level)} interval includes 1"
    return [*rows, Row("tipping", label, "", method, estimate=base.interval.high)]


def _moved_row(method: str, moves: Moves, criterion: Criterion, verdicts: Verdicts, *, every: bool) -> Row:
    pair = moves.pair
    moved = f"added on {pair.comparator}" if moves.direction == "added" else f"removed from {pair.reference}"
    label = f"relapses {moved} until {criterion.words}, for {'every' if every else 'some'} allocation"
    row = Row("tipping", label, "", method)
    try:
        count = smallest(verdicts, min(moves.most(), _MOST_MOVED), every=every)
    except ConvergenceError as refused:
        return replace(row, reason="; ".join(refused.failures), failed=True)
    if count is None:
        return replace(row, reason="no number of relapses does it")
    return replace(row, estimate=float(count))


def _classical(
    method: str, estimator: Callable[[Comparison], RateModel], level: float, pair: Comparison
) -> RateRatio | Refusal:
    return answer(method, lambda: estimator(pair).rate_ratio(level))


def _classical_verdicts(method: str, ask: Ask, moves: Moves, criterion: Criterion) -> Verdicts:
    def verdicts(count: int) -> list[bool]:
        return [_verdict(ask(moves.changed(one)), criterion) for one in _allocations(method, moves, count)]

    return verdicts


def _verdict(found: RateRatio | Refusal, criterion: Criterion) -> bool:
    """Return whether an answer is tipped; one that is no longer identified is."""
    if isinstance(found, RateRatio):
        return criterion.is_tipped(found)
    if found.failed:
        raise ConvergenceError((found.reason,), found.method)
    return True


def _allocations(method: str, moves: Moves, count: int) -> list[Counts]:
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


def _hierarchical_rows(base: object, model: Model, refits: Refits) -> list[Row]:
    patients = len(model.pair.patients)
    if patients > MOST_PATIENTS:
        reason = (
            f"{patients} patients: the model would have to be fitted too often; up to {MOST_PATIENTS} it is"
        )
        return [Row("tipping", "relapses added or removed", "", METHOD, reason=reason)]
    verdicts_of = partial(_hierarchical_verdicts, model, refits)
    fewest_left = 0 if model.entry is None else 1
    return _rows(METHOD, base, verdicts_of, model.pair, (UPPER_LIMIT, LOW_PROBABILITY), fewest_left)


def _hierarchical_verdicts(model: Model, refits: Refits, moves: Moves, criterion: Criterion) -> Verdicts:
    """Return the verdicts of the hierarchical model: a quick integration decides where it leaves no doubt, a fit elsewhere."""

    def fitted(allocation: Counts) -> bool:
        return _verdict(
            hierarchical_answer(refits, replace(model, pair=moves.changed(allocation))), criterion
        )

    def verdicts(count: int) -> list[bool]:
        few = moves.number(count) <= _MOST_INTEGRATED
        allocations = list(moves.everything(count)) if few else moves.extremes(count)
        if len(allocations) < 4 or model.likelihood != "poisson":
            return [fitted(one) for one in allocations[:_MOST_ENUMERATED]]
        excess = _excess(model, moves, allocations, criterion, refits.level)
        return [
            bool(value > 0) if abs(value) > 1 else fitted(one)
            for value, one in zip(excess, allocations, strict=True)
        ]

    return verdicts


def _excess(
    model: Model, moves: Moves, allocations: Sequence[Counts], criterion: Criterion, level: float
) -> np.ndarray:
    """Return by how much each allocation is beyond the criterion, in units of the doubt that a quick integration leaves."""
    relapses = np.stack([moves.changed(one).relapses for one in allocations])
    years = np.broadcast_to(moves.pair.years, relapses.shape)
    posteriors = ratio_posteriors(relapses, years, model.priors, entry=model.entry, steps=FINE)
    if criterion.on_probability:
        return (PROBABILITY - posteriors.probability_below(0.0)) / _DOUBTFUL_PROBABILITY
    sd = (posteriors.quantile(0.84) - posteriors.quantile(0.16)) / 2
    return posteriors.quantile((1 + level) / 2) / (_DOUBT * sd)


def _background_quantile(fit: HierarchicalFit) -> list[Row]:
    if fit.convergence.failures:
        return []
    label = f"background ratio at or below which P(ratio < 1) is at most {PROBABILITY}"
    quantile = float(np.exp(fit.posterior.quantile("log_rate_ratio", (PROBABILITY,))[0]))
    return [Row("tipping", label, "", fit.method, estimate=quantile)]
