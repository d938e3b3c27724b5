"""Files that are no files, that do not end, or whose names are commands to a terminal."""

import os
import shlex
import socket

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmo_stats import ArgumentError, Cohort, CohortError, TableFile, read_events, read_periods
from nmo_stats.tables import delimited, files, reading
from nmo_stats.tables.column_names import in_shell

HEADER = b"patient,treatment,relapses,exposure_years\n"
ROWS = b"A,x,1,2\nA,y,0,2\n"


def refusal(path, **options):
    with pytest.raises(CohortError) as caught:
        read_periods(path, **options)
    (problem,) = caught.value.problems
    return problem


def test_only_regular_files_are_read(tmp_path):
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.csv"))
        for name in ("zero.csv", "pipe.csv", "socket.csv"):
            assert refusal(tmp_path / name).value == "not a regular file"
    reader, writer = os.pipe()
    problem = refusal(f"/dev/fd/{reader}")
    os.close(reader)
    os.close(writer)
    assert "write the table to a file" in problem.remedy


def test_a_file_of_a_terabyte_is_refused_without_reading(tmp_path):
    with (tmp_path / "sparse.csv").open("wb") as file:
        file.truncate(10**12)
    assert "1,000,000 MB" in refusal(tmp_path / "sparse.csv").value


def test_a_file_that_is_longer_than_it_states_is_read_up_to_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_require_plain_file", lambda *_: None)
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    assert refusal(tmp_path / "zero.csv").value == "more than it states"


@pytest.mark.parametrize("reader", [read_periods, lambda path: read_events(path, path)])
def test_lines_rows_and_columns_have_limits(tmp_path, monkeypatch, reader):
    path = tmp_path / "table.csv"
    contents = {
        "a line of more than": HEADER + b"A,x,1," + b"1" * 33_000_000,
        "100,000 columns": b",".join(b"c%d" % number for number in range(100_000)) + b"\n",
        "cells in": HEADER + b"\n" * 2000,
    }
    monkeypatch.setattr(delimited, "MOST_ROWS", 1000)
    for found, content in contents.items():
        path.write_bytes(content)
        with pytest.raises(CohortError, match=found):
            reader(path)


def test_a_parquet_file_that_repeats_a_cell_forever_is_refused(tmp_path, monkeypatch):
    pq.write_table(pa.table({"patient": ["A"] * 100_000}), tmp_path / "p.parquet")
    monkeypatch.setattr(reading, "MOST_CELLS", 1000)
    assert "100,000 cells" in refusal(tmp_path / "p.parquet").value


@pytest.mark.parametrize("name", [b"a\xff.csv", b"b\x1b[31m.csv", b"c\nd.csv", "e\u202e.csv".encode()])
def test_names_of_files_are_printed_without_commands_to_the_terminal(tmp_path, run, name):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    with open(path, "wb") as file:  # noqa: PTH123  a name that is no text
        file.write(HEADER + ROWS)
    assert read_periods(path).source.name.isprintable()
    code, out, _ = run("check", path)
    assert code == 0
    assert out.splitlines()[0].isprintable()
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(HEADER + ROWS.replace(b"0", b"-1"))
    code, _, err = run("check", path)
    assert code == 2
    assert all(line.isprintable() for line in err.splitlines())


def test_control_characters_in_names_of_patients_are_refused(tmp_path):
    for character in ("\x1b", "\x9b", "\u2028"):
        (tmp_path / "p.csv").write_text(HEADER.decode() + f"A{character}[2J,x,1,2\n", encoding="utf-8")
        problem = refusal(tmp_path / "p.csv")
        assert (problem.column, problem.row) == ("patient", 2)
        assert str(problem).isprintable()


@pytest.mark.parametrize(
    "text", ["my periods", "a$HOME", "a`ls`", 'a"b', "it's", "a\\b", "ü", "x;y", "plain", "a=b"]
)
def test_what_a_remedy_quotes_survives_the_shell(text):
    assert shlex.split(in_shell(text)) == [text]
    done = os.popen(f"printf %s {in_shell(text)}")
    with done:
        assert done.read() == text


def test_the_remedy_of_a_cover_sheet_works_when_followed(tmp_path, run):
    book = openpyxl.Workbook()
    book.active.append(["read me"])
    sheet = book.create_sheet("my $periods")
    for row in (("patient", "treatment", "relapses", "exposure_years"), ("A", "x", 1, 2), ("A", "y", 0, 2)):
        sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    code, _, err = run("check", path)
    assert code == 2
    quoted = err[err.index("(--sheet") + 1 :]
    code, out, _ = run("check", path, *shlex.split(quoted[: quoted.index(")")]))
    assert code == 0
    assert "1 patient, 2 periods" in out


def test_the_remedy_of_foreign_columns_works_when_followed(tmp_path, run):
    path = tmp_path / "table.csv"
    path.write_text('Record ID,"Treatment =","attacks ""n""",exposure_years\nA,x,1,2\nA,y,0,2\n')
    names = ["Record ID=patient", "Treatment ==treatment", 'attacks "n"=relapses']
    code, _, err = run("check", path)
    assert code == 2
    options = [
        shlex.split(line[line.index("(--column") + 1 : line.rindex(")")])
        for line in err.splitlines()
        if "(--column" in line
    ]
    assert [option[1] for option in options] == names
    code, _, err = run("check", path, *(word for option in options for word in option))
    assert (code, err) == (0, "")


def test_an_instrument_for_both_tables_names_the_way_to_choose_two(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,patient\n1,period,1,A\n1,relapse,1,B\n"
    )
    with pytest.raises(CohortError) as caught:
        read_events(TableFile(path, instrument="periods"), path)
    assert "Did you mean 'period'" in str(caught.value)


def test_text_that_no_file_can_hold_is_refused():
    columns = {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": [1, 0], "exposure_years": [1, 1]}
    frame = pd.DataFrame(columns)
    with pytest.raises(CohortError, match="valid Unicode"):
        Cohort.from_frame(frame.assign(note=pd.Series(["a", "\ud800"], dtype=object)))
    frame.columns = pd.Index(["patient", "treatment", "relapses", "\ud800"], dtype=object)
    with pytest.raises(ArgumentError, match="valid Unicode"):
        Cohort.from_frame(frame)
    with pytest.raises(ArgumentError, match="valid Unicode"):
        read_events(frame, frame)


def test_names_of_columns_are_printed_without_commands_to_the_terminal(tmp_path):
    (tmp_path / "p.csv").write_bytes(HEADER.replace(b"\n", b",a\x1b[2Jb\n") + b"A,x,1,2,3\n")
    assert all(notice.text.isprintable() for notice in read_periods(tmp_path / "p.csv").notices)
