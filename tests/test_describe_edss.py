"""EDSS: the three rules at their joints, and what is said where scores are missing."""

import math

import numpy as np
import pandas as pd
import pytest

from nmo_stats import describe
from nmo_stats.cohort import Cohort
from nmo_stats.errors import ArgumentError

RULES = ("msprog", "msoutcomes", "n_momentum")
SCALE = [0.0, *np.arange(1.0, 10.5, 0.5)]


def cohort(*rows, columns=("edss_start", "edss_end")):
    frame = pd.DataFrame(rows, columns=["patient", "treatment", *columns])
    return Cohort.from_frame(frame.assign(relapses=0, exposure_years=1.0))


# Worsened by msprog, msoutcomes, n_momentum: the joints of the three definitions.
@pytest.mark.parametrize(
    ("start", "end", "worsened"),
    [
        (0.0, 1.0, (False, False, False)),
        (0.0, 1.5, (True, True, False)),
        (0.0, 2.0, (True, True, True)),
        (1.0, 1.5, (False, False, False)),
        (1.0, 2.0, (True, True, True)),
        (4.5, 5.0, (False, False, False)),
        (5.0, 5.5, (False, False, False)),
        (5.0, 6.0, (True, True, True)),
        (5.5, 6.0, (True, False, True)),
        (5.5, 6.5, (True, True, True)),
        (6.0, 6.5, (True, True, True)),
        (9.5, 10.0, (True, True, True)),
    ],
)
def test_worsening_at_the_joints_of_the_rules(start, end, worsened):
    found = tuple(describe.EDSS_RULES[rule].category(start, end) == "worsened" for rule in RULES)
    assert found == worsened


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("start", SCALE)
def test_improvement_mirrors_worsening_at_the_same_start(rule, start):
    chosen = describe.EDSS_RULES[rule]
    mirrored = {"worsened": "improved", "improved": "worsened", "stable": "stable"}
    for change in np.arange(0.0, 3.0, 0.5):
        assert chosen.category(start, start - change) == mirrored[chosen.category(start, start + change)]


@pytest.mark.parametrize("rule", RULES)
def test_an_unchanged_score_is_stable(rule):
    assert {describe.EDSS_RULES[rule].category(score, score) for score in SCALE} == {"stable"}


@pytest.mark.parametrize(("start", "end"), [(math.nan, 3.0), (3.0, math.nan), (math.nan, math.nan)])
def test_a_missing_score_is_unknown(start, end):
    assert describe.EDSS_RULES["msprog"].category(start, end) == "unknown"


def test_the_example_worsens_once_on_rituximab_and_improves_once_on_tocilizumab(example_cohort):
    for rule in RULES:
        table = describe.edss(example_cohort, rule).per_treatment.set_index("treatment")
        counts = table[["worsened", "stable", "improved", "unknown"]]
        assert counts.loc["rituximab"].tolist() == [1, 2, 0, 0]
        assert counts.loc["tocilizumab"].tolist() == [0, 2, 1, 0]


def test_medians_and_ranges_of_the_example(example_cohort):
    # Rituximab 5.0 -> 6.5, 4.5 -> 5.0, 7.0 -> 7.0; tocilizumab 6.5 -> 6.5, 5.0 -> 4.0, 7.0 -> 7.0.
    table = describe.edss(example_cohort).per_treatment.set_index("treatment")
    columns = [
        f"{name}_{number}" for name in ("start", "end", "change") for number in ("median", "min", "max")
    ]
    assert table.loc["rituximab", columns].tolist() == [5.0, 4.5, 7.0, 6.5, 5.0, 7.0, 0.5, 0.0, 1.5]
    assert table.loc["tocilizumab", columns].tolist() == [6.5, 5.0, 7.0, 6.5, 4.0, 7.0, 0.0, -1.0, 0.0]


def test_a_period_without_both_scores_is_unknown_and_in_no_median():
    summary = describe.edss(cohort(("A", "old", 3.0, 4.0), ("B", "old", 2.0, None), ("A", "new", None, None)))
    assert summary.per_period["category"].tolist() == ["worsened", "unknown", "unknown"]
    table = summary.per_treatment.set_index("treatment")
    assert table.loc["old", ["patients", "unknown", "start_median"]].tolist() == [1, 1, 3.0]
    assert table.loc["new", ["patients", "unknown"]].tolist() == [0, 1]
    assert math.isnan(table.loc["new", "start_median"])
    assert summary.available


@pytest.mark.parametrize("columns", [(), ("edss_start",), ("edss_end",)])
def test_a_cohort_without_the_columns_is_unknown(columns):
    rows = [("A", "old", *[3.0 for _ in columns]), ("A", "new", *[3.0 for _ in columns])]
    summary = describe.edss(cohort(*rows, columns=columns))
    assert set(summary.per_period["category"]) == {"unknown"}
    assert not summary.available


def test_scores_on_one_treatment_are_compared_with_nothing():
    one = cohort(("A", "old", 3, 4), ("B", "old", 2, 2), ("A", "new", None, 4))
    assert describe.edss(one).cautions == ()


def test_every_comparison_between_periods_carries_the_shared_visit(example_cohort):
    summary = describe.edss(example_cohort)
    assert [caution.code for caution in summary.cautions] == ["shared_visit"]
    assert "no confirmation visit" in summary.confirmation


def test_an_unknown_rule_is_refused_with_the_known_ones(example_cohort):
    with pytest.raises(ArgumentError, match=r"'edmus'.*'msprog', 'msoutcomes', 'n_momentum'"):
        describe.edss(example_cohort, "edmus")


def test_the_rules_cannot_be_changed():
    with pytest.raises(TypeError):
        describe.EDSS_RULES["msprog"] = describe.EDSS_RULES["msoutcomes"]
