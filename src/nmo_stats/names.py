"""What has a code and a name: methods, estimands, parameters of the model, causes of exclusion.

Results carry the codes; tables, figures and sentences look the names up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

HIERARCHICAL: Final = "hierarchical_quadrature"
SAMPLED: Final = "hierarchical_nuts"
WITHIN: Final = "conditional_exact"

Kind = Literal["exact", "likelihood", "hierarchical", "descriptive"]


@dataclass(frozen=True, slots=True)
class Method:
    """A method that answers with a rate ratio or tests for one.

    Parameters
    ----------
    name
        As a heading of its own.
    short_name
        Where the estimand stands beside it.
    kind
        Of the method: exact, likelihood, hierarchical or descriptive.
    """

    name: str
    short_name: str
    kind: Kind


METHODS: Final = {
    "pooled_exact": Method("Exact, pooled", "Exact", "exact"),
    WITHIN: Method("Exact, within patients", "Exact", "exact"),
    "conditional_midp": Method("Exact mid-p, within patients", "Exact mid-p", "exact"),
    "poisson": Method("Poisson regression", "Poisson", "likelihood"),
    "conditional_poisson": Method("Conditional Poisson regression", "Poisson", "likelihood"),
    "negative_binomial": Method("Negative-binomial regression", "Negative binomial", "likelihood"),
    "gee": Method("Poisson GEE, small-sample corrected", "GEE, corrected", "likelihood"),
    "gee_sandwich": Method("Poisson GEE, textbook sandwich", "GEE, textbook", "likelihood"),
    SAMPLED: Method("Bayesian hierarchical (NUTS)", "Hierarchical, NUTS", "hierarchical"),
    HIERARCHICAL: Method("Bayesian hierarchical (quadrature)", "Hierarchical", "hierarchical"),
    "wilcoxon": Method("Wilcoxon signed-rank test of relapse rates", "Wilcoxon", "descriptive"),
    "paired_t": Method("Paired t test of relapse rates", "Paired t", "descriptive"),
    "empirical_bayes": Method("Observed / expected, empirical Bayes", "Observed / expected", "likelihood"),
    "mean_arr_ratio": Method("Ratio of the mean relapse rates", "Ratio of means", "descriptive"),
    "median_arr_ratio": Method("Ratio of the median relapse rates", "Ratio of medians", "descriptive"),
}
ESTIMAND_NAMES: Final = {
    "pooled": "Pooled rates",
    "within_patient": "Within patients",
    "typical_patient": "Typical patient",
    "new_patient": "A patient not yet seen",
    "patient": "One patient",
    "standardized": "Observed / expected",
}
LIMIT_NAMES: Final[dict[str | None, str]] = {"high": "upper", "low": "lower"}
OTHER_LIMIT_NAMES: Final[dict[str | None, str]] = {"high": "lower", "low": "upper"}
PARAMETER_NAMES: Final = {
    "log_rate": "typical rate per year",
    "log_rate_ratio": "rate ratio",
    "sd_rate": "spread of rates between patients",
    "sd_rate_ratio": "spread of ratios between patients",
    "overdispersion": "overdispersion",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a relapse or a patient-day of dated events is not counted.

    Parameters
    ----------
    name
        What happened to it, as it stands in a table.
    sentence
        The rule.
    takes_days
        Whether it excludes patient-days too.
    """

    name: str
    sentence: str
    takes_days: bool = False


CAUSES: Final = {
    "same_day": Cause("second row of a day", "a second row of the same patient and day is the same relapse"),
    "merged": Cause(
        "merged into an earlier onset", "an onset soon after the first onset of a relapse is merged into it"
    ),
    "history": Cause(
        "on or before the first day of treatment",
        "relapses on or before the first day of treatment are excluded",
    ),
    "gap": Cause(
        "between two treatments", "relapses and days between two treatments are excluded", takes_days=True
    ),
    "after": Cause(
        "after the last treatment", "relapses and days after the last treatment are excluded", takes_days=True
    ),
    "run_in": Cause(
        "in the run-in", "relapses and days in the run-in of a treatment are excluded", takes_days=True
    ),
}


def is_hierarchical(method: str | None) -> bool:
    """Return whether a method is an engine of the hierarchical model.

    Examples
    --------
    >>> is_hierarchical(HIERARCHICAL), is_hierarchical("poisson"), is_hierarchical(None)
    (True, False, False)
    """
    return method in METHODS and METHODS[str(method)].kind == "hierarchical"
