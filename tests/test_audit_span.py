"""Intervals: what rounding leaves open, summaries over it, and whether a number can be what was printed."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmo_stats.audit.span import (
    QUARTILES,
    Span,
    chance_of_agreement,
    decimals_of,
    deviation,
    exact,
    highest,
    lowest,
    mean,
    median,
    quartile,
    rounded,
    total,
    verdict,
)


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (2.25, "2.3", "agrees"),  # half up, as people do
        (2.25, "2.2", "agrees"),  # half to even
        (2.35, "2.4", "agrees"),
        (2.35, "2.3", "disagrees"),  # by neither rule
        (0.15, "0.1", "agrees"),  # 0.15 is stored as 0.1499999999999999944, and printed so
        (2.2499, "2.3", "disagrees"),
        (-0.25, "-0.3", "agrees"),
        (12, "12.0", "agrees"),
        (1234.5, "1235", "agrees"),
    ],
)
def test_both_ways_to_round_a_half_are_accepted(value, text, expected):
    assert verdict(exact(value), Decimal(text), len(text.partition(".")[2])) == expected


@pytest.mark.parametrize(
    ("low", "high", "text", "expected"),
    [
        ("2.2", "2.34", "2.4", "disagrees"),
        ("2.2", "2.351", "2.4", "agrees_within_rounding"),
        ("2.2", "2.35", "2.4", "disagrees"),  # the ends themselves are open
        ("2.26", "2.5", "2.2", "disagrees"),
        ("2.24", "2.5", "2.2", "agrees_within_rounding"),
        ("2.2", "2.34", "2.29", "agrees_within_rounding"),
    ],
)
def test_within_rounding_means_that_the_two_ranges_overlap(low, high, text, expected):
    span = Span(Decimal("2.3"), Decimal(low), Decimal(high))
    assert verdict(span, Decimal(text), len(text.partition(".")[2])) == expected


def test_neighbouring_whole_months_do_not_agree():
    assert verdict(rounded(32, 0), Decimal(33), 0) == "disagrees"
    assert verdict(rounded(32, 0), Decimal("32.4"), 1) == "agrees_within_rounding"


values = st.lists(st.integers(1, 60), min_size=1, max_size=6)


@given(values, st.data())
def test_no_admissible_value_of_a_summary_lies_outside_its_range(months, data):
    spans = [rounded(value, 0) for value in months]
    chosen = [value + data.draw(st.floats(-0.5, 0.5)) for value in months]
    for pick, second in [(median, np.median), (mean, np.mean), (lowest, min), (highest, max), (total, sum)]:
        found = pick(spans)
        assert float(found.low) - 1e-9 <= second(chosen) <= float(found.high) + 1e-9
        assert float(found.value) == pytest.approx(second(months))


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.data())
def test_no_admissible_standard_deviation_lies_outside_its_range(months, data):
    found = deviation([rounded(value, 0) for value in months])
    chosen = [value + data.draw(st.floats(-0.5, 0.5)) for value in months]
    assert float(found.low) - 1e-9 <= np.std(chosen, ddof=1) <= float(found.high) + 1e-9
    assert float(found.value) == pytest.approx(np.std(months, ddof=1))


def test_the_range_of_a_standard_deviation_is_attained_in_few_and_holds_in_many():
    spans = [rounded(value, 0) for value in (4, 8, 32)]
    found = deviation(spans)
    # brute force over a grid of 21 values in each range
    grid = np.array(np.meshgrid(*[np.linspace(value - 0.5, value + 0.5, 21) for value in (4, 8, 32)]))
    values = np.std(grid.reshape(3, -1), axis=0, ddof=1)
    assert (float(found.low), float(found.high)) == pytest.approx((values.min(), values.max()), abs=2e-3)
    assert deviation([rounded(value, 0) for value in (4, 5)]).low == 0  # both may be 4.5
    many = deviation([rounded(value, 0) for value in range(1, 40)])
    ends = [np.std([1 - 0.5 * sign, *range(2, 39), 39 + 0.5 * sign], ddof=1) for sign in (-1, 1)]
    assert float(many.low) <= ends[0] < float(many.value) < ends[1] <= float(many.high)


@given(st.integers(0, 20), st.integers(1, 60), st.floats(-0.5, 0.5))
def test_no_admissible_rate_lies_outside_its_range(relapses, months, shift):
    found = exact(relapses) / rounded(months, 0)
    assert float(found.low) - 1e-12 <= relapses / (months + shift) <= float(found.high) + 1e-12


def test_decimals_are_the_fewest_that_name_the_number():
    assert [decimals_of(value) for value in (32.0, 1.25, 8.5, 1e-7)] == [0, 2, 1, 7]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # v <- c(...); quantile(v, c(.25, .75), type = 7), type = 6, type = 2; fivenum(v)[c(2, 4)]
        ((2, 3.5, 4, 6, 6.5, 7, 8.5), [(3.75, 6.75), (3.5, 7), (3.5, 7), (3.75, 6.75)]),
        ((2, 3.5, 4, 6, 6.5, 7), [(3.625, 6.375), (3.125, 6.625), (3.5, 6.5), (3.5, 6.5)]),
        ((4.5,), [(4.5, 4.5)] * 4),
    ],
)
def test_quartiles_of_each_convention(values, expected):
    spans = [exact(value) for value in reversed(values)]
    for code, (low, high) in zip(QUARTILES, expected, strict=True):
        results = [float(quartile(code, which, spans).value) for which in ("q1", "q3", "iqr")]
        assert results == pytest.approx([low, high, high - low])


def test_the_chance_of_agreement_is_that_of_a_count():
    # 0.35 and 0.43 at two decimals, between 0.177 and 0.866: 2 of 69 hundredths
    results = [exact(0.433), exact(0.354)]
    assert chance_of_agreement(results, 2) == pytest.approx(0.02 / (0.866 - 0.177))
    numbers = [number / 1000 for number in range(177, 867)]
    share = sum(any(abs(number - value) <= 0.005 for value in (0.433, 0.354)) for number in numbers) / len(
        numbers
    )
    assert chance_of_agreement(results, 2) == pytest.approx(share, abs=0.005)
    assert chance_of_agreement([exact(0), exact(0)], 1) == 1
    assert chance_of_agreement([exact(-1), exact(1)], 0) == pytest.approx(0.5)
    assert chance_of_agreement(results, 0) == 1


@given(
    st.tuples(*[st.floats(-50, 50)] * 2),
    st.tuples(*[st.floats(0.5, 50)] * 2),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_no_product_or_quotient_lies_outside_its_range(ends, factors, at, factor_at):
    left, right = (
        Span(*(Decimal(value) for value in (min(pair), min(pair), max(pair)))) for pair in (ends, factors)
    )
    one = min(ends) + at * (max(ends) - min(ends))
    other = min(factors) + factor_at * (max(factors) - min(factors))
    for span, value in ((left * right, one * other), (left / right, one / other)):
        assert float(span.low) - 1e-9 <= value <= float(span.high) + 1e-9
