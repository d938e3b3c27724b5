"""Valid tables of dated events that cannot well be meant: two origins, inclusive ends, frequent merging."""

import json
from pathlib import Path

import pandas as pd
import pytest
from event_tables import COURSES, ONSETS, iso, tables

from nmo_stats import CohortError, describe, exact, read_events
from nmo_stats.cohort.account import DAY_CAUSES, RELAPSE_CAUSES

CASES = Path(__file__).parent / "cases"


def case_files(name):
    return ["--treatments", CASES / f"{name}_treatments.csv", "--relapses", CASES / f"{name}_relapses.csv"]


def case(name, **options):
    return read_events(CASES / f"{name}_treatments.csv", CASES / f"{name}_relapses.csv", **options)


def codes(cohort):
    return [notice.code for notice in cohort.notices]


# ---- two origins


def two_courses(who, start):
    return [(who, "old", start, start + 700, None), (who, "new", start + 700, start + 1400, None)]


SHIFTED = [
    course for who, start in (("A", 4000), ("B", 5000), ("C", 6000)) for course in two_courses(who, start)
]


def test_day_counts_of_programs_are_no_days_of_a_patient():
    with pytest.raises(CohortError) as caught:
        case("origins")
    assert {problem.column for problem in caught.value.problems} == {"start", "end", "onset"}
    assert len(caught.value.problems) == 14


def test_most_patients_with_relapses_far_from_all_treatment_are_two_origins():
    onsets = [("A", 100), ("A", 900), ("B", 1200), ("C", 6100)]
    with pytest.raises(CohortError) as caught:
        read_events(*tables(SHIFTED, onsets))
    assert [(problem.patient, problem.column, problem.row) for problem in caught.value.problems] == [
        ("A", "onset", 1),
        ("B", "onset", 3),
    ]
    assert "2 of 3 patients" in caught.value.problems[0].rule
    dated = read_events(*tables(SHIFTED, onsets, iso))  # the remedy: dates have one origin
    assert [notice.patients for notice in dated.notices if notice.code == "relapses_outside"] == [("A", "B")]


@pytest.mark.parametrize(
    ("onsets", "outside"),
    [
        (
            [("A", 3950), ("B", 4990), ("C", 5800)],
            ("A", "B", "C"),
        ),  # the relapse that led to the first treatment
        ([("A", 100), ("B", 5100), ("C", 6100)], ("A",)),
        ([("A", 100)], ("A",)),
        ([("A", 4100), ("A", 100)], ()),
        ([], ()),
    ],
)
def test_honest_histories_are_read_with_a_notice(onsets, outside):
    cohort = read_events(*tables(SHIFTED, onsets))
    named = [notice.patients for notice in cohort.notices if notice.code == "relapses_outside"]
    assert named == ([outside] if outside else [])
    assert "relapses_outside" not in codes(cohort.where(patient="B")) or "B" in outside


# ---- ends that are last days


def test_ends_one_day_before_the_next_start_are_a_notice_that_names_the_remedy():
    (notice,) = [notice for notice in case("inclusive").notices if notice.code == "inclusive_ends"]
    assert notice.patients == ("A", "B")
    assert "--end inclusive" in notice.text
    for cohort in (
        case("inclusive", end="inclusive"),
        case("inclusive", gap="previous"),
        read_events(*tables(COURSES, ONSETS)),
    ):
        assert "inclusive_ends" not in codes(cohort)


def test_inclusive_ends_are_the_days_after_them():
    """Following the other remedy by hand, the end is the next start, gives the same periods."""
    treatments, relapses = (
        pd.read_csv(CASES / f"inclusive_{name}.csv") for name in ("treatments", "relapses")
    )
    moved = pd.to_datetime(treatments["end"]) + pd.Timedelta(days=1)
    by_hand = read_events(treatments.assign(end=moved), relapses)
    cohort = case("inclusive", end="inclusive")
    pd.testing.assert_frame_equal(cohort.frame, by_hand.frame)
    pd.testing.assert_frame_equal(cohort.account.attrition, by_hand.account.attrition)
    assert cohort.frame["exposure_days"].tolist() == [455, 731, 546, 731]
    assert cohort.frame["relapses"].tolist() == [2, 0, 2, 0]


def test_inclusive_ends_lose_no_day_and_no_relapse():
    courses = [
        ("A", "x", 0, 99, 400),
        ("A", "y", 130, None, 400),
        ("B", "x", 5, 5, None),
        ("B", "y", 6, 50, None),
    ]
    onsets = [("A", 100), ("A", 131), ("A", 400), ("B", 6), ("B", 50)]
    cohort = read_events(*tables(courses, onsets), end="inclusive", min_gap_days=0)
    assert cohort.frame["exposure_days"].tolist() == [100, 270, 1, 45]
    assert cohort.frame["relapses"].tolist() == [1, 2, 1, 1]
    account = cohort.account.attrition
    assert (account["days_in"] == account[list(DAY_CAUSES)].sum(axis=1) + account["days_kept"]).all()
    assert (
        account["relapses_in"] == account[list(RELAPSE_CAUSES)].sum(axis=1) + account["relapses_kept"]
    ).all()


@pytest.mark.parametrize(
    ("courses", "onsets", "column"),
    [
        ([("A", "x", 0, 100, None), ("A", "y", 100, 200, None)], [], "start"),  # both courses hold day 100
        ([("A", "x", 10, 9, None)], [], "end"),
        ([("A", "x", 0, 100, 99)], [], "end"),
        ([("A", "x", 0, 100, None)], [("A", 101)], "onset"),
    ],
)
def test_inclusive_ends_are_checked_as_they_are_written(courses, onsets, column):
    with pytest.raises(CohortError) as caught:
        read_events(*tables(courses, onsets), end="inclusive")
    (problem,) = caught.value.problems
    assert problem.column == column
    if onsets:
        assert "last day observed 100" in problem.value


# ---- merging


def test_merging_that_nobody_chose_is_refused_where_it_takes_more_than_half(run):
    code, _, errors = run("check", *case_files("weekly_attacks"))
    assert code == 2
    assert "48 of 62 onsets" in errors
    for chosen, relapses in ((0, [24, 38]), (30, [6, 8])):  # both remedies
        options = ["--min-gap-days", chosen, "--comparator", "new", "--reference", "old", "--json"]
        code, out, _ = run("check", *case_files("weekly_attacks"), *options)
        assert code == 0
        assert json.loads(out)["comparison"]["relapses"] == relapses


def test_frequent_merging_is_a_caution_on_every_number_with_the_unmerged_ratio_beside_it(run):
    options = ["--min-gap-days", "30", "--comparator", "new", "--reference", "old"]
    code, out, _ = run("rates", *case_files("weekly_attacks"), *options, "--json")
    found = json.loads(out)
    assert code == 0
    assert len(found["estimates"]) == 7
    for ratio in found["estimates"]:
        assert "merged" in [caution["code"] for caution in ratio["cautions"]]
    assert found["unmerged"]["relapses"] == [24, 38]
    assert (found["unmerged"]["merged"], found["unmerged"]["onsets"]) == (48, 62)
    for ratio in found["unmerged"]["estimates"]:
        assert "merged" not in [caution["code"] for caution in ratio["cautions"]]
    plain = json.loads(
        run("rates", *case_files("weekly_attacks"), *options[2:], "--min-gap-days", "0", "--json")[1]
    )
    assert plain["unmerged"] is None
    # engines differ in the last digits only where they integrate
    for one, other in zip(found["unmerged"]["estimates"], plain["estimates"], strict=True):
        assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-6)
    text = run("rates", *case_files("weekly_attacks"), *options)[1]
    assert "no onsets" in text
    described = json.loads(run("describe", *case_files("weekly_attacks"), *options, "--json")[1])
    for treatment in ("old", "new"):
        assert "merged" in [caution["code"] for caution in described["cautions"][treatment]]


def spread(merged, others):
    """Return ``others`` relapses of one patient far apart, of which ``merged`` have a second onset."""
    courses = [("A", "x", 0, 100 * others, None), ("A", "y", 100 * others, 200 * others, None)]
    days = [50 + 100 * number for number in range(others)]
    return courses, [("A", day) for day in (*days, *(day + 10 for day in days[:merged]))]


@pytest.mark.parametrize(("merged", "frequent"), [(1, False), (2, True)])
def test_the_caution_begins_above_a_tenth_of_the_onsets(merged, frequent):
    pair = read_events(*tables(*spread(merged, 10))).compare("y", reference="x")
    assert (pair.merging.merged, pair.merging.onsets) == (merged, 10 + merged)
    assert (pair.unmerged is not None) == frequent
    cautions = [caution.code for caution in exact.pooled(pair).rate_ratio().cautions]
    assert ("merged" in cautions) == frequent
    for other in (pair.swapped(), pair.changed(years=2 * pair.years)):
        assert (
            "merged" in [caution.code for caution in exact.pooled(other).rate_ratio().cautions]
        ) == frequent


def test_exactly_half_and_a_merging_that_was_chosen_pass():
    courses, onsets = spread(10, 10)
    assert read_events(*tables(courses, onsets)).frame["relapses"].tolist() == [10, 0]
    more = [*onsets, ("A", 65)]
    with pytest.raises(CohortError, match="11 of 21 onsets"):
        read_events(*tables(courses, more))
    assert read_events(*tables(courses, more), min_gap_days=30).frame["relapses"].tolist() == [10, 0]


def test_rows_of_the_same_day_are_no_merging():
    courses, onsets = spread(0, 5)
    pair = read_events(*tables(courses, onsets * 3)).compare("y", reference="x")
    assert (pair.merging, pair.unmerged) == (None, None)


def test_the_caution_is_that_of_the_patients_and_treatments_compared():
    courses, onsets = spread(2, 10)
    others = [("B", drug, *days) for _, drug, *days in courses]
    cohort = read_events(*tables([*courses, *others], [*onsets, ("B", 500), ("B", 1500)]))
    assert cohort.where(patient="B").compare("y", reference="x").merging is None
    part = cohort.where(patient="A").compare("y", reference="x")
    assert (part.merging.merged, part.unmerged.totals) == (2, (12, 0))
    cautions = describe.arr(cohort).cautions
    assert "merged" in [caution.code for caution in cautions["x"]]
    assert "merged" not in [caution.code for caution in cautions["y"]]


@pytest.mark.slow
def test_the_report_says_what_merging_does_and_how_courses_ended(run, tmp_path):
    out = tmp_path / "report"
    options = ["--min-gap-days", "30", "--comparator", "new", "--reference", "old"]
    code, said, _ = run(
        "report",
        *case_files("weekly_attacks"),
        *options,
        "--engine",
        "quadrature",
        "--replicates",
        "200",
        "--out",
        out,
    )
    assert code == 0
    assert "no onsets" in " ".join(said.split())
    page = (out / "index.html").read_text(encoding="utf-8")
    for text in ("Ratio with no onsets merged", "From the last relapse to the switch", "48 of 62 onsets"):
        assert text in page
    content = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert content["unmerged"]["relapses"] == [24, 38]
    lags = pd.read_csv(out / "tables" / "switch_lags.csv")
    assert lags["lag_days"].tolist() == [45, 3]


# ---- codes for unknown among days


def numbered(courses=(0, 365, 1200), onsets=((1, 100), (2, 400)), patients=(1, 2, 3)):
    first, switch, last = courses
    rows = [
        (who, drug, *span)
        for who in patients
        for drug, span in (("old", (first, switch)), ("new", (switch, last)))
    ]
    return (
        pd.DataFrame(rows, columns=["patient", "treatment", "start", "end"]),
        pd.DataFrame(list(onsets), columns=["patient", "onset"]),
    )


@pytest.mark.parametrize("code", [999, 888, 777, -9])
def test_an_onset_that_is_a_code_in_several_patients_is_named(code):
    cohort = read_events(*numbered(onsets=((1, code), (2, code), (3, 100))))
    (notice,) = [notice for notice in cohort.notices if notice.code == "coded_days"]
    assert notice.patients == ("1", "2")
    assert f"{code} in 'onset'" in notice.text


def test_an_end_that_is_a_code_in_several_patients_is_named():
    assert "coded_days" in codes(read_events(*numbered(courses=(0, 365, 999))))


def test_one_such_day_is_a_day_and_so_are_days_near_a_code():
    assert "coded_days" not in codes(read_events(*numbered(onsets=((1, 999), (2, 998), (3, 88), (1, 99)))))
    assert "coded_days" not in codes(read_events(*numbered(onsets=((1, 99), (2, 99), (3, 100)))))
