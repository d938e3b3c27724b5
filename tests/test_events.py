"""From dated events to periods: the rules by hand, against a second implementation, and what must not change the answer."""

import datetime

import numpy as np
import pandas as pd
import pytest
from events_by_hand import followed
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nmo_stats import ArgumentError, Cohort, CohortError, TableFile, read_events, read_periods
from nmo_stats.cohort.attrition import DAY_CAUSES, RELAPSE_CAUSES

ORIGIN = datetime.date(2010, 1, 1)


def iso(day):
    return (ORIGIN + datetime.timedelta(days=day)).isoformat()


def tables(courses, onsets, day=lambda number: number):
    """Return the two tables of ``courses``, (patient, treatment, start, end, last visit), and ``onsets``, (patient, day)."""

    def cell(number):
        return None if number is None else day(number)

    treatments = pd.DataFrame(
        [(who, drug, *map(cell, days)) for who, drug, *days in courses],
        columns=["patient", "treatment", "start", "end", "last_visit"],
        dtype="object",
    )
    relapses = pd.DataFrame(
        [(who, cell(number)) for who, number in onsets], columns=["patient", "onset"], dtype="object"
    )
    return treatments, relapses


# Patient A: a history, a relapse on the switch day, an off-treatment gap, an ongoing course. Patient B: touching courses.
COURSES = [
    ("A", "rituximab", 0, 100, 400),
    ("A", "tocilizumab", 130, None, 400),
    ("B", "rituximab", 10, 210, None),
    ("B", "tocilizumab", 210, 500, None),
]
ONSETS = [
    ("A", -20),
    ("A", 0),
    ("A", 50),
    ("A", 100),
    ("A", 135),
    ("B", 40),
    ("B", 210),
    ("B", 235),
    ("B", 300),
]


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
    # A: -20 and 0 are one relapse before treatment; 50 and 100 on rituximab (100 is the day of its end); 135 is 35 days later.
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
    assert [notice.text for notice in cohort.notices if notice.code == "same_day"] == [
        "2 rows repeat patient and day of another and count once with it (patient A)"
    ]
    assert read_events(*tables(courses, onsets), min_gap_days=0).frame["relapses"].tolist() == [3]


def test_days_and_relapses_between_treatments_are_dropped_or_belong_to_the_one_before():
    courses = [("A", "x", 0, 100, None), ("A", "y", 150, 300, None)]
    onsets = [("A", 120), ("A", 150), ("A", 200)]
    dropped = read_events(*tables(courses, onsets), min_gap_days=10)
    assert (days(dropped), dropped.frame["relapses"].tolist()) == ([100, 150], [0, 1])
    previous = read_events(*tables(courses, onsets), min_gap_days=10, gap="previous")
    assert (days(previous), previous.frame["relapses"].tolist()) == ([150, 150], [2, 1])
    assert dropped.attrition.loc[0, ["relapses_gap", "days_gap"]].tolist() == [2, 50]
    assert previous.attrition.loc[0, ["relapses_gap", "days_gap"]].tolist() == [0, 0]


def test_days_after_the_last_treatment_are_nobodys():
    courses = [("A", "x", 0, 100, 200), ("A", "y", 100, 150, 200)]
    for gap in ("drop", "previous"):
        cohort = read_events(*tables(courses, [("A", 180)]), gap=gap)
        assert (days(cohort), cohort.frame["relapses"].tolist()) == ([100, 50], [0, 0])
        assert cohort.attrition.loc[0, ["relapses_after", "days_after"]].tolist() == [1, 50]


def test_the_run_in_takes_its_days_and_relapses_and_times_start_behind_it():
    courses, onsets = [("A", "x", 0, 100, None)], [("A", 30), ("A", 31)]
    cohort = read_events(*tables(courses, onsets), run_in_days=30, min_gap_days=0)
    assert (days(cohort), cohort.frame["relapses"].tolist()) == ([70], [1])
    assert cohort.relapse_times["years"].tolist() == [1 / 365.25]


def test_a_relapse_of_the_run_in_still_absorbs_one_behind_it():
    """Merging comes before the run-in: the relapse began in the run-in."""
    cohort = read_events(*tables([("A", "x", 0, 100, None)], [("A", 30), ("A", 31)]), run_in_days=30)
    assert cohort.frame["relapses"].tolist() == [0]
    assert cohort.attrition.loc[0, ["relapses_merged", "relapses_run_in"]].tolist() == [1, 1]


def test_a_patient_whose_period_the_run_in_consumes_leaves_the_comparison():
    courses = [*COURSES, ("C", "rituximab", 0, 60, None), ("C", "tocilizumab", 60, 300, None)]
    cohort = read_events(*tables(courses, ONSETS), run_in_days=60)
    pair = cohort.compare("tocilizumab", reference="rituximab")
    assert pair.patients == ("A", "B")
    assert pair.unpaired == ("C",)
    (notice,) = [notice for notice in cohort.notices if notice.code == "period_consumed"]
    assert notice.patients == ("C",)
    assert cohort.attrition["periods_consumed"].tolist() == [0, 0, 1]


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
    with pytest.raises(CohortError, match="a run-in of 1000 days consumes every course"):
        read_events(*tables(COURSES, ONSETS), run_in_days=1000)


def test_merges_across_a_switch_are_listed_and_the_result_without_merging_comes_along():
    cohort = read_events(*tables(COURSES, ONSETS))
    assert cohort.switch_merges.to_dict("records") == [
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
    pd.testing.assert_frame_equal(cohort.unmerged.attrition, separate.attrition)
    pd.testing.assert_frame_equal(cohort.unmerged.frame, separate.frame)
    assert separate.unmerged is None


def test_without_a_merge_across_a_switch_there_is_nothing_unmerged():
    cohort = read_events(*tables(COURSES, [("A", 10), ("A", 20)]))
    assert cohort.unmerged is None
    assert len(cohort.switch_merges) == 0
    assert cohort.compare("tocilizumab", reference="rituximab").unmerged is None


def test_a_merge_from_between_treatments_or_history_into_a_course_is_listed_too():
    courses = [("A", "x", 0, 100, None), ("A", "y", 150, 300, None)]
    cohort = read_events(*tables(courses, [("A", -5), ("A", 5), ("A", 140), ("A", 160)]))
    assert cohort.switch_merges[["counted_on", "fell_on"]].to_numpy().tolist() == [
        ["before the first treatment", "x"],
        ["between treatments", "y"],
    ]


def test_many_merges_across_a_switch_are_one_notice():
    courses = [
        (f"P{n}", drug, *span, None) for n in range(25) for drug, span in (("x", (0, 100)), ("y", (100, 300)))
    ]
    onsets = [(f"P{n}", day) for n in range(25) for day in (95, 105)]
    cohort = read_events(*tables(courses, onsets))
    assert len(cohort.switch_merges) == 25
    (notice,) = [notice for notice in cohort.notices if notice.code == "switch_merge"]
    assert notice.text.startswith("25 relapse rows were merged")
    few = cohort.where(patient="P3")
    assert [notice.patients for notice in few.notices if notice.code == "switch_merge"] == [("P3",)]


def test_a_period_ended_by_a_relapse_only_where_the_table_or_the_switch_day_says_so():
    cohort = read_events(*tables(COURSES, ONSETS))
    assert cohort.frame["ended_by_relapse"].isna().tolist() == [
        True,
        True,
        False,
        True,
    ]  # B relapsed on the switch day
    treatments, relapses = tables(COURSES, ONSETS)
    said = read_events(treatments.assign(ended_by_relapse=["no", "", "no", ""]), relapses)
    assert said.frame["ended_by_relapse"].tolist()[0::2] == [False, False]


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
    assert part.attrition["patient"].tolist() == ["B"]
    assert part.unmerged.frame["relapses"].tolist() == [2, 2]
    assert part.relapse_times["row"].tolist() == [0, 0, 1]
    other = cohort.where(patient="A")
    assert other.unmerged is None
    assert "event_rules" in [notice.code for notice in other.notices]
    assert "switch_merge" not in [notice.code for notice in other.notices]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_gap_days": -1}, "min_gap_days -1: a whole number of days >= 0"),
        ({"min_gap_days": 30.0}, "min_gap_days 30.0: a whole number"),
        ({"run_in_days": True}, "run_in_days True: a whole number"),
        ({"gap": "next"}, "gap 'next': 'drop' or 'previous'"),
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
    with pytest.raises(CohortError, match="consumes every course"):
        read_events(*tables(COURSES, ONSETS), run_in_days=days_)


# ---- a second implementation


@st.composite
def histories(draw):
    """Return courses and onsets of up to four patients; days are small so that everything collides."""
    courses, onsets = [], []
    for who in range(draw(st.integers(1, 4))):
        day = draw(st.integers(-50, 50))
        for place in range(draw(st.integers(1, 4))):
            day += draw(st.integers(0, 25)) if place else 0
            start, day = day, day + draw(st.integers(1, 80))
            courses.append([f"P{who}", draw(st.sampled_from(["x", "y", "z"])), start, day, None])
        visit = draw(st.none() | st.integers(day, day + 60))
        for course in courses:
            if course[0] == f"P{who}":
                course[4] = visit
        if visit is not None and visit > start and draw(st.booleans()):
            courses[-1][3] = None
        last = max(day if courses[-1][3] is not None else start + 1, visit if visit is not None else -(10**6))
        onsets += [(f"P{who}", draw(st.integers(-120, last))) for _ in range(draw(st.integers(0, 12)))]
    return [tuple(course) for course in courses], onsets


RULES = st.fixed_dictionaries(
    {
        "min_gap_days": st.sampled_from([0, 1, 7, 30, 60]),
        "run_in_days": st.sampled_from([0, 1, 20]),
        "gap": st.sampled_from(["drop", "previous"]),
    }
)


def by_hand(courses, onsets, rules):
    found = {}
    for who in sorted({course[0] for course in courses}):
        own = [course for course in courses if course[0] == who]
        visits = [course[4] for course in own if course[4] is not None]
        spans = [(drug, start, visits[0] if end is None else end) for _, drug, start, end, _ in own]
        last = max([*visits, *(end for _, _, end in spans)])
        found[who] = followed(spans, [day for patient, day in onsets if patient == who], last, **rules)
    return found


def read_or_skip(courses, onsets, rules, day=lambda number: number):
    try:
        return read_events(*tables(courses, onsets, day), **rules)
    except CohortError as error:
        assume("consumes every course" not in str(error))
        raise


def assert_accounted_for(cohort, rows):
    """Every relapse and every day is in one place of the account, and what is kept is what the periods hold."""
    account = cohort.attrition
    assert account["relapses_in"].sum() == rows
    lost = account[list(RELAPSE_CAUSES)].sum(axis=1)
    assert (account["relapses_in"] == lost + account["relapses_kept"]).all()
    assert (account["days_in"] == account[list(DAY_CAUSES)].sum(axis=1) + account["days_kept"]).all()
    assert (account["periods_in"] == account["periods_consumed"] + account["periods_kept"]).all()
    kept = (
        cohort.frame.groupby("patient")[["relapses", "exposure_days"]]
        .sum()
        .reindex(account["patient"], fill_value=0)
    )
    assert (kept["relapses"].to_numpy() == account["relapses_kept"]).all()
    assert (kept["exposure_days"].to_numpy() == account["days_kept"]).all()
    assert (
        cohort.frame["period"].groupby(cohort.frame["patient"]).count().sum() == account["periods_kept"].sum()
    )
    worded = account["why"] != ""
    assert (
        worded
        == ((account["relapses_in"] > account["relapses_kept"]) | (account["days_in"] > account["days_kept"]))
    ).all()


@given(histories(), RULES)
@settings(max_examples=120, deadline=None)
def test_the_arrays_agree_with_loops_over_patients_and_days(history, rules):
    courses, onsets = history
    cohort = read_or_skip(courses, onsets, rules)
    hand = by_hand(courses, onsets, rules)
    expected = [
        (who, place, course.treatment, len(course.relapses), course.days)
        for who, patient in hand.items()
        for place, course in enumerate(patient.courses, start=1)
        if course.days
    ]
    columns = ["patient", "period", "treatment", "relapses", "exposure_days"]
    assert list(cohort.frame[columns].itertuples(index=False, name=None)) == expected
    times = [
        (day - course.start - rules["run_in_days"]) / 365.25
        for patient in hand.values()
        for course in patient.courses
        if course.days
        for day in course.relapses
    ]
    np.testing.assert_allclose(cohort.relapse_times["years"], times, rtol=1e-12)
    account = cohort.attrition.set_index("patient")
    for who, patient in hand.items():
        assert {name: account.loc[who, name] for name in patient.fate} == patient.fate
    assert_accounted_for(cohort, len(onsets))
    across = [
        (who, str(first), str(day)) for who, patient in hand.items() for first, day in patient.merged_across
    ]
    assert (
        list(cohort.switch_merges[["patient", "first_onset", "onset"]].itertuples(index=False, name=None))
        == across
    )


@given(histories(), RULES, st.randoms(use_true_random=False), st.integers(-2000, 2000))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_the_calendar_and_the_spelling_of_days_change_nothing(
    history, rules, random, shift
):
    courses, onsets = history
    cohort = read_or_skip(courses, onsets, rules)
    shuffled = random.sample(courses, len(courses)), random.sample(onsets, len(onsets))
    for other in (
        read_or_skip(*shuffled, rules),
        read_or_skip(courses, onsets, rules, lambda day: day + shift),
        read_or_skip(courses, onsets, rules, lambda day: iso(day + shift)),
        read_or_skip(courses, onsets, rules, lambda day: pd.Timestamp(iso(day))),
    ):
        pd.testing.assert_frame_equal(other.frame, cohort.frame)
        pd.testing.assert_frame_equal(other.attrition, cohort.attrition)
        pd.testing.assert_frame_equal(other.relapse_times, cohort.relapse_times)
        assert (other.unmerged is None) == (cohort.unmerged is None)


# ---- the same cohort in three forms


def test_period_table_dates_and_day_numbers_give_the_same_answers(tmp_path):
    from nmo_stats import exact
    from nmo_stats.describe import arr
    from nmo_stats.estimators import classical_rates

    by_number = read_events(*tables(COURSES, ONSETS))
    by_date = read_events(*tables(COURSES, ONSETS, iso))
    path = tmp_path / "periods.csv"
    by_number.frame.to_csv(path, index=False)
    periods = read_periods(path)
    expected = None
    for cohort in (periods, by_date, by_number):
        pair = cohort.compare("tocilizumab", reference="rituximab")
        ratio = exact.conditional(pair).rate_ratio()
        rates = [estimate.to_dict() for estimate in classical_rates(pair).estimates]
        found = (
            arr(cohort).to_frame().to_dict("records"),
            ratio.to_dict(),
            rates,
            pair.totals,
            pair.total_years,
        )
        assert expected is None or found == expected
        expected = found
    pd.testing.assert_frame_equal(periods.frame, by_number.frame)


def test_a_cohort_of_events_survives_its_period_table():
    cohort = read_events(*tables(COURSES, ONSETS))
    again = Cohort.from_frame(cohort.to_frame())
    pd.testing.assert_frame_equal(again.frame, cohort.frame)


# ---- the fast reader is the slow reader


def test_plain_and_quoted_files_and_frames_read_alike(tmp_path):
    treatments, relapses = tables(COURSES, ONSETS, iso)
    expected = read_events(treatments, relapses)
    for name, options in {
        "plain": {},
        "quoted": {"quoting": 1},
        "windows": {"lineterminator": "\r\n"},
    }.items():
        paths = [tmp_path / f"{name}-{kind}.csv" for kind in ("t", "r")]
        for table, path in zip((treatments, relapses), paths, strict=True):
            table.to_csv(path, index=False, **options)
        pd.testing.assert_frame_equal(read_events(*paths).frame, expected.frame)
    for suffix, save in {".xlsx": "to_excel", ".parquet": "to_parquet"}.items():
        paths = [tmp_path / f"{kind}{suffix}" for kind in ("t", "r")]
        for table, path in zip((treatments, relapses), paths, strict=True):
            getattr(table, save)(path, index=False)
        pd.testing.assert_frame_equal(read_events(*paths).frame, expected.frame)


def test_semicolons_and_sheets_are_read_where_they_are_declared(tmp_path):
    treatments, relapses = tables(COURSES, ONSETS, iso)
    expected = read_events(treatments, relapses)
    paths = [tmp_path / "t.csv", tmp_path / "r.csv"]
    treatments.to_csv(paths[0], sep=";", index=False)
    relapses.to_csv(paths[1], sep=";", index=False)
    found = read_events(*(TableFile(path, decimal=",") for path in paths))
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    book = tmp_path / "book.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        treatments.to_excel(writer, sheet_name="drugs", index=False)
        relapses.to_excel(writer, sheet_name="attacks", index=False)
    found = read_events(TableFile(book, sheet="drugs"), TableFile(book, sheet="attacks"))
    pd.testing.assert_frame_equal(found.frame, expected.frame)


LETTERS = st.text(alphabet='ab",;\r\n\t 1', max_size=6)


@given(st.lists(st.tuples(LETTERS, LETTERS), max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_fast_text_reader_says_what_the_cell_wise_one_says(rows, quoted):
    """Any bytes: either the same cells in the same rows, or no answer from the fast one."""
    from nmo_stats.tables.coded import _coded_text
    from nmo_stats.tables.reading import parsed_file

    file = TableFile("table.csv")
    lines = [f'"{a}","{b}"' if quoted else f"{a},{b}" for a, b in rows]
    content = "\n".join(["patient,onset", *lines]).encode()
    fast = _coded_text(file, content)
    if fast is None:
        return
    slow = parsed_file(file, content)
    cells = [[values[code] for code in codes] for values, codes in zip(fast.cells, fast.codes, strict=True)]
    assert cells == [list(column) for column in slow.cells]
    assert (fast.rows.tolist(), list(fast.blank_rows), fast.source) == (
        list(slow.rows),
        list(slow.blank_rows),
        slow.source,
    )
