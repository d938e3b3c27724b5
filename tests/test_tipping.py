"""Tipping points: against trying every allocation, and at their boundaries."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import exact, glm, hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.sensitivity import tipping_points
from nmo_stats.sensitivity.allocations import Moves
from nmo_stats.sensitivity.tipping import smallest

CLASSICAL = {
    "pooled_exact": exact.pooled,
    "conditional_exact": exact.conditional,
    "conditional_midp": lambda pair: exact.conditional(pair, midp=True),
    "poisson": glm.poisson,
    "conditional_poisson": glm.conditional_poisson,
    "negative_binomial": glm.negative_binomial,
}


def points_of(pair, **options):
    fit = hierarchical.fit(pair, seed=1, **options)
    return tipping_points(fit, Refits.beside(fit, 0.95))


def value(points, method, direction, *, every=False, criterion="upper_limit"):
    (point,) = (
        one
        for one in points
        if (one.row.method, one.direction, one.every, one.criterion) == (method, direction, every, criterion)
    )
    return point.row.estimate


def tried(pair, estimator, direction, *, every, most=8):
    """Smallest number by trying every allocation, as vectors of counts."""
    for count in range(most + 1):
        verdicts = []
        for allocation in itertools.product(range(count + 1), repeat=len(pair.patients)):
            moved = np.array(allocation)
            if moved.sum() != count or (direction == "removed" and (moved > pair.relapses[:, 0]).any()):
                continue
            change = np.outer(moved, [0, 1] if direction == "added" else [-1, 0])
            try:
                high = estimator(pair.changed(relapses=pair.relapses + change)).rate_ratio().interval.high
            except NotIdentifiedError:
                high = np.inf
            verdicts.append(high >= 1)
        if verdicts and (all(verdicts) if every else any(verdicts)):
            return float(count)
    return None


@pytest.fixture(scope="module")
def example_points(example_pair):
    return points_of(example_pair)


def test_the_example_tips_with_one_relapse(example_points, example_pair):
    for direction in ("added", "removed"):
        for every in (False, True):
            assert value(example_points, "hierarchical_quadrature", direction, every=every) == 1
    assert value(example_points, "hierarchical_quadrature", "background") == pytest.approx(0.9104, abs=2e-4)
    below = value(example_points, "hierarchical_quadrature", "background", criterion="probability")
    fit = hierarchical.fit(example_pair, seed=1)
    assert fit.probability_below(below) == pytest.approx(0.95, abs=1e-6)


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize("direction", ["added", "removed"])
@pytest.mark.parametrize("every", [False, True], ids=["some", "every"])
def test_the_example_is_that_of_trying_everything(example_points, example_pair, method, direction, every):
    assert value(example_points, method, direction, every=every) == tried(
        example_pair, CLASSICAL[method], direction, every=every
    )


@pytest.mark.parametrize("criterion", ["upper_limit", "probability"])
@pytest.mark.parametrize("direction", ["added", "removed"])
@pytest.mark.parametrize("every", [False, True], ids=["some", "every"])
def test_the_hierarchical_search_is_that_of_fitting_everything(
    example_points, example_pair, criterion, direction, every
):
    def tips(pair):
        ratio = hierarchical.fit(pair, seed=1).rate_ratio()
        return ratio.interval.high >= 1 if criterion == "upper_limit" else ratio.probability_below_1 < 0.95

    found = int(value(example_points, "hierarchical_quadrature", direction, every=every, criterion=criterion))
    moves = Moves(example_pair, direction)
    quantifier = all if every else any
    assert not quantifier(tips(moves.changed(one)) for one in moves.everything(found - 1))
    assert quantifier(tips(moves.changed(one)) for one in moves.everything(found))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=3),
    st.lists(st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)), min_size=3, max_size=3),
    st.sampled_from(["added", "removed"]),
    st.booleans(),
)
def test_extremes_of_the_conditional_ratio_concentrate_on_one_kind_of_patient(
    counts, years, direction, every
):
    pair = Comparison.from_arrays(counts, years[: len(counts)])
    if not sum(pair.totals):
        return
    moves = Moves(pair, direction)
    estimator = exact.conditional

    def holds(count):
        verdicts = []
        for one in moves.extremes(count)[:2]:
            try:
                verdicts.append(estimator(moves.changed(one)).interval().high >= 1)
            except NotIdentifiedError:
                verdicts.append(True)
        return all(verdicts) if every else any(verdicts)

    found = smallest(holds, min(moves.most(), 6))
    assert (None if found is None else float(found)) == tried(pair, estimator, direction, every=every, most=6)


def test_an_interval_that_includes_1_needs_nothing():
    points = points_of(Comparison.from_arrays([[3, 2], [1, 2]], [[1, 1], [1, 1]]))
    for method in ("pooled_exact", "conditional_exact", "hierarchical_quadrature"):
        assert value(points, method, "added") == 0
        assert value(points, method, "removed", every=True) == 0


def test_estimators_without_a_number_say_why(example_points):
    (gee,) = (point for point in example_points if point.row.method == "gee")
    assert (gee.direction, gee.row.estimate) == ("any", None)
    assert "3 patients" in gee.row.reason
    points = points_of(Comparison.from_arrays([[5, 0], [4, 0], [3, 0]], [[3, 2], [3.5, 2], [3, 2]]))
    (poisson,) = (point for point in points if point.row.method == "poisson")
    assert "use the exact interval" in poisson.row.reason
    assert value(points, "conditional_exact", "added") > 0
    assert value(points, "hierarchical_quadrature", "removed") > 0


def test_without_relapses_nothing_tips():
    points = points_of(Comparison.from_arrays([[0, 0]] * 2, [[1, 1]] * 2))
    assert {point.direction for point in points} == {"any"}
    assert {point.row.reason for point in points} == {NO_INFORMATION}


def test_entry_by_a_relapse_keeps_one_relapse_on_the_reference(example_pair):
    moves = Moves(Comparison.from_arrays([[3, 0], [1, 0]], [[1, 1]] * 2), "removed", fewest_left=1)
    assert (moves.most(), moves.room.tolist()) == (2, [2, 0])
    points = points_of(example_pair, entry="relapse_on_reference")
    assert value(points, "hierarchical_quadrature", "added") == 0


def test_negative_binomial_fits_are_searched_too(example_pair):
    points = points_of(example_pair, likelihood="negative_binomial")
    assert value(points, "hierarchical_quadrature", "added") == 0
    assert value(points, "hierarchical_quadrature", "removed", criterion="probability") == 1


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
    st.integers(0, 10),
    st.sampled_from(["added", "removed"]),
)
def test_allocations_add_up_and_keep_within_their_room(before, count, direction):
    pair = Comparison.from_arrays(
        [[relapses, 1] for relapses in before], [[1.0, 1 + 0.1 * len(before)]] * len(before)
    )
    moves = Moves(pair, direction)
    count = int(min(count, moves.most()))
    for allocation in moves.extremes(count):
        assert allocation.sum() == count
        assert (allocation >= 0).all()
        assert (allocation <= moves.room).all()
    every = list(moves.everything(min(count, 4)))
    assert len({tuple(one) for one in every}) == len(every) <= moves.number(min(count, 4))
    assert Model(moves.changed(every[0])).pair.totals[0] <= pair.totals[0]
