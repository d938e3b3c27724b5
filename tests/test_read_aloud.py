"""Sentences that a reader of a report or of the terminal sees, read against the series."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from relapse_courses import simulated

from nmo_stats import describe, hierarchical
from nmo_stats.audit.words import NEUTRAL
from nmo_stats.cohort import Comparison
from nmo_stats.diagnostics import leave_one_out_checks
from nmo_stats.estimate import Caution, Interval, RateRatio
from nmo_stats.estimators import cautions
from nmo_stats.estimators.cautions import dispersion_cautions
from nmo_stats.estimators.classical import RateResults
from nmo_stats.estimators.within_patient import Dispersion
from nmo_stats.figures.sensitivity import Line
from nmo_stats.names import HIERARCHICAL as METHOD
from nmo_stats.operating import coverage_map
from nmo_stats.sections import methods, relapse_times
from nmo_stats.sections.blocks import Prose
from nmo_stats.sections.headline import NOT_AN_EFFECT, ONE_PATIENT, certainty, totals_cautions
from nmo_stats.sensitivity import Answer, Assumption
from nmo_stats.sensitivity.words import sentence, summary


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


def row(estimate: float, low: float, high: float, *cautions: Caution) -> Answer:
    """Return the answer under one assumption."""
    return Answer(
        assumption=Assumption("prior", "a", "a prior"),
        method=METHOD,
        estimate=estimate,
        low=low,
        high=high,
        cautions=cautions,
    )


def test_a_zero_cell_leads_with_the_limit_under_every_assumption() -> None:
    zero = Caution("zero_cell", "no relapse on new", "high")
    base, other = row(0.0912, 0.007, 0.65, zero), row(0.3, 0.05, 0.9991, zero)
    words = sentence(other, {METHOD: base})
    assert "is at most 0.999 (0.050 to 0.999) instead of at most 0.65" in words
    assert "does not include 1" in words or "ends next to 1" in words
    summed = " ".join(summary(series([[5, 0]], [[3.0, 2.0]]), [other], {METHOD: base}, []))
    assert "upper limit of the hierarchical ratio, 0.65 as analysed" in summed
    assert "0.091" not in summed


def test_a_zero_cell_on_the_reference_leads_with_the_lower_limit() -> None:
    zero = Caution("zero_cell", "no relapse on old", "low")
    assert row(6.9, 0.85, 82.0, zero).ratio_text(2) == "at least 0.85 (0.85 to 82)"


def test_an_assumption_that_makes_a_zero_cell_is_not_in_the_range_of_the_ratios() -> None:
    made_by_the_prior = row(0.01, 0.001, 0.7, Caution("zero_cell", "no relapse on new", "high"))
    rows = [row(0.4, 0.1, 1.5), made_by_the_prior]
    summed = summary(series([[5, 1]], [[3.0, 2.0]]), rows, {METHOD: row(0.3, 0.1, 0.8)}, [])[0]
    assert "from 0.30 to 0.40 (1 with one limit" in summed


def test_the_dispersion_and_its_limit_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Dispersion(1.7001, 1.6999, 20, "overdispersed")
    monkeypatch.setattr(cautions, "dispersion", lambda _: found)
    text = dispersion_cautions(series([[5, 1]], [[3.0, 2.0]]))[0].text
    assert "1.7001" in text
    assert "1.6999" in text
    found = Dispersion(3.654, 1.57, 20, "overdispersed")
    text = dispersion_cautions(series([[5, 1]], [[3.0, 2.0]]))[0].text
    assert "3.65 times" in text
    assert "limit 1.57" in text


def test_frequent_merging_is_said_beside_the_times() -> None:
    merged = Caution("merged", "of 62 onsets 48 are merged into an earlier relapse")
    cohort = simulated(9)
    pair = cohort.compare("new", reference="old")
    analysis = SimpleNamespace(
        pair=pair, first_relapse=describe.first_relapse(pair), accumulation=describe.accumulation(pair)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relapse_times, "merged_cautions", lambda _: (merged,))
        section = relapse_times.relapse_times(analysis)  # type: ignore[arg-type]
    texts = [block.text for block in section.blocks if isinstance(block, Prose)]
    assert any("Of 62 onsets 48 are merged" in text for text in texts)
    assert not any("drug" in text for text in texts)


def test_one_patient_is_said_beside_the_headline_number() -> None:
    pair = series([[380, 120]], [[5.0, 4.58]])
    ratio = RateRatio(0.35, Interval(0.14, 1.1, 0.95, "credible"), METHOD, "typical_patient", ())
    words = certainty(pair, RateResults((), ()), ratio)
    assert ONE_PATIENT in words
    more = series([[5, 1], [4, 1]], [[3.0, 2.0]] * 2)
    assert ONE_PATIENT not in certainty(more, RateResults((), ()), ratio)


def test_a_short_interval_over_all_relapses_has_its_caution_beside_the_headline() -> None:
    short = Caution("overdispersed", "counts vary 6.39 times as much as Poisson counts would")
    totals = RateRatio(1.0, Interval(0.92, 1.1, 0.95, "confidence"), "pooled_exact", "pooled", (short,))
    assert short.text in totals_cautions(RateResults((totals,), ()))[0]
    assert totals_cautions(RateResults((), ())) == ()


def test_the_methods_name_only_the_designs_that_were_simulated() -> None:
    named = methods._ends([SimpleNamespace(rule_name="fixed"), SimpleNamespace(rule_name="triggered_1")])  # type: ignore[list-item]
    assert [name for name in named if "first relapse" in name] == named[1:]
    assert not [name for name in named if "12 months" in name]


def test_the_numbers_beside_a_line_are_the_hierarchical_ones() -> None:
    hierarchical = row(0.7, 0.5, 0.9)
    exact = replace(hierarchical, method="conditional_exact")
    assert Line("trigger", "a", (exact, hierarchical)).leading is hierarchical


def test_a_disagreement_does_not_deny_a_formula_that_reproduces_the_number() -> None:
    assert "no formula tried" not in NEUTRAL
    assert "in common use" in NEUTRAL


def test_a_patient_left_out_leads_with_the_limit_at_a_zero_cell() -> None:
    pair = series([[0, 2], [0, 1], [0, 0]], [[3.0, 2.0]] * 3)
    fit = hierarchical.fit(pair, engine="quadrature")
    (check,) = leave_one_out_checks(fit)
    assert "the ratio is at least 0." in check.advice
