"""The ratio under other assumptions: the numbers of the example, every family, and its words."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import hierarchical, sensitivity
from nmo_stats.cohort import Cohort, Comparison, load_example
from nmo_stats.errors import ArgumentError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.hierarchical import HalfNormal, Model, Normal, Priors, Refits
from nmo_stats.sensitivity import FAMILY_NAMES, Background, Plan, Row, Simulation
from nmo_stats.sensitivity import data as changes
from nmo_stats.sensitivity.data import Change
from nmo_stats.sensitivity.models import entry_rows, likelihood_rows, prior_rows
from nmo_stats.sensitivity.run import regression_rows

QUICK = Simulation(200)
EVERY_METHOD = {
    "pooled_exact", "poisson", "negative_binomial", "gee", "conditional_exact", "conditional_midp", "conditional_poisson",
    "hierarchical_quadrature",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(example_pair):
    return sensitivity.run(example_pair, plan=Plan(background=Background(0.5), simulation=QUICK))


def only(found, family, method, text=""):
    (row,) = (row for row in found.of(family, method) if text in row.assumption)
    return [row.estimate, row.low, row.high]


def pair_of(relapses, years, **columns):
    """A comparison that knows its courses, times in months."""
    patients = [str(place) for place in range(len(relapses)) for _ in range(2)]
    frame = pd.DataFrame(
        {
            "patient": patients,
            "treatment": ["old", "new"] * len(relapses),
            "relapses": np.ravel(relapses),
            "exposure_months": np.ravel(years),
        }
    ).assign(**columns)
    return Cohort.from_frame(frame).compare("new", reference="old")


# ------------------------------------------------------------------------------------- the example


@pytest.mark.parametrize(
    ("family", "method", "text", "expected"),
    [
        # Hierarchical numbers: integrated by the product grids of brute_force.py where it can, and by NUTS; exact: R.
        ("prior", "hierarchical_quadrature", "cautious", (0.3456, 0.0997, 1.125)),
        ("prior", "hierarchical_quadrature", "default", (0.2196, 0.0413, 0.9105)),
        ("entry", "hierarchical_quadrature", "", (0.2757, 0.0495, 1.273)),
        ("trigger", "conditional_exact", "", (0.3495, 0.0324, 2.098)),
        ("rounding", "conditional_exact", "tocilizumab +1/2", (0.1757, 0.0175, 0.920)),
        ("rounding", "conditional_exact", "rituximab +1/2", (0.2113, 0.0213, 1.083)),
        ("rounding", "hierarchical_quadrature", "tocilizumab +1/2", (0.2056, 0.0387, 0.853)),
        ("rounding", "hierarchical_quadrature", "rituximab +1/2", (0.2339, 0.0439, 0.971)),
        ("rtm", "empirical_bayes", "mean 0.6 per year, CV 0.7", (0.4525, 0.0534, 1.954)),
        ("rtm", "empirical_bayes", "mean 2 per year, CV 1", (0.210, 0.0246, 0.967)),
    ],
)
def test_the_numbers_of_the_example(found, family, method, text, expected):
    (row,) = (row for row in found.of(family, method) if row.assumption.startswith(text))
    assert [row.estimate, row.low, row.high] == pytest.approx(expected, rel=3e-3)


def test_the_prior_grid_and_the_negative_binomial_of_the_example(found):
    assert [row.assumption.split(" ")[0] for row in found.of("prior")] == [
        "sceptical",
        "cautious",
        "default",
        "wide",
    ]
    cautious = next(row for row in found.of("prior") if "cautious" in row.assumption)
    assert cautious.probability_below_1 == pytest.approx(0.9614, abs=5e-4)
    overdispersed = next(row for row in found.of("likelihood") if "HalfNormal(0.3)" in row.assumption)
    assert overdispersed.high == pytest.approx(1.12, abs=0.005)


def test_the_run_in_is_one_row_with_a_reason(found):
    (row,) = found.of("run_in")
    assert (row.estimate, row.method, row.reason) == (None, None, "times known for 5 of 11 relapses")


def test_every_family_is_there_and_every_estimator_answers_other_data(found):
    assert {row.family for row in found.rows} == set(FAMILY_NAMES) - {"merging"}  # it needs dated events
    for family in ("trigger", "rounding", "leave_one_out"):
        for label in {row.assumption for row in found.of(family)}:
            assert {row.method for row in found.of(family) if row.assumption == label} == EVERY_METHOD


def test_leaving_a_patient_out_is_the_analysis_of_the_others(found, example_pair):
    others = example_pair.only(np.array([True, False, True]))
    ratio = hierarchical.fit(others, seed=1).rate_ratio()
    assert only(found, "leave_one_out", "hierarchical_quadrature", "patient 2") == pytest.approx(
        [ratio.estimate, ratio.interval.low, ratio.interval.high]
    )


def test_the_rows_have_one_shape_in_json_and_as_a_table(found):
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    for row in document["rows"]:
        assert {"family", "assumption", "method", "estimate", "low", "high", "probability_below_1"} <= set(
            row
        )
    frame = found.to_frame()
    assert len(frame) == len(found.rows)
    trigger = frame[(frame["family"] == "trigger") & (frame["method"] == "conditional_exact")].iloc[0]
    assert trigger["change"] == pytest.approx(0.3495 / 0.19325, rel=1e-3)
    assert "overdispersed" not in " ".join(frame["cautions"])


def test_nothing_is_computed_twice(monkeypatch, example_pair):
    solved = []
    solve = hierarchical.fitting.fit_model

    def counting(model, engine="quadrature", seed=None):
        solved.append(
            (
                model.pair.relapses.tobytes(),
                model.pair.years.tobytes(),
                model.priors,
                model.likelihood,
                model.entry,
            )
        )
        return solve(model, engine, seed)

    monkeypatch.setattr("nmo_stats.hierarchical.refits.fit_model", counting)
    fit = hierarchical.fit(example_pair, seed=1)
    refits = Refits.beside(fit, 0.95)
    sensitivity.run(example_pair, fit=fit, plan=Plan(simulation=QUICK), refits=refits)
    from nmo_stats import diagnostics

    before = len(solved)
    diagnostics.check(fit, refits=refits)
    assert len(solved) == before  # the fits without each patient are known
    assert len(set(solved)) == len(solved)
    own = (example_pair.relapses.tobytes(), example_pair.years.tobytes(), fit.model.priors, "poisson", None)
    assert own not in solved


def test_a_fit_of_another_pair_or_level_is_refused(example_pair):
    fit = hierarchical.fit(example_pair, seed=1)
    with pytest.raises(ArgumentError, match="another comparison"):
        sensitivity.run(example_pair.changed(relapses=example_pair.relapses), fit=fit)
    with pytest.raises(ArgumentError, match="another level"):
        sensitivity.run(example_pair, fit=fit, refits=Refits(0.9))


def test_progress_is_reported_to_the_end(example_pair):
    seen = []
    plan = Plan(simulation=QUICK, progress=lambda done, total: seen.append((done, total)))
    sensitivity.run(example_pair, plan=plan)
    assert seen == [(done, 5) for done in range(6)]


# ----------------------------------------------------------------------------------------- families


def test_a_prior_of_ones_own_stands_first_and_the_others_keep_the_rest(example_pair):
    priors = Priors(log_rate_ratio=Normal(0, 1.5), sd_rate=HalfNormal(2.0))
    rows = prior_rows(Model(example_pair, priors), Refits())
    assert rows[0].assumption == "as chosen Normal(0, 1.5)"
    wide = hierarchical.fit(
        example_pair, priors=Priors(log_rate_ratio=Normal(0, 4), sd_rate=HalfNormal(2.0)), seed=1
    )
    assert rows[-1].estimate == pytest.approx(wide.rate_ratio().estimate)


def test_entry_is_impossible_without_a_relapse_of_everyone():
    (row,) = entry_rows(Model(Comparison.from_arrays([[0, 1], [2, 0]], [[1, 1]] * 2)), Refits())
    assert row.estimate is None
    assert "1 of 2 patients had no relapse on reference" in row.reason


def test_entry_as_the_starting_point_is_dropped_in_its_row(example_pair):
    (row,) = entry_rows(Model(example_pair, entry="relapse_on_reference"), Refits())
    assert row.estimate == pytest.approx(0.2196, rel=2e-3)


def test_a_fit_that_would_take_minutes_is_left_out_with_its_reason():
    pair = Comparison.from_arrays([[1, 1]] * 61, [[1.0, 1.0]] * 61)
    rows = likelihood_rows(Model(pair), Refits())
    assert rows[0].estimate is not None
    assert all("takes long" in row.reason for row in rows[1:])


@pytest.mark.parametrize(
    ("answers", "removed", "label"),
    [
        (["yes", "", "no", ""], [[2, 0], [0, 0]], "in 1 of 2 patients"),
        (["", "", "", ""], [[2, 0], [0, 0]], "in 1 of 2 patients"),  # the other has none to lose
    ],
)
def test_the_trigger_takes_a_relapse_where_it_may_have_led_to_the_switch(answers, removed, label):
    pair = pair_of([[3, 0], [0, 0]], [[12, 12], [12, 12]], ended_by_relapse=answers)
    (change,) = changes.trigger(pair)
    assert change.pair.relapses.tolist() == removed
    assert label in change.assumption


def test_without_a_switch_by_a_relapse_there_is_no_trigger():
    pair = pair_of([[3, 0], [1, 0]], [[12, 12], [12, 12]], ended_by_relapse=["no", "", "no", ""])
    (row,) = changes.trigger(pair)
    assert row.reason == "no period on old was ended by a relapse"


def test_times_that_are_not_rounded_or_of_unknown_unit_have_no_corners():
    (row,) = changes.rounding(pair_of([[3, 0], [1, 0]], [[12, 12], [12.5, 12]]))
    assert "not every follow-up time is a whole number of months" in row.reason
    (row,) = changes.rounding(Comparison.from_arrays([[3, 0]], [[1, 1]]))
    assert "unit" in row.reason


def test_the_run_in_leaves_out_relapses_time_and_consumed_patients(example_pair):
    cohort = load_example()
    known = pd.DataFrame({"row": [0] * 6 + [1, 2, 2, 4, 5], "years": np.linspace(0.05, 0.3, 11)})
    pair = Cohort(cohort.frame, cohort.notices, cohort.source, known).compare(
        "tocilizumab", reference="rituximab"
    )
    none, one, three = changes.run_in(pair)
    assert none.pair.totals == example_pair.totals
    assert all(isinstance(change, Change) for change in (none, one, three))
    assert one.pair.totals[0] < 9
    assert one.pair.total_years[0] == pytest.approx(example_pair.total_years[0] - 3 / 12)
    short = pair_of([[3, 0], [1, 1]], [[24, 12], [3, 12]])
    history = (
        Cohort.from_frame(load_example().to_frame()).compare("tocilizumab", reference="rituximab").history
    )
    assert history.known_times == 0
    assert changes.run_in(short)[0].reason == "times known for 0 of 5 relapses"


def test_a_consumed_patient_is_named():
    frame = pair_frame()
    cohort = Cohort.from_frame(frame)
    known = pd.DataFrame({"row": [0, 2, 3], "years": [0.5, 0.1, 0.2]})
    pair = Cohort(cohort.frame, cohort.notices, cohort.source, known).compare("new", reference="old")
    three = changes.run_in(pair)[2]
    assert three.pair.patients == ("A",)
    assert "patient B leaves" in three.assumption


def pair_frame():
    return pd.DataFrame(
        {
            "patient": ["A", "A", "B", "B"],
            "treatment": ["old", "new"] * 2,
            "relapses": [1, 0, 1, 1],
            "exposure_months": [24, 12, 3, 12],
        }
    )


def test_of_many_patients_the_most_influential_are_left_out():
    relapses = np.ones((40, 2), dtype=int)
    relapses[7] = [0, 30]
    pair = Comparison.from_arrays(relapses, np.ones((40, 2)))
    found = changes.leave_one_out(pair)
    assert len(found) == changes.SHOWN_OF_MANY + 1
    assert "without patient 8" in [change.assumption for change in found[:-1]]
    assert isinstance(found[-1], Row)


def test_a_single_patient_cannot_be_left_out():
    (row,) = changes.leave_one_out(Comparison.from_arrays([[3, 1]], [[1, 1]]))
    assert "nobody would be left" in row.reason


def test_populations_of_this_disease_are_not_assumed_for_another():
    (row,) = regression_rows(Comparison.from_arrays([[60, 40]], [[1, 1]]))
    assert "far from what the assumed populations" in row.reason


# ---------------------------------------------------------------------------------- edges of the data


def test_without_relapses_every_row_says_that_nothing_is_known():
    found = sensitivity.run(
        Comparison.from_arrays([[0, 0]] * 3, [[3, 2], [3.5, 2], [3, 2]]), plan=Plan(simulation=QUICK)
    )
    assert all(row.estimate is None for row in found.rows)
    assert NO_INFORMATION in {row.reason for row in found.rows}
    assert found.designs == ()
    assert found.summary == ("No number of this kind is a treatment effect.",)
    assert not found.failed


@pytest.mark.parametrize(
    "relapses", [[[5, 0], [4, 0], [3, 0]], [[0, 2], [0, 1], [0, 1]]], ids=["comparator", "reference"]
)
def test_at_a_zero_cell_numbers_stay_numbers(relapses):
    found = sensitivity.run(
        Comparison.from_arrays(relapses, [[3, 2], [3.5, 2], [3, 2]]), plan=Plan(simulation=QUICK)
    )
    json.dumps(found.to_dict(), allow_nan=False)
    assert not found.failed
    assert all(found.sentence(row).endswith(".") for row in found.rows)
    assert not any("nan" in found.sentence(row) for row in found.rows)


def test_one_patient_is_enough():
    found = sensitivity.run(
        Comparison.from_arrays([[6, 1]], [[32 / 12, 21 / 12]]), plan=Plan(simulation=QUICK)
    )
    assert only(found, "prior", "hierarchical_quadrature", "default")[0] is not None
    assert not found.failed


@settings(max_examples=15)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2))
def test_one_relapse_more_on_the_comparator_lowers_no_estimate(first, second, place):
    relapses = np.array([[3, first], [2, second], [1, 0]])
    more = relapses.copy()
    more[place, 1] += 1
    refits = Refits()
    before, after = (
        {
            row.method: row
            for row in changes.rows_of(
                Change("trigger", "", "", Comparison.from_arrays(counts, [[1, 2], [2, 1], [1, 1]])),
                Model(Comparison.from_arrays(counts, [[1, 2], [2, 1], [1, 1]])),
                refits,
            )
        }
        for counts in (relapses, more)
    )
    for method, row in before.items():
        other = after[method]
        if row.estimate is not None and other.estimate is not None:
            assert other.estimate >= row.estimate * (1 - 1e-6), method
            if method != "negative_binomial":  # the estimate of its overdispersion changes with the counts
                assert other.high >= row.high * (1 - 1e-6), method


# -------------------------------------------------------------------------------------------- words


def test_the_summary_is_assembled_from_the_rows_and_asserts_nothing(found):
    text = " ".join(found.summary)
    assert "runs from 0.16 to 0.60" in text
    assert "0.35 (0.032 to 2.1)" in text
    assert "for 9 of 12 assumed populations" in text
    assert (
        "One relapse more on tocilizumab or one relapse fewer on rituximab would move the upper limit" in text
    )
    assert text.endswith("No number of this kind is a treatment effect.")
    assert not any(
        word in text.lower()
        for word in ("effective", "significant", "proves", "works", "because of tocilizumab")
    )


def test_each_row_is_a_sentence(found):
    assert found.sentence(found.of("prior")[0]) == (
        "With the sceptical prior Normal(0, 0.5) of the log ratio, the ratio is 0.60 (0.27 to 1.4) instead of 0.22; the interval includes 1."
    )
    (row,) = (row for row in found.of("leave_one_out", "conditional_exact") if "patient 3" in row.assumption)
    assert found.sentence(row).startswith("Without patient 3, the ratio is 0.13 (0.0028 to 1.0)")
    assert found.sentence(row).endswith("the interval ends next to 1.")
    (run_in,) = found.of("run_in")
    assert found.sentence(run_in) == "Run-in, first months left out: times known for 5 of 11 relapses."
    for row in found.rows:
        text = found.sentence(row)
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith(".")
        assert "None" not in text


def test_withheld_numbers_are_withheld_everywhere(found):
    held = found.withholding("failed diagnostic: the engines disagree")
    text = json.dumps(held.to_dict())
    assert all(row.estimate is None for row in held.rows if row.method == "hierarchical_quadrature")
    assert '"hierarchical_quadrature", "median"' not in text
    assert all(design.find("hierarchical_quadrature") is None for design in held.designs)
    assert not any("hierarchical ratio" in part for part in held.summary)
    assert held.failed


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_level_is_that_of_every_interval(example_pair, level):
    found = sensitivity.run(example_pair, plan=Plan(level=level, simulation=QUICK))
    ratio = hierarchical.fit(example_pair, seed=1).rate_ratio(level)
    assert only(found, "prior", "hierarchical_quadrature", "default")[1:] == pytest.approx(
        [ratio.interval.low, ratio.interval.high]
    )
    assert math.isclose(found.level, level)
