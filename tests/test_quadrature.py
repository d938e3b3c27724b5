"""The quadrature engine: against reference numbers, a brute-force sum, quasi-Monte Carlo, and its draws."""

import dataclasses
import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from brute_force import EXAMPLE, NO_COMPARATOR, NO_RELAPSE, ONE_PATIENT, ONE_WITHOUT_COMPARATOR, brute_force
from scipy import stats

from nmo_stats import analysis, diagnostics, hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical import HalfNormal, Model, Normal, Priors
from nmo_stats.hierarchical.quadrature import engine
from nmo_stats.hierarchical.quadrature.accuracy import Accuracy
from nmo_stats.wording import ratio_text

ENTRY = "relapse_on_reference"
CAUTIOUS = Priors(log_rate_ratio=Normal(0.0, 1.0))
SCEPTICAL = Priors(log_rate_ratio=Normal(0, 0.5), sd_rate=HalfNormal(0.2), sd_rate_ratio=HalfNormal(0.1))
WIDE = Priors(
    log_rate=Normal(0, 5), log_rate_ratio=Normal(0, 5), sd_rate=HalfNormal(2), sd_rate_ratio=HalfNormal(2)
)
LIMITS = (0.5, 0.025, 0.975)


def fitted(data, seed=1, **choices):
    return hierarchical.fit(Comparison.from_arrays(*data), seed=seed, **choices)


@pytest.fixture(scope="module")
def fit():
    return fitted(EXAMPLE)


@pytest.fixture(scope="module")
def overdispersed():
    return fitted(EXAMPLE, likelihood="negative_binomial", entry=ENTRY)


def simulated(patients, seed, *, ratio=0.4, sd_rate=0.7, sd_ratio=0.3):
    rng = np.random.default_rng(seed)
    years = rng.uniform(0.5, 4.0, (patients, 2))
    level = math.log(0.5) + sd_rate * rng.normal(size=patients)
    log_ratio = math.log(ratio) + sd_ratio * rng.normal(size=patients)
    rates = np.exp(level[:, None] + np.array([-0.5, 0.5]) * log_ratio[:, None])
    return rng.poisson(years * rates), years


# ------------------------------------------------------------------------------------ the design's numbers


def test_mean_and_sd_of_the_example_are_those_of_the_design(fit):
    assert fit.posterior.mean("log_rate_ratio") == pytest.approx(-1.54881, abs=3e-4)
    assert math.sqrt(fit.posterior.variance("log_rate_ratio")) == pytest.approx(0.78577, abs=3e-4)


@pytest.mark.parametrize(
    ("choices", "estimate", "low", "high", "below"),
    [
        ({}, 0.2196, 0.0413, 0.9105, 0.9817),
        ({"priors": CAUTIOUS}, 0.3456, 0.0997, 1.125, 0.9614),
        ({"entry": ENTRY}, 0.2757, 0.0495, 1.273, 0.951),
    ],
)
def test_limits_of_the_example_are_those_of_the_design(choices, estimate, low, high, below):
    ratio = fitted(EXAMPLE, **choices).rate_ratio()
    assert ratio.method == "hierarchical_quadrature"
    # 1e-3 on the log scale is what the engine promises; the design's prototype is as accurate
    assert np.log([ratio.estimate, ratio.interval.low, ratio.interval.high]) == pytest.approx(
        np.log([estimate, low, high]), abs=1e-3
    )
    assert ratio.probability_below_1 == pytest.approx(below, abs=3e-4)


def test_overdispersion_raises_the_upper_limit_of_the_example():
    ratio = fitted(EXAMPLE, likelihood="negative_binomial").rate_ratio()
    assert round(ratio.interval.high, 2) == 1.12


def test_without_relapses_the_number_stands_in_json_alone():
    fit = fitted(NO_RELAPSE)
    ratio = fit.rate_ratio()
    assert round(ratio.estimate, 3) == 1.234
    assert (round(ratio.interval.low, 4), round(ratio.interval.high, 1)) == (0.0635, 22.9)
    content = json.loads(json.dumps(ratio.to_dict()))
    assert content["estimate"] == ratio.estimate
    assert ratio_text(ratio) == NO_INFORMATION


# --------------------------------------------------------------------------------------- a second integral


@pytest.mark.parametrize(
    ("data", "choices", "reference"),
    [
        (EXAMPLE, {}, {}),
        (NO_COMPARATOR, {}, {}),
        (NO_RELAPSE, {}, {}),
        (ONE_PATIENT, {}, {}),
        (ONE_WITHOUT_COMPARATOR, {}, {}),
        (EXAMPLE, {"entry": ENTRY}, {"entry": ENTRY}),
        (EXAMPLE, {"priors": CAUTIOUS}, {"ratio_sd": 1.0}),
        (EXAMPLE, {"likelihood": "negative_binomial"}, {"overdispersion_sd": 0.3}),
        (
            EXAMPLE,
            {"likelihood": "negative_binomial", "entry": ENTRY},
            {"overdispersion_sd": 0.3, "entry": ENTRY},
        ),
    ],
)  # fmt: skip
def test_it_agrees_with_a_sum_over_product_grids(data, choices, reference):
    found, expected = fitted(data, **choices).posterior, brute_force(*data, **reference)
    assert found.mean("log_rate_ratio") == pytest.approx(expected.mean, abs=2e-4)
    assert math.sqrt(found.variance("log_rate_ratio")) == pytest.approx(expected.sd, abs=2e-4)
    quantiles = found.quantile("log_rate_ratio", [0.025, 0.5, 0.975])
    assert quantiles == pytest.approx(expected.quantiles, abs=1e-3)
    assert float(found.probability_below("log_rate_ratio", 0.0)) == pytest.approx(expected.below_1, abs=3e-4)


def importance(relapses, years, *, entry=None, overdispersion_sd=None, points=2**17):
    """Weight scrambled Sobol points of the prior of all parameters and effects by the likelihood: no grid.

    Returns (mean, sd) of the log ratio, of the log rate and of the first patient's log ratio, for each of 16
    scrambles.
    """
    relapses, years = np.asarray(relapses), np.asarray(years, dtype=float)
    n = len(relapses)
    runs = []
    for scramble in range(16):
        uniform = stats.qmc.Sobol(5 + 2 * n, seed=scramble).random(points)
        normal = stats.norm.ppf(np.clip(uniform, 1e-12, 1 - 1e-12))
        log_rate, log_ratio = math.log(0.5) + 1.5 * normal[:, 0], 2.0 * normal[:, 1]
        sd_rate, sd_ratio = np.abs(normal[:, 2]), 0.5 * np.abs(normal[:, 3])
        own_ratio = log_ratio[:, None] + sd_ratio[:, None] * normal[:, 5 : 5 + n]
        level = log_rate[:, None] + sd_rate[:, None] * normal[:, 5 + n :]
        mean = years * np.exp(level[..., None] + np.array([-0.5, 0.5]) * own_ratio[..., None])
        if overdispersion_sd is None:
            law = stats.poisson(mean)
        else:
            overdispersion = overdispersion_sd * np.abs(normal[:, 4])[:, None, None]
            law = stats.nbinom(1 / overdispersion, 1 / (1 + overdispersion * mean))
        log_weight = law.logpmf(relapses).sum(axis=(1, 2))
        if entry:
            log_weight -= np.log(law.sf(0)[..., 0]).sum(axis=1)
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        numbers = []
        for value in (log_ratio, log_rate, own_ratio[:, 0]):
            centre = weight @ value
            numbers += [centre, math.sqrt(weight @ (value - centre) ** 2)]
        runs.append(numbers)
    return np.array(runs)


@pytest.mark.parametrize(
    ("data", "choices"),
    [
        (ONE_PATIENT, {}),
        (([[3, 0], [0, 2]], [[1.0, 0.05], [10.0, 3.0]]), {}),
        (EXAMPLE, {}),
        (EXAMPLE, {"entry": ENTRY}),
        (([[1, 0], [4, 1]], [[0.5, 2.0], [2.0, 2.0]]), {"likelihood": "negative_binomial"}),
    ],
)
def test_it_agrees_with_quasi_monte_carlo(data, choices):
    spread = 0.3 if "likelihood" in choices else None
    runs = importance(*data, entry=choices.get("entry"), overdispersion_sd=spread)
    fit = fitted(data, **choices)
    draws = fit.posterior.draws["log_rate_ratio_patient"].to_numpy()[0, :, 0]
    exact = [
        fit.posterior.mean("log_rate_ratio"), math.sqrt(fit.posterior.variance("log_rate_ratio")),
        fit.posterior.mean("log_rate"), math.sqrt(fit.posterior.variance("log_rate")),
    ]  # fmt: skip
    middle, error = runs.mean(axis=0), runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    assert (np.abs(np.array(exact) - middle[:4]) / error[:4]).max() < 4.5
    of_patient = math.hypot(error[4], draws.std() / math.sqrt(draws.size))
    assert abs(draws.mean() - middle[4]) < 4.5 * of_patient


# ------------------------------------------------------------------------------------------- invariances


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_swapping_the_periods_inverts_the_answer_exactly(example_pair, likelihood):
    here = hierarchical.fit(example_pair, likelihood=likelihood).rate_ratio()
    there = hierarchical.fit(example_pair.swapped(), likelihood=likelihood).rate_ratio()
    assert there.estimate * here.estimate == pytest.approx(1, abs=1e-9)
    assert there.interval.low * here.interval.high == pytest.approx(1, abs=1e-9)
    assert there.interval.high * here.interval.low == pytest.approx(1, abs=1e-9)
    assert there.probability_below_1 == pytest.approx(1 - here.probability_below_1, abs=1e-9)


def test_the_order_of_patients_changes_nothing(fit):
    relapses, years = (np.array(values)[[2, 0, 1]] for values in EXAMPLE)
    assert fitted((relapses, years)).rate_ratio().estimate == fit.rate_ratio().estimate
    assert fitted((relapses, years)).patient_rate_ratios()["estimate"].tolist() == pytest.approx(
        fit.patient_rate_ratios()["estimate"].to_numpy()[[2, 0, 1]]
    )


def test_another_unit_of_time_changes_nothing(fit):
    priors = Priors(log_rate=Normal(math.log(0.5 / 12), 1.5))
    monthly = fitted((EXAMPLE[0], np.array(EXAMPLE[1]) * 12), priors=priors).rate_ratio()
    assert monthly.estimate == pytest.approx(fit.rate_ratio().estimate, abs=1e-6)


def test_more_relapses_on_the_comparator_raise_the_ratio():
    answers = [fitted(([[6, 1], [2, extra], [1, 1]], EXAMPLE[1])).rate_ratio() for extra in (0, 1, 3, 10)]
    for less, more in itertools.pairwise(answers):
        assert less.estimate < more.estimate
        assert less.interval.high < more.interval.high


# ------------------------------------------------------------------------------------- the range of data

HARD = {
    "hundreds": ([[300, 250], [10, 0], [120, 400]], [[3, 2], [1, 1], [2, 2]]),
    "one patient with hundreds": ([[500, 20]], [[2, 2]]),
    "equal patients": ([[2, 1]] * 40, [[1, 1]] * 40),
    "exposures over four decades": (
        [[0, 0], [30, 9], [1, 0], [0, 3]],
        [[0.02, 0.03], [30, 20], [0.1, 5], [3, 0.02]],
    ),
    "zeros on the reference": ([[0, 5], [0, 9], [0, 1]], [[1, 1], [2, 2], [0.5, 1]]),
    "one relapse in forty": ([[1, 0]] + [[0, 0]] * 39, [[1, 1.5]] * 40),
}  # fmt: skip


@pytest.mark.parametrize("priors", [Priors(), SCEPTICAL, WIDE], ids=["default", "sceptical", "wide"])
@pytest.mark.parametrize("name", HARD)
def test_the_error_is_bounded_for_hard_cohorts(name, priors):
    fit = fitted(HARD[name], priors=priors)
    assert fit.convergence.failures == ()
    ratio, swapped = fit.rate_ratio(), hierarchical.fit(fit.model.pair.swapped(), priors=priors).rate_ratio()
    assert math.log(ratio.estimate) == pytest.approx(-math.log(swapped.estimate), abs=1e-6)


def test_a_finer_solution_confirms_the_error_bound(example_pair, monkeypatch):
    solution, accuracy = engine.solve(Model(example_pair))
    monkeypatch.setattr(engine, "COARSE", engine.COARSE.finer().finer().finer())
    finer, _ = engine.solve(Model(example_pair))
    for name in solution.scalars:
        change = np.abs(solution.quantile(name, np.array(LIMITS)) - finer.quantile(name, np.array(LIMITS)))
        assert change.max() <= max(accuracy.quantiles[0], 2e-4), name


def test_an_error_above_the_bound_withholds_every_number(fit):
    failed = dataclasses.replace(
        fit, convergence=Accuracy((0.002, "log_rate_ratio"), (0.0, "log_rate_ratio"), 0.0)
    )
    assert failed.convergence.failures == (
        "quadrature error of the quantiles of log_rate_ratio is 0.002 (limit 0.001)",
    )
    for ask in (failed.rate_ratio, failed.predict, failed.patient_rate_ratios, failed.parameters):
        with pytest.raises(ConvergenceError, match="quadrature error"):
            ask()


# ------------------------------------------------------------------------------------------------- draws


@pytest.mark.parametrize("which", ["fit", "overdispersed"])
def test_draws_agree_with_the_exact_distributions(which, request):
    fit = request.getfixturevalue(which)
    draws = fit.posterior.draws
    for name in draws.data_vars:
        values = draws[name].to_numpy()[0]
        quantiles = fit.posterior.quantile(name, LIMITS)
        for share, quantile in zip(LIMITS, quantiles, strict=True):
            below = (values < quantile).mean(axis=0)
            error = math.sqrt(share * (1 - share) / len(values))
            assert np.abs(below - share).max() < 4.5 * error, (name, share)


def test_predictions_agree_with_draws(fit):
    exact = fit.predict(2.0)
    draws = fit.posterior.draws
    rng = np.random.default_rng(1)
    rate = np.exp(draws["log_rate_new_patient"].to_numpy()[0, :, 1])
    row = exact[(exact["target"] == "new_patient") & (exact["treatment"] == "comparator")].iloc[0]
    assert row["rate"] == pytest.approx(np.median(rate), rel=0.1)
    assert row["relapse_free"] == pytest.approx(np.median(np.exp(-2 * rate)), abs=0.03)
    counts = rng.poisson(2 * rate)
    assert (counts <= row["relapses_high"]).mean() >= 0.97
    assert (counts < row["relapses_high"]).mean() <= 0.98


def test_a_prediction_under_overdispersion_keeps_its_order(overdispersed):
    table = overdispersed.predict(1.0)
    for name in ("rate", "relapses", "relapse_free"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert table["relapse_free"].between(0, 1).all()


def test_the_container_has_the_groups_that_figures_and_checks_need(fit, tmp_path):
    tree = fit.to_datatree()
    assert {"posterior", "posterior_predictive", "prior", "prior_predictive", "log_likelihood"} <= set(
        tree.children
    )
    assert tree["posterior"].sizes == {"chain": 1, "draw": 4000, "patient": 3, "period": 2}
    tree.to_netcdf(tmp_path / "posterior.nc")
    again = fitted(EXAMPLE, seed=1).posterior.draws
    np.testing.assert_array_equal(again["log_rate_ratio"], fit.posterior.draws["log_rate_ratio"])


# ------------------------------------------------------------------------------------------ many patients


def test_the_polynomial_agrees_with_the_grid(monkeypatch):
    model = Model(Comparison.from_arrays(*simulated(620, 3)))
    by_polynomial, accuracy = engine.solve(model)
    assert accuracy.failures == ()
    monkeypatch.setattr(engine, "_FEW", 10_000)
    by_grid, _ = engine.solve(model)
    for name in model.parameters:
        assert by_polynomial.quantile(name, np.array(LIMITS)) == pytest.approx(
            by_grid.quantile(name, np.array(LIMITS)), abs=1e-3
        )


def test_ten_thousand_patients_tell_the_truth():
    fit = fitted(simulated(10_000, 5))
    truth = {"log_rate": math.log(0.5), "log_rate_ratio": math.log(0.4), "sd_rate": 0.7, "sd_rate_ratio": 0.3}
    for name, value in truth.items():
        low, high = fit.posterior.quantile(name, (0.0005, 0.9995))
        assert low < value < high, name


def test_a_negative_binomial_of_many_patients_is_refused():
    pair = Comparison.from_arrays(*simulated(1001, 1))
    with pytest.raises(ArgumentError, match=r"1001 patients\. Expected: at most 1,000"):
        hierarchical.fit(pair, likelihood="negative_binomial")


# ------------------------------------------------------------------------------------------------ refits


def test_leaving_a_patient_out_is_a_fit_of_the_others(fit):
    table = hierarchical.leave_one_patient_out(fit.model)
    relapses, years = (np.array(values)[[0, 2]] for values in EXAMPLE)
    assert table["estimate"][1] == fitted((relapses, years)).rate_ratio().estimate
    assert table["patient"].tolist() == list(fit.model.pair.patients)


def test_without_the_patient_who_had_all_relapses_nothing_is_known():
    fit = fitted(([[3, 1], [0, 0]], [[2, 2], [1, 1]]))
    table = hierarchical.leave_one_patient_out(fit.model)
    assert table["estimate"].isna().tolist() == [True, False]
    (check,) = diagnostics.leave_one_out_checks(fit)
    assert (check.value, check.passed) == (math.inf, False)
    assert check.advice == f"patient 1 had all the relapses: without this patient, {NO_INFORMATION}"


def test_leaving_out_the_only_patient_is_refused():
    with pytest.raises(ArgumentError, match="one patient"):
        hierarchical.leave_one_patient_out(Model(Comparison.from_arrays(*ONE_PATIENT)))


def test_a_wider_prior_lets_the_ratio_move_further(fit):
    table = hierarchical.with_priors(fit.model).set_index("prior")
    assert table.index.tolist() == ["sceptical", "cautious", "default", "wide"]
    assert table["estimate"].is_monotonic_decreasing
    assert table.loc["default", "estimate"] == fit.rate_ratio().estimate


# ------------------------------------------------------------------------------------------- two engines


def test_two_engines_that_agree_give_two_rows_and_a_check(example_cohort, example_fit):
    fit = hierarchical.fit(example_fit.model.pair, seed=1)
    found = analysis.assemble(example_cohort, fit, engine="both", sampled=example_fit)
    assert found.headline.method == "hierarchical_quadrature"
    assert found.rates.find("hierarchical_nuts") is not None
    (agreement,) = [check for check in found.checks if check.name.startswith("NUTS agrees with quadrature")]
    assert agreement.passed
    assert found.failed_checks == ()


def test_two_engines_that_disagree_are_both_withheld(example_cohort, example_fit):
    other = fitted(([[6, 1], [2, 0], [1, 2]], EXAMPLE[1]))
    fit = dataclasses.replace(other, model=example_fit.model)
    found = analysis.assemble(example_cohort, fit, engine="both", sampled=example_fit)
    assert found.headline is None
    assert {refusal.method for refusal in found.rates.failed} == {
        "hierarchical_quadrature",
        "hierarchical_nuts",
    }
    assert "NUTS agrees with quadrature" in found.rates.failed[0].reason
    assert len(found.failed_checks) == 1


def test_rates_needs_no_sampler():
    code = (
        "import sys; sys.argv = ['nmo-stats', 'rates', '--json']\n"
        "from nmo_stats.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print([name for name in ('pymc', 'arviz', 'xarray', 'matplotlib', 'statsmodels') if name in "
        "sys.modules],"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
