"""How much memory a computation may take: what would take more is refused before it is allocated."""

from __future__ import annotations

from typing import Final

from nmo_stats.errors import ConvergenceError

# Of one group of arrays that are held at the same time. With what stands beside it a process stays below 2
# GB, which a laptop has to spare while other programs run.
BUDGET_BYTES: Final = 600_000_000
_BYTES_PER_NUMBER: Final = 8


class MemoryLimitError(ConvergenceError):
    """A computation would take more memory than one may; nothing was allocated."""


def require_memory(numbers: float, what: str, remedy: str, *, method: str) -> None:
    """Do nothing if so many numbers can be held at once.

    Parameters
    ----------
    numbers
        How many numbers of 8 bytes are held at the same time.
    what
        What they are, the start of a sentence.
    remedy
        What the user can do.
    method
        Name of the method whose result is withheld.

    Raises
    ------
    MemoryLimitError
        If they would take more than 0.6 GB.

    Examples
    --------
    >>> require_memory(1e6, "the posterior", "use narrower priors", method="hierarchical_quadrature")
    >>> require_memory(1e9, "the posterior", "use narrower priors", method="hierarchical_quadrature")
    Traceback (most recent call last):
        ...
    nmo_stats.memory.MemoryLimitError: hierarchical_quadrature: the posterior needs 8 GB of memory. ...
    """
    needed = numbers * _BYTES_PER_NUMBER
    if needed > BUDGET_BYTES:
        reason = (
            f"{what} needs {_gigabytes(needed)} GB of memory. "
            f"Expected: at most {_gigabytes(BUDGET_BYTES)} GB. {remedy[:1].upper()}{remedy[1:]}."
        )
        raise MemoryLimitError((reason,), method)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.0f}" if size >= 1e10 else f"{size / 1e9:.2g}"
