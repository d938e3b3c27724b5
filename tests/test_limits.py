"""What a table and an option may hold: numbers that can be computed with, and a refusal beyond them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nmo_stats as nmo
from nmo_stats import exact, hierarchical, operating, sensitivity, simulate
from nmo_stats.arguments import seed
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import ArgumentError, CohortError, ConvergenceError
from nmo_stats.estimators.classical import classical_rates
from nmo_stats.memory import MemoryLimitError, require_memory


def table(relapses: object = 3, exposure: object = 12.0, unit: str = "exposure_months") -> pd.DataFrame:
    """Return a period table of one patient whose first row holds the given numbers."""
    return pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["rituximab", "tocilizumab"], "relapses": [relapses, 1],
         unit: [exposure, exposure]}
    )  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> Comparison:
    return nmo.load_example().compare("tocilizumab", reference="rituximab")


@pytest.fixture(scope="module")
def fit(pair):
    return hierarchical.fit(pair, seed=1)


# ------------------------------------------------------------------------------------------------ tables


@pytest.mark.parametrize("relapses", [100_001, 10**6, 10**9, "1e9"])
def test_more_relapses_than_can_be_analysed_are_refused_by_the_reader(relapses):
    with pytest.raises(CohortError) as refused:
        Cohort.from_frame(table(relapses))
    (problem,) = refused.value.problems
    assert (problem.row, problem.patient, problem.column) == (1, "A", "relapses")
    assert "100,000" in problem.rule
    assert "leave" not in problem.remedy


@pytest.mark.parametrize(
    ("unit", "shortest", "longest"),
    [
        ("exposure_days", 0.0366, 3.6e6),
        ("exposure_months", 0.0013, 1.1e5),
        ("exposure_years", 1.01e-4, 9.9e3),
    ],
)
def test_the_limits_of_follow_up_are_the_same_in_every_unit(unit, shortest, longest):
    for inside in (shortest, longest):
        assert Cohort.from_frame(table(3, inside, unit)).unit == unit
    for outside in (shortest / 1.1, longest * 1.1, 1e-9 * shortest):
        with pytest.raises(CohortError, match="10,000 years"):
            Cohort.from_frame(table(3, outside, unit))


@pytest.mark.parametrize(("relapses", "years"), [(10**9, 1.0), (100_001, 1.0), (1, 1e-9), (1, 1e5), (1, 1e9)])
def test_arrays_have_the_limits_of_tables(relapses, years):
    with pytest.raises(CohortError):
        Comparison.from_arrays([[relapses, 1]], [[years, 1.0]])


def test_thousands_of_seizures_in_a_day_and_in_60_years_are_computed():
    day = 1 / 365.25
    pair = Comparison.from_arrays([[5_000, 8_000], [0, 3], [100_000, 1]], [[day, 60], [60, day], [1, 1]])
    found = classical_rates(pair)
    assert {"pooled_exact", "conditional_exact", "poisson"} <= {ratio.method for ratio in found.estimates}
    assert not found.failed


def test_what_check_calls_valid_rates_computes(run, tmp_path):
    path = tmp_path / "periods.csv"
    for relapses, months in ((100_000, 12), (5_000, 0.04), (0, 700)):
        table(relapses, months).to_csv(path, index=False)
        assert run("check", path)[0] == 0
        code, _, error = run("rates", path)
        assert code in (0, 3)
        assert "Traceback" not in error
    table(10**9).to_csv(path, index=False)
    assert run("check", path)[0] == run("rates", path)[0] == 2


# ----------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "prior",
    [
        "log_rate_ratio=0,1e-9",
        "log_rate_ratio=1e300,1",
        "log_rate_ratio=0,1e6",
        "sd_rate_ratio=1e6",
        "sd_rate=nan",
    ],
)
def test_a_prior_that_cannot_be_integrated_is_refused_at_once(run, prior):
    code, _, error = run("rates", "--prior", prior)
    assert code == 2
    assert "Expected" in error


@pytest.mark.parametrize(
    "make",
    [
        lambda: sensitivity.Background(1e-300),
        lambda: sensitivity.Background(1e300),
        lambda: sensitivity.Background(0.5, 6),
        lambda: sensitivity.Simulation(10**9),
        lambda: sensitivity.Simulation(199),
        lambda: hierarchical.Nuts(draws=10**9),
        lambda: hierarchical.Nuts(chains=10**6),
        lambda: hierarchical.Nuts(target_accept=1 - 1e-12),
        lambda: operating.Execution(workers=10**6),
        lambda: simulate.GammaRates(1e300, 0.7),
        lambda: simulate.GammaRates(1.0, 1e9),
        lambda: simulate.LogNormalRates(1.0, sd_rate=1e9),
        lambda: simulate.Triggered(relapses=10**12),
        lambda: simulate.LookBack(within_years=1e12),
        lambda: operating.UniformTimes((1.0, 1e300), (1.0, 2.0)),
    ],
    ids=map(str, range(15)),
)
def test_a_number_that_sets_the_size_of_a_computation_has_a_limit(make):
    with pytest.raises(ArgumentError, match="Expected"):
        make()


@pytest.mark.parametrize("level", [0, 1, 1 - 1e-16, 1e-300, math.nan, True, "0.95", None, 1j, [0.95]])
def test_a_level_without_digits_is_refused(pair, level):
    with pytest.raises(ArgumentError, match="level"):
        exact.conditional(pair).rate_ratio(level)


@pytest.mark.parametrize("level", [np.float32(0.9), Fraction(9, 10), Decimal("0.9"), np.float64(0.9)])
def test_a_level_may_be_any_kind_of_number(pair, level):
    assert exact.conditional(pair).rate_ratio(level).interval.high == pytest.approx(
        exact.conditional(pair).rate_ratio(0.9).interval.high, rel=1e-6
    )


@pytest.mark.parametrize("years", [0, -1, 1e5, 1e300, math.inf, "1", None, True])
def test_a_prediction_has_a_time_that_can_come(fit, years):
    with pytest.raises(ArgumentError, match="years"):
        fit.predict(years)


@pytest.mark.parametrize("ratio", [0, -1, math.inf, math.nan, "1", None, True, 1j])
def test_a_threshold_is_a_ratio(fit, ratio):
    with pytest.raises(ArgumentError, match="ratio"):
        fit.probability_below(ratio)


def test_extreme_thresholds_have_probabilities(fit):
    assert fit.probability_below(1e-300) == pytest.approx(0, abs=1e-6)
    assert fit.probability_below(Fraction(10**300)) == pytest.approx(1, abs=1e-6)


# ------------------------------------------------------------------------------------------------- seeds


def test_a_seed_is_a_number_or_what_makes_numbers(pair):
    rng, sequence = np.random.default_rng(5), np.random.SeedSequence(5)
    for given in (7, np.int64(7), sequence, rng):
        assert hierarchical.fit(pair, seed=given).seed >= 0
    assert seed(np.random.SeedSequence(5)) == seed(sequence)
    assert seed(rng) != seed(rng)


@pytest.mark.parametrize("wrong", [-1, True, 1.5, "7", None, 2**63, [1], np.random.RandomState(1)])
def test_another_seed_is_refused(wrong):
    with pytest.raises(ArgumentError, match="seed"):
        seed(wrong)


# ------------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize("path", ["a\0.csv", "a\ud800.csv", b"b\0.csv", "", 3, None, ["a.csv"]])
def test_a_path_that_no_file_has_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="path"):
        nmo.read_periods(path)


def test_every_kind_of_path_is_read(tmp_path):
    path = tmp_path / "periods.csv"
    table().to_csv(path, index=False)

    class Entry:
        def __fspath__(self) -> str:
            return str(path)

    for given in (path, str(path), bytes(path), Entry(), Path(str(path))):
        assert nmo.read_periods(given).patients == ("A",)


# ------------------------------------------------------------------------------------------------ memory


def test_too_much_memory_is_refused_with_reason_and_remedy():
    require_memory(75_000_000, "the series", "simulate fewer", method="simulation")
    with pytest.raises(
        MemoryLimitError, match=r"the series needs 0.8 GB.*at most 0.6 GB. Simulate fewer."
    ) as refused:
        require_memory(100_000_000, "the series", "simulate fewer", method="simulation")
    assert isinstance(refused.value, ConvergenceError)


def test_priors_that_need_too_much_memory_withhold_the_answer():
    # without a relapse a rate has no lower limit, and a spread of 10 looks for it over thousands of orders
    pair = Comparison.from_arrays([[5, 0], [4, 0], [3, 0]], [[3, 2], [3.5, 2], [3, 2]])
    priors = hierarchical.Priors(
        log_rate=hierarchical.Normal(10, 0.01),
        log_rate_ratio=hierarchical.Normal(0, 0.01),
        sd_rate=hierarchical.HalfNormal(10),
        sd_rate_ratio=hierarchical.HalfNormal(10),
    )
    with pytest.raises(MemoryLimitError, match="narrower priors"):
        hierarchical.fit(pair, priors=priors, seed=1)


def test_series_that_need_too_much_memory_are_refused():
    rates = simulate.GammaRates(1.0, 0.7)
    with pytest.raises(MemoryLimitError, match="fewer series"):
        simulate.simulate_cohorts(
            np.random.default_rng(1), rates, simulate.FixedWindows(), np.ones((1000, 2)), 100_000
        )


# -------------------------------------------------------------------------------------------- wrong kinds


@pytest.mark.parametrize(
    "wrong",
    [nmo.load_example(), table(), {}, None, "periods.csv"],
    ids=["cohort", "frame", "dict", "nothing", "path"],
)
def test_a_function_of_a_comparison_says_how_to_make_one(wrong):
    for function in (exact.pooled, exact.conditional, hierarchical.fit, sensitivity.run):
        with pytest.raises(ArgumentError, match=r"cohort\.compare\("):
            function(wrong)


@pytest.mark.parametrize("wrong", [table(), "periods.csv", None], ids=["frame", "path", "nothing"])
def test_a_function_of_a_cohort_says_how_to_make_one(wrong, pair):
    for given in (wrong, pair):
        with pytest.raises(ArgumentError, match=r"read_periods.*Cohort\.from_frame"):
            nmo.describe.arr(given)


def test_hierarchical_limits_are_withheld_where_they_are_not_resolved(run, fit):
    assert fit.rate_ratio(0.9999).interval.level == 0.9999
    for ask in (fit.rate_ratio, fit.patient_rates, fit.parameters, lambda level: fit.predict(1.0, level)):
        with pytest.raises(ConvergenceError, match=r"at most 0\.9999"):
            ask(0.99999)
    code, said, _ = run("rates", "--level", "0.99999")
    assert code == 3
    assert "0.9999" in said


def test_a_level_is_kept_as_a_plain_number(pair):
    for level in (Fraction(9, 10), Decimal("0.9"), np.float64(0.9)):
        for ratio in classical_rates(pair, level).estimates:
            assert type(ratio.interval.level) is float


def test_more_draws_than_can_be_held_are_refused_before_sampling():
    many = Comparison.from_arrays(np.ones((500, 2), dtype=int), np.ones((500, 2)))
    with pytest.raises(MemoryLimitError, match="fewer"):
        hierarchical.fit(many, engine=hierarchical.Nuts(draws=100_000, chains=64), seed=1)


def test_other_methods_answer_where_the_integration_would_need_too_much_memory(run, tmp_path):
    path = tmp_path / "periods.csv"
    pairs = [(100_000, 1), (100_000, 3), (99_999, 100_000)]
    drugs = ("rituximab", "tocilizumab")
    rows = [f"P{n},{drugs[j]},{pair[j]},1.5" for n, pair in enumerate(pairs) for j in (0, 1)]
    path.write_text("\n".join(["patient,treatment,relapses,exposure_years", *rows]) + "\n")
    code, said, _ = run("rates", path, "--json")
    assert code == 3
    assert '"conditional_exact"' in said
    assert "GB of memory" in said
