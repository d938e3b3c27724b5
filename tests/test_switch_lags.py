"""The days from the last relapse of a course to its end, and what follows for how it ended."""

import json

import pandas as pd
import pytest
from event_tables import COURSES, ONSETS, iso, tables

from nmo_stats import ArgumentError, read_events

THREE = [(who, drug, *days, None) for who in "ABC" for drug, days in (("old", (0, 400)), ("new", (400, 900)))]
RELAPSES = [("A", 389), ("B", 377), ("C", 100), ("C", 500)]


def lags(cohort):
    rows = (
        cohort.account.switch_lags[["patient", "lag_days", "ended_by_relapse"]]
        .astype(object)
        .replace({pd.NA: None})
    )
    return list(rows.itertuples(index=False, name=None))


def test_a_relapse_shortly_before_a_switch_ended_the_course():
    cohort = read_events(*tables(THREE, RELAPSES))
    assert lags(cohort) == [("A", 11, True), ("B", 23, True), ("C", 300, False)]
    assert cohort.frame["ended_by_relapse"].replace({pd.NA: None}).tolist() == [
        True,
        None,
        True,
        None,
        False,
        None,
    ]
    history = cohort.compare("new", reference="old").history
    assert history.reference_ended_by_relapse() == (True, True, False)


@pytest.mark.parametrize(
    ("window", "answers"),
    [
        (0, [False] * 3),
        (10, [False] * 3),
        (11, [True, False, False]),
        (300, [True] * 3),
        (10**20, [True] * 3),
    ],
)
def test_the_window_is_part_of_the_rule(window, answers):
    cohort = read_events(*tables(THREE, RELAPSES), switch_window_days=window)
    assert [ended for _, _, ended in lags(cohort)] == answers
    (rule,) = [notice.text for notice in cohort.notices if notice.code == "switch_rule"]
    assert f"at most {window} days" in rule


def test_a_course_without_a_relapse_was_not_ended_by_one_and_the_last_course_is_unknown():
    cohort = read_events(*tables(THREE, []))
    assert lags(cohort) == [("A", None, False), ("B", None, False), ("C", None, False)]
    assert cohort.frame["ended_by_relapse"].isna().tolist() == [False, True] * 3
    alone = read_events(*tables([("A", "old", 0, 400, None)], [("A", 390)]))
    assert len(alone.account.switch_lags) == 0
    assert "switch_rule" not in [notice.code for notice in alone.notices]


def test_only_relapses_that_count_in_the_course_end_it():
    courses = [("A", "x", 0, 100, None), ("A", "y", 150, 300, None)]
    between = read_events(*tables(courses, [("A", 120)]))
    assert lags(between) == [("A", None, False)]
    previous = read_events(*tables(courses, [("A", 120)]), gap="previous")
    assert lags(previous) == [("A", 30, True)]
    in_run_in = read_events(*tables(courses, [("A", 40)]), run_in_days=50)
    assert lags(in_run_in) == [("A", None, False)]
    merged = read_events(*tables(courses, [("A", 70), ("A", 95)]))
    assert lags(merged) == [("A", 30, True)]  # from the first onset of the last relapse


def test_the_day_of_the_switch_is_no_day_before_it():
    cohort = read_events(*tables(COURSES, ONSETS))
    assert lags(cohort) == [("A", 0, True), ("B", 0, True)]


def test_inclusive_ends_are_off_the_drug_on_the_next_day():
    courses = [(who, drug, start, end - 1, visit) for who, drug, start, end, visit in THREE]
    assert lags(read_events(*tables(courses, RELAPSES), end="inclusive"))[0] == ("A", 11, True)


def test_the_column_of_the_table_comes_first_and_a_contradiction_is_a_notice():
    treatments, relapses = tables(THREE, RELAPSES)
    said = treatments.assign(ended_by_relapse=["no", "", "", "yes", "yes", ""])
    cohort = read_events(said, relapses)
    assert cohort.frame["ended_by_relapse"].replace({pd.NA: None}).tolist() == [
        False,
        None,
        True,
        True,
        True,
        None,
    ]
    assert cohort.account.switch_lags["by_rule"].tolist() == [True, True, False]
    (notice,) = [notice for notice in cohort.notices if notice.code == "ended_otherwise"]
    assert notice.patients == ("A", "C")
    assert "patient A on old: no, days from the last relapse to the end: 11" in notice.text
    agreeing = read_events(treatments.assign(ended_by_relapse=["yes", "", "", "", "no", ""]), relapses)
    assert "ended_otherwise" not in [notice.code for notice in agreeing.notices]
    assert "ended_otherwise" not in [notice.code for notice in cohort.where(patient="B").notices]


def test_a_part_of_the_cohort_keeps_the_lags_of_its_patients():
    part = read_events(*tables(THREE, RELAPSES, iso)).where(patient="B")
    assert lags(part) == [("B", 23, True)]
    assert part.account.switch_lags.loc[0, ["end", "last_onset"]].tolist() == [iso(400), iso(377)]
    assert "switch_rule" in [notice.code for notice in part.notices]


def test_the_trigger_row_takes_relapses_off_the_courses_that_one_ended(tmp_path, run):
    for name, table in zip(("t", "r"), tables(THREE, RELAPSES, iso), strict=True):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    files = ["--treatments", tmp_path / "t.csv", "--relapses", tmp_path / "r.csv"]
    names = ["--comparator", "new", "--reference", "old"]
    code, out, _ = run("check", *files, *names, "--switch-window-days", "20", "--json")
    assert code == 0
    assert [row["ended_by_relapse"] for row in json.loads(out)["switch_lags"]] == [True, False, False]
    text = run("check", *files, *names)[1]
    assert "Ended by relapse" in text
    assert "23" in text
    code, out, _ = run("sensitivity", *files, *names, "--replicates", "200", "--json")
    assert code == 0
    rows = [
        row
        for row in json.loads(out)["rows"]
        if row["family"] == "trigger" and row["method"] == "pooled_exact"
    ]
    # 2 of the 3 reference relapses led to a switch: 1 / (500 * 3 days) against 1 / (400 * 3 days)
    assert rows[0]["estimate"] == pytest.approx(400 / 500)


@pytest.mark.parametrize(
    "options", [{"switch_window_days": -1}, {"switch_window_days": 1.5}, {"end": "last"}, {"dates": "dym"}]
)
def test_options_that_are_none_are_refused(options):
    with pytest.raises(ArgumentError, match=next(iter(options))):
        read_events(*tables(COURSES, ONSETS), **options)


def test_a_third_table_is_refused_by_name(run, tmp_path):
    code, _, errors = run("check", "--observed", tmp_path / "o.csv")
    assert code == 2
    assert "--observed" in errors
    with pytest.raises(TypeError, match="observed"):
        read_events(*tables(COURSES, ONSETS), observed=None)
