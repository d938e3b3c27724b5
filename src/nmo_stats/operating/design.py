"""A design: who is followed for how long, at which rates, and what ends the reference period."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

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
from nmo_stats.within_patient import Floats

RULES: Final[dict[str, Rule]] = {
    "fixed": FixedWindows(),
    "triggered": WholeMonths(Triggered(1)),
    "look_back": LookBack(),
}
_MOST_PATIENTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class UniformTimes:
    """Follow-up times that differ from series to series: uniform between two limits, in years.

    Parameters
    ----------
    reference, comparator
        Shortest and longest time, years.
    """

    reference: tuple[float, float]
    comparator: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("reference", "comparator"):
            shortest, longest = getattr(self, name)
            if not 0 < shortest <= longest < math.inf:
                raise ArgumentError(
                    f"{name} times {shortest!r} to {longest!r}: 0 < shortest <= longest, in years"
                )

    def draw(self, rng: np.random.Generator, cohorts: int, patients: int) -> Floats:
        """Return times in years, shape (cohorts, patients, 2)."""
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
        Reference and comparator time of each patient in years, recycled over the patients; or :class:`UniformTimes`. A rule that makes
        reference times of its own keeps the comparator times only.
    reference_arr
        Relapses per year of a typical patient on the reference.
    rate_ratio
        Rate ratio of a typical patient, comparator / reference: the truth that intervals should cover.
    sd_rate, sd_rate_ratio
        Between-patient standard deviations of log rates and log ratios.
    overdispersion
        Of a period's count around the patient's own rate: variance = mean + overdispersion * mean^2.
    rule
        ``"fixed"``: times as given. ``"triggered"``: the reference period ends 2 months after its first relapse, its length rounded to
        whole months. ``"look_back"``: a window of 12 months that looks back from a switch and holds at least 2 relapses.
    seed
        Seed of all random numbers.

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
    seed: int = 20130301

    def __post_init__(self) -> None:
        _require_patients(self.patients)
        if not isinstance(self.times, UniformTimes):
            _require_times(self.times)
        if self.rule not in RULES:
            raise ArgumentError(f"rule {self.rule!r}: {', '.join(map(repr, RULES))}")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or self.seed < 0:
            raise ArgumentError(f"seed {self.seed!r}: a whole number >= 0")
        _ = self.rates  # which checks the others

    @classmethod
    def like(cls, pair: Comparison, rate_ratio: float = 1.0) -> Design:
        """Return the design of a pair: its times, its pooled reference rate, moderate differences between patients.

        Raises
        ------
        ArgumentError
            If there is no relapse on the reference, so that the data hold no rate to simulate with.
        """
        reference, _ = pair.totals
        if not reference:
            raise ArgumentError(
                f"no relapse on {pair.reference}: the series holds no rate to plan with; give one (reference ARR)"
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
        """Return the same design with another number of patients, times recycled."""
        return replace(self, patients=patients)

    def draw(self, rng: np.random.Generator, cohorts: int) -> Cohorts:
        """Return simulated series."""
        if isinstance(self.times, UniformTimes):
            years = self.times.draw(rng, cohorts, self.patients)
        else:
            years = np.resize(np.array(self.times), (self.patients, 2))
        return simulate_cohorts(rng, self.rates, RULES[self.rule], years, cohorts)

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON; times in years."""
        return asdict(self)


def _require_patients(patients: int) -> None:
    if not isinstance(patients, int) or isinstance(patients, bool) or not 1 <= patients <= _MOST_PATIENTS:
        raise ArgumentError(f"patients {patients!r}: a whole number from 1 to {_MOST_PATIENTS}")


def _require_times(times: tuple[tuple[float, float], ...]) -> None:
    shape = np.shape(times)
    if len(shape) != 2 or shape[1] != 2 or not shape[0]:
        raise ArgumentError(f"times {times!r}: pairs of reference and comparator time, in years")
    if not all(0 < time < math.inf for pair in times for time in pair):
        raise ArgumentError("times: each is > 0 and finite, in years")
