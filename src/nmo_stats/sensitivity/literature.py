"""What is published on the disease of a comparison: one data file a disease, each number with its source.

Until a study declares its disease, a comparison of the two drugs that the file names is taken to be of that
disease; of any other comparison nothing published is quoted.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from nmo_stats.arguments import instance
from nmo_stats.bundled import data_folder
from nmo_stats.cohort import Comparison

HIGHEST_RATE: Final = (
    20.0  # per year: patients with more have another disease than those the populations were made for
)
_NEUTRAL: Final = "other"
_PROFILES: Final = ("nmosd", _NEUTRAL)


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """One published rate.

    Parameters
    ----------
    value
        The rate, per year.
    unit, population, when, counted
        What exactly it is: relapses per what, of whom, when, and how they were counted.
    patients
        Number of patients.
    study, document, doi, place
        Where it stands.
    low, high, sd
        Limits of its 95 % confidence interval, and standard deviation between patients; None where none is
        printed.
    also
        Where more is said of it.
    """

    value: float
    unit: str
    population: str
    when: str
    counted: str
    patients: int
    study: str
    document: str
    doi: str
    place: str
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    also: str = ""


@dataclass(frozen=True, slots=True)
class AssumedPopulation:
    """A mean rate of patients before anybody was chosen.

    Parameters
    ----------
    mean
        Relapses per year.
    label
        What it stands for; empty where no source is known.
    rate
        Name of the published rate that it rounds; empty where it rounds none.
    """

    mean: float
    label: str = ""
    rate: str = ""


@dataclass(frozen=True, slots=True)
class PlaceboSeries:
    """Rates before a trial, and on its placebo; they may be of different patients."""

    before: PublishedRate
    during: PublishedRate


@dataclass(frozen=True, eq=False)
class Profile:
    """What is published on a disease.

    Parameters
    ----------
    disease
        Its name; empty where it is not known.
    treatments
        Two drugs whose comparison is taken to be of this disease.
    rates
        Published rates, by name.
    populations
        Assumed mean rates, ascending.
    placebo_series
        What was counted before and during a trial's placebo.
    """

    disease: str
    treatments: frozenset[str]
    rates: dict[str, PublishedRate]
    populations: tuple[AssumedPopulation, ...]
    placebo_series: tuple[PlaceboSeries, ...]


@cache
def profile(name: str) -> Profile:
    """Return a profile by its name, ``"nmosd"`` or ``"other"``.

    Examples
    --------
    >>> profile("nmosd").rates["nemos_treated"].value
    0.6
    """
    with (data_folder() / "profiles" / f"{name}.toml").open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)
    rates = {key: PublishedRate(**fields) for key, fields in content.get("rates", {}).items()}
    series = (
        PlaceboSeries(rates[one["before"]], rates[one["during"]]) for one in content.get("placebo_series", ())
    )
    return Profile(
        content["disease"],
        frozenset(content["treatments"]),
        rates,
        tuple(AssumedPopulation(**fields) for fields in content["populations"]),
        tuple(series),
    )


def profile_of(pair: Comparison) -> Profile:
    """Return the profile whose two drugs are compared, if the data may have its rates; else the neutral one.

    Parameters
    ----------
    pair
        The comparison.

    Returns
    -------
    Profile
        The neutral one has no disease.

    Raises
    ------
    ArgumentError
        If the pair is no comparison.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> profile_of(load_example().compare("tocilizumab", reference="rituximab")).disease
    'neuromyelitis optica spectrum disorder'
    >>> profile_of(load_example("thall_vail1990").compare("after", reference="before")).disease
    ''
    """
    instance("pair", pair, Comparison)
    names = {pair.reference.strip().casefold(), pair.comparator.strip().casefold()}
    if sum(pair.totals) <= HIGHEST_RATE * math.fsum(pair.total_years):
        for name in _PROFILES:
            if profile(name).treatments == names:
                return profile(name)
    return profile(_NEUTRAL)


def placebo_sentences(pair: Comparison) -> list[str]:
    """Return what was counted before and during placebo in trials of the disease, and of whom."""
    return [_placebo_sentence(series) for series in profile_of(pair).placebo_series]


def _placebo_sentence(series: PlaceboSeries) -> str:
    return (
        f"For comparison, the {series.before.study} trial: {_rate(series.before)}, and "
        f"{_rate(series.during)}. The rate was this low without the new drug. The two numbers are "
        "of different patients and were counted in different ways: their ratio is not a before/after ratio."
    )


def _rate(rate: PublishedRate) -> str:
    limits = f", 95 % confidence interval {rate.low:g} to {rate.high:g}" if rate.low and rate.high else ""
    return (
        f"{rate.value:g} {rate.unit} {rate.when} in {rate.population} ({rate.patients}{limits}; "
        f"{rate.counted}; {rate.document}, {rate.place})"
    )
