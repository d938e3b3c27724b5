"""Figures: each takes finished results and an Axes, draws, and returns the Axes."""

from nmo_stats.figures.coverage import calibration, coverage_by_ratio, coverage_map
from nmo_stats.figures.curves import mean_counts, relapse_free
from nmo_stats.figures.edss import edss_slopes
from nmo_stats.figures.forest import forest
from nmo_stats.figures.patients import patient_ratios, predictive
from nmo_stats.figures.posterior import prior_posterior, ranks
from nmo_stats.figures.sensitivity import no_effect, specification_curve
from nmo_stats.figures.style import COMPARATOR, REFERENCE, styled
from nmo_stats.figures.timeline import timeline

__all__ = [
    "COMPARATOR",
    "REFERENCE",
    "calibration",
    "coverage_by_ratio",
    "coverage_map",
    "edss_slopes",
    "forest",
    "mean_counts",
    "no_effect",
    "patient_ratios",
    "predictive",
    "prior_posterior",
    "ranks",
    "relapse_free",
    "specification_curve",
    "styled",
    "timeline",
]
