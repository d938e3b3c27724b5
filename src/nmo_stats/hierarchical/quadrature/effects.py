"""Independent draws of patients' effects given the parameters, by rejection from a t distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nmo_stats.arrays import Floats
from nmo_stats.hierarchical.quadrature.patients import Patients

_FREEDOM: Final = 4
_WIDER: Final = 1.15  # scale of the proposal against the curvature at the mode
_ROOM: Final = 0.1
_BATCH: Final = 6
_DIFFERENCE: Final = 1e-4
_NEWTON_STEPS: Final = 50
_LONGEST_STEP: Final = 1.5
Effects = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Target:
    """The density of one patient's (u, v) at draws of the top-level parameters.

    Parameters
    ----------
    patient
        One patient.
    top
        Draws of the top-level parameters, each of shape (m,).
    """

    patient: Patients
    top: dict[str, Floats]

    def log_density(self, u: Floats, v: Floats) -> Floats:
        """Return the log density up to a constant; shape (m,)."""
        reference, comparator = self._log_rates(u, v)
        return (
            self._log_probability(0, reference) + self._log_probability(1, comparator) - (u * u + v * v) / 2
        )

    def slope_and_curvature(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Return gradient, shape (m, 2), and negative Hessian, shape (m, 2, 2)."""
        sd_rate, sd_ratio = self.top["sd_rate"], self.top["sd_rate_ratio"] / 2
        derivatives = [self._derivatives(period, rate) for period, rate in enumerate(self._log_rates(u, v))]
        (slope_0, bend_0), (slope_1, bend_1) = derivatives
        gradient = np.stack([sd_rate * (slope_0 + slope_1) - u, sd_ratio * (slope_1 - slope_0) - v], axis=-1)
        curvature = np.empty((*u.shape, 2, 2))
        curvature[..., 0, 0] = 1 + sd_rate**2 * (bend_0 + bend_1)
        curvature[..., 1, 1] = 1 + sd_ratio**2 * (bend_0 + bend_1)
        curvature[..., 0, 1] = curvature[..., 1, 0] = sd_rate * sd_ratio * (bend_1 - bend_0)
        return gradient, curvature

    def _log_rates(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        level = self.top["log_rate"] + self.top["sd_rate"] * u
        half = (self.top["log_rate_ratio"] + self.top["sd_rate_ratio"] * v) / 2
        return level - half, level + half

    def _log_probability(self, period: int, log_rate: Floats) -> Floats:
        return np.asarray(self.patient.log_probability(period, log_rate, self.top.get("overdispersion"))[0])

    def _derivatives(self, period: int, log_rate: Floats) -> tuple[Floats, Floats]:
        """Return first and negative second derivative in the log rate, by differences."""
        below, here, above = (
            self._log_probability(period, log_rate + shift) for shift in (-_DIFFERENCE, 0.0, _DIFFERENCE)
        )
        bend = (2 * here - below - above) / _DIFFERENCE**2
        return (above - below) / (2 * _DIFFERENCE), np.maximum(bend, 0.0)


def draw_effects(patients: Patients, top: dict[str, Floats], rng: np.random.Generator) -> Effects:
    """Return draws of u and v of every patient, each of shape (draws, patients).

    Each row of ``patients`` stands for one patient. The densities are log-concave, with tails no heavier than
    those of the proposal; the bound of the ratio is the largest of all proposals so far, and all starts again
    if it is exceeded.
    """
    drawn = [_draw_one(Target(patients[np.array([place])], top), rng) for place in range(len(patients))]
    return np.stack([u for u, _ in drawn], axis=1), np.stack([v for _, v in drawn], axis=1)


def _draw_one(target: Target, rng: np.random.Generator) -> Effects:
    mode, factor = _mode(target)
    bound = -np.inf
    while True:
        found = _rejected(target, mode, factor, bound, rng)
        if isinstance(found, tuple):
            return found
        bound = found


def _rejected(
    target: Target, mode: Floats, factor: Floats, bound: float, rng: np.random.Generator
) -> Effects | float:
    """Return accepted draws, or a larger bound if the given one was exceeded."""
    peak = target.log_density(mode[:, 0], mode[:, 1])
    effects = np.empty_like(mode)
    waiting = np.arange(len(mode))
    while waiting.size:
        here = np.repeat(waiting, _BATCH)
        proposed, log_proposal = _propose(mode[here], factor[here], rng)
        some = Target(target.patient, {name: values[here] for name, values in target.top.items()})
        log_ratio = some.log_density(proposed[:, 0], proposed[:, 1]) - peak[here] - log_proposal
        if log_ratio.max() > bound:
            if bound > -np.inf:
                return float(log_ratio.max()) + _ROOM
            bound = float(log_ratio.max()) + _ROOM
        accepted = np.log(rng.uniform(size=here.size)) < log_ratio - bound
        accepted = accepted.reshape(-1, _BATCH)
        first = np.argmax(accepted, axis=1)
        done = accepted.any(axis=1)
        effects[waiting[done]] = proposed.reshape(-1, _BATCH, 2)[done, first[done]]
        waiting = waiting[~done]
    return effects[:, 0], effects[:, 1]


def _propose(mode: Floats, factor: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    normal = rng.normal(size=mode.shape)
    scale = np.sqrt(rng.chisquare(_FREEDOM, size=len(mode)) / _FREEDOM)
    standard = normal / scale[:, None]
    log_density = -(_FREEDOM + 2) / 2 * np.log1p((standard**2).sum(axis=1) / _FREEDOM)
    return mode + np.einsum("mij,mj->mi", factor, standard), log_density


def _mode(target: Target) -> tuple[Floats, Floats]:
    """Return the mode at each draw, (m, 2), and the factor of the proposal's scale matrix, (m, 2, 2)."""
    place = np.zeros((target.top["log_rate"].size, 2))
    for _ in range(_NEWTON_STEPS):
        gradient, curvature = target.slope_and_curvature(place[:, 0], place[:, 1])
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.sqrt((step**2).sum(axis=1, keepdims=True))
        place += step * np.minimum(1.0, _LONGEST_STEP / np.maximum(length, 1e-12))
        if length.max() < 1e-3:
            break
    _, curvature = target.slope_and_curvature(place[:, 0], place[:, 1])
    return place, _WIDER * np.linalg.cholesky(np.linalg.inv(curvature))
