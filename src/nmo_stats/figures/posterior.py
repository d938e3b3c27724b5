"""Posterior beside prior, and the mixing of the chains."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from nmo_stats.arguments import instance, one_of
from nmo_stats.figures.style import COMPARATOR, GREY, PALE, ratio_axis
from nmo_stats.hierarchical import HierarchicalFit
from nmo_stats.names import PARAMETER_NAMES

_ON_LOG_AXIS = ("log_rate", "log_rate_ratio")
_SHOWN = (0.0005, 0.9995)
_POINTS = 500


def prior_posterior(fit: HierarchicalFit, parameter: str, axes: Axes) -> Axes:
    """Draw the posterior of a top-level parameter as a filled outline, its prior as a dashed line.

    Log rates and log ratios are shown as rates and ratios on a log axis.

    Parameters
    ----------
    fit
        The fit.
    parameter
        Name of the parameter.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("fit", fit, HierarchicalFit)
    one_of("parameter", parameter, fit.model.parameters)
    instance("axes", axes, Axes)
    prior = fit.model.priors.of(parameter)
    ends = prior.quantile(np.array([0.005, 0.995]))
    first, last = fit.posterior.quantile(parameter, _SHOWN)
    sd = float(np.sqrt(fit.posterior.variance(parameter)))
    low, high = min(ends[0], first), max(min(ends[1], last + 2 * sd), last)
    is_log = parameter in _ON_LOG_AXIS
    grid = np.linspace(low if is_log else 0.0, high, _POINTS)
    density = fit.posterior.density(parameter, grid)
    values = np.exp(grid) if is_log else grid
    axes.fill_between(values, density, color=COMPARATOR, alpha=0.35, linewidth=0, label="posterior")
    axes.plot(values, density, color=COMPARATOR, linewidth=1.2)
    outline = np.exp(prior.log_density(grid))
    axes.plot(values, outline, color=GREY, linestyle="--", linewidth=1.2, label="prior")
    if is_log:
        ratio_axis(axes, float(values[0]), float(values[-1]))
    if parameter == "log_rate":
        axes.lines[-1].remove()  # the line at 1 belongs to ratios, not to rates
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(bottom=0)
    axes.set_title(PARAMETER_NAMES[parameter])
    return axes


def ranks(fit: HierarchicalFit, parameter: str, axes: Axes) -> Axes:
    """Draw how the ranks of each chain's draws spread over all draws: level lines mean that the chains agree.

    Parameters
    ----------
    fit
        A fit that was sampled in chains.
    parameter
        Name of the parameter.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The same.

    Raises
    ------
    ArgumentError
        If an argument is not what it must be.
    """
    instance("fit", fit, HierarchicalFit)
    one_of("parameter", parameter, fit.model.parameters)
    instance("axes", axes, Axes)
    draws = fit.posterior.draws[parameter].to_numpy()
    order = np.argsort(np.argsort(draws, axis=None)).reshape(draws.shape)
    for chain, values in enumerate(order):
        counts, edges = np.histogram(values, bins=20, range=(0, draws.size))
        shade = 0.5 + 0.5 * (chain % 2)
        axes.stairs(counts / counts.mean(), edges / draws.size, color=GREY, alpha=shade, linewidth=1)
    axes.axhline(1, color=PALE, linewidth=4, zorder=0)
    axes.set_ylim(0, 2)
    axes.set_yticks([0, 1, 2])
    axes.set_xticks([0, 0.5, 1])
    axes.set_title(PARAMETER_NAMES[parameter])
    return axes
