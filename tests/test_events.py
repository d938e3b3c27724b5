"""From dated events to periods: every rule by hand."""

import pandas as pd
import pytest
from event_tables import COURSES, ONSETS, iso, tables

from nmo_stats import ArgumentError, CohortError, read_events


def counts(cohort):
    return dict(
        zip(
            zip(cohort.frame["patient"], cohort.frame["treatment"], strict=True),
            cohort.frame["relapses"],
            strict=True,
        )
    )


def days(cohort):
    return cohort.frame["exposure_days"].tolist()


# ---- the rules, one by one


def test_periods_are_whole_days_after_the_start_up_to_and_with_the_end():
    cohort = read_events(*tables(COURSES, ONSETS))
    assert days(cohort) == [100, 270, 200, 290]
    assert cohort.frame["period"].tolist() == [1, 2, 1, 2]
    assert cohort.frame["ongoing"].tolist() == [False, True, False, False]


def test_a_relapse_belongs_to_the_course_that_holds_the_first_onset_of_its_cluster():
    cohort = read_events(*tables(COURSES, ONSETS))
    # A: -20 and 0 are one relapse before treatment; 50 and 100 on rituximab, which ends on 100; 135 is later.
    # B: 40 and 210 (the switch day) on rituximab; 235 is merged into 210, 300 counts on tocilizumab.
    assert counts(cohort) == {
        ("A", "rituximab"): 2,
        ("A", "tocilizumab"): 1,
        ("B", "rituximab"): 2,
        ("B", "tocilizumab"): 1,
    }


def test_merging_is_anchored_at_the_first_onset_of_a_cluster():
    onsets = [("A", 10), ("A", 35), ("A", 41), ("A", 60), ("A", 71), ("A", 72)]
    courses = [("A", "x", 0, 100, None)]
    assert read_events(*tables(courses, onsets)).frame["relapses"].tolist() == [3]  # 10+35, 41+60+71, 72
    assert read_events(*tables(courses, onsets), min_gap_days=31).frame["relapses"].tolist() == [
        2
    ]  # 10+35+41, 60+71+72
    assert read_events(*tables(courses, onsets), min_gap_days=0).frame["relapses"].tolist() == [6]


def test_the_same_patient_and_day_twice_is_one_relapse_and_a_notice():
    courses, onsets = [("A", "x", 0, 100, None)], [("A", 10), ("A", 10), ("A", 10)]
    cohort = read_events(*tables(courses, onsets))
    assert cohort.frame["relapses"].tolist() == [1]
    assert [notice.patients for notice in cohort.notices if notice.code == "same_day"] == [("A",)]
    assert cohort.account.totals["relapses_same_day"] == 2
    assert read_events(*tables(courses, onsets), min_gap_days=0).frame["relapses"].tolist() == [3]


def test_days_and_relapses_between_treatments_are_dropped_or_belong_to_the_one_before():
    courses = [("A", "x", 0, 100, None), ("A", "y", 150, 300, None)]
    onsets = [("A", 120), ("A", 150), ("A", 200)]
    dropped = read_events(*tables(courses, onsets), min_gap_days=10)
    assert (days(dropped), dropped.frame["relapses"].tolist()) == ([100, 150], [0, 1])
    previous = read_events(*tables(courses, onsets), min_gap_days=10, gap="previous")
    assert (days(previous), previous.frame["relapses"].tolist()) == ([150, 150], [2, 1])
    assert dropped.account.attrition.loc[0, ["relapses_gap", "days_gap"]].tolist() == [2, 50]
    assert previous.account.attrition.loc[0, ["relapses_gap", "days_gap"]].tolist() == [0, 0]


def test_days_after_the_last_treatment_are_nobodys():
    courses = [("A", "x", 0, 100, 200), ("A", "y", 100, 150, 200)]
    for gap in ("drop", "previous"):
        cohort = read_events(*tables(courses, [("A", 180)]), gap=gap)
        assert (days(cohort), cohort.frame["relapses"].tolist()) == ([100, 50], [0, 0])
        assert cohort.account.attrition.loc[0, ["relapses_after", "days_after"]].tolist() == [1, 50]


def test_the_run_in_takes_its_days_and_relapses_and_times_start_behind_it():
    courses, onsets = [("A", "x", 0, 100, None)], [("A", 30), ("A", 31)]
    cohort = read_events(*tables(courses, onsets), run_in_days=30, min_gap_days=0)
    assert (days(cohort), cohort.frame["relapses"].tolist()) == ([70], [1])
    assert cohort.relapse_times["years"].tolist() == [1 / 365.25]


def test_a_relapse_of_the_run_in_still_absorbs_one_behind_it():
    """Merging comes before the run-in: the relapse began in the run-in."""
    cohort = read_events(*tables([("A", "x", 0, 100, None)], [("A", 30), ("A", 31)]), run_in_days=30)
    assert cohort.frame["relapses"].tolist() == [0]
    assert cohort.account.attrition.loc[0, ["relapses_merged", "relapses_run_in"]].tolist() == [1, 1]


def test_a_patient_whose_period_the_run_in_consumes_leaves_the_comparison():
    courses = [*COURSES, ("C", "rituximab", 0, 60, None), ("C", "tocilizumab", 60, 300, None)]
    cohort = read_events(*tables(courses, ONSETS), run_in_days=60)
    pair = cohort.compare("tocilizumab", reference="rituximab")
    assert pair.patients == ("A", "B")
    assert pair.unpaired == ("C",)
    (notice,) = [notice for notice in cohort.notices if notice.code == "period_consumed"]
    assert notice.patients == ("C",)
    assert cohort.account.attrition["periods_consumed"].tolist() == [0, 0, 1]


def test_the_course_before_a_consumed_one_is_not_directly_before_the_comparator():
    courses = [
        ("A", "x", 0, 500, None),
        ("A", "x", 500, 550, None),
        ("A", "y", 550, 1000, None),
        ("B", "x", 0, 90, None),
        ("B", "y", 90, 300, None),
    ]
    cohort = read_events(*tables(courses, [("A", 30)]), run_in_days=60)
    assert cohort.compare("y", reference="x", courses="all").patients == ("A", "B")
    assert cohort.compare("y", reference="x", courses="adjacent").patients == ("B",)
    merging = read_events(*tables(courses, [("B", 89), ("B", 95)]), run_in_days=1)
    assert merging.compare("y", reference="x", courses="adjacent").unmerged.patients == ("A", "B")


def test_a_run_in_that_consumes_every_course_is_refused():
    with pytest.raises(CohortError, match="run-in of 1000 days"):
        read_events(*tables(COURSES, ONSETS), run_in_days=1000)


def test_merges_across_a_switch_are_listed_and_the_result_without_merging_comes_along():
    cohort = read_events(*tables(COURSES, ONSETS))
    assert cohort.account.switch_merges.to_dict("records") == [
        {
            "patient": "B",
            "first_onset": "210",
            "onset": "235",
            "days_apart": 25,
            "counted_on": "rituximab",
            "fell_on": "tocilizumab",
        }
    ]
    pair = cohort.compare("tocilizumab", reference="rituximab")
    assert pair.totals == (4, 2)
    assert pair.unmerged.totals == (4, 3)
    separate = read_events(*tables(COURSES, ONSETS), min_gap_days=0)
    pd.testing.assert_frame_equal(cohort.unmerged.account.attrition, separate.account.attrition)
    pd.testing.assert_frame_equal(cohort.unmerged.frame, separate.frame)
    assert separate.unmerged is None


def test_few_merges_within_a_course_leave_nothing_unmerged():
    onsets = [("A", 10), ("A", 20), *(("B", 20 + 40 * n) for n in range(12))]
    cohort = read_events(*tables(COURSES, onsets))
    assert len(cohort.account.switch_merges) == 0
    assert cohort.compare("tocilizumab", reference="rituximab").unmerged is None
    assert read_events(*tables(COURSES, [("A", 10), ("A", 10)])).unmerged is None


def test_a_merge_from_between_treatments_or_history_into_a_course_is_listed_too():
    courses = [("A", "x", 0, 100, None), ("A", "y", 150, 300, None)]
    cohort = read_events(*tables(courses, [("A", -5), ("A", 5), ("A", 140), ("A", 160)]))
    assert cohort.account.switch_merges[["counted_on", "fell_on"]].to_numpy().tolist() == [
        ["before the first treatment", "x"],
        ["between treatments", "y"],
    ]


def test_many_merges_across_a_switch_are_one_notice():
    courses = [
        (f"P{n}", drug, *span, None) for n in range(25) for drug, span in (("x", (0, 100)), ("y", (100, 300)))
    ]
    onsets = [(f"P{n}", day) for n in range(25) for day in (95, 105)]
    cohort = read_events(*tables(courses, onsets))
    assert len(cohort.account.switch_merges) == 25
    (notice,) = [notice for notice in cohort.notices if notice.code == "switch_merge"]
    assert (len(notice.patients), "25 onsets" in notice.text) == (25, True)
    few = cohort.where(patient="P3")
    assert [notice.patients for notice in few.notices if notice.code == "switch_merge"] == [("P3",)]


def test_a_relapse_on_the_day_of_a_switch_is_named_with_the_treatment_it_is_counted_on():
    # A's rituximab ends on 100 too, but nothing starts on that day
    cohort = read_events(*tables(COURSES, ONSETS))
    assert cohort.account.switch_days.to_dict("records") == [
        {"patient": "B", "onset": "210", "counted_on": "rituximab", "started": "tocilizumab"}
    ]
    (notice,) = [notice for notice in cohort.notices if notice.code == "switch_day"]
    assert notice.patients == ("B",)
    assert "patient B, onset 210 (rituximab, not tocilizumab)" in notice.text
    assert not [notice for notice in cohort.where(patient="A").notices if notice.code == "switch_day"]


def test_a_relapse_that_does_not_count_or_changes_no_treatment_is_none_of_a_switch_day():
    courses = [("A", "x", 0, 100, None), ("A", "x", 100, 200, None), ("A", "y", 200, 400, None)]
    same_drug = read_events(*tables(courses, [("A", 100)]))
    merged = read_events(*tables(courses, [("A", 190), ("A", 200)]))
    consumed = read_events(*tables(courses, [("A", 200)]), run_in_days=100)
    for cohort in (same_drug, merged):
        assert len(cohort.account.switch_days) == 0
    assert consumed.frame["relapses"].sum() == len(consumed.account.switch_days) == 0
    assert len(read_events(*tables(courses, [("A", 200)])).account.switch_days) == 1


def test_many_relapses_on_switch_days_are_one_notice_that_names_twenty():
    courses = [
        (f"P{n}", drug, *span, None) for n in range(25) for drug, span in (("x", (0, 100)), ("y", (100, 300)))
    ]
    cohort = read_events(*tables(courses, [(f"P{n}", 100) for n in range(25)], day=iso))
    (notice,) = [notice for notice in cohort.notices if notice.code == "switch_day"]
    assert notice.text.count("(x, not y)") == 20
    assert "patient P0, onset 2010-04-11 (x, not y)" in notice.text
    assert "5 more" in notice.text
    assert len(notice.patients) == len(cohort.account.switch_days) == 25


def test_repeated_courses_are_numbered_and_summed():
    courses = [("A", "x", 0, 100, None), ("A", "y", 100, 200, None), ("A", "x", 200, 300, None)]
    cohort = read_events(*tables(courses, [("A", 250)]))
    assert cohort.frame["period"].tolist() == [1, 2, 3]
    assert cohort.compare("y", reference="x").total_years[0] == pytest.approx(200 / 365.25)


def test_edss_and_covariates_of_the_treatments_come_along_and_columns_of_the_relapses_are_named():
    treatments, relapses = tables(COURSES, ONSETS)
    treatments = treatments.assign(edss_start=[4, 5, 3, 3.5], sex=["F", "F", "M", "M"])
    cohort = read_events(treatments, relapses.assign(lesion="spine", severity="mild"))
    assert cohort.frame["edss_start"].tolist() == [4, 5, 3, 3.5]
    assert cohort.covariates == ("sex",)
    assert cohort.where(sex="M").patients == ("B",)
    assert set(cohort.relapse_times["severity"]) == {"mild"}
    (notice,) = [notice for notice in cohort.notices if notice.code == "unused_columns"]
    assert notice.text.endswith("not used: lesion")


def test_a_last_visit_in_one_row_serves_all_rows_of_the_patient():
    courses = [("A", "x", 0, 100, 400), ("A", "y", 100, None, None)]
    assert days(read_events(*tables(courses, []))) == [100, 300]


def test_a_table_without_any_relapse_is_a_cohort_without_relapses(tmp_path):
    treatments, relapses = tables(COURSES, [])
    cohort = read_events(treatments, relapses)
    assert cohort.frame["relapses"].sum() == 0
    path = tmp_path / "relapses.csv"
    path.write_text("patient,onset\n")
    treatments.to_csv(tmp_path / "treatments.csv", index=False)
    assert read_events(tmp_path / "treatments.csv", path).frame.equals(cohort.frame)


def test_relapses_that_are_close_although_nothing_is_merged_are_a_notice():
    cohort = read_events(*tables(COURSES, [("A", 10), ("A", 40), ("B", 300), ("B", 331)]), min_gap_days=0)
    (notice,) = [notice for notice in cohort.notices if notice.code == "close_relapses"]
    assert notice.patients == ("A",)


def test_a_part_of_the_cohort_keeps_the_account_of_its_patients():
    cohort = read_events(*tables(COURSES, ONSETS))
    part = cohort.where(patient="B")
    assert part.account.attrition["patient"].tolist() == ["B"]
    assert part.unmerged.frame["relapses"].tolist() == [2, 2]
    assert part.relapse_times["row"].tolist() == [0, 0, 1]
    other = cohort.where(patient="A")
    assert other.unmerged is None
    assert "event_rules" in [notice.code for notice in other.notices]
    assert "switch_merge" not in [notice.code for notice in other.notices]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_gap_days": -1}, "min_gap_days -1. Expected: a whole number >= 0"),
        ({"min_gap_days": 30.0}, "min_gap_days 30.0. Expected: a whole number"),
        ({"run_in_days": True}, "run_in_days True. Expected: a whole number"),
        ({"gap": "next"}, "gap 'next'. Expected: 'drop', 'previous'"),
        ({"columns": [("a", "b")]}, "a mapping of foreign names"),
    ],
)
def test_a_rule_that_is_none_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        read_events(*tables(COURSES, ONSETS), **options)


@pytest.mark.parametrize("days_", [10**9, 10**40])
def test_rules_longer_than_any_life_are_still_rules(days_):
    assert (
        read_events(*tables(COURSES, ONSETS), min_gap_days=days_).frame["relapses"].sum() == 1
    )  # B's first; A's began before
    with pytest.raises(CohortError, match="run-in"):
        read_events(*tables(COURSES, ONSETS), run_in_days=days_)
