"""Comparisons from arrays: every cell is checked, and nobody can change the arrays afterwards."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from nmo_stats import ArgumentError, CohortError, Comparison

COUNTS, YEARS = [[6, 1], [2, 0]], [[2.5, 1.75], [0.75, 1.5]]


def test_arrays_are_taken_as_they_are():
    pair = Comparison.from_arrays(COUNTS, YEARS)
    assert pair.patients == ("1", "2")
    assert pair.relapses.tolist() == COUNTS
    assert pair.years.tolist() == YEARS
    assert (pair.reference, pair.comparator) == ("reference", "comparator")
    named = Comparison.from_arrays(COUNTS, YEARS, [101.0, "B"], reference="old", comparator="new")
    assert named.patients == ("101", "B")


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", ">i8", "object", "str"])
def test_every_type_of_whole_numbers_is_read(kind):
    pair = Comparison.from_arrays(np.array(COUNTS).astype(kind), YEARS)
    assert pair.relapses.tolist() == COUNTS
    assert pair.relapses.dtype == np.int64


@pytest.mark.parametrize("kind", ["float32", "float16", "longdouble", ">f8", "object", "str"])
def test_every_type_of_times_is_read(kind):
    pair = Comparison.from_arrays(COUNTS, np.array(YEARS).astype(kind))
    assert pair.years.tolist() == YEARS
    assert pair.years.dtype == np.float64


@pytest.mark.parametrize(
    ("counts", "years", "places"),
    [
        ([[-1, 1]], [[1, 1]], ["relapses[0, 0]"]),
        ([[0.5, 1]], [[1, 1]], ["relapses[0, 0]"]),
        ([[math.nan, 1]], [[1, 1]], ["relapses[0, 0]"]),
        ([[1, None]], [[1, 1]], ["relapses[0, 1]"]),
        ([[True, False]], [[1, 1]], ["relapses[0, 0]", "relapses[0, 1]"]),
        ([["a", "1"]], [[1, 1]], ["relapses[0, 0]"]),
        ([[1j, 1]], [[1, 1]], ["relapses[0, 0]", "relapses[0, 1]"]),
        ([[10**400, 1]], [[1, 1]], ["relapses[0, 0]"]),
        (np.array([[2**64 - 1, 1]], dtype="uint64"), [[1, 1]], ["relapses[0, 0]"]),
        ([[1, 1]], [[0, 1]], ["years[0, 0]"]),
        ([[1, 1]], [[-1.0, 1]], ["years[0, 0]"]),
        ([[1, 1]], [[math.inf, 1]], ["years[0, 0]"]),
        ([[1, 1]], [[1e300, 1]], ["years[0, 0]"]),
        ([[1, 1]], np.array([[np.nan, 1]], dtype="float32"), ["years[0, 0]"]),
        ([[1, 1]], np.array([[0, 1]], dtype="float16"), ["years[0, 0]"]),
        ([[1, 1]], np.array([["2020-01-01", "2021-01-01"]], dtype="M8[D]"), ["years[0, 0]", "years[0, 1]"]),
        ([[-1, 1], [1, -2]], [[1, 1], [0, 1]], ["relapses[0, 0]", "relapses[1, 1]", "years[1, 0]"]),
    ],
    ids=lambda value: ascii(value)[:25],
)
def test_every_cell_that_breaks_its_rule_is_named(counts, years, places):
    with pytest.raises(CohortError) as caught:
        Comparison.from_arrays(counts, years)
    assert [problem.column for problem in caught.value.problems] == places
    assert caught.value.source == "arrays"


def test_a_number_too_long_to_print_is_refused():
    with pytest.raises(CohortError, match=r"more than 4300 digits\. Expected: relapses"):
        Comparison.from_arrays([[10**5000, 1]], [[1, 1]])


@pytest.mark.parametrize(
    ("counts", "years"),
    [
        ([], []),
        (1, 2),
        (None, None),
        ([1, 2], [1, 2]),
        ([[1, 2, 3]], [[1, 2, 3]]),
        ([[1, 2]], [[1, 2], [1, 2]]),
        ([[[1, 2]]], [[[1, 2]]]),
        ([[1, 2], [1]], [[1, 2], [1, 2]]),
        ({"a": 1}, {"a": 2}),
        ("ab", "cd"),
        (np.zeros((0, 2), dtype=int), np.zeros((0, 2))),
        (np.ma.array([[1, 2]], mask=[[True, False]]), [[1, 2]]),
    ],
    ids=repr,
)
def test_arrays_of_another_shape_are_an_argument_error(counts, years):
    with pytest.raises(ArgumentError):
        Comparison.from_arrays(counts, years)


@pytest.mark.parametrize(
    ("patients", "message"),
    [
        (["a", "a"], "patients 'a', 'a'. Expected: a different name for each"),
        ([1, "1"], "patients '1', '1'. Expected: a different name for each"),
        (["a", " "], "patients empty"),
        (["a", None], "patients 'None'"),
        (["a"], "of 1 patients"),
        (["a", "b", "c"], "of 3 patients"),
        ("ab", "a list of names"),
        ({"a", "b"}, "a list of names"),
        (5, "a list of names"),
    ],
    ids=str,
)
def test_patients_need_one_different_name_each(patients, message):
    with pytest.raises(ArgumentError, match=message):
        Comparison.from_arrays(COUNTS, YEARS, patients)


def test_reference_and_comparator_need_different_names():
    with pytest.raises(ArgumentError, match="Expected: two different treatments"):
        Comparison.from_arrays(COUNTS, YEARS, reference="x", comparator="x")


# ---- nobody can change a comparison


def builders():
    return {
        "from_arrays": Comparison.from_arrays,
        "constructor": lambda counts, years: Comparison(("a", "b"), counts, years),
    }


@pytest.mark.parametrize("build", builders().values(), ids=builders().keys())
def test_the_arrays_of_the_caller_are_neither_shared_nor_frozen(build):
    counts, years = np.array(COUNTS), np.array(YEARS)
    pair = build(counts, years)
    counts[0, 0], years[0, 0] = 99, 99.0
    assert pair.relapses.tolist() == COUNTS
    assert pair.years.tolist() == YEARS


@pytest.mark.parametrize("build", builders().values(), ids=builders().keys())
def test_the_arrays_of_a_comparison_are_read_only(build):
    pair = build(np.array(COUNTS), np.array(YEARS))
    for array in (pair.relapses, pair.years, pair.swapped().relapses):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        pair.relapses = np.array(COUNTS)


def test_the_constructor_checks_too():
    with pytest.raises(CohortError, match="relapses is a whole number >= 0"):
        Comparison(("a",), np.array([[-1, 1]]), np.array([[1.0, 1.0]]))
    with pytest.raises(ArgumentError, match="of 1 patients"):
        Comparison(("a",), np.array(COUNTS), np.array(YEARS))


def test_a_comparison_does_not_depend_on_the_memory_layout_of_the_arrays():
    fortran = Comparison.from_arrays(np.asfortranarray(COUNTS), np.asfortranarray(YEARS))
    assert fortran.relapses.flags.c_contiguous
    assert fortran.years.flags.c_contiguous
