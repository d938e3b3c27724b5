"""Section on when the relapses came: time to the first relapse, and how relapses accumulate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Final

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.describe import Accumulation, FirstRelapse, MeanCount, TimeToFirst
from nmo_stats.estimators.cautions import merged_cautions
from nmo_stats.sections.blocks import Block, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw
from nmo_stats.wording import (
    as_sentence,
    beside,
    counted,
    joined,
    months_text,
    percent,
    range_text,
    ratio_limits,
    significant,
)

FEWEST_FOR_CURVE: Final = 10
NO_TEST: Final = (
    "The two periods are of the same patients, and a relapse may end a treatment: the times on the two "
    "treatments are described without a test between them."
)
_BEYOND: Final = ("nobody", "beyond the follow-up", "beyond the follow-up")


def relapse_times(analysis: Analysis) -> Section:
    """Return the section on the times of the relapses, as far as they are known."""
    first, mean = analysis.first_relapse, analysis.accumulation
    blocks: tuple[Block, ...] = merging_blocks(analysis.pair) if first.curves or mean.curves else ()
    if len(first.curves) == 2 and all(curve.patients >= FEWEST_FOR_CURVE for curve in first.curves.values()):
        blocks = (*blocks, _relapse_free_picture(analysis))
    blocks = (*blocks, *first_relapse_blocks(first))
    if len(mean.curves) == 2:
        blocks = (*blocks, _mean_picture(analysis))
    blocks = (*blocks, *accumulation_blocks(first, mean))
    return Section("timing", "When the relapses came", " ".join(first_relapse_sentences(first)), blocks)


def merging_blocks(pair: Comparison) -> tuple[Prose, ...]:
    """Return what frequent merging of onsets does to the times; nothing where few onsets are merged."""
    return tuple(
        Prose(
            f"{as_sentence(caution.text)} So do the mean numbers of relapses below, and a time to the first "
            "relapse where an onset is merged into a relapse that began before the treatment."
        )
        for caution in merged_cautions(pair)
    )


def first_relapse_sentences(first: FirstRelapse) -> list[str]:
    """Return what is known of the time to the first relapse, and why the rest is not."""
    medians, sentences = [], []
    for curve in first.curves.values():
        relapsed = f"{curve.relapsed} of {counted(curve.patients, 'patient')} relapsed"
        interval = f"{percent(first.level)} interval {_interval(curve, 2)}"
        if math.isfinite(curve.median):
            medians.append(f"{months_text(curve.median, 2)} on {curve.treatment} ({interval}; {relapsed})")
        else:
            sentences.append(
                f"On {curve.treatment} {relapsed}, and the median time is not reached ({interval})."
            )
    if medians:
        sentences.insert(0, f"The median time to the first relapse is {joined(medians)}.")
    treatments = defaultdict(list)
    for treatment, reason in first.reasons.items():
        treatments[reason].append(f"on {treatment}")
    sentences += [
        f"The time to the first relapse {joined(names)} is not estimable: {reason}."
        for reason, names in treatments.items()
    ]
    return sentences


def first_relapse_blocks(first: FirstRelapse) -> tuple[Block, ...]:
    """Return the median times and the relapse-free proportions; nothing where no time is known."""
    return (_median_table(first), share_table(first), Prose(NO_TEST)) if first.curves else ()


def accumulation_blocks(first: FirstRelapse, mean: Accumulation) -> tuple[Block, ...]:
    """Return the mean numbers of relapses; why there are none, where times to the first relapse are known."""
    blocks: tuple[Block, ...] = (_mean_table(mean, first.landmarks or mean.landmarks),) if mean.curves else ()
    if mean.reasons and first.curves:
        reasons = "; ".join(f"{treatment}, {reason}" for treatment, reason in mean.reasons.items())
        text = f"The mean cumulative number of relapses requires the time of every relapse: {reasons}."
        blocks = (*blocks, Prose(text))
    return blocks


def _median_table(first: FirstRelapse) -> Table:
    rows = tuple(
        (curve.treatment, str(curve.patients), str(curve.relapsed), _months(curve.median), _interval(curve))
        for curve in first.curves.values()
    )
    return Table(
        "Months to the first relapse",
        ("Treatment", "Patients", "Relapsed", "Median", f"{percent(first.level)} interval"),
        rows,
        notes=(
            "Since the start of the treatment; patients without a relapse are censored at the end of their "
            "period.",
        ),
    )


def share_table(first: FirstRelapse) -> Table:
    """Return the proportion without a relapse at a few times."""
    return Table(
        "Proportion of patients without a relapse (Kaplan-Meier)",
        ("Treatment", "Months", "At risk, no relapse", "Proportion", f"{percent(first.level)} interval"),
        tuple(
            (curve.treatment, str(months), *_share_cells(curve.share_at(months)))
            for curve in first.curves.values()
            for months in first.landmarks
        ),
        notes=(
            "Intervals: beta product, pointwise; without censoring they are the exact ones of a proportion.",
        ),
    )


def _share_cells(at: Mapping[str, float] | None) -> tuple[str, ...]:
    if at is None:
        return _BEYOND
    return str(at["at_risk"]), beside(at["share"], 1), ratio_limits(at["low"], at["high"])


def _mean_table(mean: Accumulation, landmarks: tuple[int, ...]) -> Table:
    reasons = dict.fromkeys(curve.interval_reason for curve in mean.curves.values() if curve.interval_reason)
    return Table(
        "Mean number of relapses per patient since the start of the treatment",
        ("Treatment", "Months", "At risk", "Mean", f"{percent(mean.level)} interval"),
        tuple(
            (curve.treatment, str(months), *_mean_cells(curve.mean_at(months)))
            for curve in mean.curves.values()
            for months in landmarks
        ),
        notes=(
            "The mean assumes that the end of follow-up is independent of the relapses; a switch triggered "
            "by a relapse violates this.",
            *map(as_sentence, reasons),
        ),
    )


def _mean_cells(at: Mapping[str, float] | None) -> tuple[str, ...]:
    if at is None:
        return _BEYOND
    limits = "not estimable" if math.isnan(at["low"]) else range_text(at["low"], at["high"])
    return str(at["at_risk"]), significant(at["mean"]), limits


def _interval(curve: TimeToFirst, digits: int = 3) -> str:
    """Return the limits of a median in months."""
    low, high = curve.median_interval.low, curve.median_interval.high
    if low == 0 and math.isinf(high):
        return "not estimable"
    return f"{_months(low, digits)} to {_months(high, digits)}"


def _months(years: float, digits: int = 3) -> str:
    return "not reached" if math.isinf(years) else significant(12 * years, digits)


def _relapse_free_picture(analysis: Analysis) -> Picture:
    from nmo_stats.figures import relapse_free

    first = analysis.first_relapse
    return draw(
        "relapse_free",
        partial(relapse_free, first, analysis.pair),
        3.2,
        caption="Proportion of patients without a relapse since the start of the treatment (Kaplan-Meier), "
        f"with {percent(first.level)} pointwise intervals. Tick: a patient censored without a relapse.",
        alt=f"Kaplan-Meier curves of {joined(list(first.curves))}; their values are in the tables below.",
    )


def _mean_picture(analysis: Analysis) -> Picture:
    from nmo_stats.figures import mean_counts

    mean = analysis.accumulation
    bands = f" Bands: pointwise {percent(mean.level)} intervals, while 5 patients or more are at risk."
    if any(curve.interval_reason for curve in mean.curves.values()):
        bands = ""
    ends = "; ".join(map(_last_mean, mean.curves.values()))
    return draw(
        "accumulation",
        partial(mean_counts, mean, analysis.pair),
        3.2,
        caption="Mean number of relapses per patient since the start of each treatment (Nelson-Aalen). A "
        f"straight line: a constant rate.{bands}",
        alt=f"Mean cumulative number of relapses per patient: {ends}.",
    )


def _last_mean(curve: MeanCount) -> str:
    """Return the mean at the end of follow-up."""
    last = curve.curve.iloc[-1]
    return f"{significant(last['mean'], 2)} on {curve.treatment} after {months_text(last['years'], 2)}"
