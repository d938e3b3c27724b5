"""Fit the hierarchical model by the engine of choice: quadrature, or NUTS with its options."""

from __future__ import annotations

from typing import Final

import numpy as np

from nmo_stats.arguments import Seed, instance, one_of
from nmo_stats.arguments import seed as valid_seed
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NmoStatsError, SamplerError
from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.model import Entry, Likelihood, Model
from nmo_stats.hierarchical.options import ENGINES, Engine, Nuts
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, Priors
from nmo_stats.hierarchical.quadrature.fitting import fit_quadrature

_LONGEST_REASON: Final = 300  # characters; compilers print pages


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
