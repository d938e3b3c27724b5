"""The config file: one file for all commands, validated as the library's own values, in our own words."""

import json

import pytest

from nmo_stats.cli.choices import chosen, read_config
from nmo_stats.cli.options import OPTIONS, default_of
from nmo_stats.errors import ArgumentError
from nmo_stats.events import Rules
from nmo_stats.hierarchical import HalfNormal, Normal, Nuts, Priors
from nmo_stats.sensitivity import Background

COMMANDS = ("report", "rates", "sensitivity", "simulate", "describe", "audit", "check")
NAMED = {option.word: option for option in OPTIONS}
TREATMENTS = """id,treatment,start,end,last_visit
1,old,2010-01-01,2012-01-01,2014-01-01
1,new,2012-01-01,,2014-01-01
"""
RELAPSES = "id,onset\n1,2010-01-20\n1,2010-09-01\n1,2011-03-01\n1,2013-03-01\n"
STUDY = """
treatments = "data/treatments.csv"
relapses = "data/relapses.csv"
comparator = "new"
reference = "old"
engine = "quadrature"
seed = 3
level = 0.9
replicates = 200
published = "data/published.csv"
out = "result"
facts = "data/facts.csv"
edss_rule = "msoutcomes"
[columns]
id = "patient"
[events]
run_in_days = 31
[priors]
log_rate_ratio = { mean = 0, sd = 1 }
[nuts]
draws = 200
retry = false
[simulate]
rr = 0.3
replicates = 20
estimators = ["pooled_exact"]
power = 0
"""


@pytest.fixture
def study(tmp_path):
    """Return the config of a study whose data lie beside it."""
    (tmp_path / "data").mkdir()
    published = "quantity,patient,treatment,value,decimals,place\narr,1,new,0.5,1,text\n"
    tables = {
        "treatments": TREATMENTS,
        "relapses": RELAPSES,
        "published": published,
        "facts": "patient,age_years\n1,40\n",
    }
    for name, text in tables.items():
        (tmp_path / "data" / f"{name}.csv").write_text(text, encoding="utf-8")
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def read(tmp_path, content):
    path = tmp_path / "study.toml"
    path.write_text(content, encoding="utf-8")
    return read_config(path)


def test_every_table_is_read_as_the_value_of_the_library(study):
    found = read_config(study)
    assert found.events == Rules(run_in_days=31)
    assert found.nuts == Nuts(draws=200, retry=False)
    assert found.priors == Priors(log_rate_ratio=Normal(0, 1))
    assert (found.level, found.seed, found.edss_rule) == (0.9, 3, "msoutcomes")
    assert (found.simulate.rr, found.simulate.estimators) == (0.3, ("pooled_exact",))
    assert found.settings.level == 0.9


def test_paths_are_relative_to_the_folder_of_the_file(study, tmp_path):
    found = read_config(study)
    assert found.treatments == study.parent / "data" / "treatments.csv"
    assert found.out == study.parent / "result"
    assert found.facts == study.parent / "data" / "facts.csv"
    absolute = read(tmp_path, f'periods = "{tmp_path}/periods.csv"')
    assert absolute.periods == tmp_path / "periods.csv"
    assert str(absolute.out) == "report"  # a default is not in the file


def test_one_file_serves_every_command(run, study, monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    results = {}
    for command in COMMANDS:
        code, out, err = run(command, "--config", study, "--json")
        assert (code, err) == (0, ""), command
        results[command] = json.loads(out)
    assert results["check"]["attrition"]["days_run_in"] == 62
    assert results["rates"]["relapses"] == results["report"]["relapses"] == [2, 1]
    assert (results["simulate"]["level"], results["simulate"]["design"]["rate_ratio"]) == (0.9, 0.3)
    assert results["describe"]["edss_rule"] == "msoutcomes"
    assert results["sensitivity"]["level"] == results["report"]["level"] == 0.9
    assert [row["verdict"] for row in results["audit"]["rows"]] == ["agrees"]
    assert (study.parent / "result" / "index.html").is_file()


def test_the_command_line_overrides_the_file(run, study):
    options = ("--run-in-days", 0, "--level", 0.8, "--comparator", "old", "--reference", "new")
    content = json.loads(run("rates", "--config", study, "--json", *options)[1])
    assert (content["comparator"], content["relapses"]) == ("old", [1, 3])
    assert content["estimates"][0]["level"] == 0.8


def test_data_of_the_command_line_take_the_place_of_those_in_the_file(run, study, tmp_path):
    periods = tmp_path / "periods.csv"
    periods.write_text("id,treatment,relapses,exposure_years\n1,old,7,2\n1,new,0,2\n", encoding="utf-8")
    code, out, _ = run("check", periods, "--config", study, "--json")
    assert code == 0
    assert json.loads(out)["comparison"]["relapses"] == [7, 0]


def test_a_column_of_the_command_line_takes_the_place_of_one_with_the_same_meaning(tmp_path):
    config = tmp_path / "study.toml"
    config.write_text('[columns]\nid = "patient"\ndrug = "treatment"\n', encoding="utf-8")
    found = chosen(config, [(NAMED["column"], ["record=patient"])])
    assert found.columns == {"drug": "treatment", "record": "patient"}


def test_parts_of_a_table_can_be_overridden(tmp_path):
    config = tmp_path / "study.toml"
    config.write_text("[background]\nratio = 0.5\n[priors]\nsd_rate = { sd = 2 }\n", encoding="utf-8")
    given = [(NAMED["background_sd"], 0.1), (NAMED["prior"], ["sd_rate_ratio=1"])]
    found = chosen(config, given)
    assert found.background == Background(0.5, 0.1)
    assert found.priors == Priors(sd_rate=HalfNormal(2), sd_rate_ratio=HalfNormal(1))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("levle = 0.9", ("'levle'", "'level'")),
        ("nonsense = 1", ("'nonsense'", "comparator", "simulate")),
        ("min_gap_days = 3", ("'min_gap_days'", "events.min_gap_days")),
        ("estimator = ['gee']", ("'estimator'", "simulate.estimators")),
        ("rule = 'msprog'", ("'rule'", "edss_rule", "simulate.rule")),
        ("patients = 'facts.csv'", ("'patients'", "facts or simulate.patients")),
        ("level = true", ("level: true", "a number")),
        ("level = 2.0", ("level 2", "between 0 and 1")),
        ("seed = 1.5", ("seed: 1.5", "a whole number")),
        ("[nuts]\ncores = true", ("[nuts] cores: true", "a whole number")),
        ("[nuts]\nretry = 1", ("[nuts] retry: 1", "true or false")),
        ("[nuts]\nprogress = 1", ("[nuts]", "'progress'", "retry")),
        ("[nuts]\nsampler = 'stan'", ("[nuts] sampler: 'stan'", "'pymc' or 'nutpie'")),
        ("[nuts]\ndraws = 1", ("draws 1", "from 100 to 100,000")),
        ("[priors]\nsd_rate = 1.0", ("[priors] sd_rate: 1.0", "a table of sd")),
        ("[priors]\nsd_rate = { sd = -1 }", ("[priors.sd_rate] prior sd -1", "from 0.01 to 10")),
        ("[priors]\nlog_rate = { mean = 0 }", ("[priors.log_rate] sd: missing",)),
        ("[events]\ngap = 'none'", ("[events] gap: 'none'", "'drop' or 'previous'")),
        ("[events]\nmin_gap_days = -1", ("[events]", "min_gap_days -1", "whole number")),
        ("[columns]\nid = 1", ("[columns] id: 1", "text")),
        ("sheets = 'one'", ("sheets: 'one'", "a table of periods, treatments, relapses")),
        ("[simulate]\nestimators = 'gee'", ("[simulate] estimators: 'gee'", "a list")),
        ("edss_rule = 'none'", ("edss_rule: 'none'", "'msprog'")),
        ("[[nuts]]\ndraws = 200", ("nuts: a list", "a table of draws")),
        ("seed = 2020-01-01", ("seed: 2020-01-01, a date",)),
        ("x.a.b.c.d = 1", ("too deeply",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_what_is_expected(tmp_path, content, words):
    with pytest.raises(ArgumentError) as refused:
        read(tmp_path, content)
    message = str(refused.value)
    assert [word for word in ("study.toml", *words) if word not in message] == []
    assert "pydantic" not in message
    assert "http" not in message
    assert "Input should" not in message


def test_all_problems_are_named_at_once(tmp_path):
    with pytest.raises(ArgumentError) as refused:
        read(tmp_path, "levle = 1\nseed = 'x'\n[nuts]\ncores = true\n")
    assert [word in str(refused.value) for word in ("levle", "seed", "[nuts] cores")] == [True] * 3


def test_what_does_not_belong_together_is_refused(run, tmp_path):
    config = tmp_path / "study.toml"
    for content, word in (
        ('periods = "p.csv"\n[events]\nrun_in_days = 3', "--treatments"),
        ('periods = "p.csv"\ntreatments = "t.csv"\nrelapses = "r.csv"', "not both"),
        ('treatments = "t.csv"', "--relapses"),
        ('decimal = ","', "--decimal"),
        ('periods = "p.csv"\ndecimal = ";"', "decimal"),
    ):
        config.write_text(content, encoding="utf-8")
        code, out, err = run("describe", "--config", config)
        assert (code, out) == (2, "")
        assert word in err


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: f"{option.key} {option.name}")
def test_every_option_of_the_command_line_is_a_key_of_the_file(option):
    default = default_of(option.key)
    shown = option.parameter.default.help
    if isinstance(default, (str, int, float)):
        assert f"[default: {default}]" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_fits_and_names_the_config(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "--config" in out
    assert max(map(len, out.splitlines())) <= 80
