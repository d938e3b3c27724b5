"""Reasons to doubt the number: each as a computed answer, not as a paragraph of caveats."""

from nmo_stats.sensitivity.background import Background, adjusted
from nmo_stats.sensitivity.empirical_bayes import EmpiricalBayesRatio, regression_to_mean
from nmo_stats.sensitivity.large_series import large_cohort_ratios, no_limit_reasons
from nmo_stats.sensitivity.literature import Profile, PublishedRate, profile, profile_of
from nmo_stats.sensitivity.no_effect import NoEffect, Simulation, benchmark, headline_population
from nmo_stats.sensitivity.overdispersion import Overdispersion, PeriodRates, observed_overdispersion
from nmo_stats.sensitivity.row import (
    FAMILY_NAMES,
    Answer,
    Assumption,
    SimulatedSpread,
    Spread,
    TippingPoint,
)
from nmo_stats.sensitivity.rules import RULES
from nmo_stats.sensitivity.run import DEFAULT_PLAN, Plan, Sensitivity, run
from nmo_stats.sensitivity.tipping import tipping_points

__all__ = [
    "DEFAULT_PLAN",
    "FAMILY_NAMES",
    "RULES",
    "Answer",
    "Assumption",
    "Background",
    "EmpiricalBayesRatio",
    "NoEffect",
    "Overdispersion",
    "PeriodRates",
    "Plan",
    "Profile",
    "PublishedRate",
    "Sensitivity",
    "SimulatedSpread",
    "Simulation",
    "Spread",
    "TippingPoint",
    "adjusted",
    "benchmark",
    "headline_population",
    "large_cohort_ratios",
    "no_limit_reasons",
    "observed_overdispersion",
    "profile",
    "profile_of",
    "regression_to_mean",
    "run",
    "tipping_points",
]
