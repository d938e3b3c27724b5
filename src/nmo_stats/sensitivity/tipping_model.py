"""Whether moved relapses tip the answer of the hierarchical model: by a quick integration, and by a fit where that leaves doubt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from scipy.special import ndtri

from nmo_stats.arrays import Counts, Floats
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import Refusal
from nmo_stats.hierarchical import Model, Refits, ratio_posteriors
from nmo_stats.hierarchical.many import FINE
from nmo_stats.sensitivity.allocations import Moves
from nmo_stats.sensitivity.models import hierarchical_answer
from nmo_stats.sensitivity.numbers import Verdict

Criterion = Literal["upper_limit", "probability"]

PROBABILITY: Final = 0.95
_MOST_FITTED: Final = 8  # allocations in doubt, of one number of relapses
# The quick integration errs by up to 0.02 posterior sd in a limit and 0.0006 in a probability, and by nearly the same amount in
# all allocations: once one of them is fitted, what remains is up to 0.005 sd and 0.0003.
_DOUBT: Final = 0.05
_DOUBTFUL_PROBABILITY: Final = 0.004
_ONCE_FITTED: Final = 0.3  # of the doubt


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

    def excess(self, allocations: Counts) -> dict[Criterion, Floats]:
        """Return by how much each allocation is beyond each criterion, in units of the doubt that the integration leaves."""
        key = allocations.tobytes()
        if key not in self._known:
            self._known[key] = self._excess(allocations)
        return self._known[key]

    def _excess(self, allocations: Counts) -> dict[Criterion, Floats]:
        model, relapses = self.model, self.moves.relapses_after(allocations)
        known = relapses.sum(axis=(1, 2)) > 0  # without any relapse nothing is left of the answer
        found = {criterion: np.full(len(relapses), np.inf) for criterion in ("upper_limit", "probability")}
        if known.any():
            years = np.broadcast_to(self.moves.pair.years, relapses.shape)[known]
            posteriors = ratio_posteriors(relapses[known], years, model.priors, entry=model.entry, steps=FINE)
            sd = (posteriors.quantile(0.84) - posteriors.quantile(0.16)) / 2
            found["upper_limit"][known] = posteriors.quantile((1 + self.level) / 2) / (_DOUBT * sd)
            below = posteriors.probability_below(0.0)
            found["probability"][known] = (PROBABILITY - below) / _DOUBTFUL_PROBABILITY
        return {"upper_limit": found["upper_limit"], "probability": found["probability"]}


@dataclass(frozen=True, eq=False)
class Fitted:
    """Judges allocations by fits of the model, as a negative-binomial one has to be.

    Parameters
    ----------
    model
        The model as analysed.
    refits
        Fits other data.
    moves
        Where relapses are added or removed.
    criterion
        What is tipped.
    """

    model: Model
    refits: Refits
    moves: Moves
    criterion: Criterion

    def verdict(self, allocations: Counts) -> Verdict:
        """Return whether some, and whether every one of the allocations tips the answer.

        Raises
        ------
        ConvergenceError
            If a fit fails on the way.
        """
        beyond = self.scores(allocations) >= 0
        return Verdict(bool(beyond.any()), bool(beyond.all()))

    def scores(self, allocations: Counts) -> Floats:
        """Return by how much each allocation is beyond the criterion; one without any relapse is."""
        return np.array([self.excess(one) for one in allocations])

    def excess(self, allocation: Counts) -> float:
        """Return by how much a fit is beyond the criterion, in the units of :class:`Integrated`; infinite without any relapse."""
        found = hierarchical_answer(self.refits, replace(self.model, pair=self.moves.changed(allocation)))
        if isinstance(found, Refusal):
            raise ConvergenceError((found.reason,), found.method)
        return _excess(self.criterion, found) if found.informative else np.inf


@dataclass(frozen=True, eq=False)
class QuicklyFitted:
    """Judges allocations by the quick integration, and fits those next to the criterion.

    Parameters
    ----------
    fitted
        Fits single allocations.
    integrated
        Integrates many.
    """

    fitted: Fitted
    integrated: Integrated

    def verdict(self, allocations: Counts) -> Verdict:
        """Return whether some, and whether every one of the allocations tips the answer.

        Raises
        ------
        ConvergenceError
            If a fit fails on the way.
        """
        excess = self.integrated.excess(allocations)[self.fitted.criterion]
        some, some_known = self._any(allocations, excess, beyond=True)
        other, other_known = self._any(allocations, excess, beyond=False)
        return Verdict(some, not other, not (some_known and other_known))

    def scores(self, allocations: Counts) -> Floats:
        """Return how high each allocation lifts the upper limit: for every criterion, so that all are searched in the same places."""
        return self.integrated.excess(allocations)["upper_limit"]

    def _any(self, allocations: Counts, excess: Floats, *, beyond: bool) -> tuple[bool, bool]:
        """Return whether some allocation is beyond (or short of) the criterion, and whether that is known for certain."""
        sign = 1.0 if beyond else -1.0
        shift, doubt, order = 0.0, 1.0, np.argsort(-sign * excess)
        for fits, place in enumerate(order):
            value = sign * (excess[place] + shift)
            if abs(value) > doubt:
                return bool(value > 0), True
            if fits == _MOST_FITTED:
                return False, False
            found = self.fitted.excess(allocations[place])
            if (found >= 0) == beyond:
                return True, True
            shift, doubt = found - excess[place], _ONCE_FITTED
        return False, True


def judges(
    model: Model, refits: Refits, moves: Moves, criteria: Iterable[Criterion]
) -> dict[Criterion, Fitted | QuicklyFitted]:
    """Return what judges allocations by each criterion: fits alone, or with Poisson counts a quick integration before them."""
    fitted = {criterion: Fitted(model, refits, moves, criterion) for criterion in criteria}
    if model.likelihood != "poisson":
        return dict(fitted)
    integrated = Integrated(model, moves, refits.level)
    return {criterion: QuicklyFitted(one, integrated) for criterion, one in fitted.items()}


def _excess(criterion: Criterion, ratio: RateRatio) -> float:
    if criterion == "probability":
        return (PROBABILITY - (ratio.probability_below_1 or 0.0)) / _DOUBTFUL_PROBABILITY
    low, high = np.log(ratio.interval.low), np.log(ratio.interval.high)
    sd = (high - low) / (2 * ndtri((1 + ratio.interval.level) / 2))
    return float(high / (_DOUBT * sd))
