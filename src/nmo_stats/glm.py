"""Likelihood and estimating-equation rate ratios, refused with a reason where they are not identified."""

from nmo_stats.cohort import Comparison
from nmo_stats.estimators.methods import ratio_of
from nmo_stats.estimators.result import ClassicalRatio

__all__ = ["conditional_poisson", "gee", "gee_sandwich", "negative_binomial", "poisson"]


def poisson(pair: Comparison) -> ClassicalRatio:
    """Fit a marginal Poisson regression of the counts on the period, with offset log exposure.

    With one rate per period the profile likelihood of the ratio is the binomial likelihood of the two totals.
    Assumes Poisson counts and one rate for all patients, or the same ratio of follow-up times in all.

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
        If a period has no relapse.
    ArgumentError
        If the argument is no comparison.

    Examples
    --------
    >>> ratio = poisson(Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])).rate_ratio()
    >>> print(f"{ratio.estimate:.4f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.2037 (0.0311 to 0.7904)
    """
    return ratio_of("poisson", pair)


def conditional_poisson(pair: Comparison) -> ClassicalRatio:
    """Fit the within-patient Poisson regression, a binomial model of comparator relapses out of each total.

    The offset is log(t_i1 / t_i0). Patients whose two counts are equal count like all others.

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
        If a period has no relapse.
    ArgumentError
        If the argument is no comparison.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> pair = load_example().compare("tocilizumab", reference="rituximab")
    >>> ratio = conditional_poisson(pair).rate_ratio()
    >>> print(f"{ratio.estimate:.5f} ({ratio.interval.low:.4f} to {ratio.interval.high:.4f})")
    0.19325 (0.0286 to 0.7918)
    """
    return ratio_of("conditional_poisson", pair)


def negative_binomial(pair: Comparison) -> ClassicalRatio:
    """Fit a marginal NB2 regression of the counts on the period, with offset log exposure.

    It treats the two periods of a patient as independent (caution ``ignores_pairing``). Where the likelihood
    is largest without overdispersion, the result is the Poisson one, and the caution says so.

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
        If a period has no relapse.
    ConvergenceError
        If the likelihood cannot be maximized.
    ArgumentError
        If the argument is no comparison.

    References
    ----------
    Lawless JF. Negative binomial and mixed Poisson regression. doi:10.2307/3314912.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> placebo = load_example("thall_vail1990").where(arm="placebo")
    >>> ratio = negative_binomial(placebo.compare("after", reference="before")).rate_ratio()
    >>> print(f"{ratio.interval.low:.3f} to {ratio.interval.high:.3f}")
    0.729 to 1.713
    """
    return ratio_of("negative_binomial", pair)


def gee(pair: Comparison) -> ClassicalRatio:
    """Fit a Poisson GEE with exchangeable correlation within patients.

    The covariance is that of Mancl and DeRouen (``bias_reduced`` in statsmodels), the reference distribution
    t with N - 2 degrees of freedom: the textbook sandwich is far too confident with few patients. The moment
    estimate of the correlation, which can exceed 1, is held at 0.95 or less.

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
        With fewer than 5 patients, or no relapse in a period.
    ConvergenceError
        If the estimating equations do not converge.
    ArgumentError
        If the argument is no comparison.

    References
    ----------
    Mancl LA, DeRouen TA. doi:10.1111/j.0006-341X.2001.00126.x.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> placebo = load_example("thall_vail1990").where(arm="placebo")
    >>> print(f"{gee(placebo.compare('after', reference='before')).rate_ratio().estimate:.3f}")
    1.117
    """
    return ratio_of("gee", pair)


def gee_sandwich(pair: Comparison) -> ClassicalRatio:
    """Fit a Poisson GEE as papers do: independence, no small-sample correction, Normal limits.

    With one rate per period the estimate is the pooled ratio and the sandwich variance of its logarithm is
    ``sum_i (r_i1 / y_1 - r_i0 / y_0)^2``, with the patients' residuals r and the totals y of the two periods.

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
        If a period has no relapse, or all residuals are 0.
    ArgumentError
        If the argument is no comparison.

    Examples
    --------
    >>> from nmo_stats.cohort import load_example
    >>> ratio = gee_sandwich(load_example().compare("tocilizumab", reference="rituximab")).rate_ratio()
    >>> print(f"{ratio.interval.low:.4f} to {ratio.interval.high:.4f}, p {ratio.p_value:.4f}")
    0.0731 to 0.5674, p 0.0023
    """
    return ratio_of("gee_sandwich", pair)
