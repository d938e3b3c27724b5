"""Exceptions: one base class, readable messages, and they survive a trip between processes."""

import copy
import pickle

import pytest

from nmo_stats.errors import (
    ArgumentError,
    CohortError,
    ConvergenceError,
    NmoStatsError,
    NotIdentifiedError,
    Problem,
)

NEGATIVE = Problem(
    "-1",
    "relapses is a whole number >= 0",
    "correct the count from the source",
    row=7,
    patient="P3",
    column="relapses",
)
EVERY_ERROR = [
    ArgumentError("level 95: a number strictly between 0 and 1"),
    CohortError([NEGATIVE], "periods.csv"),
    NotIdentifiedError("no relapse in one period", "poisson"),
    ConvergenceError(("R-hat 1.2", "2 divergences"), "hierarchical_nuts"),
]


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_has_the_one_base_class(error):
    assert isinstance(error, NmoStatsError)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("twin", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_survive_copying_and_pickling(error, twin):
    again = twin(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_argument_error_is_a_value_error():
    assert issubclass(ArgumentError, ValueError)


def test_a_problem_names_place_value_rule_and_remedy():
    assert str(NEGATIVE) == (
        "row 7, patient 'P3', column 'relapses': -1. Expected: relapses is a whole number >= 0. "
        "Correct the count from the source."
    )


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem(None, "the file is empty", "write a header"),
            "Expected: the file is empty. Write a header.",
        ),
        (Problem(None, "rule", "remedy", column="dose"), "column 'dose'. Expected: rule. Remedy."),
        (Problem("0.5", "rule", "remedy", row=2), "row 2: 0.5. Expected: rule. Remedy."),
    ],
)
def test_a_problem_leaves_out_what_is_not_known(problem, text):
    assert str(problem) == text


def test_cohort_error_lists_its_problems_below_the_source():
    assert str(CohortError([NEGATIVE], "periods.csv")) == f"periods.csv: 1 problem\n  {NEGATIVE}"
    assert str(CohortError([NEGATIVE] * 2)).startswith("table: 2 problems\n")


def test_cohort_error_prints_40_problems_and_keeps_all():
    error = CohortError([NEGATIVE] * 43)
    assert str(error).splitlines()[-1] == "  and 3 more"
    assert len(str(error).splitlines()) == 1 + 40 + 1
    assert len(error.problems) == 43


def test_refusals_name_their_method_and_keep_their_reason():
    refused = NotIdentifiedError("no relapse in one period", "poisson")
    assert (str(refused), refused.reason, refused.method) == (
        "poisson: no relapse in one period",
        "no relapse in one period",
        "poisson",
    )
    withheld = ConvergenceError(("R-hat 1.2", "2 divergences"), "hierarchical_nuts")
    assert str(withheld) == "hierarchical_nuts: R-hat 1.2; 2 divergences"
    assert withheld.failures == ("R-hat 1.2", "2 divergences")
