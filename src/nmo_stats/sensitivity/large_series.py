"""What estimators show in a very large series with no effect, where such a limit exists.

Under a switch that comes ``lag`` after the k-th relapse the reference period lasts k relapses' waiting times
plus the lag. Given the rate those last Gamma(k) / rate, so that

    E time = k E[1/rate] + lag,    E relapses = k + lag E[rate]

and the pooled ratio tends to E[rate] E time / E relapses. For rates of a Gamma distribution with shape a =
1/CV^2 the mean of 1/rate is a / (m (a - 1)) for a > 1 and does not exist for a <= 1 (CV >= 1): the longest
waiting time of a series then decides, and the ratio grows with its size. A log-normal period effect of mean 1
and log sd s multiplies it by exp(s^2). The mean of the individual rates, relapses / time, needs E[1 /
Gamma(k)] where the lag is 0, which does not exist for k = 1. The ratio within patients weights each with its
relapses, of which there are finitely many: its limit exists. A limit on the waiting time, or a period that
starts at a relapse of the patient, makes all of them exist.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from nmo_stats.arguments import DEFAULT_SEED, instance, numbers, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.arrays import Floats
from nmo_stats.cohort.schema import LONGEST_YEARS, SHORTEST_YEARS
from nmo_stats.errors import ArgumentError
from nmo_stats.names import WITHIN
from nmo_stats.sensitivity.overdispersion import PeriodRates
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    GammaRates,
    Rule,
    Triggered,
    WholeMonths,
    cohort_with_expectation,
    point_estimates,
)
from nmo_stats.simulate.rules import require_rule

Rates = GammaRates | PeriodRates

LARGE_COHORT: Final = 10_000
_MOST_PATIENTS: Final = 1_000_000
_NO_MEAN_TIME: Final = (
    "no limit exists: the mean waiting time for a relapse is infinite where rates vary between patients "
    "with CV 1 or more"
)
_NO_MEAN_RATE: Final = "no limit exists: the mean of 1 / (waiting time for the first relapse) is infinite"
_NO_MEDIAN: Final = "half of the patients have no relapse in one of the periods"


def no_limit_reasons(population: Rates, rule: Rule) -> dict[str, str]:
    """Return for which estimators a very large series has no limit, and why.

    Parameters
    ----------
    population, rule
        The design.

    Returns
    -------
    dict
        The reason by the code of the method.

    Examples
    --------
    >>> list(no_limit_reasons(GammaRates(0.6, 1.0), Triggered(1)))
    ['pooled_exact']
    >>> no_limit_reasons(GammaRates(0.6, 0.7), Triggered(1))
    {}
    """
    waiting = _waiting(rule.rule if isinstance(rule, WholeMonths) else rule)
    reasons = {}
    if waiting is not None and _own(population).shape <= 1:
        reasons["pooled_exact"] = _NO_MEAN_TIME
    if waiting is rule and waiting is not None and waiting.relapses == 1 and not waiting.lag_months:
        reasons["mean_arr_ratio"] = _NO_MEAN_RATE  # whole months are at least one
    return reasons


def large_cohort_ratios(
    years: Floats, population: Rates, rule: Rule, *, patients: int = LARGE_COHORT, seed: int = DEFAULT_SEED
) -> dict[str, float]:
    """Return the estimates in one very large series of a design, with expected relapses on the comparator.

    Without drawn counts the ratio is exactly 1 where nothing but time decides when a period ends. The ratio
    of medians is that of drawn counts, and NaN where a median is 0; the pooled ratio of a triggered switch is
    its limit itself. NaN where no limit exists.

    Parameters
    ----------
    years
        Times of shape (n, 2), recycled over the patients.
    population, rule
        The design.
    patients
        Size of the series.
    seed
        Seed of its random numbers.

    Returns
    -------
    dict
        The ratio by the code of each method.

    Raises
    ------
    ArgumentError
        If an argument is out of its range, or the rule includes nearly nobody.
    """
    instance("population", population, GammaRates, PeriodRates)
    require_rule(rule)
    years = numbers("years", years, "(patients, 2)", SHORTEST_YEARS, LONGEST_YEARS)
    seed, patients = valid_seed(seed), whole("patients", patients, 1, _MOST_PATIENTS)
    times = np.resize(years, (max(patients, len(years)), 2))
    drawn, expected = cohort_with_expectation(np.random.default_rng([seed, 1]), population, rule, times)
    if isinstance(rule, FixedWindows):  # there period effects cancel in expectation
        _, expected = cohort_with_expectation(np.random.default_rng([seed, 1]), _own(population), rule, times)
    estimates = point_estimates(Cohorts(expected, drawn.years))
    ratios = {method: float(estimate[0]) for method, estimate in estimates.items()}
    ratios["median_arr_ratio"] = _median_ratio(drawn)
    waiting = _waiting(rule)
    if waiting is not None:
        ratios["pooled_exact"] = _pooled_limit(population, waiting)
    return ratios | dict.fromkeys(no_limit_reasons(population, rule), math.nan)


def reason_without(method: str, population: Rates, rule: Rule) -> str:
    """Return why a very large series has no estimate."""
    return no_limit_reasons(population, rule).get(method, _NO_MEDIAN)


def without_one_relapse(
    years: Floats, population: Rates, rule: Rule, *, seed: int = DEFAULT_SEED
) -> float | None:
    """Return the ratio within patients in a very large series, each reference period without one relapse.

    None where nearly no patient meets the rule. Infinite where no relapse is left on the reference.
    """
    times = np.resize(years, (max(LARGE_COHORT, len(years)), 2))
    try:
        drawn, expected = cohort_with_expectation(np.random.default_rng([seed, 3]), population, rule, times)
    except ArgumentError:
        return None
    expected[:, :, 0] = np.maximum(expected[:, :, 0] - 1, 0)
    return float(point_estimates(Cohorts(expected, drawn.years))[WITHIN][0])


def _waiting(rule: Rule) -> Triggered | None:
    """Return a rule under which a patient may wait for a relapse without end; None for any other."""
    if isinstance(rule, Triggered) and math.isinf(rule.within_years) and rule.start_years is None:
        return rule
    return None


def _own(population: Rates) -> GammaRates:
    return population.patients if isinstance(population, PeriodRates) else population


def _pooled_limit(population: Rates, rule: Triggered) -> float:
    own, lag = _own(population), rule.lag_months / 12
    if own.shape <= 1:
        return math.nan
    mean_wait = 1 / own.mean if math.isinf(own.shape) else own.shape / (own.mean * (own.shape - 1))
    if isinstance(population, PeriodRates):
        mean_wait *= math.exp(population.sd_period**2)
    return own.ratio * own.mean * (rule.relapses * mean_wait + lag) / (rule.relapses + own.mean * lag)


def _median_ratio(drawn: Cohorts) -> float:
    """Return the ratio of median rates, which is not linear in the counts; NaN where a median is 0."""
    medians = np.median(drawn.relapses[0] / drawn.years[0], axis=0)
    return float(medians[1] / medians[0]) if medians.min() > 0 else math.nan
