"""Patients whose own data speak against a rule of switching: a design that they cannot have come from is not theirs."""

from __future__ import annotations

import numpy as np

from nmo_stats.cohort import Comparison
from nmo_stats.simulate import LookBack, Rule, Triggered
from nmo_stats.wording import counted


def misfits(pair: Comparison, rule: Rule) -> int:
    """Return how many patients do not fit a rule.

    A switch triggered by a relapse needs as many relapses on the reference as the rule, and no answer that the period was *not*
    ended by one; a look-back needs its number of relapses.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> from nmo_stats.simulate import LookBack, Triggered
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> misfits(pair, Triggered(1)), misfits(pair, LookBack())
    (0, 1)
    """
    return int(sum(_reasons(pair, rule)))


def _reasons(pair: Comparison, rule: Rule) -> tuple[int, int]:
    """Return how many patients have too few relapses, and how many others a period that no relapse ended."""
    if not isinstance(rule, (Triggered, LookBack)):
        return 0, 0
    few = pair.relapses[:, 0] < rule.relapses
    if isinstance(rule, LookBack) or pair.history is None:
        return int(few.sum()), 0
    otherwise = np.array([answer is False for answer in pair.history.reference_ended_by_relapse()])
    return int(few.sum()), int((otherwise & ~few).sum())


def misfit_text(pair: Comparison, rule: Rule) -> str:
    """Return how many patients do not fit a rule, and why, e.g. ``1 of 3 patients does not fit this rule (...)``; empty if all fit."""
    few, otherwise = _reasons(pair, rule)
    wrong = few + otherwise
    if not wrong or not isinstance(rule, (Triggered, LookBack)):
        return ""
    number = "no relapse" if rule.relapses == 1 else f"fewer than {rule.relapses} relapses"
    reasons = [f"{number} on {pair.reference}"] * (few > 0) + ["a switch that no relapse led to"] * (
        otherwise > 0
    )
    verb = "does" if wrong == 1 else "do"
    return f"{wrong} of {counted(len(pair.patients), 'patient')} {verb} not fit this rule ({', or '.join(reasons)})"
