"""What the same series would show with no effect at all: the user's own design simulated at a ratio of 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arguments import instance, numbers, optional, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import LONGEST_YEARS, SHORTEST_YEARS
from nmo_stats.estimate import json_number
from nmo_stats.hierarchical import Model, ratio_posteriors
from nmo_stats.hierarchical.refits import METHOD
from nmo_stats.sensitivity.empirical_bayes import CVS, MEANS
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    GammaRates,
    LookBack,
    Rule,
    Triggered,
    cohort_with_expectation,
    point_estimates,
    simulate_cohorts,
)
from nmo_stats.simulate.rules import require_rule
from nmo_stats.within_patient import Floats

HEADLINE_CV: Final = 0.7
LARGE_COHORT: Final = 10_000
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
HIGHEST_RATE: Final = (
    20.0  # per year: patients with more have another disease than those the grid was made for
)
_MOST_REPLICATES: Final = 100_000  # a share of series is then known to 0.2 percentage points
_FEWEST_REPLICATES: Final = 200


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

    @property
    def identified(self) -> float:
        """Number of series in which there is such a ratio, at least 1."""
        return max(1.0, self.replicates * (1 - self.not_identified))


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
    """

    rule_name: str
    rule: Rule
    population: GammaRates
    is_headline: bool
    spreads: tuple[Spread, ...]

    def find(self, method: str) -> Spread | None:
        """Return what one estimator shows, or None."""
        return next((spread for spread in self.spreads if spread.method == method), None)

    def large_cohort(self, method: str) -> float:
        """Return the estimate of one estimator in a very large series; NaN where there is none."""
        spread = self.find(method)
        return math.nan if spread is None or spread.large_cohort is None else spread.large_cohort

    def to_dicts(self) -> list[dict[str, object]]:
        """Return one dictionary of plain numbers for each estimator."""
        names = (
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
        return [
            {
                "rule": self.rule_name,
                "population_mean": self.population.mean,
                "population_cv": self.population.cv,
                "headline": self.is_headline,
                "method": spread.method,
                **{name: json_number(getattr(spread, name)) for name in names},
                "replicates": spread.replicates,
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
    grid = (GammaRates(mean, cv) for mean in MEANS for cv in CVS)
    return {headline: True} | {population: False for population in grid if population != headline}


def benchmark(
    pair: Comparison,
    population: GammaRates,
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
    instance("population", population, GammaRates)
    require_rule(rule)
    instance("simulation", simulation, Simulation)
    optional("model", model, Model)
    rng = np.random.default_rng([simulation.seed, 0])
    replicates = min(simulation.replicates, max(_FEWEST_REPLICATES, _MOST_SIMULATED // len(pair.patients)))
    cohorts = simulate_cohorts(rng, population, rule, pair.years, replicates)
    observed = point_estimates(Cohorts(pair.relapses[None], pair.years[None]))
    large = large_cohort_ratios(pair.years, population, rule, seed=simulation.seed)
    spreads = [
        _spread(method, estimates, float(observed[method][0]), large[method])
        for method, estimates in point_estimates(cohorts).items()
    ]
    if model is not None:
        spreads += _hierarchical_spread(model, cohorts)
    return tuple(spreads)


_MOST_PATIENTS: Final = 1_000_000


def large_cohort_ratios(
    years: Floats, population: GammaRates, rule: Rule, *, patients: int = LARGE_COHORT, seed: int = 20130301
) -> dict[str, float]:
    """Return the estimates in one very large series of a design, with expected instead of drawn relapses on the comparator.

    Without drawn counts the ratio is exactly 1 where nothing but time decides when a period ends. The ratio of medians is that of
    drawn counts, and NaN where a median is 0.

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
    """
    instance("population", population, GammaRates)
    require_rule(rule)
    years = numbers("years", years, "(patients, 2)", SHORTEST_YEARS, LONGEST_YEARS)
    patients = whole("patients", patients, 1, _MOST_PATIENTS)
    rng = np.random.default_rng([valid_seed(seed), 1])
    times = np.resize(years, (max(patients, len(years)), 2))
    drawn, expected = cohort_with_expectation(rng, population, rule, times)
    found = point_estimates(Cohorts(expected, drawn.years))
    ratios = {method: float(estimate[0]) for method, estimate in found.items()}
    return ratios | {"median_arr_ratio": _median_ratio(drawn)}


def _median_ratio(drawn: Cohorts) -> float:
    """Return the ratio of median rates, which is not linear in the counts; NaN where half of the patients have no relapse."""
    medians = np.median(drawn.relapses[0] / drawn.years[0], axis=0)
    return float(medians[1] / medians[0]) if medians.min() > 0 else math.nan


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
