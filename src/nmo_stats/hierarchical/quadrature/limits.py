"""What a deterministic integration may hold in memory."""

from __future__ import annotations

from typing import Final

from nmo_stats.memory import require_memory
from nmo_stats.names import HIERARCHICAL

_REMEDY: Final = "use narrower priors (the default ones suit most series), or the sampling engine ('nuts')"


def require_room(numbers: float) -> None:
    """Do nothing if the engine can hold so many numbers at once.

    Raises
    ------
    MemoryLimitError
        If it cannot: the priors or the patients span too wide a range for the steps that the counts need.
    """
    require_memory(numbers, "the integration over these priors and counts", _REMEDY, method=HIERARCHICAL)
