"""What is imported is declared, so that a plain installation runs."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(requirements):
    return {requirement.split(">")[0].split("[")[0].strip().lower() for requirement in requirements}


def imported(path):
    """Yield the top-level packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.fixture(scope="module")
def third_party():
    found = {name for path in (ROOT / "src").rglob("*.py") for name in imported(path)}
    return found - set(sys.stdlib_module_names) - {"nmo_stats"}


def test_every_import_is_declared(third_party):
    extras = PROJECT["optional-dependencies"]
    declared = named(PROJECT["dependencies"]) | named(extras["nutpie"]) | named(extras["cluster"])
    assert third_party <= declared


def test_what_the_posterior_file_and_the_sampler_need_is_declared():
    assert {"h5netcdf", "h5py", "xarray", "pytensor", "numba"} <= named(PROJECT["dependencies"])


def test_numpy_stays_below_what_the_sampler_works_with():
    (numpy,) = [one for one in PROJECT["dependencies"] if one.startswith("numpy")]
    assert "<2.5" in numpy
