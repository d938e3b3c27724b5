"""Sections on the rate ratio: all estimators, and each patient."""

from __future__ import annotations

import math
from functools import partial

from nmo_stats.analysis import Analysis, recommended
from nmo_stats.estimate import NO_INFORMATION, RateRatio
from nmo_stats.frames import records
from nmo_stats.report.blocks import Block, Bullets, Fold, Picture, Prose, Section, Table
from nmo_stats.report.drawing import draw, first_of
from nmo_stats.report.unmerged import with_unmerged
from nmo_stats.wording import (
    ESTIMAND_NAMES,
    METHOD_NAMES,
    counted,
    interval_text,
    p_value_text,
    percent,
    probability_text,
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
            *_differences(shown),
        )
    if analysis.rates.refusals:
        refused = tuple(
            f"{', '.join(METHOD_NAMES[method] for method in methods)}: {reason}."
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
    lowest, highest = table["estimate"].min(), table["estimate"].max()
    lead = (
        f"The model estimates the patients' own ratios between {significant(lowest, 2)} and {significant(highest, 2)}; "
        "each is drawn towards the others, the more so the fewer relapses it rests on."
        if len(table) > 1
        else f"With one patient the model's ratio is {significant(lowest, 2)}."
    )
    block: Block = _patient_table(analysis)
    if len(table) > _UNFOLDED_PATIENTS:
        block = Fold("Ratio of each patient", (block,))
    return Section("patients", "Each patient", lead, (_patient_picture(analysis), block))


def _estimators_lead(shown: list[RateRatio]) -> str:
    if not shown:
        return f"{NO_INFORMATION[:1].upper()}{NO_INFORMATION[1:]}."
    low, high = min(ratio.estimate for ratio in shown), max(ratio.estimate for ratio in shown)
    span = (
        f"are all {significant(low, 2)}"
        if significant(low, 2) == significant(high, 2)
        else f"run from {significant(low, 2)} to {significant(high, 2)}"
    )
    tops = [ratio.interval.high for ratio in shown]
    return f"The estimates {span}; the upper limits of their intervals from {significant(min(tops), 2)} to {significant(max(tops), 2)}."


def _forest(analysis: Analysis, shown: list[RateRatio]) -> Picture:
    from nmo_stats.figures.forest import forest, rows

    listed = "; ".join(f"{METHOD_NAMES[ratio.method]} {ratio_text(ratio)}" for ratio in shown)
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
        f"{analysis.pair.informative_patients} of {counted(len(analysis.pair.patients), 'patient')} had a relapse and so inform the within-patient ratio."
    )


def _estimates_table(analysis: Analysis, shown: list[RateRatio]) -> Table:
    texts = list(dict.fromkeys(caution.text for ratio in shown for caution in ratio.cautions))
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            METHOD_NAMES[ratio.method],
            ESTIMAND_NAMES[ratio.estimand],
            significant(ratio.estimate),
            interval_text(ratio.interval),
            _evidence(ratio),
            " ".join(str(texts.index(caution.text) + 1) for caution in ratio.cautions) or "–",
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
        text = p_value_text(ratio.p_value)
        return f"p {text}" if text.startswith("<") else f"p = {text}"
    probability = ratio.probability_below_1 if ratio.probability_below_1 is not None else math.nan
    text = probability_text(probability)
    return f"P {text}" if text[0] in "<>" else f"P = {text}"


def _differences(shown: list[RateRatio]) -> tuple[Table, ...]:
    rows = tuple(
        (
            METHOD_NAMES[ratio.method],
            significant(ratio.rate_difference.estimate),
            interval_text(ratio.rate_difference.interval),
        )
        for ratio in shown
        if ratio.rate_difference is not None
    )
    note = "Reference rate minus comparator rate. Pooled: score interval. Hierarchical: of a typical patient."
    table = Table(
        "Relapses per patient-year, difference", ("Method", "Difference", "Interval"), rows, notes=(note,)
    )
    return (table,) if rows else ()


def _reading(analysis: Analysis) -> str:
    """Return which interval to read; where there is none, whether overdispersion can be judged."""
    text = recommended(analysis.rates, analysis.dispersion).text
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
        f"patient {row['patient']} {significant(row['estimate'])} ({significant(row['low'])} to {significant(row['high'])}), observed {_observed(row['observed'])}"
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
        "–",
        significant(cautions.estimate),
        interval_text(cautions.interval),
        probability_text(cautions.probability_below_1 or 0.0),
    )
    rows = tuple(
        (
            row["patient"],
            _observed(row["observed"]),
            significant(row["estimate"]),
            f"{significant(row['low'])} to {significant(row['high'])}",
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
