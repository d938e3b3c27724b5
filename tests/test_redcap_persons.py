"""Rows of a REDCap record that contradict each other about the person, and boxes with negative codes."""

from pathlib import Path

import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, TableFile, read_events, read_periods

LONGITUDINAL = (Path(__file__).parent / "cases" / "redcap_longitudinal.csv").read_text()
RECORD = {"record_id": "patient"}


@pytest.fixture
def save(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


def refusal(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


@pytest.mark.parametrize(
    ("edited", "row"),
    [
        (LONGITUDINAL.replace("1,before_arm_1,,", "1,before_arm_1,2,"), 3),
        (LONGITUDINAL.replace("2,after_arm_1,,", "2,after_arm_1,1,"), 7),
        (LONGITUDINAL + "1,final_arm_1,2,,,\n", 8),
    ],
)
def test_a_sex_that_differs_between_the_events_of_a_record_is_two_people(save, edited, row):
    (problem,) = refusal(read_periods, save(edited), RECORD)
    assert (problem.row, problem.patient, problem.column) == (row, "1" if row != 7 else "2", "sex")
    assert "two people, give each an identifier of their own" in problem.remedy


def test_each_reading_of_the_remedy_can_be_followed(save):
    two = LONGITUDINAL.replace("1,before_arm_1,,", "1,before_arm_1,2,")
    assert read_periods(save(two.replace("before_arm_1,2,", "before_arm_1,1,")), RECORD).patients == (
        "1",
        "2",
    )
    renamed = read_periods(save(two.replace(",sex,", ",sex_of_period,")), RECORD)
    assert "sex_of_period" in renamed.covariates


def test_a_sex_entered_in_one_event_too_is_kept_for_every_patient(save):
    cohort = read_periods(save(LONGITUDINAL.replace("1,before_arm_1,,", "1,before_arm_1,1.0,")), RECORD)
    assert cohort.where(sex=2).patients == ("2",)
    assert cohort.where(sex=1).patients == ("1",)


def test_a_sex_that_differs_between_instruments_is_two_people(save):
    text = (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,treatment,start,end,onset\n"
        "1,,,f,,,,\n1,therapy,1,m,old,2009-01-01,2010-01-01,\n1,therapy,2,m,new,2010-01-01,2011-01-01,\n"
        "1,relapse,1,,,,,2009-05-01\n"
    )
    path = save(text)
    tables = [TableFile(path, instrument=name) for name in ("therapy", "relapse")]
    assert {problem.column for problem in refusal(read_events, *tables, columns=RECORD)} == {"sex"}


def test_a_box_with_a_negative_code_is_one_of_the_set():
    columns = ["record_id", "treatment___1", "treatment____99", "relapses", "exposure_months"]
    frame = pd.DataFrame([[1, 1, 0, 6, 32], [1, 0, 1, 1, 21]], columns=columns)
    assert len(Cohort.from_frame(frame.rename(columns=RECORD)).treatments) == 2


def test_an_export_without_columns_of_its_own_lacks_ours(save):
    path = save("redcap_repeat_instrument,redcap_repeat_instance\nperiods,1\n")
    found = refusal(read_periods, path, instrument="periods")
    assert [problem.column for problem in found] == ["patient", "treatment", "relapses", "exposure"]
