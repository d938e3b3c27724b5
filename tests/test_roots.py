"""Roots of many increasing functions at once."""

import numpy as np
import pytest

from nmo_stats.numerics.roots import increasing_roots


def test_roots_on_both_sides_of_the_start_and_far_away():
    targets = np.array([-1e4, -3.0, 0.0, 0.25, 8.0, 1e5])
    found = increasing_roots(lambda x, number: np.cbrt(x) - np.cbrt(targets[number]), np.full(6, 0.1), 0.5)
    assert found == pytest.approx(targets, abs=1e-9)


def test_a_function_that_stays_on_one_side_has_its_root_at_infinity():
    offsets = np.array([2.0, -2.0, 0.5])
    found = increasing_roots(lambda x, number: np.tanh(x) + offsets[number], np.zeros(3), 0.5, farthest=100.0)
    assert found[:2].tolist() == [-np.inf, np.inf]
    assert found[2] == pytest.approx(np.arctanh(-0.5))


def test_a_start_at_the_root_is_the_root():
    assert increasing_roots(lambda x, _: x - 1.0, np.ones(1), 0.5) == pytest.approx([1.0])
