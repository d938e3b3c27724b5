"""The posterior of the rate ratio by summing over product grids: shares no code with the package."""

import dataclasses
import math

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import stats
from scipy.interpolate import CubicSpline

EXAMPLE = [[6, 1], [2, 0], [1, 1]], np.array([[32, 21], [8, 18], [4, 9]]) / 12
NO_COMPARATOR = [[5, 0], [4, 0], [3, 0]], [[3, 2], [3.5, 2], [3, 2]]
NO_RELAPSE = [[0, 0]] * 3, [[3, 2], [3.5, 2], [3, 2]]
ONE_PATIENT = [[6, 1]], [[32 / 12, 21 / 12]]
ONE_WITHOUT_COMPARATOR = [[6, 0]], [[32 / 12, 21 / 12]]


@dataclasses.dataclass(frozen=True)
class Reference:
    """The posterior of the log rate ratio, known without sampling."""

    mean: float
    sd: float
    quantiles: np.ndarray  # 2.5 %, 50 %, 97.5 %
    below_1: float


def brute_force(relapses, years, *, ratio_sd=2.0, overdispersion_sd=None, entry=None):
    """Integrate the model on product grids by the trapezoid and midpoint rules.

    A patient's mean log rate A ~ Normal(log_rate, sd_rate) and log ratio B ~ Normal(log_rate_ratio,
    sd_rate_ratio) are summed over one even grid each; the likelihood of a patient is then two matrix products
    away from every value of the four parameters. Both rules converge exponentially for these smooth
    integrands: halving every step moves no digit of the design's numbers.
    """
    a, b = np.arange(-25, 12, 0.1), np.arange(-25, 25, 0.1)
    log_rate, log_ratio = np.arange(-9, 8, 0.25), np.arange(-13, 13, 0.25)
    sd_rate, sd_ratio = np.arange(0.1, 5, 0.2), np.arange(0.1, 2.5, 0.2)
    of_rate = 0.1 * stats.norm.pdf(a, log_rate[:, None, None], sd_rate[:, None])
    of_ratio = 0.1 * stats.norm.pdf(b, log_ratio[:, None, None], sd_ratio[:, None])
    priors = (
        stats.norm.pdf(log_rate, math.log(0.5), 1.5),
        stats.halfnorm.pdf(sd_rate),
        stats.norm.pdf(log_ratio, 0, ratio_sd),
        stats.halfnorm.pdf(sd_ratio, scale=0.5),
    )
    density = 0
    for overdispersion, weight in overdispersions(overdispersion_sd):
        joint = weight
        for (first, second), (before, after) in zip(relapses, years, strict=True):
            chance, some = count_chances(first, math.log(before) + a[:, None] - b / 2, overdispersion)
            chance = chance / np.where(chance > 0, some, 1) if entry else chance
            cell = chance * count_chances(second, math.log(after) + a[:, None] + b / 2, overdispersion)[0]
            joint = joint * np.einsum("msa,ab,dtb->msdt", of_rate, cell, of_ratio, optimize=True)
        density = density + np.einsum("msdt,m,s,d,t->d", joint, *priors, optimize=True)
    fine = np.linspace(log_ratio[0], log_ratio[-1], 100_001)
    shares = np.exp(CubicSpline(log_ratio, np.log(density))(fine))
    shares /= shares.sum()
    below = np.cumsum(shares) - shares / 2
    mean = float(shares @ fine)
    spread = math.sqrt(shares @ (fine - mean) ** 2)
    return Reference(mean, spread, np.interp([0.025, 0.5, 0.975], below, fine), np.interp(0.0, fine, below))


def overdispersions(sd):
    """Nodes and weights of HalfNormal(sd); one node without overdispersion."""
    if sd is None:
        return [(None, 1.0)]
    nodes, weights = leggauss(8)
    nodes = 2.5 * sd * (nodes + 1)
    return zip(nodes, weights * stats.halfnorm.pdf(nodes, scale=sd), strict=True)


def count_chances(count, log_mean, overdispersion):
    """Probability of a count, and of any count above 0; the log means lie on a lattice and repeat."""
    lattice, place = np.unique(np.round(log_mean, 9), return_inverse=True)
    mean = np.exp(lattice)
    law = stats.poisson(mean)
    if overdispersion is not None:
        law = stats.nbinom(1 / overdispersion, 1 / (1 + overdispersion * mean))
    return law.pmf(count)[place], law.sf(0)[place]
