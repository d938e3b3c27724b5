"""Legal but suspicious things are said, once each, and change nothing."""

import pandas as pd
import pytest

from nmo_stats import ArgumentError, Cohort


def table(**columns):
    base = {
        "patient": ["A", "A", "B", "B"],
        "treatment": ["x", "y", "x", "y"],
        "relapses": [3, 0, 2, 1],
        "exposure_years": [1.5, 2.0, 1.0, 1.25],
    }
    return pd.DataFrame({**base, **columns})


def in_unit(unit, first):
    """Return the table with ``first`` as its first follow-up time, in another unit."""
    others = {"exposure_days": 365, "exposure_weeks": 52.5, "exposure_months": 12.5, "exposure_years": 1.5}[
        unit
    ]
    return table(exposure_years=[first, others, others, others], relapses=0).rename(
        columns={"exposure_years": unit}
    )


def notices(frame):
    return {notice.code: notice for notice in Cohort.from_frame(frame).notices}


def test_an_inconspicuous_table_has_no_notice():
    assert notices(table()) == {}


@pytest.mark.parametrize(
    ("unit", "short", "long_enough"),
    [
        ("exposure_days", 29.9, 30),
        ("exposure_weeks", 4.2, 4.3),
        ("exposure_months", 0.98, 0.986),
        ("exposure_years", 0.082, 0.0822),
    ],
)
def test_a_period_under_30_days_is_noticed_in_every_unit(unit, short, long_enough):
    notice = notices(in_unit(unit, short))["short_period"]
    assert notice.patients == ("A",)
    assert "shorter than 30 days" in notice.text
    assert f"follow-up is in {unit.removeprefix('exposure_')} (patient A on x)" in notice.text
    assert "short_period" not in notices(in_unit(unit, long_enough))


@pytest.mark.parametrize(
    ("unit", "long", "short_enough"),
    [
        ("exposure_days", 21916, 21915),
        ("exposure_weeks", 3131, 3130),
        ("exposure_months", 720.1, 720),
        ("exposure_years", 60.1, 60),
    ],
)
def test_a_period_over_60_years_is_noticed_in_every_unit(unit, long, short_enough):
    assert notices(in_unit(unit, long))["long_period"].patients == ("A",)
    assert "long_period" not in notices(in_unit(unit, short_enough))


def test_an_arr_over_20_is_noticed_and_20_is_not():
    assert notices(table(relapses=[31, 0, 2, 26]))["high_arr"].patients == ("A", "B")
    assert "high_arr" not in notices(table(relapses=[30, 0, 2, 25]))


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("exposure_weeks", "whole_weeks"),
        ("exposure_months", "whole_months"),
        ("exposure_years", "whole_years"),
    ],
)
def test_follow_up_in_whole_units_only_is_noticed(unit, code):
    whole = table(exposure_years=[1, 2, 3, 4]).rename(columns={"exposure_years": unit})
    assert "probably rounded" in notices(whole)[code].text
    assert code not in notices(table().rename(columns={"exposure_years": unit}))


def test_whole_days_are_not_worth_a_notice():
    assert (
        notices(
            table(exposure_years=[100, 200, 300, 400]).rename(columns={"exposure_years": "exposure_days"})
        )
        == {}
    )


@pytest.mark.parametrize("column", ["patient", "treatment"])
@pytest.mark.parametrize(
    "other",
    ["RTX 1G", "rtx 1g ", " rtx 1g", "rtx  1g", "rtx1g", "rtx\u00a01g", "rtx\u200b 1g", "ｒｔｘ 1g"],
    ids=ascii,
)
def test_names_that_differ_only_in_case_or_spaces_are_noticed(column, other):
    frame = table(patient=["A", "B", "C", "D"])
    frame[column] = (
        ["rtx 1g", other, "placebo", "placebo"] if column == "treatment" else ["rtx 1g", other, "C", "D"]
    )
    notice = notices(frame)[f"similar_{column}"]
    assert f"'rtx 1g' / {other!r}" in notice.text


def test_composed_and_decomposed_letters_look_alike_and_other_names_do_not():
    assert "similar_patient" in notices(table(patient=["Mu\u0308ller", "M\u00fcller", "B", "B"]))
    assert notices(table(patient=["Müller", "Muller", "B1", "B2"])) == {}


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["001", "1", "B", "B"], "'001' / '1'"),
        (["P-007", "p-7", "B", "B"], "'P-007' / 'p-7'"),
        (["01-02", "1-2", "B", "B"], "'01-02' / '1-2'"),
        ([" 2 ", "2", "02", "B"], "' 2 ' / '2' / '02'"),
    ],
)
def test_patients_whose_numbers_differ_in_leading_zeros_only_are_noticed(names, alike):
    text = notices(table(patient=names))["similar_patient"].text
    assert (
        text
        == f"names in 'patient' that differ only in case, spaces or leading zeros count as different: {alike}"
    )


def test_other_numbers_and_drugs_with_zeros_are_not_alike():
    assert notices(table(patient=["1", "10", "100", "1-1"])) == {}
    assert notices(table(patient=["11", "1-1", "1.0", "0"])) == {}
    assert notices(table(treatment=["drug 05", "drug 5", "drug 05", "drug 5"])) == {}


def test_similar_names_stay_different_patients():
    assert Cohort.from_frame(table(patient=["a", "A", "B", "b"])).patients == ("a", "A", "B", "b")


def test_a_period_ended_by_a_relapse_that_counts_none_is_noticed():
    found = notices(table(ended_by_relapse=["yes", "yes", "no", ""]))
    assert (
        found["ended_without_relapse"].text
        == "a period was ended by a relapse but counts none (patient A on y)"
    )


def test_a_period_that_is_ongoing_and_ended_is_noticed():
    found = notices(table(ended_by_relapse=["yes", "", "", ""], ongoing=["yes", "yes", "", ""]))
    assert found["ongoing_but_ended"].patients == ("A",)


def test_other_columns_are_listed():
    assert (
        notices(table(sex="F", site="1"))["covariates"].text
        == "other columns are kept for description: sex, site"
    )


def test_a_column_that_looks_like_an_optional_one_is_pointed_out():
    found = notices(table(EDSS_Start=5, ongoing_="no"))
    assert "similar_column" in found
    texts = [n.text for n in Cohort.from_frame(table(EDSS_Start=5)).notices if n.code == "similar_column"]
    assert texts == ["column 'EDSS_Start' is kept for description only; did you mean 'edss_start'?"]


def test_a_long_list_is_shortened_in_the_text_and_whole_in_the_patients():
    frame = table().iloc[[0] * 50].assign(patient=range(50), exposure_years=0.01, relapses=0)
    notice = notices(frame)["short_period"]
    assert notice.text.endswith("patient 5 on x and 44 more)")
    assert len(notice.patients) == 50


def test_a_notice_is_plain_data_for_json():
    notice = notices(in_unit("exposure_days", 10))["short_period"]
    assert notice.to_dict() == {"code": "short_period", "text": notice.text, "patients": ["A"]}


# ---- covariates and where()


def cohort():
    return Cohort.from_frame(
        table(
            sex=["F", "F", "M", "M"],
            age=["40", "40", "30.5", "30.5"],
            site=["01", "01", "1", "1"],
            dose=["", 2, "low", 7.0],
            edss_start=[5, 5.5, "", 6],
            ongoing=["no", "yes", "", "no"],
            period=[1, 2, 1, 2],
        )
    )


def test_covariates_are_numbers_if_all_their_cells_are_and_text_otherwise():
    frame = cohort().to_frame()
    assert frame["age"].tolist() == [40.0, 40.0, 30.5, 30.5]
    assert frame["site"].tolist() == ["01", "01", "1", "1"]
    assert frame["dose"].tolist() == [None, "2", "low", "7"]
    assert cohort().covariates == ("sex", "age", "site", "dose")


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"sex": "F"}, [0, 1]),
        ({"sex": "F", "treatment": "y"}, [1]),
        ({"age": 40}, [0, 1]),
        ({"age": "40.0"}, [0, 1]),
        ({"age": "30.50"}, [2, 3]),
        ({"site": "1"}, [2, 3]),
        ({"site": 1}, [2, 3]),
        ({"site": "01"}, [0, 1]),
        ({"dose": 7}, [3]),
        ({"dose": None}, [0]),
        ({"patient": "A"}, [0, 1]),
        ({"relapses": "3"}, [0]),
        ({"period": 2.0}, [1, 3]),
        ({"edss_start": 5}, [0]),
        ({"edss_start": "5.0"}, [0]),
        ({"edss_start": None}, [2]),
        ({"ongoing": "yes"}, [1]),
        ({"ongoing": True}, [1]),
        ({"ongoing": pd.NA}, [2]),
    ],
    ids=str,
)
def test_where_finds_the_rows_whatever_the_spelling_of_numbers(conditions, rows):
    expected = cohort().to_frame().iloc[rows].reset_index(drop=True)
    pd.testing.assert_frame_equal(cohort().where(**conditions).to_frame(), expected)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"Sex": "F"}, "no column 'Sex'; did you mean 'sex'? there are patient, treatment, relapses"),
        ({"sex": "f"}, "no row with sex = 'f'; did you mean 'F'? there are F, M"),
        ({"treatment": "X"}, "no row with treatment = 'X'; did you mean 'x'? there are x, y"),
        ({"age": "forty"}, "no row with age = 'forty'; there are 40, 30.5"),
        ({"age": True}, "no row with age = True; there are 40, 30.5"),
        ({"sex": None}, "no row with sex = empty; there are F, M"),
        ({"sex": ["F", "M"]}, "no row with sex = ['F', 'M']; there are F, M"),
        ({"age": [40, 30.5]}, "no row with age = [40, 30.5]; there are 40, 30.5"),
        (
            {"edss_start": 0.5},
            "edss_start = 0.5. Expected: EDSS is 0 or 1.0, 1.5 ... 9.5, 10 (0.5 does not exist)",
        ),
        ({"ongoing": "perhaps"}, "ongoing = 'perhaps'. Expected: yes, no, or empty for unknown"),
        ({"relapses": -1}, "relapses = -1. Expected: relapses is a whole number >= 0"),
        (
            {"sex": "F", "age": 30.5},
            "no row satisfies {'sex': 'F', 'age': 30.5}. Relax one of the conditions",
        ),
    ],
    ids=str,
)
def test_where_says_what_there_is_instead(conditions, message):
    with pytest.raises(ArgumentError) as caught:
        cohort().where(**conditions)
    assert str(caught.value).startswith(message)


def test_where_lists_at_most_twenty_values():
    frame = table().iloc[[0] * 50].assign(patient=[f"P{number}" for number in range(50)])
    with pytest.raises(ArgumentError, match=r"P19 and 30 more$"):
        Cohort.from_frame(frame).where(patient="zzz")


def test_where_keeps_the_source_and_looks_for_notices_anew():
    whole = Cohort.from_frame(table(relapses=[31, 0, 2, 1], sex=["F", "F", "M", "M"]))
    part = whole.where(sex="M")
    assert part.source == whole.source
    assert [notice.code for notice in part.notices] == ["covariates"]


def test_changing_the_frame_of_to_frame_does_not_change_the_cohort():
    original = cohort()
    frame = original.to_frame()
    frame.loc[0, "relapses"] = 99
    frame["patient"] = "Z"
    assert original.to_frame()["relapses"].tolist() == [3, 0, 2, 1]
    assert original.patients == ("A", "B")


def test_a_cohort_is_frozen():
    with pytest.raises(AttributeError):
        cohort().notices = ()


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("exposure_days", 365.25),
        ("exposure_weeks", 365.25 / 7),
        ("exposure_months", 12.0),
        ("exposure_years", 1.0),
    ],
)
def test_every_unit_is_converted_to_years(unit, value):
    one = Cohort.from_frame(in_unit(unit, value))
    assert one.unit == unit
    assert one.years[0] == 1.0
