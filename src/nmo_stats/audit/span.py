"""A number with the range that the rounding of its inputs leaves open, and whether it can be what was printed.

Sums, differences, products and quotients are monotone in each input, so that the corners give the exact range where an
input stands once in a formula. Decimal arithmetic: 6 / 32 x 12 is 2.25 and nothing else, which binary numbers do not promise.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise, product
from typing import Final, Literal, NamedTuple

_Pick = Callable[[list[Decimal]], Decimal]
Verdict = Literal[
    "agrees", "agrees_within_rounding", "agrees_by_another_formula", "disagrees", "not_recomputable"
]

PRECISION: Final = 60
_SNAP: Final = Decimal("1e-25")  # thirds that add up to a tie must be one
_HALF: Final = Decimal("0.5")
_FEW: Final = 8
_RELATIONS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PrintedNumber(NamedTuple):
    """A number as a paper prints it: ``"="``, or with ``"<"``, ``"<="``, ``">"``, ``">="`` in front."""

    value: Decimal
    decimals: int
    relation: str = "="


@dataclass(frozen=True, slots=True)
class Span:
    """A value, and the lowest and highest that its rounding admits; equal where it is exact."""

    value: Decimal
    low: Decimal
    high: Decimal

    def __add__(self, other: Span) -> Span:
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Span) -> Span:
        return Span(self.value - other.value, self.low - other.high, self.high - other.low)

    def __truediv__(self, other: Span) -> Span:
        """Divide a span >= 0 by a positive one."""
        return Span(self.value / other.value, self.low / other.high, self.high / other.low)

    def times(self, factor: Decimal) -> Span:
        """Multiply by an exact number >= 0."""
        return Span(self.value * factor, self.low * factor, self.high * factor)

    def magnitude(self) -> Span:
        """Return the size without the sign."""
        ends = sorted((abs(self.low), abs(self.high)))
        return Span(abs(self.value), Decimal(0) if self.low < 0 < self.high else ends[0], ends[1])


def exact(number: float) -> Span:
    """Return a span without width.

    Examples
    --------
    >>> exact(6).value
    Decimal('6')
    """
    value = decimal(number)
    return Span(value, value, value)


def rounded(number: float, decimals: int) -> Span:
    """Return what a time, age or rate >= 0 may have been before it was rounded to so many decimals.

    Examples
    --------
    >>> span = rounded(32.0, 0)
    >>> str(span.low), str(span.high)
    ('31.5', '32.5')
    """
    value, half = decimal(number), _HALF.scaleb(-decimals)
    return Span(value, max(value - half, Decimal(0)), value + half)


def decimal(number: float) -> Decimal:
    """Return the shortest decimal that names the same float, without trailing zeros."""
    return Decimal(int(number)) if float(number).is_integer() else Decimal(repr(float(number)))


def decimals_of(number: float) -> int:
    """Return the fewest decimals that a number can be written with.

    A float forgets the zeros behind it: 2.0 may have been 2 or 2.0, and the fewest decimals give the wider range, in which
    the number lies either way.

    Examples
    --------
    >>> decimals_of(9.4), decimals_of(32.0)
    (1, 0)
    """
    return max(0, -int(decimal(number).as_tuple().exponent))


def total(spans: Sequence[Span]) -> Span:
    """Return the sum."""
    return sum(spans[1:], start=spans[0])


def mean(spans: Sequence[Span]) -> Span:
    """Return the arithmetic mean."""
    return total(spans).times(1 / Decimal(len(spans)))


def median(spans: Sequence[Span]) -> Span:
    """Return the median; it moves with each of the values, never against one."""
    return _each(spans, _middle)


def deviation(spans: Sequence[Span]) -> Span | None:
    """Return the standard deviation with the divisor n - 1; None of a single value."""
    return _deviation(spans, len(spans) - 1)


def population_deviation(spans: Sequence[Span]) -> Span | None:
    """Return the standard deviation with the divisor n; None of a single value, of which it is 0 whatever the value."""
    return _deviation(spans, len(spans)) if len(spans) > 1 else None


def lowest(spans: Sequence[Span]) -> Span:
    """Return the smallest value."""
    return _each(spans, lambda numbers: numbers[0])


def highest(spans: Sequence[Span]) -> Span:
    """Return the largest value."""
    return _each(spans, lambda numbers: numbers[-1])


def verdict(found: Span, printed: Decimal, decimals: int, relation: str = "=") -> Verdict:
    """Return whether a number of the span is printed as ``printed`` with so many decimals.

    Half is rounded up by people, to even by many programs, and either way by those that print a binary number (0.15 is stored
    as a little less): all are accepted.

    Examples
    --------
    >>> verdict(exact(2.25), Decimal("2.3"), 1), verdict(exact(2.25), Decimal("2.2"), 1), verdict(exact(2.35), Decimal("2.3"), 1)
    ('agrees', 'agrees', 'disagrees')
    >>> verdict(rounded(34, 0), Decimal("33.7"), 1)
    'agrees_within_rounding'
    >>> verdict(exact(0.047), Decimal("0.05"), 2, "<")
    'agrees'
    """
    if relation != "=":
        return _inequality(found, printed, relation)
    with localcontext(Context(prec=PRECISION)):
        if _prints(found.value, printed, decimals):
            return "agrees"
        # Both ranges are open where they end: 32 and 33 months touch at 32.5, which is printed as one of them, not as both.
        half = _HALF.scaleb(-decimals)
        overlap = min(found.high, printed + half) - max(found.low, printed - half)
        return "agrees_within_rounding" if overlap > _SNAP else "disagrees"


def _inequality(found: Span, printed: Decimal, relation: str) -> Verdict:
    holds = _RELATIONS[relation]
    if holds(found.value, printed):
        return "agrees"
    nearest = found.low if relation.startswith("<") else found.high
    return "agrees_within_rounding" if holds(nearest, printed) else "disagrees"


def _deviation(spans: Sequence[Span], divisor: int) -> Span | None:
    """Return a standard deviation with its range: exact in a few patients, in many one that holds it and is a little wider."""
    if divisor < 1:
        return None
    found = _root_mean_square([span.value for span in spans], divisor)
    if len(spans) <= _FEW:
        # It is convex in the values: largest at a corner of their ranges, smallest where they are drawn to one point.
        corners = product(*((span.low, span.high) for span in spans))
        nearest = [[min(max(to, span.low), span.high) for span in spans] for to in _centres(spans)]
        low = min(_root_mean_square(values, divisor) for values in nearest)
        return Span(found, low, max(_root_mean_square(values, divisor) for values in corners))
    # Distances from the mean are a norm, and shifts s_i move it by sqrt(sum(s_i^2) / divisor) at most.
    shifts = [max(span.value - span.low, span.high - span.value) for span in spans]
    shift = (sum((one * one for one in shifts), start=Decimal(0)) / divisor).sqrt()
    return Span(found, max(found - shift, Decimal(0)), found + shift)


def _root_mean_square(values: Sequence[Decimal], divisor: int) -> Decimal:
    middle = sum(values, start=Decimal(0)) / len(values)
    return (sum(((value - middle) ** 2 for value in values), start=Decimal(0)) / divisor).sqrt()


def _centres(spans: Sequence[Span]) -> list[Decimal]:
    """Return points of which one is the mean of the values that lie nearest to each other.

    Between two ends of ranges that follow each other, the values of the same ranges are held at an end, and the others follow
    the point: it is the mean of the ends.
    """
    ends = sorted({end for span in spans for end in (span.low, span.high)})
    found = list(ends)
    for left, right in pairwise(ends):
        held = [span.high for span in spans if span.high <= left]
        held += [span.low for span in spans if span.low >= right]
        if held:
            found.append(min(max(sum(held, start=Decimal(0)) / len(held), left), right))
    return found


def _prints(number: Decimal, printed: Decimal, decimals: int) -> bool:
    unit, snapped = Decimal(1).scaleb(-decimals), number.quantize(_SNAP)
    rules = (ROUND_HALF_UP, ROUND_HALF_EVEN)
    return any(snapped.quantize(unit, rounding=rule) == printed for rule in rules) or (
        Decimal(f"{float(snapped):.{decimals}f}") == printed
    )


def _each(spans: Sequence[Span], pick: _Pick) -> Span:
    values, lows, highs = (sorted(getattr(span, name) for span in spans) for name in ("value", "low", "high"))
    return Span(pick(values), pick(lows), pick(highs))


def _middle(numbers: list[Decimal]) -> Decimal:
    half = len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2
