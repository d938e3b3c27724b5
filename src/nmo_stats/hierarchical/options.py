"""Engine options: small validated values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from nmo_stats.errors import ArgumentError

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Nuts:
    """How the NUTS engine samples.

    Parameters
    ----------
    draws, tune
        Draws kept and draws used for adaptation, in each chain.
    chains
        Number of independent chains, at least 2 so that they can be compared.
    target_accept
        Aimed acceptance; the near-1 default keeps the steps small where the spreads approach 0.
    cores
        Chains run at the same time; None takes what there is on Linux and one elsewhere (other systems would
        import the calling script again). The draws do not depend on it.
    sampler
        ``"pymc"``, or ``"nutpie"`` (extra ``nmo-stats[nutpie]``).
    retry
        Whether a fit that fails a check is sampled once more, three times as long.
    progress
        Called with the draws done and the draws in all (sampler ``"pymc"``).
    """

    draws: int = 1500
    tune: int = 500
    chains: int = 4
    target_accept: float = 0.99
    cores: int | None = None
    sampler: Literal["pymc", "nutpie"] = "pymc"
    retry: bool = True
    progress: Progress | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("draws", 100), ("tune", 100), ("chains", 2), ("cores", 1)):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least) and (name, value) != ("cores", None):
                raise ArgumentError(f"{name} {value!r}: a whole number, at least {least}")
        if not 0.5 <= self.target_accept < 1:
            raise ArgumentError(f"target_accept {self.target_accept!r}: at least 0.5 and below 1")
        if self.sampler not in ("pymc", "nutpie"):
            raise ArgumentError(f"sampler {self.sampler!r}: 'pymc' or 'nutpie'")

    def longer(self) -> Nuts:
        """Return the options of a second, longer try."""
        return replace(self, draws=3 * self.draws, tune=3 * self.tune, retry=False)
