"""Broken files of dated events: the row, patient, column and value that a reader must name."""

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


def problems(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


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


# where the problem is: table, row, patient, column; and what was found there
BROKEN = {
    "end before start": (
        treatments("2012-01-01,2013-01-01", "2012-01-01,2011-12-31"),
        ("treatments", 2, "P1", "end"),
        "2011-12-31",
    ),
    "a course of no days": (
        treatments("2012-01-01,2013-01-01", "2012-01-01,2012-01-01"),
        ("treatments", 2, "P1", "end"),
        "2012-01-01",
    ),
    "overlapping courses": (
        treatments("2013-01-01,,", "2012-12-31,,"),
        ("treatments", 3, "P1", "start"),
        "2012-12-31",
    ),
    "ongoing without a last visit": (
        treatments(",,2014-01-01", ",,"),
        ("treatments", 3, "P1", "end"),
        "empty, and no last visit",
    ),
    "last visit before the ongoing course": (
        treatments(",,2014-01-01", ",,2012-12-01"),
        ("treatments", 3, "P1", "last_visit"),
        "2012-12-01",
    ),
    "end after the last visit": (
        treatments("2012-05-01,2013-05-01,", "2012-05-01,2013-05-01,2013-04-01"),
        ("treatments", 4, "P2", "end"),
        "2013-05-01",
    ),
    "two last visits": (
        treatments("2013-01-01,\n", "2013-01-01,2013-12-31\n"),
        ("treatments", 2, "P1", "last_visit"),
        "2013-12-31",
    ),
    "a start is missing": (treatments("2012-01-01,2013", ",2013"), ("treatments", 2, "P1", "start"), "empty"),
    "day first": (
        relapses("2012-06-01\nP2,2012-07-15", "01/06/2012"),
        ("relapses", 2, "P1", "onset"),
        "'01/06/2012'",
    ),
    "points between": (
        relapses("2012-06-01\nP2,2012-07-15", "1.6.12"),
        ("relapses", 2, "P1", "onset"),
        "'1.6.12'",
    ),
    "no leading zeros": (relapses("2012-06-01", "2012-6-1"), ("relapses", 2, "P1", "onset"), "'2012-6-1'"),
    "no day": (relapses("2012-06-01", "2012-06"), ("relapses", 2, "P1", "onset"), "'2012-06'"),
    "a day that does not exist": (
        relapses("2012-06-01", "2013-02-29"),
        ("relapses", 2, "P1", "onset"),
        "'2013-02-29'",
    ),
    "a slip in the year": (
        relapses("2012-06-01", "0212-06-01"),
        ("relapses", 2, "P1", "onset"),
        "'0212-06-01'",
    ),
    "a time of day": (
        relapses("2012-06-01", "2012-06-01 13:30"),
        ("relapses", 2, "P1", "onset"),
        "'2012-06-01 13:30'",
    ),
    "a date without hyphens": (
        relapses("2012-06-01", "20120601"),
        ("relapses", 2, "P1", "onset"),
        "'20120601'",
    ),
    "half a day": (relapses("2012-06-01", "151.5"), ("relapses", 2, "P1", "onset"), "'151.5'"),
    "words": (relapses("2012-06-01", "June"), ("relapses", 2, "P1", "onset"), "'June'"),
    "a number among dates": (relapses("2012-06-01", "151"), ("relapses", 2, "P1", "onset"), "151"),
    "no onset": (relapses("P1,2012-06-01", "P1,"), ("relapses", 2, "P1", "onset"), "empty"),
    "an unknown patient": (relapses("P2,", "P02,"), ("relapses", 3, "P02", "patient"), "'P02'"),
    "a patient who is not treated": (relapses("P2,", "P7,"), ("relapses", 3, "P7", "patient"), "'P7'"),
    "a relapse after the last visit": (
        relapses("2012-06-01", "2014-01-02"),
        ("relapses", 2, "P1", "onset"),
        "2014-01-02",
    ),
    "a relapse after the last end": (
        relapses("2012-07-15", "2013-05-02"),
        ("relapses", 3, "P2", "onset"),
        "2013-05-02",
    ),
    "no such column": (relapses("onset", "relapse_date"), ("relapses", None, None, "onset"), "missing"),
    "two columns of one name": (
        treatments("last_visit", "start"),
        ("treatments", None, None, "start"),
        "2 columns",
    ),
    "a column that is computed": (
        treatments("last_visit", "exposure_days"),
        ("treatments", None, None, "exposure_days"),
        "present",
    ),
    "a drug without a name": (
        treatments("P2,rituximab", "P2,"),
        ("treatments", 4, "P2", "treatment"),
        "empty",
    ),
    "rows of another length": (
        relapses("P1,2012-06-01", "P1,2012-06-01,3"),
        ("relapses", 2, None, None),
        "3 cells",
    ),
    "no courses": (
        {"treatments": "patient,treatment,start,end\n", "relapses": "patient,onset\n"},
        ("treatments", None, None, None),
        "header only",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_place_and_value_the_rule_and_the_remedy(read, name):
    files, where, value = BROKEN[name]
    (problem,) = [
        problem
        for problem in problems(read, **files)
        if (problem.table, problem.row, problem.patient, problem.column) == where
    ]
    assert value in problem.value
    assert problem.rule
    assert problem.remedy


def test_remedies_name_what_is_meant(read):
    """A similar column, a similar patient, the row of the other course, the order of the dates."""
    for name, part in {
        "no such column": "--column relapse_date=onset",
        "an unknown patient": "'P2'",
        "day first": "2012-01-06 or 2012-06-01",
        "no leading zeros": "--dates ymd",
        "a date without hyphens": "write 2012-06-01",
    }.items():
        assert any(part in problem.remedy for problem in problems(read, **BROKEN[name][0]))
    (overlap,) = problems(read, **BROKEN["overlapping courses"][0])
    assert "within rituximab of row 2 (2012-01-01 to 2013-01-01)" in overlap.value


def test_patients_whose_identifiers_look_alike_are_two(read):
    treatments = TREATMENTS + "P01,rituximab,2012-05-01,2013-05-01,\n"
    cohort = read(treatments, RELAPSES + "P01,2012-08-01\n")
    assert cohort.patients == ("P01", "P1", "P2")
    assert cohort.frame["relapses"].tolist() == [1, 1, 0, 1]


def test_all_problems_of_both_tables_come_together_in_their_order(read):
    files = treatments("2012-01-01,2013", "2012-13-01,2013") | relapses("2012-06-01", "June")
    lines = said(read, **files)
    assert lines[0] == "t.csv and r.csv: 2 problems"
    assert [line.split(",")[0].strip() for line in lines[1:]] == ["treatments", "relapses"]


def test_contradictions_between_days_come_together_once_every_cell_is_valid(read):
    files = treatments("2012-01-01,2013-01-01", "2012-01-01,2011-01-01") | relapses("P2", "P9")
    assert len(said(read, **files)) == 3


def test_an_unreadable_cell_does_not_hide_contradictions_elsewhere(read):
    """Row 4 cannot be read; the order of P1's days and the untreated patient are named at the same time."""
    files = treatments("2012-01-01,2013-01-01", "2012-01-01,2011-01-01")
    files["treatments"] = files["treatments"].replace("2012-05-01", "May 2012")
    files |= {"relapses": RELAPSES + "P9,2012-07-15\nP1,2015-01-01\n"}
    lines = said(read, **files)
    assert lines[0] == "t.csv and r.csv: 4 problems"
    for line, part in zip(
        lines[1:],
        (
            "treatments, row 2, patient 'P1', column 'end': 2011-01-01",
            "treatments, row 4, patient 'P2', column 'start': 'May 2012'",
            "relapses, row 4, patient 'P9', column 'patient'",
            "relapses, row 5, patient 'P1', column 'onset': 2015-01-01, last day observed 2014-01-01",
        ),
        strict=True,
    ):
        assert part in line


def test_nothing_is_said_of_the_observation_of_a_patient_whose_courses_cannot_all_be_read(read):
    """P1 has an end only in a row that cannot be read, and P2 relapses after a course that can."""
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
    found = [(problem.table, problem.patient, problem.column) for problem in problems(read, **files)]
    assert ("relapses", "P1", "onset") not in found
    assert ("relapses", "P2", "patient") in found


def test_dates_among_numbers_are_not_set_against_each_other(read):
    files = treatments("2012-01-01,2013-01-01", "5,2013-01-01") | relapses("P2", "P9")
    mixed, unknown = problems(read, **files)
    assert (mixed.value, mixed.column) == ("5", "start")
    assert unknown.patient == "P9"


def test_without_a_required_column_unknown_patients_are_still_named(read):
    files = {"treatments": TREATMENTS.replace("start", "began", 1)} | relapses("P2", "P9")
    lines = said(read, **files)
    assert [line for line in lines if "the table has a column 'start'" in line]
    assert [line for line in lines if "'P9'" in line]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("t.csv", b"", "t.csv: 1 problem\n  empty file. Expected: the file has a header row"),
        ("r.csv", b"patient,onset\nP1,2012\xff\n", "byte 0xff is not UTF-8"),
        ("r.csv", b"patient|onset\nP1|2012-06-01\n", "cells separated by bars"),
        ("r.csv", b'patient,onset\nP1,"2012-06-01\n', "quotes open and close around a cell"),
        ("t.csv", b"PK\x03\x04", "an Excel workbook. Expected: a .csv file is plain text"),
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
        "columns={'record': 'patient'} (--column record=patient). Expected: the table has a column 'record'"
        in lines[1]
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
        "  treatments: row 2 holds the column names patient, treatment, start, end. Expected: the first row "
        "names the columns. Remove the rows above it."
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
