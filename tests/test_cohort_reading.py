"""From files and DataFrames to a cohort: every format alike, every broken file refused with its reason."""

import datetime
import hashlib
import io
import warnings
import zipfile
from contextlib import suppress

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import ArgumentError, Cohort, CohortError, read_periods

COLUMNS = ["patient", "treatment", "relapses", "exposure_years"]
HEADER = ",".join(COLUMNS) + "\n"
ROWS = "A,x,3,1.5\nA,y,0,2\nB,x,2,1\nB,y,1,1.25\n"
OPEN_DOCUMENT = b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.fixture
def save(tmp_path):
    def write(content, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def four_rows():
    return pd.read_csv(io.StringIO(HEADER + ROWS))


def workbook(*rows, sheets=(), edit=None):
    """Return the bytes of a workbook whose first sheet holds ``rows``."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, cells in sheets:
        book.create_sheet(title).append(cells)
    if edit:
        edit(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def parquet(table):
    content = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), content)
    return content.getvalue()


def refusal(path, **options):
    with pytest.raises(CohortError) as caught:
        read_periods(path, **options)
    return caught.value


def codes(cohort):
    return [notice.code for notice in cohort.notices]


# ---- text files


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS,
        "\ufeff" + HEADER + ROWS,
        (HEADER + ROWS).replace("\n", "\r\n"),
        (HEADER + ROWS).replace("\n", "\r"),
        (HEADER + ROWS).rstrip(),
        HEADER + ROWS + "\n\n,,,\n   \n",
        HEADER + ROWS.replace("A,x", '"A","x"'),
        HEADER.replace("\n", ",,\n") + ROWS.replace("\n", ",,\n"),
    ],
    ids=[
        "plain",
        "byte order mark",
        "CRLF",
        "CR",
        "no final newline",
        "blank end",
        "quotes",
        "empty nameless columns",
    ],
)
def test_variants_of_a_plain_csv_are_the_same_table(save, text):
    pd.testing.assert_frame_equal(
        read_periods(save(text)).to_frame(), Cohort.from_frame(four_rows()).to_frame()
    )


def test_suffix_is_read_in_any_case(save):
    assert read_periods(save(HEADER + ROWS, "TABLE.CSV")).patients == ("A", "B")


def test_source_is_the_name_and_the_hash_of_the_bytes(save):
    source = read_periods(save(HEADER + ROWS)).source
    assert source.name == "table.csv"
    assert source.sha256 == hashlib.sha256((HEADER + ROWS).encode()).hexdigest()
    assert read_periods(save(HEADER + ROWS + "\n")).source.sha256 != source.sha256


def test_blank_rows_in_the_middle_are_named_in_a_notice_and_keep_the_numbering(save):
    cohort = read_periods(save(HEADER + "A,x,3,1.5\n\n , ,,\nA,y,0,2\n\n"))
    (notice,) = [notice for notice in cohort.notices if notice.code == "blank_rows"]
    assert notice.text == "empty rows hold no period: 3, 4"
    assert refusal(save(HEADER + "A,x,3,1.5\n\n,,,\nA,y,-1,2\n")).problems[0].row == 5


def test_blank_rows_at_the_end_are_not_worth_a_notice(save):
    assert "blank_rows" not in codes(read_periods(save(HEADER + ROWS + "\n\n,,,\n")))


def test_a_cell_with_a_line_break_keeps_the_row_number_of_the_spreadsheet(save):
    error = refusal(save(HEADER + 'A,"x\ny",3,1.5\nA,z,-1,2\n'))
    assert [(problem.row, problem.column) for problem in error.problems] == [
        (2, "treatment"),
        (3, "relapses"),
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "empty file"),
        ("  \n \r\n", "empty file"),
        ("\ufeff", "empty file"),
        ("\ufeff\n\n", "empty file"),
        (HEADER, "header only"),
        (HEADER + "\n,,,\n", "header only"),
        ("\n\n" + HEADER + ROWS, "no column names"),
        (",,,\n" + HEADER + ROWS, "no column names"),
        ('""\n', "no column names"),
        ((HEADER + ROWS).replace(",", "|"), "cells separated by bars"),
        ("sep=;\n" + (HEADER + ROWS).replace(",", ";"), "a first line 'sep=;'"),
        ("sep=,\r\n" + HEADER + ROWS, "a first line 'sep=,'"),
        (HEADER + '"A,x,3,1.5\nA,y,0,2\n', "unexpected end of data"),
        (HEADER + '"A"b,x,3,1.5\n', "',' expected after '\"'"),
        (HEADER + "A" * 200_000 + ",x,3,1.5\n", "field larger than field limit"),
        (HEADER + "A,x,3,1\x005\n", "a NUL character"),
        ((HEADER + ROWS).encode("utf-16"), "byte 0xff is not UTF-8"),
        ((HEADER + ROWS).encode("utf-16-be"), "a NUL character"),
        (parquet(four_rows().to_dict("list")), "Parquet"),
        (workbook(COLUMNS, ["A", "x", 1, 1.5]), "an Excel workbook"),
        (OLE + bytes(600), "an old .xls workbook"),
        (b"\x1f\x8b\x08\x00", "a compressed file"),
        (b"%PDF-1.4\n", "a PDF file"),
    ],
)
def test_broken_text_files_are_refused_with_one_reason(save, content, found):
    (problem,) = refusal(save(content)).problems
    assert found in problem.value
    assert problem.rule
    assert problem.remedy


def test_latin_1_is_refused_in_the_row_of_the_umlaut(save):
    (problem,) = refusal(save(HEADER + "A,x,3,1.5\nMüller,y,0,2\n", encoding="latin-1")).problems
    assert problem.row == 3
    assert problem.value == "byte 0xfc is not UTF-8"
    assert problem.remedy == "save it as 'CSV UTF-8'"


def test_utf_8_umlauts_are_read(save):
    assert read_periods(save(HEADER + "Müller,x,3,1.5\n")).patients == ("Müller",)


def test_ragged_rows_are_reported_together_with_the_other_faults(save):
    error = refusal(save(HEADER + "A,x,3,1,5\nA,y\nB,x,-1,0\n"))
    assert [(problem.row, problem.column, problem.value) for problem in error.problems] == [
        (2, None, "5 cells"),
        (3, None, "2 cells"),
        (4, "relapses", "'-1'"),
        (4, "exposure_years", "'0'"),
    ]


def test_commas_at_the_end_of_rows_but_not_of_the_header_are_ragged(save):
    assert refusal(save(HEADER + "A,x,3,1.5,\n")).problems[0].value == "5 cells"


# ---- files that are not there, or not what they say


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (HEADER + ROWS, "table.xlsx", "plain text. Expected: a .xlsx file is an Excel workbook"),
        (HEADER + ROWS, "table.parquet", "plain text. Expected: a .parquet file is Parquet"),
        (workbook(COLUMNS), "table.csv", "an Excel workbook. Expected: a .csv file is plain text"),
        (workbook(COLUMNS), "table.parquet", "an Excel workbook. Expected: a .parquet file is Parquet"),
        (parquet({"patient": ["A"]}), "table.csv", "Parquet. Expected: a .csv file is plain text"),
        (parquet({"patient": ["A"]}), "table.xlsx", "Parquet. Expected: a .xlsx file is an Excel workbook"),
        (
            OLE,
            "table.xlsx",
            "an old .xls workbook. Expected: a .xlsx file is an Excel workbook. "
            "Open it in the spreadsheet program",
        ),
        (
            OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "table.xlsx",
            "a workbook with a password. Expected: a .xlsx file is an Excel workbook. "
            "Save it without the password",
        ),
        (
            OPEN_DOCUMENT,
            "table.xlsx",
            "an OpenDocument spreadsheet (.ods). Expected: a .xlsx file is an Excel workbook. Open it",
        ),
        (
            OPEN_DOCUMENT,
            "table.ods",
            "suffix '.ods'. Expected: the file is .csv, .tsv, .txt, .xlsx or .parquet. Save it as .xlsx",
        ),
        (
            HEADER + ROWS,
            "table.dat",
            "suffix '.dat'. Expected: the file is .csv, .tsv, .txt, .xlsx or .parquet",
        ),
        (HEADER + ROWS, "table.csv.gz", "suffix '.gz'"),
        (HEADER + ROWS, "table", "suffix ''"),
        (OLE, "table.xls", "suffix '.xls'"),
    ],
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(save, content, name, found):
    assert found in str(refusal(save(content, name)))


def test_missing_files_and_folders_are_named(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (problem,) = refusal(tmp_path / "folder.csv").problems
    assert (problem.value, problem.remedy) == ("a folder", "name the file in it")
    for path in (tmp_path / "absent.csv", b"absent.csv", "a" * 5000 + ".csv"):
        (problem,) = refusal(path).problems
        assert problem.rule == "the file exists and can be read"
    assert "absent.csv" in refusal(tmp_path / "absent.csv").problems[0].remedy


TITLE = "Our series, January 2020"


@pytest.mark.parametrize(
    ("content", "name", "row"),
    [
        (f"{TITLE}\n" + HEADER + ROWS, "table.csv", 2),
        (f"{TITLE},,,\n\n" + HEADER + ROWS, "table.csv", 3),
        (workbook([TITLE], [], ["N = 2"], COLUMNS, ["A", "x", 1, 1.5], ["A", "y", 0, 1]), "table.xlsx", 4),
    ],
)
def test_a_title_above_the_table_is_named_with_the_row_of_the_columns(save, content, name, row):
    (problem,) = refusal(save(content, name)).problems
    assert problem.value == f"row {row} holds the column names patient, treatment, relapses"
    assert problem.remedy == "remove the rows above it"


def test_column_names_far_below_are_not_looked_for(save):
    error = refusal(save(f"{TITLE}\n" + "x\n" * 30 + HEADER + ROWS))
    assert not [problem for problem in error.problems if "holds the column names" in (problem.value or "")]


def test_a_renamed_header_below_a_title_is_found(save):
    text = f"{TITLE}\n" + HEADER.replace("patient", "record_id") + ROWS
    with pytest.raises(CohortError, match="row 2 holds the column names"):
        read_periods(save(text), {"record_id": "patient"})


@pytest.mark.parametrize(("sheet", "cover"), [(None, "Read me first"), (None, None), ("cover", None)])
def test_a_cover_sheet_comes_with_the_names_of_the_other_sheets(tmp_path, sheet, cover):
    book = openpyxl.Workbook()
    book.active.title = "cover"
    if cover:
        book.active.append([cover])
    for row in (COLUMNS, ["A", "x", 1, 1.5], ["A", "y", 0, 1.0]):
        if "my periods" not in book.sheetnames:
            book.create_sheet("my periods")
        book["my periods"].append(row)
    book.create_sheet("empty")
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(CohortError) as caught:
        read_periods(tmp_path / "book.xlsx", sheet=sheet)
    remedies = [problem.remedy for problem in caught.value.problems]
    assert all("'my periods'" in remedy and "--sheet" in remedy for remedy in remedies)
    assert not any("'empty'" in remedy for remedy in remedies)
    if cover:
        assert """read_periods(path, sheet='my periods') (--sheet "my periods")""" in remedies[0]


@pytest.mark.parametrize("path", [None, 3, "a\0b.csv", io.BytesIO(), pd.DataFrame()])
def test_what_is_no_path_is_an_argument_error(path):
    with pytest.raises(ArgumentError, match="Expected: the path of a file"):
        read_periods(path)


@pytest.mark.parametrize("name", ["table.xlsx", "table.parquet"])
def test_truncated_files_are_refused(save, name):
    whole = workbook(COLUMNS, ["A", "x", 1, 1.5]) if name == "table.xlsx" else parquet({"patient": ["A"]})
    for keep in (8, len(whole) // 2, len(whole) - 1):
        assert "cannot be read" in str(refusal(save(whole[:keep], name)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20))
@pytest.mark.parametrize("name", ["table.xlsx", "table.parquet", "table.csv"])
def test_damaged_bytes_are_read_or_refused_but_never_crash(tmp_path_factory, name, damage):
    whole = {
        "table.xlsx": workbook(COLUMNS, ["A", "x", 1, 1.5], ["A", "y", 1, 2.5]),
        "table.parquet": parquet(four_rows().to_dict("list")),
        "table.csv": (HEADER + ROWS).encode(),
    }[name]
    content = bytearray(whole)
    for place, byte in damage:
        content[int(place * len(content))] = byte
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    with suppress(CohortError):
        read_periods(path)


def test_a_zip_archive_is_no_workbook(save):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "cannot be read" in str(refusal(save(content.getvalue(), "table.xlsx")))


# ---- workbooks


def test_numbers_as_patients_read_as_a_spreadsheet_shows_them(save):
    content = workbook(COLUMNS, [101.0, "x", 3, 1.5], [101, "y", 0, 2], ["007", "x", "1", "1.5"])
    assert read_periods(save(content, "table.xlsx")).patients == ("101", "007")


def test_true_and_false_answer_yes_and_no_in_a_workbook_and_in_its_csv(save):
    content = workbook(
        [*COLUMNS, "ongoing"], ["A", "x", 1, 1.5, True], ["A", "y", 0, 2, False], ["B", "x", 0, 2, None]
    )
    text = HEADER.strip() + ",ongoing\nA,x,1,1.5,TRUE\nA,y,0,2,FALSE\nB,x,0,2,\n"
    for path in (save(content, "table.xlsx"), save(text)):
        assert read_periods(path).to_frame()["ongoing"].tolist() == [True, False, pd.NA]


@pytest.mark.parametrize(
    ("cell", "column", "found"),
    [
        (True, "relapses", "True"),
        (datetime.date(2020, 1, 2), "relapses", "2020-01-02 00:00:00"),
        (datetime.date(2020, 1, 2), "patient", "2020-01-02 00:00:00"),
        (datetime.time(1, 2), "exposure_years", "01:02:00"),
        ("1,5", "exposure_years", "'1,5'"),
        ("#DIV/0!", "exposure_years", "'#DIV/0!'"),
        ("#N/A", "patient", "'#N/A'"),
        ("#REF!", "treatment", "'#REF!'"),
        (
            "=1+1",
            "relapses",
            "a formula without a stored result in cell C2",
        ),  # no spreadsheet program has computed it
    ],
)
def test_cells_that_a_spreadsheet_turned_into_something_else_are_refused(save, cell, column, found):
    row = dict(zip(COLUMNS, ["A", "x", 1, 1.5], strict=True)) | {column: cell}
    (problem,) = refusal(save(workbook(COLUMNS, list(row.values())), "table.xlsx")).problems
    assert (problem.row, problem.column, problem.value) == (2, column, found)


def test_a_spreadsheet_error_in_an_optional_column_is_not_read_as_unknown(save):
    content = workbook([*COLUMNS, "edss_end"], ["A", "x", 1, 1.5, "#REF!"])
    assert refusal(save(content, "table.xlsx")).problems[0].value == "'#REF!'"


def test_rows_of_a_workbook_have_the_numbers_of_the_spreadsheet(save):
    content = workbook(COLUMNS, ["A", "x", 1, 1.5], [], ["A", "y", -1, 2])
    assert refusal(save(content, "table.xlsx")).problems[0].row == 4
    content = workbook(COLUMNS, ["A", "x", 1, 1.5], [], [None, None, " "], ["A", "y", 1, 2])
    assert "blank_rows" in codes(read_periods(save(content, "table.xlsx")))


def test_a_table_that_does_not_start_in_the_first_row_is_refused(save):
    (problem,) = refusal(save(workbook([], [], COLUMNS, ["A", "x", 1, 1.5]), "table.xlsx")).problems
    assert problem.remedy == "remove the empty rows above the table"


def test_further_sheets_are_named_in_a_notice(save):
    content = workbook(COLUMNS, ["A", "x", 1, 1.5], sheets=[("codes", ["x: rituximab"]), ("blank", [])])
    (notice,) = [n for n in read_periods(save(content, "table.xlsx")).notices if n.code == "unread_sheets"]
    assert notice.text == "only the first sheet of the workbook is read, not 'codes'"


def test_a_hidden_first_sheet_is_passed_over(save):
    def hide(book):
        book.create_sheet("data")
        for row in (COLUMNS, ["A", "x", 1, 1.5]):
            book["data"].append(row)
        book.worksheets[0].sheet_state = "hidden"

    assert read_periods(save(workbook(["lists"], edit=hide), "table.xlsx")).patients == ("A",)


@pytest.mark.parametrize(
    "content",
    [
        workbook(),
        workbook(sheets=[("data", COLUMNS)]),
        workbook(edit=lambda book: (book.remove(book.active), book.create_chartsheet("chart"))),
    ],
    ids=["empty", "table on the second sheet", "chart sheet only"],
)
def test_a_workbook_without_a_table_on_its_first_sheet_is_refused(save, content):
    assert refusal(save(content, "table.xlsx")).problems


def test_a_workbook_with_the_wrong_stored_dimensions_is_read_whole(save):
    whole, shrunk = workbook(COLUMNS, ["A", "x", 1, 1.5], ["A", "y", 2, 1.5]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(shrunk, "w") as target:
        for name in source.namelist():
            target.writestr(
                name, source.read(name).replace(b'<dimension ref="A1:D3"', b'<dimension ref="A1"')
            )
    assert len(read_periods(save(shrunk.getvalue(), "table.xlsx")).to_frame()) == 2


def test_reading_a_workbook_prints_no_warning_of_openpyxl(save, monkeypatch):
    original = openpyxl.load_workbook

    def noisy(*arguments, **options):
        warnings.warn(
            "Data Validation extension is not supported and will be removed", UserWarning, stacklevel=2
        )
        return original(*arguments, **options)

    monkeypatch.setattr(openpyxl, "load_workbook", noisy)
    assert read_periods(save(workbook(COLUMNS, ["A", "x", 1, 1.5]), "table.xlsx")).patients == ("A",)
