"""Cohorts from known rates and rules of switching, many at once."""

from nmo_stats.estimators.intervals import Cohorts
from nmo_stats.estimators.within_patient import POINT_ESTIMATES, point_estimates
from nmo_stats.simulate.cohorts import cohort_with_expectation, simulate_cohorts
from nmo_stats.simulate.population import GammaRates, LogNormalRates, Population
from nmo_stats.simulate.rules import FixedWindows, LookBack, Rule, Triggered, WholeMonths

__all__ = [
    "POINT_ESTIMATES",
    "Cohorts",
    "FixedWindows",
    "GammaRates",
    "LogNormalRates",
    "LookBack",
    "Population",
    "Rule",
    "Triggered",
    "WholeMonths",
    "cohort_with_expectation",
    "point_estimates",
    "simulate_cohorts",
]
