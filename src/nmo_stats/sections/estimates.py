"""Sections on the rate ratio: every method with its cautions, methods without a number, and each patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.estimators.classical import RateResults
from nmo_stats.names import ESTIMAND_NAMES, LIMIT_NAMES, METHODS, OTHER_LIMIT_NAMES, is_hierarchical
from nmo_stats.sections.blocks import Block, Bullets, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, first_of
from nmo_stats.wording import (
    as_sentence,
    beside,
    counted,
    difference_limits,
    estimate_text,
    fewer_or_more,
    interval_text,
    p_value_text,
    percent,
    probability_text,
    ratio_limits,
    records,
    significant,
)

_MOST_OPEN: Final = 12
_DIFFERENCES: Final = {
    False: "Pooled: all relapses over all years, score interval.",
    True: "Hierarchical: of a typical patient, credible interval.",
}  # by whether the method is hierarchical


def estimators(analysis: Analysis) -> Section:
    """Return the ratio by every method, its cautions, and the methods that were refused."""
    shown = _informative(analysis.rates)
    blocks = estimate_blocks(analysis.pair, analysis.rates, analysis.unmerged)
    drawn = (_forest(analysis, shown),) if shown else ()
    return Section("estimators", "The rate ratio by every method", _estimators_lead(shown), (*drawn, *blocks))


def estimate_blocks(
    pair: Comparison, rates: RateResults, unmerged: RateResults | None = None
) -> tuple[Block, ...]:
    """Return the tables of ratios and differences, the methods without a number, and which interval to read.

    Parameters
    ----------
    pair, rates
        What was compared, and the estimates.
    unmerged
        The estimates with no onsets merged, where many are.
    """
    shown = _informative(rates)
    blocks: list[Block] = []
    if shown:
        blocks = [Prose(_estimands(pair)), _ratio_table(pair, shown)]
        blocks += [] if unmerged is None else [_unmerged_table(pair, shown, unmerged)]
        blocks += difference_tables(shown, pair)
    if rates.refusals:
        refused = [
            f"{'; '.join(METHODS[method].name for method in methods)}: {reason}."
            for reason, methods in rates.by_reason().items()
        ]
        blocks += [Prose("Without a number, and why:"), Bullets(tuple(refused))]
    return (*blocks, Prose(rates.recommendation.text)) if rates.recommendation.text else tuple(blocks)


def _informative(rates: RateResults) -> list[RateRatio]:
    return [ratio for ratio in rates.estimates if ratio.informative]


def _estimators_lead(shown: list[RateRatio]) -> str:
    if not shown:
        return as_sentence(NO_INFORMATION)
    limits = {end: _span([getattr(ratio.interval, end) for ratio in shown]) for end in ("high", "low")}
    for end, span in limits.items():
        if all(ratio.known_limit == end for ratio in shown):
            known = LIMIT_NAMES[end]
            return f"The data set only the {known} limit of the ratio: over the methods it is {span}."
    estimates = _span([ratio.estimate for ratio in shown])
    return f"The estimates are {estimates}; the upper limits of their intervals are {limits['high']}."


def _span(values: Sequence[float]) -> str:
    """Return least and largest of some ratios, each distinguished from 1."""
    low, high = beside(min(values), 1, 2), beside(max(values), 1, 2)
    return low if low == high else f"{low} to {high}"


def _forest(analysis: Analysis, shown: list[RateRatio]) -> Picture:
    from nmo_stats.figures.forest import forest, rows

    pair, level = analysis.pair, percent(analysis.settings.level)
    return draw(
        "forest",
        partial(forest, shown, comparator=pair.comparator),
        0.27 * rows(shown) + 0.4,
        caption=f"Rate ratio, {pair.comparator} / {pair.reference}, with {level} intervals. Hollow: with a "
        "caution (see the table). Blue: Bayesian.",
        alt="Forest plot of the rate ratio by every method; the numbers are in the table below.",
    )


def _estimands(pair: Comparison) -> str:
    patients, informative = len(pair.patients), pair.informative_patients
    if informative == patients:
        relapsed = "Every patient had a relapse." if patients > 1 else "The one patient had a relapse."
    else:
        relapsed = (
            f"{informative} of {counted(patients, 'patient')} had a relapse; the others do not contribute "
            "to the within-patient ratio."
        )
    return (
        "Pooled ratios divide all relapses by all years; they are confounded where patients with different "
        "rates have different proportions of time on the two treatments. Within-patient ratios compare the "
        "two periods of the same patient and assume one ratio for all; a switch triggered by a relapse "
        "biases them. The hierarchical ratio is that of a typical patient; both rates and ratios may "
        f"differ between patients. {relapsed}"
    )


def _ratio_table(pair: Comparison, shown: list[RateRatio]) -> Table:
    texts = list(dict.fromkeys(caution.text for ratio in shown for caution in ratio.cautions))
    rows = tuple(
        (
            *_method(ratio),
            estimate_text(ratio),
            interval_text(ratio.interval),
            _evidence(ratio),
            " ".join(str(texts.index(caution.text) + 1) for caution in ratio.cautions) or "none",
        )
        for ratio in shown
    )
    return Table(
        f"Rate ratio, {pair.comparator} / {pair.reference}",
        ("Method", "Estimand", "Ratio", _level(shown), "p or P", "Cautions"),
        rows,
        words=(1,),
        notes=(
            "p: two-sided p-value of a ratio of 1, consistent with the interval (central for the exact "
            "methods). P: posterior probability of a ratio below 1.",
            *(f"Caution {number}: {text}." for number, text in enumerate(texts, start=1)),
        ),
    )


def _unmerged_table(pair: Comparison, shown: list[RateRatio], unmerged: RateResults) -> Table:
    """Return the ratio by the same methods with no onsets merged."""
    others = [(ratio, unmerged.beside(ratio)) for ratio in shown]
    rows = tuple(
        (*_method(ratio), estimate_text(other), interval_text(other.interval))
        if other is not None and other.informative
        else (*_method(ratio), "not estimable", "not estimable")
        for ratio, other in others
    )
    caption = f"Ratio with no onsets merged, {pair.comparator} / {pair.reference}"
    return Table(caption, ("Method", "Estimand", "Ratio", _level(shown)), rows, words=(1,))


def _method(ratio: RateRatio) -> tuple[str, str]:
    return METHODS[ratio.method].short_name, ESTIMAND_NAMES[ratio.estimand]


def _level(shown: Sequence[RateRatio]) -> str:
    return f"{percent(shown[0].interval.level)} interval"


def _evidence(ratio: RateRatio) -> str:
    if ratio.p_value is not None:
        return f"p {p_value_text(ratio.p_value, level=ratio.interval.level)}"
    if ratio.probability_below_1 is not None:
        return f"P {probability_text(ratio.probability_below_1)}"
    return "neither is computed"


def difference_tables(shown: Sequence[RateRatio], pair: Comparison) -> tuple[Table, ...]:
    """Return the table of differences per patient-year with their direction; none where no method has one."""
    known = [(ratio, ratio.rate_difference) for ratio in shown if ratio.rate_difference is not None]
    if not known:
        return ()
    rows = tuple(
        (*_method(ratio), fewer_or_more(difference.estimate), difference_limits(difference.interval))
        for ratio, difference in known
    )
    kinds = sorted({is_hierarchical(ratio.method) for ratio, _ in known})
    notes = [" ".join(_DIFFERENCES[kind] for kind in kinds)]
    without = dict.fromkeys(METHODS[ratio.method].name for ratio in shown if ratio.rate_difference is None)
    if without:
        needs = ", and needs relapses on both treatments" if shown[0].known_limit else ""
        notes.append(
            f"Without a difference: {'; '.join(without)}. The score interval is that of two Poisson "
            f"totals{needs}; the other methods give a ratio only."
        )
    caption = f"Relapses per patient-year, fewer or more on {pair.comparator} than on {pair.reference}"
    columns = ("Method", "Estimand", "Difference", _level(shown))
    return (Table(caption, columns, rows, words=(1,), notes=tuple(notes)),)


def each_patient(analysis: Analysis) -> Section | None:
    """Return each patient's ratio, drawn towards the others by the model; None without a usable fit."""
    ratio = analysis.headline
    if ratio is None or not ratio.informative:
        return None
    table = analysis.model_frames["patient_rate_ratios"]
    blocks = (_patient_picture(analysis, table), _patient_table(analysis, table))
    return Section("patients", "Each patient", _patients_lead(ratio, table), blocks)


def _patients_lead(ratio: RateRatio, table: pd.DataFrame) -> str:
    if ratio.known_limit:
        known, other = LIMIT_NAMES[ratio.known_limit], OTHER_LIMIT_NAMES[ratio.known_limit]
        return (
            f"In the model the {known} limit of a patient's own ratio is "
            f"{_span(list(table[ratio.known_limit]))}; its median and {other} limit depend on the prior."
        )
    estimates = _span(list(table["estimate"]))
    if len(table) == 1:
        return f"With one patient the model's ratio of this patient is {estimates}."
    return (
        f"The model's estimates of the patients' own ratios are {estimates}; each is drawn towards the "
        "others, more strongly the fewer relapses it rests on."
    )


def _patient_picture(analysis: Analysis, table: pd.DataFrame) -> Picture:
    from nmo_stats.figures import patient_ratios
    from nmo_stats.figures.patients import MOST_PATIENTS

    return draw(
        "patients",
        partial(patient_ratios, analysis.fit, level=analysis.settings.level),
        1.0 + 0.36 * min(len(table), MOST_PATIENTS),
        caption="Each patient's ratio in the model (filled, with interval) and as observed (hollow; an "
        "arrow where it is 0 or infinite). Line and band: the typical patient's ratio and interval."
        + first_of(len(table), MOST_PATIENTS),
        alt="Rate ratio of each patient, in the model and as observed; the numbers are in the table below.",
    )


def _patient_table(analysis: Analysis, table: pd.DataFrame) -> Table:
    level = analysis.settings.level
    new = analysis.fit.rate_ratio_new_patient(level)
    new_patient: dict[str, Any] = {
        "patient": "A new patient",
        "estimate": new.estimate,
        "low": new.interval.low,
        "high": new.interval.high,
        "probability_below_1": new.probability_below_1,
    }
    rows = tuple(
        (
            row["patient"],
            _observed(row["observed"]) if "observed" in row else "not yet seen",
            significant(row["estimate"]),
            ratio_limits(row["low"], row["high"]),
            probability_text(row["probability_below_1"]),
        )
        for row in (*records(table), new_patient)
    )
    return Table(
        "Ratio of each patient, and of a patient not yet seen",
        ("Patient", "Observed", "Model", f"{percent(level)} interval", "P(ratio < 1)"),
        rows,
        notes=tuple(as_sentence(caution.text) for caution in new.cautions if caution.code == "confounded"),
        most_open=_MOST_OPEN,
    )


def _observed(ratio: float) -> str:
    return "none (no relapse)" if math.isnan(ratio) else significant(ratio)
