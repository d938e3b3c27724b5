"""A printed number with the verdict of its recomputation, and all of those of a publication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from nmo_stats.audit.span import PrintedNumber, Verdict
from nmo_stats.audit.vocabulary import Name

VERDICTS: Final[tuple[Verdict, ...]] = (
    "disagrees",
    "agrees_by_another_formula",
    "agrees_within_rounding",
    "agrees",
    "not_recomputable",
)
# Above one number in ten the printed decimals cannot tell the formulas from a number of another origin.
COARSE: Final = 0.1
PRINTED: Final = ("quantity", "patient", "treatment", "published", "decimals", "relation", "place")
FIELDS: Final = (
    *("quantity", "patient", "treatment", "published", "decimals", "relation", "recomputed", "low", "high"),
    *(
        "verdict",
        "usual_formula",
        "formula",
        "formulas_tried",
        "chance",
        "is_coarse",
        "place",
        "words",
        "other",
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A printed number and what its recomputation gives.

    Parameters
    ----------
    quantity, patient, treatment
        Its name as written, patient and treatment None where a row names none.
    published, decimals, relation
        The number as printed; a p-value may be printed with ``"<"`` instead of ``"="``.
    place
        Where it is printed in the paper.
    name
        The same split into fields.
    verdict
        ``"agrees"``: the usual formula prints like this, an EDSS change with or without its sign;
        ``"agrees_within_rounding"``: it does for some value that the rounding of its inputs admits;
        ``"agrees_by_another_formula"``: the usual formula does not, and ``formula`` does; ``"disagrees"``:
        none does; ``"not_recomputable"``.
    recomputed, low, high
        The usual formula, and its range over the rounding of the inputs; None where it has no number.
    words
        Its arithmetic, or why there is none.
    other
        The arithmetic of the other formula that gives the printed number, or of one on other numbers of the
        paper; else empty.
    usual_formula
        Code of the usual formula where others are in use; else None.
    formula
        Code of the other formula that gives the printed number, with ``"agrees_by_another_formula"``; else
        None.
    also_agreeing
        Codes of further formulas that give it as well: the printed number does not tell them apart.
    formulas_tried
        How many formulas gave a number that was compared with the printed one.
    chance
        Proportion of the numbers with so many decimals, from half the smallest result to twice the largest,
        that agree with one of the formulas tried; with ``"agrees_by_another_formula"``, else None.
    """

    quantity: str
    patient: str | None
    treatment: str | None
    published: float
    decimals: int
    relation: str
    place: str | None
    name: Name
    verdict: Verdict = "not_recomputable"
    recomputed: float | None = None
    low: float | None = None
    high: float | None = None
    words: str = ""
    other: str = ""
    usual_formula: str | None = None
    formula: str | None = None
    also_agreeing: tuple[str, ...] = ()
    formulas_tried: int = 0
    chance: float | None = None

    @property
    def number(self) -> PrintedNumber:
        """The number as it is compared."""
        value = Decimal(f"{self.published:.{self.decimals}f}")
        return PrintedNumber(value, self.decimals, self.relation)

    @property
    def printed(self) -> str:
        """The number with its decimals, as it stands in the paper."""
        sign = "" if self.relation == "=" else f"{self.relation} "
        return f"{sign}{self.published:.{self.decimals}f}".replace("-", "−")

    @property
    def is_without_sign(self) -> bool:
        """Whether an EDSS change agrees in size alone: printed without sign, a decrease in the data."""
        is_decrease = self.recomputed is not None and self.published > 0 > self.recomputed
        return self.verdict == "agrees" and is_decrease

    @property
    def is_coarse(self) -> bool:
        """Whether the agreement with another formula says little: one such number in ten would agree."""
        return self.chance is not None and self.chance > COARSE

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON.

        Returns
        -------
        dict
            The fields, and whether the agreement is coarse.
        """
        return {name: getattr(self, name) for name in FIELDS} | {"also_agreeing": list(self.also_agreeing)}


@dataclass(frozen=True, slots=True)
class Audit:
    """All printed numbers of a publication with their verdicts.

    Parameters
    ----------
    findings
        In the order of the paper.
    """

    findings: tuple[Finding, ...]

    def of(self, wanted: Verdict) -> tuple[Finding, ...]:
        """Return the findings with one verdict.

        Parameters
        ----------
        wanted
            The verdict.

        Returns
        -------
        tuple of Finding
            In the order of the paper.
        """
        return tuple(finding for finding in self.findings if finding.verdict == wanted)

    @property
    def without_sign(self) -> tuple[Finding, ...]:
        """Those findings that agree in size, while the data show a decrease."""
        return tuple(finding for finding in self.findings if finding.is_without_sign)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many numbers have each verdict, in the order in which a reader wants them."""
        counted = Counter(finding.verdict for finding in self.findings)
        return {name: counted[name] for name in VERDICTS}

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table.

        Returns
        -------
        DataFrame
            One row per printed number.
        """
        return pd.DataFrame([finding.to_dict() for finding in self.findings], columns=list(FIELDS))

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON.

        Returns
        -------
        dict
            ``counts`` by verdict, and ``rows``, one per printed number.
        """
        return {"counts": dict(self.counts), "rows": [finding.to_dict() for finding in self.findings]}
