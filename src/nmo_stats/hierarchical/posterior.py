"""The posterior of a fit: what every engine supplies, and one that is known by its draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.model import natural_scale, no_relapse, simulate_counts

if TYPE_CHECKING:
    import xarray as xr

_BINS: Final = 50


@dataclass(frozen=True, slots=True)
class Target:
    """Someone whose relapses are predicted.

    Parameters
    ----------
    name
        ``"typical"``, ``"patient"`` or ``"new_patient"``.
    patient
        Identifier of an observed patient, else None.
    quantity
        Name of the log rates among the quantities of a posterior.
    index
        Index of the patient in the quantity, empty for the other targets.
    """

    name: str
    patient: str | None
    quantity: str
    index: tuple[int, ...] = ()


def targets(patients: Sequence[str]) -> tuple[Target, ...]:
    """Return the three kinds of targets, each observed patient one of them."""
    return (
        Target("typical", None, "log_rate_typical"),
        *(Target("patient", patient, "log_rate_patient", (index,)) for index, patient in enumerate(patients)),
        Target("new_patient", None, "log_rate_new_patient"),
    )


class Posterior(Protocol):
    """What an engine supplies: the distribution of every quantity, and draws."""

    def quantile(self, quantity: str, probabilities: Sequence[float]) -> Floats:
        """Return quantiles, shape (probabilities, *dimensions of the quantity).

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        probabilities
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            On the scale of the quantity.
        """

    def probability_below(self, quantity: str, value: float) -> Floats:
        """Return P(quantity < value), with the dimensions of the quantity.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Probabilities.
        """

    def cdf(self, quantity: str, value: Floats) -> Floats:
        """Return P(scalar quantity <= value); the shape of ``value``.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Probabilities.
        """

    def density(self, quantity: str, value: Floats) -> Floats:
        """Return the density of a scalar quantity; the shape of ``value``.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Per unit of the quantity.
        """

    def mean(self, quantity: str) -> float:
        """Return the posterior mean of a scalar quantity.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.

        Returns
        -------
        float
            On the scale of the quantity.
        """

    def variance(self, quantity: str) -> float:
        """Return the posterior variance of a scalar quantity.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.

        Returns
        -------
        float
            On the squared scale of the quantity.
        """

    def ahead(
        self, target: Target, period: int, years: float, probabilities: Sequence[float]
    ) -> dict[str, Floats]:
        """Return quantiles of ``rate``, ``relapses`` and ``relapse_free`` in a time ahead.

        Parameters
        ----------
        target
            Who is predicted.
        period
            0 for the reference, 1 for the comparator.
        years
            Length of the time ahead.
        probabilities
            Between 0 and 1.

        Returns
        -------
        dict
            An array of quantiles for each of the three.
        """

    def prior_sensitivity(self) -> dict[str, float]:
        """Return the sensitivity of each top-level parameter to power-scaling of the top-level priors.

        Returns
        -------
        dict
            A number for each parameter; above 0.05 the prior matters.
        """

    @property
    def draws(self) -> xr.Dataset:
        """Draws of the quantities, dimensions chain, draw, and patient and period where they apply."""

    @property
    def tree(self) -> xr.DataTree:
        """Draws of parameters and quantities in all groups of an ArviZ container."""


@dataclass(frozen=True, eq=False)
class DrawsPosterior:
    """A posterior known by its draws.

    Parameters
    ----------
    draws
        Of the quantities, dimensions chain, draw, and patient and period where they apply.
    tree
        The ArviZ container.
    seed
        Of the predicted counts.
    """

    draws: xr.Dataset
    tree: xr.DataTree
    seed: int

    def quantile(self, quantity: str, probabilities: Sequence[float]) -> Floats:
        """Return sample quantiles, shape (probabilities, *dimensions of the quantity).

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        probabilities
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            On the scale of the quantity.
        """
        return np.quantile(self._values(quantity), probabilities, axis=0)

    def probability_below(self, quantity: str, value: float) -> Floats:
        """Return the share of draws below a value.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Probabilities.
        """
        return np.asarray((self._values(quantity) < value).mean(axis=0))

    def cdf(self, quantity: str, value: Floats) -> Floats:
        """Return the share of draws at or below each value.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Probabilities.
        """
        draws = np.sort(self._values(quantity))
        return np.asarray(np.searchsorted(draws, value, side="right") / draws.size)

    def density(self, quantity: str, value: Floats) -> Floats:
        """Return the density as a histogram of the draws shows it.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.
        value
            On the scale of the quantity.

        Returns
        -------
        numpy.ndarray
            Per unit of the quantity.
        """
        heights, edges = np.histogram(self._values(quantity), bins=_BINS, density=True)
        bins = np.searchsorted(edges, value, side="right") - 1
        inside = (bins >= 0) & (bins < _BINS)
        return np.where(inside, heights[np.clip(bins, 0, _BINS - 1)], 0.0)

    def mean(self, quantity: str) -> float:
        """Return the sample mean of a scalar quantity.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.

        Returns
        -------
        float
            On the scale of the quantity.
        """
        return float(self._values(quantity).mean())

    def variance(self, quantity: str) -> float:
        """Return the sample variance of a scalar quantity.

        Parameters
        ----------
        quantity
            Name of the quantity, such as ``"log_rate_ratio"``.

        Returns
        -------
        float
            On the squared scale of the quantity.
        """
        return float(self._values(quantity).var())

    def ahead(
        self, target: Target, period: int, years: float, probabilities: Sequence[float]
    ) -> dict[str, Floats]:
        """Return quantiles of ``rate``, simulated ``relapses`` and ``relapse_free`` in a time ahead.

        Parameters
        ----------
        target
            Who is predicted.
        period
            0 for the reference, 1 for the comparator.
        years
            Length of the time ahead.
        probabilities
            Between 0 and 1.

        Returns
        -------
        dict
            An array of quantiles for each of the three.
        """
        at: tuple[int | slice, ...] = (slice(None), *target.index, period)
        rate = natural_scale(self._values(target.quantity)[at])
        overdispersion = self._values("overdispersion") if "overdispersion" in self.draws else None
        rng = np.random.default_rng([self.seed, 2, period, *target.index])
        counts = simulate_counts(rng, years * rate, overdispersion).astype(float)
        return {
            "rate": np.quantile(rate, probabilities),
            "relapses": np.quantile(counts, probabilities, method="inverted_cdf"),
            "relapse_free": np.quantile(no_relapse(years * rate, overdispersion), probabilities),
        }

    def prior_sensitivity(self) -> dict[str, float]:
        """Return the sensitivity of each top-level parameter to power-scaling of the top-level priors.

        Returns
        -------
        dict
            A number for each parameter; above 0.05 the prior matters.
        """
        from nmo_stats.hierarchical.arviz_adapter import power_scaling

        return power_scaling(self.tree)

    def _values(self, quantity: str) -> Floats:
        values = self.draws[quantity].to_numpy()
        return np.asarray(values.reshape(-1, *values.shape[2:]))
