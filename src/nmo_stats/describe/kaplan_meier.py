"""Time to the first relapse: Kaplan-Meier, with an interval that holds at three patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv

from nmo_stats.arguments import instance
from nmo_stats.arrays import Counts, Flags, Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.curves import Curves, FollowUp, StepCurve, follow_up, n_at_risk
from nmo_stats.estimate import Interval, json_number, require_level

_TIE: Final = 1e-12


@dataclass(frozen=True, eq=False)
class TimeToFirst(StepCurve):
    """The relapse-free proportion of the patients on one treatment over time.

    Parameters
    ----------
    treatment
        Its name.
    patients, relapsed
        How many there are, and how many relapsed; the others are censored at the end of their time on the
        treatment.
    median, median_interval
        Years until half of the patients have relapsed, infinite if that is not reached, and its interval; a
        lower limit of 0 or an infinite upper limit is one that the data do not reach.
    curve
        One row for the start and one for each different time at which a patient relapses or leaves:
        ``years``, ``at_risk`` just before, ``relapsed`` at that time, ``share`` without a relapse with its
        interval ``low``, ``high``, and the lower limit ``low_after`` that holds from just after it, when
        those who leave then are gone.
    """

    quantity = "share"
    treatment: str
    patients: int
    relapsed: int
    median: float
    median_interval: Interval
    curve: pd.DataFrame

    @property
    def last(self) -> float:
        """Years up to which the proportion is known: infinite where every patient has relapsed."""
        return math.inf if self.curve["share"].iloc[-1] == 0 else self.follow_up_years

    def share_at(self, months: float) -> dict[str, float] | None:
        """Return the relapse-free proportion at a time.

        Parameters
        ----------
        months
            Months since the start of the treatment.

        Returns
        -------
        dict or None
            ``months``, ``at_risk`` just before, ``share``, ``low``, ``high``; None beyond the follow-up.
        """
        return self._at(months)

    def _numbers(self) -> dict[str, object]:
        return {
            "relapsed": self.relapsed,
            "median_years": json_number(self.median),
            "median_low": json_number(self.median_interval.low),
            "median_high": json_number(self.median_interval.high),
        }


@dataclass(frozen=True, eq=False)
class FirstRelapse(Curves[TimeToFirst]):
    """Time to the first relapse by treatment, where the time of every patient's first relapse is known.

    Parameters
    ----------
    curves
        By treatment.
    reasons
        Why there is none, by treatment.
    level
        Confidence level of all intervals, which are pointwise.
    """

    columns = ("relapsed", "share", "low", "high", "low_after")


def first_relapse(source: Cohort | Comparison, level: float = 0.95) -> FirstRelapse:
    """Estimate the relapse-free proportion over time since the start of each treatment (Kaplan-Meier).

    A patient without a relapse is censored at the end of the treatment. Several courses of a drug are laid
    end to end: the clock stops between them. A treatment is answered only if the *first* relapse of every
    patient has a time; it does not matter whether the later ones have.

    Parameters
    ----------
    source
        A cohort (all its patients and treatments) or a comparison (the paired patients).
    level
        Confidence level of the pointwise intervals.

    Returns
    -------
    FirstRelapse
        A curve for each treatment, or the reason why there is none.

    Raises
    ------
    ArgumentError
        If the source is neither, or the level is no probability between 0 and 1.

    Notes
    -----
    The interval is the beta product confidence procedure. Without censoring it is Clopper and Pearson's, and
    the interval of the median is that of the order statistics. In 3000 simulated series of 3, 5, 10 and 20
    patients, some of whom leave early, the 95 % interval of the median covers in 100, 100, 99 and 98 %; the
    usual log-log interval in 77, 91, 96 and 96 %.

    References
    ----------
    Kaplan EL, Meier P. doi:10.1080/01621459.1958.10501452.
    Fay MP, Brittain EH, Proschan MA. doi:10.1093/biostatistics/kxt016.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> curve = first_relapse(load_example()).curves["tocilizumab"]
    >>> curve.relapsed, curve.patients, round(12 * curve.median, 1)
    (2, 3, 4.0)
    """
    instance("source", source, Cohort, Comparison)
    groups, level = follow_up(source), require_level(level)
    curves = {name: kaplan_meier(name, group, level) for name, group in groups.items() if group.first_timed}
    reasons = {name: group.first_known for name, group in groups.items() if not group.first_timed}
    return FirstRelapse(curves, reasons, level)


def kaplan_meier_estimator(years: Floats, relapsed: Flags) -> tuple[Floats, Counts, Counts, Floats]:
    """Return the different times, patients at risk and relapses at each, and the relapse-free proportion."""
    times, place = np.unique(years, return_inverse=True)
    relapses = np.bincount(place, weights=relapsed).astype(np.int64)
    at_risk = n_at_risk(years, times)
    return times, at_risk, relapses, np.asarray(np.cumprod(1 - relapses / at_risk), dtype=np.float64)


def kaplan_meier(treatment: str, patients: FollowUp, level: float) -> TimeToFirst:
    """Estimate the relapse-free proportion from first relapses that are all known; others are censored."""
    relapsed = np.isfinite(patients.first)
    years = np.where(relapsed, patients.first, patients.years)
    times, at_risk, relapses, share = kaplan_meier_estimator(years, relapsed)
    low, high, low_after = beta_product_limits(at_risk, relapses, level)
    curve = pd.DataFrame(
        {
            "years": np.append(0.0, times),
            "at_risk": np.append(len(years), at_risk),
            "relapsed": np.append(0, relapses),
            "share": np.append(1.0, share),
            "low": low,
            "high": high,
            "low_after": low_after,
        }
    )
    median, limits = _median(curve), _median_interval(curve, level)
    return TimeToFirst(treatment, len(years), int(relapsed.sum()), median, limits, curve)


def _median(curve: pd.DataFrame) -> float:
    """Return when the proportion falls to one half, or the middle of the time that it stays there."""
    share, years = curve["share"].to_numpy(), curve["years"].to_numpy()
    reached, passed = years[share <= 0.5 + _TIE], years[share < 0.5 - _TIE]
    if not len(reached):
        return math.inf
    return float((reached[0] + passed[0]) / 2) if len(passed) else float(reached[0])


def _median_interval(curve: pd.DataFrame, level: float) -> Interval:
    """Return the times at which the pointwise interval of the proportion holds one half."""
    low = curve.loc[curve["low_after"] <= 0.5, "years"].iloc[0]  # it ends at 0
    left = curve.loc[curve["high"] < 0.5, "years"]
    return Interval(float(low), float(left.iloc[0]) if len(left) else math.inf, level, "confidence")


def beta_product_limits(
    at_risk: npt.ArrayLike, events: npt.ArrayLike, level: float
) -> tuple[Floats, Floats, Floats]:
    """Return the limits of the relapse-free proportion at the start and at each time; shape (times + 1,).

    The proportion is distributed like a product of beta variables, one for each relapse seen: its upper limit
    is a quantile of the product, its lower limit one of the product with a further relapse of those still at
    risk. The product is taken as the beta distribution of the same mean and variance, which it is where
    nobody was censored.

    Parameters
    ----------
    at_risk, events
        Patients at risk just before, and relapses at, each different time at which a patient relapses or
        leaves.
    level
        Confidence level.

    Returns
    -------
    low, high, low_after : array
        Limits at each time, and the lower one just after it.

    References
    ----------
    Fay MP, Brittain EH, Proschan MA. doi:10.1093/biostatistics/kxt016.
    """
    before, relapses = np.asarray(at_risk, dtype=float), np.asarray(events, dtype=float)
    # log mean, and log of (1 + relative variance), of Beta(before - relapses + 1, relapses), summed up
    stay = before - relapses + 1
    mean = np.append(0.0, -np.cumsum(np.log1p(relapses / stay)))
    spread = np.append(0.0, np.cumsum(np.log1p(relapses / (stay * (before + 2)))))
    tail = (1 - level) / 2
    low = _low_limit(mean, spread, np.append(before[:1], before - relapses), tail)
    low_after = _low_limit(mean, spread, np.append(before, 0.0), tail)
    return low, _beta_quantile(mean, spread, 1 - tail), low_after


def _low_limit(log_mean: Floats, log_spread: Floats, at_risk: Floats, tail: float) -> Floats:
    """Return the quantile of the product with a further Beta(at risk, 1); 0 with nobody at risk."""
    some = at_risk > 0
    left = at_risk[some]
    low = np.zeros(len(at_risk))
    mean, spread = log_mean[some] - np.log1p(1 / left), log_spread[some] + np.log1p(1 / (left * (left + 2)))
    low[some] = _beta_quantile(mean, spread, tail)
    return low


def _beta_quantile(log_mean: Floats, log_spread: Floats, probability: float) -> Floats:
    """Return a quantile of the beta distribution of a log mean and log (1 + relative variance)."""
    certain = log_mean == 0
    mean, rest = np.exp(log_mean), -np.expm1(log_mean)
    relative_variance = np.where(certain, 1.0, np.expm1(log_spread))
    size = rest / (mean * relative_variance) - 1
    first, second = np.where(certain, 1.0, mean * size), np.where(certain, 1.0, rest * size)
    return np.where(certain, 1.0, betaincinv(first, second, probability))
