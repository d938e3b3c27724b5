"""From a cohort to the standard set of results, in one readable function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from nmo_stats import describe, sensitivity
from nmo_stats.arguments import DEFAULT_SEED, instance, optional, text
from nmo_stats.audit import Audit, audited
from nmo_stats.cohort import Cohort, Comparison, Notice
from nmo_stats.diagnostics import check
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.classical import RateResults, Refusal
from nmo_stats.estimators.within_patient import Dispersion, dispersion
from nmo_stats.hierarchical import HierarchicalFit, Refits
from nmo_stats.hierarchical.checks import Check
from nmo_stats.hierarchical.options import Engine
from nmo_stats.names import is_hierarchical
from nmo_stats.operating import coverage_map
from nmo_stats.rates import (
    DEFAULT_SETTINGS,
    Settings,
    all_rates,
    hierarchical_fits,
    require_engine,
    unmerged_rates,
)
from nmo_stats.sensitivity import Sensitivity


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
        """The hierarchical ratio, or None if its computation failed.

        At a zero cell the sentence of the report leads with the exact limit within patients instead.
        """
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
        return tuple(check for check in self.checks if check.role == "computation" and not check.passed)


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

    Raises
    ------
    ArgumentError
        If the name is no text.
    """
    try:
        return version(text("name", name))
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
    require_engine(engine)
    pair = fit.model.pair
    rates = all_rates(fit, settings.level, sampled)
    by_nuts = None if isinstance(sampled, Refusal) else sampled
    refits = Refits.beside(fit, settings.level)
    doubts = sensitivity.run(pair, fit=fit, plan=settings.plan(fit.seed), refits=refits)
    withheld = dict.fromkeys(refusal.reason for refusal in rates.failed if is_hierarchical(refusal.method))
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
