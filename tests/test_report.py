"""The report: what stands on the page, what is in the folder, and that it is written whole or not at all."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nmo_stats import analysis, hierarchical, report
from nmo_stats.cohort import Cohort
from nmo_stats.errors import ArgumentError
from nmo_stats.report import bundle
from nmo_stats.report.files import CONTENTS
from nmo_stats.sensitivity import Answer


@pytest.fixture(scope="module")
def example_analysis(example_cohort, example_fit):
    return analysis.assemble(example_cohort, example_fit)


@pytest.fixture(scope="module")
def folder(example_analysis, tmp_path_factory):
    return report.write(example_analysis, tmp_path_factory.mktemp("written") / "report").parent


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def test_the_first_sentence_has_ratio_interval_patients_and_relapses(html):
    text = Page(html).text
    assert re.search(
        r"In 3 patients with 11 relapses, the relapse rate on tocilizumab was 0\.\d\d times "
        r"the rate on rituximab "
        r"\(95 % credible interval 0\.0\d\d? to 0\.\d\d\)",
        text,
    )
    assert "not a treatment effect" in text


@pytest.mark.parametrize("word", ["effective", "significant", "proves"])
def test_the_page_never_judges(html, word):
    assert word not in Page(html).text.lower()


def test_every_image_has_an_alternative_text_and_nothing_is_fetched(html):
    images = [attrs for tag, attrs in Page(html).tags if tag == "img"]
    assert len(images) == 10
    assert all(len(image["alt"]) > 30 and image["src"].startswith("data:") for image in images)
    assert not [tag for tag, _ in Page(html).tags if tag in ("script", "iframe")]
    links = [attrs.get("href", "") for tag, attrs in Page(html).tags if tag in ("a", "link")]
    assert all(link.startswith(("#", "data:")) for link in links)


def test_no_printed_number_is_missing_or_a_certainty(html):
    text = Page(html).text
    assert not re.search(r"\b(nan|NaN|None|NaT|inf)\b|<NA>", text)
    assert not re.search(r"\bp (= )?0(\.0+)?(?![\d.])", text)


def test_sections_follow_the_order_of_the_design(html):
    names = [attrs["id"] for tag, attrs in Page(html).tags if tag in ("section", "header")]
    assert names == [
        "headline", "no-effect", "data", "arr", "timing", "edss", "estimators", "patients", "posterior",
        "diagnostics", "sensitivity", "coverage", "audit", "methods", "provenance",
    ]  # fmt: skip


def test_the_folder_holds_what_the_design_lists(folder):
    assert {path.name for path in folder.iterdir()} == CONTENTS
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".png"}
    assert (folder / "tables" / "rates.csv").is_file()


def test_results_json_agrees_with_the_estimates(folder, example_analysis):
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert content["schema"] == 1
    assert content["relapses"] == [9, 2]
    by_method = {row["method"]: row for row in content["estimates"]}
    assert by_method["hierarchical_nuts"]["estimate"] == example_analysis.headline.estimate
    assert content["not_identified"][0]["method"] == "gee"


def test_the_same_analysis_gives_the_same_bytes(example_analysis):
    first, second = (json.dumps(bundle.results(example_analysis), allow_nan=False) for _ in range(2))
    assert first == second


def test_provenance_names_data_versions_seed_and_priors(folder, example_analysis):
    content = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert len(content["data"]["sha256"]) == 64
    assert content["seed"] == example_analysis.seed
    assert content["priors"]["log_rate_ratio"] == {"mean": 0.0, "sd": 2.0}
    assert content["packages"]["pymc"].startswith("5.")


def test_the_saved_posterior_can_be_read_back(folder, example_fit):
    with xr.open_datatree(folder / "posterior.nc") as tree:
        saved = tree["posterior"]["log_rate_ratio"].to_numpy()
    np.testing.assert_array_equal(saved, example_fit.posterior.draws["log_rate_ratio"].to_numpy())


def test_a_report_replaces_a_report(example_analysis, folder):
    before = (folder / "index.html").stat().st_ino
    report.write(example_analysis, folder)
    assert (folder / "index.html").stat().st_ino != before
    assert "not a treatment effect" in (folder / "index.html").read_text(encoding="utf-8")
    assert [path.name for path in folder.parent.iterdir()] == ["report"]


def test_a_folder_with_other_files_is_left_alone(example_analysis, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"thesis\.docx"):
        report.write(example_analysis, tmp_path)
    assert (tmp_path / "thesis.docx").read_text(encoding="utf-8") == "years of work"


def test_a_run_that_dies_leaves_the_old_report_whole(example_analysis, tmp_path, monkeypatch):
    target = tmp_path / "report"
    report.write(example_analysis, target)
    before = (target / "index.html").read_bytes()

    def fail(_):
        raise OSError("no space left")

    monkeypatch.setattr("nmo_stats.report.files.provenance", fail)
    with pytest.raises(OSError, match="no space"):
        report.write(example_analysis, target)
    assert (target / "index.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def hostile(example_fit):
    frame = pd.DataFrame(
        {
            "patient": [
                "<script>alert(1)</script>",
                "<script>alert(1)</script>",
                "=HYPERLINK(1)",
                "=HYPERLINK(1)",
            ],
            "treatment": ["old & <b>bold</b>", "new", "old & <b>bold</b>", "new"],
            "relapses": [3, 1, 2, 1],
            "exposure_years": [1.0, 1.0, 1.5, 2.0],
        }
    )
    numbers = [
        ("arr", None, "new", 7.0, 0, "=1+1"),
        ("<script>alert(2)</script>", None, "new", 1.0, 0, "<i>text"),
    ]
    columns = ["quantity", "patient", "treatment", "value", "decimals", "place"]
    cohort = Cohort.from_frame(frame).with_published(pd.DataFrame(numbers, columns=columns))
    model = hierarchical.Model(cohort.compare("new", reference="old & <b>bold</b>"))
    relabelled = {"patient": list(model.pair.patients), "period": [model.pair.reference, "new"]}
    draws = example_fit.posterior.draws.isel(patient=[0, 1]).assign_coords(relabelled)
    tree = xr.DataTree.from_dict(
        {
            name: group.to_dataset().isel(patient=[0, 1]).assign_coords(relabelled)
            for name, group in example_fit.to_datatree().children.items()
            if "patient" in group.sizes
        }
        | {"log_prior": example_fit.to_datatree()["log_prior"].to_dataset()}
    )
    fit = hierarchical.HierarchicalFit(
        model,
        hierarchical.DrawsPosterior(draws, tree, example_fit.seed),
        example_fit.convergence,
        example_fit.method,
        example_fit.seed,
    )
    return analysis.assemble(cohort, fit)


def test_text_of_the_user_is_escaped_and_no_formula_is_live(example_fit, tmp_path):
    written = report.write(hostile(example_fit), tmp_path / "report").parent
    html = (written / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in html
    assert "<b>bold" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for path in (written / "tables").iterdir():
        assert not re.search(r"(^|,)\"?=", path.read_text(encoding="utf-8"), flags=re.MULTILINE), path.name


def test_a_failed_check_stands_in_place_of_the_result(example_cohort, example_fit, tmp_path):
    from dataclasses import replace

    failed = replace(example_fit, convergence=replace(example_fit.convergence, divergences=7))
    withheld = analysis.assemble(example_cohort, failed)
    assert withheld.headline is None
    html = (report.write(withheld, tmp_path / "report")).read_text(encoding="utf-8")
    text = Page(html).text
    assert "its result is withheld" in text
    assert "divergences is 7" in text
    assert "times the rate on" not in text
    content = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert "hierarchical_nuts" not in {row["method"] for row in content["estimates"]}
    assert "parameters" not in content


def test_the_reasons_to_doubt_stand_in_the_report(html, folder):
    text = " ".join(Page(html).text.split())
    for part in (
        "half of the simulated series show an exact ratio within patients below 0.7",
        "One relapse more on tocilizumab",
        "Prior: cautious Normal(0, 1)",
        "times known for 5 of 11 relapses.",
        "Allowing for regression to the mean",
        "What would tip the answer",
        "empirical-Bayes before/after method",
    ):
        assert part in text, part
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert {row["family"] for row in content["sensitivity"]["rows"]} >= {"rtm", "tipping", "benchmark"}
    table = pd.read_csv(folder / "tables" / "sensitivity.csv")
    assert len(table) == len(content["sensitivity"]["rows"])
    assert (folder / "tables" / "no_effect.csv").is_file()


def test_relapse_times_and_paired_edss_stand_in_the_report_with_what_they_cannot_reach(html, folder):
    text = " ".join(Page(html).text.split())
    for part in (
        "1.3 months on rituximab (95 % interval not estimable; 3 of 3 patients relapsed)",
        "4.0 months on tocilizumab (95 % interval not estimable; 2 of 3 patients relapsed)",
        "not estimable",
        "rituximab, times known for 3 of 9 relapses.",
        "needs 10 patients, and there are 3",
        "Within 3 patients the EDSS change on tocilizumab was 1.125 points lower than on rituximab",
        "a 95 % interval cannot be reached with 3 patients, at most 75 %",
        "smallest p with 2 non-zero differences: 0.500; 0.05 cannot be reached",
        "The end of one period is the start of the next",
        "Confirmed worsening is not assessable",
        "6 relapses of 11 at unknown times",
        "beta product confidence procedure",
    ):
        assert part in text, part
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert [one["relapsed"] for one in content["first_relapse"]["treatments"]] == [3, 2]
    assert content["accumulation"]["not_available"] == {"rituximab": "times known for 3 of 9 relapses"}
    assert content["paired_edss"]["shift"]["hodges_lehmann"] == -1.125
    table = pd.read_csv(folder / "tables" / "first_relapse.csv")
    assert set(table["treatment"]) == {"rituximab", "tocilizumab"}
    assert len(pd.read_csv(folder / "tables" / "paired_edss.csv")) == 3
    assert "mean" in pd.read_csv(folder / "tables" / "accumulation.csv")


def test_a_failed_check_withholds_the_sensitivity_too(example_cohort, example_fit):
    from dataclasses import replace

    failed = replace(example_fit, convergence=replace(example_fit.convergence, divergences=7))
    withheld = analysis.assemble(example_cohort, failed)
    rows = [row for row in withheld.sensitivity.rows if isinstance(row, Answer)]
    assert all(row.estimate is None for row in rows if (row.method or "").startswith("hierarchical"))
    assert any(row.estimate is not None for row in rows if row.method == "conditional_exact")


def test_the_printed_numbers_of_the_paper_stand_in_the_report(html, folder):
    text = " ".join(Page(html).text.split())
    for part in (
        "Of 188 printed numbers, 122 agree with the data, 0 agree within the rounding of the inputs",
        "0 agree by another formula, 4 disagree, and 62 cannot be recomputed.",
        "Patient 2, prior ARR: printed 2.7 (table); 16 relapses / 8.2 years of disease = 1.951",
        "it does not decide which of the two is right",
        "62 numbers that cannot be recomputed",
        "188 numbers printed in a publication on these patients were compared",
    ):
        assert part in text, part
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert content["audit"]["counts"]["disagrees"] == 4
    assert len(pd.read_csv(folder / "tables" / "audit.csv")) == 188


def test_a_cohort_without_printed_numbers_has_no_audit(example_analysis):
    from dataclasses import replace

    bare = replace(example_analysis, audit=None)
    assert 'id="audit"' not in report.render_html(bare)
    assert bundle.results(bare)["audit"] is None
    assert "audit" not in bundle.frames(bare)


def test_many_disagreements_are_folded(example_analysis):
    from dataclasses import replace

    from nmo_stats import audit

    cohort = example_analysis.cohort
    shifted = cohort.with_published(cohort.published.assign(value=cohort.published["value"] + 2))
    html = report.render_html(replace(example_analysis, audit=audit.audited(shifted)))
    text = " ".join(Page(html).text.split())
    assert "numbers that disagree" in text
    assert html.count(": printed ") == 12


def test_changes_that_agree_in_size_alone_are_listed(example_analysis):
    from dataclasses import replace

    from nmo_stats import audit

    rows = [("edss_change", "2", "tocilizumab", value, 1, "text") for value in (1.0, -1.0)]
    columns = ["quantity", "patient", "treatment", "value", "decimals", "place"]
    cohort = example_analysis.cohort.with_published(pd.DataFrame(rows, columns=columns))
    html = report.render_html(replace(example_analysis, audit=audit.audited(cohort)))
    text = " ".join(Page(html).text.split())
    assert text.count("they agree in size, and the data show a decrease") == 1
    assert "numbers that agree in size and sign, by quantity" in text


def test_the_coverage_section_prints_the_range_of_the_cells_like_the_series(example_analysis, html):
    rows = example_analysis.coverage
    own = rows[
        (rows["method"] == "hierarchical_quadrature")
        & (rows["rule"] == "fixed")
        & (rows["overdispersion"] == 0)
    ]
    expected = f"{100 * own['coverage'].min():.1f} to {100 * own['coverage'].max():.1f}\u00a0% of the series"
    assert expected in Page(html).text


def test_outside_the_map_there_is_no_cell_like_it(example_analysis):
    from nmo_stats.sections.coverage import coverage

    outside = replace(example_analysis, coverage=example_analysis.coverage.iloc[:0])
    section = coverage(outside)
    assert "no cell like yours" in section.lead
    assert section.blocks == ()
