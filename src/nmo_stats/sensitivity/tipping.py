"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background
ratio. For the first two the smallest number is sought for which *some* allocation over the patients tips the
answer, and for which *every* one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
from scipy.special import ndtri

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts, Floats
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, Caution, RateRatio
from nmo_stats.estimators.methods import intervals
from nmo_stats.estimators.table import CLASSICAL, Refusal, answer, classical_rates
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits, ratio_posteriors
from nmo_stats.hierarchical.many import FINE
from nmo_stats.names import HIERARCHICAL
from nmo_stats.sensitivity.allocations import MOST_PATIENTS, Judge, Moves, Search
from nmo_stats.sensitivity.row import Assumption, Criterion, TippingPoint
from nmo_stats.wording import counted, percent

PROBABILITY: Final = 0.95
MOST_MOVED: Final = 100_000
MOST_REFITTED: Final = 60  # allocations of all numbers together, where each costs a fit
NEVER: Final = "no number of relapses does it"
_MOST_TIMES: Final = 4  # relapses that are moved in a search, of those in the data
_POOLED: Final = ("pooled_exact", "poisson")  # where the patients do not matter
_WITHIN: Final = ("conditional_exact", "conditional_midp", "conditional_poisson")
_WORDS: Final[dict[Criterion, str]] = {
    "upper_limit": "the upper limit is 1 or more",
    "probability": f"P(ratio < 1) is below {PROBABILITY}",
}
# The quick integration errs by up to 0.02 posterior sd in a limit and 0.0006 in a probability, and by nearly
# the same amount in all allocations: once one of them is fitted, what remains is up to 0.005 sd and 0.0003.
_DOUBT: Final = 0.05
_DOUBTFUL_PROBABILITY: Final = 0.004


def tipping_points(fit: HierarchicalFit, refits: Refits) -> list[TippingPoint]:
    """Return the tipping points of every method in the three directions.

    Pooled ratios depend on totals only. Of the ratios within patients the two extreme allocations are known
    for every number of relapses: those that concentrate on the patients with the smallest, and with the
    largest comparator / reference time, because a relapse moves the tail (or the likelihood) at a ratio of 1
    the more the smaller its chance was to fall into that period. The others are asked about every allocation,
    and beyond 2,000 of them about two nested paths. A negative-binomial hierarchical model is fitted up to 60
    times.

    Parameters
    ----------
    fit
        The hierarchical model as analysed.
    refits
        Fits other data, and gives the level.

    Returns
    -------
    list of TippingPoint
        By method, direction and criterion; for some and for every allocation.
    """
    instance("fit", fit, HierarchicalFit)
    instance("refits", refits, Refits)
    pair, level = fit.model.pair, refits.level
    rates = classical_rates(pair, level)
    results: tuple[RateRatio | Refusal, ...] = (*rates.estimates, *rates.refusals)
    answered = {base.method: base for base in results}
    points: list[TippingPoint] = []
    for method, _ in CLASSICAL:
        base = answered[method]
        if isinstance(base, Refusal):
            points.append(_unanswered(base.method, base.reason, failed=base.failed))
            continue
        for moves in (Moves(pair, "added"), Moves(pair, "removed")):
            judge = Judge(partial(_beyond_1, method, level, moves))
            points += _moved(method, "upper_limit", _classical_search(method, moves, judge))
        points.append(_background(base))
    return points + _hierarchical(fit, refits)


def _beyond_1(method: str, level: float, moves: Moves, allocations: Counts) -> Floats:
    """Return by how much upper limits are beyond 1; infinite where the method has none any more."""
    relapses = moves.relapses_after(allocations)
    high = intervals(method, relapses, moves.pair.years, level).high
    return np.where(np.isnan(high), np.inf, high - 1)


def _classical_search(method: str, moves: Moves, judge: Judge) -> Search:
    if method in (*_POOLED, *_WITHIN) or len(moves.pair.patients) == 1:
        return Search(moves, judge, int(min(moves.most(), MOST_MOVED)), has_extremes=True)
    return Search(moves, judge, _most(moves), is_rising=False)


def _most(moves: Moves) -> int:
    several = len(moves.pair.patients) > 1
    return int(min(moves.most(), _MOST_TIMES * sum(moves.pair.totals) if several else MOST_MOVED))


def _hierarchical(fit: HierarchicalFit, refits: Refits) -> list[TippingPoint]:
    model = fit.model
    base = answer(HIERARCHICAL, lambda: refits.rate_ratio(model))
    if isinstance(base, Refusal):
        return [_unanswered(base.method, base.reason, failed=base.failed)]
    if not base.informative:
        return [_unanswered(HIERARCHICAL, NO_INFORMATION)]
    patients, fewest_left = len(model.pair.patients), 0 if model.entry is None else 1
    points: list[TippingPoint] = []
    if patients > MOST_PATIENTS:
        reason = f"{patients} patients: the model is refitted for up to {MOST_PATIENTS} only"
        points.append(_unanswered(HIERARCHICAL, reason))
    else:
        for moves in (Moves(model.pair, "added", fewest_left), Moves(model.pair, "removed", fewest_left)):
            for criterion, search in model_searches(model, refits, moves).items():
                points += _moved(HIERARCHICAL, criterion, search)
    return [*points, _background(base), *_background_quantile(fit)]


def model_searches(model: Model, refits: Refits, moves: Moves) -> dict[Criterion, Search]:
    """Return the search by each criterion: by fits; with Poisson counts, a quick integration before."""
    quick = Integrated(model, moves, refits.level)
    searches = {}
    for criterion in _WORDS:
        fitted = partial(_fitted, criterion, model, refits, moves)
        if model.likelihood == "poisson":
            judge = Judge(partial(quick.excess, criterion), fitted)
            searches[criterion] = Search(moves, judge, _most(moves))
        else:
            each = Judge(partial(_each, fitted))
            searches[criterion] = Search(
                moves, each, _most(moves), is_rising=False, most_together=MOST_REFITTED, goes_on=False
            )
    return searches


@dataclass(frozen=True, eq=False)
class Integrated:
    """Quick posteriors of the ratio after moving relapses, each computed once for all criteria.

    Parameters
    ----------
    model
        The model as analysed.
    moves
        Where relapses are added or removed.
    level
        Level of the interval.
    """

    model: Model
    moves: Moves
    level: float
    _known: dict[bytes, dict[Criterion, Floats]] = field(default_factory=dict)

    def excess(self, criterion: Criterion, allocations: Counts) -> Floats:
        """Return by how much allocations are beyond a criterion, in units of the doubt that is left."""
        key = allocations.tobytes()
        if key not in self._known:
            self._known[key] = self._excess(allocations)
        return self._known[key][criterion]

    def _excess(self, allocations: Counts) -> dict[Criterion, Floats]:
        model, relapses = self.model, self.moves.relapses_after(allocations)
        known = relapses.sum(axis=(1, 2)) > 0  # without any relapse nothing is left of the answer
        excess: dict[Criterion, Floats] = {criterion: np.full(len(relapses), np.inf) for criterion in _WORDS}
        if known.any():
            years = np.broadcast_to(self.moves.pair.years, relapses.shape)[known]
            posteriors = ratio_posteriors(relapses[known], years, model.priors, entry=model.entry, steps=FINE)
            sd = (posteriors.quantile(0.84) - posteriors.quantile(0.16)) / 2
            excess["upper_limit"][known] = posteriors.quantile((1 + self.level) / 2) / (_DOUBT * sd)
            below = posteriors.probability_below(0.0)
            excess["probability"][known] = (PROBABILITY - below) / _DOUBTFUL_PROBABILITY
        return excess


def _fitted(criterion: Criterion, model: Model, refits: Refits, moves: Moves, allocation: Counts) -> float:
    """Return by how much a fit is beyond the criterion, in the same units; infinite without a relapse."""
    ratio = refits.rate_ratio(replace(model, pair=moves.changed(allocation)))
    if not ratio.informative:
        return math.inf
    if criterion == "probability":
        return (PROBABILITY - (ratio.probability_below_1 or 0.0)) / _DOUBTFUL_PROBABILITY
    low, high = np.log(ratio.interval.low), np.log(ratio.interval.high)
    sd = (high - low) / (2 * ndtri((1 + ratio.interval.level) / 2))
    return float(high / (_DOUBT * sd))


def _each(fitted: partial[float], allocations: Counts) -> Floats:
    return np.array([fitted(allocation) for allocation in allocations])


def _moved(method: str, criterion: Criterion, search: Search) -> Iterator[TippingPoint]:
    """Return the smallest number for some, and for every allocation."""
    pair, direction = search.moves.pair, search.moves.direction
    moved = f"added on {pair.comparator}" if direction == "added" else f"removed from {pair.reference}"
    for every, which in ((False, "some"), (True, "every")):
        name = f"relapses {moved} until {_WORDS[criterion]}, for {which} allocation"
        assumption = Assumption("tipping", f"{direction}_{criterion}_{which}", name)
        point = TippingPoint(
            assumption=assumption, method=method, direction=direction, criterion=criterion, every=every
        )
        try:
            number = search.number(every=every)
        except ConvergenceError as refused:
            yield replace(point, reason="; ".join(refused.failures), failed=True)
            continue
        yield replace(point, reason=_not_found(search)) if number is None else _with_number(point, *number)


def _with_number(point: TippingPoint, number: int, is_bound: bool) -> TippingPoint:  # noqa: FBT001
    """Return the point with its number, and the caution of a bound."""
    found = replace(point, number=float(number), is_bound=is_bound)
    if not is_bound:
        return found
    bound, doubt = ("at least", "a larger") if point.every else ("at most", "a smaller")
    text = f"{bound} {counted(number, 'relapse')}: not every allocation was tried, {doubt} number is possible"
    return replace(found, cautions=(Caution("searched", text),))


def _not_found(search: Search) -> str:
    if not search.goes_on and search.first_skipped <= search.most:
        tried = counted(search.first_skipped - 1, "relapse")
        return f"not reached with up to {tried}; more would need over {MOST_REFITTED} fits"
    if search.most >= search.moves.most():
        return NEVER
    return f"no number of up to {search.most:,} relapses does it"


def _unanswered(method: str, reason: str, *, failed: bool = False) -> TippingPoint:
    assumption = Assumption("tipping", "any", "relapses added or removed")
    return TippingPoint(assumption=assumption, method=method, reason=reason, failed=failed)


def _background(base: RateRatio) -> TippingPoint:
    limit = f"the upper limit ({percent(base.interval.level)}) is 1 or more"
    return _background_point(base.method, base.interval.high, "upper_limit", limit)


def _background_quantile(fit: HierarchicalFit) -> list[TippingPoint]:
    if fit.convergence.failures:
        return []
    quantile = float(np.exp(fit.posterior.quantile("log_rate_ratio", (PROBABILITY,))[0]))
    limit = f"P(ratio < 1) is at most {PROBABILITY}"
    return [_background_point(HIERARCHICAL, quantile, "probability", limit)]


def _background_point(method: str, ratio: float, criterion: Criterion, limit: str) -> TippingPoint:
    name = f"background ratio at or below which {limit}"
    assumption = Assumption("tipping", f"background_{criterion}", name)
    return TippingPoint(
        assumption=assumption, method=method, number=ratio, direction="background", criterion=criterion
    )
