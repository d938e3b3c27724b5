"""What the same series would show with no effect at all: the user's own design simulated at a ratio of 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.arguments import DEFAULT_SEED, instance, optional, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators.classical import answer
from nmo_stats.hierarchical import Model, Refits, ratio_posteriors
from nmo_stats.names import HIERARCHICAL
from nmo_stats.sensitivity.empirical_bayes import CVS
from nmo_stats.sensitivity.large_series import Rates, large_cohort_ratios, reason_without
from nmo_stats.sensitivity.literature import HIGHEST_RATE, profile_of
from nmo_stats.sensitivity.overdispersion import (
    NOT_ASSESSED,
    Overdispersion,
    PeriodRates,
    observed_overdispersion,
    prior_overdispersion,
    varying,
)
from nmo_stats.sensitivity.row import Assumption, SimulatedSpread, Spread
from nmo_stats.sensitivity.rules import RULES, misfit_text, misfits
from nmo_stats.simulate import (
    Cohorts,
    GammaRates,
    Rule,
    point_estimates,
    simulate_cohorts,
)
from nmo_stats.simulate.rules import require_rule
from nmo_stats.wording import significant

HEADLINE_CV: Final = 0.7
_TIE: Final = 1e-6  # equal outcomes give equal estimates but for rounding
# log: simulated times are rounded to 2 % for the hierarchical model, so that patients repeat
_TIME_STEP: Final = 0.04
_MOST_HIERARCHICAL: Final = 20_000  # replicates times patients, of the hierarchical model
_MOST_SIMULATED: Final = 200_000  # of all estimators, and at least the fewest replicates
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

    Raises
    ------
    ArgumentError
        If the number of series or the seed is out of its range.
    """

    replicates: int = 2000
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        replicates = whole("replicates", self.replicates, _FEWEST_REPLICATES, _MOST_REPLICATES)
        object.__setattr__(self, "replicates", replicates)
        object.__setattr__(self, "seed", valid_seed(self.seed))


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
        """Return what one estimator shows, or None.

        Parameters
        ----------
        method
            Code of the method.

        Returns
        -------
        Spread or None
            None if the method was not asked.
        """
        return next((spread for spread in self.spreads if spread.method == method), None)

    def large_cohort(self, method: str) -> float:
        """Return the estimate of one estimator in a very large series; NaN where there is none.

        Parameters
        ----------
        method
            Code of the method.

        Returns
        -------
        float
            The ratio.
        """
        spread = self.find(method)
        return math.nan if spread is None or spread.large_cohort is None else spread.large_cohort

    @property
    def rates_text(self) -> str:
        """The rates that were simulated, in a few words."""
        sd = self.overdispersion.sd_period
        text = f"mean {significant(self.population.mean)} per year, CV {self.population.cv:g}"
        return f"{text}, periods with log sd {significant(sd, 2)}" if sd else text

    @property
    def name(self) -> str:
        """The rule and the rates."""
        return f"{self.rule_name}, {self.rates_text}"

    def to_dicts(self) -> list[dict[str, object]]:
        """Return one dictionary of plain numbers for each estimator.

        Returns
        -------
        list of dict
            One for each method.
        """
        return [
            {
                "rule": self.rule_name,
                "population_mean": self.population.mean,
                "population_cv": self.population.cv,
                "sd_period": self.overdispersion.sd_period,
                "overdispersion": self.overdispersion.source,
                "headline": self.is_headline,
                "method": spread.method,
                **spread.to_dict(),
                "reason": "; ".join(f"{name}: {why}" for name, why in spread.reasons.items()) or None,
            }
            for spread in self.spreads
        ]


def headline_population(pair: Comparison) -> GammaRates:
    """Return the population whose mean is the pooled rate of both periods.

    Parameters
    ----------
    pair
        The comparison.

    Returns
    -------
    GammaRates
        With a coefficient of variation of 0.7.

    Raises
    ------
    ArgumentError
        If the pair is no comparison.
    """
    instance("pair", pair, Comparison)
    return GammaRates(sum(pair.totals) / math.fsum(pair.total_years), HEADLINE_CV)


def populations(pair: Comparison) -> dict[GammaRates, bool]:
    """Return the headline population and the assumed ones, and which of them is the headline."""
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
        The two periods; its comparator times are kept, and its reference times where the rule has none of its
        own.
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
        ``pooled_exact`` (also the estimate of Poisson regression), ``conditional_exact`` (also of mid-p and
        of conditional Poisson regression), ``mean_arr_ratio`` and ``median_arr_ratio`` (ratios of the mean
        and of the median of the individual relapse rates), and ``hierarchical_quadrature``.

    Raises
    ------
    ArgumentError
        If the rule includes nearly nobody of the population.
    ConvergenceError
        If the hierarchical model cannot be integrated in some of the series.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> from nmo_stats.simulate import Triggered
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> found = benchmark(pair, GammaRates(0.6, 0.7), Triggered(1), Simulation(20_000))
    >>> within = found[1]
    >>> print(f"median {within.median:.1f}, {within.at_or_below:.0%} at or below {within.observed:.2f}")
    median 0.6, 21% at or below 0.19
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
    return [_spread(HIERARCHICAL, estimates[:-1], float(estimates[-1]), None)]


def _spread(method: str, estimates: Floats, observed: float, large_cohort: float | None) -> Spread:
    identified = np.sort(estimates[~np.isnan(estimates)])
    median, low, high = None, None, None
    if identified.size:
        median, low, high = np.quantile(identified, [0.5, 0.025, 0.975], method="inverted_cdf").tolist()
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


def no_effect_designs(
    model: Model, simulation: Simulation, refits: Refits
) -> tuple[list[NoEffect], list[SimulatedSpread]]:
    """Return what methods show with no effect, by rule and population, and rows for what is missing.

    The hierarchical model is among the methods for the headline population, its observed ratio being that of
    the fit.
    """
    pair = model.pair
    if not sum(pair.totals):
        return [], [_missing("", "any rule", NO_INFORMATION)]
    designs: list[NoEffect] = []
    missing: list[SimulatedSpread] = []
    for code, rule in RULES.items():
        if misfits(pair, rule) == len(pair.patients):
            reason = f"{misfit_text(pair, rule)}: series of this design are not like this one"
            missing.append(_missing(code, f"{code}, any population", reason))
            continue
        for design in _asked(model, code, rule):
            try:
                spreads, failed = _spreads(model, design, simulation, refits)
            except ArgumentError as refused:
                missing.append(_missing(code, design.name, str(refused)))
                continue
            designs.append(replace(design, spreads=spreads))
            missing += failed
    return designs, missing


def _missing(code: str, name: str, reason: str, method: str | None = None) -> SimulatedSpread:
    assumption = Assumption("benchmark", code, name)
    return SimulatedSpread(assumption=assumption, method=method, reason=reason, failed=method is not None)


def _asked(model: Model, code: str, rule: Rule) -> Iterator[NoEffect]:
    """Return the designs of a rule, still without a number: populations, and varying periods beside them."""
    counts = observed_overdispersion(model.pair)
    for population, is_headline in populations(model.pair).items():
        yield NoEffect(code, rule, population, is_headline, (), counts)
    if counts.source == "not assessable":
        alternative = prior_overdispersion(model.priors, counts.patients)
        yield NoEffect(code, rule, headline_population(model.pair), False, (), alternative)  # noqa: FBT003


def _spreads(
    model: Model, design: NoEffect, simulation: Simulation, refits: Refits
) -> tuple[tuple[Spread, ...], list[SimulatedSpread]]:
    """Return what every method shows, and a row for the hierarchical model if it could not be integrated."""
    failed = []
    try:
        spreads = benchmark(
            model.pair, design.rates, design.rule, simulation, model if design.is_headline else None
        )
    except ConvergenceError as refused:
        failed = [_missing(design.rule_name, design.name, "; ".join(refused.failures), HIERARCHICAL)]
        spreads = benchmark(model.pair, design.rates, design.rule, simulation)
    # the quick integration of many series knows the observed ratio to a percent only
    exact = answer(HIERARCHICAL, lambda: refits.rate_ratio(model))
    spreads = tuple(
        replace(spread, observed=exact.estimate)
        if isinstance(exact, RateRatio) and spread.method == HIERARCHICAL and spread.observed is not None
        else spread
        for spread in spreads
    )
    return spreads, failed


def simulated_rows(design: NoEffect) -> list[SimulatedSpread]:
    """Return what every method shows in the series of a design."""
    assumption = Assumption("benchmark", design.rule_name, design.name)
    return [
        SimulatedSpread(
            assumption=assumption,
            method=spread.method,
            reason=spread.reasons.get("median", ""),
            median=spread.median,
            low=spread.low,
            high=spread.high,
        )
        for spread in design.spreads
    ]
