"""Results as the commands print them, in words and as JSON."""

from __future__ import annotations

from pathlib import Path

from nmo_stats.analysis import Analysis, recommended
from nmo_stats.cli.printing import say, say_table
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators import RateResults
from nmo_stats.report.bundle import unmerged_json
from nmo_stats.report.headline import NOT_AN_EFFECT, sentence, withheld
from nmo_stats.report.unmerged import with_unmerged
from nmo_stats.within_patient import dispersion
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


def say_report(analysis: Analysis, path: Path) -> None:
    """Print the headline and where the report is."""
    ratio = analysis.headline
    say(withheld(analysis) if ratio is None else sentence(analysis, ratio))
    for found in analysis.failed_checks:
        say(f"failed: {found.name} is {found.value:.4g}, limit {found.limit:g}; {found.advice}")
    say(NOT_AN_EFFECT)
    say(f"report: {path}")


def say_rates(pair: Comparison, found: RateResults, unmerged: RateResults | None = None) -> None:
    """Print every estimate, beside it the one with no onsets merged if it is given, its cautions, and every refusal."""
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    say(
        f"{pair.comparator} / {pair.reference}: {counted(len(pair.patients), 'patient')}, {counted(comparator, 'relapse')} in "
        f"{significant(comparator_years)} years / {counted(reference, 'relapse')} in {significant(reference_years)} years"
    )
    shown = [ratio for ratio in found.estimates if ratio.informative]
    if shown:
        _say_estimates(shown, unmerged)
    for ratio in found.estimates:
        if not ratio.informative:
            say(f"{METHOD_NAMES[ratio.method]}: {ratio_text(ratio)}")
    failed = {refusal.reason for refusal in found.failed}
    for reason, methods in found.by_reason().items():
        names = "; ".join(METHOD_NAMES[method] for method in methods)
        say(f"{'failed' if reason in failed else 'not identified'}: {names}: {reason}")
    reading = recommended(found, dispersion(pair)).text
    if reading:
        say(reading)
    for notice in pair.notices:
        say(f"note: {notice.text}")
    say(NOT_AN_EFFECT)


def _say_estimates(shown: list[RateRatio], unmerged: RateResults | None) -> None:
    texts = list(dict.fromkeys(caution.text for ratio in shown for caution in ratio.cautions))
    columns: tuple[str, ...] = (
        "Method",
        "Estimand",
        "Ratio",
        f"{percent(shown[0].interval.level)} interval",
        "p",
        "P(ratio < 1)",
        "Cautions",
    )
    rows = [_rate_row(ratio, texts) for ratio in shown]
    if unmerged is not None:
        columns, rows = with_unmerged(columns, rows, shown, unmerged)
    say_table(columns, rows, words=(0, 1))
    for number, text in enumerate(texts, start=1):
        say(f"caution {number}: {text}")


def rates_json(
    pair: Comparison, found: RateResults, unmerged: RateResults | None = None
) -> dict[str, object]:
    """Return the ``rates`` document."""
    return {
        "schema": 1,
        "comparator": pair.comparator,
        "reference": pair.reference,
        "estimates": [ratio.to_dict() for ratio in found.estimates],
        "not_identified": [refusal.to_dict() for refusal in found.refusals],
        "patients": len(pair.patients),
        "informative_patients": pair.informative_patients,
        "relapses": list(pair.totals),
        "years": list(pair.total_years),
        "unmerged": unmerged_json(pair, unmerged),
        "recommended": recommended(found, dispersion(pair)).method,
        "notices": [notice.to_dict() for notice in pair.notices],
    }


def _rate_row(ratio: RateRatio, texts: list[str]) -> tuple[str, ...]:
    return (
        METHOD_NAMES[ratio.method],
        ESTIMAND_NAMES[ratio.estimand],
        significant(ratio.estimate),
        interval_text(ratio.interval),
        "" if ratio.p_value is None else p_value_text(ratio.p_value),
        "" if ratio.probability_below_1 is None else probability_text(ratio.probability_below_1),
        " ".join(str(texts.index(caution.text) + 1) for caution in ratio.cautions),
    )
