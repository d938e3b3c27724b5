"""The scripts in ``analyses/`` run from a checkout and write their tables."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ANALYSES = Path(__file__).parents[1] / "analyses"


def run(name, *options):
    found = subprocess.run(
        [sys.executable, str(ANALYSES / name), *options], capture_output=True, text=True, check=False
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


def test_04_sensitivity():
    printed = run("04_sensitivity.py")
    assert "No number of this kind is a treatment effect." in printed
    assert "triggered_1  conditional_exact" in printed
    table = pd.read_csv(ANALYSES / "output" / "04_sensitivity.csv").set_index(["family", "method"])
    assert table.loc[("trigger", "conditional_exact"), "high"] == pytest.approx(2.098, rel=1e-3)
    assert len(pd.read_csv(ANALYSES / "output" / "04_no_effect.csv")) == 4 * (5 + 12 * 4 + 4)


def test_05_reproduce_paper():
    printed = run("05_reproduce_paper.py")
    assert "4 disagree" in printed
    assert "13 relapses / 5 calendar years" in printed
    table = pd.read_csv(ANALYSES / "output" / "05_audit.csv")
    assert len(table) == 188
    assert table.loc[table["verdict"] == "disagrees", "quantity"].tolist() == [
        *["prior_arr"] * 3,
        "onset_months_before_tocilizumab",
    ]


def test_06_negative_control():
    printed = run("06_negative_control.py")
    assert "963 seizures after, 862 before" in printed
    assert "3.65 times as much" in printed
    table = pd.read_csv(ANALYSES / "output" / "06_negative_control.csv").set_index("method")
    # R: poisson.test(c(963, 862), c(28, 28)) has the interval 1.018016 to 1.226128.
    assert table.loc["pooled_exact", ["estimate", "low", "high"]].tolist() == pytest.approx(
        [1.117169, 1.018016, 1.226128], rel=1e-6
    )
    poisson = ["pooled_exact", "poisson", "conditional_exact", "conditional_midp", "conditional_poisson"]
    assert set(table.index[table["excludes_1"]]) == set(poisson)
    assert set(table.loc[poisson, "cautions"]) == {"overdispersed"}
    # Adaptive Gauss-Hermite over the patients on a product grid of the four parameters: 1.05144 (0.86393 to
    # 1.27519).
    assert table.loc["hierarchical_quadrature", ["estimate", "low", "high"]].tolist() == pytest.approx(
        [1.05144, 0.86393, 1.27519], rel=1e-3
    )
    assert table.index[table["recommended"]].tolist() == ["hierarchical_quadrature"]
    width = table["high"] / table["low"]
    assert width["hierarchical_quadrature"] > width["pooled_exact"]
    assert width["negative_binomial"] > width["pooled_exact"]


def test_07_coverage_map():
    printed = run("07_coverage_map.py", "50", "1", "6")
    assert "6 cells of 50 series" in printed
    assert "conditional_exact" in printed
    folder = ANALYSES / "output" / "coverage_map"
    table = pd.read_csv(folder / "coverage_map.csv")
    assert len(table) == 6 * 11
    assert set(table["patients"]) == {1}
    assert (folder / "coverage_map.png").stat().st_size > 10_000
