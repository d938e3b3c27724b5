"""The textbook sandwich against statsmodels' GEE, and where it has nothing to say."""

import math

import numpy as np
import pytest
import statsmodels.genmod.api as genmod
from hypothesis import given
from hypothesis import strategies as st

from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError, NotIdentifiedError
from nmo_stats.glm import gee_sandwich


def statsmodels_gee(pair):
    """GEE(Poisson, Independence).fit(cov_type="robust"): log ratio, its standard error and p-value."""
    patients = len(pair.patients)
    design = np.column_stack([np.ones(2 * patients), np.tile([0.0, 1.0], patients)])
    fitted = genmod.GEE(
        pair.relapses.ravel(),
        design,
        groups=np.repeat(np.arange(patients), 2),
        family=genmod.families.Poisson(),
        cov_struct=genmod.cov_struct.Independence(),
        exposure=pair.years.ravel(),
    ).fit(cov_type="robust", ctol=1e-12)
    return fitted.params[1], fitted.bse[1], fitted.pvalues[1]


def test_the_example_reaches_0_0023(example_pair):
    # Design section 9, textbook GEE sandwich: 0.0731 to 0.5674, p 0.0023.
    ratio = gee_sandwich(example_pair).rate_ratio()
    assert ratio.estimate == pytest.approx((2 / 48) / (9 / 44))
    assert [ratio.interval.low, ratio.interval.high] == pytest.approx([0.0731, 0.5674], abs=5e-5)
    assert ratio.p_value == pytest.approx(0.0023, abs=5e-5)


def test_it_is_never_without_its_caution(example_pair):
    (caution,) = gee_sandwich(example_pair).rate_ratio().cautions
    assert caution.code == "few_patients"
    assert "3 patients" in caution.text


@pytest.mark.parametrize("seed", range(5))
def test_it_is_statsmodels_independence_gee(seed):
    rng = np.random.default_rng(seed)
    pair = Comparison.from_arrays(rng.poisson([3.0, 1.5], size=(8, 2)), rng.uniform(0.3, 4, size=(8, 2)))
    log_ratio, standard_error, p_value = statsmodels_gee(pair)
    found = gee_sandwich(pair)
    assert found.log_estimate == pytest.approx(log_ratio, abs=1e-6)
    assert found.fitted.standard_error[0] == pytest.approx(standard_error, rel=1e-5)
    assert found.p_value() == pytest.approx(p_value, rel=1e-4)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_swapping_the_periods_inverts_it(relapses):
    pair = Comparison.from_arrays(relapses, [[1.0, 2.0]] * len(relapses))
    if 0 in pair.totals:
        return
    try:
        here = gee_sandwich(pair).rate_ratio()
    except NotIdentifiedError:
        return
    there = gee_sandwich(pair.swapped()).rate_ratio()
    assert here.estimate * there.estimate == pytest.approx(1)
    assert here.interval.low * there.interval.high == pytest.approx(1)
    assert here.p_value == pytest.approx(there.p_value)


def test_the_interval_excludes_a_ratio_exactly_where_the_test_rejects_it(example_pair):
    found = gee_sandwich(example_pair)
    for level in (0.8, 0.95, 0.999):
        interval = found.rate_ratio(level).interval
        for limit in (interval.low, interval.high):
            assert found.p_value(limit) == pytest.approx(1 - level)


@pytest.mark.parametrize("relapses", [[[3, 0], [1, 0]], [[0, 3], [0, 1]], [[0, 0], [0, 0]]])
def test_a_zero_cell_is_refused(relapses):
    with pytest.raises(NotIdentifiedError):
        gee_sandwich(Comparison.from_arrays(relapses, np.ones((2, 2))))


@pytest.mark.parametrize("patients", [1, 5])
def test_it_is_refused_where_all_residuals_are_zero(patients):
    with pytest.raises(NotIdentifiedError, match="every residual is 0"):
        gee_sandwich(Comparison.from_arrays([[3, 1]] * patients, [[1.7, 0.9]] * patients))


def test_its_p_value_is_never_zero():
    pair = Comparison.from_arrays([[99_000, 1], [100_000, 2], [99_000, 1]], np.ones((3, 2)))
    assert gee_sandwich(pair).p_value() > 0


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.inf])
def test_a_hypothesis_is_a_positive_ratio(example_pair, ratio):
    with pytest.raises(ArgumentError, match="ratio"):
        gee_sandwich(example_pair).p_value(ratio)
