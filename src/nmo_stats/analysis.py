"""From a cohort to the standard set of results, in one readable function."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Final, get_args

import pandas as pd

from nmo_stats import hierarchical, sensitivity
from nmo_stats.arguments import instance, one_of, optional, text
from nmo_stats.audit import Audit, audited
from nmo_stats.cohort import Cohort, Comparison, Notice
from nmo_stats.cohort.pairing import Courses
from nmo_stats.describe import (
    Accumulation,
    ArrSummary,
    EdssSummary,
    FirstRelapse,
    PairedEdss,
    accumulation,
    arr,
    edss,
    first_relapse,
    paired_edss,
)
from nmo_stats.describe.edss import RuleName
from nmo_stats.diagnostics import Check, agreement_checks, check
from nmo_stats.errors import ArgumentError, ConvergenceError, SamplerError
from nmo_stats.estimands import with_estimands
from nmo_stats.estimate import RateRatio, require_level
from nmo_stats.estimators.table import RateResults, Refusal, classical_rates, combined
from nmo_stats.estimators.within_patient import Dispersion, dispersion
from nmo_stats.hierarchical import DEFAULT_PRIORS, HierarchicalFit, Model, Nuts, Priors, Refits
from nmo_stats.hierarchical.model import Entry, Likelihood
from nmo_stats.names import SAMPLED
from nmo_stats.operating import coverage_map
from nmo_stats.recommendation import Recommendation, recommended  # noqa: F401  named here by scripts
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
        for name, kind in (("priors", Priors), ("nuts", Nuts), ("background", Background | None)):
            if not isinstance(getattr(self, name), kind):
                wanted = getattr(kind, "__name__", "Background")
                raise ArgumentError(f"{name} {getattr(self, name)!r}: made with {wanted}(...)")
        for name, known in (
            ("likelihood", get_args(Likelihood)),
            ("entry", (None, *get_args(Entry))),
            ("courses", get_args(Courses)),
        ):
            if getattr(self, name) not in known:
                raise ArgumentError(f"{name} {getattr(self, name)!r}: {' or '.join(map(repr, known))}")

    def plan(self, seed: int, progress: Progress | None = None) -> Plan:
        """Return the choices that concern the sensitivity analysis."""
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
        Time to the first relapse, and mean cumulative number of relapses, of the paired patients on each treatment.
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
    arr: ArrSummary
    edss: EdssSummary
    first_relapse: FirstRelapse
    accumulation: Accumulation
    paired_edss: PairedEdss
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
        return tuple(found for found in self.checks if found.role == "computation" and not found.passed)


def installed(name: str) -> str:
    """Return the installed version of a package, without importing it."""
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
        ``"quadrature"``, ``"nuts"`` or its options, or ``"both"``: the answer is that of quadrature, and NUTS has to agree
        with it.
    seed
        Seed of all random numbers: the same seed gives the same result on the same versions.
    settings
        Level, priors, likelihood, and how NUTS samples.

    Raises
    ------
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
    """Put all other results beside a finished fit of a pair of the cohort, and one by NUTS to check it against.

    A refusal in the place of the latter stands among the refusals of the rates.
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
    withheld = dict.fromkeys(
        refusal.reason for refusal in rates.failed if refusal.method.startswith("hierarchical")
    )
    if withheld:
        doubts = doubts.withholding("; ".join(withheld))
    return Analysis(
        cohort=cohort,
        pair=pair,
        settings=settings,
        seed=fit.seed,
        engine=engine,
        arr=arr(cohort, settings.level),
        edss=edss(cohort),
        first_relapse=first_relapse(pair, settings.level),
        accumulation=accumulation(pair, settings.level),
        paired_edss=paired_edss(cohort, pair, settings.level),
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
    """Return the ratio by every method, with the caution where two of them answer different questions differently."""
    instance("fit", fit, HierarchicalFit)
    pair = fit.model.pair
    found = combined(classical_rates(pair, level), hierarchical_rates(fit, level, sampled))
    return with_estimands(pair, found)


def unmerged_rates(pair: Comparison, settings: Settings) -> RateResults | None:
    """Return the ratio by every method with no onsets merged; None unless more than a tenth of the onsets are merged."""
    instance("pair", pair, Comparison)
    instance("settings", settings, Settings)
    if pair.merging is None or not pair.merging.is_frequent or pair.unmerged is None:
        return None
    return pair_rates(pair.unmerged, settings, "quadrature", DEFAULT_SEED)


def hierarchical_rates(
    fit: HierarchicalFit, level: float = 0.95, sampled: HierarchicalFit | Refusal | None = None
) -> RateResults:
    """Return the ratio of the hierarchical model by each engine, or its refusal if the computation failed.

    Where two engines disagree neither is believed; where one could not be run, its refusal stands beside the other.
    """
    instance("fit", fit, HierarchicalFit)
    level = require_level(level)
    optional("sampled", sampled, HierarchicalFit, Refusal)
    if sampled is None:
        return _hierarchical_rate(fit, level)
    if isinstance(sampled, Refusal):
        return combined(_hierarchical_rate(fit, level), RateResults((), (sampled,)))
    reason = "; ".join(str(held) for held in agreement_checks(fit, sampled) if not held.passed)
    if not reason:
        return combined(_hierarchical_rate(fit, level), _hierarchical_rate(sampled, level))
    refusals = [Refusal(one.method, f"failed diagnostic: {reason}", failed=True) for one in (fit, sampled)]
    return RateResults((), tuple(refusals))


def pair_rates(pair: Comparison, settings: Settings, engine: Engine, seed: int) -> RateResults:
    """Fit the hierarchical model and return the ratio by every method; where the fit fails the others still answer."""
    try:
        fit, sampled = hierarchical_fits(pair, settings, engine, seed)
    except ConvergenceError as refused:
        reason = "failed diagnostic: " + "; ".join(refused.failures)
        failed = RateResults((), (Refusal(refused.method, reason, failed=True),))
        return combined(classical_rates(pair, settings.level), failed)
    return all_rates(fit, settings.level, sampled)


def _hierarchical_rate(fit: HierarchicalFit, level: float) -> RateResults:
    try:
        return RateResults((fit.rate_ratio(level),), ())
    except ConvergenceError as refused:
        reason = "failed diagnostic: " + "; ".join(refused.failures)
        return RateResults((), (Refusal(fit.method, reason, failed=True),))


def hierarchical_fits(
    pair: Comparison, settings: Settings, engine: Engine, seed: int
) -> tuple[HierarchicalFit, HierarchicalFit | Refusal | None]:
    """Fit the hierarchical model: the fit that answers, and with engine ``"both"`` one by NUTS to check it against.

    NUTS that cannot be run costs its own numbers and no others: its refusal stands in their place.
    """
    instance("pair", pair, Comparison)
    instance("settings", settings, Settings)
    model = Model(pair, settings.priors, settings.likelihood, settings.entry)
    _require_engine(engine)
    if engine == "both":
        fit = hierarchical.fit_model(model, "quadrature", seed)
        return fit, _sampled_or_refused(model, settings.nuts, seed)
    return hierarchical.fit_model(model, settings.nuts if engine == "nuts" else engine, seed), None


def _require_engine(engine: Engine) -> None:
    if not isinstance(engine, Nuts):
        one_of("engine", engine, ENGINES)


def _sampled_or_refused(model: Model, options: Nuts, seed: int) -> HierarchicalFit | Refusal:
    try:
        return hierarchical.fit_model(model, options, seed)
    except SamplerError as refused:
        return Refusal(SAMPLED, str(refused))


@dataclass(frozen=True, eq=False)
class Description:
    """What is said of a cohort without a comparison of rates.

    Parameters
    ----------
    cohort
        The data.
    arr, edss, first_relapse, accumulation
        Of all patients and treatments.
    paired_edss
        Of the patients with both of the compared treatments; None where it is not clear which these are.
    """

    cohort: Cohort
    arr: ArrSummary
    edss: EdssSummary
    first_relapse: FirstRelapse
    accumulation: Accumulation
    paired_edss: PairedEdss | None


def described(
    cohort: Cohort, pair: Comparison | None, level: float = 0.95, rule: RuleName = "msprog"
) -> Description:
    """Describe rates, times of relapses and EDSS of a cohort.

    Parameters
    ----------
    cohort
        The data.
    pair
        The comparison whose EDSS changes are paired, if it is clear.
    level
        Level of all intervals.
    rule
        When the EDSS has worsened.

    Returns
    -------
    Description
        The summaries.
    """
    return Description(
        cohort,
        arr(cohort, level),
        edss(cohort, rule),
        first_relapse(cohort, level),
        accumulation(cohort, level),
        None if pair is None else paired_edss(cohort, pair, level),
    )
