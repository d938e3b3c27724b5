"""EDSS by treatment period, its category by a named rule, and its change within patients."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd

from nmo_stats.arguments import instance, numbers, one_of
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import Caution, Interval, json_number, require_level
from nmo_stats.estimators.rank_tests import SignedRank, SignTest, sign_test, signed_rank, signed_rank_cut

RuleName = Literal["msprog", "msoutcomes", "n_momentum"]

SHARED_VISIT: Final = Caution(
    "shared_visit",
    "the end of one period is the start of the next: the two changes share a visit and are not independent",
)
_LARGEST: Final = 1_000.0  # of a difference: the distribution of their sums is as long


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

    def category(self, start: float, end: float) -> str:
        """Return what a change is called.

        Parameters
        ----------
        start, end
            Scores at the start and the end of a period.

        Returns
        -------
        str
            ``"worsened"``, ``"stable"``, ``"improved"``, or ``"unknown"`` if a score is missing.
        """
        if np.isnan(start) or np.isnan(end):
            return "unknown"
        change = end - start
        threshold = self.at_zero if start == 0 else 0.5 if start >= self.half_step_from else 1.0
        if abs(change) < threshold:
            return "stable"
        return "worsened" if change > 0 else "improved"


_RULES: Final = (
    EdssRule("msprog", "at least 1.5 from 0, 1.0 up to 5.0, 0.5 above 5.0", 1.5, 5.5),
    EdssRule("msoutcomes", "at least 1.5 from 0, 1.0 below 6.0, 0.5 from 6.0", 1.5, 6.0),
    EdssRule("n_momentum", "at least 2 from 0, 1 from 1 to 5, 0.5 from 5.5", 2.0, 5.5),
)
EDSS_RULES: Final = MappingProxyType({rule.name: rule for rule in _RULES})


@dataclass(frozen=True, eq=False)
class EdssSummary:
    """EDSS of every period.

    Parameters
    ----------
    per_period
        One row per row of the table: ``patient``, ``treatment``, ``start``, ``end``, ``change``,
        ``category``.
    per_treatment
        One row per treatment: ``treatment``, ``patients`` with both scores, median and range of start, end
        and change (``start_median``, ``start_min``, ``start_max``, ...), and counts ``worsened``, ``stable``,
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
        return "confirmed worsening is not assessable: there is no confirmation visit"

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

    Returns
    -------
    EdssSummary
        By period and by treatment.

    Raises
    ------
    ArgumentError
        If it is no cohort, or the rule is unknown.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> summary = edss(load_example())
    >>> summary.per_treatment[["treatment", "worsened", "stable", "improved"]].to_dict("records")[0]
    {'treatment': 'rituximab', 'worsened': 1, 'stable': 2, 'improved': 0}
    """
    frame = instance("cohort", cohort, Cohort).to_frame()
    chosen = EDSS_RULES[one_of("rule", rule, EDSS_RULES)]
    missing = pd.Series(np.nan, index=frame.index)
    start, end = frame.get("edss_start", missing), frame.get("edss_end", missing)
    per_period = frame[["patient", "treatment"]].assign(
        start=start,
        end=end,
        change=end - start,
        category=[chosen.category(*scores) for scores in zip(start, end, strict=True)],
    )
    rows = [_summary(name, per_period[per_period["treatment"] == name]) for name in cohort.treatments]
    per_treatment = pd.DataFrame(rows)
    comparable = int((per_treatment["patients"] > 0).sum()) > 1
    return EdssSummary(per_period, per_treatment, chosen, (SHARED_VISIT,) if comparable else ())


def _summary(treatment: str, rows: pd.DataFrame) -> dict[str, object]:
    both = rows[rows["category"] != "unknown"]
    counts = rows["category"].value_counts()
    return {
        "treatment": treatment,
        "patients": int(both["patient"].nunique()),
        **{
            f"{name}_{statistic}": getattr(both[name], statistic)()
            for name in ("start", "end", "change")
            for statistic in ("median", "min", "max")
        },
        **{name: int(counts.get(name, 0)) for name in ("worsened", "stable", "improved", "unknown")},
    }


@dataclass(frozen=True, slots=True)
class Shift:
    """The typical difference.

    Parameters
    ----------
    estimate
        Hodges-Lehmann estimate: median of the means of two differences, EDSS points.
    median
        Median difference, EDSS points.
    interval
        Exact interval of the estimate; None where so few patients do not reach its level.
    attainable_level
        Highest level at which so many patients have an interval, 1 - 2 / 2^n.
    """

    estimate: float
    median: float
    interval: Interval | None
    attainable_level: float

    def to_dict(self) -> dict[str, object]:
        """Return the numbers as JSON can hold them.

        Returns
        -------
        dict
            No limits where the level is not reached.
        """
        return {
            "hodges_lehmann": json_number(self.estimate),
            "median": json_number(self.median),
            "low": self.interval.low if self.interval else None,
            "high": self.interval.high if self.interval else None,
            "attainable_level": self.attainable_level,
        }


@dataclass(frozen=True, eq=False)
class PairedEdss:
    """How the EDSS changed on the comparator, compared with its change on the reference in the same patient.

    Parameters
    ----------
    reference, comparator
        Treatment names.
    per_patient
        One row per paired patient with all scores: ``patient``, ``reference_change``, ``comparator_change``,
        and their ``difference``: below 0 the course was better on the comparator.
    missing
        Paired patients without all scores.
    tests
        Exact sign and signed-rank test; None where no difference is non-zero.
    shift
        Hodges-Lehmann estimate and its interval; None where no patient has all scores.
    level
        Confidence level that was asked for.
    cautions
        ``shared_visit`` where there is an estimate.
    """

    reference: str
    comparator: str
    per_patient: pd.DataFrame
    missing: tuple[str, ...]
    tests: tuple[SignTest, SignedRank] | None
    shift: Shift | None
    level: float
    cautions: tuple[Caution, ...]

    @property
    def available(self) -> bool:
        """Whether any paired patient has all scores."""
        return self.shift is not None

    @property
    def reason(self) -> str:
        """Why there is no estimate, or no test; empty where there are both."""
        if self.shift is None:
            return "no patient has an EDSS at the start and the end of both periods"
        return "" if self.tests else "no patient's EDSS change differs between the periods"

    def to_dict(self) -> dict[str, object]:
        """Return the numbers as JSON can hold them.

        Returns
        -------
        dict
            None where a number does not exist.
        """
        fields = ("p_value", "smallest_p_value", "pairs")
        return {
            "reference": self.reference,
            "comparator": self.comparator,
            "patients": len(self.per_patient),
            "missing": list(self.missing),
            "shift": self.shift.to_dict() if self.shift else None,
            "tests": [
                {"test": name, **{field: getattr(test, field) for field in fields}}
                for name, test in zip(("sign", "wilcoxon"), self.tests or (), strict=bool(self.tests))
            ],
            "reason": self.reason or None,
            "cautions": [caution.to_dict() for caution in self.cautions],
        }


def paired_edss(cohort: Cohort, pair: Comparison, level: float = 0.95) -> PairedEdss:
    """Compare the EDSS change on the comparator with the change on the reference, within patients.

    The change of several courses of a drug is the sum of their changes. The Hodges-Lehmann estimate and its
    interval, and the signed-rank test, assume differences symmetric about their centre; with ties the
    interval is conservative.

    Parameters
    ----------
    cohort
        With columns ``edss_start`` and ``edss_end``.
    pair
        A comparison of that cohort.
    level
        Confidence level of the interval.

    Returns
    -------
    PairedEdss
        Differences, tests and estimate.

    Raises
    ------
    ArgumentError
        If the comparison was not made from this cohort, or an argument is not valid.

    References
    ----------
    Hodges JL, Lehmann EL. doi:10.1214/aoms/1177704172. Wilcoxon F. doi:10.2307/3001968.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> cohort = load_example()
    >>> paired = paired_edss(cohort, cohort.compare("tocilizumab", reference="rituximab"))
    >>> paired.per_patient["difference"].tolist()
    [-1.5, -1.5, 0.0]
    >>> [(test.p_value, test.smallest_p_value) for test in paired.tests]
    [(0.5, 0.5), (0.5, 0.5)]
    """
    instance("cohort", cohort, Cohort)
    instance("pair", pair, Comparison)
    level = require_level(level)
    table = pd.DataFrame(_changes(cohort, pair), columns=["reference_change", "comparator_change"])
    table.insert(0, "patient", pd.Series(pair.patients, dtype="object"))
    table["difference"] = table["comparator_change"] - table["reference_change"]
    is_complete = table["difference"].notna()
    differences = table.loc[is_complete, "difference"].to_numpy()
    return PairedEdss(
        reference=pair.reference,
        comparator=pair.comparator,
        per_patient=table[is_complete].reset_index(drop=True),
        missing=tuple(table.loc[~is_complete, "patient"]),
        tests=(sign_test(differences), signed_rank(differences)) if differences.any() else None,
        shift=hodges_lehmann(differences, level) if len(differences) else None,
        level=level,
        cautions=(SHARED_VISIT,) if len(differences) else (),
    )


def _changes(cohort: Cohort, pair: Comparison) -> Floats:
    """Return the EDSS change of each paired patient by period, shape (n, 2); NaN where a score is missing."""
    history, frame = pair.history, cohort.frame
    if history is None or not {"edss_start", "edss_end"} <= set(frame.columns):
        return np.full((len(pair.patients), 2), np.nan)
    names = np.asarray(pair.patients, dtype=object)[history.patient]
    if history.row.max() >= len(frame) or (frame["patient"].to_numpy()[history.row] != names).any():
        raise ArgumentError("pair: of another cohort. Expected: a comparison from cohort.compare(...).")
    changes = np.zeros((len(pair.patients), 2))
    course = (frame["edss_end"] - frame["edss_start"]).to_numpy(dtype=np.float64)[history.row]
    np.add.at(changes, (history.patient, history.period), course)
    return changes


def hodges_lehmann(differences: Floats, level: float = 0.95) -> Shift:
    """Return the Hodges-Lehmann estimate of differences in half points, with its exact interval.

    The limits are the k-th smallest and k-th largest of the means of two differences (each also with itself);
    they are counted by convolution over the few different scores, so that 10^5 patients take no longer than
    three.

    Parameters
    ----------
    differences
        At least one, EDSS points.
    level
        Confidence level; with fewer than 6 differences 0.95 is out of reach.

    Returns
    -------
    Shift
        Estimate, median and interval.

    Raises
    ------
    ArgumentError
        If a difference is not finite, or the level is no probability between 0 and 1.
    """
    level = require_level(level)
    differences = numbers("differences", differences, "(patients,)", -_LARGEST, _LARGEST)
    halves = np.rint(2 * differences).astype(np.int64)
    pairs, lowest = len(halves), int(halves.min())
    times = np.bincount(halves - lowest)
    ordered = np.convolve(times, times)  # how often each sum of two occurs, in either order
    ordered[::2] += times
    below = np.cumsum(ordered // 2)
    total = int(below[-1])

    def mean_of_two(rank: int) -> float:
        return float(2 * lowest + np.searchsorted(below, rank, side="left")) / 4

    cut = signed_rank_cut(pairs, (1 - level) / 2)
    limits = Interval(mean_of_two(cut), mean_of_two(total + 1 - cut), level, "confidence") if cut else None
    estimate = (mean_of_two((total + 1) // 2) + mean_of_two(total // 2 + 1)) / 2
    return Shift(estimate, float(np.median(differences)), limits, 1 - 2.0 ** (1 - pairs))
