"""The other formulas in common use, tried where the usual one does not give the printed number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

from nmo_stats.audit.chance import chance_of_agreement
from nmo_stats.audit.formulas import Computed, Formula, Outcome, arithmetic
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import PrintedNumber, Span, Verdict, verdict

_AGREEING: Final[tuple[Verdict, ...]] = ("agrees", "agrees_within_rounding")


class Match(TypedDict):
    """The fields of a finding that agrees by another formula."""

    formula: str
    also_agreeing: tuple[str, ...]
    other: str
    formulas_tried: int
    chance: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What the other formulas give, by code, and every result compared, that of the usual formula included."""

    others: tuple[tuple[str, Computed], ...]
    results: tuple[Computed, ...]

    @classmethod
    def of(cls, known: Record, name: Name, formula: Formula, usual: Outcome) -> Trial:
        """Try every alternative that has a number."""
        outcomes = [(other.code, other.compute(known, name)) for other in formula.alternatives]
        others = tuple((code, outcome) for code, outcome in outcomes if isinstance(outcome, Computed))
        results = (usual,) if isinstance(usual, Computed) else ()
        return cls(others, (*results, *(outcome for _, outcome in others)))

    def match(self, number: PrintedNumber) -> Match | None:
        """Return the first formula that gives the printed number, else the first within rounding."""
        for wanted in _AGREEING:
            agreeing = [one for one in self.others if verdict(one[1].span, *number) == wanted]
            if agreeing:
                (code, outcome), *more = agreeing
                is_exact = wanted == "agrees"
                within = "" if is_exact else " (within the rounding of the inputs)"
                return {
                    "formula": code,
                    "also_agreeing": tuple(other for other, _ in more),
                    "other": f"{arithmetic(outcome)}{within}",
                    "formulas_tried": len(self.results),
                    "chance": self._chance(number, is_exact=is_exact),
                }
        return None

    def _chance(self, number: PrintedNumber, *, is_exact: bool) -> float:
        # An inequality holds for so many numbers that agreement with one of several says nothing.
        if number.relation != "=":
            return 1.0
        spans = [outcome.span for outcome in self.results]
        points = [Span(span.value, span.value, span.value) for span in spans]
        return chance_of_agreement(points if is_exact else spans, number.decimals)
