"""How easily a printed number agrees with one of several formulas although it came from none of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from nmo_stats.audit.span import Span

# Above one number in ten the printed decimals cannot tell the formulas from a number of another origin.
COARSE: Final = 0.1


def chance_of_agreement(results: Sequence[Span], decimals: int) -> float:
    """Return the proportion of numbers with so many decimals that agree with one of the results.

    The numbers are those from half the smallest result to twice the largest. Each result covers half a unit of
    the last decimal on both sides, and its range over the rounding of the inputs where it has one.

    Examples
    --------
    >>> from nmo_stats.audit.span import exact
    >>> [round(chance_of_agreement([exact(0.433), exact(0.354)], decimals), 2) for decimals in (1, 2, 3)]
    [0.26, 0.03, 0.0]
    """
    half = Decimal("0.5").scaleb(-decimals)
    smallest, largest = min(one.low for one in results), max(one.high for one in results)
    bottom = smallest / 2 if smallest > 0 else 2 * smallest
    top = 2 * largest if largest > 0 else largest / 2
    covered, reached = Decimal(0), bottom
    for low, high in sorted((one.low - half, one.high + half) for one in results):
        covered += max(min(high, top) - max(low, reached), Decimal(0))
        reached = max(reached, high)
    return float(min(covered / (top - bottom), Decimal(1))) if top > bottom else 1.0
