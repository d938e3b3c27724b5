"""The ratio beyond a background: against plain convolutions of the posterior, and what must not change."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.sensitivity import (
    RULES,
    Background,
    NoEffect,
    Simulation,
    adjusted,
    benchmark,
    headline_population,
)
from nmo_stats.sensitivity.background import simulated_background
from nmo_stats.simulate import GammaRates


@pytest.fixture(scope="module")
def fit(example_pair):
    return hierarchical.fit(example_pair, seed=1)


def numbers(ratio):
    return [ratio.estimate, ratio.interval.low, ratio.interval.high, ratio.probability_below_1]


def test_a_background_ratio_of_1_without_doubt_changes_nothing(fit):
    assert numbers(adjusted(fit, Background(1.0, 0.0))) == pytest.approx(numbers(fit.rate_ratio()), rel=1e-9)


def test_a_known_background_ratio_divides(fit):
    found = adjusted(fit, Background(0.5, 0.0), level=0.9)
    before = fit.rate_ratio(0.9)
    assert numbers(found)[:3] == pytest.approx(
        [2 * before.estimate, 2 * before.interval.low, 2 * before.interval.high]
    )
    assert found.probability_below_1 == pytest.approx(fit.probability_below(0.5), abs=1e-9)
    assert (found.method, found.estimand, found.interval.kind) == (
        "hierarchical_quadrature",
        "typical_patient",
        "credible",
    )


@pytest.mark.parametrize(("ratio", "sd"), [(0.5, 0.2), (0.18, 0.5), (1.5, 1.0)])
def test_an_uncertain_background_is_a_convolution(fit, ratio, sd):
    # The density of the log ratio, smeared by the Normal density on an even grid.
    grid = np.arange(-12, 10, 0.005)
    density = fit.posterior.density("log_rate_ratio", grid)
    noise = np.exp(-0.5 * (np.arange(-8 * sd, 8 * sd, 0.005) / sd) ** 2)
    smeared = np.convolve(density, noise / noise.sum(), mode="same")
    below = np.cumsum(smeared) / smeared.sum()
    shifted = grid - math.log(ratio)
    expected = np.exp(np.interp([0.5, 0.025, 0.975], below, shifted))
    found = adjusted(fit, Background(ratio, sd))
    assert numbers(found)[:3] == pytest.approx(list(expected), rel=6e-3)
    assert found.probability_below_1 == pytest.approx(np.interp(0.0, shifted, below), abs=2e-3)


@pytest.mark.parametrize("sd", [0.2, 1.0, 5.0])
def test_a_narrow_posterior_takes_the_shape_of_the_background(sd):
    # 400 patients fix the log ratio to 0.06: a few nodes of a quadrature rule would show as steps.
    pair = Comparison.from_arrays([[2, 1]] * 400, [[1.0, 1.0]] * 400)
    fit = hierarchical.fit(pair, seed=1)
    mean, width = (
        float(fit.posterior.quantile("log_rate_ratio", (0.5,))[0]),
        float(np.diff(fit.posterior.quantile("log_rate_ratio", (0.16, 0.84)))[0]) / 2,
    )
    found = adjusted(fit, Background(0.5, sd))
    spread = math.hypot(sd, width)  # of a Normal posterior and a Normal background
    assert math.log(found.estimate) == pytest.approx(mean - math.log(0.5), abs=0.01)
    assert math.log(found.interval.high) == pytest.approx(mean - math.log(0.5) + 1.959964 * spread, abs=0.01)
    assert math.log(found.interval.low) == pytest.approx(mean - math.log(0.5) - 1.959964 * spread, abs=0.01)


def test_a_series_with_too_few_relapses_gives_no_background():
    pair = Comparison.from_arrays([[1, 0], [1, 0], [1, 1]], [[1.0, 0.05]] * 3)
    population = GammaRates(0.5, 0.7)
    designs = [
        NoEffect(
            "triggered_1",
            RULES["triggered_1"],
            population,
            True,
            benchmark(pair, population, RULES["triggered_1"], Simulation(200)),
        )
    ]
    found = simulated_background(Model(pair), designs, Refits(), seed=1)
    assert "would hold only 1" in found.reason
    assert "too few to fix its ratio" in found.reason
    assert not found.failed


def test_draws_are_smeared_like_a_density(example_fit):
    exact = hierarchical.fit(example_fit.model.pair, seed=1)
    first, second = (adjusted(one, Background(0.5, 0.3)) for one in (exact, example_fit))
    assert second.estimate == pytest.approx(first.estimate, rel=0.1)
    assert second.method == "hierarchical_nuts"


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 5), st.floats(0, 2))
def test_more_doubt_never_shortens_the_interval(fit, ratio, sd):
    less, more = adjusted(fit, Background(ratio, sd)), adjusted(fit, Background(ratio, sd + 0.1))
    assert more.interval.high / more.interval.low > less.interval.high / less.interval.low


@pytest.mark.parametrize(
    ("ratio", "sd"), [(0, 0.2), (-1, 0.2), (math.inf, 0.2), (0.5, -0.1), (0.5, math.nan), (0.5, 5.1)]
)
def test_a_background_outside_its_range_is_refused(ratio, sd):
    with pytest.raises(ArgumentError):
        Background(ratio, sd)


def test_a_fit_that_failed_gives_nothing(example_fit):
    from dataclasses import replace

    failed = replace(example_fit, convergence=replace(example_fit.convergence, divergences=3))
    with pytest.raises(ConvergenceError):
        adjusted(failed, Background(0.5))


@pytest.mark.parametrize(("rule", "expected"), [("triggered_1", 1.0), ("look_back", 0.62)])
def test_the_background_of_a_design_is_what_the_model_shows_in_a_very_large_series(
    example_pair, rule, expected
):
    # 1.00 and 0.627: fits of 2,000 simulated patients, mean of ten seeds.
    headline = headline_population(example_pair)
    designs = [
        NoEffect(
            rule,
            RULES[rule],
            population,
            population == headline,
            benchmark(example_pair, population, RULES[rule], Simulation(200)),
        )
        for population in (headline, GammaRates(0.6, 0.7), GammaRates(2.0, 0.7))
    ]
    found = simulated_background(Model(example_pair), designs, Refits(), seed=1)
    assert found.ratio == pytest.approx(expected, abs=0.05)
    logs = [math.log(design.large_cohort("conditional_exact")) for design in designs]
    assert found.sd == pytest.approx(np.std(logs))
    alone = simulated_background(Model(example_pair), designs[:1], Refits(), seed=1)
    assert (alone.ratio, alone.sd) == (pytest.approx(found.ratio), 0.2)
