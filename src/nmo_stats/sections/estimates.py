"""Sections on the rate ratio: all estimators, and each patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd

from nmo_stats.analysis import Analysis
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.frames import records
from nmo_stats.names import ESTIMAND_NAMES, METHODS
from nmo_stats.recommendation import recommended
from nmo_stats.sections.blocks import Block, Bullets, Fold, Picture, Prose, Section, Table
from nmo_stats.sections.pictures import draw, first_of
from nmo_stats.sections.unmerged import with_unmerged
from nmo_stats.wording import (
    beside,
    capital,
    counted,
    difference_limits,
    estimate_text,
    fewer_or_more,
    interval_text,
    p_value_text,
    percent,
    probability_text,
    ratio_limits,
    ratio_text,
    significant,
)

_UNFOLDED_PATIENTS = 12


def estimators(analysis: Analysis) -> Section:
    """Return the ratio by every method, its cautions, and the methods that were refused."""
    shown = [ratio for ratio in analysis.rates.estimates if ratio.informative]
    blocks: tuple[Block, ...] = ()
    if shown:
        blocks = (
            _forest(analysis, shown),
            Prose(_estimands(analysis)),
            _estimates_table(analysis, shown),
            *difference_tables(shown, analysis.pair),
        )
    if analysis.rates.refusals:
        refused = tuple(
            f"{'; '.join(METHODS[method].name for method in methods)}: {reason}."
            for reason, methods in analysis.rates.by_reason().items()
        )
        blocks = (*blocks, Prose("Without a number, and why:"), Bullets(refused))
    return Section(
        "estimators",
        "The rate ratio by every method",
        _estimators_lead(shown),
        (*blocks, Prose(_reading(analysis))),
    )


def each_patient(analysis: Analysis) -> Section | None:
    """Return each patient's ratio, drawn towards the others by the model; None without a usable fit."""
    ratio = analysis.headline
    if ratio is None or not ratio.informative:
        return None
    table = analysis.fit.patient_rate_ratios(analysis.settings.level)
    block: Block = _patient_table(analysis)
    if len(table) > _UNFOLDED_PATIENTS:
        block = Fold("Ratio of each patient", (block,))
    return Section(
        "patients", "Each patient", _patients_lead(ratio, table), (_patient_picture(analysis), block)
    )


def _patients_lead(ratio: RateRatio, table: pd.DataFrame) -> str:
    if ratio.known_limit:
        known, other = ("high", "lower") if ratio.known_limit == "high" else ("low", "upper")
        which = "upper" if known == "high" else "lower"
        limits = _span([float(value) for value in table[known]])
        if len(table) == 1:
            return (
                f"In the model the {which} limit of the patient's own ratio {limits}; its median and {other} limit rest on "
                "the prior."
            )
        return (
            f"In the model the {which} limits of the patients' own ratios {limits}; their medians and {other} limits rest on "
            "its prior."
        )
    if len(table) == 1:
        median = significant(float(table["estimate"].iloc[0]), 2)
        return f"With one patient the model's ratio of this patient is {median}."
    return (
        f"The model's estimates of the patients' own ratios {_span([float(value) for value in table['estimate']])}; "
        "each is drawn towards the others, the more so the fewer relapses it rests on."
    )


def _estimators_lead(shown: list[RateRatio]) -> str:
    if not shown:
        return f"{capital(NO_INFORMATION)}."
    lows, highs = ([getattr(ratio.interval, end) for ratio in shown] for end in ("low", "high"))
    if all(ratio.known_limit == "high" for ratio in shown):
        return f"The data set an upper limit of the ratio only: by the methods that give one the limits {_span(highs)}."
    if all(ratio.known_limit == "low" for ratio in shown):
        return f"The data set a lower limit of the ratio only: by the methods that give one the limits {_span(lows)}."
    estimates = _span([ratio.estimate for ratio in shown])
    return f"The estimates {estimates}; the upper limits of their intervals {_span(highs)}."


def _span(values: list[float]) -> str:
    """Return least and largest as the end of a clause; those of a ratio are told apart from 1."""
    low, high = beside(min(values), 1, 2), beside(max(values), 1, 2)
    if low == high:
        return f"{'is' if len(values) == 1 else 'are all'} {low}"
    return f"run from {low} to {high}"


def _forest(analysis: Analysis, shown: list[RateRatio]) -> Picture:
    from nmo_stats.figures.forest import forest, rows

    listed = "; ".join(f"{METHODS[ratio.method].name} {ratio_text(ratio)}" for ratio in shown)
    return draw(
        "forest",
        partial(forest, shown, comparator=analysis.pair.comparator),
        0.27 * rows(shown) + 0.4,
        caption=f"Rate ratio, {analysis.pair.comparator} / {analysis.pair.reference}, with {percent(analysis.settings.level)} intervals. Hollow marks carry a caution (see the table). Blue: Bayesian.",
        alt=f"Forest plot of the rate ratio with intervals. {listed}.",
    )


def _estimands(analysis: Analysis) -> str:
    return (
        "Pooled ratios divide all relapses by all years; they are confounded where patients with different rates were followed for different "
        "shares of time. Within-patient ratios compare the two periods of the same patient; a switch that is triggered by a relapse moves them. "
        f"The hierarchical ratio is that of a typical patient and lets the patients differ, in their rates and in their ratio. "
        f"{_informative(analysis.pair)}"
    )


def _informative(pair: Comparison) -> str:
    patients, informative = len(pair.patients), pair.informative_patients
    if informative == patients:
        return "Every patient had a relapse." if patients > 1 else "The one patient had a relapse."
    return f"{informative} of {counted(patients, 'patient')} had a relapse; the others do not move the within-patient ratio."


def _estimates_table(analysis: Analysis, shown: list[RateRatio]) -> Table:
    texts = list(dict.fromkeys(caution.text for ratio in shown for caution in ratio.cautions))
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            METHODS[ratio.method].short_name,
            ESTIMAND_NAMES[ratio.estimand],
            estimate_text(ratio),
            interval_text(ratio.interval),
            _evidence(ratio),
            " ".join(str(texts.index(caution.text) + 1) for caution in ratio.cautions) or "none",
        )
        for ratio in shown
    )
    columns: tuple[str, ...] = (
        "Method",
        "Estimand",
        "Ratio",
        f"{percent(analysis.settings.level)} interval",
        "p, or P(ratio < 1)",
        "Cautions",
    )
    if analysis.unmerged is not None:
        columns, wider = with_unmerged(columns, rows, shown, analysis.unmerged)
        rows = tuple(wider)
    return Table(
        f"Rate ratio, {analysis.pair.comparator} / {analysis.pair.reference}",
        columns,
        rows,
        words=(1,),
        notes=(
            "p: two-sided p-value for a ratio of 1 that agrees with the interval (central for the exact methods). P: posterior probability.",
            *(f"Caution {number}: {text}." for number, text in enumerate(texts, start=1)),
        ),
    )


def _evidence(ratio: RateRatio) -> str:
    if ratio.p_value is not None:
        text = p_value_text(ratio.p_value, level=ratio.interval.level)
        return f"p {text}" if text[0] in "<>" else f"p = {text}"
    if ratio.probability_below_1 is None:
        return "neither is computed"
    text = probability_text(ratio.probability_below_1)
    return f"P {text}" if text[0] in "<>" else f"P = {text}"


def difference_tables(shown: Sequence[RateRatio], pair: Comparison) -> tuple[Table, ...]:
    """Return the table of differences per patient-year, in the direction that words give; none where no method has one."""
    known = [(ratio, ratio.rate_difference) for ratio in shown if ratio.rate_difference is not None]
    if not known:
        return ()
    rows = tuple(
        (
            METHODS[ratio.method].name,
            fewer_or_more(difference.estimate),
            difference_limits(difference.interval),
        )
        for ratio, difference in known
    )
    without = dict.fromkeys(METHODS[ratio.method].name for ratio in shown if ratio.rate_difference is None)
    notes = [
        "Pooled: all relapses over all years, score interval. Hierarchical: of a typical patient, credible interval."
    ]
    if without:
        notes.append(
            f"Without a difference: {'; '.join(without)}. The score interval is that of two Poisson totals"
            + (", and does not exist without relapses on one treatment" if shown[0].known_limit else "")
            + "; the other methods give a ratio only."
        )
    return (
        Table(
            f"Relapses per patient-year, fewer or more on {pair.comparator} than on {pair.reference}",
            ("Method", "Difference", f"{percent(known[0][1].interval.level)} interval"),
            rows,
            notes=tuple(notes),
        ),
    )


def _reading(analysis: Analysis) -> str:
    """Return which interval to read; where there is none, whether overdispersion can be judged."""
    text = recommended(
        analysis.rates, analysis.dispersion, pair=analysis.pair, likelihood=analysis.fit.model.likelihood
    ).text
    if text or analysis.dispersion.verdict != "not assessable":
        return text
    return (
        "Overdispersion within patients: not assessable, too few patients to judge "
        f"({analysis.dispersion.patients} with relapses; 10 are needed)."
    )


def _patient_picture(analysis: Analysis) -> Picture:
    from nmo_stats.figures import patient_ratios
    from nmo_stats.figures.patients import MOST_PATIENTS

    table = analysis.fit.patient_rate_ratios(analysis.settings.level)
    listed = "; ".join(
        f"patient {row['patient']} {significant(row['estimate'])} ({ratio_limits(row['low'], row['high'])}), observed "
        f"{_observed(row['observed'])}"
        for row in records(table.head(12))
    )
    return draw(
        "patients",
        partial(patient_ratios, analysis.fit, level=analysis.settings.level),
        1.0 + 0.36 * min(len(table), 40),
        caption="Each patient's ratio in the model (filled, with interval) and as observed (hollow; an arrow where it is 0 or infinite). The line and band are the typical patient's ratio and interval."
        + first_of(len(table), MOST_PATIENTS),
        alt=f"Rate ratio of each patient: {listed}.",
    )


def _patient_table(analysis: Analysis) -> Table:
    table = analysis.fit.patient_rate_ratios(analysis.settings.level)
    cautions = analysis.fit.rate_ratio_new_patient(analysis.settings.level)
    new = (
        "A new patient",
        "not yet seen",
        significant(cautions.estimate),
        interval_text(cautions.interval),
        probability_text(cautions.probability_below_1 or 0.0),  # it always has one
    )
    rows = tuple(
        (
            row["patient"],
            _observed(row["observed"]),
            significant(row["estimate"]),
            ratio_limits(row["low"], row["high"]),
            probability_text(row["probability_below_1"]),
        )
        for row in records(table)
    )
    confounded = tuple(
        f"{caution.text[:1].upper()}{caution.text[1:]}."
        for caution in cautions.cautions
        if caution.code == "confounded"
    )
    return Table(
        "Ratio of each patient, and of a patient not yet seen",
        ("Patient", "Observed", "Model", f"{percent(analysis.settings.level)} interval", "P(ratio < 1)"),
        (*rows, new),
        notes=confounded,
    )


def _observed(ratio: float) -> str:
    return "none (no relapse)" if math.isnan(ratio) else significant(ratio)
