"""What the same series would show with no effect at all: the user's own design simulated at a ratio of 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.arguments import instance, optional, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import json_number
from nmo_stats.hierarchical import Model, ratio_posteriors
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.empirical_bayes import CVS
from nmo_stats.sensitivity.large_series import Rates, large_cohort_ratios, reason_without
from nmo_stats.sensitivity.literature import HIGHEST_RATE, profile_of
from nmo_stats.sensitivity.overdispersion import NOT_ASSESSED, Overdispersion, PeriodRates, varying
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    GammaRates,
    LookBack,
    Rule,
    Triggered,
    point_estimates,
    simulate_cohorts,
)
from nmo_stats.simulate.rules import require_rule

HEADLINE_CV: Final = 0.7
RULES: Final[dict[str, Rule]] = {
    "fixed": FixedWindows(),
    "triggered_1": Triggered(1),
    "triggered_2": Triggered(2),
    "look_back": LookBack(),
}
_TIE: Final = 1e-6  # equal outcomes give equal estimates but for rounding
_TIME_STEP: Final = (
    0.04  # log: simulated times are rounded to 2 % for the hierarchical model, so that patients repeat
)
_MOST_HIERARCHICAL: Final = 20_000  # replicates times patients, of the hierarchical model
_MOST_SIMULATED: Final = 200_000  # of all estimators, and at least the fewest replicates
_MOST_REPLICATES: Final = 100_000  # a share of series is then known to 0.2 percentage points
_FEWEST_REPLICATES: Final = 200
_NUMBERS: Final = (
    "median",
    "low",
    "high",
    "zero",
    "infinite",
    "not_identified",
    "observed",
    "at_or_below",
    "large_cohort",
)
_UNSEEN: Final = "the ratio exists in none of the simulated series"
_NOT_OBSERVED: Final = "the data show no such ratio, since both sides of it are 0"
_NOT_COMPUTED: Final = "the hierarchical model is not fitted to so large a series here"


@dataclass(frozen=True, slots=True)
class Simulation:
    """How many series are simulated, and from which random numbers.

    Parameters
    ----------
    replicates
        Simulated series of each design.
    seed
        Seed of all random numbers.
    """

    replicates: int = 2000
    seed: int = 20130301

    def __post_init__(self) -> None:
        replicates = whole("replicates", self.replicates, _FEWEST_REPLICATES, _MOST_REPLICATES)
        object.__setattr__(self, "replicates", replicates)
        object.__setattr__(self, "seed", valid_seed(self.seed))


@dataclass(frozen=True, slots=True)
class Spread:
    """The estimates of one estimator over many series with no effect.

    Parameters
    ----------
    method
        Name of the estimator.
    median, low, high
        Median, and the 2.5 % and 97.5 % order statistics of the identified estimates, 0 and infinity being ordered values; None where
        no series was identified.
    zero, infinite, not_identified
        Shares of all series.
    observed
        The estimate from the data; None where there is none.
    at_or_below
        Share of the identified estimates at or below the observed one.
    large_cohort
        The estimate in a very large series of the same design: what is left when sampling error is gone; None where it was not
        computed.
    replicates
        Number of series.
    no_limit
        Why there is no estimate in a very large series; empty where there is one.
    """

    method: str
    median: float | None
    low: float | None
    high: float | None
    zero: float
    infinite: float
    not_identified: float
    observed: float | None
    at_or_below: float | None
    large_cohort: float | None
    replicates: int
    no_limit: str = ""

    @property
    def identified(self) -> float:
        """Number of series in which there is such a ratio, at least 1."""
        return max(1.0, self.replicates * (1 - self.not_identified))

    @property
    def reasons(self) -> dict[str, str]:
        """Why a number is missing, by the name of the number."""
        found = {}
        if self.median is None:
            found["median"] = _UNSEEN
        if self.observed is None:
            found["observed"] = _NOT_OBSERVED
        if self.large_cohort is None:
            found["large_cohort"] = self.no_limit or _NOT_COMPUTED
        return found


@dataclass(frozen=True, slots=True)
class NoEffect:
    """One design with no effect: who was in the series, and what the estimators show.

    Parameters
    ----------
    rule_name, rule
        How the reference period ended.
    population
        Patients' rates; its ratio is 1.
    is_headline
        Whether the population's mean is that of the data.
    spreads
        One for each estimator.
    overdispersion
        How much the simulated counts vary beyond Poisson counts.
    """

    rule_name: str
    rule: Rule
    population: GammaRates
    is_headline: bool
    spreads: tuple[Spread, ...]
    overdispersion: Overdispersion = NOT_ASSESSED

    @property
    def rates(self) -> Rates:
        """Patients' rates as they were simulated, with those of single periods around them."""
        return varying(self.population, self.overdispersion)

    def find(self, method: str) -> Spread | None:
        """Return what one estimator shows, or None."""
        return next((spread for spread in self.spreads if spread.method == method), None)

    def large_cohort(self, method: str) -> float:
        """Return the estimate of one estimator in a very large series; NaN where there is none."""
        spread = self.find(method)
        return math.nan if spread is None or spread.large_cohort is None else spread.large_cohort

    def to_dicts(self) -> list[dict[str, object]]:
        """Return one dictionary of plain numbers for each estimator."""
        return [
            {
                "rule": self.rule_name,
                "population_mean": self.population.mean,
                "population_cv": self.population.cv,
                "sd_period": self.overdispersion.sd_period,
                "overdispersion": self.overdispersion.source,
                "headline": self.is_headline,
                "method": spread.method,
                **{name: json_number(getattr(spread, name)) for name in _NUMBERS},
                "replicates": spread.replicates,
                "reason": "; ".join(f"{name}: {why}" for name, why in spread.reasons.items()) or None,
            }
            for spread in self.spreads
        ]


def headline_population(pair: Comparison) -> GammaRates:
    """Return the population whose mean is the pooled rate of both periods."""
    instance("pair", pair, Comparison)
    return GammaRates(sum(pair.totals) / math.fsum(pair.total_years), HEADLINE_CV)


def populations(pair: Comparison) -> dict[GammaRates, bool]:
    """Return the headline population and the grid of the regression to the mean, and which of them is the headline."""
    headline = headline_population(pair)
    if headline.mean > HIGHEST_RATE:
        return {headline: True}
    grid = (GammaRates(one.mean, cv) for one in profile_of(pair).populations for cv in CVS)
    return {headline: True} | {population: False for population in grid if population != headline}


def benchmark(
    pair: Comparison,
    population: Rates,
    rule: Rule,
    simulation: Simulation = Simulation(),
    model: Model | None = None,
) -> tuple[Spread, ...]:
    """Simulate series like this one with no effect, and return what every estimator shows.

    Parameters
    ----------
    pair
        The two periods; its comparator times are kept, and its reference times where the rule has none of its own.
    population
        Patients' rates, the same on both treatments.
    rule
        How the reference period begins and ends, and who is included.
    simulation
        Number of series, and seed.
    model
        If given, the hierarchical model (Poisson) is one of the estimators, with its priors and entry.

    Returns
    -------
    tuple of Spread
        ``pooled_exact`` (also the estimate of Poisson regression), ``conditional_exact`` (also of mid-p and of conditional Poisson
        regression), ``mean_arr_ratio`` and ``median_arr_ratio`` (ratios of the mean and of the median of the individual relapse rates), and
        ``hierarchical_quadrature``.

    Raises
    ------
    ArgumentError
        If the rule includes nearly nobody of the population.
    ConvergenceError
        If the hierarchical model cannot be integrated in some of the series.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> found = benchmark(pair, GammaRates(0.6, 0.7), Triggered(1), Simulation(20_000))
    >>> print(f"{found[1].method}: median {found[1].median:.1f}, {found[1].at_or_below:.0%} at or below {found[1].observed:.2f}")
    conditional_exact: median 0.6, 21% at or below 0.19
    """
    instance("pair", pair, Comparison)
    instance("population", population, GammaRates, PeriodRates)
    require_rule(rule)
    instance("simulation", simulation, Simulation)
    optional("model", model, Model)
    rng = np.random.default_rng([simulation.seed, 0])
    replicates = min(simulation.replicates, max(_FEWEST_REPLICATES, _MOST_SIMULATED // len(pair.patients)))
    cohorts = simulate_cohorts(rng, population, rule, pair.years, replicates)
    observed = point_estimates(Cohorts(pair.relapses[None], pair.years[None]))
    large = large_cohort_ratios(pair.years, population, rule, seed=simulation.seed)
    spreads = [
        replace(
            _spread(method, estimates, float(observed[method][0]), large[method]),
            no_limit=reason_without(method, population, rule) if math.isnan(large[method]) else "",
        )
        for method, estimates in point_estimates(cohorts).items()
    ]
    if model is not None:
        spreads += _hierarchical_spread(model, cohorts)
    return tuple(spreads)


def _hierarchical_spread(model: Model, cohorts: Cohorts) -> list[Spread]:
    """Return the spread of the hierarchical estimate; none for very large series or another likelihood."""
    replicates = min(len(cohorts), _MOST_HIERARCHICAL // cohorts.relapses.shape[1])
    if model.likelihood != "poisson" or replicates < _FEWEST_REPLICATES:
        return []
    relapses = np.concatenate([cohorts.relapses[:replicates], model.pair.relapses[None]])
    times = np.exp(np.round(np.log(cohorts.years[:replicates]) / _TIME_STEP) * _TIME_STEP)
    same = np.isclose(cohorts.years[:replicates], model.pair.years, rtol=1e-12)
    times = np.concatenate([np.where(same, cohorts.years[:replicates], times), model.pair.years[None]])
    known = relapses.sum(axis=(1, 2)) > 0
    if model.entry is not None:
        known &= (relapses[:, :, 0] > 0).all(axis=1)
    estimates = np.full(len(relapses), np.nan)
    posteriors = ratio_posteriors(relapses[known], times[known], model.priors, entry=model.entry)
    estimates[known] = np.exp(posteriors.quantile(0.5))
    return [_spread(METHOD, estimates[:-1], float(estimates[-1]), None)]


def _spread(method: str, estimates: Floats, observed: float, large_cohort: float | None) -> Spread:
    identified = np.sort(estimates[~np.isnan(estimates)])
    median, low, high = _order_statistics(identified)
    has_observed = not math.isnan(observed) and identified.size > 0
    return Spread(
        method,
        median,
        low,
        high,
        zero=float((estimates == 0).mean()),
        infinite=float(np.isinf(estimates).mean()),
        not_identified=float(np.isnan(estimates).mean()),
        observed=None if math.isnan(observed) else observed,
        at_or_below=float((identified <= observed * (1 + _TIE)).mean()) if has_observed else None,
        large_cohort=None if large_cohort is None or math.isnan(large_cohort) else large_cohort,
        replicates=len(estimates),
    )


def _order_statistics(identified: Floats) -> tuple[float | None, float | None, float | None]:
    if not identified.size:
        return None, None, None
    median, low, high = np.quantile(identified, [0.5, 0.025, 0.975], method="inverted_cdf")
    return float(median), float(low), float(high)
