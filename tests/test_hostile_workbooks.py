"""Workbooks that lie about their size, hide rows or break the rules of a sheet."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Border, Font, Side

from nmo_stats import CohortError, TableFile, read_events, read_periods

CASES = Path(__file__).parent / "cases"
HEADER = ("patient", "treatment", "relapses", "exposure_months")
ROWS = (("1", "old", 6, 32), ("1", "new", 1, 21), ("2", "old", 2, 8), ("2", "new", 0, 18))
SHEET = "xl/worksheets/sheet1.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
STRINGS_RELATION = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Type="/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
)


def cells(number, values):
    texts = []
    for letter, value in zip("ABCDEFG", values, strict=False):
        if isinstance(value, str):
            texts.append(f'<c r="{letter}{number}" t="inlineStr"><is><t>{value}</t></is></c>')
        else:
            texts.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
    return "".join(texts)


def rows_xml(start=1, rows=(HEADER, *ROWS)):
    return "".join(f'<row r="{n}">{cells(n, row)}</row>' for n, row in enumerate(rows, start=start))


def sheet_xml(body, before=""):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}">{before}<sheetData>{body}</sheetData></worksheet>'


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a workbook with some of its parts replaced or added."""

    def write(body=None, *, before="", parts=None, edit=None, name="book.xlsx"):
        book, content = openpyxl.Workbook(), io.BytesIO()
        for row in (HEADER, *ROWS):
            book.active.append(row)
        if edit:
            edit(book)
        book.save(content)
        changed = dict(parts or {})
        if body is not None:
            changed[SHEET] = sheet_xml(body, before)
        path = tmp_path / name
        with (
            zipfile.ZipFile(content) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for part in source.namelist():
                if part not in changed:
                    target.writestr(part, source.read(part))
            for part, text in changed.items():
                target.writestr(part, text)
        return path

    return write


def relapses(path, **options):
    return read_periods(path, **options).frame["relapses"].tolist()


def notice(cohort, code):
    (found,) = [notice.text for notice in cohort.notices if notice.code == code]
    return found


def within_limits(path):
    """Return how reading the file ends in a process with limits, and the megabytes it took."""
    code = (
        "import json, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9,) * 2)\n"
        "from nmo_stats import NmoStatsError, read_periods\n"
        "try:\n    said = str(read_periods(sys.argv[1]).patients)\n"
        "except NmoStatsError as error:\n    said = str(error)\n"
        "status = open('/proc/self/status').read()\n"
        "print(json.dumps([said, int(status.partition('VmHWM:')[2].split()[0]) / 1000]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- sizes that a file announces


def test_a_cell_far_away_costs_no_memory():
    said, megabytes = within_limits(CASES / "far_cell.xlsx")
    assert "row 1048576, patient 'Z', column 'treatment': empty" in said
    assert megabytes < 500


def test_a_row_number_beyond_every_sheet_is_refused_at_once():
    said, megabytes = within_limits(CASES / "huge_row_number.xlsx")
    assert "row number 200000000" in said
    assert megabytes < 500


def test_an_empty_cell_far_away_is_no_cell(save):
    body = rows_xml() + '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert relapses(save(body)) == [6, 1, 2, 0]


@pytest.mark.parametrize("ref", ["A1", "A1:B2", "A1:XFD1048576", "", "nonsense"])
def test_the_stated_dimension_is_never_believed(save, ref):
    assert relapses(save(rows_xml(), before=f'<dimension ref="{ref}"/>')) == [6, 1, 2, 0]


def test_thousands_of_empty_formatted_cells_are_nothing(save):
    empty = "".join(
        f'<row r="{n}" s="1"><c r="A{n}" s="1"/><c r="ZZ{n}" s="1"/></row>' for n in range(6, 6000)
    )
    cohort = read_periods(save(rows_xml() + empty))
    assert len(cohort.frame) == 4
    assert "blank_rows" not in [item.code for item in cohort.notices]


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", SHEET, "xl/styles.xml", "xl/workbook.xml"])
def test_a_part_that_unpacks_to_far_too_much_is_refused(save, part):
    parts = {part: "<x>" + " " * 25_000_000 + "</x>"}
    if part == "xl/sharedStrings.xml":
        parts[RELATIONS] = STRINGS_RELATION
    said, megabytes = within_limits(save(parts=parts))
    assert f"{part!r} unpacks to 25 MB" in said
    assert megabytes < 500


def test_a_part_that_nothing_refers_to_is_not_read(save):
    path = save(parts={"xl/worksheets/sheet99.xml": " " * 25_000_000, "xl/media/photo.png": "no picture"})
    assert relapses(path) == [6, 1, 2, 0]


def test_another_sheet_that_is_damaged_is_not_the_table(save):
    path = save(
        edit=lambda book: book.create_sheet("codes"), parts={"xl/worksheets/sheet2.xml": "<worksheet"}
    )
    cohort = read_periods(path)
    assert len(cohort.frame) == 4
    assert "'codes'" in notice(cohort, "unread_sheets")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (rows_xml() + '<row r="3"><c r="A3"><v>1</v></c></row>', "row 3 after row 5"),
        (rows_xml() + '<row r="5"><c r="A5"><v>1</v></c></row>', "row 5 after row 5"),
        ('<row r="0"/>' + rows_xml(), "number 0"),
        ('<row r="-4"/>' + rows_xml(), "number -4"),
        (rows_xml() + '<row r="x"/>', "cannot be read"),
        (rows_xml() + '<row r="6"><c r="B6"><v>1</v></c><c r="A6"><v>1</v></c></row>', "a cell 'A6'"),
        (rows_xml() + '<row r="6"><c r="A6"><v>1</v></c><c r="A6"><v>2</v></c></row>', "a cell 'A6'"),
        (rows_xml() + '<row r="6"><c r="XFE6"><v>1</v></c></row>', "a cell 'XFE6'"),
        (rows_xml() + '<row r="6"><c r="$1"><v>1</v></c></row>', "a cell '$1'"),
        (rows_xml() + '<row r="6">' + "<c/>" * 20_000 + "</row>", "more than 16384 cells"),
        (rows_xml() + '<row r="6"><c t="s" r="A6"><v>99</v></c></row>', "shared text 99"),
        (rows_xml() + '<row r="6"><c r="A6"><v>12x</v></c></row>', "cannot be read"),
    ],
)
def test_rows_and_cells_without_one_place_are_refused(save, body, found):
    with pytest.raises(CohortError, match="cannot be read") as caught:
        read_periods(save(body))
    assert found in str(caught.value)


def test_declared_entities_are_refused(save):
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE x [<!ENTITY e0 "boom">{lines}]>' + sheet_xml(rows_xml()).replace("old", "&e11;")
    with pytest.raises(CohortError, match="document type"):
        read_periods(save(parts={SHEET: text}))


def test_rows_and_cells_without_numbers_follow_each_other(save):
    plain = rows_xml()
    for number in range(1, 6):
        plain = plain.replace(f' r="{number}"', "")
        for letter in "ABCD":
            plain = plain.replace(f' r="{letter}{number}"', "")
    assert relapses(save(plain)) == [6, 1, 2, 0]


def test_a_sheet_of_charts_before_the_table_is_passed_over(save):
    assert relapses(save(edit=lambda book: book.create_chartsheet("figure", 0))) == [6, 1, 2, 0]


def test_a_workbook_of_old_macintoshes_counts_its_days_from_1904(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    for row in (
        ("patient", "treatment", "start", "end"),
        ("1", "old", pd.Timestamp("2010-01-01"), pd.Timestamp("2011-01-01")),
    ):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    relapses = pd.DataFrame({"patient": ["1"], "onset": ["2010-05-01"]})
    assert read_events(tmp_path / "t.xlsx", relapses).frame["exposure_days"].tolist() == [365]


# ---- what the sheet does not show


def test_rows_that_a_filter_hides_are_named(run):
    cohort = read_periods(CASES / "hidden_rows.xlsx")
    assert "hidden_rows.xlsx" in notice(cohort, "hidden_rows")
    assert notice(cohort, "hidden_rows").endswith("rows 8, 9")
    assert "rows 8, 9" in notice(cohort.where(treatment="old"), "hidden_rows")
    pair = ["--comparator", "new", "--reference", "old"]
    for command in (["check"], ["describe"], ["rates", *pair]):
        for form in ([], ["--json"]):
            code, out, _ = run(command[0], CASES / "hidden_rows.xlsx", *command[1:], *form)
            assert code == 0
            assert "rows 8, 9" in " ".join(out.split())


def test_hidden_rows_travel_with_the_comparison():
    pair = read_periods(CASES / "hidden_rows.xlsx").compare("new", reference="old")
    assert "hidden_rows" in [item.code for item in pair.notices]


def test_rows_without_height_are_hidden_and_empty_ones_not_worth_a_word(save):
    body = rows_xml().replace('<row r="4">', '<row r="4" ht="0" customHeight="1">')
    assert notice(read_periods(save(body + '<row r="9" hidden="1"/>')), "hidden_rows").endswith("row 4")


@pytest.mark.parametrize("columns", ['<col min="3" max="3" hidden="1"/>', '<col min="3" max="9" width="0"/>'])
def test_hidden_columns_of_the_table_are_named(save, columns):
    cohort = read_periods(save(rows_xml(), before=f"<cols>{columns}</cols>"))
    assert "C (relapses)" in notice(cohort, "hidden_columns")
    assert "A (patient)" not in notice(cohort, "hidden_columns")


def test_hidden_columns_without_content_are_not_worth_a_word(save):
    cohort = read_periods(save(rows_xml(), before='<cols><col min="5" max="16384" hidden="1"/></cols>'))
    assert not [item for item in cohort.notices if "hidden" in item.code]


def test_cells_that_are_struck_through_are_named(save):
    def strike(book):
        book.active["C3"].font = Font(strike=True)
        book.active["D9"].font = Font(strike=True)  # empty
        book.active["A5"].border = Border(top=Side("thin"))

    assert notice(read_periods(save(edit=strike)), "struck_rows").endswith("row 3")


def test_a_struck_part_of_a_text_is_named(save):
    def strike(book):
        old = TextBlock(InlineFont(strike=True), "5")
        book.active["C4"] = CellRichText([old, "2"])

    cohort = read_periods(save(edit=strike))
    assert cohort.frame["relapses"].tolist() == [6, 1, 52, 0]
    assert notice(cohort, "struck_rows").endswith("row 4")


def test_plain_workbooks_have_none_of_these_notices(save):
    codes = [item.code for item in read_periods(save()).notices]
    assert codes == ["whole_months"]


def test_hidden_rows_of_dated_events_are_named_with_their_file(tmp_path):
    tables = {
        "t.xlsx": [("patient", "treatment", "start", "end"), ("1", "old", 0, 400), ("1", "new", 400, 900)],
        "r.xlsx": [("patient", "onset"), ("1", 30), ("1", 500)],
    }
    for name, rows in tables.items():
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.active.row_dimensions[3].hidden = True
        book.save(tmp_path / name)
    cohort = read_events(TableFile(tmp_path / "t.xlsx"), TableFile(tmp_path / "r.xlsx"))
    texts = [item.text for item in cohort.notices if item.code == "hidden_rows"]
    assert [text.partition(":")[0] for text in texts] == ["in t.xlsx", "in r.xlsx"]
    assert all(text.endswith("row 3") for text in texts)


# ---- every cell as the other reader of workbooks has it


def test_cells_agree_with_openpyxl():
    from nmo_stats.tables.workbook import read_sheet

    path = Path(__file__).parent / "reference" / "libreoffice.xlsx"
    for title in ("treatments", "relapses"):
        table = read_sheet(path.read_bytes(), TableFile(path, sheet=title))
        expected = list(openpyxl.load_workbook(path, data_only=True)[title].iter_rows(values_only=True))
        header, *body = expected
        assert table.columns == header
        assert list(zip(*table.in_rows(), strict=True)) == body
