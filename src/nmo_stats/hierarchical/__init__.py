"""The Bayesian hierarchical relapse-rate model."""

from nmo_stats.hierarchical.convergence import Convergence, Quality
from nmo_stats.hierarchical.fitted import HierarchicalFit
from nmo_stats.hierarchical.fitting import fit, fit_model
from nmo_stats.hierarchical.many import RatioPosteriors, ratio_posteriors
from nmo_stats.hierarchical.model import Model
from nmo_stats.hierarchical.options import Nuts
from nmo_stats.hierarchical.posterior import DrawsPosterior, Posterior
from nmo_stats.hierarchical.priors import DEFAULT_PRIORS, HalfNormal, Normal, Priors
from nmo_stats.hierarchical.refits import Refits, leave_one_patient_out, ratio_prior_grid, with_priors

__all__ = [
    "DEFAULT_PRIORS",
    "Convergence",
    "DrawsPosterior",
    "HalfNormal",
    "HierarchicalFit",
    "Model",
    "Normal",
    "Nuts",
    "Posterior",
    "Priors",
    "Quality",
    "RatioPosteriors",
    "Refits",
    "fit",
    "fit_model",
    "leave_one_patient_out",
    "ratio_posteriors",
    "ratio_prior_grid",
    "with_priors",
]
