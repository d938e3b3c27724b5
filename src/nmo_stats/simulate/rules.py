"""How a reference period begins and ends, and who is included: what makes a before/after series what it is.

A patient's relapses are a Poisson process of constant rate. A rule looks at it and returns the relapses and
the length of the reference period, and whether the patient enters the series at all; the comparator starts
where the reference ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from nmo_stats.arguments import found, number, numbers, positive, whole
from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.errors import ArgumentError

_LONGEST = 1_000.0  # years, or months: a history is looked at relapse by relapse
_MOST_RELAPSES = 1_000
_OFTEN: float = 60.0  # relapses in a window; at this expectation fewer than a third of them never occur


Reference = tuple[Counts, Floats, Flags]  # relapses, years, and who is included


class Rule(Protocol):
    """A rule of switching."""

    def reference(self, rng: np.random.Generator, rates: Floats, years: Floats) -> Reference:
        """Return relapses and years on the reference, and who is included.

        Parameters
        ----------
        rng
            Source of random numbers.
        rates
            Rates per year, shape (patients,).
        years
            Reference times that were observed in the same places, shape (patients,); most rules make their
            own.

        Returns
        -------
        tuple of numpy.ndarray
            Relapses, years, and whether a patient is included, each of shape (patients,).
        """


@dataclass(frozen=True, slots=True)
class FixedWindows:
    """Reference times as observed: nothing in the patient's course decides when a period ends."""

    def __str__(self) -> str:
        """Return the rule in words."""
        return "reference times as observed"

    def reference(self, rng: np.random.Generator, rates: Floats, years: Floats) -> Reference:
        """Return relapses and years on the reference, and who is included: everyone.

        Parameters
        ----------
        rng
            Source of random numbers.
        rates
            Rates per year, shape (patients,).
        years
            Observed reference times, shape (patients,).

        Returns
        -------
        tuple of numpy.ndarray
            Relapses, years, and whether a patient is included, each of shape (patients,).
        """
        return rng.poisson(rates * years), years, np.ones(len(rates), dtype=bool)


@dataclass(frozen=True, slots=True)
class Triggered:
    """The reference period ends some time after a relapse, which led to the switch.

    Parameters
    ----------
    relapses
        Which relapse of the period it is that leads to the switch.
    lag_months
        From that relapse to the switch; relapses in this time count.
    start_years
        If given, the period starts at the patient's first relapse between these two times (years, in a
        history without a beginning); that relapse does not count, and patients without one are not included.
        Otherwise it starts at any time.
    within_years
        Patients whose relapse comes later than this after the start are not included.

    Raises
    ------
    ArgumentError
        If a number is out of its range.
    """

    relapses: int = 1
    lag_months: float = 2.0
    start_years: tuple[float, float] | None = None
    within_years: float = math.inf

    def __str__(self) -> str:
        """Return the rule in words."""
        start = ""
        if self.start_years:
            first, last = self.start_years
            start = f", starting at a relapse between years {first:g} and {last:g}"
        limit = f", within {self.within_years:g} years" if math.isfinite(self.within_years) else ""
        after = f"{self.lag_months:g} months after relapse {self.relapses} of the reference period"
        return f"switch {after}{start}{limit}"

    def __post_init__(self) -> None:
        whole("relapses", self.relapses, 1, _MOST_RELAPSES)
        number("lag_months", self.lag_months, 0, _LONGEST)
        if self.start_years is not None:
            first, second = numbers("start_years", self.start_years, "(2,)", 0, _LONGEST)
            if not first < second:
                raise ArgumentError(f"start_years {first:g}, {second:g}: two times, 0 <= first < second")
            object.__setattr__(self, "start_years", (float(first), float(second)))
        if not (isinstance(self.within_years, float) and self.within_years == math.inf):
            positive("within_years", self.within_years, _LONGEST)

    def reference(self, rng: np.random.Generator, rates: Floats, years: Floats) -> Reference:
        """Return relapses and years on the reference, and who is included.

        Parameters
        ----------
        rng
            Source of random numbers.
        rates
            Rates per year, shape (patients,).
        years
            Observed reference times, shape (patients,).

        Returns
        -------
        tuple of numpy.ndarray
            Relapses, years, and whether a patient is included, each of shape (patients,).
        """
        lag = self.lag_months / 12
        included = np.ones(len(years), dtype=bool)
        if self.start_years is not None:
            first, last = self.start_years
            included = rng.random(len(rates)) < -np.expm1(-rates * (last - first))
        with np.errstate(divide="ignore"):
            until = rng.gamma(self.relapses, size=len(rates)) / rates
        included &= np.isfinite(until) & (until <= self.within_years)
        return self.relapses + rng.poisson(rates * lag), until + lag, included


@dataclass(frozen=True, slots=True)
class LookBack:
    """The reference period is a window that looks back from a switch which followed several relapses.

    Parameters
    ----------
    months
        Length of the window.
    relapses
        Relapses that it must hold.
    lag_months
        From a relapse to the end of the window, where the comparator starts: the first relapse whose window
        holds enough.
    within_years
        Length of the history in which such a relapse is looked for; patients without one are not included.

    Raises
    ------
    ArgumentError
        If a number is out of its range, or the window is not longer than the lag and within the history.
    """

    months: float = 12.0
    relapses: int = 2
    lag_months: float = 2.0
    within_years: float = 8.0

    def __str__(self) -> str:
        """Return the rule in words."""
        return (
            f"switch {self.lag_months:g} months after a relapse, "
            f"{self.months:g} months of look-back with at least {self.relapses} relapses "
            f"in a history of {self.within_years:g} years"
        )

    def __post_init__(self) -> None:
        whole("relapses", self.relapses, 1, _MOST_RELAPSES)
        positive("months", self.months, _LONGEST)
        number("lag_months", self.lag_months, 0, _LONGEST)
        positive("within_years", self.within_years, _LONGEST)
        if not self.lag_months < self.months <= 12 * self.within_years:
            times = (
                f"lag {self.lag_months:g} and window {self.months:g} months, history {self.within_years:g} y"
            )
            raise ArgumentError(f"{times}. Expected: lag < window <= history.")

    def reference(self, rng: np.random.Generator, rates: Floats, years: Floats) -> Reference:
        """Return relapses and years on the reference, and who is included.

        Parameters
        ----------
        rng
            Source of random numbers.
        rates
            Rates per year, shape (patients,).
        years
            Observed reference times, shape (patients,).

        Returns
        -------
        tuple of numpy.ndarray
            Relapses, years, and whether a patient is included, each of shape (patients,).
        """
        window = self.months / 12
        relapses = np.zeros(len(rates), dtype=np.int64)
        often = rates * window > _OFTEN
        relapses[often] = self._at_once(rng, rates[often])
        relapses[~often] = self._searched(rng, rates[~often])
        return relapses, np.full(len(years), window), relapses > 0

    def _at_once(self, rng: np.random.Generator, rates: Floats) -> Counts:
        """Return the relapses in the window of patients whose first window holds enough.

        It ends after the first relapse that is late enough; the gap before that relapse holds none.
        """
        gap = rng.exponential(size=len(rates)) / rates
        return np.asarray(1 + rng.poisson(rates * np.maximum(self.months / 12 - gap, 0)))

    def _searched(self, rng: np.random.Generator, rates: Floats) -> Counts:
        """Return the relapses in the first window that holds enough, else 0; a short history first."""
        lag, window = self.lag_months / 12, self.months / 12
        horizon = self.within_years + lag
        early = min(window + 2 * lag, horizon)
        times = _process(rng, rates, 0.0, early)
        relapses = self._first_window(times, early)
        rest = np.flatnonzero(relapses == 0)
        if early < horizon and rest.size:
            later = _process(rng, rates[rest], early, horizon)
            whole = np.sort(np.concatenate([times[rest], later], axis=1), axis=1)
            relapses[rest] = self._first_window(whole, horizon)
        return relapses

    def _first_window(self, times: Floats, horizon: float) -> Counts:
        """Return the relapses in the first window that ends before the horizon and holds enough, else 0."""
        lag, window = self.lag_months / 12, self.months / 12
        relapses = np.zeros(len(times), dtype=np.int64)
        for relapse in range(times.shape[1]):
            ends = times[:, relapse] + lag
            waiting = np.flatnonzero((relapses == 0) & (window <= ends) & (ends <= horizon))
            after, end = times[waiting], ends[waiting, None]
            inside = ((after > end - window) & (after <= end)).sum(axis=1)
            relapses[waiting] = np.where(inside >= self.relapses, inside, 0)
        return relapses


@dataclass(frozen=True, slots=True)
class WholeMonths:
    """Another rule whose reference times are rounded to whole months, at least one, as papers print them.

    Parameters
    ----------
    rule
        The rule that makes the times.
    """

    rule: Rule

    def __post_init__(self) -> None:
        require_rule(self.rule)

    def __str__(self) -> str:
        """Return the rule in words."""
        return f"{self.rule}, in whole months"

    def reference(self, rng: np.random.Generator, rates: Floats, years: Floats) -> Reference:
        """Return relapses and years on the reference, and who is included.

        Parameters
        ----------
        rng
            Source of random numbers.
        rates
            Rates per year, shape (patients,).
        years
            Observed reference times, shape (patients,).

        Returns
        -------
        tuple of numpy.ndarray
            Relapses, years, and whether a patient is included, each of shape (patients,).
        """
        relapses, taken, included = self.rule.reference(rng, rates, years)
        # patients who are not included may have endless times
        months = np.rint(12 * np.where(included, taken, 1.0))
        return relapses, np.maximum(months, 1.0) / 12, included


def _process(rng: np.random.Generator, rates: Floats, start: float, end: float) -> Floats:
    """Return sorted relapse times between two times, one row for each patient, filled up with infinity."""
    count = rng.poisson(rates * (end - start))
    times = rng.uniform(start, end, (len(rates), int(count.max(initial=0))))
    times[np.arange(times.shape[1]) >= count[:, None]] = np.inf
    times.sort(axis=1)
    return times


def require_rule(rule: object) -> Rule:
    """Return a rule of switching.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    if callable(getattr(rule, "reference", None)) and not isinstance(rule, type):
        return cast("Rule", rule)
    raise ArgumentError(
        f"rule {found(rule)}. Expected: a rule of switching, such as simulate.FixedWindows()."
    )
