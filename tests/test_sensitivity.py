"""The ratio under other assumptions: the numbers of the example, every family, and its words."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import exact, hierarchical, sensitivity
from nmo_stats.cohort import Cohort, Comparison, load_example
from nmo_stats.errors import ArgumentError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.estimators.classical import Refusal
from nmo_stats.hierarchical import HalfNormal, Model, Normal, Priors, Refits
from nmo_stats.sensitivity import (
    FAMILY_NAMES,
    Answer,
    Assumption,
    Background,
    NoEffect,
    Plan,
    Simulation,
    Spread,
    TippingPoint,
    adjusted,
    assumptions,
    regression_to_mean,
    words,
)
from nmo_stats.sensitivity.assumptions import Change, answers
from nmo_stats.sensitivity.background import adjusted_rows, simulated_background
from nmo_stats.sensitivity.empirical_bayes import regression_rows
from nmo_stats.sensitivity.no_effect import no_effect_designs
from nmo_stats.sensitivity.rules import misfit_text, misfits
from nmo_stats.simulate import FixedWindows, GammaRates, LookBack, Triggered

QUICK = Simulation(200)
EVERY_METHOD = {
    "pooled_exact", "poisson", "negative_binomial", "gee", "conditional_exact", "conditional_midp",
    "conditional_poisson", "hierarchical_quadrature",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(example_pair):
    return sensitivity.run(example_pair, plan=Plan(background=Background(0.5), simulation=QUICK))


def only(found, family, method, text=""):
    (row,) = (row for row in found.of(family, method) if text in row.assumption.name)
    return [row.estimate, row.low, row.high]


def changes_of(rule, pair):
    """The assumptions of a rule on the data of a pair."""
    return list(rule(Model(pair)))


def rows_of(family, model):
    """What the methods say under the assumptions of a family."""
    rule = {**assumptions.MODEL_RULES, **assumptions.DATA_RULES}[family]
    return answers(family, rule(model), model, Refits())


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
        # Hierarchical: by the product grids of brute_force.py where it can, and by NUTS; exact: R.
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
    (row,) = (row for row in found.of(family, method) if row.assumption.name.startswith(text))
    assert [row.estimate, row.low, row.high] == pytest.approx(expected, rel=3e-3)


def test_the_prior_grid_and_the_negative_binomial_of_the_example(found):
    assert [row.assumption.name.split(" ")[0] for row in found.of("prior")] == [
        "sceptical",
        "cautious",
        "default",
        "wide",
    ]
    cautious = next(row for row in found.of("prior") if "cautious" in row.assumption.name)
    assert cautious.probability_below_1 == pytest.approx(0.9614, abs=5e-4)
    overdispersed = next(row for row in found.of("likelihood") if "HalfNormal(0.3)" in row.assumption.name)
    assert overdispersed.high == pytest.approx(1.12, abs=0.005)


def test_the_run_in_is_one_row_with_a_reason(found):
    (row,) = found.of("run_in")
    assert (row.estimate, row.method, row.reason) == (None, None, "times known for 5 of 11 relapses")


def test_numbers_of_one_are_worded_as_one():
    single = pair_of([[1, 0]], [[12, 12]])
    assert changes_of(assumptions.run_in, single)[0].to.reason == "times known for 0 of 1 relapse"


def test_every_family_is_there_and_every_estimator_answers_other_data(found):
    assert {row.family for row in found.rows} == set(FAMILY_NAMES) - {"merging"}  # it needs dated events
    for family in ("trigger", "rounding", "leave_one_out"):
        for label in {row.assumption.name for row in found.of(family)}:
            assert {row.method for row in found.of(family) if row.assumption.name == label} == EVERY_METHOD


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
    assert before >= 12  # priors, scales, counts, patients and moved relapses
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
    rows = rows_of("prior", Model(example_pair, priors))
    assert rows[0].assumption.name == "as chosen Normal(0, 1.5)"
    wide = hierarchical.fit(
        example_pair, priors=Priors(log_rate_ratio=Normal(0, 4), sd_rate=HalfNormal(2.0)), seed=1
    )
    assert rows[-1].estimate == pytest.approx(wide.rate_ratio().estimate)


def test_entry_is_impossible_without_a_relapse_of_everyone():
    (row,) = rows_of("entry", Model(Comparison.from_arrays([[0, 1], [2, 0]], [[1, 1]] * 2)))
    assert row.estimate is None
    assert "1 of 2 patients had no relapse on reference" in row.reason


def test_entry_as_the_starting_point_is_dropped_in_its_row(example_pair):
    (row,) = rows_of("entry", Model(example_pair, entry="relapse_on_reference"))
    assert row.estimate == pytest.approx(0.2196, rel=2e-3)


def test_a_fit_that_would_take_minutes_is_left_out_with_its_reason():
    pair = Comparison.from_arrays([[1, 1]] * 61, [[1.0, 1.0]] * 61)
    rows = rows_of("likelihood", Model(pair))
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
    (change,) = changes_of(assumptions.trigger, pair)
    assert change.to.relapses.tolist() == removed
    assert label in change.name


def test_without_a_switch_by_a_relapse_there_is_no_trigger():
    pair = pair_of([[3, 0], [1, 0]], [[12, 12], [12, 12]], ended_by_relapse=["no", "", "no", ""])
    (row,) = changes_of(assumptions.trigger, pair)
    assert row.to.reason == "no period on old was ended by a relapse"


def test_without_a_relapse_on_the_reference_none_can_be_left_out():
    (row,) = changes_of(assumptions.trigger, Comparison.from_arrays([[0, 2]], [[1, 1]]))
    assert row.to.reason == "no patient had a relapse on reference that could be removed"


def test_times_that_are_not_rounded_or_of_unknown_unit_have_no_corners():
    (row,) = changes_of(assumptions.rounding, pair_of([[3, 0], [1, 0]], [[12, 12], [12.5, 12]]))
    assert "not every follow-up time is a whole number of months" in row.to.reason
    (row,) = changes_of(assumptions.rounding, Comparison.from_arrays([[3, 0]], [[1, 1]]))
    assert "unit" in row.to.reason


def test_the_run_in_leaves_out_relapses_time_and_consumed_patients(example_pair):
    cohort = load_example()
    known = pd.DataFrame({"row": [0] * 6 + [1, 2, 2, 4, 5], "years": np.linspace(0.05, 0.3, 11)})
    pair = Cohort(cohort.frame, cohort.notices, cohort.source, known).compare(
        "tocilizumab", reference="rituximab"
    )
    none, one, three = changes_of(assumptions.run_in, pair)
    assert [one.name, three.name] == ["first month excluded", "first 3 months excluded"]
    assert none.to.totals == example_pair.totals
    assert all(isinstance(change.to, Comparison) for change in (none, one, three))
    assert one.to.totals[0] < 9
    assert one.to.total_years[0] == pytest.approx(example_pair.total_years[0] - 3 / 12)
    short = pair_of([[3, 0], [1, 1]], [[24, 12], [3, 12]])
    history = (
        Cohort.from_frame(load_example().to_frame()).compare("tocilizumab", reference="rituximab").history
    )
    assert history.known_times == 0
    assert changes_of(assumptions.run_in, short)[0].to.reason == "times known for 0 of 5 relapses"


def test_a_consumed_patient_is_named():
    frame = pair_frame()
    cohort = Cohort.from_frame(frame)
    known = pd.DataFrame({"row": [0, 2, 3], "years": [0.5, 0.1, 0.2]})
    pair = Cohort(cohort.frame, cohort.notices, cohort.source, known).compare("new", reference="old")
    three = changes_of(assumptions.run_in, pair)[2]
    assert three.to.patients == ("A",)
    assert "without patient B" in three.name


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
    found = changes_of(assumptions.leave_one_out, pair)
    assert len(found) == assumptions.SHOWN_OF_MANY + 1
    assert "without patient 8" in [change.name for change in found[:-1]]
    assert isinstance(found[-1].to, Refusal)


def test_the_most_influential_are_those_who_move_the_ratio_most():
    rng = np.random.default_rng(6)
    years = rng.uniform(0.5, 3, (40, 2))
    relapses = rng.poisson(rng.gamma(2, 0.5, (40, 1)) * years * [1.0, 0.5])
    relapses[3], relapses[11] = [9, 0], [0, 6]
    relapses[20] = [18, 9]  # many relapses that say what all say
    years[20] = [1.0, 1.0]
    pair = Comparison.from_arrays(relapses, years)
    whole = math.log(exact.conditional(pair).rate_ratio().estimate)
    moved = [
        abs(math.log(exact.conditional(pair.only(np.arange(40) != place)).rate_ratio().estimate) - whole)
        for place in range(40)
    ]
    chosen = {int(change.code) - 1 for change in changes_of(assumptions.leave_one_out, pair)[:-1]}
    assert len(chosen & set(np.argsort(moved)[-assumptions.SHOWN_OF_MANY :])) >= assumptions.SHOWN_OF_MANY - 1
    assert set(np.argsort(moved)[-8:]) <= chosen


def test_a_single_patient_cannot_be_left_out():
    (row,) = changes_of(assumptions.leave_one_out, Comparison.from_arrays([[3, 1]], [[1, 1]]))
    assert "nobody would be left" in row.to.reason


def test_a_population_that_the_data_speak_against_is_left_out_of_what_is_told():
    pair = Comparison.from_arrays([[1, 1], [0, 0], [0, 1], [1, 0]], [[2.2, 2.0]] * 4)
    rows = regression_rows(pair)
    against = [row for row in rows if not row.is_plausible]
    # Negative-binomial counts by simulation: 2 relapses or fewer in four times 2.2 years.
    rng = np.random.default_rng(1)
    for row, (mean, cv) in zip(
        rows, [(mean, cv) for mean in (0.6, 1.0, 1.5, 2.0) for cv in (0.5, 0.7, 1.0)], strict=True
    ):
        counts = rng.poisson(rng.gamma(1 / cv**2, mean * cv**2, (200_000, 4)) * 2.2).sum(axis=1)
        assert row.is_plausible == ((counts <= 2).mean() >= 0.05), row.assumption.name
    assert 0 < len(against) < len(rows)
    assert all(row.estimate is not None for row in against)
    told = words._regression(rows)
    assert (
        f"of {len(rows) - len(against)} assumed populations (the data speak against {len(against)} more)"
        in told
    )
    assert "the data speak against this population" in words.sentence(against[0], {})
    assert "speak against every population" in words._regression(against)
    assert [caution.code for caution in against[0].cautions] == ["implausible_population"]


def test_more_relapses_than_a_population_has_do_not_speak_against_it(example_pair):
    # Patients are in such a series because they relapsed: 9 relapses, 2.2 expected before selection.
    assert all(row.is_plausible for row in regression_rows(example_pair))


def test_populations_of_this_disease_are_not_assumed_for_another():
    (row,) = regression_rows(Comparison.from_arrays([[60, 40]], [[1, 1]]))
    assert "far from the assumed populations" in row.reason
    assert "neuromyelitis" not in row.reason


# ---------------------------------------------------------------------------------- edges of the data


def test_without_relapses_every_row_says_that_nothing_is_known():
    found = sensitivity.run(
        Comparison.from_arrays([[0, 0]] * 3, [[3, 2], [3.5, 2], [3, 2]]), plan=Plan(simulation=QUICK)
    )
    assert all(row.to_dict()["estimate"] is None for row in found.rows)
    assert NO_INFORMATION in {row.reason for row in found.rows}
    assert found.designs == ()
    assert found.summary == (f"N{NO_INFORMATION[1:]}.", "No number of this kind is a treatment effect.")
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


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2))
def test_one_relapse_more_on_the_comparator_lowers_no_estimate(first, second, place):
    relapses = np.array([[3, first], [2, second], [1, 0]])
    more = relapses.copy()
    more[place, 1] += 1

    def series_of(counts):
        return Comparison.from_arrays(counts, [[1, 2], [2, 1], [1, 1]])

    refits = Refits()
    before, after = (
        {
            row.method: row
            for row in answers(
                "trigger", [Change("", "", series_of(counts))], Model(series_of(counts)), refits
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
    own = found.base["hierarchical_quadrature"]
    answered = [row for row in found.rows if isinstance(row, Answer) and row.has_interval]
    others = [row for row in answered if row.method == own.method and row.estimate != own.estimate]
    including = sum(row.low <= 1 <= row.high for row in others)
    assert 0 < including < len(others)
    assert f"includes 1 under {including} of {len(others)} of them" in text
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
    text = found.sentence(found.of("prior")[0])
    assert text.startswith("Prior, sceptical Normal(0, 0.5): the hierarchical ratio is 0.60 (0.27")
    assert text.endswith("instead of 0.22; the interval includes 1.")
    (row,) = (
        row for row in found.of("leave_one_out", "conditional_exact") if "patient 3" in row.assumption.name
    )
    assert "without patient 3: the exact ratio within patients is 0.13 (0.0028 to 1.03)" in found.sentence(
        row
    )
    assert found.sentence(row).endswith("the interval includes 1.")
    (run_in,) = found.of("run_in")
    assert found.sentence(run_in) == "Run-in, first months excluded: times known for 5 of 11 relapses."
    for row in found.rows:
        text = found.sentence(row)
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith(".")
        assert "None" not in text


def test_withheld_numbers_are_withheld_everywhere(found):
    held = found.withholding("failed diagnostic: the engines disagree")
    text = json.dumps(held.to_dict())
    of_model = [row for row in held.rows if row.method == "hierarchical_quadrature"]
    assert {row.kind for row in of_model} == {"answer", "spread", "tipping"}
    assert all(row.to_dict()["estimate"] is None and row.failed for row in of_model)
    assert '"hierarchical_quadrature", "median"' not in text
    assert all(design.find("hierarchical_quadrature") is None for design in held.designs)
    assert not any("hierarchical ratio" in part or "hierarchical interval" in part for part in held.summary)
    assert held.failed
    assert [row.method for row in held.base_failed] == ["hierarchical_quadrature"]
    assert held.base["hierarchical_quadrature"].estimate is None
    of_model = [point for point in held.tipping if point.method == "hierarchical_quadrature"]
    assert {(point.number, point.failed) for point in of_model} == {(None, True)}
    assert held.base["conditional_exact"] == found.base["conditional_exact"]


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_level_is_that_of_every_interval(example_pair, level):
    found = sensitivity.run(example_pair, plan=Plan(level=level, simulation=QUICK))
    ratio = hierarchical.fit(example_pair, seed=1).rate_ratio(level)
    assert only(found, "prior", "hierarchical_quadrature", "default")[1:] == pytest.approx(
        [ratio.interval.low, ratio.interval.high]
    )
    assert math.isclose(found.level, level)
    for row, population in zip(
        found.of("rtm")[:2], [GammaRates(0.6, 0.5), GammaRates(0.6, 0.7)], strict=True
    ):
        interval = regression_to_mean(example_pair, population).rate_ratio(level).interval
        assert [row.low, row.high] == pytest.approx([interval.low, interval.high])
    (row,) = (row for row in found.of("bias_adjustment") if row.has_interval)
    fit = hierarchical.fit(example_pair, seed=1)
    designs = [
        design
        for design in found.designs
        if design.rule_name in ("triggered_1", "triggered_2") and not design.overdispersion.is_alternative
    ]
    interval = adjusted(
        fit, simulated_background(fit.model, designs, Refits(), Simulation().seed), level
    ).interval
    assert [row.low, row.high] == pytest.approx([interval.low, interval.high], rel=1e-6)


# ------------------------------------------------------------------------- designs that do not fit


def test_a_design_that_the_data_refute_gives_no_background(found):
    triggered, look_back = (
        next(row for row in found.of("bias_adjustment") if row.assumption.name.startswith(kind))
        for kind in ("triggered", "look-back")
    )
    assert triggered.has_interval
    assert look_back.reason == (
        "2 of 3 patients do not fit this rule (1 with fewer than 2 relapses on rituximab, 2 with less than "
        "12 months on it)"
    )
    text = " ".join(found.summary)
    assert text.count("2 of 3 patients do not fit this rule") == 1


def test_patients_fit_a_rule_by_their_relapses_and_by_how_their_period_ended():
    pair = pair_of([[3, 0], [1, 0], [0, 1]], [[12, 12]] * 3, ended_by_relapse=["yes", "", "no", "", "", ""])
    assert [misfits(pair, rule) for rule in (FixedWindows(), Triggered(1), Triggered(2), LookBack())] == [
        0,
        2,
        2,
        2,
    ]
    assert misfit_text(pair, Triggered(1)) == (
        "2 of 3 patients do not fit this rule (1 with no relapse on old, 1 whose reference period "
        "was not ended by a relapse)"
    )
    assert misfit_text(pair, LookBack()) == (
        "2 of 3 patients do not fit this rule (2 with fewer than 2 relapses on old, 1 whose reference "
        "period was not ended by a relapse)"
    )
    unknown = Comparison.from_arrays(pair.relapses, pair.years)
    assert misfits(unknown, Triggered(1)) == 1
    assert misfit_text(unknown, FixedWindows()) == ""


def test_a_rule_that_no_patient_fits_is_not_simulated():
    pair = pair_of([[1, 0], [1, 1]], [[24, 12]] * 2, ended_by_relapse=["no", ""] * 2)
    designs, unknown = no_effect_designs(Model(pair), QUICK, Refits())
    assert {design.rule_name for design in designs} == {"fixed"}
    assert [row.assumption.name for row in unknown] == [
        f"{name}, any population" for name in ("triggered_1", "triggered_2", "look_back")
    ]


def test_a_fit_that_knows_of_the_entry_is_not_divided_by_a_background(example_pair):
    fit = hierarchical.fit(example_pair, entry="relapse_on_reference", seed=1)
    rows = adjusted_rows(fit, [], Background(0.5), Refits(), seed=1)
    assert rows[0].has_interval
    assert all("a background ratio would do so twice" in row.reason for row in rows[1:])


def test_the_background_is_that_of_the_headline_and_its_doubt_that_of_both_triggers(found, example_pair):
    fit = hierarchical.fit(example_pair, seed=1)
    (row,) = (row for row in found.of("bias_adjustment") if row.assumption.name.startswith("triggered"))
    backwards = adjusted_rows(fit, found.designs[::-1], None, Refits(), Simulation().seed)[0]
    assert [backwards.estimate, backwards.high] == pytest.approx([row.estimate, row.high])
    logs = [
        math.log(design.large_cohort("conditional_exact"))
        for design in found.designs
        if design.rule_name in ("triggered_1", "triggered_2") and not design.overdispersion.is_alternative
    ]
    assert len(logs) == 26
    assert f"(log sd {np.std(logs):.2g})" in row.label


def test_a_model_that_cannot_be_integrated_is_a_row_with_its_reason(monkeypatch, example_pair):
    def failing(*_arguments, **_options):
        raise ConvergenceError(("no grid resolves it",), "hierarchical_quadrature")

    monkeypatch.setattr("nmo_stats.sensitivity.no_effect.ratio_posteriors", failing)
    monkeypatch.setattr("nmo_stats.sensitivity.tipping.ratio_posteriors", failing)
    found = sensitivity.run(example_pair, plan=Plan(simulation=QUICK))
    failed = {(row.family, row.method, row.reason) for row in found.failed}
    assert failed == {
        (family, "hierarchical_quadrature", "no grid resolves it") for family in ("benchmark", "tipping")
    }
    assert not found.base_failed
    assert found.designs[0].find("conditional_exact") is not None


def test_the_observed_hierarchical_ratio_is_that_of_the_fit(found):
    for design in found.designs:
        if design.is_headline:
            observed = design.find("hierarchical_quadrature").observed
            assert observed == found.base["hierarchical_quadrature"].estimate


# ------------------------------------------------------------------------------- words at the edges


def spread(median, *, observed=0.2, share=0.05, not_identified=0.0, method="conditional_exact"):
    return Spread(method, median, 0.0, 3.0, 0.5, 0.0, not_identified, observed, share, 1.0, 2000)


def told(pair, *spreads):
    text, counts = words.no_effect_sentences(
        pair, [NoEffect("triggered_1", Triggered(1), GammaRates(1.0, 0.7), True, spreads)]
    )
    assert counts.startswith("Counts were simulated as Poisson counts")
    return text


def test_a_median_of_0_is_said_as_it_is(example_pair):
    text = told(
        example_pair, spread(0.0, observed=0.0, share=0.6), spread(0.4, method="hierarchical_quadrature")
    )
    assert (
        "at least half of the simulated series show an exact ratio within patients of 0 (the observed 0 or "
        "less in 60 %)" in text
    )
    assert "and half a hierarchical ratio below 0.40" in text
    assert "of ∞" in told(example_pair, spread(math.inf))


def test_the_share_of_series_with_a_ratio_is_mentioned(example_pair):
    text = told(example_pair, spread(0.5, not_identified=0.25))
    assert "(the observed 0.20 or less in 5 % of the 75 % with a ratio)" in text
    assert "with a ratio" not in told(example_pair, spread(0.5))


def test_a_spread_without_any_identified_series_is_skipped(example_pair):
    nothing = NoEffect("triggered_1", Triggered(1), GammaRates(1.0, 0.7), True, (spread(None, share=None),))
    assert words.no_effect_sentences(example_pair, [nothing]) == []


@pytest.mark.parametrize(
    ("share", "series", "text"),
    [
        (0.0, 10_000, "under 0.1 %"),
        (1.0, 10_000, "over 99.9 %"),
        (1.0, 2000, "over 99.85 %"),
        (0.001, 2000, "under 0.15 %"),
        (0.996, 2000, "99.6 %"),
        (0.9962, 200, "over 98.5 %"),
        (0.657, 2000, "66 %"),
        (0.0, 1, "under 50 %"),
    ],
)
def test_a_simulated_share_is_never_a_certainty(share, series, text):
    assert words.share_text(share, series) == text


def tipping(some, every, *, is_bound=False, base=(0.01, 0.9)):
    def point(number, *, is_every):
        return TippingPoint(
            assumption=Assumption("tipping", "", ""), method="hierarchical_quadrature",
            number=number, direction="added", every=is_every, is_bound=is_bound,
        )  # fmt: skip

    pair = Comparison.from_arrays([[3, 1]], [[1, 1]])
    points = [point(some, is_every=False), point(every, is_every=True)]
    low, high = base
    return words._tipping(pair, points, {"hierarchical_quadrature": answer(low, high)})


def answer(low, high):
    return Answer(assumption=Assumption("prior", "", ""), method="m", estimate=0.2, low=low, high=high)


def test_the_tipping_sentence_says_what_is_known():
    end = "would move the upper limit of the hierarchical interval to 1 or above."
    assert tipping(2.0, 2.0) == f"2 relapses more on comparator {end}"
    assert tipping(2.0, 4.0) == f"2 to 4 relapses more on comparator, depending on the patients, {end}"
    assert tipping(2.0, None) == f"2 relapses more on comparator in suitable patients {end}"
    assert (
        tipping(7.0, 9.0, is_bound=True)
        == f"At most 7 relapses more on comparator in suitable patients {end}"
    )
    assert tipping(0.0, 0.0, base=(0.5, 1.2)) == "The hierarchical interval already includes 1."
    assert tipping(0.0, 0.0, base=(1.1, 4.0)) == "The hierarchical interval already lies above 1."
    assert tipping(None, None) == ""


def test_limits_next_to_1_are_said_on_both_sides():
    def row(low, high):
        return words._position(answer(low, high))

    assert row(0.5, 0.997) == "the interval ends next to 1"
    assert row(1.003, 4.0) == "the interval begins next to 1"
    assert row(0.5, 2.0) == "the interval includes 1"
    assert row(1.1, 2.0) == "the interval does not include 1"


def test_a_trigger_of_some_patients_says_so():
    pair = pair_of([[3, 1], [2, 1]], [[24, 12], [24, 12]], ended_by_relapse=["yes", "", "no", ""])
    (change,) = changes_of(assumptions.trigger, pair)
    text = words._trigger(answers("trigger", [change], Model(pair), Refits()))
    assert text.startswith("With one relapse on old removed in 1 of 2 patients, as if")
    assert "bound" not in text


def test_the_background_limit_is_named_by_its_level(found):
    labels = {point.assumption.name for point in found.tipping if point.direction == "background"}
    assert "background ratio at or below which the upper limit (95 %) is 1 or more" in labels
