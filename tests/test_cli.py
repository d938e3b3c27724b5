"""The command line as a user meets it: what it prints, where, and its exit code."""

import json
from dataclasses import replace

import pytest

from nmo_stats import analysis, read_periods
from nmo_stats.cohort.rows import EXAMPLE_PATIENT
from nmo_stats.describe import edss, paired_edss
from nmo_stats.errors import ConvergenceError
from nmo_stats.sections.edss import edss_blocks

BROKEN = """\
patient,treatment,relapses,exposure_months,edss_start,ongoing
P1,rituximab,-1,12,5.0,no
P1,tocilizumab,2,"1,5",5.0,yes
P2,rituximab,1.5,8,4.0,no
,tocilizumab,0,9,4.0,yes
P3,rituximab,1,0,0.5,no
P3,tocilizumab,1,9,4.0,maybe
"""


@pytest.fixture
def no_sampling(monkeypatch, example_fit):
    """Let every command that samples take the shared fit of the example."""
    fitted = []

    def known_fit(pair, settings, engine, seed):
        fitted.append((pair, settings, engine, seed))
        return example_fit, None

    # the importing module first: imported after the patch it would keep the patched name for good
    monkeypatch.setattr("nmo_stats.cli.commands.hierarchical_fits", known_fit)
    monkeypatch.setattr("nmo_stats.analysis.hierarchical_fits", known_fit)
    monkeypatch.setattr("nmo_stats.rates.hierarchical_fits", known_fit)
    return fitted


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_all_six_faults_stand_in_one_message(run, tmp_path):
    code, out, err = run("check", write(tmp_path / "broken.csv", BROKEN))
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    lines = err.splitlines()
    assert "broken.csv: 7 problems" in lines[0]
    for place in (
        "row 2, patient 'P1', column 'relapses': '-1'. Expected: relapses is a whole number >= 0. ",
        "row 3, patient 'P1', column 'exposure_months': '1,5'",
        "row 4, patient 'P2', column 'relapses': '1.5'",
        "row 5, column 'patient': empty. Expected: text, not empty.",
        "row 6, patient 'P3', column 'exposure_months': '0'",
        "row 6, patient 'P3', column 'edss_start': '0.5'. Expected: EDSS is 0 or 1.0, 1.5",
        "row 7, patient 'P3', column 'ongoing': 'maybe'. Expected: yes, no, or empty for unknown",
    ):
        assert any(place in line for line in lines), place
    assert all(". Expected: " in line and line.endswith(".") for line in lines[1:])


@pytest.mark.parametrize("command", ["report", "rates", "describe", "check"])
def test_every_command_refuses_a_broken_table_alike(run, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(command, write(tmp_path / "broken.csv", BROKEN))
    assert (code, out) == (2, "")
    assert "7 problems" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.csv"]


def test_check_json_lists_the_problems(run, tmp_path):
    code, out, _ = run("check", write(tmp_path / "broken.csv", BROKEN), "--json")
    content = json.loads(out)
    assert code == 2
    assert content["valid"] is False
    assert content["problems"][0]["row"] == 2


def test_check_says_what_would_be_analysed(run, tmp_path):
    path = write(tmp_path / "periods.csv", run("template")[1].replace(EXAMPLE_PATIENT, "P1"))
    code, out, err = run("check", path)
    assert (code, err) == (0, "")
    assert "valid; 1 patient, 2 periods, times in months" in out


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_template_is_never_overwritten(run, tmp_path, suffix):
    path = tmp_path / f"periods.{suffix}"
    assert run("template", path)[0] == 0
    code, _, err = run("template", path)
    assert code == 2
    assert "exists" in err


def test_the_template_prints_without_a_file(run):
    code, out, _ = run("template")
    assert code == 0
    assert out.startswith("patient,treatment,period,relapses,exposure_months")


def test_describe_json_has_the_pooled_rate_with_patient_null(run):
    content = json.loads(run("describe", "--json")[1])
    pooled = [row for row in content["arr"] if row["patient"] is None]
    assert [row["relapses"] for row in pooled] == [9, 2]
    assert pooled[1]["arr"] == pytest.approx(0.5)
    assert content["edss"][0]["category"] == "worsened"


def test_describe_json_adds_relapse_times_and_paired_edss(run):
    content = json.loads(run("describe", "--json")[1])
    assert set(content) >= {"schema", "arr", "edss", "first_relapse", "accumulation", "paired_edss"}
    rituximab, tocilizumab = content["first_relapse"]["treatments"]
    assert rituximab["median_years"] == pytest.approx(40 / 365.25)
    assert (tocilizumab["median_low"], tocilizumab["median_high"]) == (0, "inf")
    assert content["paired_edss"]["tests"][1]["smallest_p_value"] == 0.5
    assert content["paired_edss"]["cautions"][0]["code"] == "shared_visit"


@pytest.mark.usefixtures("wide")
def test_describe_says_when_the_relapses_came_and_what_three_patients_cannot_show(run):
    code, out, err = run("describe")
    text = " ".join(out.split())
    assert (code, err) == (0, "")
    for part in (
        "The median time to the first relapse is 1.3 months on rituximab",
        "a 95 % interval cannot be reached with 3 patients, at most 75 %",
        "0.05 cannot be reached",
    ):
        assert part in text, part
    assert text.count("share a visit") == 1


THREE_DRUGS = """patient,treatment,relapses,exposure_years,edss_start,edss_end
A,one,3,1,3,4
A,two,1,1,4,4
B,two,2,1,2,2
B,three,0,1,2,2
"""


def test_describe_compares_only_what_is_asked_for_or_clear(run, tmp_path):
    path = write(tmp_path / "three.csv", THREE_DRUGS)
    assert json.loads(run("describe", path, "--json")[1])["paired_edss"] is None
    options = ("--comparator", "two", "--reference", "one", "--json")
    assert json.loads(run("describe", path, *options)[1])["paired_edss"]["patients"] == 1
    code, _, err = run("describe", path, "--comparator", "four", "--reference", "one")
    assert code == 2
    assert "'four'" in err
    code, out, _ = run("describe", path)
    assert code == 0
    assert "The time to the first relapse on one is not estimable" in out
    assert "On three 0 of 1 patient relapsed" in " ".join(out.split())


QUARTERS = """patient,treatment,relapses,exposure_months,edss_start,edss_end
1,rituximab,2,12,3.5,3.5
1,tocilizumab,0,12,4.0,4.0
2,rituximab,2,12,4.0,4.0
2,tocilizumab,1,24,4.5,4.5
"""


@pytest.mark.usefixtures("wide")
def test_describe_and_report_print_the_same_medians_of_the_edss(run, tmp_path):
    """Medians 3.75 and 4.25: one decimal, rounded half to even, made them 3.8 and 4.2."""
    path = write(tmp_path / "quarters.csv", QUARTERS)
    description = json.loads(run("describe", path, "--json")[1])["edss_by_treatment"]
    medians = {row["treatment"]: (row["start_median"], row["end_median"]) for row in description}
    assert medians == {"rituximab": (3.75, 3.75), "tocilizumab": (4.25, 4.25)}
    cohort = read_periods(path)
    table, *_ = edss_blocks(
        edss(cohort), paired_edss(cohort, cohort.compare("tocilizumab", reference="rituximab"))
    )
    shown = {row[0]: tuple(float(cell.split()[0]) for cell in row[1:3]) for row in table.rows}
    assert shown == medians
    printed = run("describe", path)[1]
    assert all(cell in printed for row in table.rows for cell in row)


@pytest.mark.usefixtures("no_sampling")
def test_rates_json_has_the_shape_of_the_design(run):
    code, out, err = run("rates", "--json")
    content = json.loads(out)
    assert (code, err) == (0, "")
    assert content["schema"] == 1
    assert (content["patients"], content["informative_patients"]) == (3, 3)
    assert content["relapses"] == [9, 2]
    assert content["years"] == pytest.approx([44 / 12, 48 / 12])
    by_method = {row["method"]: row for row in content["estimates"]}
    assert set(by_method) == {
        "pooled_exact", "poisson", "negative_binomial", "conditional_exact", "conditional_midp",
        "conditional_poisson", "hierarchical_nuts",
    }  # fmt: skip
    assert set(by_method["pooled_exact"]) == {
        "method", "estimand", "estimate", "low", "high", "level", "kind", "p_value", "probability_below_1",
        "rate_difference", "cautions",
    }  # fmt: skip
    assert by_method["pooled_exact"]["probability_below_1"] is None
    assert by_method["hierarchical_nuts"]["p_value"] is None
    assert by_method["pooled_exact"]["cautions"][0]["code"] == "unequal_follow_up"
    assert [row["method"] for row in content["not_identified"]] == ["gee"]


@pytest.mark.usefixtures("no_sampling", "wide")
def test_rates_prints_every_method_with_its_cautions(run):
    code, out, _ = run("rates")
    assert code == 0
    for text in (
        "Exact mid-p",
        "0.0194 to 0.999997",
        "Caution 1:",
        "Poisson GEE, small-sample corrected: 3 patients",
        "not a treatment effect",
    ):
        assert text in " ".join(out.split())


def test_a_failed_diagnostic_withholds_the_number_and_exits_with_3(run, monkeypatch, example_fit, tmp_path):
    failed = replace(example_fit, convergence=replace(example_fit.convergence, divergences=1))
    monkeypatch.setattr("nmo_stats.cli.commands.hierarchical_fits", lambda *_: (failed, None))
    monkeypatch.setattr("nmo_stats.analysis.hierarchical_fits", lambda *_: (failed, None))
    monkeypatch.setattr("nmo_stats.rates.hierarchical_fits", lambda *_: (failed, None))
    code, out, _ = run("rates", "--json")
    content = json.loads(out)
    assert code == 3
    assert "hierarchical_nuts" not in {row["method"] for row in content["estimates"]}
    assert "divergences" in content["not_identified"][-1]["reason"]
    assert run("report", "--out", tmp_path / "report")[0] == 3
    assert (tmp_path / "report" / "index.html").is_file()


def test_report_writes_the_folder_and_says_where(run, no_sampling, tmp_path):
    code, out, err = run("report", "--out", tmp_path / "report", "--seed", 7)
    assert (code, err) == (0, "")
    assert "In 3 patients with 11 relapses" in out
    assert str(tmp_path / "report" / "index.html") in out.replace("\n", "")
    assert no_sampling[0][3] == 7


def test_report_refuses_a_folder_before_it_computes(run, no_sampling, tmp_path):
    write(tmp_path / "notes.txt", "mine")
    code, _, err = run("report", "--out", tmp_path)
    assert code == 2
    assert "notes.txt" in err
    assert no_sampling == []


TWO_DRUGS = "patient,treatment,relapses,exposure_years\nA,old,3,1.5\nA,new,0,2\n"


def test_without_the_default_drugs_the_names_are_asked_for(run, tmp_path):
    code, out, err = run("rates", write(tmp_path / "two.csv", TWO_DRUGS))
    assert (code, out) == (2, "")
    assert "'old', 'new'" in err
    assert "--comparator" in err


def test_with_two_drugs_the_other_one_is_the_reference(run, tmp_path, no_sampling):
    run("rates", write(tmp_path / "two.csv", TWO_DRUGS), "--comparator", "new")
    assert (no_sampling[0][0].comparator, no_sampling[0][0].reference) == ("new", "old")


def test_a_misspelt_drug_is_answered_with_a_suggestion(run, tmp_path):
    code, _, err = run(
        "rates", write(tmp_path / "two.csv", TWO_DRUGS), "--comparator", "New", "--reference", "old"
    )
    assert code == 2
    assert "Did you mean 'new'?" in err


def test_columns_can_be_renamed(run, tmp_path):
    table = write(tmp_path / "foreign.csv", TWO_DRUGS.replace("patient,", "record_id,"))
    assert run("check", table)[0] == 2
    assert run("check", table, "--column", "record_id=patient")[0] == 0
    assert "YOURS=OURS" in run("check", table, "--column", "record_id")[2]


def test_a_config_file_sets_priors_and_options_override_it(run, tmp_path, no_sampling):
    config = write(
        tmp_path / "analysis.toml",
        'level = 0.9\nseed = 3\nlikelihood = "negative_binomial"\n'
        "[priors]\nlog_rate_ratio = { mean = 0.0, sd = 1.0 }\n[nuts]\ndraws = 200\n",
    )
    run("rates", "--config", config, "--seed", 5)
    _, settings, engine, seed = no_sampling[0]
    assert (settings.level, settings.likelihood, seed) == (0.9, "negative_binomial", 5)
    assert (engine, settings.nuts.draws) == ("quadrature", 200)
    assert settings.priors.log_rate_ratio.sd == 1.0


@pytest.mark.parametrize(
    "arguments",
    [("rates", "--level", "1.5"), ("rates", "--engine", "magic"), ("rates", "nowhere.csv"), ("nonsense",)],
)
def test_bad_arguments_exit_with_2_and_one_block(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_cohort_without_relapses_prints_the_sentence_instead_of_a_ratio(
    run, monkeypatch, tmp_path, example_fit
):
    table = write(tmp_path / "none.csv", TWO_DRUGS.replace(",3,", ",0,"))

    def no_information(pair, *_):
        return replace(example_fit, model=replace(example_fit.model, pair=pair)), None

    monkeypatch.setattr("nmo_stats.rates.hierarchical_fits", no_information)
    code, out, _ = run("rates", table, "--comparator", "new")
    assert code == 0
    assert "no relapse in either period" in " ".join(out.split())
    assert "0.22" not in out
    content = json.loads(run("rates", table, "--comparator", "new", "--json")[1])
    assert content["estimates"][0]["cautions"][0]["code"] == "no_information"
    assert {row["reason"] for row in content["not_identified"]} == {
        "no relapse in either period: the data hold no information on the ratio"
    }


def test_the_default_seed_is_fixed():
    assert analysis.DEFAULT_SEED == 20130301


# ----------------------------------------------------------------------------------- sensitivity


def rows_of(out):
    return {(row["family"], row["assumption"], row["method"]): row for row in json.loads(out)["rows"]}


def test_sensitivity_json_has_the_shape_of_the_design(run):
    code, out, err = run("sensitivity", "--replicates", 200, "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert (content["schema"], content["comparator"], content["level"]) == (1, "tocilizumab", 0.95)
    families = {row["family"] for row in content["rows"]}
    assert families == {
        "prior", "heterogeneity", "likelihood", "rounding", "run_in", "leave_one_out", "trigger", "entry",
        "rtm", "benchmark", "bias_adjustment", "tipping",
    }  # fmt: skip
    keys = {"family", "assumption", "method", "estimate", "low", "high", "probability_below_1"}
    assert all(keys <= set(row) for row in content["rows"])
    trigger = next(
        row for row in content["rows"] if (row["family"], row["method"]) == ("trigger", "conditional_exact")
    )
    assert [trigger[name] for name in ("estimate", "low", "high")] == pytest.approx(
        [0.3495, 0.0324, 2.098], rel=2e-3
    )
    assert trigger["probability_below_1"] is None
    assert {line["replicates"] for line in content["no_effect"]} == {200}


@pytest.mark.usefixtures("wide")
def test_sensitivity_prints_what_a_reader_needs(run):
    code, out, _ = run("sensitivity", "--replicates", 200)
    assert code == 0
    for text in (
        "as analysed, runs from 0.16 to 0.60",
        "No number of this kind is a treatment effect.",
        "Prior: cautious Normal(0, 1)",
        "0.346 (0.0997 to 1.12)",
        "Mean 0.6 per year, CV 0.7 (treated NEMOS episodes)",
        "Switch 2 months after the first",
        "What would tip the answer",
        "times known for 5 of 11 relapses",
    ):
        assert text in " ".join(out.split()), text


def test_a_prior_from_the_command_line_or_a_file_changes_the_table(run, tmp_path):
    before = rows_of(run("sensitivity", "--replicates", 200, "--json")[1])
    by_option = rows_of(run("sensitivity", "--replicates", 200, "--json", "--prior", "sd_rate_ratio=1")[1])
    config = write(tmp_path / "analysis.toml", "replicates = 200\n[priors]\nsd_rate_ratio = { sd = 1.0 }\n")
    by_file = rows_of(run("sensitivity", "--config", config, "--json")[1])
    assert by_option == by_file
    key = ("prior", "default Normal(0, 2)", "hierarchical_quadrature")
    assert by_option[key]["high"] > before[key]["high"]
    wide = ("heterogeneity", "scale 1", "hierarchical_quadrature")
    assert before[wide]["high"] == pytest.approx(by_option[key]["high"])


def test_a_background_ratio_adds_a_row(run, tmp_path):
    _code, out, _ = run(
        "sensitivity", "--replicates", 200, "--json", "--background-ratio", 1, "--background-sd", 0
    )
    found = rows_of(out)
    (key,) = (key for key in found if key[0] == "bias_adjustment" and key[1].startswith("given"))
    base = found[("prior", "default Normal(0, 2)", "hierarchical_quadrature")]
    for name in ("estimate", "low", "high", "probability_below_1"):
        assert found[key][name] == pytest.approx(base[name], rel=1e-6)
    config = write(tmp_path / "analysis.toml", "replicates = 200\n[background]\nratio = 0.5\n")
    by_file = rows_of(run("sensitivity", "--config", config, "--json")[1])
    assert any(key[1] == "given: 0.500 (log sd 0.20)" for key in by_file)


def test_rates_takes_a_prior_too(run):
    content = json.loads(run("rates", "--json", "--prior", "log_rate_ratio=0,1")[1])
    by_method = {row["method"]: row for row in content["estimates"]}
    assert by_method["hierarchical_quadrature"]["estimate"] == pytest.approx(0.3456, rel=1e-3)
    assert content["recommended"] == "hierarchical_quadrature"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prior", "log_rate_ratio"), "log_rate_ratio=MEAN,SD"),
        (("--prior", "sd_rate=a"), "SPREAD=SD"),
        (("--prior", "nonsense=1"), "unknown key 'nonsense'"),
        (("--prior", "sd_rate=0"), "from 0.01 to 10"),
        (("--prior", "log_rate_ratio=1"), "log_rate_ratio=MEAN,SD"),
        (("--background-sd", "0.1"), "it comes with --background-ratio"),
        (("--background-ratio", "-1"), "from 0.0001 to 10,000"),
        (("--replicates", "3"), "from 200 to 100,000"),
    ],
    ids=str,
)
def test_wrong_options_of_sensitivity_are_named(run, arguments, message):
    code, out, err = run("sensitivity", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_wrong_background_in_a_file_is_named(run, tmp_path):
    config = write(tmp_path / "analysis.toml", "[background]\nsd = 0.1\n")
    code, _, err = run("sensitivity", "--config", config)
    assert code == 2
    assert "[background]" in err


def test_a_cohort_without_relapses_has_no_number_in_its_sensitivity(run, tmp_path):
    table = write(tmp_path / "none.csv", TWO_DRUGS.replace(",3,", ",0,"))
    code, out, _ = run("sensitivity", table, "--comparator", "new", "--json")
    assert code == 0
    assert all(row["estimate"] is None for row in json.loads(out)["rows"])
    code, out, _ = run("sensitivity", table, "--comparator", "new")
    assert code == 0
    assert "No relapse in either period: the data hold no information on the ratio." in " ".join(out.split())
    assert "As analysed" not in out  # no table of dashes
    assert "- Prior:" not in out


PRINTED = """\
quantity,patient,treatment,value,decimals,place
arr,1,rituximab,2.2,1,table
arr,2,tocilizumab,0.1,1,table
arr_pooled,,tocilizumab,0.52,2,text
titre,3,,40,0,text
"""


def test_audit_json_has_the_rows_of_the_contract(run):
    code, out, err = run("audit", "--json")
    content = json.loads(out)
    assert (code, err, content["schema"], len(content["rows"])) == (0, "", 1, 188)
    wrong = [row for row in content["rows"] if row["verdict"] == "disagrees"]
    assert [(row["quantity"], row["patient"], row["treatment"], row["published"]) for row in wrong] == [
        ("prior_arr", "1", None, 2.6),
        ("prior_arr", "2", None, 2.7),
        ("prior_arr", "3", None, 1.7),
        ("onset_months_before_tocilizumab", "3", None, 31),
    ]
    assert wrong[0]["recomputed"] == pytest.approx(13 / 9.4)
    assert all(
        (row["recomputed"] is None) == (row["verdict"] == "not_recomputable") for row in content["rows"]
    )


def test_audit_prints_disagreements_first_and_exits_with_0(run):
    code, out, _ = run("audit")
    text = " ".join(out.split())
    assert code == 0
    order = [
        "4 disagree",
        "printed 2.6 (table)",
        "printed 31 (figure legend)",
        "122 numbers that agree",
        "62 numbers that cannot",
    ]
    assert sorted(order, key=text.index) == order


def test_audit_of_a_paper_of_ones_own(run, tmp_path, example_cohort):
    periods = tmp_path / "periods.csv"
    example_cohort.to_frame().drop(columns="reported_arr").to_csv(periods, index=False)
    published = write(tmp_path / "published.csv", PRINTED)
    facts = write(tmp_path / "patients.csv", "patient,titre\n1,10\n2,20\n3,40\n")
    rows = json.loads(run("audit", periods, "--published", published, "--json")[1])["rows"]
    # 6 / 32 x 12 = 2.25, half to even; 2 / 48 x 12 = 0.5, and 2 / 46.5 x 12 = 0.516 at most
    assert [row["verdict"] for row in rows] == [
        "agrees",
        "disagrees",
        "agrees_within_rounding",
        "not_recomputable",
    ]
    code, out, _ = run("audit", periods, "--published", published, "--patients", facts)
    assert code == 0
    text = " ".join(out.split())
    assert "1 number that agrees within the rounding of the inputs" in text
    assert "Of 4 printed numbers, 2 agree with the data, 1 agrees within" in text
    code, out, err = run("audit", periods)
    assert (code, out) == (2, "")
    assert "no printed number to audit" in err
    assert "--published" in err


def test_audit_lists_a_change_that_agrees_in_size_alone_before_the_counts(run, tmp_path, example_cohort):
    periods = tmp_path / "periods.csv"
    example_cohort.to_frame().drop(columns="reported_arr").to_csv(periods, index=False)
    numbers = "quantity,patient,treatment,value,decimals,place\nedss_change,2,tocilizumab,1.0,1,text\n"
    code, out, _ = run("audit", periods, "--published", write(tmp_path / "published.csv", numbers))
    text = " ".join(out.split())
    order = [
        "whether the paper reports",
        "Patient 2",
        "they agree in size, and the data show a decrease",
    ]
    assert code == 0
    assert sorted(order, key=text.index) == order
    assert "numbers that agree" not in text


@pytest.fixture
def own_periods(tmp_path, example_cohort):
    path = tmp_path / "periods.csv"
    example_cohort.to_frame().drop(columns="reported_arr").to_csv(path, index=False)
    return path


def test_audit_refuses_a_broken_table_of_printed_numbers(run, tmp_path, own_periods):
    published = write(tmp_path / "published.csv", PRINTED.replace("arr,1", "arr,8").replace("0.52", "a half"))
    code, out, err = run("audit", own_periods, "--published", published)
    assert (code, out) == (2, "")
    # a number that cannot be read and a patient who does not exist, at once
    assert "row 4, column 'value': 'a half'" in err
    assert "row 2, patient '8', column 'patient'" in err


@pytest.mark.parametrize(
    "options", [("audit", "--published"), ("audit", "--patients"), ("report", "--published")]
)
def test_tables_about_other_patients_are_not_compared_with_the_bundled_ones(run, tmp_path, options):
    path = write(tmp_path / "published.csv", PRINTED)
    code, out, err = run(*options, path)
    assert (code, out) == (2, "")
    assert f"{options[1]} {path}: no data of these patients" in " ".join(err.split())
    assert not (tmp_path / "report").exists()


def test_the_decimal_mark_holds_for_printed_numbers_and_facts(run, tmp_path):
    periods = write(
        tmp_path / "periods.csv",
        "patient;treatment;relapses;exposure_years\n1;rituximab;4;2,1\n1;tocilizumab;1;1,5\n",
    )
    published = write(
        tmp_path / "published.csv",
        "quantity;patient;treatment;value;decimals;place\n"
        "arr;1;rituximab;1,90;2;table\ntitre;1;;2,50;2;text\nexposure_years;1;rituximab;2,1;1;text\n",
    )
    facts = write(tmp_path / "patients.csv", "patient;titre\n1;2,5\n")
    options = ("--published", published, "--patients", facts, "--decimal", ",")
    code, out, err = run("audit", periods, *options, "--json")
    assert (code, err) == (0, "")
    assert [(row["published"], row["verdict"]) for row in json.loads(out)["rows"]] == [
        (1.9, "agrees"), (2.5, "agrees"), (2.1, "agrees"),
    ]  # fmt: skip
    write(published, published.read_text(encoding="utf-8").replace("1,90", "1.90").replace("2,50", "2,5"))
    code, _, err = run("audit", periods, *options)
    assert code == 2
    assert (
        "row 2, patient '1', column 'value': '1.90'. Expected: a number of this table has a decimal comma"
        in err
    )
    assert "row 3, patient '1', column 'value': '2,5'. Expected: the value has as many decimals" in err


def test_audit_lists_its_quantities(run):
    assert "arr_pooled" in run("audit", "--quantities")[1]
    names = [row["quantity"] for row in json.loads(run("audit", "--quantities", "--json")[1])["quantities"]]
    assert "onset_months_before_<drug>" in names


@pytest.mark.usefixtures("no_sampling")
def test_report_takes_printed_numbers(run, tmp_path, own_periods):
    published = write(tmp_path / "published.csv", PRINTED)
    code, _, _ = run(
        "report", own_periods, "--published", published, "--out", tmp_path / "report", "--replicates", 200
    )
    assert code == 0
    content = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert [row["verdict"] for row in content["audit"]["rows"]][:2] == ["agrees", "disagrees"]
    assert 'id="audit"' in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def failing(*_arguments, **_options):
    raise ConvergenceError(("no grid resolves it",), "some")


def test_a_row_that_failed_is_named_with_its_method_and_the_answer_stands(run, monkeypatch):
    monkeypatch.setattr("nmo_stats.sensitivity.tipping.ratio_posteriors", failing)
    code, out, _ = run("sensitivity", "--replicates", 200)
    text = " ".join(out.split())
    assert code == 0
    assert "failed: Tipping points, relapses added on tocilizumab" in text
    assert "Bayesian hierarchical (quadrature): no grid resolves it" in text
    assert "as analysed, runs from" in text


def test_an_answer_that_failed_exits_with_3(run, monkeypatch, tmp_path, no_sampling):
    from nmo_stats.estimators import classical

    broken = tuple((name, failing if name == "poisson" else one) for name, one in classical.CLASSICAL)
    monkeypatch.setattr(classical, "CLASSICAL", broken)
    code, out, _ = run("report", "--out", tmp_path / "report")
    assert code == 3
    assert no_sampling
    assert "In 3 patients with 11 relapses" in out


def test_a_base_answer_that_failed_exits_with_3(run, monkeypatch):
    from nmo_stats.estimators import classical

    broken = tuple((name, failing if name == "poisson" else one) for name, one in classical.CLASSICAL)
    monkeypatch.setattr(classical, "CLASSICAL", broken)
    code, out, _ = run("sensitivity", "--replicates", 200)
    assert code == 3
    assert "Poisson regression: no grid resolves it" in " ".join(out.split())


def test_reasons_of_the_hierarchical_model_and_of_populations_are_printed(run, tmp_path):
    table = write(
        tmp_path / "often.csv",
        "patient,treatment,relapses,exposure_years\nA,old,60,1\nA,new,50,1\nB,old,0,1\nB,new,2,1\n",
    )
    code, out, _ = run("sensitivity", table, "--comparator", "new", "--replicates", 200)
    text = " ".join(out.split())
    assert code == 0
    assert "Without a number, and why: - Regression to the mean:" in text
    assert "1 of 2 patients had no relapse on old" in text
    assert "- Entry:" not in text  # its reason is in the table
