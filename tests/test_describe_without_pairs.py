"""Rates and scores of single patients need no pairs; only ratios do."""

import json

import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, describe

NO_PAIR = (
    "patient,treatment,relapses,exposure_months,edss_start,edss_end\n1,old,2,12.5,4,5\n2,new,1,8.5,3,3\n"
)
ONE_DRUG = (
    "patient,treatment,relapses,exposure_months,edss_start,edss_end\n1,old,2,12.5,4,5\n2,old,1,8.5,3,3\n"
)
NAMED = ["--comparator", "new", "--reference", "old"]


@pytest.fixture
def save(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("text", [NO_PAIR, ONE_DRUG], ids=["no pair", "one drug"])
@pytest.mark.parametrize("options", [[], ["--comparator", "old"], ["--reference", "old"]], ids=str)
def test_describe_needs_no_pair(run, save, text, options):
    code, out, err = run("describe", save(text), *options)
    assert (code, err) == (0, "")
    assert "2 " in out
    content = json.loads(run("describe", save(text), "--json", *options)[1])
    assert [row["relapses"] for row in content["arr"] if row["patient"]] == [2, 1]
    assert content["paired_edss"] is None


def test_describe_of_two_named_drugs_that_nobody_had_both_of(run, save):
    code, out, _ = run("describe", save(NO_PAIR), *NAMED)
    assert code == 0
    assert "Pooled" in out
    assert json.loads(run("describe", save(NO_PAIR), "--json", *NAMED)[1])["paired_edss"] is None


def test_check_says_why_nothing_is_compared(run, save):
    code, out, _ = run("check", save(NO_PAIR), *NAMED)
    assert code == 0
    assert "no patient with both" in " ".join(out.split()).lower()
    content = json.loads(run("check", save(NO_PAIR), "--json", *NAMED)[1])
    assert (content["valid"], content["comparison"]["comparator"]) == (True, None)
    assert run("check", save(ONE_DRUG))[0] == 0


@pytest.mark.parametrize("command", ["rates", "report", "sensitivity"])
def test_a_ratio_needs_a_pair(run, save, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(command, save(NO_PAIR), *NAMED)
    assert code == 2
    assert "no patient with both" in err


@pytest.mark.parametrize(
    "options",
    [["--comparator", "neu"], ["--reference", "alt"], ["--comparator", "old", "--reference", "old"]],
)
def test_a_drug_that_is_not_there_is_still_an_error(run, save, options):
    assert run("describe", save(NO_PAIR), *options)[0] == 2


@pytest.mark.parametrize("text", [NO_PAIR, ONE_DRUG], ids=["no pair", "one drug"])
def test_python_describes_without_pairs(text, save):
    cohort = Cohort.from_frame(pd.read_csv(save(text)))
    assert describe.arr(cohort).pooled["patients"].sum() == 2
    assert describe.edss(cohort).available
    with pytest.raises(CohortError):
        cohort.compare("new", reference="old")
