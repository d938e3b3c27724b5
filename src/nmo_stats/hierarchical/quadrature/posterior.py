"""The deterministic posterior as an engine's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import natural_scale
from nmo_stats.hierarchical.posterior import Target
from nmo_stats.hierarchical.quadrature.marginal import Distribution, mixture, quantile
from nmo_stats.hierarchical.quadrature.patient_posterior import PatientPosterior, mixed, patient_posterior
from nmo_stats.hierarchical.quadrature.patients import Patients
from nmo_stats.hierarchical.quadrature.power_scaling import power_scaling
from nmo_stats.hierarchical.quadrature.predictions import Ahead
from nmo_stats.hierarchical.quadrature.quantities import Solution
from nmo_stats.hierarchical.quadrature.solution import Part
from nmo_stats.numerics.threads import one_thread

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class GridPosterior:
    """A posterior known by its nodes: distributions are exact to the stated error, draws are independent.

    Parameters
    ----------
    solution
        The solved posterior.
    seed
        Of the draws; nothing else depends on it.
    """

    solution: Solution
    seed: int

    def quantile(self, quantity: str, probabilities: Sequence[float]) -> Floats:
        """Return quantiles, shape (probabilities, *dimensions of the quantity)."""
        wanted = np.asarray(probabilities, dtype=float)
        if quantity in self.solution.scalars:
            with one_thread():
                return self.solution.quantile(quantity, wanted)
        found, shape = self._distributions(quantity)
        values = np.stack([quantile(one, wanted) for one in found], axis=1)
        return np.asarray(values.reshape(wanted.size, *shape))

    def probability_below(self, quantity: str, value: float) -> Floats:
        """Return P(quantity < value), with the dimensions of the quantity."""
        if quantity in self.solution.scalars:
            with one_thread():
                return np.asarray(self.solution.probability_below(quantity, value))
        found, shape = self._distributions(quantity)
        return np.reshape([one.cdf(np.asarray(value, dtype=float)) for one in found], shape)

    def cdf(self, quantity: str, value: Floats) -> Floats:
        """Return P(scalar quantity <= value); the shape of ``value``."""
        with one_thread():
            return self.solution.distribution(quantity).cdf(value)

    def density(self, quantity: str, value: Floats) -> Floats:
        """Return the density of a scalar quantity; the shape of ``value``."""
        return self.solution.distribution(quantity).density(value)

    def mean(self, quantity: str) -> float:
        """Return the posterior mean of a scalar quantity."""
        return self.solution.mean_and_variance(quantity)[0]

    def variance(self, quantity: str) -> float:
        """Return the posterior variance of a scalar quantity."""
        return self.solution.mean_and_variance(quantity)[1]

    def ahead(
        self, target: Target, period: int, years: float, probabilities: Sequence[float]
    ) -> dict[str, Floats]:
        """Return quantiles of ``rate``, ``relapses`` and ``relapse_free`` in a time ahead."""
        if target.index:
            by_part = [found[target.index[0]].log_rates[period] for found in self._by_part]
        else:
            by_part = self.solution.by_part(f"{target.quantity}[{period}]")
        ahead = Ahead(by_part, [part.overdispersion for part in self._parts], self._weights, years)
        log_rate = mixture(by_part, self._weights)
        return {
            "rate": natural_scale(quantile(log_rate, np.asarray(probabilities))),
            "relapses": np.array([float(ahead.relapses(share)) for share in probabilities]),
            "relapse_free": np.array([ahead.relapse_free(share) for share in probabilities]),
        }

    def prior_sensitivity(self) -> dict[str, float]:
        """Return the sensitivity of each top-level parameter to power-scaling of the top-level priors."""
        return power_scaling(self.solution)

    @cached_property
    def draws(self) -> xr.Dataset:
        """Independent draws of the quantities: chain, draw, and patient and period where they apply."""
        return self._drawn[1]

    @cached_property
    def tree(self) -> xr.DataTree:
        """Draws of parameters and quantities in all groups of an ArviZ container."""
        import xarray as xr

        from nmo_stats.hierarchical.arviz_adapter import container

        parameters, quantities = self._drawn
        return container(self.solution.model, parameters.merge(quantities), xr.Dataset(), self.seed)

    @cached_property
    def _drawn(self) -> tuple[xr.Dataset, xr.Dataset]:
        from nmo_stats.hierarchical.quadrature.draws import drawn

        return drawn(self.solution, self.seed)

    def _distributions(self, quantity: str) -> tuple[list[Distribution], tuple[int, ...]]:
        """Return the distributions of a quantity with dimensions, and its shape."""
        if quantity == "log_rate_patient":
            return [rate for found in self._patients for rate in found.log_rates], (len(self._patients), 2)
        if quantity == "log_rate_ratio_patient":
            return [found.log_rate_ratio for found in self._patients], (len(self._patients),)
        return [self.solution.distribution(f"{quantity}[{period}]") for period in (0, 1)], (2,)

    @cached_property
    def _patients(self) -> list[PatientPosterior]:
        """Return the posterior of every patient, in their order."""
        return [mixed(list(found), self._weights) for found in zip(*self._by_part, strict=True)]

    @cached_property
    def _by_part(self) -> list[list[PatientPosterior]]:
        """Return the posterior of every patient at each overdispersion; equal patients are computed once."""
        patients, places = Patients.distinct(self.solution.model)
        found = []
        for part in self._parts:
            with one_thread():
                posteriors = [patient_posterior(patients, place, part) for place in range(len(patients))]
            found.append([posteriors[place] for place in places])
        return found

    @property
    def _parts(self) -> tuple[Part, ...]:
        return self.solution.parts

    @property
    def _weights(self) -> Floats:
        return np.array([part.weight for part in self.solution.parts])
