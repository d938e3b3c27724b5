"""Figures: what they draw of a result, with no test of pixels."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from relapse_courses import cohort_with_times, simulated

from nmo_stats import describe, figures, sensitivity
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.estimate import Interval, RateRatio
from nmo_stats.figures.forest import rows
from nmo_stats.figures.sensitivity import lines
from nmo_stats.figures.style import _ticks, styled
from nmo_stats.figures.timeline import timeline_height
from nmo_stats.simulate import FixedWindows, GammaRates


@pytest.fixture
def axes():
    with figures.styled():
        yield Figure(figsize=(6, 3)).subplots()


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def ratio(estimate, low, high, *, kind="confidence"):
    return RateRatio(estimate, Interval(low, high, 0.95, kind), "pooled_exact", "pooled")


def test_every_figure_returns_its_axes(example_fit, example_pair, example_cohort):
    paints = (
        lambda axes: figures.timeline(example_pair, axes),
        lambda axes: figures.patient_ratios(example_fit, axes),
        lambda axes: figures.predictive(example_fit, axes),
        lambda axes: figures.prior_posterior(example_fit, "log_rate_ratio", axes),
        lambda axes: figures.ranks(example_fit, "sd_rate", axes),
        lambda axes: figures.edss_slopes(describe.edss(example_cohort), ("rituximab", "tocilizumab"), axes),
    )
    with figures.styled():
        for paint in paints:
            axes = Figure().subplots()
            assert paint(axes) is axes
            assert axes.lines or axes.patches


def test_the_timeline_draws_known_relapses_in_their_place_and_counts_the_others(axes, example_pair):
    figures.timeline(example_pair, axes)
    widths = sorted(round(bar.get_width()) for bar in axes.patches)
    assert widths == [-32, -8, -4, 9, 18, 21]
    (dots,) = [line for line in axes.lines if line.get_marker() == "o"]
    places = sorted(zip(dots.get_ydata(), dots.get_xdata(), strict=True))
    month = 365.25 / 12
    assert [row for row, _ in places] == [0, 0, 1, 2, 2]
    assert [place for _, place in places] == pytest.approx(
        [-32 + 18 / month, 3, -8 + 137 / month, -4 + 40 / month, 4]
    )
    shown = texts(axes)
    assert "5 at unknown times" in shown
    assert "1 at unknown time" in shown
    assert [text for text in shown if text.isdigit()] == ["0"]


def test_the_timeline_of_counts_shows_them_and_no_position(axes, example_pair):
    pair = Comparison.from_arrays(example_pair.relapses, example_pair.years)
    figures.timeline(pair, axes)
    assert sorted(text for text in texts(axes) if text.isdigit()) == ["0", "1", "1", "1", "2", "6"]
    assert not [line for line in axes.lines if line.get_marker() == "o"]


@pytest.mark.parametrize(("patients", "known"), [(3, 0.3), (10, 0.6), (14, 0.8), (40, 0.5)])
def test_no_word_of_the_timeline_lies_on_another_or_on_the_names(patients, known):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    pair = simulated(patients, seed=patients, known=known).compare("new", reference="old")
    with figures.styled():
        figure = Figure(figsize=(6.2, timeline_height(patients)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figures.timeline(pair, figure.subplots())
        figure.canvas.draw()
        words = [
            text.get_window_extent().shrunk(0.95, 0.95)
            for text in (*axes.texts, *axes.get_yticklabels())
            if text.get_text()
        ]
    overlapping = [
        (first, second)
        for place, first in enumerate(words)
        for second in words[:place]
        if first.overlaps(second)
    ]
    assert not overlapping
    assert any("unknown" in text or text.startswith("+") for text in texts(axes))


def test_a_long_timeline_has_no_labels_and_is_bounded(axes):
    pair = Comparison.from_arrays(np.ones((300, 2), dtype=int), np.ones((300, 2)))
    figures.timeline(pair, axes)
    assert not [text for text in texts(axes) if text.isdigit()]
    assert len(axes.patches) == 400
    assert max(timeline_height(patients) for patients in range(1, 100_000, 50)) < 12


def test_a_relapse_on_the_last_day_lies_on_the_end_of_its_bar(axes):
    cohort = cohort_with_times(("A", "old", 6, 1, [6]), ("A", "new", 9, 1, [9]))
    figures.timeline(cohort.compare("new", reference="old"), axes)
    (dots,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert dots.get_xdata() == pytest.approx([0, 9])


@pytest.fixture
def timed():
    return simulated(30).compare("new", reference="old")


def test_the_curves_step_where_patients_relapse(axes, timed):
    found = describe.first_relapse(timed)
    figures.relapse_free(found, timed, axes)
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_color() for line in steps] == [figures.REFERENCE, figures.COMPARATOR]
    np.testing.assert_allclose(steps[0].get_ydata(), found.curves["old"].curve["share"])
    assert len(axes.collections) == 2
    assert {"old", "new", "patients at risk, without a relapse"} <= set(texts(axes))


def test_the_numbers_below_the_curves_are_the_patients_at_risk(axes, timed):
    figures.mean_counts(describe.accumulation(timed), timed, axes)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    expected = [str(int((12 * timed.years[:, period] >= tick).sum())) for period in (0, 1) for tick in ticks]
    assert [text for text in texts(axes) if text.isdigit()] == expected
    assert expected[0] == "30"


@pytest.mark.parametrize("relapses", [[], [3.0, 6.0]])
def test_a_curve_that_stays_at_zero_lies_inside_the_axes(axes, relapses):
    cohort = cohort_with_times(("A", "old", 12, len(relapses), relapses), ("A", "new", 24, 0, []))
    pair = cohort.compare("new", reference="old")
    figures.mean_counts(describe.accumulation(pair), pair, axes)
    low, high = axes.get_ylim()
    assert low == pytest.approx(-0.03 * high)
    assert high > max(line.get_ydata().max() for line in axes.lines)


def test_a_registry_is_drawn_with_a_bounded_number_of_steps_and_no_ticks(axes):
    rng, patients = np.random.default_rng(3), 6000
    pair = Comparison.from_arrays(np.zeros((patients, 2), dtype=int), rng.uniform(0.1, 4, (patients, 2)))
    figures.relapse_free(describe.first_relapse(pair), pair, axes)
    assert [len(line.get_xdata()) for line in axes.lines] == [2000, 2000]


def test_one_known_treatment_is_drawn_alone(axes, example_pair):
    figures.mean_counts(describe.accumulation(example_pair), example_pair, axes)
    assert [line.get_color() for line in axes.lines] == [figures.COMPARATOR]
    assert "rituximab" not in texts(axes)


def test_the_forest_draws_infinite_and_zero_ratios_inside_its_axes(axes):
    figures.forest([ratio(0.0, 0.0, 0.57), ratio(math.inf, 1.75, math.inf)], axes, "new drug")
    low, high = axes.get_xlim()
    drawn = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in axes.lines])
    assert np.all(np.isfinite(drawn))
    assert low > 0
    assert math.isfinite(high)
    assert "0 (0 to 0.570)" in texts(axes)
    assert "∞ (1.75 to ∞)" in texts(axes)
    assert any("fewer relapses on new drug" in text for text in texts(axes))


def test_the_forest_is_sized_by_what_it_shows():
    assert rows([ratio(1, 0.5, 2), ratio(1, 0.5, 2)]) == pytest.approx(2 + 1.4 + 1.5)


@pytest.mark.parametrize(("low", "high"), [(0.01, 3), (0.5, 2), (1e-3, 1e3), (0.05, 30), (1e-9, 1e9)])
def test_ratio_axes_have_few_round_ticks(low, high):
    ticks = _ticks(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert 1 in ticks
    assert 1 <= len(ticks) <= 6


def test_edss_lines_that_coincide_are_set_apart(axes):
    import pandas as pd

    frame = pd.DataFrame(
        {"patient": ["A", "B"], "treatment": ["old", "old"], "relapses": [1, 1], "exposure_years": [1.0, 2.0],
         "edss_start": [3.0, 3.0], "edss_end": [4.0, 4.0]}
    )  # fmt: skip
    figures.edss_slopes(describe.edss(Cohort.from_frame(frame)), ("old", "new"), axes)
    first, second = (line.get_ydata() for line in axes.lines)
    assert abs(first[0] - second[0]) == pytest.approx(0.07)


def test_edss_lines_that_differ_stand_at_their_scores(axes, example_cohort):
    figures.edss_slopes(describe.edss(example_cohort), ("rituximab", "tocilizumab"), axes)
    ends = sorted(tuple(line.get_ydata()) for line in axes.lines)
    assert ends == [(4.5, 5.0), (5.0, 4.0), (5.0, 6.5), (6.5, 6.5), (7.0, 7.0), (7.0, 7.0)]
    assert [text for text in texts(axes) if text.startswith("Patient")] == [
        "Patient 1",
        "Patient 2",
        "Patient 3",
    ]


def test_many_edss_lines_are_joined_by_their_scores(axes):
    import pandas as pd

    frame = pd.DataFrame(
        {"patient": [str(place) for place in range(60)], "treatment": "old", "relapses": 1,
         "exposure_years": 1.0,
         "edss_start": [3.0] * 40 + [4.0] * 20, "edss_end": 5.0}
    )  # fmt: skip
    figures.edss_slopes(describe.edss(Cohort.from_frame(frame)), ("old", "new"), axes)
    assert [line.get_linewidth() for line in axes.lines] == [3.0, 6.0]


@pytest.fixture(scope="module")
def doubts(example_pair):
    plan = sensitivity.Plan(simulation=sensitivity.Simulation(200))
    return sensitivity.run(example_pair, plan=plan)


def test_the_curve_has_a_line_for_every_assumption_sorted_by_family(axes, doubts):
    figures.specification_curve(doubts, axes)
    shown = texts(axes)
    for label in (
        "sceptical Normal(0, 0.5)",
        "without patient 2",
        "mean 0.6 per year, CV 0.7",
        "by a relapse on rituximab",
    ):
        assert label in shown
    families = [text for text in shown if text in sensitivity.FAMILY_NAMES.values()]
    assert families == [name for name in sensitivity.FAMILY_NAMES.values() if name in families]
    assert "0.60 (0.27 to 1.4)" in shown
    low, high = axes.get_xlim()
    drawn = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in axes.lines])
    assert drawn.min() >= low * (1 - 1e-9)
    assert drawn.max() <= high * (1 + 1e-9)


def test_the_curve_stays_within_its_axes_at_a_zero_cell(axes):
    pair = Comparison.from_arrays([[5, 0], [4, 0]], [[3, 2], [3.5, 2]])
    plan = sensitivity.Plan(simulation=sensitivity.Simulation(200))
    figures.specification_curve(sensitivity.run(pair, plan=plan), axes)
    drawn = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in axes.lines])
    assert np.all(np.isfinite(drawn))


def test_no_effect_shows_the_share_at_or_below_the_observed_ratio(axes, doubts):
    designs = [design for design in doubts.designs if design.is_headline]
    figures.no_effect(designs, ["A", "B", "C", "D"], axes, "tocilizumab")
    shown = texts(axes)
    assert shown.count("hierarchical") == 4
    shares = [text for text in shown if text.endswith(" %")]
    assert len(shares) == 12


def test_a_label_keeps_brackets_of_the_user_and_leaves_details_to_the_table(example_pair):
    found = sensitivity.run(example_pair, plan=sensitivity.Plan(simulation=sensitivity.Simulation(200)))
    drawn = {line.name for line in lines(found)}
    assert "one relapse on rituximab removed in every patient" in drawn
    assert "mean 0.6 per year, CV 0.7" in drawn
    assert not any(word in label for label in drawn for word in ("NEMOS", "log sd"))
    assumption = replace(found.of("leave_one_out")[0].assumption, name="without patient A (1)")
    assert assumption.label == "without patient A (1)"


def test_a_spread_without_any_identified_series_is_drawn_as_nothing(axes):
    spread = sensitivity.Spread("conditional_exact", None, None, None, 0.0, 0.0, 1.0, 0.2, None, None, 200)
    design = sensitivity.NoEffect("fixed", FixedWindows(), GammaRates(1.0, 0.7), True, (spread,))
    figures.no_effect([design], ["A"], axes, "tocilizumab")
    assert "within patients" in texts(axes)
    assert len(axes.lines) == 2  # the line at 1, and the observed ratio


def test_a_population_that_the_data_speak_against_is_not_drawn(axes):
    pair = Comparison.from_arrays([[1, 1], [0, 0], [0, 1], [1, 0]], [[2.2, 2.0]] * 4)
    found = sensitivity.run(pair, plan=sensitivity.Plan(simulation=sensitivity.Simulation(200)))
    figures.specification_curve(found, axes)
    shown = texts(axes)
    assert "population mean 0.6 per year, CV 0.7" in shown
    assert "mean 2 per year, CV 0.5" not in shown


def test_dollar_signs_of_the_user_are_no_formulas():
    import matplotlib.pyplot as plt

    with styled():
        figure, axes = plt.subplots()
        text = axes.text(0, 0, "costs $5$ and $x_")
        axes.set_xlabel("drug $a$")
        figure.canvas.draw()
    assert text.get_parse_math() is False
    assert axes.xaxis.label.get_parse_math() is False
    plt.close(figure)


# --------------------------------------------------------------------------------------- coverage


def cells():
    rows = [
        {
            "method": method,
            "patients": patients,
            "rate_ratio": ratio,
            "overdispersion": dispersion,
            "coverage": coverage,
        }
        for method, patients, ratio, dispersion, coverage in [
            ("conditional_exact", 3, 1.0, 0.0, 0.97),
            ("conditional_exact", 3, 0.5, 0.5, 0.84),
            ("conditional_exact", 10, 1.0, 0.0, 0.96),
            ("gee_sandwich", 10, 1.0, 0.0, 0.62),
            ("wilcoxon", 10, 1.0, 0.0, None),
        ]
    ]
    return pd.DataFrame(rows)


def test_the_coverage_map_shows_the_least_coverage_of_each_interval(axes):
    figures.coverage_map(cells(), axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Exact, within patients",
        "Poisson GEE, textbook sandwich",
    ]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3", "10"]
    assert [text.get_text() for text in axes.texts] == ["84", "96", "none", "62"]


def test_coverage_by_ratio_draws_overdispersed_cells_hollow(axes):
    figures.coverage_by_ratio(cells(), axes, {"conditional_exact": "#2166ac"}, "title")
    solid, hollow = (line for line in axes.lines if line.get_marker() == "o")
    assert sorted(solid.get_ydata()) == [96, 97]
    assert list(hollow.get_ydata()) == pytest.approx([84])
    assert hollow.get_markerfacecolor() == "white"


def test_calibration_is_drawn_as_a_difference(axes):
    points = np.array([0.25, 0.5, 0.75])
    figures.calibration(np.array([0.3, 0.5, 0.7]), (points, points - 0.1, points + 0.1), axes)
    assert axes.lines[-1].get_ydata() == pytest.approx([0.05, 0, -0.05])
