"""The posterior of the typical patient's log rate ratio in thousands of small cohorts of one design.

The model is that of :mod:`nmo_stats.hierarchical.model` with Poisson counts. Cohorts of one design have
posteriors that lie near each other, and patients who repeat. So all cohorts share one product grid of the
four parameters, placed where a few dozen of them have their posterior; the likelihood of every distinct
patient is integrated once at every node; and a cohort's posterior is the product of its patients' rows, a
gather and an exponential. What a shared grid does not hold or not resolve is taken out and solved on a grid
of its own.
"""

from nmo_stats.hierarchical.many.nodes import COARSE, FINE, FINEST, Steps
from nmo_stats.hierarchical.many.posteriors import RatioPosteriors, ratio_posteriors

__all__ = ["COARSE", "FINE", "FINEST", "RatioPosteriors", "Steps", "ratio_posteriors"]
