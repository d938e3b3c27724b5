"""A second implementation of the rules of dated events: plain loops over patients and days, no arrays."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Course:
    """A course with its first and last day on the drug; an onset belongs to the drug of the day before it."""

    treatment: str
    start: int
    last: int
    relapses: list[int] = field(default_factory=list)
    days: int = 0
    merged: int = 0


@dataclass
class Patient:
    """What became of one patient: courses with their days and relapses, and the fate of every row and day."""

    courses: list[Course]
    fate: dict[str, int]
    merged_across: list[tuple[int, int]]


def clusters(onsets, min_gap_days):
    """Group sorted onsets; each group is (first, others)."""
    groups = []
    for onset in sorted(onsets):
        if min_gap_days > 0 and groups and onset - groups[-1][0] <= min_gap_days:
            groups[-1].append(onset)
        else:
            groups.append([onset])
    return groups


def owner_of(day, courses, gap):
    """Name the course on whose drug the patient was on the day before, or why on none."""
    before = day - 1
    for course in courses:
        if course.start <= before <= course.last:
            return course
    if before < courses[0].start:
        return "history"
    if before > courses[-1].last:
        return "after"
    if gap == "previous":
        return [course for course in courses if course.last < before][-1]
    return "gap"


def followed(courses, onsets, last_visit, *, min_gap_days, run_in_days, gap):
    """Follow one patient day by day."""
    courses = sorted((Course(*course) for course in courses), key=lambda course: course.start)
    names = ("same_day", "merged", "history", "gap", "after", "run_in", "kept")
    fate = {f"relapses_{name}": 0 for name in names}
    fate |= dict.fromkeys(("days_in", "days_gap", "days_after", "days_run_in", "days_kept"), 0)
    for day in range(courses[0].start + 1, max(last_visit, courses[-1].last + 1) + 1):
        owner = owner_of(day, courses, gap)
        fate["days_in"] += 1
        if isinstance(owner, str):
            fate[f"days_{owner}"] += 1
        elif day <= owner.start + run_in_days:
            fate["days_run_in"] += 1
        else:
            fate["days_kept"] += 1
            owner.days += 1
    merged_across = []
    chosen = {"run_in_days": run_in_days, "gap": gap}
    for first, *others in clusters(onsets, min_gap_days):
        owner = owner_of(first, courses, gap)
        for previous, other in zip([first, *others], others, strict=False):
            fate["relapses_same_day" if other == previous else "relapses_merged"] += 1
        merged_across += [(first, other) for other in merged(first, others, courses, **chosen)]
        fate[f"relapses_{counted_as(first, owner, run_in_days)}"] += 1
        if counted_as(first, owner, run_in_days) == "kept":
            owner.relapses.append(first)
    return Patient(courses, fate, merged_across)


def merged(first, others, courses, *, run_in_days, gap):
    """Note the onsets of a cluster on their own courses; return those that another drug had."""
    owner, across = owner_of(first, courses, gap), []
    for previous, other in zip([first, *others], others, strict=False):
        own = owner_of(other, courses, gap)
        if counted_as(other, own, run_in_days) != "kept":
            continue
        own.merged += other != previous
        if crosses_switch(owner, own):
            across.append(other)
    return across


def counted_as(first, owner, run_in_days):
    """Name what becomes of a relapse."""
    if isinstance(owner, str):
        return owner
    return "run_in" if first <= owner.start + run_in_days else "kept"


def crosses_switch(owner, own):
    """Whether a merged onset would have counted on another treatment."""
    if isinstance(own, str) or own is owner:
        return False
    return isinstance(owner, str) or own.treatment != owner.treatment


def lags(patient, gap):
    """Return course, next course and days from the last relapse to the end, None without a relapse."""
    found = []
    for course, following in zip(patient.courses, patient.courses[1:], strict=False):
        off = following.start if gap == "previous" else course.last + 1
        if course.days:
            lag = off - max(course.relapses) if course.relapses else None
            found.append((course.treatment, following.treatment, lag))
    return found
