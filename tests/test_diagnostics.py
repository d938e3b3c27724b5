"""Checks: which of them decide, what they say, and that they see what is wrong."""

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr

from nmo_stats import diagnostics
from nmo_stats.errors import ConvergenceError
from nmo_stats.hierarchical.checks import TAIL_LIMIT
from nmo_stats.names import PARAMETER_NAMES

COMPUTATION = [
    "R-hat",
    "bulk ESS",
    "tail ESS",
    "Monte Carlo error of the median / sd",
    "Monte Carlo error of the limits / sd",
    "divergences",
    "trees at largest depth",
    "BFMI",
]


@pytest.fixture(scope="module")
def checks(example_fit):
    return diagnostics.check(example_fit)


def failing(fit, **changes):
    return dataclasses.replace(fit, convergence=dataclasses.replace(fit.convergence, **changes))


def replicated(fit, group, values):
    """The fit with other replicated counts in a predictive group; ``values`` has the shape (draws, n, 2)."""
    relapses = fit.to_datatree()[group]["relapses"].isel(chain=[0], draw=slice(len(values)))
    changed = xr.Dataset({"relapses": relapses.copy(data=np.asarray(values)[None])})
    tree = xr.DataTree.from_dict({**{f"/{name}": node.to_dataset() for name, node in
                                     fit.to_datatree().children.items()}, f"/{group}": changed})  # fmt: skip
    return dataclasses.replace(fit, posterior=dataclasses.replace(fit.posterior, tree=tree))


def only(checks, code, subject=None):
    (check,) = [one for one in checks if one.code == code and subject in (None, one.subject)]
    return check


def test_the_computation_checks_come_first_and_all_pass_on_the_example(checks):
    roles = [check.role for check in checks]
    assert roles == sorted(roles)
    computation = [check for check in checks if check.role == "computation"]
    assert [check.code for check in computation] == COMPUTATION
    assert all(check.passed and not check.advice for check in computation)


def test_every_reported_quantity_is_checked_for_convergence(example_fit):
    quantities = example_fit.convergence.quantities
    # 4 parameters; log rates of 3 patients, a typical and a new one in 2 periods; 4 ratios; 1 difference.
    assert len(quantities) == 4 + 2 * 5 + 4 + 1
    assert {"log_rate_ratio_patient[2]", "log_rate_patient[3, tocilizumab]", "rate_difference",
            "log_rate_ratio_new_patient", "log_rate_typical[rituximab]"} <= set(quantities)  # fmt: skip


def test_a_check_is_plain_values_for_json(checks):
    for check in checks:
        row = check.to_dict()
        assert list(row) == ["name", "role", "value", "limit", "passed", "advice"]
        assert isinstance(row["passed"], bool)
        assert type(row["value"]) is float
        assert math.isfinite(row["value"])


def test_the_gate_returns_a_good_fit(example_fit):
    assert diagnostics.gate(example_fit) is example_fit


@pytest.mark.parametrize(
    ("changes", "name", "advice"),
    [
        ({"r_hat": np.array([1.5])}, "R-hat", "chains disagree"),
        ({"ess_bulk": np.array([10.0])}, "bulk ESS", "sample longer"),
        ({"ess_tail": np.array([math.nan])}, "tail ESS", "sample longer"),
        ({"mcse_median": np.array([0.5])}, "Monte Carlo error of the median / sd", "sample longer"),
        ({"mcse_limits": np.array([0.5])}, "Monte Carlo error of the limits / sd", "sample longer"),
        ({"divergences": 1}, "divergences", "target_accept"),
        ({"deepest_trees": 2}, "trees at largest depth", "tune"),
        ({"bfmi": np.array([0.1, 1.0])}, "BFMI", "draws"),
    ],
)
def test_a_failed_computation_says_what_to_do_and_is_stopped_at_the_gate(example_fit, changes, name, advice):
    names = {"quantities": ("log_rate",)} if next(iter(changes.values())).__class__ is np.ndarray else {}
    others = {field: np.array([getattr(example_fit.convergence, field)[0]]) for field in
              ("r_hat", "ess_bulk", "ess_tail", "mcse_median", "mcse_limits") if names}  # fmt: skip
    failed = failing(example_fit, **(names | others | changes))
    check = only(diagnostics.computation_checks(failed), name)
    assert not check.passed
    assert advice in check.advice
    with pytest.raises(ConvergenceError, match=name):
        diagnostics.gate(failed)


def test_a_failed_computation_has_no_information_checks(example_fit):
    assert {check.role for check in diagnostics.check(failing(example_fit, divergences=1))} == {"computation"}


def test_the_prior_expects_the_example_before_it_is_seen(checks):
    check = only(checks, "prior_predictive")
    # 11 relapses in 92 months are 1.43 per patient-year.
    assert check.passed
    assert "1.4 were" in check.advice


def test_the_model_reproduces_the_example(checks):
    predictive = [check for check in checks if check.code == "posterior_predictive"]
    assert [check.subject for check in predictive] == [
        "total relapses",
        "periods without relapse",
        "largest count",
        "least likely single count",
    ]
    assert all(check.passed for check in predictive)


@pytest.mark.parametrize(
    ("name", "count"), [("total relapses", 9), ("periods without relapse", 0), ("largest count", 40)]
)
def test_a_statistic_outside_the_replicates_is_seen(example_fit, name, count):
    replicates = np.full((1000, 3, 2), count)
    fit = replicated(example_fit, "posterior_predictive", replicates)
    check = only(diagnostics.posterior_predictive_checks(fit), "posterior_predictive", name)
    assert check.value < TAIL_LIMIT
    assert not check.passed
    assert check.advice


def test_a_predictive_probability_is_twice_the_smaller_tail_with_ties_in_both(example_fit):
    observed = example_fit.model.pair.relapses
    # Of 100 replicates 3 are below, 7 equal and 90 above the 11 observed relapses: 2 (3 + 7) / 100.
    totals = np.repeat([10, 11, 12], [3, 7, 90])
    replicates = np.zeros((100, 3, 2), dtype=int)
    replicates[:, 0, 0] = totals
    assert observed.sum() == 11
    checks = diagnostics.posterior_predictive_checks(
        replicated(example_fit, "posterior_predictive", replicates)
    )
    assert only(checks, "posterior_predictive", "total relapses").value == pytest.approx(0.2)


def test_predictive_intervals_are_counts_that_hold_the_observed_ones(example_fit, example_pair):
    median, low, high = diagnostics.predictive_intervals(example_fit)
    assert median.shape == (3, 2)
    assert median.dtype == low.dtype == high.dtype == np.int64
    assert ((low <= median) & (median <= high)).all()
    assert ((low <= example_pair.relapses) & (example_pair.relapses <= high)).all()
    narrow = diagnostics.predictive_intervals(example_fit, 0.5)
    assert (narrow[1] >= low).all()
    assert (narrow[2] <= high).all()


def test_the_data_of_three_patients_say_little_about_the_spread_of_ratios(checks):
    spread = only(checks, "contraction", PARAMETER_NAMES["sd_rate_ratio"])
    ratio = only(checks, "contraction", PARAMETER_NAMES["log_rate_ratio"])
    assert not spread.passed
    assert spread.subject in spread.advice
    assert ratio.passed
    # The sd of the log ratio is 0.78577 by deterministic quadrature, that of its prior 2.
    assert ratio.value == pytest.approx(1 - 0.78577**2 / 4, abs=0.02)
    assert f"{100 * ratio.value:.0f} %" in ratio.advice


def test_the_spreads_of_three_patients_move_with_their_priors(checks):
    # ArviZ psense_summary of a long run of the same model: 0.14 (sd_rate) and 0.21 (sd_rate_ratio).
    for parameter, value in (("sd_rate", 0.14), ("sd_rate_ratio", 0.21)):
        check = only(checks, "power_scaling", PARAMETER_NAMES[parameter])
        assert check.value == pytest.approx(value, abs=0.04)
        assert not check.passed
        assert check.subject in check.advice


def test_information_never_blocks(example_fit, checks):
    assert any(not check.passed for check in checks if check.role == "information")
    assert example_fit.rate_ratio().informative
