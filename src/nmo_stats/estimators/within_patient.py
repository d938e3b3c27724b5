"""The likelihood of a common rate ratio given each patient's total: what pairing says about the data.

Given the patient's total ``n_i = y_i0 + y_i1``, Poisson counts with rates ``rate_i`` and ``ratio * rate_i`` give

    y_i1 | n_i ~ Binomial(n_i, expit(log ratio + log(t_i1 / t_i0)))

so that the patients' own rates drop out. The exact and the conditional likelihood methods, and the check for
overdispersion, all rest on this one distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import Caution

FEWEST_FOR_DISPERSION: Final = 10
UNEQUAL_TIME_RATIO: Final = 1.5
_MOST_COUNTED_RELAPSES: Final = 10_000_000
_MOST_SIMULATED_PATIENTS: Final = 500
_MOST_REPLICATES: Final = 10_000
_SIMULATED_CELLS: Final = 1_000_000
_MOST_NEWTON_STEPS: Final = 60
_SIMULATION_SEED: Final = 19900301


@dataclass(frozen=True, eq=False)
class Strata:
    """Binomial strata: patients with relapses, those with the same time ratio taken together.

    Parameters
    ----------
    totals
        Relapses in both periods, shape (strata,), all > 0.
    log_time_ratios
        log(comparator time / reference time), shape (strata,).
    """

    totals: Counts
    log_time_ratios: Floats

    @property
    def relapses(self) -> int:
        """Relapses in both periods of all patients."""
        return int(self.totals.sum())


def pooled_stratum(pair: Comparison) -> Strata:
    """Return one stratum of all relapses and all patient-years: one rate for all patients."""
    reference_years, comparator_years = pair.total_years
    return Strata(np.array([sum(pair.totals)]), np.array([math.log(comparator_years / reference_years)]))


def patient_strata(pair: Comparison) -> Strata:
    """Return the patients as strata; binomials with the same probability add up to one binomial."""
    totals = pair.relapses.sum(axis=1)
    informative = totals > 0
    ratios, index = np.unique(log_time_ratios(pair)[informative], return_inverse=True)
    return Strata(
        np.bincount(index, weights=totals[informative], minlength=len(ratios)).astype(np.int64), ratios
    )


def log_time_ratios(pair: Comparison) -> Floats:
    """Return log(comparator time / reference time) of each patient, shape (n,)."""
    return np.log(pair.years[:, 1]) - np.log(pair.years[:, 0])


def require_countable(pair: Comparison, method: str) -> None:
    """Refuse more relapses than a distribution over every possible count can be held in memory for.

    Raises
    ------
    NotIdentifiedError
        Above ten million relapses.
    """
    if sum(pair.totals) > _MOST_COUNTED_RELAPSES:
        reason = f"more than {_MOST_COUNTED_RELAPSES:,} relapses: use the conditional Poisson interval"
        raise NotIdentifiedError(reason, method)


def log_ratio_mle(strata: Strata, comparator_relapses: int) -> float:
    """Return the conditional maximum likelihood estimate of the log rate ratio.

    It solves ``sum n_i p_i(ratio) = y_1``; minus or plus infinity when one period has no relapse.
    """
    if comparator_relapses in (0, strata.relapses):
        return -math.inf if comparator_relapses == 0 else math.inf
    return log_ratio_with_mean(strata, comparator_relapses)


def log_ratio_with_mean(strata: Strata, mean: float) -> float:
    """Return the log rate ratio at which ``mean`` comparator relapses are expected, 0 < mean < relapses."""
    log_odds = math.log(mean) - math.log(strata.relapses - mean)
    low, high = log_odds - strata.log_time_ratios.max(), log_odds - strata.log_time_ratios.min()
    if high - low < 1e-13:
        return float(low)
    # The smaller of the two sides is summed: near a boundary the larger one has no digits left for it.
    side = 1 if 2 * mean <= strata.relapses else -1
    target = mean if side == 1 else strata.relapses - mean

    def excess(log_ratio: float) -> float:
        expected = np.dot(strata.totals, expit(side * (log_ratio + strata.log_time_ratios)))
        return side * (float(expected) - target)

    return float(brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-14, rtol=1e-14))


DispersionVerdict = Literal["not assessable", "overdispersed", "no excess"]


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Within-patient dispersion of the counts around a common ratio; about 1 for Poisson counts.

    Parameters
    ----------
    value
        Sum of squared conditional Pearson residuals / (informative patients - 1); NaN if it does not exist.
    limit
        95 % limit of the value for Poisson counts with the same totals and times, the ratio fitted; NaN if not
        assessed.
    patients
        Informative patients.
    verdict
        ``"not assessable"`` below 10 informative patients.
    """

    value: float
    limit: float
    patients: int
    verdict: DispersionVerdict


@lru_cache(maxsize=4)  # several estimators ask for it, one after the other, about the same pair
def dispersion(pair: Comparison) -> Dispersion:
    """Return the within-patient dispersion of the counts, with a verdict from its simulated 95 % limit.

    The simulated limit carries a Monte Carlo error between 0.003 (500 patients) and 0.01 (10 patients). Above 500
    informative patients the limit is the Normal one, which lies at most 0.01 below the simulated one there.

    References
    ----------
    McCullagh P. The conditional distribution of goodness-of-fit statistics for discrete data. JASA 1986;81:104-107.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> placebo = load_example("thall_vail1990").where(arm="placebo")
    >>> found = dispersion(placebo.compare("after", reference="before"))
    >>> round(found.value, 2), found.verdict
    (3.65, 'overdispersed')
    """
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


def pair_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the cautions that hold for every estimator of the pair."""
    return reversed_cautions(pair) + merged_cautions(pair)


def reversed_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution for patients who had the comparator first."""
    if not pair.reversed_order:
        return ()
    text = f"{len(pair.reversed_order)} of {len(pair.patients)} patients had {pair.comparator} before {pair.reference}"
    return (Caution("reversed_order", text),)


def merged_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution for counts from dated events in which more than a tenth of the onsets are merged."""
    if pair.merging is None or not pair.merging.is_frequent:
        return ()
    return (Caution("merged", pair.merging.text),)


def pooled_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of estimators that assume one rate for all patients, or the same time ratio in all."""
    ratios = log_time_ratios(pair)
    spread = math.exp(ratios.max() - ratios.min())
    if spread <= UNEQUAL_TIME_RATIO * (1 + 1e-9):  # months in years carry rounding errors
        return ()
    text = (
        f"the ratio of the two follow-up times differs {spread:.1f}-fold between patients: "
        "a pooled ratio mixes the patients' own rates into the comparison"
    )
    return (Caution("unequal_follow_up", text),)


def dispersion_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution of estimators that assume Poisson counts within a period."""
    found = dispersion(pair)
    if found.verdict != "overdispersed":
        return ()
    value, limit = _told_apart(found.value, found.limit)
    text = (
        f"counts vary {value} times as much within patients as Poisson counts would "
        f"(95 % limit {limit}): this interval is too short"
    )
    return (Caution("overdispersed", text),)


def _told_apart(value: float, limit: float) -> tuple[str, str]:
    """Return two numbers with as many decimals, from two on, as show that the first exceeds the second."""
    for decimals in range(2, 9):
        texts = f"{value:.{decimals}f}", f"{limit:.{decimals}f}"
        if texts[0] != texts[1]:
            break
    return texts


def zero_cell_cautions(pair: Comparison) -> tuple[Caution, ...]:
    """Return the caution for a pair with no relapse in one of the periods."""
    reference, comparator = pair.totals
    if reference and comparator:
        return ()
    if reference:
        return (
            Caution(
                "zero_cell", f"no relapse on {pair.comparator}: only the upper limit carries information"
            ),
        )
    return (
        Caution("zero_cell", f"no relapse on {pair.reference}: only the lower limit carries information"),
    )


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


def log_ratio_estimates(target: npt.ArrayLike, totals: Counts, offsets: Floats) -> Floats:
    """Return the conditional maximum likelihood estimate of the log ratio in many cohorts, by safeguarded Newton steps.

    Parameters
    ----------
    target
        Comparator relapses of each cohort, 0 < target < all its relapses; shape (cohorts,).
    totals, offsets
        Relapses in both periods and log(t_i1 / t_i0) of each patient; shape (cohorts, n), or (n,) for the same in all.

    Returns
    -------
    numpy.ndarray
        Shape (cohorts,).
    """
    target = np.asarray(target, dtype=np.float64)
    everything = totals.sum(axis=-1)
    log_odds = np.log(target) - np.log(everything - target)
    low, high = log_odds - offsets.max(axis=-1), log_odds - offsets.min(axis=-1)
    estimate = (low + high) / 2
    for _ in range(_MOST_NEWTON_STEPS):
        chance = expit(estimate[:, None] + offsets)
        excess = (chance * totals).sum(axis=1) - target
        low, high = np.where(excess > 0, low, estimate), np.where(excess > 0, estimate, high)
        newton = estimate - excess / (chance * (1 - chance) * totals).sum(axis=1)
        following = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        moved, estimate = np.abs(following - estimate).max(), following
        if moved < 1e-6:  # and the next step is of the order of its square
            break
    return np.asarray(estimate)


def _normal_limit(totals: Counts, logits: Floats) -> float:
    """Return the 95 % limit from the first two moments of the residuals, given the total that fits the ratio.

    A squared Pearson residual has the variance 2 + (1 - 6pq)/(npq) and the covariance q - p with its count. The
    centre n/(n - 1) is that of equal p, from the hypergeometric variance of a count given the total.
    """
    chance, other = expit(logits), expit(-logits)
    variance, relapses = totals * chance * other, float(totals.sum())
    free = np.sum(2 + (1 - 6 * chance * other) / variance)
    fixed = np.sum(other - chance) ** 2 / variance.sum()
    spread = math.sqrt(max(free - fixed, 0.0))
    return float(relapses / (relapses - 1) + 1.6448536269514722 * spread / (len(totals) - 1))
