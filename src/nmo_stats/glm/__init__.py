"""Likelihood and estimating-equation rate ratios, refused with a reason where they are not identified."""

from nmo_stats.glm.gee import GeeRatio, gee
from nmo_stats.glm.negative_binomial import NegativeBinomialRatio, negative_binomial
from nmo_stats.glm.poisson import ProfileRatio, conditional_poisson, poisson

__all__ = [
    "GeeRatio",
    "NegativeBinomialRatio",
    "ProfileRatio",
    "conditional_poisson",
    "gee",
    "negative_binomial",
    "poisson",
]
