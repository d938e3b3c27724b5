"""Quartiles by the conventions of the programs that papers are made with.

Of the nine types of Hyndman and Fan (doi:10.1080/00031305.1996.10473566) those that a program takes by
default: 7 in R, NumPy and Excel; 6 in SPSS, Minitab and Prism; 2 in SAS and Stata; and Tukey's hinges, which
box plots and SPSS print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from nmo_stats.audit.span import Span

Quantile = Callable[[list[Decimal], Decimal], Decimal]
Pick = Callable[[Sequence[Span]], Span | None]
USUAL_QUARTILE: Final = "quartile_type_7"
_QUARTERS: Final = {"q1": Decimal("0.25"), "q3": Decimal("0.75")}


def type_7(numbers: list[Decimal], share: Decimal) -> Decimal:
    """Return a quantile of sorted numbers by interpolation at (n − 1) p."""
    return _between(numbers, (len(numbers) - 1) * share)


def type_6(numbers: list[Decimal], share: Decimal) -> Decimal:
    """Return a quantile of sorted numbers by interpolation at (n + 1) p − 1, within their range."""
    return _between(numbers, (len(numbers) + 1) * share - 1)


def type_2(numbers: list[Decimal], share: Decimal) -> Decimal:
    """Return a quantile of sorted numbers, the mean of two where the share falls between them."""
    position = len(numbers) * share
    whole = int(position)
    if position == whole:
        return (numbers[max(whole - 1, 0)] + numbers[min(whole, len(numbers) - 1)]) / 2
    return numbers[whole]


def hinge(numbers: list[Decimal], share: Decimal) -> Decimal:
    """Return the median of the lower or the upper half; the middle number of an odd count lies in both."""
    half = (len(numbers) + 1) // 2
    part = numbers[:half] if share < Decimal("0.5") else numbers[-half:]
    middle = (len(part) - 1) // 2
    return (part[middle] + part[len(part) // 2]) / 2


QUANTILES: Final[dict[str, Quantile]] = {
    USUAL_QUARTILE: type_7,
    "quartile_type_6": type_6,
    "quartile_type_2": type_2,
    "tukey_hinges": hinge,
}


def quartile(which: str, quantile: Quantile, spans: Sequence[Span]) -> Span:
    """Return ``"q1"`` or ``"q3"``, which never moves against one of the values."""
    sorted_ends = (sorted(getattr(span, end) for span in spans) for end in ("value", "low", "high"))
    return Span(*(quantile(numbers, _QUARTERS[which]) for numbers in sorted_ends))


def interquartile_range(quantile: Quantile, spans: Sequence[Span]) -> Span:
    """Return third − first quartile, with a range that holds it and is a little wider."""
    width = quartile("q3", quantile, spans) - quartile("q1", quantile, spans)
    return Span(width.value, max(width.low, Decimal(0)), width.high)


def quartile_picks(which: str) -> dict[str, Pick]:
    """Return how each convention takes ``"q1"``, ``"q3"`` or ``"iqr"`` from numbers; the usual one first."""
    if which == "iqr":
        return {code: partial(interquartile_range, quantile) for code, quantile in QUANTILES.items()}
    return {code: partial(quartile, which, quantile) for code, quantile in QUANTILES.items()}


def _between(numbers: list[Decimal], position: Decimal) -> Decimal:
    position = min(max(position, Decimal(0)), Decimal(len(numbers) - 1))
    whole = int(position)
    following = numbers[min(whole + 1, len(numbers) - 1)]
    return numbers[whole] + (position - whole) * (following - numbers[whole])
