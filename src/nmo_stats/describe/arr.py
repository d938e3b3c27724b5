"""Annualized relapse rates (ARR): individual, pooled, and the shares without a relapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv, gammaincinv

from nmo_stats.arguments import instance
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Cohort
from nmo_stats.estimate import Caution, require_level

_EQUAL_FOLLOW_UP: Final = 1.05


@dataclass(frozen=True, eq=False)
class ArrSummary:
    """Relapse rates per year of every patient and treatment.

    Parameters
    ----------
    per_patient
        One row per patient and treatment, courses of a drug summed: ``patient``, ``treatment``, ``relapses``,
        ``years``, ``arr`` and its exact interval ``low``, ``high``.
    pooled
        One row per treatment: ``treatment``, ``patients``, ``relapses``, ``years``; ``arr`` = relapses /
        years of all patients with its exact interval ``low``, ``high``; ``mean_arr``, ``median_arr``,
        ``min_arr``, ``max_arr`` of the individual ARRs; ``relapse_free`` patients, their share
        ``relapse_free_share`` with its exact interval ``relapse_free_low``, ``relapse_free_high``.
    cautions
        By treatment: ``unequal_follow_up`` of the relapse-free share, and ``merged`` of all numbers where
        more than a tenth of the onsets on the treatment are merged into an earlier one.
    level
        Confidence level of all intervals.
    """

    per_patient: pd.DataFrame
    pooled: pd.DataFrame
    cautions: Mapping[str, tuple[Caution, ...]]
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per patient and treatment, and one per treatment for the pooled ARR.

        Returns
        -------
        DataFrame
            The pooled rows have no patient.
        """
        columns = ["patient", "treatment", "relapses", "years", "arr", "low", "high"]
        pooled = self.pooled.assign(patient=None)[columns].astype({"patient": object})
        return pd.concat([self.per_patient[columns], pooled], ignore_index=True)


def arr(cohort: Cohort, level: float = 0.95) -> ArrSummary:
    """Describe the annualized relapse rates of a cohort.

    Papers print three different numbers as "the" ARR: total relapses / total years, and mean and median of
    the individual ARRs. They are all here, each under its own name.

    Parameters
    ----------
    cohort
        Any cohort; patients with one treatment are described too.
    level
        Confidence level of the exact intervals.

    Returns
    -------
    ArrSummary
        Individual and pooled rates.

    Raises
    ------
    ArgumentError
        If it is no cohort, or the level is no probability between 0 and 1.

    References
    ----------
    Garwood F. doi:10.2307/2333958. Clopper CJ, Pearson ES. doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pooled = arr(load_example()).pooled
    >>> pooled[["treatment", "arr", "median_arr"]].round(2).to_dict("records")[1]
    {'treatment': 'tocilizumab', 'arr': 0.5, 'median_arr': 0.57}
    """
    instance("cohort", cohort, Cohort)
    level = require_level(level)
    frame = cohort.frame.assign(years=cohort.years)
    sums = frame.groupby(["patient", "treatment"], sort=False)[["relapses", "years"]].sum().reset_index()
    per_patient = _with_rates(sums, level)
    groups = {name: per_patient[per_patient["treatment"] == name] for name in cohort.treatments}
    pooled = pd.DataFrame([_pooled(name, group, level) for name, group in groups.items()])
    cautions = {
        name: _follow_up_caution(group) + _merged_caution(cohort, name) for name, group in groups.items()
    }
    return ArrSummary(per_patient, pooled, cautions, level)


def poisson_rate_interval(
    relapses: npt.ArrayLike, years: npt.ArrayLike, level: float
) -> tuple[Floats, Floats]:
    """Return Garwood's exact limits of a Poisson rate; 0 to a finite limit where no relapse was seen."""
    counts, times, tail = np.asarray(relapses, dtype=float), np.asarray(years, dtype=float), (1 - level) / 2
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return low / times, gammaincinv(counts + 1, 1 - tail) / times


def share_interval(successes: int, total: int, level: float) -> tuple[float, float]:
    """Return Clopper and Pearson's exact limits of a share."""
    tail = (1 - level) / 2
    low = float(betaincinv(successes, total - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, total - successes, 1 - tail)) if successes < total else 1.0
    return low, high


def _with_rates(sums: pd.DataFrame, level: float) -> pd.DataFrame:
    low, high = poisson_rate_interval(sums["relapses"], sums["years"], level)
    return sums.assign(arr=sums["relapses"] / sums["years"], low=low, high=high)


def _pooled(treatment: str, group: pd.DataFrame, level: float) -> dict[str, object]:
    relapses, years = int(group["relapses"].sum()), float(group["years"].sum())
    low, high = poisson_rate_interval(relapses, years, level)
    free = int((group["relapses"] == 0).sum())
    free_low, free_high = share_interval(free, len(group), level)
    return {
        "treatment": treatment,
        "patients": len(group),
        "relapses": relapses,
        "years": years,
        "arr": relapses / years,
        "low": float(low),
        "high": float(high),
        "mean_arr": float(group["arr"].mean()),
        "median_arr": float(group["arr"].median()),
        "min_arr": float(group["arr"].min()),
        "max_arr": float(group["arr"].max()),
        "relapse_free": free,
        "relapse_free_share": free / len(group),
        "relapse_free_low": free_low,
        "relapse_free_high": free_high,
    }


def _merged_caution(cohort: Cohort, treatment: str) -> tuple[Caution, ...]:
    if cohort.account is None:
        return ()
    rows = np.flatnonzero(cohort.frame["treatment"] == treatment)
    merging = cohort.account.merging(rows, int(cohort.frame["relapses"].iloc[rows].sum()))
    return (Caution("merged", merging.text),) if merging.is_frequent else ()


def _follow_up_caution(group: pd.DataFrame) -> tuple[Caution, ...]:
    shortest, longest = float(group["years"].min()), float(group["years"].max())
    if longest <= _EQUAL_FOLLOW_UP * shortest:
        return ()
    text = (
        f"follow-up differs between patients ({12 * shortest:.3g} to {12 * longest:.3g} months): "
        "a proportion without relapses is not comparable where some were at risk for longer"
    )
    return (Caution("unequal_follow_up", text),)
