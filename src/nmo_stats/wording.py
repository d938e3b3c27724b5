"""Numbers and names in words, and rows of tables: how many digits a reader sees is decided here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from nmo_stats.estimate import Interval, RateDifference, RateRatio

if TYPE_CHECKING:
    import pandas as pd

_MOST_DIGITS: Final = 7


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each row as a dictionary from column name to value, numbers as Python's own.

    Examples
    --------
    >>> import pandas as pd
    >>> records(pd.DataFrame({"patient": ["A"], "relapses": [2]}))
    [{'patient': 'A', 'relapses': 2}]
    """
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, in plain notation where it is readable.

    Examples
    --------
    >>> significant(0.2037, 2), significant(12.345), significant(1234.5)
    ('0.20', '12.3', '1234')
    >>> significant(float("inf")), significant(0.0)
    ('∞', '0')
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


def beside(value: float, boundary: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, or as many more as tell it from a boundary.

    A limit of 0.999997 printed as 1.00 would say that the interval reaches 1, and a share of 0.9998 that all
    had it.

    Examples
    --------
    >>> beside(0.984, 1), beside(0.999997, 1), beside(1.0, 1), beside(1 + 1e-9, 1)
    ('0.984', '0.999997', '1.00', 'just over 1')
    """
    if not math.isfinite(value) or math.isclose(value, boundary, rel_tol=1e-12):
        return significant(value, digits)
    for more in range(digits, _MOST_DIGITS + 1):
        if not math.isclose(float(f"{value:.{more - 1}e}"), boundary, rel_tol=1e-12):
            return significant(value, more)
    return f"just {'under' if value < boundary else 'over'} {boundary:g}"


def ratio_limits(low: float, high: float, digits: int = 3) -> str:
    """Return the limits of a ratio, each told apart from 1 if it is not 1.

    Examples
    --------
    >>> ratio_limits(0.0214, 0.984, 2), ratio_limits(0.031, 1.0161, 2), ratio_limits(0.0, float("inf"))
    ('0.021 to 0.98', '0.031 to 1.02', '0 to ∞')
    """
    return f"{beside(low, 1, digits)} to {beside(high, 1, digits)}"


def range_text(low: float, high: float, digits: int = 3) -> str:
    """Return two numbers as a range.

    Examples
    --------
    >>> range_text(0.0214, 0.9999)
    '0.0214 to 1.00'
    """
    return f"{significant(low, digits)} to {significant(high, digits)}"


def interval_text(interval: Interval, digits: int = 3) -> str:
    """Return the limits of a ratio in words, e.g. ``0.0214 to 0.984``."""
    return ratio_limits(interval.low, interval.high, digits)


def interval_name(interval: Interval) -> str:
    """Return e.g. ``95 % confidence interval``."""
    return f"{percent(interval.level)} {interval.kind} interval"


def ratio_text(ratio: RateRatio, digits: int = 3) -> str:
    """Return estimate and limits, e.g. ``0.204 (0.0214 to 0.984)``; without information a sentence."""
    if not ratio.informative:
        return next(caution.text for caution in ratio.cautions if caution.code == "no_information")
    return f"{estimate_text(ratio, digits)} ({interval_text(ratio.interval, digits)})"


def estimate_text(ratio: RateRatio, digits: int = 3) -> str:
    """Return what leads: the estimate, or at a zero cell the limit that the data set, e.g. ``at most 0.829``.

    Examples
    --------
    >>> from nmo_stats.estimate import Caution
    >>> zero = Caution("zero_cell", "no relapse on the comparator", "high")
    >>> estimate_text(RateRatio(0.09, Interval(0.007, 0.65, 0.95, "credible"), "gee", "pooled", (zero,)))
    'at most 0.650'
    """
    if ratio.known_limit == "high":
        return f"at most {beside(ratio.interval.high, 1, digits)}"
    if ratio.known_limit == "low":
        return f"at least {beside(ratio.interval.low, 1, digits)}"
    apart = not ratio.interval.contains(1.0)
    return beside(ratio.estimate, 1, digits) if apart else significant(ratio.estimate, digits)


def fewer_or_more(difference: float, digits: int = 3) -> str:
    """Return reference rate minus comparator rate as relapses that the comparator has fewer, or more.

    Examples
    --------
    >>> fewer_or_more(1.955), fewer_or_more(-2.4, 2), fewer_or_more(0.0)
    ('1.96 fewer', '2.4 more', 'neither fewer nor more')
    """
    if abs(difference) < 1e-12:  # equal rates carry rounding errors
        return "neither fewer nor more"
    return f"{significant(abs(difference), digits)} {'fewer' if difference > 0 else 'more'}"


def difference_limits(interval: Interval, digits: int = 3) -> str:
    """Return the limits of reference rate minus comparator rate, in the direction of :func:`fewer_or_more`.

    Examples
    --------
    >>> difference_limits(Interval(0.305, 4.218, 0.95, "confidence"))
    '0.305 to 4.22 fewer'
    >>> difference_limits(Interval(-1.2, 0.4, 0.95, "credible"), 2)
    'from 0.40 fewer to 1.2 more'
    """
    small, large = sorted((abs(interval.low), abs(interval.high)))
    if interval.low < 0 < interval.high:
        return f"from {fewer_or_more(interval.high, digits)} to {fewer_or_more(interval.low, digits)}"
    direction = "fewer" if interval.low >= 0 else "more"
    return f"{significant(small, digits)} to {significant(large, digits)} {direction}"


def difference_text(difference: RateDifference, comparator: str, reference: str, digits: int = 3) -> str:
    """Return a rate difference with its direction and interval, as it stands in a sentence."""
    relapses = f"{fewer_or_more(difference.estimate, digits)} relapses per patient-year"
    limits = difference_limits(difference.interval, digits)
    level = percent(difference.interval.level)
    return f"{relapses} on {comparator} than on {reference} ({level} interval {limits})"


def percent(share: float) -> str:
    """Return a share as a percentage that is 0 or 100 only if the share is.

    Examples
    --------
    >>> percent(0.95), percent(0.975), percent(0.999999), percent(1.0)
    ('95 %', '97.5 %', '99.9999 %', '100 %')
    """
    return f"{plain(100 * share, 0.0, 100.0)} %"


def whole_percent(share: float) -> str:
    """Return a share in whole percent without the sign; with a decimal where 0 or 100 would not be true.

    Examples
    --------
    >>> whole_percent(0.947), whole_percent(0.998), whole_percent(1.0), whole_percent(0.0004)
    ('95', '99.8', '100', '0.04')
    """
    text = f"{100 * share:.0f}"
    return plain(100 * share, 0.0, 100.0, digits=1) if text in ("0", "100") and 0 < share < 1 else text


def rounded_percent(share: float) -> str:
    """Return a share between 0 and 1 in whole percent, never rounded to nothing or to all of it.

    Examples
    --------
    >>> rounded_percent(0.798), rounded_percent(0.999), rounded_percent(0.001), rounded_percent(-0.1)
    ('80 %', 'over 99 %', 'under 1 %', 'none')
    """
    if share <= 0:
        return "none"
    if share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def plain(value: float, *boundaries: float, digits: int = 4) -> str:
    """Return a number without trailing zeros, with enough digits to tell it from each boundary.

    Examples
    --------
    >>> plain(1.0034, 1.01), plain(1.010004, 1.01), plain(7.0, 0.0), plain(0.99999, 0.0, 1.0)
    ('1.003', '1.010004', '7', '0.99999')
    """
    for more in range(digits, 16):
        text = f"{value:.{more}g}"
        if all(value == boundary or float(text) != boundary for boundary in boundaries):
            return text
    return repr(value)


def p_value_text(p_value: float, digits: int = 3, level: float = 0.95) -> str:
    """Return a p-value that is never printed as 0, as 1 if it is not 1, or as 1 - level if it is not that.

    So the p-value and the interval of the same level say the same about a ratio of 1, also on a knife edge.

    Examples
    --------
    >>> p_value_text(0.04699), p_value_text(3e-7), p_value_text(1e-200), p_value_text(0.9999)
    ('0.0470', '< 0.0001', '< 1e-12', '> 0.999')
    >>> p_value_text(0.04999947)
    '0.049999'
    """
    if p_value < 1e-12:
        return "< 1e-12"
    if p_value < 1e-4:
        return "< 0.0001"
    if 0.999 < p_value < 1:
        return "> 0.999"
    return beside(p_value, round(1 - level, 12), digits)


def probability_text(probability: float, digits: int = 3) -> str:
    """Return a probability that is never printed as a certainty.

    Examples
    --------
    >>> probability_text(0.9817), probability_text(1.0), probability_text(0.0), probability_text(0.9951, 2)
    ('0.982', '> 0.999', '< 0.001', '0.995')
    """
    if probability > 0.999:
        return "> 0.999"
    return "< 0.001" if probability < 0.001 else beside(probability, 1, digits)


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


def as_sentence(text: str) -> str:
    """Return a text as a sentence of its own.

    Examples
    --------
    >>> as_sentence("no relapse in either period")
    'No relapse in either period.'
    """
    return f"{capital(text)}."


def months_text(years: float, digits: int = 3) -> str:
    """Return a time in months.

    Examples
    --------
    >>> months_text(1 / 3), months_text(1 / 12)
    ('4.00 months', '1.00 month')
    """
    text = significant(12 * years, digits)
    return f"{text} month{'' if float(text) == 1 else 's'}"
