"""What a misspelt name probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_name(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return the candidate that looks most like ``name`` or a hint, or ``""``.

    Examples
    --------
    >>> nearest_name("Rituximab", ["rituximab", "tocilizumab"])
    'rituximab'
    """
    by_lower = {candidate.strip().lower(): candidate for candidate in candidates if candidate.strip()}
    for cutoff in (0.8, 0.65):
        for wanted in (name.strip().lower(), *hints):
            if found := difflib.get_close_matches(wanted, by_lower, n=1, cutoff=cutoff):
                return by_lower[found[0]]
    return ""


def nearest(name: str, candidates: Iterable[str], hints: tuple[str, ...] = ()) -> str:
    """Return ``did you mean 'x'?`` for the candidate that looks most like ``name`` or a hint, or nothing.

    Examples
    --------
    >>> nearest("Rituximab", ["rituximab", "tocilizumab"])
    "did you mean 'rituximab'?"
    """
    found = nearest_name(name, candidates, hints)
    return f"did you mean {found!r}?" if found else ""
