"""Ways in which a reference period ends, and the patients whose own data speak against them.

A design that the patients cannot have come from is not theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Flags
from nmo_stats.cohort import Comparison
from nmo_stats.simulate import FixedWindows, LookBack, Rule, Triggered
from nmo_stats.wording import counted


@dataclass(frozen=True, slots=True)
class Design:
    """A way in which a reference period ends.

    Parameters
    ----------
    rule
        How such series are simulated.
    title
        Its name in tables and figures.
    end
        When the period ends, as the end of a sentence.
    """

    rule: Rule
    title: str
    end: str


DESIGNS: Final = {
    "fixed": Design(FixedWindows(), "Times as observed", "as observed"),
    "triggered_1": Design(
        Triggered(1), "Switch 2 months after the first relapse", "2 months after its first relapse"
    ),
    "triggered_2": Design(
        Triggered(2), "Switch 2 months after the second relapse", "2 months after its second relapse"
    ),
    "look_back": Design(
        LookBack(),
        "Switch after 2 relapses in 12 months",
        "2 months after a relapse and covers the 12 months before it, with 2 relapses or more",
    ),
}
RULES: Final[dict[str, Rule]] = {code: design.rule for code, design in DESIGNS.items()}
_ROUNDED: Final = 0.5  # months: a window that was rounded is not too short


def misfits(pair: Comparison, rule: Rule) -> int:
    """Return how many patients do not fit a rule.

    A switch that follows a relapse needs as many relapses on the reference as the rule, and no answer that
    the period was *not* ended by one; a look-back needs besides a reference period that is as long as its
    window.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> misfits(pair, Triggered(1)), misfits(pair, LookBack())
    (0, 2)
    """
    return int(np.any([np.zeros(len(pair.patients), bool), *_reasons(pair, rule).values()], axis=0).sum())


def misfit_text(pair: Comparison, rule: Rule) -> str:
    """Return how many patients do not fit a rule, and how many for each reason; empty if all fit.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> for part in misfit_text(pair, LookBack()).split(" ("):
    ...     print(part)
    2 of 3 patients do not fit this rule
    1 with fewer than 2 relapses on rituximab, 2 with less than 12 months on it)
    """
    wrong = misfits(pair, rule)
    if not wrong:
        return ""
    reasons = [f"{flags.sum()} {words}" for words, flags in _reasons(pair, rule).items() if flags.any()]
    verb = "does" if wrong == 1 else "do"
    return (
        f"{wrong} of {counted(len(pair.patients), 'patient')} {verb} not fit this rule ({', '.join(reasons)})"
    )


def _reasons(pair: Comparison, rule: Rule) -> dict[str, Flags]:
    """Return which patients do not fit, by the reason; a patient may have several."""
    if not isinstance(rule, (Triggered, LookBack)):
        return {}
    number = "no relapse" if rule.relapses == 1 else f"fewer than {rule.relapses} relapses"
    reasons = {f"with {number} on {pair.reference}": pair.relapses[:, 0] < rule.relapses}
    if isinstance(rule, LookBack):
        short = 12 * pair.years[:, 0] < rule.months - _ROUNDED
        reasons[f"with less than {rule.months:g} months on it"] = short
    if pair.history is not None:
        answers = pair.history.reference_ended_by_relapse()
        reasons["whose reference period was not ended by a relapse"] = np.array(
            [answer is False for answer in answers]
        )
    return reasons
