"""Mean cumulative number of relapses per patient over the time on each treatment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from nmo_stats.arguments import instance, number
from nmo_stats.arrays import Counts, Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.curves import landmark_months, value_at
from nmo_stats.describe.follow_up import FollowUp, follow_up
from nmo_stats.estimate import json_number, require_level

FEWEST_FOR_INTERVAL: Final = 10
FEWEST_AT_RISK: Final = 5


@dataclass(frozen=True, eq=False)
class MeanCount:
    """Mean cumulative number of relapses per patient on one treatment.

    Parameters
    ----------
    treatment
        Its name.
    patients, relapses
        How many there are.
    curve
        One row for the start and one for each different time with a relapse or the end of a follow-up: ``years``,
        ``at_risk`` patients still watched, ``relapses`` at that time, ``mean`` number per patient up to then, its robust ``std_error``, and
        its pointwise interval ``low``, ``high`` (NaN where there is none).
    interval_reason
        Why there is no interval; empty where there is one.
    """

    treatment: str
    patients: int
    relapses: int
    curve: pd.DataFrame
    interval_reason: str

    @property
    def last(self) -> float:
        """Years of the longest follow-up."""
        return float(self.curve["years"].iloc[-1])

    def mean_at(self, months: float) -> dict[str, float] | None:
        """Return ``mean``, ``low``, ``high`` and the number still ``at_risk`` at a time, or None beyond the follow-up."""
        months = number("months", months, 0)
        return (
            None
            if months / 12 > self.last
            else {"months": months, **value_at(self.curve, months / 12, "mean")}
        )


@dataclass(frozen=True, eq=False)
class Accumulation:
    """Mean cumulative numbers of relapses by treatment, where every relapse has a time.

    Parameters
    ----------
    curves
        By treatment.
    reasons
        Why there is none, by treatment.
    level
        Confidence level of the intervals.
    """

    curves: Mapping[str, MeanCount]
    reasons: Mapping[str, str]
    level: float

    @property
    def landmarks(self) -> tuple[int, ...]:
        """6, 12 and 24 months as far as any patient was watched; 1 and 3 months where all are shorter."""
        return landmark_months(one.last for one in self.curves.values())

    def to_dict(self) -> dict[str, object]:
        """Return the means at a few times, as JSON can hold them; the curves are in :meth:`to_frame`."""
        return {
            "level": self.level,
            "treatments": [
                {
                    "treatment": one.treatment,
                    "patients": one.patients,
                    "relapses": one.relapses,
                    "means": [
                        {
                            name: value if isinstance(value, int) else json_number(value)
                            for name, value in found.items()
                        }
                        for months in self.landmarks
                        if (found := one.mean_at(months)) is not None
                    ],
                    "interval_reason": one.interval_reason or None,
                }
                for one in self.curves.values()
            ],
            "not_available": dict(self.reasons),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return all curves below each other, with a column ``treatment``."""
        columns = ["treatment", "years", "at_risk", "relapses", "mean", "std_error", "low", "high"]
        tables = [curve.curve.assign(treatment=name)[columns] for name, curve in self.curves.items()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def accumulation(source: Comparison | Cohort, level: float = 0.95) -> Accumulation:
    """Estimate the mean cumulative number of relapses per patient by time since the start of each treatment.

    The Nelson-Aalen estimate: at each relapse the mean grows by one over the number of patients still watched. It says how
    relapses accumulate on each side of the switch, whatever the rate does over time. Several courses of a drug are laid end
    to end. Every relapse of a treatment needs a time.

    Parameters
    ----------
    source
        A comparison (the paired patients) or a cohort (all patients and treatments).
    level
        Confidence level of the pointwise intervals.

    Notes
    -----
    The interval is symmetric for the logarithm, with the robust standard error and t with n - 1 degrees of freedom. In
    simulated series of 10 to 40 patients whose rates vary it covers in 93 to 95 % where 5 or more are still watched (the
    Normal quantile in 89 to 94 %). There is none with fewer patients.

    References
    ----------
    Lawless JF, Nadeau C. Some simple robust methods for the analysis of recurrent events. doi:10.2307/1269617.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> found = accumulation(load_example().compare("tocilizumab", reference="rituximab"))
    >>> found.reasons
    {'rituximab': 'times known for 3 of 9 relapses'}
    >>> found.curves["tocilizumab"].curve["mean"].round(2).tolist()
    [0.0, 0.33, 0.67, 0.67, 0.67, 0.67]
    """
    instance("source", source, Comparison, Cohort)
    level = require_level(level)
    curves, reasons = {}, {}
    for name, patients in follow_up(source).items():
        if patients.all_timed:
            curves[name] = _mean_count(name, patients, level)
        else:
            reasons[name] = patients.times_known
    return Accumulation(curves, reasons, level)


def _mean_count(treatment: str, patients: FollowUp, level: float) -> MeanCount:
    ends = np.sort(patients.years)
    times, count = np.unique(patients.relapse_years, return_counts=True)
    steps = count / _watched(ends, times)
    points = np.unique(np.concatenate([[0.0], times, ends]))
    place = np.searchsorted(times, points, side="right")  # relapse times up to each point
    std_error = np.sqrt(np.maximum(robust_variance(patients, times, steps), 0.0))
    curve = pd.DataFrame(
        {
            "years": points,
            "at_risk": _watched(ends, points),
            "relapses": np.diff(np.concatenate([[0], count.cumsum()])[place], prepend=0),
            "mean": np.concatenate([[0.0], steps.cumsum()])[place],
            "std_error": np.concatenate([[0.0], std_error])[place],
        }
    )
    reason = _no_interval(patients)
    low, high = _limits(curve, level, 0 if reason else patients.patients)
    return MeanCount(treatment, patients.patients, int(count.sum()), curve.assign(low=low, high=high), reason)


def _watched(ends: Floats, times: Floats) -> Counts:
    """Return how many patients are still followed at each time; a patient is until the end included."""
    return len(ends) - np.searchsorted(ends, times, side="left")


def robust_variance(patients: FollowUp, times: Floats, steps: Floats) -> Floats:
    """Return the variance of the mean at each of the different relapse times, the steps of the mean being given.

    Lawless and Nadeau: the sum over patients of the square of A_i(t) - G(min(t, c_i)), where A_i adds 1 / at risk at each
    relapse of patient i, G adds step / at risk at each time, and c_i is the end of follow-up. The square is expanded, so that
    each of its three sums is a cumulative one over sorted times.
    """
    ends, order = np.sort(patients.years), np.lexsort((patients.relapse_years, patients.relapse_patient))
    at_risk = _watched(ends, times)
    drift = np.concatenate(
        [[0.0], np.cumsum(steps / at_risk)]
    )  # G before the first time, and from each time on
    owner, when = patients.relapse_patient[order], np.searchsorted(times, patients.relapse_years[order])
    gain = 1 / at_risk[when]
    own = pd.Series(gain).groupby(owner).cumsum().to_numpy()  # A_i from each relapse on
    squares = np.cumsum(np.bincount(when, weights=own**2 - (own - gain) ** 2, minlength=len(times)))
    # patients whose follow-up ends before each time have their final A_i and G for good
    final = np.bincount(owner, weights=gain, minlength=patients.patients)
    reached = np.searchsorted(times, patients.years, side="right")
    at_end = drift[reached]
    ended, total = (
        np.zeros((3, len(times) + 1)),
        np.cumsum(np.bincount(when, weights=gain, minlength=len(times))),
    )
    for row, weights in enumerate((final, final * at_end, at_end**2)):
        ended[row] = np.bincount(reached, weights=weights, minlength=len(times) + 1)
    gone, gone_cross, gone_drift = np.cumsum(ended, axis=1)[:, :-1]
    now = drift[1:]
    return np.asarray(squares - 2 * (gone_cross + now * (total - gone)) + gone_drift + now**2 * at_risk)


def _no_interval(patients: FollowUp) -> str:
    if patients.patients < FEWEST_FOR_INTERVAL:
        return f"no interval: its large-sample theory needs {FEWEST_FOR_INTERVAL} patients, and there are {patients.patients}"
    return "" if patients.relapses.any() else "no interval: there was no relapse"


def _limits(curve: pd.DataFrame, level: float, patients: int) -> tuple[Floats, Floats]:
    """Return the limits from the first relapse on while enough patients are watched; none for 0 patients."""
    mean, std_error = curve["mean"].to_numpy(), curve["std_error"].to_numpy()
    factor = np.full(len(mean), math.nan)
    some = (mean > 0) & (curve["at_risk"].to_numpy() >= FEWEST_AT_RISK) & (patients > 0)
    factor[some] = np.exp(stdtrit(patients - 1, (1 + level) / 2) * std_error[some] / mean[some])
    return mean / factor, mean * factor
