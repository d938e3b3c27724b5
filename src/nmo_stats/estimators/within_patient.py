"""The likelihood of a common rate ratio given each patient's total: what pairing says about the data.

Given the patient's total ``n_i = y_i0 + y_i1``, Poisson counts with rates ``rate_i`` and ``ratio * rate_i``
give

    y_i1 | n_i ~ Binomial(n_i, expit(log ratio + log(t_i1 / t_i0)))

so that the patients' own rates drop out. The exact and the conditional likelihood methods, and the check for
overdispersion, all rest on this one distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimators.intervals import Cohorts

FEWEST_FOR_DISPERSION: Final = 10
POINT_ESTIMATES: Final = ("pooled_exact", "conditional_exact", "mean_arr_ratio", "median_arr_ratio")
_MOST_SIMULATED_PATIENTS: Final = 500
_MOST_REPLICATES: Final = 10_000
_SIMULATED_CELLS: Final = 1_000_000
_MOST_NEWTON_STEPS: Final = 60
_SETTLED: Final = 1e-8  # a Newton step on the log scale: the next one is of the order of its square
_MARGIN: Final = 1.0  # on the log scale
_SAME_RATIO: Final = 12  # decimals in which the log time ratios of two patients agree
_SIMULATION_SEED: Final = 19900301


@dataclass(frozen=True, eq=False)
class Strata:
    """Binomial strata of many series: patients with relapses, those with the same time ratio taken together.

    Parameters
    ----------
    totals
        Relapses in both periods, shape (series, strata).
    log_time_ratios
        log(comparator time / reference time), shape (series, strata).
    """

    totals: Counts
    log_time_ratios: Floats

    @property
    def relapses(self) -> Counts:
        """Relapses in both periods of all patients, shape (series,)."""
        return np.asarray(self.totals.sum(axis=1))

    def only(self, chosen: Flags | Counts) -> Strata:
        """Return some of the series, by a mask or by their numbers."""
        return Strata(self.totals[chosen], self.log_time_ratios[chosen])

    def log_none(self, log_ratio: Floats) -> Floats:
        """Return the log probability that no relapse falls on the comparator, shape (series,)."""
        return np.asarray((self.totals * log_expit(-(log_ratio[:, None] + self.log_time_ratios))).sum(axis=1))


def strata(cohorts: Cohorts) -> Strata:
    """Return the patients as strata: binomials with the same probability add up to one binomial.

    Patients are taken together whose time ratio is the same in every series, and left out who relapse in
    none.
    """
    totals = cohorts.relapses.sum(axis=2)
    informative = totals.any(axis=0)
    totals, ratios = totals[:, informative], _log_ratios(cohorts.years[:, informative])
    rows = ratios.round(_SAME_RATIO).T
    if rows.shape[1] == 1:  # numbers are sorted much faster than rows
        rows = rows[:, 0]
    _, first, stratum = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(stratum, kind="stable")
    starts = np.searchsorted(stratum[order], np.arange(len(first)))
    return Strata(np.add.reduceat(totals[:, order], starts, axis=1), ratios[:, first])


def patient_strata(pair: Comparison) -> Strata:
    """Return the strata of a comparison, a series of one."""
    return strata(Cohorts.of(pair))


def log_time_ratios(pair: Comparison) -> Floats:
    """Return log(comparator time / reference time) of each patient, shape (n,)."""
    return _log_ratios(pair.years)


def log_ratio_mle(patients: Strata, comparator: npt.ArrayLike) -> Floats:
    """Return the conditional maximum likelihood estimates of the log ratio for so many comparator relapses.

    It solves ``sum n_i p_i(ratio) = y_1``; minus or plus infinity when one period has no relapse.
    """
    relapses = patients.relapses
    observed = np.broadcast_to(comparator, relapses.shape)
    inside = (observed > 0) & (observed < relapses)
    log_ratio = np.where(observed == 0, -np.inf, np.inf)
    if inside.any():
        log_ratio[inside] = log_ratio_with_mean(patients.only(inside), observed[inside])
    return log_ratio


def log_ratio_with_mean(patients: Strata, mean: npt.ArrayLike) -> Floats:
    """Return the log ratios at which so many comparator relapses are expected, 0 < mean < relapses."""
    return log_ratio_estimates(mean, patients.totals, patients.log_time_ratios)


def log_ratio_estimates(target: npt.ArrayLike, totals: Counts, offsets: Floats) -> Floats:
    """Return the conditional maximum likelihood estimate of the log ratio in many series, by Newton steps.

    Parameters
    ----------
    target
        Comparator relapses of each series, 0 < target < all its relapses; shape (series,).
    totals, offsets
        Relapses in both periods and log(t_i1 / t_i0) of each patient; shape (series, n), or (n,) for the same
        in all.

    Returns
    -------
    numpy.ndarray
        Shape (series,).
    """
    target, everything = np.asarray(target, dtype=np.float64), totals.sum(axis=-1)
    # The smaller of the two sides is solved for: near a boundary the larger one has no digits left for it.
    side = np.where(2 * target <= everything, 1.0, -1.0)
    target = np.where(side > 0, target, everything - target)
    offsets = side[:, None] * offsets
    log_odds = np.log(target) - np.log(everything - target)
    # A root lies at an end of its range where one patient alone has relapses: Newton steps may pass it.
    low, high = log_odds - offsets.max(axis=-1) - _MARGIN, log_odds - offsets.min(axis=-1) + _MARGIN
    estimate = (low + high) / 2
    for _ in range(_MOST_NEWTON_STEPS):
        chance = expit(estimate[:, None] + offsets)
        excess = (chance * totals).sum(axis=1) - target
        low, high = np.where(excess > 0, low, estimate), np.where(excess > 0, estimate, high)
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # where every chance is 0 or 1 the interval is halved
            newton = estimate - excess / (chance * (1 - chance) * totals).sum(axis=1)
        following = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        moved, estimate = np.abs(following - estimate).max(), following
        if moved < _SETTLED:
            break
    return np.asarray(side * estimate)


def point_estimates(cohorts: Cohorts) -> dict[str, Floats]:
    """Return the ratio by each closed-form or one-dimensional estimator, each of shape (series,).

    0 without a relapse on the comparator, infinite without one on the reference, NaN without either (for the
    ratio of medians: where both medians are 0). ``pooled_exact`` is also the estimate of Poisson regression,
    ``conditional_exact`` that of mid-p and of conditional Poisson regression.

    Parameters
    ----------
    cohorts
        Relapses, or expectations of them, and times.

    Returns
    -------
    dict of str to numpy.ndarray
        By the names of ``POINT_ESTIMATES``.

    Raises
    ------
    ArgumentError
        If these are no cohorts.

    Examples
    --------
    >>> one = Cohorts(np.array([[[6, 1], [2, 0], [1, 1]]]), np.array([[[32, 21], [8, 18], [4, 9]]]) / 12)
    >>> [(name, float(value[0].round(4))) for name, value in point_estimates(one).items()][:2]
    [('pooled_exact', 0.2037), ('conditional_exact', 0.1932)]
    """
    instance("cohorts", cohorts, Cohorts)
    relapses, years = cohorts.relapses, cohorts.years
    arr, totals = relapses / years, relapses.sum(axis=2)
    conditional = np.exp(log_ratio_mle(Strata(totals, _log_ratios(years)), relapses[:, :, 1].sum(axis=1)))
    return {
        "pooled_exact": _ratio(relapses.sum(axis=1) / years.sum(axis=1)),
        "conditional_exact": np.where(totals.any(axis=1), conditional, np.nan),
        "mean_arr_ratio": _ratio(arr.mean(axis=1)),
        "median_arr_ratio": _ratio(np.median(arr, axis=1)),
    }


def _ratio(rates: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(rates[:, 1] / rates[:, 0])


def _log_ratios(years: Floats) -> Floats:
    return np.asarray(np.log(years[..., 1]) - np.log(years[..., 0]))


DispersionVerdict = Literal["not assessable", "overdispersed", "no excess"]


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Within-patient dispersion of the counts around a common ratio; about 1 for Poisson counts.

    Parameters
    ----------
    value
        Sum of squared conditional Pearson residuals / (informative patients - 1); NaN if it does not exist.
    limit
        95 % limit of the value for Poisson counts with the same totals and times, the ratio fitted; NaN if
        not assessed.
    patients
        Informative patients.
    verdict
        ``"not assessable"`` below 10 informative patients.
    """

    value: float
    limit: float
    patients: int
    verdict: DispersionVerdict


def dispersion(pair: Comparison) -> Dispersion:
    """Return the within-patient dispersion of the counts, with a verdict from its simulated 95 % limit.

    It is computed once for a pair. The simulated limit carries a Monte Carlo error between 0.003 (500
    patients) and 0.01 (10 patients). Above 500 informative patients the limit is the Normal one, which lies
    at most 0.01 below the simulated one there.

    References
    ----------
    McCullagh P. The conditional distribution of goodness-of-fit statistics for discrete data. JASA
    1986;81:104-107.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> placebo = load_example("thall_vail1990").where(arm="placebo")
    >>> found = dispersion(placebo.compare("after", reference="before"))
    >>> round(found.value, 2), found.verdict
    (3.65, 'overdispersed')
    """
    if pair not in _DISPERSIONS:
        _DISPERSIONS[pair] = _dispersion(pair)
    return _DISPERSIONS[pair]


# Several estimators ask about the same pair; an answer is kept as long as its pair, which this does not hold.
_DISPERSIONS: Final[WeakKeyDictionary[Comparison, Dispersion]] = WeakKeyDictionary()


def _dispersion(pair: Comparison) -> Dispersion:
    totals = pair.relapses.sum(axis=1)
    informative = totals > 0
    patients = int(informative.sum())
    comparator = int(pair.relapses[:, 1].sum())
    if patients < 2 or comparator in (0, int(totals.sum())):
        return Dispersion(math.nan, math.nan, patients, "not assessable")
    offsets, counts = log_time_ratios(pair)[informative], totals[informative]
    logits = log_ratio_mle(patient_strata(pair), comparator) + offsets
    value = float(_pearson(pair.relapses[informative, 1], counts, logits)) / (patients - 1)
    if patients < FEWEST_FOR_DISPERSION:
        return Dispersion(value, math.nan, patients, "not assessable")
    simulated = patients <= _MOST_SIMULATED_PATIENTS
    limit = _simulated_limit(counts, logits, offsets) if simulated else _normal_limit(counts, logits)
    # One relapse per patient at equal times fixes the value at its limit: rounding must not decide.
    excess = value > limit * (1 + 1e-9)
    return Dispersion(value, limit, patients, "overdispersed" if excess else "no excess")


def _pearson(comparator: Counts, totals: Counts, logits: Floats) -> Floats:
    """Return the sum of squared Pearson residuals over patients, the last axis."""
    expected, remainder = totals * expit(logits), totals * expit(-logits)
    # Each residual from the smaller side, which keeps its digits where the probability is next to 0 or 1.
    residuals = np.where(logits < 0, comparator - expected, remainder - (totals - comparator))
    return np.asarray(np.sum(residuals**2 * totals / (expected * remainder), axis=-1))


def _simulated_limit(totals: Counts, logits: Floats, offsets: Floats) -> float:
    """Return the 95 % quantile of the dispersion, the ratio refitted in every simulated cohort."""
    rng = np.random.default_rng(_SIMULATION_SEED)
    replicates = min(_MOST_REPLICATES, _SIMULATED_CELLS // len(totals))
    simulated = rng.binomial(totals, expit(logits), size=(replicates, len(totals)))
    values = _pearson(simulated, totals, _refitted_logits(simulated, totals, offsets))
    return float(np.quantile(values / (len(totals) - 1), 0.95))


def _refitted_logits(comparator: Counts, totals: Counts, offsets: Floats) -> Floats:
    """Return the fitted log odds of many cohorts at once; shape of ``comparator``."""
    # The boundary estimate is infinite and its residuals tend to 0; half a relapse inside is near enough.
    target = np.clip(comparator.sum(axis=1), 0.5, totals.sum() - 0.5)
    return np.asarray(log_ratio_estimates(target, totals, offsets)[:, None] + offsets)


def _normal_limit(totals: Counts, logits: Floats) -> float:
    """Return the 95 % limit from the first two moments of the residuals, given the total that fits the ratio.

    A squared Pearson residual has the variance 2 + (1 - 6pq)/(npq) and the covariance q - p with its count.
    The centre n/(n - 1) is that of equal p, from the hypergeometric variance of a count given the total.
    """
    chance, other = expit(logits), expit(-logits)
    variance, relapses = totals * chance * other, float(totals.sum())
    free = np.sum(2 + (1 - 6 * chance * other) / variance)
    fixed = np.sum(other - chance) ** 2 / variance.sum()
    spread = math.sqrt(max(free - fixed, 0.0))
    return float(relapses / (relapses - 1) + 1.6448536269514722 * spread / (len(totals) - 1))
