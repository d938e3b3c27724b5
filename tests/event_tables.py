"""Small tables of dated events that several tests read."""

import datetime

import pandas as pd

ORIGIN = datetime.date(2010, 1, 1)


def iso(day):
    return (ORIGIN + datetime.timedelta(days=day)).isoformat()


def tables(courses, onsets, day=lambda number: number):
    """Return the tables of courses (patient, treatment, start, end, last visit) and onsets (patient, day)."""

    def cell(number):
        return None if number is None else day(number)

    treatments = pd.DataFrame(
        [(who, drug, *map(cell, days)) for who, drug, *days in courses],
        columns=["patient", "treatment", "start", "end", "last_visit"],
        dtype="object",
    )
    relapses = pd.DataFrame(
        [(who, cell(number)) for who, number in onsets], columns=["patient", "onset"], dtype="object"
    )
    return treatments, relapses


# A: a history, a relapse on the switch day, a gap, an ongoing course. B: touching courses.
COURSES = [
    ("A", "rituximab", 0, 100, 400),
    ("A", "tocilizumab", 130, None, 400),
    ("B", "rituximab", 10, 210, None),
    ("B", "tocilizumab", 210, 500, None),
]
ONSETS = [
    ("A", -20),
    ("A", 0),
    ("A", 50),
    ("A", 100),
    ("A", 135),
    ("B", 40),
    ("B", 210),
    ("B", 235),
    ("B", 300),
]
