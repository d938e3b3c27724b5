"""The table of quantities, and the small language in which their formulas are written."""

import ast
import inspect
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmo_stats import audit, load_example
from nmo_stats.audit.expressions import Computed, NotRecomputableError, Scope, number
from nmo_stats.audit.inference import FUNCTIONS
from nmo_stats.audit.vocabulary import QUANTITIES, Name, read_name, row_of
from nmo_stats.cohort import Cohort


def expressions():
    """Every expression of the vocabulary with the quantity that has it."""
    return [
        (row.name, expression)
        for row in QUANTITIES.values()
        for expression in (*row.expressions.values(), *row.of_series, *row.reproductions)
    ]


def scope(patient="1", treatment="rituximab", quantity="arr"):
    record = audit.record(load_example())
    return Scope(record, Name(quantity, patient, treatment), FUNCTIONS)


def value(expression, **name):
    return float(scope(**name).value(expression).span.value)


def arithmetic_of(expression, **name):
    return scope(**name).value(expression).text


def test_every_formula_of_the_vocabulary_has_a_name_and_stands_once():
    for row in QUANTITIES.values():
        codes = [*row.codes, *row.formulas]
        assert len(codes) == len(set(codes))
        assert set(codes) <= {"", *audit.FORMULA_NAMES}
    used = {code for row in QUANTITIES.values() for code in row.expressions}
    assert used - {""} == set(audit.FORMULA_NAMES)


def test_every_expression_calls_known_functions_with_their_arguments():
    for quantity, expression in expressions():
        for node in ast.walk(ast.parse(expression, mode="eval")):
            if isinstance(node, ast.Call):
                arguments = [None] * (len(node.args) + 1)  # the scope comes first
                assert inspect.signature(FUNCTIONS[node.func.id]).bind(*arguments), (quantity, expression)


def test_every_function_of_the_language_is_used():
    used = {
        node.func.id
        for _, expression in expressions()
        for node in ast.walk(ast.parse(expression, mode="eval"))
        if isinstance(node, ast.Call)
    }
    assert used == set(FUNCTIONS)


def test_every_formula_of_the_vocabulary_has_a_number_or_a_reason():
    frame = load_example().to_frame().assign(prior_relapses=[13, 13, 16, 16, 4, 4])
    record = audit.record(Cohort.from_frame(frame))
    for quantity in QUANTITIES:
        text = (
            quantity.replace("<quantity>", "age_years").replace("<drug>", "tocilizumab").replace("<n>", "1")
        )
        for patient in (None, "1"):
            name = read_name(text, patient, "tocilizumab")
            for code, expression in row_of(name).expressions.items():
                outcome = Scope(record, name, FUNCTIONS, code).outcome(expression)
                assert isinstance(outcome, Computed) or outcome.reason


@pytest.mark.parametrize(
    ("expression", "expected", "arithmetic"),
    [
        ("relapses / exposure * per_year", 2.25, "6 relapses / 32 months × 12"),
        ("edss_end - edss_start", 1.5, "6.5 − 5"),
        ("exposure * 1 + 0", 32, "32 months"),
        ("exposure - (edss_end - edss_start)", 30.5, "32 months − (6.5 − 5)"),
        ("(edss_end + edss_start) / 2", 5.75, "(6.5 + 5) / 2"),
        ("2 / (exposure / 4)", 0.25, "2 / (32 months / 4)"),
        ("titre or relapses", 6, "6 relapses"),
        ("not relapses", 0, "0"),
        ("named(exposure / 2, 'half months')", 16, "16 half months (32 months / 2)"),
    ],
)
def test_an_expression_of_a_patient(expression, expected, arithmetic):
    assert value(expression) == pytest.approx(expected)
    assert arithmetic_of(expression) == arithmetic


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("total(relapses) / total(exposure) * per_year", 9 / 44 * 12),
        ("mean(arr)", 2.75),
        ("median(edss_start)", 5),
        ("count(relapses, 'with a relapse')", 3),
        ("percent(count(not relapses, 'without'))", 0),
        ("patients()", 3),
        ("reference(total(relapses)) / comparator(total(relapses))", 2 / 9),
    ],
)
def test_an_expression_of_the_series(expression, expected):
    assert value(expression, patient=None) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("titre", "titre is not known"),
        ("relapses / (exposure - exposure)", "may be 0"),
        ("unknown('for a reason')", "for a reason"),
        ("earlier(exposure_months)", "did not have the drug"),
    ],
)
def test_an_expression_without_a_number_has_a_reason(expression, reason):
    with pytest.raises(NotRecomputableError) as raised:
        scope().value(expression)
    assert reason in raised.value.reason


@pytest.mark.parametrize(
    "expression", ["__import__('os')", "relapses ** 2", "relapses if 1 else 2", "a.b", "[1]"]
)
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises((ValueError, KeyError)):
        scope().value(expression)


@pytest.mark.parametrize(
    ("text", "patient", "quantity", "part"),
    [
        ("arr", "1", "arr", None),
        ("arr_median", None, "arr_median", None),
        ("edss_start_median", None, "<quantity>_median", "edss_start"),
        ("titre_max", None, "<quantity>_max", "titre"),
        ("titre_max", "1", "titre_max", None),  # of one patient a number like any other
        ("onset_months_before_drug x", "1", "onset_months_before_<drug>", "drug x"),
        ("prior_therapy_12_relapses", "1", "prior_therapy_<n>_relapses", "12"),
        ("nothing like it", "1", "nothing like it", None),
    ],
)
def test_a_name_is_split_into_its_fields(text, patient, quantity, part):
    assert read_name(text, patient, "x") == Name(
        quantity, patient, read_name(text, patient, "x").treatment, part
    )


def test_what_belongs_to_the_patient_belongs_to_no_drug():
    assert read_name("age_years", "1", "rituximab") == Name("age_years", "1", None)
    assert read_name("arr", "1", "rituximab").treatment == "rituximab"


def test_the_table_lists_the_quantities_once_with_the_formulas_tried_next():
    table = audit.vocabulary()
    assert isinstance(table, pd.DataFrame)
    assert list(table["quantity"]) == list(QUANTITIES)
    assert table.set_index("quantity").loc["<quantity>_sd", "other_formulas"] == "population_sd"


@given(st.integers(0, 10**9), st.integers(-6, 3))
def test_numbers_in_words_are_right_to_four_digits(digits, exponent):
    value = Decimal(digits).scaleb(exponent)
    text = number(value)
    assert float(text) == pytest.approx(float(value), rel=6e-4)
    assert value != value.to_integral_value() or Decimal(text) == value
