"""Time to the first relapse on each treatment: Kaplan-Meier, with an interval that holds at three patients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv

from nmo_stats.arguments import instance, number
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.curves import landmark_months, value_at
from nmo_stats.describe.follow_up import FollowUp, follow_up
from nmo_stats.estimate import Interval, json_number, require_level
from nmo_stats.wording import counted

_TIE: Final = 1e-12


@dataclass(frozen=True, eq=False)
class TimeToFirst:
    """The relapse-free share of the patients on one treatment over time.

    Parameters
    ----------
    treatment
        Its name.
    patients, relapsed
        How many there are, and how many relapsed; the others are censored at the end of their time on the treatment.
    median, median_interval
        Years until half of the patients have relapsed, infinite if that is not reached, and its interval; a lower limit
        of 0 or an infinite upper limit is one that the data do not reach.
    curve
        One row for the start and one for each different time at which a patient relapses or leaves: ``years``,
        ``at_risk`` just before, ``relapsed`` at that time, ``share`` without a relapse with its interval ``low``, ``high``,
        and the lower limit ``low_after`` that holds from just after it, when those who leave then are gone.
    """

    treatment: str
    patients: int
    relapsed: int
    median: float
    median_interval: Interval
    curve: pd.DataFrame

    @property
    def last(self) -> float:
        """Years up to which the share is known: infinite where every patient has relapsed."""
        return math.inf if self.curve["share"].iloc[-1] == 0 else float(self.curve["years"].iloc[-1])

    def share_at(self, months: float) -> dict[str, float] | None:
        """Return ``share``, ``low``, ``high`` and the number still ``at_risk`` at a time, or None beyond the follow-up."""
        months = number("months", months, 0)
        return (
            None
            if months / 12 > self.last
            else {"months": months, **value_at(self.curve, months / 12, "share")}
        )


@dataclass(frozen=True, eq=False)
class FirstRelapse:
    """Time to the first relapse by treatment, where the relapse times allow it.

    Parameters
    ----------
    curves
        By treatment.
    reasons
        Why there is none, by treatment.
    level
        Confidence level of all intervals, which are pointwise.
    """

    curves: Mapping[str, TimeToFirst]
    reasons: Mapping[str, str]
    level: float

    @property
    def landmarks(self) -> tuple[int, ...]:
        """6, 12 and 24 months as far as any patient was watched for a first relapse; 1 and 3 months where all are shorter."""
        return landmark_months(float(one.curve["years"].iloc[-1]) for one in self.curves.values())

    def to_dict(self) -> dict[str, object]:
        """Return the numbers without the curves, as JSON can hold them: times in years, ``"inf"`` where not reached."""
        return {
            "level": self.level,
            "treatments": [
                {
                    "treatment": one.treatment,
                    "patients": one.patients,
                    "relapsed": one.relapsed,
                    "median_years": json_number(one.median),
                    "median_low": json_number(one.median_interval.low),
                    "median_high": json_number(one.median_interval.high),
                    "shares": [one.share_at(months) for months in self.landmarks if months <= 12 * one.last],
                }
                for one in self.curves.values()
            ],
            "not_available": dict(self.reasons),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return all curves below each other, with a column ``treatment``."""
        columns = ["treatment", "years", "at_risk", "relapsed", "share", "low", "high", "low_after"]
        tables = [curve.curve.assign(treatment=name)[columns] for name, curve in self.curves.items()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def first_relapse(source: Cohort | Comparison, level: float = 0.95) -> FirstRelapse:
    """Estimate the relapse-free share over time since the start of each treatment (Kaplan-Meier).

    A patient without a relapse is censored at the end of the treatment. Several courses of a drug are laid end to end:
    the clock stops between them. A treatment is answered only if the *first* relapse of every patient has a time; it
    does not matter whether the later ones have.

    Parameters
    ----------
    source
        A cohort (all its patients and treatments) or a comparison (the paired patients).
    level
        Confidence level of the pointwise intervals.

    Notes
    -----
    The interval is the beta product confidence procedure. Without censoring it is Clopper and Pearson's, and the interval
    of the median is that of the order statistics. In 3000 simulated series of 3, 5, 10 and 20 patients, some of whom leave
    early, the 95 % interval of the median covers in 100, 100, 99 and 98 %; the usual log-log interval in 77, 91, 96 and 96 %.

    References
    ----------
    Kaplan EL, Meier P. doi:10.1080/01621459.1958.10501452. Fay MP, Brittain EH, Proschan MA. doi:10.1093/biostatistics/kxt016.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> found = first_relapse(load_example()).curves["tocilizumab"]
    >>> found.relapsed, found.patients, round(12 * found.median, 1)
    (2, 3, 4.0)
    """
    instance("source", source, Cohort, Comparison)
    level = require_level(level)
    curves, reasons = {}, {}
    for name, patients in follow_up(source).items():
        if np.isnan(patients.first).any():
            reasons[name] = _reason(patients)
        else:
            curves[name] = kaplan_meier(name, patients, level)
    return FirstRelapse(curves, reasons, level)


def _reason(patients: FollowUp) -> str:
    relapsed = patients.relapses > 0
    known = int(relapsed.sum() - np.isnan(patients.first).sum())
    return (
        f"the time of the first relapse is known for {known} of {counted(int(relapsed.sum()), 'patient')} with a relapse "
        f"({patients.times_known})"
    )


def kaplan_meier(treatment: str, patients: FollowUp, level: float) -> TimeToFirst:
    """Estimate the relapse-free share from first relapses that are all known; patients without one are censored."""
    from statsmodels.duration.survfunc import SurvfuncRight

    relapsed = np.isfinite(patients.first)
    observed = np.where(relapsed, patients.first, patients.years)
    times, place = np.unique(observed, return_inverse=True)
    at_risk = len(observed) - np.concatenate([[0], np.cumsum(np.bincount(place))[:-1]])
    events = np.bincount(place, weights=relapsed)
    share = np.ones(len(times))
    if relapsed.any():
        estimate = SurvfuncRight(observed, relapsed.astype(float))
        steps = np.searchsorted(estimate.surv_times, times, side="right")
        share = np.concatenate([[1.0], estimate.surv_prob])[steps]
    low, high, low_after = beta_product_limits(at_risk, events, level)
    curve = pd.DataFrame(
        {
            "years": np.concatenate([[0.0], times]),
            "at_risk": np.concatenate([[len(observed)], at_risk]),
            "relapsed": np.concatenate([[0], events.astype(np.int64)]),
            "share": np.concatenate([[1.0], share]),
            "low": low,
            "high": high,
            "low_after": low_after,
        }
    )
    median, interval = _median(curve), _median_interval(curve, level)
    return TimeToFirst(treatment, len(observed), int(relapsed.sum()), median, interval, curve)


def beta_product_limits(
    at_risk: npt.ArrayLike, events: npt.ArrayLike, level: float
) -> tuple[Floats, Floats, Floats]:
    """Return low, high, and low just afterwards, of the relapse-free share at the start and at each time; shape (times + 1,).

    The share is distributed like a product of beta variables, one for each relapse seen: its upper limit is a quantile of the
    product, its lower limit one of the product with a further relapse of those who are still watched. The product is taken as
    the beta distribution of the same mean and variance, which it is where nobody was censored.

    Parameters
    ----------
    at_risk, events
        Patients at risk just before, and relapses at, each different time at which a patient relapses or leaves.
    level
        Confidence level.
    """
    before, relapses = np.asarray(at_risk, dtype=float), np.asarray(events, dtype=float)
    # log mean, and log of (1 + relative variance), of Beta(before - relapses + 1, relapses), added up over time
    stay = before - relapses + 1
    mean = np.concatenate([[0.0], -np.cumsum(np.log1p(relapses / stay))])
    spread = np.concatenate([[0.0], np.cumsum(np.log1p(relapses / (stay * (before + 2))))])
    tail = (1 - level) / 2
    low = _low_limit(mean, spread, np.concatenate([before[:1], before - relapses]), tail)
    low_after = _low_limit(mean, spread, np.concatenate([before, [0.0]]), tail)
    return low, _beta_quantile(mean, spread, 1 - tail), low_after


def _low_limit(log_mean: Floats, log_spread: Floats, watched: Floats, tail: float) -> Floats:
    """Return the quantile of the product with a further Beta(watched, 1); 0 where nobody is watched."""
    some = watched > 0
    left = watched[some]
    low = np.zeros(len(watched))
    mean, spread = log_mean[some] - np.log1p(1 / left), log_spread[some] + np.log1p(1 / (left * (left + 2)))
    low[some] = _beta_quantile(mean, spread, tail)
    return low


def _beta_quantile(log_mean: Floats, log_spread: Floats, probability: float) -> Floats:
    """Return a quantile of the beta distribution of a given log mean and log (1 + relative variance); 1 at mean 1."""
    certain = log_mean == 0
    mean, rest = np.exp(log_mean), -np.expm1(log_mean)
    relative_variance = np.where(certain, 1.0, np.expm1(log_spread))
    size = rest / (mean * relative_variance) - 1
    first, second = np.where(certain, 1.0, mean * size), np.where(certain, 1.0, rest * size)
    return np.where(certain, 1.0, betaincinv(first, second, probability))


def _median(curve: pd.DataFrame) -> float:
    """Return when the share falls to one half; the middle of the time that it stays there, as of an even sample."""
    share, years = curve["share"].to_numpy(), curve["years"].to_numpy()
    below = np.flatnonzero(share <= 0.5 + _TIE)
    if not len(below):
        return math.inf
    under = np.flatnonzero(share < 0.5 - _TIE)
    if share[below[0]] < 0.5 - _TIE or not len(under):
        return float(years[below[0]])
    return float((years[below[0]] + years[under[0]]) / 2)


def _median_interval(curve: pd.DataFrame, level: float) -> Interval:
    """Return the times at which the pointwise interval of the share holds one half."""
    years = curve["years"].to_numpy()
    low = years[np.flatnonzero(curve["low_after"] <= 0.5)[0]]  # it ends at 0
    left = np.flatnonzero(curve["high"] < 0.5)
    return Interval(float(low), float(years[left[0]]) if len(left) else math.inf, level, "confidence")
