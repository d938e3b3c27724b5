"""Likelihood ratios against R (tests/reference/profile_intervals.R, roots of refitted models), and their refusals."""

import pytest

from nmo_stats import Comparison, NotIdentifiedError, glm, load_example

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
