"""The caution of a pair with no relapse in one of its periods, with the one limit of the ratio that the data set."""

from __future__ import annotations

from dataclasses import replace

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, Limit
from nmo_stats.estimators.within_patient import zero_cell_cautions


def one_sided_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of a zero cell; without a relapse on the comparator the upper limit is known, else the lower one.

    Examples
    --------
    >>> [(found.code, found.limit) for found in one_sided_cautions(Comparison.from_arrays([[3, 0]], [[1, 1]]))]
    [('zero_cell', 'high')]
    """
    limit: Limit = "high" if pair.totals[0] else "low"
    return tuple(replace(caution, limit=limit) for caution in zero_cell_cautions(pair))
