"""The formulas that papers use beside the usual one: each against R, and named where it gives the number."""

import pandas as pd
import pytest

from nmo_stats import audit, load_example
from nmo_stats.audit import methods
from nmo_stats.audit.findings import COARSE
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.errors import NotIdentifiedError

COLUMNS = ("quantity", "patient", "treatment", "value", "decimals", "place")
NEW, OLD = "tocilizumab", "rituximab"

# 2 relapses in 48 months against 9 in 44
PAIR = Comparison.from_arrays([[9, 2]], [[44 / 12, 48 / 12]])
NONE_ON_COMPARATOR = Comparison.from_arrays([[9, 0]], [[44 / 12, 48 / 12]])
NONE_ON_REFERENCE = Comparison.from_arrays([[0, 2]], [[44 / 12, 48 / 12]])
# rates 2.25, 3, 3, 1, 2.5, 0.5 and 4/7, 0, 4/3, 1, 3, 0: a zero difference
PATIENTS = Comparison.from_arrays(
    [[9, 4], [3, 0], [3, 4], [1, 1], [5, 3], [1, 0]], [[4, 7], [1, 1], [1, 3], [1, 1], [2, 1], [2, 1]]
)


def findings(cohort, *rows):
    frame = pd.DataFrame(
        [
            (quantity, patient, treatment, text, len(text.partition(".")[2]), "table")
            for quantity, patient, treatment, text in rows
        ],
        columns=COLUMNS,
    )
    return audit.audited(cohort.with_published(frame)).findings[: len(rows)]


def finding(cohort, *row):
    return findings(cohort, row)[0]


# Against R 4.2.2, options(digits = 12)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        # poisson.test(c(2, 9), c(48, 44))$conf.int
        (methods.RATIO_LIMITS["exact_limit"], (0.021417587632, 0.984168566177)),
        # exp(log(2/9/(48/44)) + c(-1, 1) * qnorm(.975) * sqrt(1/2 + 1/9))
        (methods.RATIO_LIMITS["log_wald"], (0.0440133139647, 0.942787424184)),
        # l <- function(b) dbinom(2, 11, exp(b)*d/(1 + exp(b)*d), log = TRUE), d = 48/44 dv <- function(b) 2 *
        # (l(log(2/9/d)) - l(b)) - qchisq(.95, 1); exp(uniroot(dv, ...)$root) on both sides
        (methods.RATIO_LIMITS["profile_likelihood"], (0.0310586525035, 0.790447456863)),
        # w <- prop.test(2, 11, correct = FALSE)$conf.int; w / (1 - w) / (48/44)
        (methods.RATIO_LIMITS["score"], (0.0496367754133, 0.835976925517)),
        # uniroot of 1 - pbinom(2, 11, p) + dbinom(2, 11, p)/2 - .025, and pbinom(1, 11, p) + dbinom(2, 11,
        # p)/2 - .025
        (methods.RATIO_LIMITS["mid_p"], (0.0299965089503, 0.855287751788)),
    ],
)
def test_limits_of_a_ratio(limits, expected):
    assert limits(PAIR) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [
        (
            methods.RATIO_P_VALUES["minimum_likelihood"],
            0.0321354883471,
        ),  # poisson.test(c(2, 9), c(48, 44))$p.value
        # coef(summary(glm(c(9, 2) ~ c(0, 1) + offset(log(c(44, 48))), family = poisson)))[2, 4]; its
        # iterations end early: statsmodels test_poisson_2indep(2, 48, 9, 44, method="wald-log",
        # compare="ratio").pvalue is 0.041817921031395
        (methods.RATIO_P_VALUES["log_wald"], 0.041817921031395),
        (methods.RATIO_P_VALUES["profile_likelihood"], 0.0195899980061),  # anova(g0, g, test = "LRT")[2, 5]
        (
            methods.RATIO_P_VALUES["score"],
            0.0240134060298,
        ),  # prop.test(2, 11, p = 48/92, correct = FALSE)$p.value
        (
            methods.RATIO_P_VALUES["mid_p"],
            0.0273853714573,
        ),  # 2 * (pbinom(1, 11, 48/92) + dbinom(2, 11, 48/92) / 2)
        (
            methods.RATIO_P_VALUES["one_sided"],
            0.0234926198486,
        ),  # poisson.test(..., alternative = "less")$p.value
    ],
)
def test_p_values_of_a_ratio(p_value, expected):
    assert p_value(PAIR) == pytest.approx(expected, rel=1e-10)


def test_half_a_relapse_is_added_only_to_a_zero_cell():
    # x <- .5; r <- 9.5; x/r/(48/44); exp(log(x/r/(48/44)) + c(-1, 1) * qnorm(.975) * sqrt(1/x + 1/r))
    assert methods.haldane_ratio(NONE_ON_COMPARATOR) == pytest.approx(0.0482456140351)
    expected = (0.00280804996306, 0.828916616245)
    assert methods.RATIO_LIMITS["haldane"](NONE_ON_COMPARATOR) == pytest.approx(expected)
    for pair in (PAIR, Comparison.from_arrays([[0, 0]], [[1, 1]])):
        with pytest.raises(NotIdentifiedError):
            methods.haldane_ratio(pair)


def test_score_limits_are_those_of_no_relapse_where_a_period_has_none():
    low, high = methods.RATIO_LIMITS["score"](NONE_ON_COMPARATOR)
    # w <- prop.test(0, 9, correct = FALSE)$conf.int; w / (1 - w) / (48/44)
    assert (low, high) == (0, pytest.approx(0.3912596947, rel=1e-9))
    assert methods.RATIO_LIMITS["score"](NONE_ON_REFERENCE)[1] == float("inf")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (methods.garwood, (1.1223744811, 4.65949185039)),  # poisson.test(9, 44/12)$conf.int
        (methods.wald, (0.850938558104, 4.05815235099)),  # (9 + c(-1, 1) * qnorm(.975) * 3) / (44/12)
        (
            methods.log_wald,
            (1.27713624781, 4.71742415795),
        ),  # 9 * exp(c(-1, 1) * qnorm(.975) / 3) / (44/12)
        # statsmodels confint_poisson(9, 44/12, method="midp-c")
        (methods.mid_p, (1.1970186616, 4.5044796733)),
        # 9 * (1 - 1/81 - z/9)^3 / (44/12), 10 * (1 - 1/90 + z/(3*sqrt(10)))^3 / (44/12), z = qnorm(.975)
        (methods.byar, (1.120059552, 4.6597583696)),
    ],
)
def test_limits_of_a_rate(limits, expected):
    assert tuple(limit / (44 / 12) for limit in limits(9)) == pytest.approx(expected, rel=1e-7)


def test_limits_of_a_rate_without_relapses():
    # -log(.025), -log(.05)
    assert methods.garwood(0) == (0, pytest.approx(3.68887945411))
    assert methods.mid_p(0) == (0, pytest.approx(2.99573227355))
    for limits in (methods.wald, methods.log_wald, methods.truncated_wald):
        with pytest.raises(NotIdentifiedError):
            limits(0)
    # 2 + c(-1, 1) * qnorm(.975) * sqrt(2)
    assert methods.wald(2) == pytest.approx((-0.771807648699, 4.7718076487))
    assert methods.truncated_wald(2) == (0, pytest.approx(4.7718076487))
    with pytest.raises(NotIdentifiedError):
        methods.truncated_wald(9)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # a <- c(2.25, 3, 3, 1, 2.5, .5); b <- c(4/7, 0, 4/3, 1, 3, 0)
        # wilcox.test(a, b, paired = TRUE, exact = FALSE, correct = FALSE)$p.value
        ("normal_approximation", 0.104059234529),
        # wilcox.test(a, b, paired = TRUE, exact = FALSE, correct = TRUE)$p.value
        ("normal_approximation_corrected", 0.136216869845),
        # d <- b - a; r <- rank(abs(d))[d != 0]; s <- sign(d[d != 0]); 2 * pnorm(-abs(sum(s*r) /
        # sqrt(sum(r^2))))
        ("pratt", 0.112841592362),
        ("sign_test", 0.375),  # binom.test(1, 5)$p.value
        ("paired_t", 0.101894661784),  # t.test(a, b, paired = TRUE)$p.value
    ],
)
def test_p_values_of_pairs(code, expected):
    assert methods.PAIRED_P_VALUES[code](PATIENTS) == pytest.approx(expected, rel=1e-9)


# What the audit says


@pytest.mark.parametrize(
    ("quantity", "drug", "text", "formula"),
    [
        ("rate_ratio_low", NEW, "0.0440", "log_wald"),
        ("rate_ratio_low", NEW, "0.0311", "profile_likelihood"),
        ("rate_ratio_low", NEW, "0.0496", "score"),
        ("rate_ratio_low", NEW, "0.0300", "mid_p"),
        ("rate_ratio_high", NEW, "0.836", "score"),
        ("rate_ratio_high", NEW, "0.790", "profile_likelihood"),
        ("rate_ratio_p_value", NEW, "0.0321", "minimum_likelihood"),
        ("rate_ratio_p_value", NEW, "0.0274", "mid_p"),
        ("rate_ratio_p_value", NEW, "0.0196", "profile_likelihood"),
        ("rate_ratio_p_value", NEW, "0.0235", "one_sided"),
        ("arr_pooled_low", OLD, "0.85", "wald"),
        ("arr_pooled_low", OLD, "1.277", "log_wald"),
        ("arr_pooled_low", OLD, "1.20", "mid_p"),
        ("arr_pooled_high", OLD, "3.83", "student_t"),
        ("arr_pooled_low", NEW, "-0.19", "wald"),
        ("arr_pooled_low", NEW, "0.00", "wald_truncated"),
        ("arr_mean_high", OLD, "4.66", "garwood"),
        ("arr_pooled", OLD, "2.75", "arr_mean"),
        ("arr_pooled", OLD, "3.0", "arr_median"),
        ("arr_mean", OLD, "2.45", "arr_pooled"),
        ("edss_start_sd", OLD, "1.08", "population_sd"),  # sd(c(5, 4.5, 7)) * sqrt(2/3)
        ("edss_start_q1", OLD, "4.5", "quartile_type_6"),
        ("wilcoxon_p_value", NEW, "0.109", "normal_approximation"),
        ("wilcoxon_p_value", NEW, "0.181", "normal_approximation_corrected"),
        ("wilcoxon_p_value", NEW, "0.125", "one_sided"),
        ("wilcoxon_p_value", NEW, "0.0411", "paired_t"),
    ],
)
def test_the_formula_that_gives_the_printed_number_is_named(quantity, drug, text, formula):
    row = finding(load_example(), quantity, None, drug, text)
    assert (row.verdict, row.formula) == ("agrees_by_another_formula", formula)
    assert row.usual_formula not in (None, formula)
    assert row.formulas_tried > 1
    assert row.recomputed is not None
    sentence = audit.sentence(row)
    assert audit.FORMULA_NAMES[formula] in sentence
    assert audit.FORMULA_NAMES[row.usual_formula] in sentence
    assert "disagree" not in sentence


def test_the_usual_formula_comes_first():
    for quantity, drug, text in [
        ("rate_ratio_low", NEW, "0.0214"), ("rate_ratio_p_value", NEW, "0.047"),
        ("arr_pooled_low", OLD, "1.12"),
        ("arr_mean_low", OLD, "1.67"), ("edss_start_sd", OLD, "1.32"), ("edss_start_q1", OLD, "4.75"),
        ("wilcoxon_p_value", NEW, "0.25"),
    ]:  # fmt: skip
        row = finding(load_example(), quantity, None, drug, text)
        assert (row.verdict, row.formula, row.formulas_tried) == ("agrees", None, 1)


def test_limits_of_a_patient_and_of_a_series_that_is_not_named():
    cohort = load_example()
    # poisson.test(6, 32/12)$conf.int: 0.8257; poisson.test(0, 18/12): 0 to 2.459
    assert finding(cohort, "arr_low", "1", OLD, "0.83").verdict == "agrees"
    rows = [("arr_low", "2", NEW, "0"), ("arr_high", "2", NEW, "2.46")]
    assert [finding(cohort, *row).verdict for row in rows] == ["agrees", "agrees"]
    unnamed = finding(cohort, "arr_low", None, OLD, "0.85")
    assert unnamed.verdict == "not_recomputable"
    assert "arr_pooled_low or arr_mean_low" in unnamed.words


def test_formulas_that_a_number_does_not_tell_apart_are_all_named():
    row = finding(load_example(), "edss_start_q1", None, OLD, "4.5")
    assert (row.formula, row.also_agreeing) == ("quartile_type_6", ("quartile_type_2",))
    assert audit.FORMULA_NAMES["quartile_type_2"] in audit.sentence(row)


def test_agreement_with_few_decimals_among_many_formulas_is_coarse():
    cohort = load_example()
    fine, rough = (finding(cohort, "wilcoxon_p_value", None, NEW, text) for text in ("0.109", "0.1"))
    assert (fine.is_coarse, rough.is_coarse) == (False, True)
    assert fine.chance < COARSE < rough.chance
    assert "coarse" not in audit.sentence(fine)
    assert "coarse" in audit.sentence(rough)
    assert fine.formulas_tried == rough.formulas_tried == 6


def test_a_number_that_no_formula_gives_disagrees_with_the_count_of_those_tried():
    row = finding(load_example(), "rate_ratio_low", None, NEW, "0.5")
    assert (row.verdict, row.formula, row.formulas_tried, row.chance) == ("disagrees", None, 5, None)
    assert "None of the 5 formulas tried" in audit.sentence(row)


def test_another_formula_on_other_numbers_of_the_paper_is_no_agreement():
    row = next(one for one in audit.audited(load_example()).of("disagrees"))
    assert (row.quantity, row.formula) == ("prior_arr", None)
    assert "reproduced" in row.other


def test_at_a_zero_cell_half_a_relapse_may_have_been_added():
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": [9, 0], "exposure_days": [1339.25, 1461]}
    )
    cohort = Cohort.from_frame(frame)
    rows = findings(
        cohort,
        ("rate_ratio", None, "y", "0.00"), ("rate_ratio", None, "y", "0.0482"),
        ("rate_ratio_low", None, "y", "0.0028"),
        ("rate_ratio_high", None, "y", "0.829"), ("rate_ratio", None, "x", "3.0"),
        ("rate_ratio_high", None, "x", "99"),
        ("rate_ratio_p_value", None, "y", "0.003"),
    )  # fmt: skip
    assert [row.verdict for row in rows] == [
        "agrees",
        *["agrees_by_another_formula"] * 3,
        *["not_recomputable"] * 2,
        rows[-1].verdict,
    ]
    assert {row.formula for row in rows[1:4]} == {"haldane"}
    assert all(row.recomputed is None and row.words for row in rows[4:6])


def test_no_relapse_at_all_leaves_ratios_without_a_verdict():
    frame = pd.DataFrame(
        {"patient": ["A", "A"], "treatment": ["x", "y"], "relapses": 0, "exposure_months": [10, 20]}
    )
    cohort = Cohort.from_frame(frame)
    quantities = (
        "rate_ratio",
        "rate_ratio_low",
        "rate_ratio_high",
        "rate_ratio_p_value",
        "wilcoxon_p_value",
        "arr_reduction_percent",
    )
    for quantity in quantities:
        row = finding(cohort, quantity, None, "y", "1.0")
        assert (row.verdict, row.recomputed) == ("not_recomputable", None)
        assert row.words
    assert finding(cohort, "arr_pooled_high", None, "x", "4.43").verdict == "agrees"  # 3.689 / (10 / 12)
    one_patient = finding(cohort, "arr_mean_low", None, "x", "0.5")
    assert one_patient.verdict == "not_recomputable"


def test_a_zero_difference_counts_in_pratts_test_alone():
    frame = pd.DataFrame(
        [
            (f"P{row}", drug, int(relapses), years * 365.25)
            for row, (counts, times) in enumerate(zip(PATIENTS.relapses, PATIENTS.years, strict=True))
            for drug, relapses, years in zip(("old", "new"), counts, times, strict=True)
        ],
        columns=["patient", "treatment", "relapses", "exposure_days"],
    )
    row = finding(Cohort.from_frame(frame), "wilcoxon_p_value", None, "new", "0.1128")
    assert (row.verdict, row.formula) == ("agrees_by_another_formula", "pratt")
    assert finding(load_example(), "wilcoxon_p_value", None, NEW, "0.1128").verdict == "disagrees"


def test_within_rounding_counts_the_range_of_each_result_towards_chance():
    row = finding(load_example(), "rate_ratio_low", None, NEW, "0.043")
    assert (row.verdict, row.formula) == ("agrees_by_another_formula", "log_wald")
    assert row.recomputed < row.high < 0.0425  # the usual formula does not give it, whatever the rounding
    assert "within the rounding" in row.other
    assert row.chance > COARSE
