"""What is printed of the rate ratio: what leads, its direction and reasons, and never a false boundary."""

import json
import re

import pandas as pd
import pytest

from nmo_stats import exact, hierarchical
from nmo_stats.analysis import analyze
from nmo_stats.cohort import Cohort, Comparison, load_example
from nmo_stats.estimate import Caution, Interval, RateDifference, RateRatio
from nmo_stats.estimators.within_patient import dispersion
from nmo_stats.rates import Settings, all_rates
from nmo_stats.recommendation import differ, leverage, recommended, typical_and_totals
from nmo_stats.report import html
from nmo_stats.sections.blocks import Bullets, Fold, Prose, Table
from nmo_stats.sections.commands import rates_blocks
from nmo_stats.sections.headline import certainty, headline_cautions, sentence
from nmo_stats.sensitivity import Answer
from nmo_stats.wording import (
    beside,
    difference_limits,
    difference_text,
    estimate_text,
    fewer_or_more,
    interval_text,
    p_value_text,
    percent,
    plain,
    probability_text,
    ratio_text,
    rounded_percent,
    whole_percent,
)

OTHERS_SECTIONS = ("no-effect", "sensitivity")  # their tables have tests of their own


def rates_of(relapses, years, **names):
    pair = Comparison.from_arrays(relapses, years, **names)
    fit = hierarchical.fit(pair, seed=1)
    return pair, all_rates(fit)


def progabide():
    return load_example("thall_vail1990").where(arm="progabide").compare("after", reference="before")


@pytest.fixture(scope="module")
def progabide_rates():
    pair = progabide()
    return pair, all_rates(hierarchical.fit(pair, seed=1))


def csv(tmp_path, relapses, months=(12, 12), names=("rituximab", "tocilizumab")):
    rows = ["patient,treatment,relapses,exposure_months"]
    for patient, counts in enumerate(relapses):
        rows += [
            f"P{patient},{name},{count},{time}"
            for name, count, time in zip(names, counts, months, strict=True)
        ]
    path = tmp_path / "periods.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------- a zero cell


@pytest.mark.parametrize(
    ("relapses", "words", "limit"),
    [
        ([[3, 0], [2, 0], [1, 0]], "at most", "high"),
        ([[0, 3], [0, 2], [0, 1]], "at least", "low"),
        ([[1, 0]], "at most", "high"),
        ([[0, 1]], "at least", "low"),
    ],
)
def test_at_a_zero_cell_the_limit_that_the_data_set_leads(relapses, words, limit):
    pair, found = rates_of(relapses, [[1, 1]] * len(relapses))
    typical, _ = typical_and_totals(found)
    text = sentence(pair, found, typical)
    first = re.search(r"was (at most|at least) ([0-9.]+) times", text)
    # The exact limit: for one patient with 1 and 0 relapses R poisson.test(c(0, 1))$conf.int[2] is 39.
    expected = getattr(exact.conditional(pair).interval(), limit)
    assert first.group(1) == words
    assert float(first.group(2)) == pytest.approx(expected, rel=0.03)
    assert beside(typical.estimate, 1, 2) not in text
    for ratio in found.estimates:
        assert ratio.known_limit == limit
        assert ratio_text(ratio).startswith(words)


def test_the_model_s_median_stands_with_its_prior_and_not_first():
    pair, found = rates_of([[3, 0], [2, 0], [1, 0]], [[1, 1]] * 3)
    typical, _ = typical_and_totals(found)
    text = certainty(pair, found, typical)
    assert re.search(rf"median .* {beside(typical.estimate, 1, 2)} .*prior", text)
    assert "zero_cell" in [caution.code for caution in typical.cautions]
    assert typical.to_dict()["estimate"] == typical.estimate


def test_rates_leads_with_the_one_sided_statement_and_keeps_all_numbers_in_json(run, tmp_path):
    path = csv(tmp_path, [(3, 0), (2, 0), (1, 0)])
    _, out, _ = run("rates", path)
    content = json.loads(run("rates", path, "--json")[1])
    rows = {row["method"]: row for row in content["estimates"]}
    assert out.index("at most") < out.index(beside(rows["hierarchical_quadrature"]["estimate"], 1, 2))
    assert all(row["low"] is not None and row["high"] is not None for row in rows.values())
    assert rows["hierarchical_quadrature"]["low"] > 0
    assert content["recommended"] == "conditional_exact"


def test_a_zero_of_a_single_patient_is_no_zero_cell(example_pair, example_fit):
    ratio = example_fit.rate_ratio()
    assert ratio.known_limit is None
    assert sentence(example_pair, all_rates(example_fit), ratio).count("at most") == 0


# ------------------------------------------------------------------------------ two different questions


def test_progabide_the_typical_patient_and_all_relapses_answer_differently(progabide_rates):
    pair, found = progabide_rates
    typical, totals = typical_and_totals(found)
    for ratio in (typical, totals):
        (caution,) = [one for one in ratio.cautions if one.code == "estimands_differ"]
        assert "207 (151 on before, 302 on after)" in caution.text
    text = sentence(pair, found, typical)
    assert "0.76 times" in text
    assert "1.0 times" in text
    assert any("different questions" in line for line in headline_cautions(typical))
    # Without patient 207: (987 - 302) / (980 - 151), at equal times.
    (named,) = leverage(pair, typical)
    assert (named.patient, named.ratio_without) == ("207", pytest.approx(685 / 829))


def test_the_other_series_that_ship_carry_no_such_caution(example_fit):
    placebo = load_example("thall_vail1990").where(arm="placebo").compare("after", reference="before")
    for fit in (example_fit, hierarchical.fit(placebo, seed=1)):
        codes = {caution.code for ratio in all_rates(fit).estimates for caution in ratio.cautions}
        assert "estimands_differ" not in codes


def test_rates_json_carries_the_caution(run, tmp_path):
    frame = load_example("thall_vail1990").where(arm="progabide").to_frame()
    path = tmp_path / "progabide.csv"
    frame.to_csv(path, index=False)
    code, out, _ = run("rates", path, "--comparator", "after", "--reference", "before", "--json")
    cautions = {
        row["method"]: [one["code"] for one in row["cautions"]] for row in json.loads(out)["estimates"]
    }
    assert code == 0
    assert "estimands_differ" in cautions["hierarchical_quadrature"]
    assert "estimands_differ" in cautions["pooled_exact"]


def typical(estimate, low, high, *cautions):
    interval = Interval(low, high, 0.95, "credible")
    return RateRatio(estimate, interval, "hierarchical_quadrature", "typical_patient", cautions)


def totals(estimate, low, high):
    return RateRatio(estimate, Interval(low, high, 0.95, "confidence"), "pooled_exact", "pooled")


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (typical(0.76, 0.593, 0.96), totals(1.007, 0.921, 1.101), True),  # neither holds the other
        (typical(0.35, 0.09, 1.3), totals(1.15, 1.03, 1.3), True),  # opposite sides, one excludes 1
        (typical(0.35, 0.09, 1.3), totals(1.15, 0.8, 1.6), False),  # opposite sides, none excludes 1
        (typical(0.22, 0.04, 0.91), totals(0.204, 0.021, 0.984), False),
        (typical(0.5, 0.3, 0.8), totals(0.9, 0.85, 0.95), True),  # same side, far apart
        (typical(0.05, 0.003, 0.4, Caution("zero_cell", "none", "high")), totals(1.2, 1.1, 1.3), False),
    ],
)
def test_when_two_answers_differ(first, second, verdict):
    assert differ(first, second) is verdict


def test_no_patient_is_named_where_nobody_s_leaving_helps():
    pair = Comparison.from_arrays([[5, 5]], [[1, 1]])
    assert leverage(pair, typical(0.5, 0.3, 0.8)) == ()


# ------------------------------------------------------------------------------------ which one to read


@pytest.mark.usefixtures("wide")
def test_where_overdispersion_cannot_be_assessed_the_remedy_is_not_poisson(run, example_pair, example_fit):
    text = recommended(all_rates(example_fit), dispersion(example_pair), pair=example_pair).text
    assert "cannot be assessed" in text
    assert "its counts are Poisson too" in text
    assert "--likelihood negative_binomial" in text
    _, out, _ = run("sensitivity", "--replicates", 200)
    assert "Counts: negative binomial" in re.sub(r"\s+", " ", out)
    rows = {
        likelihood: json.loads(run("rates", "--json", "--likelihood", likelihood)[1])["estimates"][-1]
        for likelihood in ("poisson", "negative_binomial")
    }
    assert rows["negative_binomial"]["high"] > rows["poisson"]["high"]


def test_overdispersed_counts_are_not_said_to_be_allowed_for_in_full(progabide_rates):
    pair, found = progabide_rates
    told = recommended(found, dispersion(pair), pair=pair)
    assert "too short" in told.text
    assert "Poisson too" in told.text
    assert told.method == "hierarchical_quadrature"
    chosen = recommended(found, dispersion(pair), pair=pair, likelihood="negative_binomial").text
    assert "counts are negative binomial" in chosen
    assert "--likelihood" not in chosen


def test_an_unknown_likelihood_is_refused(run):
    code, _, err = run("rates", "--likelihood", "binomial")
    assert code == 2
    assert "negative_binomial" in err


# ------------------------------------------------------------------------------------ the rate difference


@pytest.mark.parametrize(
    ("low", "estimate", "high", "words", "limits"),
    [
        (0.305, 1.955, 4.218, "2.0 fewer", "0.30 to 4.2 fewer"),
        (-5.0, -2.4, -1.0, "2.4 more", "1.0 to 5.0 more"),
        (-1.2, 0.5, 2.0, "0.50 fewer", "from 2.0 fewer to 1.2 more"),
        (-1.0, 0.0, 1.0, "neither fewer nor more", "from 1.0 fewer to 1.0 more"),
        (0.0, 0.5, 2.0, "0.50 fewer", "0 to 2.0 fewer"),
    ],
)
def test_a_difference_has_its_direction(low, estimate, high, words, limits):
    interval = Interval(low, high, 0.95, "credible")
    assert fewer_or_more(estimate, 2) == words
    assert difference_limits(interval, 2) == limits
    text = difference_text(RateDifference(estimate, interval), "new", "old", 2)
    assert "−" not in text
    assert "on new than on old" in text


def test_more_relapses_on_the_comparator_are_said_to_be_more(run, tmp_path):
    _, out, _ = run("rates", csv(tmp_path, [(2, 9), (3, 8), (1, 7)]))
    told = out[: out.index("Method")]
    assert re.search(r"[0-9.]+ more relapses per\s+patient-year", told)
    assert "−" not in out


# --------------------------------------------------------------------------------- no false boundary


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("probability", [1e-12, 0.0049, 0.951, 0.9951, 0.99949, 0.9999999, 1.0, 0.0])
def test_no_probability_is_printed_as_a_certainty(probability, digits):
    text = probability_text(probability, digits)
    assert text[0] in "<>" or 0 < float(text) < 1


@pytest.mark.parametrize("p_value", [1e-300, 5e-5, 0.9996, 0.999999])
def test_no_p_value_is_printed_as_0_or_1(p_value):
    text = p_value_text(p_value)
    assert text[0] in "<>"


def test_interval_and_p_value_tell_the_same_story_on_the_knife_edge(example_pair):
    ratio = exact.conditional(example_pair).rate_ratio()
    high = float(interval_text(ratio.interval).split(" to ")[1])
    assert (high < 1) is (float(p_value_text(ratio.p_value)) < 0.05)
    assert high < 1
    assert p_value_text(0.0999997, level=0.9) != p_value_text(0.1, level=0.9)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.999997, "0.999997"), (1.0161, "1.02"), (1.0, "1.0"), (1 - 1e-10, "just under 1"), (0.98, "0.98")],
)
def test_a_limit_beside_1_is_told_from_1(value, text):
    assert beside(value, 1, 2) == text


def test_an_estimate_is_told_from_1_where_its_interval_excludes_1():
    assert estimate_text(totals(1.004, 1.001, 1.007), 2) == "1.004"
    assert estimate_text(totals(1.004, 0.8, 1.3), 2) == "1.0"


def test_shares_and_levels_are_0_or_100_only_if_they_are():
    assert [percent(share) for share in (0.95, 0.999999, 1.0)] == ["95 %", "99.9999 %", "100 %"]
    assert [rounded_percent(share) for share in (0.9999, 0.0001, -0.2)] == ["over 99 %", "under 1 %", "none"]
    assert [whole_percent(share) for share in (0.996, 0.004, 0.5)] == ["99.6", "0.4", "50"]
    assert plain(1.0100004, 1.01) != plain(1.01)


# ------------------------------------------------------------------------------- the page, read aloud


def walk(blocks):
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from walk(block.blocks)


def periods(relapses, names=("rituximab", "tocilizumab"), days=(365, 300)):
    rows = [
        {"patient": f"P{patient}", "treatment": name, "relapses": count, "exposure_days": time}
        for patient, counts in enumerate(relapses)
        for name, count, time in zip(names, counts, days, strict=True)
    ]
    return Cohort.from_frame(pd.DataFrame(rows))


SERIES = {
    "zero": periods([(3, 0), (2, 0), (1, 0)]),
    "none": periods([(0, 0), (0, 0), (0, 0)]),
    "bleeds": periods([(380, 120)], ("on demand", "prophylaxis"), (3650, 3300)),
}


@pytest.fixture(scope="module", params=SERIES)
def read(request):
    cohort = SERIES[request.param]
    reference, comparator = cohort.treatments[:2]
    found = analyze(
        cohort, comparator, reference=reference, engine="quadrature", settings=Settings(replicates=200)
    )
    return found, {section.name: section for section in html.sections(found)}


def texts(section):
    parts = [section.lead]
    for block in walk(section.blocks):
        if isinstance(block, Prose):
            parts.append(block.text)
        elif isinstance(block, Bullets):
            parts += block.items
        elif isinstance(block, Table):
            parts += [block.caption, *block.notes, *(cell for row in block.rows for cell in row)]
    return " ".join(parts)


def test_no_dash_stands_alone_in_a_table(read):
    _, sections = read
    for name, section in sections.items():
        if name in OTHERS_SECTIONS:
            continue
        cells = [
            cell
            for block in walk(section.blocks)
            if isinstance(block, Table)
            for row in block.rows
            for cell in row
        ]
        assert not {"–", "-", "—", "", "nan"} & set(cells), name


def test_no_word_of_another_disease_in_the_report_of_a_series_without_edss(read):
    _, sections = read
    for name, section in sections.items():
        if name not in OTHERS_SECTIONS:
            assert not re.search(r"EDSS|NMO\b|neuromyelitis|aquaporin", texts(section)), name


def test_the_methods_text_says_only_what_was_run(read):
    found, sections = read
    text = texts(sections["methods"])
    assert "bound" not in text
    assert "estimated by a second, finer grid" in text
    ran = {row.family for row in found.sensitivity.rows if isinstance(row, Answer) and row.has_interval}
    assert ("Regression to the mean was assessed" in text) is ("rtm" in ran)
    assert ("regression to the mean (observed" in text) is ("rtm" in ran)
    assert ("without single patients" in text) is ("leave_one_out" in ran)
    assert ("We simulated" in text) is bool(found.sensitivity.designs)


def test_cautions_of_the_headline_stand_in_headline_and_methods(read):
    found, sections = read
    for caution in found.headline.cautions:
        assert caution.text.lower() in texts(sections["methods"]).lower()
    if found.headline.known_limit:
        assert "at most" in sections["headline"].lead
        assert "prior" in texts(sections["headline"])
        assert "run from 0 " not in sections["estimators"].lead
        assert "upper limit" in sections["patients"].lead


def test_the_terminal_prints_the_tables_of_the_page(read):
    found, sections = read
    blocks = rates_blocks(found.pair, found.rates, found.unmerged)
    tables = [block for block in blocks if isinstance(block, Table)]
    assert tables == [block for block in sections["estimators"].blocks if isinstance(block, Table)]
    assert bool(tables) is found.headline.informative
    assert sections["headline"].lead in [block.text for block in blocks if isinstance(block, Prose)]
