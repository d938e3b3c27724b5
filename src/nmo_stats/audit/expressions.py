"""The small language of the vocabulary: an expression over intervals, and its arithmetic in words.

``relapses / exposure * per_year`` of a patient on a drug is 2.25 (2.215 to 2.286) and ``6 relapses / 32
months × 12``. The head of ``data/audit/vocabulary.toml`` lists what an expression may hold; the functions are
those of :mod:`nmo_stats.audit.functions` and :mod:`nmo_stats.audit.inference`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Final

from nmo_stats.audit.record import Record, Source
from nmo_stats.audit.span import Span, exact
from nmo_stats.audit.vocabulary import DATUM, NO_UNIT, Name, quantity_in_words, read_name, row_of
from nmo_stats.cohort.schema import UNITS_PER_YEAR

NO_SOURCE: Final = "an original datum: no other number to recompute it from"
TEXT, SUM, PRODUCT, TERM = range(4)  # how tightly an arithmetic holds together
# Operation, symbol, how tightly it binds, and the number on the right that changes nothing and is not
# written.
_OPERATORS: Final[dict[type[ast.operator], tuple[Callable[[Span, Span], Span], str, int, Span]]] = {
    ast.Add: (operator.add, "+", SUM, exact(0)),
    ast.Sub: (operator.sub, "−", SUM, exact(0)),
    ast.Mult: (operator.mul, "×", PRODUCT, exact(1)),
    ast.Div: (operator.truediv, "/", PRODUCT, exact(1)),
}


@dataclass(frozen=True, slots=True)
class Computed:
    """A recomputed number and its arithmetic.

    Parameters
    ----------
    span
        The number.
    text
        Its arithmetic, up to the result.
    binding
        How tightly the text holds together: ``TERM``, ``PRODUCT``, ``SUM`` or ``TEXT``.
    source
        Where a number comes from that is taken as it is; else empty.
    unit
        Its noun, singular and plural.
    """

    span: Span
    text: str
    binding: int = TEXT
    source: Source = ""
    unit: tuple[str, str] = NO_UNIT

    @property
    def arithmetic(self) -> str:
        """The arithmetic with its result, e.g. ``9 relapses / 44 months × 12 = 2.455 (2.427 to 2.483)``."""
        return f"{self.source or self.text} = {spread(self.span)}"


class NotRecomputableError(Exception):
    """Why a number cannot be recomputed; ``is_datum``: because nothing but the data could hold it."""

    def __init__(self, reason: str, *, is_datum: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_datum = is_datum


Outcome = Computed | NotRecomputableError
Argument = ast.expr | str
Function = Callable[..., Computed]


def by_name(*functions: Function) -> dict[str, Function]:
    """Return functions by the names that an expression calls them by."""
    return {function.__name__: function for function in functions}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression is evaluated.

    Parameters
    ----------
    record
        What is known.
    name
        The number that is meant.
    functions
        What an expression may call.
    code
        The formula that is tried.
    among
        The patients, where they are not all those on the drug.
    """

    record: Record
    name: Name
    functions: Mapping[str, Function]
    code: str = ""
    among: tuple[str, ...] | None = None

    @property
    def patients(self) -> tuple[str, ...]:
        """Those of whom a series consists."""
        return self.record.patients_on(self.name.treatment) if self.among is None else self.among

    def of(self, patient: str) -> Scope:
        """Return the scope of one patient."""
        return replace(self, name=self.name._replace(patient=patient))

    def on(self, treatment: str | None) -> Scope:
        """Return the scope of one drug."""
        return replace(self, name=self.name._replace(treatment=treatment))

    def value(self, expression: Argument) -> Computed:
        """Return the value of an expression; raise NotRecomputableError if it has none."""
        return evaluate(_parsed(expression) if isinstance(expression, str) else expression, self)

    def outcome(self, expression: Argument) -> Outcome:
        """Return the value of an expression, or why it has none."""
        try:
            return self.value(expression)
        except NotRecomputableError as error:
            return error

    def of_each(self, expression: Argument) -> list[Computed | None]:
        """Return the value of each patient of the series, None where it is not known."""
        outcomes = [self.of(patient).outcome(expression) for patient in self.patients]
        return [outcome if isinstance(outcome, Computed) else None for outcome in outcomes]


@cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def evaluate(node: ast.expr, scope: Scope) -> Computed:
    """Return the value of the tree of an expression.

    Raises
    ------
    NotRecomputableError
        If the data do not determine it.
    """
    match node:
        case ast.Constant(value=int() | float() as value):
            result = constant(value)
        case ast.Constant(value=str() as quantity) | ast.Name(id=quantity):
            result = _named(scope, quantity)
        case ast.BinOp(left=left, op=sign, right=right):
            result = _combined(evaluate(left, scope), sign, evaluate(right, scope))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            result = constant(evaluate(operand, scope).span.value == 0)
        case ast.BoolOp(op=ast.Or(), values=[first, other]):
            outcome = scope.outcome(first)
            result = outcome if isinstance(outcome, Computed) else evaluate(other, scope)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            result = scope.functions[function](scope, *(_argument(argument, scope) for argument in arguments))
        case _:
            raise ValueError(f"no expression of the vocabulary: {ast.unparse(node)}")
    return result


def _argument(node: ast.expr, scope: Scope) -> Argument:
    """Return the argument of a function: a text, the code of the formula, or an expression."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id="code"):
            return scope.code
        case _:
            return node


def constant(value: float) -> Computed:
    """Return an exact number that is no datum."""
    span = exact(value)
    return Computed(span, number(span.value, 5), TERM)


def _named(scope: Scope, name: str) -> Computed:
    """Return the number behind a name: a word of the language, or a quantity."""
    if name == "per_year":
        return constant(UNITS_PER_YEAR[scope.record.unit])
    if name == DATUM:
        fact = scope.record.data.get(scope.name)
        if fact is None:
            raise NotRecomputableError(NO_SOURCE, is_datum=True)
        return Computed(fact.span, "", TERM, fact.source)
    own = str(scope.name.part) if row_of(scope.name).part == "quantity" else scope.name.quantity
    return _quantity(scope, {"exposure": scope.record.unit, "quantity": own}.get(name, name))


def _quantity(scope: Scope, quantity: str) -> Computed:
    """Return the number of a quantity: from the data, by its usual formula, else as printed.

    What is left open in the name of the quantity, ``<drug>`` or ``<n>``, is that of the name that is meant.
    """
    name = read_name(quantity, scope.name.patient, scope.name.treatment)
    row = row_of(name)
    if row.part and name.part is None:
        name = name._replace(part=scope.name.part)
    fact = scope.record.data.get(name)
    outcome: Outcome = NotRecomputableError(f"{quantity_in_words(quantity)} is not known", is_datum=True)
    if fact is None and row.defines and row.expressions[row.usual] != DATUM:
        outcome = replace(scope, name=name, code=row.usual).outcome(row.readings(name.patient)[0])
    if fact is None and not isinstance(outcome, Computed):
        fact = scope.record.printed.get(name)
    if fact is not None:
        outcome = Computed(fact.span, number(fact.span.value), TERM, fact.source)
    if isinstance(outcome, NotRecomputableError):
        raise outcome
    if row.unit == NO_UNIT:
        return outcome
    unit = (row.unit[0].format(drug=name.part), row.unit[1].format(drug=name.part))
    return replace(outcome, text=with_unit(outcome.span, unit), binding=TERM, unit=unit)


def _combined(left: Computed, sign: ast.operator, right: Computed) -> Computed:
    """Return a sum, difference, product or quotient."""
    operation, symbol, binding, neutral = _OPERATORS[type(sign)]
    if right.span == neutral:
        return left
    if isinstance(sign, ast.Div) and right.span.low <= 0:
        raise NotRecomputableError(f"{right.text} may be 0: the quotient is not finite")
    before = left.text if left.binding >= binding else f"({left.text})"
    behind = right.text if right.binding > binding else f"({right.text})"
    return Computed(operation(left.span, right.span), f"{before} {symbol} {behind}", binding)


def with_unit(span: Span, unit: tuple[str, str]) -> str:
    """Return a value with its noun, e.g. ``1 relapse``."""
    return f"{number(span.value)} {unit[span.value != 1]}".rstrip()


def number(value: Decimal, digits: int = 4) -> str:
    """Return a number with so many significant digits, whole numbers in full, without trailing zeros.

    Examples
    --------
    >>> number(Decimal("2.6666666")), number(Decimal(32)), number(Decimal("2.50")), number(Decimal("1229.7"))
    ('2.667', '32', '2.5', '1230')
    """
    if value == value.to_integral_value():
        return f"{value:.0f}".replace("-", "−")
    text = f"{Decimal(f'{value:.{digits - 1}e}'):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def spread(span: Span) -> str:
    """Return a value with the range that rounding leaves open, e.g. ``34 (32.9 to 35.1)``."""
    if span.low == span.high:
        return number(span.value)
    return f"{number(span.value)} ({number(span.low)} to {number(span.high)})"
