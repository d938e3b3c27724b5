"""Results as the commands print them, in words and as JSON."""

from __future__ import annotations

from pathlib import Path

from nmo_stats.analysis import Analysis
from nmo_stats.cli.printing import say, say_table
from nmo_stats.cohort import Comparison
from nmo_stats.estimate import RateRatio
from nmo_stats.estimators.table import RateResults
from nmo_stats.estimators.within_patient import dispersion
from nmo_stats.hierarchical.model import Likelihood
from nmo_stats.names import ESTIMAND_NAMES, METHODS, SAMPLED
from nmo_stats.recommendation import recommended, typical_and_totals
from nmo_stats.report.bundle import unmerged_json
from nmo_stats.sections.estimates import difference_tables
from nmo_stats.sections.headline import NOT_AN_EFFECT, certainty, headline_cautions, sentence, withheld
from nmo_stats.sections.unmerged import with_unmerged
from nmo_stats.wording import (
    counted,
    estimate_text,
    interval_text,
    p_value_text,
    percent,
    probability_text,
    ratio_text,
    significant,
)

_NUTS = SAMPLED


def say_report(analysis: Analysis, path: Path) -> None:
    """Print the headline and where the report is."""
    ratio = analysis.headline
    if ratio is None:
        say(withheld(analysis))
    else:
        say(sentence(analysis.pair, analysis.rates, ratio, analysis.unmerged))
        _say_certainty(analysis.pair, analysis.rates, ratio)
    for found in analysis.failed_checks:
        say(f"failed: {found}; {found.advice}")
    for refusal in analysis.rates.refusals:
        if refusal.method == _NUTS and not refusal.failed:
            say(f"not run: {METHODS[_NUTS].name}: {refusal.reason}")
    say(NOT_AN_EFFECT)
    say(f"report: {path}")


def say_rates(
    pair: Comparison,
    found: RateResults,
    unmerged: RateResults | None = None,
    likelihood: Likelihood = "poisson",
) -> None:
    """Print what the data say, every estimate, beside it the one with no onsets merged if there is one, its cautions, every refusal."""
    (reference, comparator), (reference_years, comparator_years) = pair.totals, pair.total_years
    say(
        f"{pair.comparator} / {pair.reference}: {counted(len(pair.patients), 'patient')}, {counted(comparator, 'relapse')} in "
        f"{significant(comparator_years)} years / {counted(reference, 'relapse')} in {significant(reference_years)} years"
    )
    typical, _ = typical_and_totals(found)
    if typical is not None:
        say(sentence(pair, found, typical, unmerged))
        _say_certainty(pair, found, typical)
    shown = [ratio for ratio in found.estimates if ratio.informative]
    if shown:
        _say_estimates(pair, shown, unmerged)
    _say_without_number(found)
    reading = recommended(found, dispersion(pair), pair=pair, likelihood=likelihood).text
    if reading:
        say(reading)
    for notice in pair.notices:
        say(f"note: {notice.text}")
    say(NOT_AN_EFFECT)


def _say_estimates(pair: Comparison, shown: list[RateRatio], unmerged: RateResults | None) -> None:
    """Print the tables of ratios and of differences, and the cautions of both."""
    texts = list(dict.fromkeys(caution.text for ratio in shown for caution in ratio.cautions))
    level = f"{percent(shown[0].interval.level)} interval"
    columns: tuple[str, ...] = ("Method", "Estimand", "Ratio", level, "p", "P(ratio < 1)", "Cautions")
    rows = [_rate_row(ratio, texts) for ratio in shown]
    if unmerged is not None:
        columns, rows = with_unmerged(columns, rows, shown, unmerged)
    say_table(columns, rows, words=(0, 1))
    say("p: of the methods with confidence intervals; P: of the Bayesian ones.")
    for number, text in enumerate(texts, start=1):
        say(f"caution {number}: {text}")
    for table in difference_tables(shown, pair):
        say(f"{table.caption}:")
        say_table(table.columns, table.rows)
        for note in table.notes:
            say(note)


def _say_without_number(found: RateResults) -> None:
    for ratio in found.estimates:
        if not ratio.informative:
            say(f"{METHODS[ratio.method].name}: {ratio_text(ratio)}")
    failed = {refusal.reason for refusal in found.failed}
    for reason, methods in found.by_reason().items():
        names = "; ".join(METHODS[method].name for method in methods)
        kind = "failed" if reason in failed else "not run" if _NUTS in methods else "not identified"
        say(f"{kind}: {names}: {reason}")


def _say_certainty(pair: Comparison, found: RateResults, ratio: RateRatio) -> None:
    if ratio.informative:
        say(certainty(pair, found, ratio))
    for text in headline_cautions(ratio):
        say(text)


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
        METHODS[ratio.method].short_name,
        ESTIMAND_NAMES[ratio.estimand],
        estimate_text(ratio),
        interval_text(ratio.interval),
        "" if ratio.p_value is None else p_value_text(ratio.p_value, level=ratio.interval.level),
        "" if ratio.probability_below_1 is None else probability_text(ratio.probability_below_1),
        " ".join(str(texts.index(caution.text) + 1) for caution in ratio.cautions) or "none",
    )
