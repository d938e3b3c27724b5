"""The bundled data: the founding example cell by cell, and the negative control by its totals."""

from pathlib import Path

import pandas as pd
import pytest

from nmo_stats import ArgumentError, load_example
from nmo_stats.bundled import data_folder

ROOT = Path(__file__).parents[1]

# design 2.4 and the table of Ayzenberg et al. 2013: (months, relapses, EDSS at start and end) on each drug
SIX_ROWS = {
    ("1", "rituximab"): (32, 6, 5.0, 6.5),
    ("1", "tocilizumab"): (21, 1, 6.5, 6.5),
    ("2", "rituximab"): (8, 2, 4.5, 5.0),
    ("2", "tocilizumab"): (18, 0, 5.0, 4.0),
    ("3", "rituximab"): (4, 1, 7.0, 7.0),
    ("3", "tocilizumab"): (9, 1, 7.0, 7.0),
}
PUBLISHED = ["quantity", "patient", "treatment", "value", "decimals", "place"]


def data(*path):
    return pd.read_csv(data_folder().joinpath(*path), dtype="object", keep_default_na=False)


def test_the_six_rows_of_the_founding_example(example_cohort):
    frame = example_cohort.to_frame()
    columns = ["exposure_months", "relapses", "edss_start", "edss_end"]
    found = frame.set_index(["patient", "treatment"])[columns]
    assert {
        key: tuple(row) for key, row in zip(found.index, found.to_numpy().tolist(), strict=True)
    } == SIX_ROWS
    assert frame["period"].tolist() == [1, 2] * 3
    assert frame["ended_by_relapse"].isna().all()
    assert frame["ongoing"].tolist() == [False, True] * 3
    assert frame["reported_arr"].tolist() == [2.3, 0.6, 3.0, 0.0, 3.0, 1.3]


def test_the_comparison_of_the_founding_example(example_pair):
    assert example_pair.totals == (9, 2)
    assert example_pair.total_years == pytest.approx((44 / 12, 48 / 12))
    assert example_pair.unpaired == ()
    assert example_pair.reversed_order == ()


def test_the_founding_example_has_covariates_and_says_that_months_are_rounded(example_cohort):
    assert example_cohort.covariates == ("sex", "age_years", "disease_duration_years")
    assert example_cohort.where(age_years=26).patients == ("2",)
    assert [notice.code for notice in example_cohort.notices] == ["whole_months", "covariates"]


def test_the_negative_control_has_59_patients_with_8_weeks_before_and_after():
    cohort = load_example("thall_vail1990")
    frame = cohort.to_frame()
    assert len(cohort.patients) == 59
    assert (frame["exposure_days"] == 56).all()
    assert (frame["period"] == frame["treatment"].map({"before": 1, "after": 2})).all()


@pytest.mark.parametrize(
    ("arm", "patients", "totals"), [("placebo", 28, (862, 963)), ("progabide", 31, (980, 987))]
)
def test_the_totals_of_the_negative_control(arm, patients, totals):
    pair = load_example("thall_vail1990").where(arm=arm).compare("after", reference="before")
    assert len(pair.patients) == patients
    assert pair.totals == totals
    assert pair.unpaired == ()


def test_the_corrected_count_of_patient_126_is_used():
    # 23 seizures in the third fortnight, not the 21 of older copies: 95 after randomization, not 93
    frame = load_example("thall_vail1990").where(patient="126", treatment="after").to_frame()
    assert frame["relapses"].tolist() == [95]


def test_published_numbers_have_their_place_and_their_decimals():
    published = data("ayzenberg2013", "published.csv")
    assert list(published.columns) == PUBLISHED
    assert len(published) == 188
    assert set(published["patient"]) == {"", "1", "2", "3"}
    for value, decimals in zip(published["value"], published["decimals"], strict=True):
        assert len(value.partition(".")[2]) == int(decimals)
    assert (published["place"] != "").all()


def test_published_numbers_agree_with_the_periods(example_cohort):
    published = data("ayzenberg2013", "published.csv")
    frame = example_cohort.to_frame()
    for column, quantity in [
        ("relapses", "relapses"),
        ("exposure_months", "exposure_months"),
        ("edss_start", "edss_start"),
        ("edss_end", "edss_end"),
        ("reported_arr", "arr"),
    ]:
        for patient, drug, value in zip(frame["patient"], frame["treatment"], frame[column], strict=True):
            rows = published[
                (published["quantity"] == quantity)
                & (published["patient"] == patient)
                & (published["treatment"] == drug)
            ]
            assert len(rows) >= 1, (quantity, patient, drug)
            assert set(rows["value"].astype(float)) == {value}


def test_the_files_of_the_founding_example_speak_of_the_same_patients():
    for name in ("patients", "events", "findings", "prior_therapies"):
        assert set(data("ayzenberg2013", f"{name}.csv")["patient"]) <= {"", "1", "2", "3"}
    therapies = data("ayzenberg2013", "prior_therapies.csv")
    totals = therapies["relapses"].astype(int).groupby(therapies["patient"]).sum()
    patients = data("ayzenberg2013", "patients.csv").set_index("patient")
    assert totals.to_dict() == patients["prior_relapses"].astype(int).to_dict()
    events = data("ayzenberg2013", "events.csv")
    assert events[["patient", "treatment", "time", "unit"]].to_numpy().tolist() == [
        ["1", "rituximab", "18", "day"],
        ["2", "rituximab", "137", "day"],
        ["3", "rituximab", "40", "day"],
        ["1", "tocilizumab", "3", "month"],
        ["3", "tocilizumab", "4", "month"],
    ]


@pytest.mark.parametrize("folder", ["ayzenberg2013", "thall_vail1990"])
def test_every_file_of_the_data_is_plain_utf_8_and_described(folder):
    readme = (data_folder() / folder / "README.md").read_text(encoding="utf-8")
    for path in sorted((data_folder() / folder).glob("*.csv")):
        content = path.read_bytes()
        assert content.decode("utf-8").isprintable() or b"\n" in content
        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
        assert path.name in readme
        for column in content.split(b"\n", 1)[0].decode().split(","):
            assert f"`{column}`" in readme, (path.name, column)


def test_the_data_of_a_checkout_lie_at_its_top():
    assert data_folder() == ROOT / "data"


@pytest.mark.parametrize(
    "name", ["nonsense", "", "..", "../data/ayzenberg2013", None, ["ayzenberg2013"]], ids=repr
)
def test_an_unknown_example_is_answered_with_the_known_ones(name):
    with pytest.raises(ArgumentError, match="Expected: 'ayzenberg2013', 'thall_vail1990'"):
        load_example(name)
