"""Posteriors of many cohorts on one grid: against the engine that bounds its error, one cohort at a time."""

import numpy as np
import pytest

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import HalfNormal, Normal, Priors, ratio_posteriors
from nmo_stats.hierarchical.many import COARSE, FINE
from nmo_stats.hierarchical.many.series import Series

EXAMPLE_YEARS = np.array([[32, 21], [8, 18], [4, 9]]) / 12
PROBABILITIES = (0.025, 0.5, 0.975)
# Largest error in posterior standard deviations: of the median, and of the limits.
BOUNDS = {COARSE: (0.08, 0.35), FINE: (0.04, 0.1)}


def simulated(rate, cv, years, cohorts, *, ratio=1.0, seed=1):
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1 / cv**2, rate * cv**2, (cohorts, len(years)))
    times = np.broadcast_to(years, (cohorts, *years.shape)).copy()
    return rng.poisson(rates[:, :, None] * times * np.array([1.0, ratio])), times


def errors(relapses, years, steps, *, priors=None, entry=None, every=1):
    """Differences of quantiles from the exact engine's, in its posterior sd; and of P(ratio < 1)."""
    priors = priors or Priors()
    found = ratio_posteriors(relapses, years, priors, entry=entry, steps=steps)
    quantiles = np.stack([found.quantile(share) for share in PROBABILITIES], axis=1)
    below = found.probability_below(0.0)
    of_quantiles, of_below = [], []
    for place in range(0, len(relapses), every):
        pair = Comparison.from_arrays(relapses[place], years[place])
        exact = hierarchical.fit(pair, priors=priors, entry=entry, seed=1)
        exact.require_convergence()
        sd = np.sqrt(exact.posterior.variance("log_rate_ratio"))
        of_quantiles.append(
            (quantiles[place] - exact.posterior.quantile("log_rate_ratio", PROBABILITIES)) / sd
        )
        of_below.append(below[place] - exact.probability_below(1.0))
    return np.abs(of_quantiles), np.abs(of_below)


@pytest.mark.parametrize("steps", [COARSE, FINE], ids=["coarse", "fine"])
@pytest.mark.parametrize(
    ("rate", "cv", "years", "ratio"),
    [
        (1.435, 0.7, EXAMPLE_YEARS, 1.0),
        (0.2, 0.7, EXAMPLE_YEARS, 1.0),
        (6.0, 1.0, EXAMPLE_YEARS, 0.1),
        (1.0, 0.7, np.resize(EXAMPLE_YEARS, (20, 2)), 0.5),
        (2.0, 0.5, EXAMPLE_YEARS[:1], 1.0),
    ],
    ids=["example", "few relapses", "many relapses", "twenty patients", "one patient"],
)
def test_many_posteriors_are_those_of_the_exact_engine(rate, cv, years, ratio, steps):
    relapses, times = simulated(rate, cv, years, 300, ratio=ratio)
    quantiles, below = errors(relapses, times, steps, every=25)
    of_median, of_limits = BOUNDS[steps]
    assert quantiles[:, 1].max() < of_median
    assert quantiles[:, [0, 2]].max() < of_limits
    assert below.max() < (0.02 if steps == COARSE else 0.006)


def test_times_may_differ_between_cohorts():
    relapses, times = simulated(1.0, 0.7, EXAMPLE_YEARS, 60)
    times[:, :, 0] *= np.random.default_rng(2).lognormal(0, 0.5, (60, 3))
    assert errors(relapses, times, FINE, every=10)[0].max() < BOUNDS[FINE][1]


def test_priors_and_entry_are_those_of_the_model():
    relapses, times = simulated(1.5, 0.7, EXAMPLE_YEARS, 80)
    kept = (relapses[:, :, 0] > 0).all(axis=1)
    priors = Priors(log_rate_ratio=Normal(0.5, 0.7), sd_rate_ratio=HalfNormal(1.0), log_rate=Normal(1.0, 1.0))
    found = errors(relapses[kept], times[kept], FINE, priors=priors, entry="relapse_on_reference", every=12)[
        0
    ]
    assert found.max() < BOUNDS[FINE][1]


def test_cohorts_that_lie_apart_are_solved_on_grids_of_their_own():
    quiet, busy = [[0, 0], [1, 0], [0, 1]], [[900, 100], [400, 900], [30, 250]]
    relapses = np.array([quiet] * 40 + [busy])
    times = np.broadcast_to(EXAMPLE_YEARS, relapses.shape)
    found = ratio_posteriors(relapses, times, steps=FINE)
    assert len(found.groups) > 1
    exact = hierarchical.fit(Comparison.from_arrays(busy, EXAMPLE_YEARS), seed=1).posterior
    sd = np.sqrt(exact.variance("log_rate_ratio"))
    distance = [
        found.quantile(share)[-1] - exact.quantile("log_rate_ratio", (share,))[0] for share in PROBABILITIES
    ]
    assert np.abs(distance).max() / sd < BOUNDS[FINE][1]


def test_the_order_of_cohorts_and_patients_changes_next_to_nothing():
    relapses, times = simulated(1.435, 0.7, EXAMPLE_YEARS, 100)
    order = np.random.default_rng(3).permutation(100)
    first = ratio_posteriors(relapses, times).quantile(0.5)
    np.testing.assert_allclose(
        ratio_posteriors(relapses[order], times[order]).quantile(0.5), first[order], atol=0.02
    )
    turned = ratio_posteriors(relapses[:, ::-1], times[:, ::-1]).quantile(0.5)
    np.testing.assert_allclose(turned, first, atol=0.02)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 3), (0, 3, 2)])
def test_arrays_of_another_shape_are_refused(shape):
    with pytest.raises(ArgumentError, match="cohorts, patients, 2"):
        ratio_posteriors(np.zeros(shape, dtype=np.int64), np.ones(shape))


def test_a_series_is_the_distribution_that_its_mass_samples():
    lattice = np.arange(-7, 7.01, 0.5)
    mass = np.stack([np.exp(-0.5 * (lattice - mean) ** 2) for mean in (-0.3, 0.2)])
    series = Series.of(lattice, mass)
    np.testing.assert_allclose(series.quantile(0.5), [-0.3, 0.2], atol=1e-6)
    np.testing.assert_allclose(series.quantile(0.975), np.array([-0.3, 0.2]) + 1.959963985, atol=1e-5)
    np.testing.assert_allclose(series.below(np.array([-0.3, 0.2])), 0.5, atol=1e-7)
    assert len(series.only(np.array([True, False]))) == 1
