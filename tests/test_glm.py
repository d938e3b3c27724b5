"""Likelihood and estimating-equation ratios against R, statsmodels and plain maximization; their refusals.

Profile intervals: tests/reference/profile_intervals.R, roots of refitted models.
"""

import math

import numpy as np
import pytest
import statsmodels.genmod.api as genmod
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, nbinom

from nmo_stats import ArgumentError, Comparison, NotIdentifiedError, glm, load_example

D = ([[5, 1], [4, 0], [3, 1]], [[3, 2], [3.5, 2], [3, 2]])
METHODS = [glm.poisson, glm.conditional_poisson, glm.negative_binomial, glm.gee]


def limits(ratio):
    return (ratio.estimate, ratio.interval.low, ratio.interval.high)


def test_profile_intervals_of_the_example_agree_with_r(example_pair):
    poisson, within = (
        glm.poisson(example_pair).rate_ratio(),
        glm.conditional_poisson(example_pair).rate_ratio(),
    )
    assert limits(poisson) == pytest.approx((0.203703704, 0.0310586525, 0.790447457), rel=1e-7)
    assert limits(within) == pytest.approx((0.19324891, 0.0286019662, 0.79181694), rel=1e-7)
    assert (poisson.p_value, within.p_value) == pytest.approx((0.019589998, 0.0206265728), rel=1e-7)


def test_profile_intervals_of_a_second_cohort_agree_with_r():
    pair = Comparison.from_arrays(*D)
    assert limits(glm.poisson(pair).rate_ratio())[1:] == pytest.approx((0.0410744128, 0.967729353), rel=1e-7)
    assert limits(glm.conditional_poisson(pair).rate_ratio())[1:] == pytest.approx(
        (0.0405840068, 0.956961443), rel=1e-7
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("swap", [False, True])
def test_a_zero_cell_is_refused_with_its_reason(method, swap):
    pair = Comparison.from_arrays([[5, 0]] * 6, [[3, 2]] * 6)
    with pytest.raises(
        NotIdentifiedError, match=f"{method.__name__}: no relapse in one period: use the exact interval"
    ):
        method(pair.swapped() if swap else pair)


@pytest.mark.parametrize("method", METHODS)
def test_no_relapse_at_all_is_no_information(method):
    with pytest.raises(NotIdentifiedError, match=f"{method.__name__}: no relapse in either period"):
        method(Comparison.from_arrays([[0, 0]] * 6, [[3, 2]] * 6))


def test_gee_is_refused_below_five_patients_and_cautioned_below_ten(example_pair):
    with pytest.raises(NotIdentifiedError, match="3 patients"):
        glm.gee(example_pair)
    pair = Comparison.from_arrays([[6, 1], [2, 0], [1, 1], [3, 2], [5, 0], [1, 1]], [[2, 2]] * 6)
    assert "few_patients" in [caution.code for caution in glm.gee(pair).rate_ratio().cautions]


def test_negative_binomial_without_overdispersion_is_the_poisson_result(example_pair):
    ratio = glm.negative_binomial(example_pair).rate_ratio()
    assert limits(ratio) == limits(glm.poisson(example_pair).rate_ratio())
    assert ratio.cautions[0].code == "ignores_pairing"


def test_negative_binomial_is_wider_than_poisson_in_the_placebo_arm():
    pair = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    wide, narrow = glm.negative_binomial(pair).rate_ratio().interval, glm.poisson(pair).rate_ratio().interval
    assert wide.low < narrow.low
    assert wide.high > narrow.high


# ----------------------------------------------------------------------- negative binomial, maximized plainly


def nb_log_likelihood(parameters, pair):
    """scipy's nbinom with size 1/a and mean years * rate."""
    log_rate, log_ratio, log_a = parameters
    size = math.exp(-log_a)
    mean = pair.years * np.exp(log_rate + np.array([0.0, log_ratio]))
    return nbinom.logpmf(pair.relapses, size, size / (size + mean)).sum()


def nb_maximum(pair, log_ratio=None):
    """The largest log-likelihood from several starts, and the log ratio there; the ratio may be held."""
    log_rates = np.log(np.array(pair.totals) / pair.total_years)

    def negative(free):
        held = (free[0], free[2] if log_ratio is None else log_ratio, free[1])
        return -nb_log_likelihood(held, pair)

    starts = [[log_rates[0], start] + ([log_rates[1] - log_rates[0]] if log_ratio is None else [])
              for start in (-2.0, 0.0, 1.5)]  # fmt: skip
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4_000, "maxfev": 8_000}
    fits = [minimize(negative, start, method="Nelder-Mead", options=options) for start in starts]
    best = min(fits, key=lambda fit: fit.fun)
    return -best.fun, best.x[-1]


@pytest.mark.parametrize("seed", range(3))
def test_the_negative_binomial_is_that_of_plain_maximization(seed):
    rng = np.random.default_rng(seed)
    years = rng.uniform(0.5, 3, (12, 2))
    counts = rng.poisson(years * [2.0, 1.0] * rng.gamma(1.2, 1 / 1.2, (12, 2)))
    pair = Comparison.from_arrays(counts, years)
    found = glm.negative_binomial(pair)
    assert found.fitted.overdispersion[0] > 0
    largest, log_ratio = nb_maximum(pair)
    assert found.log_estimate == pytest.approx(log_ratio, abs=1e-5)

    def excess(at):
        return 2 * (largest - nb_maximum(pair, at)[0]) - chi2.ppf(0.9, 1)

    low, high = brentq(excess, log_ratio - 3, log_ratio), brentq(excess, log_ratio, log_ratio + 3)
    assert np.log(limits(found.rate_ratio(0.9))[1:]) == pytest.approx([low, high], abs=1e-5)
    assert found.p_value() == pytest.approx(chi2.sf(2 * (largest - nb_maximum(pair, 0.0)[0]), 1), rel=1e-4)


def test_the_placebo_arm_has_the_overdispersion_of_its_maximum():
    pair = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    assert glm.negative_binomial(pair).fitted.overdispersion[0] == pytest.approx(0.611, abs=5e-4)


# --------------------------------------------------------------------------------- GEE, against statsmodels


def exchangeable_gee(pair):
    """GEE(Poisson, Exchangeable).fit(cov_type="bias_reduced"), the correlation held within 0.95."""

    class Held(genmod.cov_struct.Exchangeable):
        def update(self, params):
            super().update(params)
            self.dep_params = float(np.clip(self.dep_params, -0.95, 0.95))

    patients = len(pair.patients)
    fitted = genmod.GEE(
        pair.relapses.ravel(),
        np.column_stack([np.ones(2 * patients), np.tile([0.0, 1.0], patients)]),
        groups=np.repeat(np.arange(patients), 2),
        family=genmod.families.Poisson(),
        cov_struct=Held(),
        offset=np.log(pair.years.ravel()),
    ).fit(cov_type="bias_reduced", maxiter=200, ctol=1e-10)
    return fitted.params[1], np.sqrt(fitted.cov_params()[1, 1])


@pytest.mark.parametrize("seed", range(5))
def test_gee_is_statsmodels_exchangeable_gee(seed):
    rng = np.random.default_rng(seed)
    years, own = rng.uniform(0.3, 4, (9, 2)), rng.gamma(2.0, 0.5, (9, 1))
    pair = Comparison.from_arrays(rng.poisson(years * own * [3.0, 1.5]), years)
    log_ratio, standard_error = exchangeable_gee(pair)
    found = glm.gee(pair)
    assert found.log_estimate == pytest.approx(log_ratio, abs=1e-7)
    assert found.fitted.standard_error[0] == pytest.approx(standard_error, rel=1e-6)


def test_the_placebo_arm_has_the_gee_of_statsmodels():
    pair = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    log_ratio, standard_error = exchangeable_gee(pair)
    found = glm.gee(pair)
    assert (found.log_estimate, found.fitted.standard_error[0]) == pytest.approx((log_ratio, standard_error))


# -------------------------------------------------------------------------------------- the textbook sandwich


def independence_gee(pair):
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


def test_the_sandwich_of_the_example_reaches_0_0023(example_pair):
    # Design section 9, textbook GEE sandwich: 0.0731 to 0.5674, p 0.0023.
    ratio = glm.gee_sandwich(example_pair).rate_ratio()
    assert ratio.estimate == pytest.approx((2 / 48) / (9 / 44))
    assert [ratio.interval.low, ratio.interval.high] == pytest.approx([0.0731, 0.5674], abs=5e-5)
    assert ratio.p_value == pytest.approx(0.0023, abs=5e-5)


def test_the_sandwich_is_never_without_its_caution(example_pair):
    (caution,) = glm.gee_sandwich(example_pair).rate_ratio().cautions
    assert caution.code == "few_patients"
    assert "3 patients" in caution.text


@pytest.mark.parametrize("seed", range(5))
def test_the_sandwich_is_statsmodels_independence_gee(seed):
    rng = np.random.default_rng(seed)
    pair = Comparison.from_arrays(rng.poisson([3.0, 1.5], size=(8, 2)), rng.uniform(0.3, 4, size=(8, 2)))
    log_ratio, standard_error, p_value = independence_gee(pair)
    found = glm.gee_sandwich(pair)
    assert found.log_estimate == pytest.approx(log_ratio, abs=1e-6)
    assert found.fitted.standard_error[0] == pytest.approx(standard_error, rel=1e-5)
    assert found.p_value() == pytest.approx(p_value, rel=1e-4)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_swapping_the_periods_inverts_the_sandwich(relapses):
    pair = Comparison.from_arrays(relapses, [[1.0, 2.0]] * len(relapses))
    if 0 in pair.totals:
        return
    try:
        here = glm.gee_sandwich(pair).rate_ratio()
    except NotIdentifiedError:
        return
    there = glm.gee_sandwich(pair.swapped()).rate_ratio()
    assert here.estimate * there.estimate == pytest.approx(1)
    assert here.interval.low * there.interval.high == pytest.approx(1)
    assert here.p_value == pytest.approx(there.p_value)


def test_the_interval_excludes_a_ratio_exactly_where_the_test_rejects_it(example_pair):
    found = glm.gee_sandwich(example_pair)
    for level in (0.8, 0.95, 0.999):
        interval = found.rate_ratio(level).interval
        for limit in (interval.low, interval.high):
            assert found.p_value(limit) == pytest.approx(1 - level)


@pytest.mark.parametrize("relapses", [[[3, 0], [1, 0]], [[0, 3], [0, 1]], [[0, 0], [0, 0]]])
def test_a_zero_cell_has_no_sandwich(relapses):
    with pytest.raises(NotIdentifiedError):
        glm.gee_sandwich(Comparison.from_arrays(relapses, np.ones((2, 2))))


@pytest.mark.parametrize("patients", [1, 5])
def test_the_sandwich_is_refused_where_all_residuals_are_zero(patients):
    with pytest.raises(NotIdentifiedError, match="every residual is 0"):
        glm.gee_sandwich(Comparison.from_arrays([[3, 1]] * patients, [[1.7, 0.9]] * patients))


def test_the_p_value_of_the_sandwich_is_never_zero():
    pair = Comparison.from_arrays([[99_000, 1], [100_000, 2], [99_000, 1]], np.ones((3, 2)))
    assert glm.gee_sandwich(pair).p_value() > 0


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.inf])
def test_a_hypothesis_is_a_positive_ratio(example_pair, ratio):
    with pytest.raises(ArgumentError, match="ratio"):
        glm.gee_sandwich(example_pair).p_value(ratio)
