"""Weeks are a unit of their own, no unit is taken for another, and a wide table is told what it is."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, read_periods, sensitivity
from nmo_stats.audit.record import record
from nmo_stats.cohort.headers import unit_of
from nmo_stats.cohort.schema import EXPOSURES
from nmo_stats.hierarchical import Model

CASES = Path(__file__).parent / "cases"


def table(**columns):
    base = {"patient": ["A", "A", "B", "B"], "treatment": ["x", "y"] * 2, "relapses": [3, 0, 2, 1]}
    return pd.DataFrame({**base, **columns})


def problems(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


# ---- weeks


def test_weeks_are_seven_days_of_a_year_of_365_25():
    cohort = read_periods(CASES / "weeks.csv")
    assert cohort.unit == "exposure_weeks"
    assert cohort.years == pytest.approx([56 / 365.25] * 4, rel=1e-14)
    assert cohort.to_frame()["exposure_weeks"].tolist() == [8] * 4
    days = Cohort.from_frame(
        cohort.to_frame().assign(exposure_days=56).drop(columns="exposure_weeks")
    ).compare("new", reference="old")
    assert cohort.compare("new", reference="old").years == pytest.approx(days.years, rel=1e-14)


def test_weeks_are_read_checked_noticed_and_named_everywhere(run):
    whole = [notice.code for notice in read_periods(CASES / "weeks.csv").notices]
    assert "whole_weeks" in whole
    code, out, _ = run("check", CASES / "weeks.csv", "--comparator", "new", "--reference", "old")
    assert code == 0
    assert "times in weeks" in out
    content = json.loads(run("check", CASES / "weeks.csv", "--json")[1])
    assert content["exposure"] == "exposure_weeks"
    assert "exposure_weeks" in run("template", "--json")[1]
    (problem,) = problems(Cohort.from_frame, table(exposure_weeks=[0, 1.5, 2, 3]))
    assert (problem.row, problem.column) == (1, "exposure_weeks")
    (problem,) = problems(Cohort.from_frame, table(exposure_weeks=1.5, exposure_days=10))
    assert all(name in problem.rule for name in EXPOSURES)


def test_a_redcap_export_in_weeks_is_read(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,drug,n,weeks\n"
        "1,periods,1,old,2,10.5\n1,periods,2,new,0,20\n"
    )
    names = {"record_id": "patient", "drug": "treatment", "n": "relapses", "weeks": "exposure_weeks"}
    cohort = read_periods(path, names, instrument="periods")
    assert cohort.years == pytest.approx(np.array([10.5, 20]) * 7 / 365.25)


def test_whole_weeks_are_rounded_by_half_a_week():
    pair = read_periods(CASES / "weeks.csv").compare("new", reference="old")
    changes = list(sensitivity.assumptions.rounding(Model(pair)))
    assert len(changes) == 2
    assert np.abs(changes[0].to.years - pair.years) == pytest.approx(np.full((2, 2), 3.5 / 365.25))
    assert "1/2 week" in changes[0].name


def test_the_audit_converts_weeks():
    known = record(read_periods(CASES / "weeks.csv"))
    assert float(known.fact("exposure_days", "1", "old").span.value) == pytest.approx(56)
    assert float(known.fact("exposure_weeks", "1", "old").span.high) == pytest.approx(8.5)


# ---- no unit is another


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("weeks", "exposure_weeks"),
        ("Weeks", "exposure_weeks"),
        ("exposure_week", "exposure_weeks"),
        ("Exposure_Weeks", "exposure_weeks"),
        ("Follow-up (wks)", "exposure_weeks"),
        ("fu_weeks", "exposure_weeks"),
        ("months", "exposure_months"),
        ("exposure_month", "exposure_months"),
        ("expsure_months", "exposure_months"),
        ("fu_m", "exposure_months"),
        ("observation time (days)", "exposure_days"),
        ("days", "exposure_days"),
        ("FollowUpYears", "exposure_years"),
        ("years", "exposure_years"),
        ("exposure_yrs", "exposure_years"),
    ],
)
def test_the_remedy_for_a_time_with_a_unit_renames_it_to_that_unit_and_works(name, unit):
    frame = table(**{name: [10.5, 20, 30, 40]})
    (problem,) = problems(Cohort.from_frame, frame)
    assert f"columns={{{name!r}: {unit!r}}}" in problem.remedy
    assert Cohort.from_frame(frame, columns={name: unit}).unit == unit


@pytest.mark.parametrize(
    "name",
    ["exposure", "follow_up", "duration", "exposure_hours", "exposure_quarters", "fortnights", "m", "zzz"],
)
def test_a_time_without_one_of_the_units_gets_no_command(name):
    (problem,) = problems(Cohort.from_frame, table(**{name: [10.5, 20, 30, 40]}))
    assert "columns=" not in problem.remedy
    assert all(unit in problem.remedy for unit in EXPOSURES)
    assert unit_of(name) is None


def test_several_times_are_asked_about():
    (problem,) = problems(Cohort.from_frame, table(fu_days=[100] * 4, fu_months=[3.3] * 4))
    assert "'fu_days', 'fu_months'" in problem.remedy
    assert "columns=" not in problem.remedy


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("exposure_weeks", "exposure_months"),
        ("exposure_days", "exposure_years"),
        ("weeks", "exposure_months"),
        ("fu_days", "exposure_months"),
        ("months", "exposure_years"),
    ],
)
def test_a_renaming_from_one_unit_to_another_is_refused(name, ours):
    (problem,) = problems(Cohort.from_frame, table(**{name: [10.5, 20, 30, 40]}), columns={name: ours})
    assert "not one of another" in problem.rule


@pytest.mark.parametrize("ours", ["exposure_hours", "exposure_quarters", "exposure_decades"])
def test_an_unknown_unit_is_never_taken_for_one_that_looks_like_it(ours):
    for problem in problems(Cohort.from_frame, table(time=[10.5, 20, 30, 40]), columns={"time": ours}):
        assert "did you mean 'exposure_" not in problem.remedy


def test_a_further_time_beside_the_follow_up_is_no_misspelt_column():
    found = Cohort.from_frame(table(exposure_months=[10.5, 20, 30, 40], exposure_week=1)).notices
    assert "similar_column" not in [notice.code for notice in found]


# ---- wide tables

WIDE = {
    "id,attacks_before,attacks_after,months_before,months_after": (
        "attacks_before",
        "exposure_months from 'months_before'",
    ),
    "patient,relapses_rtx,relapses_tcz": ("relapses_rtx", "treatment 'tcz'"),
    "patient,pre_relapses,post_relapses,pre_years,post_years": (
        "pre_relapses",
        "exposure_years from 'post_years'",
    ),
    "patient,relapses1,relapses2,weeks1,weeks2": ("relapses1", "exposure_weeks from 'weeks2'"),
    "patient,treatment,attacksBefore,attacksAfter,fuBefore,fuAfter": ("attacksBefore", "by its unit"),
    "patient,Attacks (old),Attacks (new),Months (old),Months (new)": (
        "Attacks (old)",
        "exposure_months from 'Months (new)'",
    ),
    "patient,relapses_on_rtx,relapses_on_tcz,follow_up_on_rtx,follow_up_on_tcz": (
        "relapses_on_rtx",
        "'follow_up_on_tcz'",
    ),
    "patient,old,new,old_months,new_months": ("'old', 'new'", "exposure_months from 'new_months'"),
    "subject,Anfälle vor,Anfälle nach,Monate vor,Monate nach": ("Anfälle nach", "'Monate vor'"),
    "patient,ARR pre,ARR post": ("ARR pre", "the count, not the rate"),
}


@pytest.mark.parametrize("header", WIDE)
def test_a_wide_table_is_refused_for_what_it_is(tmp_path, header):
    path = tmp_path / "table.csv"
    path.write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    (problem,) = problems(read_periods, path)
    found, remedy = WIDE[header]
    assert "wide" in problem.rule
    assert found in problem.value
    assert remedy in problem.remedy
    assert "nmo-stats template" in problem.remedy


@pytest.mark.parametrize(
    "header",
    [
        "patient,relapse_date,relapse_severity",
        "patient,drug,n,exposure_months,age_months",
        "patient,old,new",
        "patient,drug,dose,n,exposure_days,dose_days,drug_days",
        "id,therapy,attacks,months,age,age_years,disease,disease_years",
        "a,b,c",
    ],
)
def test_other_tables_are_not_called_wide(tmp_path, header):
    path = tmp_path / "table.csv"
    path.write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    assert not any("wide" in problem.rule for problem in problems(read_periods, path))


def test_a_long_table_with_further_counts_is_read():
    frame = table(exposure_months=[10.5, 20, 30, 40], relapses_severe=1, relapses_mild=0)
    assert len(Cohort.from_frame(frame).patients) == 2


def test_the_wide_case_made_long_as_the_remedy_says_is_read():
    wide = pd.read_csv(CASES / "wide.csv", dtype=str)
    problems(read_periods, CASES / "wide.csv")
    rows = [
        {
            "patient": row["id"],
            "treatment": period,
            "relapses": row[f"attacks_{period}"],
            "exposure_months": row[f"months_{period}"],
        }
        for _, row in wide.iterrows()
        for period in ("before", "after")
    ]
    assert Cohort.from_frame(pd.DataFrame(rows)).compare("after", reference="before").totals == (7, 7)


@pytest.mark.parametrize(
    "columns",
    [
        "id,rel_rtx,rel_tcz,mon_rtx,mon_tcz",
        "ID,n_old,n_new,fu_old,fu_new",
        "pat,att_1,att_2,yrs_1,yrs_2",
    ],
)
def test_wide_tables_are_known_by_short_words_too(columns):
    frame = pd.DataFrame([[1, 4, 2, 3, 12], [2, 1, 0, 3, 12]], columns=columns.split(","))
    with pytest.raises(CohortError, match="this one is wide"):
        Cohort.from_frame(frame)


def test_no_command_chooses_between_columns_that_are_alike():
    frame = pd.DataFrame(
        [["1", "old", 4, 2, 12.5], ["1", "new", 1, 0, 3.5]],
        columns=["patient", "treatment", "relapses_before", "relapses_after", "exposure_months"],
    )
    with pytest.raises(CohortError) as caught:
        Cohort.from_frame(frame)
    (problem,) = caught.value.problems
    assert "'relapses_before' or 'relapses_after'" in problem.remedy
    assert "--column" not in problem.remedy
