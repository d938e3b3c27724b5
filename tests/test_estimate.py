"""The shape of a result: valid intervals, plain JSON, checked arguments."""

import dataclasses
import json
import math

import numpy as np
import pytest

from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import (
    Caution,
    Interval,
    RateDifference,
    RateRatio,
    json_number,
    require_level,
    require_ratio,
)

INTERVAL = Interval(0.02, 0.9, 0.95, "confidence")


@pytest.mark.parametrize(
    "level", [0, 1, -0.1, 1.5, 95, math.nan, math.inf, "0.95", None, True, [0.95], np.array([0.9, 0.95])]
)
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(ArgumentError, match="strictly between 0 and 1"):
        require_level(level)


@pytest.mark.parametrize("level", [1e-9, 0.5, 0.95, np.float64(0.9), 1 - 1e-12])
def test_a_level_between_0_and_1_is_accepted(level):
    assert require_level(level) == level


@pytest.mark.parametrize("ratio", [0, -1, math.nan, math.inf, "1", None, [1.0]])
def test_a_ratio_that_is_not_positive_and_finite_is_refused(ratio):
    with pytest.raises(ArgumentError, match=r"ratio .* a finite number > 0"):
        require_ratio(ratio)


@pytest.mark.parametrize("ratio", [1e-300, 1, 1.0, np.float32(2), 1e300])
def test_a_positive_finite_ratio_is_accepted(ratio):
    assert require_ratio(ratio) == ratio


@pytest.mark.parametrize(("low", "high"), [(2, 1), (math.nan, 1), (0, math.nan), (math.inf, 1)])
def test_limits_in_the_wrong_order_or_nan_are_refused(low, high):
    with pytest.raises(ArgumentError, match="low <= high"):
        Interval(low, high, 0.95, "confidence")


def test_an_interval_needs_a_valid_level():
    with pytest.raises(ArgumentError, match="level 95"):
        Interval(0.1, 0.9, 95, "confidence")


def test_an_interval_contains_its_limits():
    assert INTERVAL.contains(0.02)
    assert INTERVAL.contains(0.9)
    assert not INTERVAL.contains(0.90001)
    assert Interval(1.4, math.inf, 0.95, "confidence").contains(1e300)


def test_results_cannot_be_changed_after_the_fact():
    ratio = RateRatio(0.2, INTERVAL, "pooled_exact", "pooled")
    with pytest.raises(dataclasses.FrozenInstanceError):
        ratio.estimate = 0.1
    with pytest.raises(dataclasses.FrozenInstanceError):
        INTERVAL.low = 0.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (math.nan, None),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float64(0.5), 0.5),
        (0, 0.0),
    ],
)
def test_json_holds_none_and_infinity_as_words(value, expected):
    assert json_number(value) == expected
    json.dumps(json_number(value), allow_nan=False)


def test_a_ratio_becomes_one_row_of_json():
    difference = RateDifference(1.95, Interval(0.3, 4.2, 0.95, "confidence"))
    caution = Caution("unequal_follow_up", "3.4-fold")
    ratio = RateRatio(
        0.2, INTERVAL, "pooled_exact", "pooled", (caution,), p_value=0.04, rate_difference=difference
    )
    row = json.loads(json.dumps(ratio.to_dict(), allow_nan=False))
    assert row == {
        "method": "pooled_exact",
        "estimand": "pooled",
        "estimate": 0.2,
        "low": 0.02,
        "high": 0.9,
        "level": 0.95,
        "kind": "confidence",
        "p_value": 0.04,
        "probability_below_1": None,
        "rate_difference": {"estimate": 1.95, "low": 0.3, "high": 4.2, "level": 0.95, "kind": "confidence"},
        "cautions": [{"code": "unequal_follow_up", "text": "3.4-fold"}],
    }


def test_infinite_limits_reach_json_as_words():
    row = RateRatio(math.inf, Interval(1.4, math.inf, 0.95, "confidence"), "pooled_exact", "pooled").to_dict()
    assert (row["estimate"], row["low"], row["high"]) == ("inf", 1.4, "inf")


def test_cautions_are_added_without_changing_the_result():
    ratio = RateRatio(0.2, INTERVAL, "pooled_exact", "pooled")
    warned = ratio.with_cautions(Caution("few_patients", "3"), Caution("zero_cell", "none"))
    assert ratio.cautions == ()
    assert [caution.code for caution in warned.cautions] == ["few_patients", "zero_cell"]
    assert dataclasses.replace(warned, cautions=()) == ratio


def test_a_result_is_informative_unless_a_caution_says_otherwise():
    ratio = RateRatio(1.0, INTERVAL, "hierarchical_nuts", "typical_patient")
    assert ratio.with_cautions(Caution("few_patients", "3")).informative
    assert not ratio.with_cautions(Caution("no_information", "no relapse")).informative
