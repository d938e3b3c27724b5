"""Every remedy that quotes a command or an option is provoked, and then followed to the letter.

A case is one table with a problem whose remedy can be executed. To add one: a name, the file with its
content, the options that are given with it, and the part of the remedy that is to be followed.
"""

import ast
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, read_events, read_periods

SOURCE = Path(__file__).parents[1] / "src" / "nmo_stats"
COMMANDS = re.compile(r"--[a-z][\w-]*|columns=\{|decimal='|nmo-stats [a-z]+")
HEADER = "patient,treatment,relapses,exposure_months\n"
ROWS = "A,old,3,12.5\nA,new,0,20.5\n"


@dataclass(frozen=True)
class Case:
    """A table with one kind of problem.

    Parameters
    ----------
    name
        Of the file; its suffix says how it is written.
    text
        Its content; cells are separated by commas, or as the suffix says.
    quotes
        Part of the remedy that quotes the command.
    sheets
        Further sheets of a workbook.
    options
        Given on the command line together with the file.
    """

    name: str
    text: str
    quotes: str
    sheets: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


CASES = {
    "a patient column under another name": Case(
        "t.csv", (HEADER + ROWS).replace("patient,", "record_id,"), "--column record_id=patient"
    ),
    "a column with a blank": Case(
        "t.csv", (HEADER + ROWS).replace("relapses", "Relapses "), '--column "Relapses =relapses"'
    ),
    "a treatment column under another name": Case(
        "t.csv", (HEADER + ROWS).replace("treatment", "drug"), "--column drug=treatment"
    ),
    "a time in weeks": Case(
        "t.csv", (HEADER + ROWS).replace("exposure_months", "weeks"), "--column weeks=exposure_weeks"
    ),
    "a time in days": Case(
        "t.csv",
        (HEADER + ROWS).replace("exposure_months", "fu days").replace(".5", ""),
        '--column "fu days=exposure_days"',
    ),
    "a time in months": Case(
        "t.csv", (HEADER + ROWS).replace("exposure_months", "Months"), "--column Months=exposure_months"
    ),
    "a time in years": Case(
        "t.csv", (HEADER + ROWS).replace("exposure_months", "years"), "--column years=exposure_years"
    ),
    "a renaming the wrong way round": Case(
        "t.csv",
        (HEADER + ROWS).replace("patient,", "id,"),
        "--column id=patient",
        options=("--column", "patient=id"),
    ),
    "decimal commas in a .tsv file": Case(
        "t.tsv", (HEADER + ROWS).replace(",", "\t").replace(".", ","), "--decimal ,"
    ),
    "decimal commas in a workbook": Case("t.xlsx", (HEADER + ROWS).replace(".", ";"), "--decimal ,"),
    "the table is on another sheet": Case(
        "t.xlsx", "read,me\n1,2\n", "--sheet periods", {"periods": HEADER + ROWS}
    ),
    "a sheet with a blank in its name": Case(
        "t.xlsx", "read,me\n1,2\n", '--sheet "my periods"', {"my periods": HEADER + ROWS}
    ),
    "a REDCap export with repeating instruments": Case(
        "t.csv",
        "patient,redcap_repeat_instrument,redcap_repeat_instance,treatment,relapses,exposure_months\n"
        "A,periods,1,old,3,12.5\nA,periods,2,new,0,20.5\n",
        "--instrument periods",
    ),
}


def write(folder, case):
    path = folder / case.name
    if path.suffix != ".xlsx":
        path.write_text(case.text)
        return path
    book = openpyxl.Workbook()
    for title, text in {"first": case.text, **case.sheets}.items():
        sheet = book.active if title == "first" else book.create_sheet(title)
        for line in text.splitlines():
            cells = [cell.replace(";", ",") for cell in line.split(",")]
            sheet.append([int(cell) if cell.isdigit() else number(cell) for cell in cells])
    book.save(path)
    return path


def number(cell):
    return float(cell) if re.fullmatch(r"\d+\.\d+", cell) else cell


@pytest.mark.parametrize("name", CASES)
def test_the_option_that_a_remedy_quotes_works_when_followed(run, tmp_path, name):
    case = CASES[name]
    path = write(tmp_path, case)
    code, _, err = run("check", path, *case.options)
    assert code == 2
    assert case.quotes in err.replace("\n", " ")
    code, out, err = run("check", path, *shlex.split(case.quotes))
    assert (code, err) == (0, ""), err
    assert "valid; 1 patient, 2 periods" in out


@pytest.mark.parametrize("name", [name for name in CASES if "--column" in CASES[name].quotes])
def test_the_renaming_that_a_remedy_quotes_works_in_python(tmp_path, name):
    case = CASES[name]
    frame = pd.read_csv(write(tmp_path, case), dtype=str)
    given = dict([case.options[1].split("=")]) if case.options else None
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame, columns=given)
    quoted = re.search(r"columns=\{'(.+?)': '(\w+)'\}", caught.value.problems[0].remedy)
    assert Cohort.from_frame(frame, columns={quoted[1]: quoted[2]}).patients == ("A",)


@pytest.mark.parametrize("name", [name for name in CASES if "--column" not in CASES[name].quotes])
def test_the_keyword_that_a_remedy_quotes_works_in_python(tmp_path, name):
    path = write(tmp_path, CASES[name])
    with pytest.raises(CohortError) as caught:
        read_periods(path)
    keyword, value = re.search(r"(decimal|sheet|instrument)='(.+?)'", str(caught.value)).groups()
    assert read_periods(path, **{keyword: value}).patients == ("A",)


def test_a_data_frame_with_decimal_commas_is_read_with_the_keyword():
    frame = pd.DataFrame(
        {
            "patient": ["A", "A"],
            "treatment": ["old", "new"],
            "relapses": [3, 0],
            "exposure_months": ["12,5", "20,5"],
        }
    )
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    assert "decimal=','" in caught.value.problems[0].remedy
    assert Cohort.from_frame(frame, decimal=",").years.tolist() == [12.5 / 12, 20.5 / 12]


def test_where_several_columns_may_be_meant_no_command_is_quoted():
    frame = pd.DataFrame({"who": ["A"], "zzz": ["old"], "relapses": [3], "exposure_months": [12.5]})
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    for problem in caught.value.problems:
        assert not COMMANDS.search(problem.remedy)
        assert "'who'" in problem.remedy


def test_one_column_is_not_offered_for_two_of_ours():
    frame = pd.DataFrame({"patients": ["A"], "old": [1], "exposure_months": [12.5]})
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    offered = [
        match[1]
        for problem in caught.value.problems
        if (match := re.search(r"columns=\{'(.+?)'", problem.remedy))
    ]
    assert len(offered) == len(set(offered))


def test_the_template_that_remedies_point_to_exists(run, tmp_path):
    (tmp_path / "t.csv").write_text("")
    code, _, err = run("check", tmp_path / "t.csv")
    assert code == 2
    command = re.search(r"`nmo-stats (\w+)`", err)[1]
    assert run(command)[0] == 0


def test_the_list_of_quantities_that_the_audit_points_to_exists(run):
    code, printed, _ = run("audit", "--quantities")
    assert code == 0
    assert "rate_ratio" in printed


def test_no_remedy_tells_to_leave_a_row_out_that_may_hold_data():
    """Only the total of the others may go, and of an audit a number that is there twice, or incomparable."""
    advice = re.compile(r"(?:leave|take|remove|delete|drop) (?:this|the|that) (?:\w+ )?row\b", re.IGNORECASE)
    texts = {path.name: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    advised = {name for name, text in texts.items() if advice.search(text)}
    assert advised <= {"names.py", "rows.py", "published.py", "printed_value.py"}


def test_every_option_that_the_rules_of_the_period_table_quote_has_a_case():
    files = [
        *sorted(set((SOURCE / "cohort").glob("*.py")) - {SOURCE / "cohort" / "published.py"}),
        SOURCE / "tables" / "columns.py",
        SOURCE / "tables" / "column_names.py",
        SOURCE / "tables" / "cells.py",
    ]
    constants = [
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    options = {option for text in constants for option in re.findall(r"--[a-z][a-z-]*", text)}
    commands = {command for text in constants for command in re.findall(r"nmo-stats [a-z]+", text)}
    followed = {option for case in CASES.values() for option in re.findall(r"--[a-z][a-z-]*", case.quotes)}
    assert options <= followed
    assert commands <= {"nmo-stats template"}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("relapses", ""),
        ("relapses", "NA"),
        ("relapses", "-1"),
        ("exposure_months", ""),
        ("exposure_months", "0"),
        ("patient", ""),
        ("treatment", ""),
    ],
)
def test_a_row_with_a_faulty_cell_is_to_be_corrected_from_the_source(column, cell):
    frame = pd.DataFrame(
        {
            "patient": ["A", "A"],
            "treatment": ["old", "new"],
            "relapses": ["3", "0"],
            "exposure_months": ["12.5", "20.5"],
        }
    )
    frame.loc[1, column] = cell
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    assert "source" in caught.value.problems[0].remedy
    assert "out" not in caught.value.problems[0].remedy.split()


def test_an_event_without_a_day_is_not_to_be_left_out():
    treatments = pd.DataFrame(
        {"patient": ["A"], "treatment": ["old"], "start": ["2013-01-01"], "end": ["2014-01-01"]}
    )
    with pytest.raises(CohortError) as caught:
        read_events(treatments, pd.DataFrame({"patient": ["A"], "onset": ["NA"]}))
    assert "source" in caught.value.problems[0].remedy
