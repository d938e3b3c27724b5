"""Descriptive summaries of relapse rates, relapse times and EDSS, each number named for what it is."""

from nmo_stats.describe.arr import ArrSummary, arr
from nmo_stats.describe.edss import (
    EDSS_RULES,
    EdssRule,
    EdssSummary,
    PairedEdss,
    Shift,
    edss,
    hodges_lehmann,
    paired_edss,
)
from nmo_stats.describe.kaplan_meier import FirstRelapse, TimeToFirst, first_relapse
from nmo_stats.describe.mean_cumulative import Accumulation, MeanCount, accumulation
from nmo_stats.estimators.rank_tests import SignedRank, SignTest, sign_test, signed_rank, wilcoxon

__all__ = [
    "EDSS_RULES",
    "Accumulation",
    "ArrSummary",
    "EdssRule",
    "EdssSummary",
    "FirstRelapse",
    "MeanCount",
    "PairedEdss",
    "Shift",
    "SignTest",
    "SignedRank",
    "TimeToFirst",
    "accumulation",
    "arr",
    "edss",
    "first_relapse",
    "hodges_lehmann",
    "paired_edss",
    "sign_test",
    "signed_rank",
    "wilcoxon",
]
