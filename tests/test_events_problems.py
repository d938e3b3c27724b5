"""Broken files of dated events: what a reader must say of each, word for word."""

import json
import re

import pytest

from nmo_stats import ArgumentError, CohortError, read_events
from nmo_stats.events.days import parse_day, parse_end, parse_last_visit

TREATMENTS = """\
patient,treatment,start,end,last_visit
P1,rituximab,2012-01-01,2013-01-01,
P1,tocilizumab,2013-01-01,,2014-01-01
P2,rituximab,2012-05-01,2013-05-01,
"""
RELAPSES = """\
patient,onset
P1,2012-06-01
P2,2012-07-15
"""


@pytest.fixture
def read(tmp_path):
    def call(treatments=TREATMENTS, relapses=RELAPSES, **options):
        for name, text in (("t.csv", treatments), ("r.csv", relapses)):
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_events(tmp_path / "t.csv", tmp_path / "r.csv", **options)

    return call


def said(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return str(caught.value).splitlines()


def treatments(old, new):
    assert old in TREATMENTS
    return {"treatments": TREATMENTS.replace(old, new)}


def relapses(old, new):
    assert old in RELAPSES
    return {"relapses": RELAPSES.replace(old, new)}


BROKEN = {
    "end before start": (
        treatments("2012-01-01,2013-01-01", "2012-01-01,2011-12-31"),
        "treatments, row 2, patient 'P1', column 'end': 2011-12-31 with start 2012-01-01; a course ends after it starts; correct one of the two days",
    ),
    "a course of no days": (
        treatments("2012-01-01,2013-01-01", "2012-01-01,2012-01-01"),
        "treatments, row 2, patient 'P1', column 'end': 2012-01-01 with start 2012-01-01; a course ends after it starts; correct one of the two days",
    ),
    "overlapping courses": (
        treatments("2013-01-01,,", "2012-12-31,,"),
        "treatments, row 3, patient 'P1', column 'start': 2012-12-31, within rituximab of row 2 (2012-01-01 to 2013-01-01); "
        "the courses of a patient do not overlap; end the earlier course at the switch, or join the two",
    ),
    "ongoing without a last visit": (
        treatments(",,2014-01-01", ",,"),
        "treatments, row 3, patient 'P1', column 'end': empty, and no last visit; an ongoing course (empty end) needs the patient's last visit; "
        "enter the end, or the day in a column 'last_visit'",
    ),
    "last visit before the ongoing course": (
        treatments(",,2014-01-01", ",,2012-12-01"),
        "treatments, row 3, patient 'P1', column 'last_visit': 2012-12-01 with start 2013-01-01; "
        "the last visit comes after the start of an ongoing course; correct one of the two days",
    ),
    "end after the last visit": (
        treatments("2012-05-01,2013-05-01,", "2012-05-01,2013-05-01,2013-04-01"),
        "treatments, row 4, patient 'P2', column 'end': 2013-05-01 with last visit 2013-04-01; a course does not end after the last visit; "
        "correct one of the two days",
    ),
    "two last visits": (
        treatments("2013-01-01,\n", "2013-01-01,2013-12-31\n"),
        "treatments, row 2, patient 'P1', column 'last_visit': 2013-12-31, elsewhere 2014-01-01; a patient has one last visit; "
        "give the last one in every row of the patient",
    ),
    "a start is missing": (
        treatments("2012-01-01,2013", ",2013"),
        "treatments, row 2, patient 'P1', column 'start': empty; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "enter the day from the source; where it is not known, give counts and follow-up times as a period table",
    ),
    "day first": (
        relapses("2012-06-01\nP2,2012-07-15", "01/06/2012"),
        "relapses, row 2, patient 'P1', column 'onset': '01/06/2012'; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "write 2012-01-06 or 2012-06-01, whichever is meant: the text has both readings; "
        "or declare the order of all such dates: dates='dmy' (--dates dmy) or dates='mdy' (--dates mdy)",
    ),
    "points between": (
        relapses("2012-06-01\nP2,2012-07-15", "1.6.12"),
        "relapses, row 2, patient 'P1', column 'onset': '1.6.12'; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "write year-month-day in numbers, with a year of four digits, such as 2013-03-01",
    ),
    "no leading zeros": (
        relapses("2012-06-01", "2012-6-1"),
        "relapses, row 2, patient 'P1', column 'onset': '2012-6-1'; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "write 2012-06-01; or declare the order of all such dates: dates='ymd' (--dates ymd)",
    ),
    "no day": (
        relapses("2012-06-01", "2012-06"),
        "relapses, row 2, patient 'P1', column 'onset': '2012-06'; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "a month or a year has no day: enter the day from the source; where it is not known, give counts and follow-up times as a period table",
    ),
    "a day that does not exist": (
        relapses("2012-06-01", "2013-02-29"),
        "relapses, row 2, patient 'P1', column 'onset': '2013-02-29'; a date exists in the calendar; correct the date; write year-month-day",
    ),
    "a slip in the year": (
        relapses("2012-06-01", "0212-06-01"),
        "relapses, row 2, patient 'P1', column 'onset': '0212-06-01'; a date lies between 1900 and 2100; correct the year",
    ),
    "a time of day": (
        relapses("2012-06-01", "2012-06-01 13:30"),
        "relapses, row 2, patient 'P1', column 'onset': '2012-06-01 13:30'; a day has no time of day; "
        "keep the date alone: two clocks can put one relapse on two days",
    ),
    "a date without hyphens": (
        relapses("2012-06-01", "20120601"),
        "relapses, row 2, patient 'P1', column 'onset': '20120601'; a number of days lies between -100000 and 10000; "
        "write 2012-06-01: this looks like a date without hyphens; a number of days counts from a day of the patient, such as the first start",
    ),
    "half a day": (
        relapses("2012-06-01", "151.5"),
        "relapses, row 2, patient 'P1', column 'onset': '151.5'; days are whole; round to the day of onset, start or end",
    ),
    "words": (
        relapses("2012-06-01", "June"),
        "relapses, row 2, patient 'P1', column 'onset': 'June'; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "write a date as 2013-03-01, or the whole number of days since the patient's origin",
    ),
    "a number among dates": (
        relapses("2012-06-01", "151"),
        "relapses, row 2, patient 'P1', column 'onset': 151; all days are dates, or all are numbers of days; write the date, as elsewhere",
    ),
    "no onset": (
        relapses("P1,2012-06-01", "P1,"),
        "relapses, row 2, patient 'P1', column 'onset': empty; a day is an ISO date such as 2013-03-01, or a whole number of days; "
        "enter the day from the source; where it is not known, give counts and follow-up times as a period table",
    ),
    "an unknown patient": (
        relapses("P2,", "P02,"),
        "relapses, row 3, patient 'P02', column 'patient': 'P02'; a patient of the relapses is in the treatments; "
        "did you mean 'P2'?",
    ),
    "a patient who is not treated": (
        relapses("P2,", "P7,"),
        "relapses, row 3, patient 'P7', column 'patient': 'P7'; a patient of the relapses is in the treatments; "
        "add the patient's courses, or correct the identifier",
    ),
    "a relapse after the last visit": (
        relapses("2012-06-01", "2014-01-02"),
        "relapses, row 2, patient 'P1', column 'onset': 2014-01-02, last day observed 2014-01-01; a relapse is not after the patient's last visit; "
        "correct the day, or give the last visit in the column 'last_visit' of the treatments",
    ),
    "a relapse after the last end": (
        relapses("2012-07-15", "2013-05-02"),
        "relapses, row 3, patient 'P2', column 'onset': 2013-05-02, last day observed 2013-05-01; a relapse is not after the patient's last visit; "
        "correct the day, or give the last visit in the column 'last_visit' of the treatments",
    ),
    "no such column": (
        relapses("onset", "relapse_date"),
        "relapses, column 'onset': missing; the table has a column 'onset'; did you mean 'relapse_date'? columns={'relapse_date': 'onset'} (--column relapse_date=onset)",
    ),
    "two columns of one name": (
        treatments("last_visit", "start"),
        "treatments, column 'start': 2 columns; a column stands once; remove or rename the others",
    ),
    "a column that is computed": (
        treatments("last_visit", "exposure_days"),
        "treatments, column 'exposure_days': present; 'exposure_days' is computed from the events; rename or remove the column",
    ),
    "a drug without a name": (
        treatments("P2,rituximab", "P2,"),
        "treatments, row 4, patient 'P2', column 'treatment': empty; text, not empty; enter the name from the source",
    ),
    "rows of another length": (
        relapses("P1,2012-06-01", "P1,2012-06-01,3"),
        "relapses, row 2: 3 cells; a row has as many cells as the header (2); fill or remove cells; a cell that contains the separator stands in quotes",
    ),
    "no courses": (
        {"treatments": "patient,treatment,start,end\n", "relapses": "patient,onset\n"},
        "treatments: header only; the table has one row per course of a drug; add the courses",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_the_row_the_rule_and_the_remedy(read, name):
    files, line = BROKEN[name]
    assert any(text.strip().startswith(line) for text in said(read, **files))


def test_all_problems_of_both_tables_come_together_in_their_order(read):
    files = treatments("2012-01-01,2013", "2012-13-01,2013") | relapses("2012-06-01", "June")
    lines = said(read, **files)
    assert lines[0] == "t.csv and r.csv: 2 problems"
    assert [line.split(",")[0].strip() for line in lines[1:]] == ["treatments", "relapses"]


def test_contradictions_between_days_come_together_once_every_cell_is_valid(read):
    files = treatments("2012-01-01,2013-01-01", "2012-01-01,2011-01-01") | relapses("P2", "P9")
    assert len(said(read, **files)) == 3


def test_an_unreadable_cell_does_not_hide_contradictions_elsewhere(read):
    """Row 4 cannot be read; the order of P1's days, and the patient that nobody treated, are said at the same time."""
    files = treatments("2012-01-01,2013-01-01", "2012-01-01,2011-01-01")
    files["treatments"] = files["treatments"].replace("2012-05-01", "May 2012")
    files |= {"relapses": RELAPSES + "P9,2012-07-15\nP1,2015-01-01\n"}
    lines = said(read, **files)
    assert lines[0] == "t.csv and r.csv: 4 problems"
    for line, part in zip(
        lines[1:],
        (
            "treatments, row 2, patient 'P1', column 'end': 2011-01-01 with start",
            "treatments, row 4, patient 'P2', column 'start': 'May 2012'",
            "relapses, row 4, patient 'P9', column 'patient'",
            "relapses, row 5, patient 'P1', column 'onset': 2015-01-01, last day observed 2014-01-01",
        ),
        strict=True,
    ):
        assert part in line


def test_nothing_is_said_of_the_observation_of_a_patient_whose_courses_cannot_all_be_read(read):
    """P1 has no end and no last visit but in a row that cannot be read, and P2 relapses after a course that can."""
    files = {
        "treatments": TREATMENTS.replace(
            "P1,tocilizumab,2013-01-01,,2014-01-01", "P1,tocilizumab,2013-01-01,,"
        )
        + "P1,other,2015-01-01,2016-01-01,Dec 2016\nP2,tocilizumab,2013-05-01,2014-05-99,\n",
        "relapses": RELAPSES + "P2,2014-01-01\nP1,2015-06-01\n",
    }
    lines = said(read, **files)
    assert [line.split(", column")[0].strip() for line in lines[1:]] == [
        "treatments, row 5, patient 'P1'",
        "treatments, row 6, patient 'P2'",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("P2,rituximab,2012-05-01", ",rituximab,2012-05-01"), ("P2,rituximab,2012-05-01", "P2,2012-05-01")],
)
def test_a_course_of_nobody_may_be_anyones(read, old, new):
    files = treatments(old, new) | {"relapses": RELAPSES + "P1,2015-01-01\n"}
    lines = said(read, **files)
    assert not [line for line in lines if "last day observed" in line]
    assert [line for line in lines if "'P2'; a patient of the relapses is in the treatments" in line]


def test_dates_among_numbers_are_not_set_against_each_other(read):
    files = treatments("2012-01-01,2013-01-01", "5,2013-01-01") | relapses("P2", "P9")
    lines = said(read, **files)
    assert len(lines) == 3
    assert "all days are dates" in lines[1]
    assert "'P9'" in lines[2]


def test_without_a_required_column_unknown_patients_are_still_named(read):
    files = {"treatments": TREATMENTS.replace("start", "began", 1)} | relapses("P2", "P9")
    lines = said(read, **files)
    assert [line for line in lines if "the table has a column 'start'" in line]
    assert [line for line in lines if "'P9'" in line]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("t.csv", b"", "t.csv: 1 problem\n  empty file; the file has a header row"),
        ("r.csv", b"patient,onset\nP1,2012\xff\n", "byte 0xff is not UTF-8"),
        ("r.csv", b"patient|onset\nP1|2012-06-01\n", "cells separated by bars"),
        ("r.csv", b'patient,onset\nP1,"2012-06-01\n', "quotes open and close around a cell"),
        ("t.csv", b"PK\x03\x04", "an Excel workbook; a .csv file is plain text"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, file, content, message):
    (tmp_path / "t.csv").write_text(TREATMENTS)
    (tmp_path / "r.csv").write_text(RELAPSES)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CohortError, match=message):
        read_events(tmp_path / "t.csv", tmp_path / "r.csv")


def test_a_renaming_serves_both_tables_and_a_wrong_one_is_named(read):
    renamed = {
        "treatments": TREATMENTS.replace("patient", "record_id"),
        "relapses": RELAPSES.replace("patient,onset", "record_id,relapse_date"),
    }
    cohort = read(**renamed, columns={"record_id": "patient", "relapse_date": "onset"})
    assert cohort.frame["relapses"].tolist() == [1, 0, 1]
    lines = said(read, columns={"record": "patient", "onset": "beginning"})
    assert (
        "columns={'record': 'patient'} (--column record=patient); the table has a column 'record'" in lines[1]
    )
    assert "'beginning' is a column of the tables of treatments and relapses" in lines[2]


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("31/12/2019", ["2019-12-31"]),
        ("12/31/2019", ["2019-12-31"]),
        ("01.02.2019", ["2019-01-02", "2019-02-01"]),
        ("02/02/2019", ["2019-02-02"]),
        ("2019/12/31", ["2019-12-31"]),
        ("31-Dec-2019", ["2019-12-31"]),
        ("Dec 31, 2019", ["2019-12-31"]),
        ("1 / 5 / 2019", ["2019-01-05", "2019-05-01"]),
        ("31.02.2019", []),
        ("31-Dez-2019", []),
        ("31/12/19", []),
    ],
)
def test_the_remedy_of_a_date_in_another_order_gives_the_readings_that_it_has(text, readings):
    remedy = parse_day(text).remedy
    assert [part for part in re.findall(r"\d{4}-\d{2}-\d{2}", remedy) if part != "2013-03-01"] == readings
    assert ("both readings" in remedy) == (len(readings) == 2)
    assert ("--dates" in remedy) == bool(readings)


@pytest.mark.parametrize("cell", ["NA", "-", "unknown"])
def test_a_word_for_nothing_among_the_days_is_an_empty_cell(cell):
    assert "if the course goes on leave the cell empty" in parse_end(cell).remedy
    assert "leave the cell empty" in parse_last_visit(cell).remedy
    assert parse_day(cell).remedy.startswith("enter the day from the source;")


def test_a_title_above_one_of_the_tables_is_its_only_problem(read):
    lines = said(read, treatments="Our drugs\n" + TREATMENTS)
    assert lines[1:] == [
        "  treatments: row 2 holds the column names patient, treatment, start, end; the first row names the columns; remove the rows above it"
    ]


@pytest.mark.parametrize("data", [None, 3, ["t.csv"]])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(ArgumentError, match="Expected: the path of a file"):
        read_events(data, data)


def test_json_of_problems_names_the_table(read, capsys, monkeypatch, tmp_path):
    from nmo_stats.cli import main

    files = relapses("2012-06-01", "June")
    with pytest.raises(CohortError):
        read(**files)
    arguments = [
        "nmo-stats",
        "check",
        "--json",
        "--treatments",
        tmp_path / "t.csv",
        "--relapses",
        tmp_path / "r.csv",
    ]
    monkeypatch.setattr("sys.argv", [str(argument) for argument in arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["table"], problem["row"], problem["column"]) == ("relapses", 2, "onset")
