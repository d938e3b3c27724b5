"""A fitted hierarchical model: its answers are the same for every engine that supplies a posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from nmo_stats.arguments import positive
from nmo_stats.arrays import Floats
from nmo_stats.cohort.schema import LONGEST_YEARS
from nmo_stats.errors import ConvergenceError
from nmo_stats.estimate import (
    NO_INFORMATION,
    Caution,
    Estimand,
    Interval,
    RateDifference,
    RateRatio,
    require_level,
    require_ratio,
)
from nmo_stats.estimators.cautions import pair_cautions, zero_cell_cautions
from nmo_stats.hierarchical.convergence import Quality
from nmo_stats.hierarchical.model import Model, natural_scale
from nmo_stats.hierarchical.posterior import Posterior, targets
from nmo_stats.wording import counted

if TYPE_CHECKING:
    import xarray as xr

# Limits at 0.9999 move by less than 1e-3 when the integration is refined (example: 5e-4), those at 0.99999 by
# 3e-3.
HIGHEST_LEVEL: Final = 0.9999
_CONFOUNDED: Final = (
    "with one count per period, overdispersion cannot be told from differences in the ratio between patients"
)
_OF_PRIOR: Final = (
    "the {other} limit and the median are set by the prior; with few relapses so is the {known} limit in part"
)


@dataclass(frozen=True, eq=False)
class HierarchicalFit:
    """A fitted hierarchical model. Every answer is withheld if the computation did not converge.

    Parameters
    ----------
    model
        The comparison with priors and likelihood.
    posterior
        Its posterior.
    convergence
        The accuracy of the posterior.
    method
        ``"hierarchical_quadrature"`` or ``"hierarchical_nuts"``.
    seed
        Seed of all random numbers behind the fit.
    """

    model: Model
    posterior: Posterior
    convergence: Quality
    method: str
    seed: int

    def rate_ratio(self, level: float = 0.95) -> RateRatio:
        """Return the ratio of a typical patient: posterior median and equal-tailed interval.

        Parameters
        ----------
        level
            Probability of the interval.

        Returns
        -------
        RateRatio
            With its cautions and the rate difference.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        return replace(
            self._ratio("log_rate_ratio", "typical_patient", level),
            rate_difference=self.rate_difference(level),
        )

    def rate_ratio_new_patient(self, level: float = 0.95) -> RateRatio:
        """Return the ratio of a patient not yet seen, from the same population.

        Parameters
        ----------
        level
            Probability of the interval.

        Returns
        -------
        RateRatio
            With its cautions.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        ratio = self._ratio("log_rate_ratio_new_patient", "new_patient", level)
        if self.model.likelihood == "poisson":
            return ratio
        return ratio.with_cautions(Caution("confounded", _CONFOUNDED))

    def rate_difference(self, level: float = 0.95) -> RateDifference:
        """Return reference rate minus comparator rate of a typical patient, per patient-year.

        Parameters
        ----------
        level
            Probability of the interval.

        Returns
        -------
        RateDifference
            Posterior median and equal-tailed interval.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        median, low, high = self._quantiles("rate_difference", level)
        return RateDifference(float(median), Interval(float(low), float(high), level, "credible"))

    def probability_below(self, ratio: float) -> float:
        """Return the posterior probability that the typical patient's ratio is below ``ratio``.

        Parameters
        ----------
        ratio
            Positive and finite.

        Returns
        -------
        float
            A probability.

        Raises
        ------
        ArgumentError
            If it is no ratio.
        ConvergenceError
            If the computation failed one of its checks.
        """
        self.require_convergence()
        return float(self.posterior.probability_below("log_rate_ratio", math.log(require_ratio(ratio))))

    def patient_rate_ratios(self, level: float = 0.95) -> pd.DataFrame:
        """Return the shrunken ratio of each observed patient beside the observed one.

        Parameters
        ----------
        level
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``patient``, ``observed`` (NaN without relapses, 0 or infinite at a zero),
            ``estimate``, ``low``, ``high``, ``probability_below_1``.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        rates = self.model.pair.relapses / self.model.pair.years
        with np.errstate(divide="ignore", invalid="ignore"):
            observed = rates[:, 1] / rates[:, 0]
        return pd.DataFrame(
            {
                "patient": list(self.model.pair.patients),
                "observed": observed,
                **self._limits("log_rate_ratio_patient", level),
                "probability_below_1": self.posterior.probability_below("log_rate_ratio_patient", 0.0),
            }
        )

    def patient_rates(self, level: float = 0.95) -> pd.DataFrame:
        """Return each observed patient's rate per year on each treatment.

        Parameters
        ----------
        level
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``patient``, ``treatment``, ``observed``, ``estimate``, ``low``, ``high``.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        pair = self.model.pair
        return pd.DataFrame(
            {
                "patient": np.repeat(pair.patients, 2),
                "treatment": [pair.reference, pair.comparator] * len(pair.patients),
                "observed": (pair.relapses / pair.years).ravel(),
                **self._limits("log_rate_patient", level),
            }
        )

    def predict(self, years: float = 1.0, level: float = 0.95) -> pd.DataFrame:
        """Predict relapses in a time ahead: of a typical, each observed and a new patient on each treatment.

        Parameters
        ----------
        years
            Length of the time ahead, at most 10,000.
        level
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``target`` (``typical``, ``patient``, ``new_patient``), ``patient``, ``treatment``,
            ``years``, and median, low and high of the rate per year (``rate``), of the relapse count
            (``relapses``) and of the probability of no relapse (``relapse_free``). Medians, since the mean
            rate of a new patient is infinite.

        Raises
        ------
        ArgumentError
            If the time or the level is out of its range.
        ConvergenceError
            If the computation failed one of its checks.
        """
        years, level = positive("years", years, LONGEST_YEARS), self._resolved(level)
        self.require_convergence()
        pair, tail = self.model.pair, (1 - level) / 2
        rows = []
        for target in targets(pair.patients):
            for period, treatment in enumerate((pair.reference, pair.comparator)):
                ahead = self.posterior.ahead(target, period, years, (0.5, tail, 1 - tail))
                row = {
                    "target": target.name,
                    "patient": target.patient,
                    "treatment": treatment,
                    "years": years,
                }
                for name, (median, low, high) in ahead.items():
                    row |= {name: float(median), f"{name}_low": float(low), f"{name}_high": float(high)}
                rows.append(row)
        return pd.DataFrame(rows)

    def contraction(self) -> dict[str, float]:
        """Return 1 - posterior variance / prior variance of each parameter: 0 where all is prior.

        Returns
        -------
        dict
            One number for each parameter.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        self.require_convergence()
        return {
            name: 1 - self.posterior.variance(name) / self.model.priors.of(name).variance
            for name in self.model.parameters
        }

    def parameters(self, level: float = 0.95) -> pd.DataFrame:
        """Return median and interval of each top-level parameter, with its prior and contraction.

        Parameters
        ----------
        level
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``parameter``, ``prior``, ``median``, ``low``, ``high``, ``contraction``.

        Raises
        ------
        ConvergenceError
            If the computation failed one of its checks.
        """
        contraction, names = self.contraction(), self.model.parameters
        median, low, high = np.transpose([self._quantiles(name, level) for name in names])
        return pd.DataFrame(
            {
                "parameter": names,
                "prior": [str(self.model.priors.of(name)) for name in names],
                "median": median,
                "low": low,
                "high": high,
                "contraction": [contraction[name] for name in names],
            }
        )

    def to_datatree(self) -> xr.DataTree:
        """Return the ArviZ container: posterior, prior, predictive, likelihood, data and sampler groups.

        Returns
        -------
        xarray.DataTree
            One group for each kind of array.
        """
        return self.posterior.tree

    def require_convergence(self) -> None:
        """Do nothing if the computation passed its checks.

        Raises
        ------
        ConvergenceError
            If it failed one of them.
        """
        if self.convergence.failures:
            raise ConvergenceError(self.convergence.failures, self.method)

    def _quantiles(self, quantity: str, level: float) -> Floats:
        """Return median, low and high."""
        self.require_convergence()
        tail = (1 - self._resolved(level)) / 2
        return self.posterior.quantile(quantity, (0.5, tail, 1 - tail))

    def _limits(self, log_quantity: str, level: float) -> dict[str, Floats]:
        """Return the columns ``estimate``, ``low`` and ``high`` of a table of ratios or rates."""
        quantiles = natural_scale(self._quantiles(log_quantity, level)).reshape(3, -1)
        return dict(zip(("estimate", "low", "high"), quantiles, strict=True))

    def _resolved(self, level: float) -> float:
        """Return a level whose limits are accurate; those of a higher one are withheld."""
        if require_level(level) <= HIGHEST_LEVEL:
            return require_level(level)
        reason = (
            f"the level is {float(level):.12g}. Expected: at most {HIGHEST_LEVEL}, up to which limits are "
            "accurate. Choose a lower level."
        )
        raise ConvergenceError((reason,), self.method)

    def _ratio(self, log_quantity: str, estimand: Estimand, level: float) -> RateRatio:
        median, low, high = natural_scale(self._quantiles(log_quantity, level))
        return RateRatio(
            estimate=float(median),
            interval=Interval(float(low), float(high), level, "credible"),
            method=self.method,
            estimand=estimand,
            cautions=self._cautions(),
            probability_below_1=float(self.posterior.probability_below(log_quantity, 0.0)),
        )

    def _cautions(self) -> tuple[Caution, ...]:
        pair = self.model.pair
        if not sum(pair.totals):
            return (Caution("no_information", NO_INFORMATION), *pair_cautions(pair))
        known, other = ("upper", "lower") if pair.totals[0] else ("lower", "upper")
        of_prior = _OF_PRIOR.format(known=known, other=other)
        zero = [replace(caution, text=f"{caution.text}; {of_prior}") for caution in zero_cell_cautions(pair)]
        return (*zero, *self._prior_dominated(), *pair_cautions(pair))

    def _prior_dominated(self) -> tuple[Caution, ...]:
        """Return the caution on patients whose only reference relapse is the one that let them in."""
        pair = self.model.pair
        single = int((pair.relapses[:, 0] == 1).sum())
        if self.model.entry is None or not single:
            return ()
        text = (
            f"{single} of {counted(len(pair.patients), 'patient')} had only the one {pair.reference} relapse "
            "that let them in: it says little about their rate, and the upper limit depends on the prior"
        )
        return (Caution("prior_dominated", text),)
