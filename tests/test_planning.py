"""How sure the number of patients is: its Monte Carlo interval, in Python, in JSON and on the terminal."""

import json
from dataclasses import replace

import pytest
from scipy.stats import binomtest

from nmo_stats.operating import Design
from nmo_stats.operating.planning import SIZES, detected, plan, power_limits

METHOD = "conditional_exact"
DESIGN = Design(1, ((2.0, 2.0),), 1.5, 0.3, 0.5, 0.0)


@pytest.fixture(scope="module")
def planned():
    return plan(DESIGN, methods=[METHOD], replicates=200)


def test_power_limits_are_those_of_wilson(planned):
    measures = planned.tried[planned.needed(METHOD)][METHOD]
    hits = round(detected(measures) * measures.replicates)
    expected = binomtest(hits, measures.replicates).proportion_ci(0.95, method="wilson")
    assert power_limits(measures) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_interval_holds_the_number_and_every_size_in_it_was_simulated(planned):
    low, high = planned.interval(METHOD)
    assert low <= planned.needed(METHOD) <= high
    assert low < high
    assert {size for size in SIZES if low <= size <= high} <= set(planned.tried)
    below = [size for size in SIZES if size < low]
    assert not below or power_limits(planned.tried[below[-1]][METHOD])[1] < planned.power


def test_more_series_make_a_shorter_interval_around_the_same_number(planned):
    many = plan(DESIGN, methods=[METHOD], replicates=4000)
    low, high = many.interval(METHOD)
    wide_low, wide_high = planned.interval(METHOD)
    assert high - low < wide_high - wide_low
    assert low <= wide_high
    assert high >= wide_low


def test_the_interval_holds_the_number_of_a_long_simulation_most_of_the_time():
    truth = 8  # plan(DESIGN, methods=["conditional_exact"], replicates=20_000).needed("conditional_exact")
    held = 0
    for seed in range(40):
        low, high = plan(replace(DESIGN, seed=seed), methods=[METHOD], replicates=100).interval(METHOD)
        held += low is not None and low <= truth <= (high or SIZES[-1])
    assert held >= 34  # 95 % of 40 is 38; 33 or fewer have a probability of 0.003


def test_beyond_the_sizes_that_are_tried_there_is_no_upper_end():
    found = plan(replace(DESIGN, rate_ratio=0.97), methods=[METHOD], replicates=100)
    assert found.interval(METHOD) == (None, None)
    assert found.needed(METHOD) is None


def test_where_the_interval_misleads_no_number_has_an_interval():
    design = Design(3, ((2.0, 2.0),), 0.6, 0.8, 0.5, 0.0, rule="look_back")
    assert plan(design, methods=[METHOD], replicates=200).interval(METHOD) == (None, None)


def test_the_command_prints_the_interval_and_json_has_it(run):
    options = (
        "simulate",
        "--patients",
        5,
        "--arr",
        2,
        "--rr",
        0.2,
        "--replicates",
        100,
        "--estimator",
        METHOD,
    )
    _, out, _ = run(*options)
    planning = json.loads(run(*options, "--json")[1])["planning"]
    found = planning["patients_needed_interval"][METHOD]
    assert found["low"] <= planning["patients_needed"][METHOD] <= found["high"]
    assert (found["level"], found["reason"]) == (0.95, None)
    assert f"95 % Monte Carlo interval: {found['low']} to {found['high']}" in " ".join(out.split())


def test_a_missing_number_of_patients_has_its_reason_in_json(run):
    options = ("--rule", "look_back", "--arr", 0.6, "--rr", 0.8, "--patients", 10, "--replicates", 100)
    planning = json.loads(run("simulate", *options, "--estimator", METHOD, "--json")[1])["planning"]
    assert planning["patients_needed"] == {METHOD: None}
    found = planning["patients_needed_interval"][METHOD]
    assert (found["low"], found["high"]) == (None, None)
    assert "no effect" in found["reason"]
