"""Exact rate ratios: no approximation at three patients and a period without relapses."""

from nmo_stats.arguments import flag
from nmo_stats.cohort import Comparison
from nmo_stats.estimators.methods import ratio_of
from nmo_stats.estimators.result import ClassicalRatio

__all__ = ["conditional", "pooled"]


def pooled(pair: Comparison) -> ClassicalRatio:
    """Compare two Poisson totals by the conditional binomial test.

    Assumes one rate for all patients, or the same ratio of follow-up times in all (caution
    ``unequal_follow_up``), and Poisson counts (``overdispersed``). The interval is that of R's
    ``poisson.test``; the p-value is the central one, which agrees with the interval.

    Parameters
    ----------
    pair
        The two periods.

    Returns
    -------
    ClassicalRatio
        Ask it for ``rate_ratio(level)``, ``interval(level)`` or ``p_value(ratio)``.

    Raises
    ------
    NotIdentifiedError
        If there is no relapse in either period, or more than ten million.
    ArgumentError
        If the argument is no comparison.

    References
    ----------
    Clopper CJ, Pearson ES. doi:10.1093/biomet/26.4.404. Przyborowski J, Wilenski H.
    doi:10.1093/biomet/31.3-4.313.

    Examples
    --------
    >>> pair = Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])
    >>> ratio = pooled(pair).rate_ratio()
    >>> print(f"{ratio.estimate:.4f} ({ratio.interval.low:.4f} to {ratio.interval.high:.3f})")
    0.2037 (0.0214 to 0.984)
    >>> print(f"{ratio.p_value:.4f}")
    0.0470
    """
    return ratio_of("pooled_exact", pair)


def conditional(pair: Comparison, *, midp: bool = False) -> ClassicalRatio:
    """Compare the two periods within patients: a common ratio, each patient with an own rate.

    Given each patient's total, the comparator counts are binomial; their sum is a convolution of binomials
    whose tails are inverted. A patient without relapses does not move the ratio. Assumes Poisson counts
    within a period (caution ``overdispersed``).

    Parameters
    ----------
    pair
        The two periods.
    midp
        Count the observed total half in each tail: shorter, with coverage near the level on average instead
        of at least the level always.

    Returns
    -------
    ClassicalRatio
        Ask it for ``rate_ratio(level)``, ``interval(level)`` or ``p_value(ratio)``.

    Raises
    ------
    NotIdentifiedError
        If there is no relapse in either period, or more than ten million.
    ArgumentError
        If the argument is no comparison.

    References
    ----------
    Cox DR, Hinkley DV. Theoretical Statistics, section 7.2. Mid-p: Lancaster HO,
    doi:10.1080/01621459.1961.10482105.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> ratio = conditional(pair, midp=True).rate_ratio()
    >>> print(f"{ratio.estimate:.5f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.19325 (0.0272 to 0.8601)
    """
    return ratio_of("conditional_midp" if flag("midp", midp) else "conditional_exact", pair)
