"""A number with the range that the rounding of its inputs leaves open, and whether it was printed so.

Sums, differences, products and quotients are monotone in each input, so that the corners give the exact range
where an input stands once in a formula. Decimal arithmetic: 6 / 32 x 12 is 2.25 and nothing else, which
binary numbers do not promise.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise, product
from typing import Final, Literal, NamedTuple

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
        """Divide by a positive span."""
        ends = [end / divisor for end in (self.low, self.high) for divisor in (other.low, other.high)]
        return Span(self.value / other.value, min(ends), max(ends))

    def __mul__(self, other: Span) -> Span:
        ends = [end * factor for end in (self.low, self.high) for factor in (other.low, other.high)]
        return Span(self.value * other.value, min(ends), max(ends))

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

    A float forgets the zeros behind it: 2.0 may have been 2 or 2.0, and the fewest decimals give the wider
    range, in which the number lies either way.

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
    return total(spans) / exact(len(spans))


def median(spans: Sequence[Span]) -> Span:
    """Return the median."""
    return _at(spans, Decimal(len(spans) - 1) / 2)


def lowest(spans: Sequence[Span]) -> Span:
    """Return the smallest value."""
    return _at(spans, Decimal(0))


def highest(spans: Sequence[Span]) -> Span:
    """Return the largest value."""
    return _at(spans, Decimal(len(spans) - 1))


# Where the first quartile of n sorted numbers lies, counted from 0; the third one lies as far from the other
# end. Of the nine types of Hyndman and Fan (doi:10.1080/00031305.1996.10473566) those that a program takes by
# default, and the median of the half of the numbers, to which the middle one of an odd count belongs.
QUARTILES: Final[dict[str, Callable[[int], Decimal]]] = {
    "quartile_type_7": lambda n: Decimal(n - 1) / 4,
    "quartile_type_6": lambda n: max(Decimal(n + 1) / 4 - 1, Decimal(0)),
    "quartile_type_2": lambda n: Decimal(n // 4) - (_HALF if n % 4 == 0 else 0),
    "tukey_hinges": lambda n: Decimal((n + 1) // 2 - 1) / 2,
}


def quartile(code: str, which: str, spans: Sequence[Span]) -> Span:
    """Return ``"q1"``, ``"q3"``, or ``"iqr"`` with a range that is a little wider, by a convention."""
    if which == "iqr":
        width = quartile(code, "q3", spans) - quartile(code, "q1", spans)
        return Span(width.value, max(width.low, Decimal(0)), width.high)
    position = QUARTILES[code](len(spans))
    return _at(spans, position if which == "q1" else len(spans) - 1 - position)


def deviation(spans: Sequence[Span], *, is_sample: bool = True) -> Span | None:
    """Return a standard deviation: its range is exact in a few patients, in many it is a little wider.

    Parameters
    ----------
    spans
        The numbers.
    is_sample
        Whether the divisor is n - 1 instead of n.

    Returns
    -------
    Span or None
        None of a single number, which has no spread.
    """
    if len(spans) < 2:
        return None
    divisor = len(spans) - is_sample
    value = _root_mean_square([span.value for span in spans], divisor)
    if len(spans) <= _FEW:
        # It is convex in the values: largest at a corner of their ranges, smallest where they are drawn to
        # one point.
        corners = product(*((span.low, span.high) for span in spans))
        nearest = [[min(max(to, span.low), span.high) for span in spans] for to in _centres(spans)]
        low = min(_root_mean_square(values, divisor) for values in nearest)
        return Span(value, low, max(_root_mean_square(values, divisor) for values in corners))
    # Distances from the mean are a norm, and shifts s_i move it by sqrt(sum(s_i^2) / divisor) at most.
    shifts = [max(span.value - span.low, span.high - span.value) for span in spans]
    shift = (sum((move * move for move in shifts), start=Decimal(0)) / divisor).sqrt()
    return Span(value, max(value - shift, Decimal(0)), value + shift)


def verdict(span: Span, printed: Decimal, decimals: int, relation: str = "=") -> Verdict:
    """Return whether a number of the span is printed as ``printed`` with so many decimals.

    Half is rounded up by people, to even by many programs, and either way by those that print a binary number
    (0.15 is stored as a little less): all are accepted.

    Examples
    --------
    >>> verdict(exact(2.25), Decimal("2.3"), 1), verdict(exact(2.25), Decimal("2.2"), 1)
    ('agrees', 'agrees')
    >>> verdict(exact(2.35), Decimal("2.3"), 1)
    'disagrees'
    >>> verdict(rounded(34, 0), Decimal("33.7"), 1)
    'agrees_within_rounding'
    >>> verdict(exact(0.047), Decimal("0.05"), 2, "<")
    'agrees'
    """
    if relation != "=":
        return _inequality(span, printed, relation)
    with localcontext(Context(prec=PRECISION)):
        if _prints(span.value, printed, decimals):
            return "agrees"
        # Both ranges are open where they end: 32 and 33 months touch at 32.5, which is printed as one of
        # them, not as both.
        half = _HALF.scaleb(-decimals)
        overlap = min(span.high, printed + half) - max(span.low, printed - half)
        return "agrees_within_rounding" if overlap > _SNAP else "disagrees"


def chance_of_agreement(results: Sequence[Span], decimals: int) -> float:
    """Return the proportion of numbers with so many decimals that agree with one of the results.

    The numbers are those from half the smallest result to twice the largest. Each result covers half a unit
    of the last decimal on both sides, and its range over the rounding of the inputs where it has one.

    Examples
    --------
    >>> [round(chance_of_agreement([exact(0.433), exact(0.354)], decimals), 2) for decimals in (1, 2, 3)]
    [0.26, 0.03, 0.0]
    """
    half = _HALF.scaleb(-decimals)
    smallest, largest = min(span.low for span in results), max(span.high for span in results)
    bottom = smallest / 2 if smallest > 0 else 2 * smallest
    top = 2 * largest if largest > 0 else largest / 2
    covered, reached = Decimal(0), bottom
    for low, high in sorted((span.low - half, span.high + half) for span in results):
        covered += max(min(high, top) - max(low, reached), Decimal(0))
        reached = max(reached, high)
    return float(min(covered / (top - bottom), Decimal(1))) if top > bottom else 1.0


def _inequality(span: Span, printed: Decimal, relation: str) -> Verdict:
    holds = _RELATIONS[relation]
    if holds(span.value, printed):
        return "agrees"
    nearest = span.low if relation.startswith("<") else span.high
    return "agrees_within_rounding" if holds(nearest, printed) else "disagrees"


def _root_mean_square(values: Sequence[Decimal], divisor: int) -> Decimal:
    middle = sum(values, start=Decimal(0)) / len(values)
    return (sum(((value - middle) ** 2 for value in values), start=Decimal(0)) / divisor).sqrt()


def _centres(spans: Sequence[Span]) -> list[Decimal]:
    """Return points of which one is the mean of the values that lie nearest to each other.

    Between two ends of ranges that follow each other, the values of the same ranges are fixed at an end, and
    the others follow the point: it is the mean of the ends.
    """
    ends = sorted({end for span in spans for end in (span.low, span.high)})
    centres = list(ends)
    for left, right in pairwise(ends):
        fixed = [span.high for span in spans if span.high <= left]
        fixed += [span.low for span in spans if span.low >= right]
        if fixed:
            centres.append(min(max(sum(fixed, start=Decimal(0)) / len(fixed), left), right))
    return centres


def _prints(number: Decimal, printed: Decimal, decimals: int) -> bool:
    unit, snapped = Decimal(1).scaleb(-decimals), number.quantize(_SNAP)
    rules = (ROUND_HALF_UP, ROUND_HALF_EVEN)
    return any(snapped.quantize(unit, rounding=rule) == printed for rule in rules) or (
        Decimal(f"{float(snapped):.{decimals}f}") == printed
    )


def _at(spans: Sequence[Span], position: Decimal) -> Span:
    """Return the number at a place of the sorted ones, between two by interpolation."""
    before, after = math.floor(position), math.ceil(position)
    ends = (sorted(getattr(span, end) for span in spans) for end in ("value", "low", "high"))
    return Span(
        *(numbers[before] + (position - before) * (numbers[after] - numbers[before]) for numbers in ends)
    )
