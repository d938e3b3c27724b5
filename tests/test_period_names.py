"""What stands in the columns of patients and treatments without being one: totals, and words for unknown."""

from pathlib import Path

import pandas as pd
import pytest

from nmo_stats import ArgumentError, Cohort, CohortError, Comparison, load_example, read_events, read_periods
from nmo_stats.cohort.rows import SUMMARY_RULE

CASES = Path(__file__).parent / "cases"
SUMMARIES = [
    "Total",
    "TOTAL",
    "total (n=3)",
    "Total:",
    "Totals",
    "Grand total",
    "Subtotal centre A",
    "Sum",
    "Σ",
    "Mean",
    "Mean ± SD",
    "mean (SD)",
    "Mean-SD",
    "Median",
    "Median [IQR]",
    "All",
    "ALL PATIENTS",
    "all (n=3)",
    "All 3 patients",
    "all_patients",
    "Overall",
    "overall mean",
    "Average",
    "Average/median",
    "Pooled",
    "Summe",
    "Gesamt",
    "Gesamt (n = 3)",
    "Mittelwert",
    "Durchschnitt",
    "Insgesamt",
    "médiane",
    "moyenne",
    "Total*",
    "sum of all",
    "Ø",
    "Medianwert",
    "Итого",
    "Среднее",
    "średnia",
    "合計",
    "Media",
    "Toplam (n=3)",
]
PATIENTS = [
    "1",
    "P1",
    "ALL-01",
    "SUM12",
    "TOTAL-03",
    "Max",
    "Alla",
    "Anna",
    "M",
    "SD",
    "N",
    "A-1",
    "007",
    "+",
    "Nan Li",
    "Maxim",
    "Jørgen",
    "Medina",
    "Summer",
]
UNKNOWN = [
    "NA",
    "na",
    "N/A",
    "n.a.",
    "-",
    "–",
    "--",
    "?",
    "??",
    ".",
    "unknown",
    "(unknown)",
    "Missing",
    "none",
    "NULL",
    "NaN",
    "<NA>",
    "not known",
    "n.d.",
    " - ",
    "TBD",
    "unbek.",
    "keine Angabe",
    "no data",
]


def table(patients=("1", "1", "2", "2"), treatments=("old", "new") * 2):
    return pd.DataFrame(
        {
            "patient": patients,
            "treatment": treatments,
            "relapses": [3, 0, 2, 1],
            "exposure_years": [1.5, 2, 1, 1.25],
        }
    )


def problems(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


def test_the_total_of_a_file_is_refused_row_by_row():
    found = problems(read_periods, CASES / "totals.csv")
    assert [(problem.row, problem.patient, problem.column) for problem in found] == [
        (8, "Total", "patient"),
        (9, "Total", "patient"),
    ]
    assert all("leave this row out" in problem.remedy for problem in found)


@pytest.mark.parametrize("name", SUMMARIES)
def test_summaries_are_no_patients_in_frames_arrays_and_events(name):
    for found in (
        problems(Cohort.from_frame, table(["1", "1", name, name])),
        problems(Comparison.from_arrays, [[3, 0], [2, 1]], [[1.5, 2], [1, 1.25]], ["1", name]),
        problems(read_events, *dated(name, "old")),
    ):
        assert {problem.rule for problem in found} == {SUMMARY_RULE}


@pytest.mark.parametrize("name", PATIENTS)
def test_codes_and_initials_are_patients(name):
    assert Cohort.from_frame(table(["x", "x", name, name])).patients == ("x", name)
    assert Comparison.from_arrays([[3, 0], [2, 1]], [[1.5, 2], [1, 1.25]], ["x", name]).patients[1] == name


def test_the_other_cells_of_a_mean_are_not_complained_about():
    frame = table(["1", "1", "Mean", "Mean"]).astype({"relapses": "object"})
    frame["relapses"] = [3, 0, 2.5, "1.5 (0-3)"]
    assert {problem.column for problem in problems(Cohort.from_frame, frame)} == {"patient"}


@pytest.mark.parametrize("name", ["Total", "all treatments", "Mean", "overall", "Sum of both periods"])
def test_a_total_over_treatments_is_no_treatment(name):
    (problem,) = problems(Cohort.from_frame, table(treatments=("old", "new", "old", name)))
    assert (problem.column, problem.row) == ("treatment", 4)


@pytest.mark.parametrize(
    "name", ["combined", "total body irradiation", "untreated", "no treatment", "RTX+MMF", "placebo", "-80"]
)
def test_treatments_with_such_words_are_treatments(name):
    assert name in Cohort.from_frame(table(treatments=("old", name) * 2)).treatments


@pytest.mark.parametrize("word", UNKNOWN)
@pytest.mark.parametrize("column", ["patient", "treatment"])
def test_words_for_unknown_are_no_names(word, column):
    frame = table(patients=["1", "1", "2", "3"])
    frame.loc[3, column] = word
    (problem,) = problems(Cohort.from_frame, frame)
    assert (problem.row, problem.column) == (4, column)
    assert "unknown" in problem.rule
    assert "source" in problem.remedy


def test_patients_called_na_in_a_file_are_refused_with_a_remedy_that_works(tmp_path):
    found = problems(read_periods, CASES / "missing_id.csv")
    assert [(problem.row, problem.value) for problem in found] == [
        (4, "'NA'"),
        (5, "'NA'"),
        (6, "'-'"),
        (7, "'-'"),
    ]
    assert all("another identifier, such as a number" in problem.remedy for problem in found)
    path = tmp_path / "table.csv"
    path.write_text((CASES / "missing_id.csv").read_text().replace("NA,", "2,").replace("-,", "3,"))
    assert read_periods(path).patients == ("1", "2", "3")


def test_a_time_without_treatment_is_called_untreated():
    (problem,) = problems(Cohort.from_frame, table(treatments=("old", "new", "old", "none")))
    assert "'untreated'" in problem.remedy
    assert "untreated" in Cohort.from_frame(table(treatments=("untreated", "new") * 2)).treatments


def dated(patient, treatment):
    treatments = pd.DataFrame(
        {"patient": [patient], "treatment": [treatment], "start": ["2013-01-01"], "end": ["2014-01-01"]}
    )
    return treatments, pd.DataFrame({"patient": [patient], "onset": ["2013-02-01"]})


@pytest.mark.parametrize("word", UNKNOWN)
def test_words_for_unknown_are_no_names_in_dated_events(word):
    assert [(problem.table, problem.column) for problem in problems(read_events, *dated(word, "old"))] == [
        ("treatments", "patient"),
        ("relapses", "patient"),
    ]
    (problem,) = problems(read_events, *dated("1", word))
    assert problem.column == "treatment"


def test_an_unknown_severity_is_still_a_severity():
    treatments, relapses = dated("1", "old")
    assert read_events(treatments, relapses.assign(severity="unknown")).relapse_times[
        "severity"
    ].tolist() == ["unknown"]


def test_words_for_unknown_are_no_names_beside_arrays_and_in_where():
    found = problems(Comparison.from_arrays, [[3, 0], [2, 1]], [[1.5, 2], [1, 1.25]], ["1", "NA"])
    assert [(problem.row, problem.patient) for problem in found] == [(2, "NA")]
    for column in ("patient", "treatment"):
        with pytest.raises(ArgumentError, match="unknown"):
            Cohort.from_frame(table()).where(**{column: "NA"})


@pytest.mark.parametrize("column", ["patient", "treatment"])
def test_words_for_unknown_in_printed_numbers_are_empty_cells(column):
    row = {
        "quantity": "arr",
        "patient": "1",
        "treatment": "rituximab",
        "value": 2.3,
        "decimals": 1,
        "place": "-",
    }
    found = problems(load_example().with_published, pd.DataFrame([row | {column: "NA"}]))
    assert "empty" in found[0].remedy
    assert len(load_example().with_published(pd.DataFrame([row])).published) == 1
