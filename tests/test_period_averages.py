"""Rows that are the mean or the median of the others, and identifiers that are codes for unknown."""

import numpy as np
import pandas as pd
import pytest

from nmo_stats import Cohort, Comparison, load_example

COUNTS, MONTHS = [[6, 1], [2, 0], [1, 1]], [[32.5, 21], [8, 18], [4, 9.2]]


def codes(counts, months, patients=None):
    names = [str(number + 1) for number in range(len(counts))] if patients is None else patients
    frame = pd.DataFrame(
        {
            "patient": np.repeat(names, 2),
            "treatment": ["old", "new"] * len(names),
            "relapses": np.ravel(counts),
            "exposure_months": np.ravel(months),
        }
    )
    return {notice.code: notice.patients for notice in Cohort.from_frame(frame).notices}


@pytest.mark.parametrize(
    ("counts", "months"),
    [([3, 1], [14.83, 16.07]), ([3, 1], [14.8, 16.1]), ([2, 1], [8, 18])],
    ids=["means", "rounded means", "medians"],
)
@pytest.mark.parametrize("place", [0, 3])
def test_a_mean_or_a_median_under_a_number_is_named(counts, months, place):
    rows = [*COUNTS[:place], counts, *COUNTS[place:]], [*MONTHS[:place], months, *MONTHS[place:]]
    assert codes(*rows)["possible_average"] == (str(place + 1),)


def test_a_mean_in_arrays_is_named():
    years = np.round(np.array(MONTHS) / 12, 2)
    pair = Comparison.from_arrays([*COUNTS, [3, 1]], [*years, np.round(years.mean(axis=0), 2)])
    assert [notice.patients for notice in pair.notices if notice.code == "possible_average"] == [("4",)]


@pytest.mark.parametrize(
    ("counts", "months"),
    [
        ([[1, 0], [1, 0], [1, 0], [1, 0]], [[12, 12]] * 4),
        ([[3, 1], [2, 0], [1, 1], [2, 1]], [[12, 12]] * 4),
        ([[6, 1], [2, 0], [1, 1], [3, 1]], [[32, 21], [8, 18], [4, 9], [12, 24]]),
        ([[6, 1], [2, 0], [4, 1]], [[32, 20], [8, 18], [20, 19]]),
    ],
)
def test_honest_series_have_no_such_notice(counts, months):
    assert "possible_average" not in codes(counts, months)


def test_the_examples_have_no_such_notice():
    found = {notice.code for notice in load_example().notices}
    assert not found & {"possible_average", "coded_patient"}


def test_chance_gives_the_notice_to_few_honest_series():
    rng = np.random.default_rng(20261201)
    found = 0
    for _ in range(300):
        patients = int(rng.integers(4, 8))
        months = rng.integers(6, 61, size=(patients, 2))
        found += "possible_average" in codes(rng.poisson(months / 12), months)
    assert found <= 3


@pytest.mark.parametrize("code", ["999", "-99", "9999", "88"])
def test_a_code_among_numbered_patients_is_named(code):
    assert codes(COUNTS, MONTHS, ["1", "2", code])["coded_patient"] == (code,)


@pytest.mark.parametrize(
    "names", [["1", "2", "9"], ["P1", "P2", "999"], ["998", "999", "1000"], ["40", "75", "99"]]
)
def test_other_identifiers_are_no_codes(names):
    assert "coded_patient" not in codes(COUNTS, MONTHS, names)
