"""Cohorts from known rates and rules of switching, many at once."""

from nmo_stats.simulate.cohorts import Cohorts, cohort_with_expectation, simulate_cohorts
from nmo_stats.simulate.population import GammaRates
from nmo_stats.simulate.ratios import POINT_ESTIMATES, point_estimates
from nmo_stats.simulate.rules import FixedWindows, LookBack, Rule, Triggered

__all__ = [
    "POINT_ESTIMATES",
    "Cohorts",
    "FixedWindows",
    "GammaRates",
    "LookBack",
    "Rule",
    "Triggered",
    "cohort_with_expectation",
    "point_estimates",
    "simulate_cohorts",
]
