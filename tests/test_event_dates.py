"""Days that are no days: years, months, day counts of programs, dates in another order, words."""

import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from event_tables import COURSES, ONSETS, iso, tables

from nmo_stats import CohortError, TableFile, read_events
from nmo_stats.events.days import parse_day, parse_end
from nmo_stats.tables.cells import Fault

CASES = Path(__file__).parent / "cases"


def problems(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


def case(name, **options):
    return read_events(CASES / f"{name}_treatments.csv", CASES / f"{name}_relapses.csv", **options)


def frames(courses, onsets):
    return (
        pd.DataFrame(courses, columns=["patient", "treatment", "start", "end", "last_visit"], dtype=object),
        pd.DataFrame(onsets, columns=["patient", "onset"], dtype=object),
    )


# ---- years and other numbers that are no days


def test_years_are_not_read_as_days():
    found = problems(case, "years")
    assert {(problem.table, problem.column) for problem in found} == {
        ("treatments", "start"),
        ("treatments", "end"),
        ("treatments", "last_visit"),
        ("relapses", "onset"),
    }
    assert all("these look like years" in problem.remedy and problem.row == 2 for problem in found)


@pytest.mark.parametrize("kind", [int, float, str])
def test_years_in_a_frame_are_refused_as_numbers_and_as_text(kind):
    treatments, relapses = frames(
        [("A", "old", kind(2006), kind(2009), None), ("A", "new", kind(2009), kind(2013), None)],
        [("A", kind(2008))],
    )
    assert {problem.column for problem in problems(read_events, treatments, relapses)} == {
        "start",
        "end",
        "onset",
    }


def test_days_that_happen_to_lie_near_2000_are_days():
    courses = [("A", "old", 0, 1950, None), ("A", "new", 1950, 2400, None)]
    cohort = read_events(*tables(courses, [("A", 1960), ("A", 2050)]))
    assert cohort.frame["exposure_days"].tolist() == [1950, 450]


def test_years_of_onsets_among_dates_are_refused():
    treatments, relapses = frames([("A", "old", "2006-02-01", "2009-02-01", None)], [("A", 2008)])
    (problem,) = problems(read_events, treatments, relapses)
    assert (problem.table, problem.column, problem.value) == ("relapses", "onset", "2008")


@pytest.mark.parametrize(
    ("cell", "looks_like"),
    [
        (40000, "2009-07-06 in a spreadsheet"),
        ("17898", "2009-01-01 in SAS or Stata"),
        (14245.0, "2009-01-01 in R"),
        (10001, "day count of a program"),
        (20090401, "2009-04-01"),
        ("20120229", "2012-02-29"),
        (200904, "a month without a day"),
        (1238544000, "seconds or milliseconds since 1970"),
        (1238544000000.0, "seconds or milliseconds since 1970"),
        (2009.5, "looks like a year"),
        ("2010.5", "a month or a year has no day"),
        ("2009-05", "a month or a year has no day"),
        ("09.2012", "a month or a year has no day"),
        ("5/2009", "a month or a year has no day"),
        ("May 2009", "a month or a year has no day"),
        ("06", "for a year write the date"),
        (9999, "correct the day"),
        (-9999.0, "correct the day"),
    ],
)
def test_what_is_no_number_of_days_is_named(cell, looks_like):
    fault = parse_day(cell)
    assert isinstance(fault, Fault)
    assert looks_like in fault.remedy


@pytest.mark.parametrize("cell", [0, 10_000, -30_000, "-1", "9998", 9131.0])
def test_numbers_of_days_stay_legal(cell):
    assert parse_day(cell) == int(float(cell))


def test_all_courses_shorter_than_a_month_are_a_notice_where_days_are_numbers():
    courses = [("A", "old", 6, 9, None), ("A", "new", 9, 13, None)]
    assert "short_courses" in [notice.code for notice in read_events(*tables(courses, [("A", 8)])).notices]
    assert "short_courses" not in [notice.code for notice in read_events(*tables(COURSES, ONSETS)).notices]
    dated = read_events(*tables(courses, [("A", 8)], iso))
    assert "short_courses" not in [notice.code for notice in dated.notices]


# ---- dates in another order


def test_dates_are_read_in_the_declared_order_and_a_month_is_refused(tmp_path):
    for name in ("treatments", "relapses"):
        text = (CASES / f"dmy_{name}.csv").read_text(encoding="utf-8").replace(";", ",")
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    files = tmp_path / "treatments.csv", tmp_path / "relapses.csv"
    found = problems(read_events, *files, dates="dmy")
    assert [(problem.row, problem.patient, problem.value) for problem in found] == [
        (3, "A", "'2010-05'"),
        (6, "B", "'09.2012'"),
    ]
    relapses = (
        files[1]
        .read_text(encoding="utf-8")
        .replace("2010-05\n", "16.05.2010\n")
        .replace("09.2012", "15.09.2012")
    )
    files[1].write_text(relapses, encoding="utf-8")
    cohort = read_events(*files, dates="dmy")
    assert cohort.frame["relapses"].tolist() == [3, 0, 1, 1]
    assert cohort.frame["exposure_days"].tolist() == [803, 919, 687, 822]
    refused = problems(read_events, *files)
    assert len(refused) == 13
    assert all("--dates dmy" in problem.remedy and "--dates mdy" not in problem.remedy for problem in refused)


@pytest.mark.parametrize(
    ("order", "day"),
    [("dmy", datetime.date(2009, 4, 3)), ("mdy", datetime.date(2009, 3, 4))],
)
def test_one_text_has_the_reading_of_the_declared_order(order, day):
    treatments, relapses = frames([("A", "old", "01/01/2009", "12/12/2010", None)], [("A", "03/04/2009")])
    cohort = read_events(treatments, relapses, dates=order)
    assert cohort.relapse_times["years"].tolist() == [(day - datetime.date(2009, 1, 1)).days / 365.25]


def test_a_date_that_the_declared_order_does_not_have_is_refused_with_its_reading():
    treatments, relapses = frames([("A", "old", "01/01/2009", "12/12/2010", None)], [("A", "02/13/2009")])
    (problem,) = problems(read_events, treatments, relapses, dates="dmy")
    assert "2009-02-13" in problem.remedy


def test_years_of_two_digits_are_refused_in_every_order():
    treatments, relapses = frames([("A", "old", "01/01/2009", "12/12/2010", None)], [("A", "01/02/09")])
    for order in ("dmy", "mdy", "ymd"):
        assert any(
            problem.column == "onset" for problem in problems(read_events, treatments, relapses, dates=order)
        )


def test_iso_dates_in_one_table_and_declared_ones_in_the_other():
    treatments, relapses = frames([("A", "old", "2009-01-01", "2010-12-12", None)], [("A", "3 Apr 2009")])
    cohort = read_events(treatments, relapses, dates="dmy")
    assert cohort.relapse_times["years"].tolist() == [92 / 365.25]


# ---- columns of which a part was converted


@pytest.mark.parametrize("dates", [None, "dmy", "mdy"])
def test_a_half_converted_column_is_refused_as_a_whole(dates):
    book = CASES / "half_converted_dates.xlsx"
    sheets = TableFile(book, sheet="treatments"), TableFile(book, sheet="relapses")
    (problem,) = problems(read_events, *sheets, dates=dates)
    assert (problem.row, problem.patient, problem.column) == (4, "A", "onset")
    assert "mixes ISO dates or date cells (2)" in problem.rule
    assert "every date of the column" in problem.remedy


@pytest.mark.parametrize("column", ["start", "end", "last_visit", "onset"])
@pytest.mark.parametrize("first", ["2012-05-04", datetime.date(2012, 5, 5), pd.Timestamp("2012-05-06")])
@pytest.mark.parametrize("other", ["31/12/2012", "1.5.2012", "13.05.12", "31-Dec-2012"])
def test_dates_of_two_forms_put_any_column_of_days_in_doubt(column, first, other):
    days = {
        "start": ["2010-01-01", "2010-01-01"],
        "end": ["2013-01-01", None],
        "last_visit": ["2014-01-01"] * 2,
    }
    treatments = pd.DataFrame({"patient": ["A", "B"], "treatment": "old", **days}, dtype=object)
    relapses = pd.DataFrame({"patient": ["A", "B"], "onset": ["2011-01-01", "2011-02-01"]}, dtype=object)
    table = relapses if column == "onset" else treatments
    table[column] = pd.Series([first, other], dtype=object)
    (problem,) = [
        one for one in problems(read_events, treatments, relapses, dates="dmy") if one.column == column
    ]
    assert problem.row == 2
    assert "every date of the column" in problem.remedy


def dated_cells(texts):
    """Return tables whose starts are date cells, and whose ends are texts with the day first."""
    start = [datetime.date(2010, 4, 3), datetime.date(2010, 8, 7)]
    treatments = pd.DataFrame(
        {"patient": ["A", "B"], "treatment": "old", "start": start, "end": pd.Series(texts, dtype=object)}
    )
    return treatments, pd.DataFrame({"patient": ["A"], "onset": ["2011-01-01"]})


def test_texts_that_no_spreadsheet_can_read_beside_date_cells_of_another_column_are_in_doubt_too():
    for dates in (None, "dmy"):
        (problem,) = problems(read_events, *dated_cells(["13/02/2012", "25/11/2012"]), dates=dates)
        assert (problem.column, problem.row) == ("end", 1)
        assert "exchanged day and month" in problem.rule


def test_a_column_of_text_that_no_spreadsheet_has_touched_is_read():
    """A spreadsheet would have made a date of 05/02/2012."""
    cohort = read_events(*dated_cells(["13/02/2012", "05/02/2012"]), dates="dmy")
    assert cohort.frame["exposure_days"].tolist() == [681, 547]


def test_one_workbook_is_one_table_where_dates_are_in_doubt(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "treatments"
    book.active.append(["patient", "treatment", "start", "end"])
    book.active.append(["A", "old", datetime.date(2010, 4, 3), datetime.date(2012, 4, 3)])
    sheet = book.create_sheet("relapses")
    sheet.append(["patient", "onset"])
    sheet.append(["A", "13/02/2011"])
    book.save(tmp_path / "b.xlsx")
    sheets = [TableFile(tmp_path / "b.xlsx", sheet=name) for name in ("treatments", "relapses")]
    (problem,) = problems(read_events, *sheets, dates="dmy")
    assert (problem.table, problem.column) == ("relapses", "onset")


def test_many_texts_in_doubt_are_one_problem_of_the_column():
    onsets = [("A", "2012-05-04"), *(("A", f"{day}/05/2012") for day in range(13, 25))]
    treatments, relapses = frames([("A", "old", "2012-01-01", "2013-01-01", None)], onsets)
    (problem,) = problems(read_events, treatments, relapses)
    assert "(12)" in problem.rule


def test_year_first_dates_have_one_reading_and_put_nothing_in_doubt():
    treatments, relapses = frames(
        [("A", "old", "2012-01-01", "2013-01-01", None)], [("A", "2012-05-04"), ("A", "2012/9/4")]
    )
    (problem,) = problems(read_events, treatments, relapses)
    assert "write 2012-09-04" in problem.remedy
    assert read_events(treatments, relapses, dates="ymd").frame["relapses"].tolist() == [2]


# ---- words where an end is to come


WORDS = [
    "ongoing",
    "Ongoing",
    "CONTINUING",
    "present",
    "now",
    "current",
    "to date",
    " to date ",
    "-",
    "NA",
    "laufend",
    "…",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_an_end_to_come_is_refused_with_the_remedy(word, tmp_path):
    assert "leave the cell empty" in parse_end(word).remedy
    treatments, relapses = frames([("A", "old", "2012-01-01", word, None)], [("A", "2012-05-04")])
    treatments["end"] = treatments["end"].astype("category")
    treatments.to_parquet(tmp_path / "t.parquet")
    book = openpyxl.Workbook()
    book.active.append(list(treatments.columns))
    book.active.append(treatments.astype(object).iloc[0].tolist())
    book.save(tmp_path / "t.xlsx")
    treatments.to_csv(tmp_path / "t.csv", index=False)
    for table in (treatments, tmp_path / "t.xlsx", tmp_path / "t.csv"):
        (problem,) = problems(read_events, table, relapses)
        assert (problem.patient, problem.column) == ("A", "end")
        assert "last_visit" in problem.remedy


def test_the_remedy_of_an_end_to_come_works():
    treatments, relapses = frames([("A", "old", "2012-01-01", None, "2013-01-01")], [("A", "2012-05-04")])
    assert read_events(treatments, relapses).frame["exposure_days"].tolist() == [366]


@pytest.mark.parametrize("end", ["9999-12-31", pd.Timestamp("2262-01-01")])
def test_a_date_in_a_far_future_is_no_end(end):
    assert "leave the cell empty" in parse_end(end).remedy


# ---- DataFrames


def test_categories_are_read_like_text():
    treatments, relapses = tables(COURSES, ONSETS, iso)
    plain = read_events(treatments, relapses)
    coded = read_events(treatments.astype("category"), relapses.astype("category"))
    pd.testing.assert_frame_equal(coded.frame, plain.frame)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_a_time_zone_is_refused(zone):
    treatments, relapses = tables(COURSES, ONSETS, iso)
    relapses["onset"] = pd.to_datetime(relapses["onset"]).dt.tz_localize(zone)
    found = problems(read_events, treatments, relapses)
    assert {problem.remedy for problem in found} == {"store the day without a time zone"}
    assert "time zone" in parse_day("2012-06-01T00:00:00Z").remedy


def test_no_time_is_an_empty_cell():
    treatments, relapses = tables(COURSES, ONSETS, iso)
    treatments["end"] = pd.to_datetime(treatments["end"])
    cohort = read_events(treatments, relapses)
    assert cohort.frame["ongoing"].tolist() == [False, True, False, False]
    relapses["onset"] = pd.to_datetime(relapses["onset"])
    relapses.loc[0, "onset"] = pd.NaT
    (problem,) = problems(read_events, treatments, relapses)
    assert (problem.row, problem.value) == (1, "empty")
    assert "leave the row out" not in problem.remedy
