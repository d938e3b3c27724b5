"""Days as other programs store them, and workbooks with several sheets."""

import datetime

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmo_stats import ArgumentError, CohortError, TableFile, read_events


def said(call, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        call(*arguments, **options)
    return str(caught.value).splitlines()


# ---- dates as other programs store them


def frames(onset):
    start = pd.DataFrame(
        {"patient": ["A"], "treatment": ["x"], "start": ["2012-01-01"], "end": ["2013-01-01"]}
    )
    return start, pd.DataFrame({"patient": ["A"], "onset": [onset]})


@pytest.mark.parametrize(
    "onset",
    [
        "2012-06-01",
        " 2012-06-01 ",
        "2012-06-01T00:00:00",
        "2012-06-01 00:00",
        datetime.date(2012, 6, 1),
        datetime.datetime(2012, 6, 1),
        pd.Timestamp("2012-06-01"),
    ],
)
def test_a_day_is_a_day_however_it_is_stored(onset):
    cohort = read_events(*frames(onset))
    assert cohort.relapse_times["years"].tolist() == [152 / 365.25]
    assert cohort.frame["exposure_days"].tolist() == [366]


@pytest.mark.parametrize(
    "onset",
    [
        pd.Timestamp("2012-06-01 12:00"),
        pd.Timestamp("2012-06-01", tz="Europe/Berlin"),
        True,
        datetime.time(3),
        [1],
    ],
)
def test_what_is_no_day_is_refused(onset):
    with pytest.raises(CohortError, match="relapses, row 1, patient 'A', column 'onset'"):
        read_events(*frames(onset))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_resolution_of_timestamps_does_not_change_durations(tmp_path, unit):
    start, relapse = frames("2012-06-01")
    start["start"], start["end"] = (
        pd.to_datetime(start[name]).astype(f"datetime64[{unit}]") for name in ("start", "end")
    )
    relapse["onset"] = pd.to_datetime(relapse["onset"]).astype(f"datetime64[{unit}]")
    assert read_events(start, relapse).frame["exposure_days"].tolist() == [366]
    for table, name in ((start, "t.parquet"), (relapse, "r.parquet")):
        table.to_parquet(tmp_path / name)
    assert read_events(tmp_path / "t.parquet", tmp_path / "r.parquet").frame["exposure_days"].tolist() == [
        366
    ]


def test_dates_of_parquet_without_time_are_read(tmp_path):
    days = pa.array([datetime.date(2012, 1, 1), datetime.date(2013, 1, 1)])
    pq.write_table(
        pa.table({"patient": ["A"], "treatment": ["x"], "start": days[:1], "end": days[1:]}),
        tmp_path / "t.parquet",
    )
    pq.write_table(
        pa.table({"patient": pa.array([], pa.string()), "onset": pa.array([], pa.date32())}),
        tmp_path / "r.parquet",
    )
    assert read_events(tmp_path / "t.parquet", tmp_path / "r.parquet").frame["exposure_days"].tolist() == [
        366
    ]


# ---- workbooks


def book(path, sheets, edit=None):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if edit:
        edit(workbook)
    workbook.save(path)
    return path


SHEETS = {
    "drugs": [
        ["patient", "treatment", "start", "end"],
        ["A", "x", datetime.date(2012, 1, 1), datetime.date(2013, 1, 1)],
    ],
    "attacks": [
        ["patient", "onset"],
        ["A", datetime.datetime(2012, 6, 1)],
        [None, None],
        ["A", datetime.date(2012, 9, 1)],
    ],
}


def from_book(path, drugs="drugs", attacks="attacks"):
    return read_events(TableFile(path, sheet=drugs), TableFile(path, sheet=attacks))


def test_two_sheets_of_one_workbook_are_two_tables(tmp_path):
    cohort = from_book(book(tmp_path / "b.xlsx", SHEETS))
    assert cohort.frame["relapses"].tolist() == [2]
    (notice,) = [notice for notice in cohort.notices if notice.code == "blank_rows"]
    assert "3" in notice.text


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(tmp_path):
    path = book(tmp_path / "b.xlsx", SHEETS)
    lines = said(from_book, path, attacks="Attack")
    assert (
        lines[1].strip()
        == "no sheet 'Attack'. Expected: the workbook has the sheets 'drugs', 'attacks'. Did you mean 'attacks'?"
    )
    with pytest.raises(ArgumentError, match=r"t\.csv is not a workbook"):
        TableFile("t.csv", sheet="drugs")


def test_a_workbook_read_without_its_sheet_says_that_there_are_others(tmp_path):
    path = book(tmp_path / "b.xlsx", SHEETS)
    (line,) = [line for line in said(read_events, path, path) if "'onset'" in line]
    assert (
        "or choose another sheet ('attacks'): TableFile(path, sheet='attacks') (--sheet relapses=attacks)"
        in line
    )


def test_merged_cells_are_refused_with_their_place(tmp_path):
    path = book(tmp_path / "b.xlsx", SHEETS, lambda one: one["drugs"].merge_cells("C1:D1"))
    assert said(from_book, path)[1].strip() == (
        "row 1: merged cells C1:D1 in the header. Expected: every cell stands for itself. Unmerge the cells, "
        "and give each column its own name in one header row."
    )
    path = book(tmp_path / "c.xlsx", SHEETS, lambda one: one["attacks"].merge_cells("A2:A3"))
    assert (
        "row 2: merged cells A2:A3 in the table. Expected: every cell stands for itself. Unmerge the cells, "
        "and fill each of them" in said(from_book, path)[1]
    )


def test_merged_cells_of_another_sheet_do_not_matter(tmp_path):
    path = book(
        tmp_path / "b.xlsx", SHEETS | {"notes": [["a", "b"]]}, lambda one: one["notes"].merge_cells("A1:B1")
    )
    assert from_book(path).frame["relapses"].tolist() == [2]


def test_a_formula_without_a_result_is_refused(tmp_path):
    def edit(one):
        one["attacks"]["B4"] = "=B2+30"

    path = book(tmp_path / "b.xlsx", SHEETS, edit)
    assert (
        "a formula without a stored result in cell B4. Expected: the workbook holds the results of its formulas"
        in said(from_book, path)[1]
    )
