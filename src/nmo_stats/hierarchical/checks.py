"""What a check of a fit is: the rule that names and judges a number, and the words that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from nmo_stats.arguments import instance
from nmo_stats.hierarchical.convergence import Verdict
from nmo_stats.wording import plain

Role = Literal["computation", "information"]

CONTRACTION_LIMIT: Final = 0.5
POWER_SCALING_LIMIT: Final = 0.05
TAIL_LIMIT: Final = 0.05
AGREEMENT_LIMIT: Final = 4.0
LEAVE_ONE_OUT_LIMIT: Final = 1.0

_LONGER: Final = "sample longer, engine=Nuts(draws=6000)"
_UNRESOLVED: Final = "the grid does not resolve the posterior: engine='nuts'"
# What to do where a number of the computation does not keep its limit.
_REMEDIES: Final = {
    "R-hat": "the chains disagree: sample longer, engine=Nuts(draws=6000, tune=3000)",
    "bulk ESS": f"too few independent draws: {_LONGER}",
    "tail ESS": f"too few independent draws in the tails: {_LONGER}",
    "Monte Carlo error of the median / sd": _LONGER,
    "Monte Carlo error of the limits / sd": _LONGER,
    "divergences": "the sampler missed part of the posterior: engine=Nuts(target_accept=0.999, tune=3000)",
    "trees at largest depth": "the steps are too short: engine=Nuts(tune=3000)",
    "quadrature error of the quantiles": _UNRESOLVED,
    "quadrature error of the probabilities": _UNRESOLVED,
    "probability at the edge of the grid": "the grid does not contain the posterior: engine='nuts'",
    "BFMI": "the chains move too slowly through the tails: engine=Nuts(draws=6000, tune=3000)",
}


class _Rule(NamedTuple):
    """How a number is named and judged, and what it means; texts may hold ``{subject}`` and ``{result}``."""

    name: str
    limit: float
    side: Literal["least", "most"]  # the limit is the least, or the largest value that passes
    passed: str
    failed: str
    role: Role = "information"


_RULES: Final = {
    "agreement": _Rule(
        "NUTS agrees with quadrature (worst: {subject})", AGREEMENT_LIMIT, "most", "",
        f"one of the engines is wrong: {_LONGER}, and report it", "computation",
    ),
    "prior_predictive": _Rule(
        "prior predictive: relapses per patient-year", TAIL_LIMIT, "least", "{result}", "{result}"
    ),
    "posterior_predictive": _Rule(
        "posterior predictive: {subject}", TAIL_LIMIT, "least", "the model reproduces it",
        "the model does not reproduce it: counts vary in a way that the model ignores",
    ),
    "leave_one_out": _Rule("leave one patient out", LEAVE_ONE_OUT_LIMIT, "most", "{result}", "{result}"),
    "contraction": _Rule(
        "contraction: {subject}", CONTRACTION_LIMIT, "least",
        "the data removed {result} of the prior variance",
        "the data say little about the {subject}: they removed {result} of the prior variance",
    ),
    "power_scaling": _Rule(
        "sensitivity to the priors: {subject}", POWER_SCALING_LIMIT, "most",
        "a slightly stronger prior changes little",
        "the {subject} moves with its prior: read it with the prior",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One number about a fit, compared with a limit.

    Parameters
    ----------
    name
        What is checked.
    role
        ``"computation"`` decides whether the result may be printed; ``"information"`` is printed beside it.
    value, limit
        The number and its limit.
    passed
        Whether the limit is kept.
    advice
        What to do, or what the number means for the reader.
    code
        The rule: ``"contraction"``, ``"leave_one_out"``, ...; of the computation the name of its number.
    subject
        What the number is about: a parameter or quantity, a statistic of the counts, or a patient.
    """

    name: str
    role: Role
    value: float
    limit: float
    passed: bool
    advice: str
    code: str = ""
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.name} is {check_text(self)} (limit {self.limit:g})"

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain values for JSON.

        Returns
        -------
        dict
            ``name``, ``role``, ``value``, ``limit``, ``passed`` and ``advice``.
        """
        names = ("name", "role", "value", "limit", "passed", "advice")
        return {name: getattr(self, name) for name in names}


def check_text(check: Check) -> str:
    """Return the value of a check with enough digits to tell it from its limit, from 0 and from 1.

    Parameters
    ----------
    check
        The check.

    Returns
    -------
    str
        E.g. ``0.0499``.

    Raises
    ------
    ArgumentError
        If it is no check.
    """
    instance("check", check, Check)
    return plain(check.value, check.limit, 0.0, 1.0)


def of_computation(verdict: Verdict) -> Check:
    """Return an engine's number with its limit as a check."""
    code, subject, passed = verdict.name, verdict.quantity, verdict.passed
    name = f"{code} (worst: {subject})" if subject else code
    advice = "" if passed else _REMEDIES[code]
    return Check(name, "computation", verdict.value, verdict.limit, passed, advice, code, subject)


def judged(code: str, value: float, subject: str = "", result: str = "") -> Check:
    """Return a check by its rule."""
    rule = _RULES[code]
    passed = value >= rule.limit if rule.side == "least" else value <= rule.limit
    name = rule.name.format(subject=subject)
    advice = (rule.passed if passed else rule.failed).format(subject=subject, result=result)
    return Check(name, rule.role, value, rule.limit, passed, advice, code, subject)
