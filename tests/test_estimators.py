"""What a method says of a series does not depend on the others; tests of rates agree with the libraries."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm, ttest_rel

import nmo_stats as nmo
from nmo_stats import exact, glm, hierarchical
from nmo_stats.describe import wilcoxon as one_wilcoxon
from nmo_stats.estimators.methods import intervals
from nmo_stats.operating import ESTIMATORS, Design
from nmo_stats.operating.methods import answers, distinct
from nmo_stats.simulate import Cohorts

ONE = {
    "pooled_exact": exact.pooled,
    "conditional_exact": exact.conditional,
    "conditional_midp": lambda pair: exact.conditional(pair, midp=True),
    "poisson": glm.poisson,
    "conditional_poisson": glm.conditional_poisson,
    "negative_binomial": glm.negative_binomial,
    "gee": glm.gee,
    "gee_sandwich": glm.gee_sandwich,
}
# Precision on the log scale: iterations end when no series moves any more, be it one or many.
PRECISION = {"negative_binomial": 2e-5, "gee": 1e-5}
DESIGNS = {
    "one patient": Design(1, ((2.0, 1.5),), 1.5, 0.5),
    "three, fixed": Design(3, ((32 / 12, 21 / 12), (8 / 12, 18 / 12), (4 / 12, 9 / 12)), 2.0, 0.5),
    "three, wild": Design(
        3, ((32 / 12, 21 / 12), (8 / 12, 18 / 12), (4 / 12, 9 / 12)), 2.0, 0.05, 1.0, 0.5, 0.5
    ),
    "six, rare, triggered": Design(6, ((1.0, 1.0), (1.0, 2.0)), 0.4, 0.3, 1.0, 0.5, rule="triggered"),
    "ten, overdispersed": Design(10, ((2.0, 1.0),), 3.0, 1.0, 0.5, 0.25, 0.5),
    "thirty": Design(30, ((1.5, 1.0), (0.7, 2.0)), 1.0, 0.2),
}


def drawn(design, series=12):
    return design.draw(np.random.default_rng(7), series)


def pair_of(cohorts, place):
    return nmo.Comparison.from_arrays(cohorts.relapses[place], cohorts.years[place])


@pytest.mark.parametrize("method", ONE)
@pytest.mark.parametrize("name", DESIGNS)
def test_many_series_get_the_answers_of_one(name, method):
    cohorts = drawn(DESIGNS[name])
    found = answers(method, cohorts, 0.9)
    for place in range(len(cohorts)):
        got = [values[place] for values in (found.estimate, found.low, found.high)]
        try:
            ratio = ONE[method](pair_of(cohorts, place)).rate_ratio(0.9)
        except (nmo.NotIdentifiedError, nmo.ConvergenceError):
            assert np.isnan(got).all()
            continue
        expected = [ratio.estimate, ratio.interval.low, ratio.interval.high]
        precision = PRECISION.get(method, 1e-7)
        if method == "gee":  # whose limits can be millions apart
            precision *= np.log(expected[2] / expected[1])
        assert got == pytest.approx(expected, rel=precision)


@pytest.mark.parametrize(("level", "precision"), [(0.9, 0.03), (0.99, 0.1)])
@pytest.mark.parametrize(
    "name", ["one patient", "three, fixed", "three, wild", "six, rare, triggered", "thirty"]
)
def test_hierarchical_answers_are_near_the_exact_ones(name, level, precision):
    # The shared grid promises a few hundredths of a posterior sd, also with the most and the fewest relapses.
    cohorts = drawn(DESIGNS[name], 300)
    found = answers("hierarchical_quadrature", cohorts, level)
    ordered = np.argsort(cohorts.relapses.sum(axis=(1, 2)), kind="stable")
    for place in (0, 1, ordered[0], ordered[-2], ordered[-1]):
        ratio = hierarchical.fit(pair_of(cohorts, place)).rate_ratio(level)
        sd = np.log(ratio.interval.high / ratio.interval.low) / (2 * norm.ppf((1 + level) / 2))
        if ratio.informative:
            got = np.log([found.estimate[place], found.low[place], found.high[place]])
            expected = np.log([ratio.estimate, ratio.interval.low, ratio.interval.high])
            assert np.abs(got - expected).max() < precision * sd


def test_pooled_limits_are_those_of_scipy():
    cohorts = drawn(DESIGNS["three, fixed"], 60)
    found = answers("pooled_exact", cohorts, 0.95)
    for place in range(60):
        (reference, comparator), years = cohorts.relapses[place].sum(axis=0), cohorts.years[place].sum(axis=0)
        limits = binomtest(int(comparator), int(reference + comparator)).proportion_ci(0.95, "exact")
        odds = [share / (1 - share) if share < 1 else np.inf for share in limits]
        assert [found.low[place], found.high[place]] == pytest.approx(
            np.array(odds) * years[0] / years[1], rel=1e-9
        )


@pytest.mark.parametrize("name", DESIGNS)
def test_tests_of_relapse_rates_are_those_of_one_series(name):
    cohorts = drawn(DESIGNS[name], 40)
    ranks, t = answers("wilcoxon", cohorts, 0.95).p_value, answers("paired_t", cohorts, 0.95).p_value
    for place in range(40):
        pair = pair_of(cohorts, place)
        rates = pair.relapses / pair.years
        differences = np.round(rates[:, 1] - rates[:, 0], 9)
        if (differences == 0).all():
            assert np.isnan(ranks[place])
        else:
            assert ranks[place] == pytest.approx(one_wilcoxon(pair).p_value, abs=1e-12)
        if len(differences) < 2 or np.ptp(differences) == 0:
            assert np.isnan(t[place])
        else:
            assert t[place] == pytest.approx(ttest_rel(rates[:, 1], rates[:, 0]).pvalue, rel=1e-6)


def test_beyond_fifty_patients_the_ranks_are_normal():
    cohorts = Design(60, ((2.0, 1.0), (1.0, 1.0)), 1.5, 0.6).draw(np.random.default_rng(2), 30)
    found = answers("wilcoxon", cohorts, 0.95).p_value
    expected = [one_wilcoxon(pair_of(cohorts, place)).p_value for place in range(30)]  # by enumeration
    assert np.abs(found - expected).max() < 0.01


@pytest.mark.parametrize("method", ESTIMATORS)
def test_zero_cells(method):
    years = np.ones((3, 6, 2))
    relapses = np.zeros((3, 6, 2), dtype=int)
    relapses[1, :, 0] = [1, 2, 0, 3, 1, 1]
    relapses[2, :, 1] = [1, 2, 0, 3, 1, 1]
    found = answers(method, Cohorts(relapses, years), 0.95)
    if method in {"wilcoxon", "paired_t"}:
        assert np.isnan(found.p_value[0])
        assert found.p_value[1] == pytest.approx(found.p_value[2])
        return
    assert np.isnan([found.estimate[0], found.low[0], found.high[0]]).all()
    if method.startswith(("pooled", "conditional_exact", "conditional_midp")):
        assert (found.estimate[1], found.low[1], found.high[2]) == (0, 0, np.inf)
        assert found.high[1] == pytest.approx(1 / found.low[2])
    elif method == "hierarchical_quadrature":
        assert found.high[1] == pytest.approx(1 / found.low[2], rel=0.02)
    else:
        assert np.isnan(found.low[1:]).all()


@pytest.mark.parametrize("method", [name for name in ESTIMATORS if name not in {"wilcoxon", "paired_t"}])
def test_swapping_the_periods_inverts_the_ratio(method):
    cohorts = drawn(DESIGNS["ten, overdispersed"])
    swapped = Cohorts(cohorts.relapses[:, :, ::-1], cohorts.years[:, :, ::-1])
    one, other = answers(method, cohorts, 0.95), answers(method, swapped, 0.95)
    precision = 2e-2 if method == "hierarchical_quadrature" else 1e-4
    assert one.low == pytest.approx(1 / other.high, rel=precision, nan_ok=True)
    assert one.high == pytest.approx(1 / other.low, rel=precision, nan_ok=True)


def test_equal_series_are_computed_once_whatever_the_order_of_patients():
    relapses = np.array([[[6, 1], [2, 0]], [[2, 0], [6, 1]], [[6, 0], [2, 1]]])
    years = np.array([[[2.0, 1.0], [1.0, 1.5]], [[1.0, 1.5], [2.0, 1.0]], [[2.0, 1.0], [1.0, 1.5]]])
    places, inverse = distinct(Cohorts(relapses, years))
    assert len(places) == 2
    assert inverse[0] == inverse[1] != inverse[2]


def test_duplicates_get_the_answer_of_their_first():
    cohorts = drawn(replace(DESIGNS["three, fixed"], reference_arr=0.5), 300)
    found = answers("conditional_exact", cohorts, 0.95)
    alone = [
        answers("conditional_exact", Cohorts(cohorts.relapses[i : i + 1], cohorts.years[i : i + 1]), 0.95)
        for i in range(20)
    ]
    assert found.high[:20] == pytest.approx([one.high[0] for one in alone], rel=1e-8, nan_ok=True)


# ------------------------------------------------------------------------------------ many series by one call


@pytest.mark.parametrize("method", ONE)
def test_years_of_all_series_or_of_each(method):
    cohorts = drawn(DESIGNS["six, rare, triggered"], 30)
    years = cohorts.years[0]
    by_one, by_each = (
        intervals(method, cohorts.relapses, given, 0.9) for given in (years, cohorts.years * 0 + years)
    )
    assert by_one.high == pytest.approx(by_each.high, nan_ok=True)


def test_series_of_very_different_totals_have_limits_of_their_own():
    relapses = np.array([[[3, 1]], [[4_000, 3_000]], [[0, 0]], [[0, 2]], [[1, 0]]])
    found = intervals("conditional_exact", relapses, [[1.0, 1.0]])
    for place in (0, 1, 3, 4):
        interval = exact.conditional(nmo.Comparison.from_arrays(relapses[place], [[1.0, 1.0]])).interval()
        assert [found.low[place], found.high[place]] == pytest.approx([interval.low, interval.high])
    assert np.isnan(found.low[2])


@pytest.mark.parametrize(
    ("relapses", "years", "method"),
    [
        (np.ones((2, 2)), np.ones((2, 2)), "poisson"),
        (np.ones((3, 2, 2)), np.ones((3, 2)), "poisson"),
        (np.ones((3, 2, 1)), np.ones((2, 1)), "poisson"),
        (np.ones((3, 2, 2)), np.ones((2, 2)), "wilcoxon"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(relapses, years, method):
    with pytest.raises(nmo.ArgumentError, match="Expected"):
        intervals(method, relapses, years)


def test_no_series_have_no_answers():
    assert intervals("gee", np.ones((0, 6, 2)), np.ones((6, 2))).low.shape == (0,)
