"""The stored coverage map is what the code computes, and says where intervals fail."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from nmo_stats.arguments import DEFAULT_SEED
from nmo_stats.bundled import data_folder
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.operating import ESTIMATORS, coverage_map
from nmo_stats.operating.coverage_map import AXES, axes_of, coverage_ranges, like, stored
from nmo_stats.sections import coverage

NUMBERS = ["coverage", "rejects_1", "bias", "log_width", "not_identified"]


@pytest.fixture(scope="module")
def table():
    return stored()


def test_the_map_has_every_cell_and_estimator(table):
    assert len(table) == 448 * len(ESTIMATORS)
    assert not table.duplicated([*AXES, "method"]).any()
    expected = {tuple(axes_of(design).values()) for design in coverage_map.cells()}
    assert set(table[list(AXES)].itertuples(index=False, name=None)) == expected
    assert table["replicates"].eq(coverage_map.STORED_REPLICATES).all()


def test_it_says_what_made_it():
    made = json.loads((data_folder() / "coverage_map" / "made.json").read_text(encoding="utf-8"))
    assert made["replicates"] == coverage_map.STORED_REPLICATES
    assert len(made["code"]) == 64
    assert made["seed"] == DEFAULT_SEED
    assert coverage_map.is_current() in {True, False}


def test_a_cell_computed_again_is_the_stored_one(table):
    # another cell every day, none of the large ones, which take long
    import datetime

    day = datetime.datetime.now(tz=datetime.UTC).toordinal()
    small = [design for design in coverage_map.cells() if design.patients <= 5]
    design = np.random.default_rng(day).choice(np.array(small, dtype=object))
    again = coverage_map.make(coverage_map.STORED_REPLICATES, [design]).set_index("method")
    place = axes_of(design)
    kept = table[np.logical_and.reduce([table[name] == place[name] for name in AXES])].set_index("method")
    # stored with five digits; rounding of another processor may move a limit across the truth in one series
    for name in NUMBERS:
        got, expected = again[name].astype(float), kept.loc[again.index, name].astype(float)
        assert got.to_numpy() == pytest.approx(expected.to_numpy(), abs=1.1e-3, rel=1e-4, nan_ok=True), (
            design,
            name,
        )


def test_exact_intervals_keep_their_level_under_their_assumptions(table):
    kept = table[(table["rule"] == "fixed") & (table["overdispersion"] == 0) & (table["sd_rate_ratio"] == 0)]
    exact = kept[kept["method"].isin(["pooled_exact", "conditional_exact"])]
    assert len(exact) == 112
    # 112 cells: the lowest of as many Normal variables lies above -3.5 with probability 0.98
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
        & table["follow_up"].isin(["8 + 18 months", "recycled"])
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


def test_one_patient_has_each_follow_up_of_the_example_in_turn(table):
    single = table[table["patients"] == 1]
    assert set(single["follow_up"]) == {"32 + 21 months", "8 + 18 months", "4 + 9 months"}
    assert single["follow_up"].value_counts().nunique() == 1
    assert set(table.loc[table["patients"] > 1, "follow_up"]) == {"recycled"}
    seeds = [design.seed for design in coverage_map.cells()]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("months", "follow_ups"),
    [
        ((40, 30), {"32 + 21 months"}),
        ((4, 9), {"4 + 9 months"}),
        ((9, 17), {"8 + 18 months", "32 + 21 months"}),  # the latter where a relapse ends the reference
        ((60, 60), set()),
    ],
)
def test_a_single_patient_is_compared_with_times_like_its_own(months, follow_ups):
    before, after = (time / 12 for time in months)
    rows = like(Comparison.from_arrays([[max(1, round(2 * before)), 1]], [[before, after]]))
    assert set(rows["follow_up"]) == follow_ups
    fixed = rows[rows["rule"] == "fixed"]
    assert "32 + 21 months" not in set(fixed["follow_up"]) or months == (40, 30)


def test_a_part_is_renewed_only_beside_rows_of_the_same_code(table, monkeypatch):
    part = table[table["patients"] == 1].assign(coverage=0.5)
    monkeypatch.setattr(coverage_map, "is_current", lambda: True)
    again = coverage_map.renewed(part, coverage_map.STORED_REPLICATES)
    assert len(again) == len(table)
    assert again.loc[again["patients"] == 1, "coverage"].eq(0.5).all()
    kept = table[table["patients"] > 1].reset_index(drop=True)
    assert again[again["patients"] > 1].reset_index(drop=True).equals(kept)
    with pytest.raises(ArgumentError, match="other code"):
        coverage_map.renewed(part, 400)
    monkeypatch.setattr(coverage_map, "is_current", lambda: False)
    with pytest.raises(ArgumentError, match="other code"):
        coverage_map.renewed(part, coverage_map.STORED_REPLICATES)


def test_the_report_names_the_follow_up_of_a_single_patient():
    pair = Comparison.from_arrays([[6, 1]], [[32 / 12, 21 / 12]])
    section = coverage.coverage(SimpleNamespace(coverage=like(pair)))
    notes = " ".join(section.blocks[1].notes)
    assert "32 + 21 months" in notes
    assert "recycled" not in notes
