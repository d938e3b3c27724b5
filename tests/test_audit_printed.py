"""The verdicts of an audit wherever they are printed: terminal, JSON, report and tables."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from nmo_stats import audit
from nmo_stats.sections.blocks import Bullets, Table
from nmo_stats.sections.published import printed_numbers

NUMBERS = """quantity,patient,treatment,value,decimals,place
arr,1,rituximab,2.3,1,table
arr,2,tocilizumab,0.1,1,table
rate_ratio_low,,tocilizumab,0.0440,4,text
rate_ratio_p_value,,tocilizumab,p < 0.05,2,text
wilcoxon_p_value,,tocilizumab,0.1,1,text
titre,3,,40,0,text
"""
VERDICTS = [
    "agrees",
    "disagrees",
    "agrees_by_another_formula",
    "agrees",
    "agrees_by_another_formula",
    "not_recomputable",
]


@pytest.fixture
def files(tmp_path, example_cohort):
    periods, published = tmp_path / "periods.csv", tmp_path / "published.csv"
    example_cohort.to_frame().drop(columns="reported_arr").to_csv(periods, index=False)
    published.write_text(NUMBERS, encoding="utf-8")
    return periods, published


def test_the_command_names_the_formula_and_counts_the_verdict_apart(run, files):
    code, out, err = run("audit", files[0], "--published", files[1])
    text = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "2 agree by another formula, 1 disagrees" in text
    order = ["Patient 2", "Tocilizumab, rate ratio low", "log-Wald", "(coarse)", "2 numbers that agree"]
    assert sorted(order, key=text.index) == order


def test_the_json_has_verdict_formula_and_how_many_were_tried(run, files):
    content = json.loads(run("audit", files[0], "--published", files[1], "--json")[1])
    assert [row["verdict"] for row in content["rows"]] == VERDICTS
    assert content["counts"]["agrees_by_another_formula"] == 2
    limit, p_value, rank = content["rows"][2:5]
    assert (limit["formula"], limit["usual_formula"], limit["formulas_tried"], limit["is_coarse"]) == (
        "log_wald", "exact_limit", 5, False,
    )  # fmt: skip
    assert (p_value["relation"], p_value["published"], p_value["formula"]) == ("<", 0.05, None)
    assert (rank["formula"], rank["also_agreeing"], rank["is_coarse"]) == (
        "normal_approximation",
        ["one_sided"],
        True,
    )
    assert {row["formula"] for row in content["rows"]} <= {None, *audit.FORMULA_NAMES}


def test_the_quantities_list_the_other_formulas(run):
    rows = {
        row["quantity"]: row for row in json.loads(run("audit", "--quantities", "--json")[1])["quantities"]
    }
    assert "log_wald" in rows["rate_ratio_low"]["other_formulas"]
    assert rows["<quantity>_sd"]["other_formulas"] == ["population_sd"]
    assert rows["relapses"]["other_formulas"] == []
    assert "minimum_likelihood" in run("audit", "--quantities")[1]


def test_a_table_with_odd_numbers_is_refused_row_by_row(run, files):
    files[1].write_text(
        NUMBERS.replace("2.3,1", "2.3%,1").replace("0.1,1,table", "0-1,1,table"), encoding="utf-8"
    )
    code, out, err = run("audit", files[0], "--published", files[1])
    assert (code, out) == (2, "")
    text = " ".join(err.split())
    assert "row 2, patient '1', column 'value'" in text
    assert "row 3, patient '2', column 'value'" in text
    assert "leave the row out" not in text


def section(findings):
    """The section of the report, which reads nothing of an analysis but its audit."""
    return printed_numbers(SimpleNamespace(audit=findings))


def test_the_report_has_sentences_and_a_table_of_other_formulas(example_cohort, files):
    findings = audit.audited(example_cohort.with_published(pd.read_csv(files[1], dtype=str)))
    blocks = section(findings).blocks
    sentences = [text for block in blocks if isinstance(block, Bullets) for text in block.items]
    assert sum(audit.FORMULA_NAMES["log_wald"] in text for text in sentences) == 1
    tables = [block for block in blocks if isinstance(block, Table)]
    (table,) = (table for table in tables if "Formula that agrees" in table.columns)
    assert [row[1] for row in table.rows] == ["0.0440", "0.1"]
    assert [row[5] for row in table.rows] == ["–", "coarse"]
    frame = findings.to_frame()
    assert frame["formula"].dropna().tolist() == ["log_wald", "normal_approximation"]


def test_many_agreements_by_another_formula_are_all_in_the_table(example_cohort):
    rows = [("edss_start_sd", None, "rituximab", "1.08", 2, f"table {number}") for number in range(20)]
    columns = ["quantity", "patient", "treatment", "value", "decimals", "place"]
    findings = audit.audited(example_cohort.with_published(pd.DataFrame(rows, columns=columns)))
    blocks = section(findings).blocks
    assert max(len(block.items) for block in blocks if isinstance(block, Bullets)) == 12
    assert max(len(block.rows) for block in blocks if isinstance(block, Table)) == 20
