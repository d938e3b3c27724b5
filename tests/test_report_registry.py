"""A whole report from dated events of a registry, as a registry group would run it."""

import importlib.util
import json
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from nmo_stats.cli import main


def event_tables(patients, seed):
    path = Path(__file__).parents[1] / "benchmarks" / "registry.py"
    specification = importlib.util.spec_from_file_location("registry", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.event_tables(patients, seed)


@pytest.mark.slow
def test_a_registry_of_200_patients_ends_with_a_complete_report(tmp_path, monkeypatch):
    for name, table in zip(("t", "r"), event_tables(200, 7), strict=True):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    out = tmp_path / "report"
    files = ["--treatments", tmp_path / "t.csv", "--relapses", tmp_path / "r.csv", "--out", out]
    arguments = ["nmo-stats", "report", "--engine", "quadrature", "--replicates", "200", *files]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    start = time.perf_counter()
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code in (0, None)
    sys.stderr.write(f"report of 200 patients: {time.perf_counter() - start:.1f} s\n")
    page = (out / "index.html").read_text(encoding="utf-8")
    for text in ("From dated events to periods", "Onsets merged across a switch", "patient by patient"):
        assert text in page
    account = pd.read_csv(out / "tables" / "attrition.csv")
    content = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert len(account) == 200
    assert account["relapses_kept"].sum() == sum(content["relapses"])
    assert account["days_kept"].sum() == pytest.approx(365.25 * sum(content["years"]))
    assert len(pd.read_csv(out / "tables" / "switch_merges.csv")) == len(content["switch_merges"]) > 0
    assert any(row["family"] == "merging" for row in content["sensitivity"]["rows"])
    estimates = {row["method"]: row for row in content["estimates"]}
    assert (
        estimates["hierarchical_quadrature"]["low"] < 0.3 < estimates["hierarchical_quadrature"]["high"]
    )  # the truth
