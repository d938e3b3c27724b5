"""Numbers and names in words: the one place that decides how many digits a reader sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from nmo_stats.estimate import Interval, RateRatio

METHOD_NAMES: Final = {
    "pooled_exact": "Exact, pooled",
    "conditional_exact": "Exact, within patients",
    "conditional_midp": "Exact mid-p, within patients",
    "poisson": "Poisson regression",
    "conditional_poisson": "Conditional Poisson regression",
    "negative_binomial": "Negative-binomial regression",
    "gee": "Poisson GEE, small-sample corrected",
    "gee_sandwich": "Poisson GEE, textbook sandwich",
    "hierarchical_nuts": "Bayesian hierarchical (NUTS)",
    "hierarchical_quadrature": "Bayesian hierarchical (quadrature)",
    "wilcoxon": "Wilcoxon signed-rank test of relapse rates",
    "paired_t": "Paired t test of relapse rates",
    "empirical_bayes": "Observed / expected, empirical Bayes",
    "mean_arr_ratio": "Ratio of the mean relapse rates",
    "median_arr_ratio": "Ratio of the median relapse rates",
}
SHORT_NAMES: Final = {
    "pooled_exact": "Exact",
    "conditional_exact": "Exact",
    "conditional_midp": "Exact mid-p",
    "poisson": "Poisson",
    "conditional_poisson": "Poisson",
    "negative_binomial": "Negative binomial",
    "gee": "GEE, corrected",
    "gee_sandwich": "GEE, textbook",
    "hierarchical_nuts": "NUTS",
    "hierarchical_quadrature": "Quadrature",
}
ESTIMAND_NAMES: Final = {
    "pooled": "Pooled rates",
    "within_patient": "Within patients, common ratio",
    "typical_patient": "Typical patient",
    "new_patient": "A patient not yet seen",
    "patient": "One patient",
    "standardized": "Observed / expected",
}
PARAMETER_NAMES: Final = {
    "log_rate": "typical rate per year",
    "log_rate_ratio": "rate ratio",
    "sd_rate": "spread of rates between patients",
    "sd_rate_ratio": "spread of ratios between patients",
    "overdispersion": "overdispersion",
}


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, in plain notation where it is readable.

    Examples
    --------
    >>> significant(0.2037, 2), significant(12.345), significant(1234.5), significant(float("inf")), significant(0.0)
    ('0.20', '12.3', '1234', '∞', '0')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent < -6 or exponent > 8:
        return f"{value:.{digits - 1}e}"
    text = f"{value:.{max(digits - 1 - exponent, 0)}f}"
    return text.replace("-", "−")


def interval_text(interval: Interval, digits: int = 3) -> str:
    """Return the limits in words, e.g. ``0.0214 to 0.984``."""
    return f"{significant(interval.low, digits)} to {significant(interval.high, digits)}"


def interval_name(interval: Interval) -> str:
    """Return e.g. ``95 % confidence interval``."""
    return f"{percent(interval.level)} {interval.kind} interval"


def ratio_text(ratio: RateRatio, digits: int = 3) -> str:
    """Return estimate and limits, e.g. ``0.204 (0.0214 to 0.984)``; a sentence where there is no information."""
    if not ratio.informative:
        return next(caution.text for caution in ratio.cautions if caution.code == "no_information")
    return f"{significant(ratio.estimate, digits)} ({interval_text(ratio.interval, digits)})"


def percent(share: float) -> str:
    """Return a share as a percentage, e.g. ``95 %`` or ``97.5 %``.

    Examples
    --------
    >>> percent(0.95), percent(0.975)
    ('95 %', '97.5 %')
    """
    return f"{100 * share:.4g} %"


def p_value_text(p_value: float, digits: int = 3) -> str:
    """Return a p-value that is never printed as 0.

    Examples
    --------
    >>> p_value_text(0.04699), p_value_text(3e-7), p_value_text(1e-200)
    ('0.0470', '< 0.0001', '< 1e-12')
    """
    if p_value < 1e-12:
        return "< 1e-12"
    if p_value < 1e-4:
        return "< 0.0001"
    return significant(p_value, digits)


def probability_text(probability: float, digits: int = 3) -> str:
    """Return a probability that is never printed as a certainty.

    Examples
    --------
    >>> probability_text(0.9817), probability_text(1.0), probability_text(0.0)
    ('0.982', '> 0.999', '< 0.001')
    """
    if probability > 0.999:
        return "> 0.999"
    return "< 0.001" if probability < 0.001 else significant(probability, digits)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, e.g. ``1 relapse``, ``3 patients``.

    Examples
    --------
    >>> counted(1, "relapse"), counted(3, "patient")
    ('1 relapse', '3 patients')
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def joined(parts: Sequence[str]) -> str:
    """Return parts as a sentence lists them.

    Examples
    --------
    >>> joined(["one"]), joined(["one", "two"]), joined(["one", "two", "three"])
    ('one', 'one and two', 'one, two and three')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def edss_text(value: float) -> str:
    """Return an EDSS score, or a median or change of scores, which may be a multiple of a quarter.

    Examples
    --------
    >>> edss_text(3.75), edss_text(4.0), edss_text(-0.5)
    ('3.75', '4.0', '−0.5')
    """
    return f"{value:.2f}".removesuffix("0").replace("-", "−")


def capital(text: str) -> str:
    """Return a text that begins a sentence.

    Examples
    --------
    >>> capital("no relapse in either period")
    'No relapse in either period'
    """
    return f"{text[:1].upper()}{text[1:]}"


def months_text(years: float, digits: int = 3) -> str:
    """Return a time in months.

    Examples
    --------
    >>> months_text(1 / 3), months_text(1 / 12)
    ('4.00 months', '1.00 month')
    """
    text = significant(12 * years, digits)
    return f"{text} month{'' if float(text) == 1 else 's'}"
