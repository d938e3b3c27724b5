"""EDSS by treatment period: start, end, change, and its category by a named rule."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd

from nmo_stats.arguments import instance, one_of
from nmo_stats.cohort import Cohort
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import Caution

RuleName = Literal["msprog", "msoutcomes", "n_momentum"]

CONFIRMATION: Final = "confirmed worsening is not assessable: there is no confirmation visit"
SHARED_VISIT: Final = Caution(
    "shared_visit",
    "the end of one period is the start of the next: the two changes share a visit and are not independent",
)


@dataclass(frozen=True, slots=True)
class EdssRule:
    """The change that counts as worsening, as a function of the score at the start.

    A decrease by the same threshold at the same start counts as improvement.

    Parameters
    ----------
    name
        ``"msprog"``, ``"msoutcomes"`` or ``"n_momentum"``.
    description
        The thresholds in words.
    at_zero
        Threshold from a score of 0.
    half_step_from
        Lowest score from which half a point counts; between it and 0 a full point does.
    """

    name: RuleName
    description: str
    at_zero: float
    half_step_from: float

    def threshold(self, start: float) -> float:
        """Return the change that counts from a given score."""
        if start == 0:
            return self.at_zero
        return 0.5 if start >= self.half_step_from else 1.0

    def category(self, start: float, end: float) -> str:
        """Return ``"worsened"``, ``"stable"``, ``"improved"``, or ``"unknown"`` if a score is missing."""
        if np.isnan(start) or np.isnan(end):
            return "unknown"
        change, threshold = end - start, self.threshold(start)
        if abs(change) < threshold:
            return "stable"
        return "worsened" if change > 0 else "improved"


EDSS_RULES: Final = MappingProxyType(
    {
        "msprog": EdssRule("msprog", "at least 1.5 from 0, 1.0 up to 5.0, 0.5 above 5.0", 1.5, 5.5),
        "msoutcomes": EdssRule(
            "msoutcomes", "at least 1.5 from 0, 1.0 below 6.0, 0.5 from 6.0 (improvement mirrored)", 1.5, 6.0
        ),
        "n_momentum": EdssRule(
            "n_momentum", "at least 2 from 0, 1 from 1 to 5, 0.5 from 5.5 (improvement mirrored)", 2.0, 5.5
        ),
    }
)


@dataclass(frozen=True, eq=False)
class EdssSummary:
    """EDSS of every period.

    Parameters
    ----------
    per_period
        One row per row of the table: ``patient``, ``treatment``, ``start``, ``end``, ``change``, ``category``.
    per_treatment
        One row per treatment: ``treatment``, ``patients`` with both scores, median and range of start, end and
        change (``start_median``, ``start_min``, ``start_max``, ...), and counts ``worsened``, ``stable``,
        ``improved``, ``unknown``.
    rule
        The rule behind the categories.
    cautions
        ``shared_visit`` where two treatments have scores, so that a reader can compare them.
    """

    per_period: pd.DataFrame
    per_treatment: pd.DataFrame
    rule: EdssRule
    cautions: tuple[Caution, ...]

    @property
    def confirmation(self) -> str:
        """Why confirmed worsening is not reported."""
        return CONFIRMATION

    @property
    def available(self) -> bool:
        """Whether any period has both scores."""
        return bool(self.per_treatment["patients"].sum())


def edss(cohort: Cohort, rule: RuleName = "msprog") -> EdssSummary:
    """Describe the EDSS by period and treatment; medians and ranges, since the scale is ordinal.

    Parameters
    ----------
    cohort
        With columns ``edss_start`` and ``edss_end``; where they are missing the summary says unknown.
    rule
        Name of the rule for worsened, stable and improved.

    Raises
    ------
    ArgumentError
        If the rule is unknown.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> summary = edss(load_example())
    >>> summary.per_treatment[["treatment", "worsened", "stable", "improved"]].to_dict("records")[0]
    {'treatment': 'rituximab', 'worsened': 1, 'stable': 2, 'improved': 0}
    """
    instance("cohort", cohort, Cohort)
    one_of("rule", rule, EDSS_RULES)
    if rule not in EDSS_RULES:
        raise ArgumentError(f"EDSS rule {rule!r}: one of {', '.join(EDSS_RULES)}")
    chosen = EDSS_RULES[rule]
    per_period = _per_period(cohort, chosen)
    rows = [_summary(name, per_period[per_period["treatment"] == name]) for name in cohort.treatments]
    per_treatment = pd.DataFrame(rows)
    comparable = int((per_treatment["patients"] > 0).sum()) > 1
    return EdssSummary(per_period, per_treatment, chosen, (SHARED_VISIT,) if comparable else ())


def _per_period(cohort: Cohort, rule: EdssRule) -> pd.DataFrame:
    frame = cohort.to_frame()
    missing = pd.Series(np.nan, index=frame.index)
    start, end = frame.get("edss_start", missing), frame.get("edss_end", missing)
    categories = [rule.category(first, last) for first, last in zip(start, end, strict=True)]
    return pd.DataFrame(
        {
            "patient": frame["patient"],
            "treatment": frame["treatment"],
            "start": start,
            "end": end,
            "change": end - start,
            "category": categories,
        }
    )


def _summary(treatment: str, rows: pd.DataFrame) -> dict[str, object]:
    both = rows[rows["category"] != "unknown"]
    summary: dict[str, object] = {"treatment": treatment, "patients": int(both["patient"].nunique())}
    for name in ("start", "end", "change"):
        values = both[name]
        summary |= {
            f"{name}_median": values.median(),
            f"{name}_min": values.min(),
            f"{name}_max": values.max(),
        }
    counts = rows["category"].value_counts()
    return summary | {
        name: int(counts.get(name, 0)) for name in ("worsened", "stable", "improved", "unknown")
    }
