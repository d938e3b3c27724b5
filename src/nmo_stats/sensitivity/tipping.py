"""How little would have to be different for an interval to include 1.

Three directions: relapses added on the comparator, relapses removed from the reference, and a background
ratio. For the first two the smallest number is sought for which *some* allocation over the patients tips the
answer, and for which *every* one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from scipy.special import ndtri

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts, Floats
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, Caution, RateRatio
from nmo_stats.estimators.classical import CLASSICAL, Refusal, answer, classical_rates
from nmo_stats.estimators.methods import intervals
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits, ratio_posteriors
from nmo_stats.hierarchical.many import FINE
from nmo_stats.names import HIERARCHICAL, WITHIN
from nmo_stats.sensitivity.allocations import MOST_ENUMERATED, MOST_PATIENTS, Judge, Moves, Scores, Search
from nmo_stats.sensitivity.row import Assumption, Criterion, TippingPoint
from nmo_stats.wording import counted, percent

PROBABILITY: Final = 0.95
MOST_MOVED: Final = 100_000
MOST_REFITTED: Final = 60  # allocations of all numbers together, where each costs a fit
NEVER: Final = "no number of relapses does it"
_MOST_TIMES: Final = 4  # relapses that are moved in a search, of those in the data
_POOLED: Final = ("pooled_exact", "poisson")  # where the patients do not matter
_CONDITIONAL: Final = (WITHIN, "conditional_midp", "conditional_poisson")
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

    Raises
    ------
    ArgumentError
        If an argument is of another type.
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
            points += _moved(method, classical_search(method, level, moves))
        points.append(_background(base))
    return points + _hierarchical(fit, refits)


def classical_search(method: str, level: float, moves: Moves) -> Search:
    """Return the search by the upper limits of an exact or likelihood method."""

    def excess(allocations: Counts) -> Scores:
        high = intervals(method, moves.relapses_after(allocations), moves.pair.years, level).high
        return {
            "upper_limit": np.where(np.isnan(high), np.inf, high - 1)
        }  # no limit: nothing left of the answer

    judge = Judge(excess)
    if method in (*_POOLED, *_CONDITIONAL) or len(moves.pair.patients) == 1:
        most = int(min(moves.most(), MOST_MOVED))
        return Search(moves, judge, "upper_limit", most, has_extremes=True)
    most = _most(moves)
    return Search(moves, judge, "upper_limit", most, min(moves.reach(MOST_ENUMERATED), most + 1))


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
            for search in model_searches(model, refits, moves):
                points += _moved(HIERARCHICAL, search)
    return [*points, _background(base), *_background_quantile(fit)]


def model_searches(model: Model, refits: Refits, moves: Moves) -> list[Search]:
    """Return the search by each criterion: by fits; with Poisson counts, a quick integration before."""
    fitted = partial(_fitted, model, refits, moves)
    most = _most(moves)
    if model.likelihood == "poisson":
        judge = Judge(partial(_integrated, model, refits.level, moves), fitted)
        return [Search(moves, judge, criterion, most) for criterion in _WORDS]

    def each(allocations: Counts) -> Scores:
        fits = [fitted(allocation) for allocation in allocations]
        return {criterion: np.concatenate([fit[criterion] for fit in fits]) for criterion in _WORDS}

    first_too_dear = min(moves.reach(MOST_REFITTED), most + 1)
    return [Search(moves, Judge(each), criterion, first_too_dear - 1, first_too_dear) for criterion in _WORDS]


def _integrated(model: Model, level: float, moves: Moves, allocations: Counts) -> Scores:
    """Return by how much allocations are beyond each criterion, by the quick integration of many series."""
    relapses = moves.relapses_after(allocations)
    known = relapses.sum(axis=(1, 2)) > 0  # without any relapse nothing is left of the answer
    excess: dict[Criterion, Floats] = {criterion: np.full(len(relapses), np.inf) for criterion in _WORDS}
    if known.any():
        years = np.broadcast_to(moves.pair.years, relapses.shape)[known]
        posteriors = ratio_posteriors(relapses[known], years, model.priors, entry=model.entry, steps=FINE)
        sd = (posteriors.quantile(0.84) - posteriors.quantile(0.16)) / 2
        excess["upper_limit"][known] = posteriors.quantile((1 + level) / 2) / (_DOUBT * sd)
        below = posteriors.probability_below(0.0)
        excess["probability"][known] = (PROBABILITY - below) / _DOUBTFUL_PROBABILITY
    return excess


def _fitted(model: Model, refits: Refits, moves: Moves, allocation: Counts) -> Scores:
    """Return by how much a fit is beyond each criterion, in the same units."""
    ratio = refits.rate_ratio(replace(model, pair=moves.changed(allocation)))
    if not ratio.informative:
        return {criterion: np.array([np.inf]) for criterion in _WORDS}
    low, high = np.log(ratio.interval.low), np.log(ratio.interval.high)
    sd = (high - low) / (2 * ndtri((1 + ratio.interval.level) / 2))
    below = ratio.probability_below_1 or 0.0
    return {
        "upper_limit": np.array([high / (_DOUBT * sd)]),
        "probability": np.array([(PROBABILITY - below) / _DOUBTFUL_PROBABILITY]),
    }


def _moved(method: str, search: Search) -> Iterator[TippingPoint]:
    """Return the smallest number for some, and for every allocation."""
    pair, direction, criterion = search.moves.pair, search.moves.direction, search.criterion
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
        if number is None:
            tried = f"no number of up to {search.most:,} relapses, the most that were tried, does it"
            yield replace(point, reason=NEVER if search.most >= search.moves.most() else tried)
            continue
        yield _with_number(point, *number)


def _with_number(point: TippingPoint, number: int, is_bound: bool) -> TippingPoint:  # noqa: FBT001
    """Return the point with its number, and the caution of a bound."""
    numbered = replace(point, number=float(number), is_bound=is_bound)
    if not is_bound:
        return numbered
    bound, doubt = ("at least", "a larger") if point.every else ("at most", "a smaller")
    text = f"{bound} {counted(number, 'relapse')}: not every allocation was tried, {doubt} number is possible"
    return replace(numbered, cautions=(Caution("searched", text),))


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
