"""Exact rate ratios against R, scipy, full enumeration and their own tests."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from nmo_stats import ArgumentError, Comparison, NotIdentifiedError, exact, load_example
from nmo_stats.estimators import exact as convolution
from nmo_stats.estimators.within_patient import patient_strata

EXAMPLE = ([[6, 1], [2, 0], [1, 1]], np.array([[32, 21], [8, 18], [4, 9]]) / 12)
D = ([[5, 1], [4, 0], [3, 1]], [[3, 2], [3.5, 2], [3, 2]])
D0 = ([[5, 0], [4, 0], [3, 0]], [[3, 2], [3.5, 2], [3, 2]])
TIE = ([[5, 1], [4, 0], [1, 1]], [[3, 2], [3.5, 2], [3, 2]])
ONLY_COMPARATOR = ([[0, 2], [0, 3]], [[1, 2], [2, 1]])
METHODS = [exact.pooled, exact.conditional, lambda pair: exact.conditional(pair, midp=True)]
NAMES = ["pooled_exact", "conditional_exact", "conditional_midp"]
LEVELS = st.floats(0.5, 0.9999)

every_method = pytest.mark.parametrize("method", METHODS, ids=NAMES)


@st.composite
def pairs(draw, most_patients=6, most_relapses=12):
    """Patients with at least one relapse among them; times over four decades in each period."""
    patients = draw(st.integers(1, most_patients))
    cells = {"min_size": patients, "max_size": patients}
    count = st.integers(0, most_relapses)
    counts = draw(st.lists(st.tuples(count, count), **cells))
    decades = draw(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), **cells))
    assume(any(map(any, counts)))
    return Comparison.from_arrays(counts, 10.0 ** np.array(decades))


def limits(ratio):
    return ratio.estimate, ratio.interval.low, ratio.interval.high


# ---------------------------------------------------------------------------------------- against R and scipy


# Rscript tests/reference/exact_pooled.R (poisson.test, and the central p-value from pbinom)
@pytest.mark.parametrize(
    ("data", "level", "estimate", "low", "high", "p"),
    [
        (EXAMPLE, 0.95, 0.203703704, 0.0214175876, 0.984168566, 0.0469852397),
        (EXAMPLE, 0.5, 0.203703704, 0.0880206054, 0.443547866, 0.0469852397),
        (EXAMPLE, 0.999, 0.203703704, 0.00279771142, 2.19270669, 0.0469852397),
        (D, 0.95, 0.263888889, 0.0286850867, 1.18535712, 0.0974106136),
        (D0, 0.95, 0.0, 0.0, 0.569831877, 0.00561995556),
        (ONLY_COMPARATOR, 0.95, math.inf, 0.916355857, math.inf, 0.0625),
        (([[4, 4]], [[3, 2]]), 0.95, 1.5, 0.279386386, 8.05336305, 0.8118272),
    ],
)
def test_pooled_agrees_with_r(data, level, estimate, low, high, p):
    ratio = exact.pooled(Comparison.from_arrays(*data)).rate_ratio(level)
    # poisson.test takes its limits from qbeta, pbinom is good to the last digits: what is printed must agree
    assert limits(ratio) == pytest.approx((estimate, low, high), rel=1e-8)
    assert ratio.p_value == pytest.approx(p, rel=1e-8)


# Rscript tests/reference/exact_conditional.R (enumeration of all combinations, uniroot)
@pytest.mark.parametrize(
    ("data", "midp", "level", "estimate", "low", "high", "p"),
    [
        (EXAMPLE, False, 0.95, 0.19324891, 0.0193681865, 0.999997118, 0.049999466),
        (EXAMPLE, True, 0.95, 0.19324891, 0.0272428353, 0.860118863, 0.0288257969),
        (EXAMPLE, False, 0.5, 0.19324891, 0.080622044, 0.434646196, 0.049999466),
        (EXAMPLE, True, 0.5, 0.19324891, 0.112122555, 0.347195725, 0.0288257969),
        (EXAMPLE, False, 0.999, 0.19324891, 0.00252015759, 2.30358145, 0.049999466),
        (EXAMPLE, True, 0.999, 0.19324891, 0.00356127185, 2.05945953, 0.0288257969),
        (D, False, 0.95, 0.260808612, 0.0283378237, 1.17233172, 0.0935066468),
        (D, True, 0.95, 0.260808612, 0.0395863305, 1.0325185, 0.0566220454),
        (D0, False, 0.95, 0.0, 0.0, 0.567211607, 0.00550885597),
        (D0, True, 0.95, 0.0, 0.0, 0.446869692, 0.00275442799),
        (TIE, False, 0.95, 0.315265116, 0.0335679825, 1.48065112, 0.193984182),
        (TIE, True, 0.95, 0.315265116, 0.0469677845, 1.29360154, 0.120732637),
        (ONLY_COMPARATOR, False, 0.95, math.inf, 1.17610121, math.inf, 0.0329218107),
        (ONLY_COMPARATOR, True, 0.95, math.inf, 1.58585335, math.inf, 0.0164609053),
    ],
)
def test_conditional_agrees_with_enumeration_in_r(data, midp, level, estimate, low, high, p):
    ratio = exact.conditional(Comparison.from_arrays(*data), midp=midp).rate_ratio(level)
    # uniroot stops at 1e-13 or at the precision of the tail, which limits the agreement to the printed digits
    assert limits(ratio) == pytest.approx((estimate, low, high), rel=3e-8)
    assert ratio.p_value == pytest.approx(p, rel=3e-8)


# Rscript tests/reference/exact_conditional.R
@pytest.mark.parametrize(
    ("removed", "half_month", "estimate", "low", "high"),
    [
        (1, 0, 0.349543958, 0.0324143946, 2.09762912),
        (0, -1, 0.17568992, 0.0174607976, 0.920350807),
        (0, 1, 0.21128917, 0.0213189085, 1.08255512),
    ],
)
def test_the_example_without_its_triggers_and_at_the_corners_of_rounding(
    removed, half_month, estimate, low, high
):
    counts, years = np.array(EXAMPLE[0]), EXAMPLE[1] + half_month * np.array([0.5, -0.5]) / 12
    counts[:, 0] -= removed
    ratio = exact.conditional(Comparison.from_arrays(counts, years)).rate_ratio()
    assert limits(ratio) == pytest.approx((estimate, low, high), rel=3e-8)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 200), st.integers(0, 200)),
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.floats(0.2, 0.999),
)
def test_pooled_is_clopper_pearson(counts, reference_decade, comparator_decade, level):
    assume(any(counts))
    years = 10**reference_decade, 10**comparator_decade
    ratio = exact.pooled(Comparison.from_arrays([counts], [years])).rate_ratio(level)
    share = binomtest(counts[1], sum(counts), 0.5).proportion_ci(level, method="exact")
    odds = [p / (1 - p) if p < 1 else math.inf for p in (share.low, share.high)]
    expected = [value * years[0] / years[1] for value in odds]
    # scipy gives the limits as probabilities: the odds of a limit near 1 lose digits in 1 - p
    assert ratio.interval.low == pytest.approx(expected[0], rel=1e-9)
    assert ratio.interval.high == pytest.approx(expected[1], rel=1e-9 * max(1, min(odds[1], 1e6)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.05, 20))
def test_the_central_p_value_is_that_of_the_binomial(reference, comparator, ratio):
    assume(reference + comparator)
    total, chance = reference + comparator, ratio / (1 + ratio)
    tails = binom.cdf(comparator, total, chance), binom.sf(comparator - 1, total, chance)
    expected = min(1.0, max(2 * min(tails), sys.float_info.min))
    found = exact.pooled(Comparison.from_arrays([[reference, comparator]], [[1, 1]])).p_value(ratio)
    assert found == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------------------------------- against enumeration


def enumerated_tails(pair, ratio):
    """P(total <= observed), P(total >= observed) and P(total = observed) from every combination of counts."""
    totals = pair.relapses.sum(axis=1)
    odds = ratio * pair.years[:, 1] / pair.years[:, 0]
    lower = upper = at = 0.0
    for counts in itertools.product(*(range(total + 1) for total in totals)):
        weight = math.prod(
            math.comb(int(total), count) * (odd / (1 + odd)) ** count / (1 + odd) ** (int(total) - count)
            for total, count, odd in zip(totals, counts, odds, strict=True)
        )
        lower += weight * (sum(counts) <= pair.totals[1])
        upper += weight * (sum(counts) >= pair.totals[1])
        at += weight * (sum(counts) == pair.totals[1])
    return lower, upper, at


@settings(max_examples=40, deadline=None)
@given(pairs(most_patients=4, most_relapses=3), st.floats(-3, 3), st.booleans())
def test_p_values_agree_with_enumeration(pair, log_ratio, midp):
    lower, upper, at = enumerated_tails(pair, math.exp(log_ratio))
    expected = min(1.0, 2 * (min(lower, upper) - midp * at / 2))
    assert exact.conditional(pair, midp=midp).p_value(math.exp(log_ratio)) == pytest.approx(
        expected, rel=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(pairs(most_patients=4, most_relapses=3), st.floats(0.5, 0.999), st.booleans())
def test_limits_leave_the_enumerated_tail_outside(pair, level, midp):
    interval = exact.conditional(pair, midp=midp).rate_ratio(level).interval
    tail = (1 - level) / 2
    if interval.low > 0:
        _, upper, at = enumerated_tails(pair, interval.low)
        assert upper - midp * at / 2 == pytest.approx(tail, rel=1e-8)
    if interval.high < math.inf:
        lower, _, at = enumerated_tails(pair, interval.high)
        assert lower - midp * at / 2 == pytest.approx(tail, rel=1e-8)


# ------------------------------------------------------------------------------------------------- boundaries


@every_method
def test_no_relapse_on_the_comparator_leaves_an_upper_limit(method):
    ratio = method(Comparison.from_arrays(*D0)).rate_ratio()
    assert (ratio.estimate, ratio.interval.low) == (0, 0)
    assert 0 < ratio.interval.high < 1
    assert "zero_cell" in [caution.code for caution in ratio.cautions]


@every_method
def test_no_relapse_on_the_reference_leaves_a_lower_limit(method):
    ratio = method(Comparison.from_arrays(*ONLY_COMPARATOR)).rate_ratio()
    assert (ratio.estimate, ratio.interval.high) == (math.inf, math.inf)
    assert 0 < ratio.interval.low < math.inf
    assert "zero_cell" in [caution.code for caution in ratio.cautions]


def test_a_zero_cell_has_limits_in_closed_form():
    # (1 + odds)^-n = 0.025 and the reverse: odds = 0.025^(-1/n) - 1
    none_on_comparator = (
        exact.conditional(Comparison.from_arrays([[7, 0]], [[2.0, 3.0]])).rate_ratio().interval
    )
    assert none_on_comparator.high == pytest.approx((0.025 ** (-1 / 7) - 1) * 2 / 3, rel=1e-12)
    none_on_reference = (
        exact.conditional(Comparison.from_arrays([[0, 7]], [[2.0, 3.0]])).rate_ratio().interval
    )
    assert none_on_reference.low == pytest.approx(2 / 3 / (0.025 ** (-1 / 7) - 1), rel=1e-12)


@pytest.mark.parametrize(("method", "name"), list(zip(METHODS, NAMES, strict=True)), ids=NAMES)
@pytest.mark.parametrize("patients", [1, 12])
def test_no_relapse_at_all_is_refused(method, name, patients):
    pair = Comparison.from_arrays([[0, 0]] * patients, [[1, 2]] * patients)
    sentence = "no relapse in either period: the data hold no information on the ratio"
    with pytest.raises(NotIdentifiedError, match=f"^{name}: {sentence}$"):
        method(pair)


@every_method
def test_one_relapse_in_all_has_a_finite_limit(method):
    ratio = method(Comparison.from_arrays([[1, 0], [0, 0]], [[1, 1], [1, 1]])).rate_ratio()
    # exact: 1 / (1 + odds) = 0.025, odds 39; mid-p: 0.5 / (1 + odds) = 0.025, odds 19
    assert ratio.interval.high == pytest.approx(19 if ratio.method.endswith("midp") else 39, rel=1e-12)
    assert ratio.p_value == pytest.approx(0.5 if ratio.method.endswith("midp") else 1.0)


def test_one_patient_is_its_own_pool():
    pair = Comparison.from_arrays([[6, 2]], [[3.0, 4.0]])
    assert limits(exact.conditional(pair).rate_ratio()) == pytest.approx(
        limits(exact.pooled(pair).rate_ratio())
    )


@settings(max_examples=30, deadline=None)
@given(pairs(), st.floats(-2, 2), st.booleans())
def test_a_patient_without_relapses_does_not_move_the_conditional_ratio(pair, decade, midp):
    with_silent = Comparison.from_arrays([*pair.relapses, [0, 0]], [*pair.years, [1.0, 10**decade]])
    alone, together = (exact.conditional(p, midp=midp).rate_ratio() for p in (pair, with_silent))
    assert limits(alone) == limits(together)
    assert alone.p_value == together.p_value


def test_tied_counts_count_like_all_others():
    # R gnm and the binomial GLM give 0.315; statsmodels' ConditionalPoisson drops the tie and says 0.177
    assert exact.conditional(Comparison.from_arrays(*TIE)).rate_ratio().estimate == pytest.approx(
        0.315, abs=5e-4
    )


@every_method
@pytest.mark.parametrize("level", [1e-6, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("counts", [[2, 1], [1, 0], [0, 1], [6, 2], [3, 3], [0, 9]])
def test_low_levels_invert_their_test_too(method, level, counts):
    found = method(Comparison.from_arrays([counts], [[1.0, 2.0]]))
    interval = found.rate_ratio(level).interval
    for limit in (interval.low, interval.high):
        if 0 < limit < math.inf:
            assert found.p_value(limit) == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan, "0.95"])
@every_method
def test_bad_levels_are_refused(method, level):
    with pytest.raises(ArgumentError, match="level"):
        method(Comparison.from_arrays(*EXAMPLE)).rate_ratio(level)


@pytest.mark.parametrize("ratio", [0, -1, math.inf, math.nan, "1"])
@every_method
def test_bad_ratios_are_refused(method, ratio):
    with pytest.raises(ArgumentError, match="ratio"):
        method(Comparison.from_arrays(*EXAMPLE)).p_value(ratio)


# ------------------------------------------------------------------------------------------------- properties


@every_method
@settings(max_examples=40, deadline=None)
@given(pair=pairs(), level=LEVELS)
def test_limits_invert_their_test(method, pair, level):
    found = method(pair)
    interval = found.rate_ratio(level).interval
    for limit in (interval.low, interval.high):
        if 0 < limit < math.inf:
            assert found.p_value(limit) == pytest.approx(1 - level, rel=1e-8)


@every_method
@settings(max_examples=40, deadline=None)
@given(pair=pairs(), level=LEVELS)
def test_swapping_the_periods_inverts_the_ratio(method, pair, level):
    there, back = (method(p).rate_ratio(level) for p in (pair, pair.swapped()))
    inverted = [1 / x if x else math.inf for x in limits(back)]
    assert limits(there) == pytest.approx((inverted[0], inverted[2], inverted[1]), rel=1e-9)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-9)


@every_method
@settings(max_examples=30, deadline=None)
@given(pair=pairs())
def test_the_unit_of_time_and_the_order_of_patients_change_nothing(method, pair):
    other = Comparison.from_arrays(pair.relapses[::-1], pair.years[::-1] * 12)
    assert limits(method(other).rate_ratio()) == pytest.approx(limits(method(pair).rate_ratio()), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(pairs(), st.floats(0.01, 100), LEVELS)
def test_with_equal_time_ratios_pairing_changes_nothing(pair, time_ratio, level):
    equal = Comparison.from_arrays(pair.relapses, pair.years[:, :1] * [1.0, time_ratio])
    within, pooled = exact.conditional(equal).rate_ratio(level), exact.pooled(equal).rate_ratio(level)
    assert limits(within) == pytest.approx(limits(pooled), rel=1e-9)
    assert within.p_value == pytest.approx(pooled.p_value, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(pairs(), LEVELS)
def test_the_mid_p_interval_lies_within_the_exact_one(pair, level):
    whole, mid = (exact.conditional(pair, midp=midp).rate_ratio(level).interval for midp in (False, True))
    assert whole.low <= mid.low <= mid.high <= whole.high
    assert whole.contains(exact.conditional(pair).rate_ratio().estimate)


@settings(max_examples=30, deadline=None)
@given(pairs(), st.floats(0.1, 10))
def test_stretching_the_comparator_time_divides_the_ratio(pair, factor):
    stretched = Comparison.from_arrays(pair.relapses, pair.years * [1.0, factor])
    expected = [x / factor for x in limits(exact.conditional(pair).rate_ratio())]
    assert limits(exact.conditional(stretched).rate_ratio()) == pytest.approx(expected, rel=1e-9)


# ----------------------------------------------------------------------------------------------- large counts


def large_pair(relapses, seed=1):
    rng = np.random.default_rng(seed)
    patients = relapses // 20
    years = rng.uniform(0.5, 3, (patients, 2))
    counts = rng.multinomial(relapses, np.full(2 * patients, 0.5 / patients)).reshape(patients, 2)
    return Comparison.from_arrays(counts, years)


@pytest.mark.parametrize("relapses", [4_990, 5_010])
def test_direct_and_fft_convolution_agree_around_the_switch(relapses, monkeypatch):
    pair = large_pair(relapses)
    results = []
    for most_direct in (10**9, 0):
        monkeypatch.setattr(convolution, "_MOST_DIRECT_RELAPSES", most_direct)
        found = exact.conditional(pair)
        tails = [found.p_value(ratio) for ratio in (0.8, 0.9, 1.0, 1.1, 1.25)]
        results.append([*limits(found.rate_ratio()), *limits(found.rate_ratio(0.999999)), *tails])
    assert results[1] == pytest.approx(results[0], rel=1e-9)
    assert min(results[0]) < 1e-12


def test_fft_keeps_tiny_p_values(monkeypatch):
    # two strata of 4,000 relapses, many standard errors from a ratio of 1: p is 1e-100 and smaller
    pair = Comparison.from_arrays([[2_600, 1_400], [2_500, 1_500]], [[1, 1], [1, 1.2]])
    by_fft = exact.conditional(pair).p_value()
    monkeypatch.setattr(convolution, "_MOST_DIRECT_RELAPSES", 10**9)
    assert by_fft == pytest.approx(exact.conditional(pair).p_value(), rel=1e-9)
    assert 0 < by_fft < 1e-100


def test_a_hundred_thousand_relapses_agree_with_scipy():
    pair = Comparison.from_arrays([[30_300, 20_000], [30_000, 19_700]], [[1, 1], [2, 2]])
    ratio = exact.conditional(pair).rate_ratio()
    share = binomtest(39_700, 100_000, 0.5).proportion_ci(0.95, method="exact")
    odds = share.low / (1 - share.low), share.high / (1 - share.high)
    assert (ratio.interval.low, ratio.interval.high) == pytest.approx(odds, rel=1e-8)


def test_a_hundred_thousand_relapses_of_ten_thousand_patients_are_near_normal():
    pair = large_pair(100_000)
    ratio = exact.conditional(pair).rate_ratio()
    strata = patient_strata(pair)
    odds = ratio.estimate * np.exp(strata.log_time_ratios)
    error = 1 / math.sqrt(np.sum(strata.totals * odds / (1 + odds) ** 2))  # Fisher information of log ratio
    width = math.log(ratio.interval.high / ratio.interval.low)
    assert width == pytest.approx(2 * 1.959964 * error, rel=5e-3)


@pytest.mark.parametrize("counts", [[20_000, 0], [0, 20_000], [19_000, 100]])
def test_p_values_below_the_range_of_numbers_are_the_smallest_number(counts):
    for method in METHODS:
        ratio = method(Comparison.from_arrays([counts], [[1, 1]])).rate_ratio()
        assert ratio.p_value == sys.float_info.min
        assert ratio.interval.low < ratio.interval.high


def test_p_values_in_the_range_of_numbers_are_exact():
    # nothing on the comparator: p = 2 * 2^-n
    pair = Comparison.from_arrays([[1_000, 0]], [[1, 1]])
    assert exact.conditional(pair).p_value() == pytest.approx(2.0**-999, rel=1e-9)


def test_extreme_times_and_levels_have_finite_limits():
    pair = Comparison.from_arrays([[5, 1], [1, 1], [0, 4]], [[1e-4, 1e4], [1, 1], [1e4, 1e-4]])
    for level in (0.5, 0.999, 1 - 1e-12):
        interval = exact.conditional(pair).rate_ratio(level).interval
        assert 0 < interval.low < interval.high < math.inf


def test_more_than_ten_million_relapses_are_refused_not_swallowed():
    with pytest.raises(NotIdentifiedError, match="conditional_exact: more than 10,000,000 relapses"):
        exact.conditional(Comparison.from_arrays([[10**5, 10**5]] * 51, [[1, 1]] * 51))


# --------------------------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("totals", [(7, 2, 2), (1, 1, 1), (12, 0, 3)])
def test_exact_coverage_is_at_least_nominal_given_the_totals(totals, ratio):
    years = EXAMPLE[1]
    chance = ratio * years[:, 1] / (ratio * years[:, 1] + years[:, 0])
    covered = 0.0
    for counts in itertools.product(*(range(total + 1) for total in totals)):
        pair = Comparison.from_arrays(np.column_stack([np.subtract(totals, counts), counts]), years)
        covered += binom.pmf(counts, totals, chance).prod() * (exact.conditional(pair).p_value(ratio) > 0.05)
    assert covered >= 0.95


def test_simulated_coverage_with_varying_rates_is_at_least_nominal():
    rng = np.random.default_rng(20130301)
    years, ratio = EXAMPLE[1], 0.5
    covered = []
    while len(covered) < 400:
        rates = 2 * np.exp(0.5 * rng.standard_normal(3))
        counts = rng.poisson(rates[:, None] * years * [1, ratio])
        if counts.sum():
            interval = exact.conditional(Comparison.from_arrays(counts, years)).rate_ratio().interval
            covered.append(interval.contains(ratio))
    assert np.mean(covered) >= 0.95


# --------------------------------------------------------------------------------------- what travels with it


def test_methods_and_estimands_are_named():
    pair = Comparison.from_arrays(*EXAMPLE)
    rows = [(ratio.method, ratio.estimand) for ratio in (method(pair).rate_ratio() for method in METHODS)]
    assert rows == [
        ("pooled_exact", "pooled"),
        ("conditional_exact", "within_patient"),
        ("conditional_midp", "within_patient"),
    ]


def test_only_the_pooled_ratio_has_a_rate_difference():
    pair = Comparison.from_arrays(*EXAMPLE)
    assert exact.pooled(pair).rate_ratio().rate_difference.estimate == pytest.approx(9 / (44 / 12) - 2 / 4)
    assert exact.conditional(pair).rate_ratio().rate_difference is None
    assert exact.pooled(Comparison.from_arrays(*D0)).rate_ratio().rate_difference is None


def test_unequal_follow_up_concerns_the_pooled_ratio_only():
    pair = Comparison.from_arrays(*EXAMPLE)
    assert [caution.code for caution in exact.pooled(pair).cautions] == ["unequal_follow_up"]
    assert exact.conditional(pair).cautions == ()


@every_method
def test_overdispersed_seizure_counts_carry_the_caution(method):
    pair = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    assert [caution.code for caution in method(pair).cautions] == ["overdispersed"]
