"""The NUTS engine against a brute-force integral of the same model that shares no code with it."""

import dataclasses
import math
from types import SimpleNamespace

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from brute_force import (
    EXAMPLE,
    NO_COMPARATOR,
    NO_RELAPSE,
    ONE_PATIENT,
    ONE_WITHOUT_COMPARATOR,
    Reference,
    brute_force,
)
from scipy import stats

from nmo_stats import diagnostics, hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ConvergenceError
from nmo_stats.hierarchical import HalfNormal, Model, Normal, Nuts, Priors
from nmo_stats.hierarchical.model import log_likelihood, log_rates
from nmo_stats.hierarchical.nuts import build
from nmo_stats.rates import hierarchical_rates

ENTRY = "relapse_on_reference"
CAUTIOUS = Priors(log_rate_ratio=Normal(0.0, 1.0))
SHORT = Nuts(draws=600, tune=400, retry=False)  # enough to compare, not always to pass the gate
TOO_SHORT = Nuts(draws=100, tune=100, chains=2, target_accept=0.5, retry=False)
GROUPS = {
    "posterior",
    "posterior_predictive",
    "prior",
    "prior_predictive",
    "log_likelihood",
    "log_prior",
    "sample_stats",
    "observed_data",
    "constant_data",
}


def assert_agrees(fit, reference):
    """Within four Monte Carlo standard errors on the log scale: one false alarm in 16,000 numbers."""
    draws = fit.posterior.draws["log_rate_ratio"]
    means = (
        (draws, reference.mean),
        ((draws - reference.mean) ** 2, reference.sd**2),
        ((draws < 0).astype(float), reference.below_1),
    )
    numbers = [(values.mean(), az.mcse(values, method="mean"), expected) for values, expected in means]
    for share, quantile in zip((0.025, 0.5, 0.975), reference.quantiles, strict=True):
        found = fit.posterior.quantile("log_rate_ratio", [share])[0]
        numbers.append((found, az.mcse(draws, method="quantile", prob=share), quantile))
    for found, error, expected in numbers:
        assert float(found) == pytest.approx(expected, abs=4 * float(error["log_rate_ratio"]))


def sampled(data, seed=1, options=SHORT, **choices):
    return hierarchical.fit(Comparison.from_arrays(*data), engine=options, seed=seed, **choices)


@pytest.fixture(scope="module")
def negative_binomial_fit(example_pair):
    return hierarchical.fit(example_pair, likelihood="negative_binomial", engine=SHORT, seed=1)


@pytest.fixture(scope="module")
def progress():
    return []


@pytest.fixture(scope="module")
def bad_fits(example_pair, progress):
    """The same seed on one core, with a progress callback, and on two."""
    counted = dataclasses.replace(TOO_SHORT, cores=1, progress=lambda *seen: progress.append(seen))
    engines = counted, dataclasses.replace(TOO_SHORT, cores=2)
    return [hierarchical.fit(example_pair, engine=engine, seed=1) for engine in engines]


# ------------------------------------------------------------------------------ the brute-force reference


# Default and cautious priors, entry; upper limit under overdispersion; centred on 1.23 without data.
@pytest.mark.parametrize(
    ("data", "choices", "ratio", "low", "high", "below_1"),
    [
        (EXAMPLE, {}, 0.2196, 0.0413, 0.9105, 0.9817),
        (EXAMPLE, {"ratio_sd": 1.0}, 0.3456, 0.0997, 1.125, 0.9614),
        (EXAMPLE, {"entry": ENTRY}, 0.2757, 0.0495, 1.273, 0.951),
        (EXAMPLE, {"overdispersion_sd": 0.3}, None, None, 1.12, None),
        (NO_RELAPSE, {}, 1.23, None, None, None),
    ],
)
def test_brute_force_gives_the_reference_numbers(data, choices, ratio, low, high, below_1):
    found = brute_force(*data, **choices)
    numbers = [*np.exp(found.quantiles), found.below_1]
    for number, printed in zip(numbers, (low, ratio, high, below_1), strict=True):
        if printed is not None:
            half_a_digit = 0.5 * 10.0 ** -len(str(printed).split(".")[1])
            assert number == pytest.approx(printed, abs=half_a_digit, rel=1e-4)


def test_the_posterior_of_the_log_ratio_has_the_reference_moments():
    # By deterministic quadrature of the four parameters: mean -1.54881, sd 0.78577.
    found = brute_force(*EXAMPLE)
    assert found.mean == pytest.approx(-1.54881, abs=2e-5)
    assert found.sd == pytest.approx(0.78577, abs=2e-5)


# ------------------------------------------------------------------------------------- NUTS against it


def test_the_default_fit_of_the_example_agrees(example_fit):
    assert example_fit.convergence.failures == ()
    assert_agrees(example_fit, brute_force(*EXAMPLE))


def test_the_negative_binomial_fit_agrees(negative_binomial_fit):
    assert_agrees(negative_binomial_fit, brute_force(*EXAMPLE, overdispersion_sd=0.3))


def test_the_fit_given_entry_by_a_relapse_agrees(example_pair):
    fit = hierarchical.fit(example_pair, entry=ENTRY, engine=SHORT, seed=1)
    assert_agrees(fit, brute_force(*EXAMPLE, entry=ENTRY))


def test_the_fit_with_the_cautious_prior_agrees(example_pair):
    fit = hierarchical.fit(example_pair, priors=CAUTIOUS, engine=SHORT, seed=1)
    assert_agrees(fit, brute_force(*EXAMPLE, ratio_sd=1.0))


def test_the_fit_of_one_patient_without_comparator_relapses_agrees():
    assert_agrees(sampled(ONE_WITHOUT_COMPARATOR), brute_force(*ONE_WITHOUT_COMPARATOR))


# ---------------------------------------------------------------------------------------- the PyMC model


@pytest.mark.parametrize("entry", [None, ENTRY])
@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_pymc_has_the_densities_of_the_numpy_model(example_pair, likelihood, entry):
    model = Model(example_pair, likelihood=likelihood, entry=entry)
    density = build(model).compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(1)
    for _ in range(10):
        top = {
            name: np.asarray(model.priors.of(name).quantile(rng.uniform(size=())))
            for name in model.parameters
        }
        u, v = rng.normal(size=(2, 3))
        point = top | {"u": u, "v": v}
        prior = sum(float(model.priors.of(name).log_density(value)) for name, value in top.items())
        data = log_likelihood(model, log_rates(top, u, v), top.get("overdispersion")).sum()
        expected = prior + stats.norm.logpdf([u, v]).sum() + data
        assert density(on_sampling_scale(point)) == pytest.approx(expected, rel=1e-7)


def on_sampling_scale(point):
    """PyMC's names and values of the unconstrained parameters."""
    scales = ("sd_rate", "sd_rate_ratio", "overdispersion")
    return {
        f"{name}_log__" if name in scales else name: np.log(value) if name in scales else value
        for name, value in point.items()
    }


def test_the_model_can_be_sampled_again_after_posterior_prediction(example_pair):
    quick = {"progressbar": False, "random_seed": 1, "compile_kwargs": {"mode": "FAST_COMPILE"}}
    short = {"draws": 5, "tune": 5, "chains": 1, "compute_convergence_checks": False}
    with build(Model(example_pair)):
        first = pm.sample(**short, **quick)
        pm.sample_posterior_predictive(first, var_names=["relapses"], **quick)
        again = pm.sample(**short, **quick)
    assert first["posterior"].equals(again["posterior"])


def test_the_same_seed_gives_the_same_draws_on_one_core_and_on_two(bad_fits):
    one, two = (fit.to_datatree()["posterior"].to_dataset() for fit in bad_fits)
    assert one.equals(two)


# ----------------------------------------------------------------------------------------- the gate


def test_a_sample_that_is_too_short_is_never_printed(bad_fits):
    fit = bad_fits[0]
    assert fit.convergence.failures
    for ask in (fit.rate_ratio, fit.predict, fit.patient_rate_ratios, fit.parameters):
        with pytest.raises(ConvergenceError, match="ESS"):
            ask()
    with pytest.raises(ConvergenceError, match="ESS"):
        diagnostics.gate(fit)


def test_a_sample_that_is_too_short_is_a_failed_refusal_with_its_checks(bad_fits):
    fit = bad_fits[0]
    (refusal,) = hierarchical_rates(fit).failed
    assert refusal.method == "hierarchical_nuts"
    assert refusal.reason.startswith("failed diagnostic: ")
    checks = diagnostics.check(fit)
    assert {check.role for check in checks} == {"computation"}
    assert all(check.advice for check in checks if not check.passed)
    assert any(not check.passed for check in checks)


# ----------------------------------------------------------------------------------------- the container


def test_the_container_has_every_group(example_fit, negative_binomial_fit):
    for fit in (example_fit, negative_binomial_fit):
        assert set(fit.to_datatree().children) == GROUPS


def test_log_prior_holds_the_top_level_parameters_only(example_fit, negative_binomial_fit):
    # Power-scaling the patient effects' priors as well would hide the sensitivity to the top-level ones.
    assert set(example_fit.to_datatree()["log_prior"].data_vars) == set(
        Model(example_fit.model.pair).parameters
    )
    assert "overdispersion" in negative_binomial_fit.to_datatree()["log_prior"].data_vars


def test_the_container_holds_the_data_and_the_densities_of_its_draws(example_fit, example_pair):
    tree = example_fit.to_datatree()
    assert (tree["observed_data"]["relapses"].to_numpy() == example_pair.relapses).all()
    assert (tree["constant_data"]["years"].to_numpy() == example_pair.years).all()
    rates = np.exp(tree["posterior"]["log_rate_patient"].to_numpy())
    expected = stats.poisson.logpmf(example_pair.relapses, rates * example_pair.years)
    assert tree["log_likelihood"]["relapses"].to_numpy() == pytest.approx(expected)
    ratio = tree["posterior"]["log_rate_ratio"].to_numpy()
    assert tree["log_prior"]["log_rate_ratio"].to_numpy() == pytest.approx(stats.norm.logpdf(ratio, 0, 2))


def test_the_container_survives_netcdf(example_fit, tmp_path):
    file = tmp_path / "posterior.nc"
    example_fit.to_datatree().to_netcdf(file)
    with xr.open_datatree(file) as read:
        assert set(read.children) == GROUPS
        for name in GROUPS:
            assert read[name].to_dataset().equals(example_fit.to_datatree()[name].to_dataset())


def test_posterior_prediction_leaves_the_counts_that_were_seen_probable(example_fit, example_pair):
    drawn = example_fit.to_datatree()["posterior_predictive"]["relapses"].to_numpy().reshape(-1, 3, 2)
    low, high = np.quantile(drawn, [0.005, 0.995], axis=0)
    assert ((low <= example_pair.relapses) & (example_pair.relapses <= high)).all()


def test_progress_counts_every_draw(bad_fits, progress):
    assert bad_fits
    assert progress == [(done, 400) for done in range(1, 401)]


@pytest.fixture
def tries(monkeypatch):
    """Options and seed of every sampling, none of which is done and all of which fail."""
    seen = []

    def failing(_model, options, seed):
        seen.append((options, seed))
        return SimpleNamespace(convergence=SimpleNamespace(failures=("R-hat is 2 (limit 1.01)",)))

    monkeypatch.setattr("nmo_stats.hierarchical.nuts.fit_nuts", failing)
    return seen


def test_a_fit_that_fails_a_check_is_sampled_once_more_and_longer(example_pair, tries):
    hierarchical.fit(example_pair, engine="nuts", seed=5)
    assert [(options.draws, options.tune, seed) for options, seed in tries] == [
        (1500, 500, 5),
        (4500, 1500, 5),
    ]


def test_a_fit_is_tried_once_where_no_retry_is_wanted(example_pair, tries):
    hierarchical.fit(example_pair, engine=TOO_SHORT)
    assert [options for options, _ in tries] == [TOO_SHORT]


def test_without_a_seed_the_fit_takes_a_fresh_one(example_pair, tries):
    for _ in range(5):
        hierarchical.fit(example_pair, engine=TOO_SHORT)
    seeds = [seed for _, seed in tries]
    assert len(set(seeds)) == 5
    assert all(type(seed) is int and seed >= 0 for seed in seeds)


# ------------------------------------------------------------------------------------------ long studies


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_the_default_settings_pass_every_check_on_the_example(example_pair, seed):
    fit = hierarchical.fit(example_pair, engine="nuts", seed=seed)
    assert fit.convergence.failures == ()
    assert_agrees(fit, brute_force(*EXAMPLE))


@pytest.mark.slow
@pytest.mark.parametrize("data", [ONE_PATIENT, NO_COMPARATOR, NO_RELAPSE])
def test_the_default_fit_agrees_on_other_cohorts(data):
    assert_agrees(sampled(data, options=Nuts()), brute_force(*data))


@pytest.mark.slow
def test_swapping_the_periods_inverts_the_sampled_ratio(example_pair):
    here, there = (
        hierarchical.fit(pair, engine="nuts", seed=1) for pair in (example_pair, example_pair.swapped())
    )
    reference = brute_force(*EXAMPLE)
    mirrored = Reference(-reference.mean, reference.sd, -reference.quantiles[::-1], 1 - reference.below_1)
    assert_agrees(here, reference)
    assert_agrees(there, mirrored)


def cohort_of(patients, seed, rate=1.0, spread=0.5):
    rng = np.random.default_rng(seed)
    years = rng.uniform(0.5, 4, size=(patients, 2))
    log_rate, log_ratio = spread * rng.normal(size=patients), math.log(0.3) + 0.25 * rng.normal(size=patients)
    rates = rate * np.exp(log_rate[:, None] + np.array([-0.5, 0.5]) * log_ratio[:, None])
    return rng.poisson(rates * years), years


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "choices"),
    [
        (([[0, 0]], [[1, 1]]), {}),
        (([[300, 2]], [[3, 1]]), {}),
        (NO_RELAPSE, {}),
        (([[0, 5], [0, 4], [0, 3]], [[3, 2], [3.5, 2], [3, 2]]), {}),
        (([[2, 0]] * 30, np.ones((30, 2))), {}),
        (cohort_of(60, 1), {}),
        (cohort_of(60, 2, spread=1.5), {}),
        (([[300, 120], [250, 80], [410, 200]], [[3, 2], [3.5, 2], [3, 2]]), {}),
        (([[1, 0], [6, 2], [0, 1], [40, 3]], [[0.02, 30], [30, 0.02], [0.02, 0.02], [30, 30]]), {}),
        (NO_COMPARATOR, {"priors": Priors(log_rate_ratio=Normal(0, 10))}),
        (EXAMPLE, {"priors": Priors(sd_rate=HalfNormal(0.01), sd_rate_ratio=HalfNormal(0.01))}),
        (([[1, 0]] * 3, np.ones((3, 2))), {"entry": ENTRY}),
    ],
)
def test_the_default_settings_pass_every_check_on_hard_cohorts(data, choices):
    assert sampled(data, options=Nuts(), **choices).convergence.failures == ()
