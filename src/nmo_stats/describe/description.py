"""All that is said of a cohort without a comparison of rates."""

from __future__ import annotations

from dataclasses import dataclass

from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.arr import ArrSummary, arr
from nmo_stats.describe.edss import EdssSummary, PairedEdss, RuleName, edss, paired_edss
from nmo_stats.describe.kaplan_meier import FirstRelapse, first_relapse
from nmo_stats.describe.mean_cumulative import Accumulation, accumulation


@dataclass(frozen=True, eq=False)
class Description:
    """What is said of a cohort without a comparison of rates.

    Parameters
    ----------
    cohort
        The data.
    arr, edss, first_relapse, accumulation
        Of all patients and treatments.
    paired_edss
        Of the patients with both of the compared treatments; None where it is not clear which these are.
    """

    cohort: Cohort
    arr: ArrSummary
    edss: EdssSummary
    first_relapse: FirstRelapse
    accumulation: Accumulation
    paired_edss: PairedEdss | None


def described(
    cohort: Cohort, pair: Comparison | None, level: float = 0.95, rule: RuleName = "msprog"
) -> Description:
    """Describe rates, times of relapses and EDSS of a cohort.

    Parameters
    ----------
    cohort
        The data.
    pair
        The comparison whose EDSS changes are paired, if it is clear.
    level
        Level of all intervals.
    rule
        When the EDSS has worsened.

    Returns
    -------
    Description
        The summaries.
    """
    return Description(
        cohort,
        arr(cohort, level),
        edss(cohort, rule),
        first_relapse(cohort, level),
        accumulation(cohort, level),
        None if pair is None else paired_edss(cohort, pair, level),
    )
