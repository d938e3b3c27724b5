"""The rate ratio by every method: the choices of an analysis, the hierarchical fits, and all answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final, get_args

from nmo_stats import hierarchical
from nmo_stats.arguments import DEFAULT_SEED, Progress, instance, one_of, optional
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.pairing import Courses
from nmo_stats.diagnostics import agreement_checks
from nmo_stats.errors import ConvergenceError, SamplerError
from nmo_stats.estimate import require_level
from nmo_stats.estimators.classical import RateResults, Refusal, answer, classical_rates, combined, refusal_of
from nmo_stats.hierarchical import DEFAULT_PRIORS, HierarchicalFit, Model, Nuts, Priors
from nmo_stats.hierarchical.model import Entry, Likelihood
from nmo_stats.hierarchical.options import ENGINES, Engine
from nmo_stats.names import SAMPLED
from nmo_stats.recommendation import with_estimands, with_recommendation
from nmo_stats.sensitivity import Background, Plan, Simulation

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SETTINGS",
    "Settings",
    "all_rates",
    "hierarchical_fits",
    "hierarchical_rates",
    "pair_rates",
    "require_engine",
    "unmerged_rates",
]

_FAILURE: Final = "failed diagnostic: "
_ENGINES: Final = (*ENGINES, "both")


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of an analysis.

    Parameters
    ----------
    level
        Level of all intervals.
    priors, likelihood, entry
        Of the hierarchical model.
    courses
        Which courses of a drug are compared: ``"all"`` or ``"adjacent"``.
    nuts
        How NUTS samples.
    background
        What a series like this one would show with no effect, if the user knows it.
    replicates
        Simulated series of each design with no effect.

    Raises
    ------
    ArgumentError
        If a choice is unknown or of another kind.
    """

    level: float = 0.95
    priors: Priors = field(default=DEFAULT_PRIORS)
    likelihood: Likelihood = "poisson"
    entry: Entry | None = None
    courses: Courses = "all"
    nuts: Nuts = field(default_factory=Nuts)
    background: Background | None = None
    replicates: int = Simulation().replicates

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", require_level(self.level))
        Simulation(self.replicates)
        instance("priors", self.priors, Priors)
        instance("nuts", self.nuts, Nuts)
        optional("background", self.background, Background)
        one_of("likelihood", self.likelihood, get_args(Likelihood))
        one_of("entry", self.entry, (None, *get_args(Entry)))
        one_of("courses", self.courses, get_args(Courses))

    def plan(self, seed: int, progress: Progress | None = None) -> Plan:
        """Return the choices that concern the sensitivity analysis.

        Parameters
        ----------
        seed
            Seed of the simulated series.
        progress
            Called with the steps done and the steps in all.

        Returns
        -------
        Plan
            What :func:`nmo_stats.sensitivity.run` takes.
        """
        return Plan(self.level, self.background, Simulation(self.replicates, seed), progress)


DEFAULT_SETTINGS: Final = Settings()


def all_rates(
    fit: HierarchicalFit, level: float = 0.95, sampled: HierarchicalFit | Refusal | None = None
) -> RateResults:
    """Return the ratio by every method, with a caution where two questions have different answers.

    The results say which estimate to read.

    Parameters
    ----------
    fit
        The hierarchical fit.
    level
        Level of the intervals.
    sampled
        The same model by NUTS, or why NUTS was not run.

    Returns
    -------
    RateResults
        A number or a reason from every method.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("fit", fit, HierarchicalFit)
    pair = fit.model.pair
    rates = combined(classical_rates(pair, level), hierarchical_rates(fit, level, sampled))
    return with_recommendation(pair, with_estimands(pair, rates), fit.model.likelihood)


def unmerged_rates(pair: Comparison, settings: Settings) -> RateResults | None:
    """Return the ratio by every method with no onsets merged.

    Parameters
    ----------
    pair
        The comparison.
    settings
        The choices.

    Returns
    -------
    RateResults or None
        None unless more than a tenth of the onsets are merged.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("pair", pair, Comparison)
    instance("settings", settings, Settings)
    if pair.merging is None or not pair.merging.is_frequent or pair.unmerged is None:
        return None
    return pair_rates(pair.unmerged, settings, "quadrature", DEFAULT_SEED)


def hierarchical_rates(
    fit: HierarchicalFit, level: float = 0.95, sampled: HierarchicalFit | Refusal | None = None
) -> RateResults:
    """Return the ratio of the hierarchical model by each engine, or its refusal if the computation failed.

    Where two engines disagree both are refused; where NUTS could not be run, its refusal is listed.

    Parameters
    ----------
    fit
        The hierarchical fit.
    level
        Level of the intervals.
    sampled
        The same model by NUTS, or why NUTS was not run.

    Returns
    -------
    RateResults
        One or two ratios or refusals.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("fit", fit, HierarchicalFit)
    level = require_level(level)
    optional("sampled", sampled, HierarchicalFit, Refusal)
    fits = [fit]
    if isinstance(sampled, HierarchicalFit):
        fits.append(sampled)
        disagreements = tuple(str(check) for check in agreement_checks(fit, sampled) if not check.passed)
        if disagreements:
            errors = [ConvergenceError(disagreements, fitted.method) for fitted in fits]
            return RateResults.of(refusal_of(error.method, error, _FAILURE) for error in errors)
    answers = [answer(fitted.method, partial(fitted.rate_ratio, level), _FAILURE) for fitted in fits]
    return RateResults.of([*answers, sampled] if isinstance(sampled, Refusal) else answers)


def pair_rates(pair: Comparison, settings: Settings, engine: Engine, seed: int) -> RateResults:
    """Fit the hierarchical model and return the ratio by every method; if the fit fails the others answer.

    Parameters
    ----------
    pair
        The comparison.
    settings
        The choices.
    engine
        ``"quadrature"``, ``"nuts"`` or its options, or ``"both"``.
    seed
        Seed of all random numbers.

    Returns
    -------
    RateResults
        A number or a reason from every method.
    """
    try:
        fit, sampled = hierarchical_fits(pair, settings, engine, seed)
    except ConvergenceError as error:
        failed = RateResults.of([refusal_of(error.method, error, _FAILURE)])
        rates = combined(classical_rates(pair, settings.level), failed)
        return with_recommendation(pair, rates, settings.likelihood)
    return all_rates(fit, settings.level, sampled)


def hierarchical_fits(
    pair: Comparison, settings: Settings, engine: Engine, seed: int
) -> tuple[HierarchicalFit, HierarchicalFit | Refusal | None]:
    """Fit the hierarchical model: the fit that answers, and with engine ``"both"`` one by NUTS beside it.

    Parameters
    ----------
    pair
        The comparison.
    settings
        The choices.
    engine
        ``"quadrature"``, ``"nuts"`` or its options, or ``"both"``.
    seed
        Seed of all random numbers.

    Returns
    -------
    tuple
        The fit, and with ``"both"`` that by NUTS or why NUTS was not run; else None.

    Raises
    ------
    ArgumentError
        If an argument is unknown or of another kind.
    """
    instance("pair", pair, Comparison)
    instance("settings", settings, Settings)
    model = Model(pair, settings.priors, settings.likelihood, settings.entry)
    require_engine(engine)
    if engine != "both":
        return hierarchical.fit_model(model, settings.nuts if engine == "nuts" else engine, seed), None
    fit = hierarchical.fit_model(model, "quadrature", seed)
    try:
        return fit, hierarchical.fit_model(model, settings.nuts, seed)
    except SamplerError as refused:
        return fit, Refusal(SAMPLED, str(refused))


def require_engine(engine: Engine) -> None:
    """Refuse an engine that does not exist.

    Parameters
    ----------
    engine
        ``"quadrature"``, ``"nuts"`` or its options, or ``"both"``.

    Raises
    ------
    ArgumentError
        If it is none of them.
    """
    if not isinstance(engine, Nuts):
        one_of("engine", engine, _ENGINES)
