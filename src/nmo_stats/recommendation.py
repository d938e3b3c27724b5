"""Which of several estimates to read, and why the others are not it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from nmo_stats.cohort import Comparison
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import RateResults
from nmo_stats.estimators.within_patient import FEWEST_FOR_DISPERSION, Dispersion
from nmo_stats.hierarchical.model import Likelihood
from nmo_stats.names import HIERARCHICAL
from nmo_stats.operating import coverage_map
from nmo_stats.wording import beside, estimate_text, interval_text, percent

_REMEDY: Final = (
    "What does not rest on Poisson counts are the rows Counts: negative binomial among the other assumptions "
    "(nmo-stats sensitivity), and every hierarchical number with --likelihood negative_binomial."
)
_OWN: Final = "which lets both the rate and the ratio differ between patients"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which estimate to read, and why.

    Parameters
    ----------
    method
        Name of the method; None where there is nothing to read.
    text
        The reason in plain words.
    """

    method: str | None
    text: str


def recommended(
    rates: RateResults,
    found: Dispersion,
    *,
    pair: Comparison | None = None,
    likelihood: Likelihood = "poisson",
) -> Recommendation:
    """Return which of several estimates to read: the hierarchical one where there is one, at a zero cell the exact limit.

    Parameters
    ----------
    rates
        The estimates.
    found
        Within-patient dispersion of the counts.
    pair
        The comparison, for how the interval behaved in simulated series like it.
    likelihood
        Of the hierarchical model.
    """
    ratio = next((one for one in rates.estimates if one.estimand == "typical_patient"), None)
    if ratio is None or not ratio.informative:
        return Recommendation(None, "")
    exact = rates.find("conditional_exact")
    if ratio.known_limit and exact is not None:
        return Recommendation(exact.method, _at_a_zero_cell(exact, ratio))
    text = _about_dispersion(rates, found)
    if found.verdict == "no excess":
        return Recommendation(ratio.method, f"{text} {_to_read(ratio)}, {_OWN}.")
    if likelihood == "negative_binomial":
        return Recommendation(
            ratio.method, f"{text} {_to_read(ratio)}, {_OWN}; its counts are negative binomial."
        )
    return Recommendation(ratio.method, f"{text} {_to_read(ratio)}: {_allowed_for(pair)} {_REMEDY}")


def _to_read(ratio: RateRatio) -> str:
    return f"The interval to read is the hierarchical one ({interval_text(ratio.interval)})"


def _at_a_zero_cell(exact: RateRatio, ratio: RateRatio) -> str:
    which = "upper" if ratio.known_limit == "high" else "lower"
    return (
        f"The number to read is the {which} limit of the exact interval within patients ({estimate_text(exact)}): no prior "
        "enters it, but it takes counts to be Poisson and the ratio to be the same in all patients. The hierarchical limit "
        f"({estimate_text(ratio)}) lets the ratio differ, and leans on its prior where relapses are few."
    )


def _about_dispersion(rates: RateResults, found: Dispersion) -> str:
    """Return whether counts vary more than Poisson counts, and which intervals suffer if they do."""
    if found.verdict == "not assessable":
        return (
            "Whether counts vary within patients more than Poisson counts do cannot be assessed "
            f"({found.patients} with relapses; {FEWEST_FOR_DISPERSION} are needed), and the exact and the Poisson intervals rest "
            "on their not doing so."
        )
    value, limit = beside(found.value, found.limit), beside(found.limit, found.value)
    if found.verdict == "no excess":
        return (
            f"Counts vary within patients no more than Poisson counts would ({value}, 95 % limit {limit}), so the exact "
            "intervals hold if one ratio holds for all patients."
        )
    simple = rates.find("pooled_exact")
    pooled = "" if simple is None else f" (pooled: {interval_text(simple.interval)})"
    return (
        f"Counts vary {value} times as much within patients as Poisson counts would (95 % limit {limit}). "
        f"The exact and the Poisson intervals{pooled} ignore this and are too short."
    )


def _allowed_for(pair: Comparison | None) -> str:
    """Return how far the hierarchical interval allows for overdispersed counts, from the coverage map where it has such series."""
    text = (
        "it lets both the rate and the ratio differ between patients and so allows for a part of such variation, but its "
        "counts are Poisson too."
    )
    rows = pd.DataFrame() if pair is None else coverage_map.like(pair)
    if rows.empty:
        return text
    overdispersed = rows[(rows["method"] == HIERARCHICAL) & (rows["overdispersion"] > 0)].dropna(
        subset=["coverage"]
    )
    if overdispersed.empty:
        return text
    least, most = overdispersed["coverage"].min(), overdispersed["coverage"].max()
    return (
        f"{text} In simulated series like this one with overdispersed counts the {percent(coverage_map.LEVEL)} interval with default "
        f"priors held the true ratio in {100 * least:.0f} to {100 * most:.0f} %."
    )
