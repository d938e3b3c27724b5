"""What a name of a printed number that the vocabulary does not know probably meant."""

from __future__ import annotations

import difflib
from typing import Final

from nmo_stats.audit.vocabulary import FORMULAS, SUMMARIES

_OTHER_NAMES: Final = {
    **{f"patients_{one}": f"edss_{one}" for one in ("worsened", "stable", "improved")},
    **{f"follow_up_{unit}": f"exposure_{unit}" for unit in ("days", "months", "years")},
    "relapse_rate": "arr",
    "irr": "rate_ratio",
    "number_of_patients": "cohort_size",
}


def suggestion(quantity: str) -> str:
    """Return ``did you mean 'arr_median'?`` for a name that looks like one of the vocabulary, or nothing.

    Examples
    --------
    >>> suggestion("mean_arr"), suggestion("patients_improved"), suggestion("titre")
    ("did you mean 'arr_mean'?", "did you mean 'edss_improved'?", '')
    """
    known = [*FORMULAS, *(f"{base}{end}" for base in FORMULAS for end in SUMMARIES)]
    if quantity in known:
        return ""
    by_words = {_sorted_words(name): name for name in reversed(known)}
    words = _sorted_words(_OTHER_NAMES.get(quantity, quantity))
    close = [words] if words in by_words else []
    close = close or difflib.get_close_matches(words, by_words, n=1, cutoff=0.88)
    names = [by_words[one] for one in close] or difflib.get_close_matches(quantity, known, n=1, cutoff=0.88)
    return f"did you mean {names[0]!r}?" if names else ""


def _sorted_words(name: str) -> str:
    return "_".join(sorted(name.lower().split("_")))
