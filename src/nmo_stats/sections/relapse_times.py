"""Section on when the relapses came: time to the first relapse, and how relapses accumulate."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.describe import Accumulation, FirstRelapse, TimeToFirst
from nmo_stats.estimate import Interval
from nmo_stats.estimators.cautions import merged_cautions
from nmo_stats.sections.blocks import Block, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw
from nmo_stats.wording import (
    beside,
    capital,
    counted,
    joined,
    months_text,
    percent,
    ratio_limits,
    significant,
)

FEWEST_FOR_CURVE: Final = 10
NO_TEST: Final = (
    "The two periods are of the same patients, and a relapse may end a treatment: the times on the two treatments "
    "are described, and no test is made between them."
)


def relapse_times(analysis: Analysis) -> Section:
    """Return the section on the times of the relapses, as far as they are known."""
    first, mean = analysis.first_relapse, analysis.accumulation
    blocks: tuple[Block, ...] = ()
    if _has_curve(analysis):
        blocks = (_relapse_free_picture(analysis),)
    if first.curves:
        blocks = (*blocks, median_table(first), share_table(first), Prose(NO_TEST))
    if len(mean.curves) == 2:
        blocks = (*blocks, _mean_picture(analysis))
    merged = merged_cautions(analysis.pair)
    if merged and (first.curves or mean.curves):
        text = (
            f"{capital(merged[0].text)}. So do the mean numbers of relapses below, and a time to the first relapse where "
            "an onset is merged into a relapse that began before the treatment."
        )
        blocks = (Prose(text), *blocks)
    if mean.curves:
        blocks = (*blocks, mean_table(mean, first.landmarks or mean.landmarks))
    if mean.reasons and first.curves:
        blocks = (*blocks, Prose(_not_accumulated(mean)))
    return Section("timing", "When the relapses came", " ".join(first_relapse_sentences(first)), blocks)


def first_relapse_sentences(found: FirstRelapse) -> list[str]:
    """Return what is known of the time to the first relapse, and why the rest is not."""
    medians = [_median_told(curve) for curve in found.curves.values() if math.isfinite(curve.median)]
    told = [f"The median time to the first relapse is {joined(medians)}."] if medians else []
    told += [
        f"On {curve.treatment} {curve.relapsed} of {counted(curve.patients, 'patient')} relapsed, and the median time to the first "
        f"relapse is not reached ({_limits_told(curve.median_interval)})."
        for curve in found.curves.values()
        if math.isinf(curve.median)
    ]
    by_reason: dict[str, list[str]] = {}
    for name, reason in found.reasons.items():
        by_reason.setdefault(reason, []).append(name)
    told += [
        f"The time to the first relapse on {joined([names[0], *(f'on {name}' for name in names[1:])])} is not known: {reason}."
        for reason, names in by_reason.items()
    ]
    return told


def median_table(found: FirstRelapse) -> Table:
    """Return the median time to the first relapse on each treatment."""
    rows = tuple(
        (
            curve.treatment,
            str(curve.patients),
            str(curve.relapsed),
            _months(curve.median),
            limits_text(curve.median_interval),
        )
        for curve in found.curves.values()
    )
    return Table(
        "Months to the first relapse",
        ("Treatment", "Patients", "Relapsed", "Median", f"{percent(found.level)} interval"),
        rows,
        notes=(
            "Since the start of the treatment; patients without a relapse are followed to the end of their period.",
        ),
    )


def share_table(found: FirstRelapse) -> Table:
    """Return the share without a relapse at a few times."""
    rows = []
    for curve in found.curves.values():
        for months in found.landmarks:
            share = curve.share_at(months)
            cells = ("nobody", "beyond the follow-up", "beyond the follow-up")
            if share is not None:
                limits = ratio_limits(share["low"], share["high"])
                cells = (str(share["at_risk"]), beside(share["share"], 1), limits)
            rows.append((curve.treatment, str(months), *cells))
    return Table(
        "Share of patients without a relapse (Kaplan-Meier)",
        ("Treatment", "Months", "At risk, no relapse", "Share", f"{percent(found.level)} interval"),
        tuple(rows),
        notes=(
            "Intervals: beta product, pointwise; where nobody leaves early they are the exact ones of a share.",
        ),
    )


def mean_table(found: Accumulation, landmarks: tuple[int, ...]) -> Table:
    """Return the mean cumulative number of relapses per patient at a few times."""
    rows = []
    for curve in found.curves.values():
        for months in landmarks:
            at = curve.mean_at(months)
            cells = ("nobody", "beyond the follow-up", "beyond the follow-up")
            if at is not None:
                limits = (
                    "none, see below"
                    if math.isnan(at["low"])
                    else f"{significant(at['low'])} to {significant(at['high'])}"
                )
                cells = (str(at["at_risk"]), significant(at["mean"]), limits)
            rows.append((curve.treatment, str(months), *cells))
    reasons = dict.fromkeys(curve.interval_reason for curve in found.curves.values() if curve.interval_reason)
    return Table(
        "Mean number of relapses per patient since the start of the treatment",
        ("Treatment", "Months", "At risk", "Mean", f"{percent(found.level)} interval"),
        tuple(rows),
        notes=(
            "It assumes that the end of follow-up has nothing to do with the relapses; a switch that a relapse triggers breaks this.",
            *(f"{capital(reason)}." for reason in reasons),
        ),
    )


def limits_text(interval: Interval) -> str:
    """Return the limits of a median in months, in words where a limit is not reached."""
    if interval.low == 0 and math.isinf(interval.high):
        return "not estimable"
    return f"{_months(interval.low)} to {_months(interval.high)}"


def _median_told(curve: TimeToFirst) -> str:
    relapsed = f"{curve.relapsed} of {counted(curve.patients, 'patient')} relapsed"
    limits = _limits_told(curve.median_interval)
    return f"{months_text(curve.median, 2)} on {curve.treatment} ({limits}; {relapsed})"


def _limits_told(interval: Interval) -> str:
    """Return the interval of a median in months, as it stands in a sentence."""
    name, low, high = f"{percent(interval.level)} interval", interval.low, interval.high
    if low == 0 and math.isinf(high):
        return f"{name} not estimable"
    if math.isinf(high):
        return f"{name} from {significant(12 * low, 2)}, upper limit not reached"
    if low == 0:
        return f"{name} up to {significant(12 * high, 2)}, lower limit not reached"
    return f"{name} {significant(12 * low, 2)} to {significant(12 * high, 2)}"


def _months(years: float) -> str:
    return "not reached" if math.isinf(years) else significant(12 * years)


def _not_accumulated(found: Accumulation) -> str:
    told = "; ".join(f"{name}, {reason}" for name, reason in found.reasons.items())
    return f"How relapses add up over time can be shown only where every relapse has a time: {told}."


def _has_curve(analysis: Analysis) -> bool:
    curves = analysis.first_relapse.curves
    return len(curves) == 2 and all(curve.patients >= FEWEST_FOR_CURVE for curve in curves.values())


def _relapse_free_picture(analysis: Analysis) -> Picture:
    from nmo_stats.figures import relapse_free

    found = analysis.first_relapse
    told = []
    for curve in found.curves.values():
        shares = [(months, curve.share_at(months)) for months in found.landmarks]
        known = ", ".join(f"{significant(at['share'], 2)} at {months} months" for months, at in shares if at)
        told.append(f"{curve.treatment} {known}")
    return draw(
        "relapse_free",
        partial(relapse_free, found, analysis.pair),
        3.2,
        caption=f"Share of patients without a relapse since the start of the treatment (Kaplan-Meier), with pointwise {percent(found.level)} intervals. A tick: a patient who leaves without a relapse.",
        alt=f"Kaplan-Meier curves of the relapse-free share: {'; '.join(told)}.",
    )


def _mean_picture(analysis: Analysis) -> Picture:
    from nmo_stats.figures import mean_counts

    found = analysis.accumulation
    told = [
        f"{significant(curve.curve['mean'].iloc[-1], 2)} on {curve.treatment} after {months_text(curve.last, 2)}"
        for curve in found.curves.values()
    ]
    shown = all(not curve.interval_reason for curve in found.curves.values())
    bands = (
        f" Bands: pointwise {percent(found.level)} intervals, while 5 patients or more are at risk."
        if shown
        else ""
    )
    return draw(
        "accumulation",
        partial(mean_counts, found, analysis.pair),
        3.2,
        caption=f"Mean number of relapses per patient since the start of each treatment (Nelson-Aalen estimate). A straight line is a constant rate.{bands}",
        alt=f"Mean cumulative number of relapses per patient: {'; '.join(told)}.",
    )
