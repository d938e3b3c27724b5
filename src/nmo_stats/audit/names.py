"""The names of the formulas that a publication may have used: code of the finding -> its words."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

FORMULA_NAMES: Final = MappingProxyType(
    {
        "arr_pooled": "the pooled rate",
        "arr_mean": "the mean of the individual rates",
        "arr_median": "the median of the individual rates",
        "garwood": "the exact Poisson limit (Garwood)",
        "wald": "the Wald limit",
        "wald_truncated": "the Wald limit, 0 where it is negative",
        "byar": "Byar's approximation",
        "student_t": "the limit by Student's t of the mean of the individual rates",
        "pooled_ratio": "the ratio of the pooled rates",
        "ratio_of_means": "the ratio of the means of the individual rates",
        "ratio_of_medians": "the ratio of the medians of the individual rates",
        "haldane": "half a relapse added to both periods",
        "exact_limit": "the exact conditional limit",
        "exact_p": "the exact p-value, twice the smaller tail",
        "log_wald": "log-Wald",
        "profile_likelihood": "profile likelihood (likelihood-ratio test)",
        "score": "the score method",
        "mid_p": "mid-p",
        "minimum_likelihood": "the exact p-value by minimum likelihood",
        "one_sided": "the one-sided exact p-value",
        "signed_rank": "the exact signed-rank test",
        "normal_approximation": "the signed-rank test, Normal approximation without continuity correction",
        "normal_approximation_corrected": "the signed-rank test, Normal approximation with continuity correction",
        "pratt": "the signed-rank test with equal rates ranked (Pratt), Normal approximation",
        "sign_test": "the exact sign test",
        "paired_t": "the paired t test",
        "sample_sd": "the standard deviation with divisor n − 1",
        "population_sd": "the standard deviation with divisor n",
        "quartile_type_7": "quartiles of type 7 (R, NumPy, Excel)",
        "quartile_type_6": "quartiles of type 6 (SPSS, Minitab, Prism)",
        "quartile_type_2": "quartiles of type 2 (SAS, Stata)",
        "tukey_hinges": "Tukey's hinges (box plots, SPSS)",
        "edss_msprog": "the EDSS rule msprog",
        "edss_msoutcomes": "the EDSS rule msoutcomes",
        "edss_n_momentum": "the EDSS rule n_momentum",
        "kaplan_meier": "the Kaplan-Meier median",
        "median_of_relapsed": "the median of the patients with a relapse",
    }
)
