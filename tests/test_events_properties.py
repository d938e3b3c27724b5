"""Dated events against a second implementation, and what must not change the answer."""

import numpy as np
import pandas as pd
from event_tables import COURSES, ONSETS, iso, tables
from events_by_hand import followed, lags
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nmo_stats import Cohort, CohortError, read_events, read_periods
from nmo_stats.cohort.account import DAY_CAUSES, RELAPSE_CAUSES


@st.composite
def histories(draw):
    """Return courses and onsets of up to four patients; days are small so that everything collides."""
    courses, onsets = [], []
    for who in range(draw(st.integers(1, 4))):
        day = draw(st.integers(-50, 50))
        for place in range(draw(st.integers(1, 4))):
            day += draw(st.integers(0, 25)) if place else 0
            start, day = day, day + draw(st.integers(1, 80))
            courses.append([f"P{who}", draw(st.sampled_from(["x", "y", "z"])), start, day, None])
        visit = draw(st.none() | st.integers(day, day + 60))
        for course in courses:
            if course[0] == f"P{who}":
                course[4] = visit
        if visit is not None and visit > start and draw(st.booleans()):
            courses[-1][3] = None
        last = max(day if courses[-1][3] is not None else start + 1, visit if visit is not None else -(10**6))
        onsets += [(f"P{who}", draw(st.integers(-120, last))) for _ in range(draw(st.integers(0, 12)))]
    return [tuple(course) for course in courses], onsets


RULES = st.fixed_dictionaries(
    {
        "min_gap_days": st.sampled_from([0, 1, 7, 30, 60]),
        "run_in_days": st.sampled_from([0, 1, 20]),
        "gap": st.sampled_from(["drop", "previous"]),
        "end": st.sampled_from(["exclusive", "inclusive"]),
        "switch_window_days": st.sampled_from([0, 10, 90]),
    }
)


def as_written(courses, onsets, rules):
    """Return the tables of a history, with inclusive ends if the rules have them."""
    if rules["end"] == "exclusive":
        return courses, onsets
    written = [
        (who, drug, start, None if end is None else end - 1, visit)
        for who, drug, start, end, visit in courses
    ]
    last = {
        who: max(d for c in written if c[0] == who for d in c[3:] if d is not None) for who, *_ in written
    }
    return written, [(who, min(day, last[who])) for who, day in onsets]


def by_hand(courses, onsets, rules):
    found = {}
    for who in sorted({course[0] for course in courses}):
        own = [course for course in courses if course[0] == who]
        visits = [course[4] for course in own if course[4] is not None]
        off = 0 if rules["end"] == "inclusive" else 1
        spans = [(drug, start, visits[0] - 1 if end is None else end - off) for _, drug, start, end, _ in own]
        last = max([*visits, *(end + 1 for _, _, end in spans)])
        chosen = {name: rules[name] for name in ("min_gap_days", "run_in_days", "gap")}
        found[who] = followed(spans, [day for patient, day in onsets if patient == who], last, **chosen)
    return found


def read_or_skip(courses, onsets, rules, day=lambda number: number):
    try:
        return read_events(*tables(courses, onsets, day), **rules)
    except CohortError as error:
        assume("run-in" not in error.problems[0].value)
        raise


def assert_accounted_for(cohort, rows):
    """Every relapse and day is in one place of the account, and what is kept is what the periods hold."""
    account = cohort.account.attrition
    assert account["relapses_in"].sum() == rows
    lost = account[list(RELAPSE_CAUSES)].sum(axis=1)
    assert (account["relapses_in"] == lost + account["relapses_kept"]).all()
    assert (account["days_in"] == account[list(DAY_CAUSES)].sum(axis=1) + account["days_kept"]).all()
    assert (account["periods_in"] == account["periods_consumed"] + account["periods_kept"]).all()
    kept = (
        cohort.frame.groupby("patient")[["relapses", "exposure_days"]]
        .sum()
        .reindex(account["patient"], fill_value=0)
    )
    assert (kept["relapses"].to_numpy() == account["relapses_kept"]).all()
    assert (kept["exposure_days"].to_numpy() == account["days_kept"]).all()
    assert (
        cohort.frame["period"].groupby(cohort.frame["patient"]).count().sum() == account["periods_kept"].sum()
    )
    worded = account["why"] != ""
    assert (
        worded
        == ((account["relapses_in"] > account["relapses_kept"]) | (account["days_in"] > account["days_kept"]))
    ).all()


@given(histories(), RULES)
@settings(max_examples=120, deadline=None)
def test_the_arrays_agree_with_loops_over_patients_and_days(history, rules):
    courses, onsets = as_written(*history, rules)
    cohort = read_or_skip(courses, onsets, rules)
    hand = by_hand(courses, onsets, rules)
    expected = [
        (who, place, course.treatment, len(course.relapses), course.days)
        for who, patient in hand.items()
        for place, course in enumerate(patient.courses, start=1)
        if course.days
    ]
    columns = ["patient", "period", "treatment", "relapses", "exposure_days"]
    assert list(cohort.frame[columns].itertuples(index=False, name=None)) == expected
    times = [
        (day - course.start - rules["run_in_days"]) / 365.25
        for patient in hand.values()
        for course in patient.courses
        if course.days
        for day in course.relapses
    ]
    np.testing.assert_allclose(cohort.relapse_times["years"], times, rtol=1e-12)
    account = cohort.account.attrition.set_index("patient")
    for who, patient in hand.items():
        assert {name: account.loc[who, name] for name in patient.fate} == patient.fate
    assert_accounted_for(cohort, len(onsets))
    across = [
        (who, str(first), str(day)) for who, patient in hand.items() for first, day in patient.merged_across
    ]
    assert (
        list(
            cohort.account.switch_merges[["patient", "first_onset", "onset"]].itertuples(
                index=False, name=None
            )
        )
        == across
    )
    merged = [course.merged for patient in hand.values() for course in patient.courses if course.days]
    assert (
        cohort.account.merged_onsets["row"].value_counts().reindex(range(len(merged)), fill_value=0).tolist()
        == merged
    )
    expected_lags = [
        (who, *lag, lag[2] is not None and lag[2] <= rules["switch_window_days"])
        for who, patient in hand.items()
        for lag in lags(patient, rules["gap"])
    ]
    columns = ["patient", "treatment", "next_treatment", "lag_days", "ended_by_relapse"]
    rows = cohort.account.switch_lags[columns].astype(object).replace({pd.NA: None})
    assert list(rows.itertuples(index=False, name=None)) == expected_lags


@given(histories(), RULES, st.randoms(use_true_random=False), st.integers(-2000, 2000))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_the_calendar_and_the_spelling_of_days_change_nothing(
    history, rules, random, shift
):
    courses, onsets = as_written(*history, rules)
    cohort = read_or_skip(courses, onsets, rules)
    shuffled = random.sample(courses, len(courses)), random.sample(onsets, len(onsets))
    for other in (
        read_or_skip(*shuffled, rules),
        read_or_skip(courses, onsets, rules, lambda day: day + shift),
        read_or_skip(courses, onsets, rules, lambda day: iso(day + shift)),
        read_or_skip(courses, onsets, rules, lambda day: pd.Timestamp(iso(day))),
    ):
        pd.testing.assert_frame_equal(other.frame, cohort.frame)
        pd.testing.assert_frame_equal(other.account.attrition, cohort.account.attrition)
        pd.testing.assert_frame_equal(other.relapse_times, cohort.relapse_times)
        assert (other.unmerged is None) == (cohort.unmerged is None)


# ---- the same cohort in three forms


def test_period_table_dates_and_day_numbers_give_the_same_answers(tmp_path):
    from nmo_stats import exact
    from nmo_stats.describe import arr
    from nmo_stats.estimators.classical import classical_rates

    by_number = read_events(*tables(COURSES, ONSETS), min_gap_days=0)
    by_date = read_events(*tables(COURSES, ONSETS, iso), min_gap_days=0)
    path = tmp_path / "periods.csv"
    by_number.frame.to_csv(path, index=False)
    periods = read_periods(path)
    expected = None
    for cohort in (periods, by_date, by_number):
        pair = cohort.compare("tocilizumab", reference="rituximab")
        ratio = exact.conditional(pair).rate_ratio()
        rates = [estimate.to_dict() for estimate in classical_rates(pair).estimates]
        found = (
            arr(cohort).to_frame().to_dict("records"),
            ratio.to_dict(),
            rates,
            pair.totals,
            pair.total_years,
        )
        assert expected is None or found == expected
        expected = found
    pd.testing.assert_frame_equal(periods.frame, by_number.frame)


def test_a_cohort_of_events_survives_its_period_table():
    cohort = read_events(*tables(COURSES, ONSETS))
    again = Cohort.from_frame(cohort.to_frame())
    pd.testing.assert_frame_equal(again.frame, cohort.frame)
