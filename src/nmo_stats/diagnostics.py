"""Checks of a fit: those that decide whether it may be printed, and those that say what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from nmo_stats.arguments import instance, optional
from nmo_stats.arrays import Counts
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION, require_level
from nmo_stats.hierarchical import HierarchicalFit, Refits, leave_one_patient_out
from nmo_stats.hierarchical.convergence import Convergence, Verdict
from nmo_stats.names import PARAMETER_NAMES
from nmo_stats.wording import beside, plain, rounded_percent, significant

Role = Literal["computation", "information"]

CONTRACTION_LIMIT: Final = 0.5
POWER_SCALING_LIMIT: Final = 0.05
TAIL_LIMIT: Final = 0.05
AGREEMENT_LIMIT: Final = 4.0
LEAVE_ONE_OUT_LIMIT: Final = 1.0
MOST_LEFT_OUT: Final = 12

_ADVICE: Final = {
    "R-hat": "the chains disagree: sample longer, engine=Nuts(draws=6000, tune=3000)",
    "bulk ESS": "too few independent draws: sample longer, engine=Nuts(draws=6000)",
    "tail ESS": "too few independent draws in the tails: sample longer, engine=Nuts(draws=6000)",
    "Monte Carlo error of the median / sd": "sample longer, engine=Nuts(draws=6000)",
    "Monte Carlo error of the limits / sd": "sample longer, engine=Nuts(draws=6000)",
    "divergences": "the sampler missed part of the posterior: engine=Nuts(target_accept=0.999, tune=3000)",
    "trees at largest depth": "the steps are too short: engine=Nuts(tune=3000)",
    "quadrature error of the quantiles": "the posterior has a shape that the grid does not resolve: engine='nuts'",
    "quadrature error of the probabilities": "the posterior has a shape that the grid does not resolve: engine='nuts'",
    "probability at the edge of the grid": "the grid does not hold the posterior: engine='nuts'",
    "BFMI": "the chains move too slowly through the tails: engine=Nuts(draws=6000, tune=3000)",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One number about a fit, held against a limit.

    Parameters
    ----------
    name
        What is checked.
    role
        ``"computation"`` decides whether the result may be printed; ``"information"`` is printed beside it.
    value, limit
        The number and its limit.
    passed
        Whether the limit is kept.
    advice
        What to do, or what the number means for the reader.
    """

    name: str
    role: Role
    value: float
    limit: float
    passed: bool
    advice: str

    def __str__(self) -> str:
        return f"{self.name} is {check_text(self)} (limit {self.limit:g})"

    def to_dict(self) -> dict[str, object]:
        """Return a dictionary of plain values for JSON."""
        return {
            field: getattr(self, field) for field in ("name", "role", "value", "limit", "passed", "advice")
        }


def check_text(found: Check) -> str:
    """Return the value of a check with enough digits to tell it from its limit, and a share from 0 and 1."""
    instance("found", found, Check)
    return plain(found.value, found.limit, 0.0, 1.0)


def check(
    fit: HierarchicalFit, sampled: HierarchicalFit | None = None, refits: Refits | None = None
) -> tuple[Check, ...]:
    """Return all checks of a fit, those of the computation first.

    The information checks are left out where the computation failed: they would describe draws that mean
    nothing.

    Parameters
    ----------
    fit
        The fit.
    sampled
        The same model by another, sampling engine: it is checked too, and whether the two agree.
    refits
        Where the models without one patient may have been fitted before.
    """
    instance("fit", fit, HierarchicalFit)
    optional("sampled", sampled, HierarchicalFit)
    optional("refits", refits, Refits)
    own = computation_checks(fit)
    computation = own
    if sampled is not None:
        computation = (*own, *computation_checks(sampled), *agreement_checks(fit, sampled))
    if not all(found.passed for found in own):
        return computation
    return (
        *computation,
        prior_predictive_check(fit),
        *posterior_predictive_checks(fit),
        *leave_one_out_checks(fit, refits),
        *contraction_checks(fit),
        *power_scaling_checks(fit),
    )


def gate(fit: HierarchicalFit) -> HierarchicalFit:
    """Return the fit if every computation check passed.

    Raises
    ------
    ConvergenceError
        With the failed checks.
    """
    instance("fit", fit, HierarchicalFit)
    failed = tuple(str(found) for found in computation_checks(fit) if not found.passed)
    if failed:
        raise ConvergenceError(failed, fit.method)
    return fit


def computation_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return what decides: the errors of a quadrature, or convergence and health of a sampler."""
    instance("fit", fit, HierarchicalFit)
    return tuple(_computation(verdict) for verdict in fit.convergence.verdicts)


def agreement_checks(fit: HierarchicalFit, sampled: HierarchicalFit) -> tuple[Check, ...]:
    """Return whether draws agree with a deterministic fit: none if one of the two failed its own checks.

    The largest difference of a median or 95 % limit of a top-level quantity, in Monte Carlo standard errors.
    """
    instance("fit", fit, HierarchicalFit)
    instance("sampled", sampled, HierarchicalFit)
    if fit.convergence.failures or sampled.convergence.failures:
        return ()
    names = (*fit.model.parameters, "log_rate_ratio_new_patient")
    differences = {name: _difference(fit, sampled, name) for name in names}
    worst = max(differences, key=lambda name: differences[name])
    value = differences[worst]
    passed = value <= AGREEMENT_LIMIT
    advice = (
        "" if passed else "one of the engines is wrong: sample longer, engine=Nuts(draws=6000), and report it"
    )
    name = f"NUTS agrees with quadrature (worst: {worst})"
    return (Check(name, "computation", value, AGREEMENT_LIMIT, passed, advice),)


def _difference(fit: HierarchicalFit, sampled: HierarchicalFit, name: str) -> float:
    """Return the largest difference of median and 95 % limits, in Monte Carlo standard errors."""
    convergence = sampled.convergence
    if not isinstance(convergence, Convergence):
        raise ArgumentError("the second fit has no Monte Carlo errors: it is not a sampled one")
    probabilities = (0.5, 0.025, 0.975)
    distance = np.abs(
        fit.posterior.quantile(name, probabilities) - sampled.posterior.quantile(name, probabilities)
    )
    of_median, of_limits = convergence.monte_carlo_error(name)
    sd = np.sqrt(sampled.posterior.variance(name))
    return float((distance / (sd * np.array([of_median, of_limits, of_limits]))).max())


def prior_predictive_check(fit: HierarchicalFit) -> Check:
    """Return how surprising the observed relapses per patient-year are before the data are used."""
    instance("fit", fit, HierarchicalFit)
    pair = fit.model.pair
    years = sum(pair.total_years)
    drawn = _predicted(fit, "prior_predictive").sum(axis=(1, 2)) / years
    observed = sum(pair.totals) / years
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = _two_sided(drawn, observed)
    advice = (
        f"before the data the model expects {significant(float(low), 2)} to {significant(float(high), 2)} relapses per "
        f"patient-year (95 %); {significant(observed, 2)} were observed"
    )
    return Check(
        "prior predictive: relapses per patient-year",
        "information",
        value,
        TAIL_LIMIT,
        value >= TAIL_LIMIT,
        advice,
    )


def posterior_predictive_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how well the fit reproduces the total, the zeros, the largest count, and each single count."""
    instance("fit", fit, HierarchicalFit)
    drawn, observed = _predicted(fit, "posterior_predictive"), fit.model.pair.relapses
    statistics = {
        "total relapses": (drawn.sum(axis=(1, 2)), observed.sum()),
        "periods without relapse": ((drawn == 0).sum(axis=(1, 2)), (observed == 0).sum()),
        "largest count": (drawn.max(axis=(1, 2)), observed.max()),
    }
    found = [
        _predictive(name, _two_sided(values, float(seen))) for name, (values, seen) in statistics.items()
    ]
    single = min(_two_sided(drawn[:, i, j], float(observed[i, j])) for i, j in np.ndindex(observed.shape))
    return (*found, _predictive("least likely single count", min(1.0, single * observed.size)))


def leave_one_out_checks(fit: HierarchicalFit, refits: Refits | None = None) -> tuple[Check, ...]:
    """Return how far the ratio moves without the patient who moves it most, by exact refits of a small cohort.

    In posterior standard deviations of the log ratio; infinite where a patient had all relapses, or where a
    refit failed. None for a single patient, above 12 patients, or without a relapse.
    """
    instance("fit", fit, HierarchicalFit)
    optional("refits", refits, Refits)
    if not 2 <= len(fit.model.pair.patients) <= MOST_LEFT_OUT or not sum(fit.model.pair.totals):
        return ()
    try:
        left_out = leave_one_patient_out(fit.model, refits=refits)
    except ConvergenceError as refused:
        return (
            _left_out(math.inf, f"a refit without one of the patients failed: {'; '.join(refused.failures)}"),
        )
    unknown = left_out.loc[left_out["estimate"].isna(), "patient"]
    if len(unknown):
        return (
            _left_out(
                math.inf,
                f"patient {unknown.iloc[0]} had all the relapses: without this patient, {NO_INFORMATION}",
            ),
        )
    moved = np.abs(np.log(left_out["estimate"].to_numpy() / fit.rate_ratio().estimate))
    worst = left_out.iloc[int(moved.argmax())]
    pair, who = fit.model.pair, str(worst["patient"])
    reference, comparator = pair.only(np.array(pair.patients) != who).totals
    estimate, low, high = (beside(float(worst[name]), 1, 2) for name in ("estimate", "low", "high"))
    if not comparator:
        estimate = f"at most {high}"  # the median is the prior's
    elif not reference:
        estimate = f"at least {low}"
    return (
        _left_out(
            float(moved.max() / np.sqrt(fit.posterior.variance("log_rate_ratio"))),
            f"without patient {who} the ratio is {estimate} ({low} to {high})",
        ),
    )


def _left_out(value: float, advice: str) -> Check:
    passed = value <= LEAVE_ONE_OUT_LIMIT
    return Check("leave one patient out", "information", value, LEAVE_ONE_OUT_LIMIT, passed, advice)


def contraction_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how much of each parameter's prior variance the data removed."""
    instance("fit", fit, HierarchicalFit)
    return tuple(_contraction(name, value) for name, value in fit.contraction().items())


def power_scaling_checks(fit: HierarchicalFit) -> tuple[Check, ...]:
    """Return how much each parameter's posterior moves when the top-level priors are made a little stronger."""
    instance("fit", fit, HierarchicalFit)
    return tuple(_power_scaling(name, value) for name, value in fit.posterior.prior_sensitivity().items())


def predictive_intervals(fit: HierarchicalFit, level: float = 0.95) -> tuple[Counts, Counts, Counts]:
    """Return median, low and high of the replicated counts, each of shape (n, 2)."""
    instance("fit", fit, HierarchicalFit)
    level = require_level(level)
    tail = (1 - level) / 2
    drawn = _predicted(fit, "posterior_predictive")
    median, low, high = np.quantile(drawn, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf").astype(
        np.int64
    )
    return median, low, high


def _computation(verdict: Verdict) -> Check:
    advice = "" if verdict.passed else _ADVICE[verdict.name]
    name = f"{verdict.name} (worst: {verdict.quantity})" if verdict.quantity else verdict.name
    return Check(name, "computation", verdict.value, verdict.limit, verdict.passed, advice)


def _predictive(name: str, value: float) -> Check:
    passed = value >= TAIL_LIMIT
    advice = (
        "the model reproduces it"
        if passed
        else "the model does not reproduce it: counts vary in a way it does not know"
    )
    return Check(f"posterior predictive: {name}", "information", value, TAIL_LIMIT, passed, advice)


def _contraction(name: str, value: float) -> Check:
    passed = value >= CONTRACTION_LIMIT
    what = PARAMETER_NAMES[name]
    removed = f"the data removed {rounded_percent(value)} of the prior variance"
    advice = (
        removed if passed else f"the data say little about the {what}: {removed.removeprefix('the data ')}"
    )
    return Check(f"contraction: {what}", "information", value, CONTRACTION_LIMIT, passed, advice)


def _power_scaling(name: str, value: float) -> Check:
    passed = value <= POWER_SCALING_LIMIT
    what = PARAMETER_NAMES[name]
    advice = (
        "a slightly stronger prior changes little"
        if passed
        else f"the {what} moves with its prior: read it with the prior"
    )
    return Check(
        f"sensitivity to the priors: {what}", "information", value, POWER_SCALING_LIMIT, passed, advice
    )


def _predicted(fit: HierarchicalFit, group: str) -> Counts:
    values = fit.to_datatree()[group]["relapses"].to_numpy()
    return np.asarray(values.reshape(-1, *values.shape[2:]))


def _two_sided(drawn: npt.NDArray[Any], observed: float) -> float:
    """Return twice the smaller tail share of the replicates, ties counted in both tails; at least one replicate's share.

    None of so many replicates is no probability of 0.
    """
    at_least, at_most = float((drawn >= observed).mean()), float((drawn <= observed).mean())
    return min(1.0, max(2 * min(at_least, at_most), 1 / len(drawn)))
