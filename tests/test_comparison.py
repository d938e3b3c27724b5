"""Two treatments within the same patients: who is paired, what is summed, arrays that nobody can change."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import ArgumentError, Cohort, CohortError


def cohort(*rows):
    """Return the cohort of rows (patient, treatment, period, relapses, years)."""
    return Cohort.from_frame(
        pd.DataFrame(rows, columns=["patient", "treatment", "period", "relapses", "exposure_years"])
    )


def compare(*rows, **options):
    return cohort(*rows).compare("new", reference="old", **options)


def codes(pair):
    return [notice.code for notice in pair.notices]


def refusal(act):
    with pytest.raises(CohortError) as caught:
        act()
    return str(caught.value)


BOTH = (("A", "old", 1, 3, 1.5), ("A", "new", 2, 0, 2.25))


# ---- compare()


def test_columns_are_reference_and_comparator():
    pair = compare(*BOTH, ("B", "new", 2, 1, 1.25), ("B", "old", 1, 2, 1.0))
    assert pair.patients == ("A", "B")
    assert pair.relapses.tolist() == [[3, 0], [2, 1]]
    assert pair.years.tolist() == [[1.5, 2.25], [1.0, 1.25]]
    assert (pair.reference, pair.comparator) == ("old", "new")
    assert pair.totals == (5, 1)
    assert pair.total_years == (2.5, 3.5)
    assert pair.informative_patients == 2
    assert pair.notices == ()


def test_patients_without_relapses_are_kept_but_not_informative():
    pair = compare(*BOTH, ("B", "old", 1, 0, 1.0), ("B", "new", 2, 0, 1.25))
    assert (len(pair.patients), pair.informative_patients) == (2, 1)


def test_follow_up_is_converted_to_years():
    frame = pd.DataFrame(
        {"patient": "A", "treatment": ["old", "new"], "relapses": 1, "exposure_months": [18.0, 6.0]}
    )
    assert Cohort.from_frame(frame).compare("new", reference="old").years.tolist() == [[1.5, 0.5]]


def test_an_unknown_treatment_comes_with_the_nearest_one():
    message = refusal(lambda: cohort(*BOTH).compare("New", reference="odl"))
    assert "'New'. Expected: a treatment of the table: 'old', 'new'. Did you mean 'new'?" in message
    assert "'odl'. Expected: a treatment of the table: 'old', 'new'. Did you mean 'old'?" in message
    assert "2 problems" in message


@pytest.mark.parametrize("name", [None, 3, ["new"], ""], ids=repr)
def test_what_is_no_treatment_is_refused(name):
    assert "a treatment of the table: 'old', 'new'" in refusal(
        lambda: cohort(*BOTH).compare(name, reference="old")
    )


def test_numbers_as_treatments_are_found():
    frame = cohort(*BOTH).to_frame().assign(treatment=[1, 2])
    assert Cohort.from_frame(frame).compare(2, reference=1).totals == (3, 0)


def test_a_treatment_is_not_compared_with_itself():
    with pytest.raises(ArgumentError, match="Expected: two different treatments"):
        cohort(*BOTH).compare("new", reference="new")


def test_unknown_courses_are_an_argument_error():
    for courses in ("last", None, ["all"]):
        with pytest.raises(ArgumentError, match="'all', 'adjacent'"):
            compare(*BOTH, courses=courses)


def test_no_patient_with_both_treatments_is_refused():
    message = refusal(lambda: compare(("A", "old", 1, 3, 1.5), ("B", "new", 1, 0, 2.0)))
    assert "no patient with both. Expected: a patient has a period on 'old' and one on 'new'" in message


def test_unpaired_patients_are_listed_and_in_a_notice():
    pair = compare(("C", "new", 1, 1, 1.0), *BOTH, ("B", "old", 1, 1, 1.0), ("D", "third", 1, 1, 1.0))
    assert pair.patients == ("A",)
    assert pair.unpaired == ("C", "B")
    (notice,) = pair.notices
    assert notice.code == "unpaired"
    assert notice.patients == ("C", "B")
    assert (
        notice.text == "only one of the compared periods: included in descriptions, "
        "excluded from the ratios (patients C, B)"
    )


def test_several_courses_are_summed_with_a_notice():
    pair = compare(
        ("A", "old", 1, 3, 1.0), ("A", "new", 2, 0, 2.0), ("A", "old", 3, 1, 0.5), ("A", "new", 4, 1, 0.25)
    )
    assert pair.relapses.tolist() == [[4, 1]]
    assert pair.years.tolist() == [[1.5, 2.25]]
    assert codes(pair) == ["several_courses"]
    assert pair.notices[0].patients == ("A",)


def test_several_courses_of_a_patient_who_is_not_paired_are_not_worth_a_notice():
    pair = compare(*BOTH, ("B", "old", 1, 1, 1.0), ("B", "old", 2, 1, 1.0))
    assert codes(pair) == ["unpaired"]


def test_the_comparator_before_the_reference_is_noticed():
    pair = compare(
        *BOTH,
        ("B", "old", 2, 2, 1.0),
        ("B", "new", 1, 1, 1.25),
        ("C", "old", None, 1, 1.1),
        ("C", "new", 1, 1, 1.0),
    )
    assert pair.patients == ("A", "B", "C")
    assert pair.reversed_order == ("B",)
    assert [n.text for n in pair.notices if n.code == "reversed_order"] == ["new came before old (patient B)"]


def test_notices_of_the_table_come_first():
    assert codes(compare(("A", "old", 1, 40, 1.5), ("A", "new", 2, 1, 1.0), ("B", "new", 1, 1, 1.0))) == [
        "high_arr",
        "unpaired",
    ]


def test_covariates_called_like_our_own_columns_do_no_harm():
    frame = cohort(*BOTH).to_frame().assign(years=[7, 8], reference="q", index=1, level_0=2)
    assert Cohort.from_frame(frame).compare("new", reference="old").years.tolist() == [[1.5, 2.25]]


def test_treatments_called_like_our_own_columns_do_no_harm():
    frame = cohort(*BOTH).to_frame().assign(treatment=["relapses", "years"])
    assert Cohort.from_frame(frame).compare("years", reference="relapses").totals == (3, 0)


# ---- adjacent courses


def history(*treatments, patient="A"):
    """Return a row per treatment; the n-th course has n relapses in n years."""
    return [(patient, name, number, number, float(number)) for number, name in enumerate(treatments, start=1)]


@pytest.mark.parametrize(
    ("treatments", "counts"),
    [
        (["old", "new"], [1, 2]),
        (["old", "old", "new", "new"], [2, 3]),
        (["old", "third", "old", "new", "old", "new"], [3, 4]),
        (["third", "old", "new"], [2, 3]),
        (["old", "new", "third"], [1, 2]),
    ],
    ids=str,
)
def test_adjacent_takes_the_reference_course_directly_before_the_first_comparator_course(treatments, counts):
    pair = compare(*history(*treatments), courses="adjacent")
    assert pair.relapses.tolist() == [counts]
    assert "several_courses" not in codes(pair)
    assert pair.reversed_order == ()


@pytest.mark.parametrize(
    "treatments", [["old", "third", "new"], ["new", "old"], ["new", "old", "new"], ["new"], ["old"]], ids=str
)
def test_without_an_adjacent_reference_course_a_patient_is_unpaired(treatments):
    pair = compare(*history("old", "new", patient="Z"), *history(*treatments), courses="adjacent")
    assert pair.patients == ("Z",)
    assert pair.unpaired == ("A",)
    assert "no course of the reference directly before the first course" in pair.notices[-1].text


def test_no_adjacent_pair_at_all_is_refused():
    message = refusal(lambda: compare(*history("old", "third", "new"), courses="adjacent"))
    assert "a course of 'old' directly before the first course of 'new'" in message


def test_adjacent_needs_the_order_of_the_patients_on_the_comparator():
    rows = [*BOTH, ("B", "old", None, 1, 1.0), ("B", "new", 2, 1, 1.0)]
    assert "patient 'B', column 'period': empty" in refusal(lambda: compare(*rows, courses="adjacent"))
    assert compare(*BOTH, ("B", "old", None, 1, 1.0), courses="adjacent").patients == ("A",)
    frame = cohort(*BOTH).to_frame().drop(columns="period")
    assert "courses='adjacent' needs the order of every period" in refusal(
        lambda: Cohort.from_frame(frame).compare("new", reference="old", courses="adjacent")
    )


# ---- properties


@st.composite
def histories(draw):
    rows = []
    for patient in range(draw(st.integers(1, 6))):
        treatments = draw(st.lists(st.sampled_from(["old", "new", "third"]), min_size=1, max_size=5))
        places = draw(st.permutations(range(1, len(treatments) + 1)))
        for place, name in zip(places, treatments, strict=True):
            years = draw(st.integers(1, 4000)) / 365.25
            rows.append((f"P{patient}", name, place, draw(st.integers(0, 20)), years))
    return rows


def expected(rows, courses):
    """Return the sums by patient, written a second time and without pandas."""
    found = {}
    for patient in dict.fromkeys(row[0] for row in rows):
        own = sorted((row for row in rows if row[0] == patient), key=lambda row: row[2])
        names = [row[1] for row in own]
        if courses == "adjacent":
            first = names.index("new") if "new" in names else 0
            own = own[first - 1 : first + 1] if first and names[first - 1] == "old" else []
        if {"old", "new"} <= {row[1] for row in own}:
            found[patient] = [
                (
                    sum(row[3] for row in own if row[1] == name),
                    math.fsum(row[4] for row in own if row[1] == name),
                )
                for name in ("old", "new")
            ]
    return found


@settings(max_examples=50, deadline=None)
@given(histories(), st.sampled_from(["all", "adjacent"]), st.randoms(use_true_random=False))
def test_pairing_agrees_with_a_second_implementation_in_any_order_of_the_rows(rows, courses, random):
    wanted = expected(rows, courses)
    shuffled = random.sample(rows, len(rows))
    for table in (rows, shuffled):
        if not wanted:
            with pytest.raises(CohortError):
                compare(*table, courses=courses)
            continue
        pair = compare(*table, courses=courses)
        found = dict(
            zip(pair.patients, zip(pair.relapses.tolist(), pair.years.tolist(), strict=True), strict=True)
        )
        assert found.keys() == wanted.keys()
        assert list(pair.patients) == [
            name for name in dict.fromkeys(row[0] for row in table) if name in wanted
        ]
        for name, sums in wanted.items():
            assert found[name][0] == [relapses for relapses, _ in sums]
            np.testing.assert_allclose(found[name][1], [years for _, years in sums], rtol=1e-14)
        concerned = {row[0] for row in rows if row[1] != "third"}
        assert set(pair.unpaired) == concerned - wanted.keys()


@settings(max_examples=20, deadline=None)
@given(histories())
def test_swapping_twice_changes_nothing(rows):
    if not expected(rows, "all"):
        return
    pair = compare(*rows)
    swapped = pair.swapped()
    assert (swapped.reference, swapped.comparator) == ("new", "old")
    assert swapped.relapses.tolist() == pair.relapses[:, ::-1].tolist()
    again = swapped.swapped()
    assert again.relapses.tolist() == pair.relapses.tolist()
    assert again.years.tolist() == pair.years.tolist()
