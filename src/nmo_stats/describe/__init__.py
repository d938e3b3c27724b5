"""Descriptive summaries of relapse rates and EDSS, each number named for what it is."""

from nmo_stats.describe.arr import ArrSummary, arr
from nmo_stats.describe.edss import EDSS_RULES, EdssRule, EdssSummary, edss
from nmo_stats.describe.rank_test import SignedRank, wilcoxon

__all__ = ["EDSS_RULES", "ArrSummary", "EdssRule", "EdssSummary", "SignedRank", "arr", "edss", "wilcoxon"]
