"""The exact intervals of many series at once.

The pooled interval is that of Clopper and Pearson in closed form. The conditional one inverts the tails of a sum of binomials:
their convolution is built once for each series at the estimate, and any other ratio is an exponential tilt of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import elementwise
from scipy.special import betaincinv, gammaln, log_expit

from nmo_stats.arrays import Counts, Floats
from nmo_stats.estimators.within_patient import log_ratio_estimates
from nmo_stats.operating.estimators.answers import Intervals
from nmo_stats.simulate import Cohorts, point_estimates

_BLOCK = 256


def pooled_exact(cohorts: Cohorts, level: float) -> Intervals:
    """Return the exact pooled ratio of each series.

    References
    ----------
    Clopper CJ, Pearson ES. doi:10.1093/biomet/26.4.404.
    """
    relapses, years = cohorts.relapses.sum(axis=1), cohorts.years.sum(axis=1)
    reference, comparator = relapses.T
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(comparator > 0, betaincinv(comparator, reference + 1, tail), 0.0)
        high = np.where(reference > 0, betaincinv(comparator + 1, reference, 1 - tail), 1.0)
        limits = [share / (1 - share) * years[:, 0] / years[:, 1] for share in (low, high)]
    known = relapses.sum(axis=1) > 0
    estimate = point_estimates(cohorts)["pooled_exact"]
    return Intervals(*(np.where(known, values, np.nan) for values in (estimate, *limits)))


def conditional_exact(cohorts: Cohorts, level: float, *, midp: bool = False) -> Intervals:
    """Return the ratio stratified by patient of each series, with its exact or mid-p interval."""
    known = cohorts.relapses.sum(axis=(1, 2)) > 0
    if not known.any():
        return Intervals.none(len(cohorts))
    relapses, years = cohorts.relapses[known], cohorts.years[known]
    estimate = point_estimates(Cohorts(relapses, years))["conditional_exact"]
    low, high = np.empty((2, len(relapses)))
    # series with about as many relapses together: a table is as wide as its largest total
    order = np.argsort(relapses.sum(axis=(1, 2)), kind="stable")
    for first in range(0, len(order), _BLOCK):
        chosen = order[first : first + _BLOCK]
        table = _table(relapses[chosen], years[chosen])
        low[chosen] = table.lower_limits((1 - level) / 2, midp=midp)
        high[chosen] = table.upper_limits((1 - level) / 2, midp=midp)
    return Intervals(estimate, low, high).placed(known)


@dataclass(frozen=True, eq=False)
class _Table:
    """Distributions of the comparator total around its observed value.

    Parameters
    ----------
    observed, relapses
        Comparator total, and relapses in both periods, shape (series,).
    log_base
        Log ratio at which the table holds.
    log_pmf
        Log probabilities of 0, 1, ..., shape (series, largest total + 1).
    """

    observed: Counts
    relapses: Counts
    log_base: Floats
    log_pmf: Floats

    def lower_limits(self, tail: float, *, midp: bool) -> Floats:
        """Return the ratios at which the upper tail has a probability; 0 without a relapse on the comparator."""
        limits = self._limits(self.observed > 0, tail, midp=midp, upper=True)
        return np.where(self.observed > 0, limits, 0.0)

    def upper_limits(self, tail: float, *, midp: bool) -> Floats:
        """Return the ratios at which the lower tail has a probability; infinite without a relapse on the reference."""
        limits = self._limits(self.observed < self.relapses, tail, midp=midp, upper=False)
        return np.where(self.observed < self.relapses, limits, np.inf)

    def _limits(self, exists: np.ndarray, tail: float, *, midp: bool, upper: bool) -> Floats:
        places = np.flatnonzero(exists)
        found = np.full(len(exists), np.nan)
        if not places.size:
            return found
        counts = np.arange(self.log_pmf.shape[1])
        observed = self.observed[:, None]
        in_tail = (counts > observed if upper else counts < observed) + (0.5 if midp else 1.0) * (
            counts == observed
        )

        def excess(shift: Floats, place: Counts) -> Floats:
            logs = self.log_pmf[place] + counts * shift[..., None]
            weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
            return np.asarray((weights * in_tail[place]).sum(axis=-1) / weights.sum(axis=-1) - tail)

        outward = -1.0 if upper else 1.0
        near, far = np.full(places.size, -outward * 1e-3), np.full(places.size, outward)
        # the tail at the base is about one half
        while (short := excess(far, places) > 0).any():
            far = np.where(short, 2 * far, far)
        while (short := excess(near, places) < 0).any():
            near = np.where(short, 2 * near, near)
        low, high = np.minimum(near, far), np.maximum(near, far)
        root = elementwise.find_root(excess, (low, high), args=(places,), tolerances={"xatol": 1e-10})
        found[places] = np.exp(self.log_base[places] + root.x)
        return found


def _table(relapses: Counts, years: Floats) -> _Table:
    totals, offsets = _strata(relapses.sum(axis=2), np.log(years[:, :, 1] / years[:, :, 0]))
    observed, everything = relapses[:, :, 1].sum(axis=1), totals.sum(axis=1)
    base = log_ratio_estimates(np.clip(observed, 0.5, everything - 0.5), totals, offsets)
    logits = base[:, None] + offsets
    pmf = np.zeros((len(totals), int(everything.max()) + 1))
    pmf[:, 0] = 1.0
    for stratum in range(totals.shape[1]):
        pmf = _convolved(pmf, _binomial(totals[:, stratum], logits[:, stratum]))
    with np.errstate(divide="ignore"):
        return _Table(observed, everything, base, np.log(pmf))


def _strata(totals: Counts, offsets: Floats) -> tuple[Counts, Floats]:
    """Take together the patients whose time ratio is the same in every series: their binomials add up to one."""
    _, stratum = np.unique(offsets.round(12), axis=1, return_inverse=True)
    together = totals @ (stratum.reshape(-1, 1) == np.arange(int(stratum.max()) + 1))
    _, first = np.unique(stratum, return_index=True)
    return together, offsets[:, first]


def _binomial(size: Counts, logit: Floats) -> Floats:
    """Return binomial probabilities of 0, 1, ..., shape (series, largest size + 1)."""
    counts = np.arange(int(size.max()) + 1)
    possible = counts <= size[:, None]
    rest = np.where(possible, size[:, None] - counts, 0)
    logs = (
        gammaln(size + 1.0)[:, None]
        - gammaln(counts + 1.0)
        - gammaln(rest + 1.0)
        + counts * log_expit(logit)[:, None]
        + rest * log_expit(-logit)[:, None]
    )
    return np.where(possible, np.exp(logs), 0.0)


def _convolved(first: Floats, second: Floats) -> Floats:
    """Convolve row by row; sums of positive numbers keep their relative precision, which a Fourier transform does not."""
    found = first * second[:, :1]
    for count in range(1, second.shape[1]):
        found[:, count:] += first[:, : first.shape[1] - count] * second[:, count, None]
    return found
