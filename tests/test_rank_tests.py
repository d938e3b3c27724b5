"""The signed-rank test: scipy's exact one without ties, every sign pattern enumerated with them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nmo_stats.cohort import Comparison
from nmo_stats.describe import wilcoxon
from nmo_stats.errors import NotIdentifiedError


def with_differences(differences):
    """A pair whose relapses per year differ by the given whole numbers."""
    differences = np.asarray(differences)
    reference = np.full(len(differences), 100)
    return Comparison.from_arrays(
        np.stack([reference, reference + differences], axis=1), np.ones((len(differences), 2))
    )


def enumerated_p(differences):
    """Twice the smaller tail of the positive-rank sum over all signs of the non-zero differences."""
    differences = np.array([value for value in differences if value])
    ranks = stats.rankdata(np.abs(differences))
    seen = ranks[differences > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=len(ranks))])
    return min(1.0, 2 * min((sums <= seen + 1e-9).mean(), (sums >= seen - 1e-9).mean()))


def test_three_patients_reach_a_quarter_at_best(example_pair):
    test = wilcoxon(example_pair)
    assert (test.p_value, test.smallest_p_value, test.pairs) == (0.25, 0.25, 3)
    assert not test.can_reach()


@pytest.mark.parametrize(("patients", "reaches"), [(1, False), (5, False), (6, True), (20, True)])
def test_five_patients_cannot_reach_a_twentieth_and_six_can(patients, reaches):
    test = wilcoxon(with_differences(-np.arange(1, patients + 1)))
    assert test.p_value == pytest.approx(test.smallest_p_value)
    assert test.can_reach(0.95) == reaches


@pytest.mark.parametrize("seed", range(20))
def test_without_ties_it_is_scipys_exact_test(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(1, 25)
    differences = rng.permutation(np.arange(1, 60))[:patients] * rng.choice([-1, 1], patients)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert wilcoxon(with_differences(differences)).p_value == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10).filter(any))
def test_with_ties_and_zeros_it_enumerates_all_signs(differences):
    test = wilcoxon(with_differences(differences))
    assert test.p_value == pytest.approx(enumerated_p(differences), rel=1e-12)
    assert test.pairs == sum(value != 0 for value in differences)
    assert test.p_value >= test.smallest_p_value - 1e-12


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10).filter(any))
def test_swapping_the_periods_changes_nothing(differences):
    pair = with_differences(differences)
    assert wilcoxon(pair.swapped()).p_value == wilcoxon(pair).p_value


def test_equal_rates_in_unequal_times_are_no_difference():
    # 29 in 38 months is 145 in 190, but the two divisions differ in their last bit.
    assert 29 / (38 / 12) != 145 / (190 / 12)
    pair = Comparison.from_arrays([[29, 145], [3, 1], [4, 1]], np.array([[38, 190], [12, 12], [12, 12]]) / 12)
    assert wilcoxon(pair).pairs == 2


def test_equal_differences_in_unequal_times_are_a_tie():
    pair = Comparison.from_arrays([[29, 0], [0, 145], [0, 1]], np.array([[38, 1], [1, 190], [1, 12]]) / 12)
    assert wilcoxon(pair).p_value == enumerated_p([-2, 2, 1])


def test_without_any_difference_there_is_no_test():
    for relapses in ([[0, 0], [0, 0]], [[2, 2], [1, 1]]):
        with pytest.raises(NotIdentifiedError, match="no patient's rate differs"):
            wilcoxon(Comparison.from_arrays(relapses, np.ones((2, 2))))


@pytest.mark.parametrize("patients", [600, 1100, 20_000])
def test_a_registry_gets_the_normal_limit(patients):
    differences = np.random.default_rng(1).integers(-40, 39, patients)
    test = wilcoxon(with_differences(differences))
    ranks, kept = stats.rankdata(np.abs(differences[differences != 0])), differences[differences != 0]
    z = (ranks[kept > 0].sum() - ranks.sum() / 2) / np.sqrt((ranks**2).sum() / 4)
    assert test.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert test.can_reach()


def test_the_normal_limit_continues_the_exact_test(monkeypatch):
    pair = with_differences(np.random.default_rng(2).integers(-40, 36, 400))
    exactly = wilcoxon(pair).p_value
    monkeypatch.setattr("nmo_stats.estimators.rank_tests._MOST_ENUMERATED", 0)
    assert 0.001 < exactly < 0.5
    assert wilcoxon(pair).p_value == pytest.approx(exactly, rel=0.01)
