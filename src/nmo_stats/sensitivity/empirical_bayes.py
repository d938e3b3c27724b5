"""Regression to the mean: observed relapses against those expected with no effect, by empirical Bayes.

Patients' rates are taken to be Gamma distributed with mean m and coefficient of variation c, before anybody
was chosen. Then, given y_i0 relapses in t_i0 years on the reference, a patient's rate is Gamma with shape a +
y_i0 and rate b + t_i0, where a = 1/c^2 and b = a/m; with no effect of the comparator

    E_i = t_i1 (a + y_i0) / (b + t_i0)

relapses are expected on it, and under a ratio r their number is negative binomial with size a + y_i0 and mean
r E_i.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import brentq

from nmo_stats.arguments import instance
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION, Caution, Interval, RateRatio, require_level, require_ratio
from nmo_stats.estimators.cautions import pair_cautions, zero_cell_cautions
from nmo_stats.estimators.classical import Refusal
from nmo_stats.sensitivity.literature import HIGHEST_RATE, AssumedPopulation, profile_of
from nmo_stats.sensitivity.row import Answer, Assumption
from nmo_stats.simulate import GammaRates
from nmo_stats.wording import counted, probability_text, significant

METHOD: Final = "empirical_bayes"
CVS: Final = (0.5, 0.7, 1.0)
# probability of as few reference relapses as observed, below which a population is not believed
IMPLAUSIBLE: Final = 0.05
_TAIL: Final = 36.0  # e^-36 is nothing
_NODES: Final = 96


@dataclass(frozen=True, eq=False)
class ExpectedCount:
    """The distribution of the comparator relapses of all patients, a sum of negative-binomial counts.

    Parameters
    ----------
    size, excess
        Sizes, and means / sizes at ratio 1, shape (n,); or weights and nodes that stand for many patients.
    expected
        Relapses expected on the comparator with no effect.
    observed
        Relapses on the comparator.
    """

    size: Floats
    excess: Floats
    expected: float
    observed: int

    @classmethod
    def of(cls, size: Floats, mean: Floats, observed: int) -> ExpectedCount:
        """Collect the patients' counts, of sizes and means of shape (n,)."""
        excess, expected = mean / size, math.fsum(mean)
        if len(size) > 2 * _NODES:
            size, excess = _few_nodes(size, excess)
        return cls(size, excess, expected, observed)

    def at_most_observed(self, ratio: float) -> float:
        """Return P(total <= observed) under a ratio."""
        return self._below(self.observed + 1, ratio)

    def at_least_observed(self, ratio: float) -> float:
        """Return P(total >= observed) under a ratio."""
        return 1 - self._below(self.observed, ratio)

    def _below(self, count: int, ratio: float) -> float:
        """Return P(total < count): the characteristic function inverted on a lattice that holds the total."""
        excess = ratio * self.excess  # a count's tail falls by the factor excess / (1 + excess)
        mean, variance = float(self.size @ excess), float(self.size @ (excess * (1 + excess)))
        length = math.ceil(mean + 12 * math.sqrt(variance) + _TAIL * (1 + float(excess.max()))) + count + 1
        terms = self._terms(length, excess)
        angle = 2 * math.pi / length * np.arange(1, terms + 1)
        waves = np.exp(-(self.size @ np.log1p(excess[:, None] * (1 - np.exp(1j * angle)))))
        sums = (1 - np.exp(-1j * angle * count)) / (1 - np.exp(-1j * angle))
        # the middle of an even lattice counts once
        twice = np.where(2 * np.arange(1, terms + 1) == length, 1.0, 2.0)
        return float(np.clip((count + np.sum(twice * (waves * sums).real)) / length, 0.0, 1.0))

    def _terms(self, length: int, excess: Floats) -> int:
        """Return the multiple of 2 pi / length beyond which the characteristic function is nothing."""
        orders = np.unique(np.geomspace(1, length // 2, 40).astype(np.int64))
        falls = 1 - np.cos(2 * math.pi / length * orders)
        log_modulus = -0.5 * (self.size @ np.log1p(2 * (excess * (1 + excess))[:, None] * falls))
        nothing = np.flatnonzero(log_modulus < -_TAIL)
        return int(orders[nothing[0]]) if nothing.size else length // 2


def _few_nodes(size: Floats, excess: Floats) -> tuple[Floats, Floats]:
    """Return weights and nodes with sum size f(excess) = weights @ f(nodes) for smooth f.

    Such a function is the log characteristic function. The sum over patients of the polynomial through f at
    the Chebyshev points of log(excess).
    """
    x = np.log(excess)
    low, high = float(x.min()), float(x.max())
    points = np.cos(math.pi * (np.arange(_NODES) + 0.5) / _NODES)
    scaled = np.clip((2 * x - low - high) / max(high - low, 1e-12), -1.0, 1.0)
    moments = np.polynomial.chebyshev.chebvander(scaled, _NODES - 1).T @ size
    moments[1:] *= 2
    weights = np.polynomial.chebyshev.chebvander(points, _NODES - 1) @ moments / _NODES
    return weights, np.exp((low + high) / 2 + (high - low) / 2 * points)


@dataclass(frozen=True, eq=False)
class EmpiricalBayesRatio:
    """Observed relapses on the comparator divided by those expected with no effect.

    Parameters
    ----------
    pair
        The two periods.
    population
        Distribution of patients' rates before anybody was chosen.
    count
        Distribution of the comparator relapses.
    method
        Code of the method.
    """

    pair: Comparison
    population: GammaRates
    count: ExpectedCount
    method: str = METHOD

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return observed / expected with the interval of ratios that neither tail of the count excludes.

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        RateRatio
            Its interval agrees with the p-value.

        Raises
        ------
        ArgumentError
            If the level is no probability.
        """
        tail = (1 - require_level(level)) / 2
        low = 0.0
        if self.count.observed:
            low = self._limit(lambda ratio: tail - self.count.at_least_observed(ratio))
        high = self._limit(lambda ratio: self.count.at_most_observed(ratio) - tail)
        # Both limits are printed: relapses are expected even where the reference has none.
        empty = (replace(caution, limit=None) for caution in zero_cell_cautions(self.pair))
        return RateRatio(
            estimate=self.count.observed / self.count.expected,
            interval=Interval(low, high, level, "confidence"),
            method=self.method,
            estimand="standardized",
            cautions=(*self._implausible(), *empty, *pair_cautions(self.pair)),
            p_value=self.p_value(),
        )

    def p_value(self, ratio: float = 1.0) -> float:
        """Return the central two-sided p-value for a given ratio.

        Parameters
        ----------
        ratio
            The ratio that is tested.

        Returns
        -------
        float
            Never 0.

        Raises
        ------
        ArgumentError
            If the ratio is not positive.
        """
        require_ratio(ratio)
        smaller = min(self.count.at_most_observed(ratio), self.count.at_least_observed(ratio))
        return min(1.0, max(2 * smaller, sys.float_info.min))

    def _implausible(self) -> tuple[Caution, ...]:
        chance = self.reference_at_most_observed()
        if chance >= IMPLAUSIBLE:
            return ()
        text = (
            f"as few as {counted(self.pair.totals[0], 'relapse')} on {self.pair.reference} have a "
            f"probability of {probability_text(chance, 2)} in such patients: the data speak against this "
            "population"
        )
        return (Caution("implausible_population", text),)

    def reference_at_most_observed(self) -> float:
        """Return the probability of as few relapses on the reference in patients of the population.

        A small one speaks against the population. The other tail does not: patients are in such a series
        because they relapsed, so that more relapses than the population's are what the method is there for;
        selection can only make fewer of them rarer still, so that this tail holds whatever the selection was.

        Returns
        -------
        float
            That of as few relapses, or fewer.
        """
        shape = self.population.shape
        size = np.full(len(self.pair.patients), shape)
        mean = self.population.mean * self.pair.years[:, 0]
        return ExpectedCount.of(size, mean, self.pair.totals[0]).at_most_observed(1.0)

    def _limit(self, excess: Callable[[float], float]) -> float:
        """Return the ratio at which ``excess``, falling in it, is 0."""
        start = math.log((self.count.observed + 0.5) / self.count.expected)
        near = far = start
        while excess(math.exp(near)) < 0:
            near -= 1
        while excess(math.exp(far)) > 0:
            far += 1
        return math.exp(float(brentq(lambda log_ratio: excess(math.exp(log_ratio)), near, far, xtol=1e-10)))


def regression_to_mean(pair: Comparison, population: GammaRates) -> EmpiricalBayesRatio:
    """Compare the comparator relapses with those expected from the reference periods with no effect.

    A patient who relapsed often on the reference is expected to relapse less often later, the more so the
    shorter that period was: the expectation lies between the patient's own rate and the population mean.
    Hauer's further division by 1 + V/E^2 (a correction of the ratio's expectation, V the variance of the
    expected count) is not applied.

    Parameters
    ----------
    pair
        The two periods.
    population
        Mean and coefficient of variation of the rates *before* selection. The expectation rises with the
        mean, whatever the data: a mean of patients who were already selected for their relapses makes the
        ratio smaller than that of all patients would. Published means:
        :func:`~nmo_stats.sensitivity.profile`.

    Returns
    -------
    EmpiricalBayesRatio
        Ask it for the ratio at a level.

    Raises
    ------
    NotIdentifiedError
        If there is no relapse in either period.
    ArgumentError
        If the coefficient of variation is 0: without differences between patients nothing regresses.

    References
    ----------
    Hauer E. Observational Before-After Studies in Road Safety. Pergamon 1997, chapters 11 and 12.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> ratio = regression_to_mean(pair, GammaRates(0.6, 0.7)).rate_ratio()
    >>> print(f"{ratio.estimate:.4f} ({ratio.interval.low:.4f} to {ratio.interval.high:.3f})")
    0.4525 (0.0534 to 1.954)
    """
    instance("pair", pair, Comparison)
    instance("population", population, GammaRates)
    if not sum(pair.totals):
        raise NotIdentifiedError(NO_INFORMATION, METHOD)
    if not population.cv:
        raise ArgumentError(
            "coefficient of variation 0: patients who do not differ have nothing to regress; give one > 0"
        )
    shape, rate = population.shape, population.shape / population.mean
    size = np.asarray(shape + pair.relapses[:, 0], dtype=np.float64)
    mean = pair.years[:, 1] * size / (rate + pair.years[:, 0])
    return EmpiricalBayesRatio(pair, population, ExpectedCount.of(size, mean, pair.totals[1]))


def regression_rows(pair: Comparison, level: float = 0.95) -> list[Answer]:
    """Return observed against expected relapses over the grid of assumed populations."""
    populations = profile_of(pair).populations
    mean = sum(pair.totals) / math.fsum(pair.total_years)
    reason = "" if mean else NO_INFORMATION
    if mean > HIGHEST_RATE:
        reason = (
            f"{significant(mean)} relapses per year are far from the assumed populations "
            f"({populations[0].mean:g} to {populations[-1].mean:g} per year)"
        )
    if reason:
        return [Answer.of(Assumption("rtm", "", "any population"), Refusal(METHOD, reason))]
    return [_regression_row(pair, population, cv, level) for population in populations for cv in CVS]


def _regression_row(pair: Comparison, population: AssumedPopulation, cv: float, level: float) -> Answer:
    mean, detail = population.mean, population.label
    ratio = regression_to_mean(pair, GammaRates(mean, cv))
    name = f"{'mean' if detail else 'population mean'} {mean:g} per year, CV {cv:g}"
    expected = (
        f"{significant(ratio.count.expected)} relapses on {pair.comparator} are expected with no effect"
    )
    assumption = Assumption("rtm", f"mean_{mean:g}_cv_{cv:g}", name, detail, expected)
    return Answer.of(assumption, ratio.rate_ratio(level))
