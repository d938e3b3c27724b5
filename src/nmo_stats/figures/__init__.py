"""Figures: each takes finished results and an Axes, draws, and returns the Axes."""

from nmo_stats.figures.accumulation import mean_counts
from nmo_stats.figures.edss import edss_slopes
from nmo_stats.figures.forest import forest
from nmo_stats.figures.patients import patient_ratios, predictive
from nmo_stats.figures.posterior import prior_posterior, ranks
from nmo_stats.figures.sensitivity import no_effect, specification_curve
from nmo_stats.figures.style import COMPARATOR, REFERENCE, styled
from nmo_stats.figures.timeline import timeline
from nmo_stats.figures.timing import relapse_free

__all__ = [
    "COMPARATOR",
    "REFERENCE",
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
