"""Fit the hierarchical model by the engine of choice: quadrature, or NUTS with its options."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from nmo_stats.arguments import Progress, Seed, flag, function, instance, number, one_of, whole
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NmoStatsError, SamplerError
from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.model import Entry, Likelihood, Model
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Priors
from nmo_stats.hierarchical.quadrature.fitting import fit_quadrature

ENGINES: Final = ("quadrature", "nuts")  # or the options of NUTS
_LONGEST_REASON: Final = 300  # characters; compilers print pages
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


def fit(
    pair: Comparison,
    *,
    priors: Priors = DEFAULT_PRIORS,
    likelihood: Likelihood = "poisson",
    entry: Entry | None = None,
    engine: Engine = "quadrature",
    seed: Seed | None = None,
) -> HierarchicalFit:
    """Fit the Bayesian hierarchical model that compares two periods within patients.

    Parameters
    ----------
    pair
        The two periods.
    priors
        Priors of the top-level parameters; rates are per year.
    likelihood
        ``"poisson"`` or ``"negative_binomial"``.
    entry
        ``"relapse_on_reference"`` if patients were included because they relapsed on the reference.
    engine
        ``"quadrature"`` integrates the posterior; ``"nuts"`` or its options, e.g. ``Nuts(draws=4000)``,
        sample it.
    seed
        Seed of all random numbers, None for a fresh one; the fit remembers it.

    Returns
    -------
    HierarchicalFit
        Its methods answer, or raise if the computation failed a check.

    Raises
    ------
    CohortError
        If ``entry`` is given and a patient has no relapse on the reference.
    ArgumentError
        If an option is unknown, or quadrature has more than 1,000 negative-binomial patients.
    SamplerError
        If NUTS is chosen and cannot be run, e.g. without PyMC.

    Notes
    -----
    A failed check of the engine (quadrature: an error that may exceed 1e-3) withholds every number.

    Examples
    --------
    >>> import nmo_stats as nmo
    >>> answer = fit(nmo.load_example().compare("tocilizumab", reference="rituximab")).rate_ratio()
    >>> print(f"{answer.estimate:.4f} ({answer.interval.low:.4f} to {answer.interval.high:.4f})")
    0.2196 (0.0413 to 0.9104)
    """
    instance("pair", pair, Comparison)
    instance("priors", priors, Priors)
    return fit_model(Model(pair, priors, likelihood, entry), engine, seed)


def fit_model(model: Model, engine: Engine = "quadrature", seed: Seed | None = None) -> HierarchicalFit:
    """Fit a validated model.

    Parameters
    ----------
    model
        The comparison with priors and likelihood.
    engine
        ``"quadrature"``, ``"nuts"`` or its options.
    seed
        Seed of all random numbers, None for a fresh one.

    Returns
    -------
    HierarchicalFit
        Its methods answer, or raise if the computation failed a check.

    Raises
    ------
    ArgumentError
        If an argument is unknown or of another kind.
    SamplerError
        If NUTS is chosen and cannot be run.
    """
    instance("model", model, Model)
    chosen_seed = valid_seed(np.random.SeedSequence() if seed is None else seed)
    if not isinstance(engine, Nuts) and one_of("engine", engine, ENGINES) == "quadrature":
        return fit_quadrature(model, chosen_seed)
    options = engine if isinstance(engine, Nuts) else Nuts()
    sampled = _sampled(model, options, chosen_seed)
    if sampled.convergence.failures and options.retry:
        return _sampled(model, options.longer(), chosen_seed)
    return sampled


def _sampled(model: Model, options: Nuts, seed: int) -> HierarchicalFit:
    """Sample; libraries that are missing or do not work together are refused with their reason."""
    try:
        from nmo_stats.hierarchical.arviz_adapter import quietly

        with quietly():  # PyTensor speaks up on import where there is no C++ compiler
            from nmo_stats.hierarchical.nuts import fit_nuts

        return fit_nuts(model, options, seed)
    except NmoStatsError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        raise SamplerError(
            f"NUTS cannot be run here ({type(error).__name__}: {reason}); install PyMC and ArviZ anew, "
            "or choose the engine 'quadrature', which needs neither"
        ) from error
