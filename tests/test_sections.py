"""Descriptive sections of the report for cohorts other than the example: what is drawn, folded or unknown."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
from event_tables import tables
from relapse_courses import cohort_with_times, simulated

from nmo_stats import describe, read_events
from nmo_stats.cohort import Cohort, Notice
from nmo_stats.estimate import Interval
from nmo_stats.report.html import folded
from nmo_stats.sections import data, edss, relapse_times
from nmo_stats.sections.blocks import Bullets, Fold, Picture, Prose, Table, shortened


def analysis_of(cohort, notices=()):
    """What the descriptive sections read of an analysis."""
    pair = cohort.compare("new", reference="old")
    return SimpleNamespace(
        cohort=cohort,
        pair=pair,
        notices=notices or pair.notices,
        sensitivity=None,
        arr=describe.arr(cohort),
        edss=describe.edss(cohort),
        first_relapse=describe.first_relapse(pair),
        accumulation=describe.accumulation(pair),
        paired_edss=describe.paired_edss(cohort, pair),
    )


def blocks_of(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


def test_thirty_patients_with_times_have_two_figures_and_no_reason():
    section = relapse_times.relapse_times(analysis_of(simulated(30)))
    pictures = blocks_of(section, Picture)
    assert [picture.name for picture in pictures] == ["relapse_free", "accumulation"]
    assert all(len(picture.alt) > 60 for picture in pictures)
    assert "table" in pictures[0].alt
    assert len(blocks_of(section, Table)) == 3
    assert [block.text for block in blocks_of(section, Prose)] == [relapse_times.NO_TEST]
    cells = [cell for table in blocks_of(section, Table) for row in table.rows for cell in row]
    assert not [cell for cell in cells if "nan" in cell or "inf" in cell]


def test_nine_patients_have_a_table_in_place_of_a_curve():
    section = relapse_times.relapse_times(analysis_of(simulated(9)))
    assert [picture.name for picture in blocks_of(section, Picture)] == ["accumulation"]
    assert (
        "no interval" in " ".join(note for table in blocks_of(section, Table) for note in table.notes).lower()
    )


def test_counts_alone_give_one_sentence_and_no_number():
    frame = simulated(5).to_frame()
    frame.loc[:, "relapses"] = 2
    section = relapse_times.relapse_times(analysis_of(Cohort.from_frame(frame)))
    for part in ("on old and on new", "0 of 5 patients", "0 of 10 relapses"):
        assert part in section.lead, part
    assert section.blocks == ()


def test_a_treatment_without_a_relapse_does_not_reach_its_median():
    cohort = cohort_with_times(("A", "old", 8, 1, [3]), ("A", "new", 30, 0, []))
    section = relapse_times.relapse_times(analysis_of(cohort))
    reached, not_reached = section.lead.split(". ")
    assert "3.0 months on old" in reached
    assert "On new 0 of 1 patient" in not_reached
    assert "not reached" in not_reached
    assert section.lead.count("95 % interval not estimable") == 2
    median = blocks_of(section, Table)[0]
    assert [row[3:] for row in median.rows] == [
        ("3.00", "not estimable"),
        ("not reached", "not estimable"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, math.inf, "95 % interval not estimable"),
        (0.55, math.inf, "95 % interval 6.6 to not reached"),
        (0.0, 1.5, "95 % interval 0 to 18"),
        (0.55, 1.5, "95 % interval 6.6 to 18"),
    ],
)
def test_the_median_in_the_sentence_carries_its_interval(low, high, words):
    curve = describe.TimeToFirst("new", 12, 2, 7 / 6, Interval(low, high, 0.95, "confidence"), pd.DataFrame())
    (sentence,) = relapse_times.first_relapse_sentences(describe.FirstRelapse({"new": curve}, {}, 0.95))
    assert f"14 months on new ({words}; 2 of 12 patients relapsed)" in sentence


def test_three_medians_and_three_reasons_are_listed_as_a_sentence():
    limits = Interval(0.5, 2.0, 0.95, "confidence")
    curves = {name: describe.TimeToFirst(name, 9, 5, 1.0, limits, pd.DataFrame()) for name in "abc"}
    told = relapse_times.first_relapse_sentences(
        describe.FirstRelapse(curves, dict.fromkeys("def", "no times"), 0.95)
    )
    assert told[0].count(" and ") == 1
    assert "on d, on e and on f" in told[1]
    assert "no times" in told[1]


def test_the_caption_of_dated_events_says_what_the_bars_leave_out():
    courses = [
        ("A", "old", 0, 100, None),
        ("A", "new", 130, 400, None),
        ("B", "old", 0, 100, None),
        ("B", "new", 100, 300, None),
    ]

    def caption(patients, **rules):
        cohort = read_events(
            *tables([course for course in courses if course[0] in patients], [("A", 50)]), **rules
        )
        (picture,) = blocks_of(data.periods(analysis_of(cohort)), Picture)
        return picture.caption

    assert "The bars are set end to end, without 30 patient-days between treatments." in caption("AB")
    assert "without 30 patient-days between treatments and 40 patient-days of run-in." in caption(
        "AB", run_in_days=10
    )
    assert "No days between treatments are excluded." in caption("A", gap="previous")
    assert "Whether there was a gap" not in caption("AB")


def test_the_table_of_shares_says_where_the_follow_up_ends():
    cohort = cohort_with_times(
        ("A", "old", 8, 1, [3]), ("A", "new", 7, 0, []), ("B", "old", 13, 0, []), ("B", "new", 6, 1, [6])
    )
    table = relapse_times.share_table(analysis_of(cohort).first_relapse)
    assert [row[:3] for row in table.rows] == [
        ("old", "6", "1"), ("old", "12", "1"), ("new", "6", "2"), ("new", "12", "nobody"),
    ]  # fmt: skip
    assert table.rows[-1][3:] == ("beyond the follow-up", "beyond the follow-up")


@pytest.mark.parametrize(("count", "folded"), [(12, False), (13, True)])
def test_more_than_twelve_notices_fold_out(count, folded):
    notices = tuple(Notice(f"code{place}", f"something to know {place}") for place in range(count))
    section = data.periods(analysis_of(simulated(5), notices))
    assert bool([block for block in blocks_of(section, Fold) if "13 notes" in block.title]) == folded
    assert bool(blocks_of(section, Bullets)) == (not folded)


def test_the_rows_of_many_patients_fold_out_and_are_bounded():
    section = data.periods(analysis_of(simulated(300)))
    (table,) = blocks_of(section, Table)
    fold = folded(table)
    assert "600 rows" in fold.title
    assert (len(table.rows), len(fold.blocks[0].rows)) == (600, 500)
    assert "tables/periods.csv" in fold.blocks[0].notes[-1]
    assert folded(fold.blocks[0]) == fold.blocks[0]
    (picture,) = blocks_of(section, Picture)
    assert "The first 200 of 300 patients are drawn." in picture.caption
    assert "and 290 more patients" in picture.alt
    assert len(picture.svg) < 1_000_000


@pytest.mark.parametrize(
    ("patients", "known", "words"),
    [
        (5, 0.0, "with the number of relapses in each period"),
        (5, 0.6, "at unknown times: their number is in or beside the bar."),
        (20, 0.6, '"+2" means two of them.'),
        (60, 0.6, "at unknown times: they are not drawn."),
        (5, 1.0, "Dots: relapses. Whether there was a gap"),
    ],
)
def test_the_caption_says_what_the_dots_are_and_what_is_unknown(patients, known, words):
    (picture,) = blocks_of(data.periods(analysis_of(simulated(patients, known=known))), Picture)
    assert words in picture.caption


def edss_cohort(patients):
    rows = [
        (f"P{place}", drug, start, start + step)
        for place in range(patients)
        for drug, start, step in (("old", 3.0, 1.0), ("new", 4.0, 0.5 * (place % 3) - 1.0))
    ]
    frame = pd.DataFrame(rows, columns=["patient", "treatment", "edss_start", "edss_end"])
    return Cohort.from_frame(frame.assign(relapses=1, exposure_years=1.0))


def test_the_changes_of_many_patients_fold_out():
    section = edss.edss_section(analysis_of(edss_cohort(40)))
    table, each = blocks_of(section, Table)[1:]
    assert isinstance(folded(each), Fold)
    assert len(each.rows) == 40
    assert table.columns[-1] == "Reach"
    # differences -2, -1.5, -1 in 14, 13, 13 patients
    assert table.rows[0] == ("Hodges-Lehmann difference", "−1.5", "95 % interval −1.75 to −1.5")
    assert "cannot be reached" not in " ".join(cell for row in table.rows for cell in row)


def test_without_a_pair_of_scores_the_comparison_is_refused_in_a_sentence():
    frame = edss_cohort(3).to_frame()
    frame.loc[frame["treatment"] == "new", "edss_end"] = None
    section = edss.edss_section(analysis_of(Cohort.from_frame(frame)))
    refused = section.blocks[-1].text
    assert "cannot be compared within patients" in refused
    assert "no patient has an EDSS at the start and the end of both periods" in refused
    # only the old drug has scores to compare, so there is no comparison to warn of
    assert "share a visit" not in " ".join(blocks_of(section, Table)[0].notes)


def test_differences_that_are_all_the_same_say_why_their_interval_has_no_width():
    frame = edss_cohort(6).to_frame().assign(edss_start=3.0, edss_end=4.0)
    frame.loc[frame["treatment"] == "new", "edss_end"] = 3.0
    section = edss.edss_section(analysis_of(Cohort.from_frame(frame)))
    name, estimate, reach = blocks_of(section, Table)[1].rows[0]
    assert (name, estimate) == ("Hodges-Lehmann difference", "−1.0")
    assert "−1.0 to −1.0" in reach
    assert "no spread" in reach


def test_equal_changes_are_no_test_and_no_difference():
    frame = edss_cohort(3).to_frame().assign(edss_start=3.0, edss_end=4.0)
    section = edss.edss_section(analysis_of(Cohort.from_frame(frame)))
    text = " ".join(block.text for block in blocks_of(section, Prose))
    assert "the difference between the EDSS change on new and on old is 0 points" in text
    table = blocks_of(section, Table)[1]
    assert len(table.rows) == 1
    assert table.notes[-1] == "No test: no patient's EDSS change differs between the periods."


def test_a_short_table_is_left_whole():
    table = Table("few", ("a",), (("1",),))
    assert shortened(table, 1) is table
    assert folded(table) is table
