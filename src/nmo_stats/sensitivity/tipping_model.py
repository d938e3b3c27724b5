"""Whether moved relapses tip the answer of the hierarchical model: by a quick integration, and by a fit where that leaves doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators import Refusal
from nmo_stats.hierarchical import Model, Refits, ratio_posteriors
from nmo_stats.hierarchical.counts import Floats
from nmo_stats.hierarchical.many import FINE
from nmo_stats.sensitivity.allocations import Counts, Moves
from nmo_stats.sensitivity.models import hierarchical_answer

Criterion = Literal["upper_limit", "probability"]
Verdict = tuple[bool, bool]  # whether some, and whether every allocation tips the answer

PROBABILITY: Final = 0.95
_MOST_INTEGRATED: Final = 2000
_MOST_FITTED: Final = 60
_NEAREST: Final = 2  # allocations that are fitted where the most extreme one is in doubt
_DOUBT: Final = 0.1  # posterior sd of a limit, and
_DOUBTFUL_PROBABILITY: Final = 0.01  # of a probability: several times the error of the quick integration


@dataclass(frozen=True, eq=False)
class Search:
    """Allocations of moved relapses, and what the hierarchical model says to them.

    Parameters
    ----------
    model
        The model as analysed.
    refits
        Fits other data.
    moves
        Where relapses are added or removed.
    """

    model: Model
    refits: Refits
    moves: Moves

    def verdict(self, criterion: Criterion, count: int) -> Verdict:
        """Return whether some, and whether every allocation of so many relapses meets the criterion.

        Raises
        ------
        ConvergenceError
            If a fit fails on the way.
        """
        allocations = self._allocations(count)
        if not count or self.model.likelihood != "poisson":
            found = [self._fitted(criterion, one) for one in allocations[:_MOST_FITTED]]
            return any(found), all(found)
        excess = self._excess(count)[criterion]
        order = np.argsort(excess)
        most = [allocations[place] for place in order[::-1][:_NEAREST]]
        least = [allocations[place] for place in order[:_NEAREST]]
        highest, lowest = float(excess[order[-1]]), float(excess[order[0]])
        some = highest > 1 or (highest > -1 and any(self._fitted(criterion, one) for one in most))
        every = lowest > 1 or (lowest > -1 and all(self._fitted(criterion, one) for one in least))
        return some, every

    def _allocations(self, count: int) -> list[Counts]:
        """Return all allocations, or of very many those that concentrate on one patient and an even one."""
        few = self.moves.number(count) <= _MOST_INTEGRATED
        return list(self.moves.everything(count)) if few else self.moves.extremes(count)

    def _fitted(self, criterion: Criterion, allocation: Counts) -> bool:
        """Return whether the fit of one allocation meets the criterion; one without any relapse does."""
        found = hierarchical_answer(self.refits, replace(self.model, pair=self.moves.changed(allocation)))
        if isinstance(found, Refusal):
            raise ConvergenceError((found.reason,), found.method)
        return not found.informative or _meets(criterion, found)

    def _excess(self, count: int) -> dict[Criterion, Floats]:
        """Return by how much each allocation is beyond each criterion, in units of the doubt that the integration leaves."""
        if count not in self._known:
            relapses = np.stack([self.moves.changed(one).relapses for one in self._allocations(count)])
            years = np.broadcast_to(self.moves.pair.years, relapses.shape)
            model = self.model
            posteriors = ratio_posteriors(relapses, years, model.priors, entry=model.entry, steps=FINE)
            sd = (posteriors.quantile(0.84) - posteriors.quantile(0.16)) / 2
            limit, probability = (
                posteriors.quantile((1 + self.refits.level) / 2),
                posteriors.probability_below(0.0),
            )
            self._known[count] = {
                "upper_limit": limit / (_DOUBT * sd),
                "probability": (PROBABILITY - probability) / _DOUBTFUL_PROBABILITY,
            }
        return self._known[count]

    @cached_property
    def _known(self) -> dict[int, dict[Criterion, Floats]]:
        return {}


def _meets(criterion: Criterion, ratio: RateRatio) -> bool:
    if criterion == "upper_limit":
        return ratio.interval.high >= 1
    return ratio.probability_below_1 is None or ratio.probability_below_1 < PROBABILITY
