"""Tables of printed numbers, plain or not: read right, or refused with a remedy that works."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest

from nmo_stats import audit, load_example
from nmo_stats.cohort import Cohort
from nmo_stats.cohort.published import MOST_DECIMALS
from nmo_stats.errors import CohortError

COLUMNS = ("quantity", "patient", "treatment", "value", "decimals", "place")
NEW, OLD = "tocilizumab", "rituximab"


def table(*rows):
    return pd.DataFrame(rows, columns=COLUMNS, dtype="object")


def refused(cohort, *rows):
    with pytest.raises(CohortError) as raised:
        cohort.with_published(table(*rows))
    return raised.value.problems


def finding(cohort, *row):
    return audit.audited(cohort.with_published(table(row))).findings[0]


@pytest.mark.parametrize(
    ("text", "number", "relation", "decimals"),
    [
        ("<0.001", 0.001, "<", 3), ("< .05", 0.05, "<", 2), ("p < 0.05", 0.05, "<", 2),
        ("P<0.05", 0.05, "<", 2),
        ("p=0.047", 0.047, "=", 3), ("p-value = 0.047", 0.047, "=", 3), ("≤0.05", 0.05, "<=", 2),
        (">0.05", 0.05, ">", 2),
        (">= 0.05", 0.05, ">=", 2), ("0.047", 0.047, "=", 3), ("=0.047", 0.047, "=", 3),
    ],
)  # fmt: skip
def test_a_p_value_may_be_an_inequality(example_cohort, text, number, relation, decimals):
    published = example_cohort.with_published(
        table(("rate_ratio_p_value", None, NEW, text, decimals, "text"))
    ).published
    assert (published["value"][0], published["relation"][0]) == (number, relation)


@pytest.mark.parametrize(
    ("text", "verdict", "formula"),
    [
        ("<0.05", "agrees", None),  # exact p 0.0470
        ("≤0.05", "agrees", None),
        ("<0.04", "agrees_within_rounding", None),  # 0.036 to 0.060 over the rounding of the months
        (">0.05", "agrees_within_rounding", None),
        ("<0.03", "agrees_by_another_formula", "mid_p"),  # minimum likelihood 0.0321, mid-p 0.0274
        ("<0.001", "disagrees", None),
        (">0.50", "disagrees", None),
    ],
)
def test_an_inequality_is_judged_as_one(example_cohort, text, verdict, formula):
    decimals = len(text.partition(".")[2])
    row = finding(example_cohort, "rate_ratio_p_value", None, NEW, text, decimals, "text")
    assert (row.verdict, row.formula) == (verdict, formula)
    assert row.printed.startswith(row.relation)
    assert row.is_coarse == (formula is not None)


def test_the_sign_may_stand_in_a_column_of_its_own_and_survives_a_round_trip(example_cohort):
    frame = table(("rate_ratio_p_value", None, NEW, "<0.05", 2, "text"), ("arr", "1", OLD, "2.3", 1, "text"))
    first = example_cohort.with_published(frame)
    again = example_cohort.with_published(first.published)
    assert again.published["relation"].tolist() == ["<", "="]
    assert audit.audited(again).findings[0] == audit.audited(first).findings[0]
    problems = refused_frame(example_cohort, frame.assign(relation=[">", "about"]))
    assert [(one.row, one.column) for one in problems] == [(1, "value"), (2, "relation")]


def refused_frame(cohort, frame):
    with pytest.raises(CohortError) as raised:
        cohort.with_published(frame)
    return raised.value.problems


@pytest.mark.parametrize("minus", ["-", "\u2212", "\u2013", "\u2011"])
def test_every_minus_of_a_typesetter_is_one(example_cohort, minus):
    row = finding(example_cohort, "edss_change", "2", NEW, f"{minus}1.0", 1, "text")
    assert (row.published, row.verdict, row.is_without_sign) == (-1.0, "agrees", False)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("50%", "_percent"), ("50 %", "_percent"), ("0-3", "_min"), ("0–3", "_max"), ("2.3 to 3.0", "_q1"),
        ("3 ± 1", "_sd"), ("2.3 (1.0-3.0)", "one row for each"), ("n.s.", ">0.05"), ("NS", ">0.05"),
        ("not significant", ">0.05"), ("inf", "no statement"), ("∞", "no statement"),
        ("-inf", "no statement"),
        ("<2.3", "p_value"), ("≥ 2", "p_value"), ("2,3", "decimal point"), ("2·3", "decimal point"),
        ("NA", "as it is printed"),
        ("–", "as it is printed"), ("1e300", "digits"), ("12345678901234.56", "digits"),
        ("0.1234567890123456", "digits"),
        ("(2.3)", "without the brackets"), ("three", "plain number"), ("", "as it is printed"),
    ],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused_with_its_remedy(example_cohort, text, word):
    decimals = len(text.partition(".")[2]) if text.startswith(("0.1", "123")) else 1
    problems = refused(example_cohort, ("arr", "1", OLD, text, min(decimals, MOST_DECIMALS), "text"))
    problem = next(one for one in problems if one.column == "value")
    assert (problem.row, problem.patient) == (1, "1")
    assert word in f"{problem.rule}; {problem.remedy}"
    assert "leave the row out" not in problem.remedy


def test_the_remedies_work(example_cohort):
    rows = table(
        ("relapse_free_percent", None, NEW, "33", 0, "50% would be refused"),
        ("relapses_min", None, NEW, "0", 0, "0-1"),
        ("relapses_max", None, NEW, "1", 0, "0-1"),
        ("arr_mean", None, OLD, "2.75", 2, "2.75 ± 0.43"),
        ("arr_sd", None, OLD, "0.43", 2, "2.75 ± 0.43"),
        ("wilcoxon_p_value", None, NEW, ">0.05", 2, "n.s."),
    )
    verdicts = [row.verdict for row in audit.audited(example_cohort.with_published(rows)).findings]
    assert verdicts[:6] == ["agrees"] * 6


@pytest.mark.parametrize("decimals", [-1, 13, 400, 1.5, "x", None, True, math.inf, math.nan, 10**400])
def test_decimals_are_a_count_of_digits(example_cohort, decimals):
    problems = refused(example_cohort, ("arr", "1", OLD, 2.3, decimals, "text"))
    assert [(one.row, one.column) for one in problems] == [(1, "decimals")]


def test_more_digits_than_a_float_holds_are_refused(example_cohort):
    for value in ("123456.1234567890", 123456.5, 1e11):
        problems = refused(example_cohort, ("arr", "1", OLD, value, 10, "text"))
        assert [(one.row, one.column) for one in problems] == [(1, "value")]
        assert "15 digits" in problems[0].rule


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e300, 10**400, True, None])
def test_cells_of_a_program_that_are_no_printed_number_are_refused(example_cohort, value):
    problems = refused(example_cohort, ("arr", "1", OLD, value, 1, "text"))
    assert [(one.row, one.column) for one in problems] == [(1, "value")]


@pytest.mark.parametrize("patient", ["NA", "n/a", "-", "total", "Total", "all", "pooled", "Overall"])
def test_a_number_of_the_series_names_no_patient(example_cohort, patient):
    problem = refused(example_cohort, ("arr", patient, OLD, "2.5", 1, "text"))[0]
    assert (problem.row, problem.column) == (1, "patient")
    assert "leave 'patient' empty" in problem.remedy
    # the remedy followed
    assert finding(example_cohort, "arr_pooled", None, OLD, "2.5", 1, "text").verdict == "agrees"


def test_words_for_unknown_are_no_quantity_and_no_drug(example_cohort):
    assert refused(example_cohort, ("NA", "1", OLD, "2.5", 1, "text"))[0].column == "quantity"
    for quantity in ("age_years_median", "patients_with_prior_therapy"):
        problem = refused(example_cohort, (quantity, None, "NA", "2", 0, "text"))[0]
        assert problem.column == "treatment"
        assert "leave the cell empty" in problem.remedy


def test_an_inequality_with_a_decimal_comma(tmp_path, example_cohort):
    from nmo_stats.tables.files import TableFile

    path = tmp_path / "published.csv"
    path.write_text(
        f"quantity;patient;treatment;value;decimals;place\nrate_ratio_p_value;;{NEW};<0,05;2;text\n"
        f"edss_change;2;{NEW};−1,0;1;text\n",
        encoding="utf-8",
    )
    published = example_cohort.with_published(TableFile(path, decimal=",")).published
    assert published[["value", "relation"]].to_numpy().tolist() == [[0.05, "<"], [-1.0, "="]]


def test_an_inequality_does_not_contradict_a_number(example_cohort):
    rows = table(("x_p_value", "1", None, "<0.05", 2, "text"), ("x_p_value", "1", None, "0.20", 2, "table"))
    found = audit.audited(example_cohort.with_published(rows)).findings[:2]
    assert {row.verdict for row in found} == {"not_recomputable"}


def test_facts_about_somebody_else_are_not_told_to_be_dropped(example_cohort):
    with pytest.raises(CohortError) as raised:
        audit.record(example_cohort, pd.DataFrame({"patient": ["1", "99"], "age_years": [40, 30]}))
    (problem,) = raised.value.problems
    assert "leave the row out" not in problem.remedy
    assert "period table" in problem.remedy


@pytest.mark.parametrize("cell", ["NA", "-", "9,4", "<5", "50%", "\u22122", "inf"])
def test_a_cell_that_makes_text_of_a_column_of_facts_is_refused(example_cohort, cell):
    facts = pd.DataFrame({"patient": ["1", "2", "3"], "titre": ["10", cell, "40"]})
    with pytest.raises(CohortError) as raised:
        audit.record(example_cohort, facts)
    assert [(one.row, one.column) for one in raised.value.problems] == [(2, "titre")]
    known = audit.record(example_cohort, facts.assign(titre=["10", "", "40"]))  # the remedy of an unknown one
    assert known.fact("titre", "3").span.value == 40
    assert known.fact("titre", "2") is None


@pytest.mark.parametrize(
    "cells", [["F", "M", "F"], ["007", "008", "12"], ["1", "see text", "2"], ["2010-05", "1", "x"]]
)
def test_columns_of_text_among_the_facts_are_no_problem(example_cohort, cells):
    known = audit.record(example_cohort, pd.DataFrame({"patient": ["1", "2", "3"], "remark": cells}))
    assert known.fact("remark", "1") is None


# Random cohorts and random rows

_RANDOM_QUANTITIES = (
    *("arr", "arr_pooled", "arr_mean", "arr_median", "arr_sd", "arr_q1", "arr_iqr", "arr_low", "arr_high"),
    *("arr_pooled_low", "arr_pooled_high", "arr_mean_low", "arr_mean_high", "relapses", "relapses_total"),
    *("rate_ratio", "rate_ratio_low", "rate_ratio_high", "rate_ratio_p_value", "arr_reduction_percent"),
    *(
        "wilcoxon_p_value",
        "edss_start_sd",
        "edss_end_q3",
        "edss_change",
        "edss_worsened",
        "edss_improved_percent",
    ),
    *(
        "first_relapse_days_median",
        "relapse_free_percent",
        "exposure_months_iqr",
        "cohort_size",
        "titre_mean",
    ),
)


def random_cohort(generator):
    patients = int(generator.integers(1, 6))
    drugs = ["x", "y"][: int(generator.integers(1, 3))]
    rate = generator.choice([0.0, 0.3, 3.0])
    rows = [
        (
            *(f"P{patient}", drug, int(generator.poisson(rate)), int(generator.integers(1, 60))),
            *(generator.integers(2, 20, 2) / 2),
        )
        for patient in range(patients)
        for drug in drugs
        if patient == 0 or generator.random() < 0.8
    ]  # fmt: skip
    columns = ["patient", "treatment", "relapses", "exposure_months", "edss_start", "edss_end"]
    frame = pd.DataFrame(rows, columns=columns)
    if generator.random() < 0.3:
        frame.loc[generator.integers(0, len(frame)), ["edss_start", "edss_end"]] = np.nan
    return Cohort.from_frame(frame)


def random_rows(generator, cohort):
    for quantity in generator.choice(_RANDOM_QUANTITIES, 25, replace=False):
        decimals = int(generator.integers(0, 5))
        value = generator.choice([0.0, generator.gamma(1), -generator.gamma(1), generator.random(), 1e6])
        sign = generator.choice(["", "<", ">"]) if quantity.endswith("p_value") else ""
        patient = generator.choice([None, *cohort.patients])
        drug = generator.choice([None, *cohort.treatments])
        yield (str(quantity), patient, drug, f"{sign}{value:.{decimals}f}", decimals, "text")


@pytest.mark.parametrize("seed", range(100))
def test_random_cohorts_and_rows_have_finite_numbers_or_a_reason(seed):
    generator = np.random.default_rng(seed)
    cohort = random_cohort(generator)
    found = audit.audited(cohort.with_published(table(*random_rows(generator, cohort))))
    json.loads(json.dumps(found.to_dict(), allow_nan=False))
    found.to_frame().to_csv(io.StringIO())
    for row in found.findings:
        assert row.words
        assert audit.sentence(row)
        assert (row.formula is not None) == (row.verdict == "agrees_by_another_formula")
        if row.recomputed is None:
            assert row.verdict in {"not_recomputable", "agrees_by_another_formula"}
        else:
            assert row.low <= row.recomputed <= row.high
            assert all(map(math.isfinite, (row.low, row.recomputed, row.high)))
        assert row.chance is None or 0 <= row.chance <= 1
    assert sum(found.counts.values()) == len(found.findings)


def test_the_verdict_stands_in_every_table_of_the_audit():
    rows = table(("edss_start_sd", None, OLD, "1.08", 2, "text"))
    found = audit.audited(load_example().with_published(rows))
    assert found.counts["agrees_by_another_formula"] == 1
    line = found.to_dict()["rows"][0]
    assert (line["verdict"], line["formula"], line["usual_formula"], line["also_agreeing"]) == (
        "agrees_by_another_formula", "population_sd", "sample_sd", [],
    )  # fmt: skip
    assert found.to_frame()["formula"][0] == "population_sd"
    assert "1 agrees by another formula" in audit.summary(found)
