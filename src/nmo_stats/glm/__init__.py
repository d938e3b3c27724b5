"""Likelihood and estimating-equation rate ratios, refused with a reason where they are not identified."""

from nmo_stats.glm.gee import GeeRatio, gee
from nmo_stats.glm.negative_binomial import NegativeBinomialRatio, negative_binomial
from nmo_stats.glm.poisson import ProfileRatio, conditional_poisson, poisson
from nmo_stats.glm.sandwich import SandwichRatio, gee_sandwich

__all__ = [
    "GeeRatio",
    "NegativeBinomialRatio",
    "ProfileRatio",
    "SandwichRatio",
    "conditional_poisson",
    "gee",
    "gee_sandwich",
    "negative_binomial",
    "poisson",
]
