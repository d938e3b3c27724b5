"""The posterior of the ratio beyond what such a series would show with no effect at all.

If the log ratio of a series without effect is B ~ Normal(mean, sd), independent of the data, what is left of
the observed log ratio X is X - B, with

    P(X - B <= v) = E P(X <= v + B) = integral of F(v + mean + sd z) phi(z) dz

for the posterior distribution function F of X. The integral is a sum over even steps that are short beside
both the Normal density and F: for such smooth functions it converges faster than any power of the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import brentq

from nmo_stats.arguments import instance, number
from nmo_stats.arrays import Floats
from nmo_stats.cohort import Comparison
from nmo_stats.cohort.schema import LONGEST_YEARS, MOST_RELAPSES
from nmo_stats.estimate import NO_INFORMATION, Interval, RateRatio, require_level
from nmo_stats.estimators.classical import Refusal, answer
from nmo_stats.hierarchical import HierarchicalFit, Model, Refits
from nmo_stats.names import HIERARCHICAL, WITHIN
from nmo_stats.sensitivity.no_effect import NoEffect
from nmo_stats.sensitivity.row import Answer, Assumption
from nmo_stats.sensitivity.rules import RULES, misfit_text
from nmo_stats.simulate import Rule, cohort_with_expectation, point_estimates
from nmo_stats.wording import significant

DEFAULT_SD: Final = 0.2
LARGEST_SD: Final = 5.0  # with more nothing would be known of it
LARGEST_RATIO: Final = 1e4  # or its inverse: no way of being switched makes a series look so different
_FITTED_PATIENTS: Final = 500
# comparator relapses of the large series: its log ratio then has a standard error of at most about 0.15
_FEWEST_EXPECTED: Final = 100.0
_STEP: Final = 0.25  # of the standard deviation of the narrower of the two distributions
_REACH: Final = 8.5  # standard deviations; beyond is 1e-17
_MOST_NODES: Final = 20_001
_ROUNDING: Final = 1e-6  # of a quantile, more than its error
_KINDS: Final = {"triggered switch": ("triggered_1", "triggered_2"), "look-back": ("look_back",)}


@dataclass(frozen=True, slots=True)
class Background:
    """The ratio that a series like this one would show with no effect at all, and how uncertain that is.

    Parameters
    ----------
    ratio
        Its median.
    sd
        Standard deviation of its logarithm, at most 5; 0 for a known ratio.

    Raises
    ------
    ArgumentError
        If the ratio or the standard deviation is out of its range.

    Examples
    --------
    >>> Background(0.6).sd
    0.2
    """

    ratio: float
    sd: float = DEFAULT_SD

    def __post_init__(self) -> None:
        ratio = number("background ratio", self.ratio, 1 / LARGEST_RATIO, LARGEST_RATIO)
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "sd", number("sd of the log background ratio", self.sd, 0, LARGEST_SD))


def adjusted(fit: HierarchicalFit, background: Background, level: float = 0.95) -> RateRatio:
    """Return the ratio divided by an uncertain background ratio: median and equal-tailed interval.

    Parameters
    ----------
    fit
        Whose posterior it is.
    background
        The background ratio.
    level
        Probability of the interval.

    Returns
    -------
    RateRatio
        Its interval is equal-tailed.

    Raises
    ------
    ConvergenceError
        If the fit failed one of its checks.
    ArgumentError
        If an argument is of another type, or the level no probability.

    References
    ----------
    Lash TL, Fox MP, MacLehose RF, et al. Good practices for quantitative bias analysis.
    doi:10.1093/ije/dyu149.

    Examples
    --------
    >>> import nmo_stats as nmo
    >>> from nmo_stats import hierarchical
    >>> fit = hierarchical.fit(nmo.load_example().compare("tocilizumab", reference="rituximab"))
    >>> print(f"{adjusted(fit, Background(0.5, 0.2)).estimate:.2f}")
    0.44
    """
    instance("fit", fit, HierarchicalFit)
    instance("background", background, Background)
    base = fit.rate_ratio(level)
    tail = (1 - require_level(level)) / 2
    logs, weights = _lattice(fit, background)

    def below(value: float) -> float:
        return float(weights @ fit.posterior.cdf("log_rate_ratio", value + logs))

    def quantile(probability: float) -> float:
        middle = float(fit.posterior.quantile("log_rate_ratio", (probability,))[0]) - math.log(
            background.ratio
        )
        if background.sd == 0:
            return middle
        # the log background ratio is on the lattice: so far the quantile can lie from the one for its median
        reach = _REACH * background.sd + _ROUNDING
        return float(
            brentq(lambda value: below(value) - probability, middle - reach, middle + reach, xtol=1e-10)
        )

    low, median, high = (math.exp(quantile(probability)) for probability in (tail, 0.5, 1 - tail))
    return replace(
        base,
        estimate=median,
        interval=Interval(low, high, level, "credible"),
        probability_below_1=below(0.0),
        rate_difference=None,
    )


def _lattice(fit: HierarchicalFit, background: Background) -> tuple[Floats, Floats]:
    """Return log background ratios, dense beside both distributions, and their probabilities."""
    if background.sd == 0:
        return np.array([math.log(background.ratio)]), np.ones(1)
    low, high = fit.posterior.quantile("log_rate_ratio", (0.16, 0.84))
    step = _STEP * min(1.0, float(high - low) / 2 / background.sd)
    z = np.linspace(-_REACH, _REACH, min(2 * math.ceil(_REACH / step) + 1, _MOST_NODES))
    weights = np.exp(-0.5 * z**2)
    return math.log(background.ratio) + background.sd * z, weights / weights.sum()


def adjusted_rows(
    fit: HierarchicalFit, designs: Sequence[NoEffect], given: Background | None, refits: Refits, seed: int
) -> list[Answer]:
    """Return the ratio beyond the background that the user gave, and beyond those of the simulated designs.

    Parameters
    ----------
    fit
        Whose posterior is adjusted.
    designs
        The simulated designs.
    given
        The background ratio that the user gave.
    refits
        Computes the fit to a large series.
    seed
        Of the simulated series.

    Returns
    -------
    list of Answer
        One row for the given background, and one for each way of being switched.
    """
    rows = []
    if given is not None:
        rows.append(_adjusted_row(fit, given, Assumption("bias_adjustment", "given", "given"), refits.level))
    for name, codes in _KINDS.items():
        alike = sorted(
            (one for one in designs if one.rule_name in codes and not one.overdispersion.is_alternative),
            key=lambda one: (not one.is_headline, codes.index(one.rule_name)),
        )
        assumption = Assumption("bias_adjustment", codes[0], name)
        reason = _no_background(fit.model, RULES[codes[0]], alike)
        background = (
            Refusal(fit.method, reason) if reason else simulated_background(fit.model, alike, refits, seed)
        )
        if isinstance(background, Refusal):
            rows.append(Answer.of(assumption, background))
        else:
            rows.append(_adjusted_row(fit, background, assumption, refits.level))
    return rows


def _no_background(model: Model, rule: Rule, designs: Sequence[NoEffect]) -> str:
    """Return why a fit is not divided by the simulated ratio of a design; empty if it is."""
    if not sum(model.pair.totals):
        return NO_INFORMATION
    if model.entry is not None:
        return (
            f"the fit allows for entry by a relapse on {model.pair.reference}: a background ratio would do so"
            " twice"
        )
    unfit = misfit_text(model.pair, rule)
    if unfit:
        return unfit
    if not designs or not designs[0].is_headline:
        return "such series could not be simulated"
    return "the large series is fitted with Poisson counts only" if model.likelihood != "poisson" else ""


def _adjusted_row(
    fit: HierarchicalFit, background: Background, assumption: Assumption, level: float
) -> Answer:
    name = f"{assumption.name}: {significant(background.ratio)}"
    assumption = replace(assumption, name=name, detail=f"log sd {significant(background.sd, 2)}")
    return Answer.of(assumption, answer(fit.method, lambda: adjusted(fit, background, level)))


def simulated_background(
    model: Model, designs: Sequence[NoEffect], refits: Refits, seed: int
) -> Background | Refusal:
    """Return what the hierarchical model shows in a very large series with no effect, or why not.

    It is not known where the large series is expected to hold too few relapses on the comparator to fix its
    ratio. The ratio is that of the model's own fit to a large series of the headline design, moved by as much
    as the exact ratio within patients moves from that series to a still larger one, which goes along with it
    but for a hundredth (a control variate). The uncertainty is that of the population: the standard deviation
    of the latter log ratio over the designs, or the default without a grid of them.

    Parameters
    ----------
    model
        Priors and entry of the fit; its comparison gives the times.
    designs
        Designs with rules of the same kind, the headline first.
    refits
        Computes the fit.
    seed
        Of the simulated series.
    """
    headline = designs[0]
    rng = np.random.default_rng([seed, 2])
    times = np.resize(model.pair.years, (_FITTED_PATIENTS, 2))
    series, expected = cohort_with_expectation(rng, headline.rates, headline.rule, times)
    comparator = float(expected[0, :, 1].sum())
    logs = [math.log(ratio) for design in designs if 0 < (ratio := design.large_cohort(WITHIN)) < math.inf]
    within = float(point_estimates(series)[WITHIN][0])
    is_known = 0 < headline.large_cohort(WITHIN) < math.inf and 0 < within < math.inf
    if comparator < _FEWEST_EXPECTED or not is_known:
        reason = (
            f"a series of {_FITTED_PATIENTS} patients would hold only {significant(comparator, 2)} "
            f"relapses on the comparator, too few to fix its ratio ({_FEWEST_EXPECTED:g} are needed)"
        )
        return Refusal(HIERARCHICAL, reason)
    if series.years.max() > LONGEST_YEARS or series.relapses.max() > MOST_RELAPSES:
        reason = "a large series with such relapses has periods beyond those that can be analysed"
        return Refusal(HIERARCHICAL, reason)
    large = Comparison.from_arrays(np.asarray(series.relapses[0]), series.years[0])
    of_large = answer(HIERARCHICAL, lambda: refits.rate_ratio(replace(model, pair=large)))
    if isinstance(of_large, Refusal):
        return of_large
    moved = logs[0] - math.log(within)
    return Background(
        of_large.estimate * math.exp(moved), float(np.std(logs)) if len(logs) > 2 else DEFAULT_SD
    )
