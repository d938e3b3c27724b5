"""Which engine fits the model, and how the sampler samples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from nmo_stats.arguments import Progress, flag, function, number, one_of, whole

ENGINES: Final = ("quadrature", "nuts")  # or the options of NUTS
# Draws that no posterior of a few numbers needs more of; a second, longer try takes three times as many.
_WHOLE: Final = {"draws": (100, 100_000), "tune": (100, 100_000), "chains": (2, 64), "cores": (1, 1_024)}
_MOST_ACCEPTED: Final = 0.9999  # nearer to 1 the steps become so short that no chain ends


@dataclass(frozen=True, slots=True)
class Nuts:
    """How the NUTS engine samples.

    Parameters
    ----------
    draws, tune
        Draws kept and draws used for adaptation, in each chain: 100 to 100,000.
    chains
        Number of independent chains: at least 2, so that they can be compared, and at most 64.
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

    Raises
    ------
    ArgumentError
        If a number is out of its range, or the sampler unknown.
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
        for name, (least, most) in _WHOLE.items():
            if name != "cores" or self.cores is not None:
                object.__setattr__(self, name, whole(name, getattr(self, name), least, most))
        accept = number("target_accept", self.target_accept, 0.5, _MOST_ACCEPTED)
        object.__setattr__(self, "target_accept", accept)
        one_of("sampler", self.sampler, ("pymc", "nutpie"))
        flag("retry", self.retry)
        function("progress", self.progress)

    def longer(self) -> Nuts:
        """Return the options of a second, longer try.

        Returns
        -------
        Nuts
            Three times the draws, up to the most that are allowed, and no further try.
        """
        draws, tune = (min(3 * count, _WHOLE["draws"][1]) for count in (self.draws, self.tune))
        return replace(self, draws=draws, tune=tune, retry=False)


Engine = str | Nuts
