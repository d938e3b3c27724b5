"""The standard analysis: every method with a number or a reason, and what a failed computation leaves."""

import dataclasses
import math

import pandas as pd
import pytest

from nmo_stats import analysis, exact, glm
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import ArgumentError, CohortError, ConvergenceError
from nmo_stats.estimate import NO_INFORMATION
from nmo_stats.estimators import classical
from nmo_stats.estimators.classical import Refusal, classical_rates, combined
from nmo_stats.hierarchical import Nuts
from nmo_stats.rates import Settings, hierarchical_rates
from nmo_stats.wording import ratio_text

CLASSICAL = ["pooled_exact", "poisson", "negative_binomial", "gee", "conditional_exact", "conditional_midp",
             "conditional_poisson"]  # fmt: skip


@pytest.fixture(scope="module")
def example(example_cohort, example_fit):
    return analysis.assemble(example_cohort, example_fit)


@pytest.fixture(scope="module")
def without_relapses():
    """The follow-up times of a cohort whose posterior is known, with no relapse at all."""
    frame = pd.DataFrame(
        {
            "patient": ["A", "B", "C"] * 2,
            "treatment": ["old"] * 3 + ["new"] * 3,
            "relapses": 0,
            "exposure_years": [3, 3.5, 3, 2, 2, 2],
        }
    )
    return analysis.analyze(
        Cohort.from_frame(frame), "new", reference="old", engine=Nuts(draws=600, tune=400), seed=1
    )


def test_every_method_gives_a_number_or_a_reason(example):
    found = {ratio.method for ratio in example.rates.estimates} | {
        refusal.method for refusal in example.rates.refusals
    }
    assert found == {*CLASSICAL, "hierarchical_nuts"}


def test_the_estimates_are_those_of_the_methods_themselves(example, example_pair):
    direct = (
        exact.pooled(example_pair),
        exact.conditional(example_pair),
        exact.conditional(example_pair, midp=True),
        glm.poisson(example_pair),
        glm.conditional_poisson(example_pair),
        example.fit,
    )
    for model in direct:
        assert example.rates.find(model.method) == model.rate_ratio()


def test_three_patients_are_too_few_for_the_gee(example):
    (refusal,) = [refusal for refusal in example.rates.refusals if refusal.method == "gee"]
    assert not refusal.failed
    assert refusal.reason
    assert refusal.to_dict() == {"method": "gee", "reason": refusal.reason}
    assert example.rates.find("gee") is None


def test_the_headline_is_the_hierarchical_ratio(example):
    assert example.headline.method == "hierarchical_nuts"
    assert example.failed_checks == ()
    assert example.notices == example.pair.notices
    assert (example.arr.level, example.edss.rule.name) == (0.95, "msprog")
    assert example.dispersion.verdict == "not assessable"
    assert example.seed == 20130301


def test_the_level_of_the_settings_is_the_level_of_every_interval(example_cohort, example_fit):
    wide = analysis.assemble(example_cohort, example_fit, Settings(level=0.99))
    assert {ratio.interval.level for ratio in wide.rates.estimates} == {0.99}
    assert wide.arr.level == 0.99


# ------------------------------------------------------------------------------- without any relapse


def test_without_relapses_every_classical_method_says_that_there_is_no_information(without_relapses):
    refusals = {refusal.method: refusal for refusal in without_relapses.rates.refusals}
    assert list(refusals) == CLASSICAL
    for refusal in refusals.values():
        assert NO_INFORMATION in refusal.reason
        assert not refusal.failed


def test_without_relapses_the_hierarchical_ratio_is_a_sentence(without_relapses):
    (ratio,) = without_relapses.rates.estimates
    assert without_relapses.headline is ratio
    assert [caution.code for caution in ratio.cautions] == ["no_information"]
    assert not ratio.informative
    assert ratio_text(ratio) == NO_INFORMATION


def test_without_relapses_the_posterior_is_centred_by_the_follow_up_times_alone(without_relapses):
    # brute_force([[0, 0]] * 3, [[3, 2], [3.5, 2], [3, 2]]) of test_nuts: log ratio 0.20372, sd 1.49228.
    drawn = without_relapses.fit.posterior.draws["log_rate_ratio"].to_numpy()
    # 4 standard errors of the mean of at least 400 independent draws, the least that the checks let pass.
    assert drawn.mean() == pytest.approx(0.20372, abs=4 * 1.49228 / math.sqrt(400))
    assert without_relapses.failed_checks == ()


def test_without_relapses_no_diagnostic_fails_to_be_computed(without_relapses):
    for check in without_relapses.checks:
        assert math.isfinite(check.value)
    assert without_relapses.arr.pooled["relapse_free"].tolist() == [3, 3]


# ------------------------------------------------------------------------------------ zero cells, refusals


@pytest.mark.parametrize("relapses", [[[5, 0], [4, 0], [3, 0]], [[0, 5], [0, 4], [0, 3]]])
def test_at_a_zero_cell_only_the_exact_methods_answer(relapses):
    found = classical_rates(Comparison.from_arrays(relapses, [[3, 2], [3.5, 2], [3, 2]]))
    assert [ratio.method for ratio in found.estimates] == [
        "pooled_exact",
        "conditional_exact",
        "conditional_midp",
    ]
    assert {refusal.reason for refusal in found.refusals} == {
        "no relapse in one period: use the exact interval"
    }


def test_a_classical_computation_that_fails_is_a_failed_refusal(monkeypatch, example_pair):
    def diverging(_):
        raise ConvergenceError(("the equations did not converge", "twice"), "poisson")

    monkeypatch.setattr(classical, "CLASSICAL", (("poisson", diverging),))
    (refusal,) = classical_rates(example_pair).refusals
    assert refusal == Refusal("poisson", "the equations did not converge; twice", failed=True)


def test_a_failed_hierarchical_fit_leaves_its_checks_and_no_headline(example_cohort, example_fit):
    bad = dataclasses.replace(
        example_fit, convergence=dataclasses.replace(example_fit.convergence, divergences=7)
    )
    found = analysis.assemble(example_cohort, bad)
    assert found.headline is None
    assert [check.name for check in found.failed_checks] == ["divergences"]
    assert found.rates.failed == hierarchical_rates(bad).refusals
    (refusal,) = found.rates.failed
    assert refusal.reason == "failed diagnostic: divergences is 7 (limit 0)"
    assert found.rates.find("pooled_exact") is not None


def test_results_are_put_together_in_order(example_pair, example_fit):
    classical, bayesian = classical_rates(example_pair), hierarchical_rates(example_fit)
    both = combined(classical, bayesian)
    assert both.estimates == (*classical.estimates, *bayesian.estimates)
    assert both.refusals == classical.refusals
    assert combined().estimates == ()


# ------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize("engine", ["magic", "stan"])
def test_an_engine_that_does_not_exist_is_refused_before_any_work(example_cohort, engine):
    with pytest.raises(ArgumentError, match=f"engine '{engine}'"):
        analysis.analyze(example_cohort, "tocilizumab", reference="rituximab", engine=engine)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_is_a_probability(level):
    with pytest.raises(ArgumentError, match="level"):
        Settings(level=level)


def test_an_unknown_treatment_is_refused_with_the_known_ones(example_cohort):
    with pytest.raises(CohortError, match="rituximab"):
        analysis.analyze(example_cohort, "tocilizumb", reference="rituximab")


def test_entry_by_a_relapse_is_refused_where_a_patient_had_none():
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["old", "new"], "relapses": [0, 2], "exposure_years": [1.0, 1.0]}
    )
    settings = Settings(entry="relapse_on_reference")
    with pytest.raises(CohortError, match="patient 'A'"):
        analysis.analyze(Cohort.from_frame(frame), "new", reference="old", settings=settings)
