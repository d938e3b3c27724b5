"""Files as other programs write them: LibreOffice and openpyxl, decimal commas, REDCap exports."""

import datetime
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from nmo_stats import ArgumentError, CohortError, TableFile, read_events, read_periods

LIBREOFFICE = Path(__file__).parent / "reference" / "libreoffice.xlsx"
DAY = datetime.date
SHEETS = {
    "treatments": [
        ["patient", "treatment", "start", "end", "last_visit", "edss_start", "age"],
        [101, "rituximab", DAY(2010, 3, 1), DAY(2012, 3, 1), DAY(2013, 9, 30), 5.5, 41],
        [101, "tocilizumab", DAY(2012, 3, 15), None, DAY(2013, 9, 30), 6, 43],
        ["P2", "rituximab", DAY(2011, 1, 10), DAY(2012, 1, 10), None, 3.5, 28],
        ["P2", "tocilizumab", DAY(2012, 1, 10), DAY(2013, 6, 1), None, 4, 29],
    ],
    "relapses": [
        ["patient", "onset", "severity"],
        [101, DAY(2010, 8, 1), "mild"],
        [101, DAY(2011, 2, 2), "severe"],
        ["P2", DAY(2011, 5, 5), None],
        ["P2", DAY(2012, 1, 10), None],
        ["P2", DAY(2012, 11, 30), "mild"],
    ],
}


def from_workbook(path):
    return read_events(TableFile(path, sheet="treatments"), TableFile(path, sheet="relapses"))


def test_a_workbook_of_libreoffice_and_one_of_openpyxl_read_the_same(tmp_path):
    """LibreOffice 7.4 saved the stored file from these cells, an age and an onset as formulas and results."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in SHEETS.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "openpyxl.xlsx")
    ours, theirs = from_workbook(tmp_path / "openpyxl.xlsx"), from_workbook(LIBREOFFICE)
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    pd.testing.assert_frame_equal(ours.relapse_times, theirs.relapse_times)
    assert theirs.frame["relapses"].tolist() == [2, 0, 2, 1]
    assert theirs.frame["exposure_days"].tolist() == [731, 564, 365, 508]
    assert theirs.patients == ("101", "P2")


# ---- decimal commas

SEMICOLONS = """\
patient;treatment;relapses;exposure_months;edss_start;weight;note
1;rituximab;6;32,5;5,0;61,5;a,b
1;tocilizumab;1;21;6,5;60;c
"""


@pytest.fixture
def save(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_decimal_commas_are_read_where_they_are_declared(save):
    cohort = read_periods(save(SEMICOLONS), decimal=",")
    assert cohort.frame["exposure_months"].tolist() == [32.5, 21]
    assert cohort.frame["edss_start"].tolist() == [5, 6.5]
    assert cohort.frame["weight"].tolist() == [61.5, 60]
    assert cohort.frame["note"].tolist() == ["a,b", "c"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "32.5",
            "'32.5'. Expected: a number of this table has a decimal comma. "
            "Write a decimal comma and no thousands separator",
        ),
        (
            "1.032,5",
            "'1.032,5'. Expected: a number of this table has a decimal comma. "
            "Write a decimal comma and no thousands separator",
        ),
        ("1 032,5", "'1 032,5'. Expected: follow-up time is a finite number > 0. Write a plain number"),
    ],
)
def test_a_thousands_separator_is_refused(save, cell, message):
    with pytest.raises(CohortError) as caught:
        read_periods(save(SEMICOLONS.replace("32,5", cell)), decimal=",")
    assert f"row 2, patient '1', column 'exposure_months': {message}" in str(caught.value)


def test_decimal_commas_are_never_guessed(save):
    with pytest.raises(CohortError) as caught:
        read_periods(save(SEMICOLONS))
    assert [(problem.column, problem.value) for problem in caught.value.problems] == [
        ("weight", "'61,5'"),
        ("exposure_months", "'32,5'"),
        ("edss_start", "'5,0'"),
        ("edss_start", "'6,5'"),
    ]
    assert all("--decimal ," in problem.remedy for problem in caught.value.problems)
    commas = SEMICOLONS.replace(",", ".").replace(";", ",")
    with pytest.raises(CohortError, match="cells separated by commas"):
        read_periods(save("patient,treatment\n1,2\n"), decimal=",")
    assert read_periods(save(commas)).frame["exposure_months"].tolist() == [32.5, 21]
    with pytest.raises(ArgumentError, match="decimal ';'"):
        read_periods(save(commas), decimal=";")


def test_a_table_with_tabs_may_have_decimal_commas(save):
    path = save(SEMICOLONS.replace(";", "\t"), "table.tsv")
    assert read_periods(path, decimal=",").frame["exposure_months"].tolist() == [32.5, 21]


# ---- REDCap

REDCAP = """\
record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,last_seen,drug,drug_start,drug_stop,\
relapse_date,relapse_severity
1,,,F,2014-01-01,,,,,
1,treatment,1,,,rituximab,2011-01-01,2012-01-01,,
1,treatment,2,,,tocilizumab,2012-01-01,,,
1,relapse,1,,,,,,2011-06-01,mild
1,relapse,2,,,,,,2013-06-01,severe
2,,,M,2013-01-01,,,,,
2,treatment,1,,,rituximab,2010-01-01,2011-06-01,,
2,treatment,2,,,tocilizumab,2011-06-01,2012-12-01,,
2,relapse,1,,,,,,2010-04-01,mild
"""
NAMES = {
    "record_id": "patient",
    "drug": "treatment",
    "drug_start": "start",
    "drug_stop": "end",
    "last_seen": "last_visit",
    "relapse_date": "onset",
    "relapse_severity": "severity",
}


def from_redcap(path, treatment="treatment", relapse="relapse"):
    return read_events(
        TableFile(path, instrument=treatment), TableFile(path, instrument=relapse), columns=NAMES
    )


def test_one_redcap_export_holds_both_tables_and_the_facts_of_the_patient(save):
    cohort = from_redcap(save(REDCAP))
    assert cohort.frame["exposure_days"].tolist() == [365, 731, 516, 549]
    assert cohort.frame["relapses"].tolist() == [1, 1, 1, 0]
    assert cohort.frame["ongoing"].tolist() == [False, True, False, False]
    assert cohort.where(sex="F").patients == ("1",)
    assert cohort.covariates == ("sex",)
    assert cohort.account.attrition["days_after"].tolist() == [0, 31]


def test_rows_of_a_redcap_export_keep_their_numbers(save):
    with pytest.raises(CohortError) as caught:
        from_redcap(save(REDCAP.replace("2013-06-01", "2013-06-32")))
    assert "relapses, row 6, patient '1', column 'onset': '2013-06-32'" in str(caught.value)


def test_a_redcap_export_without_a_choice_is_refused_with_advice(save):
    path = save(REDCAP)
    calls = {
        "instrument='treatment' (--instrument treatment) or": lambda: read_periods(path),
        "(--instrument treatments=treatment --instrument relapses=relapse)": lambda: read_events(
            path, path, columns=NAMES
        ),
    }
    for remedy, call in calls.items():
        with pytest.raises(CohortError) as caught:
            call()
        assert (
            "rows of the REDCap instruments 'treatment', 'relapse'. "
            "Expected: a table holds the rows of one instrument." in str(caught.value)
        )
        assert remedy in str(caught.value)


def test_an_instrument_that_is_not_there_is_named_with_those_that_are(save):
    with pytest.raises(
        CohortError, match=r"the file has the instruments 'treatment', 'relapse'\. Did you mean 'relapse'"
    ):
        from_redcap(save(REDCAP), relapse="Relapses")
    with pytest.raises(CohortError, match=r"'Repeat Instrument'\. Leave the instrument out"):
        read_periods(save(SEMICOLONS.replace(",", ".").replace(";", ","), "p.csv"), instrument="treatment")


def test_two_rows_of_a_record_that_contradict_each_other_are_refused(save):
    again = REDCAP + "1,,,M,2014-01-01,,,,,\n"
    with pytest.raises(CohortError) as caught:
        from_redcap(save(again))
    (problem,) = caught.value.problems
    assert (problem.row, problem.patient, problem.column) == (11, "1", "sex")
    assert "'M'" in problem.value
    assert "'F'" in problem.value


def test_a_period_table_may_be_an_instrument(save):
    text = """\
record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,drug,n_relapses,months,lab
1,,,F,,,,
1,period,1,,rituximab,3,12.5,
1,period,2,,tocilizumab,0,10,
1,visit,1,,,,,7.1
"""
    names = {
        "record_id": "patient",
        "drug": "treatment",
        "n_relapses": "relapses",
        "months": "exposure_months",
    }
    cohort = read_periods(save(text), names, instrument="period")
    assert cohort.compare("tocilizumab", reference="rituximab").totals == (3, 0)
    assert cohort.covariates == ("sex",)


# ---- from the command line


def columns():
    return [part for foreign, ours in NAMES.items() for part in ("--column", f"{foreign}={ours}")]


def test_a_redcap_export_is_checked_and_described_from_the_command_line(run, save):
    path = save(REDCAP)
    data = ["--treatments", path, "--relapses", path, *columns()]
    instruments = ["--instrument", "treatments=treatment", "--instrument", "relapses=relapse"]
    code, out, err = run("check", *data, *instruments)
    assert (code, err) == (0, "")
    text = " ".join(out.split())
    assert "2 relapses in 2.41 years on rituximab and 1 relapse in 3.50 years on tocilizumab" in text
    code, out, _ = run("describe", "--json", *data, *instruments)
    assert code == 0
    assert {row["relapses"] for row in json.loads(out)["arr"] if row["patient"] is None} == {1, 2}
    code, _, err = run("check", *data)
    assert code == 2
    assert "--instrument treatments=treatment --instrument relapses=relapse" in err


def test_check_says_in_json_what_would_be_analysed(run, save):
    path = save(REDCAP)
    code, out, _ = run(
        "check", "--json", "--treatments", path, "--relapses", path, *columns(), "--run-in-days", 31,
        "--instrument", "treatments=treatment", "--instrument", "relapses=relapse",
    )  # fmt: skip
    found = json.loads(out)
    assert (code, found["valid"], found["exposure"]) == (0, True, "exposure_days")
    assert found["comparison"] == {
        "comparator": "tocilizumab",
        "reference": "rituximab",
        "reason": None,
        "patients": 2,
        "relapses": [2, 1],
        "years": pytest.approx([(365 + 516 - 62) / 365.25, (731 + 549 - 62) / 365.25]),
        "unpaired": [],
        "relapses_unmerged": None,
    }
    assert found["attrition"]["relapses_in"] == found["attrition"]["relapses_kept"] == 3
    assert found["attrition"]["days_run_in"] == 4 * 31
    assert found["switch_days"] == []
    assert found["attrition"]["days_in"] == sum(
        found["attrition"][f"days_{name}"] for name in ("gap", "after", "run_in", "kept")
    )


def test_check_lists_the_relapses_on_a_switch_day(run, save):
    treatments = "patient,treatment,start,end\nA,old,2010-01-01,2011-01-01\nA,new,2011-01-01,2012-01-01\n"
    tables = save(treatments, "t.csv"), save("patient,onset\nA,2011-01-01\n", "r.csv")
    out = run("check", "--json", "--treatments", tables[0], "--relapses", tables[1])[1]
    found = json.loads(out)
    assert found["switch_days"] == [
        {"patient": "A", "onset": "2011-01-01", "counted_on": "old", "started": "new"}
    ]
    assert "switch_day" in [notice["code"] for notice in found["notices"]]


def test_sheets_and_decimals_are_options(run, save):
    code, out, _ = run(
        "check",
        "--treatments",
        LIBREOFFICE,
        "--relapses",
        LIBREOFFICE,
        "--sheet",
        "treatments=treatments",
        "--sheet",
        "relapses=relapses",
    )
    assert code == 0
    assert "2 patients, 4 periods, times in days" in out
    code, out, _ = run("check", "--decimal", ",", save(SEMICOLONS))
    assert code == 0
    assert "times in months" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "--treatments", "t.csv"], "--relapses: missing"),
        (["rates", "--relapses", "t.csv"], "--treatments: missing"),
        (["describe", "p.csv", "--treatments", "t.csv", "--relapses", "r.csv"], "not both"),
        (["check"], "name a period table, or --treatments and --relapses"),
        (["check", "p.csv", "--gap", "drop"], "they belong to --treatments and --relapses"),
        (["check", "p.csv", "--gap", "none"], "gap 'none'. Expected: 'drop', 'previous'."),
        (["check", "p.csv", "--sheet", "a", "--sheet", "b"], "one name for each table"),
        (["check", "p.csv", "--sheet", "a"], "p.csv is not a workbook"),
        (["describe", "--sheet", "a"], "belong to a file, and none is named"),
        (
            [
                "check",
                "--treatments",
                "b.xlsx",
                "--relapses",
                "b.xlsx",
                "--sheet",
                "a",
                "--sheet",
                "relapses=b",
            ],
            "one name for each table",
        ),
    ],
)
def test_options_that_do_not_belong_together_are_refused(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_every_command_shows_the_same_options_for_its_data(run):
    options = (
        "--treatments",
        "--relapses",
        "--min-gap-days",
        "--run-in-days",
        "--gap",
        "--sheet",
        "--decimal",
        "--instrument",
        "--column",
    )
    for command in ("report", "rates", "sensitivity", "describe", "check"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert [option for option in options if option not in out] == []


def test_check_says_when_nothing_can_be_compared_yet(run, save):
    text = "patient,treatment,relapses,exposure_years\nA,x,1,2\nA,y,0,2\n"
    code, out, _ = run("check", save(text))
    assert code == 0
    assert "--comparator and --reference" in " ".join(out.split())
    code, out, _ = run("check", save(text), "--comparator", "y", "--reference", "x")
    text = " ".join(out.split())
    assert "1 relapse in 2.00 years on x and 0 relapses in 2.00 years on y" in text


def test_the_template_of_dated_events_prints_without_a_file(run):
    code, out, _ = run("template", "--events")
    assert code == 0
    assert "patient,treatment,start,end" in out
    assert "patient,onset,severity" in out
    code, out, _ = run("template", "--events", "--json")
    assert {"onset", "last_visit"} <= {column["name"] for column in json.loads(out)["columns"]}
