"""Every public docstring has its sections; `python tests/docstrings.py` lists what lacks, room by room."""

from collections import defaultdict

import pytest
from docstrings import faults, public, raised

from nmo_stats.estimate import Interval
from nmo_stats.hierarchical import HierarchicalFit, Nuts


def test_the_public_names_are_those_that_a_face_hands_out():
    names = public()
    assert {"cohort.cohort.Cohort", "hierarchical.fitted.HierarchicalFit.predict", "rates.all_rates"} <= set(
        names
    )
    assert not any(part.startswith("_") for name in names for part in name.split("."))


@pytest.mark.parametrize(
    ("value", "exceptions"),
    [
        (Interval, {"ArgumentError"}),
        (Nuts, {"ArgumentError"}),
        (HierarchicalFit.require_convergence, {"ConvergenceError"}),
        (HierarchicalFit.contraction, set()),
    ],
)
def test_what_a_body_raises_is_seen(value, exceptions):
    assert raised(value) == exceptions


def test_every_public_docstring_has_its_sections():
    by_room = defaultdict(list)
    for fault in faults():
        by_room[fault.room].append(str(fault))
    assert not by_room, "\n".join(line for lines in by_room.values() for line in lines)
