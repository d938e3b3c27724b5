"""From a cohort to the standard set of results, in one readable function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Final, get_args

import pandas as pd

from nmo_stats import describe, hierarchical, sensitivity
from nmo_stats.arguments import instance, one_of, optional, text
from nmo_stats.audit import Audit, audited
from nmo_stats.cohort import Cohort, Comparison, Notice
from nmo_stats.cohort.pairing import Courses
from nmo_stats.diagnostics import Check, agreement_checks, check
from nmo_stats.errors import ConvergenceError, SamplerError
from nmo_stats.estimate import RateRatio, require_level
from nmo_stats.estimators.table import RateResults, Refusal, classical_rates, combined
from nmo_stats.estimators.within_patient import Dispersion, dispersion
from nmo_stats.hierarchical import DEFAULT_PRIORS, HierarchicalFit, Model, Nuts, Priors, Refits
from nmo_stats.hierarchical.model import Entry, Likelihood
from nmo_stats.names import SAMPLED, is_hierarchical
from nmo_stats.operating import coverage_map
from nmo_stats.recommendation import with_estimands
from nmo_stats.sensitivity import Background, Plan, Sensitivity, Simulation
from nmo_stats.sensitivity.run import Progress

DEFAULT_SEED: Final = 20130301
ENGINES: Final = ("quadrature", "nuts", "both")
Engine = str | Nuts


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


@dataclass(frozen=True, eq=False)
class Analysis:
    """All results of a cohort, ready to be reported.

    Parameters
    ----------
    cohort, pair
        The data, and the two periods that were compared.
    settings, seed, engine
        The choices.
    arr, edss
        Descriptive summaries.
    first_relapse, accumulation
        Time to the first relapse, and mean cumulative number of relapses, of the paired patients on each
        treatment.
    paired_edss
        EDSS change on the comparator against the change on the reference, within patients.
    rates
        Estimates of the rate ratio by all methods.
    dispersion
        Within-patient dispersion of the counts.
    fit
        The hierarchical fit; it withholds its numbers if it failed a check.
    checks
        Diagnostics of the fit.
    sensitivity
        The ratio under other assumptions, and what such a design shows with no effect.
    coverage
        Rows of the coverage map that are like the pair; none outside the map.
    sampled
        The same model by NUTS, beside a fit by quadrature.
    audit
        The numbers that a publication prints about the cohort, recomputed; None where there are none.
    unmerged
        The rate ratio with no onsets merged; None unless more than a tenth of them are.
    """

    cohort: Cohort
    pair: Comparison
    settings: Settings
    seed: int
    engine: Engine
    arr: describe.ArrSummary
    edss: describe.EdssSummary
    first_relapse: describe.FirstRelapse
    accumulation: describe.Accumulation
    paired_edss: describe.PairedEdss
    rates: RateResults
    dispersion: Dispersion
    fit: HierarchicalFit
    checks: tuple[Check, ...]
    sensitivity: Sensitivity
    coverage: pd.DataFrame
    sampled: HierarchicalFit | None = None
    audit: Audit | None = None
    unmerged: RateResults | None = None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the reader should know about the data."""
        return self.pair.notices

    @property
    def headline(self) -> RateRatio | None:
        """The hierarchical ratio, or None if its computation failed."""
        return self.rates.find(self.fit.method)

    @cached_property
    def model_frames(self) -> dict[str, pd.DataFrame]:
        """The tables of the hierarchical model by name; none where its computation failed."""
        if self.headline is None:
            return {}
        level = self.settings.level
        return {
            "patient_rate_ratios": self.fit.patient_rate_ratios(level),
            "patient_rates": self.fit.patient_rates(level),
            "parameters": self.fit.parameters(level),
            "predictions": self.fit.predict(1.0, level),
        }

    @property
    def failed_checks(self) -> tuple[Check, ...]:
        """Computation checks that failed: their result is withheld."""
        return tuple(one for one in self.checks if one.role == "computation" and not one.passed)


def installed(name: str) -> str:
    """Return the installed version of a package, without importing it.

    Parameters
    ----------
    name
        Name of the package in its registry.

    Returns
    -------
    str
        The version, or ``"not installed"``.
    """
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def analyze(
    cohort: Cohort,
    comparator: str,
    *,
    reference: str,
    engine: Engine = "both",
    seed: int = DEFAULT_SEED,
    settings: Settings = DEFAULT_SETTINGS,
) -> Analysis:
    """Run the standard analysis of two treatments within patients.

    Parameters
    ----------
    cohort
        The data.
    comparator, reference
        Treatment names; the ratio is comparator / reference.
    engine
        ``"quadrature"``, ``"nuts"`` or its options, or ``"both"``: the answer is that of quadrature, and NUTS
        has to agree with it.
    seed
        Seed of all random numbers: the same seed gives the same result on the same versions.
    settings
        Level, priors, likelihood, and how NUTS samples.

    Returns
    -------
    Analysis
        All results; those whose computation failed a check are withheld.

    Raises
    ------
    ArgumentError
        If an argument is unknown or of another kind.
    CohortError
        If a treatment is not in the table or no patient had both.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> analysis = analyze(load_example(), "tocilizumab", reference="rituximab")  # doctest: +SKIP
    """
    instance("cohort", cohort, Cohort)
    text("comparator", comparator)
    text("reference", reference)
    instance("settings", settings, Settings)
    pair = cohort.compare(comparator, reference=reference, courses=settings.courses)
    fit, sampled = hierarchical_fits(pair, settings, engine, seed)
    return assemble(cohort, fit, settings, engine, sampled=sampled)


def assemble(
    cohort: Cohort,
    fit: HierarchicalFit,
    settings: Settings = DEFAULT_SETTINGS,
    engine: Engine = "quadrature",
    *,
    sampled: HierarchicalFit | Refusal | None = None,
) -> Analysis:
    """Put all other results beside a finished fit of a pair of the cohort.

    Parameters
    ----------
    cohort
        The data.
    fit
        The hierarchical fit of two periods of the cohort.
    settings
        The choices.
    engine
        What the fit was made with.
    sampled
        The same model by NUTS to compare it with, or why NUTS was not run.

    Returns
    -------
    Analysis
        All results.

    Raises
    ------
    ArgumentError
        If an argument is unknown or of another kind.
    """
    instance("cohort", cohort, Cohort)
    instance("fit", fit, HierarchicalFit)
    instance("settings", settings, Settings)
    optional("sampled", sampled, HierarchicalFit, Refusal)
    _require_engine(engine)
    pair = fit.model.pair
    rates = all_rates(fit, settings.level, sampled)
    by_nuts = None if isinstance(sampled, Refusal) else sampled
    refits = Refits.beside(fit, settings.level)
    doubts = sensitivity.run(pair, fit=fit, plan=settings.plan(fit.seed), refits=refits)
    withheld = dict.fromkeys(one.reason for one in rates.failed if is_hierarchical(one.method))
    if withheld:
        doubts = doubts.withholding("; ".join(withheld))
    return Analysis(
        cohort=cohort,
        pair=pair,
        settings=settings,
        seed=fit.seed,
        engine=engine,
        arr=describe.arr(cohort, settings.level),
        edss=describe.edss(cohort),
        first_relapse=describe.first_relapse(pair, settings.level),
        accumulation=describe.accumulation(pair, settings.level),
        paired_edss=describe.paired_edss(cohort, pair, settings.level),
        rates=rates,
        dispersion=dispersion(pair),
        fit=fit,
        checks=check(fit, by_nuts, refits),
        sensitivity=doubts,
        sampled=by_nuts,
        coverage=coverage_map.like(pair),
        audit=audited(cohort),
        unmerged=unmerged_rates(pair, settings),
    )


def all_rates(
    fit: HierarchicalFit, level: float = 0.95, sampled: HierarchicalFit | Refusal | None = None
) -> RateResults:
    """Return the ratio by every method, with a caution where two questions have different answers.

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
    return with_estimands(
        pair, combined(classical_rates(pair, level), hierarchical_rates(fit, level, sampled))
    )


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
    if not isinstance(sampled, HierarchicalFit):
        not_run = RateResults((), () if sampled is None else (sampled,))
        return combined(_hierarchical_rate(fit, level), not_run)
    disagreements = [str(one) for one in agreement_checks(fit, sampled) if not one.passed]
    if disagreements:
        return RateResults((), tuple(_failed(one.method, disagreements) for one in (fit, sampled)))
    return combined(_hierarchical_rate(fit, level), _hierarchical_rate(sampled, level))


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
    except ConvergenceError as refused:
        failed = RateResults((), (_failed(refused.method, refused.failures),))
        return combined(classical_rates(pair, settings.level), failed)
    return all_rates(fit, settings.level, sampled)


def _hierarchical_rate(fit: HierarchicalFit, level: float) -> RateResults:
    try:
        return RateResults((fit.rate_ratio(level),), ())
    except ConvergenceError as refused:
        return RateResults((), (_failed(fit.method, refused.failures),))


def _failed(method: str, failures: Sequence[str]) -> Refusal:
    """Return the refusal of a method whose computation failed its checks."""
    return Refusal(method, f"failed diagnostic: {'; '.join(failures)}", failed=True)


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
    _require_engine(engine)
    if engine != "both":
        return hierarchical.fit_model(model, settings.nuts if engine == "nuts" else engine, seed), None
    fit = hierarchical.fit_model(model, "quadrature", seed)
    try:
        return fit, hierarchical.fit_model(model, settings.nuts, seed)
    except SamplerError as refused:
        return fit, Refusal(SAMPLED, str(refused))


def _require_engine(engine: Engine) -> None:
    if not isinstance(engine, Nuts):
        one_of("engine", engine, ENGINES)
