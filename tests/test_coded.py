"""The fast reader of large tables says what the cell-wise one says."""

import numpy as np
import pandas as pd
from event_tables import COURSES, ONSETS, iso, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import TableFile, read_events
from nmo_stats.tables.coded import coded, coded_rows
from nmo_stats.tables.delimited import read_columns, read_rows


def test_plain_and_quoted_files_and_frames_read_alike(tmp_path):
    treatments, relapses = tables(COURSES, ONSETS, iso)
    expected = read_events(treatments, relapses)
    for name, options in {
        "plain": {},
        "quoted": {"quoting": 1},
        "windows": {"lineterminator": "\r\n"},
    }.items():
        paths = [tmp_path / f"{name}-{kind}.csv" for kind in ("t", "r")]
        for table, path in zip((treatments, relapses), paths, strict=True):
            table.to_csv(path, index=False, **options)
        pd.testing.assert_frame_equal(read_events(*paths).frame, expected.frame)
    for suffix, save in {".xlsx": "to_excel", ".parquet": "to_parquet"}.items():
        paths = [tmp_path / f"{kind}{suffix}" for kind in ("t", "r")]
        for table, path in zip((treatments, relapses), paths, strict=True):
            getattr(table, save)(path, index=False)
        pd.testing.assert_frame_equal(read_events(*paths).frame, expected.frame)


def test_semicolons_and_sheets_are_read_where_they_are_declared(tmp_path):
    treatments, relapses = tables(COURSES, ONSETS, iso)
    expected = read_events(treatments, relapses)
    paths = [tmp_path / "t.csv", tmp_path / "r.csv"]
    treatments.to_csv(paths[0], sep=";", index=False)
    relapses.to_csv(paths[1], sep=";", index=False)
    found = read_events(*(TableFile(path, decimal=",") for path in paths))
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    book = tmp_path / "book.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        treatments.to_excel(writer, sheet_name="drugs", index=False)
        relapses.to_excel(writer, sheet_name="attacks", index=False)
    found = read_events(TableFile(book, sheet="drugs"), TableFile(book, sheet="attacks"))
    pd.testing.assert_frame_equal(found.frame, expected.frame)


LETTERS = st.text(alphabet='ab",;\r\n\t 1', max_size=6)


@given(st.lists(st.tuples(LETTERS, LETTERS), max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_fast_text_reader_says_what_the_cell_wise_one_says(rows, quoted):
    """Any bytes: either the same cells in the same rows, or no answer from the fast one."""
    file = TableFile("table.csv")
    lines = [f'"{a}","{b}"' if quoted else f"{a},{b}" for a, b in rows]
    content = "\n".join(["patient,onset", *lines]).encode()
    plain = read_columns(content, file, ",")
    if plain is None:
        return
    names, columns = plain
    header, *body = read_rows(content, file, ",")
    source = file.source(content)
    fast = coded(names, columns, np.arange(2, 2 + len(columns[0][1])), source)
    slow = coded_rows(header, body, range(2, 2 + len(body)), source)
    assert fast.in_rows() == slow.in_rows()
    assert (fast.row_numbers(), fast.blank_rows, fast.head) == (
        slow.row_numbers(),
        slow.blank_rows,
        slow.head,
    )
