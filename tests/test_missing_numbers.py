"""A number that is missing has its reason where it is missing: in tables, in JSON, on the terminal."""

import json
import re

import numpy as np
import pytest

from nmo_stats import sensitivity
from nmo_stats.cohort import Comparison, load_example
from nmo_stats.hierarchical import Model, Refits
from nmo_stats.sections.sensitivity import grid_table, no_effect_table, pivot_table, tipping_table
from nmo_stats.sensitivity import Plan, Simulation
from nmo_stats.sensitivity.assumptions import answers, likelihood, trigger
from nmo_stats.sensitivity.words import sentence

QUICK = Simulation(200)


@pytest.fixture(scope="module")
def found(example_pair):
    return sensitivity.run(example_pair, plan=Plan(simulation=QUICK))


@pytest.fixture(scope="module")
def zero():
    pair = Comparison.from_arrays([[3, 0], [2, 0], [1, 0]], [[1.0, 1.0], [0.8, 1.2], [0.5, 0.75]])
    return sensitivity.run(pair, plan=Plan(simulation=QUICK))


def letters(table):
    return {letter for row in table.rows for cell in row for letter in re.findall(r"\(([a-z])\)", cell)}


def explained(table):
    return {note[1] for note in table.notes if re.match(r"\([a-z]\) ", note)}


@pytest.mark.parametrize("name", ["found", "zero"])
def test_every_letter_in_a_table_has_its_note_and_every_note_its_letter(name, request):
    result = request.getfixturevalue(name)
    headline = [design for design in result.designs if design.is_headline]
    for table in (
        pivot_table(result),
        tipping_table(result),
        no_effect_table(headline),
        grid_table(result.designs),
    ):
        assert letters(table) == explained(table)
    assert explained(pivot_table(result))
    assert explained(tipping_table(result))


@pytest.mark.parametrize("name", ["found", "zero"])
def test_no_null_without_a_reason_in_json(name, request):
    content = json.loads(json.dumps(request.getfixturevalue(name).to_dict(), allow_nan=False))
    for row in content["rows"]:
        assert (row["estimate"] is None) == (row["reason"] is not None), row
    for line in content["no_effect"]:
        for number in ("median", "observed", "large_cohort"):
            assert (line[number] is None) == (number in (line["reason"] or "")), line


def test_a_run_in_without_times_is_a_line_of_the_table(found):
    table = pivot_table(found)
    (line,) = (row for row in table.rows if row[0].startswith("Run-in"))
    letter = re.search(r"\(([a-z])\)", line[1])[1]
    assert f"({letter}) times known for 5 of 11 relapses." in table.notes


def test_a_fit_that_takes_long_says_so_in_the_table_and_is_done_where_an_excess_was_found(monkeypatch):
    asked = []
    answered = Refits.rate_ratio

    def rate_ratio(refits, model):
        asked.append((model.likelihood, model.priors.overdispersion.sd))
        return answered(refits, Model(model.pair))

    monkeypatch.setattr(Refits, "rate_ratio", rate_ratio)
    pair = load_example("thall_vail1990").where(arm="progabide").compare("after", reference="before")
    poisson, own, other = answers("likelihood", likelihood(Model(pair)), Model(pair), Refits())
    assert ("negative_binomial", 0.3) in asked
    assert own.has_interval
    assert not other.has_interval
    assert "takes long" in other.reason
    assert poisson.has_interval


def test_without_an_excess_a_long_fit_is_left_out_with_its_reason():
    rng = np.random.default_rng(1)
    pair = Comparison.from_arrays(rng.poisson(20, (40, 2)), np.ones((40, 2)))
    rows = answers("likelihood", likelihood(Model(pair)), Model(pair), Refits())
    assert [row.has_interval for row in rows] == [True, False, False]
    assert all("takes long" in row.reason for row in rows[1:])


def test_the_trigger_row_says_what_leaving_a_relapse_out_does_and_never_a_bound(found):
    row = found.of("trigger", "conditional_exact")[0]
    assert row.estimate == pytest.approx(0.3495, abs=1e-4)
    assert row.to_dict()["is_bound"] is False
    assert "bound" not in sentence(row, found.base)
    assert re.search(r"gives \d", row.assumption.remark)
    assert row.assumption.remark in " ".join(found.summary)
    assert f"Switch: {row.assumption.remark}." in pivot_table(found).notes


def test_the_remark_names_only_designs_that_the_patients_may_have_come_from():
    pair = Comparison.from_arrays([[3, 1], [2, 1]], [[0.5, 1.0], [0.4, 1.0]])  # no 12 months of reference
    (change,) = trigger(Model(pair))
    assert "a single relapse leads" in change.remark
    assert "12 months" not in change.remark


def test_a_sentence_names_the_estimator(found):
    for method, words in (
        ("conditional_exact", "the exact ratio within patients is"),
        ("hierarchical_quadrature", "the hierarchical ratio is"),
    ):
        (row,) = (row for row in found.of("leave_one_out", method) if "patient 3" in row.assumption.name)
        assert words in sentence(row, found.base)


def test_a_detail_is_in_tables_and_json_and_not_in_the_assumption(found):
    row = found.of("rtm")[0]
    assert row.assumption.name == "mean 0.6 per year, CV 0.5"
    assert row.to_dict()["assumption"] == "mean 0.6 per year, CV 0.5 (treated NEMOS episodes)"


def test_without_any_relapse_no_table_of_dashes_is_shown():
    pair = Comparison.from_arrays([[0, 0]] * 3, np.ones((3, 2)))
    result = sensitivity.run(pair, plan=Plan(simulation=QUICK))
    assert not result.has_answer
    assert tipping_table(result).rows == ()
    assert all(row.reason for row in result.rows)


def test_each_reason_of_a_misfit_is_counted(found):
    reason = next(row.reason for row in found.rows if row.assumption.name == "look-back")
    assert "1 with fewer than 2 relapses on rituximab" in reason
    assert "2 with less than 12 months on it" in reason
