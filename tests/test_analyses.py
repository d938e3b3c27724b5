"""The scripts in ``analyses/`` run from a checkout and write their tables."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ANALYSES = Path(__file__).parents[1] / "analyses"


def run(name):
    found = subprocess.run(
        [sys.executable, str(ANALYSES / name)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_01_describe():
    assert "rituximab" in run("01_describe.py")
    table = pd.read_csv(ANALYSES / "output" / "01_arr.csv")
    assert table["relapses"].tolist() == [6, 1, 2, 0, 1, 1, 9, 2]


def test_02_rate_ratios():
    printed = run("02_rate_ratios.py")
    assert "p = 0.0023" in printed
    assert "cannot reach 0.05" in printed
    table = pd.read_csv(ANALYSES / "output" / "02_rate_ratios.csv").set_index("method")
    assert table.loc["conditional_exact", "high"] == pytest.approx(0.999997, abs=1e-6)


def test_03_hierarchical():
    assert "typical patient: 0.2" in run("03_hierarchical.py")
    table = pd.read_csv(ANALYSES / "output" / "03_parameters.csv")
    assert list(table["parameter"]) == ["log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio"]
