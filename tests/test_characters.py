"""Names with characters that a font, an encoding or a reader may lack."""

import io
import json
import warnings
from functools import partial
from xml.etree import ElementTree

import pytest

from nmo_stats import report
from nmo_stats.analysis import analyze
from nmo_stats.characters import plain, visible
from nmo_stats.cohort import Cohort
from nmo_stats.rates import Settings
from nmo_stats.report.bundle import harmless
from nmo_stats.sections.pictures import draw

NAMES = ["张伟", "e\u202evil"]
HOSTILE = [*NAMES, "bell\x07esc\x1b[31m"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Özil", "Özil"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\u202eb", r"a\u202eb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\udc80", r"\udc80"),
        ("\x00", r"\x00"),
        ("\uffff", r"\uffff"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
    ],
)
def test_hidden_characters_are_written_out(text, expected):
    assert visible(text) == expected


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_every_text_fits_every_encoding(encoding):
    written = plain("≤ 5 – 10 × 2 ± 1, Özil 张 😀", encoding)
    written.encode(encoding)
    assert "5" in written
    assert ("<= 5" in written) == (not encoding.startswith("utf"))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_cell_is_a_formula(text):
    import pandas as pd

    table = harmless(pd.DataFrame({text: [text, "fine"]}))
    assert table.iloc[0, 0] == table.columns[0] == f"'{text}"
    assert table.iloc[1, 0] == "fine"


def paint(axes, names=()):
    axes.set_yticks(range(len(names)), list(names))
    axes.set_title(names[0])


def test_a_figure_keeps_names_without_a_glyph_as_text(monkeypatch):
    monkeypatch.setattr("nmo_stats.figures.glyphs._FURTHER", ())
    from nmo_stats.figures.glyphs import families

    families.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = draw("names", partial(paint, names=HOSTILE), 2.0, caption="", alt="")
        known = draw("names", partial(paint, names=["Özil", "محمد"]), 2.0, caption="", alt="")
    families.cache_clear()
    svg = picture.svg.decode()
    assert svg.count(">张伟<") == 2
    assert r"e\u202evil" in svg
    assert r"bell\x07esc\x1b[31m" in svg
    assert "<text" not in known.svg.decode()
    ElementTree.parse(io.BytesIO(picture.svg))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import pandas as pd

    rows = [(name, drug, count, 12.0) for name in NAMES for drug, count in (("旧", 3), ("new", 1))]
    frame = pd.DataFrame(rows, columns=["patient", "treatment", "relapses", "exposure_months"])
    analysis = analyze(
        Cohort.from_frame(frame),
        "new",
        reference="旧",
        engine="quadrature",
        settings=Settings(replicates=200),
    )
    return report.write(analysis, tmp_path_factory.mktemp("names") / "report").parent


def test_the_page_shows_hidden_characters(folder):
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "张伟" in html
    assert r"e\u202evil" in html
    assert "\u202e" not in html


def test_tables_and_json_keep_the_names(folder):
    table = (folder / "tables" / "periods.csv").read_text(encoding="utf-8")
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert all(name in table for name in NAMES)
    assert {row["patient"] for row in content["periods"]} == set(NAMES)
