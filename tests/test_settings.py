"""Wrong choices are refused at once, in Python and in a configuration file."""

import numpy as np
import pytest

from nmo_stats.errors import ArgumentError
from nmo_stats.rates import Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"priors": 1},
        {"priors": None},
        {"nuts": "nuts"},
        {"background": 0.5},
        {"likelihood": "normal"},
        {"entry": "none"},
        {"courses": None},
        {"level": "0.95"},
        {"level": True},
        {"level": float("nan")},
        {"level": None},
        {"replicates": True},
        {"replicates": "200"},
    ],
)
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        Settings(**wrong)


@pytest.mark.parametrize("level", [np.float64(0.75), np.float32(0.5), 0.9])
def test_a_level_may_be_a_numpy_number(level):
    assert type(Settings(level=level).level) is float


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"seed = " + b"1" * 5000, "digits"),
        (b"seed = 0x" + b"f" * 5000, "64"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "deep"),
        (b"priors." + b"a." * 3000 + b"a = 1", "deep"),
        (b"seed = " + b"[" * 300 + b"]" * 300, "deep"),
        (b"comparator = '\xe9'", "UTF-8"),
        ("seed = 1".encode("utf-16"), "UTF-8"),
        (b"engine = ''", "engine"),
        (b"comparator = ' '", "comparator"),
        (b"level = 1e400", "level"),
        (b"level = nan", "level"),
        (b"priors.log_rate_ratio = {mean=" + b"1" * 400 + b", sd=1}", "64"),
        (b"= 1", "TOML"),
        (b"background = 1", "background"),
        (b"seed = 2020-01-01", "a date"),
        (b'out = "a\\u0000b"', "folder"),
    ],
)
def test_a_config_file_is_refused_in_a_sentence(run, tmp_path, content, word):
    path = tmp_path / "analysis.toml"
    path.write_bytes(content)
    code, out, err = run("report", "--config", path, "--json")
    assert (code, out) == (2, "")
    assert word in err
    assert len(err) < 600
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_or_a_missing_file_is_no_config(run, tmp_path):
    for path in (tmp_path, tmp_path / "none.toml"):
        code, out, err = run("rates", "--config", path)
        assert (code, out) == (2, "")
        assert str(path) in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("rates", "--engine", ""),
        ("rates", "--engine="),
        ("report", "--out", ""),
        ("report", "--out", " "),
        ("rates", "--comparator", ""),
        ("rates", ""),
        ("check", "--column", ""),
        ("check", "--decimal", ""),
        ("describe", "--rule", ""),
        ("template", ""),
    ],
)
def test_an_empty_argument_is_no_default(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "empty" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("rates", "--level", "1e-400"),
        ("rates", "--level", "nan"),
        ("rates", "--level", "1e400"),
        ("rates", "--seed", "-1"),
        ("rates", "--seed", "1.5"),
        ("simulate", "--rr", "nan"),
        ("simulate", "--arr", "inf"),
        ("rates", "--prior", "sd_rate=1e400"),
        ("sensitivity", "--background-ratio", "nan"),
        ("rates", "nofile.csv"),
        ("nonsense",),
    ],
)
def test_an_error_leaves_standard_output_empty(run, arguments):
    code, out, err = run(*arguments, "--json")
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


def test_a_folder_for_blocks_is_tried_before_the_simulation(run, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("n" * 300)):
        code, out, err = run("simulate", "--folder", folder)
        assert (code, out) == (2, "")
        assert str(folder) in err


@pytest.mark.parametrize("name", ["none/periods.csv", "none/periods.xlsx", f"{'n' * 300}.csv", "loop.csv"])
def test_a_template_that_cannot_be_written_is_named(run, tmp_path, name):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    code, out, err = run("template", tmp_path / name)
    assert (code, out) == (2, "")
    assert str(tmp_path / name) in err


def test_of_several_template_files_all_are_written_or_none(tmp_path):
    from nmo_stats.cli import template

    with pytest.raises(OSError, match="nowhere"):
        template._write_new({tmp_path / "a.csv": b"a", tmp_path / "nowhere" / "b.csv": b"b"})
    assert list(tmp_path.iterdir()) == []
