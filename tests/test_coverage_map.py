"""The stored coverage map is what the code computes, and says where intervals fail."""

import json

import numpy as np
import pytest

from nmo_stats.cohort import Comparison, data_folder
from nmo_stats.operating import ESTIMATORS, coverage_map
from nmo_stats.operating.coverage_map import AXES, coverage_ranges, like, stored

NUMBERS = ["coverage", "rejects_1", "bias", "log_width", "not_identified"]


@pytest.fixture(scope="module")
def table():
    return stored()


def test_the_map_has_every_cell_and_estimator(table):
    assert len(table) == 320 * len(ESTIMATORS)
    assert not table.duplicated([*AXES, "method"]).any()
    expected = {tuple(getattr(design, name) for name in AXES) for design in coverage_map.cells()}
    assert set(table[list(AXES)].itertuples(index=False, name=None)) == expected
    assert table["replicates"].eq(coverage_map.STORED_REPLICATES).all()


def test_it_says_what_made_it():
    made = json.loads((data_folder() / "coverage_map" / "made.json").read_text(encoding="utf-8"))
    assert made["replicates"] == coverage_map.STORED_REPLICATES
    assert len(made["code"]) == 64
    assert made["seed"] == coverage_map.SEED
    assert coverage_map.is_current() in {True, False}


def test_a_cell_computed_again_is_the_stored_one(table):
    # another cell every day, none of the large ones, which take long
    import datetime

    day = datetime.datetime.now(tz=datetime.UTC).toordinal()
    small = [design for design in coverage_map.cells() if design.patients <= 5]
    design = np.random.default_rng(day).choice(np.array(small, dtype=object))
    again = coverage_map.make(coverage_map.STORED_REPLICATES, [design]).set_index("method")
    kept = table[np.logical_and.reduce([table[name] == getattr(design, name) for name in AXES])].set_index(
        "method"
    )
    # stored with five digits; a processor that rounds in another way may move a limit across the truth in one series
    for name in NUMBERS:
        got, expected = again[name].astype(float), kept.loc[again.index, name].astype(float)
        assert got.to_numpy() == pytest.approx(expected.to_numpy(), abs=1.1e-3, rel=1e-4, nan_ok=True), (
            design,
            name,
        )


def test_exact_intervals_keep_their_level_under_their_assumptions(table):
    kept = table[(table["rule"] == "fixed") & (table["overdispersion"] == 0) & (table["sd_rate_ratio"] == 0)]
    exact = kept[kept["method"].isin(["pooled_exact", "conditional_exact"])]
    assert len(exact) == 80
    # 80 cells: the lowest of as many Normal variables lies above -3.5 with probability 0.98
    assert (exact["coverage"] >= 0.95 - 3.5 * exact["coverage_se"]).all()


def test_the_map_shows_where_intervals_fail(table):
    known = table.dropna(subset=["coverage"]).set_index("method")
    assert known.loc["gee_sandwich", "coverage"].min() < 0.6
    triggered = known[known["rule"] == "triggered"]
    assert triggered.loc["pooled_exact", "coverage"].min() < 0.3
    extreme = known[
        (known["rule"] == "fixed") & (known["rate_ratio"] == 0.05) & (known["reference_arr"] == 0.6)
    ]
    assert extreme.loc["hierarchical_quadrature", "coverage"].min() < 0.94
    overdispersed = known[(known["rule"] == "fixed") & (known["overdispersion"] > 0)]
    assert overdispersed.loc["conditional_exact", "coverage"].min() < 0.85


def test_with_an_effect_power_grows_with_patients(table):
    rows = table[
        (table["method"] == "hierarchical_quadrature")
        & (table["rule"] == "fixed")
        & (table["reference_arr"] == 2)
        & (table["rate_ratio"] == 0.2)
        & (table["sd_rate"] == 0.5)
        & (table["overdispersion"] == 0)
    ].sort_values("patients")
    assert rows["rejects_1"].is_monotonic_increasing
    assert rows["log_width"].is_monotonic_decreasing


def test_cells_like_the_example(example_pair):
    rows = like(example_pair)
    assert set(rows["patients"]) == {3}
    assert set(rows["reference_arr"]) == {2.0}
    assert len(rows) == 32 * len(ESTIMATORS)
    ranges = {(one.method, one.rule, one.overdispersed): one for one in coverage_ranges(rows)}
    hierarchical = ranges["hierarchical_quadrature", "fixed", False]
    assert hierarchical.cells == 12
    assert 0.8 < hierarchical.lowest < hierarchical.highest <= 1
    own = rows[(rows["method"] == "hierarchical_quadrature") & (rows["rule"] == "fixed")]
    own = own[own["overdispersion"] == 0]
    assert hierarchical.lowest == own["coverage"].min()
    assert ("wilcoxon", "fixed", False) not in ranges
    assert ("gee", "fixed", False) not in ranges  # not identified with three patients


@pytest.mark.parametrize(
    ("relapses", "years"),
    [
        ([[9, 2]] * 200, [[1.2, 1.3]] * 200),  # too many patients
        ([[0, 1]] * 3, [[1.2, 1.3]] * 3),  # no reference rate
        ([[30, 2]] * 3, [[1.2, 1.3]] * 3),  # a rate outside the map
        ([[10, 2]] * 3, [[5.0, 4.0]] * 3),  # longer times
    ],
)
def test_no_cell_like_it(relapses, years):
    assert like(Comparison.from_arrays(relapses, years)).empty


@pytest.mark.parametrize(
    "years",
    [
        [[0.6, 1.3]] * 3,  # a switch soon after a relapse
        [[3.6, 0.2], [0.04, 3.7], [0.02, 0.1]],  # patients whose times differ far more than in the map
    ],
)
def test_fixed_cells_need_times_like_theirs(years):
    total = sum(time for time, _ in years)
    rows = like(Comparison.from_arrays([[round(2 * total), 0], [0, 1], [0, 1]], years))
    assert set(rows["rule"]) == {"triggered"}
