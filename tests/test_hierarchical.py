"""The model, the quantities that are reported from it, and the answers of a fit: all without sampling."""

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, CohortError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical import (
    Convergence,
    DrawsPosterior,
    HalfNormal,
    HierarchicalFit,
    Model,
    Normal,
    Nuts,
    Priors,
)
from nmo_stats.hierarchical.arviz_adapter import _predictive, _prior_draws, quantities
from nmo_stats.hierarchical.model import log_likelihood, log_rates, simulate_relapses

PAIR = Comparison.from_arrays(
    [[6, 1], [2, 0], [1, 1]], [[2.5, 1.75], [0.7, 1.5], [0.3, 0.75]], ["A", "B", "C"]
)
ENTRY = "relapse_on_reference"
VARIANTS = [("poisson", None), ("negative_binomial", None), ("poisson", ENTRY), ("negative_binomial", ENTRY)]
GOOD = Convergence(
    quantities=("log_rate", "log_rate_ratio"),
    r_hat=np.array([1.0, 1.001]),
    ess_bulk=np.array([4000.0, 3000.0]),
    ess_tail=np.array([4000.0, 3000.0]),
    mcse_median=np.array([0.02, 0.02]),
    mcse_limits=np.array([0.05, 0.06]),
    divergences=0,
    deepest_trees=0,
    bfmi=np.array([0.9, 1.0]),
)


def made_draws(model, seed=1, draws=2000):
    rng = np.random.default_rng(seed)
    centre = {"log_rate": 0.3, "log_rate_ratio": -1.5}
    shape, people = (2, draws), len(model.pair.patients)
    top = {
        name: (("chain", "draw"), centre[name] + 0.5 * rng.normal(size=shape))
        if name in centre
        else (("chain", "draw"), np.abs(0.4 * rng.normal(size=shape)))
        for name in model.parameters
    }
    effects = {name: (("chain", "draw", "patient"), rng.normal(size=(*shape, people))) for name in "uv"}
    return xr.Dataset(top | effects, coords={"chain": range(2), "draw": range(draws)})


def made_fit(model, draws=None, convergence=GOOD):
    """A fit whose posterior is known: the draws are made, not sampled."""
    made = made_draws(model) if draws is None else draws
    return HierarchicalFit(
        model=model,
        posterior=DrawsPosterior(quantities(model, made, 1), xr.DataTree(), 1),
        convergence=convergence,
        method="hierarchical_nuts",
        seed=1,
    )


def codes(ratio):
    return [caution.code for caution in ratio.cautions]


@pytest.fixture(scope="module")
def fit():
    return made_fit(Model(PAIR))


# ---------------------------------------------------------------------------------------------- the model


@pytest.mark.parametrize(("likelihood", "entry"), VARIANTS)
def test_log_likelihood_is_the_law_of_the_docstring(likelihood, entry):
    rng = np.random.default_rng(7)
    log_rate, overdispersion = rng.normal(size=(4, 3, 2)), np.abs(rng.normal(size=4)) + 0.1
    model = Model(PAIR, likelihood=likelihood, entry=entry)
    mean = PAIR.years * np.exp(log_rate)
    size = 1 / overdispersion[:, None, None]
    law = stats.poisson(mean) if likelihood == "poisson" else stats.nbinom(size, size / (size + mean))
    expected = law.logpmf(PAIR.relapses)
    if entry:
        expected[..., 0] -= np.log(1 - law.pmf(0)[..., 0])
    found = log_likelihood(model, log_rate, None if likelihood == "poisson" else overdispersion)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_swapping_the_periods_inverts_the_ratio_exactly(likelihood):
    draws = made_draws(Model(PAIR, likelihood=likelihood))
    top = {name: draws[name].to_numpy() for name in Model(PAIR, likelihood=likelihood).parameters}
    u, v = draws["u"].to_numpy(), draws["v"].to_numpy()
    mirrored = top | {"log_rate_ratio": -top["log_rate_ratio"]}
    here = log_likelihood(Model(PAIR, likelihood=likelihood), log_rates(top, u, v), top.get("overdispersion"))
    there = log_likelihood(
        Model(PAIR.swapped(), likelihood=likelihood), log_rates(mirrored, u, -v), top.get("overdispersion")
    )
    assert (here == there[..., ::-1]).all()


def test_log_rate_is_the_mean_of_the_two_log_rates_of_a_typical_patient():
    values = {"log_rate": 0.7, "log_rate_ratio": -1.2, "sd_rate": 0.5, "sd_rate_ratio": 0.3}
    top = {name: np.array([value]) for name, value in values.items()}
    rates = log_rates(top, np.zeros((1, 3)), np.zeros((1, 3)))
    assert rates.mean(axis=-1) == pytest.approx(0.7)
    assert rates[..., 1] - rates[..., 0] == pytest.approx(-1.2)


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_simulation_under_entry_has_a_reference_relapse_in_every_patient(likelihood):
    model = Model(PAIR, likelihood=likelihood, entry=ENTRY)
    low = np.full((1000, 3, 2), -3.0)
    drawn = simulate_relapses(model, np.random.default_rng(1), low, np.full(1000, 0.3))
    assert drawn[..., 0].min() == 1
    assert drawn[..., 1].min() == 0


@pytest.mark.parametrize("sd", [0.01, 1.0, 10.0])
@pytest.mark.parametrize(("likelihood", "entry"), VARIANTS)
def test_the_prior_predictive_is_finite_for_every_prior(sd, likelihood, entry):
    wide = Priors(*[Normal(0.0, sd)] * 2, *[HalfNormal(sd)] * 3)
    model, rng = Model(PAIR, wide, likelihood, entry), np.random.default_rng(1)
    prior = _prior_draws(model, rng)
    drawn = _predictive(model, prior, rng)["relapses"].to_numpy()
    assert all(np.isfinite(values).all() for values in prior.values())
    assert drawn.min() >= 0
    assert drawn.sum(axis=(-1, -2)).max() < 1e14


def test_entry_names_the_patients_without_a_reference_relapse():
    pair = Comparison.from_arrays([[0, 1], [2, 0], [0, 0]], np.ones((3, 2)), ["Ada", "Ben", "Cy"])
    with pytest.raises(CohortError, match="every patient on the reference") as raised:
        Model(pair, entry=ENTRY)
    assert [problem.patient for problem in raised.value.problems] == ["Ada", "Cy"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"likelihood": "binomial"}, "likelihood 'binomial'.*'poisson', 'negative_binomial'"),
        ({"entry": "always"}, "entry 'always'.*None, 'relapse_on_reference'"),
        ({"engine": "stan"}, "engine 'stan'.*'quadrature', 'nuts'"),
        ({"engine": None}, "engine None"),
        ({"seed": -1}, "seed -1.*a whole number from 0"),
        ({"seed": 1.5}, "seed 1.5"),
        ({"seed": "1"}, "seed '1'"),
    ],
)
def test_an_unknown_option_is_refused_by_name(options, message):
    with pytest.raises(ArgumentError, match=message):
        hierarchical.fit(PAIR, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"draws": 99},
        {"draws": 150.5},
        {"tune": 0},
        {"chains": 1},
        {"cores": 0},
        {"cores": -1},
        {"target_accept": 0.4},
        {"target_accept": 1.0},
        {"target_accept": math.nan},
        {"sampler": "stan"},
    ],
)
def test_a_sampler_option_outside_its_range_is_refused_by_name(options):
    (name,) = options
    with pytest.raises(ArgumentError, match=name):
        Nuts(**options)


# ------------------------------------------------------------------------------------------ the quantities


def test_patient_ratios_are_differences_of_patient_log_rates(fit):
    draws = fit.posterior.draws
    by_period = draws["log_rate_patient"]
    difference = by_period.sel(period="comparator") - by_period.sel(period="reference")
    assert draws["log_rate_ratio_patient"].to_numpy() == pytest.approx(difference.to_numpy())


def test_the_rate_difference_is_that_of_a_typical_patient(fit):
    rates = np.exp(fit.posterior.draws["log_rate_typical"])
    expected = rates.sel(period="reference") - rates.sel(period="comparator")
    assert fit.posterior.draws["rate_difference"].to_numpy() == pytest.approx(expected.to_numpy())


def test_a_new_patient_is_drawn_from_the_population(fit):
    draws = fit.posterior.draws
    standard = (draws["log_rate_ratio_new_patient"] - draws["log_rate_ratio"]) / draws["sd_rate_ratio"]
    assert stats.kstest(standard.to_numpy().ravel(), "norm").pvalue > 1e-4


def test_every_quantity_is_named_by_patient_and_period(fit):
    draws = fit.posterior.draws
    assert draws["log_rate_patient"].dims == ("chain", "draw", "patient", "period")
    assert draws["patient"].to_numpy().tolist() == ["A", "B", "C"]
    assert draws["period"].to_numpy().tolist() == ["reference", "comparator"]


# --------------------------------------------------------------------------------------------- the answers


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_interval_is_equal_tailed_around_the_median(fit, level):
    ratio = fit.rate_ratio(level)
    drawn = np.exp(fit.posterior.draws["log_rate_ratio"].to_numpy())
    assert (drawn < ratio.interval.low).mean() == pytest.approx((1 - level) / 2, abs=1e-3)
    assert (drawn > ratio.interval.high).mean() == pytest.approx((1 - level) / 2, abs=1e-3)
    assert (drawn < ratio.estimate).mean() == pytest.approx(0.5, abs=1e-3)
    assert (ratio.interval.kind, ratio.interval.level) == ("credible", level)


def test_probabilities_are_shares_of_the_draws(fit):
    drawn = np.exp(fit.posterior.draws["log_rate_ratio"].to_numpy())
    for threshold in (0.1, 0.5, 1.0, 2.0):
        assert fit.probability_below(threshold) == (drawn < threshold).mean()
    assert fit.rate_ratio().probability_below_1 == fit.probability_below(1.0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_is_a_positive_number(fit, ratio):
    with pytest.raises(ArgumentError, match="ratio"):
        fit.probability_below(ratio)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_is_a_probability(fit, level):
    for ask in (fit.rate_ratio, fit.rate_ratio_new_patient, fit.rate_difference, fit.patient_rates):
        with pytest.raises(ArgumentError, match="level"):
            ask(level)
    with pytest.raises(ArgumentError, match="level"):
        fit.predict(1.0, level)


def test_observed_patient_ratios_are_zero_infinite_or_missing_at_the_zeros():
    pair = Comparison.from_arrays([[2, 0], [0, 3], [0, 0], [2, 1]], np.ones((4, 2)))
    table = made_fit(Model(pair)).patient_rate_ratios()
    assert table["observed"].tolist() == [0.0, math.inf, pytest.approx(math.nan, nan_ok=True), 0.5]
    assert np.isfinite(table[["estimate", "low", "high", "probability_below_1"]].to_numpy()).all()
    assert (table["low"] < table["estimate"]).all()
    assert (table["estimate"] < table["high"]).all()


def test_patient_rates_stand_beside_the_observed_ones(fit):
    table = fit.patient_rates()
    assert table["patient"].tolist() == ["A", "A", "B", "B", "C", "C"]
    assert table["treatment"].tolist() == ["reference", "comparator"] * 3
    assert table["observed"].to_numpy() == pytest.approx((PAIR.relapses / PAIR.years).ravel())
    middle = np.exp(fit.posterior.draws["log_rate_patient"].median(("chain", "draw"))).to_numpy()
    assert table["estimate"].to_numpy() == pytest.approx(middle.ravel(), rel=1e-3)


def test_predictions_stand_for_a_typical_each_observed_and_a_new_patient(fit):
    table = fit.predict(2.0)
    assert table["target"].tolist() == ["typical"] * 2 + ["patient"] * 6 + ["new_patient"] * 2
    assert table["patient"].dropna().tolist() == ["A", "A", "B", "B", "C", "C"]
    assert table["treatment"].tolist() == ["reference", "comparator"] * 5
    assert table.equals(fit.predict(2.0))


def test_a_poisson_relapse_free_probability_is_exp_of_minus_rate_times_years(fit):
    table = fit.predict(0.5)
    for free, rate in (("relapse_free", "rate"), ("relapse_free_low", "rate_high")):
        assert table[free].to_numpy() == pytest.approx(np.exp(-0.5 * table[rate]).to_numpy(), rel=1e-3)


def test_a_negative_binomial_relapse_free_probability_is_its_closed_form():
    made = made_fit(Model(PAIR, likelihood="negative_binomial"))
    draws = made.posterior.draws
    mean = 3 * np.exp(draws["log_rate_typical"].sel(period="comparator").to_numpy())
    overdispersion = draws["overdispersion"].to_numpy()
    free = (1 + overdispersion * mean) ** (-1 / overdispersion)
    row = made.predict(3.0).iloc[1]
    assert (row["target"], row["treatment"]) == ("typical", "comparator")
    found = row[["relapse_free_low", "relapse_free", "relapse_free_high"]].to_numpy(dtype=float)
    assert found == pytest.approx(np.quantile(free, [0.025, 0.5, 0.975]))


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_predicted_relapses_follow_the_law_of_a_known_rate(likelihood):
    model = Model(PAIR, likelihood=likelihood)
    known = {"log_rate": math.log(4.0), "log_rate_ratio": 0.0, "sd_rate": 1e-9, "sd_rate_ratio": 1e-9,
             "overdispersion": 0.5}  # fmt: skip
    draws = made_draws(model, draws=50_000)
    draws = draws.assign({name: xr.full_like(draws["log_rate"], known[name]) for name in model.parameters})
    law = (
        stats.poisson(4) if likelihood == "poisson" else stats.nbinom(2, 1 / 3)
    )  # 1 / 0.5, 1 / (1 + 0.5 * 4)
    row = made_fit(model, draws).predict(1.0).iloc[0]
    assert row["rate"] == pytest.approx(4.0)
    found = row[["relapses_low", "relapses", "relapses_high"]].to_numpy(dtype=float)
    assert found.tolist() == law.ppf([0.025, 0.5, 0.975]).tolist()


@pytest.mark.parametrize("years", [0.0, -1.0, math.nan, math.inf])
def test_a_prediction_needs_a_positive_time(fit, years):
    with pytest.raises(ArgumentError, match="years"):
        fit.predict(years)


def test_predictions_stay_finite_under_absurd_rates():
    model = Model(PAIR)
    draws = made_draws(model)
    made = made_fit(
        model, draws.assign(sd_rate=1e6 * draws["sd_rate"], log_rate_ratio=1e6 * draws["log_rate_ratio"])
    )
    assert np.isfinite(made.predict(30.0).select_dtypes("number").to_numpy()).all()
    assert made.rate_ratio_new_patient().interval.high < math.inf


def test_contraction_is_one_minus_posterior_over_prior_variance(fit):
    variance = float(fit.posterior.draws["log_rate_ratio"].var())
    assert fit.contraction()["log_rate_ratio"] == pytest.approx(1 - variance / 4)
    table = fit.parameters().set_index("parameter")
    assert table["contraction"].to_dict() == pytest.approx(fit.contraction())
    assert table["prior"]["log_rate_ratio"] == "Normal(0, 2)"


def test_contraction_is_zero_where_the_posterior_is_the_prior():
    model = Model(PAIR)
    prior = _prior_draws(model, np.random.default_rng(1))
    assert made_fit(model, prior).contraction() == pytest.approx(dict.fromkeys(model.parameters, 0), abs=0.1)


# ------------------------------------------------------------------------------------------- the cautions


def test_a_cohort_without_relapses_has_no_information_on_any_ratio():
    made = made_fit(Model(Comparison.from_arrays([[0, 0], [0, 0]], [[1, 2], [2, 1]])))
    for ratio in (made.rate_ratio(), made.rate_ratio_new_patient()):
        assert [caution.text for caution in ratio.cautions] == [NO_INFORMATION]
        assert not ratio.informative


@pytest.mark.parametrize(("relapses", "limit"), [([[3, 0]], "upper"), ([[0, 3]], "lower")])
def test_a_zero_cell_says_which_limit_the_data_give(relapses, limit):
    ratio = made_fit(Model(Comparison.from_arrays(relapses, [[1, 1]]))).rate_ratio()
    assert codes(ratio) == ["zero_cell"]
    assert f"only the {limit} limit carries information" in ratio.cautions[0].text
    assert "limit and the median are set by the prior" in ratio.cautions[0].text


def test_entry_by_a_single_relapse_leans_on_the_prior():
    ratio = made_fit(Model(PAIR, entry=ENTRY)).rate_ratio()
    assert codes(ratio) == ["prior_dominated"]
    assert "1 of 3 patients" in ratio.cautions[0].text
    several = Comparison.from_arrays([[2, 1], [3, 0]], np.ones((2, 2)))
    assert codes(made_fit(Model(several, entry=ENTRY)).rate_ratio()) == []
    assert codes(made_fit(Model(PAIR)).rate_ratio()) == []


def test_overdispersion_is_confounded_with_the_spread_of_ratios():
    made = made_fit(Model(PAIR, likelihood="negative_binomial"))
    assert codes(made.rate_ratio_new_patient()) == ["confounded"]
    assert codes(made.rate_ratio()) == []
    assert codes(made_fit(Model(PAIR)).rate_ratio_new_patient()) == []


def test_reversed_order_travels_with_the_ratio():
    pair = dataclasses.replace(PAIR, reversed_order=("B",))
    assert codes(made_fit(Model(pair)).rate_ratio()) == ["reversed_order"]


# ---------------------------------------------------------------------------------------- the convergence


def test_a_good_computation_fails_nothing():
    assert GOOD.failures == ()
    assert all(verdict.passed for verdict in GOOD.verdicts)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("r_hat", [1.0, 1.02], "R-hat of log_rate_ratio is 1.02 (limit 1.01)"),
        ("ess_bulk", [399.0, 1e4], "bulk ESS of log_rate is 399 (limit 400)"),
        ("ess_tail", [1e4, 399.0], "tail ESS of log_rate_ratio is 399 (limit 400)"),
        ("mcse_median", [0.2, 0.1], "Monte Carlo error of the median / sd of log_rate is 0.2 (limit 0.1)"),
        (
            "mcse_limits",
            [0.1, 0.3],
            "Monte Carlo error of the limits / sd of log_rate_ratio is 0.3 (limit 0.2)",
        ),
        ("bfmi", [0.9, 0.29], "BFMI is 0.29 (limit 0.3)"),
    ],
)
def test_the_worst_value_of_any_quantity_decides(field, value, sentence):
    assert dataclasses.replace(GOOD, **{field: np.array(value)}).failures == (sentence,)


@pytest.mark.parametrize("field", ["divergences", "deepest_trees"])
def test_a_single_bad_transition_fails(field):
    (failure,) = dataclasses.replace(GOOD, **{field: 1}).failures
    assert failure.endswith("is 1 (limit 0)")


@pytest.mark.parametrize("field", ["r_hat", "ess_bulk", "ess_tail", "mcse_median", "mcse_limits", "bfmi"])
def test_a_number_that_cannot_be_computed_fails(field):
    (failure,) = dataclasses.replace(GOOD, **{field: np.array([getattr(GOOD, field)[0], math.nan])}).failures
    assert "nan" in failure


def test_a_limit_that_is_just_kept_passes():
    edge = {
        "r_hat": 1.01,
        "ess_bulk": 400.0,
        "ess_tail": 400.0,
        "mcse_median": 0.1,
        "mcse_limits": 0.2,
        "bfmi": 0.3,
    }
    kept = dataclasses.replace(GOOD, **{name: np.full(2, value) for name, value in edge.items()})
    assert kept.failures == ()


@pytest.mark.parametrize(
    "ask",
    [
        HierarchicalFit.rate_ratio,
        HierarchicalFit.rate_ratio_new_patient,
        HierarchicalFit.rate_difference,
        lambda fit: fit.probability_below(1.0),
        HierarchicalFit.patient_rate_ratios,
        HierarchicalFit.patient_rates,
        HierarchicalFit.predict,
        HierarchicalFit.contraction,
        HierarchicalFit.parameters,
    ],
)
def test_every_answer_is_withheld_if_the_computation_failed(ask):
    failed = made_fit(Model(PAIR), convergence=dataclasses.replace(GOOD, divergences=3))
    with pytest.raises(ConvergenceError, match=r"hierarchical_nuts: divergences is 3 \(limit 0\)"):
        ask(failed)
