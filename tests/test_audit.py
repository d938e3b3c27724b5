"""The audit: the founding paper, a user's own paper, and random cohorts whose printed numbers are known."""

import dataclasses
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nmo_stats import audit, describe, load_example, read_events, read_periods
from nmo_stats.bundled import data_folder
from nmo_stats.cohort import Cohort
from nmo_stats.errors import CohortError

COLUMNS = ("quantity", "patient", "treatment", "value", "decimals", "place")


@pytest.fixture(scope="module")
def example():
    return audit.audited(load_example())


def printed(*rows):
    """Rows of (quantity, patient, treatment, text of the number); the decimals are those of the text."""
    return pd.DataFrame(
        [(q, p, t, text, len(text.partition(".")[2]), "table") for q, p, t, text in rows], columns=COLUMNS
    )


def audited(cohort, *rows, patients=None):
    return audit.audited(cohort.with_published(printed(*rows)), patients).findings


def one(cohort, *row, patients=None):
    return next(iter(audited(cohort, row, patients=patients)))


def row(found, quantity, patient=None, treatment=None):
    return next(
        one
        for one in found.findings
        if (one.quantity, one.patient, one.treatment) == (quantity, patient, treatment)
    )


# The founding paper


def test_the_four_disagreements_of_the_founding_paper_and_only_those(example):
    found = [(one.quantity, one.patient, one.printed) for one in example.of("disagrees")]
    assert found == [
        ("prior_arr", "1", "2.6"),
        ("prior_arr", "2", "2.7"),
        ("prior_arr", "3", "1.7"),
        ("onset_months_before_tocilizumab", "3", "31"),
    ]


def test_the_counts_of_the_founding_paper(example):
    assert len(example.findings) == 188
    assert example.counts == {
        "disagrees": 4,
        "agrees_by_another_formula": 0,
        "agrees_within_rounding": 0,
        "agrees": 122,
        "not_recomputable": 62,
    }


@pytest.mark.parametrize(
    ("quantity", "agreeing"),
    [("arr", 6), ("arr_median", 5), ("arr_min", 5), ("arr_max", 5), ("exposure_months", 12),
    ("exposure_months_median", 1),
     ("relapses", 6), ("relapses_total", 1), ("relapses_median", 1), ("edss_start", 7), ("edss_end", 8),
     ("edss_change", 2),
     ("edss_start_median", 2), ("edss_end_max", 1), ("prior_relapses", 3), ("prior_relapses_median", 1),
     ("prior_arr_median", 1), ("prior_arr_min", 1), ("prior_arr_max", 1), ("age_years_median", 2),
     ("disease_duration_years_median", 1), ("cohort_size", 5), ("patients_with_relapse", 2),
     ("patients_ongoing", 1),
     ("patients_with_prior_therapy", 4), ("dose_mg_per_cycle", 3), ("cycles_max", 1),
     ("first_relapse_days", 5),
     ("first_relapse_months", 2), ("stable_months_after_interval_change", 1),
     ("figure_months_on_tocilizumab", 3)],
)  # fmt: skip
def test_quantities_of_the_founding_paper_that_agree_wherever_they_stand(example, quantity, agreeing):
    rows = [one for one in example.findings if one.quantity == quantity]
    assert [one.verdict for one in rows] == ["agrees"] * agreeing


def test_what_no_number_of_the_founding_paper_determines_has_no_verdict(example):
    unknown = {one.quantity for one in example.of("not_recomputable")}
    assert {
        "source_cohort_size",
        "severe_relapses_min",
        "patients_with_early_relapse",
        "mri_month",
        "cycles",
    } <= unknown
    assert not any(name.startswith(("arr", "edss", "exposure", "prior_arr")) for name in unknown)
    assert all(one.recomputed is None and one.words for one in example.of("not_recomputable"))


@pytest.mark.parametrize(
    ("patient", "recomputed", "low", "high", "other"),
    [
        # 13 / 9.4, 13 / 9.45 to 13 / 9.35; 2003 to 2007 are 5 calendar years
        ("1", 1.383, 1.376, 1.390, ("13 relapses / 5 calendar years", "= 2.6")),
        ("2", 1.951, 1.939, 1.963, ("16 relapses / 6 calendar years", "= 2.667")),
        # 4 / 3 and 4 / 2 calendar years do not give 1.7; 4 x 12 / 28 to 4 x 12 / 26 months do
        ("3", 1.6, 1.569, 1.633,
        ("27 months from onset", "31 months before tocilizumab", "= 1.778 (1.714 to 1.846)")),
    ],
)  # fmt: skip
def test_the_prior_arr_is_no_ratio_of_relapses_and_disease_duration(
    example, patient, recomputed, low, high, other
):
    found = row(example, "prior_arr", patient)
    assert (found.recomputed, found.low, found.high) == pytest.approx((recomputed, low, high), abs=5e-4)
    assert "years of disease" in found.words
    for part in other:
        assert part in found.other


def test_the_onset_of_patient_3_disagrees_with_duration_plus_rituximab(example):
    found = row(example, "onset_months_before_tocilizumab", "3")
    # 12 x 2.5 + 4; 12 x 2.45 + 3.5; 12 x 2.55 + 4.5
    assert (found.recomputed, found.low, found.high) == pytest.approx((34, 32.9, 35.1))
    assert "2.5 years of disease × 12 + 4 months on rituximab" in found.words
    assert "= 30 (29.4 to 30.6)" in found.other


def test_a_sentence_gives_place_arithmetic_and_the_other_formula_and_accuses_nobody(example):
    text = " ".join([*map(audit.sentence, example.of("disagrees")), audit.NEUTRAL, audit.summary(example)])
    assert "Patient 1, prior ARR: printed 2.6 (table); 13 relapses / 9.4 years" in text
    assert "The printed number is reproduced by 13 relapses / 5 calendar years" in text
    for word in ("error", "wrong", "mistake", "incorrect", "None", "nan", "should", "significant"):
        assert word not in text


def test_the_files_about_the_patients_agree_with_the_printed_numbers():
    found = audit.audited(load_example(), data_folder() / "ayzenberg2013" / "patients.csv")
    assert found.counts["disagrees"] == 4
    assert row(found, "cycles", "1", "rituximab").verdict == "agrees"
    assert (
        row(found, "infusion_interval_weeks", None, "rituximab").words
        == "the same in all 3 patients = 2 (1.5 to 2.5)"
    )


# Random cohorts: what they print is known


@st.composite
def cohorts(draw):
    """Patients with two drugs, times counted in days, EDSS at both ends."""
    patients = draw(st.integers(1, 6))
    rows = [
        {
            "patient": f"P{patient}",
            "treatment": drug,
            "relapses": draw(st.integers(0, 9)),
            "exposure_days": draw(st.integers(30, 4000)),
            "edss_start": draw(st.integers(2, 20)) / 2,
            "edss_end": draw(st.integers(2, 20)) / 2,
        }
        for patient in range(patients)
        for drug in ("old", "new")
    ]
    return pd.DataFrame(rows)


def recomputed_by_pandas(frame):
    """A second implementation of the numbers that papers print: (quantity, patient, treatment) -> value."""
    found = {}
    for drug, group in frame.groupby("treatment", sort=False):
        rates = group["relapses"] / group["exposure_days"] * 365.25
        months = group["exposure_days"] * 12 / 365.25
        for base, column in [("arr", rates), ("relapses", group["relapses"]), ("exposure_months", months),
                             ("edss_start", group["edss_start"]),
                             ("edss_end", group["edss_end"])]:  # fmt: skip
            found |= {
                (base, patient, drug): value for patient, value in zip(group["patient"], column, strict=True)
            }
            found |= {
                (f"{base}_{name}", None, drug): getattr(column, name)()
                for name in ("median", "mean", "min", "max")
            }
        found["relapses_total", None, drug] = group["relapses"].sum()
        found["arr_pooled", None, drug] = group["relapses"].sum() / group["exposure_days"].sum() * 365.25
        found["patients_relapse_free", None, drug] = (group["relapses"] == 0).sum()
        found["relapse_free_percent", None, drug] = 100 * (group["relapses"] == 0).mean()
        found["cohort_size", None, drug] = len(group)
        if len(group) > 1:
            found["arr_sd", None, drug] = rates.std()
        change = group["edss_end"] - group["edss_start"]
        threshold = np.where(group["edss_start"] > 5, 0.5, 1.0)  # no score of 0 among them
        found["edss_worsened", None, drug] = (change >= threshold).sum()
        found["edss_improved", None, drug] = (change <= -threshold).sum()
        found["edss_stable", None, drug] = (abs(change) < threshold).sum()
    return found


@hypothesis_settings(max_examples=40, deadline=None)
@given(cohorts(), st.integers(0, 3), st.booleans())
def test_numbers_printed_from_a_cohort_agree_with_it(frame, decimals, half_up):
    def text(value):
        unit = Decimal(1).scaleb(-decimals)
        return (
            str(Decimal(repr(round(float(value), 9))).quantize(unit, ROUND_HALF_UP))
            if half_up
            else f"{value:.{decimals}f}"
        )

    rows = [(*name, text(value)) for name, value in recomputed_by_pandas(frame).items()]
    found = audited(Cohort.from_frame(frame), *rows)
    assert {one.verdict for one in found} == {"agrees"}, [one for one in found if one.verdict != "agrees"]


@hypothesis_settings(max_examples=40, deadline=None)
@given(cohorts(), st.integers(0, 3), st.sampled_from([-2, 2]))
def test_a_number_that_is_two_units_off_in_its_last_place_is_flagged(frame, decimals, units):
    rows = [
        (*name, f"{value + units * 10.0**-decimals:.{decimals}f}")
        for name, value in recomputed_by_pandas(frame).items()
    ]
    found = audited(Cohort.from_frame(frame), *rows)
    # another formula in common use may give the shifted number: the mean of rates for the pooled one
    assert {one.verdict for one in found} <= {"disagrees", "agrees_by_another_formula"}
    assert {one.verdict for one in found if one.usual_formula is None} == {"disagrees"}


@hypothesis_settings(max_examples=25, deadline=None)
@given(cohorts())
def test_the_pooled_and_individual_rates_are_those_of_describe(frame):
    cohort = Cohort.from_frame(frame)
    summary = describe.arr(cohort)
    for found in summary.pooled.itertuples():
        for quantity, value in [
            ("arr_pooled", found.arr),
            ("arr_mean", found.mean_arr),
            ("arr_median", found.median_arr),
        ]:
            assert one(cohort, quantity, None, found.treatment, "1.0").recomputed == pytest.approx(value)


# A user's own paper


@pytest.fixture
def paper():
    frame = pd.DataFrame(
        {
            "patient": ["A", "A", "B", "B", "C", "C", "D", "D"],
            "treatment": ["azathioprine", "satralizumab"] * 4,
            "relapses": [4, 1, 3, 0, 5, 1, 2, 0],
            "exposure_years": [2.1, 1.4, 1.7, 2.2, 2.6, 1.9, 0.8, 1.1],
            "edss_start": [3.0, 4.0, 2.5, 3.0, 6.0, 6.5, 2.0, np.nan],
            "edss_end": [4.0, 3.0, 3.0, 3.0, 6.5, 6.5, 2.0, np.nan],
            "age_years": [31.7, 31.7, 45.2, 45.2, 28.9, 28.9, 52.0, 52.0],
        }
    )
    return Cohort.from_frame(frame)


def test_a_mean_that_is_another_average_is_named(paper):
    # 4 / 2.1, 3 / 1.7, 5 / 2.6, 2 / 0.8: mean 2.02 (lowest 1.95), median 1.914, pooled 14 / 7.2 = 1.94
    found = one(paper, "arr_mean", None, "azathioprine", "1.94")
    assert (found.verdict, found.formula, found.other) == (
        "agrees_by_another_formula", "arr_pooled", "14 relapses / 7.2 years = 1.944 (1.892 to 2)",
    )  # fmt: skip
    found = one(paper, "arr_mean", None, "azathioprine", "1.914")
    assert found.formula == "arr_median"
    assert found.other.startswith("median of the individual numbers")
    assert found.recomputed == pytest.approx(np.mean([4 / 2.1, 3 / 1.7, 5 / 2.6, 2 / 0.8]))


def test_a_pooled_rate_under_the_name_of_a_mean_is_reproduced():
    frame = pd.DataFrame(
        {"patient": ["A", "B"], "treatment": "x", "relapses": [9, 1], "exposure_days": [300, 3000]}
    )
    # pooled 10 / 3300 x 365.25 = 1.107; mean of 10.9575 and 0.12175 is 5.54
    found = one(Cohort.from_frame(frame), "arr_mean", None, "x", "1.107")
    assert (found.verdict, found.formula) == ("agrees_by_another_formula", "arr_pooled")
    assert found.other == "10 relapses / 3300 days × 365.25 = 1.107"


def test_an_arr_of_the_series_has_to_be_named(paper):
    found = one(paper, "arr", None, "azathioprine", "1.9")
    assert found.verdict == "not_recomputable"
    assert "arr_pooled, arr_mean or arr_median" in found.words


def test_times_are_known_to_be_rounded_to_their_decimals(paper):
    found = one(paper, "arr", "A", "azathioprine", "1.9")
    assert (found.low, found.high) == pytest.approx((4 / 2.15, 4 / 2.05))
    assert one(paper, "exposure_months", "A", "azathioprine", "25").verdict == "agrees"  # 25.2
    assert (
        one(paper, "exposure_months", "A", "azathioprine", "26").verdict == "agrees_within_rounding"
    )  # up to 25.8
    assert one(paper, "exposure_months", "A", "azathioprine", "27").verdict == "disagrees"


def test_ages_may_be_printed_in_completed_years(paper):
    assert [one(paper, "age_years", "A", None, text).verdict for text in ("31", "32", "30")] == [
        "agrees",
        "agrees",
        "disagrees",
    ]
    assert one(paper, "age_years_median", None, None, "38").verdict == "agrees"  # median 38.45
    assert one(paper, "age_years_max", None, None, "52").verdict == "agrees"


def test_a_change_may_be_printed_without_its_sign(paper):
    rows = [("edss_change", "A", "satralizumab", text) for text in ("1.0", "-1.0", "0.0")]
    assert [one(paper, *row).verdict for row in rows] == ["agrees", "agrees", "disagrees"]


def test_scores_that_are_missing_are_said(paper):
    found = one(paper, "edss_start_median", None, "satralizumab", "4.0")
    assert found.verdict == "agrees"
    assert found.words == "median of the individual numbers (4, 3, 6.5, 1 not known) = 4"
    missing = one(paper, "edss_change", "D", "satralizumab", "0")
    assert (missing.verdict, missing.words) == ("not_recomputable", "EDSS end is not known")


def test_counts_and_shares_without_a_relapse(paper):
    assert one(paper, "patients_relapse_free", None, "satralizumab", "2").verdict == "agrees"
    assert one(paper, "relapse_free_percent", None, "satralizumab", "50").verdict == "agrees"
    assert one(paper, "patients_with_relapse", None, "satralizumab", "3").verdict == "disagrees"
    assert "not known of 4 of 4 patients" in one(paper, "patients_ongoing", None, "satralizumab", "4").words


def test_printed_individual_numbers_are_summarized_where_the_table_has_none(paper):
    individual = [
        ("titre", name, None, text) for name, text in zip("ABCD", ["10", "40", "20", "80"], strict=True)
    ]
    found = audited(paper, *individual, ("titre_median", None, None, "30"), ("titre_max", None, None, "90"))
    assert [one.verdict for one in found] == ["not_recomputable"] * 4 + ["agrees", "disagrees"]
    found = audited(paper, *individual[:3], ("titre_max", None, None, "40"))[-1]
    assert (found.verdict, found.words) == ("not_recomputable", "printed for 3 of 4 patients only")


def test_a_paper_that_contradicts_itself_is_told_so(paper):
    frame = printed(
        ("titre", "A", None, "10"),
        ("titre", "A", None, "12"),
        ("titre", "B", None, "1.50"),
        ("titre", "B", None, "1.5"),
    )
    frame["place"] = ["table", "text", "table", "text"]
    found = audit.audited(paper.with_published(frame)).findings
    assert [one.verdict for one in found] == [
        "disagrees",
        "disagrees",
        "not_recomputable",
        "not_recomputable",
    ]
    assert [(one.recomputed, one.place) for one in found[:2]] == [(12, "table"), (10, "text")]
    assert "printed in the text" in found[0].words


def test_unknown_quantities_have_a_reason_and_a_suggestion(paper):
    found = one(paper, "arr_medain", None, "azathioprine", "1.9")
    assert found.verdict == "not_recomputable"
    assert "did you mean 'arr_median'?" in found.words
    assert "did you mean" not in one(paper, "complement", None, None, "3").words


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mean_arr", "arr_mean"), ("median_edss_start", "edss_start_median"),
        ("patients_improved", "edss_improved"),
        ("wilcoxon_pvalue", "wilcoxon_p_value"), ("follow_up_months", "exposure_months"),
        ("Arr_Mean", "arr_mean"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_told_from_a_number_that_is_not_known(paper, written, meant):
    found = one(paper, written, None, "azathioprine", "1.9")
    assert found.verdict == "not_recomputable"
    assert found.words.startswith("no quantity of this name; `nmo-stats audit --quantities` lists them")
    assert found.words.endswith(f"; did you mean '{meant}'?")
    known = one(paper, "disease_duration_years", "A", None, "9.4")
    assert known.words == "an original datum: no other number to recompute it from"


def test_the_signed_rank_test_of_the_rates_and_the_p_of_other_programs():
    cohort = load_example()
    # R: wilcox.test(c(2.25, 3, 3), c(4/7, 0, 4/3), paired = TRUE): p-value = 0.25 without ties z = (0 - 3) /
    # sqrt(3.5) = -1.604: SPSS prints 0.109; with the correction (3 - 0.5) / sqrt(3.5): 0.181
    exact_, plain, corrected, none = audited(
        cohort,
        *[("wilcoxon_p_value", None, "tocilizumab", text) for text in ("0.25", "0.109", "0.181", "0.45")],
    )[:4]
    assert (exact_.verdict, exact_.low, exact_.high) == ("agrees", 0.25, 0.25)
    assert "3 patients (smallest possible p 0.250) = 0.25" in exact_.words
    assert plain.verdict == corrected.verdict == "agrees_by_another_formula"
    assert (plain.formula, corrected.formula) == ("normal_approximation", "normal_approximation_corrected")
    assert (none.verdict, none.formula, none.other) == ("disagrees", None, "")
    assert one(cohort, "wilcoxon_p_value", None, None, "0.25").verdict == "agrees"
    assert one(cohort, "wilcoxon_p_value", "1", None, "0.25").verdict == "not_recomputable"


def test_equal_rates_have_no_signed_rank_test():
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": [1, 3], "exposure_months": [7, 21]}
    )
    assert one(Cohort.from_frame(frame), "wilcoxon_p_value", None, "y", "1.0").words == (
        "no patient's rate differs between the periods"
    )


def test_the_standard_deviation_of_the_rates_and_its_two_divisors():
    # numpy.std of 2.25, 3, 3: 0.4330 with n - 1, 0.3536 with n
    cohort = load_example()
    sample, population = (one(cohort, "arr_sd", None, "rituximab", text) for text in ("0.43", "0.0"))
    assert (sample.verdict, sample.recomputed) == ("agrees", pytest.approx(np.std([2.25, 3, 3], ddof=1)))
    assert population.verdict == "disagrees"
    days = Cohort.from_frame(
        pd.DataFrame({"patient": ["A", "B"], "treatment": "x", "relapses": [1, 3], "exposure_days": 365.25})
    )
    assert one(days, "arr_sd", None, "x", "1.4").verdict == "agrees"  # sqrt(2)
    by_n = one(days, "arr_sd", None, "x", "1.0")
    assert (by_n.verdict, by_n.formula) == ("agrees_by_another_formula", "population_sd")
    assert by_n.other == "standard deviation, divisor n, of the individual numbers (1, 3) = 1"
    alone = Cohort.from_frame(days.to_frame().iloc[:1])
    no_spread = one(alone, "arr_sd", None, "x", "0.0")  # 0 by the divisor n, whatever the rate
    assert (no_spread.verdict, no_spread.words) == (
        "not_recomputable",
        "one number has no standard deviation",
    )


def test_edss_categories_by_the_rule_of_describe_and_by_others(paper):
    # azathioprine: 3 to 4, 2.5 to 3, 6 to 6.5, 2 to 2
    worsened, stable, improved, share = audited(
        paper,
        ("edss_worsened", None, "azathioprine", "2"),
        ("edss_stable", None, "azathioprine", "2"),
        ("edss_improved", None, "azathioprine", "0"),
        ("edss_worsened_percent", None, "azathioprine", "50"),
    )
    assert [one.verdict for one in (worsened, stable, improved, share)] == ["agrees"] * 4
    counted = describe.edss(paper).per_treatment.set_index("treatment").loc["azathioprine"]
    assert tuple(counted[["worsened", "stable", "improved"]]) == (2, 2, 0)
    assert "by the rule msprog (at least 1.5 from 0" in worsened.words
    unknown = one(paper, "edss_worsened", None, "satralizumab", "0")
    assert unknown.verdict == "not_recomputable"
    assert unknown.words.endswith("not known of 1 of 4 patients")
    # 5.5 to 6: worsened by half a point above 5, not by the rule that takes a full point below 6
    frame = pd.DataFrame(
        {
            "patient": ["A"],
            "treatment": "x",
            "relapses": 1,
            "exposure_days": 400,
            "edss_start": 5.5,
            "edss_end": 6.0,
        }
    )
    other = one(Cohort.from_frame(frame), "edss_worsened", None, "x", "0")
    assert (other.verdict, other.formula) == ("agrees_by_another_formula", "edss_msoutcomes")
    assert "by the rule msoutcomes" in other.other


def test_the_follow_up_is_summarized(paper):
    rows = [("exposure_years_median", "1.9"), ("exposure_years_min", "0.8"), ("exposure_months_max", "31")]
    found = audited(paper, *[(quantity, None, "azathioprine", text) for quantity, text in rows])
    assert [one.verdict for one in found] == ["agrees"] * 3


def test_the_rate_ratio_of_the_example_with_its_exact_limits():
    # R: poisson.test(c(2, 9), c(48, 44)): 0.2037037, 0.0214 to 0.984; central p 0.0470
    cohort = load_example()
    rows = [
        ("rate_ratio", "0.204"),
        ("rate_ratio_low", "0.0214"),
        ("rate_ratio_high", "0.984"),
        ("rate_ratio_p_value", "0.047"),
    ]
    found = audited(cohort, *[(quantity, None, "tocilizumab", text) for quantity, text in rows])
    assert [one.verdict for one in found[:4]] == ["agrees"] * 4
    # 2 / 49.5 / (9 / 42.5) to 2 / 46.5 / (9 / 45.5): each time rounded to whole months
    assert (found[0].low, found[0].high) == pytest.approx((2 / 49.5 / (9 / 42.5), 2 / 46.5 / (9 / 45.5)))
    assert one(cohort, "rate_ratio_p_value", None, "tocilizumab", "0.0321").formula == "minimum_likelihood"
    assert one(cohort, "rate_ratio", "1", "tocilizumab", "0.2").verdict == "not_recomputable"


def test_a_ratio_of_medians_is_named():
    # medians of 2.25, 3, 3 and 4 / 7, 0, 4 / 3: 0.571 / 3 = 0.190, a reduction by 81 %; pooled 0.204, 79.6 %
    cohort = load_example()
    found = one(cohort, "rate_ratio", None, "tocilizumab", "0.1905")  # the pooled one is 0.1908 at least
    assert (found.verdict, found.formula) == ("agrees_by_another_formula", "ratio_of_medians")
    assert found.other.startswith(
        "(median of the individual numbers (0.5714, 0, 1.333) on tocilizumab) / (median"
    )
    found = one(cohort, "arr_reduction_percent", None, "tocilizumab", "79.6")
    assert found.verdict == "agrees"
    assert (found.recomputed, found.low, found.high) == pytest.approx((79.63, 78.26, 80.92), abs=5e-3)
    assert "2 relapses / 48 months on tocilizumab" in found.words
    assert "9 relapses / 44 months on rituximab" in found.words
    assert one(cohort, "arr_reduction_percent", None, None, "79.6").verdict == "not_recomputable"


def test_a_ratio_over_no_relapses_is_no_number():
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": [0, 2], "exposure_days": [400, 500]}
    )
    cohort = Cohort.from_frame(frame)
    for quantity in ("rate_ratio", "rate_ratio_high"):
        found = one(cohort, quantity, None, "y", "3.0")
        assert (found.verdict, found.recomputed) == ("not_recomputable", None)
    none = Cohort.from_frame(frame.assign(relapses=0))
    assert "no information" in one(none, "rate_ratio_low", None, "y", "0.1").words


def test_courses_of_a_drug_are_added_up_and_edss_runs_from_the_first_to_the_last():
    frame = pd.DataFrame(
        {
            "patient": ["A"] * 3,
            "treatment": ["x", "y", "x"],
            "period": [3, 2, 1],
            "relapses": [1, 0, 2],
            "exposure_days": [100, 200, 265.25],
            "edss_start": [4.0, 3.5, 3.0],
            "edss_end": [5.0, 4.0, 3.5],
            "reported_arr": [3.7, 0.0, 2.8],
        }
    )
    cohort = Cohort.from_frame(frame)
    assert one(cohort, "arr", "A", "x", "3.0").verdict == "agrees"
    assert one(cohort, "relapses", "A", None, "3").verdict == "agrees"
    assert one(cohort, "edss_change", "A", "x", "2.0").verdict == "agrees"
    found = audit.audited(cohort).findings  # the ARR of one of two courses is not told from the sum
    assert [(one.treatment, one.verdict) for one in found] == [("y", "agrees")]


def test_the_column_of_reported_rates_is_audited_without_any_further_table():
    cohort = Cohort.from_frame(load_example().to_frame().assign(reported_arr=[2.3, 0.6, 3.0, 0.0, 3.0, 1.5]))
    found = audit.audited(cohort)
    assert {name: count for name, count in found.counts.items() if count} == {"disagrees": 1, "agrees": 5}
    (wrong,) = found.of("disagrees")
    assert (wrong.patient, wrong.printed, wrong.place) == ("3", "1.5", "period table, column reported_arr")
    # the published table has the last word: the same ARR is not audited twice
    assert len(audited(cohort, ("arr", "3", "tocilizumab", "1.3"))) == 6


def test_nothing_printed_is_no_audit():
    assert audit.audited(load_example("thall_vail1990")) is None
    assert load_example().where(sex="F").published is None


def test_rows_as_frame_and_as_dictionary(example):
    frame = example.to_frame()
    assert len(frame) == 188
    assert frame["verdict"].value_counts().to_dict() == {
        name: count for name, count in example.counts.items() if count
    }
    content = example.to_dict()
    assert {"quantity", "patient", "treatment", "published", "recomputed", "verdict"} <= set(
        content["rows"][0]
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        example.findings[0].verdict = "agrees"


def test_the_vocabulary_names_every_formula_once():
    table = audit.vocabulary()
    assert table["quantity"].is_unique
    assert (table["formula"] != "").all()
    readme = (data_folder() / "ayzenberg2013" / "README.md").read_text(encoding="utf-8")
    assert "122 agree with the other files of this folder, 4 do not follow" in " ".join(readme.split())
    for name in ("prior_arr", "arr", "edss_change", "prior_relapses"):
        assert name in set(table["quantity"])
        assert f"`{name}`" in readme


# Tables that break the rules


def problems(cohort, frame):
    with pytest.raises(CohortError) as raised:
        cohort.with_published(frame)
    return [str(problem) for problem in raised.value.problems]


def test_all_problems_of_a_table_of_printed_numbers_are_raised_together(example_cohort, tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(
        "quantity,patient,treatment,value,decimals,place\n"
        "arr,1,rituximab,2.3,1,table\n"
        "arr,1,rituximab,\"2,3\",1,table\n"
        ",1,rituximab,2.3,1,table\n"
        "arr,1,rituximab,2.3,x,table\n"
        "arr,1,rituximab,,1,table\n"
        "arr,1,rituximab,2.3,-1,table\n"
        "arr,1,rituximab\n",
        encoding="utf-8",
    )  # fmt: skip
    found = problems(example_cohort, path)
    assert len(found) == 6
    for text in (
        "row 3, patient '1', column 'value': '2,3'. Expected: a printed number",
        "row 4, patient '1', column 'quantity': empty. Expected: text, not empty",
        "row 5, patient '1', column 'decimals': 'x'. Expected: the number of decimals printed",
        "row 6, patient '1', column 'value': empty",
        "row 7, patient '1', column 'decimals': '-1'",
        "row 8: 3 cells. Expected: a row has as many cells as the header (6)",
    ):
        assert any(text in problem for problem in found), (text, found)


def test_unknown_names_repeated_rows_and_other_decimals_are_problems(example_cohort):
    frame = printed(
        ("arr", "9", "rituximab", "2.3"),
        ("arr", "1", "Rituximab", "2.3"),
        ("arr", "1", "rituximab", "2.3"),
        ("arr", "1", "rituximab", "2.3"),
        ("arr", "2", "rituximab", "3.00"),
        ("prior_therapy_1_relapses", "1", "any other drug", "3"),
    )
    frame.loc[4, "decimals"] = 1
    found = problems(example_cohort, frame)
    assert len(found) == 4
    for text in (
        "row 1, patient '9', column 'patient': '9'. Expected: a patient of the period table",
        "row 2, patient '1', column 'treatment': 'Rituximab'",
        "Did you mean 'rituximab'?",
        "row 4, patient '1', column 'quantity': 'arr' again",
        "first in row 3",
        "row 5, patient '2', column 'value': '3.00'",
        "rite it with 1",
    ):
        assert any(text in problem for problem in found), (text, found)


def test_problems_of_cells_names_and_decimals_are_raised_together(example_cohort):
    frame = printed(
        ("arr", "1", "rituximab", "<2.3"),
        ("arr", "9", "rituximab", "2.3"),
        ("arr", "2", "Rituximab", "3.0"),
        ("arr", "2", "rituximab", "3.00"),
        ("", "9", "placebo", "1"),
        ("arr", "3", "rituximab", "3.0"),
        ("arr", "3", "rituximab", "3.0"),
    )
    frame.loc[3, "decimals"] = 1
    found = problems(example_cohort, frame)
    assert [text.partition("'; ")[0].partition(": ")[0] for text in found] == [
        "row 1, patient '1', column 'value'",
        "row 2, patient '9', column 'patient'",
        "row 3, patient '2', column 'treatment'",
        "row 4, patient '2', column 'value'",
        "row 5, patient '9', column 'quantity'",
        "row 5, patient '9', column 'patient'",
        "row 7, patient '3', column 'quantity'",
    ]


def test_a_number_cell_need_not_show_its_zeros(example_cohort):
    rows = pd.DataFrame([("arr", "2", "rituximab", 3.0, 1, "table")], columns=COLUMNS)
    assert audit.audited(example_cohort.with_published(rows)).findings[0].printed == "3.0"
    assert "column 'value': 3.05" in problems(example_cohort, rows.assign(value=3.05))[0]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(example_cohort, column):
    frame = printed(("arr", "1", "rituximab", "2.3")).rename(columns={column: f"{column}s"})
    found = problems(example_cohort, frame)
    assert found == [
        f"column '{column}': missing. Expected: the table has a column '{column}'. Did you mean '{column}s'?"
    ]


def test_a_table_without_rows_is_a_problem(example_cohort):
    assert "header only" in problems(example_cohort, printed())[0]


def test_facts_about_unknown_or_repeated_patients_are_problems(example_cohort):
    with pytest.raises(CohortError) as raised:
        audit.record(example_cohort, pd.DataFrame({"patient": ["1", "1", "7"], "age_years": [40, 40, 30]}))
    text = str(raised.value)
    assert "'1' again. Expected: the table has one row per patient" in text
    assert "row 3, patient '7', column 'patient': '7'. Expected: a patient of the period table" in text
    with pytest.raises(CohortError, match="the table has a column 'patient'"):
        audit.record(example_cohort, pd.DataFrame({"id": ["1"]}))


def test_the_period_table_has_the_last_word_over_facts_about_patients(example_cohort):
    facts = pd.DataFrame(
        {"patient": ["1"], "rituximab_months": [30], "rituximab_cycles": [3], "reported_x": [1]}
    )
    known = audit.record(example_cohort, facts)
    assert known.fact("exposure_months", "1", "rituximab").span.value == 32
    assert known.fact("cycles", "1", "rituximab").span.value == 3
    assert known.fact("x", "1") is None


cells = st.one_of(
    st.text(max_size=6),
    st.floats(),
    st.integers(-3, 30),
    st.none(),
    st.sampled_from(["1", "rituximab", "arr", "2.3"]),
)


@given(st.lists(st.tuples(*[cells] * 6), max_size=4))
def test_any_table_is_read_or_refused_with_its_problems(example_cohort, rows):
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype="object")
    try:
        cohort = example_cohort.with_published(frame)
    except CohortError as error:
        assert all(problem.rule and problem.remedy for problem in error.problems)  # noqa: PT017
    else:
        found = audit.audited(cohort)
        assert all(one.words for one in found.findings)


def test_scores_of_a_last_course_that_are_missing_are_not_taken_from_an_earlier_one():
    frame = pd.DataFrame(
        {
            "patient": ["A", "A"], "treatment": ["x", "x"], "period": [1, 2], "relapses": [1, 1],
            "exposure_days": [100, 100], "edss_start": [3.0, 4.0], "edss_end": [4.0, np.nan],
            "ongoing": ["no", None],
        }
    )  # fmt: skip
    found = audited(
        Cohort.from_frame(frame), ("edss_end", "A", "x", "4.0"), ("patients_ongoing", None, "x", "0")
    )
    assert [one.verdict for one in found] == ["not_recomputable"] * 2


def test_the_arithmetic_does_not_depend_on_the_decimal_context_of_the_caller():
    with localcontext(Context(prec=3)):
        found = audit.audited(load_example())
    assert found.to_dict() == audit.audited(load_example()).to_dict()


def test_a_large_paper_takes_no_longer_than_a_coffee():
    """500 patients and 3,000 printed numbers; a bound on the work, generous to slow machines."""
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "patient": np.repeat([f"P{number}" for number in range(500)], 2),
            "treatment": ["x", "y"] * 500,
            "relapses": generator.poisson(1.5, 1000),
            "exposure_days": generator.integers(100, 3000, 1000),
        }
    )
    rows = [
        (quantity, patient, drug, "1.0")
        for quantity in ("arr", "relapses", "exposure_years")
        for patient, drug in zip(frame["patient"], frame["treatment"], strict=True)
    ]
    rows += [(f"arr_{name}", None, drug, "1.0") for name in ("mean", "median", "pooled") for drug in "xy"]
    assert len(audited(Cohort.from_frame(frame), *rows)) == 3006


# Totals and single patients


@pytest.fixture
def alike():
    """Three patients with the same numbers on one drug, 2 relapses in 12 months each."""
    frame = pd.DataFrame(
        {
            "patient": ["A", "A", "B", "B", "C", "C"],
            "treatment": ["old", "new"] * 3,
            "relapses": [2, 0, 2, 1, 2, 0],
            "exposure_months": [12, 12, 12, 24, 12, 24],
        }
    )
    return Cohort.from_frame(frame)


@pytest.mark.parametrize(
    ("quantity", "text", "words"),
    [
        ("relapses", "6", "sum of the individual numbers (2, 2, 2) = 6"),
        ("relapses", "2", "the same in all 3 patients = 2"),
        ("exposure_months", "36", "sum of the individual numbers (12, 12, 12) = 36 (34.5 to 37.5)"),
        ("exposure_months", "12", "the same in all 3 patients = 12 (11.5 to 12.5)"),
        ("exposure_years", "3", "sum of the individual numbers (1, 1, 1) = 3 (2.875 to 3.125)"),
    ],
)
def test_a_number_of_the_series_agrees_as_a_total_and_as_that_of_each_patient(alike, quantity, text, words):
    found = one(alike, quantity, None, "old", text)
    assert (found.verdict, found.words) == ("agrees", words)


def test_a_number_that_is_neither_the_total_nor_that_of_each_patient_disagrees_with_both(alike):
    found = one(alike, "relapses", None, "old", "5")
    assert (found.verdict, found.recomputed) == ("disagrees", 6)
    assert (
        found.words == "the same in all 3 patients = 2; in total, sum of the individual numbers (2, 2, 2) = 6"
    )
    # the total of the other drug, and a number that may be any summary of 0, 1, 0
    total_, open_ = audited(alike, ("relapses", None, "new", "1"), ("relapses", None, "new", "0"))
    assert total_.verdict == "agrees"
    assert (open_.verdict, open_.recomputed) == ("not_recomputable", None)
    assert open_.words == (
        "per patient or in total? relapses_total, relapses_mean and relapses_median say which; "
        "the total is 1, and it differs between patients (0, 1, 0)"
    )


def test_a_total_and_a_number_per_patient_do_not_contradict_each_other(alike):
    rows = printed(("relapses", None, "new", "1"), ("relapses", None, "new", "0"))
    found = audit.audited(alike.with_published(rows.assign(place=["text", "table"]))).findings
    assert [one.verdict for one in found] == ["agrees", "not_recomputable"]


def test_one_relapse_is_not_counted_in_the_plural(alike):
    found = one(alike, "rate_ratio", None, "new", "0.10")
    assert "1 relapse / 60 months" in found.words
    assert "6 relapses / 36 months" in found.words


# The time to the first relapse


def dated(*rows):
    """Patients on one drug: (first relapse or None, further relapses, end), in days."""
    treatments = pd.DataFrame(
        [(f"P{number}", "x", 0, end) for number, (_, _, end) in enumerate(rows)],
        columns=["patient", "treatment", "start", "end"],
    )
    relapses = pd.DataFrame(
        [
            (f"P{number}", onset)
            for number, (first, further, _) in enumerate(rows)
            if first is not None
            for onset in (first, *further)
        ],
        columns=["patient", "onset"],
    )
    return read_events(treatments, relapses)


def test_the_median_time_to_the_first_relapse_censors_patients_without_one():
    # 100 of 3, then the one who left at 150 without a relapse, then 400 of 1: the share is 2/3, then 0 at 400
    cohort = dated((100, (200,), 500), (None, (), 150), (400, (), 600))
    found = one(cohort, "first_relapse_days_median", None, "x", "400")
    assert (found.verdict, found.words) == (
        "agrees",
        "Kaplan-Meier median of the times to the first relapse "
        "(100, 400 days, 1 without a relapse and censored) = 400",
    )
    assert describe.first_relapse(cohort).curves["x"].median * 365.25 == pytest.approx(400)
    relapsed_only = one(cohort, "first_relapse_days_median", None, "x", "250")
    assert (relapsed_only.verdict, relapsed_only.recomputed) == ("agrees_by_another_formula", 400)
    assert relapsed_only.formula == "median_of_relapsed"
    assert (
        relapsed_only.other
        == "median of the times to the first relapse of the patients with one (100, 400 days) = 250"
    )
    assert one(cohort, "first_relapse_days_min", None, "x", "100").words == (
        "smallest of the individual numbers (100, 400, 1 without a relapse) = 100"
    )
    in_months = one(cohort, "first_relapse_months_median", None, "x", "13.1")  # 400 / 30.4375
    assert in_months.verdict == "agrees"


def test_a_median_that_is_not_reached_is_no_number():
    cohort = dated((100, (), 500), (None, (), 800), (None, (), 600))
    found = one(cohort, "first_relapse_days_median", None, "x", "500")
    assert (found.verdict, found.words) == (
        "not_recomputable",
        "the Kaplan-Meier median is not reached: 2 of 3 patients had no relapse",
    )
    relapsed_only = one(cohort, "first_relapse_days_median", None, "x", "100")
    assert (relapsed_only.verdict, relapsed_only.formula) == (
        "agrees_by_another_formula",
        "median_of_relapsed",
    )
    assert (relapsed_only.recomputed, relapsed_only.words) == (None, found.words)


def test_the_median_time_of_the_founding_paper_is_that_of_describe():
    cohort = load_example()
    # 18, 40 and 137 days; 3 and 4 months of two patients, the third is censored at 18 months
    found = audited(
        cohort,
        ("first_relapse_days_median", None, "rituximab", "40"),
        ("first_relapse_months_median", None, "tocilizumab", "4"),
        ("first_relapse_months_median", None, "tocilizumab", "3.5"),
    )
    assert [one.verdict for one in found[:3]] == ["agrees", "agrees", "agrees_within_rounding"]
    curves = describe.first_relapse(cohort).curves
    assert found[0].recomputed == pytest.approx(365.25 * curves["rituximab"].median)
    assert (found[1].recomputed, found[1].low, found[1].high) == pytest.approx((4, 3.5, 4.5))
    assert found[1].recomputed == pytest.approx(12 * curves["tocilizumab"].median)


def test_a_first_relapse_without_a_time_leaves_the_median_open():
    cohort = dated((100, (), 500), (300, (), 400))
    untimed = dataclasses.replace(cohort, relapse_times=cohort.relapse_times.iloc[:1])
    found = one(untimed, "first_relapse_days_median", None, "x", "100")
    assert found.words == "the time of the first relapse is known for 1 of 2 patients with one"
    assert found.verdict == "not_recomputable"  # nor by the median of the one that is known
    # a time that is that of a later relapse is not taken for the first one
    later = dated((100, (300,), 500))
    known = later.relapse_times.assign(number=[0, 2]).iloc[1:]
    assert one(
        dataclasses.replace(later, relapse_times=known), "first_relapse_days", "P0", "x", "300"
    ).verdict == ("not_recomputable")


def test_a_change_that_agrees_in_size_alone_is_told_apart(paper):
    rows = printed(*[("edss_change", "A", "satralizumab", text) for text in ("1.0", "-1.0", "1.5", "0.0")])
    found = audit.audited(paper.with_published(rows))
    in_size, signed, other, none = found.findings
    assert (in_size.verdict, in_size.recomputed, in_size.is_without_sign) == ("agrees", -1, True)
    assert in_size.words == "3 − 4 = −1; they agree in size, and the data show a decrease"
    assert (signed.verdict, signed.words, signed.is_without_sign) == ("agrees", "3 − 4 = −1", False)
    assert [(one.verdict, one.is_without_sign) for one in (other, none)] == [("disagrees", False)] * 2
    assert found.without_sign == (in_size,)
    assert "2 agree with the data (1 of them in size only: the data show a decrease)" in audit.summary(found)
    assert audit.by_quantity(found) == {"edss_change": (1, 0)}


def test_an_increase_that_is_printed_without_sign_is_plain_agreement(example):
    assert example.without_sign == ()
    assert "size" not in audit.summary(example)


# The decimals of the data


def test_each_time_is_rounded_to_its_own_decimals(tmp_path):
    path = tmp_path / "periods.csv"
    path.write_text(
        "patient,treatment,relapses,exposure_years,reported_arr,age_years\n"
        "A,x,2,2.7,0.7,31\nB,x,1,0.67,1.49,40.0\nC,x,4,2.0,2,28.5\nD,x,1,2,0.50,50\n",
        encoding="utf-8",
    )
    cohort = read_periods(path)
    known = audit.record(cohort)
    spans = [known.fact("exposure_years", patient, "x").span for patient in "ABCD"]
    assert [(str(span.low), str(span.high)) for span in spans] == [
        ("2.65", "2.75"), ("0.665", "0.675"), ("1.95", "2.05"), ("1.5", "2.5"),
    ]  # fmt: skip
    assert [str(known.fact("age_years", patient).span.high) for patient in "ABC"] == [
        "31.5",
        "40.05",
        "28.55",
    ]
    assert [one.printed for one in audit.audited(cohort).findings] == ["0.7", "1.49", "2", "0.50"]
    # a part of the cohort keeps its digits
    part = audit.record(cohort.where(patient="C"))
    assert str(part.fact("exposure_years", "C", "x").span.high) == "2.05"


def test_a_number_without_its_zeros_is_read_with_the_fewest_decimals(tmp_path):
    frame = pd.DataFrame(
        {"patient": ["A", "B"], "treatment": "x", "relapses": [4, 1], "exposure_years": [2.0, 0.67]}
    )
    path = tmp_path / "periods.xlsx"
    frame.to_excel(path, index=False)
    for cohort in (Cohort.from_frame(frame), read_periods(path)):
        span = audit.record(cohort).fact("exposure_years", "A", "x").span
        assert (str(span.low), str(span.high)) == ("1.5", "2.5")
        assert audit.record(cohort).fact("exposure_years", "B", "x").span.high == Decimal("0.675")


def test_whole_numbers_that_a_program_wrote_as_floats_are_whole(tmp_path, example_cohort):
    path = tmp_path / "periods.csv"
    example_cohort.to_frame().to_csv(path, index=False)
    assert ",32.0," in path.read_text(encoding="utf-8")
    assert str(audit.record(read_periods(path)).fact("exposure_months", "1", "rituximab").span.low) == "31.5"


def test_the_digits_follow_their_rows_when_the_periods_are_not_in_order(tmp_path):
    path = tmp_path / "periods.csv"
    path.write_text(
        "patient,treatment,period,relapses,exposure_years\nA,y,2,1,2.00\nA,x,1,2,3\n", encoding="utf-8"
    )
    known = audit.record(read_periods(path))
    assert [str(known.fact("exposure_years", "A", drug).span.high) for drug in "xy"] == ["3.5", "2.005"]


def test_facts_about_patients_keep_their_own_decimals(example_cohort):
    facts = pd.DataFrame({"patient": ["1", "2"], "washout_months": ["2.0", "3"]})
    known = audit.record(example_cohort, facts)
    assert [str(known.fact("washout_months", patient).span.high) for patient in "12"] == ["2.05", "3.5"]
