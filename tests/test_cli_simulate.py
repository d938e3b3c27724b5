"""``nmo-stats simulate``: the planning question from the command line."""

import json

import pytest

from nmo_stats.bundled import data_folder

PERIODS = data_folder() / "ayzenberg2013" / "periods.csv"


def test_json_has_the_shape_of_the_contract(run):
    code, out, err = run(
        "simulate", "--like", PERIODS, "--rr", 0.5, "--replicates", 60, "--seed", 4, "--power", 0, "--json"
    )
    content = json.loads(out)
    assert (code, err, content["schema"]) == (0, "", 1)
    assert content["design"]["rate_ratio"] == 0.5
    assert content["design"]["seed"] == 4
    assert content["design"]["patients"] == 3
    names = {
        "method",
        "coverage",
        "coverage_se",
        "bias",
        "log_width",
        "rejects_1",
        "not_identified",
        "replicates",
    }
    assert all(names <= row.keys() for row in content["estimators"])
    rows = {row["method"]: row for row in content["estimators"]}
    assert {"pooled_exact", "hierarchical_quadrature", "wilcoxon", "paired_t", "gee_sandwich"} <= rows.keys()
    assert rows["gee"]["not_identified"] == 1
    assert rows["gee"]["coverage"] is None
    assert rows["wilcoxon"]["coverage"] is None
    assert "planning" not in content


def test_the_same_seed_prints_the_same_and_workers_do_not_matter(run):
    options = (
        "simulate",
        "--rr",
        0.5,
        "--replicates",
        1100,
        "--estimator",
        "conditional_exact",
        "--power",
        0,
        "--json",
    )
    first = run(*options)[1]
    assert run(*options, "--workers", 2)[1] == first
    assert run(*options, "--seed", 1)[1] != first


def test_a_plan_says_how_many_patients(run):
    options = (
        "simulate",
        PERIODS,
        "--rr",
        0.2,
        "--replicates",
        100,
        "--estimator",
        "hierarchical_quadrature",
    )
    code, out, err = run(*options)
    text = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "3 patients, 2.45 relapses a year on the reference, true ratio 0.200" in text
    assert "limits of the hierarchical interval" in text
    assert "for 80 % of the intervals to exclude 1 on the side of the true ratio" in text
    assert "with no effect" in text
    content = json.loads(run(*options, "--json")[1])
    needed = content["planning"]["patients_needed"]
    assert 2 < needed["hierarchical_quadrature"] < 15
    sizes = {row["patients"] for row in content["planning"]["sizes"]}
    assert needed["hierarchical_quadrature"] in sizes


def test_a_rule_that_misleads_gets_no_number_of_patients(run):
    options = (
        "--rule",
        "look_back",
        "--arr",
        0.6,
        "--rr",
        0.8,
        "--patients",
        10,
        "--replicates",
        100,
        "--estimator",
        "conditional_exact",
    )
    code, out, _ = run("simulate", *options)
    text = " ".join(out.split())
    assert code == 0
    assert "no number of patients: with no effect" in text
    content = json.loads(run("simulate", *options, "--json")[1])["planning"]
    assert content["patients_needed"] == {"conditional_exact": None}
    assert content["no_effect_rejects_1"]["conditional_exact"] > 0.5


def test_the_level_stands_in_the_words(run):
    out = run("simulate", "--level", 0.9, "--replicates", 20, "--estimator", "wilcoxon", "--power", 0)[1]
    assert "p ≤ 0.1" in out


def test_without_an_effect_there_is_nothing_to_plan(run):
    code, out, _ = run("simulate", "--rr", 1, "--replicates", 60, "--estimator", "conditional_exact")
    assert code == 0
    assert "patients, followed as long" not in out


def test_options_make_the_design(run):
    options = (
        "--patients",
        5,
        "--arr",
        1.2,
        "--sd-rate",
        0.1,
        "--sd-rate-ratio",
        0,
        "--overdispersion",
        0.4,
        "--rule",
        "triggered",
    )
    out = run(
        "simulate", *options, "--replicates", 20, "--estimator", "pooled_exact", "--power", 0, "--json"
    )[1]
    design = json.loads(out)["design"]
    assert (design["patients"], design["reference_arr"], design["rule"]) == (5, 1.2, "triggered")
    assert (design["sd_rate"], design["sd_rate_ratio"], design["overdispersion"]) == (0.1, 0, 0.4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rr", 0), "ratio 0"),
        (("--rule", "at random"), "rule 'at random'"),
        (("--estimator", "lucky"), "lucky"),
        (("--replicates", 3), "replicates 3"),
        (("--power", 1), "--power 1"),
        (("--workers", 0), "workers 0"),
        (("--workers", 2, "--scheduler", "tcp://127.0.0.1:1"), "not both"),
        (("--like", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_options_outside_their_range_are_one_readable_error(run, options, words):
    code, out, err = run("simulate", "--replicates", 20, "--estimator", "pooled_exact", *options)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_one_table_only(run):
    code, _, err = run("simulate", PERIODS, "--like", PERIODS)
    assert code == 2
    assert "one period table" in err


def test_a_series_without_reference_relapses_needs_a_rate(run, tmp_path):
    table = tmp_path / "none.csv"
    table.write_text(
        "patient,treatment,relapses,exposure_months\nA,rituximab,0,12\nA,tocilizumab,1,12\n", encoding="utf-8"
    )
    code, _, err = run("simulate", "--like", table)
    assert code == 2
    assert "no relapse on rituximab" in err
    code, out, _ = run(
        "simulate",
        "--like",
        table,
        "--arr",
        0.8,
        "--replicates",
        20,
        "--estimator",
        "pooled_exact",
        "--power",
        0,
    )
    assert code == 0
    assert "0.800 relapses a year" in out
