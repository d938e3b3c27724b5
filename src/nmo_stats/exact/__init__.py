"""Exact rate ratios: no approximation at three patients and a period without relapses."""

from nmo_stats.exact.ratio import ExactRatio, conditional, pooled

__all__ = ["ExactRatio", "conditional", "pooled"]
