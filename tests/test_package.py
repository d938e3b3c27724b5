"""The package as a whole: light to import, honest about its version, complete as a wheel."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import nmo_stats

ROOT = Path(__file__).parents[1]
HEAVY = ("pymc", "arviz", "statsmodels", "matplotlib", "scipy.stats")


def fresh(code):
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_import_loads_no_heavy_library():
    assert fresh(f"import nmo_stats, sys; print([n for n in {HEAVY} if n in sys.modules])") == "[]"


def test_exact_answers_load_no_heavy_library():
    code = (
        "import nmo_stats as nmo, sys; from nmo_stats import exact, describe; c = nmo.load_example();"
        "exact.conditional(c.compare('tocilizumab', reference='rituximab')).rate_ratio(); describe.arr(c);"
        f"print([n for n in {HEAVY} if n in sys.modules])"
    )
    assert fresh(code) == "[]"


def test_every_public_name_can_be_reached():
    for name in nmo_stats.__all__:
        assert getattr(nmo_stats, name) is not None
    assert set(nmo_stats.__all__) <= set(dir(nmo_stats))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = nmo_stats.nonsense


def test_the_version_stands_in_one_place():
    from importlib.metadata import version

    assert nmo_stats.__version__ == version("nmo-stats")
    assert f"version: {nmo_stats.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {nmo_stats.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_constraints_pin_every_dependency_by_name_and_version_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.count("==") == 1 and ":" not in line and "@" not in line for line in lines)
    pinned = {line.split("==")[0].lower() for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        name.split(">=")[0] for name in (*project["dependencies"], *project["optional-dependencies"]["test"])
    }
    assert wanted <= pinned


def test_the_wheel_holds_code_template_and_data(tmp_path):
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for name in (
        "data/ayzenberg2013/periods.csv",
        "data/thall_vail1990/periods.csv",
        "data/profiles/nmosd.toml",
        "data/profiles/other.toml",
        "report/template.html",
        "report/style.css",
        "py.typed",
    ):
        assert f"nmo_stats/{name}" in names


def test_the_data_are_found_from_an_unpacked_wheel(tmp_path):
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import nmo_stats;"
        "from nmo_stats.cohort import data_folder;"
        "print(data_folder(), len(nmo_stats.load_example().patients))"
    )
    assert fresh(code) == f"{tmp_path / 'site' / 'nmo_stats' / 'data'} 3"
