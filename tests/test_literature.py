"""Published numbers: each in the data file with its source, printed for its own disease only."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import nmo_stats
from nmo_stats.cohort import Comparison, load_example
from nmo_stats.sections import sensitivity as doubts
from nmo_stats.sensitivity import profile, profile_of
from nmo_stats.sensitivity.empirical_bayes import CVS, regression_rows, regression_to_mean
from nmo_stats.sensitivity.literature import placebo_sentences
from nmo_stats.sensitivity.no_effect import populations
from nmo_stats.simulate import GammaRates

OF_THE_DISEASE = ("NEMOS", "PREVENT", "SAkura", "neuromyelitis", "NMO", "eculizumab")


def other(relapses=((3, 1), (2, 0), (1, 1)), names=("factor", "gene therapy")):
    years = [[1.0, 1.0]] * len(relapses)
    return Comparison.from_arrays(relapses, years, reference=names[0], comparator=names[1])


def test_every_rate_says_of_whom_when_and_where():
    rates = profile("nmosd").rates
    assert set(rates) == {"nemos_treated", "sakurastar_entry", "prevent_entry", "prevent_placebo"}
    for rate in rates.values():
        assert rate.value > 0
        assert rate.patients > 0
        for text in (rate.unit, rate.population, rate.when, rate.counted, rate.document, rate.place):
            assert text
        assert re.fullmatch(r"10\.\d{4,}/\S+", rate.doi)


def test_the_entry_rate_of_prevent_is_of_all_randomized_patients_not_of_its_placebo_arm():
    rates = profile("nmosd").rates
    entry, placebo = rates["prevent_entry"], rates["prevent_placebo"]
    assert (entry.value, entry.patients) == (1.99, 143)
    assert (placebo.value, placebo.low, placebo.high, placebo.patients) == (0.350, 0.199, 0.616, 47)
    assert "all randomized" in entry.population
    (text,) = placebo_sentences(load_example().compare("tocilizumab", reference="rituximab"))
    assert f"all randomized patients, on eculizumab or placebo later ({entry.patients};" in text
    assert f"{placebo.value:g} {placebo.unit}" in text
    assert "0.18" not in text  # the two numbers are not of the same patients
    assert "not a before/after ratio" in text


def test_every_number_of_the_sentence_is_in_the_file():
    series = profile("nmosd").placebo_series[0]
    (text,) = placebo_sentences(load_example().compare("tocilizumab", reference="rituximab"))
    known = " ".join(
        str(getattr(rate, name)) for rate in (series.before, series.during) for name in rate.__slots__
    )
    known += " 95"
    assert set(re.findall(r"\d+(?:\.\d+)?", text)) <= set(re.findall(r"\d+(?:\.\d+)?", known))


def test_no_published_number_stands_in_the_code():
    code = "\n".join(path.read_text("utf-8") for path in Path(nmo_stats.__file__).parent.rglob("*.py"))
    for word in ("1.99", "0.199", "0.616", "PREVENT", "NEMOS", "SAkuraStar"):
        assert word not in code


def test_an_assumed_population_rounds_the_rate_it_names():
    found = profile("nmosd")
    for population in found.populations:
        if population.rate:
            assert population.mean == pytest.approx(found.rates[population.rate].value, abs=0.05)
    assert [one.mean for one in found.populations] == [one.mean for one in profile("other").populations]


@pytest.mark.parametrize(
    "pair",
    [
        other(),
        other(names=("before", "after")),
        other(names=("rituximab", "placebo")),  # one of the two drugs is not enough
        other([[300, 100]] * 3, ("rituximab", "tocilizumab")),  # no such rates in this disease
        load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before"),
    ],
)
def test_nothing_of_one_disease_stands_in_the_doubts_of_another(pair):
    assert profile_of(pair).disease == ""
    assert placebo_sentences(pair) == []
    text = json.dumps([row.to_dict() for row in regression_rows(pair)])
    assert not any(word in text for word in OF_THE_DISEASE)
    assert "optimistic" not in text


@pytest.mark.parametrize("names", [("rituximab", "tocilizumab"), ("Tocilizumab ", "RITUXIMAB")])
def test_the_two_drugs_of_the_bundled_series_are_known_in_any_order_and_case(names):
    pair = other(names=names)
    assert profile_of(pair).disease == "neuromyelitis optica spectrum disorder"
    assert len(placebo_sentences(pair)) == 1
    assert "NEMOS" in regression_rows(pair)[0].label


def test_other_diseases_keep_the_grid_under_neutral_names():
    rows = regression_rows(other())
    assert len(rows) == 12
    assert rows[0].label == "population mean 0.6 per year, CV 0.5"
    expected = regression_to_mean(other(), GammaRates(0.6, 0.5)).rate_ratio()
    assert rows[0].estimate == expected.estimate
    assert len(populations(other())) == 13


def test_a_higher_mean_never_gives_a_higher_ratio():
    # E = t1 (a + y0) / (a / m + t0) rises with m whatever the data: what the words "optimistic bound" rest on
    for relapses in ([[0, 1], [9, 0]], [[5, 5]], [[0, 4], [0, 1], [30, 2]]):
        pair = other(relapses)
        for cv in CVS:
            found = [
                regression_to_mean(pair, GammaRates(m, cv)).rate_ratio() for m in (0.3, 0.6, 1.5, 2.0, 8.0)
            ]
            for name in ("low", "high"):
                ends = [getattr(one.interval, name) for one in found]
                assert ends == sorted(ends, reverse=True)
            estimates = [one.estimate for one in found]
            assert estimates == sorted(estimates, reverse=True)


def test_a_report_without_simulation_says_so_without_a_word_on_another_disease():
    row = SimpleNamespace(reason="such series cannot be simulated", family="benchmark")
    sensitivity = SimpleNamespace(designs=(), of=lambda _family: (row,))
    section = doubts.no_effect(SimpleNamespace(sensitivity=sensitivity, pair=other()))
    text = " ".join([section.lead, *(block.text for block in section.blocks)])
    assert not any(word in text for word in OF_THE_DISEASE)
    assert "relapse less" not in text  # which series do so, and which do not, was not computed


def test_the_benchmark_takes_the_populations_of_the_profile():
    pair = load_example().compare("tocilizumab", reference="rituximab")
    means = {population.mean for population in populations(pair)}
    assert {one.mean for one in profile("nmosd").populations} <= means
