"""A design: who is followed for how long, at which rates, and what ends the reference period."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from nmo_stats.arguments import DEFAULT_SEED, instance, number, numbers, one_of, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.simulate import (
    Cohorts,
    FixedWindows,
    LogNormalRates,
    LookBack,
    Rule,
    Triggered,
    WholeMonths,
    simulate_cohorts,
)

RULES: Final[dict[str, Rule]] = {
    "fixed": FixedWindows(),
    "triggered": WholeMonths(Triggered(1)),
    "look_back": LookBack(),
}
_MOST_PATIENTS: Final = 1_000
_MOST_RELAPSES: Final = 5_000
_LONGEST: Final = 100.0
_LARGEST: Final = {
    "reference_arr": 1_000.0,
    "rate_ratio": 1_000.0,
    "sd_rate": 10.0,
    "sd_rate_ratio": 10.0,
    "overdispersion": 100.0,
}


@dataclass(frozen=True, slots=True)
class UniformTimes:
    """Follow-up times that differ from series to series: uniform between two limits, in years.

    Parameters
    ----------
    reference, comparator
        Shortest and longest time, years.

    Raises
    ------
    ArgumentError
        If a time is out of its range, or the shortest is longer than the longest.
    """

    reference: tuple[float, float]
    comparator: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("reference", "comparator"):
            shortest, longest = numbers(f"{name} times", getattr(self, name), "(2,)", 0, _LONGEST)
            if not 0 < shortest <= longest:
                raise ArgumentError(
                    f"{name} times {shortest:g} to {longest:g}: 0 < shortest <= longest, in years"
                )
            object.__setattr__(self, name, (float(shortest), float(longest)))

    def draw(self, rng: np.random.Generator, cohorts: int, patients: int) -> Floats:
        """Return times in years.

        Parameters
        ----------
        rng
            Source of random numbers.
        cohorts, patients
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (cohorts, patients, 2).
        """
        low, high = np.array([self.reference, self.comparator]).T
        return np.asarray(rng.uniform(low, high, (cohorts, patients, 2)))


@dataclass(frozen=True, slots=True)
class Design:
    """A before/after series to be simulated from the hierarchical model.

    Parameters
    ----------
    patients
        Number of patients.
    times
        Reference and comparator time of each patient in years, kept sorted and recycled evenly over the
        patients; or :class:`UniformTimes`. A rule that makes reference times of its own keeps the comparator
        times only.
    reference_arr
        Relapses per year of a typical patient on the reference.
    rate_ratio
        Rate ratio of a typical patient, comparator / reference: the truth that intervals should cover.
    sd_rate, sd_rate_ratio
        Between-patient standard deviations of log rates and log ratios.
    overdispersion
        Of a period's count around the patient's own rate: variance = mean + overdispersion * mean^2.
    rule
        ``"fixed"``: times as given. ``"triggered"``: the reference period ends 2 months after its first
        relapse, its length rounded to whole months. ``"look_back"``: a window of 12 months that looks back
        from a switch and holds at least 2 relapses.
    seed
        Seed of all random numbers.

    Raises
    ------
    ArgumentError
        If a number or a time is out of its range, or the rule is unknown.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> design = Design.like(pair, rate_ratio=0.5)
    >>> design.patients, round(design.reference_arr, 2)
    (3, 2.45)
    """

    patients: int
    times: tuple[tuple[float, float], ...] | UniformTimes
    reference_arr: float
    rate_ratio: float = 1.0
    sd_rate: float = 0.5
    sd_rate_ratio: float = 0.25
    overdispersion: float = 0.0
    rule: str = "fixed"
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        object.__setattr__(self, "patients", whole("patients", self.patients, 1, _MOST_PATIENTS))
        object.__setattr__(self, "seed", valid_seed(self.seed))
        for name, most in _LARGEST.items():
            value = number(name.replace("_", " "), getattr(self, name), -most, most)
            object.__setattr__(self, name, value)
        if not isinstance(self.times, UniformTimes):
            object.__setattr__(self, "times", _times(self.times))
        one_of("rule", self.rule, RULES)
        _ = self.rates  # which checks the numbers

    @classmethod
    def like(cls, pair: Comparison, rate_ratio: float = 1.0) -> Design:
        """Return the design of a pair: its times and pooled reference rate, moderate spreads.

        The pooled rate is taken as that of a typical patient: with the spreads of the default the mean rate
        is 14 % higher.

        Parameters
        ----------
        pair
            The two periods.
        rate_ratio
            The true ratio.

        Returns
        -------
        Design
            With as many patients.

        Raises
        ------
        ArgumentError
            If there is no relapse on the reference, so that the data hold no rate to simulate with.
        """
        reference, _ = instance("pair", pair, Comparison).totals
        if not reference:
            raise ArgumentError(
                f"no relapse on {pair.reference}. Expected: a rate to plan with. Give a reference ARR, --arr."
            )
        times = tuple((float(before), float(after)) for before, after in pair.years)
        return cls(len(times), times, reference / pair.total_years[0], rate_ratio)

    @property
    def rates(self) -> LogNormalRates:
        """The distribution of patients' rates."""
        return LogNormalRates(
            self.reference_arr, self.rate_ratio, self.sd_rate, self.sd_rate_ratio, self.overdispersion
        )

    def with_patients(self, patients: int) -> Design:
        """Return the same design with another number of patients, times recycled evenly.

        Parameters
        ----------
        patients
            Number of patients.

        Returns
        -------
        Design
            With the same seed.
        """
        return replace(self, patients=patients)

    def draw(self, rng: np.random.Generator, cohorts: int) -> Cohorts:
        """Return simulated series.

        Parameters
        ----------
        rng
            Source of random numbers.
        cohorts
            Number of series.

        Returns
        -------
        Cohorts
            Counts and times.

        Raises
        ------
        ArgumentError
            If patients relapse so often that no estimator was made for it.
        """
        if isinstance(self.times, UniformTimes):
            years = self.times.draw(rng, cohorts, self.patients)
        else:
            # from the middle of even shares of the sorted times: fewer patients are like all, in any order
            places = (np.arange(self.patients) + 0.5) * (len(self.times) / self.patients)
            years = np.array(self.times)[places.astype(np.int64)]
        series = simulate_cohorts(rng, self.rates, RULES[self.rule], years, cohorts)
        most = series.relapses.max()
        if most > _MOST_RELAPSES:
            raise ArgumentError(
                f"a simulated period has {most:,.0f} relapses. Expected: at most {_MOST_RELAPSES:,}; "
                "lower the rate, the spreads or the times."
            )
        return series

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON.

        Returns
        -------
        dict of str to object
            The fields; times in years.
        """
        return asdict(self)


def _times(times: object) -> tuple[tuple[float, float], ...]:
    pairs = numbers("times", times, "(patients, 2)")
    if not ((pairs > 0) & (pairs <= _LONGEST)).all():
        raise ArgumentError(f"times: each is > 0 and at most {_LONGEST:g} years")
    return tuple(sorted((float(before), float(after)) for before, after in pairs))
