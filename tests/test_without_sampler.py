"""A sampler that is missing or broken costs its own numbers and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nmo_stats import analysis, hierarchical, report
from nmo_stats.errors import SamplerError
from nmo_stats.estimators.classical import Refusal
from nmo_stats.rates import Settings

BLOCKER = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise {error}

sys.meta_path.insert(0, Blocker())
from nmo_stats.cli import main
main()
"""
BLOCKED = ("pymc", "pytensor", "arviz", "nutpie")
QUICK = ("--replicates", "200")


def nmo(folder, *arguments, error="ImportError('numba does not fit numpy')", blocked=BLOCKED):
    code = BLOCKER.format(blocked=blocked, error=error)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_a_report_by_quadrature_needs_no_sampler(tmp_path):
    done = nmo(tmp_path, "report", "--engine", "quadrature", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "report" / "posterior.nc").is_file()


@pytest.mark.parametrize(
    "error", ["ImportError('numba does not fit numpy')", "RuntimeError('numba does not fit numpy')"]
)
def test_both_engines_without_a_sampler_give_the_report_and_the_reason(tmp_path, error):
    done = nmo(tmp_path, "report", *QUICK, error=error)
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "check against NUTS" in said
    assert "numba does not fit numpy" in said
    assert "numba does not fit numpy" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    results = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert "hierarchical_quadrature" in {row["method"] for row in results["estimates"]}
    assert "hierarchical_nuts" in {row["method"] for row in results["not_identified"]}


def test_the_sampler_alone_is_refused_with_a_remedy_that_works(tmp_path):
    done = nmo(tmp_path, "rates", "--engine", "nuts", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "quadrature" in done.stderr
    done = nmo(tmp_path, "rates", "--engine", "quadrature", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["estimates"]) >= 7


def test_rates_by_both_say_what_was_not_run(tmp_path):
    done = nmo(tmp_path, "rates", "--engine", "both")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert said.index("Bayesian hierarchical (NUTS): ") < said.index("numba does not fit numpy")


def test_a_sampler_that_stops_with_its_own_error_is_refused(example_pair, monkeypatch):
    def stop(*_, **__):
        raise TypeError("compilation failed")

    monkeypatch.setattr("nmo_stats.hierarchical.nuts.fit_nuts", stop)
    with pytest.raises(SamplerError, match="compilation failed"):
        hierarchical.fit(example_pair, engine="nuts", seed=1)
    fit, sampled = analysis.hierarchical_fits(example_pair, Settings(), "both", 1)
    assert isinstance(sampled, Refusal)
    assert fit.rate_ratio().estimate > 0


@pytest.mark.parametrize("done_before", [0, 150])
def test_an_interrupted_sampler_is_not_taken_for_a_short_one(example_pair, done_before):
    def interrupt(done, _):
        if done > done_before:
            raise KeyboardInterrupt

    settings = hierarchical.Nuts(draws=100, tune=100, chains=2, cores=1, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        hierarchical.fit(example_pair, engine=settings, seed=1)


@pytest.fixture(scope="module")
def quick_analysis(example_cohort, example_pair):
    fit = hierarchical.fit(example_pair, seed=1)
    return analysis.assemble(example_cohort, fit, Settings(replicates=200))


def test_a_posterior_that_cannot_be_saved_is_named_and_the_report_stands(
    quick_analysis, tmp_path, monkeypatch
):
    def refuse(_, path, **__):
        Path(path).write_bytes(b"half")
        raise ValueError("no netCDF backend")

    monkeypatch.setattr("xarray.DataTree.to_netcdf", refuse)
    folder = report.write(quick_analysis, tmp_path / "report").parent
    assert not (folder / "posterior.nc").exists()
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert "no netCDF backend" in provenance["posterior_not_saved"]
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "no netCDF backend" in html
    assert "posterior in posterior.nc" not in html
    report.require_replaceable(folder)


def test_provenance_lists_every_file_with_its_hash(quick_analysis, tmp_path):
    import hashlib

    folder = report.write(quick_analysis, tmp_path / "report").parent
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    listed = {one["name"]: one["sha256"] for one in provenance["written"]}
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) - {"provenance.json"} == set(listed)
    assert all(
        hashlib.sha256(files[name].read_bytes()).hexdigest() == found for name, found in listed.items()
    )
    assert provenance["posterior_not_saved"] is None
