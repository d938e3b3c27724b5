"""Every public function with the wrong kind of value for each of its arguments: refused by name.

The functions are found by walking the public modules, so that a new one is covered; one that needs a value
which is not in ``VALID`` fails the test until the value is named there.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import nmo_stats as nmo
from nmo_stats import audit, describe, exact, hierarchical, operating, sensitivity, simulate
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import NmoStatsError
from nmo_stats.estimators.result import ClassicalRatio
from nmo_stats.rates import Settings

mpl.use("Agg")

MODULES = (
    "nmo_stats",
    "nmo_stats.analysis",
    "nmo_stats.hierarchical.checks",
    "nmo_stats.audit",
    "nmo_stats.cohort",
    "nmo_stats.describe",
    "nmo_stats.diagnostics",
    "nmo_stats.estimate",
    "nmo_stats.estimators.classical",
    "nmo_stats.events",
    "nmo_stats.exact",
    "nmo_stats.figures",
    "nmo_stats.glm",
    "nmo_stats.hierarchical",
    "nmo_stats.operating",
    "nmo_stats.operating.coverage_map",
    "nmo_stats.rates",
    "nmo_stats.report",
    "nmo_stats.sensitivity",
    "nmo_stats.simulate",
)
OPTIONS = (
    hierarchical.HalfNormal,
    hierarchical.Model,
    hierarchical.Normal,
    hierarchical.Nuts,
    hierarchical.Priors,
    hierarchical.Refits,
    nmo.TableFile,
    operating.Design,
    operating.Execution,
    operating.UniformTimes,
    sensitivity.Background,
    sensitivity.Plan,
    sensitivity.Simulation,
    simulate.GammaRates,
    simulate.LogNormalRates,
    simulate.LookBack,
    simulate.Triggered,
    simulate.WholeMonths,
)
# What they take is for programs that extend the package, or they hand on whatever they are given.
NOT_WALKED = {
    "answer",
    "cell_of",
    "coverage_ranges",
    "calibration",
    "judged",
    "of_computation",
    "coverage_by_ratio",
    "coverage_map",
    "json_number",
    "styled",
    "times_text",
}


class Wrong:
    """A value that no function of the package takes."""


@cache
def pair() -> Comparison:
    return nmo.load_example().compare("tocilizumab", reference="rituximab")


@cache
def fit() -> hierarchical.HierarchicalFit:
    return hierarchical.fit(pair(), seed=1)


@cache
def axes() -> Any:
    import matplotlib.pyplot as plt

    return plt.figure().subplots()


@cache
def published() -> Any:
    return audit.audited(nmo.load_example())


VALID: dict[str, Callable[[], Any]] = {
    "audit": published,
    "axes": axes,
    "background": lambda: sensitivity.Background(0.5),
    "cohort": nmo.load_example,
    "cohorts": lambda: 5,
    "comparator": lambda: "tocilizumab",
    "cv": lambda: 0.7,
    "design": lambda: operating.Design.like(pair()),
    "designs": list,
    "differences": lambda: np.array([1.0, -0.5]),
    "engine": lambda: "quadrature",
    "estimates": lambda: [exact.conditional(pair()).rate_ratio()],
    "fit": fit,
    "folder": lambda: Path("/nonexistent/folder"),
    "frame": lambda: nmo.load_example().to_frame(),
    "known": lambda: audit.record(nmo.load_example()),
    "level": lambda: 0.95,
    "mean": lambda: 0.6,
    "model": lambda: hierarchical.Model(pair()),
    "pair": pair,
    "parameter": lambda: "sd_rate",
    "patients": lambda: 3,
    "path": lambda: "periods.csv",
    "population": lambda: simulate.GammaRates(0.6, 0.7),
    "priors": hierarchical.Priors,
    "quantity": lambda: "arr",
    "rates": lambda: nmo.estimators.classical_rates(pair()),
    "ratio": lambda: 0.5,
    "reference": lambda: "rituximab",
    "reference_arr": lambda: 1.0,
    "relapses": lambda: np.array([[[6, 1], [2, 0]]]),
    "refits": hierarchical.Refits,
    "rng": lambda: np.random.default_rng(1),
    "rule": simulate.FixedWindows,
    "sampled": fit,
    "sd": lambda: 0.5,
    "seed": lambda: 1,
    "settings": Settings,
    "source": nmo.load_example,
    "times": lambda: ((2.0, 1.0),),
    "treatments": lambda: ("rituximab", "tocilizumab"),
    "words": list,
    "years": lambda: np.array([[[2.0, 1.0], [2.0, 1.0]]]),
}
OF_FUNCTION: dict[tuple[str, str], Callable[[], Any]] = {
    ("only", "kept"): lambda: np.array([True, False, True]),
    ("with_published", "published"): lambda: pd.DataFrame({"a": [1]}),
    ("contains", "value"): lambda: 1.0,
    ("find", "method"): lambda: "poisson",
    ("mean_at", "months"): lambda: 6.0,
    ("share_at", "months"): lambda: 6.0,
    ("UniformTimes", "comparator"): lambda: (1.0, 2.0),
    ("UniformTimes", "reference"): lambda: (1.0, 2.0),
    ("about", "found"): lambda: published().findings[0],
    ("cohort_with_expectation", "years"): lambda: np.ones((3, 2)),
    ("large_cohort_ratios", "years"): lambda: np.ones((3, 2)),
    ("mean_counts", "curves"): lambda: describe.accumulation(pair()),
    ("point_estimates", "cohorts"): lambda: simulate.Cohorts(np.array([[[2, 1]]]), np.ones((1, 1, 2))),
    ("read_events", "relapses"): lambda: pd.DataFrame({"patient": ["A"], "onset": [30]}),
    ("read_events", "treatments"): lambda: pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["o", "n"], "start": [0, 100], "end": [100, 200]}
    ),
    ("relapse_free", "curves"): lambda: describe.first_relapse(pair()),
    ("sentence", "found"): lambda: published().findings[0],
    ("specification_curve", "sensitivity"): Wrong,
    ("edss_slopes", "summary"): lambda: describe.edss(nmo.load_example()),
    ("by_quantity", "audit"): published,
    ("write", "analysis"): Wrong,
    ("write", "table"): lambda: pd.DataFrame({"a": [1]}),
    ("write", "replicates"): lambda: 10,
    ("renewed", "part"): lambda: pd.DataFrame({"patients": [1]}),
    ("renewed", "replicates"): lambda: 10,
    ("render_html", "analysis"): Wrong,
}

RIGHT = (Cohort, Comparison, hierarchical.HierarchicalFit, pd.DataFrame)
# Results and values whose methods are walked, and how one of each is made.
SELF: dict[type, Callable[[], Any]] = {
    Cohort: nmo.load_example,
    Comparison: pair,
    ClassicalRatio: lambda: exact.conditional(pair()),
    hierarchical.HierarchicalFit: fit,
    hierarchical.Priors: hierarchical.Priors,
    describe.SignedRank: lambda: describe.wilcoxon(pair()),
    describe.MeanCount: lambda: describe.accumulation(pair()).curves["tocilizumab"],
    describe.TimeToFirst: lambda: next(iter(describe.first_relapse(pair()).curves.values())),
    sensitivity.EmpiricalBayesRatio: lambda: sensitivity.regression_to_mean(
        pair(), simulate.GammaRates(0.6, 0.7)
    ),
    nmo.RateRatio: lambda: exact.pooled(pair()).rate_ratio(),
    nmo.estimate.Interval: lambda: exact.pooled(pair()).interval(),
    nmo.estimators.RateResults: lambda: nmo.estimators.classical_rates(pair()),
}
WRONG: dict[str, Callable[[], Any]] = {
    "a cohort": nmo.load_example,
    "a comparison": pair,
    "a fit": fit,
    "a DataFrame": lambda: nmo.load_example().to_frame(),
    "a dict": lambda: {"a": 1},
    "a list": lambda: ["a", None],
    "a text": lambda: "nobody knows this name",
    "bytes": lambda: b"bytes",
    "a text with NUL": lambda: "a\0b",
    "half a character": lambda: "\ud800",
    "nothing": lambda: None,
    "True": lambda: True,
    "a negative number": lambda: -3,
    "a huge number": lambda: 10**400,
    "a fraction of a number": lambda: 1e-320,
    "not a number": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "a complex number": lambda: 1j,
    "a signalling NaN": lambda: Decimal("sNaN"),
    "an array": lambda: np.array([[1.0, np.nan], [2.0, 3.0]]),
    "an array of objects": lambda: np.array([Wrong(), None], dtype=object),
    "a set": lambda: {1, 2},
    "a class": lambda: Wrong,
    "an object": Wrong,
}


def functions() -> Iterator[Any]:
    for call, module in (*_public_functions(), *_options_and_methods()):
        for name, parameter in inspect.signature(call).parameters.items():
            is_one = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if is_one and name != "self" and not name.startswith("_"):
                where = f"{module.removeprefix('nmo_stats')}.{call.__qualname__}:{name}"
                yield pytest.param(call, name, id=where)


def _public_functions() -> Iterator[tuple[Any, str]]:
    for name in MODULES:
        module = importlib.import_module(name)
        names = getattr(module, "__all__", None) or [
            own for own, value in vars(module).items() if getattr(value, "__module__", "") == name
        ]
        for own in sorted(names):
            value = getattr(module, own)
            walked = inspect.isfunction(value) and not own.startswith("_") and own not in NOT_WALKED
            if walked and name in (value.__module__, value.__module__.rpartition(".")[0]):
                yield value, name


def _options_and_methods() -> Iterator[tuple[Any, str]]:
    for option in (*OPTIONS, Cohort.from_frame, Comparison.from_arrays, operating.Design.like):
        yield option, ""
    for kind in SELF:
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                yield method, ""


def is_right(value: Any, call: Any, name: str) -> bool:
    """Return whether one of the wrong values is of the right kind here."""
    if value is None and name == "seed":  # a fresh one
        return True
    given = ast_kinds(call, name)
    return any(isinstance(value, kind) and kind.__name__ in given for kind in RIGHT)


def ast_kinds(call: Any, name: str) -> str:
    return str(inspect.signature(call).parameters[name].annotation)


def valid(call: Any, name: str) -> Any:
    if name == "self":
        kind = call.__qualname__.partition(".")[0]
        return next(make for one, make in SELF.items() if one.__name__ == kind)()
    return (OF_FUNCTION.get((call.__name__, name)) or VALID[name])()


def required(call: Any, but: str) -> dict[str, Any]:
    parameters = inspect.signature(call).parameters.values()
    return {
        one.name: valid(call, one.name)
        for one in parameters
        if one.default is one.empty
        and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        and one.name != but
    }


@pytest.mark.parametrize(("call", "argument"), list(functions()))
def test_a_wrong_kind_of_argument_is_refused_by_name(call, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others = required(call, argument)
    default = inspect.signature(call).parameters[argument].default
    for kind, make in WRONG.items():
        value = make()
        if (value is None and default is None) or is_right(value, call, argument):
            continue
        try:
            call(**others, **{argument: value})
        except NmoStatsError:
            continue
        except Exception as error:  # noqa: BLE001  any other is what the test looks for
            pytest.fail(f"{kind} as {argument}: {type(error).__name__}: {error}", pytrace=False)
