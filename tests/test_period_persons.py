"""A fact that cannot change within a person differs within one: two people share an identifier."""

from pathlib import Path

import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, load_example, read_events, read_periods
from nmo_stats.tables.column_names import is_fact

CASES = Path(__file__).parent / "cases"


def table(**columns):
    base = {
        "patient": ["1", "1", "2", "2"],
        "treatment": ["old", "new"] * 2,
        "relapses": [3, 0, 2, 1],
        "exposure_years": [1.5, 2.0, 1.0, 1.25],
    }
    return pd.DataFrame({**base, **columns})


def problems(call, *arguments):
    with pytest.raises(CohortError) as caught:
        call(*arguments)
    return caught.value.problems


@pytest.mark.parametrize(("name", "rows"), [("two_centres.csv", [4, 5]), ("two_centres_one_each.csv", [3])])
def test_two_centres_that_number_alike_are_refused_with_both_readings(name, rows):
    found = problems(read_periods, CASES / name)
    assert [(problem.row, problem.patient, problem.column) for problem in found] == [
        (row, "1", "centre") for row in rows
    ]
    assert "two people, give each an identifier of their own" in found[0].remedy
    assert "one person, write the same in all rows" in found[0].remedy


def test_each_reading_of_the_remedy_can_be_followed():
    centres = pd.read_csv(CASES / "two_centres.csv", dtype=str)
    two_people = centres.assign(patient=centres["centre"] + centres["patient"])
    assert Cohort.from_frame(two_people).compare("new", reference="old").patients == ("A1", "B1")
    moved = pd.read_csv(CASES / "two_centres_one_each.csv", dtype=str)
    assert Cohort.from_frame(moved.assign(centre="A")).patients == ("1", "2")
    renamed = moved.rename(columns={"centre": "centre_of_period"})
    assert Cohort.from_frame(renamed).covariates == ("centre_of_period",)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("center", ["A", "B"]),
        ("site", [1, 2]),
        ("Site ID", ["01", "02"]),
        ("hospital", ["x", "y"]),
        ("clinic", ["x", "y"]),
        ("sex", ["F", "M"]),
        ("sex_at_birth", ["F", "M"]),
        ("geb_jahr", [1970, 1971]),
        ("Gender", ["female", "male"]),
        ("birth_year", [1970, 1971]),
        ("date_of_birth", ["1970-01-01", "1970-01-02"]),
        ("DOB", ["1.1.70", "2.1.70"]),
        ("country", ["DE", "FR"]),
        ("ethnicity", ["a", "b"]),
        ("patient_sex", ["F", "M"]),
        ("Geschlecht", ["w", "m"]),
        ("Geburtsjahr", [1970, 1980]),
        ("sex (m/f)", ["f", "m"]),
    ],
)
def test_facts_by_name_may_not_change(column, values):
    frame = table(**{column: [values[0], values[1], values[0], values[0]]})
    (problem,) = problems(Cohort.from_frame, frame)
    assert (problem.row, problem.patient, problem.column) == (2, "1", column)


@pytest.mark.parametrize(
    "column",
    [
        "dose",
        "age",
        "age_years",
        "weight",
        "regimen",
        "year",
        "start_year",
        "note",
        "injection_site",
        "site_of_relapse",
        "centre_of_period",
        "edss",
        "visit",
        "country_of_purchase",
        "website",
    ],
)
def test_what_may_change_is_read(column):
    frame = table(**{column: [1, 2, 3, 3]})
    assert Cohort.from_frame(frame).covariates == (column,)
    assert not is_fact(column)


def test_spelling_and_empty_cells_are_no_change():
    frame = table(sex=["F", "f ", "", "M"], centre=["New York", "new  york", None, "B"])
    assert Cohort.from_frame(frame).patients == ("1", "2")
    unknown = table(
        sex=["F", "NA", "?", "M"],
        birth_year=["1970", "1970.0", "unknown", "1980"],
        clinic=["Zürich", "zurich", "-", "B"],
    )
    assert Cohort.from_frame(unknown).patients == ("1", "2")


def test_a_changed_fact_replaces_the_advice_to_number_the_periods():
    frame = table(patient="1", centre=["A", "A", "B", "B"])
    assert {problem.column for problem in problems(Cohort.from_frame, frame)} == {"centre"}


def test_any_column_that_changes_in_one_patient_only_is_noticed_where_enough_others_are_constant():
    patients = [name for name in "ABCDE" for _ in range(2)]
    values = [name.lower() for name in "ABCDE" for _ in range(2)]
    base = {"patient": patients, "treatment": ["old", "new"] * 5, "relapses": 1, "exposure_years": 1.5}
    frame = pd.DataFrame({**base, "ward": [*values[:-1], "z"]})
    (notice,) = [notice for notice in Cohort.from_frame(frame).notices if notice.code == "changed_once"]
    assert notice.patients == ("E",)
    for quiet in (
        frame.iloc[4:],
        frame.assign(ward=values),
        frame.assign(ward=[*values[:-3], "y", "x", "z"]),
    ):
        assert "changed_once" not in [notice.code for notice in Cohort.from_frame(quiet).notices]


def test_dated_events_of_two_people_are_refused_within_and_across_the_tables():
    treatments = pd.DataFrame(
        {
            "patient": ["1", "1"],
            "treatment": ["old", "new"],
            "start": ["2013-01-01", "2014-01-01"],
            "end": ["2014-01-01", "2015-01-01"],
            "centre": ["A", "A"],
        }
    )
    relapses = pd.DataFrame({"patient": ["1"], "onset": ["2013-02-01"], "centre": ["A"]})
    assert read_events(treatments, relapses).patients == ("1",)
    (problem,) = problems(read_events, treatments.assign(centre=["A", "B"]), relapses)
    assert (problem.table, problem.row) == ("treatments", 2)
    (problem,) = problems(read_events, treatments, relapses.assign(centre="B"))
    assert (problem.table, problem.row, problem.patient) == ("relapses", 1, "1")
    assert "treatments, row 1" in problem.value


def test_the_bundled_series_pass():
    for name in ("ayzenberg2013", "thall_vail1990"):
        frame = load_example(name).to_frame()
        assert Cohort.from_frame(frame).patients == load_example(name).patients


SITES = "patient,onset,site\n1,2009-07-01,optic nerve\n1,2010-08-01,spinal cord\n2,2009-09-01,optic nerve\n"


def courses(column=""):
    """Return two courses of three patients; ``column`` has the value A in every row."""
    rows = [
        f"{who},{course}"
        for who in (1, 2, 3)
        for course in ("old,2009-01-01,2010-01-01", "new,2010-01-01,2012-01-01")
    ]
    head = "patient,treatment,start,end"
    return "\n".join([f"{head},{column}", *(f"{row},A" for row in rows)] if column else [head, *rows]) + "\n"


def event_files(tmp_path, treatments, relapses):
    paths = tmp_path / "treatments.csv", tmp_path / "relapses.csv"
    for path, text in zip(paths, (treatments, relapses), strict=True):
        path.write_text(text)
    return paths


def test_the_site_of_an_attack_is_no_centre(tmp_path):
    cohort = read_events(*event_files(tmp_path, courses(), SITES))
    assert cohort.frame["relapses"].sum() == 3


def test_a_site_of_both_tables_and_the_centre_of_relapses_alone_are_facts(tmp_path):
    both = event_files(tmp_path, courses("site"), SITES)
    assert {problem.column for problem in problems(read_events, *both)} == {"site"}
    centre = event_files(tmp_path, courses(), SITES.replace("site", "centre"))
    assert [problem.row for problem in problems(read_events, *centre)] == [3]
