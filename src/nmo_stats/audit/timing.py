"""The median time to the first relapse of a series, patients without a relapse censored."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from nmo_stats.audit.formulas import Compute, Computed, Outcome, Unknown, listed
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal, median
from nmo_stats.describe.follow_up import FollowUp
from nmo_stats.describe.kaplan_meier import kaplan_meier

_LEVEL = 0.95  # of the limits that come with the curve and are not used here


def median_to_first(unit: str) -> Compute:
    """Return the formula of the Kaplan-Meier median of ``first_relapse_days`` or ``first_relapse_months``.

    Its range is that of the corners at which all relapses, and all ends of follow-up, move together.
    """

    def compute(record: Record, name: Name) -> Outcome:
        patients = record.patients_on(name.treatment)
        known = [_time(record, name._replace(patient=patient), unit) for patient in patients]
        spans = [one for one in known if one is not None]
        relapses = [_relapses(record, name._replace(patient=patient)) for patient in patients]
        if name.treatment is None or not patients:
            return Unknown("the first relapse on which drug is meant is not said")
        if len(spans) < len(patients):
            timed = sum(one is not None and count > 0 for one, count in zip(known, relapses, strict=True))
            return Unknown(
                f"the time of the first relapse is known for {timed} of {sum(map(bool, relapses))} patients with one"
            )
        return _of_times(spans, np.array(relapses) > 0, unit)

    return compute


def median_of_relapsed(unit: str) -> Compute:
    """Return the formula of the median time of the patients with a relapse, nobody censored."""

    def compute(record: Record, name: Name) -> Outcome:
        names = [name._replace(patient=patient) for patient in record.patients_on(name.treatment)]
        relapsed = [one for one in names if name.treatment is not None and _relapses(record, one)]
        known = [_time(record, one, unit) for one in relapsed]
        spans = [one for one in known if one is not None]
        if not spans or len(spans) < len(known):
            return Unknown("the time of the first relapse is not known for all patients with one")
        words = f"median of the times to the first relapse of the patients with one ({listed(spans)} {unit})"
        return Computed(median(spans), words)

    return compute


def _of_times(spans: list[Span], relapsed: np.ndarray, unit: str) -> Outcome:
    ends: list[Callable[[Span], Decimal]] = [lambda span: span.low, lambda span: span.high]
    middle = _median([span.value for span in spans], relapsed)
    corners = [
        _median(
            [(of_relapse if had else of_end)(span) for span, had in zip(spans, relapsed, strict=True)],
            relapsed,
        )
        for of_relapse in ends
        for of_end in ends
    ]
    without = int((~relapsed).sum())
    censored = f", {without} without a relapse and censored" if without else ""
    if math.isinf(middle):
        return Unknown(
            f"the Kaplan-Meier median is not reached: {without} of {len(spans)} patients had no relapse"
        )
    if math.isinf(max(corners)):
        return Unknown("the rounding of the times decides whether the Kaplan-Meier median is reached")
    times = listed([span for span, had in zip(spans, relapsed, strict=True) if had])
    words = f"Kaplan-Meier median of the times to the first relapse ({times} {unit}{censored})"
    return Computed(
        Span(decimal(middle), decimal(min(middle, *corners)), decimal(max(middle, *corners))), words
    )


def _median(times: list[Decimal], relapsed: np.ndarray) -> float:
    """Return the median in the unit of the times."""
    years = np.array([float(time) for time in times])
    none = np.zeros(0)
    watched = FollowUp(
        patients=len(years),
        relapses=relapsed.astype(np.int64),
        years=years,
        relapse_patient=none.astype(np.int64),
        relapse_years=none,
        first=np.where(relapsed, years, np.inf),
    )
    return kaplan_meier("", watched, _LEVEL).median


def _time(record: Record, name: Name, unit: str) -> Span | None:
    """Return the time of a patient's first relapse, or that of the end of the follow-up without one."""
    quantity = f"first_relapse_{unit}" if _relapses(record, name) else f"exposure_{unit}"
    known = record.fact(quantity, name.patient, name.treatment)
    return None if known is None else known.span


def _relapses(record: Record, name: Name) -> int:
    return int(record.data[name._replace(quantity="relapses")].span.value)
