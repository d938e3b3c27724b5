"""Tipping points: against trying every allocation, and at their boundaries."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import exact, glm, hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NotIdentifiedError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.sections.sensitivity import _Footnotes, tipping_cell
from nmo_stats.sensitivity import Assumption, TippingPoint, tipping, tipping_points
from nmo_stats.sensitivity.allocations import Judge, Moves, Search, smallest
from nmo_stats.sensitivity.words import sentence

CLASSICAL = {
    "pooled_exact": exact.pooled,
    "conditional_exact": exact.conditional,
    "conditional_midp": lambda pair: exact.conditional(pair, midp=True),
    "poisson": glm.poisson,
    "conditional_poisson": glm.conditional_poisson,
    "negative_binomial": glm.negative_binomial,
}


EXACT, BOUND = False, True


def points_of(pair, **options):
    fit = hierarchical.fit(pair, seed=1, **options)
    return tipping_points(fit, Refits.beside(fit, 0.95))


def value(points, method, direction, *, every=False, criterion="upper_limit"):
    (point,) = (
        one
        for one in points
        if (one.method, one.direction, one.every, one.criterion) == (method, direction, every, criterion)
    )
    return point.number


def tried(pair, estimator, direction, *, every, most=8, level=0.95):
    """Smallest number by trying every allocation, as vectors of counts."""
    for count in range(most + 1):
        verdicts = []
        for allocation in itertools.product(range(count + 1), repeat=len(pair.patients)):
            moved = np.array(allocation)
            if moved.sum() != count or (direction == "removed" and (moved > pair.relapses[:, 0]).any()):
                continue
            change = np.outer(moved, [0, 1] if direction == "added" else [-1, 0])
            try:
                high = (
                    estimator(pair.changed(relapses=pair.relapses + change)).rate_ratio(level).interval.high
                )
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


small_cohorts = st.integers(2, 4).flatmap(
    lambda patients: st.tuples(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=patients, max_size=patients),
        st.lists(st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)), min_size=patients, max_size=patients),
    )
)


@settings(max_examples=25, deadline=None)
@given(small_cohorts, st.sampled_from(sorted(CLASSICAL)), st.sampled_from(["added", "removed"]))
def test_every_estimator_is_that_of_trying_everything(cohort, method, direction):
    pair = Comparison.from_arrays(*cohort)
    estimator = CLASSICAL[method]
    try:
        estimator(pair).interval()
    except NotIdentifiedError:
        return
    moves = Moves(pair, direction)
    search = tipping.classical_search(method, 0.95, moves)
    most = min(moves.most(), 5)
    for every in (False, True):
        found = search.number(every=every)
        expected = tried(pair, estimator, direction, every=every, most=int(most))
        if expected is not None:
            assert found == (expected, EXACT)
        elif found is not None:
            assert found[0] > most


def fitted(pair, direction, criterion, *, most):
    """Smallest numbers for some, and for every allocation, by a fit of each; None beyond ``most``."""
    moves, known = Moves(pair, direction), {}
    for count in range(most + 1):
        tips = []
        for one in moves.everything(count):
            ratio = hierarchical.fit(moves.changed(one), seed=1).rate_ratio()
            limit = (
                ratio.interval.high >= 1 if criterion == "upper_limit" else ratio.probability_below_1 < 0.95
            )
            tips.append(limit or not ratio.informative)
        for name, quantifier in (("some", any), ("every", all)):
            if quantifier(tips):
                known.setdefault(name, count)
        if len(known) == 2:
            break
    return known


def random_cohort(seed):
    rng = np.random.default_rng(seed)
    patients = int(rng.integers(3, 7))
    years = rng.uniform(0.3, 3, (patients, 2))
    relapses = rng.poisson(rng.gamma(2, 0.4, (patients, 1)) * years * [1.0, 0.15])
    relapses[:2, 0] += 2
    return Comparison.from_arrays(relapses, years)


def test_the_hierarchical_numbers_of_random_cohorts_are_those_of_fitting_everything():
    compare_with_fits([5, 11])


@pytest.mark.slow
def test_the_hierarchical_numbers_of_more_random_cohorts_are_those_of_fitting_everything():
    compare_with_fits(range(30))


def compare_with_fits(seeds, most=2):
    compared = 0
    for seed in seeds:
        pair = random_cohort(seed)
        refits = Refits()
        for direction in ("added", "removed"):
            moves = Moves(pair, direction)
            for search in tipping.model_searches(Model(pair), refits, moves):
                expected = fitted(pair, direction, search.criterion, most=int(min(most, moves.most())))
                for quantifier in ("some", "every"):
                    found = search.number(every=quantifier == "every")
                    if quantifier in expected:
                        assert found == (expected[quantifier], EXACT), (seed, direction)
                        compared += 1
                    else:
                        assert found is None or found[0] > min(most, moves.most()), (seed, direction)
    assert compared


@pytest.mark.parametrize("seed", [1, 2, 8, 11])
def test_a_search_beyond_what_can_be_tried_gives_bounds(seed):
    rng = np.random.default_rng(100 + seed)
    pair = random_cohort(seed)
    pair = pair.changed(relapses=pair.relapses + rng.integers(0, 4, len(pair.patients))[:, None] * [1, 0])
    fewest = []
    for direction in ("added", "removed"):
        moves = Moves(pair, direction)
        tried_all = tipping.model_searches(Model(pair), Refits(), moves)[0]
        along_paths = replace(tried_all, most_enumerated=len(pair.patients))
        some, found = tried_all.number(every=False), along_paths.number(every=False)
        if some is not None and some[1] is EXACT:
            assert found[0] >= some[0]
            assert found[1] is BOUND or found == some
            fewest.append(found[0] - some[0])
        every, found = tried_all.number(every=True), along_paths.number(every=True)
        if every is not None and every[1] is EXACT and every[0]:
            assert found[0] <= every[0]
            assert found[1] is BOUND or found == every
    assert max(fewest) <= 1


class Weighed:
    """Adds up weights, of which each further relapse in a patient may have less."""

    def __init__(self, weights, limit, power=1.0):
        self.weights, self.limit, self.power, self.asked = np.array(weights), limit, power, 0

    def __call__(self, allocations):
        self.asked += len(allocations)
        return {"upper_limit": allocations**self.power @ self.weights - self.limit}


TWELVE = Comparison.from_arrays([[3, 0]] * 12, [[1.0, 1.0]] * 12)


def searched(excess, direction="added", most=100):
    search = Search(Moves(TWELVE, direction), Judge(excess), "upper_limit", most)
    return [search.number(every=False), search.number(every=True)]


def test_more_than_three_patients_are_searched_beyond_what_can_be_tried():
    moves = Moves(TWELVE, "added")
    assert len(moves.everything(4)) == 1365
    assert moves.everything(5) is None  # 4,368
    weights = np.linspace(0.5, 2.0, 12)
    assert searched(Weighed(weights, 19.9)) == [(10, BOUND), (40, BOUND)]
    # Where a second relapse in a patient does less than the first, going around does more, one patient least.
    some, every = searched(Weighed(weights, 10.0, power=0.5), most=1000)
    assert some == (7, BOUND)  # 2.0 + ... + 1.18 over the seven largest is 11.1; over six 9.9
    assert every == (400, BOUND)  # 0.5 * sqrt(400)


def test_removed_relapses_keep_within_their_room_however_many():
    some, every = searched(Weighed(np.linspace(0.5, 2.0, 12), 19.9), "removed", most=36)
    assert some[0] == 11  # 3 * (2.0 + 1.86 + 1.73) = 16.8, and two of 1.59
    assert every == (22, BOUND)  # 3 * (0.5 + ... + 1.32) = 19.09, and one of 1.45


def test_a_first_number_beyond_the_enumerated_ones_is_exact():
    some, _ = searched(Weighed(np.full(12, 2.0), 9.9))
    assert some == (5, EXACT)


@pytest.mark.parametrize(
    ("direction", "most", "reason"), [("added", 50, "up to 50 relapses"), ("removed", 36, tipping.NEVER)]
)
def test_what_is_not_found_has_a_reason(direction, most, reason):
    search = Search(Moves(TWELVE, direction), Judge(Weighed(np.zeros(12), 1.0)), "upper_limit", most)
    points = list(tipping._moved("gee", search))
    assert [point.number for point in points] == [None, None]
    assert all(reason in point.reason for point in points)


def test_doubt_makes_a_bound():
    def excess(allocations):
        return {"upper_limit": 0.1 * (allocations.sum(axis=1) - 2.5)}

    three = Moves(TWELVE, "added").everything(3)
    for every, fitted in ((False, -0.05), (True, 0.05)):  # a fit of one of the first nine never decides
        judge = Judge(excess, lambda _, value=fitted: {"upper_limit": np.array([value])})
        # that some does it is denied, that every does it is granted, and neither is certain
        assert judge.verdict(three, "upper_limit", every=every) == (every, False)


def test_fits_that_are_dear_are_asked_sixty_times_at_most(example_pair):
    for pair, most in ((TWELVE, 1), (Comparison.from_arrays([[3, 0]] * 61, [[1.0, 1.0]] * 61), 0)):
        model = Model(pair, likelihood="negative_binomial")
        for search in tipping.model_searches(model, Refits(), Moves(pair, "added")):
            assert (search.most, search.one_by_one) == (most, most + 1)
    (search, _) = tipping.model_searches(
        Model(example_pair, likelihood="negative_binomial"), Refits(), Moves(example_pair, "added")
    )
    assert sum(len(search.moves.everything(count)) for count in range(search.one_by_one)) <= 60


def test_a_searched_number_is_a_bound_in_words():
    some, every = (
        tipping._with_number(
            TippingPoint(
                assumption=Assumption("tipping", "", ""), method="m", direction="added", every=every
            ),
            number,
            BOUND,
        )
        for number, every in ((7, False), (9, True))
    )
    assert "at most 7 relapses" in sentence(some, {})
    assert "at least 9 relapses" in sentence(every, {})
    assert tipping_cell([some, every], "added", _Footnotes()) == "≤ 7 to ≥ 9"
    assert tipping_cell([some], "added", _Footnotes()) == "≤ 7 (some)"
    assert [caution.code for caution in some.cautions] == ["searched"]
    assert (some.to_dict()["estimate"], some.to_dict()["is_bound"]) == (7.0, True)


@pytest.mark.parametrize("method", ["conditional_exact", "poisson"])
def test_the_level_decides_what_tips_a_classical_interval(example_pair, method):
    fit = hierarchical.fit(example_pair, seed=1)
    points = tipping_points(fit, Refits.beside(fit, 0.5))
    for every in (False, True):
        expected = tried(example_pair, CLASSICAL[method], "added", every=every, level=0.5)
        assert (
            value(points, method, "added", every=every)
            == expected
            > value(points_of(example_pair), method, "added", every=every)
        )


def test_the_level_decides_what_tips_the_hierarchical_interval(example_pair):
    fit = hierarchical.fit(example_pair, seed=1)
    points = tipping_points(fit, Refits.beside(fit, 0.5))
    found = int(value(points, "hierarchical_quadrature", "added"))
    moves = Moves(example_pair, "added")
    highs = [
        max(
            hierarchical.fit(moves.changed(one), seed=1).rate_ratio(0.5).interval.high
            for one in moves.everything(count)
        )
        for count in (found - 1, found)
    ]
    assert highs[0] < 1 <= highs[1]
    assert found > 1


def test_an_interval_that_includes_1_needs_nothing():
    points = points_of(Comparison.from_arrays([[3, 2], [1, 2]], [[1, 1], [1, 1]]))
    for method in ("pooled_exact", "conditional_exact", "hierarchical_quadrature"):
        assert value(points, method, "added") == 0
        assert value(points, method, "removed", every=True) == 0


def test_estimators_without_a_number_say_why(example_points):
    (gee,) = (point for point in example_points if point.method == "gee")
    assert (gee.direction, gee.number) == ("any", None)
    assert "3 patients" in gee.reason
    points = points_of(Comparison.from_arrays([[5, 0], [4, 0], [3, 0]], [[3, 2], [3.5, 2], [3, 2]]))
    (poisson,) = (point for point in points if point.method == "poisson")
    assert "use the exact interval" in poisson.reason
    assert value(points, "conditional_exact", "added") > 0
    assert value(points, "hierarchical_quadrature", "removed") > 0


def test_without_relapses_nothing_tips():
    points = points_of(Comparison.from_arrays([[0, 0]] * 2, [[1, 1]] * 2))
    assert {point.direction for point in points} == {"any"}
    assert {point.reason for point in points} == {NO_INFORMATION}


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
    order = moves.by_time_ratio()
    for allocation in (moves.in_order(count, order), moves.evenly(count, order)):
        assert allocation.sum() == count
        assert (allocation >= 0).all()
        assert (allocation <= moves.room).all()
    every = moves.everything(min(count, 4))
    expected = [
        one
        for one in itertools.product(range(min(count, 4) + 1), repeat=len(before))
        if sum(one) == min(count, 4) and (np.array(one) <= moves.room).all()
    ]
    assert sorted(map(tuple, every.tolist())) == expected
    assert moves.everything(min(count, 4), len(every) - 1) is None
    assert (every.sum(axis=1) == min(count, 4)).all()
    assert (every <= moves.room).all()
    assert Model(moves.changed(every[0])).pair.totals[0] <= pair.totals[0]


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 40))
def test_the_smallest_number_is_found_by_doubling(limit, most, first):
    found = smallest(lambda count: count >= limit, most, first)
    expected = max(limit, first)
    assert found == (expected if expected <= most else None)
