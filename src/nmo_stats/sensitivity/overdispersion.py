"""How much the counts of a series vary within patients beyond Poisson counts, and series simulated so.

A period's rate is the patient's own rate times exp(e - s^2/2), e ~ Normal(0, s), a factor of mean 1 with the
squared coefficient of variation alpha = exp(s^2) - 1. With comparator / reference expectations in the ratio p
: q, p + q = 1, and n_i = y_i0 + y_i1,

    E (y_i1 - p_i n_i)^2 = E [p_i q_i n_i + 2 alpha p_i q_i y_i0 y_i1],

since y_i0 y_i1 has the expectation of the product of the two means. Summed over patients and solved for alpha
this is an estimate that weights patients as a pooled ratio does, and gives that ratio the variance which the
patients' own differences show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import expit

from nmo_stats.arguments import instance
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.estimators.within_patient import (
    FEWEST_FOR_DISPERSION,
    dispersion,
    log_ratio_mle,
    log_time_ratios,
    patient_strata,
)
from nmo_stats.hierarchical import Priors
from nmo_stats.simulate import GammaRates
from nmo_stats.wording import counted, significant

Source = Literal["series", "no excess", "not assessable", "prior"]
_LARGEST: Final = 2.0  # sd of log period effects: a 50-fold change between two periods is then within one sd


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """How far the rates of single periods stray from the patient's own rate in simulated series.

    Parameters
    ----------
    sd_period
        Standard deviation of the log rate of a period; 0 for Poisson counts.
    source
        ``"series"``: estimated from the series. ``"no excess"``: Poisson counts, because the series shows no
        excess. ``"not assessable"``: Poisson counts, because the series cannot show one. ``"prior"``: the
        prior median, beside such a series.
    patients
        Patients with relapses, who could show an excess.
    """

    sd_period: float = 0.0
    source: Source = "not assessable"
    patients: int = 0

    @property
    def is_alternative(self) -> bool:
        """Whether it stands beside Poisson counts that could not be checked."""
        return self.source == "prior"

    def sentence(self) -> str:
        """Return in words how the counts were simulated, and why so.

        Returns
        -------
        str
            One sentence.
        """
        patients, sd = counted(self.patients, "patient"), significant(self.sd_period, 2)
        why = (
            f"with {patients} with relapses ({FEWEST_FOR_DISPERSION} are needed)"
            if self.patients < FEWEST_FOR_DISPERSION
            else "without a relapse in one of the two periods"
        )
        return {
            "series": "Counts within these patients vary more than Poisson counts, and the simulated ones as "
            f"much (log rates of periods with a standard deviation of {sd}, estimated from {patients}).",
            "no excess": "Counts were simulated as Poisson counts: those seen vary no more than that.",
            "prior": "Other series were simulated with log rates of periods that have a standard deviation "
            f"of {sd}, the prior median of the hierarchical model.",
            "not assessable": "Counts were simulated as Poisson counts; whether those of these patients vary "
            f"more cannot be assessed {why}.",
        }[self.source]


NOT_ASSESSED: Final = Overdispersion()


@dataclass(frozen=True, slots=True)
class PeriodRates:
    """Patients' rates that stray from one period to the next.

    Parameters
    ----------
    patients
        The patients' own rates.
    sd_period
        Standard deviation of the log rate of a period around the patient's own; the mean rate stays what it
        is.

    Examples
    --------
    >>> rates = PeriodRates(GammaRates(1.0, 0.0), 0.5).draw(np.random.default_rng(1), 100_000)
    >>> rates.mean(axis=0).round(2).tolist(), rates.std(axis=0).round(1).tolist()
    ([1.0, 1.0], [0.5, 0.5])
    """

    patients: GammaRates
    sd_period: float

    def __str__(self) -> str:
        """Return e.g. ``a mean of 0.6 relapses per year (CV 0.7), periods with a log sd of 0.44``."""
        return f"{self.patients}, periods with a log sd of {self.sd_period:.2g}"

    def draw(self, rng: np.random.Generator, patients: int) -> Floats:
        """Return the rates per year of new patients, shape (patients, 2): reference, comparator.

        Parameters
        ----------
        rng
            Source of random numbers.
        patients
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (patients, 2).
        """
        rates = self.patients.draw(rng, patients)
        effects = rng.normal(-(self.sd_period**2) / 2, self.sd_period, rates.shape)
        return np.asarray(rates * np.exp(effects))


def varying(population: GammaRates, overdispersion: Overdispersion) -> GammaRates | PeriodRates:
    """Return the population with rates that stray between periods; itself for Poisson counts."""
    return PeriodRates(population, overdispersion.sd_period) if overdispersion.sd_period else population


def observed_overdispersion(pair: Comparison) -> Overdispersion:
    """Return the overdispersion that a series shows: none without an excess, or below 10 patients.

    Parameters
    ----------
    pair
        The comparison.

    Returns
    -------
    Overdispersion
        Its source says why it is 0.

    Raises
    ------
    ArgumentError
        If the pair is no comparison.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> placebo = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    >>> found = observed_overdispersion(placebo)
    >>> found.source, round(found.sd_period, 2)
    ('series', 0.31)
    """
    instance("pair", pair, Comparison)
    of_counts = dispersion(pair)
    if of_counts.verdict != "overdispersed":
        return Overdispersion(0.0, of_counts.verdict, of_counts.patients)
    return Overdispersion(_sd_period(pair, of_counts.patients), "series", of_counts.patients)


def prior_overdispersion(priors: Priors, patients: int) -> Overdispersion:
    """Return the prior median: a spread s of log ratios is that of two periods with s / sqrt(2) each."""
    median = float(priors.sd_rate_ratio.quantile(np.array(0.5)))
    return Overdispersion(median / math.sqrt(2), "prior", patients)


def _sd_period(pair: Comparison, patients: int) -> float:
    reference, comparator = np.asarray(pair.relapses, dtype=np.float64).T
    totals = reference + comparator
    log_ratio = log_ratio_mle(patient_strata(pair), pair.totals[1])
    chance = expit(log_ratio + log_time_ratios(pair))
    free = patients / (patients - 1)  # the ratio is fitted
    poisson = chance * (1 - chance)
    excess = free * np.sum((comparator - chance * totals) ** 2) - np.sum(poisson * totals)
    products = 2 * float(np.sum(poisson * reference * comparator))
    if products <= 0:  # no patient relapsed in both periods: more than any finite excess
        return _LARGEST
    return min(math.sqrt(math.log1p(max(float(excess), 0.0) / products)), _LARGEST)
