"""Ways in which a reference period ends, and the patients whose own data speak against them.

A design that the patients cannot have come from is not theirs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nmo_stats.arrays import Flags
from nmo_stats.cohort import Comparison
from nmo_stats.simulate import FixedWindows, LookBack, Rule, Triggered
from nmo_stats.wording import counted

RULES: Final[dict[str, Rule]] = {
    "fixed": FixedWindows(),
    "triggered_1": Triggered(1),
    "triggered_2": Triggered(2),
    "look_back": LookBack(),
}
_ORDINALS: Final = {1: "first", 2: "second", 3: "third"}
_ROUNDED: Final = 0.5  # months: a window that was rounded is not too short


def rule_words(rule: Rule) -> str:
    """Return how a reference period ends, as the middle of a sentence."""
    match rule:
        case Triggered(relapses=relapses, lag_months=lag):
            which = _ORDINALS.get(relapses, f"{relapses}th")
            return f"if the switch comes {lag:g} months after the {which} relapse of the reference period"
        case LookBack(months=months, relapses=relapses, lag_months=lag):
            return (
                f"if the switch comes {lag:g} months after a relapse and the {months:g} months before it, the "
                f"reference period, hold at least {relapses} relapses"
            )
        case FixedWindows():
            return "if relapses have no part in when a period ends"
        case _:
            return f"under the rule {rule}"


def misfits(pair: Comparison, rule: Rule) -> int:
    """Return how many patients do not fit a rule.

    A switch that follows a relapse needs as many relapses on the reference as the rule, and no answer that the period
    was *not* ended by one; a look-back needs besides a reference period that is as long as its window.

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
    return f"{wrong} of {counted(len(pair.patients), 'patient')} {verb} not fit this rule ({', '.join(reasons)})"


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
        reasons["whose switch no relapse led to"] = np.array([answer is False for answer in answers])
    return reasons
