"""Checks of a fit: those that decide whether it may be printed, and those that say what it depends on."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from nmo_stats.arguments import instance, optional
from nmo_stats.arrays import Cells, Counts
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, require_level
from nmo_stats.hierarchical import HierarchicalFit, Refits, leave_one_patient_out
from nmo_stats.hierarchical.checks import Check, judged, of_computation
from nmo_stats.hierarchical.convergence import Convergence
from nmo_stats.names import PARAMETER_NAMES
from nmo_stats.wording import beside, rounded_percent, significant

MOST_LEFT_OUT: Final = 12


def check(
    fit: HierarchicalFit, sampled: HierarchicalFit | None = None, refits: Refits | None = None
) -> tuple[Check, ...]:
    """Return all checks of a fit, those of the computation first.

    Where the computation failed there are no information checks: they would describe draws that mean nothing.

    Parameters
    ----------
    fit
        The fit.
    sampled
        The same model by another, sampling engine: it is checked too, and whether the two agree.
    refits
        Where the models without one patient may have been fitted before.

    Returns
    -------
    tuple of Check
        Of the computation, then of the model.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    optional("sampled", sampled, HierarchicalFit)
    optional("refits", refits, Refits)
    own = computation_checks(fit)
    further = () if sampled is None else (*computation_checks(sampled), *agreement_checks(fit, sampled))
    if not all(check.passed for check in own):
        return (*own, *further)
    return (
        *own,
        *further,
        prior_predictive_check(fit),
        *posterior_predictive_checks(fit),
        *leave_one_out_checks(fit, refits),
        *contraction_checks(fit),
        *power_scaling_checks(fit),
    )


def gate(fit: HierarchicalFit) -> HierarchicalFit:
    """Return the fit if every computation check passed.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    HierarchicalFit
        The same fit.

    Raises
    ------
    ArgumentError
        If it is no fit.
    ConvergenceError
        With the failed checks.
    """
    instance("fit", fit, HierarchicalFit).require_convergence()
    return fit


def computation_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return what decides: the errors of a quadrature, or convergence and health of a sampler.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    tuple of Check
        One for each number of the engine that has a limit.

    Raises
    ------
    ArgumentError
        If it is no fit.
    """
    return tuple(map(of_computation, instance("fit", fit, HierarchicalFit).convergence.verdicts))


def agreement_checks(fit: HierarchicalFit, sampled: HierarchicalFit) -> tuple[Check, ...]:
    """Return whether draws agree with a deterministic fit: none if one of the two failed its own checks.

    The largest difference of a median or 95 % limit of a top-level quantity, in Monte Carlo standard errors.

    Parameters
    ----------
    fit
        The fit by quadrature.
    sampled
        The same model by NUTS.

    Returns
    -------
    tuple of Check
        One check, or none.

    Raises
    ------
    ArgumentError
        If one of them is no fit, or the second is not sampled.
    """
    instance("fit", fit, HierarchicalFit)
    instance("sampled", sampled, HierarchicalFit)
    if fit.convergence.failures or sampled.convergence.failures:
        return ()
    names = (*fit.model.parameters, "log_rate_ratio_new_patient")
    difference, worst = max((_difference(fit, sampled, name), name) for name in names)
    return (judged("agreement", difference, worst),)


def _difference(fit: HierarchicalFit, sampled: HierarchicalFit, name: str) -> float:
    """Return the largest difference of median and 95 % limits, in Monte Carlo standard errors."""
    if not isinstance(sampled.convergence, Convergence):
        raise ArgumentError("sampled: a fit by quadrature. Expected: a fit by NUTS, with Monte Carlo errors.")
    probabilities = (0.5, 0.025, 0.975)
    by_nuts = sampled.posterior.quantile(name, probabilities)
    distance = np.abs(fit.posterior.quantile(name, probabilities) - by_nuts)
    of_median, of_limits = sampled.convergence.monte_carlo_error(name)
    sd = np.sqrt(sampled.posterior.variance(name))
    return float((distance / (sd * np.array([of_median, of_limits, of_limits]))).max())


def prior_predictive_check(fit: HierarchicalFit) -> Check:
    """Return how surprising the observed relapses per patient-year are before the data are used.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    Check
        Its value is a two-sided tail probability.

    Raises
    ------
    ArgumentError
        If it is no fit.
    """
    pair = instance("fit", fit, HierarchicalFit).model.pair
    years = sum(pair.total_years)
    drawn = _replicates(fit, "prior_predictive").sum(axis=(1, 2)) / years
    observed = sum(pair.totals) / years
    low, high = (significant(float(limit), 2) for limit in np.quantile(drawn, [0.025, 0.975]))
    expected = f"before the data the model expects {low} to {high} relapses per patient-year (95 %)"
    result = f"{expected}; {significant(observed, 2)} were observed"
    return judged("prior_predictive", _two_sided(drawn, observed), result=result)


def posterior_predictive_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how well the fit reproduces the total, the zeros, the largest count, and each single count.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    tuple of Check
        Their values are two-sided tail probabilities; that of the least likely count is Bonferroni-corrected.

    Raises
    ------
    ArgumentError
        If it is no fit.
    """
    observed = instance("fit", fit, HierarchicalFit).model.pair.relapses
    drawn = _replicates(fit, "posterior_predictive")
    least = min(_two_sided(drawn[:, i, j], observed[i, j]) for i, j in np.ndindex(observed.shape))
    values = {
        "total relapses": _two_sided(drawn.sum(axis=(1, 2)), observed.sum()),
        "periods without relapse": _two_sided((drawn == 0).sum(axis=(1, 2)), (observed == 0).sum()),
        "largest count": _two_sided(drawn.max(axis=(1, 2)), observed.max()),
        "least likely single count": min(1.0, least * observed.size),
    }
    return tuple(judged("posterior_predictive", value, statistic) for statistic, value in values.items())


def leave_one_out_checks(fit: HierarchicalFit, refits: Refits | None = None) -> tuple[Check, ...]:
    """Return how far the ratio moves without the patient who moves it most, by exact refits.

    In posterior standard deviations of the log ratio; infinite where a patient had all relapses, or where a
    refit failed. None for a single patient, above 12 patients, or without a relapse.

    Parameters
    ----------
    fit
        The fit.
    refits
        Where the models without one patient may have been fitted before.

    Returns
    -------
    tuple of Check
        One check with that patient as its subject, or none.

    Raises
    ------
    ArgumentError
        If an argument is of another kind.
    """
    instance("fit", fit, HierarchicalFit)
    optional("refits", refits, Refits)
    pair = fit.model.pair
    if not 2 <= len(pair.patients) <= MOST_LEFT_OUT or not sum(pair.totals):
        return ()
    try:
        left_out = leave_one_patient_out(fit.model, refits=refits)
    except ConvergenceError as refused:
        reason = f"a refit without one of the patients failed: {'; '.join(refused.failures)}"
        return (judged("leave_one_out", math.inf, result=reason),)
    unknown = left_out.loc[left_out["estimate"].isna(), "patient"]
    if len(unknown):
        reason = f"patient {unknown.iloc[0]} had all the relapses: without this patient, {NO_INFORMATION}"
        return (judged("leave_one_out", math.inf, str(unknown.iloc[0]), reason),)
    moved = np.abs(np.log(left_out["estimate"].to_numpy() / fit.rate_ratio().estimate))
    value = float(moved.max() / np.sqrt(fit.posterior.variance("log_rate_ratio")))
    row = left_out.iloc[int(moved.argmax())]
    return (judged("leave_one_out", value, str(row["patient"]), _without_patient(fit, row)),)


def _without_patient(fit: HierarchicalFit, row: Any) -> str:
    """Return the ratio without a patient; at a zero cell its limit leads, since the median is the prior's."""
    pair, patient = fit.model.pair, str(row["patient"])
    reference, comparator = pair.only(np.array(pair.patients) != patient).totals
    estimate, low, high = (beside(float(row[name]), 1, 2) for name in ("estimate", "low", "high"))
    if not comparator:
        estimate = f"at most {high}"
    elif not reference:
        estimate = f"at least {low}"
    return f"without patient {patient} the ratio is {estimate} ({low} to {high})"


def contraction_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how much of each parameter's prior variance the data removed.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    tuple of Check
        One for each parameter.

    Raises
    ------
    ArgumentError
        If it is no fit.
    """
    removed = instance("fit", fit, HierarchicalFit).contraction()
    return tuple(
        judged("contraction", value, PARAMETER_NAMES[name], rounded_percent(value))
        for name, value in removed.items()
    )


def power_scaling_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how much each parameter's posterior moves when the top-level priors are made a little stronger.

    Parameters
    ----------
    fit
        The fit.

    Returns
    -------
    tuple of Check
        One for each parameter.

    Raises
    ------
    ArgumentError
        If it is no fit.
    """
    moved = instance("fit", fit, HierarchicalFit).posterior.prior_sensitivity()
    return tuple(judged("power_scaling", value, PARAMETER_NAMES[name]) for name, value in moved.items())


def predictive_intervals(fit: HierarchicalFit, level: float = 0.95) -> tuple[Counts, Counts, Counts]:
    """Return median, low and high of the replicated counts, each of shape (n, 2).

    Parameters
    ----------
    fit
        The fit.
    level
        Probability of the intervals.

    Returns
    -------
    tuple of numpy.ndarray
        Whole numbers.

    Raises
    ------
    ArgumentError
        If it is no fit, or the level no probability.
    """
    instance("fit", fit, HierarchicalFit)
    tail = (1 - require_level(level)) / 2
    drawn = _replicates(fit, "posterior_predictive")
    quantiles = np.quantile(drawn, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf")
    median, low, high = quantiles.astype(np.int64)
    return median, low, high


def _replicates(fit: HierarchicalFit, group: str) -> Counts:
    """Return the replicated counts of a predictive group, shape (draws, n, 2)."""
    values = fit.to_datatree()[group]["relapses"].to_numpy()
    return np.asarray(values.reshape(-1, *values.shape[2:]))


def _two_sided(drawn: Cells, observed: float | Cells) -> float:
    """Return twice the smaller tail proportion of the replicates, ties counted in both tails.

    It is at least one replicate's proportion: none of so many replicates is no probability of 0.
    """
    tail = float(min((drawn >= observed).mean(), (drawn <= observed).mean()))
    return min(1.0, max(2 * tail, 1 / len(drawn)))
