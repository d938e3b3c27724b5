"""EDSS change on the comparator against the change on the reference, within the same patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.arguments import instance, numbers
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.edss import CONFIRMATION, SHARED_VISIT
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import Caution, Interval, json_number, require_level
from nmo_stats.estimators.rank_tests import SignedRank, SignTest, sign_test, signed_rank, signed_rank_cut


@dataclass(frozen=True, eq=False)
class PairedEdss:
    """How the EDSS changed on the comparator, compared with its change on the reference in the same patient.

    Parameters
    ----------
    reference, comparator
        Treatment names.
    per_patient
        One row per paired patient with all scores: ``patient``, ``reference_change``, ``comparator_change``, and
        ``difference``, the comparator's change minus the reference's: below 0 the course was better on the comparator.
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
    def confirmation(self) -> str:
        """Why confirmed worsening is not reported."""
        return CONFIRMATION

    @property
    def reason(self) -> str:
        """Why there is no estimate, or no test; empty where there are both."""
        if self.shift is None:
            return "no patient has an EDSS at the start and the end of both periods"
        return "" if self.tests else "no patient's EDSS change differs between the periods"

    def to_dict(self) -> dict[str, object]:
        """Return the numbers as JSON can hold them: None where a number does not exist."""
        return {
            "reference": self.reference,
            "comparator": self.comparator,
            "patients": len(self.per_patient),
            "missing": list(self.missing),
            "shift": self.shift.to_dict() if self.shift else None,
            "tests": [_test_fields(test) for test in self.tests or ()],
            "reason": self.reason or None,
            "cautions": [caution.to_dict() for caution in self.cautions],
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
        """Return the numbers as JSON can hold them; no limits where the level is not reached."""
        return {
            "hodges_lehmann": json_number(self.estimate),
            "median": json_number(self.median),
            "low": self.interval.low if self.interval else None,
            "high": self.interval.high if self.interval else None,
            "attainable_level": self.attainable_level,
        }


def paired_edss(cohort: Cohort, pair: Comparison, level: float = 0.95) -> PairedEdss:
    """Compare the EDSS change on the comparator with the change on the reference, within patients.

    The change of several courses of a drug is the sum of their changes. The Hodges-Lehmann estimate and its interval, and
    the signed-rank test, take the differences to be symmetric about their centre; with ties the interval is conservative.

    Parameters
    ----------
    cohort
        With columns ``edss_start`` and ``edss_end``.
    pair
        A comparison of that cohort.
    level
        Confidence level of the interval.

    Raises
    ------
    ArgumentError
        If the comparison was not made from this cohort.

    References
    ----------
    Hodges JL, Lehmann EL. doi:10.1214/aoms/1177704172. Wilcoxon F. doi:10.2307/3001968.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> cohort = load_example()
    >>> found = paired_edss(cohort, cohort.compare("tocilizumab", reference="rituximab"))
    >>> found.per_patient["difference"].tolist()
    [-1.5, -1.5, 0.0]
    >>> [(test.p_value, test.smallest_p_value) for test in found.tests]
    [(0.5, 0.5), (0.5, 0.5)]
    """
    instance("cohort", cohort, Cohort)
    instance("pair", pair, Comparison)
    level = require_level(level)
    changes = _changes(cohort, pair)
    complete = ~np.isnan(changes).any(axis=1)
    reference, comparator = changes[complete].T
    differences = comparator - reference
    names = np.asarray(pair.patients, dtype=object)
    per_patient = pd.DataFrame(
        {
            "patient": names[complete],
            "reference_change": reference,
            "comparator_change": comparator,
            "difference": differences,
        }
    )
    return PairedEdss(
        reference=pair.reference,
        comparator=pair.comparator,
        per_patient=per_patient,
        missing=tuple(names[~complete]),
        tests=(sign_test(differences), signed_rank(differences)) if differences.any() else None,
        shift=hodges_lehmann(differences, level) if len(differences) else None,
        level=level,
        cautions=(SHARED_VISIT,) if len(differences) else (),
    )


_LARGEST: Final = 1_000.0  # of a difference: the distribution of their sums is as long


def hodges_lehmann(differences: Floats, level: float = 0.95) -> Shift:
    """Return the Hodges-Lehmann estimate of differences in whole multiples of half a point, with its exact interval.

    The limits are the k-th smallest and k-th largest of the means of two differences (each also with itself); they are
    counted by convolution over the few different scores, so that 10^5 patients take no longer than three.

    Parameters
    ----------
    differences
        At least one, EDSS points.
    level
        Confidence level; with fewer than 6 differences 0.95 is out of reach.
    """
    level = require_level(level)
    differences = numbers("differences", differences, "(patients,)", -_LARGEST, _LARGEST)
    halves = np.rint(2 * differences).astype(np.int64)
    pairs, lowest = len(halves), int(halves.min())
    times = np.bincount(halves - lowest)
    below = np.cumsum(_sums_of_two(times))
    total = int(below[-1])

    def mean_of_two(rank: int) -> float:
        return float(2 * lowest + np.searchsorted(below, rank, side="left")) / 4

    cut = signed_rank_cut(pairs, (1 - level) / 2)
    limits = Interval(mean_of_two(cut), mean_of_two(total + 1 - cut), level, "confidence") if cut else None
    estimate = (mean_of_two((total + 1) // 2) + mean_of_two(total // 2 + 1)) / 2
    return Shift(estimate, float(np.median(differences)), limits, 1 - 2.0 ** (1 - pairs))


def _sums_of_two(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how often each sum of two differences occurs, every unordered pair once and each difference with itself."""
    ordered = np.convolve(times, times)
    ordered[::2] += times
    return np.asarray(ordered // 2)


def _changes(cohort: Cohort, pair: Comparison) -> Floats:
    """Return the EDSS change of each paired patient on reference and comparator, shape (n, 2); NaN where a score misses."""
    changes = np.full((len(pair.patients), 2), np.nan)
    history = pair.history
    if history is None or not {"edss_start", "edss_end"} <= set(cohort.frame.columns):
        return changes
    names = np.asarray(pair.patients, dtype=object)[history.patient]
    frame = cohort.frame
    if history.row.max() >= len(frame) or (frame["patient"].to_numpy()[history.row] != names).any():
        raise ArgumentError("the comparison was not made from this cohort: use cohort.compare(...)")
    course = (frame["edss_end"] - frame["edss_start"]).to_numpy(dtype=np.float64)[history.row]
    changes[:] = 0
    np.add.at(changes, (history.patient, history.period), course)
    return changes


def _test_fields(test: SignTest | SignedRank) -> dict[str, object]:
    return {
        "test": "sign" if isinstance(test, SignTest) else "wilcoxon",
        "p_value": test.p_value,
        "smallest_p_value": test.smallest_p_value,
        "pairs": test.pairs,
    }
