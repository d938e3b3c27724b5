"""Mean cumulative number of relapses: R's survfit, a sum over patients written out, coverage, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relapse_courses import cohort_with_times, simulated

from nmo_stats import describe
from nmo_stats.cohort import Comparison


def mean_of(ends, relapses, level=0.95):
    """The curve of patients with the given ends and relapse times in months."""
    courses = [
        (f"P{place}", "drug", end, len(times), times)
        for place, (end, times) in enumerate(zip(ends, relapses, strict=True))
    ]
    return describe.accumulation(cohort_with_times(*courses), level).curves["drug"]


def written_out(ends, relapses):
    """Lawless and Nadeau's mean and standard error at each relapse time, patient by patient."""
    influence, mean, rows = np.zeros(len(ends)), 0.0, []
    for time in sorted({time for times in relapses for time in times}):
        watched = np.array([end >= time for end in ends])
        seen = np.array([times.count(time) for times in relapses])
        step = seen.sum() / watched.sum()
        mean += step
        influence += watched * (seen - step) / watched.sum()
        rows.append((mean, np.sqrt((influence**2).sum())))
    return np.array(rows)


# Rscript tests/reference/recurrent_events.R
@pytest.mark.parametrize(
    ("ends", "relapses", "mean", "std_error"),
    [
        (
            [21, 18, 9],
            [[3], [], [4]],
            [1 / 3, 2 / 3],
            [0.272165526976, 0.272165526976],
        ),
        (
            [10, 6, 8, 12, 3],
            [[1, 4, 9], [4], [2, 8], [], [3]],
            [0.2, 0.4, 0.6, 1.1, 1.43333333333, 1.93333333333],
            [0.1788854382, 0.219089023002, 0.219089023002, 0.332415402772, 0.416488850947, 0.723507403530],
        ),
    ],
)
def test_mean_and_standard_error_are_those_of_survfit(ends, relapses, mean, std_error):
    curve = mean_of(ends, relapses).curve
    rows = curve[curve["relapses"] > 0]
    np.testing.assert_allclose(rows["mean"], mean, rtol=1e-10)
    np.testing.assert_allclose(rows["std_error"], std_error, rtol=1e-10)


patients = st.lists(
    st.integers(1, 9).flatmap(lambda end: st.tuples(st.just(end), st.lists(st.integers(1, end), max_size=4))),
    min_size=1,
    max_size=8,
)


@given(patients)
def test_it_is_the_sum_over_patients_with_ties_and_relapses_on_the_last_day(drawn):
    ends, relapses = zip(*drawn, strict=True)
    curve = mean_of(ends, relapses).curve
    rows = curve[curve["relapses"] > 0]
    expected = written_out(ends, relapses)
    assert len(rows) == len(expected)
    if len(rows):
        np.testing.assert_allclose(rows["mean"], expected[:, 0])
        np.testing.assert_allclose(rows["std_error"], expected[:, 1], atol=1e-7)


def test_with_equal_follow_up_it_is_the_mean_of_the_counts():
    relapses = [[1, 5, 5], [], [2], [3, 4]]
    curve = mean_of([12] * 4, relapses).curve
    counts = np.array([3, 0, 1, 2])
    assert curve["mean"].iloc[-1] == pytest.approx(counts.mean())
    assert curve["std_error"].iloc[-1] == pytest.approx(counts.std() / 2)  # sqrt(sum of squares) / n


def test_the_example_has_a_curve_on_tocilizumab_only(example_pair):
    found = describe.accumulation(example_pair)
    assert found.reasons == {"rituximab": "times known for 3 of 9 relapses"}
    curve = found.curves["tocilizumab"]
    assert curve.mean_at(6) == pytest.approx(
        {"months": 6, "at_risk": 3, "mean": 2 / 3, "low": np.nan, "high": np.nan}, nan_ok=True
    )
    assert curve.mean_at(12)["at_risk"] == 2
    assert curve.mean_at(24) is None
    assert "needs 10 patients, and there are 3" in curve.interval_reason


def test_a_period_without_a_relapse_is_flat_and_claims_no_certainty():
    pair = Comparison.from_arrays([[1, 0]] * 12, [[1, 2]] * 12)
    curve = describe.accumulation(pair).curves["comparator"]
    assert curve.curve["mean"].tolist() == [0, 0]
    assert curve.curve[["low", "high"]].isna().all(axis=None)
    assert curve.interval_reason == "no interval: there was no relapse"


def test_counts_without_times_are_refused():
    found = describe.accumulation(Comparison.from_arrays([[3, 1]], [[1, 1]]))
    assert found.reasons == {
        "reference": "times known for 0 of 3 relapses",
        "comparator": "times known for 0 of 1 relapse",
    }
    assert found.to_frame().empty


def test_there_is_no_interval_where_fewer_than_five_are_watched():
    curve = mean_of([5] * 8 + [10] * 4, [[2]] * 6 + [[]] * 4 + [[8]] * 2).curve
    shown = curve["low"].notna()
    assert shown[curve["years"] <= 5 / 12].tolist() == [False, True, True]
    assert not shown[curve["years"] > 5 / 12].any()


def test_the_interval_covers_with_ten_patients_whose_rates_vary():
    """Gamma rates, mean 2 per year; the mean number at the last time that has an interval."""
    rng, covered, runs = np.random.default_rng(8), 0, 300
    for _ in range(runs):
        rates, ends = rng.gamma(2, 1.0, 10), rng.uniform(0.5, 3, 10)
        relapses = [
            list(rng.random(rng.poisson(rate * end)) * end) for rate, end in zip(rates, ends, strict=True)
        ]
        curve = mean_of(12 * ends, [[12 * time for time in times] for times in relapses]).curve
        row = curve[curve["low"].notna()].iloc[-1]
        covered += row["low"] <= 2 * row["years"] <= row["high"]
    assert covered / runs >= 0.9


def test_a_registry_agrees_with_its_simulated_rate():
    found = describe.accumulation(simulated(400, seed=2).compare("new", reference="old"))
    row = found.curves["old"].mean_at(24)
    assert row["low"] < 3.2 < row["high"]
    assert row["high"] / row["low"] < 1.4


def test_json_holds_the_means_at_a_few_times(example_pair):
    found = describe.accumulation(example_pair).to_dict()
    assert found["not_available"] == {"rituximab": "times known for 3 of 9 relapses"}
    assert [row["months"] for row in found["treatments"][0]["means"]] == [6, 12]
    assert found["treatments"][0]["means"][0]["low"] is None
