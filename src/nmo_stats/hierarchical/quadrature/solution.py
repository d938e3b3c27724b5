"""A solved posterior: its nodes and mass, and the distribution of every top-level quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from nmo_stats.arrays import Complex, Floats
from nmo_stats.hierarchical.quadrature.adapt import population_reach
from nmo_stats.hierarchical.quadrature.blocks import Block
from nmo_stats.hierarchical.quadrature.joint import Joint
from nmo_stats.hierarchical.quadrature.marginal import (
    Distribution,
    Marginal,
    SpreadMarginal,
    mean,
    mixture,
    powers,
)

_SMEARED: Final = 38.0  # sd at which a Normal density is 0


@dataclass(frozen=True, slots=True)
class Combination:
    """A linear combination of a patient's level and log ratio.

    Parameters
    ----------
    level, ratio
        Coefficients.
    new_patient
        Whether the patient is a new one; otherwise a typical one, whose effects are 0.
    """

    level: float
    ratio: float
    new_patient: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """The posterior at one overdispersion (None for Poisson), and the probability that belongs to it."""

    weight: float
    overdispersion: float | None
    joint: Joint


def combination(parts: tuple[Part, ...], what: Combination) -> Distribution:
    """Return the distribution of a combination of location parameters, or of a new patient's effects."""
    return _mixed(parts, [_combination(part.joint, what) for part in parts])


def spread(parts: tuple[Part, ...], name: str) -> Distribution:
    """Return the distribution of ``sd_rate`` (name ``"level"``) or ``sd_rate_ratio`` (``"ratio"``)."""
    return _mixed(parts, [_spread(part.joint, name) for part in parts])


def moments(parts: tuple[Part, ...], what: Combination) -> tuple[float, float]:
    """Return mean and variance of a combination."""
    first = sum(part.weight * _moment(part.joint, what, 1) for part in parts)
    second = sum(part.weight * _moment(part.joint, what, 2) for part in parts)
    return first, second - first**2


def spread_moments(parts: tuple[Part, ...], name: str) -> tuple[float, float]:
    """Return mean and variance of a spread."""
    second = 0.0
    for part in parts:
        block, mass = _side(part.joint, name)
        second += part.weight * float(mass.sum(axis=1) @ block.spread**2)
    first = mean(spread(parts, name))
    return first, second - first**2


def _moment(joint: Joint, what: Combination, power: int) -> float:
    level, sd_level = joint.level.flat()
    ratio, sd_ratio = joint.ratio.flat()
    by_level, by_ratio = joint.mass.sum(axis=1), joint.mass.sum(axis=0)
    a, b = what.level, what.ratio
    if power == 1:
        return float(a * (by_level @ level) + b * (by_ratio @ ratio))
    squares = a * a * (by_level @ level**2) + b * b * (by_ratio @ ratio**2)
    if a and b:
        squares += 2 * a * b * (level @ joint.mass @ ratio)
    if what.new_patient:
        squares += a * a * (by_level @ sd_level**2) + b * b * (by_ratio @ sd_ratio**2)
    return float(squares)


def _side(joint: Joint, name: str) -> tuple[Block, Floats]:
    return (joint.level, joint.level_mass) if name == "level" else (joint.ratio, joint.ratio_mass)


def _mixed(parts: tuple[Part, ...], distributions: Sequence[Distribution]) -> Distribution:
    return mixture(distributions, np.array([part.weight for part in parts]))


def _combination(joint: Joint, what: Combination) -> Marginal:
    low, high = np.sum(
        [
            _range(block, mass, factor, new_patient=what.new_patient)
            for block, mass, factor in (
                (joint.level, joint.level_mass, what.level),
                (joint.ratio, joint.ratio_mass, what.ratio),
            )
        ],
        axis=0,
    )

    def characteristic(frequency: float, count: int) -> Complex:
        of_level = partial(wave, joint.level, what.level * frequency, count, new_patient=what.new_patient)
        of_ratio = partial(wave, joint.ratio, what.ratio * frequency, count, new_patient=what.new_patient)
        if not what.ratio:
            return joint.level_mass.ravel() @ of_level()
        if not what.level:
            return joint.ratio_mass.ravel() @ of_ratio()
        # real matrix products: numpy would first make the large mass complex
        waves = of_ratio()
        summed = joint.mass @ waves.real + 1j * (joint.mass @ waves.imag)
        return np.asarray((of_level() * summed).sum(axis=0))

    narrowest = min(
        abs(factor) * float(block.width.min() * block.step_z)
        for block, factor in ((joint.level, what.level), (joint.ratio, what.ratio))
        if factor
    )
    return Marginal.of(characteristic, float(low), float(high), narrowest)


def _range(block: Block, mass: Floats, factor: float, *, new_patient: bool) -> tuple[float, float]:
    if not factor:
        return 0.0, 0.0
    low, high = float(block.location.min()), float(block.location.max())
    if new_patient:
        low, high = population_reach(block, mass, 1e-9)
    ends = sorted((factor * low, factor * high))
    return ends[0], ends[1]


def wave(block: Block, frequency: float, count: int, *, new_patient: bool) -> Complex:
    """Return exp(i n frequency location), n = 1..count, at every node; smeared for a new patient.

    A row of nodes knows nothing of frequencies above half its own: there its interpolant is 0. Shape (nodes,
    count).
    """
    location, spread_ = block.flat()
    spacing = np.repeat(block.width * block.step_z, block.z.size)
    frequencies = abs(frequency) * np.arange(1, count + 1)
    waves = powers(frequency * location, count)
    waves *= frequencies * spacing[:, None] < np.pi
    if new_patient:
        waves *= np.exp(-0.5 * np.minimum(frequencies * spread_[:, None], _SMEARED) ** 2)
    return np.asarray(waves)


def _spread(joint: Joint, name: str) -> SpreadMarginal:
    block, rows = _side(joint, name)
    mass = rows.sum(axis=1)
    low, high, step = block.x[0], block.x[-1], block.x[1] - block.x[0]

    def characteristic(frequency: float, count: int) -> Complex:
        waves = powers(frequency * block.x, count)
        return np.asarray(mass @ (waves.real if block.reflected else waves), dtype=complex)

    start = -high if block.reflected else low
    return SpreadMarginal(
        Marginal.of(characteristic, float(start), float(high), float(step)), block.unit, block.reflected
    )
