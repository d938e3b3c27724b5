"""Exports of REDCap with labels, events and boxes; answers, separators and categories of every kind."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmo_stats import Cohort, CohortError, TableFile, read_events, read_periods

CASES = Path(__file__).parent / "cases"
LABELS = CASES / "redcap_labels.csv"
RECORD = {"record_id": "patient"}


@pytest.fixture
def save(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return caught.value.problems


def texts(cohort, code):
    return [notice.text for notice in cohort.notices if notice.code == code]


def option_of(remedy, option):
    """Return the options of that name that a remedy quotes, as the shell splits them."""
    quoted = remedy[remedy.index("(--") + 1 :]
    words = shlex.split(quoted[: quoted.index(")")])
    assert option in words
    return words


# ---- labels in the header


def from_labels(path=LABELS):
    return read_events(TableFile(path, instrument="Therapy"), TableFile(path, instrument="Relapse"))


def test_an_export_with_labels_is_read_and_says_which_label_was_read_as_what():
    cohort = from_labels()
    assert cohort.frame["exposure_days"].tolist() == [
        730,
        882,
        516,
        945,
    ]  # up to the last visits, 2013-06-01, 2014-01-01
    assert cohort.frame["relapses"].tolist() == [2, 0, 0, 1]
    assert cohort.frame["ongoing"].tolist() == [False, True, False, True]
    read, relapses = texts(cohort, "labels")
    for pair in (
        "'Drug' is read as treatment",
        "'Start date' is read as start",
        "'Last visit' is read as last_visit",
    ):
        assert pair in read
    assert "'Date of onset' is read as onset" in relapses


def test_the_remedy_of_a_choice_that_is_not_made_works_when_followed(run):
    data = ["--treatments", LABELS, "--relapses", LABELS]
    code, _, err = run("check", *data)
    assert code == 2
    code, out, _ = run("check", *data, *option_of(err, "--instrument"))
    assert code == 0
    assert "would be compared" not in err
    assert "2 patients, 4 periods" in out


def test_labels_are_known_in_any_case(save):
    text = LABELS.read_text()
    header, _, body = text.partition("\n")
    assert from_labels(save(header.upper() + "\n" + body)).frame.equals(
        from_labels().frame.rename(columns={"Sex": "SEX"})
    )


def test_a_declared_renaming_comes_before_a_label(save):
    text = LABELS.read_text().replace("Drug", "Preparation").replace("Sex", "Drug")
    names = {"Preparation": "treatment"}
    files = [TableFile(save(text), instrument=name) for name in ("Therapy", "Relapse")]
    cohort = read_events(*files, columns=names)
    assert cohort.treatments == ("old", "new")
    assert "Drug" in cohort.covariates


def test_two_labels_of_one_meaning_are_not_guessed_between(save):
    text = LABELS.read_text().replace('"End date"', '"Stop date"').replace("Sex", "Date stopped")
    text = text.replace("1,,,1,", "1,,,2013-01-01,").replace("2,,,2,", "2,,,2013-01-01,")
    files = [TableFile(save(text), instrument=name) for name in ("Therapy", "Relapse")]
    columns = [problem.column for problem in refusal(read_events, *files)]
    assert columns == ["end"]


def test_the_status_of_every_form_is_not_two_columns(save):
    lines = LABELS.read_text().splitlines()
    lines = [lines[0] + ",Complete?,Complete?", *(line + ",Complete,Complete" for line in lines[1:])]
    cohort = from_labels(save("\n".join(lines)))
    assert texts(cohort, "form_status")
    assert cohort.covariates == ("Sex",)


def test_a_period_table_with_labels_and_without_a_renaming(save):
    text = (
        '"Record ID","Repeat Instrument","Repeat Instance",Sex,Drug,'
        '"Number of relapses","Follow-up (months)"\n'
        "1,,,F,,,\n1,Period,1,,old,3,12.5\n1,Period,2,,new,0,10\n"
    )
    cohort = read_periods(save(text), instrument="Period")
    assert cohort.frame["exposure_months"].tolist() == [12.5, 10]
    assert cohort.covariates == ("Sex",)


def test_labels_of_other_tables_need_a_renaming(save):
    text = "Record ID,Drug,relapses,exposure_months\n1,old,1,2\n1,new,0,2\n"
    remedies = [problem.remedy for problem in refusal(read_periods, save(text))]
    assert all("--column" in remedy for remedy in remedies)
    names = dict(option_of(remedy, "--column")[1].split("=") for remedy in remedies)
    assert read_periods(save(text), names).treatments == ("old", "new")


# ---- rows of events


def test_events_that_hold_the_periods_are_read_and_the_facts_of_the_others_join():
    cohort = read_periods(CASES / "redcap_longitudinal.csv", RECORD)
    assert cohort.frame["relapses"].tolist() == [6, 1, 2, 0]
    assert cohort.where(sex=1).patients == ("1",)
    (text,) = texts(cohort, "events_read")
    assert "'before_arm_1', 'after_arm_1'" in text
    assert "'baseline_arm_1'" in text


def test_no_row_that_says_anything_about_a_period_is_passed_over(save):
    text = (CASES / "redcap_longitudinal.csv").read_text()
    problems = refusal(
        read_periods, save(text.replace("2,baseline_arm_1,2,,,", "2,baseline_arm_1,2,,1,")), RECORD
    )
    assert {problem.row for problem in problems} == {2, 5}


def test_an_event_of_the_periods_with_an_empty_row_keeps_it(save):
    text = (
        (CASES / "redcap_longitudinal.csv")
        .read_text()
        .replace("2,after_arm_1,,new,0,18", "2,after_arm_1,,,,")
    )
    assert {problem.row for problem in refusal(read_periods, save(text), RECORD)} == {7}


def test_facts_that_change_between_other_events_are_left_out_with_a_word(save):
    text = "record_id,redcap_event_name,weight,treatment,relapses,exposure_months\n"
    text += "1,first,60,,,\n1,second,62,,,\n1,before,,old,3,12\n1,after,,new,1,12\n"
    cohort = read_periods(save(text), RECORD)
    assert cohort.covariates == ("redcap_event_name",)
    assert "weight" in texts(cohort, "unused_columns")[0]


def test_dated_events_in_a_longitudinal_project(save):
    text = (
        "record_id,redcap_event_name,last_visit,treatment,start,end,onset\n"
        "1,base,2014-01-01,,,,\n1,first,,old,2010-01-01,2011-01-01,\n"
        "1,second,,new,2011-01-01,,\n1,attack,,,,,2010-05-05\n"
    )
    path = save(text)
    cohort = read_events(path, path, columns=RECORD)
    assert cohort.frame["relapses"].tolist() == [1, 0]
    assert cohort.frame["exposure_days"].tolist() == [365, 1096]
    frame = pd.read_csv(path)
    assert read_events(frame, frame, columns=RECORD).frame["relapses"].tolist() == [1, 0]


def test_a_table_of_which_every_event_holds_periods_is_read_as_it_is(save):
    text = "record_id,redcap_event_name,treatment,relapses,exposure_months\n"
    text += "1,before,old,3,12\n1,after,new,1,12\n"
    cohort = read_periods(save(text), RECORD)
    assert cohort.covariates == ("redcap_event_name",)
    assert not texts(cohort, "events_read")


# ---- boxes


def test_one_ticked_box_is_the_drug_of_the_row():
    cohort = read_periods(CASES / "redcap_checkbox.csv", RECORD)
    assert cohort.frame["treatment"].tolist() == ["1", "2", "1", "2"]
    assert "treatment___1, treatment___2" in texts(cohort, "checkboxes")[0]
    frame = pd.read_csv(CASES / "redcap_checkbox.csv").astype(
        {"treatment___1": "float64", "treatment___2": bool}
    )
    assert Cohort.from_frame(frame, RECORD).frame["treatment"].tolist() == ["1", "2", "1", "2"]


@pytest.mark.parametrize(
    ("ticks", "found"),
    [("1,1", "ticked: '1', '2'"), ("0,0", "no box"), (",", "no box"), ("1,2", "'2' in the box")],
)
def test_none_or_several_ticked_boxes_are_an_error_of_the_row(save, ticks, found):
    text = (CASES / "redcap_checkbox.csv").read_text().replace("1,0,1,1,21", f"1,{ticks},1,21")
    (problem,) = refusal(read_periods, save(text), RECORD)
    assert (problem.row, problem.patient, problem.column) == (3, "1", "treatment")
    assert found in problem.value


def test_one_box_of_a_set_is_never_offered_as_the_treatment(save):
    text = (CASES / "redcap_checkbox.csv").read_text().replace("treatment___", "drug___")
    (problem,) = refusal(read_periods, save(text), RECORD)
    assert "___" not in problem.remedy
    foreign, ours = option_of(problem.remedy, "--column")[1].split("=")
    cohort = read_periods(save(text), RECORD | {foreign: ours})
    assert cohort.frame["treatment"].tolist() == ["1", "2", "1", "2"]


def test_boxes_of_other_columns_are_not_offered_at_all(save):
    text = "record_id,treatment,relapse___1,relapse___2,exposure_months\n1,old,1,0,12\n1,new,0,1,12\n"
    (problem,) = refusal(read_periods, save(text), RECORD)
    assert "___" not in problem.remedy


def test_boxes_with_labels(save):
    text = (
        '"Record ID","Repeat Instrument","Repeat Instance","Drug (choice=old)",'
        '"Drug (choice=new)",Relapses,"Exposure months"\n'
        "1,Period,1,Checked,Unchecked,3,12\n1,Period,2,Unchecked,Checked,0,12\n"
    )
    assert read_periods(save(text), instrument="Period").frame["treatment"].tolist() == ["old", "new"]


def test_boxes_beside_a_treatment_are_covariates(save):
    text = (
        "patient,treatment,symptom___1,symptom___2,relapses,exposure_months\n1,old,1,0,1,12\n1,new,1,1,0,12\n"
    )
    assert read_periods(save(text)).covariates == ("symptom___1", "symptom___2")


# ---- yes and no


def test_raw_answers_of_redcap_are_yes_and_no():
    frame = read_periods(CASES / "redcap_raw_yes_no.csv", RECORD).frame
    assert frame["ended_by_relapse"].tolist() == [True, False, False, False]
    assert frame["ongoing"].tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("yes", "no"),
    [("1", "0"), ("Y", "n"), ("T", "f"), ("Checked", "UNCHECKED"), ("1.0", "0.0"), (1, 0), (1.0, 0.0),
     (True, False),
     (np.True_, np.False_), (np.float32(1), np.int8(0)), (" Yes ", "NO")], ids=ascii
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ""])
def test_every_spelling_of_an_answer_in_every_format(tmp_path, yes, no, suffix):
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": [1, 0], "exposure_years": [1, 1]}
    )
    frame["ongoing"] = [no, yes]
    path = tmp_path / f"table{suffix}"
    if suffix:
        {".csv": frame.to_csv, ".parquet": frame.to_parquet, ".xlsx": frame.to_excel}[suffix](
            path, index=False
        )
    cohort = read_periods(path) if suffix else Cohort.from_frame(frame)
    assert cohort.frame["ongoing"].tolist() == [False, True]


@pytest.mark.parametrize("cell", ["2", "0.5", "-1", "yep", "01", "x"])
def test_other_codes_are_no_answers(save, cell):
    text = f"patient,treatment,relapses,exposure_years,ongoing\nA,x,1,1,{cell}\n"
    (problem,) = refusal(read_periods, save(text))
    assert problem.column == "ongoing"


# ---- separators


PLAIN = "patient;treatment;relapses;exposure_months\n1;old;6;32.5\n1;new;1;21.0\n"


def test_semicolons_with_decimal_points_are_read():
    assert read_periods(CASES / "semicolon_point.csv").frame["exposure_months"].tolist() == [32.5, 21]


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "table.txt"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_is_found_in_the_header(save, name, mark, quoted, end):
    text = PLAIN.replace("patient", '"patient, or; his\tnumber"' if quoted else "patient").replace(";", mark)
    if quoted:
        text = text.replace(f'"patient, or{mark}', '"patient, or;')
    path = save(text.replace("\n", end), name)
    names = {"patient, or; his\tnumber": "patient"} if quoted else None
    assert read_periods(path, names).frame["exposure_months"].tolist() == [32.5, 21]


def test_a_header_of_several_lines_shows_its_separator(save):
    text = PLAIN.replace("exposure_months", '"exposure,\nmonths, whole"')
    cohort = read_periods(save(text), {"exposure,\nmonths, whole": "exposure_months"})
    assert cohort.frame["exposure_months"].tolist() == [32.5, 21]


def test_decimal_commas_between_semicolons_need_a_declaration_that_works(save, run):
    path = save(PLAIN.replace(".", ","))
    code, _, err = run("check", path)
    assert code == 2
    assert run("check", path, *option_of(err, "--decimal"))[0] == 0
    assert read_periods(path, decimal=",").frame["exposure_months"].tolist() == [32.5, 21]


def test_decimal_commas_in_quotes_between_commas_need_the_same(save):
    path = save('patient,treatment,relapses,exposure_months\n1,old,6,"32,5"\n1,new,1,"21,0"\n')
    assert all("--decimal ," in problem.remedy for problem in refusal(read_periods, path))
    assert read_periods(path, decimal=",").frame["exposure_months"].tolist() == [32.5, 21]


def test_a_covariate_with_decimal_commas_is_not_kept_as_text(save):
    text = "patient;treatment;relapses;exposure_months;weight\n1;old;6;32;61,5\n1;new;1;21;60\n"
    (problem,) = refusal(read_periods, save(text))
    assert (problem.column, problem.value) == ("weight", "'61,5'")
    assert read_periods(save(text), decimal=",").frame["weight"].tolist() == [61.5, 60]
    names = text.replace("61,5", "a,5")
    assert read_periods(save(names)).frame["weight"].tolist() == ["a,5", "60"]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_separator_is_the_one_of_the_header(mark):
    from nmo_stats.tables.reading import parsed_file

    content = f'"patient"{mark}onset{mark}"no;te"\n1{mark}2010-01-01{mark}"a,b"\n'.encode()
    table = parsed_file(TableFile("table.txt"), content)
    assert table.columns == ("patient", "onset", "no;te")
    assert table.in_rows() == (("1",), ("2010-01-01",), ("a,b",))
    assert table.separator == mark


# ---- categories and other types of columns


def test_categories_of_parquet_are_read_like_text():
    cohort = read_events(CASES / "categories_treatments.parquet", CASES / "categories_relapses.parquet")
    tables = [pd.read_parquet(CASES / f"categories_{name}.parquet") for name in ("treatments", "relapses")]
    assert isinstance(tables[0]["treatment"].dtype, pd.CategoricalDtype)
    plain = read_events(*(table.astype(dict.fromkeys(("patient",), "str")) for table in tables))
    pd.testing.assert_frame_equal(cohort.frame, plain.frame)


VALUES = {
    "patient": ["A", "A", "B", "B"],
    "treatment": ["x", "y"] * 2,
    "relapses": [3, 0, 2, 1],
    "exposure_years": [1.5, 2, 1, 1],
}
TYPES = {
    "dictionary": {"patient": pa.array(VALUES["patient"]).dictionary_encode()},
    "dictionary of large text": {
        "treatment": pa.array(VALUES["treatment"], pa.large_string()).dictionary_encode()
    },
    "dictionary of whole numbers": {"relapses": pa.array(VALUES["relapses"]).dictionary_encode()},
    "dictionary of numbers": {"exposure_years": pa.array(VALUES["exposure_years"]).dictionary_encode()},
    "large text": {"patient": pa.array(VALUES["patient"], pa.large_string())},
    "text view": {"patient": pa.array(VALUES["patient"], pa.string_view())},
    "decimal": {"relapses": pa.array(VALUES["relapses"], pa.int32()).cast(pa.decimal128(12, 2))},
    "half float": {"exposure_years": pa.array(np.array(VALUES["exposure_years"], dtype=np.float16))},
}


@pytest.mark.parametrize("columns", TYPES.values(), ids=TYPES)
def test_types_of_parquet_columns_are_read_like_plain_ones(tmp_path, columns):
    pq.write_table(pa.table(VALUES | columns), tmp_path / "p.parquet")
    expected = Cohort.from_frame(pd.DataFrame(VALUES))
    pd.testing.assert_frame_equal(read_periods(tmp_path / "p.parquet").frame, expected.frame)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("patient", pa.array([["A"], ["A"], ["B"], ["B"]])),
        ("treatment", pa.array([{"name": "x"}] * 4)),
        ("exposure_years", pa.array([1, 2, 3, 4], pa.duration("s"))),
        ("relapses", pa.array([1, 2, 3, 4], pa.timestamp("ms", "UTC"))),
        ("patient", pa.array([None, "A", "B", "B"]).dictionary_encode()),
    ],
)
def test_cells_that_are_no_cells_are_refused(tmp_path, column, values):
    pq.write_table(pa.table(VALUES | {column: values}), tmp_path / "p.parquet")
    assert {problem.column for problem in refusal(read_periods, tmp_path / "p.parquet")} == {column}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("patient", pd.Categorical(VALUES["patient"])),
        ("treatment", pd.Categorical(VALUES["treatment"], categories=["y", "x", "z"], ordered=True)),
        ("relapses", pd.Categorical(VALUES["relapses"])),
        ("relapses", pd.array(VALUES["relapses"], dtype="Int8")),
        ("exposure_years", pd.arrays.SparseArray(VALUES["exposure_years"])),
        ("patient", pd.array(VALUES["patient"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))),
    ],
)
def test_types_of_dataframe_columns_are_read_like_plain_ones(column, values):
    frame = pd.DataFrame(VALUES)
    found = Cohort.from_frame(frame.assign(**{column: values}))
    pd.testing.assert_frame_equal(found.frame, Cohort.from_frame(frame).frame)


def test_missing_categories_are_empty_cells():
    frame = pd.DataFrame(VALUES).assign(sex=pd.Categorical(["F", None, "M", None]))
    assert Cohort.from_frame(frame).frame["sex"].isna().tolist() == [False, True, False, True]
    frame["patient"] = pd.Categorical(["A", None, "B", "B"])
    (problem,) = refusal(Cohort.from_frame, frame)
    assert (problem.row, problem.column) == (2, "patient")


def test_json_of_a_check_names_the_labels(run):
    instruments = ["--instrument", "treatments=Therapy", "--instrument", "relapses=Relapse"]
    out = run("check", "--json", "--treatments", LABELS, "--relapses", LABELS, *instruments)[1]
    assert [notice["code"] for notice in json.loads(out)["notices"]].count("labels") == 2
