"""Which of several estimates to read, and whether two of them answer different questions differently.

The hierarchical ratio weighs patients; the ratio of all relapses weighs relapses, so that one patient with
very many relapses can decide it alone. In most series both say the same. Where they do not, both have to be
read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.arguments import instance
from nmo_stats.arrays import Flags, Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import Caution, RateRatio
from nmo_stats.estimators.classical import RateResults, Recommendation
from nmo_stats.estimators.within_patient import FEWEST_FOR_DISPERSION, Dispersion, dispersion
from nmo_stats.hierarchical.model import Likelihood
from nmo_stats.names import HIERARCHICAL, LIMIT_NAMES, WITHIN
from nmo_stats.operating import coverage_map
from nmo_stats.wording import (
    beside,
    counted,
    estimate_text,
    interval_text,
    joined,
    percent,
    ratio_text,
    significant,
)

_TOTALS: Final = ("pooled_exact", "poisson")
_MOST_NAMED: Final = 3
_REMEDY: Final = (
    "Poisson counts are not assumed by the rows Counts: negative binomial among the other assumptions "
    "(nmo-stats sensitivity), nor by any hierarchical number with --likelihood negative_binomial."
)


@dataclass(frozen=True, slots=True)
class Leverage:
    """One of the patients who move the ratio of all relapses away from the ratio of a typical patient.

    Parameters
    ----------
    patient
        Identifier.
    relapses
        Relapses on the reference and on the comparator.
    ratio_without
        Ratio of all relapses without this patient and those named before.
    """

    patient: str
    relapses: tuple[int, int]
    ratio_without: float


def recommended(
    rates: RateResults,
    dispersion: Dispersion,
    *,
    pair: Comparison | None = None,
    likelihood: Likelihood = "poisson",
) -> Recommendation:
    """Return which estimate to read: the hierarchical one if there is one, at a zero cell the exact limit.

    Parameters
    ----------
    rates
        The estimates.
    dispersion
        Within-patient dispersion of the counts.
    pair
        The comparison, for the coverage of the interval in simulated series like it.
    likelihood
        Of the hierarchical model.

    Returns
    -------
    Recommendation
        The method and the reason.

    Raises
    ------
    ArgumentError
        If the estimates or the dispersion are of another kind.
    """
    instance("dispersion", dispersion, Dispersion)
    ratio, _ = typical_and_totals(rates)
    if ratio is None or not ratio.informative:
        return Recommendation(None, _not_assessable(dispersion))
    exact = rates.find(WITHIN)
    if ratio.known_limit and exact is not None:
        return Recommendation(exact.method, _at_a_zero_cell(exact, ratio))
    text = (
        f"{_about_dispersion(rates, dispersion)} The interval to read is the hierarchical one "
        f"({interval_text(ratio.interval)}), which lets both the rate and the ratio differ between patients"
    )
    if dispersion.verdict == "no excess":
        return Recommendation(ratio.method, f"{text}.")
    if likelihood == "negative_binomial":
        return Recommendation(ratio.method, f"{text}; its counts are negative binomial.")
    return Recommendation(ratio.method, f"{text}. {_allowed_for(pair)} {_REMEDY}")


def _not_assessable(dispersion: Dispersion) -> str:
    """Return that overdispersion cannot be judged; empty where it can be."""
    if dispersion.verdict != "not assessable":
        return ""
    return (
        f"Overdispersion within patients is not assessable: {dispersion.patients} patients with relapses, "
        f"and {FEWEST_FOR_DISPERSION} are needed."
    )


def _at_a_zero_cell(exact: RateRatio, ratio: RateRatio) -> str:
    return (
        f"The number to read is the {LIMIT_NAMES[ratio.known_limit]} limit of the exact interval within "
        f"patients ({estimate_text(exact)}): it depends on no prior, but assumes Poisson counts and the same "
        f"ratio in all patients. The hierarchical limit ({estimate_text(ratio)}) lets the ratio differ, and "
        "depends on its prior where relapses are few."
    )


def _about_dispersion(rates: RateResults, dispersion: Dispersion) -> str:
    """Return whether counts vary more than Poisson counts, and which intervals suffer if they do."""
    if dispersion.verdict == "not assessable":
        patients = f"{counted(dispersion.patients, 'patient')} with relapses"
        return (
            "Whether counts vary within patients more than Poisson counts cannot be assessed "
            f"({patients}; {FEWEST_FOR_DISPERSION} are needed); the exact and the Poisson intervals assume "
            "that they do not."
        )
    value, limit = beside(dispersion.value, dispersion.limit), beside(dispersion.limit, dispersion.value)
    if dispersion.verdict == "no excess":
        return (
            f"Counts vary within patients no more than Poisson counts would ({value}, 95 % limit {limit}), "
            "so the exact intervals hold if one ratio holds for all patients."
        )
    simple = rates.find("pooled_exact")
    pooled = "" if simple is None else f" (pooled: {interval_text(simple.interval)})"
    return (
        f"Counts vary {value} times as much within patients as Poisson counts would (95 % limit {limit}). "
        f"The exact and the Poisson intervals{pooled} ignore this and are too short."
    )


def _allowed_for(pair: Comparison | None) -> str:
    """Return how far the hierarchical interval allows for overdispersion, with its coverage if known."""
    text = "That allows for a part of such variation, but its counts are Poisson too."
    rows = None if pair is None else coverage_map.like(pair)
    if rows is None or rows.empty:
        return text
    alike = (rows["method"] == HIERARCHICAL) & (rows["overdispersion"] > 0)
    coverage = rows.loc[alike, "coverage"].dropna()
    if coverage.empty:
        return text
    return (
        f"{text} In simulated series like this one with overdispersed counts the "
        f"{percent(coverage_map.LEVEL)} interval with default priors included the true ratio in "
        f"{100 * coverage.min():.1f} to {100 * coverage.max():.1f} %."
    )


def with_recommendation(pair: Comparison, rates: RateResults, likelihood: Likelihood) -> RateResults:
    """Return the results of all methods with the recommendation which of them to read.

    Parameters
    ----------
    pair
        The comparison.
    rates
        The estimates.
    likelihood
        Of the hierarchical model.

    Returns
    -------
    RateResults
        The same estimates and refusals.

    Raises
    ------
    ArgumentError
        If the estimates are of another kind.
    """
    advice = recommended(rates, dispersion(pair), pair=pair, likelihood=likelihood)
    return replace(rates, recommendation=advice)


def with_estimands(pair: Comparison, rates: RateResults) -> RateResults:
    """Return the results, with the caution ``estimands_differ`` on both ratios where their answers differ.

    Parameters
    ----------
    pair
        The comparison.
    rates
        The estimates.

    Returns
    -------
    RateResults
        The same estimates and refusals.
    """
    typical, totals = typical_and_totals(rates)
    if typical is None or totals is None or not differ(typical, totals):
        return rates
    caution = Caution("estimands_differ", _difference_text(pair, typical, totals))
    estimates = (
        ratio.with_cautions(caution)
        if ratio.estimand == typical.estimand or ratio.method in _TOTALS
        else ratio
        for ratio in rates.estimates
    )
    return replace(rates, estimates=tuple(estimates))


def typical_and_totals(rates: RateResults) -> tuple[RateRatio | None, RateRatio | None]:
    """Return the ratio of a typical patient and the ratio of all relapses, each None where there is none.

    Parameters
    ----------
    rates
        The estimates.

    Returns
    -------
    tuple of RateRatio or None
        The two ratios.

    Raises
    ------
    ArgumentError
        If the estimates are of another kind.
    """
    instance("rates", rates, RateResults)
    typical = next((ratio for ratio in rates.estimates if ratio.estimand == "typical_patient"), None)
    totals = next((ratio for method in _TOTALS if (ratio := rates.find(method))), None)
    return typical, totals


def differ(typical: RateRatio, totals: RateRatio) -> bool:
    """Return whether the two ratios have different answers: by either of two rules.

    - Neither interval contains the other estimate.
    - The estimates lie on different sides of 1, and one of the intervals excludes 1 without containing the
      other estimate.

    At a zero cell, or without relapses, nothing can differ: one limit is all there is. Among Poisson counts
    with one ratio for all patients the rules are met by under 1 in 100 series of 3 to 30 patients.

    Parameters
    ----------
    typical, totals
        The ratio of a typical patient and the ratio of all relapses.

    Returns
    -------
    bool
        Whether both have to be read.

    Examples
    --------
    >>> from nmo_stats.estimate import Interval
    >>> typical = RateRatio(0.76, Interval(0.593, 0.960, 0.95, "credible"), "nuts", "typical_patient")
    >>> totals = RateRatio(1.007, Interval(0.921, 1.101, 0.95, "confidence"), "pooled_exact", "pooled")
    >>> differ(typical, totals)
    True
    """
    if not (typical.informative and typical.known_limit is None and totals.known_limit is None):
        return False
    outside = (
        not totals.interval.contains(typical.estimate),
        not typical.interval.contains(totals.estimate),
    )
    opposite = (typical.estimate - 1) * (totals.estimate - 1) < 0
    excludes = not (totals.interval.contains(1.0) and typical.interval.contains(1.0))
    return all(outside) or (opposite and excludes)


def leverage(pair: Comparison, typical: RateRatio, most: int = _MOST_NAMED) -> tuple[Leverage, ...]:
    """Return the patients without whom the ratio of all relapses is nearest to that of a typical patient.

    One after the other, until the ratio of the others agrees with the typical patient's (within its interval,
    on the same side of 1), nobody's leaving brings it nearer, or ``most`` patients are named.

    Parameters
    ----------
    pair
        The comparison.
    typical
        The ratio of a typical patient.
    most
        Largest number of patients.

    Returns
    -------
    tuple of Leverage
        The patients in the order in which they are left out.

    Examples
    --------
    >>> from nmo_stats.estimate import Interval
    >>> pair = Comparison.from_arrays([[150, 300], [20, 10], [18, 9]], [[1, 1]] * 3, ["A", "B", "C"])
    >>> typical = RateRatio(0.7, Interval(0.3, 1.6, 0.95, "credible"), "nuts", "typical_patient")
    >>> leverage(pair, typical)
    (Leverage(patient='A', relapses=(150, 300), ratio_without=0.5),)
    """
    target, kept = np.log(typical.estimate), np.ones(len(pair.patients), dtype=bool)
    rates = np.array(pair.totals) / pair.total_years
    distance, named = abs(np.log(rates[1] / rates[0]) - target), list[Leverage]()
    while len(named) < most and kept.sum() > 1:
        log_ratios = _log_ratios_without_each(pair, kept)
        distances = np.where(np.isfinite(log_ratios), np.abs(log_ratios - target), np.inf)
        best = int(distances.argmin())
        if not distances[best] < distance:
            break
        kept[best], distance = False, float(distances[best])
        before, after = map(int, pair.relapses[best])
        ratio = float(np.exp(log_ratios[best]))
        named.append(Leverage(pair.patients[best], (before, after), ratio))
        if typical.interval.contains(ratio) and (ratio - 1) * (typical.estimate - 1) >= 0:
            break
    return tuple(named)


def _log_ratios_without_each(pair: Comparison, kept: Flags) -> Floats:
    """Return the log ratio of all relapses of those kept without each of them; NaN where there is none."""
    relapses = pair.relapses[kept].sum(axis=0) - pair.relapses
    years = pair.years[kept].sum(axis=0) - pair.years
    usable = kept & (relapses > 0).all(axis=1) & (years > 0).all(axis=1)
    rates = np.where(usable[:, None], relapses, 1) / np.where(usable[:, None], years, 1)
    return np.where(usable, np.log(rates[:, 1] / rates[:, 0]), np.nan)


def _difference_text(pair: Comparison, typical: RateRatio, totals: RateRatio) -> str:
    text = (
        f"the ratio of a typical patient, {ratio_text(typical)}, and the ratio of all relapses, "
        f"{ratio_text(totals)}, answer different questions, and here their answers differ"
    )
    named = leverage(pair, typical)
    if not named:
        return text
    counts = [(person.patient, *person.relapses) for person in named]
    patients = joined(
        [
            f"{name} ({before} on {pair.reference}, {after} on {pair.comparator})"
            for name, before, after in counts
        ]
    )
    count = counted(sum(before + after for _, before, after in counts), "relapse")
    whose = "patient" if len(named) == 1 else "patients"
    return (
        f"{text}: {count} of {sum(pair.totals)} are those of {whose} {patients}; without them the ratio of "
        f"all relapses is {significant(named[-1].ratio_without)}"
    )
