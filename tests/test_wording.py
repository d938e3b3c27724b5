"""Numbers in words: digits, boundaries, and what is never printed."""

import math

import pytest

from nmo_stats.estimate import NO_INFORMATION, Caution, Interval, RateRatio
from nmo_stats.wording import (
    counted,
    interval_name,
    interval_text,
    p_value_text,
    percent,
    probability_text,
    ratio_text,
    significant,
)


def ratio(estimate, low, high, *cautions):
    interval = Interval(low, high, 0.95, "credible")
    return RateRatio(estimate, interval, "hierarchical_nuts", "typical_patient", cautions)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.2037, 3, "0.204"),
        (0.2037, 2, "0.20"),
        (0.999997, 3, "1.00"),
        (9.996, 3, "10.0"),
        (0.00001234, 3, "0.0000123"),
        (1e-9, 3, "1.00e-09"),
        (48.0, 2, "48"),
        (123456.0, 3, "123456"),
        (1e12, 3, "1.00e+12"),
        (0.0, 3, "0"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
        (-1.955, 2, "−2.0"),
    ],
)
def test_numbers_have_their_significant_digits(value, digits, text):
    assert significant(value, digits) == text


def test_an_estimate_stands_before_its_limits():
    assert ratio_text(ratio(0.2196, 0.0413, 0.9106)) == "0.220 (0.0413 to 0.911)"
    assert ratio_text(ratio(0.0, 0.0, 0.56983), 2) == "0 (0 to 0.57)"
    assert ratio_text(ratio(math.inf, 1.7, math.inf)) == "∞ (1.70 to ∞)"


def test_without_information_a_sentence_stands_in_place_of_the_estimate():
    text = ratio_text(ratio(1.2, 0.06, 23, Caution("no_information", NO_INFORMATION)))
    assert text == "no relapse in either period: the data hold no information on the ratio"


def test_a_caution_alone_leaves_the_numbers():
    assert ratio_text(ratio(0.5, 0.1, 2.0, Caution("zero_cell", "no relapse"))) == "0.500 (0.100 to 2.00)"


@pytest.mark.parametrize(
    ("level", "text"), [(0.95, "95 %"), (0.975, "97.5 %"), (0.999, "99.9 %"), (0.5, "50 %")]
)
def test_levels_are_percentages(level, text):
    assert percent(level) == text
    assert interval_name(Interval(0, 1, level, "confidence")) == f"{text} confidence interval"


def test_limits_are_joined_by_to():
    assert interval_text(Interval(0.0214, 0.984, 0.95, "confidence"), 2) == "0.021 to 0.98"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (1.0, "1.00"),
        (0.0470, "0.0470"),
        (1e-4, "0.000100"),
        (9.99e-5, "< 0.0001"),
        (1e-12, "< 0.0001"),
        (0.0, "< 1e-12"),
    ],
)
def test_a_p_value_is_never_zero(p_value, text):
    assert p_value_text(p_value) == text


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.5, "0.500"),
        (0.9817, "0.982"),
        (0.9991, "> 0.999"),
        (1.0, "> 0.999"),
        (0.0009, "< 0.001"),
        (0.0, "< 0.001"),
    ],
)
def test_a_probability_is_never_a_certainty(probability, text):
    assert probability_text(probability) == text


def test_nouns_follow_their_number():
    assert [counted(n, "relapse") for n in (0, 1, 2)] == ["0 relapses", "1 relapse", "2 relapses"]
    assert counted(2, "series", "series") == "2 series"
