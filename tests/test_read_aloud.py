"""Sentences that a reader of a report or of the terminal sees, read against the series."""

from __future__ import annotations

import numpy as np
import pytest

from nmo_stats.cohort import Comparison
from nmo_stats.operating import coverage_map
from nmo_stats.report.headline import NOT_AN_EFFECT


def series(relapses: list[list[int]], years: list[list[float]]) -> Comparison:
    """Return a comparison of new with old."""
    return Comparison.from_arrays(np.array(relapses), np.array(years), comparator="new", reference="old")


@pytest.mark.parametrize("reference", [0, 5, 380])
def test_a_series_outside_the_coverage_map_has_no_range_and_no_traceback(reference: int) -> None:
    pair = series([[reference, 0]] * 3, [[3.0, 2.0]] * 3)
    rows = coverage_map.like(pair)
    assert "coverage" in rows.columns
    assert bool(coverage_map.coverage_ranges(rows)) == bool(len(rows))
    empty = coverage_map.like(series([[0, 0]] * 3, [[3.0, 2.0]] * 3))
    assert coverage_map.coverage_ranges(empty) == ()


def test_a_switch_at_the_worst_claims_no_direction_in_general() -> None:
    assert "may then have fewer relapses" in NOT_AN_EFFECT
    assert "on average" not in NOT_AN_EFFECT
